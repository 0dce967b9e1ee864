"""What recording the heap costs, beside memray, Fil, Scalene and tracemalloc.

Usage: [PEERS_PYTHON=...] python bench/heap.py [--quick] [--tools ours,memray] [--clock cpu] [CASE ...]
       python bench/heap.py --count [CASE ...]
       python bench/heap.py --count-moments [CASE ...]

Each run is a process of its own, the tools take turns, the best of the rounds counts. Times are
ratios to the plain run; memory is the peak RSS over the plain run's. Cases are in heap_parts/cases.py. "held" is what a heap
of 0.1, 1 and 4 GiB costs in memory, of small objects, of mixed ones and of arrays. --count-moments counts
the instructions of ours with moments and without, --count those, the misses of a first cache and the mispredicted
branches of the plain run and of ours, under valgrind: some minutes, and alike on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "heap_parts"))

import counted  # noqa: E402
import tools  # noqa: E402
from cases import CASES, HELD, PINNED  # noqa: E402
from targets import MIB, Cost, Costs, Verdict, held, mean, scaling, verdicts  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What recording the heap costs.")
    names = [*CASES, "startup", "held"]
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(names))
    parser.add_argument(
        "--quick", action="store_true", help="one round of a third of the work"
    )
    parser.add_argument("--rounds", type=int, help="default 3; 1 with --quick")
    parser.add_argument("--tools", help=f"of {','.join(tools.TOOLS)}; plain always runs")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="cpu: for a machine that others use too")  # fmt: skip
    parser.add_argument("--count", action="store_true",
                        help="instructions, cache misses and branches, in place of time")  # fmt: skip
    parser.add_argument("--count-moments", action="store_true",
                        help="the instructions of moments, in place of time")  # fmt: skip
    chosen = parser.parse_args()
    chosen.cases = chosen.cases or names
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    chosen.tools = chosen.tools.split(",") if chosen.tools else list(tools.TOOLS)
    for unknown in {*chosen.cases} - {*names} | {*chosen.tools} - {*tools.TOOLS}:
        parser.error(f"no case or tool is named {unknown}")
    return chosen


def present(wanted: list[str]) -> list[str]:
    """The tools that can run here; says why for those that cannot."""
    found = ["plain"]
    for tool in wanted:
        reason = tools.missing(tool)
        if reason:
            print(f"left out: {tool}: {reason}")
        elif tool != "plain":
            found.append(tool)
    return found


def turns(
    case: str, names: list[str], scale: float, rounds: int
) -> dict[str, list[tools.Run]]:
    """All runs of a case. A tool that fails is told and left out of it."""
    runs: dict[str, list[tools.Run]] = {n: [] for n in names if tools.can(n, case)}
    for _ in range(rounds):
        for name in list(runs):
            try:
                check = name == "ours" and case != "arrays"  # which are few
                runs[name].append(tools.run(name, case, scale, check=check))
            except tools.Failed as failure:
                del runs[name]
                print(f"  {name:18} failed: {failure}")
    return runs


def costs_of(runs: dict[str, list[tools.Run]], clock: str) -> dict[str, Cost]:
    """Least time, most memory: whether threads' peaks coincide is chance, but they can."""

    def least(name: str) -> float:
        return min(getattr(run, clock) for run in runs[name])

    def most(name: str, field: str) -> int:
        return max(getattr(run, field) for run in runs[name])

    found = {}
    for name in runs if "plain" in runs else ():
        found[name] = Cost(
            ratio=least(name) / least("plain"),
            rss=most(name, "rss") - most("plain", "rss"),
            heap=most("plain", "grown"),
            file=most(name, "file"),
            seconds=least(name),
        )
    return found


def show(case: str, costs: dict[str, Cost]) -> None:
    if "plain" in costs:
        plain = costs["plain"]
        print(f"{case:14} plain {plain.seconds:.2f} s, heap {plain.heap / MIB:.0f} MiB")
    for name, cost in costs.items():
        if name == "plain":
            continue
        share = f"({cost.rss / cost.heap:+.0%} of the heap)" if cost.heap > MIB else ""
        print(f"  {name:18} x{cost.ratio:<7.2f} {cost.rss / MIB:+7.1f} MiB {share:22}"
              f" file {cost.file / MIB:8.2f} MiB")  # fmt: skip
    sys.stdout.flush()


