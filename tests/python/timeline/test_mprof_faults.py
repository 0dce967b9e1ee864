"""mprof when the world around it misbehaves: clocks, namespaces, /proc, stopped samplers."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

from programs import build_jump
from recordings import PROGRAM, Recorder, is_alive, kill_quietly, wait_for

pytestmark = pytest.mark.one_version


def program_for_all(here: Recorder) -> pathlib.Path:
    """A copy of mprof that other users reach."""
    program = here.path / "mprof"
    shutil.copy(PROGRAM, program)
    for path in (program, here.path, *here.path.parents[:-1]):
        os.chmod(path, os.stat(path).st_mode | 0o755)
    return program


def test_faults_33_a_reused_number_is_another_process(here: Recorder) -> None:
    done = here.in_namespaces("-pf --mount-proc", """
        sleep 60 & target=$!
        "$MPROF" attach -T 0.01 -o x.dat $target & recorder=$!
        until grep -q MEM x.dat 2>/dev/null; do sleep 0.05; done
        kill -9 $target; wait $target
        echo $((target - 1)) > /proc/sys/kernel/ns_last_pid
        sleep 60 & again=$!
        wait $recorder; echo "recorder $? numbers $target $again"
        kill $again
    """)  # fmt: skip
    said = re.search(r"recorder (\d+) numbers (\d+) (\d+)", done.out)
    if not said or said[2] != said[3]:
        pytest.skip("the kernel did not give the number again")
    assert said[1] == "0"
    assert "has ended" in done.err
    assert here.records("MEM", here.path / "x.dat")
    assert here.records("END", here.path / "x.dat")[0][1] == "gone"


def test_faults_36_without_proc_it_is_said(here: Recorder) -> None:
    done = here.in_namespaces("-m", """
        mount -t tmpfs none /proc || exit 99
        "$MPROF" run touch ran; echo "run $?"
        "$MPROF" attach 1; echo "attach $?"
    """)  # fmt: skip
    assert "run 125" in done.out and "attach 1" in done.out
    assert len(done.err.splitlines()) == 2 and done.err.count("/proc") >= 2
    assert not (here.path / "ran").exists() and not here.files


def test_faults_36_without_proc_no_heap_is_recorded_and_no_file_left(
    here: Recorder,
) -> None:
    """It was a capture that had begun in 1970, and "No such file or directory" of its own name."""
    here.write("s.py", "open('ran', 'w')")
    here.write("track.py", (
        "from memory_profiler import heap\ntry:\n    heap.track('t.mprof').start()\n"
        "except OSError as error: print('no', error.filename)"
    ))  # fmt: skip
    done = here.in_namespaces("-m", f"""
        mount -t tmpfs none /proc || exit 99
        "$MPROF" heap s.py; echo "heap $?"
        {sys.executable} -W ignore track.py
    """)  # fmt: skip
    assert done.out == "heap 125\nno /proc/self/maps\n"
    assert done.err == "mprof: heap: cannot read /proc: is it mounted?\n"
    assert {path.suffix for path in here.path.iterdir()} == {".py"}


def test_faults_36_without_proc_the_interpreter_is_still_ours(here: Recorder) -> None:
    here.write("s.py", "")
    done = here.in_namespaces("-m", """
        mount -t tmpfs none /proc || exit 99
        unset MPROF_PYTHON
        "$MPROF" run s.py
    """)  # fmt: skip
    beside = pathlib.Path(PROGRAM).resolve().with_name("python")
    if not beside.exists():
        pytest.skip("there is no interpreter beside this mprof")
    assert f"mprof: interpreter {beside}\n" in done.out


def test_faults_36_a_hidden_process_is_not_there_ours_are(here: Recorder) -> None:
    if os.geteuid():
        pytest.skip("needs root to become somebody else")
    program_for_all(here)
    done = here.in_namespaces("-pfm", """
        mount -t proc -o hidepid=2 proc /proc || exit 99
        sleep 60 & target=$!
        mkdir theirs; chmod 777 theirs; cd theirs
        nobody="setpriv --reuid 65534 --regid 65534 --clear-groups ../mprof"
        $nobody attach $target; echo "attach $?"
        $nobody run -C -M -T 0.01 -o x.dat sh -c 'sleep 0.3; true'; echo "run $?"
    """)  # fmt: skip
    assert "attach 1" in done.out and "no process" in done.err
    assert "run 0" in done.out
    assert len(here.records("CHLD", here.path / "theirs/x.dat")) > 5


def test_faults_36_a_proc_of_processes_only_is_enough(here: Recorder) -> None:
    done = here.in_namespaces("-pfm", """
        mount -t proc -o subset=pid proc /proc || exit 99
        "$MPROF" run -C -M -T 0.01 -o x.dat sh -c 'sleep 0.5; true'
    """)  # fmt: skip
    assert done.code == 0
    assert len(here.records("CHLD", here.path / "x.dat")) > 5


def test_faults_55_steps_of_the_wall_clock_move_nothing(here: Recorder) -> None:
    """A library makes the wall clock jump a day at every look."""
    jump = build_jump(here.path)
    done = here.mprof(
        "run",
        "-T",
        ".01",
        "-o",
        "x.dat",
        "sleep",
        ".5",
        env={"LD_PRELOAD": jump},
    )
    assert done.code == 0
    times = [float(t) for _, t in here.records("MEM", here.path / "x.dat")]
    assert len(times) > 20 and times == sorted(times)
    assert times[-1] - times[0] < 30


def largest_gap(here: Recorder) -> float:
    times = [float(stamp) for _, stamp in here.records("MEM")]
    return max(b - a for a, b in zip(times, times[1:], strict=False))


def test_faults_56_a_stopped_sampler_leaves_a_gap_and_counts_it(here: Recorder) -> None:
    process = here.start("run", "-T", ".01", "sleep", "60")
    wait_for(lambda: here.files and len(here.records("MEM")) > 30, "samples")
    pid = int(here.records("MPROF")[0][2].partition("=")[2])
    process.send_signal(signal.SIGSTOP)
    with subprocess.Popen(["sleep", "1.5"]):
        pass
    process.send_signal(signal.SIGCONT)
    wait_for(lambda: largest_gap(here) > 1, "samples behind the gap")
    kill_quietly(pid)
    process.communicate(timeout=30)
    (end,) = here.records("END")
    late = int(dict(f.split("=") for f in end if "=" in f)["late"])
    assert late > 90


def test_faults_32_a_program_that_forks_and_dies_at_every_moment(here: Recorder) -> None:
    """Processes vanish between any two reads of /proc; nothing is lost or said."""
    script = (
        "for i in $(seq 300); do (true | true) & [ $((i % 20)) = 0 ] && wait; done; wait"
    )
    done = here.mprof("run", "-C", "-M", "-E", "-T", ".0005", "sh", "-c", script)
    assert done.code == 0 and not done.err
    assert here.records("END") and not here.mprof("peak").err


def test_faults_40_descriptors_stay_bounded_among_many_children(here: Recorder) -> None:
    script = "for i in $(seq 1000); do /bin/true; done; sleep 60"
    process = here.start("run", "-C", "-M", "-T", ".001", "sh", "-c", script)
    try:
        wait_for(
            lambda: any("sleep" in f[-1] for f in here.files and here.records("PROC")),
            "the end",
        )
        descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        high = int(status.split("VmHWM:")[1].split()[0])
    finally:
        pid = int(here.records("MPROF")[0][2].partition("=")[2])
        for child in {f[0] for f in here.records("PROC")}:
            if (
                is_alive(int(child))
                and "sleep" in pathlib.Path(f"/proc/{child}/comm").read_text()
            ):
                kill_quietly(int(child))
        kill_quietly(pid)
        process.communicate(timeout=30)
    assert descriptors < 40
    assert high < 3 * 1024


def test_faults_35_children_of_others_are_left_out_and_said(here: Recorder) -> None:
    if os.geteuid():
        pytest.skip("needs root to start somebody else's process")
    program = program_for_all(here)
    os.chmod(here.path, 0o777)
    sleeper = here.path / "sleeper"
    shutil.copy("/bin/sleep", sleeper)
    sleeper.chmod(0o4755)  # root's whoever starts it: not readable, but a child
    # one that is first seen between fork and exec was readable then: several are started
    script = "for i in 1 2 3 4 5 6 7 8; do ./sleeper 0.25; done"
    done = subprocess.run(
        [program, "run", "-C", "--backend", "psutil_pss", "sh", "-c", script],
        cwd=here.path, user=65534, group=65534, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.count("could not be read and are left out") == 1
    assert here.records("MEM")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
def test_faults_64_the_program_keeps_no_privilege_of_ours(here: Recorder) -> None:
    done = here.mprof("run", "--user", "nobody", "-T", "0.01", "-o", "x.dat",
                      "sh", "-c", "grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status; "
                      "cat x.dat; sleep 0.1")  # fmt: skip
    said = dict(re.findall(r"^(Uid|Gid|CapEff):\s*(.*)$", done.out, re.M))
    assert len(set(said["Uid"].split())) == 1 and said["Uid"].split()[0] != "0"
    assert len(set(said["Gid"].split())) == 1 and said["Gid"].split()[0] != "0"
    assert int(said["CapEff"], 16) == 0
    assert "MEM" not in done.out  # the recording is not theirs to read
    assert here.records("MEM", here.path / "x.dat")
    assert (here.path / "x.dat").stat().st_uid == 0


def test_faults_64_a_user_that_is_not_there_is_a_usage_error(here: Recorder) -> None:
    done = here.mprof("run", "--user", "no-such-user", "true")
    assert done.code == 2 and len(done.err.splitlines()) == 1 and not here.files


def test_faults_64_functions_of_another_user_are_refused(here: Recorder) -> None:
    here.write("script.py", "print('ran')\n")
    done = here.mprof("run", "--user", "nobody", "script.py")
    assert done.code == 1 and "--nopython" in done.err
    assert "ran" not in done.out and not here.files


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_faults_16_a_device_is_no_recording(here: Recorder, device: str) -> None:
    for words in (["peak"], ["plot", "--terminal"]):
        done = here.mprof(*words, device, timeout=20)
        assert done.code == 1 and done.err == f"mprof: {device} is not an mprof capture\n"
    piped = here.mprof("peak", "/dev/stdin", input=b"MEM 1.0 1.0\n")
    assert piped.out == "/dev/stdin\t1.000 MiB\n"
