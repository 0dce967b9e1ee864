"""Moments and marks as they are recorded: exact at their instant, few, complete after SIGKILL."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heap_captures import CHUNK, Capture, Moment
from memory_profiler import heap
from recordings import Recorder

pytestmark = pytest.mark.one_version

#: Every bytes(991) is a block of 1 KiB; lists are as long as they become, from the start.
WARM = """
from memory_profiler import heap
import sys, threading
rows = [None] * 1000
cache = [None] * 1000

def load(first, last):
    for i in range(first, last):
        rows[i] = bytes(991)

def keep(first, last):
    for i in range(first, last):
        cache[i] = bytes(991)

load(0, 300)
assert heap.mark("warm") is True
keep(0, 500)
load(300, 400)
other = threading.Thread(target=heap.mark, args=["from a thread"])
other.start()
other.join()
rows[:200] = [None] * 200
heap.mark("warm")
heap.mark("ünïcode" * 6)
"""


def held_by(capture: Capture, moment: Moment, function: str) -> int:
    """Bytes of stacks whose innermost frame this is."""
    return sum(
        size
        for node, (_, size) in moment.held.items()
        if capture.codes[capture.nodes[node].code].name == function
    )


@pytest.fixture
def warm(tmp_path: Path) -> Recorder:
    recorder = Recorder(tmp_path)
    recorder.write("warm.py", WARM)
    done = recorder.mprof("heap", "-o", "a.mprof", "warm.py")
    assert done.code == 0, done.err
    return recorder


def test_a_mark_has_the_bytes_of_each_line_at_its_moment(warm: Recorder) -> None:
    capture = Capture(warm.path / "a.mprof")
    marks = [moment for moment in capture.moments if moment.is_mark]
    assert [mark.name for mark in marks] == [
        "warm", "from a thread", "warm", "ünïcode" * 6,
    ]  # fmt: skip
    for mark, rows, cache in zip(
        marks, (300, 400, 200, 200), (0, 500, 500, 500), strict=True
    ):
        assert held_by(capture, mark, "load") == rows * 1024
        assert held_by(capture, mark, "keep") == cache * 1024
        assert mark.live == mark.rest + sum(size for _, size in mark.held.values())
        assert (mark.rest, mark.rest_blocks, mark.rest_stacks) == (0, 0, 0)


def test_marks_of_names_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for name in ("", "x" * 65, "é" * 33, "a\nb", "\x1b[m", "\udc80"):
        with pytest.raises(ValueError, match="mark"):
            heap.mark(name)
    for thing in (3, None, b"warm"):
        with pytest.raises(TypeError, match="name of a mark"):
            heap.mark(thing)
    assert heap.mark("nothing is recorded") is False
    with heap.track():
        assert heap.mark("nobody could read it") is False
    with heap.track(tmp_path / "a.mprof"):
        assert heap.mark("x" * 64) and heap.mark("é" * 32)
        with heap.track(tmp_path / "inner.mprof"):
            assert heap.mark("inner")
    assert heap.mark("over") is False
    names = [m.name for m in Capture(tmp_path / "a.mprof").moments if m.is_mark]
    assert names == ["x" * 64, "é" * 32, "inner"]


#: As many stacks as 2 ** DEPTH, each of which keeps a block; some keep more.
TREE = """
import os, sys, time
from memory_profiler import heap
DEPTH, SECONDS = int(sys.argv[1]), float(sys.argv[2])
kept = []
def left(depth):
    descend(depth)
def right(depth):
    descend(depth)
def descend(depth):
    if depth:
        left(depth - 1)
        right(depth - 1)
    else:
        kept.append(bytes(100))
end = time.monotonic() + SECONDS
while True:
    descend(DEPTH)
    del kept[::3]
    if time.monotonic() > end:
        break
