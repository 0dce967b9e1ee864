"""A Dask cluster over two hosts that the test makes: workers that die, a host that is gone, one whose disk is full."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

import hosts
from harness import MIB, PROGRAM
from test_hosts import LATE, by, told

pytestmark = [
    pytest.mark.xdist_group("hosts"),
    pytest.mark.skipif(bool(hosts.reason_against()), reason=hosts.reason_against()),
]

#: What runs on node1: it has a line of figures for each of what it was asked to do.
CLIENT = """
import json, os, sys, time, warnings
import work

def hold(client):
    workers = client.scheduler_info(n_workers=-1)["workers"]
    for number, address in enumerate(sorted(workers, key=lambda a: workers[a]["name"])):
        held = client.submit(work.hold, 3 + 10 * number, workers=[address], pure=False)
        yield workers[address]["name"], held.result()

def die(client):
    try:
        client.submit(work.die, 40, workers=sys.argv[3], pure=False).result()
    except Exception as problem:
        yield type(problem).__name__
    client.wait_for_workers(int(sys.argv[1]), timeout=60)

def bring(client):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield [os.path.basename(path) for path in gather(client, "run")]
    yield from (str(warning.message) for warning in said)

def compare(client):
    time.sleep(2)  # heartbeats
    yield clocks(client, "run")

def unplug(client):  # which the test does, and then removes the file
    open("unplug", "w").close()
    while os.path.exists("unplug"):
        time.sleep(0.01)
    yield True

if __name__ == "__main__":
    from distributed import Client
    from memory_profiler.dask import HeapPlugin, clocks, gather
    with Client("tcp://10.77.0.1:8786", timeout=60) as client:
        client.wait_for_workers(int(sys.argv[1]), timeout=60)
        client.register_plugin(HeapPlugin(sample=None))
        for word in sys.argv[2].split(","):
            print(json.dumps(list(globals()[word](client))), flush=True)
        os._exit(0)
"""
WORK = """
import os, signal
kept = []
def load(mib):
    return bytearray(mib << 20)
def hold(mib):
    kept.append(load(mib))
    return os.getpid()
def die(mib):
    kept.append(load(mib))
    os.kill(os.getpid(), signal.SIGKILL)
