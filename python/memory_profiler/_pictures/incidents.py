"""What befell a run, as web/src/incidents.ts shows it, and how busy its CPUs were."""

from __future__ import annotations

from typing import Any

from memory_profiler._pictures.common import Json, values
from memory_profiler._pictures.words import percent, seconds

CPU, LIMIT, RULE = "#6b4fc0", "#b91c1c", "#d5dae1"  # as in web/src/theme.css


def draw_gaps(axes: Any, run: Json) -> None:
    """Hatched over the whole height: nobody knows what memory was."""
    named = set(axes.get_legend_handles_labels()[1])
    for start, end, asleep in run["gaps"]:
        words = "the machine was suspended" if asleep else "no samples"
        label = f"{words}, {seconds(end - start)}"
        axes.axvspan(start, end, facecolor="none", edgecolor=RULE, hatch="//", linewidth=0,
                     zorder=0.5, label=None if label in named else label)  # fmt: skip
        named.add(label)


def kill_words(run: Json, count: int) -> str:
    alone = sum(more for _, more in run["kills"]) == 1
    if alone and run["end"] == "signal" and run["code"] == 9:
        return "killed for memory"
    return f"{count} {'process' if count == 1 else 'processes'} killed for memory"


def draw_kills(axes: Any, run: Json) -> None:
    late = run["from"] + 0.75 * (run["to"] - run["from"])
    for time, count in run["kills"]:
        axes.axvline(time, color=LIMIT, linewidth=1.2)
        axes.annotate(
            kill_words(run, count), (time, 1), xycoords=("data", "axes fraction"),
            xytext=(-6 if time > late else 6, -4), textcoords="offset points", va="top",
            ha="right" if time > late else "left", color=LIMIT, fontsize="small",
            fontweight="bold",
        )  # fmt: skip


def draw_cpu(axes: Any, runs: list[Json], colour_of: Any) -> None:
    """On a scale of its own, to the right."""
    beside = axes.twinx()
    for index, run in enumerate(runs):
        times, busy = values(run["cpu"])
        if not times:
            continue
        colour = colour_of(index) if len(runs) > 1 else CPU
        beside.plot(times, busy, "-", color=colour, linewidth=0.9, alpha=0.8)
        axes.plot([], [], "-", color=colour, linewidth=0.9,
                  label=f"CPU {percent(run['mean_cpu'])} on average")  # fmt: skip
    beside.set_ylim(0, None)
    beside.yaxis.set_major_formatter(lambda value, _: percent(value))
    beside.tick_params(colors=CPU, length=3)
    for spine in beside.spines.values():
        spine.set_visible(False)
