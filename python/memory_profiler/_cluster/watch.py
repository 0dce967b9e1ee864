"""What Dask says of its workers' memory, kept in their captures: last and at the most RSS.

    managed     sizes of the keys in memory, as `dask.sizeof` has them
    unmanaged   the rest of the RSS: modules, what tasks allocate, leaks, free space kept

Workers that are threads of one process have one RSS: the others are sums.
"""

from __future__ import annotations

import contextlib

from tornado.ioloop import PeriodicCallback  # type: ignore[import-not-found]

from memory_profiler._cluster import recording

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

_EVERY = 100  # ms, as Dask's own monitor of the limit: a look takes 30 us
_NAME = "memory_profiler-heap"

_here: list[Any] = []  # workers of this process


def _figures(worker: Any) -> tuple[int, int, int]:
    """Managed, spilled, limit."""
    memory, disk = getattr(worker.data, "spilled_total", (0, 0))
    limit = worker.memory_manager.memory_limit or 0
    return max(0, worker.state.nbytes - memory), disk, limit


def _look() -> None:
    with contextlib.suppress(Exception):  # a Dask that has it elsewhere: there is no look
        managed, spilled, limit = map(sum, zip(*map(_figures, _here), strict=True))
        recording.look(_here[0].monitor.get_process_memory(), managed, spilled, limit)


def begin(worker: Any) -> None:
    callback = PeriodicCallback(_look, _EVERY)
    worker.periodic_callbacks[_NAME] = callback
    _here.append(worker)
    _look()
    callback.start()


def end(worker: Any) -> None:
    if worker in _here:
        _look()
        _here.remove(worker)
        worker.periodic_callbacks.pop(_NAME).stop()
