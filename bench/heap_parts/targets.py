"""What recording the heap may cost, and whether the figures of a run keep to it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from cases import DEEP, MAIN

MIB = 2**20


@dataclass
class Cost:
    """A tool's cost in a case, over the plain run."""

    ratio: float  #: of the workload's time
    rss: int  #: bytes added to the peak RSS
    heap: int  #: bytes of the program's own heap: RSS the plain run grew by
    file: int
    seconds: float

    @property
    def over(self) -> float:
        return self.ratio - 1


Costs = dict[str, dict[str, Cost]]  #: case, tool
Verdict = tuple[str, bool, str]


def mean(costs: Costs, tool: str) -> float | None:
    """Geometric mean of the ratios in the main cases; None unless all were measured."""
    ratios = [costs[case][tool].ratio for case in MAIN if tool in costs.get(case, {})]
    return statistics.geometric_mean(ratios) if len(ratios) == len(MAIN) else None


def listed(wrong: list[str]) -> str:
    return "; ".join(wrong)


def speed(ours: dict[str, Cost], costs: Costs) -> Iterator[Verdict]:
    whole = mean(costs, "ours")
    if whole is not None:
        yield "geometric mean at most x1.4", whole <= 1.4, f"x{whole:.2f}"
    timed = {name: cost for name, cost in ours.items() if name in {**MAIN, **DEEP}}
    slow = [f"{name} x{cost.ratio:.2f}" for name, cost in timed.items() if cost.ratio > 2.5]
    if timed:
        yield "no case over x2.5", not slow, listed(slow)
    wrong, compared = [], 0
    for name, cost in timed.items():
        peer = costs[name].get("memray")
        compared += peer is not None
        if peer and cost.over > max(0.05, peer.over / 2):
            wrong.append(f"{name} {cost.over:+.0%}, memray {peer.over:+.0%}")
    if compared:
        yield "overhead at most half of memray's, or under 5%", not wrong, listed(wrong)
    if "calls" in ours:
        yield (
            "calls at most x1.05",
            ours["calls"].ratio <= 1.05,
            f"x{ours['calls'].ratio:.3f}",
        )


def depth(ours: dict[str, Cost]) -> Iterator[Verdict]:
    names = [name for name in ("depth100", "depth1000", "pytest") if name in ours]
    if "depth10" not in ours or not names:
        return
    most = max(0.05, 1.5 * ours["depth10"].over)
    wrong = [f"{name} {ours[name].over:+.0%}" for name in names if ours[name].over > most]
    limit = f"; depth 10 {ours['depth10'].over:+.0%}" if wrong else ""
    yield "deep overhead at most 1.5 times depth 10's", not wrong, listed(wrong) + limit


def memory(ours: dict[str, Cost]) -> Iterator[Verdict]:
    if not ours:
        return
    fat = [f"{name} {cost.rss / MIB:+.0f} MiB of {cost.heap / MIB:.0f}"
           for name, cost in ours.items() if cost.rss > 0.35 * cost.heap + 8 * MIB]  # fmt: skip
    yield "RSS added at most 35% of the heap plus 8 MiB", not fat, listed(fat)
    large = [f"{n} {c.file / MIB:.1f} MiB" for n, c in ours.items() if c.file > 8 * MIB]
    yield "file at most 8 MiB", not large, listed(large)


def held(costs: Costs, gib: float) -> Iterator[Verdict]:
    """Of a heap that stands still. A heap of 4 GiB has room for what is the same for any size."""
    if "ours" in costs.get("small", {}):
        cost, share = costs["small"]["ours"], 0.09 if gib >= 4 else 0.10
        most = share * cost.heap + (0 if gib >= 4 else 6 * MIB)
        said = f"{cost.rss / MIB:.1f} MiB, {cost.rss / cost.heap:.1%}"
        yield (
            f"small objects of {gib:g} GiB add at most {most / MIB:.0f} MiB",
            cost.rss <= most,
            said,
        )
    if "ours" in costs.get("arrays", {}):
        cost = costs["arrays"]["ours"]
        said = f"{cost.rss / MIB:.1f} MiB"
        yield f"arrays of {gib:g} GiB add at most 4 MiB", cost.rss <= 4 * MIB, said


def scaling(costs: Costs, kind: str, tool: str) -> float | None:
    """Work done by two threads in the time that one takes for its own."""
    one, two = costs.get(f"{kind}1", {}).get(tool), costs.get(f"{kind}2", {}).get(tool)
    return 2 * one.seconds / two.seconds if one and two else None


def threads(costs: Costs) -> Iterator[Verdict]:
    for kind, what in (("pinned", "GIL held"), ("pinfree", "GIL mostly free")):
        plain, ours = scaling(costs, kind, "plain"), scaling(costs, kind, "ours")
        if plain and ours:
            said = f"{ours:.2f} of {plain:.2f}: {ours / plain:.0%}"
            yield f"two threads at least 80% ({what})", ours >= 0.8 * plain, said


def sampled(costs: Costs) -> Iterator[Verdict]:
    ratios = {case: of["ours-sampled"].ratio for case, of in costs.items()
              if "ours-sampled" in of and case in {**MAIN, **DEEP}}  # fmt: skip
    if ratios:
        slow = [f"{case} x{ratio:.3f}" for case, ratio in ratios.items() if ratio > 1.06]
        yield "sampled at most x1.06", not slow, listed(slow)


def native(costs: Costs) -> Iterator[Verdict]:
    """What following malloc and mmap adds to following Python's allocators."""
    wrong, compared = [], 0
    for case in ("numpy", "threads"):
        of = costs.get(case, {})
        if not {"ours", "ours-python", "memray-default"} <= of.keys():
            continue
        added, peer = of["ours"].ratio - of["ours-python"].ratio, of["memray-default"].over
        compared += 1
        if added > max(0.01, peer / 2):
            wrong.append(f"{case} {added:+.1%}, memray's native alone {peer:+.1%}")
    if compared:
        yield (
            "native hooks add at most half of memray's, or under 1%",
            not wrong,
            listed(wrong),
        )


def moments(costs: Costs) -> Iterator[Verdict]:
    """What they add. The best of the rounds still differs by a hundredth from run to run."""
    added = {case: of["ours"].ratio / of["ours-still"].ratio - 1 for case, of in costs.items()
             if {"ours", "ours-still"} <= of.keys()}  # fmt: skip
    if added:
        worst = max(added, key=added.__getitem__)
        said = f"{statistics.fmean(added.values()):+.1%} on average, {worst} {added[worst]:+.1%}"
        yield "moments cost at most 1%", max(added.values()) <= 0.01, said


def verdicts(costs: Costs) -> Iterator[Verdict]:
    ours = {case: tools["ours"] for case, tools in costs.items() if "ours" in tools}
    yield from speed(ours, costs)
    yield from depth(ours)
    yield from memory(ours)
    yield from threads(costs)
    yield from sampled(costs)
    yield from native(costs)
    yield from moments(costs)
