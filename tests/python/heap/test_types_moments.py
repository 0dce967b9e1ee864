"""What live blocks are while the program goes on: at marks, near the peak, and when another process asks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from recordings import Recorder, wait_for
from test_types import PROGRAM, mprof

#: The peak is a plateau: it is there when the interpreter comes to its next safe point.
MOMENTS = (
    PROGRAM
    + """
from memory_profiler import heap

heap.mark("full")
for number in range(2000):
    del cache[f"user:{number}"]
heap.mark("less")
large = [bytearray(4000) for _ in range(3000)]
for _ in range(100):
    large.append(bytearray(400))
del large
heap.mark("none", types=False)
"""
)


def types_at(moment: str, cwd: Path, *more: str) -> dict[str, int]:
    done = mprof("table", "--by", "type", "--at", moment, "--json", *more, cwd=cwd)
    assert not done.returncode, done.stderr
    table = json.loads(done.stdout)
    found = {row["type"]: row["objects"] for row in table["rows"]}
    found["counted"] = table["counted"]
    return found


def test_types_at_marks_near_the_peak_and_between_them(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(MOMENTS)
    mprof("heap", "--types", "-o", "a.mprof", "p.py", cwd=tmp_path)
    assert types_at("full", tmp_path)["__main__.Node"] == 3000
    assert types_at("less", tmp_path)["__main__.Node"] == 1000
    peak = types_at("peak", tmp_path)
    assert peak["counted"]["kind"] == "peak" and peak["bytearray"] > 500
    assert "bytearray" not in types_at("end", tmp_path)
    by_line = mprof("table", "--by", "line,type", "--at", "less", cwd=tmp_path).stdout
    assert [row.split()[-2:] for row in by_line.splitlines() if ".Node " in row] == [
        ["p.py:9", "fill"]
    ]
    assert "live at the mark less (" in by_line
    both = "diff", "--by", "type", "a.mprof@full", "a.mprof@less", "--json"
    rows = json.loads(mprof(*both, cwd=tmp_path).stdout)["rows"]
    (node,) = (row for row in rows if (row["was"] or row["is"])["type"] == "__main__.Node")
    assert (node["blocks_before"], node["blocks_after"]) == (3000, 1000)
    for moment in ("none", "start"):
        done = mprof("table", "--by", "type", "--at", moment, cwd=tmp_path)
        assert done.returncode == 1 and "'mprof heap --types'" in done.stderr
    done = mprof("table", "--by", "type", "--since", "full", cwd=tmp_path)
    assert done.returncode == 2 and "'mprof diff --by type" in done.stderr


#: Its children are there at once, and hold different things at its mark and at their ends.
FAMILY = (
    PROGRAM
    + """
import os
from memory_profiler import heap

ready, go = os.pipe(), os.pipe()
for child in range(2):
    if not os.fork():
        mine = [Node(number) for number in range(500)]
        if child:
            heap.mark("own")
        os.write(ready[1], b"r")
        os.read(go[0], 1)
        mine.clear()
        break
else:
    os.read(ready[0], 1), os.read(ready[0], 1)
    heap.mark("both")
    cache.clear()
    os.write(go[1], b"gg")
    os.wait(), os.wait()
    heap.mark("alone")
"""
)


def test_types_of_several_processes_are_those_of_the_moment(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(FAMILY)
    mprof("heap", "--types", "-o", "a.mprof", "p.py", cwd=tmp_path)
    found = types_at("own", tmp_path)
    assert 500 <= found["__main__.Node"] <= 4000 and found["counted"]["kind"] == "each"
    assert types_at("end", tmp_path)["counted"] is None
    assert "__main__.Node" not in types_at("end", tmp_path)
    table = mprof("table", "--by", "type", "--at", "alone", cwd=tmp_path).stdout
    assert "live at the mark alone (" in table and "of each process what was" in table
    assert "not in it" not in table  # the children had ended
    both = "diff", "--by", "type", "a.mprof@both", "a.mprof@end", "--json"
    rows = json.loads(mprof(*both, cwd=tmp_path).stdout)["rows"]
    (node,) = (row for row in rows if (row["was"] or row["is"])["type"] == "__main__.Node")
    assert node["blocks_before"] >= 3000 and node["blocks_after"] == 0
    done = mprof("table", "--by", "type", "--at", "start", cwd=tmp_path)
    assert done.returncode == 1 and "'mprof heap --types'" in done.stderr


def test_only_marks_that_ask_for_types_have_them_without_the_option(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(MOMENTS.replace('"less"', '"less", types=True'))
    mprof("heap", "-o", "a.mprof", "p.py", cwd=tmp_path)
    assert types_at("less", tmp_path)["__main__.Node"] == 1000
    for moment in ("full", "peak"):
        done = mprof("table", "--by", "type", "--at", moment, cwd=tmp_path)
        assert done.returncode == 1 and moment in done.stderr


def test_of_many_marks_the_last_have_their_types(tmp_path: Path) -> None:
    text = PROGRAM.replace("fill(3000)", "") + "from memory_profiler import heap\n"
    text += "for step in range(50):\n    kept = cache[step] = Node(step)\n"
    text += "    heap.mark(f'step {step}')\n"
    (tmp_path / "p.py").write_text(text)
    mprof("heap", "--types", "-o", "a.mprof", "p.py", cwd=tmp_path)
    for step in (49, 40, 50 - 32):
        assert types_at(f"step {step}", tmp_path)["__main__.Node"] == step + 1
    done = mprof("table", "--by", "type", "--at", "step 17", cwd=tmp_path)
    assert done.returncode == 1 and "step 17" in done.stderr


RUNS = (
    PROGRAM
    + """
