"""Measurements for programs: plain objects, bytes, no formatting."""

from __future__ import annotations

from collections import namedtuple  # typing's costs more

from memory_profiler._report.sources import Sources

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType
    from typing import Any

    from memory_profiler._core import Cell, Function, Grown
    from memory_profiler._lines.family import Named


#: Of a line, in the order of docs/json.md.
FIELDS = (
    "line", "memory", "increment", "occurrences", "peak", "allocated", "freed", "net",
    "heap_peak", "source",
)  # fmt: skip

_Grew = namedtuple("_Grew", ("type", "objects", "bytes"))


class Grew(_Grew):
    """The type of which a line has had most at a time."""

    __slots__ = ()

    type: str  #: its name, with the module where that is not builtins
    objects: int  #: of it that the line had allocated and that were live
    bytes: int  #: of these, and what objects of the type kept beside


NOT_MEASURED: tuple[int | None, int | None, int | None] = (None, None, None)


class LineResult:
    """One source line.

    Attributes:
        line: its number. source: its text, without the line end.
        memory: bytes, the largest reading when the line completed; None: it never ran, or
            memory could not be read whenever it did.
        increment: bytes that the line added over all its executions, callees included; on
            the function's first line, the memory when it was first entered. None likewise.
        occurrences: how often it completed, as sys.settrace counts.
        peak: bytes, the largest high-water mark while it ran, callees included; None: not
            measured (`LineProfiler(peak=True)`, `--peak`).
        allocated, freed: bytes that Python's allocators handed out and got back on the thread
            while it ran, callees included, each byte once; None: not measured (`heap=True`,
            `--heap`). net: allocated minus freed.
        heap_peak: bytes, the largest rise of the thread's net above where an execution began.
        grew: the type that grew most at the line, as `Grew`; None: not asked (`types=True`,
            `--types`), or nothing was live when it was counted.
    """

    __slots__ = (
        "allocated", "freed", "grew", "heap_peak", "increment", "line", "memory", "occurrences",
        "peak", "source",
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
        grew: tuple[str, int, int] | None = None,
    ) -> None:
        self.grew = Grew(*grew) if grew else None
        self.line, self.source, self.peak = line, source, peak
        self.memory, self.increment, self.occurrences = memory, increment, occurrences
        self.allocated, self.freed, self.heap_peak = heap or NOT_MEASURED

    @property
    def net(self) -> int | None:
        """Bytes allocated at the line less those freed; None where nobody asked for them."""
        if self.allocated is None or self.freed is None:
            return None
        return self.allocated - self.freed

    def to_dict(self) -> dict[str, Any]:
        """The line as docs/json.md describes it."""
        fields = {name: getattr(self, name) for name in FIELDS}
        return {**fields, "grew": self.grew._asdict()} if self.grew else fields

    def __repr__(self) -> str:
        return (
            f"LineResult(line={self.line}, memory={self.memory}, increment={self.increment}, "
            f"occurrences={self.occurrences}, source={self.source!r})"
        )


class FunctionResult:
    """One function's table.

    Attributes:
        filename, name: of the code object; name is the qualified name.
        first_line: number of the first line (of the first decorator); 0 for the top level of
            a module, whose entry has a row of its own.
        baseline: bytes when it was first entered.
        lines: {line number: LineResult} for every source line of the function; where there is
            no source (code from strings), those up to the last that ran.
        heap: whether lines have `allocated`, `freed`, `net` and `heap_peak`.
        grown: {line number: (type, objects, bytes)} of what grew most; None: not asked.
    """

    def __init__(
        self, record: Function, heap: bool = False, grown: Grown | None = None
    ) -> None:
        self.record, self.heap, self.grown = record, heap, grown
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
                increment += max(self.baseline, 0)
            known = memory >= 0
            self.lines[number] = LineResult(
                number, text, memory if known else None, increment if known else None,
                occurrences, peak or None, (spent[0], spent[1], spent[2]) if heap else None,
                (grown or {}).get(number),
            )  # fmt: skip

    @property
    def has_source(self) -> bool:
        """Whether the text of any of its lines is known."""
        return any(self.record[5])

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


def function_result(
    code: CodeType | Named,
    names: dict[str, Any],
    baseline: int,
    cells: dict[int, Cell],
    heap: bool = False,
    sources: Sources | None = None,
    grown: Grown | None = None,
) -> FunctionResult:
    """Joins a table with its source; without one its lines are shown empty. Cells outside the
    source are kept in the record. The top level of a module has a row 0 for its entry: what
    line 1 adds is its own."""
    first = code.co_firstlineno
    last = max(cells, default=first)
    source = (sources or Sources()).of(code, names, last)
    head = [code.co_name] if source else [""]
    source = source or [""] * (last - first + 1)
    if code.co_name == "<module>":
        first, source = 0, head + source
    record = (code.co_filename, code.co_qualname, first, first, baseline, source, cells)
    return FunctionResult(record, heap, grown)


def block_result(
    code: CodeType,
    names: dict[str, Any],
    site: tuple[int, str],
    table: tuple[int, dict[int, Cell]],
    heap: bool,
    sources: Sources,
) -> FunctionResult:
    """The table of a `with` block as that of a function: its entry is the line of the `with`.
    `site` is that line and the block's name, `table` the baseline and the cells."""
    line, name = site
    baseline, cells = table
    last = max(cells)
    source = sources.of_block(code, names, line, last) or [""] * (last - line + 1)
    record = (code.co_filename, name, line, line, baseline, source, cells)
    return FunctionResult(record, heap)
