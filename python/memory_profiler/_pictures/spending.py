"""What the calls of a function did to memory, as web/src/spending.ts finds it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memory_profiler._pictures.common import Json


def _outermost(calls: list[list[float]]) -> list[list[float]]:
    """Calls that are in none of the others: a recursion is one."""
    ends: dict[tuple[float, float], float] = {}
    found = []
    for call in sorted(calls, key=lambda call: (call[0], -call[2])):
        thread = call[6], call[7]
        if call[2] > ends.get(thread, -1.0):
            ends[thread] = call[2]
            found.append(call)
    return found


def _peak(run: Json, call: list[float]) -> float:
    """The highest that is known within a call: of its process, where that has a curve."""
    child = next(
        (one for one in run["children"] if call[6] and one["pid"] == call[6]), None
    )
    curves = [child["curve"]] if child else []
    if not child and not (call[6] and run["tree"]):
        curves = [run["curve"]] if run["bounds"] else [run["curve"], run["marks"]]
    top = max(call[1], 0 if call[5] else call[3])
    for points in curves:
        within = points["m"][
            bisect_left(points["t"], call[0]) : bisect_right(points["t"], call[2])
        ]
        top = max([top, *(m for m in within if m is not None)])
    return top


def spent(run: Json, calls: list[list[float]]) -> tuple[float, float, float]:
    """MiB: when the lowest call began, at most while one ran, what all left behind."""
    outer = _outermost(calls)
    return (
        min(call[1] for call in outer),
        max(_peak(run, call) for call in outer[:2000]),
        sum(call[3] - call[1] for call in outer if not call[5]),
    )
