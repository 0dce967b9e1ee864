"""`from memory_profiler import profile`: its options, what it prints, keeps and frees."""

from __future__ import annotations

import contextlib
import gc
import inspect
import io
import sys
import types
import weakref

import pytest

import memory_profiler
from conftest import Workshop, parse_table, parse_tables
from memory_profiler import _core, profile
from programs import SIMPLE


def test_a_function_prints_its_table_after_each_call(out) -> None:
    @profile
    def work(x):
        y = x + 1
        return y

    assert out.getvalue() == "", "nothing at decoration"
    assert [work(1), work(2)] == [2, 3]
    tables = parse_tables(out.getvalue())
    assert [t.line("y = x + 1").occurrences for t in tables] == [1, 1]
    assert tables[0].filename == __file__


def test_the_result_is_a_function_with_everything_wraps_copies() -> None:
    def work(a: int, *, b: str = "x") -> None:
        """Doc."""

    work.attribute = 1
    wrapped = profile(work)
    assert isinstance(wrapped, types.FunctionType)
    assert wrapped.__wrapped__ is work and wrapped.attribute == 1
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(wrapped, name) == getattr(work, name)
    assert inspect.signature(wrapped) == inspect.signature(work)


def test_the_stream_is_looked_up_at_the_time_of_the_call(out, monkeypatch) -> None:
    @profile
    def work():
        return 1

    later = io.StringIO()
    monkeypatch.setattr(sys, "stdout", later)
    work()
    assert (
        out.getvalue() == ""
        and parse_table(later.getvalue()).line("return 1").occurrences == 1
    )


def test_options_choose_stream_precision_backend_and_children() -> None:
    stream = io.StringIO()

    @profile(stream=stream, precision=4, backend="psutil_uss", include_children=True)
    def work():
        return 1

    assert work() == 1
    row = next(line for line in stream.getvalue().split("\n") if "return 1" in line)
    assert len(row.split()[1].split(".")[1]) == 4


def test_empty_parentheses_and_positional_options_work() -> None:
    stream = io.StringIO()

    @profile()
    def first():
        return 1

    with contextlib.redirect_stdout(stream):
        first()
    second = profile(lambda: 2, stream, 2)
    assert second() == 2
    assert stream.getvalue().count("Filename: ") == 2


@pytest.mark.parametrize("precision", [-1, 101, 10**9])
def test_a_precision_out_of_bounds_is_refused_at_decoration(precision: int) -> None:
    with pytest.raises(ValueError, match="precision"):
        profile(lambda: 1, precision=precision)
    with pytest.raises(ValueError, match="precision"):
        memory_profiler.show_results(memory_profiler.LineProfiler(), precision=precision)


def test_an_unknown_backend_is_a_key_error_that_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="psutil"):
        profile(lambda: 1, backend="nothing")


def test_a_call_that_raises_prints_its_table(out) -> None:
    @profile
    def work():
        raise LookupError("own")

    with pytest.raises(LookupError, match="own"):
        work()
    (table,) = parse_tables(out.getvalue())
    assert table.line("raise LookupError").occurrences == 1
    latest = profile.results[-1].lines
    assert latest[table.first.number + 2].occurrences == 1


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_faults_58_the_same_exception_comes_out_and_nothing_stays_open(out, kind) -> None:
    raised = kind("x")

    @profile
    def inner():
        raise raised

    @profile
    def outer():
        return inner()

    tracing = sys.gettrace(), sys.getprofile()
    with pytest.raises(kind) as caught:
        outer()
    assert caught.value is raised and raised.__context__ is None
    assert _core.work()["open"] == 0
    assert (sys.gettrace(), sys.getprofile()) == tracing


def test_faults_58_no_child_is_killed_when_a_profiled_function_raises(
    shop: Workshop,
) -> None:
    run = shop.profile(
        """
        import subprocess
        child = subprocess.Popen(["sleep", "60"])

        @profile
        def work():
            raise ValueError

        try:
            work()
        except ValueError:
            pass
        assert child.poll() is None
        child.kill()
        child.wait()
    """,
        "--include-children",
    )
    assert (run.code, run.err) == (0, "")


# --- lifetimes ---


def test_a_decorated_function_is_freed_with_its_code() -> None:
    """Ten calls make ten tracers of the same code; none may keep it."""

    def make():
        namespace = {}
        exec(compile("def work():\n    return 1\n", __file__, "exec"), namespace)
        return namespace["work"]

    work = make()
    wrapped = profile(work, io.StringIO())
    for _ in range(10):
        wrapped()
    gc.collect()
    before = sys.getrefcount(work.__code__)
    for _ in range(10):
        wrapped()
    gc.collect()
    after = sys.getrefcount(work.__code__)
    assert after == before
    code = weakref.ref(work.__code__)
    memory_profiler.profile._results = None
    del work, wrapped
    gc.collect()
    assert code() is None


