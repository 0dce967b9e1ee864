"""Children of which neither Python nor the fork handlers hear, beside threads that allocate."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

from heap_runs import figures, record, whole
from recordings import Recorder

pytestmark = pytest.mark.one_version


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    source = Path(__file__).with_name("clones.c")
    include = "-I" + sysconfig.get_paths()["include"]
    command = ["cc", "-O1", "-fno-builtin", include, "-shared", "-fPIC", "-pthread"]
    subprocess.run([*command, source, "-o", tmp_path / "clones.so"], check=True)
    return Recorder(tmp_path)


CHILDREN = """
import ctypes
lib = ctypes.{door}("./clones.so")
lib.stop.restype = ctypes.c_long

def children():
    return lib.{way}(100)

lib.start()
bad = children()
print(bad, lib.stop())
"""


@pytest.mark.parametrize(
    "door", ["CDLL", "PyDLL"]
)  # without and with the interpreter's lock
@pytest.mark.parametrize("way", ["clones", "forks", "vforks"])
def test_faults_39_children_of_c_code_live_and_leave_the_capture_alone(
    here: Recorder, way: str, door: str
) -> None:
    done = record(here, CHILDREN.format(way=way, door=door))
    assert done.code == 0, done.err
    bad, asked = map(int, done.out.split())
    assert not bad
    got = figures(here)
    assert got["incomplete"] is None and whole(got, "live") == got["live"]
    (threads,) = [row for row in got["lines"] if row["function"] == "[thread asker]"]
    assert asked == threads["allocations"] > 100 and threads["live"] == 0
    here_too = [row for row in got["lines"] if row["function"] == "children"]
    assert sum(row["allocations"] for row in here_too) < 50
