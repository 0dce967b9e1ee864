"""The page of a heap capture begins with your lines, and whatever is chosen is so in the graph and in the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from captures import FIGURES, output, page_of, record
from pages import look

pytestmark = pytest.mark.one_version

PROGRAM = """
    import json
    import time

    def text(n):
        return json.dumps([str(i) * 9 for i in range(n)])

    def load(n):
        return json.loads(text(n))

    kept = [load(10000) for _ in range(5)]
    time.sleep(0.2)  # so that there is a moment, however fast the machine
    more = load(3000)
"""
TOTALS = ("at_peak", "live", "total")


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), PROGRAM)


@pytest.fixture(scope="module")
def seen(capture: Path) -> dict:
    return look("look_choice.mjs", page_of(capture)[0], "load", "loads")


def rows_of(shown: dict, name: str) -> list[dict]:
    return [row for row in shown["rows"] if f"{name} work.py" in row["text"]]


def test_the_table_begins_with_your_lines_as_the_report_does(capture: Path, seen) -> None:
    said = json.loads(output("report", "--json", capture.name, cwd=capture.parent))
    yours = [
        ([line[key] for key in FIGURES], [line["cumulative"][key] for key in TOTALS])
        for line in said["your_lines"]
    ]
    first = seen["first"]
    assert first["table"] == "your lines"
    assert first["columns"][:3] == ["own", "total", "share"]
    shown = [(row["figures"], row["totals"]) for row in first["rows"]]
    assert sorted(shown) == sorted(yours) and shown[0] == yours[0]
    assert [row[0][0] for row in shown] == sorted(
        (row[0][0] for row in shown), reverse=True
    )
    *others, whole = [row["figures"] for row in first["sums"]]
    parts = [row[0] for row in shown] + others
    assert [sum(column) for column in zip(*parts, strict=True)] == whole
    assert any(
        "of it in JSONDecoder.raw_decode json/decoder.py" in row["text"]
        for row in first["rows"]
    )


def test_a_frame_that_is_chosen_is_chosen_in_the_table(seen) -> None:
    frame = seen["frame"]
    (pinned,) = [row for row in frame["rows"] if row["pinned"]]
    assert (
        pinned["chosen"]
        and pinned["text"].split("\n")[-2].startswith("loads ")
        or ("loads json/__init__.py" in pinned["text"])
    )
    assert pinned["totals"][0] >= frame["current"]["value"] > 0
    assert frame["chosen"].startswith("loads ")


def test_a_row_that_is_chosen_is_chosen_in_the_graph_until_it_is_left(seen) -> None:
    row = seen["row"]
    (chosen,) = [one for one in row["rows"] if one["chosen"]]
    assert not chosen["pinned"] and chosen in rows_of(row, "load")
    assert row["marked"] and all(f["name"].startswith("load  ") for f in row["marked"])
    assert sum(f["value"] for f in row["marked"]) == chosen["totals"][0]
    assert row["found"].split(" in ")[1].startswith(f"{len(row['marked'])} frame")
    assert row["current"] in row["marked"]
    left = seen["left"]
    assert left["marked"] == [] and left["found"] == ""
    assert not any(one["chosen"] for one in left["rows"])


def test_what_a_search_finds_in_the_graph_it_finds_in_the_table(seen) -> None:
    search = seen["search"]
    assert any(f["name"].startswith("loads  ") for f in search["marked"])
    assert any("loads json/__init__.py" in row["text"] for row in search["rows"])
    (found,) = [row["text"] for row in search["sums"] if "found" in row["text"]]
    assert found == f"{len(search['rows'])} lines found"
    assert search["found"].split("%")[0] != "0"


def test_a_row_can_be_chosen_with_the_keyboard_and_tables_be_changed(seen) -> None:
    assert [row["chosen"] for row in seen["keyboard"]["rows"]].index(True) == 1
    assert seen["keyboard"]["marked"]
    assert seen["all"]["table"] == "all lines"
    assert len(seen["all"]["rows"]) > len(seen["first"]["rows"])
    assert any("json/decoder.py" in row["text"] for row in seen["all"]["rows"])


def test_the_source_of_a_file_has_what_each_line_holds(capture: Path, seen) -> None:
    text = (capture.parent / "work.py").read_text().splitlines()
    listing = seen["listing"]
    assert listing["file"] == "work.py" == listing["files"][0]
    assert [line["text"] for line in listing["lines"]] == text
    assert [line["line"] for line in listing["lines"]] == [*range(1, len(text) + 1)]
    yours = {
        row["text"].split("work.py:")[1].split()[0]: row for row in seen["first"]["rows"]
    }
    for number, row in yours.items():
        line = listing["lines"][int(number) - 1]
        assert line["held"][1] == row["totals"][0]
    hot = max(
        (line for line in listing["lines"] if line["held"]), key=lambda one: one["held"][1]
    )
    assert hot["text"].startswith("kept = ") and hot["shown"][1].endswith("iB")
    assert hot["curves"] == 1
    assert not any(line["curves"] for line in listing["lines"] if not line["held"])


def test_a_line_of_the_source_is_chosen_in_the_graph_and_a_frame_in_the_source(
    seen,
) -> None:
    listed = seen["listed"]
    (line,) = [one for one in listed["lines"] if one["chosen"]]
    assert line["text"].strip() == "return json.loads(text(n))"
    assert listed["marked"] and all(
        f["name"].startswith("load  ") for f in listed["marked"]
    )
    library = seen["library"]
    assert library["file"] == "json/__init__.py"
    (line,) = [one for one in library["lines"] if one["chosen"]]
    assert "decode(s)" in line["text"] and line["held"][1] > 0


def test_a_narrow_page_still_names_its_lines(seen) -> None:
    assert seen["narrow"]["width"] == 420
    assert seen["narrow"]["right"] <= 420 and seen["narrow"]["text"] > 120
