"""Objects that a test makes and that are live at its end.

Python keeps the memory of lists, dicts and others that are gone for the next ones, whose stacks
are then those of the first use. So a collection right before the test's own function gives it
back, and right behind that is looked, with nothing of pytest's in between.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys

from memory_profiler._limits.holders import USERS

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memory_profiler._limits.holders import Frame
    from memory_profiler._pytest.items import Phase

    Rows = list[tuple[list[object], list[Frame]]]


def settle() -> None:
    """What is garbage, or in the interpreter's own caches, is no leak."""
    gc.collect()
    clear = getattr(sys, "_clear_internal_caches", None)  # 3.13 and later
    if clear is not None:
        clear()


class Survivors:
    """Those of one run of a test, whose function is looked after from here on until end()."""

    def __init__(self, item: Any, phase: Phase, is_function: bool) -> None:
        self._item, self._phase = item, phase
        self._function: Callable[..., Any] | None = None
        self.rows: Rows = []  #: objects, and the frames that made them, innermost first
        if is_function and not inspect.iscoroutinefunction(item.obj):
            self._function = item.obj
            item.obj = self._wrapped(item.obj)
        else:
            settle()

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **names: Any) -> Any:
            settle()
            self._phase.know()
            gc.collect()  # what that took
            result = function(*args, **names) if names else function(*args)
            settle()
            self.rows = self._phase.survivors()
            return result

        return run

    def end(self) -> None:
        """Behind the test; where it has no function of its own what its code made counts."""
        if self._function is not None:
            self._item.obj = self._function
            return
        rows = self._phase.survivors()
        self.rows = [row for row in rows if any(frame[3] == USERS for frame in row[1])]
