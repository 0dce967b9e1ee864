"""What the command lines say on stderr."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import NoReturn

program = "memory_profiler"  #: whose line it is; `mprof heap` says otherwise


def _harmless(character: str) -> str:
    """What a terminal would obey, or stderr could not encode, as the bytes it is."""
    if character.isprintable():
        return character
    return "".join(
        f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape")
    )


def say(message: str) -> None:
    """One line on stderr; a program that closed it does not hear it."""
    if sys.stderr is None:
        return
    try:
        print(f"{program}: {''.join(map(_harmless, message))}", file=sys.stderr)
    except (OSError, ValueError):
        pass


def fail(message: str, code: int = 1) -> NoReturn:
    """One line on stderr, then out."""
    say(message)
    raise SystemExit(code)
