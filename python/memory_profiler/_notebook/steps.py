"""Which line of a cell ran when: the statements of `%%mprof` beside its curve."""

from __future__ import annotations

from time import monotonic  # built in: no program can have one

from memory_profiler._standard import standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MIB = 2**20
ROWS = 12  # that are shown
LEAST_TIME, LEAST_GROWTH = 0.02, MIB  # of the whole; what is below both has no row
LEAST_WIDTH = 3.0  # percent of the strip, to have its number there

# Seen on white and on black alike, as in src/report/notebook/notebook.c.
_RULE = "1px solid rgba(128,128,128,0.4)"
_CELL = "text-align:right;white-space:nowrap;padding:1px 10px;"
_SOURCE = "text-align:left;white-space:pre;padding:1px 10px;width:100%;"
_HOT = "background-color:rgba(232,89,12,0.18);"
_SHADES = ("rgba(76,110,245,0.30)", "rgba(128,128,128,0.22)")


class Step:
    """A statement of the cell.

    Attributes:
        line: its first, in the cell. source: that line's text.
        start, end: seconds after the cell's start.
        before, after: bytes when it began and ended. peak: bytes, its largest sample.
    """

    def __init__(self, line: int, source: str, start: float, before: int) -> None:
        self.line, self.source = line, source
        self.start = self.end = start
        self.before = self.after = self.peak = before

    @property
    def growth(self) -> int:
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "source": self.source,
            "start": self.start,
            "end": self.end,
            "before": self.before,
            "after": self.after,
            "peak": self.peak,
        }


class Steps:
    """The statements of a cell as it runs.

    Args:
        memory: says the bytes now.
    """

    def __init__(self, memory: Callable[[], int]) -> None:
        self.list: list[Step] = []
        self._memory = memory

    def start(self) -> None:
        """The cell's start, from which seconds are counted."""
        self._zero = monotonic()

    def begin(self, line: int, text: list[str]) -> None:
        self.end()
        source = text[line - 1] if 0 < line <= len(text) else ""
        self.list.append(Step(line, source, monotonic() - self._zero, self._memory()))

    def end(self) -> None:
        """The one that runs has ended."""
        if self.list:
            last = self.list[-1]
            last.end, last.after = monotonic() - self._zero, self._memory()


def add_peaks(steps: list[Step], samples: list[tuple[int, float]]) -> None:
    """The largest sample of each, (bytes, seconds) in their order."""
    at = 0
    for step in steps:
        while at < len(samples) and samples[at][1] < step.start:
            at += 1
        step.peak = max(step.before, step.after)
        while at < len(samples) and samples[at][1] <= step.end:
            step.peak = max(step.peak, samples[at][0])
            at += 1


def worth_a_row(steps: list[Step]) -> list[Step]:
    """Those that took time or memory, in the order of the cell."""
    whole = steps[-1].end - steps[0].start if steps else 0
    found = [
        step
        for step in steps
        if step.end - step.start >= LEAST_TIME * whole or abs(step.growth) >= LEAST_GROWTH
    ]
    found.sort(key=lambda step: -abs(step.growth) / MIB - (step.end - step.start) / whole)
    return sorted(found[:ROWS], key=lambda step: step.start)


def html_steps(steps: list[Step]) -> str:
    """A strip below the curve with the lines' numbers, and a row for each that counts."""
    rows = worth_a_row(steps)
    if len(steps) < 2 or not rows:
        return ""
    top = max(rows, key=lambda step: step.peak)
    heads = "".join(
        f'<th scope="col" style="{style}border-bottom:{_RULE}">{name}</th>'
        for name, style in [
            ("Line", _CELL), ("Began", _CELL), ("Took", _CELL), ("Change", _CELL),
            ("Highest", _CELL), ("Statement", _SOURCE),
        ]
    )  # fmt: skip
    body = "\n".join(_row(step, step is top) for step in rows)
    return (
        f'{_strip(steps)}<div style="overflow-x:auto">\n<table style="'
        "border-collapse:collapse;margin:6px 0 8px 0;font-family:monospace;font-size:12.5px;"
        f'line-height:1.5"><caption style="caption-side:top;text-align:left;padding:2px 10px">'
        f"Which line ran when</caption><thead><tr>{heads}</tr></thead><tbody>\n{body}\n"
        f"</tbody></table></div>\n"
    )


def _strip(steps: list[Step]) -> str:
    whole = steps[-1].end or 1.0
    pieces = []
    if steps[0].start > 0:
        pieces.append(_piece(100 * steps[0].start / whole, "", "rgba(0,0,0,0)"))
    for number, step in enumerate(steps):
        width = 100 * (step.end - step.start) / whole
        if width >= 0.05:
            shade = _SHADES[number % 2]
            label = str(step.line) if width >= LEAST_WIDTH else ""
            pieces.append(_piece(width, label, shade))
    return (
        '<div style="max-width:760px;overflow-x:hidden;height:18px;font-size:11px;'
        f'line-height:18px;white-space:nowrap">{"".join(pieces)}</div>\n'
    )


def _piece(width: float, label: str, shade: str) -> str:
    return (
        f'<div style="float:left;width:{width - 0.01:.2f}%;height:18px;overflow-x:hidden;'
        f'text-align:center;background-color:{shade}">{label or "&nbsp;"}</div>'
    )


def _row(step: Step, hot: bool) -> str:
    with standard:
        import html

    style = _CELL + (_HOT if hot else "")
    mark = " <small>&#9650; highest</small>" if hot else ""
    return (
        f'<tr><th scope="row" style="{style}font-weight:normal">{step.line}</th>'
        f'<td style="{style}">{step.start:.2f} s</td>'
        f'<td style="{style}">{step.end - step.start:.2f} s</td>'
        f'<td style="{style}">{step.growth / MIB:+,.1f} MiB</td>'
        f'<td style="{style}">{step.peak / MIB:,.1f} MiB</td>'
        f'<td style="{_SOURCE}{_HOT if hot else ""}">{html.escape(step.source)}{mark}</td></tr>'
    )
