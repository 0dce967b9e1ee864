"""mprof snapshot: a copy of a recording that goes on is a capture that was closed at that moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heap_captures import Capture
from heap_runs import figures
from recordings import Recorder, wait_for

pytestmark = pytest.mark.one_version

BUSY = """
import json, os, threading
from memory_profiler import heap
kept = []
def work(n):
    if n:
        return work(n - 1)
    kept.append(json.loads("[1.5, 2.5]"))
    if len(kept) > 2000:
        del kept[:1500]
def busy():
    while True:
        for n in range(60):
            work(n)
for _ in range(2):
    threading.Thread(target=busy, daemon=True).start()
pid = os.fork() if CHILD else 1
print("ready", flush=True)
while True:
    heap.mark("again")
    busy_bytes = bytearray(1 << 20)
"""


def started(path: Path, child: bool = False):
    here = Recorder(path)
    here.write("app.py", BUSY.replace("CHILD", str(child)))
    return here, here.start_until_ready("heap", "-o", "a.mprof", "app.py")


def test_each_copy_of_a_busy_program_is_whole_and_its_sums_agree(tmp_path: Path) -> None:
    here, process = started(tmp_path)
    for i in range(12):
        done = here.mprof("snapshot", "-o", f"{i}.mprof", "a.mprof")
        assert (done.code, done.out) == (0, "")
        assert done.err == f"mprof: {i}.mprof: a copy of a.mprof; 'mprof report' reads it\n"
        capture = Capture(tmp_path / f"{i}.mprof")
        assert capture.clean == 1
        assert sum(node.live for node in capture.nodes) == capture.live
        assert capture.live <= capture.peak
        got = figures(here, f"{i}.mprof")
        assert got["incomplete"] is None
        done = here.mprof("report", "--between", "start,end", f"{i}.mprof")
        assert (done.code, done.err) == (0, "")
        assert (tmp_path / f"{i}.mprof").stat().st_mode & 0o777 == 0o600
    copy, original = ((tmp_path / name).stat() for name in ("11.mprof", "a.mprof"))
    assert copy.st_size <= original.st_size and copy.st_blocks <= original.st_blocks
    lives = {Capture(tmp_path / f"{i}.mprof").peak_time for i in range(12)}
    assert process.poll() is None and lives  # it goes on
    process.kill()
    process.communicate()


def test_children_are_copied_beside_it(tmp_path: Path) -> None:
    here, process = started(tmp_path, child=True)
    wait_for(lambda: len(figures(here, "a.mprof")["processes"]) == 2, "the child's capture")
    (child,) = tmp_path.glob("a.mprof.*")
    done = here.mprof("snapshot", "-o", "copy.mprof", "a.mprof")
    assert done.code == 0 and "a copy of 2 processes" in done.err
    assert (tmp_path / child.name.replace("a.", "copy.")).exists()
    assert len(figures(here, "copy.mprof")["processes"]) == 2
    done = here.mprof("snapshot", "--no-children", "-o", "one.mprof", "a.mprof")
    assert done.code == 0 and not list(tmp_path.glob("one.mprof.*"))
    os.kill(int(child.suffix[1:]), 9)
    process.kill()
    process.communicate()


def test_what_is_there_is_not_replaced_and_what_cannot_be_is_one_line(
    tmp_path: Path,
) -> None:
    here, process = started(tmp_path)
    here.write("taken", "precious")
    (tmp_path / "link.mprof").symlink_to("elsewhere")
    for words, line in (
        (["-o", "taken", "a.mprof"], "cannot write taken: File exists"),
        (["-o", "link.mprof", "a.mprof"], "cannot write link.mprof: "),
        (["-o", "no/x.mprof", "a.mprof"], "cannot write no/x.mprof: No such file"),
        (
            ["-o", "b.mprof", "app.py"],
            "cannot copy app.py to b.mprof: it is no heap capture",
        ),
        (["-o", "b.mprof", "none"], "cannot copy none: No such file"),
        (["-o", "b.mprof", "999999999"], "no process has the number 999999999"),
        (["-o", "/dev/null", "a.mprof"], "cannot write /dev/null: not a regular file"),
    ):
        done = here.mprof("snapshot", *words)
        assert done.code == 1 and done.err.startswith(f"mprof: {line}")
        assert done.err.count("\n") == 1
    assert (tmp_path / "taken").read_text() == "precious"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"app.py", "a.mprof", "taken", "link.mprof"}
    process.kill()
    process.communicate()


def test_a_process_names_it_and_the_name_of_the_copy_is_new(tmp_path: Path) -> None:
    here, process = started(tmp_path)
    pid = figures(here, "a.mprof")["pid"]
    for _ in range(2):
        assert here.mprof("snapshot", pid).code == 0
    copies = list(tmp_path.glob("mprofheap_*.mprof"))
    assert len(copies) == 2
    process.kill()
    process.communicate()


def test_a_recording_that_has_ended_is_copied_byte_for_byte(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("app.py", "kept = bytearray(3 << 20)\n")
    assert here.mprof("heap", "-o", "a.mprof", "app.py").code == 0
    assert here.mprof("snapshot", "-o", "b.mprof", "a.mprof").code == 0
    assert (tmp_path / "b.mprof").read_bytes() == (tmp_path / "a.mprof").read_bytes()


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("app.py", "kept = bytearray(3 << 20)\n")
    assert here.mprof("heap", "-o", "a.mprof", "app.py").code == 0
    script = (
        "mkdir small && mount -t tmpfs -o size=12k none small || exit 99\n"
        "$MPROF snapshot -o small/b.mprof a.mprof; echo $?; ls -A small | wc -l\n"
    )
    done = here.in_namespaces("-rm", script)
    assert done.out.split() == ["1", "0"]
    assert "No space left on device" in done.err
