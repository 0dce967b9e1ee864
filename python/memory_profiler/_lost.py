"""What could not be measured. The program that we measure never hears of it: it is counted, and
said in one line when the program has ended."""

from __future__ import annotations

import atexit
import os

from memory_profiler._say import is_ours, say

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from types import TracebackType

_counts: dict[tuple[str, str], int] = {}  # (what, why) -> how often
_owner = 0  # the process that counts: a forked child tells of its own alone


class Nothing:
    """A context manager that measures nothing; contextlib cannot be imported everywhere."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def reason(error: BaseException) -> str:
    """Why, in a few words."""
    if isinstance(error, MemoryError):
        return str(error) or "out of memory"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def count(what: str, why: str, times: int = 1) -> None:
    """Notes a loss; `what` in the plural."""
    global _owner
    if _owner != os.getpid():
        _owner = os.getpid()
        _counts.clear()
        atexit.register(tell)
    _counts[what, why] = _counts.get((what, why), 0) + times


def tell() -> None:
    """Says what was lost since it was said last."""
    if not _counts or _owner != os.getpid():
        return
    lost = "; ".join(f"{what}: {times} ({why})" for (what, why), times in _counts.items())
    _counts.clear()
    say(f"not measured: {lost}")


def is_own(error: BaseException) -> bool:
    """Whether an error came up in what we do: not in the program's code that we called, nor in
    a handler of its signals, which runs wherever a signal finds us."""
    return isinstance(error, Exception) and _ours_alone(error.__traceback__)


def _ours_alone(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__")
        if not is_ours(name) and not str(name).startswith(
            ("importlib.", "_frozen_importlib")
        ):
            return False
        traceback = traceback.tb_next
    return True


def lose(what: str, error: BaseException) -> None:
    """Notes that an error of ours cost something; raises one that is not ours."""
    if not is_own(error):
        raise error
    count(what, reason(error))
