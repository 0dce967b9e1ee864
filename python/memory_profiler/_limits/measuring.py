"""Stretches of a program, each with exactly what it allocated.

One recording runs while anybody measures; it rests between the stretches inside it, so that it
costs the rest of the program next to nothing. A recording of the program's own (`mprof heap`,
`heap.track`) serves as well.
"""

from __future__ import annotations

import os
from collections import namedtuple
from threading import RLock

from memory_profiler import _core

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

NEVER = (1 << 63) - 1  #: no figure is larger
ALWAYS = -1  #: each is
_FULL = 0.4  #: of a recording that begins anew before the next stretch

AT_PEAK, LIVE = 0, 1  #: what stacks are of

_Figures = namedtuple("_Figures", (
    "peak", "live", "allocations", "live_blocks", "total", "rss", "rss_end", "untracked",
    "error", "captured",
))  # fmt: skip


class Figures(_Figures):
    """What a stretch allocated. Bytes but for the counts."""

    __slots__ = ()

    peak: int  #: the most that was live at once
    live: int  #: at the end
    allocations: int
    live_blocks: int
    total: int  #: ever allocated
    rss: int  #: of the process when it began
    rss_end: int
    untracked: int  #: allocations that could not be followed
    error: int  #: errno of a capture that was wanted and could not be had, or 0
    captured: bool  #: there are stacks


class Unmeasured(Exception):
    """Nothing can be measured here, and why."""


def is_able() -> bool:
    """Whether this install can: the C core is there."""
    return hasattr(_core, "Heap")


class _Recording:
    """The one that this process has, for those who use it now."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._users = 0
        self._heap: Any = None  # NULL: the program's own, or none
        self._pid = 0

    def open(self, native: bool | None) -> None:
        with self._lock:
            if self._pid != os.getpid():  # a forked child has none yet
                self._pid, self._users, self._heap = os.getpid(), 0, None
            if not self._users:
                self._start(native)
            self._users += 1

    def close(self) -> None:
        with self._lock:
            if self._pid != os.getpid() or not self._users:
                return
            self._users -= 1
            if not self._users:
                self._stop()

    def renew(self, native: bool | None) -> None:
        """Begins anew where it is full, between two stretches."""
        with self._lock:
            heap = self._heap
            if heap is not None and self._pid == os.getpid() and heap.filled() > _FULL:
                self._stop()
                self._start(native)

    def _start(self, native: bool | None) -> None:
        heap = _core.Heap()
        if not heap.could_start():
            return
        try:
            heap.start(None, 2 if native is None else int(native), 0, 0, False, 2)
        except OSError as error:
            raise Unmeasured(f"memory cannot be recorded: {error}") from None
        heap.rest()
        self._heap = heap

    def _stop(self) -> None:
        heap, self._heap = self._heap, None
        if heap is not None:
            try:
                heap.stop()
            except (OSError, RuntimeError):
                pass  # nobody reads it


_recording = _Recording()


class Session:
    """Keeps the recording open for many stretches, one after the other."""

    def __init__(self, native: bool | None = None) -> None:
        if not is_able():
            raise Unmeasured("memory limits need the C core, which this install lacks")
        self.native = native
        _recording.open(native)

    def renew(self) -> None:
        _recording.renew(self.native)

    def close(self) -> None:
        _recording.close()


class Stretch:
    """What is allocated between begin() and finish(), by all threads or the calling one.

    Args:
        native: malloc and mmap too, where the recording has them.
        apart: stretches around this one do not count it.
        alone: only what this thread allocates.
        warm: without what imports allocate, which is whoever's that is the first.
    """

    def __init__(
        self,
        native: bool = True,
        apart: bool = False,
        alone: bool = False,
        warm: bool = False,
    ) -> None:
        self._terms = native, apart, alone, warm
        self._heap = _core.Heap()

    def begin(self) -> None:
        """Raises Unmeasured where no recording runs, or it is full."""
        try:
            self._heap.begin(*self._terms)
        except (OSError, RuntimeError) as error:
            raise Unmeasured(str(error)) from None

    def finish(self, peak: int = NEVER, live: int = NEVER) -> Figures:
        """Ends it. Where its peak or what is live is more than this there are stacks."""
        return Figures(*self._heap.finish(peak, live))

    def save(self, path: str) -> None:
        """Writes the stacks as a capture, into a file that does not exist. Raises OSError."""
        self._heap.save(path)

    def kept(self) -> int:
        """Bytes of what it allocated that are live now; once, at the end. -1: not known."""
        count: int = self._heap.kept()
        return count

    def types(self) -> dict[tuple[str, int, str], list[tuple[str, int]]]:
        """Types of what is live of it now and how many, largest first, by the (file, line,
        function) that allocated; until kept() is asked. Empty where it is not known."""
        found: dict[tuple[str, int, str], list[tuple[str, int]]] = {}
        try:
            rows = self._heap.types(True) or []
        except (RuntimeError, MemoryError):
            return {}
        for name, file, line, function, count, _, kept_blocks, _ in rows:
            found.setdefault((file, line, function), []).append(
                (name, count or kept_blocks)
            )
        return found

    def know(self) -> None:
        """What is live of it now is none of its survivors."""
        try:
            self._heap.know()
        except (RuntimeError, MemoryError):
            pass

    def survivors(self) -> list[tuple[list[object], list[tuple[str, int, str, int]]]]:
        """The objects that are live of it now, with the frames that made them, innermost first;
        likewise. One in memory that Python had kept for reuse has those of the first use."""
        found: list[tuple[list[object], list[tuple[str, int, str, int]]]]
        try:
            found = self._heap.survivors()
        except (RuntimeError, MemoryError):
            return []
        return found

    def stacks(self, order: int) -> list[tuple[int, int, list[tuple[str, int, str, int]]]]:
        """(bytes, blocks, [(file, line, function, whose)]), heaviest and innermost first."""
        found: list[tuple[int, int, list[tuple[str, int, str, int]]]]
        found = self._heap.stacks(order)
        return found
