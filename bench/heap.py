"""What recording the heap costs: ratios to the plain run, beside memray and tracemalloc.

Usage: [PEERS_PYTHON=...] python bench/heap.py [CASE ...]. Each case runs in a process of its own,
in turns, the best of ROUNDS; memory is the process's peak RSS over the plain run's. Peers that
are not installed are left out. Files are of the recorded capture.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 3

SETUP = """
import json, resource, sys, time
sys.setrecursionlimit(100000)
def tree(d): return (None, None) if d == 0 else (tree(d - 1), tree(d - 1))
def walk(t): return 1 if t[0] is None else 1 + walk(t[0]) + walk(t[1])
def trees():
    for _ in range(8): walk(tree(15))
def objects():
    for _ in range(4): [{"a": i, "b": (i, str(i))} for i in range(100000)]
document = json.dumps([{"a": i, "b": [i, str(i)], "c": {"x": 1.5 * i}} for i in range(20000)])
def parse():
    for _ in range(6): json.dumps(json.loads(document))
def strings():
    text = "the quick brown fox jumps over the lazy dog " * 4000
    for _ in range(30): " ".join(w.upper() for w in text.split())
def nbody():
    x = y = 0.1; v = 1.0
    for i in range(3000000): x = x * 1.0001 + v; v = v - x * 1e-6; y = y + x * v
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def calls(): fib(27)
def threads():
    import threading
    all = [threading.Thread(target=objects) for _ in range(2)]
    for t in all: t.start()
    for t in all: t.join()
def down(n): return objects() if n == 0 else down(n - 1)
def depth10(): down(10)
def depth100(): down(100)
def depth1000(): down(1000)
"""
PLAIN = "case()"
OURS = """
with heap.track(path): case()
"""
MEMRAY = """
with memray.Tracker(path, trace_python_allocators=True): case()
"""
TRACEMALLOC = """
import tracemalloc
tracemalloc.start(1)
case()
"""
TIMED = """
case = globals()[sys.argv[1]]; path = sys.argv[2]
for name in sys.argv[3:]: globals()[name.split(".")[-1]] = __import__(name, fromlist=["_"])
begin = time.perf_counter()
{body}
spent = time.perf_counter() - begin
import os
print(json.dumps([spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                  os.path.getsize(path) if os.path.exists(path) else 0]))
"""
CASES = ("objects", "parse", "strings", "trees", "nbody", "calls", "threads",
         "depth10", "depth100", "depth1000")  # fmt: skip


def imports(body: str) -> list[str]:
    """What is imported before the clock starts."""
    known = ("memory_profiler.heap", "memray")
    return [name for name in known if name.split(".")[-1] + "." in body]


def measure(python: str, body: str, case: str) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-c", SETUP + TIMED.replace("{body}", body), case]
        done = subprocess.run(
            [*command, os.path.join(folder, "capture"), *imports(body)],
            capture_output=True,
            check=True,
        )
    return json.loads(done.stdout)


def tools() -> dict[str, tuple[str, str]]:
    peers = os.environ.get("PEERS_PYTHON", sys.executable)
    chosen = {"plain": (sys.executable, PLAIN), "ours": (sys.executable, OURS)}
    probe = [peers, "-c", "import memray"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        chosen["memray"] = (peers, MEMRAY)
    chosen["tracemalloc"] = (sys.executable, TRACEMALLOC)
    return chosen


def main() -> None:
    assert importlib.util.find_spec("memory_profiler")
    ratios: dict[str, list[float]] = {}
    for case in sys.argv[1:] or CASES:
        runs = {name: [] for name in tools()}
        for _ in range(ROUNDS):
            for name, (python, body) in tools().items():
                runs[name].append(measure(python, body, case))
        best = {name: [min(column) for column in zip(*got)] for name, got in runs.items()}
        base = best["plain"]
        cells = [f"{case:10} {base[0]:6.2f} s"]
        for name, (spent, rss, size) in best.items():
            if name == "plain":
                continue
            ratio, more = spent / base[0], (rss - base[1]) / 2**20
            ratios.setdefault(name, []).append(ratio)
            cells.append(
                f"{name} x{ratio:.2f} {more:+.0f} MiB, {size / 2**20:.1f} MiB file"
            )
        print(" | ".join(cells), flush=True)
    for name, values in ratios.items():
        print(f"{name}: geometric mean x{statistics.geometric_mean(values):.2f}")


if __name__ == "__main__":
    main()
