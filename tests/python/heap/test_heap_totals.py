"""What malloc and its kin gave: the totals against a program's own accounts, and another profiler's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import heap_asked
from heap_asked import Totals
from recordings import Recorder

#: Of the other profiler's file, the figures of Totals for what was asked for in asked.c.
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


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    here = Recorder(tmp_path_factory.mktemp("asked"))
    heap_asked.build(here.path)
    heap_asked.write(here)
    return here


@pytest.fixture(scope="module")
def truth(here: Recorder) -> Totals:
    return heap_asked.truth(here.mprof("heap", "-o", "ours.mprof", "program.py"))


def test_totals_of_malloc_are_those_of_the_programs_own_books(
    here: Recorder, truth: Totals
) -> None:
    assert truth.calls == 100_000 and truth.live > 1 << 20
    assert heap_asked.said(here, "ours.mprof").is_near(truth, 0.1)


def test_totals_of_malloc_agree_with_memrays_records_within_a_hundredth(
    here: Recorder, truth: Totals
) -> None:
    pytest.importorskip("memray")
    record = [sys.executable, "-m", "memray", "run", "-q", "-f", "-o", "theirs.bin"]
    subprocess.run([*record, "program.py"], cwd=here.path, check=True, capture_output=True)
    read = subprocess.run(
        [sys.executable, "-c", READER], cwd=here.path, check=True, capture_output=True
    )
    theirs = Totals(*json.loads(read.stdout))
    assert heap_asked.said(here, "ours.mprof").is_near(theirs, 1)
