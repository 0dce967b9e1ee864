"""Durations, sizes and ticks of a picture, as the page of `mprof plot` has them."""

from __future__ import annotations

import time

MINUTE, HOUR, DAY = 60, 3600, 86400
GIB = 1024  # in MiB
TIMES = [
    *(step * 10.0**power for power in range(-6, 1) for step in (1, 2, 5)),
    10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
    2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY,
    91 * DAY, 365 * DAY,
]  # fmt: skip
SIZES = [
    *(step * 10.0**power for power in range(-3, 2) for step in (1, 2, 5)), 100, 200, 256, 512,
    *(step * 10.0**power * GIB for power in range(6) for step in (1, 2, 5)),
]  # fmt: skip


def duration(seconds: float, step: float = 1) -> str:
    """As exact as `step` asks for: 12 s, 3 min 5 s, 1 h 30 min, 2 d 6 h."""
    if seconds < MINUTE or step < 1:
        return f"{round(seconds, 6):g} s"
    exact = MINUTE if step >= MINUTE else 1
    whole = round(seconds / exact) * exact
    parts = [
        (whole // DAY, "d"),
        (whole % DAY // HOUR, "h"),
        (whole % HOUR // MINUTE, "min"),
        (whole % MINUTE, "s"),
    ]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def seconds(value: float) -> str:
    """A duration that was measured."""
    if value < 0.1:
        return f"{value * 1000:.1f} ms"
    if value < 2 * MINUTE:
        return f"{value:.3f} s"
    return duration(value, 1 if value < HOUR else MINUTE)


def size(mib: float) -> str:
    """MiB as people read them."""
    for unit, name in ((GIB * GIB, "TiB"), (GIB, "GiB")):
        if abs(mib) >= unit:
            return f"{mib / unit:,.3f} {name}"
    return f"{mib:.3f} MiB"


def size_at(mib: float) -> str:
    """Of a line of the grid: as short as it can be told."""
    for unit, name in ((GIB * GIB, "TiB"), (GIB, "GiB"), (1, "MiB")):
        if abs(mib) >= unit or unit == 1:
            return f"{round(mib / unit, 4):,g} {name}" if mib else "0"
    return ""


def percent(value: float) -> str:
    return f"{round(value, 1):,g} %"


def rate(curve: dict[str, float]) -> str:
    """A trend, MiB an hour, with its standard error."""
    error = f" \u00b1 {curve['slope_error'] * HOUR:,.1f}" if "slope_error" in curve else ""
    return f"{curve['slope'] * HOUR:+,.1f}{error} MiB/h"


def ticks(
    low: float, high: float, steps: list[float], most: int
) -> tuple[list[float], float]:
    """The lines of a grid, at most so many, and what is between two."""
    step = next((one for one in steps if (high - low) / one <= most), steps[-1])
    first = int(low / step)
    lines = [number * step for number in range(first, int(high / step) + 1)]
    return [line for line in lines if low <= line <= high], step


def times_of(lines: list[float], step: float, start: float | None) -> list[str]:
    """What stands at lines of time: durations; the time of day below them, and the date where
    a day begins. `start`: unix time of the recording; None: there are several."""
    texts, day = [], ""
    for line in lines:
        text = duration(line, step)
        if start is not None and step >= 1:
            at = time.localtime(start + line)
            today = time.strftime("%d %b ", at)
            clock = time.strftime("%H:%M" if step >= MINUTE else "%H:%M:%S", at)
            text += "\n" + (today if today != day else "") + clock
            day = today
        texts.append(text)
    return texts
