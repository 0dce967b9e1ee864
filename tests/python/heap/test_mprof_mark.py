"""mprof mark: a mark from outside, of a busy program and of an idle one, and of what is none."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from heap_captures import Capture, Moment
from recordings import Recorder

pytestmark = pytest.mark.one_version

BUSY = """
import sys, time
print("ready", flush=True)
kept = []
end = time.monotonic() + 60
while time.monotonic() < end:
    kept.append(bytes(1000))
    if len(kept) > 3000:
        kept.clear()
"""
#: Says what it does when it is told to, and allocates nothing meanwhile.
IDLE = """
import os, signal
kept = [None] * 2000
def load(first, last):
    for i in range(first, last):
        kept[i] = bytes(991)
load(0, 500)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
wait = signal.sigwait
signals = {signal.SIGUSR1}
os.write(1, b"ready\\n")
wait(signals)
load(500, 1500)
os.write(1, b"loaded\\n")
wait(signals)
"""


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


class Running:
    """A program under mprof heap, its capture a.mprof."""

    def __init__(self, path: Path, source: str) -> None:
        self.recorder = Recorder(path)
        self.recorder.write("app.py", source)
        self.process = self.recorder.start_until_ready("heap", "-o", "a.mprof", "app.py")
        self.pid = self.process.pid  # it becomes Python

    def mark(self, *words: object):
        return self.recorder.mprof("mark", *words)

    def end(self) -> Capture:
        self.process.wait(60)
        return Capture(self.recorder.path / "a.mprof")

    def sleeps(self) -> None:
        """Until it does nothing any more."""
        asleep = 0
        while asleep < 5:
            state = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")")[1].split()[0]
            asleep = asleep + 1 if state == "S" else 0
            time.sleep(0.01)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(60)


@pytest.fixture
def busy(tmp_path: Path):
    running = Running(tmp_path, BUSY)
    yield running
    if running.process.poll() is None:
        running.kill()


@pytest.fixture
def idle(tmp_path: Path):
    running = Running(tmp_path, IDLE)
    yield running
    if running.process.poll() is None:
        running.kill()


def marks_of(capture: Capture) -> dict[str, Moment]:
    return {moment.name: moment for moment in capture.moments if moment.is_mark}


def test_a_busy_program_is_marked_at_once_by_its_number_and_by_its_capture(
    busy: Running,
) -> None:
    for name, target in (("warm", busy.pid), ("wärmer", "a.mprof"), ("newest", None)):
        words = [name] if target is None else [name, target]
        done = busy.mark(*words)
        assert done.code == 0 and re.search(
            rf": mark {name} at \d+\.\d{{3}} s\n$", done.out
        )
    os.kill(busy.pid, signal.SIGTERM)
    capture = busy.end()
    marks = marks_of(capture)
    assert list(marks) == ["warm", "wärmer", "newest"]
    for mark in marks.values():
        assert mark.live == mark.rest + sum(size for _, size in mark.held.values())
    text = busy.recorder.mprof("report", "--at", "wärmer", "a.mprof").out
    assert "at the mark wärmer (" in text


def test_an_idle_program_is_marked_as_it_was_when_it_goes_on(idle: Running) -> None:
    idle.sleeps()
    done = idle.mark("before", idle.pid)
    said = re.search(r"mark before at (\d+\.\d{3}) s, as the heap is now", done.out)
    assert done.code == 0 and said
    text = idle.recorder.mprof("report", "--since", "before", "a.mprof").out
    assert "from the mark before (" in text and "nothing grew or shrank" in text
    at = idle.recorder.mprof("stats", "--json", "--at", "before", "a.mprof")
    assert json.loads(at.out)["range"]["to"]["name"] == "before"
    os.kill(idle.pid, signal.SIGUSR1)
    assert b"loaded" in idle.process.stdout.readline()
    done = idle.mark("behind", "a.mprof")
    assert done.code == 0
    os.kill(idle.pid, signal.SIGUSR1)
    capture = idle.end()
    held = {
        name: sum(size for node, (_, size) in mark.held.items()
                  if capture.codes[capture.nodes[node].code].name == "load")
        for name, mark in marks_of(capture).items()
    }  # fmt: skip
    for name, size in (("before", 500 * 1024), ("behind", 1500 * 1024)):
        assert 0 <= held[name] - size < 256, "free lists keep an int or two"
    times = {name: f"{mark.time / 1e9:.3f}" for name, mark in marks_of(capture).items()}
    assert times["before"] == said[1] and times["behind"] > times["before"]


def test_children_are_marked_with_the_first_process(tmp_path: Path) -> None:
    running = Running(
        tmp_path,
        """
