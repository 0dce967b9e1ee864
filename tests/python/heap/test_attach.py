"""mprof heap PID: processes that run already."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from attached import OBEYS, PLAIN, Target, attached, running, stop
from heap_runs import figures
from recordings import Recorder, is_alive, wait_for

MIB = 1 << 20


@pytest.fixture
def here(tmp_path) -> Recorder:
    return Recorder(tmp_path)


def held(here: Recorder, function: str, name: str = "a.mprof") -> int:
    """Live bytes of a function of the program's, by its own lines."""
    return sum(
        line["live"]
        for line in figures(here, name)["lines"]
        if line["function"] == function
    )


def test_what_is_allocated_while_it_is_attached_to_is_at_its_line(here: Recorder) -> None:
    with running(here) as target:
        target.tell("keep")
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            target.tell("keep")
            said = mprof.detach()
        target.tell("keep")
        assert f"detached from process {target.pid}" in said and "keep" in said
        assert target.end() == "ended 4"
    assert 16 * MIB <= held(here, "keep") < 17 * MIB


def test_the_disk_that_a_capture_did_not_need_is_given_back(here: Recorder) -> None:
    """By mprof: the program would stand still for it."""
    with running(here) as target:
        with attached(here, target, "-o", "a.mprof") as mprof:
            while_recorded = (here.path / "a.mprof").stat()
            mprof.detach()
        assert target.end() == "ended 0"
    ended = (here.path / "a.mprof").stat()
    assert ended.st_size >= while_recorded.st_size >= 5 << 16
    if while_recorded.st_blocks * 512 >= while_recorded.st_size:  # as far as it is told
        assert ended.st_blocks * 512 <= while_recorded.st_size // 2
    assert not figures(here)["incomplete"]


def test_a_report_says_what_was_there_before(here: Recorder) -> None:
    with running(here) as target:
        for _ in range(4):
            target.tell("keep")
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            mprof.detach()
        assert target.end() == "ended 5"
    text = here.mprof("report", "a.mprof").out
    assert re.search(
        r"attached .* after its start; [\d.]+ MiB of RSS were there before", text
    )
    got = figures(here)
    sheet = got["balance"]["at_end"]
    assert got["attached"] > 0
    assert 32 * MIB <= sheet["before_attached"] < 64 * MIB
    assert 8 * MIB <= sheet["live"] < 10 * MIB


def test_a_program_that_only_computes_is_attached_to(here: Recorder) -> None:
    source = """
import os
print("ready", flush=True)
n = 0
while not os.path.exists("stop"):
    n += 1
    if n == 10_000 and os.path.exists("keep"):
        kept = bytearray(8 << 20)
    n %= 10_001
print("ended", flush=True)
"""
    with running(here, source) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            here.write("keep", "")
            wait_for(lambda: held(here, "<module>") >= 8 * MIB, "the block")
            mprof.detach()
        here.write("stop", "")
        assert target.end() == "ended"


def test_options_may_follow_the_number_and_a_duration_ends_it(here: Recorder) -> None:
    with running(here) as target:
        done = here.mprof(
            "heap", target.pid, "-o", "a.mprof", "--sample", "64K", "--duration", "0.2s"
        )
        assert done.code == 0, done.err
        assert "one block in 64 KiB" in done.err and "detached" in done.err
        assert figures(here)["sample"] == 64 << 10
        done = here.mprof(
            "attach", "--heap", target.pid, "--duration", "0.2s", "-o", "b.mprof"
        )
        assert done.code == 0, done.err
        assert "one block in 512 KiB" in done.err
        assert target.end() == "ended 0"


def test_detach_ends_what_another_mprof_began(here: Recorder) -> None:
    with running(here) as target:
        done = here.mprof("detach", target.pid)
        assert (done.code, len(done.err.splitlines())) == (1, 1)
        assert "is not recorded" in done.err
        with attached(here, target, "-o", "a.mprof") as mprof:
            done = here.mprof("detach", target.pid)
            assert done.code == 0 and "detached from" in done.err
            assert "has ended" in mprof.wait()
        assert not figures(here)["incomplete"]
        assert target.end() == "ended 0"


def test_faults_38_who_attaches_twice_is_told_by_whom(here: Recorder) -> None:
    with running(here) as target:
        with attached(here, target, "-o", "a.mprof") as mprof:
            done = here.mprof("heap", target.pid, "-o", "b.mprof")
            assert (done.code, len(done.err.splitlines())) == (1, 1)
            assert str(here.path / "a.mprof") in done.err
            assert not (here.path / "b.mprof").exists()
            mprof.detach(signal.SIGTERM)
        assert target.end() == "ended 0"


def test_one_that_was_just_started_is_attached_to(here: Recorder) -> None:
    """Its library is not mapped yet, or its interpreter has not begun."""
    here.write("sleep.py", "import time\ntime.sleep(60)\n")
    for number in range(20):
        process = subprocess.Popen([PLAIN, "sleep.py"], cwd=here.path)
        try:
            time.sleep(number / 2000)
            words = ("--duration", "0.01s", "-o", f"{number}.mprof")
            done = here.mprof("heap", "--attach", *words, process.pid)
            assert done.code == 0, done.err
        finally:
            process.kill()
            process.wait()


