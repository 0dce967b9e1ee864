"""mprof attach, to real processes."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from recordings import PROGRAM, Recorder, is_alive, samples, wait_for

pytestmark = pytest.mark.one_version


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


#: The first process of a process-number space ends only when all others of it have been waited for: until
#: then its memory is gone, and it is no zombie.
ENDING = """
import ctypes, os, signal, sys, time
assert not ctypes.CDLL(None).unshare(0x20000000)
first = os.fork() or time.sleep(600)
other = os.fork() or time.sleep(600)
os.kill(first, signal.SIGKILL)
while "VmSize" in open(f"/proc/{first}/status").read():
    time.sleep(0.01)
print(first, flush=True)
sys.stdin.read()
os.waitpid(other, 0)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a space of process numbers")
@pytest.mark.parametrize("how", [[], ["--heap"]])
def test_a_process_whose_memory_is_gone_already_is_not_the_kernels(
    here: Recorder, how: list[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pid = parent.stdout.readline().strip()
        if not pid:
            pytest.skip("no space of process numbers can be made here")
        said = here.mprof("attach", *how, pid).err
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        parent.stdin.close()
    assert state not in "ZX"
    assert said == f"mprof: process {pid} has ended already, its parent has yet to notice\n"


def test_faults_31_several_of_that_name_are_listed(here: Recorder) -> None:
    name = f"slow{os.getpid()}-er"  # of this run: another suite may run beside us
    os.symlink("/bin/sleep", here.path / name)

    def start(seconds: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([here.path / name, seconds])
        words = pathlib.Path(
            f"/proc/{process.pid}/cmdline"
        )  # empty for a moment after exec
        wait_for(words.read_bytes, "the program to have its words")
        return process

    one = start("60")
    try:
        done = here.mprof("attach", "-t", "1", name[:-2])
        assert done.code == 0
        two = start("61")
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
    program = here.write("mprof", pathlib.Path(PROGRAM).read_bytes())
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
