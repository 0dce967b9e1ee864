"""`mprof plot` without the native program: matplotlib pictures and windows."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
Point = tuple[float, float]


def _trend(points: list[Point]) -> Json:
    """Least squares: MiB a second, its standard error, and where it begins."""
    count = len(points) or 1
    t0, m0 = sum(t for t, _ in points) / count, sum(m for _, m in points) / count
    spread = sum((t - t0) ** 2 for t, _ in points)
    slope = sum((t - t0) * (m - m0) for t, m in points) / spread if spread else 0.0
    off = sum((m - m0 - slope * (t - t0)) ** 2 for t, m in points)
    error = (off / (count - 2) / spread) ** 0.5 if count > 2 and spread else 0.0
    return {"slope": slope, "slope_error": error, "intercept": m0 - slope * t0}


def _curve(points: list[Point]) -> Json:
    return {"t": [t for t, _ in points], "m": [m for _, m in points]}


def _window(points: list[Point], start: float, window: tuple[float, float]) -> list[Point]:
    """(time since the start, MiB) inside the window."""
    return [(t - start, m) for t, m in points if window[0] <= t - start <= window[1]]


def _functions(
    recording: Json, labels: Json, start: float, window: tuple[float, float]
) -> list[Json]:
    return [
        {
            "name": name,
            "label": labels[name],
            "calls": [
                [t0 - start, m0, t1 - start, m1, level[0] if level else 0, False, 0, 0]
                for t0, t1, m0, m1, *level in calls
                if t1 - start >= window[0] and t0 - start <= window[1]
            ],
        }
        for name, calls in recording["func_timestamp"].items()
    ]


def run_of(
    recording: Json, options: argparse.Namespace, labels: Json | None
) -> Json | None:
    """One recording as docs/timeline.md describes it, with the functions that have labels;
    None: no sample in the window."""
    points = list(zip(recording["timestamp"], recording["mem_usage"], strict=True))
    start = points[0][0] if points else 0.0
    shown = _window(points, start, options.window)
    if not shown:
        return None
    peak_time, peak = max(shown, key=lambda point: point[1])
    children = []
    for pid, samples in recording["children"].items():
        rows = _window([(t, m) for m, t in samples], start, options.window)
        most = max((memory for _, memory in rows), default=0.0)
        children.append(
            {"pid": pid, "name": "", "peak": most, "curve": _curve(rows), **_trend(rows)}
        )
    return {
        "file": recording.get("file", ""), "metric": "rss", "tree": False, "limit": None,
        "start": start, "from": shown[0][0], "to": shown[-1][0], "peak": peak,
        "peak_time": peak_time, "command": (recording["cmd_line"] or "").strip(),
        "curve": _curve(shown), "marks": _curve([]), "group": _curve([]), "bounds": False,
        "children": children, **_trend(shown),
        "functions": _functions(recording, labels, start, options.window) if labels else [],
    }  # fmt: skip


def _window_of(text: str) -> tuple[float, float]:
    try:
        begin, end = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not two numbers, BEGIN,END"
        ) from None
    return begin, end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mprof plot", epilog="Pages (-o x.html) and --terminal need the native mprof."
    )
    add = parser.add_argument
    add("-t", "--title")
    add("-n", "--no-function-ts", action="store_true", help="leave function calls out")
    add("-o", "--output", help="write a picture: .png, .svg, .pdf")
    add("--force", action="store_true", help="replace a file that is no plot of ours")
    add("-w", "--window", type=_window_of, default=(float("-inf"), float("inf")))
    add("--classic", action="store_true", help="in the look of 0.61")
    add(
        "-f",
        "--flame",
        action="store_true",
        help="with --classic: calls as rectangles",
    )
    add("-s", "--slope", action="store_true", help="a trend line")
    add("--backend", help="of matplotlib")
    add("files", nargs="*")
    return parser


def plot(
    words: list[str],
    chosen: Callable[[list[str]], list[str]],
    read: Callable[[str], Json],
    labels_of: Callable[[Json], Json],
) -> int:
    """Draws recordings; returns the exit code."""
    from memory_profiler import plot as pictures

    options = _parser().parse_args(words)
    output = options.output
    if output and not output.endswith((".png", ".svg", ".pdf")):
        print("mprof: -o takes .png, .svg or .pdf here; pages need the native mprof")
        return 2
    names = chosen(options.files)
    recordings = [read(name) for name in names]
    labels = None
    if len(names) == 1 and not options.no_function_ts:
        labels = labels_of(recordings[0]["func_timestamp"])
    runs = [run_of(recording, options, labels) for recording in recordings]
    figure = {
        "runs": [run for run in runs if run],
        "title": options.title,
        "flame": options.flame,
        "slope": options.slope,
        "classic": options.classic,
    }
    if not figure["runs"]:
        print("** No memory usage values have been found in the profile file.**")
        return 0
    return pictures.picture(figure, output, options.backend, options.force)
