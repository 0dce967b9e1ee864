"""Engines that users have, with our recorder in their workers: dask.distributed, Ray, MPI, Spark."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import mprof

PROGRAM = mprof.find_program()
MIB = 1 << 20

#: A shuffle's like: each partition is kept; one key asks for more than its worker may have. A LocalCluster closes a nanny
#: whose worker was not back after `lost-worker-timeout`, 15 s.
JOB = """
import sys, time, warnings
import dask
from distributed import Client, LocalCluster
from memory_profiler.dask import HeapPlugin, gather

def load(mib):
    return bytearray(mib << 20)

def devour(mib):
    kept = []
    for _ in range(mib):
        kept.append(b"x" * (1 << 20))
        time.sleep(0.002)
    return len(kept)

if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.deploy.lost-worker-timeout": "1h"})
    warnings.simplefilter("error", RuntimeWarning)
    with LocalCluster(2, threads_per_worker=1, memory_limit="400MiB", dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.register_plugin(HeapPlugin(sample=None))
            first = {w["pid"] for w in client.run(lambda dask_worker: {"pid": __import__("os").getpid()}).values()}
            kept = [client.submit(load, 30, pure=False, workers=[w]) for w in client.scheduler_info()["workers"]]
            client.gather(client.map(len, kept))
            try:
                client.submit(devour, 2000, retries=0, pure=False).result()
            except Exception as problem:
                print(type(problem).__name__)
            client.wait_for_workers(2, timeout=60)
            print(len(gather(client, "run")), *sorted(first))
            print(len(gather(client, "run")))
"""


def mprof_json(where: pathlib.Path, *words: str) -> dict:
    done = subprocess.run([PROGRAM, *words], cwd=where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_dask_worker_that_its_nanny_killed_tells_its_line(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "job.py").write_text(JOB)
    done = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    killed, brought, again = done.stdout.splitlines()
    assert killed == "KilledWorker"
    count, *pids = map(int, brought.split())
    assert count > 2 and int(again) == len(list((tmp_path / "run").iterdir()))
    workers = mprof_json(tmp_path, "table", "--json", "--by", "process", "run")["rows"]
    assert set(pids) <= {row["pid"] for row in workers}  # the dead one among them
    assert {row["worker"] for row in workers if not row["parent"]} <= {
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
    }
    spread = mprof_json(tmp_path, "table", "--json", "--by", "process", "--spread", "run")
    assert spread["rows"][0]["function"] == "devour"
    assert spread["rows"][0]["most"] > 100 * MIB
    tags = {
        row["tag"]: row
        for row in mprof_json(tmp_path, "table", "--json", "--by", "tag", "run")["rows"]
    }
    assert tags["task=devour"]["at_peak"] > 100 * MIB
    assert tags["task=devour"]["mostly_function"] == "devour"
    assert tags["task=load"]["at_peak"] > 29 * MIB
    report = mprof_json(tmp_path, "report", "--json", "run")
    assert "killed" in report["incomplete"]
    killed = report["killed"][0]
    assert killed["sure"] and killed["pid"] in pids
    held = killed["held"][0]
    assert (held["tag"], held["mostly_function"]) == ("task=devour", "devour")


NURSED = """
import os, subprocess, sys, time
import dask
from distributed import Client, LocalCluster, get_worker
from memory_profiler.dask import HeapPlugin, gather

def devour(mib):
    kept = [b"x" * (1 << 20) for _ in range(mib) if not time.sleep(0.002)]

def who():
    child = subprocess.run([sys.executable, "-c", "kept = bytearray(9 << 20)"])
    return str(get_worker().name), os.getpid()

if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.deploy.lost-worker-timeout": "1h"})
    with LocalCluster(n_workers=1, threads_per_worker=1, memory_limit="400MiB", dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.register_plugin(HeapPlugin())
            first = client.submit(who, pure=False).result()
            try:
                client.submit(devour, 2000, pure=False).result()
            except Exception as problem:
                print(type(problem).__name__)
            print(*first)
            client.wait_for_workers(1, timeout=60)
            print(*client.submit(who, pure=False).result())
            print(len(gather(client, "run")))
            client.unregister_worker_plugin("memory_profiler-heap")
            cluster.scale(2)
            client.wait_for_workers(2, timeout=60)
            print(*(path for path in client.run(os.environ.get, "MPROF_HEAP").values() if path))
            assert "MPROF_HEAP" not in os.environ
"""


def test_what_comes_in_place_of_a_killed_worker_records_from_its_first_import(
    tmp_path: pathlib.Path,
) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "job.py").write_text(NURSED)
    done = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=200)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "exceeded 95% memory budget" in done.stderr
    killed, first, second, count, left = done.stdout.split("\n")[:5]
    assert (killed, count, left) == ("KilledWorker", "4", "")
    workers = mprof_json(tmp_path, "table", "--json", "--by", "process", "run")["rows"]
    names = {row["pid"]: row["worker"] for row in workers if not row["parent"]}
    pids = [int(line.split()[1]) for line in (first, second)]
    assert names == {pid: "0" for pid in pids} and pids[0] != pids[1]
    assert {row["parent"] for row in workers} == {
        0,
        *pids,
    }  # each has the child that it started
    dead = mprof_json(tmp_path, "report", "--json", "run")["killed"][0]
    assert (dead["pid"], dead["worker"]) == (pids[0], "0")
    imported = []
    for pid in pids:
        (capture,) = (tmp_path / "run").glob(f"*.{pid}.mprof")
        rows = mprof_json(tmp_path, "table", "--json", "--by", "function", capture)["rows"]
        modules = {row["file"] for row in rows if row["function"] == "<module>"}
        imported.append(any("/distributed/" in file for file in modules))
    assert imported == [False, True]


#: No more is spilled, and both have looked again, when all is as it was two seconds before.
MANAGED = """
import os, time
from distributed import Client, LocalCluster
from memory_profiler.dask import HeapPlugin, gather
kept = []

def leak(mib):
    kept.append(os.urandom(mib << 20))

if __name__ == "__main__":
    import dask, job
    dask.config.set({"distributed.worker.memory.terminate": False})  # it may come to spill late
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit="500MiB", dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.register_plugin(HeapPlugin())
            worker = cluster.scheduler.workers[cluster.workers[1].worker_address]
            how = {"pure": False, "workers": [worker.address]}
            held = [client.submit(os.urandom, 30 << 20, **how) for _ in range(8)]
            client.gather([client.submit(len, one, **how) for one in held])
            client.submit(job.leak, 200, **how).result()
            before = None
            while before != (now := (worker.memory.managed, worker.memory.spilled)) or not now[1]:
                before = now
                time.sleep(2)
            gather(client, "run")
            print(worker.memory.managed, worker.memory.spilled, worker.name)
"""


def test_what_dask_manages_of_a_worker_is_beside_its_lines(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "job.py").write_text(MANAGED)
    done = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=200)  # fmt: skip
    assert done.returncode == 0, done.stderr
    managed, spilled, name = map(int, done.stdout.split())
    processes = mprof_json(tmp_path, "report", "--json", "run")["processes"]
    (engine,) = (one["engine"] for one in processes if one["worker"] == str(name))
    last, most = engine["last"], engine["most"]
    assert (last["managed"], last["spilled"]) == (managed, spilled)
    assert managed >= 30 * MIB and spilled > 30 * MIB and engine["limit"] == 500 * MIB
    assert last["unmanaged"] == last["rss"] - managed > 200 * MIB
    assert most["rss"] >= last["rss"] and last["heap"] > managed + 190 * MIB
    words = [PROGRAM, "report", "--by", "worker", "run"]
    text = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True).stdout
    first, lines = text.partition("when their RSS was the most\n")[2].splitlines()[:2]
    assert first.split()[:2] == [f"{most['rss'] / MIB:.1f}", "MiB"] and "500.0 MiB" in first
    assert f"worker {name}, process" in first
    # What little else the task has may be drawn, too.
    held = r"20\d\.\d MiB under task=leak, 20\d\.\d MiB of it at \S*job\.py:8 leak"
    assert re.search(held, lines), lines


COMPARED = """
import time
from distributed import Client, LocalCluster
from memory_profiler.dask import clocks

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            while not all(worker.time_delay for worker in cluster.scheduler.workers.values()):
                time.sleep(0.05)
            print(clocks(client, "run"))
"""


def test_workers_of_the_schedulers_host_have_its_clock(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "job.py").write_text(COMPARED)
    done = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=100)  # fmt: skip
    assert done.returncode == 0, done.stderr
    host = os.uname().nodename
    assert done.stdout == f"{ {host: 0.0} }\n"
    assert (tmp_path / "run" / "clocks.txt").read_text() == f"{host} 0.000000\n"


SHUFFLE = """
import os
import dask, numpy, pandas
import dask.dataframe as dd
from distributed import Client, LocalCluster
from memory_profiler.dask import HeapPlugin, gather

ROWS = 300_000

def make(number):  # all of one key: one worker gets it all
    columns = {f"x{i}": numpy.random.random(ROWS) for i in range(9)}
    return pandas.DataFrame({"key": numpy.zeros(ROWS, "int64"), **columns})

if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.deploy.lost-worker-timeout": "1h", "dataframe.shuffle.method": "p2p",
                     "distributed.worker.memory.pause": False})
    cluster = LocalCluster(2, threads_per_worker=1, memory_limit="400MiB", dashboard_address=None)
    client = Client(cluster)
    client.register_plugin(HeapPlugin())
    try:
        dd.from_map(make, range(12)).shuffle("key").map_partitions(len).compute()
    except Exception as problem:
        print(type(problem).__name__, flush=True)
    gather(client, "run")
    os._exit(0)  # a LocalCluster is not always closed where workers died
