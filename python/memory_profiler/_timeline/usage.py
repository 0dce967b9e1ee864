"""`memory_usage`: a process's memory over time, or while a function runs."""

from __future__ import annotations

import math
import operator
import time

from memory_profiler import _core
from memory_profiler._backends import choose_backend, metric_of
from memory_profiler._timeline.memory import MIB, check_pid, explain

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    from memory_profiler._timeline.traced import TracedSampler

    Sampler = _core.Sampler | TracedSampler

LONGEST = 1e9  # seconds: what the system's clocks take as a time to wait
SHORTEST = 1e-5  # a reading takes a few microseconds
FLUSH_EVERY = 50


class _Want:
    """The options of one call, checked."""

    __slots__ = (
        "children", "interval", "max_usage", "metric", "multiprocess", "retval", "stream",
        "timeout", "timestamps",
    )  # fmt: skip

    def __init__(self, interval: float, timeout: float | None, backend: str | None) -> None:
        self.interval = max(_seconds("interval", interval), SHORTEST)
        self.timeout = None if timeout is None else _seconds("timeout", timeout)
        self.metric = metric_of(choose_backend(backend))
        self.timestamps = self.children = self.multiprocess = False
        self.max_usage = self.retval = False
        self.stream: IO[str] | None = None

    def looks(self) -> int | None:
        """How many samples the timeout leaves room for; None: no timeout."""
        return None if self.timeout is None else round(self.timeout / self.interval)


def _seconds(name: str, value: float) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if math.isnan(seconds) or seconds < 0 or (seconds == 0 and name == "interval"):
        raise ValueError(f"{name} must be a positive number of seconds, not {value!r}")
    return min(seconds, LONGEST)


def _open(want: _Want, pid: int) -> Sampler:
    """A sampler for a process (0: this one) that watches its high-water mark as well."""
    if want.metric is None:
        if pid:
            raise ValueError(f"the tracemalloc backend sees this process only, not {pid}")
        if want.children or want.multiprocess:
            raise ValueError("the tracemalloc backend cannot see child processes")
        from memory_profiler._timeline.traced import TracedSampler

        return TracedSampler(want.interval)
    try:
        return _core.Sampler(
            want.interval,
            pid,
            want.metric,
            want.children,
            want.multiprocess,
            want.max_usage,
            want.max_usage and want.timestamps,
        )
    except OSError as error:
        raise explain(error, pid, want.metric) from None


def _close(sampler: Sampler) -> None:
    if not isinstance(sampler, _core.Sampler):
        sampler.close()


def _entries(sampler: Sampler, want: _Want, nest: bool) -> list[Any]:
    """The samples as the caller wants them: MiB or (MiB, time), children beside when `nest`."""
    rows: list[Any] = [
        (size / MIB, at) if want.timestamps else size / MIB
        for size, at in sampler.samples()
    ]
    if nest:
        ticks = sampler.children()
        rows = [
            [row, *(b / MIB for _, b in tick)]
            for row, tick in zip(rows, ticks, strict=True)
        ]
    return rows


def _write(stream: IO[str], size: int, at: float, children: list[tuple[int, int]]) -> None:
    """One tick in the grammar of .dat files."""
    stream.write(f"MEM {size / MIB:.6f} {at:.4f}\n")
    for pid, child in children:
        stream.write(f"CHLD {pid} {child / MIB:.6f} {at:.4f}\n")


def _write_all(stream: IO[str], sampler: Sampler) -> None:
    for (size, at), children in zip(sampler.samples(), sampler.children(), strict=True):
        _write(stream, size, at, children)


# A function, in this process --------------------------------------------------------------


def _run(sampler: Sampler, call: Callable[[], Any]) -> Any:
    """Calls once, sampled from just before to just after. Whatever it raises comes out."""
    try:
        sampler.start()
    except BlockingIOError as error:
        message = f"cannot start the sampling thread: {error.strerror}, raise ulimit -u"
        raise OSError(error.errno, message) from None
    try:
        return call()
    finally:
        sampler.stop()


