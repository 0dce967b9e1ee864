"""The heaps of a Ray cluster's workers: how they record, and their captures here.

    from memory_profiler.ray import gather, runtime_env

    ray.init(runtime_env=runtime_env())
    ...
    gather("run/")          # then: mprof report run/, mprof table --by worker run/

docs/cluster.md has more. Needs `ray`, which `gather` imports.
"""

from __future__ import annotations

import functools
import inspect
import os
import warnings

from memory_profiler._cluster import recording, travel
from memory_profiler._heap.tag import tag

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ["gather", "runtime_env", "setup"]

_VARIABLE = "MPROF_RAY"  # how workers know what the driver asked for
_FIELDS = "run", "sample", "native", "folder"


def _told(settings: recording.Settings) -> str:
    values = (getattr(settings, field) for field in _FIELDS)
    return "\n".join("" if value is None else str(value) for value in values)


def _heard() -> recording.Settings | None:
    words = os.environ.get(_VARIABLE, "").split("\n")
    if len(words) != len(_FIELDS):
        return None
    run, sample, native, folder = words
    settings = recording.Settings(
        int(sample), native == "True" if native else None, folder or None
    )
    settings.run = run
    return settings


def runtime_env(
    sample: int | str | None = "512K",
    native: bool | None = None,
    folder: str | os.PathLike[str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A runtime environment in which every worker of a job records its heap.

    Each node keeps the captures of its workers, so that the one of a worker that was killed
    stays. Ray's own daemons are not recorded, and neither is the driver: `mprof heap driver.py`
    does that.

    Args:
        sample: bytes between samples on average, as int or "512K"; None: every block.
        native: as for `heap.track`.
        folder: where nodes keep the captures; None: a folder in the temporary one of each.
        more: what else the runtime environment has; of `env_vars` a copy is made.

    Returns:
        What `ray.init(runtime_env=)` takes.

    Raises:
        ValueError: `sample` is no size, or there is another hook.
    """
    if "worker_process_setup_hook" in more:
        raise ValueError("there is a hook already: call memory_profiler.ray.setup() in it")
    where = os.fsdecode(folder) if folder is not None else None
    told = _told(recording.Settings(sample, native, where))
    os.environ[_VARIABLE] = told  # for gather(), here
    variables = {**more.pop("env_vars", {}), _VARIABLE: told}
    hook = "memory_profiler.ray.setup"
    return {**more, "env_vars": variables, "worker_process_setup_hook": hook}


def setup() -> None:
    """What Ray calls in each worker; for a hook of your own."""
    settings = _heard()
    if settings is not None and not recording.begin(settings, f"ray {os.getpid()}"):
        _tag_tasks()


def _tag_tasks() -> None:
    """What a task or a method allocates has the tag task=FUNCTION or task=CLASS.METHOD, and the
    worker of an actor has its name: Ray asks its manager once for each function that runs."""
    from ray._private.worker import global_worker  # type: ignore[import-not-found]

    manager: Any = getattr(global_worker, "function_actor_manager", None)
    ask = getattr(manager, "get_execution_info", None)
    if ask is None:
        return  # a Ray that does it otherwise: there are lines without tags

    def tagged(job: Any, descriptor: Any) -> Any:
        info = ask(job, descriptor)
        what = str(descriptor.function_name)
        if descriptor.is_actor_method():
            what = f"{descriptor.class_name}.{what}"
            recording.name_it(_actor_name(descriptor.class_name))
        return info._replace(function=_tagged(info.function, f"task={what}"))

    manager.get_execution_info = tagged


def _actor_name(kind: str) -> str:
    import ray  # type: ignore[import-not-found]

    name = ray.get_runtime_context().get_actor_name()
    return f"ray {name}" if name else f"ray {kind} {os.getpid()}"


def _tagged(function: Callable[..., Any], word: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*words: Any, **options: Any) -> Any:
        with tag(word):
            result = function(*words, **options)
        return _awaited(result, word) if inspect.iscoroutine(result) else result

    return run


async def _awaited(coroutine: Coroutine[Any, Any, Any], word: str) -> Any:
    with tag(word):
        return await coroutine


def _listing(settings: recording.Settings) -> list[tuple[str, str, int]]:
    return travel.listing(settings.place())


def gather(folder: str | os.PathLike[str]) -> list[str]:
    """Brings the captures of all nodes here, through Ray's object store.

    Workers go on meanwhile; gathering again replaces what came with what is there then. The
    captures of workers that died are among them as long as their node is there.

    Args:
        folder: where to put them; it is made where there is none.

    Returns:
        The files, each HOST.PID.mprof.

    Raises:
        RuntimeError: `runtime_env()` was not used here.
        OSError: a file cannot be written.

    Warns:
        RuntimeWarning: a node does not answer.
    """
    import ray
    from ray.util.scheduling_strategies import (  # type: ignore[import-not-found]
        NodeAffinitySchedulingStrategy,
    )

    settings = _heard()
    if settings is None:
        raise RuntimeError("workers record nothing: ray.init(runtime_env=runtime_env())")
    target = os.fsdecode(folder)
    os.makedirs(target, exist_ok=True)

    def on(node: str, what: Any) -> Any:
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        return ray.remote(num_cpus=0, scheduling_strategy=there, max_retries=0)(what)

    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    asked = [(node, on(node, _listing).remote(settings)) for node in nodes]
    found = []
    for node, reference in asked:
        try:
            found.append((node, ray.get(reference, timeout=60)))
        except Exception as problem:
            _warn(node, problem)
    paths = []
    for node, _, path in travel.each_once(found):
        try:
            packed = ray.get(on(node, travel.pack).remote(path), timeout=60)
        except Exception as problem:
            _warn(node, problem)
            continue
        paths.append(travel.save(target, os.path.basename(path), packed))
    return sorted(set(paths))


def _warn(node: str, problem: Exception) -> None:
    text = str(problem).strip().splitlines()
    why = text[-1] if text else type(problem).__name__
    warnings.warn(
        f"the node {node[:12]} does not answer: {why}", RuntimeWarning, stacklevel=3
    )
