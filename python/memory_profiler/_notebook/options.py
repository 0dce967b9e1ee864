"""A magic's options, and how magics speak to the shell."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SHORTEST, LONGEST = 1e-5, 1e9  # seconds: a reading takes microseconds, clocks have an end


def usage_error(text: str) -> Exception:
    from IPython.core.error import UsageError

    error: Exception = UsageError(text)
    return error


def display(thing: Any, **how: Any) -> None:
    from IPython import display as displays

    show: Any = displays.display
    show(thing, **how)


class Options:
    """A magic's options: letters to values, and the statement behind them as it was typed."""

    def __init__(self, line: str, allowed: str, long: tuple[str, ...] = ()) -> None:
        from getopt import GetoptError, getopt

        from IPython.utils import process

        split: Any = vars(process)["arg_split"]
        words = split(line, posix=False, strict=False)
        try:
            found, rest = getopt(words, allowed, long)
        except GetoptError as error:
            also = "".join(f", --{name.rstrip('=')}" for name in long)
            raise usage_error(f'{error.msg} (allowed: "{allowed}"{also})') from None
        self._found: dict[str, list[str]] = {}
        for letter, value in found:
            self._found.setdefault(letter.lstrip("-"), []).append(value)
        at = 0
        for word in words[: len(words) - len(rest)]:
            at = line.index(word, at) + len(word)
        self.statement = line[at:].strip()

    def has(self, letter: str) -> bool:
        return letter in self._found

    def all(self, letter: str) -> list[str]:
        return [_unquoted(text) for text in self._found.get(letter, [])]

    def last(self, letter: str) -> str | None:
        return self.all(letter)[-1] if self.has(letter) else None

    def number(self, letter: str, kind: type, default: Any) -> Any:
        """The option as an int or float. Raises UsageError."""
        text = self.last(letter)
        if text is None:
            return default
        try:
            return kind(text)
        except ValueError:
            names = {int: "a whole number", float: "a number of seconds"}
            raise usage_error(f"-{letter} takes {names[kind]}, not {text!r}") from None

    def interval(self, default: float) -> float:
        seconds: float = self.number("i", float, default)
        if not 0 < seconds < float("inf"):
            raise usage_error(f"-i takes a positive number of seconds, not {seconds}")
        return min(max(seconds, SHORTEST), LONGEST)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text
