"""mprof top of a timeline: the processes of its program while it runs, what was recorded of them after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recordings import PROGRAM, Recorder, wait_for

pytestmark = pytest.mark.one_version

#: Holds what it is told to, and has a child that holds 40 MiB.
TREE = """
import os, sys, time
if len(sys.argv) > 1:
    held = bytearray(b"x" * (40 << 20))
    print("ready", flush=True)
    sys.stdin.readline()
    sys.exit()
import subprocess
child = subprocess.Popen([sys.executable, __file__, "child"], stdin=subprocess.PIPE)
kept = []
for line in sys.stdin:
    if line == "end\\n":
        break
    kept.append(bytearray(b"x" * (int(line) << 20)))
child.communicate()
"""
MIB = 1 << 20


def started(path: Path, *options: str) -> tuple[Recorder, subprocess.Popen]:
    here = Recorder(path)
    here.write("tree.py", TREE)
    process = subprocess.Popen(
        [PROGRAM, "run", *options, "-o", "a.dat", sys.executable, "tree.py"], cwd=path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout
    assert any(line == b"ready\n" for line in process.stdout)
    wait_for(lambda: (path / "a.dat").stat().st_size > 0 and once(here)["rows"], "a sample")
    return here, process


def once(here: Recorder) -> dict:
    done = here.mprof("top", "--once", "--json", "-i", "0.2", "a.dat")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def end(process: subprocess.Popen) -> None:
    process.communicate(b"end\n", timeout=60)


def test_each_process_of_the_tree_is_a_row_with_rss_and_pss(tmp_path: Path) -> None:
    here, process = started(tmp_path, "-C")
    wait_for(lambda: len(once(here)["rows"]) == 2, "the child's row")
    got = once(here)
    child, program = got["rows"]
    assert (got["state"], got["processes"]) == ("running", 2)
    assert child["rss"] >= 40 * MIB > program["rss"] > MIB
    assert child["parent"] == program["process"] == got["pid"]
    assert all(row["running"] and 0 < row["pss"] <= row["rss"] for row in got["rows"])
    assert got["rss"] == child["rss"] + program["rss"]
    named = here.mprof("top", "--once", "--json", "-i", "0.2", got["pid"])
    assert json.loads(named.out)["file"] == str(tmp_path / "a.dat")
    text = here.mprof("top", "--once", "-i", "0.2", "a.dat", env={"COLUMNS": "80"}).out
    assert max(map(len, text.splitlines())) <= 80 and "*RSS" in text and " PSS " in text
    end(process)


def test_growth_is_since_it_was_looked_at_first(tmp_path: Path) -> None:
    here, process = started(tmp_path)
    top = here.start("top", "--json", "-i", "0.2", "a.dat")
    assert top.stdout and process.stdin
    first = json.loads(top.stdout.readline())
    assert first["since"] == 0
    process.stdin.write(b"30\n")
    process.stdin.flush()
    got = first
    while not any(row["since"] >= 30 * MIB for row in got["rows"]):
        got = json.loads(top.stdout.readline())
    (grown,) = [row for row in got["rows"] if row["since"] >= 30 * MIB]
    assert grown["process"] == got["pid"] and grown["most"] >= grown["rss"]
    end(process)
    last = json.loads(top.stdout.read().splitlines()[-1])
    assert top.wait(60) == 0
    assert last["state"] == "ended after" and last["most"] >= 30 * MIB


def test_of_one_that_has_ended_the_recorded_children_are_shown(tmp_path: Path) -> None:
    here, process = started(tmp_path, "-M")
    wait_for(lambda: b"CHLD" in (tmp_path / "a.dat").read_bytes(), "a child's record")
    end(process)
    got = once(here)
    assert got["state"] == "ended after"
    (child,) = [row for row in got["rows"] if row["process"] != got["pid"]]
    assert child["most"] >= 40 * MIB and not child["running"]


def test_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("future.dat", "MPROF 9 by=9\nMEM 1.0 1.0\n")
    done = here.mprof("top", "--once", "future.dat")
    assert done.code == 1 and "version 9" in done.err and done.err.count("\n") == 1
