"""heap.start() and heap.stop(): a program switches its recording on and off itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heap_captures import Capture
from heap_runs import figures
from memory_profiler import heap
from recordings import Recorder

HEAD = "import os, sys\nfrom memory_profiler import heap\n"


def run(path: Path, source: str, code: int = 0) -> str:
    """What a program prints."""
    path.joinpath("program.py").write_text(HEAD + source)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (code, "")
    return done.stdout


def live(path: Path, name: str, line: str) -> int:
    """Live bytes of the line of program.py with a text."""
    lines = figures(Recorder(path), name)["lines"]
    numbers = [
        number
        for number, text in enumerate((path / "program.py").read_text().split("\n"), 1)
        if line in text
    ]
    return sum(
        row["live"]
        for row in lines
        if row["file"].endswith("program.py") and row["line"] in numbers
    )


STRETCHES = """
before = bytearray(5 << 20)
for name in "a.mprof", "b.mprof":
    os.makedirs("elsewhere", exist_ok=True)
    whole = os.path.realpath(name)
    assert heap.start(name) == whole
    os.chdir("elsewhere")  # the file is where it was
    kept = bytearray(3 << 20)
    assert heap.stop() == whole
    after = bytearray(4 << 20)
    os.chdir("..")
"""


def test_each_stretch_is_a_capture_of_its_own(tmp_path: Path) -> None:
    run(tmp_path, STRETCHES)
    for name in "a.mprof", "b.mprof":
        assert Capture(tmp_path / name).clean
        assert live(tmp_path, name, "kept =") >= 3 << 20
        assert live(tmp_path, name, "before =") == live(tmp_path, name, "after =") == 0


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os._exit(0)"])
def test_the_end_of_the_process_closes_what_was_not_stopped(
    tmp_path: Path, end: str
) -> None:
    run(tmp_path, f"heap.start('a.mprof')\nkept = bytearray(3 << 20)\n{end}\n")
    assert Capture(tmp_path / "a.mprof").clean
    assert live(tmp_path, "a.mprof", "kept =") >= 3 << 20


WORKER = """
heap.start('first.mprof', children=CHILDREN)
kept = bytearray(3 << 20)
pid = os.fork()
if not pid:
    if not CHILDREN:
        heap.start('own.mprof')
    mine = bytearray(2 << 20)
    os._exit(0)
