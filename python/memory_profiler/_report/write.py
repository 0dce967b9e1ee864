"""Writing results: the classic's text table, JSON."""

from __future__ import annotations

import os
import sys

from memory_profiler import _core, _lost
from memory_profiler._report.results import FunctionResult, Results
from memory_profiler._say import say
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from memory_profiler._lines.profiler import LineProfiler
    from memory_profiler._report.codemap import CodeMap

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


def _is_cell(function: FunctionResult) -> bool:
    return function.filename.startswith(("ipython-input", "<ipython-input"))


_reported: set[str] = set()  # why reports could not be written


def _write_past(write: Callable[[IO[str]], object], stream: IO[str]) -> None:
    """Writes behind a stream's back: its buffer cannot be entered twice."""
    with open(
        stream.fileno(), "w", encoding=getattr(stream, "encoding", None), closefd=False
    ) as direct:
        write(direct)


def _drop_pending(stream: IO[str]) -> None:
    """Leaves nothing of ours in a stream that takes no more: the interpreter would fail of
    it at its end. What the program writes next fails as it would."""
    try:
        number = stream.fileno()
        kept, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
        inherited = os.get_inheritable(number)
        try:
            os.dup2(nowhere, number)
            stream.flush()
        finally:
            os.dup2(kept, number, inherited)
            os.close(kept)
            os.close(nowhere)
    except Exception:
        pass


def deliver(write: Callable[[IO[str]], object], stream: IO[str] | None) -> bool:
    """Has `write` put a report into a stream of the program's, which never hears of it: what
    fails is said, once, and not raised. Returns whether it went well; a reader that went away
    and a stdout that is none are no failures."""
    if stream is None:
        return True
    try:
        try:
            write(stream)
            getattr(stream, "flush", int)()
        except RuntimeError:  # a signal came in the middle of the program's own write
            _write_past(write, stream)
    except BrokenPipeError:
        _drop_pending(stream)
    except Exception as error:
        if isinstance(error, OSError):
            _drop_pending(stream)
        reason = _lost.reason(error)
        if reason not in _reported:
            _reported.add(reason)
            say(f"cannot write the report: {reason}")
        return False
    return True


def _missing_source(function: FunctionResult) -> str:
    text = f"ERROR: Could not find file {function.filename}\n"
    if _is_cell(function):
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
    """One block for each function, in order; without a source its lines are empty."""
    for function in results:
        if not function.has_source:
            write_text(stream, _missing_source(function))
            if _is_cell(function):
                continue  # all that the classic wrote
        try:
            columns = results.peaks, results.heap
            if function.grown is None:
                text = _core.text_lines(function.record, precision, *columns)
            else:
                text = _core.text_lines(
                    function.record, precision, *columns, function.grown
                )
        except Exception as error:  # the others are still to come
            _lost.lose("tables", error)
            continue
        for piece in _pieces(text):
            write_text(stream, piece)


def json_text(results: Results) -> str:
    """The document of docs/json.md."""
    version = ".".join(map(str, sys.version_info[:3]))
    records = [function.record for function in results]
    columns = results.backend, version, results.peaks, results.heap
    if all(function.grown is None for function in results):
        return _core.json_lines(records, *columns)
    return _core.json_lines(records, *columns, [one.grown or {} for one in results])


def csv_text(results: Results) -> str:
    """The sheet of docs/json.md: a row for each line."""
    records = [function.record for function in results]
    return _core.csv_lines(records, results.peaks, results.heap)


def html_text(
    results: Results, title: str, precision: int = 3, fragment: bool = False
) -> str:
    """A web page without scripts; as a `fragment`, its tables for the output of a notebook."""
    records = [function.record for function in results]
    title = title.encode("utf-8", "surrogatepass").decode("utf-8", "backslashreplace")
    return _core.html_lines(
        records, precision, title, results.backend, fragment, results.peaks, results.heap
    )


def results_of_map(code_map: CodeMap) -> Results:
    """The results in an object of the classic's shape: items() yields (file name, iterable of
    (line number, None or (increment, memory, occurrences))), MiB."""
    with standard:
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