def tight(scale: float) -> None:
    """Ours where address space is short: 1.4 times what the plain run needs, and 64 MiB."""
    plain = tools.run("plain", "tight", scale)
    limit = int(plain.space * 1.4) + 64 * MIB
    try:
        run = tools.run("ours", "tight", scale, limit=limit, check=True)
        print(f"tight          ran and recorded in {limit / MIB:.0f} MiB of address space"
              f" (plain {plain.space / MIB:.0f}, ours {run.space / MIB:.0f})")  # fmt: skip
    except tools.Failed as failure:
        print(f"tight          did not run in {limit / MIB:.0f} MiB: {failure}")


def startup(names: list[str], rounds: int) -> None:
    """Wall milliseconds of a program that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        script, capture = os.path.join(folder, "pass.py"), os.path.join(folder, "capture")
        pathlib.Path(script).write_text("pass\n")
        ours = [tools.MPROF, "heap", "-o", capture, script]
        memray = [tools.PEERS, "-m", "memray", "run", "-q", "-o", capture, script]
        commands = {"plain": [sys.executable, script], "ours": ours, "memray": memray}
        spent: dict[str, list[float]] = {n: [] for n in commands if n in names}
        for _ in range(rounds * 5):
            for name in spent:
                pathlib.Path(capture).unlink(missing_ok=True)
                begin = time.perf_counter()
                subprocess.run(commands[name], capture_output=True, check=True)
                spent[name].append((time.perf_counter() - begin) * 1e3)
    said = (f"{name} {statistics.median(ms):.0f} ms" for name, ms in spent.items())
    print("startup       ", ", ".join(said))


def available() -> int:
    """Bytes of memory that could be had now."""
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if "Available" in line) * 1024


def hold(names: list[str], quick: bool) -> list[Verdict]:
    """RSS that each tool adds to heaps of some sizes, in MiB and as a share; one run of each."""
    found: list[Verdict] = []
    for gib in (0.1,) if quick else (0.1, 1, 4):
        if gib * 2.5 * 2**30 > available():
            print(f"held           {gib:g} GiB: left out, there is not enough memory here")
            continue
        costs: Costs = {}
        for kind in HELD:
            costs[kind] = costs_of(turns(kind, names, gib, rounds=1), "cpu")
            print(f"held {gib:g} GiB", end=" ")
            show(kind, costs[kind])
        found += held(costs, gib)
    return found


def show_targets(found: list[Verdict]) -> None:
    print("\ntargets")
    for target, met, why in found:
        print(
            f"  {'met    ' if met else 'NOT MET'}  {target}" + (f": {why}" if why else "")
        )


def count(cases: list[str], moments: bool) -> None:
    reason = counted.missing()
    if reason:
        sys.exit(f"bench/heap.py: instructions cannot be counted: {reason}")
    known = [case for case in cases if case in CASES]
    if moments:
        show_targets(list(counted.moments(known)))
    else:
        counted.recording(known)


def main() -> None:
    chosen = arguments()
    if chosen.count or chosen.count_moments:
        return count(chosen.cases, chosen.count_moments)
    load = os.getloadavg()[0]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load:.1f},"
          f" {chosen.clock} time, {chosen.rounds} rounds")  # fmt: skip
    names = present(chosen.tools)
    scale = 0.33 if chosen.quick else 1.0
    costs: Costs = {}
    of_held: list[Verdict] = []
    for case in chosen.cases:
        if case == "startup":
            startup(names, chosen.rounds)
        elif case == "held":
            of_held = hold(names, chosen.quick)
        elif case == "tight":
            tight(scale)
        else:
            runs = turns(case, names, scale, chosen.rounds)
            # two threads have twice the work: their time tells, not what they spent
            costs[case] = costs_of(runs, "wall" if case in PINNED else chosen.clock)
            show(case, costs[case])
    print("\ngeometric means over the main cases")
    for name in names[1:]:
        whole = mean(costs, name)
        print(f"  {name:18} " + (f"x{whole:.2f}" if whole else "not all were measured"))
    for kind in ("pinned", "pinfree"):
        said = [(name, scaling(costs, kind, name)) for name in names]
        if any(got for _, got in said):
            print(f"{kind}: two threads do", *(f"{n} x{got:.2f}" for n, got in said if got))
    show_targets([*verdicts(costs), *of_held])


if __name__ == "__main__":
    main()
