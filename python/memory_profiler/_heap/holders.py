"""Who keeps objects alive, as `memory_profiler.heap.holders` gives it."""

from __future__ import annotations

import os
from collections import namedtuple  # typing's costs more

from memory_profiler import _core
from memory_profiler._limits.sizes import show
from memory_profiler._standard import standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: How names of our own files begin.
OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
_ALL = object()  # no object of the program's

_Holder = namedtuple("_Holder", ("path", "count", "bytes", "retained"))


class Holder(_Holder):
    """Objects that are held alike.

    Source of the figures: the objects' layouts, as `sys.getsizeof()` reads them; what each
    type's tp_traverse says it refers to.
    """

    __slots__ = ()

    path: str  #: how the program calls them, from a module, a local or a thread
    count: int  #: objects
    bytes: int  #: of these themselves
    retained: int  #: bytes that would go with them: of all that only they keep

    def __repr__(self) -> str:
        return (
            f"<{self.count:,} at {self.path}: {show(self.bytes)}, "
            f"retaining {show(self.retained)}>"
        )


def html_table(
    caption: str, heads: list[tuple[str, bool]], rows: Iterable[tuple[str, ...]]
) -> str:
    """A table for a notebook; of each column its name, and whether it is of figures."""
    with standard:
        import html

    pad = "padding:1px 10px;"
    styles = [
        f"text-align:right;white-space:nowrap;{pad}" if figures
        else f"text-align:left;white-space:pre;{pad}" for _, figures in heads
    ]  # fmt: skip
    titles = "".join(
        f'<th scope="col" style="{style}">{name}</th>'
        for (name, _), style in zip(heads, styles, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td style="{style}">{html.escape(cell)}</td>'
            for cell, style in zip(row, styles, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;'
        'font-family:monospace;font-size:12.5px;line-height:1.5">'
        '<caption style="caption-side:top;text-align:left;padding:2px 10px">'
        f"{html.escape(caption)}</caption>"
        f"<thead><tr>{titles}</tr></thead><tbody>\n{body}\n</tbody></table></div>\n"
    )


class Holders:
    """Who keeps objects alive, at one moment.

    Attributes:
        of: what was asked for.
        rows: each a `Holder`, what retains most first; of one object those that refer to it,
            the nearest to a name first.
        others: how many ways more there are, which are one Holder, `rest`, or None.
        objects, references: that were looked at. reached: bytes that anything holds.
        apart: whether a child process looked, while the program went on.
    """

    def __init__(self, of: str, answer: Any) -> None:
        self.of = of
        self.apart, rows, self.objects, self.references, self.reached = answer
        self.rows = [Holder(row[1], *row[3:]) for row in rows if not row[2]]
        rest = [row for row in rows if row[2]]
        self.others = rest[0][2] if rest else 0
        self.rest = Holder(f"{self.others:,} other ways", *rest[0][3:]) if rest else None

    def _all(self) -> list[Holder]:
        return [*self.rows, self.rest] if self.rest else self.rows

    def _head(self) -> str:
        return (
            f"who holds {self.of}: of {self.objects:,} objects, {show(self.reached)} "
            f"in {self.references:,} references"
        )

    def __repr__(self) -> str:
        lines = [self._head()]
        if not self._all():
            return f"{lines[0]}\n  nobody: there is none"
        lines.append(f"{'retained':>10}{'itself':>11}{'objects':>11}  held as")
        lines += [
            f"{show(row.retained):>10}{show(row.bytes):>11}{row.count:>11,}  {row.path}"
            for row in self._all()
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = [
            ("Retained", True),
            ("Itself", True),
            ("Objects", True),
            ("Held as", False),
        ]
        rows = [
            (show(row.retained), show(row.bytes), f"{row.count:,}", row.path)
            for row in self._all()
        ]
        return html_table(self._head(), heads, rows)

    def to_dict(self) -> dict[str, Any]:
        """Everything; bytes."""
        return {
            "of": self.of,
            "objects": self.objects,
            "references": self.references,
            "reached": self.reached,
            "apart": self.apart,
            "rows": [row._asdict() for row in self.rows],
            "others": self.others,
            "rest": self.rest._asdict() if self.rest else None,
        }


def _classes_named(name: str) -> list[type]:
    """Every class of that name: "dict", "Node", "app.cache.Node"."""
    found: list[type] = [object]
    seen = {id(object)}  # a metaclass may compare as it likes
    for cls in found:
        below: type
        for below in type.__subclasses__(cls):
            if id(below) not in seen:
                seen.add(id(below))
                found.append(below)
    return [cls for cls in found if name in _names_of(cls)]


def _names_of(cls: type) -> tuple[str, str]:
    """Without its module, and with it. Runs none of the program's code: a metaclass may have
    attributes of its own."""
    name: str = type.__dict__["__qualname__"].__get__(cls)
    try:
        module = type.__dict__["__module__"].__get__(cls)
    except AttributeError:  # taken away
        return name, name
    return name, f"{module}.{name}" if type(module) is str else name


def _name_of(cls: type) -> str:
    name, whole = _names_of(cls)
    return name if whole == f"builtins.{name}" else whole


def _of_text(text: str) -> Holders:
    file, _, number = text.rpartition(":")
    if file and number.isdecimal():
        return Holders(
            f"what {text} allocated", _core.line_holders(f"{file}:{number}", OURS)
        )
    classes = _classes_named(text)
    if not classes:
        raise ValueError(
            f"no class is named {text!r}, and it is no line: write 'app.Node' or 'app.py:12'"
        )
    return Holders(text, _core.holders("types", classes, OURS))


def _find(box: list[Any]) -> Holders:
    """Of what is in the list, which nothing else of ours refers to; if it is empty of all."""
    if not box:
        return Holders("most", _core.holders("largest", box, OURS))
    if isinstance(box[0], str):
        return _of_text(box[0])
    if isinstance(box[0], type):
        return Holders(_name_of(box[0]), _core.holders("types", box, OURS))
    of = f"this {_name_of(type(box[0]))}"
    return Holders(of, _core.holders("object", box, OURS))


def holders(of: object = _ALL) -> Holders:
    """Who keeps objects alive: how the program calls them, and what would go with them.

    A child process looks, so the program stands for a fork alone; where none can be made it
    is done in place. None of the program's code runs. Objects are those that Python's
    collector follows and all that these refer to.

    >>> from memory_profiler.heap import holders
    >>> cache = {f"user:{i}": [i, str(i)] for i in range(1000)}
    >>> holders(cache).rows[0].count
    1

    Args:
        of: an object: who refers to it; a class, or its name ("app.Node"): all objects of
            exactly this class, those that are held alike as one row; "app.py:12": what that
            line allocated, of the recording that runs. Nothing: what retains most.

    Returns:
        Holders, with a row for each way by which they are held.

    Raises:
        ValueError: no class has this name.
        RuntimeError: a line is asked for and no recording runs; an extension module's type
            broke the child that looked.
        NotImplementedError: this is the install without the C core.
    """
    if not hasattr(_core, "holders"):
        raise NotImplementedError(
            "who holds objects needs the C core, which this install lacks"
        )
    box = [] if of is _ALL else [of]
    del of  # no reference of ours but the list's
    return _find(box)
