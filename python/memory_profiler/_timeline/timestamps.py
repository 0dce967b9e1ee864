"""When functions begin and end, and the memory at each: the spans of a timeline."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time

from memory_profiler import _core, _lost
from memory_profiler._backends import make_reader
from memory_profiler._calls.travel import Begin, profiler_there, revived
from memory_profiler._calls.wrap import Call, innermost, wrap_any, wrap_calls
from memory_profiler._report.results import Results
from memory_profiler._report.write import write_text

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType
    from typing import IO, Any

MIB = 2**20

Point = tuple[float, float]
"""(MiB, unix time)."""


class _TimeStamperCM:
    """A block of the timeline: `with profile.timestamp("load"):`."""

    def __init__(self, timestamper: TimeStamper, name: str) -> None:
        self.timestamper, self.name = timestamper, name
        self.open: list[_Span] = []

    def __enter__(self) -> None:
        span = _Span(self.timestamper, f".{self.name}", self.name)
        span.enter()
        self.open.append(span)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        span = self.open.pop()
        span.leave()
        span.end()


class _Levels(threading.local):
    """How deep this thread is in timed functions; 0: in none."""

    depth = 0


class _Span(Call):
    """One call of a function: from its first piece to its end, at the level it began."""

    ends = True

    def __init__(self, owner: TimeStamper, name: str, key: Any) -> None:
        self.owner, self.name, self.key = owner, name, key
        self.close: Callable[[], None] | None = None

    def enter(self) -> None:
        levels = self.owner._levels
        if self.close is None:
            self.close = _not_recorded
            try:
                self.close = self.owner._open(self.name, self.key, levels.depth)
            except Exception as error:
                self.owner._lose(error, 2)
        levels.depth += 1

    def leave(self) -> None:
        self.owner._levels.depth -= 1

    def end(self) -> None:
        if self.close is not None:
            try:
                self.close()
            except Exception as error:
                self.owner._lose(error, 1)


def _not_recorded() -> None:
    """The end of a call whose begin is not known."""


class SpanBegin(Begin):
    """Begins the calls of a function that is recorded."""

    __slots__ = ("key", "name")

    def __init__(self, owner: TimeStamper, func: Any) -> None:
        super().__init__(owner, func)
        self.name = ""
        self.key: Any = None

    def __call__(self) -> Call:
        if not self.name:
            self.name = name_of(self.func)
            if self.key is None:  # unpickled, each time another object
                self.key = self.name
                self.owner._add(self.key, self.name)
        return _Span(self.owner, self.name, self.key)


def name_of(func: Any) -> str:
    """Of a function's records."""
    inner = innermost(func)
    module = getattr(inner, "__module__", None) or "__main__"
    name = f"{module}.{getattr(inner, '__qualname__', repr(inner))}"
    return name.replace(".<locals>", "")


