"""LineProfiler, CodeMap, show_results and LogFile behave as those of memory_profiler 0.61."""

from __future__ import annotations

import io
import logging
import mmap
import sys
import types

import pytest

from conftest import parse_table
from memory_profiler import CodeMap, LineProfiler, LogFile, show_results

# --- LineProfiler ---


def test_a_new_line_profiler_has_the_classics_attributes() -> None:
    prof = LineProfiler()
    assert isinstance(prof.code_map, CodeMap) and len(prof.code_map) == 0
    assert (prof.enable_count, prof.max_mem, prof.backend) == (0, None, "psutil")
    assert prof.prevlines == [] and prof.prev_lineno is None
    prof = LineProfiler(include_children=True, backend="posix", max_mem=10**6)
    assert prof.max_mem == 10**6 and prof.backend == "posix"
    assert prof.code_map.include_children is True
    with pytest.raises(KeyError):
        LineProfiler(backend="nosuch")


def double(values: list[int]) -> list[int]:
    return values * 2


def lines_of(prof: LineProfiler) -> dict[int, int]:
    """{line: occurrences} of `double`."""
    (rows,) = [dict(rows) for _, rows in prof.code_map.items()]
    return {line: row[2] for line, row in rows.items() if row}


def test_every_way_to_count_a_function() -> None:
    first = double.__code__.co_firstlineno
    prof = LineProfiler()
    prof.add_function(double)
    double([1])
    assert dict(prof.code_map.items()) == {}  # nothing is enabled

    with prof:
        double([1])
    assert lines_of(prof) == {first: 1, first + 1: 1}

    prof.enable_by_count()
    prof.enable_by_count()
    assert prof.enable_count == 2
    double([1])
    prof.disable_by_count()
    double([1])
    assert prof.enable_count == 1
    prof.disable_by_count()
    double([1])
    prof.disable_by_count()
    assert prof.enable_count == 0
    assert lines_of(prof)[first + 1] == 3

    prof.enable()
    prof.enable()
    double([1])
    prof.disable()
    double([1])
    prof.disable()
    assert lines_of(prof)[first + 1] == 4

    assert prof.runctx("result = double([1])", globals(), names := {}) is prof
    assert names == {"result": [1, 1]}
    assert lines_of(prof)[first + 1] == 5

    wrapped = prof.wrap_function(double)
    assert wrapped([1]) == [1, 1] and wrapped.__name__ == "double"
    assert prof(double)([1]) == [1, 1]
    assert lines_of(prof)[first + 1] == 7


def test_runctx_counts_until_an_exception_leaves_and_passes_it_on() -> None:
    prof = LineProfiler()
    prof.add_function(double)
    with pytest.raises(ZeroDivisionError):
        prof.runctx("double([1]); 1 / 0", globals(), {})
    assert prof.enable_count == 0
    double([1])
    assert lines_of(prof)[double.__code__.co_firstlineno + 1] == 1


def test_precision_and_the_other_options_of_the_injected_profile_are_accepted() -> None:
    prof = LineProfiler()
    assert prof(precision=4)(double)([1]) == [1, 1]
    assert prof(double, 4)([1]) == [1, 1]


def test_what_has_no_code_is_passed_through_with_the_classics_warning() -> None:
    with pytest.warns(UserWarning, match="Could not extract a code object for the object"):
        LineProfiler().add_function(len)


def test_trace_functions_can_be_set_and_change_nothing() -> None:
    prof = LineProfiler()
    old = sys.gettrace()
    try:
        sys.settrace(prof.trace_memory_usage)
        assert double([1]) == [1, 1]
        sys.settrace(prof.trace_max_mem)
        assert double([1]) == [1, 1]
    finally:
        sys.settrace(old)


def test_the_trace_function_of_the_program_stays() -> None:
    def mine(frame: object, event: str, arg: object) -> None:
        return None

    old = sys.gettrace()
    prof = LineProfiler()
    try:
        sys.settrace(mine)
        prof(double)([1])
        assert sys.gettrace() is mine
    finally:
        sys.settrace(old)


# --- CodeMap ---


def outer() -> int:
    total = 0
    for value in [n for n in range(3)]:
        total += (lambda: value)()
    return total


def test_the_code_map_has_the_classics_shape_and_order() -> None:
    prof = LineProfiler()
    prof.add_function(double)
    prof.add_function(outer)
    with prof:
        outer()
        double([1])
    code_map = prof.code_map
    assert isinstance(code_map, dict)
    nested = [c for c in outer.__code__.co_consts if isinstance(c, types.CodeType)]
    assert outer.__code__ in code_map and all(code in code_map for code in nested)
    assert all(code_map[code] is code_map[outer.__code__] for code in nested)
    for rows in code_map.values():
        for line, (increment, memory, occurrences) in rows.items():
            assert isinstance(line, int) and isinstance(increment, float)
            assert 1 < memory < 10_000 and occurrences >= 1
    assert [code for _, code, _ in code_map._toplevel] == [double.__code__, outer.__code__]
    items = [(name, list(rows)) for name, rows in code_map.items()]
    assert [name for name, _ in items] == [__file__, __file__]
    first = outer.__code__.co_firstlineno
    assert [line for line, _ in items[1][1]] == list(range(first, first + 5))
    entry = dict(items[1][1])[first]
    assert entry[0] == pytest.approx(entry[1]) and entry[2] == 1


