"""Assertions about memory, for unittest and for any test.

>>> from memory_profiler.testing import assert_no_leak, assert_peak
>>> with assert_peak("1 MB"):
...     rows = [bytes(1000) for _ in range(100)]
>>> assert_no_leak(lambda: sorted(range(1000)))
"""

from __future__ import annotations

import gc

from memory_profiler._limits import growth, sizes
from memory_profiler._limits.limit import MemoryLimitExceeded, limit
from memory_profiler._limits.measuring import Session, Stretch, Unmeasured

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

__all__ = ["assert_no_leak", "assert_peak", "measure_peak"]


class assert_peak:
    """A block that holds at most so much at once, or AssertionError says what held it.

    Args:
        size: "24 MB" or bytes; units are of 1,024.
        native: False: Python's allocators alone.

    Raises:
        AssertionError: it held more.
        ValueError, TypeError: `size` is no size.
        RuntimeError: memory cannot be measured here.

    Source of the figure: as `heap.track`.
    """

    def __init__(self, size: str | int, native: bool = True) -> None:
        self._limit = limit(size, native)

    def __enter__(self) -> None:
        self._limit.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._limit.__exit__(kind, error, traceback)
        except MemoryLimitExceeded as exceeded:
            raise AssertionError(str(exceeded)) from None


def measure_peak(function: Callable[..., Any], *args: Any, **names: Any) -> int:
    """The most bytes that a call of a function holds at once, of those that it allocates.

    For benchmarks of asv: `def track_load(self): return measure_peak(load)`, with
    `track_load.unit = "bytes"`.

    Raises:
        RuntimeError: memory cannot be measured here; what the function raises.

    Source of the figure: as `heap.track`.

    >>> measure_peak(bytes, 5000) >= 5000
    True
    """
    session, stretch = _begin()
    try:
        function(*args, **names)
    finally:
        figures = stretch.finish()
        session.close()
    return figures.peak


def assert_no_leak(
    function: Callable[[], object],
    size: str | int = "100 KB",
    repeat: int = 20,
    warmups: int = 2,
) -> None:
    """Calls a function again and again; AssertionError where it keeps growing.

    What is allocated once, as a cache that fills, is no leak: each third of the calls must
    have added to what is live.

    Args:
        size: so much may be added in all, "100 KB" or bytes.
        repeat, warmups: calls that are measured, at least 3; calls before them.

    Raises:
        AssertionError: it keeps growing. ValueError: `size` is no size, `repeat` less than 3.
        RuntimeError: memory cannot be measured here; what the function raises.

    Source of the figure: as `heap.track`, after a garbage collection.
    """
    allowed = sizes.parse(size)
    if repeat < 3:
        raise ValueError(f"repeat={repeat} cannot be: use 3 and more")
    for _ in range(warmups):
        function()
    gc.collect()
    live = [0]
    session, stretch = _begin()
    try:
        for _ in range(repeat):
            function()
            gc.collect()
            live.append(stretch.kept())
    finally:
        stretch.finish()
        session.close()
    more = growth.lasting(live)
    if more > allowed:
        raise AssertionError(
            f"keeps growing: by {sizes.show(more)} in {repeat} calls, {sizes.show(allowed)} "
            f"allowed; about {sizes.show(more // repeat)} a call"
        )


def _begin() -> tuple[Session, Stretch]:
    session = None
    try:
        session = Session()
        stretch = Stretch()
        stretch.begin()
    except Unmeasured as error:
        if session is not None:
            session.close()
        raise RuntimeError(str(error)) from None
    return session, stretch
