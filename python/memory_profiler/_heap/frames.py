"""A recording as a pandas DataFrame."""

from __future__ import annotations

from memory_profiler._heap.views import Capture, NoViewError, place_of, source_of

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

_PLACES = {
    "line": ["where", "file", "line", "function"],
    "your-line": ["where", "file", "line", "function"],
    "function": ["file", "function"],
    "file": ["file"],
    "module": ["module"],
}
_FIGURES = [
    "at_peak", "blocks_at_peak", "live", "live_blocks", "total", "allocations", "temporary",
]  # fmt: skip
_TOTALS = ["at_peak", "live", "total"]


def data_frame(heap: Any, by: str) -> Any:
    """Raises what Tracker.to_pandas() does."""
    if by not in _PLACES:
        raise ValueError(f"no rows by {by!r}: use one of {', '.join(map(repr, _PLACES))}")
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(
            "to_pandas() needs pandas, which is not installed: pip install pandas"
        ) from None
    try:
        with Capture(heap) as capture:
            rows = capture.rows(by)
    except NoViewError as error:
        raise RuntimeError(f"no figures of this tracker: {error}") from None
    places, ends = _PLACES[by], [f"{name}_with_callees" for name in _TOTALS]
    for row in rows:
        row.update({f"{name}_with_callees": row["cumulative"][name] for name in _TOTALS})
        if "where" in places:
            row["where"] = place_of(row)
            row["source"] = source_of(row)
    if "where" in places:
        ends.append("source")
    return pd.DataFrame(rows, columns=[*places, *_FIGURES, *ends])
