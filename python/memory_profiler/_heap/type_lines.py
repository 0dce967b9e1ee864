"""What is live of a type, as `memory_profiler.heap` gives it."""

from __future__ import annotations

from collections import namedtuple  # typing's costs more

_TypeLine = namedtuple("_TypeLine", (
    "type", "file", "line", "function", "objects", "bytes", "kept_blocks", "kept",
))  # fmt: skip


class TypeLine(_TypeLine):
    """What is live of one type, in all or from one line of code.

    Source of the figures: the sizes asked of Python's allocators for blocks that begin with an
    object of the type, and for those that such objects point to as their own.
    """

    __slots__ = ()

    type: str  #: "dict", "app.cache.Node"; in brackets what is no object that is known
    file: str  #: empty where rows are types, or no Python code was running
    line: int  #: 0 for all lines of import machinery
    function: str
    objects: int  #: or blocks, of what is no object
    bytes: int  #: of these
    kept_blocks: (
        int  #: that objects of the type keep beside: items of lists, tables of dicts
    )
    kept: int  #: bytes of those

    def __repr__(self) -> str:
        from memory_profiler._heap.views import label
        from memory_profiler._limits.sizes import show

        place = f" of {label(self.file)}:{self.line} {self.function}" if self.file else ""
        beside = f" + {show(self.kept)} beside" if self.kept else ""
        return f"<{self.objects:,} {self.type}{place}: {show(self.bytes)}{beside}>"
