"""A process's memory over time, sampled by a Python thread."""

from __future__ import annotations

import errno
import os
import signal
import time
import weakref

from memory_profiler._pure import meter

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

Row = tuple[int, float]

_started: weakref.WeakSet[Sampler] = weakref.WeakSet()
_watching = False


def around_fork(before: Callable[[], object], after: Callable[[], object], /) -> None:
    """Calls one before, the other in the parent after each fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after)


class Sampler:
    """Samples a process (0: this one) every `interval` seconds in a thread.

    `peak` of this process is the system's high-water mark when it rose while we looked, else
    the largest sample: without the C core the mark cannot be set back.
    """

    def __init__(
        self,
        interval: float,
        pid: int = 0,
        metric: str = "rss",
        children: bool = False,
        each: bool = False,
        peak: bool = False,
        peak_times: bool = False,
    ) -> None:
        if not interval > 0:
            raise ValueError("the interval must be above 0 seconds")
        if pid < 0:
            raise ValueError(f"no process has the number {pid}")
        self._interval = interval
        self._pid = 0 if pid == os.getpid() else pid
        self._metric = meter.check_metric(metric)
        self._sum, self._each = children, each
        self._marks = peak and metric == "rss" and self._pid == 0
        meter.memory(self._pid, metric)  # fails now when it cannot be had
        self._mark = meter.high_water() if self._marks else None
        self._rows: list[Row] = []
        self._children: list[list[tuple[int, int]]] = []
        self._most: Row | None = None
        self._thread: threading.Thread | None = None
        self._running = False
        self._deadline = 0.0
        self._wake: threading.Event | None = None
        self._late = self._reads = 0

    def _take(self) -> Row:
        own, now = meter.memory(self._pid, self._metric), time.time()
        self._reads += 1
        if own == 0 and self._pid and meter.the_meter().has_ended(self._pid):
            raise ProcessLookupError(3, f"process {self._pid} has ended")
        size, most, tick = own, own, []
        if self._sum or self._each:
            tick = list(meter.each_child(self._pid, self._metric))
        if self._sum:
            size += sum(child for _, child in tick)
        mark = meter.high_water() if self._marks else None
        if mark is not None and mark != self._mark:
            most = max(most, mark)
        self._rows.append((size, now))
        self._children.append(tick if self._each else [])
        if self._most is None or max(size, most) > self._most[0]:
            self._most = (max(size, most), now)
        return size, now

    def sample(self) -> Row:
        """(bytes, Unix time) now, kept. Raises OSError."""
        self._refuse_while_running()
        return self._take()

    def _refuse_while_running(self) -> None:
        if self._running:
            raise RuntimeError("the sampler is running: stop it first")

    def start(self) -> None:
        """A sample, then one every interval from a thread."""
        self._refuse_while_running()
        _watch_forks()
        self._take()
        self._deadline = time.monotonic() + self._interval
        self._running = True
        _started.add(self)
        try:
            self.launch()
        except RuntimeError as error:  # no thread to be had
            self._running, self._thread = False, None
            _started.discard(self)
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error

    def stop(self) -> None:
        """Ends the thread; a last sample. Does nothing when not running."""
        if self._running:
            self._running = False
            _started.discard(self)
            self.halt()
            try:
                self._take()
            except OSError:
                pass  # the process ended

    def launch(self) -> None:
        """Starts the thread, every signal blocked where the system can."""
        import threading

        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory_usage", daemon=True)
        if not hasattr(signal, "pthread_sigmask"):
            self._thread.start()
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

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
        if self._running and self._thread is None:
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
                return  # the process ended
            missed = int((now - self._deadline) // self._interval)
            self._late += missed
            self._deadline += self._interval * (missed + 1)

    def _patience(self) -> float:
        return max(0.0, min(self._deadline - time.monotonic(), 1e6))

    def samples(self) -> list[Row]:
        self._refuse_while_running()
        return list(self._rows)

    def children(self) -> list[list[tuple[int, int]]]:
        self._refuse_while_running()
        return list(self._children)

    def work(self) -> dict[str, int]:
        self._refuse_while_running()
        return {"reads": self._reads, "late": self._late, "halvings": 0, "error": 0}

    @property
    def peak(self) -> Row | None:
        """(bytes, unix time of the sample that saw it); None before the first."""
        self._refuse_while_running()
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
    if not _watching and hasattr(os, "register_at_fork"):
        around_fork(_before_fork, _in_parent)
        os.register_at_fork(after_in_child=_in_child)
        _watching = True
