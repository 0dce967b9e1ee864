"""Memory that no Python allocator gave: counted, each byte once, at the line that asked for it."""

from __future__ import annotations

import ctypes
import mmap
import threading
from pathlib import Path

import pytest

from heap_runs import figures, record
from memory_profiler import heap
from recordings import Recorder


def libc() -> ctypes.CDLL:
    """Looked up anew: addresses that ctypes kept from before the first capture are not ours."""
    found = ctypes.CDLL(None)
    found.malloc.restype = found.realloc.restype = ctypes.c_void_p
    found.malloc.argtypes = [ctypes.c_size_t]
    found.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    found.free.argtypes = [ctypes.c_void_p]
    return found


MIB = 1 << 20


def line(tracker: heap.Tracker, function: str) -> heap.Line:
    (found,) = [row for row in tracker.top(10**6, "peak") if row.function == function]
    return found


def take(size: int) -> int:
    return libc().malloc(size)


def take_map(size: int) -> mmap.mmap:
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def take_pool() -> mmap.mmap:
    no_reserve = 0x4000  # mmap has the name from 3.13 on
    return mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve)


def test_malloc_of_c_code_is_counted_at_the_python_line() -> None:
    with heap.track(native=True) as t:
        block = take(7 * MIB)
        held = t.live
        libc().free(block)
    assert t.native
    found = line(t, "take")
    assert 7 * MIB <= found.at_peak < 7 * MIB + 4096
    assert 7 * MIB <= held < 7 * MIB + 65536
    assert t.live < 65536


def test_without_native_it_is_not() -> None:
    with heap.track(native=False) as t:
        libc().free(take(7 * MIB))
    assert not t.native
    assert t.peak < MIB


def test_a_realloc_moves_the_bytes_to_who_asked_last() -> None:
    def grow(block: int, size: int) -> int:
        return libc().realloc(block, size)

    with heap.track(native=True) as t:
        block = grow(take(MIB), 5 * MIB)
    assert line(t, "take").live < 4096
    assert 5 * MIB <= t.live < 5 * MIB + 65536
    libc().free(block)


def test_mappings_count_while_they_are_mapped_and_grow_with_mremap() -> None:
    with heap.track(native=True) as t:
        mapped = take_map(10 * MIB)
        assert 10 * MIB <= t.live < 10 * MIB + 65536
        mapped.resize(30 * MIB)
        assert 30 * MIB <= t.live < 30 * MIB + 65536
        mapped.close()
    assert 30 * MIB <= t.peak < 30 * MIB + 65536
    assert t.live < 65536
    assert line(t, "take_map").at_peak >= 10 * MIB


def test_of_addresses_without_promised_memory_the_resident_pages_count() -> None:
    """An allocator's pool: what was never used of it is no heap, and neither is what went back."""
    with heap.track() as t:
        pool = take_pool()
        pool[: 40 * MIB] = bytes(40 * MIB)
        pool.madvise(mmap.MADV_DONTNEED, 0, 30 * MIB)
        other = take_pool()
        other[: 5 * MIB] = bytes(5 * MIB)
    assert t.live == pytest.approx(15 * MIB, abs=MIB // 4)
    assert t.peak < 100 * MIB
    assert line(t, "take_pool").live == pytest.approx(15 * MIB, abs=MIB // 4)
    with heap.track() as t:
        gone = take_pool()
        gone[: 20 * MIB] = bytes(20 * MIB)
        gone.close()
    assert t.live < MIB // 4


def test_a_file_that_is_mapped_is_no_heap(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(20 * MIB))
    with open(path, "rb") as file, heap.track(native=True) as t:
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ).close()
    assert t.peak < MIB


def test_what_pythons_allocators_take_from_malloc_is_counted_once() -> None:
    with heap.track(native=True) as t:
        kept = [bytearray(MIB) for _ in range(8)]
        small = [object() for _ in range(100_000)]
    alone = heap.track(native=False)
    with alone:
        kept = [bytearray(MIB) for _ in range(8)]
        small = [object() for _ in range(100_000)]
    assert abs(t.peak - alone.peak) < 0.02 * alone.peak
    assert len(kept) == 8 and len(small) == 100_000


def test_c_threads_that_allocate_all_at_once_lose_nothing() -> None:
    def work() -> None:
        malloc, free = libc().malloc, libc().free
        for _ in range(2000):
            free(malloc(1000))  # ctypes lets go of the interpreter's lock

    with heap.track(native=True) as t:
        threads = [threading.Thread(target=work) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    found = [row for row in t.top(10**6, "churn") if row.function.endswith("work")]
    assert sum(row.total for row in found) >= 4 * 2000 * 1000
    assert sum(row.live for row in found) < 4096


NATIVE = """
import ctypes, mmap
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def native(): return libc.malloc(3 << 20)
def mapped(): return mmap.mmap(-1, 5 << 20)
kept = [native(), mapped(), bytes(1 << 20)]
"""


def test_a_report_says_who_was_asked(here: Recorder) -> None:
    assert record(here, NATIVE).code == 0
    got = figures(here)
    kinds = got["kinds"]
    assert got["native"] is True
    assert 3 * MIB <= kinds["malloc"]["live"] < 4 * MIB
    assert 5 * MIB <= kinds["mmap"]["live"] < 6 * MIB
    assert 1 * MIB <= kinds["python"]["live"] < 2 * MIB
    assert sum(kind["at_peak"] for kind in kinds.values()) == got["peak"]
    text = here.mprof("report", "a.mprof").out
    assert "malloc" in text and "mmap" in text and "Python" in text


def test_no_native_leaves_it_out(here: Recorder) -> None:
    here.write("program.py", NATIVE)
    assert here.mprof("heap", "--no-native", "-o", "a.mprof", "program.py").code == 0
    got = figures(here)
    assert got["native"] is False and got["peak"] < 3 * MIB


# Sampling

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
    assert "MiB +-" in here.mprof("table", "a.mprof").out
    assert "sampled: one block in" in here.mprof("lines", "a.mprof").out


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
