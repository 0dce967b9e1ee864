"""The core in plain Python: stands where the extension module `_core` was not built.

Same names, same reports; slower, and without what MISSING says.
"""

from __future__ import annotations

import os
import sys

from memory_profiler._pure import __version__, lines
from memory_profiler._pure.block import Block, only_for
from memory_profiler._pure.depth import Driven, from_level, levels
from memory_profiler._pure.lines import Tracer, gate, set_aside, use_gate, work
from memory_profiler._pure.meter import (
    cgroup,
    children,
    children_memory,
    granularity,
    memory,
    own_memory,
    the_meter,
)
from memory_profiler._pure.notebook import Peak, html_runs, render_series
from memory_profiler._pure.render import (
    csv_lines,
    html_lines,
    json_lines,
    record_name,
    text_lines,
)
from memory_profiler._pure.sampler import Sampler, around_fork
from memory_profiler._pure.tag import Tag

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


def exit_with(code: int, /) -> None:
    """The process's exit code; nothing but this can change it while exit functions run."""
    if code:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                pass
        os._exit(code)


def sigterm_within(seconds: int, /) -> None:
    """The C core ends programs that do not come back from C code."""


class Calls:
    """Function records go to the native mprof's file, which only the C core can write."""

    def __init__(self) -> None:
        raise FileNotFoundError(2, "not under mprof run")

    def enter(self, name: str, level: int, memory: int, /) -> object:
        raise NotImplementedError

    def leave(self, call: object, memory: int, /) -> tuple[int, int] | None:
        raise NotImplementedError


__all__ = [
    "MISSING",
    "Block",
    "Calls",
    "Driven",
    "Peak",
    "Sampler",
    "Tag",
    "Tracer",
    "__version__",
    "around_fork",
    "cgroup",
    "children",
    "children_memory",
    "csv_lines",
    "exit_with",
    "from_level",
    "gate",
    "granularity",
    "html_lines",
    "html_runs",
    "json_lines",
    "levels",
    "memory",
    "only_for",
    "own_memory",
    "record_name",
    "render_series",
    "select",
    "set_aside",
    "sigterm_within",
    "text_lines",
    "use_gate",
    "work",
]
