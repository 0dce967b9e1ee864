"""The sampler of the tracemalloc backend: what Python's allocators hold in this process."""

from __future__ import annotations

import threading
import time
import tracemalloc

from memory_profiler import _core
from memory_profiler._sampling_thread import SamplingThread, wall_offset

Row = tuple[int, float]


class _Tracing:
    """Who needs tracemalloc: it is stopped after the last when it was started for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._ours = False

    def begin(self) -> bool:
        """True when this started it."""
        with self._lock:
            started = not tracemalloc.is_tracing()
            if started:
                tracemalloc.start()
                self._ours = True
            self._users += 1
            return started

    def end(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._ours:
                tracemalloc.stop()
                self._ours = False


_tracing = _Tracing()


class TracedSampler:
    """Looks like `_core.Sampler`; samples with a Python thread, as reading needs the lock.

    Starts tracemalloc when nobody has, and stops it again at `close()`. The peak is exact when
    the tracing is ours; else it is exact whenever the program's own peak moved.
    """

    def __init__(self, interval: float) -> None:
        self._thread = SamplingThread(interval, self.sample, _core.around_fork)
        self._rows: list[Row] = []
        # later steps of the wall clock move nothing
        self._offset = wall_offset()
        self._mark = 0 if _tracing.begin() else tracemalloc.get_traced_memory()[1]
        self._most: Row | None = None

    def close(self) -> None:
        """The last sampler stops the tracing that the first started."""
        _tracing.end()

    def sample(self) -> Row:
        """(bytes, Unix time) now, kept."""
        now = time.monotonic() + self._offset
        size, mark = tracemalloc.get_traced_memory()
        self._rows.append((size, now))
        most = mark if mark != self._mark else size
        if self._most is None or most > self._most[0]:
            self._most = (most, now)
        return size, now

    def start(self) -> None:
        """A sample, then one every interval from a thread."""
        self.sample()
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a last sample."""
        if self._thread.stop():
            self.sample()

    def samples(self) -> list[Row]:
        return list(self._rows)

    def children(self) -> list[list[tuple[int, int]]]:
        return [[] for _ in self._rows]

    @property
    def peak(self) -> Row | None:
        return self._most