def test_functions_that_never_ran_are_not_among_the_items() -> None:
    prof = LineProfiler()
    prof.add_function(double)
    prof.add_function(outer)
    with prof:
        double([1])
    ((_, rows),) = prof.code_map.items()
    assert next(iter(rows))[0] == double.__code__.co_firstlineno


def test_a_code_map_can_be_filled_by_hand() -> None:
    code_map = CodeMap(False, "psutil")
    code_map.add(double.__code__)
    code_map.add(double.__code__)
    first = double.__code__.co_firstlineno
    assert list(code_map.items()) == [] and len(code_map._toplevel) == 1
    code_map.trace(double.__code__, first, None)
    code_map.trace(double.__code__, first + 1, first)
    code_map.trace(double.__code__, first + 1, first)
    ((name, rows),) = [(name, dict(rows)) for name, rows in code_map.items()]
    assert name == __file__ and list(rows) == [first, first + 1]
    assert rows[first][0] == rows[first][1] and rows[first][2] == 1
    assert rows[first + 1][2] == 2 and abs(rows[first + 1][0]) < 50


def test_an_unknown_backend_of_a_code_map_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        CodeMap(False, "nosuch")


# --- show_results ---


def test_show_results_prints_the_table_to_a_stream_or_stdout(capsys) -> None:
    prof = LineProfiler()
    prof(double)([1])
    out = io.StringIO()
    show_results(prof, out, 4)
    table = parse_table(out.getvalue())
    assert table.filename == __file__ and table.line("return values").occurrences == 1
    assert len(out.getvalue().split(" MiB")[0].split(".")[-1]) == 4
    show_results(prof)
    assert len(capsys.readouterr().out.split(" MiB")[0].split(".")[-1]) == 1
    show_results(prof, stream=out, precision=0)
    with pytest.raises(ValueError):
        show_results(prof, out, -1)


def test_show_results_takes_any_object_with_the_classics_code_map() -> None:
    first = double.__code__.co_firstlineno

    class Map:
        def items(self):
            yield (
                __file__,
                iter(
                    [
                        (first, (20.5, 20.5, 1)),
                        (first + 1, None),
                        (first + 1, (0.25, 20.75, 2)),
                    ]
                ),
            )

    out = io.StringIO()
    show_results(types.SimpleNamespace(code_map=Map()), out, 3)
    table = parse_table(out.getvalue())
    assert (table.rows[first].memory, table.rows[first].increment) == (20.5, 20.5)
    row = table.rows[first + 1]
    assert (row.memory, row.increment, row.occurrences) == (20.75, 0.25, 2)

    code_map = CodeMap(False, "psutil")
    code_map.add(double.__code__)
    code_map.trace(double.__code__, first, None)
    out = io.StringIO()
    show_results(types.SimpleNamespace(code_map=code_map), out)
    table = parse_table(out.getvalue())
    assert table.rows[first].occurrences == 1 and table.rows[first + 1].memory is None
    assert table.rows[first].source == "def double(values: list[int]) -> list[int]:"


# --- LogFile ---


def logged(caplog, flag: bool) -> list[str]:
    log = LogFile("memory.test", reportIncrementFlag=flag)
    prof = LineProfiler()

    @prof
    def work() -> int:
        block = mmap.mmap(-1, 45 * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_POPULATE)
        text = "10 MiB of text"
        return len(block) + len(text)

    work()
    with caplog.at_level(logging.DEBUG, "memory.test"):
        show_results(prof, log)
    log.flush()
    assert {record.levelno for record in caplog.records} == {logging.INFO}
    assert {record.name for record in caplog.records} == {"memory.test"}
    return [record.getMessage() for record in caplog.records]


def test_a_log_file_logs_every_piece_of_the_report(caplog) -> None:
    messages = logged(caplog, False)
    assert messages[0].startswith("Filename: ") and "Line Contents" in messages[1]
    assert set(messages[2].strip()) == {"="} and messages[-1] == "\n\n"
    assert len(messages) == 4 + 5


def test_a_log_file_with_the_flag_logs_titles_and_growth_alone(caplog) -> None:
    messages = logged(caplog, True)
    assert "Filename:" in messages[0] and "Line Contents" in messages[1]
    assert len(messages) == 4, messages  # the entry row and the line that grew
    assert "mmap.mmap(-1, 45" in messages[3]


def test_a_log_file_can_stand_for_stdout(caplog, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", LogFile("memory.test"))
    with caplog.at_level(logging.DEBUG, "memory.test"):
        print("100 %s")
        sys.stdout.write("warned", logging.WARNING)
        sys.stdout.flush()
    assert caplog.records[0].getMessage() == "100 %s"
    assert caplog.records[-1].levelno == logging.WARNING
    assert LogFile().logger is logging.getLogger()
