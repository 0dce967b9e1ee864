"""The decorator: `from memory_profiler import profile`."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs nine tenths of importing the package
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import IO, Any, TypeVar, overload

    from memory_profiler._profiler import LineProfiler
    from memory_profiler._results import Results
    from memory_profiler._timestamps import TimeStamper

    Target = TypeVar("Target")

#: The profiler of `python -m memory_profiler`, which then counts for every decorator.
run_profiler: LineProfiler | TimeStamper | None = None


class _Decorator:
    """Type of `profile`: a decorator with `results` and `timestamp`."""

    def __init__(self) -> None:
        self._results: Results | None = None
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
        ) -> Callable[[Target], Target]: ...

    def __call__(
        self,
        func: Any = None,
        stream: IO[str] | None = None,
        precision: int = 1,
        backend: str = "psutil",
        include_children: bool = False,
        heap: bool = False,
    ) -> Any:
        """Line-profiles a function: after each call that returns, prints its table.

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

        Returns:
            The decorated object; without `func`, a decorator.

        Raises:
            ValueError: a negative precision. KeyError: an unknown backend.
            NotImplementedError: `heap` without the C core.

        Source of the figure: /proc/self/statm, read when the interpreter reaches the next
        line and a page fault or 2 us passed since the last reading.

        Under `python -m memory_profiler` the run's own options hold, and one table is printed
        at the end.

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
        from memory_profiler._percall import profile_calls

        if func is None:
            return lambda target: self(
                target, stream, precision, backend, include_children, heap
            )
        if run_profiler is not None:
            return run_profiler(func)
        return profile_calls(
            func, stream, precision, backend, include_children, heap, self.results
        )

    @property
    def results(self) -> Results:
        """What was measured: of every function, its latest call (the whole run under
        `python -m memory_profiler`). Bytes."""
        if run_profiler is not None:
            return run_profiler.results
        if self._results is None:
            from memory_profiler._results import Results

            self._results = Results()
        return self._results

    def timestamp(self, name: str = "<block>") -> AbstractContextManager[None]:
        """A context manager that names a span of the timeline; see `TimeStamper`."""
        from contextlib import nullcontext

        if run_profiler is not None:
            return run_profiler.timestamp(name)
        return nullcontext()

    def __repr__(self) -> str:
        return "<memory_profiler.profile>"


profile = _Decorator()
