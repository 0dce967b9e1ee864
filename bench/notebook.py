"""%memit beside memory_profiler 0.61: what it adds to a statement, what loading costs.

Prints one table; every ratio is of figures from this run. PEERS_PYTHON names an interpreter
that has memory_profiler 0.61, setuptools (0.61 needs distutils) and IPython. Run it with the
interpreter that has ours and IPython: make bench.

A run's cost is the time from the end of one run to the beginning of the next, so that the
garbage collection, which both do once before the first, is not in it.
"""

import json
import os
import subprocess
import sys

MEASURE = """
import contextlib, io, json, statistics, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.history_manager.enabled = False
start = time.perf_counter()
shell.extension_manager.load_extension("memory_profiler")
load = time.perf_counter() - start
weight = {weight} << 20
kept = bytearray(weight)
kept[::4096] = b"x" * len(kept[::4096])

begun, ended = [], []

def statement():
    begun.append(time.perf_counter())
    while time.perf_counter() < begun[-1] + 0.001:
        pass
    ended.append(time.perf_counter())

shell.user_ns["statement"] = statement
with contextlib.redirect_stdout(io.StringIO()):
    shell.run_line_magic("memit", "-r {runs} statement()")
between = [later - earlier for earlier, later in zip(ended, begun[1:])]
print(json.dumps([load, statistics.median(between)]))
"""


def measure(python, runs, weight):
    """(seconds to load the extension, seconds that %memit adds to each run)."""
    code = MEASURE.format(runs=runs, weight=weight)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{python}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    peers = os.environ.get("PEERS_PYTHON")
    print(f"{'':50}{'ours':>10}{'0.61':>12}{'ratio':>9}")
    rows = [(0, "a process as it starts"), (1024, "a process of 1 GiB")]
    for weight, name in rows:
        load, run = measure(sys.executable, 500, weight)
        theirs = measure(peers, 20, weight) if peers else None
        if weight == 0:
            show("load the extension, ms", load, theirs and theirs[0])
        show(f"added to a run of 1 ms, {name}, ms", run, theirs and theirs[1])


def show(name, ours, theirs):
    line = f"{name:50}{ours * 1e3:10.4f}"
    print(line + (f"{theirs * 1e3:12.1f}{theirs / ours:8.0f}x" if theirs else ""))


main()
