"""The heaps of a Dask cluster's workers: a plugin that records them, and their captures here.

    from memory_profiler.dask import HeapPlugin, gather

    client.register_plugin(HeapPlugin())
    ...
    gather(client, "run/")          # then: mprof report run/, mprof table --by worker run/

docs/cluster.md has more. Needs `distributed`, which this module imports.
"""

from __future__ import annotations

import os
import warnings

from dask.utils import key_split  # type: ignore[import-not-found]
from distributed import WorkerPlugin  # type: ignore[import-not-found]

from memory_profiler._cluster import clocks as _clocks
from memory_profiler._cluster import nanny as _nanny
from memory_profiler._cluster import recording, travel, watch
from memory_profiler._heap.tag import tag

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

__all__ = ["HeapPlugin", "clocks", "gather"]

_NAME = "memory_profiler-heap"


class HeapPlugin(WorkerPlugin):  # type: ignore[misc]
    """Records the heaps of all workers from here on, and of those that start later.

    Each host keeps the captures of its workers outside of Dask's own folders, so that the one
    of a worker that was killed stays: by its nanny, the kernel, or anybody. Processes that a
    worker starts are recorded too. What a nanny starts from here on, new workers and those in
    place of killed ones, records from its first import on.

    Args:
        sample: bytes between samples on average, as int or "512K"; None: every block, exactly.
        native: as for `heap.track`: True also what C libraries take from malloc and mmap, False
            Python's allocators alone, None also if that can be.
        folder: where hosts keep the captures; None: a folder in the temporary one of each.

    Raises:
        ValueError: `sample` is no size.
    """

    name = _NAME

    def __init__(
        self,
        sample: int | str | None = "512K",
        native: bool | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        where = os.fsdecode(folder) if folder is not None else None
        self.settings = recording.Settings(sample, native, where)
        self.problem = ""  #: why a worker records nothing

    def setup(self, worker: Any) -> None:
        """What Dask calls in each worker."""
        self.problem = recording.begin(self.settings, str(worker.name))
        if not self.problem:
            _tag_tasks(worker)
            watch.begin(worker)
            _nanny.tell(worker, self.settings)

    def teardown(self, worker: Any) -> Awaitable[None] | None:
        """What Dask calls where a worker closes, or the plugin is taken away."""
        if self.problem:
            return None
        watch.end(worker)
        recording.end()
        goes_on = worker.status.name in ("running", "paused")
        return _nanny.untell(worker, self.settings) if goes_on else None


def _tag_tasks(worker: Any) -> None:
    """What a task allocates has the tag task=PREFIX, as Dask's own dashboards group keys. Dask
    runs a task in a thread with a copy of the context of its coroutine."""
    execute = getattr(worker, "execute", None)
    if execute is None or getattr(execute, "_mprof", False):
        return

    async def tagged(key: Any, **more: Any) -> Any:
        with tag(f"task={key_split(key)}"):
            return await execute(key, **more)

    tagged._mprof = True  # type: ignore[attr-defined]
    worker.execute = tagged


def _problem(dask_worker: Any) -> str:
    plugin = dask_worker.plugins.get(_NAME)
    return plugin.problem if plugin else "it has no plugin"


def _plugin(dask_scheduler: Any) -> Any:
    return dask_scheduler.worker_plugins.get(_NAME)


def _settings(client: Any) -> recording.Settings:
    from distributed.protocol.pickle import loads  # type: ignore[import-not-found]

    pickled = client.run_on_scheduler(_plugin)
    if pickled is None:
        raise RuntimeError(
            "no HeapPlugin is registered: client.register_plugin(HeapPlugin())"
        )
    plugin = loads(pickled) if isinstance(pickled, bytes) else pickled
    settings: recording.Settings = plugin.settings
    return settings


def _ask(client: Any, what: Callable[..., Any], *words: Any, **more: Any) -> dict[str, Any]:
    """What those answer that can; nannies outlive their workers, and not all have one."""
    try:
        return dict(client.run(what, *words, on_error="ignore", **more))
    except Exception:
        return {}


def gather(client: Any, folder: str | os.PathLike[str]) -> list[str]:
    """Brings the captures of all workers here, over the client's own connection.

    Workers go on meanwhile; gathering again replaces what came with what is there then. The
    captures of workers that died are among them as long as their host has a worker or a nanny.

    Args:
        client: a distributed.Client, which has a HeapPlugin registered.
        folder: where to put them; it is made where there is none.

    Returns:
        The files, each HOST.PID.mprof.

    Raises:
        RuntimeError: no HeapPlugin is registered.
        OSError: a file cannot be written.

    Warns:
        RuntimeWarning: a worker records nothing, or its captures cannot be had.
    """
    settings = _settings(client)
    target = os.fsdecode(folder)
    os.makedirs(target, exist_ok=True)
    workers = _workers(client)  # the scheduler forgets those that do not answer
    answers = [
        (who, nanny, listed)
        for nanny in (False, True)
        for who, listed in _ask(client, _listing, settings, nanny=nanny).items()
    ]
    nannies = {who: nanny for who, nanny, _ in answers}
    paths = []
    for who, host, path in travel.each_once((who, listed) for who, _, listed in answers):
        packed = _ask(client, travel.pack, path, workers=[who], nanny=nannies[who]).get(who)
        if packed is None:
            _warn(
                f"cannot bring {path} of {host}: {who} does not answer, or cannot read it"
            )
            continue
        paths.append(travel.save(target, os.path.basename(path), packed))
    for who, why in _ask(client, _problem).items():
        if why:
            _warn(f"the worker {who} is not recorded: {why}")
    silent = (workers | _workers(client)) - set(nannies)
    if silent:
        _warn(f"{len(silent)} workers do not answer: {', '.join(sorted(silent))}")
    return sorted(set(paths))


def _workers(client: Any) -> set[str]:
    return set(client.scheduler_info(n_workers=-1)["workers"])


def clocks(client: Any, folder: str | os.PathLike[str]) -> dict[str, float]:
    """Writes how much workers' clocks are ahead of the scheduler's into `folder`/clocks.txt.

    Where `mprof plot FOLDER` finds it beside recordings of `mprof run`, all are drawn on the
    scheduler's clock. The source is the workers' heartbeats to the scheduler: exact to how long
    one takes on its way, of a host's workers the quickest counts.

    Args:
        client: a distributed.Client.
        folder: where the recordings are; it is made where there is none.

    Returns:
        Seconds for each host, by its name; the scheduler's own is 0. A host whose workers have
        sent no heartbeat yet is left out.

    Raises:
        OSError: the file cannot be written.
    """
    here, delays = client.run_on_scheduler(_heartbeats)
    hosts = _ask(client, _host)
    ahead: dict[str, float] = {}
    for who, delay in delays.items():
        host = hosts.get(who)
        if host and delay and -delay > ahead.get(host, float("-inf")):
            ahead[host] = -delay
    ahead[here] = 0.0
    target = os.fsdecode(folder)
    os.makedirs(target, exist_ok=True)
    _clocks.write(target, ahead)
    return ahead


def _heartbeats(dask_scheduler: Any) -> tuple[str, dict[str, float]]:
    """The scheduler's host; of each worker how much later it was here than there."""
    workers = dask_scheduler.workers.values()
    return os.uname().nodename, {who.address: who.time_delay for who in workers}


def _host() -> str:
    return os.uname().nodename


def _listing(settings: recording.Settings) -> list[tuple[str, str, int]]:
    return travel.listing(settings.place())


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=3)
