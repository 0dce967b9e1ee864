"""Memory asked for before a program's first line and after its last: row 43 of the faults."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from heap_runs import figures, own_lines, record, whole
from recordings import Recorder

KEPT, LATE, LAST = 5 << 20, 17000, 19000  # of edges.c


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    source = Path(__file__).with_name("edges.c")
    command = ["cc", "-O1", "-fno-builtin", "-shared", "-fPIC", "-Wl,-z,now", source]
    subprocess.run([*command, "-o", tmp_path / "edges.so"], check=True)
    return Recorder(tmp_path)


PROGRAM = """
import _ctypes, ctypes

def load():
    return ctypes.CDLL("./edges.so")

def work():
    return edges.work()

def close():
    _ctypes.dlclose(edges._handle)

edges = load()
assert work() == 42
{after}
"""


def live(got: dict, function: str) -> int:
    return sum(row["live"] for row in got["lines"] if row["function"] == function)


@pytest.mark.parametrize("how", ["loaded", "preloaded"])
def test_faults_43_blocks_of_resolvers_constructors_and_exits_harm_nothing(
    here: Recorder, how: str
) -> None:
    env = {"LD_PRELOAD": str(here.path / "edges.so")} if how == "preloaded" else {}
    if subprocess.run(["true"], env={**os.environ, **env}).returncode:
        pytest.skip("this libc allows no allocation in the resolver of a preloaded object")
    done = record(here, PROGRAM.format(after=""), env=env)
    assert (done.code, own_lines(done.err)) == (0, []), done.err
    got = figures(here)
    assert got["incomplete"] is None and whole(got, "live") == got["live"]
    assert KEPT <= live(got, "work") < KEPT + 4096
    assert min(row["live"] for row in got["lines"]) >= 0


def test_faults_43_what_an_object_does_when_it_is_unloaded_is_counted(
    here: Recorder,
) -> None:
    done = record(here, PROGRAM.format(after="close()"))
    assert (done.code, own_lines(done.err)) == (0, []), done.err
    got = figures(here)
    assert LATE + LAST <= live(got, "close") < LATE + LAST + 4096
    assert live(got, "work") < 4096
    assert whole(got, "live") == got["live"]
