"""What malloc and its kin gave: the totals against a program's own books, and another profiler's."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from heap_runs import figures
from recordings import Recorder

HERE = Path(__file__).parent
CALLS = 100_000

#: Prints what it asked for: bytes, calls, bytes held at the end, and at most.
PROGRAM = """
import ctypes, sys
asked = ctypes.CDLL("./asked.so")
books = (ctypes.c_long * 4)()

def work():
    asked.work(ctypes.c_long({calls}), books)

work()
print(*books)
"""

#: Of the other profiler's file, the same figures for what was asked for in asked.c.
READER = """
import json, memray
file = memray.FileReader("theirs.bin")
kinds = memray.AllocatorType
asked = [kinds.MALLOC, kinds.CALLOC, kinds.REALLOC, kinds.POSIX_MEMALIGN]

def ours(records):
    for record in records:
        if record.allocator in asked and record.stack_trace(1)[0][0] == "work":
            yield record

every = list(ours(file.get_allocation_records()))
peak = ours(file.get_high_watermark_allocation_records(merge_threads=True))
live = ours(file.get_leaked_allocation_records(merge_threads=True))
sizes = [sum(record.size for record in records) for records in (every, live, peak)]
print(json.dumps([sizes[0], len(every), *sizes[1:]]))
"""


@dataclasses.dataclass(frozen=True)
class Totals:
    total: int
    calls: int
    live: int
    peak: int


def agree(these: Totals, those: Totals, percent: float) -> bool:
    pairs = zip(dataclasses.astuple(these), dataclasses.astuple(those), strict=True)
    return all(abs(one - other) * 100 <= percent * other for one, other in pairs)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    here = Recorder(tmp_path_factory.mktemp("asked"))
    command = ["cc", "-O1", "-fno-builtin", "-shared", "-fPIC", HERE / "asked.c"]
    subprocess.run([*command, "-o", here.path / "asked.so"], check=True)
    here.write("program.py", PROGRAM.format(calls=CALLS))
    return here


@pytest.fixture(scope="module")
def ours(here: Recorder) -> tuple[Totals, Totals]:
    """What `mprof heap` says of the function that asked, and what was asked for."""
    done = here.mprof("heap", "-o", "ours.mprof", "program.py")
    assert done.code == 0, done.err
    (row,) = [
        row for row in figures(here, "ours.mprof")["lines"] if row["function"] == "work"
    ]
    said = Totals(row["total"], row["allocations"], row["live"], row["at_peak"])
    return said, Totals(*map(int, done.out.split()))


def test_totals_of_malloc_are_those_of_the_programs_own_books(
    ours: tuple[Totals, Totals],
) -> None:
    said, truth = ours
    assert truth.calls == CALLS and truth.live > 1 << 20
    assert agree(said, truth, 0.1)


def test_totals_of_malloc_agree_with_memrays_records_within_a_hundredth(
    here: Recorder, ours: tuple[Totals, Totals]
) -> None:
    pytest.importorskip("memray")
    record = [sys.executable, "-m", "memray", "run", "-q", "-f", "-o", "theirs.bin"]
    subprocess.run([*record, "program.py"], cwd=here.path, check=True, capture_output=True)
    read = subprocess.run(
        [sys.executable, "-c", READER], cwd=here.path, check=True, capture_output=True
    )
    theirs = Totals(*json.loads(read.stdout))
    assert agree(ours[0], theirs, 1)
