"""A recording as a notebook and a terminal show it: a sentence, your lines, and the page.

A notebook that is not trusted passes outputs through a sanitizer, and a renderer may run no
script: the table is inline style alone, of the set that stays (src/report/notebook/notebook.h
says which), and without the frame that holds the page nothing is missing but the page.
"""

from __future__ import annotations

from memory_profiler._heap.views import Capture, NoViewError, place_of, source_of
from memory_profiler._limits.sizes import show
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

ROWS = 15  # that are shown
LEAST = 0.001  # of the peak; what is smaller has no row
PAGE_LEAST = 0.1  # percent: below that stacks are drawn as one
HEIGHT = 620  # of the page's frame, in pixels

# Seen on white and on black alike, as in src/report/notebook/notebook.c.
_GROW, _LEVEL = "#e8590c", "#4c6ef5"
_RULE = "1px solid rgba(128,128,128,0.4)"
_CELL = "text-align:right;white-space:nowrap;padding:1px 10px;vertical-align:top;"
_SOURCE = "text-align:left;white-space:pre;padding:1px 10px;width:100%;vertical-align:top;"
_HOT = "background-color:rgba(232,89,12,0.18);"
_MONO = "font-family:monospace;font-size:12.5px;line-height:1.5;"
_CAPTION = "caption-side:top;text-align:left;padding:2px 10px 6px;"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""


class Row:
    """A line of yours, with what libraries allocated for it."""

    def __init__(self, figures: Json) -> None:
        self.own: int = figures["at_peak"]
        self.total: int = figures["cumulative"]["at_peak"]
        self.live: int = figures["live"]
        self.blocks: int = figures["blocks_at_peak"]
        self.place = place_of(figures)
        self.source = source_of(figures)
        beneath = figures["beneath"]
        self.beneath = (
            f"{show(beneath['at_peak'])} of it in {place_of(beneath)}" if beneath else ""
        )