"""
DASK = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s",
}


@contextlib.contextmanager
def cluster(
    path: pathlib.Path, workers: int = 2, python: str = sys.executable, **options: object
) -> Iterator[tuple[hosts.Host, hosts.Host]]:
    """A scheduler on node1, and so many workers on each host; those of node2 by that Python."""
    pytest.importorskip("distributed")
    (path / "work.py").write_text(WORK)
    (path / "client.py").write_text(CLIENT)
    env = {**os.environ, **DASK, "PYTHONPATH": str(path)}
    log = path / "log"
    with contextlib.chdir(path), hosts.Hosts(path, **options) as both:
        scheduler = "-m distributed.cli.dask_scheduler --no-dashboard --port 8786 --host"
        both[0].start(log, sys.executable, *scheduler.split(), both[0].address, env=env)
        for host, program in zip(both, (sys.executable, python)):
            worker = "-m distributed.cli.dask_worker tcp://10.77.0.1:8786 --no-dashboard --nthreads 1"
            host.start(
                log, program, *worker.split(), "--host", host.address, "--nworkers", workers,
                "--memory-limit", "400MiB", "--local-directory", host.disk, "--name", host.name,
                env=env,
            )  # fmt: skip
        yield both


def client(node: hosts.Host, workers: int, *words: str) -> list[list]:
    """What each step came to."""
    done = node.run(
        sys.executable,
        "client.py",
        workers,
        *words,
        timeout=100,
        env={**os.environ, **DASK},
    )
    assert done.returncode == 0, done.stderr + pathlib.Path("log").read_text()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_dask_over_hosts_tells_of_a_worker_that_was_killed(tmp_path: pathlib.Path) -> None:
    with cluster(tmp_path, late=LATE) as (one, two):
        held, died, (brought, *said) = client(one, 4, "hold,die,bring", "node2-1")
        assert died == ["KilledWorker"] and said == []
        assert {name.split(".")[0] for name in brought} == {"node1", "node2"}
        rows = told("table", "--json", "--by", "process", "run")["rows"]
        workers = {(row["worker"], row["pid"]): row for row in rows}
        for number, (name, pid) in enumerate(held):
            mib = 3 + 10 * number + 40 * (name == "node2-1")
            at_peak = workers[name, pid]["at_peak"]
            assert at_peak == pytest.approx(mib * MIB, abs=9 * MIB), name
        report = told("report", "--json", "run")
        (killed,) = report["killed"]
        assert (killed["host"], killed["worker"]) == ("node2", "node2-1")
        most = killed["held"][0]
        assert (most["tag"], most["mostly_function"]) == ("task=die", "load")
        assert most["mostly_at_peak"] == pytest.approx(40 * MIB, rel=0.01)
        assert report["elapsed"] < LATE * 10**9
        (tag,) = (row for row in by("tag").values() if row["tag"] == "task=hold")
        assert tag["at_peak"] == pytest.approx((3 + 13 + 23 + 33) * MIB, rel=0.05)


def test_recordings_of_hosts_are_on_the_schedulers_clock(tmp_path: pathlib.Path) -> None:
    with cluster(tmp_path, workers=2, late=LATE) as nodes:
        ((ahead,),) = client(nodes[0], 4, "compare")
        assert ahead == {"node1": 0, "node2": pytest.approx(-LATE, abs=5)}
        words = [PROGRAM, "run", "-o", "run/%h.dat", "sleep", 1]
        started = [node.start(tmp_path / "log", *words) for node in nodes]
        assert [one.wait(30) for one in started] == [0, 0]
        apart, whole = lanes("run/node1.dat", "run/node2.dat"), lanes("run")
    assert apart is None  # by their own clocks one ended long before the other
    assert whole["clocks"] is None and whole["to"] - whole["from"] < LATE / 2


def lanes(*words: str) -> dict | None:
    """What a page says of all recordings."""
    plot = [PROGRAM, "plot", "--force", "-o", "x.html", *words]
    subprocess.run(plot, check=True)
    text = pathlib.Path("x.html").read_text()
    return json.loads(text[text.index('id="data">') + 10 :].partition("</script>")[0])[
        "whole"
    ]


@pytest.mark.whole
def test_what_a_host_had_that_is_gone_is_said_not_waited_for(
    tmp_path: pathlib.Path,
) -> None:
    with cluster(tmp_path, workers=1) as (one, two):
        words = [sys.executable, "client.py", 2, "hold,bring,unplug,bring"]
        with open("out", "w+b") as out:
            asked = subprocess.Popen(
                one.inside(*words), stdout=out, stderr=out, env={**os.environ, **DASK}
            )
            while not os.path.exists("unplug") and asked.poll() is None:
                time.sleep(0.05)
            two.unplug()
            os.unlink("unplug")
            assert asked.wait(100) == 0, pathlib.Path("out").read_text()
        lines = pathlib.Path("out").read_text().splitlines()
        _, (before, *_), _, (after, *said) = (
            json.loads(line) for line in lines if line[:1] == "["
        )
        assert {name.split(".")[0] for name in before} == {"node1", "node2"}
        assert [name.split(".")[0] for name in after] == ["node1"]
        assert any("do not answer" in text and two.address in text for text in said)
        assert {"node1", "node2"} <= {*by("worker")}  # what came before stays


@pytest.mark.whole
def test_a_worker_on_a_full_disk_works_and_says_so(tmp_path: pathlib.Path) -> None:
    with cluster(tmp_path, workers=1, disk="100k") as (one, two):
        (held), (brought, *said) = client(one, 2, "hold,bring")
        assert len(held) == 2
        assert [name.split(".")[0] for name in brought] == ["node1"]
        (text,) = said
        assert two.address in text and "No space left on device" in text
        assert [*by("worker")] == ["node1"]


OTHER = pathlib.Path(sys.executable).parents[2] / "real-other" / "bin" / "python"


@pytest.mark.whole
@pytest.mark.skipif(not OTHER.exists(), reason=f"no {OTHER}: make test-real-all makes it")
def test_workers_of_two_pythons_are_one_report(tmp_path: pathlib.Path) -> None:
    with cluster(tmp_path, workers=1, python=str(OTHER)) as (one, _):
        held, (brought, *said) = client(one, 2, "hold,bring")
        assert len(brought) == len(held) == 2 and said == []
        (line,) = (
            row
            for row in told("report", "--json", "run")["lines"]
            if row["function"] == "load"
        )
        assert line["at_peak"] == pytest.approx((3 + 13) * MIB, rel=0.01)
        assert {"node1", "node2"} <= {*by("worker")}