print("ready", flush=True)
"""


def test_of_very_many_stacks_moments_are_exact_and_the_rest_is_summed(
    tmp_path: Path,
) -> None:
    recorder = Recorder(tmp_path)
    recorder.write("tree.py", TREE + "large = bytearray(50_000_000)\nheap.mark('large')\n")
    done = recorder.mprof("heap", "-o", "a.mprof", "tree.py", 17, 0.5)
    assert done.code == 0, done.err
    capture = Capture(tmp_path / "a.mprof")
    assert len(capture.nodes) > 200_000 and len(capture.moments) >= 2
    for moment in capture.moments:
        size = sum(size for _, size in moment.held.values())
        assert moment.live == size + moment.rest and len(moment.held) <= 2048
        assert moment.blocks == moment.rest_blocks + sum(n for n, _ in moment.held.values())
    (large,) = [moment for moment in capture.moments if moment.name == "large"]
    assert len(large.held) < 50
    assert abs(large.live - capture.live) < 4096 and large.rest_stacks > 60_000
    assert max(size for _, size in large.held.values()) >= 50_000_000


def test_a_scan_never_says_other_than_the_series(tmp_path: Path) -> None:
    """What was live then is read off both; the moment was summed up, node by node, later."""
    recorder = Recorder(tmp_path)
    recorder.write("tree.py", TREE)
    assert recorder.mprof("heap", "-o", "a.mprof", "tree.py", 16, 2).code == 0
    capture = Capture(tmp_path / "a.mprof")
    done = recorder.mprof("report", "--json", "a.mprof")
    at = {}
    for when, _, live in json.loads(done.out)["series"]:
        at.setdefault(when, set()).add(live)
    both = [moment for moment in capture.moments if moment.time in at]
    assert both
    assert all(moment.live in at[moment.time] for moment in both)


def test_faults_16_a_kill_at_any_time_leaves_whole_moments(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write(
        "tree.py", TREE.replace("    if time", "    heap.mark('again')\n    if time")
    )
    later = random.Random(18)
    seen = 0
    for i in range(4):
        name = f"{i}.mprof"
        process = recorder.start("heap", "-o", name, "tree.py", 14, 60)
        deadline = time.monotonic() + 60
        while not (tmp_path / name).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(later.uniform(0.1, 0.9))
        (child,) = children_of(process.pid) or [process.pid]
        os.kill(child, signal.SIGKILL)
        process.communicate(timeout=60)
        done = recorder.mprof("report", name)
        assert done.code == 0 and "killed" in done.out, done
        capture = Capture(tmp_path / name)
        seen += len(capture.moments)
        for moment in capture.moments:
            assert moment.live == moment.rest + sum(
                size for _, size in moment.held.values()
            )
            assert 0 < moment.live <= capture.peak and moment.name in ("", "again")
    assert seen > 4


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def test_moments_can_be_switched_off(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write("tree.py", TREE + "assert heap.mark('no') is False\n")
    done = recorder.mprof(
        "heap", "-o", "a.mprof", "tree.py", 8, 0.3, env={"MPROF_MOMENTS": "0"}
    )
    assert done.code == 0, done.err
    assert Capture(tmp_path / "a.mprof").moments == []


def test_a_child_marks_its_own_capture(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write(
        "forks.py",
        """
import os
from memory_profiler import heap
heap.mark("parent")
if not (child := os.fork()):
    kept = bytearray(1_000_000)
    heap.mark("child")
    os._exit(0)
os.waitpid(child, 0)
""",
    )
    assert recorder.mprof("heap", "-o", "a.mprof", "forks.py").code == 0
    (theirs,) = tmp_path.glob("a.mprof.*")
    marks, (mark,) = (
        [moment for moment in Capture(path).moments if moment.is_mark]
        for path in (tmp_path / "a.mprof", theirs)
    )
    assert [moment.name for moment in marks] == ["parent"]
    assert mark.name == "child" and mark.live > 1_000_000


def test_a_long_run_has_a_file_of_a_few_mib(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write("tree.py", TREE)
    assert recorder.mprof("heap", "-o", "a.mprof", "tree.py", 12, 4).code == 0
    capture = Capture(tmp_path / "a.mprof")
    assert 16 <= len(capture.moments) <= 64
    assert (tmp_path / "a.mprof").stat().st_size < (8 << 20)
    assert (tmp_path / "a.mprof").stat().st_size // CHUNK < 64


def test_threads_mark_at_once(tmp_path: Path) -> None:
    program = """
import threading
from memory_profiler import heap
with heap.track("a.mprof"):
    def work(number):
        for i in range(5):
            assert heap.mark(f"{number}.{i}")
    threads = [threading.Thread(target=work, args=[n]) for n in range(10)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
    names = {
        moment.name for moment in Capture(tmp_path / "a.mprof").moments if moment.is_mark
    }
    assert names == {f"{n}.{i}" for n in range(10) for i in range(5)}
