"""`--pdb-mmem`: stops in pdb where memory rises over a maximum."""

from __future__ import annotations

import bdb
import io
import pdb
import sys
from types import FrameType, TracebackType
from typing import Any

from memory_profiler._say import is_ours
from memory_profiler._standard import standard

MIB = 2**20
OPTIMIZED = 0x1  # co_flags of functions: their f_locals is a copy before 3.13


class Breaker:
    """Enters the debugger when told; what runs next is the line that was about to run."""

    def __init__(self, max_mem: float) -> None:
        self.max_mem = max_mem

    def __call__(self, reading: int) -> None:
        frame = _programs_frame()
        print(
            f"Current memory {reading / MIB:.2f} MiB exceeded the maximum of "
            f"{self.max_mem:.2f} MiB"
        )
        print("Stepping into the debugger ")
        interact(frame)


class _Debugger(pdb.Pdb):
    """Pdb without our frames, and with a quiet `q`. Without a stdin, `q` is read."""

    def __init__(self) -> None:
        streams: dict[str, Any] = {}
        if sys.stdin is None or sys.stdin.closed:
            streams = {"stdin": io.StringIO(), "stdout": sys.stdout or io.StringIO()}
        super().__init__(nosigint=True, skip=["memory_profiler.*"], **streams)

    def get_stack(
        self, f: FrameType | None, t: TracebackType | None
    ) -> tuple[list[tuple[FrameType, int]], int]:
        stack, at = super().get_stack(f, t)
        shown = [entry for entry in stack if not _is_ours(entry[0])]
        return shown, shown.index(stack[at]) if stack[at] in shown else len(shown) - 1

    def trace_dispatch(self, frame: FrameType, event: str, arg: Any) -> Any:
        try:
            return super().trace_dispatch(frame, event, arg)
        except bdb.BdbQuit:
            sys.settrace(None)
            raise SystemExit(0) from None


def _is_ours(frame: FrameType) -> bool:
    return is_ours(frame.f_globals.get("__package__"))


def _programs_frame() -> FrameType:
    """The frame whose line is about to run: not ours, nor the pure-Python core's."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__package__") == "memory_profiler._pure":
        frame = frame.f_back
    return frame


def interact(frame: FrameType) -> None:
    """A pdb prompt at `frame`. Steps go on with the program; `q` ends it quietly."""
    debugger = _Debugger()
    debugger.reset()
    outer: FrameType | None = frame
    while outer is not None:
        outer.f_trace = debugger.trace_dispatch
        debugger.botframe = outer
        outer = outer.f_back
    debugger.set_step()
    debugger.interaction(frame, None)
    if sys.version_info < (3, 13) and frame.f_code.co_flags & OPTIMIZED:
        _give_back(frame)
    if debugger.quitting:
        raise SystemExit(0)
    if debugger.stoplineno != -1 or debugger.breaks:
        sys.settrace(debugger.trace_dispatch)


def _give_back(frame: FrameType) -> None:
    """Takes over what was assigned at the prompt, and drops the copies of the variables, which
    would keep objects alive that the program deletes."""
    with standard:
        import ctypes

    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    frame.f_locals.clear()
