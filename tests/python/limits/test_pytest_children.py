"""The pytest plugin: processes that tests start."""

from __future__ import annotations

import os
import subprocess
import sysconfig

import pytest
from suites import outcome, pytest_in, size, table

from conftest import MIB, Workshop

pytestmark = pytest.mark.one_version

SUITE = """
    import multiprocessing
    import subprocess
    import sys
    import time
    import pytest

    HOLDS = "kept = bytearray(10 * 2**20)"

    def hold(barrier):
        kept = bytearray(10 * 2**20)
        barrier.wait()
        time.sleep(0.05)  # a series has one highest point in 10 ms: all hold for longer

    def hold_in_three(method):
        context = multiprocessing.get_context(method)
        barrier = context.Barrier(3)
        held = [context.Process(target=hold, args=(barrier,)) for _ in range(3)]
        for process in held:
            process.start()
        for process in held:
            process.join()

    @pytest.mark.limit_memory("25 MB")
    def test_forks():
        hold_in_three("fork")

    @pytest.mark.limit_memory("25 MB")
    def test_spawns():
        hold_in_three("spawn")

    @pytest.mark.limit_memory("25 MB")
    def test_one_after_the_other():
        for _ in range(3):
            subprocess.run([sys.executable, "-c", HOLDS], check=True)

    @pytest.mark.limit_memory("5 MB")
    def test_starts_a_program():
        subprocess.run([sys.executable, "-c", HOLDS], check=True)

    @pytest.mark.limit_memory("5 MB", current_thread_only=True)
    def test_alone():
        subprocess.run([sys.executable, "-c", HOLDS], check=True)

    @pytest.mark.limit_memory("5 MB")
    def test_starts_no_python():
        subprocess.run(["true"], check=True)

    @pytest.mark.limit_memory("5 MB")
    def test_has_none():
        assert bytearray(10)
"""
MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")
FAILING = "test_forks", "test_spawns", "test_starts_a_program"


@pytest.fixture
def temporary(shop: Workshop) -> dict[str, str]:
    """An environment with a folder of its own for temporary files."""
    folder = shop.path / "temporary"
    folder.mkdir()
    return {"TMPDIR": str(folder)}


def test_processes_count_at_the_moment_when_all_hold_most(
    shop: Workshop, temporary: dict[str, str]
) -> None:
    shop.write("test_it.py", SUITE)
    run = pytest_in(shop, "--memory", "-W", "ignore", env=temporary)
    assert outcome(run) == "3 failed, 4 passed", run.out
    for name in FAILING:
        assert f"FAILED test_it.py::{name} - Failed: memory: held " in run.out
    assert "at the peak of the test and 3 processes that it started" in run.out
    assert "at the peak of the test and a process that it started\n" in run.out
    forked = run.out.partition("held by, each process at its own peak\n")[2].split("\n")
    assert forked[0].startswith("    30.0 MiB") and forked[0].endswith("test_it.py:11 hold")
    assert forked[2].strip().startswith("called by test_it.py:20 hold_in_three")
    peaks = {name.partition("::")[2]: size(row[0]) for name, row in table(run).items()}
    assert 30 * MIB <= peaks["test_forks"] < 40 * MIB
    assert 10 * MIB <= peaks["test_one_after_the_other"] < 12 * MIB
    assert peaks["test_has_none"] < MIB
    (line,) = [line for line in run.out.split("\n") if "are not counted" in line]
    assert line.startswith("test_it.py::test_starts_no_python had processes of its own")
    left = [name for name in os.listdir(temporary["TMPDIR"]) if name.startswith("mprof-")]
    assert left == []


def test_figures_of_processes_come_home_from_workers(
    shop: Workshop, temporary: dict[str, str]
) -> None:
    """None is forked there: a worker has threads."""
    shop.write("test_it.py", SUITE)
    run = pytest_in(shop, "--memory", "-n", "1", "-k", "starts_ or none", env=temporary)
    assert outcome(run) == "1 failed, 2 passed", run.out
    assert "at the peak of the test and a process that it started\n" in run.out
    assert "with 1 process of its own" in run.out
    left = [name for name in os.listdir(temporary["TMPDIR"]) if name.startswith("mprof-")]
    assert left == []


def test_all_captures_of_a_test_that_fails_are_kept_as_one(
    shop: Workshop, temporary: dict[str, str]
) -> None:
    shop.write("test_it.py", SUITE)
    words = "--memory-dir", "kept", "-k", "test_forks or test_starts_a_program"
    for _ in range(2):
        run = pytest_in(shop, *words, env=temporary)
        assert outcome(run).startswith("2 failed"), run.out
        captures = sorted(shop.path.glob("kept/*.mprof"))
        assert len(captures) == 2 and run.out.count("page to open: kept/") == 2, run.out
    words = [MPROF, "table", "--by", "process", captures[0]]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert len(said.splitlines()) == 6, said  # the test, three processes, what and all


def test_processes_are_left_alone_where_nobody_wants_them_counted(
    shop: Workshop, temporary: dict[str, str]
) -> None:
    shop.write("test_it.py", SUITE)
    run = pytest_in(shop, "--memory-children", "no", env=temporary)
    assert outcome(run) == "7 passed", run.out
    assert "and 5 more had processes of their own, which are not counted" in run.out
    assert os.listdir(temporary["TMPDIR"]) == []