def _usage_of_call(call: Callable[[], Any], want: _Want) -> Any:
    sampler = _open(want, 0)
    try:
        returned = _run(sampler, call)
        usage: Any = None
        if want.stream is not None:
            _write_all(want.stream, sampler)
        elif want.max_usage:
            size, at = sampler.peak or (0, 0.0)
            usage = (size / MIB, at) if want.timestamps else size / MIB
        else:
            usage = _entries(sampler, want, nest=False)
    finally:
        _close(sampler)
    return (usage, returned) if want.retval else usage


# Another process, or this one, looked at from here ----------------------------------------


def _look(sampler: Sampler, want: _Want, first: bool, pid: int) -> bool:
    """One sample, written when there is a stream. False: the process has ended."""
    try:
        size, at = sampler.sample()
    except ProcessLookupError as error:
        if first:
            raise explain(error, pid, want.metric or "rss") from None
        return False
    except OSError as error:
        raise explain(error, pid, want.metric or "rss") from None
    if want.stream is not None:
        _write(want.stream, size, at, sampler.children()[-1] if want.multiprocess else [])
    return True


def _reap(child: Any) -> bool:
    """True once a child that cannot be read any more is over; it may be on its way out."""
    for _ in range(100):
        if child.poll() is not None:
            return True
        time.sleep(0.001)
    return False


def _watch(sampler: Sampler, want: _Want, pid: int, looks: int | None, child: Any) -> None:
    """Samples at absolute deadlines until `looks` are taken or the process has ended."""
    taken, deadline = 0, time.monotonic()
    while (looks is None or taken < looks) and (child is None or child.poll() is None):
        if not _look(sampler, want, taken == 0, pid):
            if child is not None:
                _reap(child)
            return
        taken += 1
        if taken % FLUSH_EVERY == 0 and want.stream is not None:
            want.stream.flush()
        if looks == 1 and want.timeout is None:
            return
        deadline = max(deadline + want.interval, time.monotonic())
        time.sleep(max(0.0, deadline - time.monotonic()))


def _usage_of_process(pid: int, want: _Want, looks: int | None, child: Any = None) -> Any:
    if want.max_usage and looks == 0:
        looks = 1
    sampler = _open(want, pid)
    try:
        _watch(sampler, want, pid, looks, child)
        if want.stream is not None:
            return None
        if not want.max_usage:
            return _entries(sampler, want, nest=want.multiprocess)
        if sampler.peak is None:
            raise ProcessLookupError(3, f"process {pid} ended before it could be measured")
        return sampler.peak[0] / MIB
    finally:
        _close(sampler)


def _usage_of_popen(child: Any, want: _Want) -> Any:
    """A child of ours: it may end at any moment, and that is no error."""
    try:
        return _usage_of_process(child.pid, want, want.looks(), child)
    except ProcessLookupError:
        if not _reap(child) or want.max_usage:
            raise
        return None if want.stream is not None else []


# What to measure --------------------------------------------------------------------------


def _code_call(code: str) -> Callable[[], None]:
    compiled = compile(code, "<string>", "exec")
    return lambda: exec(compiled, {"__name__": "__main__"})


def _tuple_call(proc: list[Any] | tuple[Any, ...]) -> Callable[[], Any]:
    if not 1 <= len(proc) <= 3:
        raise ValueError("a call to measure is (f,), (f, args) or (f, args, keywords)")
    function = proc[0]
    args = proc[1] if len(proc) > 1 else ()
    keywords = proc[2] if len(proc) > 2 else {}
    if not callable(function):
        raise ValueError(
            f"{function!r} is not callable: (f,), (f, args) or (f, args, keywords)"
        )
    return lambda: function(*args, **keywords)