import os, time
if not os.fork():
    kept = [bytes(1000) for _ in range(1000)]
    for _ in range(6000):
        time.sleep(0.01)
        kept.append(bytes(70_000))
        del kept[1000:]
    os._exit(0)
time.sleep(0.5)
print("ready", flush=True)
while True:
    time.sleep(0.01)
    large = bytes(70_000)
""",
    )
    done = running.mark("warm", "a.mprof")
    (child,) = children_of(running.pid)
    try:
        assert done.code == 0 and len(done.out.splitlines()) == 2
        assert f"a.mprof.{child}: mark warm at " in done.out
        assert running.mark("alone", child).code == 0
    finally:
        os.kill(child, signal.SIGKILL)
        running.kill()
    assert list(marks_of(Capture(tmp_path / "a.mprof"))) == ["warm"]
    assert list(marks_of(Capture(tmp_path / f"a.mprof.{child}"))) == ["warm", "alone"]


def refused(done, words: str, code: int = 1) -> None:
    assert (done.code, done.out) == (code, ""), done
    assert words in done.err and len(done.err.splitlines()) == 1


def test_faults_23_a_recording_that_ended_takes_no_mark(busy: Running) -> None:
    shutil.copy(busy.recorder.path / "a.mprof", busy.recorder.path / "copy.mprof")
    done = busy.mark("x", "copy.mprof")  # one so young may be the original
    assert done.code == 1 and (
        "has ended" in done.err or "no program that runs" in done.err
    )
    pid = busy.pid
    busy.kill()
    before = (busy.recorder.path / "a.mprof").read_bytes()
    refused(busy.mark("x", "a.mprof"), "the recording has ended")
    refused(busy.mark("x", pid), f"no process has the number {pid}")
    assert (busy.recorder.path / "a.mprof").read_bytes() == before


def test_faults_23_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    refused(recorder.mprof("mark", "x", os.getpid()), "records no heap")
    refused(recorder.mprof("mark", "x", "none.mprof"), "No such file")
    recorder.write("other.mprof", "something else\n" * 9999)
    refused(recorder.mprof("mark", "x", "other.mprof"), "it is no mprof heap capture")
    refused(recorder.mprof("mark", "x", "."), "cannot mark .: Is a directory")
    refused(recorder.mprof("mark", "x"), "no heap capture")
    assert (tmp_path / "other.mprof").read_text() == "something else\n" * 9999


def test_a_finished_capture_takes_no_mark(heap: Recorder) -> None:
    refused(heap.mprof("mark", "x", "a.mprof"), "the recording has ended")


def test_a_capture_that_cannot_be_written_is_one_line(busy: Running) -> None:
    (busy.recorder.path / "link.mprof").symlink_to("a.mprof")
    refused(busy.mark("x", "link.mprof"), "cannot mark link.mprof")
    if os.geteuid():
        (busy.recorder.path / "a.mprof").chmod(0o400)
        refused(busy.mark("x", "a.mprof"), "Permission denied")


def test_names_that_cannot_be_are_usage_errors(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for words in (
        [],
        ["a", "b", "c"],
        ["", "x.mprof"],
        ["x" * 65, "x.mprof"],
        ["a\nb", "x"],
    ):
        refused(recorder.mprof("mark", *words), "mark: ", code=2)


def test_more_marks_than_can_wait_are_refused(idle: Running) -> None:
    idle.sleeps()
    for i in range(16):
        assert idle.mark(f"{i}", "a.mprof").code == 0
    refused(idle.mark("one more", "a.mprof"), "16 marks wait already")
    os.kill(idle.pid, signal.SIGUSR1)
    assert b"loaded" in idle.process.stdout.readline()
    os.kill(idle.pid, signal.SIGUSR1)
    marks = marks_of(idle.end())
    assert sorted(map(int, marks)) == list(range(16))
    assert len({mark.live for mark in marks.values()}) == 1


def test_many_ask_at_once(busy: Running) -> None:
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda i=i: codes.append(busy.mark(f"m{i}", busy.pid).code))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 8
    os.kill(busy.pid, signal.SIGTERM)
    assert set(marks_of(busy.end())) == {f"m{i}" for i in range(8)}


def test_a_recording_without_moments_says_so(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write("app.py", BUSY)
    process = recorder.start(
        "heap", "-o", "a.mprof", "app.py", env={**os.environ, "MPROF_MOMENTS": "0"}
    )
    try:
        assert b"ready" in process.stdout.readline()
        refused(recorder.mprof("mark", "x", "a.mprof"), "MPROF_MOMENTS=0")
    finally:
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait()
