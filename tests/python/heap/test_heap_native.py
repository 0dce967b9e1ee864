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


def test_a_realloc_that_is_refused_leaves_the_bytes_where_they_are() -> None:
    with heap.track(native=True) as t:
        block = take(5 * MIB)
        refused = libc().realloc(block, 1 << 62)
        held = t.live
        libc().free(block)
    assert refused is None and 5 * MIB <= held < 5 * MIB + 65536
    assert line(t, "take").live < 4096


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


def test_an_array_of_numpy_is_its_functions_and_the_line_that_called(
    here: Recorder,
) -> None:
    pytest.importorskip("numpy")
    source = "import numpy\ndef fill(): return numpy.ones(4 << 20)\nkept = fill()\nfill()\n"
    assert record(here, source).code == 0
    rows = [row for row in figures(here)["lines"] if row["function"] == "ones"]
    assert 32 * MIB <= sum(row["live"] for row in rows) < 33 * MIB
    assert 64 * MIB <= sum(row["total"] for row in rows) < 65 * MIB
    assert max(rows, key=lambda row: row["live"])["user"]["line"] == 2


def test_no_native_leaves_it_out(here: Recorder) -> None:
    here.write("program.py", NATIVE)
    assert here.mprof("heap", "--no-native", "-o", "a.mprof", "program.py").code == 0
    got = figures(here)
    assert got["native"] is False and got["peak"] < 3 * MIB
