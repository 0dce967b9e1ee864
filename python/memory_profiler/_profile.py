"""The decorator: `from memory_profiler import profile`."""

from __future__ import annotations

from os import environ

from memory_profiler import _core, _lost

TYPE_CHECKING = False  # typing's own costs nine tenths of importing the package
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import CodeType
    from typing import IO, Any, TypeVar, overload

    from memory_profiler._lines.profiler import LineProfiler
    from memory_profiler._report.results import Results
    from memory_profiler._timeline.timestamps import TimeStamper

    Target = TypeVar("Target")

#: The profiler of `python -m memory_profiler`, which then counts for every decorator.
run_profiler: LineProfiler | TimeStamper | None = None


class _Decorator(_core.Block):
    """Type of `profile`: a decorator, and a context manager that measures lines."""

    def __init__(self) -> None:
        self._results: Results | None = None
        self._enabled = environ.get("MEMORY_PROFILER") != "0"
        self._blocks: dict[int, Any] = {}
        self.__name__ = self.__qualname__ = "profile"

    if TYPE_CHECKING:

        @overload
        def __call__(self, func: Target) -> Target: ...
        @overload
        def __call__(
            self,
            func: None = None,
            stream: IO[str] | None = None,
            precision: int = 1,
            backend: str = "psutil",
            include_children: bool = False,
            heap: bool = False,
            peak: bool = False,
        ) -> Callable[[Target], Target]: ...

    def __call__(
        self,
        func: Any = None,
        stream: IO[str] | None = None,
        precision: int = 1,
        backend: str = "psutil",
        include_children: bool = False,
        heap: bool = False,
        peak: bool = False,
    ) -> Any:
        """Line-profiles a function: after each call, also one that raises, prints its table.

        Args:
            func: a function, method, generator or coroutine function, static or class
                method, property, or a class (all its methods).
            stream: where the table goes; default `sys.stdout` at the time of the call.
            precision: decimals of the MiB columns.
            backend: `psutil` (RSS, read in C), `psutil_pss`, `psutil_uss`, `posix` (RSS) or
                `tracemalloc` (bytes of live Python allocations).
            include_children: adds the memory of child processes.
            heap: adds the columns Allocated, Freed, Net and Heap peak: what Python's
                allocators handed out and got back, exactly. Not with `tracemalloc`.
            peak: adds the column Peak: the high-water mark inside each line, callees
                included. Of RSS, without children.

        Returns:
            The decorated object; without `func`, a decorator. Where `enabled` is false, the
            object itself.

        Raises:
            ValueError: a negative precision; `heap` or `peak` with a backend without them.
            KeyError: an unknown backend.
            NotImplementedError: `heap` or `peak` without the C core.

        Source of the figure: /proc/self/statm, read when the interpreter reaches the next
        line and a page fault or 2 us passed since the last reading.

        Under `python -m memory_profiler` the run's own options hold, and one table is printed
        at the end; with `stream`, and in child processes, still one a call.

        >>> import io
        >>> out = io.StringIO()
        >>> @profile(stream=out, precision=3)
        ... def double(values):
        ...     return values * 2
        >>> double([1, 2])
        [1, 2, 1, 2]
        >>> profile.results["double"].lines[3].occurrences
        1
        """
        if func is None:
            return lambda target: self(
                target, stream, precision, backend, include_children, heap, peak
            )
        if not self.enabled:
            return func
        measures_lines = hasattr(run_profiler, "begin_imported")
        if run_profiler is not None and not measures_lines:
            return run_profiler(func)
        try:
            from memory_profiler._lines.percall import profile_calls
        except (ImportError, OSError) as error:  # behind a chroot, without descriptors
            _lost.lose("functions", error)
            return func
        return profile_calls(
            func,
            stream,
            precision,
            backend,
            include_children,
            heap,
            peak,
            self,
        )

    @property
    def enabled(self) -> bool:
        """Whether functions that are decorated from here on are measured. False from the start
        where the environment says MEMORY_PROFILER=0."""
        return self._enabled if run_profiler is None else run_profiler.enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._enabled = enabled
        if run_profiler is not None:
            run_profiler.enabled = enabled

    @property
    def results(self) -> Results:
        """What was measured: of every function, its latest call (the whole run under
        `python -m memory_profiler`). Bytes."""
        if run_profiler is None:
            return self.own_results
        every = run_profiler.results
        every.update(self.own_results)  # those with a stream of their own
        return every

    @property
    def run_profiler(self) -> LineProfiler | TimeStamper | None:
        """That of `python -m memory_profiler`, where this process is in one."""
        return run_profiler

    @property
    def own_results(self) -> Results:
        """Of functions that are reported call by call."""
        if self._results is None:
            from memory_profiler._report.results import Results

            self._results = Results()
        return self._results

    def block(
        self,
        name: str = "<block>",
        stream: IO[str] | None = None,
        precision: int = 1,
        **how: Any,
    ) -> AbstractContextManager[object]:
        """A context manager that line-profiles the block: the lines of the frame that enters
        it, until the end of the `with`, however that comes. Then it prints their table.

        Args:
            name: what `results` knows the block by. The others are those of the decorator.

        `with profile:` is the same with the name `<block>`. Under `python -m memory_profiler`
        the table is the run's, under `mprof run` the block is a span of the timeline.

        >>> import io
        >>> out = io.StringIO()
        >>> def fill():
        ...     with profile.block("filling", out):
        ...         values = [0] * 1000
        ...     return len(values)
        >>> fill()
        1000
        >>> profile.results["filling"].lines[3].occurrences
        1
        """
        aside = _core.set_aside(True)  # on no line of who counts allocations
        try:
            return self._make_block(name, stream, precision, how)
        finally:
            _core.set_aside(aside)

    def _make_block(
        self, name: str, stream: IO[str] | None, precision: int, how: dict[str, Any]
    ) -> AbstractContextManager[object]:
        if run_profiler is not None:
            return run_profiler.block(name)
        if not self.enabled:
            return _lost.Nothing()
        try:
            from memory_profiler._lines.block import Reported
        except (ImportError, OSError) as error:
            _lost.lose("blocks", error)
            return _lost.Nothing()
        return Reported(name, stream, precision, self.results, how)

    def _begin(self, code: CodeType, names: dict[str, Any], line: int) -> Any:
        if run_profiler is not None:
            return run_profiler._begin(code, names, line)
        if not self.enabled:
            return None
        block: Any = self.block()
        thing = block._begin(code, names, line)
        self._blocks[id(thing)] = block
        return thing

    def _end(self, code: CodeType, thing: Any) -> None:
        owner: Any = self._blocks.pop(id(thing), run_profiler)
        owner._end(code, thing)

    def __reduce__(self) -> str:
        return self.__name__

    def timestamp(self, name: str = "<block>") -> AbstractContextManager[None]:
        """A context manager that names a span of the timeline; see `TimeStamper`."""
        if run_profiler is not None:
            return run_profiler.timestamp(name)
        return _lost.Nothing()

    def __repr__(self) -> str:
        return "<memory_profiler.profile>"


profile = _Decorator()
