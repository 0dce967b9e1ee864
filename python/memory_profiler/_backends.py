"""Backends: the classic's names for where the numbers come from."""

from __future__ import annotations

from memory_profiler import _core

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
    return (
        f"cannot read {error.filename}: {error.strerror}, lines are not profiled; "
        "mount /proc, or use the tracemalloc backend"
    )


def make_tracer(
    backend: str = "psutil", include_children: bool = False, peaks: bool = False
) -> _core.Tracer:
    """A tracer that counts with a backend. Raises KeyError for an unknown name, ValueError
    where `peaks` cannot be had (the kernel keeps a high-water mark of RSS alone), OSError
    when this process's memory cannot be read."""
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