def test_calls_do_not_leak_memory() -> None:
    @profile(stream=io.StringIO())
    def work():
        return 1

    def many(n):
        for _ in range(n):
            work.__wrapped__()
            profiler = memory_profiler.LineProfiler()
            profiler(work.__wrapped__)()
            del profiler

    many(50)
    gc.collect()
    before = _core.memory(0)
    many(2000)
    gc.collect()
    assert _core.memory(0) - before < 600_000


def test_the_frames_locals_are_freed_as_without_profiling(out) -> None:
    class Thing:
        pass

    seen = []

    @profile
    def work():
        thing = Thing()
        seen.append(weakref.ref(thing))

    work()
    assert seen[0]() is None


def test_arguments_are_freed_when_a_profiled_generator_drops_them(out) -> None:
    class Thing:
        pass

    @profile
    def echo():
        while (yield) is not None:
            pass

    generator = echo()
    next(generator)
    thing = Thing()
    seen = weakref.ref(thing)
    generator.send(thing)
    del thing
    assert seen() is None


# --- sources ---


def test_functions_made_by_exec_show_the_source_that_linecache_knows(out) -> None:
    import linecache

    source = "def work(x):\n    y = x\n    return y\n"
    linecache.cache["<made>"] = (len(source), None, source.splitlines(True), "<made>")
    namespace = {}
    exec(compile(source, "<made>", "exec"), namespace)
    profile(namespace["work"])(1)
    table = parse_table(out.getvalue())
    assert table.filename == "<made>"
    assert table.line("y = x").occurrences == 1


def test_functions_without_source_say_so_and_show_their_lines_empty(out) -> None:
    namespace = {}
    exec("\n\ndef made(x):\n    kept = [x] * 100\n    return kept\n", namespace)
    assert len(profile(namespace["made"])(1)) == 100
    said, _, table = out.getvalue().partition("\n")
    assert said == "ERROR: Could not find file <string>"
    table = parse_table(table)
    assert {row.number: (row.occurrences, row.source) for row in table.rows.values()} == {
        3: (1, ""), 4: (1, ""), 5: (1, "")
    }  # fmt: skip
    result = profile.results["made"]
    assert result.lines[4].occurrences == 1 and not result.has_source


@pytest.mark.parametrize(
    "end",
    [
        "import os; os.unlink('script.py')",
        """with open("script.py", "w") as file: file.write("x\\n" * 3 + "'''")""",
    ],
    ids=["went", "changed"],
)
def test_a_source_file_that_changed_or_went_is_no_fault(shop: Workshop, end: str) -> None:
    run = shop.profile(SIMPLE + end)
    assert (run.code, run.err) == (0, "")


# --- results ---


def test_results_hold_the_latest_call_in_bytes(out, tolerance) -> None:
    @profile
    def measured(size):
        block = b"x" * size
        return len(block)

    measured(50 * 2**20)
    measured(80 * 2**20)
    result = profile.results["measured"]
    line = next(line for line in result.lines.values() if 'b"x" *' in line.source)
    assert line.increment == pytest.approx(80 * 2**20, abs=tolerance * 2**20)
    assert line.occurrences == 1 and line.memory > 80 * 2**20
    assert result.first_line == measured.__wrapped__.__code__.co_firstlineno
    assert result.filename == __file__
    assert result.lines[result.first_line].increment == result.baseline
    assert result.lines[result.first_line + 1].memory is None
    with pytest.raises(KeyError):
        profile.results["no such function"]
    assert profile.results.to_dict()["unit"] == "bytes"


def test_results_of_a_line_profiler_are_what_it_prints(out) -> None:
    profiler = memory_profiler.LineProfiler()

    @profiler
    def work():
        x = 1
        return x

    for _ in range(3):
        work()
    memory_profiler.show_results(profiler, precision=3)
    table = parse_table(out.getvalue())
    for line in profiler.results[0].lines.values():
        row = table.rows[line.line]
        assert row.occurrences == line.occurrences and row.source == line.source
        if line.memory is not None:
            assert row.memory == pytest.approx(line.memory / 2**20, abs=0.0006)
            assert row.increment == pytest.approx(line.increment / 2**20, abs=0.0006)


def test_show_results_writes_in_the_classics_pieces(out) -> None:
    class Pieces(list):
        write = list.append

    profiler = memory_profiler.LineProfiler()

    def work():
        return 1

    profiler(work)()
    pieces = Pieces()
    memory_profiler.show_results(profiler, stream=pieces)
    assert pieces[0] == f"Filename: {__file__}\n\n"
    assert pieces[2] == "=" * 61 + "\n" and pieces[-1] == "\n\n"
    assert all(piece.count("\n") == 1 for piece in pieces[1:-1])