os.waitpid(pid, 0)
heap.stop()
print(pid)
"""


@pytest.mark.parametrize("children", [False, True])
def test_a_forked_child_records_by_itself_or_as_a_child_of_the_run(
    tmp_path: Path, children: bool
) -> None:
    pid = int(run(tmp_path, WORKER.replace("CHILDREN", str(children))))
    own = f"first.mprof.{pid}" if children else "own.mprof"
    assert Capture(tmp_path / own).clean
    assert live(tmp_path, own, "mine =") >= 2 << 20
    assert live(tmp_path, own, "kept =") == 0
    names = {path.name for path in tmp_path.glob("*.mprof*")}
    assert names == {"first.mprof", own}
    assert len(figures(Recorder(tmp_path), "first.mprof")["processes"]) == 2 * children


def test_children_are_followed_until_it_stops(tmp_path: Path) -> None:
    run(
        tmp_path,
        "heap.start('a.mprof', children=True)\nassert 'MPROF_HEAP' in os.environ\n"
        "heap.stop()\nassert 'MPROF_HEAP' not in os.environ\n"
        "pid = os.fork()\nif not pid:\n    os._exit(0)\nos.waitpid(pid, 0)\n",
    )
    assert [path.name for path in tmp_path.glob("*.mprof*")] == ["a.mprof"]


def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    before = os._exit
    with pytest.raises(RuntimeError, match="no recording runs"):
        heap.stop()
    path = tmp_path / "a.mprof"
    assert heap.start(path, sample=1 << 19) == str(path)
    with pytest.raises(RuntimeError, match=r"records into .*a\.mprof"):
        heap.start(tmp_path / "b.mprof")
    assert heap.stop() == str(path)
    with pytest.raises(FileExistsError):
        heap.start(path)
    with pytest.raises(ValueError, match="cannot sample"):
        heap.start(tmp_path / "c.mprof", sample=-1)
    with pytest.raises(RuntimeError, match="no recording runs"):
        heap.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mprof"]
    assert os._exit is before


def test_under_mprof_heap_it_is_a_stretch_of_that_recording(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write(
        "program.py",
        HEAD + "before = bytearray(5 << 20)\nheap.start('in.mprof', children=True)\n"
        "kept = bytearray(3 << 20)\nheap.stop()\n",
    )
    done = here.mprof("heap", "-o", "out.mprof", "program.py")
    assert done.code == 0, done.err
    for name, least in ("in.mprof", 0), ("out.mprof", 5 << 20):
        assert live(tmp_path, name, "kept =") >= 3 << 20
        assert (live(tmp_path, name, "before =") >= 5 << 20) == bool(least)


#: Between the last two of os.getppid() is what is looked at.
AGAIN = """
heap.start("a.mprof", sample=1 << 19)
heap.stop()
os.getppid()
heap.start("b.mprof", sample=1 << 19)
os.getppid()
"""
#: As `mprof heap PID` has it begun.
BY_MPROF = AGAIN.replace(
    'heap.start("b.mprof", sample=1 << 19)',
    'tracker = heap.Tracker("b.mprof", sample=1 << 19)\n'
    "tracker._heap.attached(True)\n"
    'heap._switch_on(tracker, "b.mprof", False)',
)


def system_calls(path: Path, source: str) -> list[str]:
    path.mkdir()
    (path / "program.py").write_text(HEAD + source)
    words = ["strace", "-qq", "-o", "calls", sys.executable, "program.py"]
    try:
        done = subprocess.run(words, cwd=path, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("needs strace")
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    whole = (path / "calls").read_text().split("getppid()")
    return [line for line in whole[-2].splitlines()[1:] if "(" in line]


def test_a_program_that_starts_again_is_held_up_by_few_system_calls(tmp_path: Path) -> None:
    """It stands still meanwhile: what is known of the process is not asked again."""
    calls = system_calls(tmp_path / "again", AGAIN)
    names = [line.partition("(")[0] for line in calls]
    opened = [line.split('"')[1] for line in calls if line.startswith("openat(")]
    assert names.count("fallocate") == 1  # waits for the disk's journal
    assert opened.count("/proc/self/maps") == 1  # the longer, the more libraries there are
    assert "/proc/self/stat" not in opened
    assert not [name for name in opened if "cgroup" in name], opened
    looked = [line for line in calls if "fstat" in line and '""' in line]
    assert len(looked) < 10, looked


def test_what_can_wait_is_read_once_the_program_goes_on(tmp_path: Path) -> None:
    """A program that is attached to stands still for what its recording's start reads."""
    on = "\nimport time\nkept = []\nfor _ in range(20):\n    kept.append(bytes(1 << 22))\n    time.sleep(0.01)\nos.getppid()\n"
    start, later = (
        {
            line.split('"')[1]
            for line in system_calls(tmp_path / name, text)
            if "openat(" in line
        }
        for name, text in (("start", BY_MPROF), ("later", BY_MPROF + on))
    )
    assert not {name for name in start if "cgroup" in name or "/proc/self/maps" in name}, (
        start
    )
    assert {"/proc/self/maps", "/proc/self/cgroup"} <= later, later


def test_a_recording_that_mprof_began_waits_for_no_disk_as_it_ends(tmp_path: Path) -> None:
    """mprof gives back what the file does not need; where it did not begin it, the program does."""
    ends = "\nos.getppid()\nheap.stop()\nos.getppid()\n"
    own = system_calls(tmp_path / "own", AGAIN + ends)
    mprofs = system_calls(tmp_path / "mprofs", BY_MPROF + ends)
    late = system_calls(tmp_path / "late", BY_MPROF.replace("True", "False") + ends)
    assert any("PUNCH_HOLE" in line for line in own), own
    assert any("PUNCH_HOLE" in line for line in late), late  # at a signal
    assert not any("PUNCH_HOLE" in line for line in mprofs), mprofs
