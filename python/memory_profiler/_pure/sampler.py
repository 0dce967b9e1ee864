"""A process's memory over time, sampled by a Python thread."""

from __future__ import annotations

import errno
import os
import time

from memory_profiler._pure import meter
from memory_profiler._sampling_thread import SamplingThread, wall_offset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

Row = tuple[int, float]


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
        self._pid = 0 if pid == os.getpid() else pid
        self._metric = meter.check_metric(metric)
        self._sum, self._each = children, each
        self._marks = peak and metric == "rss" and self._pid == 0
        meter.memory(self._pid, metric)  # fails now when it cannot be had
        self._mark = meter.high_water() if self._marks else None
        self._rows: list[Row] = []
        # later steps of the wall clock move nothing
        self._offset = wall_offset()
        self._children: list[list[tuple[int, int]]] = []
        self._most: Row | None = None
        self._thread = SamplingThread(interval, self._take, around_fork)
        self._reads = 0

    def _take(self) -> Row:
        own = meter.memory(self._pid, self._metric)
        now = time.monotonic() + self._offset
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
        if self._thread.running:
            raise RuntimeError("the sampler is running: stop it first")

    def start(self) -> None:
        """A sample, then one every interval from a thread."""
        self._refuse_while_running()
        self._take()
        try:
            self._thread.start()
        except RuntimeError as error:  # no thread to be had
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error

    def stop(self) -> None:
        """Ends the thread; a last sample. Does nothing when not running."""
        if self._thread.stop():
            try:
                self._take()
            except OSError:
                pass  # the process ended

    def samples(self) -> list[Row]:
        self._refuse_while_running()
        return list(self._rows)

    def children(self) -> list[list[tuple[int, int]]]:
        self._refuse_while_running()
        return list(self._children)

    def work(self) -> dict[str, int]:
        self._refuse_while_running()
        return {"reads": self._reads, "late": self._thread.late, "halvings": 0, "error": 0}

    @property
    def peak(self) -> Row | None:
        """(bytes, unix time of the sample that saw it); None before the first."""
        self._refuse_while_running()
        return self._most
