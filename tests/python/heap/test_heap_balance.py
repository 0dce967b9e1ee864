"""Where the RSS is: `mprof report`'s balance sheet of real programs."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from heap_recordings import report
from recordings import Recorder

MIB = 1 << 20
PARTS = (
    "live", "pymalloc_free", "malloc_free", "other_blocks", "libraries", "files", "stacks",
    "memory_profiler", "remainder",
)  # fmt: skip

#: Every 50th block stays, so that neither arenas nor the heap's end can be given back.
FRAGMENTS = """\
small = [str(i) * 5 for i in range(400_000)]
large = [bytearray(2000) for _ in range(20_000)]
kept = small[::50], large[::50]
del small, large
"""


def record(path: Path, program: str, code: int = 0, **options: object) -> Recorder:
    """The program recorded into a.mprof."""
    recorder = Recorder(path)
    recorder.path.joinpath("app.py").write_text(program)
    done = recorder.mprof("heap", "-o", "a.mprof", "app.py", **options)
    assert done.code == code, done.err
    return recorder


def sheets(recorder: Recorder) -> dict[str, dict]:
    """The readings there are; each adds up."""
    balance = {key: of for key, of in report(recorder, "a.mprof")["balance"].items() if of}
    for sheet in balance.values():
        assert sum(sheet[part] or 0 for part in PARTS) == sheet["rss"]
        assert set(sheet) == {*PARTS, "rss", "heap", "not_resident", "reserved", "time"}
    return balance


def size_of(text: str) -> float:
    """MiB of a printed size."""
    number, unit = text.split()
    return float(number) * {"B": 1 / MIB, "KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def test_the_rows_and_the_remainder_are_the_rss(tmp_path: Path) -> None:
    recorder = record(tmp_path, FRAGMENTS)
    balance = sheets(recorder)
    assert list(balance) == ["at_start", "at_peak", "at_end"]
    text = recorder.mprof("report", "a.mprof").out.split("Where the RSS is\n")[1]
    size = r" +(-?[\d.]+ [KMG]?i?B) +-?[\d.]+%"
    rows = re.findall(f"^{size}{size}  (.*)$", text, re.M)
    assert len(rows) == len(PARTS) + 1
    assert [rows[-1][2], rows[-2][2]] == ["RSS", "remainder"]
    for column, moment in ((0, "at_peak"), (1, "at_end")):
        sizes = [size_of(row[column]) for row in rows]
        assert sum(sizes[:-1]) == pytest.approx(sizes[-1], abs=0.5)  # each is rounded
        assert sizes[-1] == pytest.approx(balance[moment]["rss"] / MIB, abs=0.1)


def test_what_is_left_to_explain_is_small(tmp_path: Path) -> None:
    balance = sheets(record(tmp_path, "kept = [str(i) * 9 for i in range(600_000)]\n"))
    for moment in ("at_peak", "at_end"):
        assert balance[moment]["live"] > 50 * MIB
        assert abs(balance[moment]["remainder"]) < balance[moment]["rss"] * 0.08


def test_memory_that_was_never_touched_is_live_but_not_resident(tmp_path: Path) -> None:
    balance = sheets(record(tmp_path, "kept = bytes(1 << 30)\n"))
    for moment in ("at_peak", "at_end"):
        sheet = balance[moment]
        assert sheet["heap"] > 1 << 30
        assert sheet["not_resident"] == pytest.approx(1 << 30, abs=MIB)
        assert sheet["rss"] < 128 * MIB and abs(sheet["remainder"]) < 8 * MIB


def test_free_blocks_that_were_never_touched_are_not_resident(tmp_path: Path) -> None:
    program = """\
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD: large blocks come from the heap too
blocks = [(libc.malloc(20 << 20), libc.malloc(5000)) for _ in range(8)]
for large, small in blocks:
    libc.free(large)
"""
    sheet = sheets(record(tmp_path, program))["at_end"]
    assert sheet["malloc_free"] < 8 * MIB and sheet["rss"] < 100 * MIB
    assert abs(sheet["remainder"]) < 4 * MIB


def test_memory_right_behind_a_library_s_is_not_its_data(tmp_path: Path) -> None:
    """Arenas and the libraries that come one after the other lie side by side."""
    pytest.importorskip("pandas")
    program = "import pandas\nkept = [str(i) * 9 for i in range(200_000)]\n"
    sheet = sheets(record(tmp_path, program))["at_end"]
    assert abs(sheet["remainder"]) < sheet["rss"] * 0.02


@pytest.mark.parametrize("flags", ["MAP_PRIVATE", "MAP_SHARED"])
def test_of_a_mapping_only_the_pages_that_were_written_are_resident(
    tmp_path: Path, flags: str
) -> None:
    program = f"""\
import mmap
kept = mmap.mmap(-1, 256 << 20, flags=mmap.{flags} | mmap.MAP_ANONYMOUS)
for at in range(0, 64 << 20, 4096):
    kept[at] = 1
