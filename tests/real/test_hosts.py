"""Engines over two hosts that the test makes: who is who, clocks that differ, and what is lost."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

import hosts
from harness import MIB, PROGRAM

pytestmark = [
    pytest.mark.xdist_group("hosts"),
    pytest.mark.skipif(bool(hosts.reason_against()), reason=hosts.reason_against()),
]
LATE = 90  # seconds


@pytest.fixture
def two(tmp_path: pathlib.Path) -> Iterator[tuple[hosts.Host, hosts.Host]]:
    with contextlib.chdir(tmp_path), hosts.Hosts(tmp_path, late=LATE) as both:
        yield both


def told(*words: object) -> dict:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def by(what: str, *words: object) -> dict[str, dict]:
    rows = told("table", "--json", "--by", what, *(words or ["run"]))["rows"]
    return {row[what]: row for row in rows}


def mpirun(node: hosts.Host, *apps: list[object]) -> subprocess.CompletedProcess[str]:
    """Two ranks on each host: one program for those of node1, one for node2's."""
    program = pathlib.Path(sys.executable).with_name("mpirun")
    if not program.exists():
        pytest.skip("no mpirun beside this Python: tests/real/requirements.txt has it")
    agent = pathlib.Path("agent")
    agent.write_text(f'#!/bin/sh\nexec {sys.executable} {hosts.HERE} ask "$@"\n')
    agent.chmod(0o755)
    words: list[object] = [program, "--allow-run-as-root", "--oversubscribe"]
    words += ["--mca", "plm_rsh_agent", agent.absolute()]
    for layer in ("oob_tcp_if_include", "btl_tcp_if_include"):
        words += ["--mca", layer, "eth0"]
    for number, app in enumerate(apps, 1):
        words += [":"] * (number > 1) + ["-n", 2, "--host", f"node{number}:2", *app]
    return node.run(*words, timeout=100)


RANKS = """
import sys
from mpi4py import MPI
from memory_profiler import heap
from memory_profiler.mpi import gather
rank = MPI.COMM_WORLD.Get_rank()
def load(mib):
    return bytearray(mib << 20)
kept = load(4 + 8 * (rank == 3))
heap.mark("loaded")
gather(MPI.COMM_WORLD, "run")
"""
#: Pids go on from here, if no thread comes between.
SAME = ["sh", "-c", 'echo 4000 > /proc/sys/kernel/ns_last_pid; "$@"; exit $?', "sh"]


def test_mpi_over_hosts_with_equal_pids_and_other_clocks(
    two: tuple[hosts.Host, hosts.Host],
) -> None:
    pytest.importorskip("mpi4py")
    pathlib.Path("ranks.py").write_text(RANKS)
    record = [*SAME, PROGRAM, "heap", "-o", two[0].disk / "here.%h.%r.mprof"]
    done = mpirun(two[0], [*record, "ranks.py"], [*record, "--sample", "64K", "ranks.py"])
    assert done.returncode == 0, done.stderr
    kept = [host.run("ls", host.disk).stdout for host in two]
    assert "node1" in kept[0] and "node2" in kept[1] and kept[0] != kept[1]

    ahead = dict(line.split() for line in open("run/clocks.txt"))
    assert float(ahead["node1"]) == 0
    assert float(ahead["node2"]) == pytest.approx(-LATE, abs=1)

    ranks = by("rank")
    assert {*ranks} == {f"rank {n}" for n in range(4)}
    processes = told("table", "--json", "--by", "process", "run")["rows"]
    assert {(row["host"], row["rank"]) for row in processes} == {
        ("node1", "0"), ("node1", "1"), ("node2", "2"), ("node2", "3")
    }  # fmt: skip
    pids = [{r["pid"] for r in processes if r["host"] == f"node{n}"} for n in (1, 2)]
    assert pids[0] & pids[1]
    (most, *_) = told("table", "--json", "--by", "rank", "--spread", "run")["rows"]
    assert (most["rank"], most["function"]) == ("rank 3", "load")
    assert most["most"] == pytest.approx(12 * MIB, rel=0.1)

    report = told("report", "--json", "run")
    assert report["sample"] == 64 << 10  # exact ones beside it
    (line,) = (row for row in report["lines"] if row["function"] == "load")
    assert line["at_peak"] == pytest.approx(24 * MIB, rel=0.1)
    assert report["elapsed"] < LATE * 10**9
    starts = [report_of["wall_start"] for report_of in map(alone, (0, 3))]
    assert abs(starts[0] - starts[1]) > LATE / 2 * 10**9
    refused = subprocess.run(
        [PROGRAM, "report", "--at", "0.1s", "run"], capture_output=True
    )
    assert refused.returncode and b"clock" in refused.stderr
    marked = told("report", "--json", "--at", "loaded", "run")
    (line,) = (row for row in marked["lines"] if row["function"] == "load")
    assert line["at_peak"] == pytest.approx(24 * MIB, rel=0.1)


def alone(rank: int) -> dict:
    (path,) = pathlib.Path("run").glob(f"here.*.{rank}.mprof")
    return told("report", "--json", path)
