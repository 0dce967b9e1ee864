"""Faults and bad input of heap captures, by the numbers of their rows: files, names, ends."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from heap_captures import Capture
from heap_runs import TREE, figures, in_namespace, own_lines, record, whole
from recordings import PROGRAM, Done, Recorder, wait_for

RUNS = "the program is still running"


ENDS = {
    "import os; kept = bytes(9999); os._exit(4)": 4,
    "import os; kept = bytes(9999); os.abort()": -signal.SIGABRT,
    "import os; kept = bytes(9999); os.execv('/bin/sh', ['sh', '-c', 'exit 9'])": 9,
    "import sys; kept = bytes(9999); sys.exit(3)": 3,
    "kept = bytes(9999); 1 / 0": 1,
}


@pytest.mark.parametrize("source", ENDS)
def test_faults_4_however_it_ends_the_code_is_its_own(here: Recorder, source: str) -> None:
    assert record(here, source).code == ENDS[source]
    assert figures(here)["peak"] >= 9999


MEMORY_GROUPS = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                 ("/sys/fs/cgroup", "memory.max"))  # fmt: skip


def make_group(limit: int) -> Path:
    """A control group with so much memory."""
    for root, knob in MEMORY_GROUPS:
        group = Path(root, f"mprof-{os.getpid()}")
        try:
            if Path(root, "cgroup.procs").exists():
                group.mkdir()
                (group / knob).write_text(str(limit))
                return group
        except OSError:
            group.rmdir() if group.exists() else None
    pytest.skip("no control group can be made here")


def test_faults_5_what_an_oom_kill_ends_is_read(here: Recorder) -> None:
    here.write("program.py", "kept = [b'x' * (100000 + i) for i in range(3000)]\n")
    group = make_group(96 << 20)
    words = f'echo $$ >{group}/cgroup.procs; exec "$0" heap -o a.mprof program.py'
    try:
        done = subprocess.run(["sh", "-c", words, PROGRAM], cwd=here.path,
                              capture_output=True, timeout=60)  # fmt: skip
        if not done.returncode:
            pytest.skip("the control group does not limit memory here")
    finally:
        group.rmdir()
    assert done.returncode == -signal.SIGKILL
    assert figures(here)["peak"] > 32 << 20


def test_faults_6_a_disk_that_is_full_from_the_start_starts_nothing(here: Recorder) -> None:
    here.write("program.py", "open('ran', 'w')\n")
    done = in_namespace(here, """
        mkdir disk; mount -t tmpfs -o size=64k none disk || exit 99
        "$MPROF" heap -o disk/a.mprof program.py; echo "code $?"; ls disk
    """)  # fmt: skip
    assert "code 1\n" in done.out and "a.mprof" not in done.out
    assert len(own_lines(done.err)) == 1 and "No space left" in done.err, done.err
    assert not (here.path / "ran").exists()


def test_faults_6_a_disk_that_fills_harms_nothing_and_is_said(here: Recorder) -> None:
    here.write("program.py", TREE + "tree(15)\nopen('ran', 'w')\n")
    done = in_namespace(here, """
        mkdir disk; mount -t tmpfs -o size=512k none disk || exit 99
        "$MPROF" heap -o disk/a.mprof program.py; echo "code $?"; cp disk/a.mprof .
    """)  # fmt: skip
    assert (here.path / "ran").exists(), done
    assert "code 125\n" in done.out
    (line,) = own_lines(done.err)
    assert "No space left on device" in line and "a.mprof" in line
    got = figures(here)
    assert got["shortened"] > 0
    assert whole(got, "allocations") == got["allocations"] > 2**15


def test_faults_7_a_limit_on_files_does_not_kill(here: Recorder) -> None:
    done = record(
        here, TREE + "tree(15)\nprint('ran')\n",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (600000, 600000)),
    )  # fmt: skip
    assert (done.code, done.out) == (125, "ran\n")
    (line,) = own_lines(done.err)
    assert "File too large" in line
    assert figures(here)["shortened"] > 0


def without_room(here: Recorder, *inject: str) -> Done:
    """Under a kernel that refuses what `inject` says, to the file of the capture alone."""
    words = ["-f", "-qq", "-o", "calls", "-P", str(here.path / "a.mprof")]
    words += [word for one in inject for word in ("-e", f"inject={one}")]
    words += [PROGRAM, "heap", "-o", "a.mprof", "program.py"]
    try:
        done = subprocess.run(["strace", *words], cwd=here.path, capture_output=True, text=True,
                              timeout=60)  # fmt: skip
    except FileNotFoundError:
        pytest.skip("needs strace")
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr}")
    return Done(done.returncode, done.stdout, done.stderr)


REFUSALS = [("EDQUOT", "Disk quota exceeded"), ("EIO", "Input/output error")]


@pytest.mark.parametrize(("error", "said"), REFUSALS)
def test_faults_7_a_quota_or_a_broken_disk_harms_nothing_and_is_said(
    here: Recorder, error: str, said: str
) -> None:
    here.write("program.py", TREE + "tree(13)\nprint('ran')\n")
    done = without_room(here, f"fallocate:error={error}:when=8+")
    assert (done.code, done.out) == (125, "ran\n"), done.err
    (line,) = own_lines(done.err)
    assert said in line and "a.mprof" in line
    got = figures(here)
    assert got["shortened"] > 0
    assert whole(got, "allocations") == got["allocations"] > 2**13
    assert f"no room for more stacks: {said}\n" in here.mprof("report", "a.mprof").out


@pytest.mark.parametrize(("error", "said"), REFUSALS)
def test_faults_7_without_quota_from_the_start_nothing_starts(
    here: Recorder, error: str, said: str
) -> None:
    here.write("program.py", "open('ran', 'w')\n")
    done = without_room(here, f"fallocate:error={error}")
    assert done.code == 1
    (line,) = own_lines(done.err)
    assert said in line and "a.mprof" in line
    assert not (here.path / "ran").exists() and not (here.path / "a.mprof").exists()


@pytest.mark.parametrize(("error", "said"), REFUSALS)
def test_faults_7_a_capture_that_cannot_be_written_at_the_end_is_said(
    here: Recorder, error: str, said: str
) -> None:
    here.write("program.py", "kept = bytes(9999)\nprint('ran')\n")
    done = without_room(here, "fallocate:error=EOPNOTSUPP", f"write:error={error}:when=3+")
    assert (done.code, done.out) == (125, "ran\n"), done.err
    at_start, at_end = own_lines(done.err)
    assert "is written when the program ends" in at_start
    assert said in at_end and "a.mprof" in at_end
    reader = here.mprof("report", "a.mprof")
    assert reader.code == 1 or "incomplete" in reader.out, reader


def test_faults_8_where_files_cannot_be_grown_in_place_it_is_written_at_the_end(
    here: Recorder,
) -> None:
    here.write("program.py", "kept = [bytes(1000) for _ in range(100)]\n")
    done = in_namespace(here, """
        mkdir disk; mount -t ramfs none disk || exit 99
        "$MPROF" heap -o disk/a.mprof program.py; echo "code $?"; cp disk/a.mprof .
    """)  # fmt: skip
    assert "code 0\n" in done.out
    (line,) = own_lines(done.err)
    assert "disk/a.mprof is written when the program ends" in line
    got = figures(here)
    assert got["incomplete"] is None and got["live"] >= 100 * 1000


def test_faults_9_places_that_cannot_hold_a_capture(here: Recorder) -> None:
    here.write("program.py", "open('ran', 'w')\n")
    os.mkfifo(here.path / "fifo")
    before = sorted(os.listdir(here.path))
    for name in ("missing/a.mprof", "fifo", "/dev/null", "/dev/full", "/"):
        done = here.mprof("heap", "-o", name, "program.py")
        assert done.code == 1 and len(own_lines(done.err)) == 1, done.err
        assert name in own_lines(done.err)[0]
    assert sorted(os.listdir(here.path)) == before


def test_faults_12_runs_that_start_in_one_second_have_a_file_each(here: Recorder) -> None:
    here.write("program.py", "kept = bytes(5000)\n")
    started = [here.start("heap", "program.py") for _ in range(5)]
    for one in started:
        _, err = one.communicate(timeout=60)
        assert one.returncode == 0, err
    captures = sorted(here.path.glob("mprofheap_*.mprof"))
    assert len(captures) == 5
    for path in captures:
        assert figures(here, path.name)["incomplete"] is None


@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_faults_13_a_capture_is_its_owners_alone(here: Recorder, mask: int) -> None:
    record(here, "pass", umask=mask)
    assert (here.path / "a.mprof").stat().st_mode & 0o777 == 0o600


def test_faults_14_a_place_that_is_gone_or_forbidden_is_named(here: Recorder) -> None:
    here.write("program.py", "open('/dev/null')\n")
    done = here.mprof("heap", "-o", "/proc/a.mprof", "program.py")
    assert done.code == 1 and "/proc/a.mprof" in own_lines(done.err)[0]
    env = {key: value for key, value in os.environ.items() if key != "HOME"}
    words = (
        'mkdir gone && cd gone && rmdir ../gone && exec "$0" heap -o a.mprof ../program.py'
    )
    run = subprocess.run(["sh", "-c", words, PROGRAM], cwd=here.path, env=env,
                         capture_output=True, text=True, timeout=60)  # fmt: skip
    assert run.returncode == 1
    assert len(own_lines(run.stderr)) == 1 and "Traceback" not in run.stderr, run.stderr


def test_faults_22_names_are_kept_whatever_they_are(here: Recorder) -> None:
    names = ["a\nMEM 1 2", "tab\there;semi", "\udcff\udc80", "e\x01nd", "‮bidi", "x" * 5000]
    record(here, f"""
