"""What mprof run is given: files and disks to record into, words, descriptors."""

from __future__ import annotations

import os
import pathlib
import stat
import subprocess
import sys

import pytest

from recordings import PROGRAM, Recorder, samples

pytestmark = pytest.mark.one_version

# --- files ---------------------------------------------------------------------------------


def test_faults_13_recordings_are_private(here: Recorder) -> None:
    for mask in (0, 0o777):
        here.mprof("run", "-o", f"{mask}.dat", "true", umask=mask)
        assert stat.S_IMODE((here.path / f"{mask}.dat").stat().st_mode) == 0o600


def test_faults_12_two_runs_in_one_second_have_two_files(here: Recorder) -> None:
    runs = [here.start("run", "sleep", ".2") for _ in range(4)]
    for run in runs:
        assert run.wait() == 0
        run.communicate()
    assert len(here.files) == 4
    assert len(here.mprof("list").out.splitlines()) == 4
    assert len(here.mprof("peak", *range(4)).out.splitlines()) == 4


def test_faults_10_an_earlier_recording_moves_others_stay(here: Recorder) -> None:
    here.mprof("run", "-o", "x.dat", "echo", "first")
    done = here.mprof("run", "-o", "x.dat", "echo", "second")
    assert "mprof: the earlier recording is now x.dat.old\n" in done.err
    assert here.records("CMDLINE", here.path / "x.dat") == [["echo", "second"]]
    assert here.records("CMDLINE", here.path / "x.dat.old") == [["echo", "first"]]
    here.write("notes.dat", "my notes\n")
    done = here.mprof("run", "-o", "notes.dat", "touch", "ran")
    assert done.code == 1 and "--force" in done.err
    assert (here.path / "notes.dat").read_text() == "my notes\n"
    assert not (here.path / "ran").exists()
    assert here.mprof("run", "--force", "-o", "notes.dat", "true").code == 0
    assert here.records("CMDLINE", here.path / "notes.dat") == [["true"]]


@pytest.mark.parametrize(
    "output", [".", "no/such/dir/x.dat", "/dev/full", "/dev/null", "fifo", "link"]
)
def test_faults_9_and_11_a_bad_output_stops_before_the_start(
    here: Recorder, output: str
) -> None:
    os.mkfifo(here.path / "fifo")
    (here.path / "link").symlink_to("target")
    done = here.mprof("run", "-o", output, "touch", "ran")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1 and done.err.startswith(
        "mprof: cannot record into"
    )
    assert sorted(p.name for p in here.path.iterdir()) == ["fifo", "link"]
    if output == "link":
        assert here.mprof("run", "--force", "-o", "link", "true").code == 0
        assert not (here.path / "link").is_symlink() and not (here.path / "target").exists()


def test_faults_6_a_full_disk_harms_nobody(here: Recorder, tmp_path: pathlib.Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "x", disk]).returncode
    ):
        pytest.skip("cannot mount a small file system")
    try:
        full = f'[ "$(stat -f -c %a {disk})" = 0 ]'
        script = f"until {full}; do sleep .2; done; sleep 1; echo program was here"
        done = here.mprof("run", "-T", ".0005", "-o", disk / "x.dat", "sh", "-c", script)
        again = here.mprof("peak", disk / "x.dat")
    finally:
        subprocess.run(["umount", disk], check=True)
    assert done.code == 125
    assert "program was here" in done.out
    assert [
        line for line in done.err.splitlines() if "No space left" in line
    ] == done.err.splitlines()
    assert len(done.err.splitlines()) == 1
    assert "to see them" not in done.out
    assert again.code == 0 and "skipped" not in again.err and "cut off" not in again.err


def test_faults_7_a_file_size_limit_is_not_a_signal(here: Recorder) -> None:
    script = f"ulimit -f 8; exec {PROGRAM} run -T .0005 sleep 1.5"
    done = subprocess.run(
        ["sh", "-c", script], cwd=here.path, capture_output=True, text=True
    )
    assert done.returncode == 125
    assert "File too large" in done.stderr
    assert len(samples(here)) > 50


def test_faults_14_a_directory_that_is_gone(here: Recorder) -> None:
    gone = here.path / "gone"
    gone.mkdir()
    script = f"cd {gone}; rmdir {gone}; exec {PROGRAM} run true"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


# --- usage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [
    ["run", "-T", "0", "true"], ["run", "-T", "-1", "true"], ["run", "-T", "nan", "true"],
    ["run", "-T", "abc", "true"], ["run", "-T", "1e9", "true"], ["run", "--bogus", "true"], ["bogus"],
    ["run", "--backend", "x", "true"], ["list", "extra"], ["plot", "-w", "3"],
    ["plot", "-o", "x.foo"],
])  # fmt: skip
def test_faults_28_a_wrong_word_is_2_and_a_hint(here: Recorder, words: list[str]) -> None:
    here.mprof("run", "-o", "mprofile_20200101000000.dat", "true")
    done = here.mprof(*words)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1 and done.err.startswith("mprof: ")
    assert len(here.files) == 1


