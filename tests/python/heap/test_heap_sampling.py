"""Where only some blocks are recorded, sums are right on average, whatever is asked for."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pages
from heap_runs import figures
from memory_profiler import heap
from recordings import Recorder

pytestmark = pytest.mark.one_version

MIB = 1 << 20

SAMPLED = """
def small(): return [object() for _ in range(400_000)]
def large(): return [bytearray(4 << 20) for _ in range(5)]
kept = small(), large()
"""


def test_sampled_sums_lie_within_their_errors_and_large_blocks_are_exact(
    here: Recorder,
) -> None:
    here.write("program.py", SAMPLED)
    for options in ([], ["--sample", "64K"]):
        name = "sampled.mprof" if options else "whole.mprof"
        assert here.mprof("heap", *options, "-o", name, "program.py").code == 0
    whole, sampled = figures(here, "whole.mprof"), figures(here, "sampled.mprof")
    assert (whole["sample"], sampled["sample"]) == (0, 65536)

    def at_peak(got: dict, function: str) -> int:
        return sum(
            row["at_peak"]
            for row in got["lines"]
            if row["function"].split(".")[0] == function
        )

    truth, said = at_peak(whole, "small"), at_peak(sampled, "small")
    assert 6 * MIB < truth
    assert abs(said - truth) < 6 * (65536 * truth) ** 0.5  # 1 in 500 million
    exact = at_peak(whole, "large")
    assert abs(at_peak(sampled, "large") - exact) < 0.01 * exact
    assert sampled["live"] >= 0 and sampled["untracked"] == 0


def test_sampled_figures_come_with_their_standard_error(here: Recorder) -> None:
    here.write("program.py", SAMPLED)
    assert here.mprof("heap", "--sample", "64K", "-o", "a.mprof", "program.py").code == 0
    text = here.mprof("report", "a.mprof").out
    assert "sampled: one block in 64.0 KiB" in text and "MiB +-" in text
    assert "MiB +-" in here.mprof("table", "a.mprof", env={"COLUMNS": "200"}).out
    assert "sampled: one block in" in here.mprof("lines", "a.mprof").out


def size_of(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"B": 1, "KiB": 1024, "MiB": MIB}[unit]


def errors(text: str, sign: str) -> list[float]:
    """Of each figure with an error, that error as a part of what it should be.

    Of nothing it is the interval: a row may hold blocks at one moment and none at another.
    """
    size = r"([\d.]+ [KM]?i?B)"
    found = re.findall(f"{size} {re.escape(sign)} ?{size}", text)
    return [size_of(its) / (65536 * (size_of(of) or 65536)) ** 0.5 for of, its in found]


def test_the_standard_error_is_that_of_its_figure(here: Recorder) -> None:
    here.write("program.py", SAMPLED)
    assert here.mprof("heap", "--sample", "64K", "-o", "a.mprof", "program.py").code == 0
    for view, at_least in (("report", 4), ("table", 9)):
        told = errors(here.mprof(view, "a.mprof", env={"COLUMNS": "200"}).out, "+-")
        assert len(told) >= at_least and told == pytest.approx([1] * len(told), rel=0.05)


FAMILY = """
import multiprocessing, sys
def work(number):
    global kept
    kept = [object() for _ in range(200_000)]
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(1, maxtasksperchild=1) as pool:
        pool.map(work, range(3), chunksize=1)
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_are_sampled_as_the_program_is(here: Recorder, method: str) -> None:
    here.write("program.py", FAMILY)
    done = here.mprof("heap", "--sample", "64K", "-o", "a.mprof", "program.py", method)
    assert done.code == 0, done.err
    got, truth = figures(here), 3 * (200_000 * 16 + sys.getsizeof([None] * 200_000))
    assert got["sample"] == 65536 and len(got["processes"]) >= 4
    said = sum(row["at_peak"] for row in got["lines"] if row["function"].startswith("work"))
    assert said == pytest.approx(truth, abs=6 * (65536 * truth) ** 0.5 + 3 * 65536)
    assert "MiB +-" in here.mprof("report", "a.mprof").out
    for child in here.path.glob("a.mprof.*"):
        assert figures(here, child.name)["sample"] == 65536


