"""--at, --between and --since: the figures of a moment, what grew from one to another, in every view."""

from __future__ import annotations

import collections
import csv
import io
import json
import re
from pathlib import Path

import pytest

from heap_captures import Capture
from recordings import Recorder
from test_moments_recorded import WARM

pytestmark = pytest.mark.one_version

KIB = 1024


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Rows: 300, 400, 200 KiB; cache: 0, 500, 500 KiB at the marks, the first and last "warm"."""
    recorder = Recorder(tmp_path_factory.mktemp("warm"))
    recorder.write("warm.py", WARM + "import time\ntime.sleep(0.3)\nkeep(500, 700)\n")
    done = recorder.mprof("heap", "-o", "a.mprof", "warm.py")
    assert done.code == 0, done.err
    return recorder


def by_function(rows: list[dict], key: str) -> dict[str, int]:
    sums: dict[str, int] = collections.defaultdict(int)
    for row in rows:
        sums[row["function"]] += row[key]
    return sums


def shown(warm: Recorder, *words: str) -> dict:
    done = warm.mprof("report", "--json", *words, "a.mprof")
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.mark.parametrize(("when", "rows", "cache"), [
    ("from a thread", 400, 500), ("warm", 200, 500), ("end", 200, 700), ("start", 0, 0),
])  # fmt: skip
def test_at_a_mark_the_peak_is_what_was_held_then(
    warm: Recorder, when: str, rows: int, cache: int
) -> None:
    got = shown(warm, "--at", when)
    held = by_function(got["lines"], "at_peak")
    assert (held["load"], held["keep"]) == (rows * KIB, cache * KIB)
    assert (
        got["peak"]
        == got["range"]["to"]["live"]
        == sum(held.values()) + got["own"]["at_peak"]
    )
    assert got["peak_time"] == got["range"]["to"]["time"] and got["range"]["from"] is None
    done = warm.mprof("export", "--to", "csv", "--at", when, "a.mprof")
    assert (
        sum(int(row["bytes"]) for row in csv.DictReader(io.StringIO(done.out)))
        == got["peak"]
    )


@pytest.mark.parametrize(("words", "rows", "cache"), [
    (("--since", "warm"), 0, 200), (("--between", "from a thread,end"), -200, 200),
    (("--between", "start,from a thread"), 400, 500), (("--since", "start"), 200, 700),
])  # fmt: skip
def test_growth_is_the_difference_of_two_moments_to_the_byte(
    warm: Recorder, words: tuple, rows: int, cache: int
) -> None:
    got = shown(warm, *words)
    grew = by_function(got["lines"], "growth")
    blocks = by_function(got["lines"], "growth_blocks")
    assert (grew["load"], grew["keep"]) == (rows * KIB, cache * KIB)
    assert (blocks["load"], blocks["keep"]) == (rows, cache)
    before, after = got["range"]["from"], got["range"]["to"]
    whole = sum(row["growth"] for row in got["lines"]) + got["own"]["growth"]
    assert whole == after["live"] - before["live"]
    assert by_function(got["your_lines"], "growth")["keep"] == cache * KIB
    exported = warm.mprof("export", "--to", "csv", *words, "a.mprof").out
    assert sum(int(row["bytes"]) for row in csv.DictReader(io.StringIO(exported))) == whole
    tree = json.loads(warm.mprof("tree", "--json", *words, "a.mprof").out)
    assert tree["measure"] == "growth" and tree["frames"][0]["bytes"] == whole
    table = json.loads(warm.mprof("table", "--json", *words, "a.mprof").out)
    assert table["all"]["growth"] == whole
    assert by_function(table["rows"], "growth")["keep"] == cache * KIB
    lines = json.loads(warm.mprof("lines", "--json", *words, "a.mprof").out)
    assert sum(group["growth"] for group in lines["groups"]) == whole


def test_texts_say_the_moment_and_what_grew_first(warm: Recorder) -> None:
    text = warm.mprof("report", "--between", "from a thread,end", "a.mprof").out
    assert "\nfrom the mark from a thread (" in text and ") to the end (" in text
    your, grew, shrank = (text.index(title) for title in
                          ("\nYour lines that grew\n", "\nWhat grew\n", "\nWhat shrank\n"))  # fmt: skip
    assert "200.0 KiB" in text[your:grew] and "keep" in text[grew:shrank]
    assert "-200.0 KiB" in text[shrank:] and "load" in text[shrank:]
    text = warm.mprof("report", "--at", "from a thread", "a.mprof").out
    assert "\nYour lines, at the mark from a thread (" in text
    assert "\nAt the mark from a thread (" in text and "\n  then " in text
    text = warm.mprof("table", "--since", "warm", "a.mprof").out
    assert text.split()[0] == "growth" and "\ngrowth: from the mark warm (" in text
    text = warm.mprof("lines", "--since", "warm", "a.mprof", "warm.py").out
    assert "\ntotal, own: growth from the mark warm (" in text and "200.0 KiB" in text
    text = warm.mprof("tree", "--at", "warm", "a.mprof").out
    assert "who called what, at the mark warm (" in text


def test_a_time_is_the_nearest_moment_and_that_is_said(warm: Recorder) -> None:
    capture = Capture(warm.path / "a.mprof")
    end = shown(warm)["elapsed"]
    for part in (0.0, 0.3, 0.6, 1.0):
        time = end * part
        instants = [m.time for m in capture.moments] + [capture.peak_time, end]
        instants += [] if time else [0]
        got = shown(warm, "--at", f"{time / 1e6:.6f}ms")["range"]["to"]["time"]
        assert abs(got - time) <= min(abs(one - time) for one in instants) + 1000
    unit = warm.mprof("report", "--at", "0.1s", "a.mprof").out
    assert unit == warm.mprof("report", "--at", "0.1", "a.mprof").out
    assert unit == warm.mprof("report", "--at", "100ms", "a.mprof").out


def test_moments_and_marks_are_listed(warm: Recorder) -> None:
    got = shown(warm)
    names = ["warm", "from a thread", "warm", "ünïcode" * 6]
    assert [mark["name"] for mark in got["marks"]] == names
    assert got["range"] is None and len(got["moments"]) >= 1
    times = [moment["time"] for moment in got["moments"]]
    assert times == sorted(times)


@pytest.mark.parametrize(("words", "said"), [
    (("--at", "nope"), "has no mark nope: its marks are warm, from a thread, ünïcode"),
    (("--since", "nope"), "has no mark nope: its marks are warm"),
    (("--at", "100s"), "has nothing at 100s: it is of the time from 0 to "),
    (("--between", "end,start"), "give the earlier moment first"),
    (("--between", "warm,warm"), "there is none between"),
])  # fmt: skip
def test_faults_24_what_is_not_there_is_one_line(
    warm: Recorder, words: tuple, said: str
) -> None:
    for command in ("report", "table", "tree", "lines"):
        done = warm.mprof(command, *words, "a.mprof")
        assert (done.code, done.out) == (1, ""), done
        assert said in done.err and len(done.err.splitlines()) == 1


def test_faults_28_ranges_that_cannot_be_are_usage_errors(warm: Recorder) -> None:
    for words in (["--at", ""], ["--between", "warm"], ["--between", ","],
                  ["--at", "x" * 65], ["--at", "end", "--since", "warm"]):  # fmt: skip
        done = warm.mprof("report", *words, "a.mprof")
        assert (done.code, done.out) == (2, "") and len(done.err.splitlines()) == 1, words
    for command in (["tree"], ["export", "--to", "json"]):
        done = warm.mprof(*command, "--measure", "growth", "a.mprof")
        assert (done.code, done.out) == (2, "") and "--since" in done.err
    done = warm.mprof("export", "--to", "massif", "--since", "warm", "a.mprof")
    assert (done.code, done.out) == (1, "") and len(done.err.splitlines()) == 1


def test_where_nothing_grew_it_is_said(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write("still.py", "from memory_profiler import heap\n"
                   "kept = bytes(5000)\nheap.mark('a')\nheap.mark('b')\n")  # fmt: skip
    assert recorder.mprof("heap", "-o", "a.mprof", "still.py").code == 0
    done = recorder.mprof("report", "--between", "a,b", "a.mprof")
    assert done.code == 0 and "by stacks that grew" in done.out


def test_collapsed_growth_has_what_grew_and_says_what_is_left_out(warm: Recorder) -> None:
    done = warm.mprof(
        "export", "--to", "collapsed", "--between", "from a thread,end", "a.mprof"
    )
    assert done.code == 0 and "that shrank" in done.err
    assert all(int(line.rsplit(" ", 1)[1]) >= 0 for line in done.out.splitlines())


#: Each of two processes keeps 100 blocks of a KiB before the mark, 50 more behind it.
FAMILY = """
import os, time
from memory_profiler import heap
kept = [None] * 1000
def keep(first, last):
    for i in range(first, last):
        kept[i] = bytes(991)
