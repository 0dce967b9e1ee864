"""Line events from sys.settrace, where there is no sys.monitoring.

Every call of every function is seen while a thread counts; only traced code gets line events.
A trace function that was there before (a debugger, coverage) goes on being called.
"""

from __future__ import annotations

import dis
import sys

from memory_profiler._pure import lines
from memory_profiler._standard import standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    Trace = Callable[[FrameType, Any, Any], Any]
    Selector = Callable[[CodeType, dict[str, object]], object]

RESUME = dis.opmap.get("RESUME")

SUSPENDS = 0x20 | 0x80 | 0x200  # co_flags of generators and coroutines

_selector: Selector | None = None
_always = False
_asking = False


def _is_resumed(frame: FrameType) -> bool:
    """Whether a generator goes on: its RESUME says so in the low bits."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if RESUME is None or at < 0 or code[at] != RESUME:
        return at >= 0 and RESUME is None
    return code[at + 1] & 3 != 0


def _offer(frame: FrameType) -> None:
    global _asking
    if _selector is None or _asking or id(frame.f_code) in lines.bindings:
        return
    _asking = True
    try:
        _selector(frame.f_code, frame.f_globals)
    except Exception:
        pass
    _asking = False


def _begin(frame: FrameType) -> None:
    code, resumed = frame.f_code, _is_resumed(frame)
    line = frame.f_lineno or code.co_firstlineno if resumed else lines.entry_of(code)
    lines.thread.begin(id(frame), code, line, resumed)
    if resumed and lines.opened:
        lines.thread.resume(id(frame), line)


def _count(frame: FrameType, event: str) -> None:
    thread = lines.thread
    top = thread.find(id(frame))
    if top is None:  # an exception was thrown into a generator: no call is told
        thread.begin(id(frame), frame.f_code, frame.f_lineno, True)
        thread.resume(id(frame), frame.f_lineno)
    elif event == "line":
        thread.line(top, frame.f_lineno)
        top.state.check_limit(top.last)
    elif event == "return":
        top = thread.end()
        top.state.check_limit(top.last)


class _Frame:
    """The trace function of one frame: ours, then the one that was there."""

    def __init__(self, ours: bool, other: Trace | None) -> None:
        self.ours, self.other = ours, other

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if self.ours:
            _count(frame, event)
        if self.other is not None:
            self.other = self.other(frame, event, arg)
        return self


class _Hook:
    """The trace function of one thread."""

    def __init__(self, other: Trace | None) -> None:
        self.other = other

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        _offer(frame)
        ours = id(frame.f_code) in lines.bindings
        if ours:
            _begin(frame)
        other = self.other(frame, event, arg) if self.other is not None else None
        return _Frame(ours, other) if ours or other is not None else None


def start() -> None:
    """Nothing to take."""


def watch(code: CodeType) -> None:
    """Nothing to ask for: all calls are seen."""


def forget(code: CodeType) -> None:
    """Nothing to undo."""


def follow() -> None:
    """Traces this thread from here on."""
    present = sys.gettrace()
    if not isinstance(present, _Hook):
        sys.settrace(_Hook(present))


def unfollow() -> None:
    """Puts back what was there when this thread counts nothing any more."""
    present = sys.gettrace()
    if isinstance(present, _Hook) and not lines.thread.contexts and not _always:
        sys.settrace(present.other)


def open_block(frame: FrameType) -> None:
    """Traces this thread and the lines of a frame that runs already; a generator's may go on
    in threads that start later."""
    if frame.f_code.co_flags & SUSPENDS:
        follow_all()
    follow()
    present = frame.f_trace
    if not (isinstance(present, _Frame) and present.ours):
        frame.f_trace = _Frame(True, present)


def close_block(frame: FrameType) -> None:
    """Stops, unless somebody else wants the frame's lines."""
    present = frame.f_trace
    if isinstance(present, _Frame) and lines.thread.find(id(frame)) is None:
        frame.f_trace = present.other
    if not lines.opened:
        unfollow()


def follow_all() -> None:
    """Traces this thread and those that start, to the end: generators run later."""
    global _always
    if not _always:
        _always = True
        follow()
        with standard:
            import threading

        threading.settrace(_in_new_thread)


def _in_new_thread(frame: FrameType, event: Any, arg: Any) -> Any:
    sys.settrace(None)
    follow()
    hook = sys.gettrace()
    return hook(frame, event, arg) if hook is not None else None


def select(call: Selector | None, /) -> None:
    """Shows `call` every code object when it runs."""
    global _selector
    _selector = call
    if call is not None:
        follow_all()