def test_a_page_of_a_sampled_capture_says_its_standard_error(here: Recorder) -> None:
    here.write("program.py", SAMPLED)
    assert here.mprof("heap", "--sample", "64K", "-o", "a.mprof", "program.py").code == 0
    assert here.mprof("flamegraph", "-o", "a.html", "a.mprof").code == 0
    seen = pages.look("look_heap.mjs", here.path / "a.html")
    buttons, table = " ".join(seen["measures"]), [*seen["rows"], *seen["sums"]]
    sizes = sum(figure > 0 for row in table for figure in row["figures"][:5:2])
    for text, least in (
        (seen["summary"], 3),
        (buttons, 3),
        (" ".join(seen["legend"]), 1),
        (" ".join(" ".join(row["text"].split()) for row in table), sizes),
        (seen["tip"], 1),
        (seen["chosen"], 1),
    ):
        told = errors(text, "\u00b1")
        assert len(told) >= least and told == pytest.approx([1] * len(told), rel=0.05)
        assert text.count("\u00b1") == len(told)
    itself = re.search(r".* in the line itself", seen["tip"] + "\n" + seen["chosen"])
    assert itself and "\u00b1" in itself[0]
    (notice,) = [text for text in seen["notices"] if text.startswith("Sampled: one block")]
    assert "64.0 KiB" in notice and "standard error" in notice


@pytest.mark.parametrize("words", ["0", "-1", "abc", "1X", "", "9999999999G", "1.5M"])
def test_faults_28_a_sample_that_is_no_size_is_a_usage_error(
    here: Recorder, words: str
) -> None:
    here.write("program.py", "open('ran', 'w')\n")
    done = here.mprof("heap", "--sample", words, "-o", "a.mprof", "program.py")
    assert done.code == 2 and "512K" in done.err
    assert not (here.path / "ran").exists()


def test_what_is_freed_leaves_nothing_behind_in_a_sampled_capture() -> None:
    with heap.track(sample=4096) as t:
        for _ in range(3):
            kept = [bytearray(n % 3000) for n in range(20_000)]
            del kept
    assert t.allocations > 10_000
    assert t.live < 65536 and min(row.live for row in t.top(10**6, "peak")) >= 0


@pytest.mark.parametrize("sample", [-1, 2**40 + 1, 2**63, 2**64])
def test_a_sample_that_makes_no_sense_is_refused(sample: int) -> None:
    with pytest.raises(ValueError, match="0 for every block"):
        heap.track(sample=sample)


def test_a_sample_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match="a whole number of bytes, not '512K'"):
        heap.track(sample="512K")  # type: ignore[arg-type]


EVERY = 2048  # bytes

EVERY_CALL = """
import io, json
from memory_profiler import heap

def grow():
    return [[j for j in range(30)] for _ in range(4000)]

def shrink():
    for _ in range(20000):
        data = bytearray(600)
        del data[100:]

def zero():
    for _ in range(20000):
        [None] * 40

def reuse():
    file = io.BytesIO(b"x" * 600 * 20000)
    for _ in range(20000):
        file.read(600)

for work in (grow, shrink, zero, reuse):
    for sample in (0, %d):
        with heap.track(sample=sample) as t:
            kept = work()
        got = t._heap.figures()
        print(json.dumps([work.__name__, got["total"], got["allocations"], got["temporary"]]))
"""


@pytest.mark.parametrize("allocator", ["pymalloc", "malloc", "debug"])
def test_malloc_calloc_and_realloc_are_sampled_alike(allocator: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVERY_CALL % EVERY],
        env={**os.environ, "PYTHONMALLOC": allocator},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 8
    for exact, sampled in zip(rows[::2], rows[1::2]):
        _, total, blocks, temporary = exact
        assert abs(sampled[1] - total) < 6 * (EVERY * total) ** 0.5, (exact, sampled)
        # A block of s bytes stands for about EVERY / s: none here is of less than 16.
        error = 6 * (EVERY / 16) ** 0.5
        assert abs(sampled[2] - blocks) < error * blocks**0.5, (exact, sampled)
        assert abs(sampled[3] - temporary) < error * temporary**0.5 + 16, (exact, sampled)


def test_no_line_has_more_temporary_blocks_than_blocks() -> None:
    file = io.BytesIO(bytes(10**7))
    with heap.track(sample=5000) as t:
        while file.read(700):
            pass
        file.seek(0)
        while file.read(4000):
            pass
    rows = t.top(10**6, "churn")
    assert rows and all(row.temporary <= row.allocations for row in rows)


