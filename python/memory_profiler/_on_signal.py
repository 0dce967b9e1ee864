"""MPROF_HEAP_ON_SIGNAL=USR2: that signal starts a recording of this process, the next ends it.

    memory_profiler_heap.pth    begin(), as `site` runs, where the variable is set
    the signal                  heap.start(), into FOLDER/mprofheap_TIME-PID.mprof
    the signal again            heap.stop(); of a child that records with its parent, that

Nothing here raises into the program. A signal that has a handler by then is the program's, and
stays so. A call that waits ends for the handler and goes on (PEP 475).
"""

from __future__ import annotations

import os
import signal

from memory_profiler._say import say

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from types import FrameType

VARIABLE = "MPROF_HEAP_ON_SIGNAL"
SAMPLE = 512 << 10  #: bytes, as where `mprof heap` attaches
_UNITS = {"K": 10, "M": 20, "G": 30}
_NEVER = "KILL", "STOP", "CHLD", "SEGV", "BUS", "FPE", "ILL", "TRAP", "ABRT", "INT", "TERM"


class Wrong(Exception):
    """What the variable says cannot be."""


def _number(word: str) -> int:
    """Of "USR2", "SIGUSR2", "RTMIN+3", "37"."""
    name, plus, more = word.upper().removeprefix("SIG").partition("+")
    try:
        number = int(name) if name.isdecimal() else int(signal.Signals[f"SIG{name}"])
        number += int(more) if plus else 0
        known = {int(valid) for valid in signal.valid_signals()}
    except (KeyError, ValueError):
        known, number = set(), 0
    if number not in known or number in {
        int(getattr(signal, f"SIG{name}", 0)) for name in _NEVER
    }:
        raise Wrong(f"no signal {word!r} that could be used: USR1, USR2, RTMIN+3...")
    return number


def _bytes(word: str) -> int:
    unit = _UNITS.get(word[-1:].upper(), 0)
    digits = word[:-1] if unit else word
    if not digits.isdecimal():
        raise Wrong(f"no size {word!r}: 512K, 64K, 0 for every block")
    return int(digits) << unit


class Switch:
    """What the signal does."""

    def __init__(self, text: str) -> None:
        word, *options = text.split(",")
        self.number = _number(word)
        self.sample, self.folder, self.children = SAMPLE, "", False
        for option in options:
            name, _, value = option.partition("=")
            if name == "sample":
                self.sample = _bytes(value)
            elif name == "folder" and value:
                self.folder = os.path.abspath(value)
            elif option == "children":
                self.children = True
            else:
                raise Wrong(f"no option {option!r}: sample=512K, folder=/var/tmp, children")

    def path(self) -> str:
        import time

        stamp = time.strftime("%Y%m%d%H%M%S")
        return os.path.join(self.folder, f"mprofheap_{stamp}-{os.getpid()}.mprof")

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """In the main thread, between two instructions of the program's."""
        try:
            from memory_profiler import heap

            if heap._ours() is not None:
                heap.stop()
            elif heap._end_child() is None:
                heap._start_late(self.path(), self.sample, self.children)
        except Exception as problem:
            say(f"{VARIABLE}: {getattr(problem, 'strerror', None) or problem}")


_begun = False


def begin() -> None:
    """Waits for the signal, where nobody else does. `site` may read a file twice."""
    global _begun
    if _begun:
        return
    _begun = True
    try:
        switch = Switch(os.environ[VARIABLE])
        if signal.getsignal(switch.number) is signal.SIG_DFL:
            signal.signal(switch.number, switch)
    except Wrong as problem:
        say(f"{VARIABLE}: {problem}")
    except (OSError, ValueError):
        pass  # not the main thread, or the system keeps it
