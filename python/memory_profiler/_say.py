"""What we say to people: lines on stderr, warnings."""

from __future__ import annotations

import sys

from memory_profiler._standard import standard

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


def _print(line: str) -> None:
    """One line on stderr; a program that closed it does not hear it."""
    if sys.stderr is None:
        return
    try:
        print("".join(map(_harmless, line)), file=sys.stderr)
    except Exception:  # an object of the program's may raise anything
        pass


def say(message: str) -> None:
    """One line on stderr that tells whose it is."""
    _print(f"{program}: {message}")


def fail(message: str, code: int = 1) -> NoReturn:
    """One line on stderr, then out."""
    say(message)
    raise SystemExit(code)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning at the line of the program's that called us, whatever of ours is between.

    It is never raised: where a filter makes an error of it (`python -W error`), or what shows
    warnings fails, it is a line on stderr as a warning would be.
    """
    level, frame = 1, sys._getframe(0)
    while frame.f_back and is_ours(frame.f_globals.get("__name__")):
        level, frame = level + 1, frame.f_back
    try:
        with standard:
            import warnings

            warnings.warn(message, category, stacklevel=level)
    except Exception:
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        _print(f"{place}: {category.__name__}: {message}")


def is_ours(module: object) -> bool:
    """Whether a module of this name is of this package."""
    return isinstance(module, str) and module.partition(".")[0] == __package__
