"""Heaps of small objects: exact while pymalloc's pools and arenas change, and cheap in memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from heap_tracked import line_of
from memory_profiler import heap
from recordings import Recorder

MIB = 1 << 20
COUNT = 20_000


def fill(kept: list, order: range, size: int) -> None:
    for i in order:
        kept[i] = bytes(size)


def shrink(kept: list, size: int) -> None:
    """Each block is taken for all bytes, and made smaller by a seventh."""
    text = b"stay" * (size // 4) + b"g" * (size // 7)
    for i in range(COUNT):
        kept[i] = text.translate(None, b"g")


def test_pools_of_all_classes_one_after_the_other_keep_their_blocks_apart() -> None:
    """A few stay of each, so that some pools go on and others become another class's."""
    some, stay, sizes, kept = random.Random(3), [], [], [None] * COUNT
    with heap.track() as tracker:
        for size in some.sample(range(470), 40):
            fill(kept, range(COUNT), size)
            stay += [kept[i] for i in some.sample(range(COUNT), size % 7)]
            sizes += [sys.getsizeof(kept[0])] * COUNT
            kept[:] = [None] * COUNT
    line = line_of(tracker, "fill")
    small = [sys.getsizeof(block) for block in stay]
    assert line.allocations >= len(sizes) and line.total >= sum(sizes)
    rest = line.live_blocks - len(small)  # numbers of the loop
    assert 0 <= rest < 10 and 0 <= line.live - sum(small) <= 32 * 10


def test_objects_that_are_made_smaller_where_they_are_have_their_size() -> None:
    kept, here = [None] * COUNT, []
    with heap.track() as tracker:
        for size in (40, 100, 310, 420, 600):
            shrink(kept, size)
            here += kept[::10]
            kept[:] = [None] * COUNT
        sizes = sum(map(sys.getsizeof, here))
    line = line_of(tracker, "shrink")
    assert line.allocations >= 10 * COUNT
    assert 0 <= line.live_blocks - len(here) < 10 and 0 <= line.live - sizes < 1000


#: What a heap of a million small objects costs, plain and recorded.
SMALL = """
import contextlib, json, os, sys
from memory_profiler import heap

def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) << 10

before = status("VmRSS:")
with heap.track("a.mprof") if sys.argv[1:] else contextlib.nullcontext() as tracker:
    kept = [{"number": i, "pair": (i, str(i))} for i in range(N)]
    grown, blocks = status("VmRSS:") - before, sys.getallocatedblocks()
    kept = None
print(json.dumps([grown, blocks]))
"""


def grown(here: Recorder, *words: str) -> tuple[int, int]:
    here.write("program.py", SMALL.replace("N)", "300_000)"))
    run = [sys.executable, "program.py", *words]
    done = subprocess.run(run, cwd=here.path, capture_output=True, check=True)
    return tuple(json.loads(done.stdout))


def test_recording_small_objects_adds_a_tenth_of_their_memory(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    (plain, blocks), (recorded, _) = grown(here), grown(here, "recorded")
    assert blocks > 1_000_000 and plain > 90 * MIB
    assert recorded - plain < plain / 10 + 6 * MIB


@pytest.mark.one_version
@pytest.mark.parametrize("allocator", ["malloc", "malloc_debug", "pymalloc_debug"])
def test_other_allocators_of_small_objects_are_as_exact(
    tmp_path: Path, allocator: str
) -> None:
    here = Recorder(tmp_path)
    here.write("program.py", SMALL.replace("N)", "30_000)"))
    done = here.mprof(
        "heap", "-o", "b.mprof", "program.py", env={"PYTHONMALLOC": allocator}
    )
    assert done.code == 0, done.err
    said = json.loads(here.mprof("report", "--json", "b.mprof").out)
    line = max(said["lines"], key=lambda row: row["allocations"])
    assert line["file"].endswith("program.py") and line["allocations"] >= 30_000 * 4
    assert line["live_blocks"] < 5_000  # the interpreter keeps tuples to use them again
