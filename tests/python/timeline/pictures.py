"""The points that a recording's pictures show, read from the pictures themselves."""

from __future__ import annotations

import functools
import importlib
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pages
from recordings import Recorder

#: (seconds, MiB); None where a curve is broken.
Points = list[tuple[float, float | None]]

look = functools.partial(pages.look, "look_points.mjs")
BLOCKS = " ▁▂▃▄▅▆▇█"


def page_of(here: Recorder, *files: str) -> tuple[Path, dict]:
    """The page of recordings, and its data block."""
    assert here.mprof("plot", "-o", "page.html", *files).code == 0
    text = (here.path / "page.html").read_text()
    return here.path / "page.html", json.loads(
        text.split('id="data">')[1].split("</script>")[0]
    )


def points_of(curve: dict) -> Points:
    """Of a curve of the figure as JSON; a gap's own time says nothing."""
    return [
        (0.0 if m is None else t, m) for t, m in zip(curve["t"], curve["m"], strict=True)
    ]


def given_to_matplotlib(here: Recorder, *files: str) -> dict:
    """The figure that plot.py gets; the picture is drawn too."""
    python = here.write(
        "python",
        f'#!/bin/sh\ncat > figure.json\nexec {sys.executable} "$@" < figure.json\n',
    )
    python.chmod(0o755)
    done = here.mprof("plot", "-o", "x.png", *files, env={"MPROF_PYTHON": str(python)})
    assert done.code == 0, done.err
    return json.loads((here.path / "figure.json").read_text())


def drawn_by_matplotlib(figure: dict) -> Any:
    """The axes."""
    importlib.import_module("matplotlib").use("agg")
    plot = importlib.import_module("memory_profiler.plot")
    return plot.draw(figure).axes[0]


def line_points(line: Any) -> Points:
    rows = [(float(t), float(m)) for t, m in line.get_xydata()]
    return [(0.0, None) if math.isnan(m) else (t, m) for t, m in rows]


def strokes(seen: dict, scheme: str, style: str) -> list[list[list]]:
    """The solid paths of a colour, the longest last."""
    found = [
        one["points"]
        for one in seen[scheme]["strokes"]
        if one["style"] == style and not one["dashed"]
    ]
    return sorted(found, key=len)


def assert_drawn(path: list[list], wanted: Points) -> None:
    """A path on a canvas has these points: the same ones, on one scale."""
    pieces = [[]]
    for point in wanted:
        pieces[-1].append(point) if point[1] is not None else pieces.append([])
    starts = [moved for moved, _, _ in path]
    shown = [point for piece in pieces for point in piece]
    assert starts == [i == 0 for piece in pieces for i in range(len(piece))]
    for axis in (1, 2):
        values = [point[axis - 1] for point in shown]
        low, high = values.index(min(values)), values.index(max(values))
        scale = (path[high][axis] - path[low][axis]) / (values[high] - values[low])
        assert scale * (1 if axis == 1 else -1) > 0
        for value, at in zip(values, path, strict=True):
            assert abs(path[low][axis] + scale * (value - values[low]) - at[axis]) < 0.6


def columns(text: str, first: str = "│") -> list[float]:
    """How full the columns of a terminal's picture are: 1 is the highest, 0 is blank."""
    rows = [line[10:] for line in text.splitlines() if line[9:10] == first]
    width = max(len(row) for row in rows)
    full = [sum(BLOCKS.index(row.ljust(width)[i]) for row in rows) for i in range(width)]
    return [eighths / (8 * len(rows)) for eighths in full]


def svg_points(svg: str, low: float, high: float, seconds: float) -> Points:
    """Of the curve in a notebook's picture."""
    path = re.search(r"stroke-linejoin='round' .*? d='([^']*)'", svg)[1]
    points: Points = []
    for how, x, y in re.findall(r"([ML])([\d.]+) ([\d.]+)", path):
        if how == "M" and points:
            points.append((0.0, None))
        share = 1 - (float(y) - 3) / 154
        points.append((float(x) / 640 * seconds, low + share * (high - low)))
    return points


def assert_near(got: Points, wanted: Points, time: float, memory: float) -> None:
    """The same points, to what the picture can show."""
    assert len(got) == len(wanted)
    for (t, m), (wanted_t, wanted_m) in zip(got, wanted, strict=True):
        assert (m is None) == (wanted_m is None)
        if m is not None:
            assert abs(t - wanted_t) <= time and abs(m - wanted_m) <= memory
