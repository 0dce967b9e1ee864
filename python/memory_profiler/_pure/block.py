"""Blocks: `with profile.block():` measures the frame that runs it; src/capture/lines/block.c.

An open block has an activation of its own on that frame, above those that are there already. A
generator that yields inside its block goes on with it wherever it is resumed.
"""

from __future__ import annotations

import sys

from memory_profiler._pure import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, Self

    from memory_profiler._pure.lines import Tracer


class Block:
    """To be derived from: `_begin(code, globals, line)`, `_end(code, what that returned)`."""

    def __enter__(self) -> Self:
        frame = sys._getframe(1)
        thing = self._begin(frame.f_code, frame.f_globals, frame.f_lineno)
        if thing is not None:
            opened = lines.Opened(id(frame), self, thing)
            lines.opened.append(opened)
            if isinstance(thing, lines.Tracer):
                opened.binding = thing._state.block
                lines.thread.push(opened)
                lines.events.open_block(frame)
        return self

    def __exit__(self, *error: object) -> None:
        frame = sys._getframe(1)
        for opened in reversed(lines.opened):
            if opened.frame == id(frame) and opened.owner is self:
                lines.opened.remove(opened)
                if opened.binding is not None:
                    lines.thread.close(opened)
                    lines.events.close_block(frame)
                self._end(frame.f_code, opened.thing)
                break

    # There is none here: it would stand before that of a second base class.
    if TYPE_CHECKING:

        def _begin(
            self, code: CodeType, names: dict[str, Any], line: int
        ) -> Tracer | Any: ...

        def _end(self, code: CodeType, thing: Any) -> None: ...


def only_for(name: str, call: Callable[..., Any], /) -> Callable[..., Any]:
    """A function that is `call` for arguments that begin with `name`."""
    return lambda first, *rest: call(first, *rest) if first == name else None