"""
    sheet = sheets(record(tmp_path, program))["at_end"]
    assert sheet["not_resident"] + sheet["reserved"] == pytest.approx(
        192 * MIB, abs=3 * MIB
    )
    assert sheet["live"] > 64 * MIB and sheet["files"] < 40 * MIB
    assert abs(sheet["remainder"]) < 8 * MIB


def test_an_empty_array_is_not_resident(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    program = """\
import numpy
empty = numpy.empty(1 << 27)
full = numpy.ones(1 << 22)
"""
    sheet = sheets(record(tmp_path, program))["at_end"]
    assert sheet["not_resident"] > (1 << 30) - MIB
    assert sheet["live"] > 32 * MIB and sheet["rss"] < 256 * MIB
    assert abs(sheet["remainder"]) < 8 * MIB


def test_free_space_in_arenas_is_what_the_interpreter_says(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    (tmp_path / "app.py").write_text(FRAGMENTS + "import sys\nsys._debugmallocstats()\n")
    said = recorder.mprof("run", "-o", "a.dat", sys.executable, "app.py").err
    figures = {
        key: int(re.search(rf"{key} += +([\d,]+)", said)[1].replace(",", ""))
        for key in ("bytes/arena", "# bytes in allocated blocks")
    }
    free = figures["bytes/arena"] - figures["# bytes in allocated blocks"]
    balance = sheets(record(tmp_path, FRAGMENTS))
    assert balance["at_end"]["pymalloc_free"] == pytest.approx(free, abs=4 * MIB)
    assert balance["at_end"]["pymalloc_free"] > 20 * MIB
    assert balance["at_peak"]["pymalloc_free"] < 10 * MIB


def test_free_space_in_mallocs_heap_is_shown(tmp_path: Path) -> None:
    balance = sheets(record(tmp_path, FRAGMENTS))
    assert balance["at_end"]["malloc_free"] > 30 * MIB
    assert balance["at_peak"]["malloc_free"] < 8 * MIB
    assert abs(balance["at_end"]["remainder"]) < 8 * MIB


@pytest.mark.parametrize("allocator", ["pymalloc", "malloc"])
def test_blocks_from_before_tracking_are_those_that_are_not_followed(
    tmp_path: Path, allocator: str
) -> None:
    recorder = Recorder(tmp_path)
    program = """\
from memory_profiler import heap
kept = [str(i) * 5 for i in range(300_000)]
more = [bytearray(2000) for _ in range(10_000)]
with heap.track("a.mprof"):
    some = bytes(100)
"""
    done = recorder.python(program, env={"PYTHONMALLOC": allocator})
    assert done.code == 0, done.err
    sheet = sheets(recorder)["at_end"]
    before = 300_000 * 80 + 10_000 * 2000  # and headers, and rounding
    assert before < sheet["other_blocks"] < before + 16 * MIB
    assert sheet["live"] < MIB and abs(sheet["remainder"]) < 4 * MIB


def test_without_pymalloc_it_keeps_nothing(tmp_path: Path) -> None:
    program = "kept = [str(i) * 9 for i in range(300_000)]\n"
    recorder = record(tmp_path, program, env={"PYTHONMALLOC": "malloc"})
    for moment, sheet in sheets(recorder).items():
        assert sheet["pymalloc_free"] == 0
        assert moment == "at_start" or sheet["live"] > 20 * MIB
        assert abs(sheet["remainder"]) < 8 * MIB


def libc() -> tuple[int, ...]:
    """glibc's version; (0,) of another."""
    said = os.confstr("CS_GNU_LIBC_VERSION") or ""
    return tuple(map(int, re.findall(r"\d+", said))) or (0,)


@pytest.mark.skipif(
    libc() >= (2, 42), reason="this glibc's stacks have no guard to be seen"
)
def test_threads_have_their_stacks(tmp_path: Path) -> None:
    program = """\
import threading
started, ended = threading.Semaphore(0), threading.Event()
def wait():
    started.release()
    ended.wait()
for _ in range(50):
    threading.Thread(target=wait, daemon=True).start()
for _ in range(50):
    started.acquire()
"""
    balance = sheets(record(tmp_path, program))
    more = balance["at_end"]["stacks"] - balance["at_start"]["stacks"]
    assert 50 * 8192 <= more < 50 * MIB


def test_a_killed_program_has_the_peaks_reading(tmp_path: Path) -> None:
    program = """\
import os, signal
kept = [str(i) * 9 for i in range(600_000)]
os.kill(os.getpid(), signal.SIGKILL)
"""
    recorder = record(tmp_path, program, code=-signal.SIGKILL)
    balance = sheets(recorder)
    assert list(balance) == ["at_start", "at_peak"]
    peak = report(recorder, "a.mprof")["peak"]
    assert balance["at_peak"]["heap"] > peak / 2
    assert "Where the RSS is" in recorder.mprof("report", "a.mprof").out


def test_no_reading_is_missed_while_the_heap_grows(tmp_path: Path) -> None:
    program = "kept = [[0] * 1000 for _ in range(50_000)]\ndel kept\n"
    recorder = record(tmp_path, program)
    peak = report(recorder, "a.mprof")["peak"]
    assert sheets(recorder)["at_peak"]["heap"] > peak * 0.6


def test_a_peak_that_is_over_at_once_was_read(tmp_path: Path) -> None:
    program = """\
kept = [bytearray(1000) for _ in range(50_000)]
for _ in range(20):
    spike = bytearray(200 << 20)
    del spike
"""
    recorder = record(tmp_path, program)
    peak = report(recorder, "a.mprof")["peak"]
    sheet = sheets(recorder)["at_peak"]
    assert sheet["heap"] > peak * 0.95
    assert sheet["live"] > 240 * MIB
