"""The imported decorator: one table for each call, printed when the call returns."""

from __future__ import annotations

import sys

from memory_profiler import _core
from memory_profiler._profiler import Counted, LineProfiler
from memory_profiler._report import check_precision, write_table
from memory_profiler._wrap import wrap_any, wrap_calls

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    from memory_profiler._results import Results


def _aside(work: Callable[..., Any], *args: Any) -> Any:
    """What `work` returns; what it allocates is on no line of a caller that counts."""
    was = _core.set_aside(True)
    try:
        return work(*args)
    finally:
        _core.set_aside(was)


class _Reported(Counted):
    """One call with a profiler of its own."""

    def __init__(self, func: Any, options: _Options) -> None:
        self.options = options
        self.profiler = options.make_profiler()
        self.profiler.add_function(func)
        super().__init__(self.profiler._tracer)

    def finish(self) -> None:
        _aside(_Reported._report, self)

    def _report(self) -> None:
        results, stream = self.profiler.results, self.options.stream
        self.options.results.update(results)
        write_table(
            sys.stdout if stream is None else stream, results, self.options.precision
        )


class _Options:
    def __init__(
        self,
        stream: IO[str] | None,
        precision: int,
        backend: str,
        children: bool,
        heap: bool,
        results: Results,
    ) -> None:
        self.stream, self.precision, self.results = (
            stream,
            check_precision(precision),
            results,
        )
        self.backend, self.children, self.heap = backend, children, heap
        #: keeps the code objects instrumented between calls
        self.keeper = self.make_profiler()

    def make_profiler(self) -> LineProfiler:
        return LineProfiler(
            backend=self.backend, include_children=self.children, heap=self.heap
        )


def profile_calls(
    target: Any,
    stream: IO[str] | None,
    precision: int,
    backend: str,
    include_children: bool,
    heap: bool,
    results: Results,
) -> Any:
    """Wraps a function, or the functions in a descriptor or class, to report each call."""
    # what reports need is loaded now, not by the first report into the line that called it
    import inspect  # noqa: F401
    import linecache  # noqa: F401

    options = _Options(stream, precision, backend, include_children, heap, results)

    def wrap(func: Any) -> Any:
        options.keeper.add_function(func)
        return wrap_calls(func, lambda: _aside(_Reported, func, options))

    return wrap_any(target, wrap)
