"""Words in a picture that do not cover each other."""

from __future__ import annotations

from typing import Any

ROW, ROWS = 13, 10  # points


def keep_apart(axes: Any) -> None:
    """Moves words down, row by row, where others stand: kills, at the top, come before peaks.
    What finds no room is left out: the legend has it. Scales do not change any more."""
    placed: list[Any] = []
    for text in sorted(axes.texts, key=lambda one: one.xycoords == "data"):
        for _ in range(ROWS):
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in placed):
                placed.append(box)
                break
            x, y = text.xyann
            text.xyann = x, y - ROW
        else:
            text.set_visible(False)
