"""What wrappers of functions call; src/python/levels.c. Nothing here can change how deep a
thread is: each of our frames is a level of the recursion limit.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self


def levels(count: int, function: Any = None, /, *args: Any, **names: Any) -> Any:
    """The result of a function of ours."""
    return None if function is None else function(*args, **names)


def from_level(level: int, function: Callable[..., Any], /, *args: Any) -> Any:
    """The function's result."""
    return function(*args)


class Driven:
    """Yields, and awaits, what an iterator does; each piece of it runs between `enter(call)`
    and `leave()` of what that returned."""

    def __init__(self, steps: Any, enter: Callable[[Any], Any], call: object, /) -> None:
        self._steps, self._enter, self._call = steps, enter, call

    def __iter__(self) -> Self:
        return self

    __await__ = __iter__

    def _run(self, step: Callable[..., Any], *args: Any) -> Any:
        piece = self._enter(self._call)
        try:
            return step(*args)
        finally:
            piece.leave()

    def __next__(self) -> Any:
        return self._run(next, self._steps)

    def send(self, value: Any, /) -> Any:
        return self._run(self._steps.send, value)

    def throw(self, *error: Any) -> Any:
        return self._run(self._steps.throw, *error)

    def close(self) -> None:
        self._run(self._steps.close)
