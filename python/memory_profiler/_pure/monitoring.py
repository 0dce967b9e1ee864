"""Line events from sys.monitoring (3.12 and later), local to the traced code objects."""

from __future__ import annotations

import sys
from bisect import bisect_right

from memory_profiler._pure import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    Selector = Callable[[CodeType, dict[str, object]], object]

monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
EVENTS = monitoring.events
TOOLS = (4, 3)  # 0, 1, 2 and 5 have owners by convention

_tool: int | None = None
_local = EVENTS.LINE | EVENTS.JUMP | EVENTS.PY_START | EVENTS.PY_RESUME
_local |= EVENTS.PY_RETURN | EVENTS.PY_YIELD
_wide = EVENTS.PY_THROW | EVENTS.PY_UNWIND  # of all code before 3.15
_selector: Selector | None = None
_asking = False


def _line(code: CodeType, line: int) -> None:
    thread = lines.thread
    top = thread.find(id(sys._getframe(1)))
    if top is not None:
        thread.line(top, line)
        top.state.check_limit(top.last)


def _line_of(code: CodeType, offset: int) -> int:
    rows = list(code.co_lines())
    at = bisect_right(rows, offset, key=lambda row: row[0]) - 1
    return rows[at][2] or code.co_firstlineno


def _jump(code: CodeType, offset: int, target: int) -> Any:
    """A backward jump within one line runs that line again."""
    if target > offset or _line_of(code, offset) != _line_of(code, target):
        return monitoring.DISABLE
    top = lines.thread.find(id(sys._getframe(1)))
    if top is not None:
        lines.thread.line(top, top.line)
    return None


def _start(code: CodeType, offset: int) -> Any:
    global _asking
    frame, line = sys._getframe(1), lines.entry_of(code)
    if lines.thread.begin(id(frame), code, line, False) or _selector is None:
        return None
    if id(code) not in lines.bindings:
        if _asking:
            return None
        _asking = True
        try:
            _selector(code, frame.f_globals)
        except Exception:
            pass
        _asking = False
    if lines.thread.begin(id(frame), code, line, False) or id(code) in lines.bindings:
        return None
    return monitoring.DISABLE  # not ours: never asked again


def _resume(code: CodeType, offset: int, error: BaseException | None = None) -> None:
    frame, line = id(sys._getframe(1)), _line_of(code, offset)
    lines.thread.begin(frame, code, line, True)
    if lines.opened:
        lines.thread.resume(frame, line)


def _end(code: CodeType, offset: int, value: object) -> None:
    if lines.thread.find(id(sys._getframe(1))) is not None:
        top = lines.thread.end()
        top.state.check_limit(top.last)


_CALLBACKS: dict[int, Callable[..., Any]] = {
    EVENTS.LINE: _line, EVENTS.JUMP: _jump, EVENTS.PY_START: _start,
    EVENTS.PY_RESUME: _resume, EVENTS.PY_THROW: _resume,
    EVENTS.PY_RETURN: _end, EVENTS.PY_YIELD: _end, EVENTS.PY_UNWIND: _end,
}  # fmt: skip


def _take_tool() -> int:
    for tool in TOOLS:
        try:
            monitoring.use_tool_id(tool, "memory_profiler")
        except ValueError:
            continue
        return tool
    raise RuntimeError(
        f"sys.monitoring tool ids {TOOLS[1]} and {TOOLS[0]} are taken (by "
        f"{monitoring.get_tool(TOOLS[0])!r}), lines are not profiled; stop the other tool first"
    )


def start() -> None:
    """Takes a tool id and registers the callbacks, once. Raises RuntimeError."""
    global _tool, _local, _wide
    if _tool is not None:
        return
    tool = _take_tool()
    for event, callback in _CALLBACKS.items():
        monitoring.register_callback(tool, event, callback)
    try:
        monitoring.set_local_events(tool, start.__code__, _wide)
        monitoring.set_local_events(tool, start.__code__, 0)
        _local, _wide = _local | _wide, 0
    except ValueError:
        pass
    monitoring.set_events(tool, _wide)
    _tool = tool


def watch(code: CodeType) -> None:
    """Asks for the events of one code object."""
    if _tool is not None:
        monitoring.set_local_events(_tool, code, _local)


def forget(code: CodeType) -> None:
    if _tool is not None:
        try:
            monitoring.set_local_events(_tool, code, 0)
        except ValueError:
            pass  # the tool id was taken from us: nothing is left to undo


def follow() -> None:
    """Nothing to do: events are the interpreter's, not a thread's."""


unfollow = follow_all = follow


def open_block(frame: FrameType) -> None:
    """Nothing to do: events are of the code, and on already."""


close_block = open_block


def select(call: Selector | None, /) -> None:
    """Shows `call` every code object when it first runs."""
    global _selector
    start()
    _selector = call
    if _tool is not None:
        monitoring.set_events(_tool, _wide | (EVENTS.PY_START if call else 0))