"""


@pytest.mark.whole
def test_a_shuffle_that_kills_a_worker_is_named_with_its_line(
    tmp_path: pathlib.Path,
) -> None:
    pytest.importorskip("dask.dataframe")
    (tmp_path / "shuffle.py").write_text(SHUFFLE)
    done = subprocess.run([sys.executable, "shuffle.py"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=200)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "KilledWorker\n" and "exceeded 95% memory budget" in done.stderr
    killed = mprof_json(tmp_path, "report", "--json", "run")["killed"][0]
    assert killed["sure"] and f"(pid={killed['pid']}) exceeded" in done.stderr
    most = [row for row in killed["held"] if str(row["tag"]).startswith("task=shuffle-")]
    assert most and most[0]["at_peak"] > 20 * MIB and most[0]["mostly_at_peak"] > 4 * MIB
    assert "/distributed/" in most[0]["mostly_file"] and most[0]["mostly_line"] > 0


RANKS = """
import os
from mpi4py import MPI
from memory_profiler.mpi import clocks, gather
rank = MPI.COMM_WORLD.Get_rank()
def load():
    return bytearray((1 + 4 * (rank == 1)) << 20)
kept = load()
paths = gather(MPI.COMM_WORLD, "run")
assert (paths is None) == (rank != 0)
ahead = clocks(MPI.COMM_WORLD, "run")
assert ahead == (None if rank else {os.uname().nodename: 0})
"""


def test_ranks_of_mpi_are_gathered_and_told_apart(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("mpi4py")
    mpirun = pathlib.Path(sys.executable).with_name("mpirun")
    if not mpirun.exists():
        pytest.skip("no mpirun beside this Python")
    (tmp_path / "ranks.py").write_text(RANKS)
    done = subprocess.run(
        [mpirun, "-n", "3", "--oversubscribe", "--allow-run-as-root", PROGRAM, "heap", "-o",
         "here.%h.%r.mprof", "ranks.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ranks = mprof_json(tmp_path, "table", "--json", "--by", "rank", "run")["rows"]
    assert {row["rank"] for row in ranks} == {"rank 0", "rank 1", "rank 2"}
    spread = mprof_json(tmp_path, "table", "--json", "--by", "rank", "--spread", "run")
    assert spread["rows"][0]["rank"] == "rank 1" and spread["rows"][0]["function"] == "load"
    assert len(re.findall("here", " ".join(p.name for p in tmp_path.iterdir()))) >= 3


DYING = """
import os, signal
from mpi4py import MPI
from memory_profiler import tag
rank = MPI.COMM_WORLD.Get_rank()
def load(mib):
    return bytearray(mib << 20)
