"""Budgets on the command line: --max of mprof heap, run and peak, and --kill."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_version

MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")
PROGRAM = """
import sys, time
kept = [bytearray(10**7) for _ in range(8)]
for block in kept:
    block[::4096] = b"x" * len(block[::4096])
time.sleep(0.3)
print("end")
sys.exit(int(sys.argv[1]) if sys.argv[1:] else 0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work.py").write_text(PROGRAM)
    return tmp_path


def mprof(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([MPROF, *words], cwd=folder, capture_output=True, text=True)


def test_a_heap_over_its_budget_ends_with_1_and_says_by_how_much(folder: Path) -> None:
    over = mprof(folder, "heap", "--max", "50M", "-o", "a.mprof", "work.py")
    assert (over.returncode, over.stdout) == (1, "end\n")
    assert (
        "mprof: the program: peak 76.3 MiB, 26.3 MiB over --max 50.0 MiB\n" in over.stderr
    )
    within = mprof(folder, "heap", "--max", "500M", "-o", "b.mprof", "work.py")
    assert within.returncode == 0 and "--max" not in within.stderr
    assert mprof(folder, "heap", "--max", "50M", "work.py", "7").returncode == 7


CHILDREN = """
import multiprocessing, signal, sys
signal.signal(signal.SIGCHLD, lambda *_: heard.append(1))
heard = []

def hold(barrier):
    kept = bytearray(10**7)
    barrier.wait()

if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(3)
    children = [fork.Process(target=hold, args=(barrier,)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print("end")
"""


def test_a_heap_has_its_childrens_in_its_budget(folder: Path) -> None:
    """What one child held is known exactly; the sum of all as far as they were sampled."""
    (folder / "pool.py").write_text(CHILDREN)
    over = mprof(folder, "heap", "--max", "8M", "-o", "a.mprof", "pool.py")
    assert (over.returncode, over.stdout) == (1, "end\n"), over.stderr
    assert "mprof: the program and its children: peak " in over.stderr
    assert "over --max 8.0 MiB\n" in over.stderr
    alone = mprof(folder, "heap", "--max", "8M", "--no-follow", "-o", "b.mprof", "pool.py")
    assert (alone.returncode, alone.stdout) == (0, "end\n"), alone.stderr


def test_a_heap_is_killed_at_once_and_its_capture_says_what_held_it(folder: Path) -> None:
    run = mprof(folder, "heap", "--max", "50M", "--kill", "-o", "a.mprof", "work.py")
    assert (run.returncode, run.stdout) == (-9, "")
    assert "mprof: killed: 600" in run.stderr and "--max is 52428800\n" in run.stderr
    report = mprof(folder, "report", "a.mprof").stdout
    assert "work.py:3 <module>" in report and "57.2 MiB" in report


def test_a_run_over_its_budget_ends_with_1_or_is_killed(folder: Path) -> None:
    program = [sys.executable, "work.py"]
    over = mprof(folder, "run", "--max", "50M", "-o", "a.dat", *program)
    assert over.returncode == 1 and over.stdout.endswith("plot a.dat\n")
    assert "over --max 50.0 MiB" in over.stderr and "end\n" in over.stdout
    assert mprof(folder, "run", "--max", "500M", "-o", "b.dat", *program).returncode == 0
    killed = mprof(
        folder, "run", "-T", "0.01", "--max", "50M", "--kill", "-o", "c.dat", *program
    )
    assert killed.returncode == 1 and "end\n" not in killed.stdout
    assert "program was killed by SIGKILL" in killed.stderr


def test_a_recording_of_either_kind_is_checked_afterwards(folder: Path) -> None:
    mprof(folder, "heap", "-o", "a.mprof", "work.py")
    mprof(folder, "run", "-o", "a.dat", sys.executable, "work.py")
    for name in ("a.mprof", "a.dat"):
        over = mprof(folder, "peak", "--max", "50M", name)
        assert over.returncode == 1 and over.stdout.startswith(f"{name}\t")
        assert f"mprof: {name}: peak " in over.stderr
        assert mprof(folder, "peak", "--max", "0.5G", name).returncode == 0
    both = mprof(folder, "peak", "--max", "50M", "--json", "a.mprof", "a.dat")
    assert both.returncode == 1 and both.stderr.count("over --max") == 2


@pytest.mark.parametrize("size", ["x", "", "-5", "5X", "0x10", "1e99", "5 MM"])
def test_a_budget_that_is_no_size_is_one_line(folder: Path, size: str) -> None:
    for command in (["heap"], ["run"], ["peak"]):
        run = mprof(folder, *command, "--max", size, "work.py")
        assert run.returncode == 2 and run.stdout == ""
        assert run.stderr.count("\n") == 1 and "not a size, such as 500M" in run.stderr


def test_killing_needs_a_budget(folder: Path) -> None:
    for command in ("heap", "run"):
        run = mprof(folder, command, "--kill", "work.py")
        assert run.returncode in (1, 2) and "--kill needs --max" in run.stderr
