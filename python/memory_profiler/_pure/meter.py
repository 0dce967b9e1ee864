"""Bytes of processes: from /proc where there is one, elsewhere from psutil."""

from __future__ import annotations

import errno
import os
import sys

from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

METRICS = ("rss", "pss", "uss")
PF_EXITING = 4  # of the kernel's flags: its memory is gone, it is no zombie yet
USS_FIELDS = (b"Private_Clean:", b"Private_Dirty:", b"Private_Hugetlb:")


def check_metric(metric: str) -> str:
    if metric not in METRICS:
        raise ValueError(f"unknown metric '{metric}': rss, pss or uss")
    return metric


class ProcMeter:
    """Reads /proc, as the C core does."""

    def __init__(self) -> None:
        self.page = os.sysconf("SC_PAGE_SIZE")

    def _read(self, pid: int, name: str) -> bytes:
        try:
            file = os.open(f"/proc/{pid or 'self'}/{name}", os.O_RDONLY)
        except FileNotFoundError as error:
            if pid and os.path.exists("/proc/self"):
                raise ProcessLookupError(errno.ESRCH, f"no process {pid}") from None
            raise error
        try:
            return os.read(file, 65536)
        finally:
            os.close(file)

    def memory(self, pid: int, metric: str) -> int:
        if metric == "rss":
            return int(self._read(pid, "statm").split()[1]) * self.page
        fields = (b"Pss:",) if metric == "pss" else USS_FIELDS
        rows = [row.split() for row in self._read(pid, "smaps_rollup").splitlines()]
        if not rows:
            raise ProcessLookupError(errno.ESRCH, f"process {pid} has ended")
        return sum(int(row[1]) * 1024 for row in rows if row[0] in fields)

    def has_ended(self, pid: int) -> bool:
        """Whether a process without memory is over; a kernel thread is not."""
        try:
            stat = self._read(pid, "stat")
        except OSError:
            return True
        fields = stat[stat.rindex(b")") + 1 :].split()
        return fields[0] in (b"Z", b"X") or bool(int(fields[6]) & PF_EXITING)

    def _parents(self) -> Iterator[tuple[int, int]]:
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    stat = self._read(int(name), "stat")
                except OSError:
                    continue
                yield int(name), int(stat[stat.rindex(b")") + 1 :].split()[1])

    def children(self, pid: int) -> list[int]:
        """All descendants, parents first."""
        found, parents = [pid], sorted(self._parents())
        for ancestor in found:  # grows while we go
            found += [child for child, parent in parents if parent == ancestor]
        return found[1:]


class PsutilMeter:
    """Asks psutil."""

    def __init__(self) -> None:
        try:
            import psutil
        except ImportError:
            raise ImportError(
                "memory_profiler needs psutil on this system: pip install psutil"
            ) from None
        self.psutil: Any = psutil

    def _process(self, pid: int) -> Any:
        try:
            return self.psutil.Process(pid or None)
        except self.psutil.NoSuchProcess:
            raise ProcessLookupError(errno.ESRCH, f"no process {pid}") from None

    def memory(self, pid: int, metric: str) -> int:
        process = self._process(pid)
        try:
            if metric == "rss":
                return int(process.memory_info().rss)
            info = process.memory_full_info()
        except self.psutil.NoSuchProcess:
            raise ProcessLookupError(errno.ESRCH, f"process {pid} has ended") from None
        except self.psutil.AccessDenied:
            raise PermissionError(errno.EACCES, f"cannot read process {pid}") from None
        if not hasattr(info, metric):
            raise OSError(errno.ENOTSUP, f"this system does not count {metric.upper()}")
        return int(getattr(info, metric))

    def has_ended(self, pid: int) -> bool:
        """Whether a process without memory is over."""
        return not self.psutil.pid_exists(pid)

    def children(self, pid: int) -> list[int]:
        """All descendants, parents first."""
        return [child.pid for child in self._process(pid).children(recursive=True)]


def make_meter() -> ProcMeter | PsutilMeter:
    """The meter of this system. Raises ImportError when it needs psutil and there is none."""
    return ProcMeter() if sys.platform == "linux" else PsutilMeter()


_meter: ProcMeter | PsutilMeter | None = None


def the_meter() -> ProcMeter | PsutilMeter:
    global _meter
    if _meter is None:
        _meter = make_meter()
    return _meter


reads = 0


def memory(pid: int, metric: str = "rss", /) -> int:
    """Bytes of a process now (pid 0: this one). Raises OSError, ValueError."""
    global reads
    reads += 1
    return the_meter().memory(pid, check_metric(metric))


def own_memory(metric: str = "rss", /) -> int:
    """Bytes of this process now. Raises OSError, ValueError."""
    return memory(0, metric)


def children(pid: int, /) -> list[int]:
    """Pids of all descendants, parents first. Raises OSError."""
    return the_meter().children(pid)


def each_child(pid: int, metric: str) -> Iterator[tuple[int, int]]:
    """(pid, bytes) of the descendants (of ours, for 0) that can be read."""
    for child in children(pid or os.getpid()):
        try:
            yield child, memory(child, metric)
        except OSError:
            continue


def children_memory(pid: int, metric: str = "rss", /) -> int:
    """Bytes of all descendants (pid 0: ours), summed."""
    return sum(size for _, size in each_child(pid, check_metric(metric)))


def cgroup(pid: int, /) -> tuple[int, int | None]:
    """Only the C core knows control groups."""
    raise OSError(errno.ENOTSUP, "control groups need the C core of memory_profiler")


def granularity() -> int:
    """Bytes to which the system counts resident memory: at most this stays unseen."""
    with standard:
        import mmap

    pages = 512
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as room:
        start, worst = memory(0), mmap.PAGESIZE
        for page in range(pages):
            room[page * mmap.PAGESIZE] = 1
            missing = start + (page + 1) * mmap.PAGESIZE - memory(0)
            worst = max(worst, missing + mmap.PAGESIZE)
    return worst if worst < pages * mmap.PAGESIZE else mmap.PAGESIZE


def high_water() -> int | None:
    """The most this process ever had resident; None where the system does not tell."""
    try:
        with standard:
            import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
