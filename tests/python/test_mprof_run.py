"""mprof run and attach, on real programs."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import stat
import subprocess
import sys

import pytest

from recordings import SPIKE, Recorder, is_alive, kill_quietly, read_to_end, wait_for


def samples(here: Recorder) -> list[float]:
    return [float(memory) for memory, _ in here.records("MEM")]


def test_every_interval_that_held_a_spike_shows_it(here: Recorder) -> None:
    done = here.python(SPIKE + "for i in range(12): time.sleep(.09); spike(100, .002)")
    assert done.code == 0
    marks = [m for m in here.records("PEAK") if float(m[1]) > 100]
    high = [float(t) for m, t in here.records("MEM") if float(m) > 100]
    spans = {(m[2], m[3]) for m in marks}
    assert len(spans) + len(high) >= 8  # twelve spikes in some eleven intervals
    assert here.mprof("peak").out.split("\t")[1].startswith("1")


def test_without_owned_marks_nothing_is_reset(here: Recorder) -> None:
    source = SPIKE + (
        "import resource\ntime.sleep(.3); spike(100, 0); time.sleep(.3)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    assert int(here.python(source, "--no-peak-reset").out.split("\n")[2]) >= 100
    assert here.records("MPROF")[0][-2] == "marks=watched"


def test_a_program_too_short_for_a_sample_has_one(here: Recorder) -> None:
    assert here.mprof("run", "true").code == 0
    assert len(samples(here)) == 1 and samples(here)[0] > 0
    assert here.mprof("peak").code == 0


def test_a_tree_is_summed_and_its_children_are_named(here: Recorder) -> None:
    here.python(
        "import os, time\nfor i in range(2):\n  if os.fork() == 0:\n    x = bytearray(40 << 20)"
        "\n    time.sleep(.6); os._exit(0)\ntime.sleep(.8)",
        "-C", "-M", "-T", ".02",
    )  # fmt: skip
    assert max(samples(here)) > 80
    children = {pid for pid, *_ in here.records("CHLD")}
    assert len(children) == 2
    assert {fields[0] for fields in here.records("PROC")} == children
    lines = here.mprof("peak").out.splitlines()[2:]
    assert [re.fullmatch(r"  Child \d+\t\t\t4\d\.\d{3} MiB", line) is not None for line in lines] == [
        True, True
    ]  # fmt: skip


def test_children_are_not_in_the_total_unless_asked(here: Recorder) -> None:
    here.python(
        "import os, time\nif os.fork() == 0:\n  x = bytearray(80 << 20); time.sleep(.4); os._exit(0)"
        "\nos.wait()",
        "-M",
    )
    assert max(samples(here)) < 60
    assert max(float(m) for _, m, _ in here.records("CHLD")) > 80


def test_a_child_of_five_milliseconds_is_counted(here: Recorder) -> None:
    """Its memory is the ru_maxrss that the kernel keeps of children waited for."""
    child = "x = bytearray(90 << 20)"
    done = here.python(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {child!r}])",
        "-C", "-T", "10",
    )  # fmt: skip
    end = dict(f.split("=") for f in here.records("END")[0] if "=" in f)
    assert float(end["largest"]) > 90
    if end["unsampled"] == "-1":
        pytest.skip("perf events are forbidden here: such children cannot be counted")
    assert end["unsampled"] == "1"
    assert "1 process was too short for the interval" in done.out


@pytest.mark.parametrize(("program", "code", "said"), [
    ("import os; os._exit(4)", 4, "exited with code 4"),
    ("import sys; sys.exit(3)", 3, "exited with code 3"),
    ("raise ValueError", 1, "exited with code 1"),
    ("import os; os.abort()", 134, "was killed by SIGABRT"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "was killed by SIGKILL"),
    ("import os; os.execv('/bin/sh', ['sh', '-c', 'exit 9'])", 9, "exited with code 9"),
])  # fmt: skip
def test_faults_4_the_programs_end_is_passed_on(
    here: Recorder, program: str, code: int, said: str
) -> None:
    done = here.python(program, "-E")
    assert done.code == code
    assert f"mprof: program {said}\n" in done.err
    assert here.python(program, "-o", "again.dat").code == 0


def test_faults_1_a_killed_program_leaves_everything(here: Recorder) -> None:
    source = (
        "import os, time\nx = bytearray(50 << 20); time.sleep(.5); os.kill(os.getpid(), 9)"
    )
    assert here.python(source, "-E", "-T", ".01").code == 137
    assert len(samples(here)) > 20
    assert here.records("END")[0][1:3] == ["signal", "9"]
    assert here.mprof("plot", "--terminal").code == 0


def test_faults_2_a_killed_mprof_leaves_the_program_and_the_samples(here: Recorder) -> None:
    process = here.start("run", "-T", ".01", "sleep", "60")
    wait_for(lambda: here.files and len(samples(here)) > 20, "samples in the file")
    pid = int(here.records("MPROF")[0][2].partition("=")[2])
    process.kill()
    process.wait()
    assert is_alive(pid)
    kill_quietly(pid)
    peak = here.mprof("peak")
    assert peak.code == 0
    assert "incomplete: the recording was not closed" in peak.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_faults_3_a_signal_is_passed_on_once(
    here: Recorder, number: signal.Signals
) -> None:
    here.write("program.py", (
        "import signal, sys, time\nseen = []\n"
        f"signal.signal({int(number)}, lambda *_: seen.append(1))\n"
        "print('ready', flush=True)\nend = time.monotonic() + 60\n"
        "while not seen and time.monotonic() < end: time.sleep(.01)\n"
        "time.sleep(.2); print('times', len(seen))"
    ))  # fmt: skip
    process = here.start_until_ready("run", sys.executable, "program.py")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert b"times 1" in out
    assert process.returncode == 128 + number
    assert here.records("END")


def test_faults_3_a_second_interrupt_kills(here: Recorder) -> None:
    here.write("program.py", (
        "import signal, time\nsignal.signal(2, signal.SIG_IGN)\nprint('ready', flush=True)\n"
        "time.sleep(60)"
    ))  # fmt: skip
    process = here.start_until_ready("run", sys.executable, "program.py")
    process.send_signal(2)
    wait_for(lambda: len(here.records("MEM")) > 3, "a later sample")
    process.send_signal(2)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"was killed by SIGKILL" in err


def test_faults_3_ctrl_c_reaches_the_program_once(here: Recorder) -> None:
    """The terminal sends it to both; mprof must not send it again."""
    here.write("program.py", (
        "import signal, time\nseen = []\nsignal.signal(2, lambda *_: seen.append(1))\n"
        "print('ready', flush=True)\nend = time.monotonic() + 60\n"
        "while not seen and time.monotonic() < end: time.sleep(.01)\n"
        "time.sleep(.3); print('times', len(seen), flush=True)"
    ))  # fmt: skip
    process, terminal = here.start_on_terminal("run", sys.executable, "program.py")
    text = b""
    while b"ready" not in text:
        text += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    text += read_to_end(terminal)
    assert process.wait(timeout=30) == 130
    assert b"times 1" in text
    assert b"\x1b" not in text


def test_a_live_line_is_shown_on_a_terminal_only(here: Recorder) -> None:
    process, terminal = here.start_on_terminal("run", "sleep", "1.3")
    text = read_to_end(terminal)
    assert process.wait(timeout=30) == 0
    assert re.search(rb"1 s   \d+\.\d MiB   peak \d+\.\d MiB   \d+ samples/s *\r", text)
    assert "samples/s" not in here.mprof("run", "sleep", "1.3").err


def test_a_timeout_ends_the_recording_not_the_program(here: Recorder) -> None:
    process = here.start("run", "-t", "1", "sleep", "60")
    err = process.stderr.readline()
    process.wait(timeout=30)
    pid = int(here.records("MPROF")[0][2].partition("=")[2])
    assert process.returncode == 0
    assert f"process {pid} goes on".encode() in err
    assert is_alive(pid)
    kill_quietly(pid)


@pytest.mark.parametrize("backend", ["psutil_pss", "psutil_uss"])
def test_pss_and_uss_follow_the_program_through_exec(here: Recorder, backend: str) -> None:
    source = "x = bytearray(60 << 20); import time; time.sleep(.5)"
    done = here.mprof(
        "run", "--backend", backend, "sh", "-c", f"exec {sys.executable} -c '{source}'"
    )
    assert done.code == 0
    assert 60 < max(samples(here)) < 90
    assert not here.records("PEAK")


def test_a_control_group_is_recorded(here: Recorder) -> None:
    done = here.mprof("run", "--cgroup", "sleep", ".3")
    if "none is mounted" in done.err:
        pytest.skip("no memory control group is mounted")
    assert len(here.records("CGRP")) == len(samples(here))


def test_two_figures_agree_with_the_interval(here: Recorder) -> None:
    """Deadlines are absolute: late rounds are counted, not made up for."""
    here.mprof("run", "-T", "0.001", "sleep", "1")
    end = dict(f.split("=") for f in here.records("END")[0] if "=" in f)
    assert int(end["samples"]) == len(samples(here))
    times = [float(t) for _, t in here.records("MEM")]
    assert times == sorted(times)
    grid = (times[-1] - times[0]) / 0.001
    assert abs(len(times) + int(end["late"]) - grid) < 0.05 * grid + 3


def test_at_most_one_write_a_half_second(here: Recorder, tmp_path: pathlib.Path) -> None:
    """What a sample costs in the file system: nothing, mostly."""
    if subprocess.run(["strace", "-V"], capture_output=True).returncode:
        pytest.skip("no strace")
    program = __import__("recordings").PROGRAM
    subprocess.run(
        ["strace", "-o", "calls", "-e", "trace=write,pread64,openat", program, "run", "-T", ".01",
         "sleep", "2"], cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    calls = (tmp_path / "calls").read_text().splitlines()
    count = len(samples(here))
    assert count > 100
    assert sum("write(2" in c for c in calls) <= 8
    assert sum(c.startswith("openat") for c in calls) < 20
    assert sum(c.startswith("pread64") for c in calls) <= 2 * count + 2


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
        script = "sleep 2; echo program was here"
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
    script = f"ulimit -f 8; exec {__import__('recordings').PROGRAM} run -T .0005 sleep 1.5"
    done = subprocess.run(
        ["sh", "-c", script], cwd=here.path, capture_output=True, text=True
    )
    assert done.returncode == 125
    assert "File too large" in done.stderr
    assert len(samples(here)) > 50


def test_faults_14_a_directory_that_is_gone(here: Recorder) -> None:
    gone = here.path / "gone"
    gone.mkdir()
    script = f"cd {gone}; rmdir {gone}; exec {__import__('recordings').PROGRAM} run true"
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
        [__import__("recordings").PROGRAM, "run", "-E", *words], cwd=here.path, capture_output=True,
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
        [__import__("recordings").PROGRAM, "run", sys.executable, "program.py", *words],
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
    program = __import__("recordings").PROGRAM
    script = f"exec {program} run {sys.executable} program.py {closed}"
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
    script = f"ulimit -n 6; exec {__import__('recordings').PROGRAM} run touch ran"
    done = subprocess.run(
        ["sh", "-c", script], cwd=here.path, capture_output=True, text=True
    )
    if done.returncode:
        assert done.returncode in (1, 125) and len(done.stderr.splitlines()) == 1
        assert not (here.path / "ran").exists() and not here.files


def test_faults_66_a_foreign_notice_is_not_passed_on(here: Recorder) -> None:
    """A program under two mprofs records into the inner one's file."""
    program = __import__("recordings").PROGRAM
    done = here.mprof(
        "run",
        "-C",
        "-o",
        "outer.dat",
        program,
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


# --- attach --------------------------------------------------------------------------------


def test_attach_records_until_the_process_ends(here: Recorder) -> None:
    with subprocess.Popen(["sleep", "1"]) as target:
        done = here.mprof("attach", target.pid)
    assert done.code == 0
    assert f"process {target.pid} has ended" in done.err
    assert here.records("CMDLINE") == [["sleep", "1"]]
    assert here.records("END")[0][1] == "gone"
    assert len(samples(here)) >= 5


@pytest.mark.parametrize(("hint", "code"), [
    ("0", 1), ("-5", 1), ("99999999999", 1), ("12x", 2), ("no-such-name-anywhere", 1), ("4194304", 1),
])  # fmt: skip
def test_faults_30_no_such_process(here: Recorder, hint: str, code: int) -> None:
    done = here.mprof("attach", "--", hint)
    assert done.code == code
    assert len(done.err.splitlines()) == 1
    assert not here.files


def test_faults_30_a_zombie_a_kernel_thread(here: Recorder) -> None:
    zombie = subprocess.Popen(["true"])
    wait_for(lambda: not is_alive(zombie.pid), "a zombie")
    assert "has ended already" in here.mprof("attach", zombie.pid).err
    zombie.wait()
    if (
        pathlib.Path("/proc/2/statm").exists()
        and pathlib.Path("/proc/2/comm").read_text() == "kthreadd\n"
    ):
        assert "belongs to the kernel" in here.mprof("attach", 2).err


def test_faults_31_several_of_that_name_are_listed(here: Recorder) -> None:
    name = f"slow{os.getpid()}-er"  # of this run: another suite may run beside us
    os.symlink("/bin/sleep", here.path / name)
    one = subprocess.Popen([here.path / name, "60"])
    try:
        done = here.mprof("attach", "-t", "1", name[:-2])
        assert done.code == 0
        two = subprocess.Popen([here.path / name, "61"])
        done = here.mprof("attach", "-t", "1", name[:-2])
        two.kill()
        two.wait()
    finally:
        one.kill()
        one.wait()
    assert done.code == 1
    assert str(one.pid) in done.err and str(two.pid) in done.err


def test_ctrl_c_ends_an_attachment_and_leaves_the_process(here: Recorder) -> None:
    with subprocess.Popen(["sleep", "60"]) as target:
        process = here.start("attach", target.pid)
        wait_for(lambda: here.files and here.records("MPROF"), "a recording")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert is_alive(target.pid)
        assert here.records("END")[0][1] == "stop"
        target.kill()


def test_faults_35_another_users_pss_is_refused(here: Recorder) -> None:
    if os.geteuid():
        pytest.skip("needs root to become somebody else")
    os.chmod(here.path, 0o777)
    for parent in here.path.parents[:-1]:
        if not os.stat(parent).st_mode & 1:
            os.chmod(parent, os.stat(parent).st_mode | 0o11)
    program = here.write(
        "mprof", pathlib.Path(__import__("recordings").PROGRAM).read_bytes()
    )
    program.chmod(0o755)
    with subprocess.Popen(["sleep", "60"]) as target:

        def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [program, "attach", "-t", "1", *words, str(target.pid)], cwd=here.path, user=65534,
                group=65534, capture_output=True, text=True,
            )  # fmt: skip

        pss, rss = as_nobody("--backend", "psutil_pss"), as_nobody()
        target.kill()
    assert pss.returncode == 1 and "CAP_SYS_PTRACE" in pss.stderr and "PSS" in pss.stderr
    assert rss.returncode == 0


