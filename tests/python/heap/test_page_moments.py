"""The timeline of the page is a control: any moment of the heap, and what grew between two."""

from __future__ import annotations

from pathlib import Path

import pytest

from captures import mprof, page_of, record
from pages import look

pytestmark = pytest.mark.one_version

MIB = 1 << 20
PROGRAM = """
    import time
    from memory_profiler import heap

    def fill(kept, count):
        for _ in range(count):
            kept.append(bytearray(1 << 20))

    old, new = [], []
    fill(old, 8)
    time.sleep(0.2)
    heap.mark("warm")
    fill(new, 3)
    del old[3:]
    time.sleep(0.2)
    heap.mark("done")
    time.sleep(0.2)
    fill(new, 9)
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), PROGRAM)


@pytest.fixture(scope="module")
def seen(capture: Path) -> dict:
    return look("look_moments.mjs", page_of(capture)[0])


def held_of(graph: dict, count: int) -> list[int]:
    """What all frames and the rest held at each moment."""
    sums = list(graph["rest"])
    for _, *changes in graph["held"]:
        bytes_there, changed = 0, dict(zip(changes[::2], changes[1::2], strict=True))
        for at in range(count):
            bytes_there = changed.get(at, bytes_there)
            sums[at] += bytes_there
    return sums


def frame_of(shown: dict, line: int) -> dict:
    (frame,) = [f for f in shown["frames"] if f["name"] == f"<module>  work.py:{line}"]
    return frame


def hue_of(frame: dict) -> str:
    return {"6": "red", "214": "blue"}[frame["fill"][4:].split()[0]]


def row_of(shown: dict, line: int) -> dict:
    (row,) = [row for row in shown["rows"] if f"work.py:{line}\n" in row["text"] + "\n"]
    return row


def test_each_graph_sums_to_what_was_live_at_each_moment(capture: Path) -> None:
    _, data = page_of(capture)
    moments = data["moments"]
    assert [name for _, _, kind, *name in moments if kind == "mark"] == [["warm"], ["done"]]
    assert [kind for _, _, kind, *_ in moments if kind in ("start", "peak", "end")][
        0
    ] == "start"
    assert [time for time, *_ in moments] == sorted(time for time, *_ in moments)
    for graph in data["graphs"]:
        assert held_of(graph, len(moments)) == [live for _, live, *_ in moments]
    assert data["chosen"] == [-1, -1]


def test_a_click_shows_the_heap_of_that_moment(seen) -> None:
    assert len(seen["first"]["measures"]) == 4
    shown = seen["click"]
    assert shown["pressed"].startswith("at \u201cwarm\u201d")
    assert 8 * MIB <= frame_of(shown, 10)["value"] < 8.1 * MIB
    assert not [f for f in shown["frames"] if f["name"] == "<module>  work.py:13"]
    row = row_of(shown, 10)
    assert row["held"][1] == frame_of(shown, 10)["value"]
    whole = shown["sums"][-1]
    assert whole["held"] == shown["frames"][0]["value"]
    assert sum(r["held"][0] for r in shown["rows"] + []) <= whole["held"]


def test_dragging_shows_what_grew_red_and_what_shrank_blue(seen) -> None:
    shown = seen["drag"]
    assert shown["pressed"].startswith("\u201cwarm\u201d to \u201cdone\u201d")
    grew, shrank = frame_of(shown, 13), frame_of(shown, 10)
    assert 3 * MIB <= grew["net"] < 3.01 * MIB and -5.01 * MIB < shrank["net"] <= -5 * MIB
    assert shrank["value"] == -shrank["net"] and grew["value"] == grew["net"]
    assert (hue_of(grew), hue_of(shrank)) == ("red", "blue")
    assert shown["columns"][0] == "own growth"
    assert row_of(shown, 13)["held"][1] == grew["net"]
    assert "+3.0 MiB" in row_of(shown, 13)["text"]
    assert "\u22125.0 MiB" in row_of(shown, 10)["text"]
    assert shown["sums"][-1]["held"] == shown["frames"][0]["net"]
    assert any(notice.startswith("What grew from") for notice in shown["notices"])


def test_growth_can_be_turned_over(seen) -> None:
    (fill, *_) = [f for f in seen["inverted"]["frames"] if f["name"] == "fill  work.py:7"]
    assert fill["net"] == pytest.approx(-2 * MIB, abs=MIB / 100)
    assert fill["value"] == pytest.approx(8 * MIB, abs=MIB / 10)


def test_keys_go_from_moment_to_moment_and_back_to_the_peak(seen) -> None:
    assert seen["left"]["pressed"].startswith("at the peak")
    assert len(seen["left"]["measures"]) == 4
    assert seen["home"]["pressed"].startswith("at the start\n0 B")
    assert seen["home"]["said"] == "the start, 0 B"
    assert seen["right"]["pressed"] != seen["home"]["pressed"]
    assert " to " in seen["shift"]["pressed"] and " to " in seen["shift"]["said"]
    assert seen["end"]["pressed"].startswith("still live")


def test_the_page_can_begin_with_a_moment_or_a_range(capture: Path) -> None:
    _, data = page_of(capture, "--at", "warm")
    kinds = [name for _, _, _, *name in data["moments"]]
    warm, done = kinds.index(["warm"]), kinds.index(["done"])
    assert data["chosen"] == [-1, warm]
    page, data = page_of(capture, "--between", "warm,done")
    assert data["chosen"] == [warm, done]
    shown = look("look_moments.mjs", page)["first"]
    assert shown["pressed"].startswith("\u201cwarm\u201d to \u201cdone\u201d")
    assert frame_of(shown, 13)["net"] >= 3 * MIB


def test_a_moment_that_is_not_there_is_one_line(capture: Path) -> None:
    for words in (("--at", "cold"), ("--since", "99s"), ("--between", "warm,cold")):
        done = mprof("flamegraph", "-o", "x.html", *words, capture.name, cwd=capture.parent)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        assert not (capture.parent / "x.html").exists()
