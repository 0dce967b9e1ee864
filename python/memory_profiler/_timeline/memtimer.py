"""`MemTimer`: the classic's sampler behind a pipe, for programs that drive it themselves."""

from __future__ import annotations

import threading

from memory_profiler._timeline.memory import _get_memory

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from typing import Any


class MemTimer(threading.Thread):
    """Samples a process from `start()` until something arrives on the pipe.

    Sends 0 when it has begun; at the end the samples (MiB, or (MiB, time); with `max_usage` a
    list of one) and how many were taken. The classic's was a process; this one is a thread, so
    that it does not count itself.

    Args:
        monitor_pid: the process, -1 for this one.
        interval: seconds between samples.
        pipe: our end of a `multiprocessing.Pipe()`.
        backend: a name of `choose_backend`.
        max_usage: keep the largest sample alone.

    Raises:
        OSError: the process cannot be read. KeyError: an unknown backend.

    Source: as `memory_usage`.

    >>> from multiprocessing import Pipe
    >>> ours, theirs = Pipe()
    >>> timer = MemTimer(-1, 0.01, theirs, "psutil")
    >>> timer.start()
    >>> ours.recv(), ours.send(0)
    (0, None)
    >>> usage, taken = ours.recv(), ours.recv()
    >>> len(usage) == taken >= 2
    True
    """

    def __init__(
        self,
        monitor_pid: int,
        interval: float,
        pipe: Connection[Any, Any],
        backend: str,
        max_usage: bool = False,
        *args: Any,
        timestamps: bool = False,
        include_children: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(*args, daemon=True, **kw)
        self.monitor_pid, self.interval, self.pipe = monitor_pid, interval, pipe
        self.backend, self.max_usage = backend, max_usage
        self.timestamps, self.include_children = timestamps, include_children
        self.cont = True
        self.mem_usage: list[Any] = [self._read()]
        self.n_measurements = 1

    def _read(self) -> Any:
        return _get_memory(
            self.monitor_pid, self.backend, self.timestamps, self.include_children
        )

    def run(self) -> None:
        """Samples; the thread's body."""
        self.pipe.send(0)
        stopped = False
        while True:
            now = self._read()
            if self.max_usage:
                self.mem_usage[0] = max(now, self.mem_usage[0])
            else:
                self.mem_usage.append(now)
            self.n_measurements += 1
            if stopped:
                break
            stopped = self.pipe.poll(self.interval)
        self.pipe.send(self.mem_usage)
        self.pipe.send(self.n_measurements)
