"""--peak: the high-water mark while each line ran."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from conftest import MIB, Workshop

ROW = re.compile(
    r"^ *(?P<line>\d+) +(?P<memory>[\d.]+) MiB +(?P<increment>-?[\d.]+) MiB +(?P<peak>[\d.]+) MiB"
    r" +(?P<count>\d+)   (?P<source>.*)$"
)


class Line:
    def __init__(self, row: dict) -> None:
        for name in ("memory", "increment", "peak"):
            setattr(self, name, row[name] / MIB if row[name] is not None else None)
        self.occurrences, self.source = row["occurrences"], row["source"]


def peaks_of(shop: Workshop, source: str, **rest: object) -> dict[str, dict[str, Line]]:
    """{function: {source: Line}} of the lines that ran."""
    run = shop.profile(source, "--peak", "--json", **rest)
    assert run.err == "" and run.code == 0, run.err
    document = json.loads(run.out[run.out.index("{\n") :])
    return {
        function["function"]: {
            row["source"].strip(): Line(row)
            for row in function["lines"]
            if row["occurrences"]
        }
        for function in document["functions"]
    }


def test_a_transient_in_a_callee_is_seen_on_the_calling_line_and_only_there(
    shop, gate, tolerance
) -> None:
    work = peaks_of(
        shop,
        """
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
    """,
    )["work"]
    base = work["before = 1"].memory
    assert work["transient()"].peak - base == pytest.approx(76, abs=tolerance)
    assert work["transient()"].increment == pytest.approx(0, abs=tolerance)
    for line in ("before = 1", "after = 2", "return after"):
        assert work[line].peak - base == pytest.approx(0, abs=tolerance)
    assert all(line.peak >= line.memory for line in work.values())


def test_the_largest_of_all_executions_counts(shop, tolerance) -> None:
    work = peaks_of(
        shop,
        """
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
    """,
    )["work"]
    base = work["before = 1"].memory
    assert work["transient(size)"].peak - base == pytest.approx(90, abs=tolerance)
    assert work["between = size"].peak - base == pytest.approx(0, abs=tolerance)


def test_nested_profiled_functions_each_see_their_lines(shop, tolerance) -> None:
    tables = peaks_of(
        shop,
        """
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
    """,
    )
    inner, outer = tables["inner"], tables["outer"]
    base = outer["before = 1"].memory
    assert inner["first = 1"].peak - base == pytest.approx(0, abs=tolerance)
    assert inner['block = b"x" * (76 * 2 ** 20)'].peak - base == pytest.approx(
        76, abs=tolerance
    )
    assert inner["return 1"].peak - base == pytest.approx(45, abs=tolerance)
    assert outer["inner()"].peak - base == pytest.approx(76, abs=tolerance)
    assert outer["after = 2"].peak - base == pytest.approx(45, abs=tolerance)


def test_recursion(shop, tolerance) -> None:
    work = peaks_of(
        shop,
        """
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
    """,
    )["work"]
    base = work["first = n"].memory
    assert work["work(n - 1)"].peak - base == pytest.approx(76, abs=tolerance)
    assert work["first = n"].peak - base == pytest.approx(0, abs=tolerance)
    assert work["return n"].peak - base == pytest.approx(0, abs=tolerance)


def test_a_transient_of_a_generator_is_on_the_line_that_resumes_it(shop, tolerance) -> None:
    tables = peaks_of(
        shop,
        """
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
    """,
    )
    steps, consumer = tables["steps"], tables["consumer"]
    base = consumer["g = steps()"].memory
    assert steps['block = b"x" * (76 * 2 ** 20)'].peak - base == pytest.approx(
        76, abs=tolerance
    )
    assert steps["yield 2"].peak - base == pytest.approx(0, abs=tolerance)
    assert consumer["second = next(g)"].peak - base == pytest.approx(76, abs=tolerance)
    assert consumer["next(g)"].peak - base == pytest.approx(0, abs=tolerance)


def test_an_exception_that_leaves_keeps_the_mark(shop, tolerance) -> None:
    work = peaks_of(
        shop,
        """
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
    """,
    )["work"]
    base = work["before = 1"].memory
    assert work["fails()"].peak - base == pytest.approx(76, abs=tolerance)
    assert work["return after"].peak - base == pytest.approx(0, abs=tolerance)


def test_a_thread_does_not_take_the_mark_from_another(shop, tolerance) -> None:
    tables = peaks_of(
        shop,
        """
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
    """,
    )
    one = tables["one"]
    assert one["transient()"].peak - one["@profile"].memory == pytest.approx(
        76, abs=tolerance + 2
    )


def test_memory_that_is_never_touched_is_no_peak(shop, tolerance) -> None:
    work = peaks_of(
        shop,
        """
        @profile
        def work():
            before = 1
            block = bytes(200 * 2 ** 20)
            del block
            return 1
        work()
    """,
    )["work"]
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
    run = shop.profile(
        """
        @profile
        def work():
            return 1
        work()
    """,
        "--peak",
        "--precision",
        "1",
    )
    match = ROW.match(run.out.split("\n")[4])
    assert match and re.fullmatch(r"\d+\.\d", match["peak"])


def test_without_the_option_nothing_is_said_of_peaks(shop) -> None:
    source = "@profile\ndef work():\n    return 1\nwork()\n"
    assert "Peak" not in shop.profile(source).out
    document = json.loads(shop.profile(source, "--json").out)
    assert all(row.get("peak") is None for f in document["functions"] for row in f["lines"])


def test_the_html_page_has_the_column(shop) -> None:
    source = "@profile\ndef work():\n    return 1\nwork()\n"
    assert shop.profile(source, "--peak", "--html", "page.html").err == ""
    assert ">Peak</th>" in (shop.path / "page.html").read_text()
    assert shop.profile(source, "--html", "page.html").err == ""
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
    run = shop.profile(
        "@profile\ndef work():\n    return 1\nwork()\n", "--peak", "--backend=posix"
    )
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
