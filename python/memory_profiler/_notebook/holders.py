"""%holders: who keeps an object of the notebook alive, what keeps most, what is not needed."""

from __future__ import annotations

import re

from memory_profiler._notebook.options import Options, display, usage_error
from memory_profiler.heap import Holders, Waste, holders, waste

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LINE = re.compile(r"[^\s()\[\]'\"]+:\d+")


def find_and_show(shell: Any, line: str) -> Holders | Waste | None:
    """What the magic does (its options: MemoryProfilerMagics.holders)."""
    __tracebackhide__ = True
    options = Options(line, "o", ("waste",))
    text = options.statement
    found: Holders | Waste
    if options.has("waste") and text:
        raise usage_error(f"--waste is of everything there is: leave out {text!r}")
    try:
        if options.has("waste"):
            found = waste()
        elif not text:
            found = holders()
        elif _LINE.fullmatch(text):
            found = holders(text)
        else:
            found = holders(shell.ev(text))  # no name of ours holds it
    except (RuntimeError, NotImplementedError) as error:
        raise usage_error(str(error)) from None
    if options.has("o"):
        return found
    display(found)
    return None
