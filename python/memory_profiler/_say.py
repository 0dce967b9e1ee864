"""What the command lines say on stderr."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import NoReturn

PROGRAM = "memory_profiler"


def say(message: str, program: str = PROGRAM) -> None:
    """One line on stderr; a program that closed it does not hear it."""
    if sys.stderr is None:
        return
    try:
        print(f"{program}: {message}", file=sys.stderr)
    except (OSError, ValueError):
        pass


def fail(message: str, code: int = 1) -> NoReturn:
    """One line on stderr, then out."""
    say(message)
    raise SystemExit(code)
