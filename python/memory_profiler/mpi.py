"""The heaps of an MPI job's ranks, brought to one of them at the end.

    # job.py, started by: mpirun -n 8 mprof heap -o '/tmp/run.%h.%r.mprof' job.py
    from mpi4py import MPI
    from memory_profiler.mpi import gather
    ...
    gather(MPI.COMM_WORLD, "run/")      # then: mprof report run/, mprof table --by rank run/

docs/cluster.md has more. Needs no module: any communicator with mpi4py's methods will do.
"""

from __future__ import annotations

import os

from memory_profiler._cluster import recording, travel

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

__all__ = ["gather"]

_TAG = 0x6D70


def _packed() -> list[tuple[str, bytes]]:
    """This process's capture and what it is called; none where it is not recorded."""
    path = recording.own_capture()
    return [(os.path.basename(path), travel.pack(path))] if path else []


def gather(comm: Any, folder: str | os.PathLike[str], root: int = 0) -> list[str] | None:
    """Brings the capture of each rank into a folder of the root's host. All ranks call it.

    Captures are those of this moment: call it at the end, or where most is held, or both: what
    comes later replaces what came. One rank after the other sends.

    Args:
        comm: a communicator of mpi4py's.
        folder: where the root puts them; it is made where there is none.
        root: the rank that does.

    Returns:
        At the root the files; elsewhere None.

    Raises:
        OSError: the root cannot write a file. It takes what the others send before.
    """
    if comm.Get_rank() != root:
        comm.send(_packed(), dest=root, tag=_TAG)
        return None
    target = os.fsdecode(folder)
    paths, problem = [], None
    for rank in range(comm.Get_size()):
        came = _packed() if rank == root else comm.recv(source=rank, tag=_TAG)
        try:
            os.makedirs(target, exist_ok=True)
            paths += [travel.save(target, name, packed) for name, packed in came]
        except OSError as why:
            problem = why
    if problem is not None:
        raise problem
    return paths
