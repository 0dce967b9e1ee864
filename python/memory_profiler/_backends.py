"""Backends: the classic's names for where the numbers come from."""

from __future__ import annotations


from memory_profiler import _core

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable

#: Name -> metric of the C meter; None: not the meter.
METRICS = {
    "psutil": "rss",
    "psutil_pss": "pss",
    "psutil_uss": "uss",
    "posix": "rss",
    "tracemalloc": None,
}


def _traced_bytes() -> Callable[[], int]:
    import tracemalloc

    if not tracemalloc.is_tracing():
        tracemalloc.start()
    get = tracemalloc.get_traced_memory
    return lambda: get()[0]


def make_reader(
    backend: str = "psutil", include_children: bool = False
) -> Callable[[], int]:
    """A function that returns this process's bytes now. Raises KeyError for an unknown name."""
    metric = METRICS[backend]
    if metric is None:
        return _traced_bytes()
    if include_children:
        return lambda: _core.memory(0, metric) + _core.children_memory(0, metric)
    return lambda: _core.memory(0, metric)


def make_tracer(
    backend: str = "psutil", include_children: bool = False, peaks: bool = False
) -> _core.Tracer:
    """A tracer that counts with a backend. Raises KeyError for an unknown name, ValueError
    where `peaks` cannot be had (the kernel keeps a high-water mark of RSS alone)."""
    try:
        metric = METRICS[backend]
    except KeyError:
        raise KeyError(
            f"unknown backend {backend!r}: one of {', '.join(METRICS)}"
        ) from None
    if peaks and (metric != "rss" or include_children):
        raise ValueError(
            "peaks are of this process's RSS: not with another backend or children"
        )
    if metric is None:
        return _core.Tracer(call=_traced_bytes())
    return _core.Tracer(metric, include_children, peaks=peaks)
