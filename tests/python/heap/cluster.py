"""Recording programs on machines of their own: namespaces with a name, pids and a boot."""

from __future__ import annotations

import json
from pathlib import Path

from recordings import Recorder

MIB = 1 << 20
WORKER = """
import os, sys
from memory_profiler import heap
def load(mib):
    return bytearray(mib << 20)
kept = [load(int(sys.argv[1]))]
heap.mark("loaded")
if "fork" in sys.argv:
    pid = os.fork()
    if not pid:
        mine = load(2)
        os._exit(0)
    os.waitpid(pid, 0)
"""


def on_host(here: Recorder, name: str, script: str) -> None:
    """Runs a shell script as on another machine: its first process has the same pid on each."""
    (here.path / f"boot.{name}").write_text(f"{name}-boot\n")
    bind = f"mount --bind boot.{name} /proc/sys/kernel/random/boot_id"
    done = here.in_namespaces(
        "-ump --fork --mount-proc", f"hostname {name} && {bind} || exit 99\n{script}"
    )
    assert done.code == 0, done.err


def record(here: Recorder) -> Path:
    """run/: a worker of 4 MiB on node1; two on node2, of 4 and 12 MiB, the second with a child."""
    here.write("work.py", WORKER)
    (here.path / "run" / "node2").mkdir(parents=True)
    heap = "$MPROF heap --no-native -o"
    on_host(here, "node1", f"PMI_RANK=0 {heap} run/r0.mprof work.py 4")
    on_host(here, "node2", f"""
PMI_RANK=1 {heap} run/node2/r1.mprof work.py 4 && PMI_RANK=2 MPROF_WORKER=etl-2 {heap} run/node2/r2.mprof work.py 12 fork
""")  # fmt: skip
    return here.path / "run"


def told(here: Recorder, *words: object) -> dict:
    done = here.mprof(*words)
    assert done.code == 0, done.err
    return json.loads(done.out)


def rows(here: Recorder, by: str, *words: object) -> dict[str, dict]:
    """The rows of `mprof table --by`, by their names."""
    got = told(here, "table", "--json", "--by", by, *(words or ["run"]))
    return {row[by]: row for row in got["rows"]}
