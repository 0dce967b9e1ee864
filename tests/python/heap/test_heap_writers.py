"""A recording that was not closed: whether its writer still runs is looked up, not guessed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

from heap_recordings import report
from recordings import Recorder, kill_quietly, wait_for

RUNS = "the program is still running"
GONE = "the program was killed, or became another (exec)"

WAITS = (
    "import sys\nkept = bytearray(10**6)\nprint('ready', flush=True)\nsys.stdin.read()\n"
)


def start(here: Recorder, *words: str) -> subprocess.Popen[bytes]:
    process = here.start(*words, stdin=subprocess.PIPE)
    assert process.stdout is not None
    while b"ready" not in process.stdout.readline():
        pass
    return process


def test_a_running_program_and_a_killed_one_are_told_apart(here: Recorder) -> None:
    here.write("waits.py", WAITS)
    process = start(here, "heap", "-o", "a.mprof", "waits.py")
    assert report(here)["incomplete"] == RUNS
    assert f"incomplete: {RUNS}" in here.mprof("report", "a.mprof").out
    process.kill()
    process.communicate()
    assert report(here)["incomplete"] == GONE


def test_a_program_that_closed_all_descriptors_still_runs(here: Recorder) -> None:
    here.write("waits.py", "import os\nos.closerange(3, 4096)\n" + WAITS)
    process = start(here, "heap", "-o", "a.mprof", "waits.py")
    assert report(here)["incomplete"] == RUNS
    process.communicate()
    assert report(here)["incomplete"] is None


def test_in_another_namespace_it_still_runs(here: Recorder) -> None:
    """Its number means nothing there: the lock tells."""
    here.write("waits.py", WAITS)
    process = start(here, "heap", "-o", "a.mprof", "waits.py")
    try:
        done = here.in_namespaces("-pfm", """
            mount -t proc proc /proc || exit 99
            "$MPROF" report --json a.mprof
        """)  # fmt: skip
    finally:
        process.communicate()
    assert json.loads(done.out)["incomplete"] == RUNS


def test_a_copy_says_nothing_of_the_writer(here: Recorder) -> None:
    here.write("old.py", "import os\nos.kill(os.getpid(), 9)\n")
    here.mprof("heap", "-o", "a.mprof", "old.py")
    header = bytearray((here.path / "a.mprof").read_bytes())
    wall = int.from_bytes(header[32:40], "little") - 3600 * 10**9
    header[32:40] = wall.to_bytes(8, "little")  # began an hour before this file was made
    (here.path / "copy.mprof").write_bytes(header)
    assert report(here, "copy.mprof")["incomplete"] == (
        "the program was killed, or is still running"
    )
    assert report(here)["incomplete"] == GONE


def test_a_forked_child_does_not_hold_its_parents_recording(here: Recorder) -> None:
    here.write("forks.py", (
        "import os, signal, sys\nif os.fork() == 0:\n"
        "    sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.read(); os._exit(0)\n"
        "signal.pause()"
    ))  # fmt: skip
    process = start(here, "heap", "--no-follow", "-o", "a.mprof", "forks.py")
    process.kill()
    process.wait()
    assert report(here)["incomplete"] == GONE
    assert process.stdin is not None
    process.communicate()


def test_of_several_processes_it_is_said_how_many_run(here: Recorder) -> None:
    here.write("forks.py", (
        "import os, sys\nchild = os.fork()\nkept = bytes(10**6)\n"
        "if child:\n    print('ready', child, flush=True)\nsys.stdin.read()\n"
        "if child: os.wait()"
    ))  # fmt: skip
    process = here.start("heap", "-o", "a.mprof", "forks.py", stdin=subprocess.PIPE)
    assert process.stdout is not None
    child = int(process.stdout.readline().split()[1])
    wait_for(lambda: len(list(here.path.glob("a.mprof.*"))) == 1, "the child's capture")
    wait_for(lambda: "2 of 2" in str(report(here)["incomplete"]), "both to be open")
    assert report(here)["incomplete"] == "2 of 2 processes are still running"
    kill_quietly(child)
    wait_for(lambda: "killed" in str(report(here)["incomplete"]), "the child to be gone")
    assert report(here)["incomplete"].startswith("of 2 processes 1 still run")
    process.kill()
    process.communicate()
    assert report(here)["incomplete"].startswith("2 of 2 processes were killed")


def test_a_timeline_that_goes_on_is_told_from_one_that_was_not_closed(
    here: Recorder,
) -> None:
    process = start(here, "run", "-o", "x.dat", "-T", ".01", sys.executable, "-c", WAITS)
    wait_for(lambda: here.records("MEM", here.path / "x.dat"), "a sample")
    assert "incomplete: the recording goes on" in here.mprof("peak", "x.dat").err
    shutil.copy(here.path / "x.dat", here.path / "y.dat")
    assert "was not closed" in here.mprof("peak", "y.dat").err
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert "was not closed" in here.mprof("peak", "x.dat").err
