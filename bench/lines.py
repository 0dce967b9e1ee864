"""What a line costs: ours at each gate, memory_profiler 0.61 and line_profiler, in one run.

Each figure is the fastest of several rounds in its own process. PEERS_PYTHON names an
interpreter that has memory-profiler==0.61.0 and line_profiler; without it they are left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

BODY = """
import json, os, resource, sys, time
kind, rounds, lines, pad = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
if kind == "plain":
    wrap = lambda f: f
elif kind == "line_profiler":
    import line_profiler
    wrap = line_profiler.LineProfiler()
else:
    import memory_profiler
    wrap = memory_profiler.LineProfiler()
source = "\\n" * pad + '''
def loop(n):
    total = 0
    for i in range(n):
        total += i
        total ^= 3
    return total

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def calls(n):
    return fib(n)

def plain_calls(n):
    return fib(n)
'''
names = {}
path = os.path.join(sys.argv[5], "bench_%d.py" % pad)
with open(path, "w") as file:
    file.write(source)
exec(compile(source, path, "exec"), names)
loop, calls, plain_calls = wrap(names["loop"]), wrap(names["calls"]), names["plain_calls"]

def fastest(n, *functions):
    # the best round of each, in turns, so that a slow moment hits all of them
    best = [1e9] * len(functions)
    for _ in range(rounds):
        for i, f in enumerate(functions):
            start = time.perf_counter()
            f(n)
            best[i] = min(best[i], time.perf_counter() - start)
    return best

(line,) = fastest(lines // 3, loop)
decorated, plain = fastest(27, calls, plain_calls) if sys.argv[6] == "fib" else (1, 1)
print(json.dumps({"line": line / lines * 1e9, "fib": decorated / plain}))
"""
RAW = """
import os, time, resource
fd = os.open("/proc/self/statm", os.O_RDONLY)
def cost(f, *a):
    best = 1e9
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(20000):
            f(*a)
        best = min(best, time.perf_counter() - start)
    return best / 20000 * 1e9
empty = cost(len, "")
for name, f, *a in (("statm pread", os.pread, fd, 128, 0), ("getrusage", resource.getrusage, 1),
                    ("empty system call (getppid)", os.getppid)):
    print(f"{name:34} {cost(f, *a) - empty:8.0f} ns, from Python")
"""
IMPORT = """
import time
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
before, start = rss(), time.perf_counter()
import memory_profiler
print((time.perf_counter() - start) * 1e3, (rss() - before) / 2 ** 20)
"""


def run(
    python: str, kind: str, lines: int, pad: int = 0, fib: bool = False, gate: str = ""
):
    env = {**os.environ, "MEMORY_PROFILER_GATE": gate}
    rounds = "5" if lines > 100_000 else "3"
    words = [
        python,
        "-c",
        BODY,
        kind,
        rounds,
        str(lines),
        str(pad),
        "/tmp",
        "fib" if fib else "",
    ]
    return json.loads(subprocess.check_output(words, env=env))


def main() -> None:
    ours, peers = sys.executable, os.environ.get("PEERS_PYTHON")
    print("--- this machine")
    subprocess.run([ours, "-c", RAW], check=True)
    plain = run(ours, "plain", 900_000)
    print(f"\n--- ns a line event above the plain run ({plain['line']:.0f} ns a line)")
    base = {}
    for gate in ("ring", "rusage", "none"):
        for pad in (0, 1000):
            cost = run(ours, "ours", 900_000, pad, gate=gate)["line"] - plain["line"]
            base[gate, pad] = cost
            print(
                f"{'ours, ' + gate + (', past line 1,000' if pad else ''):34} {cost:8.0f}"
            )
    if peers:
        for kind, lines in (("line_profiler", 900_000), ("memory_profiler", 9_000)):
            slow = run(peers, kind, lines)["line"] - run(peers, "plain", 900_000)["line"]
            print(f"{kind:34} {slow:8.0f}  x{slow / base['ring', 0]:.1f} of ours")
    calls = run(ours, "ours", 300_000, fib=True)["fib"]
    print(f"\n--- undecorated fib(27) from a decorated line: x{calls:.3f}")
    print("\n--- import memory_profiler: ms, MiB (best of 5)")
    for name, python in (("ours", ours), ("memory_profiler 0.61", peers)):
        if python:
            said = [
                subprocess.check_output([python, "-c", IMPORT], text=True).split()
                for _ in range(5)
            ]
            print(
                f"{name:34} {min(float(s[0]) for s in said):8.1f} "
                f"{min(float(s[1]) for s in said):8.1f}"
            )


if __name__ == "__main__":
    main()
