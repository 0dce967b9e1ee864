"""CodeMap: the classic's view of line tables, in MiB."""

from __future__ import annotations

import inspect

from memory_profiler._backends import make_reader

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from memory_profiler._core import Cell

MIB = 2**20

Row = tuple[float, float, int]
"""(increment, memory, occurrences), MiB."""


class CodeMap(dict):  # type: ignore[type-arg]
    """{code object: {line number: (increment, memory, occurrences)}}, MiB.

    Code nested in a function shares the function's dictionary. `LineProfiler.code_map` is a
    snapshot of what the profiler measured; an empty map can be filled with `add` and `trace`.

    Args:
        include_children: adds the memory of child processes to what `trace` reads.
        backend: where `trace` reads, a name of `choose_backend`.
    """

    def __init__(self, include_children: bool, backend: str) -> None:
        super().__init__()
        self.include_children, self.backend = include_children, backend
        self._read = make_reader(backend, include_children)
        #: (file name, code object, range of its source lines)
        self._toplevel: list[tuple[str, CodeType, range]] = []

    def add(self, code: CodeType, toplevel_code: CodeType | None = None) -> None:
        """Adds a function's code and what is nested in it, unless it is there already."""
        if code in self:
            return
        if toplevel_code is None:
            self._toplevel.append((code.co_filename, code, _lines_of(code)))
            self[code] = {}
            toplevel_code = code
        else:
            self[code] = self[toplevel_code]
        for inner in code.co_consts:
            if inspect.iscode(inner):
                self.add(inner, toplevel_code)

    def trace(self, code: CodeType, lineno: int, prev_lineno: int | None) -> None:
        """Reads the memory and charges what came since `prev_lineno` completed to `lineno`."""
        memory = self._read() / MIB
        rows: dict[int, Row] = self[code]
        before = rows.get(prev_lineno) if prev_lineno is not None else None
        increment, most, count = rows.get(lineno, (0.0, memory, 0))
        if before is not None:
            increment += memory - before[1]
        elif not count:
            increment = memory
        rows[lineno] = (increment, max(most, memory), count + 1)

    def items(self) -> Iterator[tuple[str, Iterator[tuple[int, Row | None]]]]:  # type: ignore[override]
        """Yields (file name, iterator of (line number, row or None)) of each measured function,
        in the order they were added."""
        for filename, code, lines in self._toplevel:
            rows = self[code]
            if rows:
                yield filename, ((line, rows.get(line)) for line in lines)


def _lines_of(code: CodeType) -> range:
    try:
        source, first = inspect.getsourcelines(code)
    except OSError:
        return range(0)
    return range(first, first + len(source))


def code_map_of(
    tables: list[tuple[CodeType, int, dict[int, Cell]]],
    include_children: bool,
    backend: str,
) -> CodeMap:
    """The classic's view of a tracer's tables."""
    result = CodeMap(include_children, backend)
    for code, baseline, cells in tables:
        result.add(code)
        entry = 0 if code.co_name == "<module>" else code.co_firstlineno
        for line, (memory, increment, occurrences, *_) in cells.items():
            if memory < 0:
                continue  # it could not be read
            whole = increment + (max(baseline, 0) if line == entry else 0)
            result[code][line] = (whole / MIB, memory / MIB, occurrences)
    return result
