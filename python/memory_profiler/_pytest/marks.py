"""What the markers of a test say."""

from __future__ import annotations

from memory_profiler._limits import sizes

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


#: What pytest-memray has as well.
SHARED = "limit_memory", "limit_leaks", "limit_leaked_objects"


class Wrong(Exception):
    """A marker says what cannot be, and what to write."""


class Frame:
    """One frame of a stack that `filter_fn` sees, as pytest-memray has it."""

    def __init__(self, function: str, filename: str, lineno: int) -> None:
        self.function, self.filename, self.lineno = function, filename, lineno

    def __repr__(self) -> str:
        return f"Frame({self.function!r}, {self.filename!r}, {self.lineno})"


class Stack:
    """The stack of what is still live; `frames`: most recent first."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.frames = tuple(frames)


class Memory:
    """limit_memory."""

    def __init__(self, limit: int, alone: bool) -> None:
        self.limit, self.alone = limit, alone


class Leaks:
    """limit_leaks."""

    def __init__(self, limit: int, filter_fn: Any, alone: bool, warmups: int) -> None:
        self.limit, self.filter_fn = limit, filter_fn
        self.alone, self.warmups = alone, warmups


class Objects:
    """limit_leaked_objects."""

    def __init__(self, filter_fn: Any, warmups: int) -> None:
        self.filter_fn, self.warmups = filter_fn, warmups


class Growth:
    """limit_growth."""

    def __init__(self, limit: int, repeat: int, warmups: int) -> None:
        self.limit, self.repeat, self.warmups = limit, repeat, warmups


class Marks:
    """The limits of one test."""

    def __init__(self, item: Any, ours: Iterable[str]) -> None:
        self.memory: list[Memory] = []
        self.leaks: list[Leaks] = []
        self.objects: list[Objects] = []
        self.growth: list[Growth] = []
        readers: dict[str, Callable[..., None]] = {
            "limit_memory": self._limit_memory,
            "limit_leaks": self._limit_leaks,
            "limit_leaked_objects": self._limit_leaked_objects,
            "limit_growth": self._limit_growth,
        }
        for mark in item.iter_markers():
            if mark.name not in ours:
                continue
            try:
                readers[mark.name](*mark.args, **mark.kwargs)
            except (TypeError, ValueError) as error:
                words = str(error).replace(f"Marks._{mark.name}()", mark.name)
                raise Wrong(f"{mark.name}: {words}") from None

    def __bool__(self) -> bool:
        return bool(self.memory or self.finds_leaks or self.growth)

    @property
    def finds_leaks(self) -> bool:
        """Whether it matters what is live at the end."""
        return bool(self.leaks or self.objects)

    @property
    def warmups(self) -> int:
        warmups = [leaks.warmups for leaks in self.leaks]
        return max(warmups + [objects.warmups for objects in self.objects], default=0)

    def _limit_memory(self, limit: str, *, current_thread_only: bool = False) -> None:
        self.memory.append(Memory(sizes.parse(limit), bool(current_thread_only)))

    def _limit_leaks(
        self,
        location_limit: str,
        *,
        filter_fn: Any = None,
        current_thread_only: bool = False,
        warmups: int = 1,
    ) -> None:
        _check(filter_fn)
        alone = bool(current_thread_only)
        limit = sizes.parse(location_limit)
        self.leaks.append(Leaks(limit, filter_fn, alone, _times("warmups", warmups, 0)))

    def _limit_leaked_objects(self, *, filter_fn: Any = None, warmups: int = 1) -> None:
        _check(filter_fn)
        self.objects.append(Objects(filter_fn, _times("warmups", warmups, 0)))

    def _limit_growth(self, limit: str, *, repeat: int = 20, warmups: int = 2) -> None:
        repeat, warmups = _times("repeat", repeat, 3), _times("warmups", warmups, 0)
        self.growth.append(Growth(sizes.parse(limit), repeat, warmups))


def _check(filter_fn: Any) -> None:
    if filter_fn is not None and not callable(filter_fn):
        raise TypeError(f"filter_fn is no function, but {filter_fn!r}")


def _times(name: str, count: int, least: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < least:
        raise ValueError(f"{name}={count!r} cannot be: use a number of at least {least}")
    return count
