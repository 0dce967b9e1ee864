"""A figure drawn with matplotlib in the style of the page: curve, lanes, peaks, a legend."""

from __future__ import annotations

from typing import Any

from memory_profiler._pictures.apart import keep_apart
from memory_profiler._pictures.common import Json, import_pyplot, values, visible
from memory_profiler._pictures.incidents import draw_cpu, draw_gaps, draw_kills
from memory_profiler._pictures.spending import spent
from memory_profiler._pictures.whole import draw_band, draw_members, whole_title
from memory_profiler._pictures.words import (
    SIZES,
    TIMES,
    rate,
    seconds,
    size,
    size_at,
    ticks,
    times_of,
)

# As in web/src/theme.css and web/src/draw.ts.
CURVE, MARK, GROUP, LIMIT, SOFT, RULE = (
    "#1f5fa8", "#c2410c", "#0f766e", "#b91c1c", "#5a6472", "#d5dae1",
)  # fmt: skip
PALETTE = (
    "#e0a100", "#2a9d62", "#c2539b", "#3c7dd9", "#d5573b", "#7a5bd0", "#1f9aa8", "#8a8f2b",
)  # fmt: skip
BESIDE = tuple(one for one in PALETTE if one != "#3c7dd9")  # the curve's is like it
MOST_NAMED, MOST_LANES = 12, 24
LANE = 0.19  # inches
TIME_LINES, MEMORY_LINES = 8, 7


def curve_colour(index: int) -> str:
    return PALETTE[index % len(PALETTE)] if index else CURVE


def draw(figure: Json) -> Any:
    """A matplotlib figure of everything."""
    pyplot = import_pyplot()
    runs, whole = figure["runs"], figure.get("whole")
    calls = lay_out(runs[0]["functions"]) if len(runs) == 1 else []
    lanes = min(1 + max((lane for *_, lane in calls), default=-1), MOST_LANES)
    if whole:
        lanes = len(whole["lanes"])
    height = 6 + lanes * LANE
    picture = pyplot.figure(figsize=(14, height), dpi=90)
    low = (0.7 + (lanes * LANE + 0.25 if lanes else 0)) / height
    axes = picture.add_axes((0.07, low, 0.66, 1 - low - 0.6 / height))
    if whole:
        draw_band(axes, whole)
    for index, run in enumerate(runs):
        draw_run(axes, run, index, figure)
    measures_cpu = any(run["cpu"]["t"] for run in runs)
    if measures_cpu:
        draw_cpu(axes, runs, curve_colour)
    finish(axes, figure)
    keep_apart(axes)
    if lanes:
        under = picture.add_axes((0.07, 0.2 / height, 0.66, lanes * LANE / height))
        if whole:
            colours = {run["file"]: curve_colour(i) for i, run in enumerate(runs)}
            draw_members(under, whole, colours)
        else:
            draw_lanes(under, calls, runs[0], lanes)
        under.set_xlim(axes.get_xlim())
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.08 if measures_cpu else 1.02, 1.0),
        fontsize="small", frameon=False, labelspacing=0.7, handlelength=1.2,
    )  # fmt: skip
    return picture


def draw_run(axes: Any, run: Json, index: int, figure: Json) -> None:
    several = len(figure["runs"]) > 1 or bool(figure.get("whole"))
    colour = curve_colour(index)
    times, memory = values(run["marks"])
    if times:
        axes.vlines(times, 0, memory, colors=MARK, linewidth=0.5, alpha=0.6)
        words = "at most, between samples" if run["bounds"] else "peaks between samples"
        known = axes.get_legend_handles_labels()[1]
        axes.plot(times, memory, ".", markersize=3, color=MARK,
                  label=None if words in known else words)  # fmt: skip
    name = visible(run.get("who") or run["file"]) if several else run["metric"].upper()
    label = f"{name}\npeak {size(run['peak'])} at {seconds(run['peak_time'])}"
    if figure["slope"]:
        label += f"\ntrend {rate(run)}"
    axes.plot(*values(run["curve"]), "-", color=colour, linewidth=1.5, label=label)
    if figure["slope"]:
        ends = [run["from"], run["to"]]
        axes.plot(ends, [run["intercept"] + run["slope"] * t for t in ends], "--",
                  linewidth=0.9, color=colour if several else SOFT)  # fmt: skip
    if run["group"]["t"]:
        axes.plot(*values(run["group"]), "-", color=GROUP, label="control group")
    if run["limit"] is not None and run["limit"] < 4 * run["peak"]:
        words = f"limit {size(run['limit'])}"
        known = axes.get_legend_handles_labels()[1]
        axes.axhline(run["limit"], color=LIMIT, linestyle="--", linewidth=1,
                     label=None if words in known else words)  # fmt: skip
    draw_gaps(axes, run)
    draw_kills(axes, run)
    name_functions(axes, run)
    draw_children(axes, run, figure["runs"])
    whole = figure.get("whole")
    named = not whole or run["peak"] >= whole["all"]["peak"]
    draw_peak(axes, run, colour if several else LIMIT, named)