def _as_pid(proc: Any) -> int | None:
    """A process number, given as one or as digits; None when it is something else."""
    if isinstance(proc, str):
        return int(proc) if proc.strip().removeprefix("-").isdecimal() else None
    try:
        return None if isinstance(proc, bool) else operator.index(proc)
    except TypeError:
        return None


def memory_usage(
    proc: Any = -1,
    interval: float = 0.1,
    timeout: float | None = None,
    timestamps: bool = False,
    include_children: bool = False,
    multiprocess: bool = False,
    max_usage: bool = False,
    retval: bool = False,
    stream: IO[str] | None = None,
    backend: str | None = None,
    max_iterations: int | None = None,
) -> Any:
    """Memory in MiB over time: of a process, or of this one while a function runs.

    A function runs exactly once, in this process and thread, while a native thread samples
    without Python's lock; whatever it raises comes out unchanged. The first sample is taken
    just before the call, the last just after.

    Args:
        proc: what to measure:
            a pid, also as a string of digits (-1: this process): one sample now, or as many as
            fit into `timeout`; a `subprocess.Popen`: samples until it ends; a callable, `(f,)`,
            `(f, args)` or `(f, args, keywords)`: the call; any other string: Python code, run
            in a fresh namespace.
        interval: seconds between samples, above 0.
        timeout: seconds to look at a process. A function is never stopped.
        timestamps: pair each figure with its Unix time.
        include_children: add the memory of all descendants.
        multiprocess: a process's samples are lists: itself, then each descendant.
        max_usage: return the maximum alone. Of a function it is the true high-water mark, also
            of a spike between two samples; of another process the mark when it moved meanwhile.
        retval: return `(usage, what the function returned)`. Functions only.
        stream: write `MEM <MiB> <time>` lines to this text file (with `multiprocess` also
            `CHLD <pid> <MiB> <time>`) and return None in place of the usage.
        backend: a name of `choose_backend`: psutil (the default) and posix are RSS, psutil_pss,
            psutil_uss, tracemalloc (what Python's allocators hold, this process only). The
            high-water mark exists for RSS and tracemalloc; others take the largest sample.
        max_iterations: without meaning: a function runs once.

    Returns:
        `list[float]` in MiB; `list[tuple[float, float]]` with timestamps; with max_usage one
        `float` (of a function with timestamps `(MiB, time)`).

    Raises:
        ValueError: nothing that can be measured, or an interval or timeout that is no time.
        KeyError: an unknown backend. ProcessLookupError: no such process. PermissionError:
        another user's PSS or USS. Whatever the function raises.

    Source: /proc/PID/statm (RSS), smaps_rollup (PSS, USS), getrusage and /proc/PID/status for
    the high-water mark, tracemalloc.

    >>> usage = memory_usage((bytearray, (50 << 20,)))
    >>> peak, data = memory_usage((bytearray, (50 << 20,)), max_usage=True, retval=True)
    >>> len(usage) >= 2 and peak - usage[0] > 45 and len(data) == 50 << 20
    True
    """
    want = _Want(interval, timeout, backend)
    want.timestamps, want.children, want.multiprocess = (
        timestamps,
        include_children,
        multiprocess,
    )
    want.max_usage, want.retval, want.stream = max_usage, retval, stream
    pid = _as_pid(proc)
    if pid is not None:
        looks = want.looks()
        return _usage_of_process(check_pid(pid), want, 1 if looks is None else looks)
    if isinstance(proc, str):
        return _usage_of_call(_code_call(proc), want)
    if callable(proc):
        return _usage_of_call(proc, want)
    if isinstance(proc, (list, tuple)):
        return _usage_of_call(_tuple_call(proc), want)
    if hasattr(proc, "poll") and isinstance(getattr(proc, "pid", None), int):
        return _usage_of_popen(proc, want)
    raise ValueError(
        f"cannot measure {proc!r}: a pid, -1, a Popen, a callable, (f, args, keywords) or code"
    )
