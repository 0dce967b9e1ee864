"""Profiling without touching the source: which functions `--all` and `--function` mean."""

from __future__ import annotations

from fnmatch import fnmatchcase

from memory_profiler import _core
from memory_profiler._profiler import LineProfiler

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from memory_profiler._timestamps import TimeStamper

OPTIMIZED = 0x1  # co_flags of functions, as opposed to modules and class bodies


def functions_in(code: CodeType) -> Iterator[CodeType]:
    """The functions and methods that a module's code defines, nested functions left in them."""
    for inner in code.co_consts:
        if not hasattr(inner, "co_consts"):
            continue
        if inner.co_flags & OPTIMIZED and not inner.co_name.startswith("<"):
            yield inner
        else:
            yield from functions_in(inner)


class Selection:
    """The functions that a run measures besides the decorated ones.

    A pattern is a dotted name with `*`, `?` and `[...]`: `load`, `Class.method` and `load_*`
    mean the program's own functions, `package.module.*` those of an imported module.
    """

    def __init__(
        self, profiler: LineProfiler | TimeStamper, every: bool, patterns: list[str]
    ) -> None:
        self.profiler, self.every, self.patterns = profiler, every, patterns
        self.unmatched = set(patterns)

    def begin(self, program: CodeType, names: dict[str, object]) -> None:
        """Measures from here on; before the program's first line."""
        if not isinstance(self.profiler, LineProfiler):
            self.patterns = []
            return
        if self.every:
            for code in (*functions_in(program), program):
                self._add(code, names)
        if self.patterns:
            _core.select(self._consider)

    def _add(self, code: CodeType, names: dict[str, object]) -> None:
        if isinstance(self.profiler, LineProfiler):
            self.profiler._add_code(code, names, always=True)

    def _consider(self, code: CodeType, names: dict[str, object]) -> None:
        """Called by the core when a code object runs for the first time."""
        if not code.co_flags & OPTIMIZED or code.co_name.startswith("<"):
            return
        if self._matches(code, names.get("__name__")):
            self._add(code, names)

    def _matches(self, code: CodeType, module: object) -> bool:
        name = code.co_qualname.replace(".<locals>", "")
        dotted = f"{module}.{name}"
        matched = {
            pattern
            for pattern in self.patterns
            if fnmatchcase(dotted, pattern)
            or (module == "__main__" and fnmatchcase(name, pattern))
        }
        self.unmatched -= matched
        return bool(matched)

    def end(self) -> list[str]:
        """Stops; returns the patterns that no function matched."""
        if self.patterns:
            _core.select(None)
        if isinstance(self.profiler, LineProfiler):
            for code, names in self.profiler._functions_that_ran():
                self._matches(code, names.get("__name__"))  # decorated: measured anyway
        return sorted(self.unmatched)