def draw_peak(axes: Any, run: Json, colour: str, named: bool) -> None:
    """The highest point, with words beside it where `named`, and a line down to its time."""
    time, peak = run["peak_time"], run["peak"]
    axes.plot([time, time], [0, peak], "--", color=colour, linewidth=0.8)
    axes.plot([time], [peak], "o", color=colour, markersize=5)
    if not named:
        return
    late = time - run["from"] > 0.75 * (run["to"] - run["from"])
    axes.annotate(
        f"peak {size(peak)}", (time, peak), xytext=(-7 if late else 7, 5),
        textcoords="offset points", ha="right" if late else "left", color=colour,
        fontsize="small", fontweight="bold",
    )  # fmt: skip


def draw_children(axes: Any, run: Json, runs: list[Json]) -> None:
    """A curve for each; a colour for each command, where there are several."""
    everybody = [child for one in runs for child in one["children"]]
    commands = list(dict.fromkeys(child["name"] for child in everybody))
    for i, child in enumerate(run["children"]):
        number = commands.index(child["name"]) if len(commands) > 1 else i
        label = None
        if i < MOST_NAMED:
            words = f"{visible(child['name'])} {child['pid'] or ''}".strip()
            label = f"{words or 'child'}, peak {size(child['peak'])}"
        axes.plot(*values(child["curve"]), "-", linewidth=1 if label else 0.5, label=label,
                  zorder=1.5, color=BESIDE[(len(runs) + number) % len(BESIDE)])  # fmt: skip


def name_functions(axes: Any, run: Json) -> None:
    """Their calls, with what these left behind, in the legend."""
    for i, function in enumerate(run["functions"][:MOST_NAMED]):
        calls = function["calls"]
        if not calls:
            continue
        total = sum(call[2] - call[0] for call in calls)
        entry, peak, kept = spent(run, calls)
        text = f"{visible(function['label'])}\n"
        text += "1 call, " if len(calls) == 1 else f"{len(calls):,} calls, "
        text += seconds(total) + ("" if len(calls) == 1 else " in all")
        text += f"\nentry {size(entry)}, peak {size(peak)}"
        text += f"\nkept {'+' if kept > 0 else ''}{size(kept)}"
        axes.plot([], [], "s", color=PALETTE[i % len(PALETTE)], label=text)


def lay_out(functions: list[Json]) -> list[tuple[int, str, list[float], int]]:
    """(function, label, call, lane): calls by depth, threads below one another."""
    calls = sorted(
        (
            (i, one["label"], call)
            for i, one in enumerate(functions)
            for call in one["calls"]
        ),
        key=lambda entry: entry[2][0],
    )
    depths: dict[tuple[float, float], int] = {}
    for *_, call in calls:
        thread = call[6], call[7]
        depths[thread] = max(depths.get(thread, 0), int(call[4]) + 1)
    first, at = {}, 0
    for thread, depth in depths.items():
        first[thread], at = at, at + depth
    return [
        (i, label, call, first[call[6], call[7]] + int(call[4])) for i, label, call in calls
    ]


def draw_lanes(
    axes: Any, calls: list[tuple[int, str, list[float], int]], run: Json, lanes: int
) -> None:
    from matplotlib.collections import PolyCollection

    boxes, colours, span = [], [], (run["to"] - run["from"]) or 1.0
    for i, label, (t0, _, t1, *_), lane in calls:
        if lane >= lanes:
            continue
        end = max(t1, t0 + span / 800)
        boxes.append([(t0, lane), (end, lane), (end, lane + 0.9), (t0, lane + 0.9)])
        colours.append(PALETTE[i % len(PALETTE)])
        room = int((end - t0) / span * 130)
        if room >= 4:
            axes.text(t0 + span / 400, lane + 0.45, visible(label[:room]), va="center",
                      fontsize=7, clip_on=True)  # fmt: skip
    axes.add_collection(PolyCollection(boxes, facecolors=colours, alpha=0.55))
    axes.set_ylim(lanes, 0)
    axes.axis("off")


def finish(axes: Any, figure: Json) -> None:
    """Scales, grid, title."""
    runs, whole = figure["runs"], figure.get("whole")
    first, last = min(r["from"] for r in runs), max(r["to"] for r in runs)
    if whole:
        first, last = whole["from"], whole["to"]
    margin = (last - first) * 0.01 or 0.5
    axes.set_xlim(first - margin, last + margin)
    axes.set_ylim(0, axes.get_ylim()[1])
    lines, step = ticks(first, last + margin, TIMES, TIME_LINES)
    start = runs[0]["start"] if whole or len(runs) == 1 else None
    axes.set_xticks(lines, times_of(lines, step, start))
    lines, _ = ticks(0, axes.get_ylim()[1], SIZES, MEMORY_LINES)
    axes.set_yticks(lines, [size_at(line) for line in lines])
    axes.set_ylabel(", ".join(dict.fromkeys(run["metric"].upper() for run in runs)))
    title = figure["title"] or (runs[0]["command"] if len(runs) == 1 else None)
    if whole and not figure["title"]:
        title = whole_title(whole)
    if title:
        axes.set_title(
            visible(title, 120), loc="left", fontweight="bold", fontsize="medium"
        )
    axes.grid(True, color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(RULE)
    axes.tick_params(colors=SOFT, length=3)
