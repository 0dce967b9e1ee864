"""A Python thread that samples, for what only Python can read. The C core has its own, which
needs no lock of the interpreter's.
"""

from __future__ import annotations

import os
import signal
import time
import weakref

from memory_profiler._standard import standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    AroundFork = Callable[[Callable[[], object], Callable[[], object]], object]

_started: weakref.WeakSet[SamplingThread] = weakref.WeakSet()
_watching = False
_TRIES, _NARROW = 16, 2e-6


def wall_offset() -> float:
    """Unix time less that of `time.monotonic`, in seconds.

    Added to that one, it gives times that no later step of the wall clock moves. Unix time is
    read between two readings of the other, again where something took a while there.
    """
    narrowest, offset = float("inf"), 0.0
    for _ in range(_TRIES):
        before, wall, after = time.monotonic(), time.time(), time.monotonic()
        if after - before < narrowest:
            narrowest, offset = after - before, wall - (before + after) / 2
        if narrowest <= _NARROW:
            break
    return offset


class SamplingThread:
    """Calls `take` every `interval` seconds, until it raises OSError.

    Deadlines are absolute: `late` counts those that passed without a call. Around a fork the
    thread is not there, so Python has none to warn of; in the child it stays away.
    `around_fork` is the core's.
    """

    def __init__(
        self,
        interval: float,
        take: Callable[[], object],
        around_fork: AroundFork,
    ) -> None:
        self._interval = interval
        self._take = take
        self._around_fork = around_fork
        self._thread: threading.Thread | None = None
        self._wake: threading.Event | None = None
        self._deadline = 0.0
        self.running = False
        self.late = 0

    def start(self) -> None:
        """RuntimeError when there is no thread to be had."""
        _watch_forks(self._around_fork)
        self._deadline = time.monotonic() + self._interval
        self.launch()
        self.running = True
        _started.add(self)

    def stop(self) -> bool:
        """Whether it was running."""
        was, self.running = self.running, False
        _started.discard(self)
        self.halt()
        return was

    def launch(self) -> None:
        """Starts the thread, every signal blocked where the system can."""
        with standard:
            import threading

        self._wake = threading.Event()
        thread = threading.Thread(target=self._run, name="memory_usage", daemon=True)
        if not hasattr(signal, "pthread_sigmask"):
            thread.start()
        else:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                thread.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._thread = thread

    def halt(self) -> None:
        """Ends the thread and waits until the system counts it no more."""
        thread, self._thread = self._thread, None
        if thread is None or self._wake is None:
            return
        self._wake.set()
        thread.join()
        for _ in range(1000):
            if not os.path.exists(f"/proc/self/task/{thread.native_id}"):
                break
            time.sleep(20e-6)

    def relaunch(self) -> None:
        """After a fork: the thread again, unless the sampling has ended meanwhile."""
        if self.running and self._thread is None:
            self.launch()

    def forget(self) -> None:
        """In a forked child: the thread is not there."""
        self._thread = None

    def _run(self) -> None:
        wake = self._wake
        while wake is not None and not wake.wait(self._patience()):
            now = time.monotonic()
            if now < self._deadline:
                continue
            try:
                self._take()
            except OSError:
                return
            missed = int((now - self._deadline) // self._interval)
            self.late += missed
            self._deadline += self._interval * (missed + 1)

    def _patience(self) -> float:
        return max(0.0, min(self._deadline - time.monotonic(), 1e6))


def _before_fork() -> None:
    for thread in list(_started):
        thread.halt()


def _in_parent() -> None:
    for thread in list(_started):
        thread.relaunch()


def _in_child() -> None:
    for thread in list(_started):
        thread.forget()
    _started.clear()


def _watch_forks(around_fork: AroundFork) -> None:
    global _watching
    if not _watching and hasattr(os, "register_at_fork"):
        around_fork(_before_fork, _in_parent)
        os.register_at_fork(after_in_child=_in_child)
        _watching = True
