"""mprof run, on real programs."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from recordings import (
    PROGRAM,
    SPIKE,
    Recorder,
    is_alive,
    kill_quietly,
    read_to_end,
    samples,
    wait_for,
)

pytestmark = pytest.mark.one_version


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
    assert "marks=watched" in here.records("MPROF")[0]


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
    subprocess.run(
        ["strace", "-o", "calls", "-e", "trace=write,pread64,openat", PROGRAM, "run", "-T", ".01",
         "sleep", "2"], cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    calls = (tmp_path / "calls").read_text().splitlines()
    count = len(samples(here))
    assert count > 100
    assert sum("write(2" in c for c in calls) <= 8
    assert sum(c.startswith("openat") for c in calls) <= 20
    assert sum(c.startswith("pread64") for c in calls) <= 2 * count + 2


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
