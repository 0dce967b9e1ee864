"""The core in plain Python: stands where the extension module `_core` was not built.

Same names, same reports; slower, and without what MISSING says.
"""

from __future__ import annotations

import sys

from memory_profiler._pure import __version__, lines
from memory_profiler._pure.lines import Tracer, gate, set_aside, use_gate, work
from memory_profiler._pure.meter import (
    cgroup,
    children,
    children_memory,
    granularity,
    memory,
    the_meter,
)
from memory_profiler._pure.notebook import Peak, html_runs, render_series
from memory_profiler._pure.render import html_lines, json_lines, record_name, text_lines
from memory_profiler._pure.sampler import Sampler, around_fork

if hasattr(sys, "monitoring"):
    from memory_profiler._pure import monitoring as events
else:
    from memory_profiler._pure import settrace as events

lines.events = events
select = events.select

#: What only the C core has, for `--version --verbose`.
MISSING = (
    "--peak, --heap, heap.track, function records under mprof run as they happen, true peaks "
    "between samples, mprof plot's pages and characters, pictures in notebooks"
)

the_meter()  # fails now, in one line, when this system needs psutil


class Calls:
    """Function records go to the native mprof's file, which only the C core can write."""

    def __init__(self) -> None:
        raise FileNotFoundError(2, "not under mprof run")

    def enter(self, name: str, level: int, memory: int, /) -> object:
        raise NotImplementedError

    def leave(self, call: object, memory: int, /) -> None:
        raise NotImplementedError


__all__ = [
    "MISSING",
    "Calls",
    "Peak",
    "Sampler",
    "Tracer",
    "__version__",
    "around_fork",
    "cgroup",
    "children",
    "children_memory",
    "gate",
    "granularity",
    "html_lines",
    "html_runs",
    "json_lines",
    "memory",
    "record_name",
    "render_series",
    "select",
    "set_aside",
    "text_lines",
    "use_gate",
    "work",
]
