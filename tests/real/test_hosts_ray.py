"""Ray's head and a node of another host: an actor there that is killed, gathered from both."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sys

import pytest

import hosts
from harness import MIB
from test_hosts import by, told

pytestmark = [
    pytest.mark.whole,
    pytest.mark.xdist_group("hosts"),
    pytest.mark.skipif(bool(hosts.reason_against()), reason=hosts.reason_against()),
]

DRIVER = """
import json, os, signal
import ray
from memory_profiler.ray import gather, runtime_env

@ray.remote(num_cpus=1, max_restarts=0)
class Keeper:
    def load(self, mib):
        self.kept = bytearray(mib << 20)
        return os.uname().nodename, os.getpid()
    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

ray.init(address="10.77.0.1:6379", log_to_driver=False, runtime_env=runtime_env(sample=None))
keepers = {host: Keeper.options(name=host, resources={host: 1}).remote() for host in ("node1", "node2")}
held = ray.get([keepers[host].load.remote(mib) for host, mib in (("node1", 7), ("node2", 30))])
try:
    ray.get(keepers["node2"].die.remote())
except ray.exceptions.RayActorError:
    pass
print(json.dumps([held, len(gather("run"))]))
"""


def test_ray_over_hosts_tells_of_an_actor_that_was_killed(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("ray")
    pathlib.Path(tmp_path, "driver.py").write_text(DRIVER)
    env = {**os.environ, "HOME": str(tmp_path), "RAY_AUTH_MODE": "disabled"}
    ray = [
        pathlib.Path(sys.executable).with_name("ray"),
        "start",
        "--num-cpus",
        2,
        "--object-store-memory",
        80 << 20,
    ]
    with contextlib.chdir(tmp_path), hosts.Hosts(tmp_path, disk="256m") as (one, two):
        head = ["--head", "--port", 6379, "--include-dashboard", "false"]
        for host, words in (one, head), (two, ["--address", "10.77.0.1:6379"]):
            own = [
                "--node-ip-address",
                host.address,
                "--resources",
                json.dumps({host.name: 1}),
            ]
            done = host.run(
                *ray, *words, *own, "--temp-dir", host.disk / "ray", env=env, timeout=60
            )
            assert done.returncode == 0, done.stdout + done.stderr
        done = one.run(sys.executable, "driver.py", env=env, timeout=100)
        assert done.returncode == 0, done.stderr
        held, count = json.loads(done.stdout.splitlines()[-1])
        assert [host for host, _ in held] == ["node1", "node2"]
        rows = told("table", "--json", "--by", "process", "run")["rows"]
        assert len(rows) == count and {row["host"] for row in rows} == {"node1", "node2"}
        killed = told("report", "--json", "run")["killed"][0]  # Ray kills idle workers, too
        assert (killed["host"], killed["worker"], killed["pid"]) == (
            "node2",
            "ray node2",
            held[1][1],
        )
        most = killed["held"][0]
        assert (most["tag"], most["mostly_function"]) == ("task=Keeper.load", "Keeper.load")
        assert most["mostly_at_peak"] == pytest.approx(30 * MIB, rel=0.01)
        assert by("worker")["ray node1"]["at_peak"] > 7 * MIB
