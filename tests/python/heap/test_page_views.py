"""The graph of the page by type and by holder, colours by type, and the table of types at the moment that is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from captures import output, page_of, record, table
from pages import look

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.one_version

MIB = 1 << 20
PROGRAM = """
    from memory_profiler import heap

    class Cache:
        def __init__(self):
            self._data = {}

    CACHE = Cache()

    def fill(count):
        for number in range(count):
            CACHE._data["user:%d" % number] = [b"%d" % number * 50]

    def frames(count):
        return [bytearray(1 << 20) for _ in range(count)]

    kept = frames(6)
    fill(3000)
    heap.mark("full")
    del kept
    more = frames(2)
    heap.mark("less")
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), PROGRAM, "work.py", "--types")


@pytest.fixture(scope="module")
def seen(capture: Path) -> dict:
    return look("look_views.mjs", page_of(capture)[0], "_data")


def types_of(capture: Path, *words: str) -> dict[str, tuple[int, int, int]]:
    rows = table(capture, "--by", "type", *words)["rows"]
    return {row["type"]: (row["objects"], row["bytes"], row["kept_bytes"]) for row in rows}


def counted(data: dict, at: object) -> dict[str, tuple[int, int, int]]:
    (census,) = [one for one in data["censuses"] if at in one["at"]]
    return {data["types"][type_]: tuple(figures) for type_, *figures in census["rows"]}


def test_the_page_has_each_count_that_the_capture_has(capture: Path) -> None:
    _, data = page_of(capture)
    names = [name for _, _, _, *name in data["moments"]]
    for at, words in (
        ("end", ()),
        (names.index(["full"]), ("--at", "full")),
        (names.index(["less"]), ("--at", "less")),
    ):
        told = types_of(capture, *words)
        mine = counted(data, at)
        assert mine.items() <= told.items() and len(mine) >= min(100, len(told))


def test_each_graph_has_all_of_what_blocks_are_at_the_end(capture: Path) -> None:
    _, data = page_of(capture)
    (end,) = [i for i, one in enumerate(data["censuses"]) if "end" in one["at"]]
    sums = {
        data["types"][t]: bytes_ + kept
        for t, _, bytes_, kept in data["censuses"][end]["rows"]
    }
    for graph in data["graphs"]:
        held = {
            data["types"][type_]: sum(cells[1::2])
            for census, type_, *cells in graph["typed"]
            if census == end
        }
        assert held.items() <= sums.items()
        assert held["bytearray"] == sums["bytearray"] and held["bytes"] == sums["bytes"]


def frame_of(shown: dict, name: str, above: str) -> dict:
    (frame,) = [
        f for f in shown["frames"] if f["name"].startswith(name) and f["above"] == above
    ]
    return frame


def test_the_graph_by_type_has_the_stacks_of_each_below_it(
    seen: dict, capture: Path
) -> None:
    assert seen["offered"] == ["stacks", "bytype", "held", "colours"]
    shown = seen["types"]
    assert shown["pressed"] == ["still live", "types"]
    told = types_of(capture)
    tops = {
        f["name"].split("  ")[0]: f["value"] for f in shown["frames"] if f["depth"] == 1
    }
    assert tops["bytearray"] == sum(told["bytearray"][1:])
    assert tops["bytes"] == sum(told["bytes"][1:])
    below = frame_of(shown, "<module>  work.py:21", "bytearray")
    inner = [f for f in shown["frames"] if f["name"].startswith("frames  work.py:15")]
    assert below["value"] == pytest.approx(2 * MIB, rel=0.01)
    assert any(f["value"] == below["value"] for f in inner)
    whole = shown["frames"][0]["value"]
    drawn = sum(f["value"] for f in shown["frames"] if f["depth"] == 1)
    assert 0.99 * whole < drawn <= whole  # the narrowest have no frame
    turned = frame_of(seen["inverted"], "frames  work.py:15", "bytearray")
    assert turned["value"] == below["value"]


def test_what_nobody_counted_is_drawn_as_stacks(seen: dict) -> None:
    shown = seen["allocated"]
    assert shown["pressed"] == ["allocated", "stacks"] and not shown["legendShown"]
    assert "nobody counted then" in shown["said"]


def test_colours_by_type_have_a_legend(seen: dict) -> None:
    shown = seen["coloured"]
    assert not seen["first"]["legendShown"] and shown["legendShown"]
    assert shown["legend"][0]["text"].startswith("bytearray")
    assert len({one["colour"] for one in shown["legend"]}) == len(shown["legend"])
    (frames,) = [f for f in shown["frames"] if f["name"].startswith("frames  work.py:15")]
    (fill,) = [f for f in shown["frames"] if f["name"].startswith("fill  work.py:12")]
    assert frames["fill"] != fill["fill"] and "hsl(210 68%" in frames["fill"]


