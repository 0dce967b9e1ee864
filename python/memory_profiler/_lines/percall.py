"""The imported decorator: one table for each call, printed when the call returns."""

from __future__ import annotations

import sys

from memory_profiler import _core, _lost
from memory_profiler._calls.travel import Begin, restore
from memory_profiler._calls.wrap import Call, wrap_any, wrap_calls
from memory_profiler._lines.profiler import Counted, LineProfiler
from memory_profiler._report.write import check_precision, deliver, write_table, write_text
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    from memory_profiler._report.results import Results


def _aside(work: Callable[..., Any], *args: Any) -> Any:
    """What `work` returns; what it allocates is on no line of a caller that counts."""
    was = _core.set_aside(True)
    try:
        return work(*args)
    finally:
        _core.set_aside(was)


class _Reported(Counted):
    """One call with a profiler of its own."""

    def __init__(self, func: Any, options: Options) -> None:
        self.options = options
        self.profiler = options.make_profiler()
        self.profiler.add_function(func)
        super().__init__(self.profiler._tracer)

    ends = True

    def end(self) -> None:
        """Also after a call that raised, but not of one that the interpreter's end cut off."""
        if self.is_over():
            return
        try:
            _aside(_Reported._report, self)
        except Exception as error:
            _lost.lose("tables", error)

    def _report(self) -> None:
        results, options = self.profiler.results, self.options
        options.owner.own_results.update(results)
        stream = sys.stdout if options.stream is None else options.stream.get()
        deliver(lambda into: _write(into, results, options.precision), stream)


def _write(stream: IO[str], results: Results, precision: int) -> None:
    """Into a file all at once: several processes write there. Other streams hear it piece by
    piece, as from the classic."""
    import io

    if not isinstance(stream, io.TextIOWrapper):
        write_table(stream, results, precision)
        return
    text = io.StringIO()
    write_table(text, results, precision)
    write_text(stream, text.getvalue())


class Stream:
    """Where tables go: an object that writes. Sent to another process, one of a file there is
    appended to, another is sent itself."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def get(self) -> IO[str]:
        return self.stream

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        name = getattr(self.stream, "name", None)
        for known in ("stdout", "stderr"):
            if self.stream is getattr(sys, known):
                return _stream_there, (known, None)
        if isinstance(name, str) and hasattr(self.stream, "fileno"):
            encoding = getattr(self.stream, "encoding", None)
            return _stream_there, (os.path.abspath(name), encoding)
        return Stream, (self.stream,)


def _stream_there(name: str, encoding: str | None) -> Stream:
    if name in ("stdout", "stderr"):
        return Stream(getattr(sys, name))
    if name not in _opened:
        file = open(name, "a", encoding=encoding, buffering=1)  # noqa: SIM115 kept open
        _opened[name] = Stream(file)
    return _opened[name]


_opened: dict[str, Stream] = {}


class _Begin(Begin):
    """Begins the calls of a function that is reported call by call."""

    __slots__ = ()

    def __call__(self) -> Call:
        if self.call is None:
            self.prepare()
        call: Call = self.owner.call(self.func)
        return call

    def prepare(self) -> None:
        """Keeps the function's code prepared between calls."""
        restore(self.func, self.filename)
        self.owner.keeper.add_function(self.func)
        self.call = _PREPARED


_PREPARED = Call()


class Options:
    """How calls are reported. What is decorated with them stays prepared between calls."""

    def __init__(
        self,
        stream: Stream | None,
        precision: int,
        backend: str,
        children: bool,
        heap: bool,
        peak: bool,
        owner: Any,
    ) -> None:
        self.stream, self.precision = stream, check_precision(precision)
        self.owner = owner  #: the imported `profile`, whose results they are
        self.backend, self.children = backend, children
        self.heap, self.peak = heap, peak
        #: keeps the code objects instrumented between calls
        self.keeper = self.make_profiler()

    def make_profiler(self) -> LineProfiler:
        return LineProfiler(
            backend=self.backend,
            include_children=self.children,
            heap=self.heap,
            peak=self.peak,
        )

    def call(self, func: Any) -> Call:
        """A call of a function, to be reported."""
        reported: Call = _aside(_Reported, func, self)
        return reported

    def begin_for(self, func: Any) -> Begin:
        """How its calls begin in this process: in a run's first, the run counts them."""
        begin = getattr(self.owner.run_profiler, "begin_imported", None)
        if begin is not None and self.stream is None:
            begun: Begin = begin(func, self)
            return begun
        return _Begin(self, func)

    def __reduce__(self) -> tuple[Any, ...]:
        return _options_there, (
            self.stream, self.precision, self.backend, self.children, self.heap, self.peak,
            self.owner,
        )  # fmt: skip


def _options_there(*options: Any) -> Options:
    _load()
    return Options(*options)


def _load() -> None:
    """What reports need is loaded now, not by the first report into the line that called it."""
    with standard:
        import inspect  # noqa: F401
        import linecache  # noqa: F401


wraps_any = False  #: whether a function was decorated to report each of its calls


def profile_calls(
    target: Any,
    stream: IO[str] | None,
    precision: int,
    backend: str,
    include_children: bool,
    heap: bool,
    peak: bool,
    owner: Any,
) -> Any:
    """Wraps a function, or the functions in a descriptor or class, to report each call."""
    _load()
    where = None if stream is None else Stream(stream)
    options = Options(where, precision, backend, include_children, heap, peak, owner)

    def wrap(func: Any) -> Any:
        global wraps_any
        wraps_any = True
        begin = options.begin_for(func)
        begin.prepare()
        return wrap_calls(func, begin)

    return wrap_any(target, wrap)
