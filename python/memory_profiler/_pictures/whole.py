"""Many recordings on one clock, as web/src/whole.ts shows them: a band of all, and lanes."""

from __future__ import annotations

from typing import Any

from memory_profiler._pictures.common import Json, visible
from memory_profiler._pictures.words import size

LIMIT, SOFT, RULE = "#b91c1c", "#5a6472", "#d5dae1"  # as in web/src/theme.css
LONGEST_NAME = 16


def edges_of(whole: Json) -> list[float]:
    """Where the columns begin, and the last one ends."""
    wide = (whole["to"] - whole["from"]) / whole["columns"]
    return [whole["from"] + i * wide for i in range(whole["columns"] + 1)]


def heights(columns: list[float | None]) -> list[float]:
    """One for each edge, as steps want it; not-a-number where there are no samples."""
    values = [float("nan") if value is None else value for value in columns]
    return [*values, values[-1]]


def draw_band(axes: Any, whole: Json) -> None:
    """Of all: from the lowest to the highest, and the median."""
    one, edges = whole["all"], edges_of(whole)
    low, high, median = (heights(one[key] or []) for key in ("low", "high", "median"))
    axes.fill_between(edges, low, high, step="post", color=SOFT, alpha=0.18, linewidth=0,
                      label=f"all {whole['members']:,}: lowest to highest")  # fmt: skip
    axes.step(edges, median, where="post", color=SOFT, linewidth=1.2, label="median")


def draw_members(axes: Any, whole: Json, colours: dict[str, str]) -> None:
    """A lane for each, or for each host; `colours`: of files that have a curve."""
    edges, lanes = edges_of(whole), whole["lanes"]
    most = max([whole["all"]["peak"], *(lane["limit"] or 0 for lane in lanes
                if (lane["limit"] or 0) < 1.25 * whole["all"]["peak"])]) or 1  # fmt: skip
    for row, lane in enumerate(lanes):
        foot = row + 0.95
        colour = colours.get(lane["file"], SOFT) if lane["members"] == 1 else SOFT
        for key, alpha in (("high", 0.3 if lane["median"] else 0.75), ("median", 0.75)):
            if lane[key]:
                tops = [foot - 0.85 * value / most for value in heights(lane[key])]
                axes.fill_between(edges, foot, tops, step="post", color=colour, alpha=alpha,
                                  linewidth=0)  # fmt: skip
        if lane["limit"] and lane["limit"] <= most:
            axes.axhline(foot - 0.85 * lane["limit"] / most, color=LIMIT, linestyle="--",
                         linewidth=0.6)  # fmt: skip
        for time, _ in lane["kills"]:
            axes.plot([time], [foot - 0.4], "x", color=LIMIT, markersize=5)
        name = lane["name"]
        name = name if len(name) <= LONGEST_NAME else "..." + name[3 - LONGEST_NAME :]
        axes.annotate(visible(name), (0, foot - 0.4), xytext=(-4, 0), ha="right",
                      xycoords=("axes fraction", "data"), textcoords="offset points",
                      va="center", fontsize=7,
                      color=SOFT if lane["beneath"] else None)  # fmt: skip
    axes.set_ylim(max(len(lanes), 1), 0)
    axes.axis("off")


def whole_title(whole: Json) -> str:
    hosts = "1 host" if whole["hosts"] == 1 else f"{whole['hosts']} hosts"
    text = f"{whole['members']:,} recordings of {hosts}, peak {size(whole['all']['peak'])}"
    return f"{text} ({whole['clocks']})" if whole["clocks"] else text
