"""Writing results: the classic's text table, JSON."""

from __future__ import annotations

import sys

from memory_profiler import _core
from memory_profiler._results import FunctionResult, Results

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import IO

    from memory_profiler._codemap import CodeMap
    from memory_profiler._profiler import LineProfiler

MOST_DECIMALS = 100
MIB = 2**20


def check_precision(precision: int) -> int:
    """The number of decimals. Raises ValueError when it is negative or above 100."""
    if not 0 <= precision <= MOST_DECIMALS:
        raise ValueError(f"precision is {precision}, must be 0 to {MOST_DECIMALS}")
    return precision


def write_text(stream: IO[str], text: str) -> None:
    """Writes, with \\x.. for what the stream's encoding cannot hold."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _missing_source(function: FunctionResult) -> str:
    text = f"ERROR: Could not find file {function.filename}\n"
    if function.filename.startswith(("ipython-input", "<ipython-input")):
        text += (
            "NOTE: %mprun can only be used on functions defined in physical files, "
            "and not in the IPython environment.\n"
        )
    return text


def _pieces(text: str) -> list[str]:
    """The table as the classic wrote it: title, header, rule and each row on their own."""
    title, table = text.split("\n\n", 1)
    rows = table[:-2].split("\n")[:-1]
    return [f"{title}\n\n", *(f"{row}\n" for row in rows), "\n\n"]


def write_table(stream: IO[str], results: Results, precision: int) -> None:
    """One block for each function, in order."""
    for function in results:
        if not function.has_source:
            write_text(stream, _missing_source(function))
            continue
        text = _core.text_lines(function.record, precision, results.peaks, results.heap)
        for piece in _pieces(text):
            write_text(stream, piece)


def json_text(results: Results) -> str:
    """The document of docs/json.md."""
    version = ".".join(map(str, sys.version_info[:3]))
    records = [function.record for function in results]
    return _core.json_lines(records, results.backend, version, results.peaks, results.heap)


def html_text(
    results: Results, title: str, precision: int = 3, fragment: bool = False
) -> str:
    """A web page without scripts; as a `fragment`, its tables for the output of a notebook."""
    records = [function.record for function in results if function.has_source]
    title = title.encode("utf-8", "surrogatepass").decode("utf-8", "backslashreplace")
    return _core.html_lines(
        records, precision, title, results.backend, fragment, results.peaks, results.heap
    )


def results_of_map(code_map: CodeMap) -> Results:
    """The results in an object of the classic's shape: items() yields (file name, iterable of
    (line number, None or (increment, memory, occurrences))), MiB."""
    import linecache

    functions = []
    for filename, lines in code_map.items():
        rows = dict(lines)
        source = [linecache.getline(filename, line).rstrip("\r\n") for line in rows]
        cells = {
            line: (round(row[1] * MIB), round(row[0] * MIB), int(row[2]), 0, 0, 0, 0)
            for line, row in rows.items()
            if row
        }
        first = min(rows, default=1)
        functions.append(FunctionResult((filename, "", first, first, 0, source, cells)))
    return Results(functions)


def show_results(
    prof: LineProfiler, stream: IO[str] | None = None, precision: int = 1
) -> None:
    """Prints the line tables of a profiler.

    Args:
        prof: the profiler. stream: where to; default `sys.stdout`.
        precision: decimals of the MiB columns (bytes / 2**20).

    Raises:
        ValueError: a negative precision.

    >>> from memory_profiler import LineProfiler
    >>> show_results(LineProfiler())  # nothing was measured, nothing is printed
    """
    check_precision(precision)
    stream = sys.stdout if stream is None else stream
    if isinstance(getattr(prof, "results", None), Results):
        write_table(stream, prof.results, precision)
    else:
        write_table(stream, results_of_map(prof.code_map), precision)
