"""A figure drawn with matplotlib in the look of 0.61: `mprof plot --classic`."""

from __future__ import annotations

import time
from typing import Any

from memory_profiler._pictures.common import Json, import_pyplot, values, visible

LINE_COLOURS = "kbrgcym"
CALL_COLOURS = "cygrb"
MOST_CALL_LABELS = 20
MOST_CHILD_LABELS = 20
MOST_MARKERS = 1000
FLAME_CHARACTERS = 150


def run_label(run: Json, slope: bool, several: bool) -> str:
    """The classic's label of a curve: when the recording started; of several, which it is."""
    start = run["start"]
    label = visible(run.get("file", "")) + "\n" if several and run.get("file") else ""
    label += time.strftime("%d / %m / %Y - start at %H:%M:%S", time.localtime(start))
    label += f".{round(start % 1 * 1000) % 1000:03d}"
    return f"{label} slope {run['slope']:.5f}" if slope else label


def draw_curve(axes: Any, points: Json, colour: str, label: str | None) -> None:
    """One curve, with the classic's markers while they can be told apart."""
    times, memory = values(points)
    style = "+-" if len(times) <= MOST_MARKERS else "-"
    axes.plot(times, memory, style + colour, label=label)


def draw_trend(axes: Any, run: Json, curve: Json, colour: str) -> None:
    """The trend line of a curve, over the window."""
    ends = [run["from"], run["to"]]
    heights = [curve["intercept"] + curve["slope"] * t for t in ends]
    axes.plot(ends, heights, "--", linewidth=0.5, color=colour)


def draw_marks(axes: Any, run: Json) -> None:
    """Peaks between samples: stems with a dot; told of once."""
    times, memory = values(run["marks"])
    if times:
        label: str | None = (
            "at most, between samples" if run["bounds"] else "peaks between samples"
        )
        if label in axes.get_legend_handles_labels()[1]:
            label = None
        axes.vlines(times, 0, memory, colors="#d98a5a", linewidth=0.5)
        axes.plot(times, memory, ".", markersize=3, color="#c2410c", label=label)


def draw_brackets(axes: Any, run: Json, height: float) -> None:
    """The classic's brackets around every call; labels by call while they are few."""
    few = sum(len(f["calls"]) for f in run["functions"]) <= MOST_CALL_LABELS
    tall, wide = height / 30, (run["to"] - run["from"]) / 150
    for i, function in enumerate(run["functions"]):
        label, colour = visible(function["label"]), CALL_COLOURS[i % len(CALL_COLOURS)]
        nan = float("nan")
        xs: list[float] = []
        ys: list[float] = []
        for t0, m0, t1, m1, _level, still_open, *_ in function["calls"]:
            ends = [(t0, m0, wide)] if still_open else [(t0, m0, wide), (t1, m1, -wide)]
            for t, m, side in ends:
                xs += [t + side, t, t, t + side, nan]
                ys += [m + tall, m + tall, m - tall, m - tall, nan]
            if few:
                axes.plot(
                    xs, ys, "-", color=colour, linewidth=2, label=f"{label} {t1 - t0:.3f}s"
                )
                xs, ys = [], []
        if xs:
            total = sum(call[2] - call[0] for call in function["calls"])
            text = f"{label} {total:.3f}s in {len(function['calls'])} calls"
            axes.plot(
                xs, ys, "-", color=colour, linewidth=1, label=text if i < 20 else None
            )