with tag("step=solve"):
    kept = load(3 + 40 * (rank == 1))
MPI.COMM_WORLD.Barrier()
if rank == 1:
    os.kill(os.getpid(), signal.SIGKILL)
MPI.COMM_WORLD.Barrier()
"""


def test_a_rank_that_was_killed_tells_its_line(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("mpi4py")
    mpirun = pathlib.Path(sys.executable).with_name("mpirun")
    if not mpirun.exists():
        pytest.skip("no mpirun beside this Python")
    (tmp_path / "dying.py").write_text(DYING)
    done = subprocess.run(
        [PROGRAM, "heap", "-o", "run/", mpirun, "-n", "3", "--oversubscribe", "--allow-run-as-root",
         sys.executable, "dying.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    most = mprof_json(tmp_path, "table", "--json", "--by", "rank", "--spread", "run")[
        "rows"
    ][0]
    assert (most["rank"], most["function"]) == ("rank 1", "load")
    assert most["most"] >= 43 * MIB
    killed = mprof_json(tmp_path, "report", "--json", "run")["killed"][0]
    held = killed["held"][0]
    assert (killed["rank"], held["mostly_function"]) == ("1", "load")
    assert held["tag"] == "step=solve" and held["mostly_at_peak"] >= 43 * MIB
    tags = mprof_json(tmp_path, "table", "--json", "--by", "tag", "run")["rows"]
    assert tags[0]["tag"] == "step=solve" and tags[0]["mostly_function"] == "load"


ACTORS = """
import os, signal
import ray
from memory_profiler.ray import gather, runtime_env

