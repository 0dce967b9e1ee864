"""Profiling without touching the source: which functions `--all` and `--function` mean."""

from __future__ import annotations

import os
import sys
from fnmatch import fnmatchcase

from memory_profiler import _core
from memory_profiler._lines.profiler import LineProfiler
from memory_profiler._say import is_ours

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from memory_profiler._lines.family import Named
    from memory_profiler._program.program import Program
    from memory_profiler._timeline.timestamps import TimeStamper

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


def top_level(code: CodeType) -> bool:
    """Whether code is a module's own, from a file, and does anything."""
    from_file = not code.co_filename.startswith("<")
    return code.co_name == "<module>" and from_file and bool(code.co_names)


class Tree:
    """The program's own directory with what is below it, but for what is installed there."""

    def __init__(self, top: str) -> None:
        self.top = os.path.join(os.path.abspath(top), "")
        self.library = os.path.join(os.path.dirname(os.__file__), "")
        self._known: dict[str, bool] = {}

    def has(self, filename: str) -> bool:
        if filename not in self._known:
            self._known[filename] = self._look(filename)
        return self._known[filename]

    def _look(self, filename: str) -> bool:
        if filename.startswith("<"):
            return False
        path = os.path.abspath(filename)
        if not path.startswith(self.top) or path.startswith(self.library):
            return False
        folders = path[len(self.top) :].split(os.sep)
        return "site-packages" not in folders and "dist-packages" not in folders


class Selection:
    """The functions that a run measures besides the decorated ones.

    `every`: those of all modules in the program's own directory tree, and their top levels.
    A pattern is a dotted name with `*`, `?` and `[...]`: `load`, `Class.method` and `load_*`
    mean the program's own functions, `package.module.*` those of an imported module, its top
    level among them.
    """

    def __init__(
        self, profiler: LineProfiler | TimeStamper, every: bool, patterns: list[str]
    ) -> None:
        self.profiler, self.every, self.patterns = profiler, every, patterns
        self.unmatched = set(patterns)
        self.tree: Tree | None = None
        self.chosen = bool(every or patterns)
        self._asking = self.entered = False

    def begin(self, program: Program) -> None:
        """Measures from here on; before anything of the program's runs."""
        if not isinstance(self.profiler, LineProfiler):
            self.patterns = []
            return
        if self.every and not sys.flags.safe_path:
            self.tree = Tree(program.path0)
        self._asking = self.chosen
        if self._asking:
            _core.select(self._consider)

    def enter(self, program: CodeType, names: dict[str, object]) -> None:
        """Before the program's first line: the packages that `-m` imports are behind it."""
        self.entered = True
        if self.every and isinstance(self.profiler, LineProfiler):
            self.tree = self.tree or Tree(os.path.dirname(program.co_filename))
            self._add_module(program, names)

    def _add(self, code: CodeType, names: dict[str, object]) -> None:
        if isinstance(self.profiler, LineProfiler):
            self.profiler._add_code(code, names, always=True)

    def _add_module(self, code: CodeType, names: dict[str, object]) -> None:
        for part in (*functions_in(code), code):
            self._add(part, names)

    def _consider(self, code: CodeType, names: dict[str, object]) -> None:
        """Called by the core when a code object runs for the first time."""
        module = top_level(code)
        if not module and (not code.co_flags & OPTIMIZED or code.co_name.startswith("<")):
            return
        if is_ours(names.get("__name__")) or not self._is_wanted(code, names):
            return
        (self._add_module if module else self._add)(code, names)

    def _is_wanted(self, code: CodeType, names: dict[str, object]) -> bool:
        if self.tree is not None and self.tree.has(code.co_filename):
            return True
        return bool(self.patterns) and self._matches(code, names.get("__name__"))

    def _matches(self, code: CodeType | Named, module: object) -> bool:
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
        if self._asking:
            _core.select(None)
        if self.unmatched and isinstance(self.profiler, LineProfiler):
            for code, names in self.profiler._functions_that_ran():
                self._matches(code, names.get("__name__"))  # decorated: measured anyway
        return sorted(self.unmatched)