def test_a_process_that_ends_first_leaves_a_complete_file(here: Recorder) -> None:
    with running(here) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            assert target.end() == "ended 1"
            assert "has ended" in mprof.wait()
    assert not figures(here)["incomplete"]
    assert held(here, "keep") >= 8 * MIB


def test_an_mprof_that_is_killed_leaves_the_recording(here: Recorder) -> None:
    with running(here) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            mprof.process.kill()
            mprof.process.wait()
            target.tell("keep")
            done = here.mprof("detach", target.pid)
            assert done.code == 0, done.err
        assert target.end() == "ended 1"
    assert held(here, "keep") >= 8 * MIB


def test_children_are_recorded_where_that_is_asked(here: Recorder) -> None:
    with running(here) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("fork")
            mprof.detach()
        with attached(here, target, "--exact", "--children", "-o", "b.mprof") as mprof:
            target.tell("fork")
            mprof.detach()
        assert target.end() == "ended 0"
    assert not list(here.path.glob("a.mprof.*"))
    assert len(list(here.path.glob("b.mprof.*"))) == 1


def test_what_a_process_started_is_detached_from_with_it(here: Recorder) -> None:
    with running(here) as target:
        for name in ("a.mprof", "b.mprof"):
            with attached(here, target, "--exact", "--children", "-o", name) as mprof:
                target.tell("leave")
                (child,) = here.path.glob(f"{name}.*")
                mprof.process.kill()
                mprof.process.wait()
            done = here.mprof("detach", target.pid)
            assert (done.code, len(done.err.splitlines())) == (0, 2), done.err
            assert "detached from 1 process that it started" in done.err
            done = here.mprof("detach", child.suffix[1:])
            assert "is not recorded" in done.err, done.err
            done = here.mprof("report", name)
            assert "incomplete" not in done.out and "keep" in done.out, done.out
        assert target.end() == "ended 0"


def test_a_child_that_is_stopped_is_told_of_once(here: Recorder) -> None:
    with running(here) as target:
        with attached(here, target, "--exact", "--children", "-o", "a.mprof") as mprof:
            target.tell("leave")
            target.tell("leave")
            stopped, other = sorted(path.suffix[1:] for path in here.path.glob("a.mprof.*"))
            stop(int(stopped))
            mprof.process.send_signal(signal.SIGINT)
            err = mprof.process.communicate(timeout=60)[1].decode()
            again = here.mprof("detach", other).err
            for child in (stopped, other):
                os.kill(int(child), signal.SIGKILL)
            assert mprof.process.returncode == 1, err
        assert err.count(f"process {stopped} is stopped by a signal") == 1, err
        assert "detached from 1 process that it started" in err
        assert "is not recorded" in again
        assert target.end() == "ended 0"


def test_who_attaches_is_told_of_processes_that_are_not_recorded(here: Recorder) -> None:
    with running(here) as target:
        target.tell("leave")
        children = f"/proc/{target.pid}/task/{target.pid}/children"
        with open(children) as file:
            child = file.read().strip()
        with attached(here, target, "--children", "-o", "a.mprof") as mprof:
            said = mprof.process.stderr.readline().decode()
            mprof.detach()
        assert said.endswith(
            f" 1 Python process that it started before is not recorded: {child}\n"
        )
        assert target.end() == "ended 0"


def test_one_of_those_that_a_process_started_is_detached_from_alone(here: Recorder) -> None:
    with running(here) as target:
        with attached(here, target, "--exact", "--children", "-o", "a.mprof") as mprof:
            target.tell("leave")
            (child,) = here.path.glob("a.mprof.*")
            done = here.mprof("detach", child.suffix[1:])
            assert done.code == 0, done.err
            assert f"mprof report {child}" in done.err
            assert "that it started" not in mprof.detach()
        assert target.end() == "ended 0"
    assert held(here, "keep", child.name) >= 8 * MIB


@pytest.mark.parametrize("name", ["a\nb.mprof", "a\\012b.mprof"], ids=["line", "digits"])
def test_a_capture_of_any_name_is_found_by_its_process(here: Recorder, name: str) -> None:
    with running(here) as target:
        with attached(here, target, "--exact", "-o", name):
            target.tell("keep")
            done = here.mprof("detach", target.pid)
            assert done.code == 0, done.err
        assert target.end() == "ended 1"
    assert held(here, "keep", name) >= 8 * MIB


