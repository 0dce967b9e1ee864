"""Measurements for programs: plain objects, bytes, no formatting."""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType
    from typing import Any

    from memory_profiler._core import Cell, Function


#: Of a line, in the order of docs/json.md.
FIELDS = (
    "line", "memory", "increment", "occurrences", "peak", "allocated", "freed", "net",
    "heap_peak", "source",
)  # fmt: skip

NOT_MEASURED: tuple[int | None, int | None, int | None] = (None, None, None)


class LineResult:
    """One source line.

    Attributes:
        line: its number. source: its text, without the line end.
        memory: bytes, the largest reading when the line completed; None: it never ran.
        increment: bytes that the line added over all its executions, callees included; on
            the function's first line, the memory when it was first entered. None likewise.
        occurrences: how often it completed, as sys.settrace counts.
        peak: bytes, the largest high-water mark while it ran, callees included; None: not
            measured (`LineProfiler(peak=True)`, `--peak`).
        allocated, freed: bytes that Python's allocators handed out and got back on the thread
            while it ran, callees included, each byte once; None: not measured (`heap=True`,
            `--heap`). net: allocated minus freed.
        heap_peak: bytes, the largest rise of the thread's net above where an execution began.
    """

    __slots__ = (
        "allocated", "freed", "heap_peak", "increment", "line", "memory", "occurrences", "peak",
        "source",
    )  # fmt: skip

    def __init__(
        self,
        line: int,
        source: str,
        memory: int | None = None,
        increment: int | None = None,
        occurrences: int = 0,
        peak: int | None = None,
        heap: tuple[int, int, int] | None = None,
    ) -> None:
        self.line, self.source, self.peak = line, source, peak
        self.memory, self.increment, self.occurrences = memory, increment, occurrences
        self.allocated, self.freed, self.heap_peak = heap or NOT_MEASURED

    @property
    def net(self) -> int | None:
        if self.allocated is None or self.freed is None:
            return None
        return self.allocated - self.freed

    def to_dict(self) -> dict[str, Any]:
        """The line as docs/json.md describes it."""
        return {name: getattr(self, name) for name in FIELDS}

    def __repr__(self) -> str:
        return (
            f"LineResult(line={self.line}, memory={self.memory}, increment={self.increment}, "
            f"occurrences={self.occurrences}, source={self.source!r})"
        )


class FunctionResult:
    """One function's table.

    Attributes:
        filename, name: of the code object; name is the qualified name.
        first_line: number of the first line (of the first decorator).
        baseline: bytes when it was first entered.
        lines: {line number: LineResult} for every source line of the function.
        heap: whether lines have `allocated`, `freed`, `net` and `heap_peak`.
    """

    def __init__(self, record: Function, heap: bool = False) -> None:
        self.record, self.heap = record, heap
        self.filename, self.name, self.first_line, entry, self.baseline, source, cells = (
            record
        )
        self.lines: dict[int, LineResult] = {}
        for number, text in enumerate(source, self.first_line):
            if number not in cells:
                self.lines[number] = LineResult(number, text)
                continue
            memory, increment, occurrences, peak, *spent = cells[number]
            if number == entry:
                increment += self.baseline
            self.lines[number] = LineResult(
                number, text, memory, increment, occurrences, peak or None,
                (spent[0], spent[1], spent[2]) if heap else None,
            )  # fmt: skip

    @property
    def has_source(self) -> bool:
        return bool(self.record[5])

    def to_dict(self) -> dict[str, Any]:
        """The function as docs/json.md describes it."""
        return {
            "filename": self.filename,
            "function": self.name,
            "first_line": self.first_line,
            "baseline": self.baseline,
            "lines": [line.to_dict() for line in self.lines.values()],
        }

    def __repr__(self) -> str:
        return f"FunctionResult({self.name!r}, {self.filename!r}, line {self.first_line})"


class Results:
    """The measured functions: a sequence, also indexed by name (`results["Class.method"]`).

    Attributes:
        backend: where the numbers come from. peaks: whether lines have a `peak`.
        heap: whether lines have `allocated`, `freed`, `net` and `heap_peak`.
    """

    def __init__(
        self,
        functions: Iterable[FunctionResult] = (),
        backend: str = "psutil",
        peaks: bool = False,
        heap: bool = False,
    ) -> None:
        self._functions = list(functions)
        self.backend, self.peaks, self.heap = backend, peaks, heap

    def update(self, newer: Results) -> None:
        """Replaces functions by their newer tables; adds those that are new."""
        for function in newer:
            key = (function.filename, function.name, function.first_line)
            self._functions = [
                old
                for old in self._functions
                if (old.filename, old.name, old.first_line) != key
            ]
            self._functions.append(function)

    def __getitem__(self, which: int | str) -> FunctionResult:
        if isinstance(which, int):
            return self._functions[which]
        for function in self._functions:
            if which in (function.name, function.name.rpartition(".")[2]):
                return function
        raise KeyError(which)

    def __iter__(self) -> Iterator[FunctionResult]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def to_dict(self) -> dict[str, Any]:
        """The functions as docs/json.md describes them; bytes."""
        return {"unit": "bytes", "functions": [function.to_dict() for function in self]}

    def __repr__(self) -> str:
        return f"Results({self._functions!r})"


def _can_be(code: CodeType, line: str) -> bool:
    """Whether a function can begin with this line. Code from strings shares its file name,
    `<string>`, with other strings, and linecache may know one of those."""
    if not code.co_filename.startswith("<") or code.co_name.startswith("<"):
        return True
    return line.lstrip().startswith(("@", "def ", "async ", "class "))


def source_of(code: CodeType, names: dict[str, Any], last: int) -> list[str]:
    """The source lines of a function from its first line, at least up to line `last`; empty
    when there is no source. Line ends are stripped."""
    import inspect
    import linecache
    import tokenize

    every = linecache.getlines(code.co_filename, names or None)
    rest = every[max(code.co_firstlineno, 1) - 1 :]
    if not rest or not _can_be(code, rest[0]):
        return []
    try:
        block = rest if code.co_name == "<module>" else inspect.getblock(rest)
    except (SyntaxError, tokenize.TokenError):  # the file is not what was compiled
        block = []
    needed = max(len(block), last - code.co_firstlineno + 1)
    return [line.rstrip("\r\n") for line in rest[:needed]]


def function_result(
    code: CodeType,
    names: dict[str, Any],
    baseline: int,
    cells: dict[int, Cell],
    heap: bool = False,
) -> FunctionResult:
    """Joins a table with its source. Cells outside the source are kept in the record."""
    first = code.co_firstlineno
    source = source_of(code, names, max(cells, default=first))
    name = code.co_qualname
    record = (code.co_filename, name, first, first, baseline, source, cells)
    return FunctionResult(record, heap)
