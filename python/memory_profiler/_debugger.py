"""`--pdb-mmem`: stops in pdb where memory rises over a maximum."""

from __future__ import annotations

import pdb
import sys
from types import FrameType

MIB = 2**20


class Breaker:
    """Enters the debugger when told; what runs next is the line that was about to run."""

    def __init__(self, max_mem: float) -> None:
        self.max_mem = max_mem

    def __call__(self, reading: int) -> None:
        frame = sys._getframe(1)
        print(
            f"Current memory {reading / MIB:.2f} MiB exceeded the maximum of "
            f"{self.max_mem:.2f} MiB"
        )
        print("Stepping into the debugger ")
        interact(frame)


def interact(frame: FrameType) -> None:
    """A pdb prompt at `frame`. Steps go on with the program; `q` ends it quietly."""
    debugger = pdb.Pdb(nosigint=True)
    debugger.reset()
    outer: FrameType | None = frame
    while outer is not None:
        outer.f_trace = debugger.trace_dispatch
        debugger.botframe = outer
        outer = outer.f_back
    debugger.set_step()
    debugger.interaction(frame, None)
    if debugger.quitting:
        raise SystemExit(0)
    if debugger.stoplineno != -1 or debugger.breaks:
        sys.settrace(debugger.trace_dispatch)