def test_nothing_is_overwritten(here: Recorder) -> None:
    here.write("mine.txt", "mine")
    with running(here) as target:
        done = here.mprof("heap", target.pid, "-o", "mine.txt")
        assert (done.code, len(done.err.splitlines())) == (1, 1)
        assert (here.path / "mine.txt").read_text() == "mine"
        done = here.mprof("heap", target.pid, "-o", "no/such/folder.mprof")
        assert (done.code, len(done.err.splitlines())) == (1, 1)
        for name in ("first", "second"):
            done = here.mprof("heap", target.pid, "-o", "a.mprof", "--duration", "0.1s")
            assert done.code == 0, (name, done.err)
        assert (here.path / "a.mprof.old").exists()
        assert target.end() == "ended 0"


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is root's to be")
def test_a_process_of_another_user_brings_its_capture_home(here: Recorder) -> None:
    os.chmod(here.path, 0o700)
    words = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+dac_read_search",
             "--ambient-caps=+dac_read_search", "--"]  # fmt: skip
    if subprocess.run([*words, PLAIN, "-c", ""], capture_output=True).returncode:
        pytest.skip("capabilities cannot be set here")
    with running(here, OBEYS, *words) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            mprof.detach()
        assert target.end() == "ended 1"
    assert held(here, "keep") >= 8 * MIB
    assert (here.path / "a.mprof").stat().st_uid == os.geteuid()


def test_a_process_with_other_mounts_brings_its_capture_home(here: Recorder) -> None:
    words = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /tmp && exec "$@"', "sh"]
    if subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("new mounts are forbidden here")
    source = f"open('/tmp/seen', 'w').close()\n{OBEYS}"
    with running(here, source, *words) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            mprof.detach()
        inside = os.listdir(f"/proc/{target.pid}/root/tmp")
        assert inside == ["seen"]
        assert target.end() == "ended 1"
    assert held(here, "keep") >= 8 * MIB


def refused(here: Recorder, pid: object, *words: str) -> str:
    done = here.mprof("heap", "--attach", *words, str(pid))
    assert (done.code, done.out) == (1, ""), done
    assert len(done.err.splitlines()) == 1, done.err
    assert not list(here.path.glob("*.mprof*"))
    return done.err


@pytest.mark.one_version
def test_faults_30_no_such_process(here: Recorder) -> None:
    for pid in ("0", "999999999", "4194304"):
        assert "no process" in refused(here, pid)
    for word in ("-5", "12x", "99999999999", "name"):
        assert here.mprof("heap", "--attach", "--", word).code == 2
    assert here.mprof("heap", "--attach").code == 2
    zombie = subprocess.Popen(["true"])
    wait_for(lambda: not is_alive(zombie.pid), "a zombie")
    assert "has ended already" in refused(here, zombie.pid)
    zombie.wait()


@pytest.mark.one_version
def test_faults_37_what_cannot_be_attached_to_is_left_alone(here: Recorder) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        assert "runs no Python" in refused(here, other.pid)
        other.kill()
    with running(here) as target:
        os.kill(target.pid, signal.SIGSTOP)
        wait_for(lambda: state(target) == "T", "it to stop")
        assert "kill -CONT" in refused(here, target.pid)
        os.kill(target.pid, signal.SIGCONT)
        wait_for(lambda: state(target) == "S", "it to go on")
        assert target.end() == "ended 0"


def state(target: Target) -> str:
    with open(f"/proc/{target.pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


@pytest.mark.one_version
def test_faults_37_one_tracer_alone(here: Recorder) -> None:
    tracer = """
import ctypes, sys
libc = ctypes.CDLL(None)
print(libc.ptrace(0x4206, int(sys.argv[1]), None, None), flush=True)
sys.stdin.read()
"""
    with running(here) as target:
        other = subprocess.Popen(
            [PLAIN, "-c", tracer, str(target.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert other.stdout.readline() == b"0\n"
        assert f"traced by process {other.pid}" in refused(here, target.pid)
        other.communicate()
        assert target.end() == "ended 0"


def test_faults_38_a_program_that_records_itself_is_busy(here: Recorder) -> None:
    source = "from memory_profiler import heap\nt = heap.track()\nt.start()\n" + OBEYS
    with running(here, source, python=sys.executable) as target:
        assert "recorded already" in refused(here, target.pid)
        assert target.end() == "ended 0"


def test_faults_38_another_memory_profiler_is_told(here: Recorder) -> None:
    here.write("memory_profiler.py", "__version__ = '0.61.0'\n")
    with running(here, "import memory_profiler\n" + OBEYS) as target:
        assert "another memory_profiler, 0.61.0" in refused(here, target.pid)
        assert target.end() == "ended 0"


def test_a_sleep_lasts_as_long_as_it_would(here: Recorder) -> None:
    source = """
import os, time
print("ready", flush=True)
early = 0
while not os.path.exists("stop"):
    start = time.monotonic()
    time.sleep(0.4)
    early += time.monotonic() - start < 0.4
print("early" if early else "ended", flush=True)
"""
    with running(here, source) as target:
        for name in ("a.mprof", "b.mprof"):
            with attached(here, target, "-o", name) as mprof:
                mprof.detach()
        here.write("stop", "")
        assert target.end() == "ended"
