"""Which lines hold the memory: every block of Python's allocators, malloc and mmap, exactly.

>>> from memory_profiler import heap
>>> with heap.track() as t:
...     kept = [bytes(1000) for _ in range(100)]
>>> t.live >= 100 * 1000
True
>>> t.top(1)[0].at_peak >= 100 * 1000
True
"""

from __future__ import annotations

import os
from collections import namedtuple  # typing's costs more than all of this
from types import TracebackType

from memory_profiler import _core

__all__ = ["Line", "Tracker", "track"]

_MOST = 1 << 40  # bytes between samples, as for mprof heap --sample
_ORDERS = {"peak": 0, "live": 1, "churn": 2}


_Line = namedtuple("_Line", (
    "file", "line", "function", "at_peak", "live", "blocks_at_peak", "live_blocks", "total",
    "allocations", "temporary",
))  # fmt: skip


class Line(_Line):
    """What one line allocated itself, callees not included. Sizes are in bytes.

    Source of the figures: the sizes asked of PyMem_RawMalloc, PyMem_Malloc and PyObject_Malloc,
    of malloc and its relatives, and of mmap, each byte once; a realloc counts as a block freed
    and one allocated, a mapping as bytes without blocks.
    """

    __slots__ = ()

    file: str  #: empty when no Python code was running
    line: int
    function: str  #: "[thread NAME]": a thread without Python code
    at_peak: int  #: bytes in live blocks when the program's heap was largest
    live: int  #: bytes in live blocks now, or when tracking ended
    blocks_at_peak: int
    live_blocks: int
    total: int  #: bytes ever allocated
    allocations: int  #: blocks ever allocated
    temporary: int  #: blocks freed before their thread allocated again


class Tracker:
    """One stretch of tracking. Its figures can be read while it runs and after it.

    Only one can run in a process at a time. A forked child is not tracked.

    Raises:
        NotImplementedError: this is the install without the C core.
        TypeError: `sample` is no int.
        ValueError: `sample` is negative, or more than 2**40.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        native: bool | None = None,
        sample: int = 0,
    ) -> None:
        if not isinstance(sample, int):
            raise TypeError(f"sample is a whole number of bytes, not {sample!r}")
        if not 0 <= sample <= _MOST:
            raise ValueError(
                f"cannot sample every {sample} bytes: use 0 for every block, at most 2**40"
            )
        if not hasattr(_core, "Heap"):
            raise NotImplementedError(
                "heap tracking needs the C core, which this install lacks"
            )
        self._path = path
        self._native = 2 if native is None else int(bool(native))
        self._sample = sample
        self._heap = _core.Heap()

    def start(self) -> None:
        """Begins tracking.

        Raises:
            RuntimeError: a tracker is running, or this one was started before.
            OSError: the file cannot be created; FileExistsError when it exists; native memory
                was asked for and cannot be followed in this process.
        """
        self._heap.start(self._path, self._native, self._sample)

    def stop(self) -> None:
        """Ends tracking; the file is complete then.

        Raises:
            RuntimeError: this tracker is not running.
            OSError: the file could not be written (only where it is written at the end).
        """
        self._heap.stop()

    def __enter__(self) -> Tracker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def peak(self) -> int:
        """The most bytes that were in live blocks at once."""
        return self._heap.figures()["peak"]

    @property
    def live(self) -> int:
        """Bytes in blocks allocated since the start and not freed."""
        return self._heap.figures()["live"]

    @property
    def native(self) -> bool:
        """Whether memory of malloc and mmap is followed too."""
        return bool(self._heap.figures()["native"])

    @property
    def allocations(self) -> int:
        """Blocks allocated since the start."""
        return self._heap.figures()["allocations"]

    def top(self, count: int = 10, by: str = "peak") -> list[Line]:
        """The lines that count most.

        Args:
            count: at most so many.
            by: "peak" (bytes at the peak), "live" (bytes now), "churn" (temporary blocks).

        Returns:
            Line tuples, largest first; lines with nothing to show and those of memory_profiler
            itself are left out.

        Raises:
            ValueError: `by` is none of these.
        """
        if by not in _ORDERS:
            raise ValueError(f"cannot order by {by!r}: use 'peak', 'live' or 'churn'")
        field = {"peak": "at_peak", "live": "live", "churn": "temporary"}[by]
        lines = [Line(*row) for row in self._heap.top(count, _ORDERS[by])]
        return [line for line in lines if getattr(line, field)]


def track(
    path: str | os.PathLike[str] | None = None,
    native: bool | None = None,
    sample: int = 0,
) -> Tracker:
    """A tracker of the heap, to use in a `with` statement.

    Args:
        path: a file to record into (docs/heap-file.md); it must not exist. None keeps the
            capture in memory.
        native: True: also what C libraries take from malloc(3) and mmap(2), NumPy's arrays for
            one; False: Python's allocators alone; None: also, if this process allows it.
        sample: 0: every block is recorded. Else blocks are sampled, one in so many bytes on
            average, and all figures are estimates whose sums are unbiased: the standard error
            of one is at most sqrt(sample * its bytes).

    Returns:
        A Tracker that starts when the `with` block is entered.
    """
    return Tracker(path, native, sample)
