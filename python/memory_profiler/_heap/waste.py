"""What objects take and would not need, as `memory_profiler.heap.waste` gives it."""

from __future__ import annotations

from collections import namedtuple  # typing's costs more

from memory_profiler import _core
from memory_profiler._heap.holders import OURS, html_table
from memory_profiler._limits.sizes import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_Wasted = namedtuple(
    "_Wasted", ("kind", "type", "line", "path", "count", "bytes", "saved", "what")
)


class Wasted(_Wasted):
    """Objects of one type that a line allocated, which take more than they need.

    Source of the figures: the objects' layouts, as `sys.getsizeof()` reads them, and contents
    of texts and arrays.
    """

    __slots__ = ()

    kind: str  #: copies, empty, sparse, spare, dicts, numbers, wide or repeated
    type: str
    line: str  #: "app.py:12", the program's own; empty: nothing recorded it
    path: str  #: how the program calls one of them
    count: int  #: objects
    bytes: int  #: that they take
    saved: int  #: of these, what they do not need
    what: str  #: in words, with what would help

    def __repr__(self) -> str:
        return f"<{self.count:,} {self.type}: {self.what}: {show(self.saved)}>"


class Waste:
    """What objects take and would not need, at one moment.

    Attributes:
        rows: each a `Wasted`, what would save most first. What is in two rows is in both: they
            are no parts of a sum.
        objects: that were looked at. unseen: bytes of texts and arrays that were not, since
            there are too many.
        others, others_saved: how many rows more there are, and what these would save.
        apart: whether a child process looked, while the program went on.
    """

    def __init__(self, answer: Any) -> None:
        self.apart, rows, self.objects, self.unseen, self.others, self.others_saved = answer
        self.rows = [Wasted(*row) for row in rows]

    def _head(self) -> str:
        unseen = f"; {show(self.unseen)} not looked at" if self.unseen else ""
        return f"what {self.objects:,} objects would not need{unseen}"

    def _cells(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                show(row.saved), f"{row.count:,}", f"{row.type}: {row.what}",
                f"{row.line}, as {row.path}" if row.line else f"as {row.path}",
            )
            for row in self.rows
        ]  # fmt: skip

    def __repr__(self) -> str:
        if not self.rows:
            return f"{self._head()}\n  nothing of a KiB and more was found"
        lines = [self._head(), f"{'saved':>10}{'objects':>11}  what"]
        for saved, count, what, where in self._cells():
            lines += [f"{saved:>10}{count:>11}  {what}", f"{'':23}{where}"]
        if self.others:
            lines.append(
                f"{show(self.others_saved):>10}{'':11}  ({self.others:,} more rows)"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = [("Saved", True), ("Objects", True), ("What", False), ("Where", False)]
        return html_table(self._head(), heads, self._cells())

    def to_dict(self) -> dict[str, Any]:
        """Everything; bytes."""
        return {
            "objects": self.objects,
            "unseen": self.unseen,
            "apart": self.apart,
            "rows": [row._asdict() for row in self.rows],
            "others": self.others,
            "others_saved": self.others_saved,
        }


def waste() -> Waste:
    """What objects take and would not need, by kind, type and line, with what it would save.

    Texts that others are copies of; containers that are empty or less than half full; room in
    lists; attributes in dicts that `__slots__` would hold; lists of numbers that an array would
    hold; arrays of NumPy whose numbers fit a smaller type, or that repeat few texts.

    A child process looks, as for `holders()`; none of the program's code runs. At most 2 GiB of
    texts and arrays are read. Lines are those of the recording that runs.

    >>> from memory_profiler.heap import waste
    >>> table = [float(i) for i in range(10_000)]
    >>> any(row.kind == "numbers" and row.saved >= 24 * 10_000 for row in waste().rows)
    True

    Returns:
        Waste, with a row for each kind, type and line.

    Raises:
        RuntimeError: an extension module's type broke the child that looked.
        NotImplementedError: this is the install without the C core.
    """
    if not hasattr(_core, "waste"):
        raise NotImplementedError(
            "what objects do not need is found by the C core, which this install lacks"
        )
    return Waste(_core.waste(OURS))