def test_faults_28_bare_mprof_is_the_usage_and_1(here: Recorder) -> None:
    done = here.mprof()
    assert done.code == 1 and done.out.startswith(
        "Usage: mprof <command> <options> <arguments>\n"
    )
    assert here.mprof("run").code == 1
    assert here.mprof("run").out == "A program to run must be provided. Use -h for help\n"


@pytest.mark.parametrize(("words", "code"), [
    (["no-such-program"], 127), (["./data"], 126), (["/"], 126), (["missing.py"], 1),
    (["dir.py"], 1), (["wrong.py"], 1),
])  # fmt: skip
def test_faults_29_what_cannot_run(here: Recorder, words: list[str], code: int) -> None:
    here.write("data", "x")
    here.write("wrong.py", "def\n")
    (here.path / "dir.py").mkdir()
    done = subprocess.run(
        [PROGRAM, "run", "-E", *words], cwd=here.path, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == code
    if words == ["wrong.py"]:
        assert "SyntaxError" in done.stderr
    else:
        assert len(done.stderr.splitlines()) == 1
        assert not here.files


def test_faults_27_arguments_arrive_byte_exact(here: Recorder) -> None:
    words = [
        "-5",
        "--",
        "-x",
        "a b",
        "'q'",
        '"',
        "$HOME",
        "*",
        "",
        "new\nline",
        b"\xff\xfe",
    ]
    here.write(
        "program.py",
        "import os, sys; open('got', 'wb').write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))",
    )
    subprocess.run(
        [PROGRAM, "run", sys.executable, "program.py", *words],
        cwd=here.path, check=True, capture_output=True,
    )  # fmt: skip
    assert (here.path / "got").read_bytes() == b"\0".join(map(os.fsencode, words))
    here.mprof("run", "-o", "x.dat", "program.py", "-c", "--", "-T")
    assert (here.path / "got").read_bytes() == b"-c\0--\0-T"


def test_faults_22_a_command_line_is_one_record(here: Recorder) -> None:
    here.mprof("run", "true", "x\nMEM 99999.0 1.0\n", "\x1b[2J", "a b")
    assert max(samples(here)) < 100
    assert len(here.records("CMDLINE")) == 1
    shown = here.mprof("plot", "--terminal").out
    assert "\x1b" not in shown and "\\x1b[2J" in shown


def test_faults_23_no_control_byte_reaches_the_terminal(here: Recorder) -> None:
    name = "\x1b]0;evil\x07\x9b31m\u202e.dat"
    for words in (
        ["peak", name],
        ["rm", name],
        ["run", "-o", f"no/{name}", "true"],
        [name],
    ):
        done = here.mprof(*words)
        for char in done.out + done.err:
            assert char == "\n" or not (
                ord(char) < 32 or 127 <= ord(char) < 160 or char == "\u202e"
            )


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_faults_53_closed_standard_descriptors_stay_closed(
    here: Recorder, closed: str
) -> None:
    here.write("program.py", (
        "import os\ndef is_open(fd):\n  try: os.fstat(fd)\n  except OSError: return False\n"
        "  return True\nfound = [fd for fd in range(300) if is_open(fd)]\n"
        "open('got', 'w').write(repr(found))"
    ))  # fmt: skip
    script = f"exec {PROGRAM} run {sys.executable} program.py {closed}"
    subprocess.run(["sh", "-c", script], cwd=here.path, check=False)
    wanted = [
        fd for fd in range(3) if f"{fd}<&-" not in closed and f"{fd}>&-" not in closed
    ]
    assert (here.path / "got").read_text() == repr(wanted)
    here_text = here.file.read_text()
    assert here_text.startswith("MPROF ") and here_text.rstrip().splitlines()[
        -1
    ].startswith("END ")


def test_faults_52_without_descriptors_the_program_is_not_started(here: Recorder) -> None:
    script = f"ulimit -n 6; exec {PROGRAM} run touch ran"
    done = subprocess.run(
        ["sh", "-c", script], cwd=here.path, capture_output=True, text=True
    )
    if done.returncode:
        assert done.returncode in (1, 125) and len(done.stderr.splitlines()) == 1
        assert not (here.path / "ran").exists() and not here.files


def test_faults_66_a_foreign_notice_is_not_passed_on(here: Recorder) -> None:
    """A program under two mprofs records into the inner one's file."""
    done = here.mprof(
        "run",
        "-C",
        "-o",
        "outer.dat",
        PROGRAM,
        "run",
        "-o",
        "inner.dat",
        "sh",
        "-c",
        "echo $MPROF_RUN",
    )
    (notice,) = [line for line in done.out.splitlines() if line.startswith("1:")]
    assert notice.endswith("/inner.dat")
    assert notice.split(":")[2] == "p"
