"""Memory that the line which took it need not use is marked: pools, threads without Python."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest

from heap_runs import figures, record
from recordings import Recorder

pytestmark = pytest.mark.one_version

SOURCE = Path(__file__).with_name("pool.c")
MIB = 1 << 20

PROGRAM = """\
import ctypes
pool = ctypes.CDLL("./pool.so")
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p

def first_use():
    return libc.mmap(None, ctypes.c_long(64 << 20), 3, 0x22, -1, 0)

def later(arena):
    ctypes.memset(arena, 1, 24 << 20)

def start():
    pool.start(5)

def plain():
    return bytearray(3 << 20)

arena = first_use()
later(arena)
start()
kept = plain()
"""
POOL, THREAD, PLAIN = "first_use", "[thread pool]", "plain"


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    build = ["cc", "-O1", "-fno-builtin", "-shared", "-fPIC", "-pthread", str(SOURCE)]
    subprocess.run([*build, "-o", str(tmp_path / "pool.so")], check=True)
    recorder = Recorder(tmp_path)
    done = record(recorder, PROGRAM)
    assert done.code == 0, done.err
    return recorder


def said(here: Recorder, *words: str, **how: object) -> str:
    done = here.mprof(*words, **how)
    assert done.code == 0, done.err
    return done.out


def check_sentences(text: str) -> None:
    assert len(re.findall("^pool: .* handed out to lines that run later$", text, re.M)) == 1
    assert len(re.findall("^thread: .* thread without Python code", text, re.M)) == 1


def test_report_and_table_mark_what_a_pool_took_and_say_what_that_means(
    here: Recorder,
) -> None:
    for command in ("report", "table"):
        text = said(here, command, "a.mprof")
        assert re.search(r"program.py:7 first_use \(pool\)$", text, re.M), text
        assert re.search(r"program.py:13 \[thread pool\]$", text, re.M), text
        assert re.search(r"program.py:16 plain$", text, re.M), text
        check_sentences(text)


def test_lines_marks_the_line_that_mapped_a_pool_or_started_a_thread(
    here: Recorder,
) -> None:
    text = said(here, "lines", "a.mprof", "program.py")
    marked = {line.split()[0]: line.split("  ")[-1] for line in text.splitlines() if line}
    assert marked["7"].endswith("... (pool)")
    assert marked["13"].endswith("pool.start(5) (thread)")
    assert marked["16"].endswith("3 << 20)")
    check_sentences(text)


def test_a_marked_line_fits_a_terminal(here: Recorder) -> None:
    text = said(here, "lines", "a.mprof", "program.py", env={"COLUMNS": "80"})
    (row,) = [line for line in text.splitlines() if line.startswith("   7 ")]
    assert row.endswith("... (pool)") and len(row) <= 80


def test_json_and_csv_have_the_marks(here: Recorder) -> None:
    wanted = {POOL: ["pool"], THREAD: ["thread"], PLAIN: []}
    got = figures(here)
    assert {
        r["function"]: r["marks"] for r in got["lines"] if r["function"] in wanted
    } == wanted
    assert got["kinds"]["mmap"]["live"] >= got["kinds"]["pool"]["live"] >= 24 * MIB
    table = json.loads(said(here, "table", "--json", "a.mprof"))["rows"]
    assert {r["function"]: r["marks"] for r in table if r["function"] in wanted} == wanted
    rows = csv.DictReader(said(here, "table", "--csv", "a.mprof").splitlines())
    words = {row["function"]: row["marks"].split() for row in rows}
    assert {name: words[name] for name in wanted} == wanted
    lines = json.loads(said(here, "lines", "--json", "a.mprof", "program.py"))["lines"]
    assert {row["line"]: row["marks"] for row in lines if row["marks"]} == {
        7: ["pool"],
        13: ["thread"],
    }


def test_the_page_has_the_marks(here: Recorder) -> None:
    said(here, "flamegraph", "-o", "a.html", "a.mprof")
    text = (here.path / "a.html").read_text()
    data = json.loads(re.search(r'id="data"[^>]*>(.*?)</script>', text, re.S)[1])
    names = [name for file in data["files"] for name, _ in file["functions"]]
    marks = {names[data["rows"][row][0]]: bits for row, bits in data["marks"]}
    assert (marks[POOL], marks[THREAD], PLAIN in marks) == (1, 2, False)


def test_a_program_without_pools_has_no_mark_and_no_sentence(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    record(here, "kept = bytearray(3 << 20)\n")
    for command in (["report"], ["table"], ["lines"]):
        text = said(here, *command, "a.mprof")
        assert "pool" not in text and "thread:" not in text
