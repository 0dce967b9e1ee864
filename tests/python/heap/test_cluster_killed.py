"""Which of several processes were killed, and what they held then."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cluster import MIB, told
from memory_profiler._cluster import travel
from recordings import Recorder

pytestmark = pytest.mark.one_version

KILLED = """
import os, signal
from memory_profiler import tag
def load(mib):
    return bytearray(mib << 20)
def end(mib, number):
    pid = os.fork()
    if not pid:
        with tag(f"task={mib}"):
            kept = load(mib)
        os.kill(os.getpid(), number) if number else os._exit(0)
    os.waitpid(pid, 0)
for mib in range(1, 8):
    end(mib, signal.SIGKILL)
end(20, 0)
"""


@pytest.fixture
def run(here: Recorder) -> Recorder:
    here.write("kids.py", KILLED)
    done = here.mprof("heap", "--no-native", "-o", "a.mprof", "kids.py")
    assert done.code == 0, done.err
    return here


def check(here: Recorder, *names: str) -> None:
    got = told(here, "report", "--json", *names)
    assert [row["held"][0]["tag"] for row in got["killed"]] == [
        f"task={mib}" for mib in (7, 6, 5, 4, 3)
    ]
    assert got["more_killed"] == 2
    most = got["killed"][0]
    held = most["held"][0]
    assert (held["mostly_function"], held["mostly_line"]) == ("load", 5)
    for figure in (most["live"], held["at_peak"], held["mostly_at_peak"]):
        assert figure == pytest.approx(7 * MIB, rel=0.05)
    first = here.mprof("report", *names).out.splitlines()[0]
    assert first.startswith("killed: ") and "7.0 MiB then" in first
    assert "under task=7, 7.0 MiB of it at kids.py:5 load" in first


def test_a_report_begins_with_those_that_were_killed(run: Recorder) -> None:
    check(run, "a.mprof")
    assert told(run, "report", "--json", "--tag", "task=7", "a.mprof")["killed"] == []
    assert told(run, "report", "--json", "--no-children", "a.mprof")["killed"] == []


def test_captures_that_travelled_tell_it_elsewhere(run: Recorder) -> None:
    (run.path / "brought").mkdir()
    for path in run.path.glob("a.mprof*"):
        travel.save(str(run.path / "brought"), path.name, travel.pack(str(path)))
        path.unlink()
    check(run, "brought")
    bundled = run.mprof("merge", "-o", "all.mprof", "brought")
    assert bundled.code == 0, bundled.err
    check(run, "all.mprof")


#: Its own capture is brought while it runs.
LIVES = """
import os, sys
from memory_profiler._cluster import recording, travel
settings = recording.Settings(None, False, sys.argv[1] if len(sys.argv) > 1 else None)
assert not recording.begin(settings, "w")
((_, path, _),) = travel.listing(settings.place())
travel.save("brought", os.path.basename(path), travel.pack(path))
"""


@pytest.mark.parametrize("folder", [[], ["link"], ["link/heaps"]])
def test_a_worker_that_runs_was_not_killed_where_its_folder_is_behind_a_link(
    here: Recorder, folder: list[str]
) -> None:
    (here.path / "disk").mkdir()
    (here.path / "brought").mkdir()
    (here.path / "link").symlink_to("disk")
    words = [sys.executable, "-c", LIVES, *folder]
    temporary = {**os.environ, "TMPDIR": str(here.path / "link")}
    subprocess.run(words, cwd=here.path, env=temporary, check=True)
    got = told(here, "report", "--json", "brought")
    assert "still running" in got["incomplete"]
