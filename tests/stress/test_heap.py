"""Rows 39, 42, 44, 46 and 61 for the heap, a minute each; what row 57 has too many of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "heap"))

from conftest import build_blocks  # noqa: E402
from heap_runs import figures, record, whole  # noqa: E402
from recordings import Recorder  # noqa: E402
from test_heap_calls import come_and_go  # noqa: E402
from test_heap_hosts import FORKS, SIGNALS, STARTS, THREADS  # noqa: E402

SECONDS = float(os.environ.get("STRESS_SECONDS", "60"))


@pytest.fixture(scope="session")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return build_blocks(tmp_path_factory.mktemp("blocks"))


def balanced(here: Recorder) -> bool:
    got = figures(here)
    return whole(got, "live") == got["live"]


def test_faults_39_forks_for_a_minute(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    done = record(here, FORKS.replace("SECONDS", str(SECONDS)), timeout=SECONDS + 60)
    assert done.code == 0, done.err
    assert balanced(here)


def test_faults_42_threads_for_a_minute(tmp_path: Path, blocks: ModuleType) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        here = Recorder(tmp_path)
        source = THREADS.format(blocks=blocks.__file__, rounds=2000)
        done = record(here, source, timeout=SECONDS + 60)
        assert (done.code, done.out) == (0, "True\n"), done.err
        assert balanced(here)


@pytest.mark.parametrize("source", [SIGNALS, STARTS], ids=["faults_44", "faults_61"])
def test_stops_and_starts_for_a_minute(
    tmp_path: Path, blocks: ModuleType, source: str
) -> None:
    here = Recorder(tmp_path)
    source = source.format(blocks=blocks.__file__, seconds=SECONDS)
    done = here.python(source, timeout=SECONDS + 60)
    assert "True\n" in done.out, done


def test_faults_46_objects_come_and_go_for_a_minute(tmp_path: Path) -> None:
    come_and_go(Recorder(tmp_path), SECONDS)


#: Code objects that die, each where the last one was; then 10^6 functions at once, in 10^6 stacks.
MANY = """
import resource
def f(): return bytes(100)
def make(i):
    code = f.__code__.replace(co_name=f"f{i}", co_qualname=f"f{i}")
    return type(f)(code, globals())
def tree(n):
    return bytes(100) if not n else (tree(n - 1), tree(n - 1))
for i in range(1_000_000):
    eval("bytes(100)") if i % 2 else make(i)()
kept = [make(i) for i in range(1_000_000)]
kept = [one() for one in kept], tree(20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_faults_57_a_million_functions_and_stacks(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("program.py", MANY)
    plain = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, check=True
    )
    done = record(here, MANY, timeout=240)
    assert done.code == 0, done.err
    # the file, and the shadow: a quarter of what is alive, at most
    assert int(done.out) < 1.5 * int(plain.stdout) + (64 << 10)
    assert (tmp_path / "a.mprof").stat().st_size <= 32 << 20
    assert balanced(here)
    got = figures(here)
    assert 3_000_000 < got["shortened"] < got["allocations"]
    assert whole(got, "allocations") == got["allocations"]
