"""`--json` and `profile.results.to_dict()` against docs/json.md."""

from __future__ import annotations

import json
import pathlib

import pytest

from conftest import Workshop

DOCUMENT = ("schema", "unit", "version", "python", "backend", "functions")
FUNCTION = ("filename", "function", "first_line", "baseline", "lines")
LINE = (
    "line", "memory", "increment", "occurrences", "peak", "allocated", "freed", "net", "heap_peak",
    "source",
)  # fmt: skip

SOURCE = """
    class Shape:
        @profile
        def area(self):
            x = [1] * 10 ** 6

            return "\\u20ac </script>"

    @profile
    def never():
        pass

    Shape().area()
"""


def document(shop: Workshop, source: str = SOURCE, *options: str) -> dict:
    run = shop.profile(source, "--json", *options)
    assert (run.code, run.err) == (0, "")
    assert run.out.isascii() and run.out.endswith("}\n")
    assert "</" not in run.out, "may stand inside a page"
    return json.loads(run.out)


def test_every_key_is_there_in_the_documented_order(shop: Workshop) -> None:
    data = document(shop)
    assert tuple(data) == DOCUMENT
    assert data["schema"] == "memory_profiler.lines/1" and data["unit"] == "bytes"
    (function,) = data["functions"]
    assert tuple(function) == FUNCTION
    assert function["function"] == "Shape.area" and function["filename"] == "script.py"
    assert all(tuple(line) == LINE for line in function["lines"])


def test_every_source_line_is_there_and_unmeasured_ones_are_null(shop: Workshop) -> None:
    (function,) = document(shop)["functions"]
    lines = function["lines"]
    first = function["first_line"]
    assert [line["line"] for line in lines] == list(range(first, first + 5))
    assert [line["memory"] is None for line in lines] == [False, True, False, True, False]
    assert [line["increment"] is None for line in lines] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert [line["occurrences"] for line in lines] == [1, 0, 1, 0, 1]
    assert lines[0]["increment"] == function["baseline"] == lines[0]["memory"]
    assert lines[4]["source"] == '        return "\\u20ac </script>"'
    assert lines[2]["increment"] == pytest.approx(8e6, abs=2**20)


def test_nothing_measured_is_an_empty_list_of_functions(shop: Workshop) -> None:
    run = shop.profile("x = 1", "--json")
    assert run.code == 0 and json.loads(run.out)["functions"] == []


def test_the_backend_is_named(shop: Workshop) -> None:
    assert document(shop, SOURCE, "--backend", "psutil_uss")["backend"] == "psutil_uss"


def test_results_for_programs_are_the_same_data(shop: Workshop) -> None:
    run = shop.profile(
        SOURCE
        + """
    import json
    with open("results.json", "w") as file:
        json.dump(profile.results.to_dict(), file)
    """,
        "--json",
    )
    theirs = json.loads((shop.path / "results.json").read_text())
    assert theirs["functions"] == json.loads(run.out)["functions"]


def test_the_manual_names_every_key() -> None:
    manual = pathlib.Path(__file__).parents[3] / "docs" / "json.md"
    text = manual.read_text(encoding="utf-8")
    for key in (*DOCUMENT, *FUNCTION, *LINE):
        assert f"`{key}`" in text, key