class TimeStamper(_core.Block):
    """Records when the functions it wraps begin and end, with the memory at each.

    Under `mprof run` each begin and end goes to the run's file as it happens; otherwise the
    records are kept here and `show_results` prints them.

    Args:
        backend: a name of `memory_profiler.choose_backend`.
        include_children: adds the memory of child processes.

    Attributes:
        functions: {function: [[(MiB, unix time), (MiB, unix time)], ...]}, a pair a call.
        stack: {function: [level, ...]}, 0 for the outermost, one for each call.
        enabled: False: what is decorated comes back as it is.

    Raises:
        KeyError: an unknown backend. ValueError: what is decorated cannot be called.

    Source of the figure: /proc/self/statm (other backends: see `choose_backend`).

    >>> stamps = TimeStamper("psutil")
    >>> with stamps.timestamp("load"):
    ...     pass
    >>> (begin, end), = stamps.functions["load"]
    >>> begin[0] > 0 and end[1] >= begin[1]
    True
    """

    enabled = True

    #: where this is the run's: what another process calls to have it too
    arrive: Callable[[], Any] | None = None

    def __init__(self, backend: str = "psutil", include_children: bool = False) -> None:
        self.backend, self.include_children = backend, include_children
        self.functions: dict[Any, list[list[Point]]] = {}
        self.stack: dict[Any, list[int]] = {}
        self._names: dict[Any, str] = {}
        self._levels = _Levels()
        self._memory = make_reader(backend, include_children)
        self._recorder = _recorder()
        try:
            self._memory()  # while there are descriptors
        except OSError:
            pass

    @property
    def current_stack_level(self) -> int:
        """The level of the innermost open span of this thread; -1: none is open."""
        return self._levels.depth - 1

    @property
    def results(self) -> Results:
        """No lines are measured."""
        return Results()

    def __call__(
        self, func: Any = None, precision: int | None = None, **options: Any
    ) -> Any:
        """Decorates a function. Raises ValueError when it cannot be called."""
        if func is None:
            return self
        if not callable(func) and not hasattr(func, "__get__"):
            raise ValueError("Value must be callable")
        if not self.enabled:
            return func
        return wrap_any(func, self.wrap_function)

    def timestamp(self, name: str = "<block>") -> _TimeStamperCM:
        """A context manager that records a span with a label, any text."""
        self._add(name, f".{name}")
        return _TimeStamperCM(self, name)

    block = timestamp

    def _begin(self, code: CodeType, names: dict[str, Any], line: int) -> _Span | None:
        """Of `with profile:`, the classic's way to count what is in it."""
        if not self.enabled:
            return None
        self._add("<block>", ".<block>")
        span = _Span(self, ".<block>", "<block>")
        span.enter()
        return span

    def _end(self, code: CodeType, span: _Span) -> None:
        span.leave()
        span.end()

    def add_function(self, func: Any) -> None:
        """Prepares the records of a function. Raises ValueError when it is not callable."""
        if not callable(func):
            raise ValueError("Value must be callable")
        self._add(func, name_of(func))

    def adopt(self, func: Any) -> None:
        """Nothing to prepare: a function that was unpickled is known by its name."""

    def begin_for(self, func: Any) -> SpanBegin:
        """What a wrapper that was unpickled calls: records the function's calls here."""
        return SpanBegin(self, func)

    def __reduce__(self) -> tuple[Any, ...]:
        """Elsewhere it records what is run there: under `mprof run -C`, for the same file."""
        if self.arrive is not None:
            return self.arrive, ()
        options = {"backend": self.backend, "include_children": self.include_children}
        return profiler_there, (revived.name(self), TimeStamper, options)

    def _add(self, key: Any, name: str) -> None:
        self.functions.setdefault(key, [])
        self.stack.setdefault(key, [])
        self._names[key] = name.replace(".<locals>", "")

    def wrap_function(self, func: Any) -> Any:
        """A function of the same kind whose calls are recorded."""
        self.add_function(func)
        begin = SpanBegin(self, func)
        begin.key = func
        return wrap_calls(func, begin)

    def call_on_stack(self, func: Any, *args: Any, **kwds: Any) -> Any:
        """Calls a function and records the call."""
        self.add_function(func)
        return wrap_calls(func, lambda: _Span(self, self._names[func], func))(*args, **kwds)

    @property
    def records_to_run(self) -> bool:
        """Whether records go to the file of `mprof run` as they happen."""
        return self._recorder is not None

    def _open(self, name: str, key: Any, level: int) -> Callable[[], None]:
        """Records a begin; the result records the end."""
        if self._recorder is not None:
            recorder, memory = self._recorder, self._memory
            token = recorder.enter(name, level, memory())

            def end() -> None:
                lost = recorder.leave(token, memory())
                if lost:
                    _lost.count("function records", os.strerror(lost[1]), lost[0])

            return end
        begin: Point = (self._memory() / MIB, time.time())
        calls, levels = self.functions[key], self.stack[key]

        def close() -> None:
            calls.append([begin, (self._memory() / MIB, time.time())])
            levels.append(level)

        return close

    def _lose(self, error: Exception, records: int) -> None:
        """Counts the records of a call where `mprof run` finds them, however this process ends;
        else where they are told of at the end."""
        why = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", 0)
        recorder = self._recorder if why and _lost.is_own(error) else None
        if recorder is None or not recorder.lose(records, why):
            _lost.lose("calls", error)

    def show_results(self, stream: IO[str] | None = None) -> None:
        """Prints a FUNC line for each call: name, MiB and time at begin and end, level."""
        stream = sys.stdout if stream is None else stream
        for key, calls in self.functions.items():
            name = _core.record_name(self._names[key])
            for (begin, end), level in zip(calls, self.stack[key], strict=True):
                write_text(
                    stream,
                    f"FUNC {name} {begin[0]:.4f} {begin[1]:.4f} {end[0]:.4f} {end[1]:.4f} "
                    f"{level}\n",
                )


def _recorder() -> _core.Calls | None:
    """Where records go as they happen; None outside of `mprof run`."""
    try:
        return _core.Calls()
    except OSError:
        return None
