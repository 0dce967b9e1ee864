"""The page of a heap capture has a table of what the live blocks are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from captures import output, page_of, record
from pages import look

pytestmark = pytest.mark.one_version

PROGRAM = """
    class Node:
        def __init__(self, number):
            self.peers = [number]

    class Odd(Node):
        pass

    Odd.__qualname__ = "<b>Odd</b>"
    kept = [Node(number) for number in range(3000)]
    odd = Odd(1)
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), PROGRAM)


def test_the_page_has_the_table_of_types(capture: Path) -> None:
    table = json.loads(
        output("table", "--by", "type", "--json", capture.name, cwd=capture.parent)
    )
    keys = "type", "objects", "bytes", "kept_bytes"
    rows = [[row[key] for key in keys] for row in table["rows"]]
    seen = look("look_types.mjs", page_of(capture)[0], "nODE")
    assert not seen["problems"] and not seen["requests"] and seen["known"]
    assert seen["types"]["rows"] == rows
    assert seen["types"]["sums"] == [["all", *(table["all"][key] for key in keys[1:])]]
    assert ["__main__.Node", 3000] in [row[:2] for row in rows]
    assert any("<b>Odd</b>" in row[0] for row in seen["types"]["rows"])
    assert seen["types"]["shown"] == seen["found"]["shown"] == ["types"]
    assert [row[0] for row in seen["found"]["rows"]] == ["__main__.Node"]
    assert seen["left"]["shown"] == ["lines"] and seen["wide"] <= 420


def test_a_page_without_types_does_not_offer_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("untyped")
    capture = record(folder, PROGRAM, "work.py", "--no-types")
    assert look("look_types.mjs", page_of(capture)[0], "Node")["known"] is False
