"""What line profiling costs code that nobody decorated, and a decorated line beside it.

    python bench/undecorated.py [other python with memory_profiler ...]

Each interpreter measures itself, all of them in turn, so that a busy machine slows all alike.
Times are of the thread's CPU, the best of many; the plain run and the profiled one alternate.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

PROGRAM = """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
class Point:
    def __init__(self, x): self.x = x
    def moved(self, by): return Point(self.x + by)
def moves(n):
    point = Point(0)
    for i in range(n):
        point = point.moved(i)
def steps(n):
    for i in range(n):
        yield i
def raises(n):
    for i in range(n):
        try:
            fails(i)
        except KeyError:
            pass
def fails(i): raise KeyError(i)
def calls(n): return fib(18)
def methods(n): return moves(4000)
def generators(n): return sum(steps(20000))
def exceptions(n): return raises(4000)
def loop(n):
    total = 0
    for i in range(n):
        total += i
        total ^= 1
        total -= i
    return total
"""
UNDECORATED = ("calls", "methods", "generators", "exceptions")
LINES = 4 * 20000


def best_of(rounds: int, *runs: Callable[[], Any]) -> list[float]:
    """The least CPU seconds of each run; the runs take turns."""
    least = [float("inf")] * len(runs)
    for _ in range(rounds):
        for which, run in enumerate(runs):
            start = time.thread_time()
            run()
            least[which] = min(least[which], time.thread_time() - start)
    return least


def program() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, "program.py", "exec"), names)
    return names


def measure() -> dict[str, float | str]:
    """Ratios of callees, and nanoseconds a line event. On 3.11 other code is slower as long as
    any code is traced, so the plain runs are made while none is."""
    from memory_profiler import LineProfiler

    figures: dict[str, float | str] = {"python": sys.version.split()[0]}

    def profiled(name: str) -> Callable[[], Any]:
        def run() -> None:
            profiler = LineProfiler()
            profiler(ours[name])(20000)

        return run

    plain, ours = program(), program()
    for name in UNDECORATED:
        without, with_us = best_of(40, lambda name=name: plain[name](1), profiled(name))
        figures[name] = with_us / without
    without, with_us = best_of(40, lambda: plain["loop"](20000), profiled("loop"))
    figures["ns a line"] = (with_us - without) / LINES * 1e9
    figures["plain"] = without / LINES * 1e9
    return figures


def main(pythons: list[str]) -> None:
    names = (*UNDECORATED, "ns a line", "plain")
    print(f"{'python':10}" + "".join(f"{name:>12}" for name in names))
    for _ in range(3):
        for python in [sys.executable, *pythons]:
            out = subprocess.run(
                [python, __file__, "--json"], stdout=subprocess.PIPE, check=True
            )
            figures = json.loads(out.stdout)
            cells = "".join(f"{figures[name]:12.2f}" for name in names)
            print(f"{figures['python']:10}{cells}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--json"]:
        print(json.dumps(measure()))
    else:
        main(sys.argv[1:])
