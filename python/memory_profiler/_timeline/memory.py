"""One reading of one process, in MiB, with errors that say what to do."""

from __future__ import annotations

import os
import time

from memory_profiler import _core
from memory_profiler._backends import metric_of
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MIB = 1 << 20
SELF = -1


def check_pid(pid: int) -> int:
    """The number for the C core: 0 for this process (also spelt -1). Raises ValueError."""
    if pid == SELF or pid == os.getpid():
        return 0
    if pid <= 0 or pid > 0x7FFFFFFF:
        raise ValueError(
            f"no process can have the number {pid}: a pid, or -1 for this process"
        )
    return pid


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def explain(error: OSError, pid: int, metric: str) -> OSError:
    """The same failure with the process and the way out in its message.

    Args:
        error: what the core raised.
        pid: the process, 0 for this one.
        metric: "rss", "pss" or "uss".
    """
    code = error.errno or 0
    name = "this process" if pid == 0 else f"process {pid}"
    if isinstance(error, ProcessLookupError):
        if pid and not _exists(pid):
            return ProcessLookupError(code, f"no process {pid}")
        return ProcessLookupError(
            code, f"{name} cannot be seen: it has ended or /proc is mounted with hidepid"
        )
    if isinstance(error, PermissionError):
        return PermissionError(
            code,
            f"cannot read the {metric.upper()} of {name}: "
            "needs the same user or CAP_SYS_PTRACE, or the backend psutil (RSS)",
        )
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(
            code, f"cannot read the {metric.upper()} of {name}: /proc is missing or masked"
        )
    return error


def read(pid: int, metric: str) -> int:
    """Bytes of a process now (0: this one). Raises OSError as `explain` words it."""
    try:
        return _core.memory(pid, metric)
    except OSError as error:
        raise explain(error, pid, metric) from None


def _traced(filename: str | None) -> int:
    """Bytes that tracemalloc knows, of one file's lines when it is given."""
    with standard:
        import tracemalloc

    if filename is None:
        return tracemalloc.get_traced_memory()[0]
    only = tracemalloc.Filter(True, filename)
    snapshot = tracemalloc.take_snapshot().filter_traces([only])
    return sum(statistic.size for statistic in snapshot.statistics("filename"))


def _get_memory(
    pid: int,
    backend: str,
    timestamps: bool = False,
    include_children: bool = False,
    filename: str | None = None,
) -> float | tuple[float, float]:
    """Memory of a process now in MiB, with the Unix time when `timestamps`.

    Args:
        pid: a process, -1 for this one.
        backend: a name of `choose_backend`.
        include_children: add all descendants; those that vanish meanwhile count 0.
        filename: tracemalloc alone: what this file's lines allocated.

    Raises:
        KeyError: an unknown backend. ValueError: a number no process has.
        OSError: the process cannot be read (ProcessLookupError: there is none).

    Source: /proc/PID/statm (RSS), /proc/PID/smaps_rollup (PSS, USS), tracemalloc.

    >>> _get_memory(-1, "psutil") > 1.0
    True
    """
    metric = metric_of(backend)
    number = check_pid(pid)
    if metric is None:
        if number:
            raise ValueError(f"the tracemalloc backend sees this process only, not {pid}")
        size = float(_traced(filename)) / MIB
    else:
        size = read(number, metric) / MIB
        if include_children:
            size += sum(mib for _, mib in child_memory(number, metric))
    return (size, time.time()) if timestamps else size


def child_memory(pid: int, metric: str) -> Iterator[tuple[int, float]]:
    """(pid, MiB) of each descendant of a process (0: this one) that can be read."""
    for child in _core.children(pid or os.getpid()):
        try:
            yield child, _core.memory(child, metric) / MIB
        except OSError:
            continue


def _get_child_memory(
    process: Any, meminfo_attr: str | None = None, memory_metric: int | str = 0
) -> Iterator[tuple[int, float]]:
    """Memory of each descendant of a process: an iterator of (pid, MiB).

    Args:
        process: a pid, -1 for this process, or any object with a `pid`.
        meminfo_attr: without meaning here; the classic named a method of psutil.
        memory_metric: 0 or "rss", "pss", "uss".

    Raises:
        ValueError: an unknown metric, a number no process has.

    Source: /proc/PID/task/*/children, then as `_get_memory`.

    >>> list(_get_child_memory(-1))
    []
    """
    metric = memory_metric if isinstance(memory_metric, str) else "rss"
    if metric not in ("rss", "pss", "uss"):
        raise ValueError(f"unknown metric {metric!r}: rss, pss or uss")
    pid = process if isinstance(process, int) else process.pid
    return child_memory(check_pid(pid), metric)
