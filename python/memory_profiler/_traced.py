"""The sampler of the tracemalloc backend: what Python's allocators hold in this process."""

from __future__ import annotations

import os
import signal
import threading
import time
import tracemalloc
import weakref

from memory_profiler import _core

Row = tuple[int, float]

_started: weakref.WeakSet[TracedSampler] = weakref.WeakSet()
_watching = False


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
        self._interval = interval
        self._rows: list[Row] = []
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._mark = 0 if _tracing.begin() else tracemalloc.get_traced_memory()[1]
        self._most: Row | None = None

    def close(self) -> None:
        """The last sampler stops the tracing that the first started."""
        _tracing.end()

    def sample(self) -> Row:
        """(bytes, Unix time) now, kept."""
        now = time.time()
        size, mark = tracemalloc.get_traced_memory()
        self._rows.append((size, now))
        most = mark if mark != self._mark else size
        if self._most is None or most > self._most[0]:
            self._most = (most, now)
        return size, now

    def start(self) -> None:
        """A sample, then one every interval from a thread."""
        _watch_forks()
        self.sample()
        _started.add(self)
        self.launch()

    def stop(self) -> None:
        """Ends the thread; a last sample."""
        if self in _started:
            _started.discard(self)
            self.halt()
            self.sample()

    def launch(self) -> None:
        """Starts the thread, every signal blocked."""
        self._wake.clear()
        self._thread = threading.Thread(target=self._run, name="memory_usage", daemon=True)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def halt(self) -> None:
        """Ends the thread and waits until the kernel counts it no more."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._wake.set()
        thread.join()
        for _ in range(1000):
            if not os.path.exists(f"/proc/self/task/{thread.native_id}"):
                break
            time.sleep(20e-6)

    def relaunch(self) -> None:
        """After a fork: the thread again, unless the sampling has ended meanwhile."""
        if self in _started and self._thread is None:
            self.launch()

    def forget(self) -> None:
        """In a forked child: the thread is not there."""
        self._thread = None

    def _run(self) -> None:
        deadline = time.monotonic() + self._interval
        while not self._wake.wait(max(0.0, min(deadline - time.monotonic(), 1e6))):
            now = time.monotonic()
            if now >= deadline:
                self.sample()
                deadline += self._interval * ((now - deadline) // self._interval + 1)

    def samples(self) -> list[Row]:
        return list(self._rows)

    def children(self) -> list[list[tuple[int, int]]]:
        return [[] for _ in self._rows]

    @property
    def peak(self) -> Row | None:
        return self._most


def _before_fork() -> None:
    for sampler in list(_started):
        sampler.halt()


def _in_parent() -> None:
    for sampler in list(_started):
        sampler.relaunch()


def _in_child() -> None:
    for sampler in list(_started):
        sampler.forget()
    _started.clear()


def _watch_forks() -> None:
    global _watching
    if not _watching:
        _core.around_fork(_before_fork, _in_parent)
        os.register_at_fork(after_in_child=_in_child)
        _watching = True