def test_holders_are_as_wide_as_what_they_retain(capture: Path, seen: dict) -> None:
    shown = seen["holders"]
    assert shown["pressed"] == ["still live", "holders"]
    assert "each is as wide as what it retains" in shown["chosen"]
    told = json.loads(output("objects", "--json", capture.name, cwd=capture.parent))
    most = [row for row in told["rows"] if row["kind"] == "largest"]
    retained = {row["path"]: row["retained"] for row in most}
    data = frame_of(shown, ".CACHE._data", "__main__")
    assert data["value"] == retained["__main__.CACHE._data"] and "dict" in data["name"]
    assert any("it retains" in fact for fact in data["facts"])
    (items,) = [f for f in shown["frames"] if f["name"].startswith("3,000 list")]
    assert items["above"] == ".CACHE._data: dict"
    assert 0.5 * data["value"] < items["value"] < data["value"]
    more = frame_of(shown, ".more", "__main__")
    assert more["value"] == pytest.approx(2 * MIB, rel=0.01)
    (whole,) = [f for f in shown["frames"] if not f["depth"]]
    assert whole["value"] == told["reached"]
    below: dict[str, int] = {}
    for frame in shown["frames"]:
        below[frame["above"]] = below.get(frame["above"], 0) + frame["value"]
    assert below[".CACHE._data: dict"] <= data["value"]  # what each keeps alone is apart
    found = [f for f in seen["found"]["frames"] if f["marked"]]
    assert data["name"] in [f["name"] for f in found] and seen["found"]["found"]
    assert seen["narrow"]["scrolls"] <= 420
    (rest,) = [f for f in shown["frames"] if f["name"].startswith("(what retains less)")]
    first = [f for f in shown["frames"] if f["depth"] == 1 and f["kind"] == "held"]
    assert first and max(f["left"] for f in first) < rest["left"]


def test_the_table_of_types_is_of_the_moment_that_is_shown(capture: Path) -> None:
    page, _ = page_of(capture, "--at", "full")
    shown = look("look_views.mjs", page, "_data")["first"]
    told = types_of(capture, "--at", "full")
    assert {
        name: tuple(figures) for name, *figures in shown["table"]
    }.items() <= told.items()
    assert "Counted after" in shown["said"]


def test_a_page_without_counts_offers_stacks_alone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    capture = record(tmp_path_factory.mktemp("untyped"), PROGRAM, "work.py", "--no-types")
    page, data = page_of(capture)
    assert data["censuses"] == [] and data["holders"] is None
    assert look("look_views.mjs", page, "_data")["offered"] == []


#: A list of links, each of which retains all behind it; more large things than have frames; and what two share.
SHAPES = """
class Link: pass
first = last = Link()
for number in range(5000):
    last.next = last = Link()
many = [[bytearray(10_000)] for _ in range(400)]
more = [[bytearray(30_000)] for _ in range(200)]
shared = [bytearray(400_000)]
one, two = [shared, 1], [shared, 2]
del shared, last
"""


def test_each_owner_is_below_what_alone_keeps_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    capture = record(tmp_path_factory.mktemp("shapes"), SHAPES, "work.py", "--types")
    _, data = page_of(capture)
    owners = [row[1:] for row in data["holders"]["rows"] if row[0] == "owner"]
    assert 0 < len(owners) <= 240
    below = [0] * (len(owners) + 1)
    for at, (_, _, _, own, retained, above) in enumerate(owners, 1):
        assert above < at and own <= retained
        below[above] += retained
    for (_, _, _, own, retained, _), sum_ in zip(owners, below[1:], strict=True):
        assert own + sum_ <= retained
    assert below[0] <= data["holders"]["reached"]
    paths = {row[1]: row for row in owners}
    of_main = owners[paths["__main__.many"][5] - 1]
    assert of_main[1] == "__main__"
    assert paths["__main__.more"][4] > 200 * 30_000
    shared = next(row for row in owners if row[1].startswith("__main__.one[0]"))
    assert owners[shared[5] - 1] == of_main  # neither of the two retains it
    links = [row for row in owners if row[0] == "Link"]
    assert 1 < len(links) < 50
    first = max(links, key=lambda row: row[4])
    assert first[4] > 0.8 * 5000 * first[3] and owners[first[5] - 1] == of_main