def live(mark):
    keep(0, 100)
    if mark:
        heap.mark("warm")
    time.sleep(0.3)
    keep(100, 150)
    time.sleep(0.3)
if not (child := os.fork()):
    live(CHILD)
    os._exit(0)
live(PARENT)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize(("parent", "child"), [(True, True), (True, False), (False, True)])
def test_processes_each_have_their_moment_nearest_to_the_mark(
    tmp_path: Path, parent: bool, child: bool
) -> None:
    recorder = Recorder(tmp_path)
    program = FAMILY.replace("PARENT", str(parent)).replace("CHILD", str(child))
    recorder.write("family.py", program)
    done = recorder.mprof("heap", "-o", "a.mprof", "family.py")
    assert done.code == 0, done.err
    grew = shown(recorder, "--since", "warm")
    keep = by_function(grew["lines"], "growth")["keep"]
    both = parent and child
    assert keep == 100 * KIB if both else 50 * KIB <= keep <= 250 * KIB
    at = shown(recorder, "--at", "warm")
    keep = by_function(at["lines"], "at_peak")["keep"]
    assert keep == 200 * KIB if both else keep >= 100 * KIB
    assert at["range"]["to"]["live"] == at["peak"]
    marks = [(mark["name"], mark["live"]) for mark in at["marks"]]
    assert marks == ([("warm", at["peak"])] if parent else [])
    assert recorder.mprof("report", "--at", "warm", "a.mprof").code == 0