SMALL_BLOCKS = "kept = [(i, str(i)) for i in range(500_000)]\n"


def test_what_pymalloc_takes_from_mmap_is_not_counted_twice(here: Recorder) -> None:
    here.write("program.py", SMALL_BLOCKS)
    assert here.mprof("heap", "--sample", "64K", "-o", "a.mprof", "program.py").code == 0
    got = figures(here)
    kinds = got["kinds"]
    assert not got["lost"]
    assert kinds["python"]["at_peak"] > 40 * MIB
    assert kinds["mmap"]["at_peak"] < MIB


def test_a_block_sampled_before_is_forgotten_whichever_call_ends_it() -> None:
    held = []
    for sample in (0, 256):
        with heap.track(sample=sample) as t:
            grown = [bytearray(100) for _ in range(20_000)]
            for block in grown:
                block += b"x" * 1000  # pymalloc's, then malloc's
            for block in grown:
                del block[10:]
            held.append(t.live)
            del grown, block
        assert abs(t.live) < 65536
    assert abs(held[1] - held[0]) < 6 * (256 * held[0]) ** 0.5


def test_small_blocks_are_followed_again_after_another_tool_took_the_hooks_off() -> None:
    import tracemalloc

    def small() -> int:
        with heap.track(native=False, sample=4096) as t:  # not tracemalloc's own tables
            kept = [object() for _ in range(100_000)]
        assert len(kept) == 100_000
        return t.peak

    tracemalloc.start()
    below = small()
    tracemalloc.stop()
    error = 6 * (4096 * 2.4e6) ** 0.5
    assert below > 2.4e6 - error  # what tracemalloc itself keeps comes on top
    for peak in (small(), small()):
        assert abs(peak - 2.4e6) < error


def test_what_the_walks_of_deep_stacks_take_is_not_drawn_as_a_sample() -> None:
    def deep(level: int) -> float:
        kept = float(level)
        return deep(level - 1) + kept if level else kept

    def blocks(sample: int) -> int:
        with heap.track(native=False, sample=sample) as t:
            for _ in range(100):
                deep(200)
        return t.allocations

    exact = blocks(0)
    sampled = [blocks(512) for _ in range(100)]
    # Each session's error is about 9 %.
    assert abs(sum(sampled) / len(sampled) - exact) < 0.05 * exact


def test_a_recording_of_one_sampled_block_may_say_either_whole_number() -> None:
    size, seen = 1 << 20, set()
    for _ in range(200):
        with heap.track(native=False, sample=2 * size) as t:
            bytearray(size)
        if t.allocations:  # two in five: then it stands for 2.54 blocks
            seen.add(t.allocations)
    assert {2, 3} <= seen


AGAIN = """
from memory_profiler import heap
with heap.track(native=False, sample=65536) as t:
    for i in range(20000):
        bytes(100 + i % 50)
print(t._heap.figures()["total"])
"""


def test_a_container_whose_processes_have_the_same_numbers_draws_anew_each_time() -> None:
    alone = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"]).returncode:
        pytest.skip("no namespace of processes may be made here")
    runs = [
        subprocess.run(
            [*alone, sys.executable, "-c", AGAIN],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(3)
    ]
    assert len(set(runs)) > 1


ARENAS = """
import sys
import blocks
from memory_profiler import heap

ASK = 0
before, then = map(int, sys.argv[1:])
if before:
    blocks.arenas(ASK)
with heap.track(sample=4096):
    pass
for sample in (0, 4096):
    blocks.arenas(ASK)
    with heap.track(sample=sample) as t:
        blocks.arenas(then)
        kept = [object() for _ in range(200_000)]
        blocks.arenas(ASK)
    print(t.peak)
    del kept
"""


@pytest.mark.parametrize("before, then", [(1, 1), (0, 1), (0, 2)])
def test_what_another_tool_makes_of_the_arenas_is_counted_once(
    blocks_at: Path, before: int, then: int
) -> None:
    """It is there before us or comes later, and says that there are none (1) or maps them (2)."""
    done = subprocess.run(
        [sys.executable, "-c", ARENAS, str(before), str(then)],
        env={**os.environ, "PYTHONPATH": str(blocks_at)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    exact, sampled = map(int, done.stdout.split())
    assert abs(sampled - exact) < 6 * (4096 * exact) ** 0.5