def f(): return bytes(70001)
kept = []
for name in {names!r}:
    f.__code__ = f.__code__.replace(co_qualname=name, co_name=name, co_filename=name)
    kept.append(f())
""")  # fmt: skip
    found = {row["function"] for row in figures(here)["lines"]}
    assert {name[:4096] for name in names} <= found
    capture = Capture(here.path / "a.mprof")
    assert {code.file for code in capture.codes} >= {name[:4096] for name in names}
    text = here.mprof("report", "a.mprof").out
    assert "\\x0aMEM 1 2" in text or "\\nMEM 1 2" in text
    assert "\x01" not in text and "\u202e" not in text


def test_faults_27_words_are_passed_as_they_are(here: Recorder) -> None:
    words = ["--", "-x", "", "a b", "'\"", "$HOME", "*", "--force", "-o", "é\udcff"]
    here.write("program.py", "import sys; print(ascii(sys.argv[1:]))\n")
    done = here.mprof("heap", "-o", "a.mprof", "program.py", *words)
    assert done.out == ascii(words) + "\n"


def test_faults_1_a_reader_is_served_while_the_program_runs(here: Recorder) -> None:
    here.write("program.py", "kept = bytes(8000)\nprint(1, flush=True)\ninput()\n")
    running = here.start("heap", "-o", "a.mprof", "program.py", stdin=subprocess.PIPE)
    try:
        wait_for(lambda: (here.path / "a.mprof").exists(), "a capture")
        assert running.stdout is not None and running.stdout.readline() == b"1\n"
        assert figures(here)["incomplete"] == RUNS
        assert figures(here)["live"] >= 8000
    finally:
        running.communicate(b"\n", timeout=60)
    assert figures(here)["incomplete"] is None