@ray.remote
class Keeper:
    def load(self, mib):
        self.kept = bytearray(mib << 20)
        return os.getpid()

    async def wait(self, mib):
        self.more = bytearray(mib << 20)

@ray.remote
def run(mib):
    return len(bytearray(mib << 20))

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=runtime_env(sample=None))
keepers = [Keeper.remote(), Keeper.options(name="hoarder").remote()]
pids = ray.get([keeper.load.remote(mib) for keeper, mib in zip(keepers, (5, 20))])
ray.get([keepers[0].wait.remote(9), run.remote(11)])
os.kill(pids[1], signal.SIGKILL)
print(len(gather("run")), *pids)
ray.shutdown()
"""


def test_a_ray_actor_that_was_killed_tells_its_line(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("ray")
    (tmp_path / "actors.py").write_text(ACTORS)
    home = {**os.environ, "HOME": str(tmp_path), "RAY_AUTH_MODE": "disabled"}
    done = subprocess.run([sys.executable, "actors.py"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=300, env=home)  # fmt: skip
    assert done.returncode == 0, done.stderr
    count, kept, killed = map(int, done.stdout.splitlines()[-1].split())
    rows = mprof_json(tmp_path, "table", "--json", "--by", "process", "run")["rows"]
    assert count == len(rows) and {kept, killed} <= {row["pid"] for row in rows}
    spread = mprof_json(tmp_path, "table", "--json", "--by", "worker", "--spread", "run")[
        "rows"
    ]
    assert (spread[0]["function"], spread[0]["worker"]) == ("Keeper.load", "ray hoarder")
    assert spread[0]["most"] >= 20 * MIB
    assert f"ray Keeper {kept}" in {row["worker"] for row in rows}
    dead = mprof_json(tmp_path, "report", "--json", "run")["killed"][0]
    assert (dead["pid"], dead["worker"]) == (killed, "ray hoarder")
    held = {row["tag"]: row["mostly_function"] for row in dead["held"]}  # and Ray's imports
    assert held["task=Keeper.load"] == "Keeper.load", dead
    tags = mprof_json(tmp_path, "table", "--json", "--by", "tag", "run")["rows"]
    # At the peak may be what Ray imports.
    made = {row["tag"]: row["total"] // MIB for row in tags}
    wanted = {"task=Keeper.load": 25, "task=Keeper.wait": 9, "task=run": 11}
    assert wanted.items() <= made.items()


PARTITIONS = """
import sys
from pyspark.sql import SparkSession
master, folder = sys.argv[1:]
builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
if folder:
    builder = builder.config("spark.executorEnv.MPROF_HEAP", "1:5f:" + folder)
sc = builder.getOrCreate().sparkContext
def load(part):
    global kept
    kept = bytearray((5 + 25 * (part == 1)) << 20)
    return part
assert sc.parallelize(range(2), 2).map(load).collect() == [0, 1]
"""


@pytest.mark.whole
@pytest.mark.parametrize("master", ["local[2]", "local-cluster[2,1,1024]"])
def test_python_workers_of_spark_tell_their_lines(
    tmp_path: pathlib.Path, master: str
) -> None:
    (tmp_path / "job.py").write_text(PARTITIONS)
    executors = master != "local[2]"  # they do not inherit the driver's environment
    job = [sys.executable, "job.py", master, f"{tmp_path}/run/" if executors else ""]
    launch = ["env"] if executors else [PROGRAM, "heap", "-o", "run/", "env"]
    done = subprocess.run(
        [*launch, *job], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    spread = mprof_json(tmp_path, "table", "--json", "--by", "process", "--spread", "run")
    lines = {row["function"]: row for row in spread["rows"]}
    assert 30 * MIB <= lines["load"]["most"] < 40 * MIB
    workers = mprof_json(tmp_path, "table", "--json", "--by", "process", "run")["rows"]
    assert sum("pyspark.daemon" in row["command"] for row in workers) >= 2
