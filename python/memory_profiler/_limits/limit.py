"""`memory_profiler.limit`: how much a function or a block may hold."""

from __future__ import annotations

import functools
import inspect
import threading

from memory_profiler._limits import sizes
from memory_profiler._limits.holders import by_line, table
from memory_profiler._limits.measuring import AT_PEAK, Session, Stretch, Unmeasured, is_able

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any


class MemoryLimitExceeded(Exception):
    """A function or block held more than its limit at once.

    Attributes:
        limit, peak: bytes.
        lines: what held most at the peak, as text.
    """

    __module__ = "memory_profiler"

    def __init__(self, limit: int, peak: int, lines: list[str]) -> None:
        self.limit, self.peak, self.lines = limit, peak, lines
        super().__init__(limit, peak, lines)

    def __str__(self) -> str:
        head = (
            f"limited to {sizes.show(self.limit)}, held {sizes.show(self.peak)} at its peak, "
            f"{sizes.show(self.peak - self.limit)} too much"
        )
        return "\n".join([head, *self.lines])


class limit:
    """Limits what a block, or each call of a function, holds at once.

    Only what is allocated inside counts, by all threads, exactly: blocks of Python's
    allocators, malloc and mmap. The block runs to its end; then the exception is raised, unless
    it raised one of its own.

    Args:
        size: "24 MB", "500K", "1.5 GiB" or bytes; units are of 1,024. So much is allowed.
        native: False: Python's allocators alone.

    Raises:
        ValueError, TypeError: `size` is no size.
        MemoryLimitExceeded: it held more.
        RuntimeError: memory cannot be measured here: there is no C core, for one.

    Source of the figure: as `heap.track`.

    >>> from memory_profiler import limit
    >>> @limit("1 MB")
    ... def load():
    ...     return [bytes(1000) for _ in range(100)]
    >>> len(load())
    100
    >>> with limit("1 MB"):
    ...     rows = bytes(5_000_000)
    Traceback (most recent call last):
    ...
    memory_profiler.MemoryLimitExceeded: limited to 1.0 MiB, held 4.8 MiB ...
    """

    def __init__(self, size: str | int, native: bool = True) -> None:
        self._limit = sizes.parse(size)
        self._native = native
        self._running = threading.local()
        if not is_able():
            raise RuntimeError("memory limits need the C core, which this install lacks")

    def __enter__(self) -> limit:
        session = stretch = None
        try:
            session = Session(self._native or None)
            stretch = Stretch(self._native)
            stretch.begin()
        except Unmeasured as error:
            if session is not None:
                session.close()
            raise RuntimeError(str(error)) from None
        self._stack().append((session, stretch))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        session, stretch = self._stack().pop()
        try:
            figures = stretch.finish(self._limit)
        finally:
            session.close()
        if kind is None and figures.peak > self._limit:
            lines = by_line(stretch.stacks(AT_PEAK)) if figures.captured else []
            raise MemoryLimitExceeded(self._limit, figures.peak, table(lines, figures.peak))

    def _stack(self) -> list[Any]:
        running: list[Any] = self._running.__dict__.setdefault("stack", [])
        return running

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each of whose calls is limited. TypeError: it is a generator's, whose
        calls run none of it."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function!r} is a generator: use `with limit(...)` inside it")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def limited_coroutine(*args: Any, **names: Any) -> Any:
                with limit(self._limit, self._native):
                    return await function(*args, **names)

            return limited_coroutine

        @functools.wraps(function)
        def limited(*args: Any, **names: Any) -> Any:
            with limit(self._limit, self._native):
                return function(*args, **names)

        return limited
