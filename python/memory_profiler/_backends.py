"""Backends: the classic's names for where the numbers come from."""

from __future__ import annotations

import os

from memory_profiler import _core
from memory_profiler._say import warn
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

#: Name -> metric of the C meter; None: not the meter.
METRICS = {
    "psutil": "rss",
    "psutil_pss": "pss",
    "psutil_uss": "uss",
    "posix": "rss",
    "tracemalloc": None,
}


def _traced_bytes() -> Callable[[], int]:
    with standard:
        import tracemalloc

    if not tracemalloc.is_tracing():
        tracemalloc.start()
    get = tracemalloc.get_traced_memory
    return lambda: get()[0]


def metric_of(backend: str) -> str | None:
    """The metric of the C meter behind a backend; None: tracemalloc. Raises KeyError."""
    try:
        return METRICS[backend]
    except KeyError:
        raise KeyError(
            f"unknown backend {backend!r}: one of {', '.join(METRICS)}"
        ) from None


def make_reader(
    backend: str = "psutil", include_children: bool = False
) -> Callable[[], int]:
    """A function that returns this process's bytes now. Raises KeyError for an unknown name."""
    metric = metric_of(backend)
    if metric is None:
        return _traced_bytes()
    if include_children:
        return lambda: _core.own_memory(metric) + _core.children_memory(0, metric)
    return lambda: _core.own_memory(metric)


def _is_available(backend: str) -> bool:
    metric = METRICS[backend]
    file = "statm" if metric == "rss" else "smaps_rollup"
    return metric is None or os.access(f"/proc/self/{file}", os.R_OK)


def choose_backend(new_backend: str | None = None) -> str:
    """The name of the backend to use: the one asked for, or RSS where that one cannot work.

    Args:
        new_backend: psutil (RSS; the default), psutil_pss, psutil_uss, posix (RSS) or
            tracemalloc. None of them needs psutil the library.

    Raises:
        KeyError: an unknown name. A warning says when another backend takes its place.

    Source: whether /proc/self/statm or smaps_rollup can be read.

    >>> choose_backend(), choose_backend("tracemalloc")
    ('psutil', 'tracemalloc')
    """
    default = next(iter(METRICS))
    if new_backend is None or METRICS[default] == metric_of(new_backend):
        return new_backend or default
    if not _is_available(new_backend) and _is_available(default):
        warn(f"{new_backend} can not be used, {default} used instead")
        return default
    return new_backend


class Blind:
    """Stands in for a tracer where memory cannot be read: measures nothing."""

    def add(self, code: CodeType, always: bool = False, /) -> bool:
        return False

    def enter(self) -> None:
        pass

    def leave(self) -> None:
        pass

    def limit(self, bytes: int, call: Callable[[int], None], /) -> None:
        pass

    def tables(self) -> list[tuple[CodeType, int, dict[int, _core.Cell]]]:
        return []


def why_unreadable(error: OSError) -> str:
    if error.filename is None:
        return f"cannot count the heap: {error.strerror}, lines are not profiled"
    return (
        f"cannot read {error.filename}: {error.strerror}, lines are not profiled; "
        "mount /proc, or use the tracemalloc backend"
    )


def make_tracer(
    backend: str = "psutil",
    include_children: bool = False,
    peaks: bool = False,
    heap: bool = False,
    types: bool = False,
) -> _core.Tracer:
    """A tracer that counts with a backend.

    Raises:
        KeyError: an unknown name. OSError: this process's memory cannot be read.
        ValueError: `peaks` cannot be had (the kernel keeps a high-water mark of RSS alone), or
            `heap` or `types` (tracemalloc allocates inside the allocators that are counted).
        NotImplementedError: `heap`, `types` or `peaks` without the C core.
    """
    metric = metric_of(backend)
    if heap and hasattr(_core, "MISSING"):
        raise NotImplementedError("heap columns need the C core, which this install lacks")
    if types and hasattr(_core, "MISSING"):
        raise NotImplementedError("types need the C core, which this install lacks")
    if peaks and hasattr(_core, "MISSING"):
        raise NotImplementedError("peaks need the C core, which this install lacks")
    if (heap or types) and metric is None:
        raise ValueError(
            "heap columns count Python's allocators themselves: not with tracemalloc"
        )
    if peaks and (metric != "rss" or include_children):
        raise ValueError(
            "peaks are of this process's RSS: not with another backend or children"
        )
    if metric is None:
        return _core.Tracer(call=_traced_bytes())
    if types:
        return _core.Tracer(metric, include_children, peaks=peaks, heap=heap, types=True)
    return _core.Tracer(metric, include_children, peaks=peaks, heap=heap)
