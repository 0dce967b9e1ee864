"""Which of the user's own lines led to the memory, and what lines hold with all that they call."""

from __future__ import annotations

import json
import re

from heap_recordings import report
from recordings import Recorder

PROGRAM = """\
import json

def parse(count):
    return json.loads("[" + ",".join(["[1, 2]"] * count) + "]")

def twice(depth):
    kept = [bytearray(100_000)]
    if depth:
        kept += twice(depth - 1)
    return kept

def main():
    rows = parse(50_000)
    return rows, twice(3)

held = main()
"""


def recorded(heap: Recorder) -> dict:
    heap.write("yours.py", PROGRAM)
    assert heap.mprof("heap", "-o", "y.mprof", "yours.py").code == 0
    return report(heap, "y.mprof")


def by_line(lines: list[dict], file: str) -> dict[int, dict]:
    return {line["line"]: line for line in lines if line["file"].endswith(file)}


def test_a_line_of_yours_has_what_the_library_allocated_for_it(heap: Recorder) -> None:
    got = recorded(heap)
    (first, *_) = got["your_lines"]
    assert (first["line"], first["function"]) == (4, "parse")
    assert first["beneath"]["file"].endswith("json/decoder.py")
    lines = by_line(got["lines"], "decoder.py")
    assert first["beneath"]["at_peak"] <= lines[first["beneath"]["line"]]["at_peak"]
    assert first["live"] > by_line(got["lines"], "yours.py")[4]["live"]


def test_your_lines_sum_to_the_whole(heap: Recorder) -> None:
    got = recorded(heap)
    for figure in ("at_peak", "live", "total", "allocations", "temporary"):
        yours = sum(line[figure] for line in got["your_lines"])
        rest = got["not_your_lines"][figure] + got["own"][figure]
        lines = sum(line[figure] for line in got["lines"]) + got["own"][figure]
        assert yours + rest == lines
    assert sum(line["live"] for line in got["lines"]) + got["own"]["live"] == got["live"]


def test_a_total_has_the_callees_and_recursion_once(heap: Recorder) -> None:
    got = recorded(heap)
    yours = by_line(got["your_lines"], "yours.py")
    assert yours[9]["live"] < 10_000  # it calls itself, and allocates next to nothing
    assert 300_000 < yours[9]["cumulative"]["live"] < 310_000  # three of the four, once
    assert 400_000 < yours[14]["cumulative"]["live"] < 410_000
    assert yours[16]["cumulative"]["live"] >= (
        yours[13]["cumulative"]["live"] + yours[14]["cumulative"]["live"]
    )
    for line in got["lines"] + got["your_lines"]:
        assert line["cumulative"]["total"] >= line["total"] or line in got["your_lines"]
    files = json.loads(heap.mprof("lines", "--json", "y.mprof").out)["groups"]
    its = next(group for group in files if group["name"].endswith("yours.py"))
    assert its["cumulative"]["live"] >= yours[16]["cumulative"]["live"]
    assert files[0] == its  # files are ranked by their totals


def test_a_report_begins_with_your_lines_and_the_closing_words_agree(
    heap: Recorder,
) -> None:
    heap.write("yours.py", PROGRAM)
    said = heap.mprof("heap", "-o", "y.mprof", "yours.py").err
    text = heap.mprof("report", "y.mprof").out
    assert text.split("\n\n")[1].startswith("Your lines, at the peak\n")
    head, row, source, beneath = text.split("\n\n")[1].splitlines()[1:5]
    assert head.split() == ["own", "share", "total", "blocks", "where"]
    assert source.strip().startswith("return json.loads(")
    assert re.fullmatch(r"[\d.]+ [KM]iB of it in json/decoder.py:\d+ .*", beneath.strip())
    closing = re.search(r"([\d.]+ MiB) of it from (\S+ \S+);", said)
    assert closing and row.startswith(f"{closing[1]:>11}") and row.endswith(closing[2])


def test_what_a_dataclass_generates_is_no_line_of_yours(heap: Recorder) -> None:
    heap.write(
        "data.py",
        "import dataclasses\n"
        "class Row:\n    values: list = dataclasses.field(default_factory=lambda: bytearray(1 << 20))\n"
        "Row = dataclasses.dataclass(Row)\n"
        "def read():\n    return [Row() for _ in range(8)]\n"
        "kept = read()\n",
    )
    assert heap.mprof("heap", "-o", "d.mprof", "data.py").code == 0
    files = {line["file"] for line in report(heap, "d.mprof")["your_lines"]}
    assert files and "<string>" not in files
