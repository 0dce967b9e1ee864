"""What the interpreter's last collection still calls of ours: nothing breaks the program's end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recordings import PROGRAM

SUSPENDED = """
import builtins, sys

@profile
def generator():
    kept = bytearray(100000)
    yield kept
    yield kept

@profile
async def coroutine(awaitable):
    await awaitable

@profile
async def items():
    yield 1
    yield 2

@profile
def other():
    return [bytes(100) for i in range(10)]

class Once:
    def __await__(self):
        yield self

class Late:
    def __del__(self, other=other):
        other()

def suspend():
    first, second, third = generator(), coroutine(Once()), items()
    next(first)
    second.send(None)
    try:
        third.asend(None).send(None)
    except StopIteration:
        pass
    return first, second, third, Late()

alive = suspend()
sys.kept_here = suspend()
builtins.kept_there = suspend()
ring = [suspend()]
ring.append(ring)
other()
"""

IMPORT = "from memory_profiler import profile\n"

WAYS = {
    "imported": (IMPORT, sys.executable),
    "imported under -m": (IMPORT, sys.executable, "-m", "memory_profiler"),
    "lines": ("", sys.executable, "-m", "memory_profiler"),
    "lines of the heap": ("", sys.executable, "-m", "memory_profiler", "--heap"),
    "records": ("", PROGRAM, "run", "-E", "-o", "a.dat"),
    "heap": (IMPORT, PROGRAM, "heap", "-o", "a.mprof"),
    "all": ("profile = lambda f: f\n", sys.executable, "-m", "memory_profiler", "--all"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_faults_75_what_is_suspended_at_the_end_is_closed_without_a_word(
    tmp_path: Path, way: str
) -> None:
    first, *words = WAYS[way]
    (tmp_path / "program.py").write_text(first + SUSPENDED)
    done = subprocess.run(
        [*words, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("mprof: ")]
    assert (done.returncode, said) == (0, [])
