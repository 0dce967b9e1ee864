"""Memory that was asked for or mapped and never touched is reserved: no view calls it held."""

from __future__ import annotations

import ctypes
import json
import subprocess
from pathlib import Path

import pytest

from heap_recordings import report
from recordings import Recorder
from test_heap_balance import MIB, record, size_of

pytestmark = pytest.mark.one_version

#: Maps as a library does, and touches the first so many MiB.
MAPPER = """\
#include <string.h>
#include <sys/mman.h>
char *take(long mib, long touched)
{
    char *at = mmap(0, (size_t)mib << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(at, 1, (size_t)touched << 20);
    return at;
}
void touch(char *at, long from, long to)
{
    memset(at + (from << 20), 1, (size_t)(to - from) << 20);
}
void give(char *at, long mib) { munmap(at, (size_t)mib << 20); }
"""

HEAD = """\
import ctypes
lib = ctypes.CDLL("./mapper.so")
lib.take.restype = ctypes.c_void_p
lib.take.argtypes = [ctypes.c_long] * 2
lib.touch.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_long]
lib.give.argtypes = [ctypes.c_void_p, ctypes.c_long]
kept = bytearray(20 << 20)
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    tmp_path.joinpath("mapper.c").write_text(MAPPER)
    command = ["cc", "-shared", "-fPIC", "mapper.c", "-o", "mapper.so"]
    subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def line(recorder: Recorder, number: int) -> dict:
    rows = report(recorder, "a.mprof")["lines"]
    found = [
        row for row in rows if row["line"] == number and row["file"].endswith("app.py")
    ]
    return found[0] if found else {"at_peak": 0, "live": 0}


def row(text: str, name: str) -> float:
    """MiB of a row of the summary."""
    (found,) = [one for one in text.splitlines() if one.strip().startswith(name + " ")]
    return size_of(" ".join(found.split()[1:3]))


def test_faults_78_a_mapping_that_nobody_touched_is_reserved_in_every_view(
    here: Path,
) -> None:
    recorder = record(here, HEAD + "mapped = lib.take(64, 0)\n")
    got = report(recorder, "a.mprof")
    assert 20 * MIB < got["peak"] < 24 * MIB and got["peak"] < got["rss"]["most"]
    assert got["held"] == pytest.approx(got["peak"], abs=MIB)
    assert got["reserved"] == pytest.approx(64 * MIB, abs=MIB)
    assert got["balance"]["at_end"]["reserved"] == pytest.approx(64 * MIB, abs=MIB)
    assert line(recorder, 8)["at_peak"] < MIB
    text = recorder.mprof("report", "a.mprof").out
    assert row(text, "reserved") == pytest.approx(64, abs=1)
    assert "reserved 64.0" in recorder.mprof("peak", "a.mprof").out
    (peak,) = json.loads(recorder.mprof("peak", "--json", "a.mprof").out)
    assert (peak["held"], peak["reserved"]) == (got["held"], got["reserved"])
    for command in (["plot", "-o", "a.html"], ["flamegraph", "-o", "b.html"]):
        done = recorder.mprof(*command, "a.mprof")
        assert done.code == 0, done.err
    assert "64.0 MiB reserved, not in memory" in (here / "a.html").read_text()
    assert f'"reserved":{got["reserved"]}' in (here / "b.html").read_text()


def test_what_is_touched_of_a_large_mapping_is_held_by_who_mapped_it(here: Path) -> None:
    program = HEAD + "mapped = lib.take(64, 10)\nlib.touch(mapped, 10, 25)\n"
    recorder = record(here, program)
    got = report(recorder, "a.mprof")
    assert line(recorder, 8)["live"] == pytest.approx(25 * MIB, abs=MIB)
    assert got["reserved"] == pytest.approx(39 * MIB, abs=MIB)
    assert got["held"] == pytest.approx(45 * MIB, abs=2 * MIB)


def test_a_large_mapping_that_is_gone_at_once_was_in_the_peak(here: Path) -> None:
    """Nobody was asked for memory while it was used: it is looked at before it goes."""
    program = HEAD + "lib.give(lib.take(64, 50), 64)\n"
    recorder = record(here, program)
    got = report(recorder, "a.mprof")
    assert got["peak"] == pytest.approx(70 * MIB, abs=2 * MIB)
    assert line(recorder, 8)["at_peak"] == pytest.approx(50 * MIB, abs=MIB)
    assert got["live"] < 24 * MIB


def test_many_lines_that_map_are_each_told_their_own(here: Path) -> None:
    takes = "".join(f"m{i} = lib.take(16, {1 + i % 3})\n" for i in range(200))
    recorder = record(here, HEAD + takes)
    for i in (0, 63, 64, 100, 199):
        expected = (1 + i % 3) * MIB
        assert line(recorder, 8 + i)["live"] == pytest.approx(expected, abs=MIB // 4), i


def test_a_block_that_was_asked_for_counts_and_what_was_not_touched_is_not_held(
    tmp_path: Path,
) -> None:
    recorder = record(tmp_path, "kept = bytes(1 << 30), bytearray(b'x') * (30 << 20)\n")
    got = report(recorder, "a.mprof")
    assert got["peak"] > 1054 * MIB and got["reserved"] == pytest.approx(1 << 30, abs=MIB)
    assert got["held"] == pytest.approx(30 * MIB, abs=2 * MIB)
    text = recorder.mprof("report", "a.mprof").out
    assert row(text, "held") == pytest.approx(30, abs=2)


@pytest.mark.parametrize(
    "program",
    [
        "kept = bytearray(b'x') * (50 << 20)\n",
        "for _ in range(3):\n    spike = b'x' * (50 << 20)\n    del spike\n",
        "spike = b'x' * (50 << 20)\ndel spike\n",
    ],
)
def test_a_block_that_is_read_before_it_is_written_is_not_called_reserved(
    tmp_path: Path, program: str
) -> None:
    got = report(record(tmp_path, program), "a.mprof")
    assert got["reserved"] == 0 and got["held"] == got["peak"] > 50 * MIB


def test_the_buffers_that_openblas_maps_are_not_held(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    program = "import numpy\nkept = numpy.ones((400, 400))\nother = kept @ kept\n"
    recorder = record(tmp_path, program, env={"OPENBLAS_NUM_THREADS": "2"})
    got = report(recorder, "a.mprof")
    assert got["held"] < got["rss"]["most"] and got["peak"] < got["rss"]["most"]
    held = sum(row["at_peak"] for row in got["lines"])
    assert held <= got["peak"] + ctypes.sizeof(ctypes.c_long)
