"""LineProfiler: which functions are measured and the tables of what they did."""

from __future__ import annotations

import os
import sys

from memory_profiler import _core, _lost
from memory_profiler._backends import Blind, make_tracer, why_unreadable
from memory_profiler._calls.travel import (
    Begin,
    is_dynamic,
    mark,
    profiler_there,
    restore,
    revived,
)
from memory_profiler._calls.wrap import (
    Call,
    code_of,
    innermost,
    suspends,
    wrap_any,
    wrap_calls,
)
from memory_profiler._lines.family import Named, Table
from memory_profiler._report.results import Results, block_result, function_result
from memory_profiler._report.sources import Sources
from memory_profiler._say import warn

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import CodeType
    from typing import Any

    from memory_profiler._report.codemap import CodeMap

    #: What `with` statements at one place feed: the tracer, the code and its globals.
    Site = tuple[_core.Tracer, CodeType, dict[str, Any]]


SUSPENDS = 0x20 | 0x80 | 0x200  # co_flags: generators, coroutines, asynchronous generators


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
        types: says of which type most grew at each line too.

    Attributes:
        results: the tables so far, as `Results`; bytes.
        backend: the name that was given.
        enabled: False: what is decorated comes back as it is.
        enable_count: how often `enable_by_count` was called without `disable_by_count`.

    Raises:
        KeyError: an unknown backend. TypeError: an unknown keyword.
        ValueError: `peak`, `heap` or `types` with a backend that cannot have it.
        NotImplementedError: `heap`, `types` or `peak` without the C core.

    Source of the figure: see `profile`.

    >>> prof = LineProfiler()
    >>> def fill():
    ...     return bytearray(10)
    >>> len(prof(fill)())
    10
    >>> prof.results["fill"].lines[2].occurrences
    1
    """

    enabled = True

    def __init__(
        self,
        *,
        include_children: bool = False,
        backend: str = "psutil",
        max_mem: float | None = None,
        peak: bool = False,
        heap: bool = False,
        types: bool = False,
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
            self._tracer = make_tracer(backend, include_children, peak, heap, types)
        except OSError as error:
            self._tracer = Blind()
            _warn_once(why_unreadable(error))
        except MemoryError as error:
            self._tracer = Blind()
            _lost.lose("profilers", error)
        self._peaks, self._heap, self._types = peak, heap, types
        self._failed = 0  # readings that were told of
        self._call = Counted(self._tracer)
        self.max_mem = max_mem
        if max_mem is not None:
            from memory_profiler._lines.debugger import MIB, Breaker

            self._tracer.limit(int(max_mem * MIB), Breaker(max_mem))
        self._globals: dict[CodeType, dict[str, Any]] = {}
        self._blocks: dict[tuple[int, int, str], Site] = {}
        self._known: dict[tuple[str, CodeType], CodeType] = {}

    def __call__(self, func: Any = None, precision: int = 1, **options: Any) -> Any:
        """Decorates a function: adds it and returns a wrapper that counts its calls.

        `precision` and other options of `profile` are accepted; the profiler's own hold.
        """
        if func is None:
            return self
        if not self.enabled:
            return func
        return wrap_any(func, self.wrap_function)

    def add_function(self, func: Any) -> None:
        """Adds the code of a function (and what is nested in it) to what is measured."""
        code = code_of(func)
        if code is None:
            warn(f"Could not extract a code object for the object {func!r}")
            return
        self._add_code(code, getattr(innermost(func), "__globals__", {}))

    def _add_code(
        self, code: CodeType, names: dict[str, Any], always: bool = False
    ) -> None:
        try:
            self._tracer.add(code, always)
        except (RuntimeError, ValueError) as error:  # no monitoring tool id is ours
            _warn_once(str(error))
        except (MemoryError, OSError) as error:
            _lost.lose("functions", error)
        self._globals[code] = names
        self._known[os.path.abspath(code.co_filename), code] = code

    def adopt(self, func: Any) -> Call:
        """Adds a function that was unpickled, each time with code of its own: equal code, of
        the same place, feeds one table."""
        func = innermost(func)
        code = func.__code__
        known = self._known.get((os.path.abspath(code.co_filename), code))
        if known is None:
            self._add_code(code, func.__globals__, always=suspends(func))
        elif known is not code:
            func.__code__ = known
        return self._call

    def begin_for(self, func: Any) -> Begin:
        """What a wrapper that was unpickled calls: counts the function's calls here."""
        return Begin(self, func)

    def _options(self) -> dict[str, Any]:
        return {
            "include_children": self.include_children, "backend": self.backend,
            "max_mem": self.max_mem, "peak": self._peaks, "heap": self._heap,
            "types": self._types,
        }  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        """Elsewhere it is a profiler of the same options, which measures what is run there."""
        return profiler_there, (revived.name(self), LineProfiler, self._options())

    def wrap_function(self, func: Any) -> Any:
        """A function of the same kind whose calls are counted.

        Generators and coroutines come back as they are: their code is counted whenever it
        runs, whoever resumes it.
        """
        code = code_of(func)
        if code is None:
            return func
        later = suspends(func)
        if is_dynamic(code):
            restore(func, None)
            self.adopt(func)
            code = code_of(func) or code
        self._add_code(code, getattr(innermost(func), "__globals__", {}), always=later)
        if later:
            mark(self, func)
            return func
        return wrap_calls(func, Begin(self, func))

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

    def _enter(self) -> bool:
        """Counts on this thread from here on; False where there is no room for that."""
        try:
            self._tracer.enter()
        except MemoryError as error:
            _lost.lose("blocks", error)
            return False
        return True

    def enable_by_count(self) -> None:
        """Counts from here on; nests."""
        if self._enter():
            self.enable_count += 1

    def disable_by_count(self) -> None:
        """Undoes one `enable_by_count`."""
        if self.enable_count > 0:
            self.enable_count -= 1
            self._tracer.leave()

    def enable(self) -> None:
        """Counts from here on; does not nest."""
        if not self._enabled:
            self._enabled = self._enter()

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

    def block(self, name: str = "<block>") -> AbstractContextManager[object]:
        """A context manager that measures the lines of the frame that enters it, until the end
        of the `with`; `results[name]` has them. What is decorated is measured as always."""
        return NamedBlock(self, name)

    def _tracer_of_block(
        self, code: CodeType, names: dict[str, Any], line: int, name: str
    ) -> _core.Tracer | None:
        """Where a block at this line counts; None, once with a warning, where none can."""
        if not self.enabled or not hasattr(self._tracer, "add_block"):
            return None
        if names.get("__name__") == "contextlib":
            _warn_once("a block that contextlib enters (ExitStack) has no lines to measure: "
                       "write `with profile.block():` itself")  # fmt: skip
            return None
        key = id(code), line, name
        if key not in self._blocks:
            try:
                tracer = make_tracer(
                    self.backend, self.include_children, self._peaks, self._heap
                )
                tracer.add_block(code, line)
            except (RuntimeError, ValueError) as error:  # no monitoring tool id is ours
                _warn_once(str(error))
                return None
            except (MemoryError, OSError) as error:
                _lost.lose("blocks", error)
                return None
            self._blocks[key] = tracer, code, names
        return self._blocks[key][0]

    def _begin(self, code: CodeType, names: dict[str, Any], line: int) -> Any:
        """Of `with profile:` in a run: a block, and calls of what was added are counted."""
        tracer = self._tracer_of_block(code, names, line, "<block>")
        if tracer is not None and not code.co_flags & SUSPENDS:
            self.enable_by_count()
        return tracer

    def _end(self, code: CodeType, tracer: Any) -> None:
        if not code.co_flags & SUSPENDS:
            self.disable_by_count()

    def timestamp(self, name: str = "<block>") -> AbstractContextManager[None]:
        """Names a span for the timeline; nothing to record while lines are measured."""
        return _lost.Nothing()

    @property
    def knows_any(self) -> bool:
        """Whether anything was added to it."""
        return bool(self._globals or self._blocks)

    def _functions_that_ran(self) -> list[tuple[CodeType | Named, dict[str, Any]]]:
        return [
            (table.code, self._names(table.code)) for table in self._tables() if table.cells
        ]

    def _names(self, code: CodeType | Named) -> dict[str, Any]:
        return self._globals.get(code, {})  # type: ignore[arg-type]

    def _tables(self) -> list[Table]:
        """What was measured, as far as this process knows."""
        return [Table(*table) for table in self._tracer.tables()]

    @property
    def code_map(self) -> CodeMap:
        """What was measured so far as {code: {line: (increment, memory, occurrences)}}, MiB."""
        from memory_profiler._report.codemap import code_map_of

        return code_map_of(self._tracer.tables(), self.include_children, self.backend)

    def _tell_failed(self) -> None:
        failed = getattr(self._tracer, "failed", 0)
        if failed > self._failed:
            _lost.count("readings", "memory cannot be read any more", failed - self._failed)
            self._failed = failed

    @property
    def results(self) -> Results:
        """The functions that were entered, in the order they were added."""
        sources, heap = Sources(), self._heap
        self._tell_failed()
        tables = self._tables()
        grown: dict[Any, _core.Grown] = {}
        if self._types and isinstance(self._tracer, _core.Tracer):
            grown = self._tracer.grown()
        functions = [
            function_result(
                one.code,
                self._names(one.code),
                one.baseline,
                one.cells,
                heap,
                sources,
                grown.get(one.code, {}) if self._types else None,
            )
            for one in tables
            if one.cells
        ]
        functions += [
            block_result(code, block_names, key[1:], table[1:], heap, sources)
            for key, (tracer, code, block_names) in self._blocks.items()
            for table in tracer.tables()
            if table[2]
        ]
        return Results(functions, self.backend, self._peaks, heap)


class NamedBlock(_core.Block):
    """A block of a profiler: every time it is entered feeds one table."""

    def __init__(self, profiler: LineProfiler, name: str) -> None:
        self._profiler, self._name = profiler, name

    def _begin(self, code: CodeType, names: dict[str, Any], line: int) -> Any:
        profiler = self._profiler
        return profiler._tracer_of_block(code, names, line, self._name)

    def _end(self, code: CodeType, tracer: Any) -> None:
        """The table stays with the profiler."""


class BlockProfiler(_core.Block, LineProfiler):
    """The `profile` of a run: `with profile:` measures the lines of the block too."""


_warned: set[str] = set()


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warn(message, RuntimeWarning)