import os, sys
if "child" not in sys.argv or not os.fork():
    fill(len(sys.argv[1:]) * 500)
    print("ready", flush=True)
while True:
    [bytearray(10) for _ in range(10)]
"""
)


@pytest.mark.parametrize("child", [False, True])
def test_a_snapshot_has_the_types_of_programs_that_run(tmp_path: Path, child: bool) -> None:
    here = Recorder(tmp_path)
    here.write("p.py", RUNS)
    words = ["child"] if child else []
    process = here.start_until_ready("heap", "--no-types", "-o", "a.mprof", "p.py", *words)
    done = here.mprof("snapshot", "--types", "-o", "b.mprof", "a.mprof")
    assert done.code == 0, done.err
    table = json.loads(here.mprof("table", "--by", "type", "--json", "b.mprof").out)
    rows = {row["type"]: row["objects"] for row in table["rows"]}
    assert rows["__main__.Node"] == (3500 if child else 3000)
    if not child:
        assert (
            "'mprof snapshot' asked" in here.mprof("table", "--by", "type", "b.mprof").out
        )
        assert "is 3,000 __main__.Node" in here.mprof("report", "b.mprof").out
    for path in tmp_path.glob("a.mprof.*"):
        os.kill(int(path.suffix[1:]), 9)
    process.kill()
    process.communicate()


def test_the_page_of_a_tag_has_no_types_of_the_whole_program(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write(
        "p.py", "from memory_profiler import tag\nwith tag('x'): y = [0] * 10**6\n" + RUNS
    )
    process = here.start_until_ready("heap", "--no-types", "-o", "a.mprof", "p.py")
    assert here.mprof("snapshot", "--types", "-o", "b.mprof", "a.mprof").code == 0
    process.kill()
    process.communicate()
    for name, words in [("all", []), ("tag", ["--tag", "x"])]:
        done = here.mprof("flamegraph", *words, "-o", f"{name}.html", "b.mprof")
        assert done.code == 0, done.err
        text = (tmp_path / f"{name}.html").read_text()
        assert ("__main__.Node" in text) == (not words)


#: Its other thread has the interpreter's lock once this one is in the library, never to come back.
WAITS = """
import ctypes, sys, threading
sys.setswitchinterval(1000)
pause = ctypes.CDLL(None).pause
def work():
    print("ready", flush=True)
    while True:
        [bytearray(10) for _ in range(10)]
threading.Thread(target=work).start()
pause()
"""


def test_a_snapshot_of_a_program_that_waits_says_that_nobody_counted(
    tmp_path: Path,
) -> None:
    here = Recorder(tmp_path)
    here.write("p.py", WAITS)
    process = here.start_until_ready("heap", "-o", "a.mprof", "p.py")
    done = here.mprof("snapshot", "--types", "-o", "b.mprof", "a.mprof")
    assert done.code == 1 and "main thread runs Python code" in done.err
    assert (tmp_path / "b.mprof").exists() and done.err.count("\n") == 2
    process.kill()
    process.communicate()


HELD = (
    PROGRAM
    + """
print("ready", flush=True)
kept = []
while True:
    kept = [Node(number) for number in range(100)]
"""
)


def test_a_mark_from_outside_has_types_where_they_are_asked_for(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("p.py", HELD)
    process = here.start_until_ready("heap", "--types", "-o", "a.mprof", "p.py")
    assert here.mprof("mark", "here", "a.mprof").code == 0
    table = "table", "--by", "type", "--at", "here", "--json", "a.mprof"
    wait_for(lambda: here.mprof(*table).code == 0, "the count beside the mark")
    rows = {
        row["type"]: row["objects"] for row in json.loads(here.mprof(*table).out)["rows"]
    }
    assert 3000 <= rows["__main__.Node"] <= 3200
    process.kill()
    process.communicate()
