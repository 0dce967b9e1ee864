"""--peak: the high-water mark while each line ran."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from conftest import MIB, Workshop
from programs import RETURNS

ROW = re.compile(
    r"^ *(?P<line>\d+) +(?P<memory>[\d.]+) MiB +(?P<increment>-?[\d.]+) MiB +(?P<peak>[\d.]+) MiB"
    r" +(?P<count>\d+)   (?P<source>.*)$"
)


class Line:
    def __init__(self, row: dict) -> None:
        for name in ("memory", "increment", "peak"):
            setattr(self, name, row[name] / MIB if row[name] is not None else None)
        self.occurrences, self.source = row["occurrences"], row["source"]


@pytest.fixture
def peaks_of(shop: Workshop) -> Callable[[str], dict[str, dict[str, Line]]]:
    """{function: {source: Line}} of the lines of a program that ran."""

    def profile(source: str) -> dict[str, dict[str, Line]]:
        run = shop.profile(source, "--peak", "--json")
        assert (run.code, run.err) == (0, ""), run.err
        return {
            name: {
                row["source"].strip(): Line(row)
                for row in function["lines"]
                if row["occurrences"]
            }
            for name, function in run.functions.items()
        }

    return profile


def assert_peaks(
    lines: dict[str, Line], base: float, expected: dict[str, float], tolerance: float
) -> None:
    """How far above a figure memory was while lines ran, in MiB."""
    above = {source: lines[source].peak - base for source in expected}
    assert above == pytest.approx(expected, abs=tolerance)


def test_a_transient_in_a_callee_is_seen_on_the_calling_line_and_only_there(
    peaks_of, gate, tolerance
) -> None:
    work = peaks_of("""
        def transient():
            block = b"x" * (76 * 2 ** 20)
            del block

        @profile
        def work():
            before = 1
            transient()
            after = 2
            return after

        work()
    """)["work"]
    base = work["before = 1"].memory
    assert work["transient()"].peak - base == pytest.approx(76, abs=tolerance)
    assert work["transient()"].increment == pytest.approx(0, abs=tolerance)
    for line in ("before = 1", "after = 2", "return after"):
        assert work[line].peak - base == pytest.approx(0, abs=tolerance)
    assert all(line.peak >= line.memory for line in work.values())


def test_the_largest_of_all_executions_counts(peaks_of, tolerance) -> None:
    work = peaks_of("""
        def transient(size):
            block = b"x" * (size * 2 ** 20)

        @profile
        def work():
            before = 1
            for size in (40, 90, 60):
                transient(size)
                between = size
            return 1

        work()
    """)["work"]
    base = work["before = 1"].memory
    assert_peaks(work, base, {"transient(size)": 90, "between = size": 0}, tolerance)


def test_nested_profiled_functions_each_see_their_lines(peaks_of, tolerance) -> None:
    tables = peaks_of("""
        kept = []

        @profile
        def inner():
            first = 1
            block = b"x" * (76 * 2 ** 20)
            del block
            kept.append(b"x" * (45 * 2 ** 20))
            return 1

        @profile
        def outer():
            before = 1
            inner()
            after = 2
            return after

        outer()
    """)
    inner, outer = tables["inner"], tables["outer"]
    base = outer["before = 1"].memory
    assert_peaks(
        inner,
        base,
        {"first = 1": 0, 'block = b"x" * (76 * 2 ** 20)': 76, "return 1": 45},
        tolerance,
    )
    assert_peaks(outer, base, {"inner()": 76, "after = 2": 45}, tolerance)


def test_recursion(peaks_of, tolerance) -> None:
    work = peaks_of("""
        @profile
        def work(n):
            first = n
            if n:
                work(n - 1)
            else:
                block = b"x" * (76 * 2 ** 20)
                del block
            return n

        work(5)
    """)["work"]
    base = work["first = n"].memory
    assert_peaks(work, base, {"work(n - 1)": 76, "first = n": 0, "return n": 0}, tolerance)


def test_a_transient_of_a_generator_is_on_the_line_that_resumes_it(
    peaks_of, tolerance
) -> None:
    tables = peaks_of("""
        @profile
        def steps():
            yield 1
            block = b"x" * (76 * 2 ** 20)
            del block
            yield 2

        @profile
        def consumer():
            g = steps()
            next(g)
            second = next(g)
            return second

        consumer()
    """)
    steps, consumer = tables["steps"], tables["consumer"]
    base = consumer["g = steps()"].memory
    assert_peaks(
        steps, base, {'block = b"x" * (76 * 2 ** 20)': 76, "yield 2": 0}, tolerance
    )
    assert_peaks(consumer, base, {"second = next(g)": 76, "next(g)": 0}, tolerance)


def test_an_exception_that_leaves_keeps_the_mark(peaks_of, tolerance) -> None:
    work = peaks_of("""
        def fails():
            block = b"x" * (76 * 2 ** 20)
            raise LookupError

        @profile
        def work():
            before = 1
            try:
                fails()
            except LookupError:
                after = 2
            return after

        work()
    """)["work"]
    base = work["before = 1"].memory
    assert_peaks(work, base, {"fails()": 76, "return after": 0}, tolerance)


def test_a_thread_does_not_take_the_mark_from_another(peaks_of, tolerance) -> None:
    tables = peaks_of("""
        import threading
        begun, ended = threading.Event(), threading.Event()

        def transient():
            block = b"x" * (76 * 2 ** 20)
            del block
            begun.set()
            ended.wait(20)

        @profile
        def one():
            transient()
            return 1

        @profile
        def two():
            begun.wait(20)
            for n in range(1000):
                x = bytearray(2 ** 20)
                x = None
            ended.set()
            return 2

        threads = [threading.Thread(target=f) for f in (one, two)]
        for t in threads: t.start()
        for t in threads: t.join()
    """)
    one = tables["one"]
    assert one["transient()"].peak - one["@profile"].memory == pytest.approx(
        76, abs=tolerance + 2
    )


def test_memory_that_is_never_touched_is_no_peak(peaks_of, tolerance) -> None:
    work = peaks_of("""
        @profile
        def work():
            before = 1
            block = bytes(200 * 2 ** 20)
            del block
            return 1
        work()
    """)["work"]
    base = work["before = 1"].memory
    assert work["block = bytes(200 * 2 ** 20)"].peak - base == pytest.approx(
        0, abs=tolerance
    )


def test_the_text_has_one_more_column(shop) -> None:
    run = shop.profile(
        """
        def transient():
            block = b"x" * (76 * 2 ** 20)

        @profile
        def work():

            transient()
            return 1

        work()
    """,
        "--peak",
    )
    assert run.err == ""
    title, empty, header, rule, *rows = run.out.split("\n")
    assert title == "Filename: script.py" and empty == ""
    assert header.split() == [
        "Line",
        "#",
        "Mem",
        "usage",
        "Increment",
        "Peak",
        "Occurrences",
        "Line",
        "Contents",
    ]
    assert set(rule) == {"="}
    full = [match for match in map(ROW.match, rows) if match]
    assert len(full) == 3 and rows[-3:] == ["", "", ""]
    columns = {match.start("source") for match in full}
    (column,) = columns
    empty_rows = [row for row in rows if row and not ROW.match(row)]
    assert all(row[6:column].strip() == "" for row in empty_rows)
    assert any(row[column:] == "def work():" for row in empty_rows)
    # each title ends where its figures end
    for name, figure in (
        ("Mem usage", "memory"),
        ("Increment", "increment"),
        ("Peak", "peak"),
    ):
        end = header.index(name) + len(name)
        assert {match.end(figure) + len(" MiB") for match in full} == {end}, (name, run.out)
    by_source = {match["source"].strip(): match for match in full}
    assert (
        float(by_source["transient()"]["peak"]) - float(by_source["return 1"]["memory"])
        > 75
    )


def test_precision_holds_for_the_column(shop) -> None:
    run = shop.profile(RETURNS, "--peak", "--precision", "1")
    match = ROW.match(run.out.split("\n")[4])
    assert match and re.fullmatch(r"\d+\.\d", match["peak"])


def test_without_the_option_nothing_is_said_of_peaks(shop) -> None:
    assert "Peak" not in shop.profile(RETURNS).out
    functions = shop.profile(RETURNS, "--json").functions.values()
    assert all(row.get("peak") is None for f in functions for row in f["lines"])


def test_the_html_page_has_the_column(shop) -> None:
    assert shop.profile(RETURNS, "--peak", "--html", "page.html").err == ""
    assert ">Peak</th>" in (shop.path / "page.html").read_text()
    assert shop.profile(RETURNS, "--html", "page.html").err == ""
    assert ">Peak</th>" not in (shop.path / "page.html").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("--include-children",),
        ("--backend", "tracemalloc"),
        ("--backend=psutil_uss",),
        ("--backend", "psutil_pss"),
    ],
)
def test_peaks_of_other_sources_are_refused_with_2(shop, words) -> None:
    run = shop.profile("print('ran')", "--peak", *words)
    assert run.code == 2 and run.out == "" and len(run.err.splitlines()) == 1
    assert "--peak" in run.err


def test_the_posix_backend_has_peaks(shop) -> None:
    run = shop.profile(RETURNS, "--peak", "--backend=posix")
    assert run.err == "" and "Peak" in run.out


def test_line_profiler_has_peaks_for_programs(shop, tolerance) -> None:
    shop.write(
        "script.py",
        """
        from memory_profiler import LineProfiler, show_results
        prof = LineProfiler(peak=True)

        def transient():
            block = b"x" * (76 * 2 ** 20)

        @prof
        def work():
            transient()
            return 1

        work()
        lines = prof.results["work"].lines
        call = next(line for line in lines.values() if "transient" in line.source)
        print((call.peak - call.memory) / 2 ** 20)
        show_results(prof)
        for options in ({"backend": "tracemalloc"}, {"include_children": True}):
            try:
                LineProfiler(peak=True, **options)
            except ValueError as error:
                assert "peaks" in str(error)
            else:
                raise AssertionError
    """,
    )
    run = shop.python("script.py")
    assert run.err == "" and run.code == 0
    assert float(run.out.split("\n")[0]) == pytest.approx(76, abs=tolerance)
    assert "Peak" in run.out


def test_a_loop_without_page_faults_makes_hardly_a_system_call(shop) -> None:
    """Marks cost nothing where memory does not move: no reset, hardly a reading."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    shop.write(
        "script.py",
        """
        @profile
        def work():
            for n in range(20_000):
                x = n
        work()
    """,
    )
    words = [strace, "-f", "-c", "-o", "calls.txt", sys.executable, "-m", "memory_profiler"]
    done = subprocess.run(
        [*words, "--peak", "script.py"], cwd=shop.path, capture_output=True
    )
    if done.returncode:
        pytest.skip(f"strace does not work here: {done.stderr!r}")
    calls = {}
    for line in (shop.path / "calls.txt").read_text().splitlines()[2:]:
        words = line.split()
        if len(words) >= 5 and words[3].isdigit():
            calls[words[-1]] = int(words[3])
    assert calls["write"] < 1000, (
        calls
    )  # a reset is a write; the loop alone has 40,000 lines