# --- Python programs -----------------------------------------------------------------------

FUNCTIONS = """
import os, sys, threading, time

@profile
def inner(size):
    x = bytearray(size << 20)
    time.sleep(.05)

@profile
def outer():
    inner(30)
    with profile.timestamp("a label\\nwith two lines"):
        inner(60)
    thread = threading.Thread(target=inner, args=(5,)); thread.start(); thread.join()
    if "die" in sys.argv:
        os.kill(os.getpid(), 9)

outer()
"""


def test_functions_are_recorded_with_their_memory(here: Recorder) -> None:
    here.write("script.py", FUNCTIONS)
    done = here.mprof("run", "script.py")
    assert done.code == 0 and "running as a Python program..." in done.out
    functions = here.records("FUNC")
    assert [f[0] for f in functions].count("__main__.inner") == 3
    assert ".a\\x20label\\x0awith\\x20two\\x20lines" in [f[0] for f in functions]
    levels = {f[0]: int(f[5]) for f in functions}
    assert levels["__main__.outer"] == 0
    threads = {fields[1] for fields in here.records("CALL")}
    assert len(threads) == 2
    assert len(here.records("DONE")) == len(here.records("CALL")) == len(functions) == 5
    assert not here.mprof("peak").err


def test_faults_4_a_killed_program_keeps_its_functions(here: Recorder) -> None:
    here.write("script.py", FUNCTIONS)
    assert here.mprof("run", "-E", "script.py", "die").code == 137
    assert [f[0] for f in here.records("FUNC")].count("__main__.inner") == 3
    assert len(here.records("CALL")) == len(here.records("DONE")) + 1
    shown = here.mprof("plot", "--terminal", env={"LC_ALL": "C.UTF-8"}).out
    assert re.search(r"outer +1 call, [\d.]+ s, not returned", shown)


@pytest.mark.parametrize(
    "words", [["--python", "{python}", "script.py"], ["--python", "script"]]
)
def test_an_interpreter_or_a_module_may_be_given(here: Recorder, words: list[str]) -> None:
    here.write("script.py", "@profile\ndef f(): pass\nf()\n")
    done = here.mprof("run", *[w.format(python=sys.executable) for w in words])
    assert done.code == 0, done.err
    assert len(here.records("FUNC")) == 1