def test_a_child_that_just_began_has_what_its_first_moment_has(tmp_path: Path) -> None:
    """Its start, where nothing is yet, is nearer."""
    recorder = Recorder(tmp_path)
    program = FAMILY.replace("PARENT", "False").replace("CHILD", "False")
    recorder.write("family.py", program)
    assert recorder.mprof("heap", "-o", "a.mprof", "family.py").code == 0
    parent, child = shown(recorder)["processes"]
    soon = (child["wall_start"] - parent["wall_start"]) / 1e6 + 1
    words = ["table", "--by", "process", "--json", "--at", f"{soon:.6f}ms", "a.mprof"]
    rows = json.loads(recorder.mprof(*words).out)["rows"]
    assert [row["at_peak"] >= 100 * KIB for row in rows] == [True, True], rows


def test_a_table_says_how_many_rows_did_not_change(warm: Recorder) -> None:
    done = warm.mprof("table", "--since", "warm", "-n", "1", "a.mprof")
    (rest,) = [line for line in done.out.split("\n") if "did not change" in line]
    rows = json.loads(
        warm.mprof("table", "--json", "--since", "warm", "-n", "9999", "a.mprof").out
    )["rows"]
    changed = sum(bool(row["growth"] or row["growth_blocks"]) for row in rows)
    more = f"{changed - 1} more, " if changed > 1 else ""
    assert re.search(rf"  \({more}\d+ that did not change\)$", rest), rest
    assert "did not change" not in warm.mprof("table", "-n", "1", "a.mprof").out


MANY = """
from memory_profiler import heap

functions = []
for i in range(6000):
    space = {}
    exec(compile("\\n" * i + "def f(): return bytearray(1000)", "many.py", "exec"), space)
    functions.append(space["f"])
old = [f() for f in functions]
assert heap.mark("warm")

def leak():
    return bytearray(200_000)

kept = leak()
late = [bytearray(100) for i in range(10)]
"""


def test_stacks_too_small_for_a_moment_did_not_grow(tmp_path: Path) -> None:
    """6,000 stacks of 1 KiB: none of them has an entry at the mark, none has grown since."""
    recorder = Recorder(tmp_path)
    recorder.write("program.py", MANY)
    assert recorder.mprof("heap", "-o", "a.mprof", "program.py").code == 0
    got = shown(recorder, "--since", "warm")
    grew = by_function(got["lines"], "growth")
    assert grew["f"] == 0
    assert 200_000 <= grew["leak"] < 200_100
    before, after = got["range"]["from"], got["range"]["to"]
    whole = sum(row["growth"] for row in got["lines"]) + got["own"]["growth"]
    assert whole == after["live"] - before["live"]