def draw_flame(axes: Any, run: Json) -> None:
    """Calls as rectangles, one level above the other."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import hsv_to_rgb

    calls = [(f["label"], call) for f in run["functions"] for call in f["calls"]]
    depth = 1 + max((call[4] for _, call in calls), default=0)
    lanes = axes.twinx()
    lanes.set_yticks([])
    lanes.set_ylim(0, depth + 1)
    boxes, colours = [], []
    for i, (label, (t0, _m0, t1, _m1, level, *_)) in enumerate(
        sorted(calls, key=lambda c: c[1])
    ):
        boxes.append([(t0, level), (t1, level), (t1, level + 1), (t0, level + 1)])
        colours.append(hsv_to_rgb((0.1 * (i % 2), 1 - 0.75 * level / depth, 1)))
        if len(calls) < 100 and t1 - t0 > (run["to"] - run["from"]) / 40:
            room = int((t1 - t0) / (run["to"] - run["from"]) * FLAME_CHARACTERS)
            lanes.text(
                t0, level + 1, visible(label[:room]), va="top", fontsize=7, clip_on=True
            )
    lanes.add_collection(PolyCollection(boxes, facecolors=colours, alpha=0.5))


def draw_unnamed(axes: Any, children: list[Json]) -> None:
    """Many children without labels: one line object a colour, or drawing takes for ever."""
    nan = float("nan")
    for i, colour in enumerate(LINE_COLOURS):
        xs: list[float] = []
        ys: list[float] = []
        for child in children[i :: len(LINE_COLOURS)]:
            times, memory = values(child["curve"])
            xs += [*times, nan]
            ys += [*memory, nan]
        if xs:
            axes.plot(xs, ys, "-", color=colour, linewidth=0.5)


def draw_children(axes: Any, run: Json, slope: bool, before: int) -> None:
    """A curve for each child; the highest ones are named. `before`: colours that are taken."""
    draw_unnamed(axes, run["children"][MOST_CHILD_LABELS:])
    for i, child in enumerate(run["children"][:MOST_CHILD_LABELS]):
        label = f"child {child['pid']}" if child["pid"] else child["name"]
        label += f" slope {child['slope']:.5f}" if slope else ""
        draw_curve(
            axes, child["curve"], LINE_COLOURS[(i + before) % len(LINE_COLOURS)], label
        )
        if slope:
            draw_trend(axes, run, child, "black")


def draw_run(axes: Any, run: Json, index: int, figure: Json) -> None:
    """Everything of one recording."""
    slope, several = figure["slope"], len(figure["runs"]) > 1
    colour = LINE_COLOURS[index % len(LINE_COLOURS)]
    draw_marks(axes, run)
    draw_curve(axes, run["curve"], colour, run_label(run, slope, several))
    if slope:
        draw_trend(axes, run, run, colour if several else "#00e3d8")
    if run["group"]["t"]:
        axes.plot(*values(run["group"]), "-", color="#0f766e", label="control group")
    earlier = sum(len(other["children"]) for other in figure["runs"][:index])
    draw_children(axes, run, slope, len(figure["runs"]) + earlier)
    if run["functions"]:
        if figure["flame"]:
            draw_flame(axes, run)
        else:
            draw_brackets(axes, run, run["peak"])
    cross = colour if several else "r"
    axes.axhline(run["peak"], color=cross, linestyle="--", linewidth=1)
    axes.axvline(run["peak_time"], color=cross, linestyle="--", linewidth=1)


def draw(figure: Json) -> Any:
    """A matplotlib figure of everything."""
    pyplot = import_pyplot()
    picture = pyplot.figure(figsize=(14, 6), dpi=90)
    runs = figure["runs"]
    axes = picture.add_axes((0.1, 0.1, 0.6, 0.75))
    for i, run in enumerate(runs):
        draw_run(axes, run, i, figure)
    axes.set_xlabel("time (in seconds)")
    axes.set_ylabel("memory used (in MiB)")
    first, last = min(r["from"] for r in runs), max(r["to"] for r in runs)
    margin = (last - first) * 0.02 or 0.5
    axes.set_xlim(first - margin, last + margin)
    title = figure["title"] or (runs[0]["command"] if len(runs) == 1 else None)
    if title:
        axes.set_title(visible(title, 120))
    beside = (1.04 if figure["flame"] else 1.01, 0.5)
    axes.legend(loc="center left", bbox_to_anchor=beside, fontsize="small")
    axes.grid(True)
    return picture
