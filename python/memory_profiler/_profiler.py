"""LineProfiler: which functions are measured and the tables of what they did."""

from __future__ import annotations

import sys

from memory_profiler import _core
from memory_profiler._backends import Blind, make_tracer, why_unreadable
from memory_profiler._results import Results, function_result
from memory_profiler._wrap import (
    Call,
    code_of,
    innermost,
    suspends,
    wrap_any,
    wrap_calls,
)

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import CodeType
    from typing import Any

    from memory_profiler._codemap import CodeMap


class Counted(Call):
    """A call that one tracer counts."""

    def __init__(self, tracer: _core.Tracer | Blind) -> None:
        self.enter = tracer.enter  # type: ignore[method-assign]
        self.leave = tracer.leave  # type: ignore[method-assign]


class LineProfiler:
    """Measures the lines of the functions that are added to it.

    Args:
        include_children: adds the memory of child processes.
        backend: a name of `memory_profiler.choose_backend`.
        max_mem: MiB; a line that brings memory over it enters the debugger.
        peak: measures each line's high-water mark too (RSS, without children).
        heap: counts what Python's allocators handed out and got back at each line too.

    Attributes:
        results: the tables so far, as `Results`; bytes.
        backend: the name that was given.
        enable_count: how often `enable_by_count` was called without `disable_by_count`.

    Raises:
        KeyError: an unknown backend. TypeError: an unknown keyword.
        ValueError: `peak` or `heap` with a backend that cannot have it.
        NotImplementedError: `heap` without the C core.

    Source of the figure: see `profile`.

    >>> prof = LineProfiler()
    >>> def fill():
    ...     return bytearray(10)
    >>> len(prof(fill)())
    10
    >>> prof.results["fill"].lines[2].occurrences
    1
    """

    def __init__(
        self,
        *,
        include_children: bool = False,
        backend: str = "psutil",
        max_mem: float | None = None,
        peak: bool = False,
        heap: bool = False,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise TypeError(
                f"LineProfiler() got an unexpected keyword: {sorted(unknown)[0]!r}"
            )
        self.include_children = include_children
        self.backend = backend
        self.enable_count = 0
        #: the classic's notes of its trace function; nothing is kept in them
        self.prevlines: list[int] = []
        self.prev_lineno: int | None = None
        self._enabled = False
        self._tracer: _core.Tracer | Blind
        try:
            self._tracer = make_tracer(backend, include_children, peak, heap)
        except OSError as error:
            self._tracer = Blind()
            _warn_once(why_unreadable(error))
        self._peaks, self._heap = peak, heap
        self._call = Counted(self._tracer)
        self.max_mem = max_mem
        if max_mem is not None:
            from memory_profiler._debugger import MIB, Breaker

            self._tracer.limit(int(max_mem * MIB), Breaker(max_mem))
        self._globals: dict[CodeType, dict[str, Any]] = {}

    def __call__(self, func: Any = None, precision: int = 1, **options: Any) -> Any:
        """Decorates a function: adds it and returns a wrapper that counts its calls.

        `precision` and other options of `profile` are accepted; the profiler's own hold.
        """
        if func is None:
            return self
        return wrap_any(func, self.wrap_function)

    def add_function(self, func: Any) -> None:
        """Adds the code of a function (and what is nested in it) to what is measured."""
        code = code_of(func)
        if code is None:
            import warnings

            warnings.warn(
                f"Could not extract a code object for the object {func!r}", stacklevel=2
            )
            return
        self._add_code(code, getattr(innermost(func), "__globals__", {}))

    def _add_code(
        self, code: CodeType, names: dict[str, Any], always: bool = False
    ) -> None:
        try:
            self._tracer.add(code, always)
        except (RuntimeError, ValueError) as error:  # no monitoring tool id is ours
            _warn_once(str(error))
        self._globals[code] = names

    def wrap_function(self, func: Any) -> Any:
        """A function of the same kind whose calls are counted.

        Generators and coroutines come back as they are: their code is counted whenever it
        runs, whoever resumes it.
        """
        code = code_of(func)
        if code is None:
            return func
        later = suspends(func)
        self._add_code(code, getattr(innermost(func), "__globals__", {}), always=later)
        if later:
            return func
        return wrap_calls(func, lambda: self._call)

    def runctx(
        self, cmd: str, globals: dict[str, Any], locals: dict[str, Any]
    ) -> LineProfiler:
        """Runs a statement with counting on; returns the profiler."""
        with self:
            exec(cmd, globals, locals)
        return self

    def run(self, cmd: str) -> LineProfiler:
        """Runs a statement in the namespace of `__main__`."""
        names = vars(sys.modules["__main__"])
        return self.runctx(cmd, names, names)

    def enable_by_count(self) -> None:
        """Counts from here on; nests."""
        self.enable_count += 1
        self._tracer.enter()

    def disable_by_count(self) -> None:
        """Undoes one `enable_by_count`."""
        if self.enable_count > 0:
            self.enable_count -= 1
            self._tracer.leave()

    def enable(self) -> None:
        """Counts from here on; does not nest."""
        if not self._enabled:
            self._enabled = True
            self._tracer.enter()

    def disable(self) -> None:
        """Undoes `enable`."""
        if self._enabled:
            self._enabled = False
            self._tracer.leave()

    def trace_memory_usage(self, frame: Any, event: str, arg: Any) -> Any:
        """A trace function for `sys.settrace` that changes nothing: lines are counted by the
        core whenever the profiler is enabled."""
        return self.trace_memory_usage

    trace_max_mem = trace_memory_usage

    def __enter__(self) -> LineProfiler:
        self.enable_by_count()
        return self

    def __exit__(self, *exc: object) -> None:
        self.disable_by_count()

    def timestamp(self, name: str = "<block>") -> AbstractContextManager[None]:
        """Names a span for the timeline; nothing to record while lines are measured."""
        from contextlib import nullcontext

        return nullcontext()

    def _functions_that_ran(self) -> list[tuple[CodeType, dict[str, Any]]]:
        return [
            (code, self._globals.get(code, {}))
            for code, _, cells in self._tracer.tables()
            if cells
        ]

    @property
    def code_map(self) -> CodeMap:
        """What was measured so far as {code: {line: (increment, memory, occurrences)}}, MiB."""
        from memory_profiler._codemap import code_map_of

        return code_map_of(self._tracer.tables(), self.include_children, self.backend)

    @property
    def results(self) -> Results:
        """The functions that were entered, in the order they were added."""
        return Results(
            [
                function_result(
                    code, self._globals.get(code, {}), baseline, cells, self._heap
                )
                for code, baseline, cells in self._tracer.tables()
                if cells
            ],
            self.backend,
            self._peaks,
            self._heap,
        )


_warned: set[str] = set()


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        import warnings

        warnings.warn(message, RuntimeWarning, stacklevel=4)
