"""What an mprof that is killed leaves in /tmp, and who removes it."""

from __future__ import annotations

import os
import pathlib

import pytest

from attached import IN_C, attached, room, running
from recordings import Recorder

pytestmark = pytest.mark.one_version

#: So long ago that no mprof is only beginning there.
HOUR = 3600


@pytest.fixture
def here(tmp_path) -> Recorder:
    return Recorder(tmp_path)


def make_older(folder: pathlib.Path) -> None:
    then = folder.stat().st_mtime - HOUR
    os.utime(folder, (then, then))


def begin_in_vain(here: Recorder, pid: int):
    """An mprof that waits, and the folder that it waits at."""
    process = here.start("heap", "--attach", "-o", "a.mprof", pid)
    assert b"Ctrl-C gives up" in process.stderr.readline()
    return process, room(process)


def test_the_folder_of_who_was_killed_goes_with_the_next(here: Recorder) -> None:
    with running(here, IN_C) as busy, running(here) as target:
        busy.wait_for_getchar()
        process, folder = begin_in_vain(here, busy.pid)
        make_older(folder)
        here.mprof("heap", target.pid, "-o", "b.mprof", "--duration", "0.1s")
        assert (folder / "request").exists(), "it lives, and waits for this"
        process.kill()
        process.communicate()
        make_older(folder)
        done = here.mprof("heap", target.pid, "-o", "c.mprof", "--duration", "0.1s")
        assert done.code == 0, done.err
        assert not folder.exists()
        busy.process.stdin.write(b"\n")
        assert busy.end() == "done\nended"
        assert target.end() == "ended 0"
    assert not (here.path / "a.mprof").exists()


def test_a_capture_that_nobody_brought_home_stays(here: Recorder) -> None:
    folder = pathlib.Path("/tmp/mprof-0123456789abcdef")
    folder.mkdir(0o700)
    try:
        (folder / "heap.mprof").write_bytes(b"yours")
        make_older(folder)
        with running(here) as target, attached(here, target, "-o", "a.mprof") as mprof:
            mprof.detach()
            assert target.end() == "ended 0"
        assert (folder / "heap.mprof").read_bytes() == b"yours"
    finally:
        (folder / "heap.mprof").unlink()
        folder.rmdir()
