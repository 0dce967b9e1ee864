"""The heaps of an MPI job's ranks, brought to one of them at the end.

    # job.py, started by: mpirun -n 8 mprof heap -o '/tmp/run.%h.%r.mprof' job.py
    from mpi4py import MPI
    from memory_profiler.mpi import gather
    ...
    gather(MPI.COMM_WORLD, "run/")      # then: mprof report run/, mprof table --by rank run/

Under `mprof run -o '/tmp/run.%h.%r.dat'` the same is clocks(MPI.COMM_WORLD, "run/").
docs/cluster.md has more. Needs no module: any communicator with mpi4py's methods will do.
"""

from __future__ import annotations

import os
import time

from memory_profiler._cluster import clocks as _clocks
from memory_profiler._cluster import recording, travel

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

__all__ = ["clocks", "gather"]

_TAG = 0x6D70
_ROUNDS = 10  # of a question and its answer: the quickest counts


def _packed() -> list[tuple[str, bytes]]:
    """This process's capture and what it is called; none where it is not recorded."""
    path = recording.own_capture()
    return [(os.path.basename(path), travel.pack(path))] if path else []


def gather(comm: Any, folder: str | os.PathLike[str], root: int = 0) -> list[str] | None:
    """Brings the capture of each rank into a folder of the root's host. All ranks call it.

    Captures are those of this moment: call it at the end, or where most is held, or both: what
    comes later replaces what came. One rank after the other sends. What `clocks` measures lies
    beside them.

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
        clocks(comm, folder, root)
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
    try:
        clocks(comm, folder, root)
    except OSError as why:
        problem = problem or why
    if problem is not None:
        raise problem
    return paths


def _answer(comm: Any, root: int) -> None:
    for _ in range(_ROUNDS):
        comm.recv(source=root, tag=_TAG)
        comm.send((os.uname().nodename, time.time_ns()), dest=root, tag=_TAG)


def _ask(comm: Any, rank: int) -> tuple[int, str, float]:
    """How long the quickest answer took (ns), the rank's host, and its clock's lead in seconds:
    it was read half way, give or take as much."""
    answers = []
    for _ in range(_ROUNDS):
        began, asked = time.perf_counter_ns(), time.time_ns()
        comm.send(None, dest=rank, tag=_TAG)
        host, there = comm.recv(source=rank, tag=_TAG)
        took = time.perf_counter_ns() - began  # whoever sets the other clock meanwhile
        answers.append((took, str(host), (there - asked - took / 2) / 1e9))
    return min(answers)


def clocks(
    comm: Any, folder: str | os.PathLike[str], root: int = 0
) -> dict[str, float] | None:
    """Writes how much ranks' clocks are ahead of the root's into `folder`/clocks.txt. All ranks
    call it.

    Where `mprof plot FOLDER` finds it beside recordings of `mprof run`, all are drawn on the
    root's clock. The source are messages to each rank and back: exact to half of what the
    quickest one takes.

    Args:
        comm: a communicator of mpi4py's.
        folder: where the root has the recordings; it is made where there is none.
        root: the rank that does.

    Returns:
        At the root seconds for each host, by its name, its own 0; elsewhere None.

    Raises:
        OSError: the root cannot write the file. It asks the others before.
    """
    if comm.Get_rank() != root:
        _answer(comm, root)
        return None
    answers = [_ask(comm, rank) for rank in range(comm.Get_size()) if rank != root]
    ahead = {host: seconds for _, host, seconds in sorted(answers, reverse=True)}
    ahead[os.uname().nodename] = 0.0
    target = os.fsdecode(folder)
    os.makedirs(target, exist_ok=True)
    _clocks.write(target, ahead)
    return ahead