class Shown:
    """What is shown of a recording that has ended.

    Args:
        figures: of `mprof report --json`. page: the flame graph's; empty: there is none.
        why: what keeps it from being there, or "".
    """

    def __init__(self, figures: Json, page: str = "", why: str = "") -> None:
        self._all, self._page, self._why = figures, page, why
        self.peak: int = figures["peak"]
        worth = [one for one in figures["your_lines"] if _counts(one, self.peak)]
        self.rows = [Row(one) for one in worth[:ROWS]]
        self._more = worth[ROWS:]

    @property
    def sentence(self) -> str:
        """The peak, the line that holds most of it, and its share."""
        about = "about " if self._all["sample"] else ""
        if not self.peak:
            return "nothing was allocated"
        after = f"{self._all['peak_time'] / 1e9:,.2f} s"
        said = f"peak {about}{show(self.peak)} after {after}"
        first = self.rows[0] if self.rows else None
        if first and first.own:
            said += f", {_percent(first.own, self.peak)} of it by {first.place}"
        return f"{said}; {about}{show(self._all['live'])} still live"

    def _rest(self) -> list[tuple[int, int, str]]:
        """(bytes at the peak, still live, what they are) of what has no row."""
        elsewhere, more = self._all["not_your_lines"], len(self._more)
        rows = [
            (sum(one["at_peak"] for one in self._more),
             sum(one["live"] for one in self._more), f"({more} more lines)"),
            (elsewhere["at_peak"], elsewhere["live"], "(no line of yours)"),
        ]  # fmt: skip
        return [row for row in rows if max(row[:2]) > LEAST * self.peak]

    def _notes(self) -> list[str]:
        sample, lost = self._all["sample"], self._all["untracked_bytes"]
        notes = []
        if sample:
            notes.append(
                f"Sampled, one block in {show(sample)} on average: figures are estimates."
            )
        if not self._all["native"]:
            notes.append("Python's allocators alone: no memory of malloc or mmap.")
        if lost:
            notes.append(f"{show(lost)} could not be followed, for want of memory.")
        if self._all["incomplete"]:
            notes.append(f"Incomplete: {self._all['incomplete']}.")
        if self._why:
            notes.append(f"No page: {self._why}.")
        return notes

    # as text -----------------------------------------------------------------------------

    def text(self) -> str:
        lines = [f"Heap: {self.sentence}"]
        if self.rows:
            lines.append(f"{'own':>11} {'share':>6} {'total':>11} {'live':>11}  where")
        for row in self.rows:
            lines.append(
                f"{show(row.own):>11} {_percent(row.own, self.peak):>6} {show(row.total):>11}"
                f" {show(row.live):>11}  {row.place}"
            )
            lines += [" " * 46 + text for text in (row.source, row.beneath) if text]
        for own, live, what in self._rest():
            lines.append(
                f"{show(own):>11} {_percent(own, self.peak):>6} {'':>11} {show(live):>11}"
                f"  {what}"
            )
        return "\n".join(lines + self._notes())

    # as HTML -----------------------------------------------------------------------------

    def html(self) -> str:
        """The table, and the page in a frame that needs no network and no file."""
        return self.table() + self.frame()

    def table(self) -> str:
        heads = "".join(
            f'<th scope="col" style="{style}border-bottom:{_RULE}">{name}</th>'
            for name, style in [
                ("Own at peak", _CELL), ("Share", _CELL), ("Total", _CELL),
                ("Still live", _CELL), ("Blocks", _CELL), ("Your line", _SOURCE),
            ]
        )  # fmt: skip
        body = "\n".join(
            [self._row(row, i == 0) for i, row in enumerate(self.rows)]
            + [self._rest_row(*row) for row in self._rest()]
        )
        notes = "".join(
            f'<p style="margin:4px 10px;font-size:12px">{_escape(note)}</p>'
            for note in self._notes()
        )
        head = f"<thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody>" if body else ""
        return (
            '<div style="overflow-x:auto">\n'
            f'<table style="border-collapse:collapse;margin:0 0 8px 0;{_MONO}">'
            f'<caption style="{_CAPTION}"><strong>Heap</strong> {_escape(self.sentence)}'
            f"</caption>\n{head}</table>{notes}</div>\n"
        )

    def _row(self, row: Row, hot: bool) -> str:
        style = _CELL + (_HOT if hot else "")
        code = _escape(row.source)
        beneath = f"<br><small>{_escape(row.beneath)}</small>" if row.beneath else ""
        return (
            f"<tr>{_figure(row.own, self.peak, _GROW, style)}"
            f'<td style="{style}">{_percent(row.own, self.peak)}</td>'
            f"{_figure(row.total, self.peak, _LEVEL, style)}"
            f"{_figure(row.live, self.peak, _LEVEL, style)}"
            f'<td style="{style}">{row.blocks:,}</td>'
            f'<th scope="row" style="{_SOURCE}font-weight:normal;{_HOT if hot else ""}">'
            f"{f'<strong>{code}</strong>' if hot else code}"
            f"{' <small>&#9664; holds most</small>' if hot else ''}"
            f"{'<br>' if code else ''}<small>{_escape(row.place)}</small>{beneath}</th></tr>"
        )

    def _rest_row(self, own: int, live: int, what: str) -> str:
        return (
            f"<tr>{_figure(own, self.peak, _GROW, _CELL)}"
            f'<td style="{_CELL}">{_percent(own, self.peak)}</td><td></td>'
            f"{_figure(live, self.peak, _LEVEL, _CELL)}<td></td>"
            f'<th scope="row" style="{_SOURCE}font-weight:normal">{what}</th></tr>'
        )

    def frame(self) -> str:
        if not self._page:
            return ""
        return (
            f'<iframe title="Flame graph of the heap" width="100%" height="{HEIGHT}" '
            f'style="border:{_RULE};width:100%;height:{HEIGHT}px" '
            f'srcdoc="{_escape(self._page)}"></iframe>\n'
        )


def _counts(figures: Json, peak: int) -> bool:
    most: int = max(figures["at_peak"], figures["cumulative"]["at_peak"], figures["live"])
    return most > LEAST * peak


def _figure(count: int, whole: int, colour: str, style: str) -> str:
    share = min(count / whole, 1) if whole else 0
    bar = (
        f'<div style="height:3px;width:{100 * share:.1f}%;margin-left:auto;'
        f'background-color:{colour}"></div>'
        if share >= 0.005
        else ""
    )
    return f'<td style="{style}">{show(count)}{bar}</td>'


def _escape(text: str) -> str:
    with standard:
        import html

    return html.escape(text)


def shown(heap: Any, title: str) -> Shown | None:
    """What is shown of a tracker's recording; None where it has not ended or has no stacks."""
    try:
        with Capture(heap) as capture:
            return _shown(capture, title)
    except (NoViewError, OSError, RuntimeError):
        return None


def _shown(capture: Capture, title: str) -> Shown:
    figures = capture.figures()
    try:
        return Shown(figures, capture.page(title, PAGE_LEAST))
    except (NoViewError, OSError) as error:
        return Shown(figures, why=str(error))
