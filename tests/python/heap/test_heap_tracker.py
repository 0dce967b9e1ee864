"""Trackers that start, stop, fork and are killed, among other threads and tools."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import typing
from pathlib import Path
from types import ModuleType

import pytest

from heap_recordings import report
from memory_profiler import heap
from recordings import Recorder


@pytest.mark.parametrize("stop", ["tracemalloc.stop()", "pass"])
def test_when_another_tool_takes_the_hooks_off_it_is_said(
    tmp_path: Path, stop: str
) -> None:
    recorder = Recorder(tmp_path)
    recorder.path.joinpath("app.py").write_text(
        f"import tracemalloc\n{stop}\nkept = bytearray(300)\n"
    )
    done = recorder.mprof("heap", "-o", "a.mprof", "app.py", env={"PYTHONTRACEMALLOC": "1"})
    assert done.code == 0, done.err
    text = recorder.mprof("report", "a.mprof").out
    assert ("another tool put Python's allocators back" in text) == (stop != "pass")
    assert report(recorder, "a.mprof")["lost"] == (stop != "pass")


#: Deep calls of functions that tracemalloc has not seen, with objects that it has.
TRACED = """
import sys, tracemalloc, types
from memory_profiler import heap
def made(n):
    large = bytes(1000)
    return [(large, n)]
def down(n, function):
    return down(n - 1, function) if n else function(n)
functions = [types.FunctionType(made.__code__.replace(co_filename=f"{i}"), {}) for i in range(99)]
if sys.argv[1] == "before":
    tracemalloc.start()
known = [([i], (i, i)) for i in range(99)]
del known
with heap.track(native=sys.argv[2] == "native"):
    if sys.argv[1] == "after":
        tracemalloc.start()
    kept = [down(300, function) for function in functions]
"""


@pytest.mark.parametrize("native", ["native", "python"])
@pytest.mark.parametrize("start", ["before", "after"])
def test_a_program_may_use_tracemalloc_in_deep_calls(start: str, native: str) -> None:
    subprocess.run([sys.executable, "-c", TRACED, start, native], check=True, timeout=30)


# Faults 61


def test_faults_61_a_tracker_starts_and_stops_once() -> None:
    t = heap.track()
    with pytest.raises(RuntimeError):
        t.stop()
    with pytest.raises(RuntimeError):
        _ = t.peak
    t.start()
    t.stop()
    with pytest.raises(RuntimeError):
        t.start()
    with pytest.raises(RuntimeError):
        t.stop()


def test_faults_61_another_thread_may_stop_it_and_a_lost_one_ends() -> None:
    t = heap.track()
    t.start()
    thread = threading.Thread(target=t.stop)
    thread.start()
    thread.join()
    lost = heap.track()
    lost.start()
    del lost
    with heap.track() as after:
        pass
    assert after.allocations >= 0


def test_faults_61_starting_and_stopping_among_busy_threads(blocks: ModuleType) -> None:
    busy = threading.Thread(target=blocks.threads, args=(8, 20000))
    busy.start()
    for _ in range(80):
        with heap.track() as t:
            bytes(100)
        assert t.live >= 0
    busy.join()


def test_faults_39_a_forked_child_neither_records_nor_ends_the_capture(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.mprof"
    with heap.track(path) as t:
        before = t.allocations
        child = os.fork()
        if not child:
            kept = [bytes(1000) for _ in range(1000)]
            t.stop()
            with heap.track() as own:
                kept.append(bytes(5000))
            os._exit(0 if own.live >= 5000 and kept else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert t.allocations - before < 500
    assert path.stat().st_mode & 0o777 == 0o600


def test_faults_10_an_existing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mprof"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        heap.track(path).start()
    assert path.read_text() == "mine"
    with heap.track():
        pass


NO_DESCRIPTOR = """
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.open("/", os.O_RDONLY))
except OSError:
    pass
"""
#: What makes a start fail, and what makes it work again.
FAILURES = {
    "no descriptor": (NO_DESCRIPTOR, "[os.close(fd) for fd in taken]"),
    "one descriptor": (
        f"{NO_DESCRIPTOR}os.close(taken.pop())", "[os.close(fd) for fd in taken]"),
    "no file may grow": (
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)"),
    "no memory": ("""
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (1 << 20), resource.RLIM_INFINITY))
""", "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)"),
    "no native memory inside a recording without it": (
        "outer = heap.track(native=False); outer.start(); wish = True",
        "outer.stop()"),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_a_start_that_fails_leaves_no_file_and_may_be_tried_again(
    tmp_path: Path, failure: str
) -> None:
    before, after = FAILURES[failure]
    source = f"""
import os, resource
from memory_profiler import heap
wish = None
{before}
tracker, failed = heap.track("a.mprof", native=wish), False
try:
    tracker.start()
except OSError:
    failed = True
left = failed and os.path.lexists("a.mprof")
{after}
if failed:
    tracker.start()
tracker.stop()
os.rename("a.mprof", "b.mprof")
with heap.track("a.mprof", native=wish):
    pass
print(failed, left)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    failed = failure != "one descriptor"
    assert (done.stdout, done.stderr) == (f"{failed} False\n", "")
    for name in ("a.mprof", "b.mprof"):
        assert (tmp_path / name).read_bytes()[:5] == b"mprof"


def test_faults_1_a_killed_program_leaves_a_capture(tmp_path: Path) -> None:
    path = tmp_path / "a.mprof"
    source = f"""
import os
from memory_profiler import heap
heap.track({str(path)!r}).start()
kept = [bytes(1000) for _ in range(1000)]
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", source], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes()[:5] == b"mprof"


def test_the_annotations_of_a_tracker_can_be_looked_up() -> None:
    for function in (heap.track, heap.Tracker.__enter__, heap.Tracker.__exit__):
        assert "return" in typing.get_type_hints(function)
