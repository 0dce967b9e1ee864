"""Programs traced on CPython 3.11, and what is counted of them."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import pytest

from memory_profiler import LineProfiler

needs_311 = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="3.12 and later trace with sys.monitoring"
)


def compiled(source: str, **names: Any) -> dict[str, Any]:
    """The namespace of a program whose lines count from 1."""
    exec(compile(textwrap.dedent(source).strip(), "program.py", "exec"), names)
    return names


def counted(profiler: LineProfiler) -> dict[str, dict[int, int]]:
    """{function: {line: occurrences}} of what a profiler measured."""
    return {
        code.co_name: {line: cell[2] for line, cell in cells.items()}
        for code, _, cells in profiler._tracer.tables()
    }
