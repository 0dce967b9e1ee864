"""`--csv` against docs/json.md."""

from __future__ import annotations

import csv
import io
import json

import pytest

from conftest import PURE, Workshop

pytestmark = pytest.mark.one_version

COLUMNS = [
    "filename", "function", "line", "memory", "increment", "occurrences", "peak", "allocated",
    "freed", "net", "heap_peak", "source",
]  # fmt: skip

SOURCE = """
    class Shape:
        @profile
        def area(self):
            text = "a, b"

            return len(text) + len([1] * 10 ** 6)

    @profile
    def never():
        pass

    Shape().area()
"""


def sheet(shop: Workshop, source: str = SOURCE, *options: str) -> list[dict[str, str]]:
    run = shop.profile(source, "--csv", *options)
    assert (run.code, run.err) == (0, "")
    rows = csv.DictReader(io.StringIO(run.out))
    assert rows.fieldnames == COLUMNS
    return list(rows)


def test_each_source_line_is_a_row_and_sizes_are_bytes(shop: Workshop) -> None:
    rows = sheet(shop)
    assert [int(row["line"]) for row in rows] == [3, 4, 5, 6, 7]
    assert {row["function"] for row in rows} == {"Shape.area"}
    assert [row["occurrences"] for row in rows] == ["1", "0", "1", "0", "1"]
    assert rows[2]["source"] == '        text = "a, b"'
    assert rows[1]["memory"] == rows[1]["increment"] == rows[2]["peak"] == ""
    assert int(rows[0]["increment"]) == int(rows[0]["memory"]) > 2**20


@pytest.mark.skipif(PURE, reason="--peak and --heap are the C core's")
def test_figures_that_are_asked_for_fill_their_columns(shop: Workshop) -> None:
    last = sheet(shop, SOURCE, "--peak", "--heap")[-1]
    assert int(last["peak"]) >= int(last["memory"])
    assert int(last["allocated"]) > 8 * 10**6
    assert int(last["net"]) == int(last["allocated"]) - int(last["freed"])
    assert int(last["heap_peak"]) > 8 * 10**6


def test_the_sheet_and_the_document_have_the_same_rows(shop: Workshop) -> None:
    shop.write("script.py", "import os\n@profile\ndef f():\n    return 1\nf()\n")
    rows = list(csv.DictReader(io.StringIO(shop.run("--csv", "--all", "script.py").out)))
    document = json.loads(shop.run("--json", "--all", "script.py").out)
    expected = [
        (f["function"], str(line["line"]), str(line["occurrences"]))
        for f in document["functions"]
        for line in f["lines"]
    ]
    assert [(r["function"], r["line"], r["occurrences"]) for r in rows] == expected


def test_faults_25_no_cell_is_taken_for_a_formula(shop: Workshop) -> None:
    name = "=cmd|' /C calc'!A0.py"
    shop.write(name, "@profile\ndef f():\n    return 1\nf()\n")
    run = shop.run("--csv", name)
    assert (run.code, run.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert {row["filename"] for row in rows} == {f"'{name}"}
    assert rows[0]["source"] == "'@profile"


def test_faults_22_control_characters_stay_in_their_cell(shop: Workshop) -> None:
    name = 'two\nlines"\x1b[1m.py'
    shop.write(name, "@profile\ndef f():\n\treturn 1\nf()\n")
    run = shop.run("--csv", name)
    assert run.out.count("\n") == 4 and "\x1b" not in run.out
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert rows[0]["filename"] == 'two\\x0alines"\\x1b[1m.py'


def test_one_format_at_a_time_and_a_file_takes_it(shop: Workshop) -> None:
    run = shop.profile(SOURCE, "--csv", "--json")
    assert run.code == 2 and "choose one" in run.err
    run = shop.profile(SOURCE, "--csv", "-o", "lines.csv")
    assert (run.code, run.out, run.err) == (0, "", "")
    assert (shop.path / "lines.csv").read_text().startswith(",".join(COLUMNS))


def test_nothing_measured_is_the_head_alone(shop: Workshop) -> None:
    assert sheet(shop, "@profile\ndef never(): pass") == []
