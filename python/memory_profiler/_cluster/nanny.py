"""What a nanny of Dask's starts records from its first import on, if workers have a HeapPlugin.

    worker   tell()      asks the scheduler, once, to give all nannies a plugin, later ones too
    nanny    Workers     says in the environment of a worker where to record, while it starts
    worker   recording   finds that it records already, and goes on with that

Needs `distributed`, which this module imports.
"""

from __future__ import annotations

import asyncio
import contextlib

from distributed import NannyPlugin  # type: ignore[import-not-found]
from distributed.protocol.pickle import dumps  # type: ignore[import-not-found]

from memory_profiler._cluster import recording

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

_telling: set[Any] = set()  # tasks, which the loop itself would let go


def _name(settings: recording.Settings) -> str:
    return f"memory_profiler-heap-{settings.run}"


class Workers(NannyPlugin):  # type: ignore[misc]
    """Wraps what starts a nanny's worker, now and whenever the nanny starts it anew."""

    def __init__(self, settings: recording.Settings) -> None:
        self.name = _name(settings)
        self.settings = settings

    def setup(self, nanny: Any) -> None:
        """What Dask calls in each nanny, before it starts its worker where the nanny is new."""
        start = nanny.instantiate
        if getattr(start, "_mprof", False):
            return

        async def recorded() -> Any:
            mine = [each for each in nanny.plugins.values() if isinstance(each, Workers)]
            if not mine:
                return await start()
            with recording.announced(mine[-1].settings):
                return await start()

        recorded._mprof = True  # type: ignore[attr-defined]
        nanny.instantiate = recorded


def tell(worker: Any, settings: recording.Settings) -> None:
    """Gives the nannies a plugin, where this worker has one. Nobody waits for it: a nanny that
    starts is not ready before its worker is."""
    if not getattr(worker, "nanny", None):
        return
    task = asyncio.ensure_future(_tell(worker, settings))
    _telling.add(task)
    task.add_done_callback(_telling.discard)


async def _tell(worker: Any, settings: recording.Settings) -> None:
    with contextlib.suppress(Exception):  # then workers record from their plugin's setup on
        await worker.scheduler.register_nanny_plugin(
            plugin=dumps(Workers(settings)), name=_name(settings), idempotent=True
        )


def _forget(name: str, dask_scheduler: Any) -> None:
    dask_scheduler.nanny_plugins.pop(name, None)


async def untell(worker: Any, settings: recording.Settings) -> None:
    """Takes the plugin away again, from this worker's nanny and those to come."""
    if not getattr(worker, "nanny", None):
        return
    name = _name(settings)
    with contextlib.suppress(Exception):
        await worker.scheduler.run_function(function=dumps(_forget), args=dumps((name,)))
        async with worker.rpc(worker.nanny) as nanny:
            await nanny.plugin_remove(name=name)
