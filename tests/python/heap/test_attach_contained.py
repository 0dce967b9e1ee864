"""Recipes of docs/production.md: mprof heap PID and a process in a container, made of namespaces."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
from collections.abc import Iterator

import pytest

import memory_profiler
from attached import OBEYS, Attached, Target, attached, running, stop
from heap_runs import figures
from recordings import Recorder, wait_for

MIB = 1 << 20
STATIC = pathlib.Path(__file__).parents[3] / "build/static/src/cmd/mprof"
#: Processes, network, host name and mounts of its own; nothing can be written but on a tmpfs.
CONTAINER = ["unshare", "--pid", "--net", "--uts", "--mount", "--fork", "--mount-proc", "sh", "-c"]  # fmt: skip
READ_ONLY = "mount -o remount,bind,ro / && ! touch /tmp/there 2>/dev/null"
TMP = f"mount -t tmpfs none /tmp && {READ_ONLY.replace('/tmp/', '/')}"
SHM = f"mount --bind /var/tmp /tmp && mount -o remount,bind,ro /tmp && mount -t tmpfs none /dev/shm && {READ_ONLY}"
NOTHING = "for place in tmp dev/shm var/tmp run; do mount -t tmpfs -o ro none /$place || exit 99; done"


@pytest.fixture
def here(tmp_path) -> Recorder:
    return Recorder(tmp_path)


def process_in(unshare: int) -> int:
    """The number, as we know it, of one that it started."""
    children = pathlib.Path(f"/proc/{unshare}/task/{unshare}/children")
    wait_for(children.read_text, "the process in the container")
    return int(children.read_text().split()[0])


@contextlib.contextmanager
def contained(here: Recorder, prepare: str) -> Iterator[Target]:
    """A program in a container that was prepared so."""
    prepared = [*CONTAINER, f'{prepare} || exit 99; "$@"', "sh"]
    if subprocess.run([*prepared, "true"], capture_output=True).returncode:
        pytest.skip("namespaces or mounts are forbidden here")
    with running(here, OBEYS, *CONTAINER, f'{prepare} && exec "$@"', "sh") as target:
        target.pid = process_in(target.pid)
        yield target


def rooms(target: Target, folder: str) -> list[pathlib.Path]:
    return list(pathlib.Path(f"/proc/{target.pid}/root{folder}").glob("mprof-*"))


def switches(mprof: Attached) -> int:
    """How often it has rested."""
    status = pathlib.Path(f"/proc/{mprof.process.pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def ended(mprof: Attached) -> bool:
    return mprof.process.poll() is not None


def holds(here: Recorder, name: str = "a.mprof") -> bool:
    lines = figures(here, name)["lines"]
    return sum(line["live"] for line in lines if line["function"] == "keep") >= 8 * MIB


@pytest.mark.parametrize(
    ("prepare", "folder"), [(TMP, "/tmp"), (SHM, "/dev/shm")], ids=["tmp", "shm"]
)
def test_a_container_with_a_read_only_root(
    here: Recorder, prepare: str, folder: str
) -> None:
    with contained(here, prepare) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            (room,) = rooms(target, folder)
            assert room.stat().st_mode & 0o7777 == 0o700
            target.tell("keep")
            mprof.detach()
        assert not rooms(target, folder)
        assert target.end() == "ended 1"
    assert holds(here)
    assert (here.path / "a.mprof").stat().st_mode & 0o7777 == 0o600


@pytest.mark.one_version
def test_a_container_where_nothing_can_be_written_is_left_alone(here: Recorder) -> None:
    with contained(here, NOTHING) as target:
        done = here.mprof("heap", "--attach", target.pid)
        assert (done.code, len(done.err.splitlines())) == (1, 1)
        assert "cannot make a folder in /tmp of process" in done.err
        assert target.end() == "ended 0"


@pytest.mark.one_version
def test_a_recording_whose_mprof_was_killed_comes_home_with_detach(here: Recorder) -> None:
    with contained(here, TMP) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            mprof.process.kill()
            mprof.process.wait()
        target.tell("keep")
        done = here.mprof("detach", target.pid)
        assert done.code == 0, done.err
        assert not rooms(target, "/tmp")
        assert target.end() == "ended 1"
    (home,) = here.path.glob("mprofheap_*.mprof")
    assert done.err.endswith(f"mprof report {home}\n")
    assert holds(here, home.name)


@pytest.mark.one_version
def test_what_it_started_comes_home_complete_whoever_detaches(here: Recorder) -> None:
    with contained(here, TMP) as target:
        with attached(here, target, "--exact", "--children", "-o", "a.mprof") as mprof:
            target.tell("leave")
            target.tell("leave")
            done = here.mprof("detach", target.pid)
            assert done.code == 0, done.err
            assert "the mprof that attached to it brings the capture home" in done.err
            assert "has ended" in mprof.wait()
        assert not rooms(target, "/tmp")
        assert target.end() == "ended 0"
    assert len(list(here.path.glob("a.mprof.*"))) == 2
    assert "incomplete" not in here.mprof("report", "a.mprof").out


@pytest.mark.one_version
def test_all_but_what_a_stopped_child_records_comes_home(here: Recorder) -> None:
    with contained(here, TMP) as target:
        with attached(here, target, "--exact", "--children", "-o", "a.mprof") as mprof:
            target.tell("leave")
            target.tell("leave")
            stopped = process_in(target.pid)
            stop(stopped)
            mprof.process.send_signal(signal.SIGTERM)
            err = mprof.process.communicate(timeout=60)[1].decode()
            assert mprof.process.returncode == 1, err
        assert f"process {stopped} is stopped by a signal" in err
        (room,) = rooms(target, "/tmp")
        assert f"what is still recorded stays in /tmp/{room.name}" in err
        (home,) = here.path.glob("a.mprof.*")
        there = {path.suffix for path in room.glob("heap.mprof.*")}
        assert len(there) == 2 and home.suffix in there
        assert target.end() == "ended 0"
    said = here.mprof("report", "a.mprof").out
    assert "keep" in said and "1 more process of the run was not recorded" in said


@pytest.mark.one_version
def test_a_child_that_another_mprof_ends_later_comes_home_too(here: Recorder) -> None:
    with contained(here, TMP) as target:
        with attached(here, target, "--exact", "--children", "-o", "a.mprof") as mprof:
            target.tell("leave")
            child = process_in(target.pid)
            stop(child)
            done = here.mprof("detach", target.pid)
            assert f"process {child} is stopped by a signal" in done.err
            rests = switches(mprof)
            wait_for(lambda: ended(mprof) or switches(mprof) > rests + 4, "mprof's looking")
            os.kill(child, signal.SIGCONT)
            assert here.mprof("detach", child).code == 0
            mprof.wait()
        assert not rooms(target, "/tmp")
        assert target.end() == "ended 0"
    assert len(list(here.path.glob("a.mprof.*"))) == 1
    assert "incomplete" not in here.mprof("report", "a.mprof").out


@pytest.mark.one_version
def test_a_capture_that_cannot_come_home_stays(here: Recorder) -> None:
    with contained(here, TMP) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            here.write("a.mprof", "another's")
            mprof.process.send_signal(signal.SIGINT)
            assert b"it stays in /tmp/mprof-" in mprof.process.communicate(timeout=60)[1]
            assert mprof.process.returncode == 1
        (room,) = rooms(target, "/tmp")
        here.write("b.mprof", "").write_bytes((room / "heap.mprof").read_bytes())
        assert target.end() == "ended 1"
    assert holds(here, "b.mprof")


@pytest.mark.one_version
@pytest.mark.skipif(not STATIC.exists(), reason="make static builds it")
def test_a_container_beside_it_that_has_the_static_mprof_alone(here: Recorder) -> None:
    """As `kubectl debug --target` has it: the processes of another, and a root of its own."""
    root = here.path / "root"
    for name in ("proc", "site", "dev"):
        (root / name).mkdir(parents=True)
    (root / "mprof").write_bytes(STATIC.read_bytes())
    (root / "mprof").chmod(0o755)
    site = pathlib.Path(memory_profiler.__file__).parents[1]
    beside = ["unshare", "--mount", "sh", "-c",
              f'mount -t proc none proc && mount --bind {site} site && MPROF_ATTACH_PATH=/site exec chroot . "$@"',
              "sh"]  # fmt: skip
    with contained(here, TMP) as target:
        words = ["/mprof", "heap", "--exact", "-o", "a.mprof", "--attach", str(target.pid)]
        process = subprocess.Popen([*beside, *words], cwd=root, stderr=subprocess.PIPE)
        assert f"attached to process {target.pid}" in process.stderr.readline().decode()
        target.tell("keep")
        Attached(process, "").detach()
        assert not rooms(target, "/tmp")
        assert target.end() == "ended 1"
    os.rename(root / "a.mprof", here.path / "a.mprof")
    assert holds(here)
