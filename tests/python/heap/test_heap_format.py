"""Captures of another format: version 1, tables and fields that came later."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import pytest

from heap_captures import CHUNK, DIRECTORY, HEADER, NODE, NODES, OWNERS
from heap_recordings import report
from heap_written import Hostile
from recordings import Recorder

pytestmark = pytest.mark.one_version

CORPUS = Path(__file__).parent / "corpus"
SIZES = HEADER.size + 32 * 8
VIEWS = (["report"], ["lines"], ["tree"], ["stats"], ["table", "--by", "process"], ["peak"],
         ["plot", "--terminal"], ["flamegraph", "-o", "a.html"],
         ["export", "--to", "collapsed"])  # fmt: skip


@pytest.fixture
def old(tmp_path: Path) -> Recorder:
    """What 1.0.0 recorded of a program with a forked child."""
    recorder = Recorder(tmp_path)
    for packed in CORPUS.glob("version1.mprof*.gz"):
        (recorder.path / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return recorder


def test_a_capture_of_version_1_has_the_figures_that_1_0_0_showed(old: Recorder) -> None:
    got = report(old, "version1.mprof")
    figures = ("peak", "peak_blocks", "peak_time", "live", "live_blocks", "total",
               "allocations", "frees", "temporary", "command", "elapsed")  # fmt: skip
    assert [got[key] for key in figures] == [
        315284, 308, 3086080, 281846, 275, 353770, 421, 146, 11, "job.py", 16039651,
    ]  # fmt: skip
    assert got["incomplete"] is None and len(got["processes"]) == 2
    (keep, *_) = got["lines"]
    place = (keep["file"], keep["line"], keep["function"])
    assert place == ("/home/me/job/job.py", 5, "keep")
    assert (keep["at_peak"], keep["live"], keep["total"]) == (312364, 278910, 344680)
    for words in VIEWS:
        done = old.mprof(*words, "version1.mprof")
        assert done.code == 0, (words, done.err)
    (listed,) = json.loads(old.mprof("list", "--json").out)
    assert (listed["children"], listed["file"]) == (1, "version1.mprof")


def test_a_damaged_capture_of_version_1_is_told_with_its_offset(old: Recorder) -> None:
    path = old.path / "version1.mprof"
    whole = path.read_bytes()
    owners, counts, bank = 152, 112, 1056  # where 1.0.0 had them
    for offset, value in ((owners + 2, b"\x09"), (counts + 8, b"\xff" * 8), (bank, b"\x02"),
                          (bank + 4, b"\xff\xff"), (CHUNK + 64, b"\x01")):  # fmt: skip
        path.write_bytes(whole[:offset] + value + whole[offset + len(value) :])
        done = old.mprof("report", "--no-children", "version1.mprof")
        said = bank if bank <= offset < bank + 8 else offset
        assert done.code == 1 and done.err.endswith(f"at byte {said}\n"), (offset, done)
    path.write_bytes(whole[:20_000])
    assert "ends in its header" in old.mprof("peak", "version1.mprof").err


def edit(heap: Recorder, name: str, change) -> str:
    content = bytearray((heap.path / "a.mprof").read_bytes())
    change(content)
    (heap.path / name).write_bytes(content)
    return name


def numbers(heap: Recorder, name: str) -> dict:
    return {**report(heap, name), "capture": ""}


def test_a_table_that_is_not_known_is_skipped(heap: Recorder) -> None:
    def add(content: bytearray) -> None:
        """Number 20, of 100 bytes an item, before the last chunk and behind it."""
        last = content[OWNERS:].index(0, 1) - 1
        content[OWNERS + last : OWNERS + last + 3] = bytes([20, content[OWNERS + last], 20])
        content[last * CHUNK : last * CHUNK] = b"\xee" * CHUNK
        content[(last + 2) * CHUNK :] = b"\xee" * CHUNK
        struct.pack_into("<Q", content, HEADER.size + 8 * 20, 1000)
        struct.pack_into("<I", content, SIZES + 4 * 20, 100)

    assert numbers(heap, edit(heap, "more.mprof", add)) == numbers(heap, "a.mprof")

    def forget(content: bytearray) -> None:
        add(content)
        struct.pack_into("<I", content, SIZES + 4 * 20, 0)

    done = heap.mprof("report", edit(heap, "less.mprof", forget))
    assert done.code == 1 and "is damaged" in done.err and len(done.err.splitlines()) == 1


def test_items_and_a_header_that_became_longer_are_read_by_what_is_known(
    heap: Recorder,
) -> None:
    def stretch(content: bytearray) -> None:
        """Nodes have 72 bytes, the header 100 more."""
        count = DIRECTORY.unpack_from(content, HEADER.size)[NODES]
        at = [
            i for i, owner in enumerate(content[OWNERS : OWNERS + 1000]) if owner == NODES
        ]
        whole = b"".join(content[i * CHUNK : (i + 1) * CHUNK] for i in at)
        items = [whole[i * NODE.size : (i + 1) * NODE.size] for i in range(count)]
        longer = b"".join(item + b"\xee" * 8 for item in items)
        longer += bytes(-len(longer) % CHUNK)
        used = content[OWNERS:].index(0, 1)
        for i in range(0, len(longer), CHUNK):
            chunk = at[i // CHUNK] if i // CHUNK < len(at) else used
            content[chunk * CHUNK : (chunk + 1) * CHUNK] = longer[i : i + CHUNK]
            content[OWNERS + chunk] = NODES
            used += chunk == used
        struct.pack_into("<I", content, SIZES + 4 * NODES, NODE.size + 8)
        struct.pack_into("<I", content, 12, struct.unpack_from("<I", content, 12)[0] + 100)

    assert numbers(heap, edit(heap, "longer.mprof", stretch)) == numbers(heap, "a.mprof")


@pytest.mark.parametrize(("at", "value", "words"), [
    (SIZES + 4, 60, "items of a table"), (SIZES + 12, 2, "items of a table"),
    (SIZES + 4, 1 << 20, "items of a table"), (12, 1000, "sizes"), (12, 1 << 20, "sizes"),
])  # fmt: skip
def test_sizes_that_cannot_be_are_damage(
    heap: Recorder, at: int, value: int, words: str
) -> None:
    name = edit(heap, "b.mprof", lambda content: struct.pack_into("<I", content, at, value))
    done = heap.mprof("report", name)
    assert done.code == 1 and len(done.err.splitlines()) == 1
    assert f"b.mprof is damaged: {words}" in done.err


def test_a_later_version_is_refused_by_its_number(heap: Recorder) -> None:
    name = edit(heap, "b.mprof", lambda content: struct.pack_into("<I", content, 8, 7))
    done = heap.mprof("report", name)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "mprof: b.mprof was made by version 7 of the format, this mprof reads up to 2\n"
    )


@pytest.mark.parametrize(("held", "words"), [
    ([(1, 1, 10), (9, 1, 10)], "a stack of a moment is not in the file"),
    ([(2, 1, 10), (1, 1, 10)], "not in their order"), ([(1, 1, 10)] * 2, "not in their order"),
    ([(1, 1, -10)], "a stack holds less than nothing"),
])  # fmt: skip
def test_moments_that_cannot_be_are_damage(tmp_path: Path, held: list, words: str) -> None:
    recorder, made = Recorder(tmp_path), Hostile()
    for i in range(2):
        made.node(0, made.code(made.put(b"f%d" % i), made.put(b"/home/me/app.py"), first=i))
    made.moment(10**8, [(1, 3, 300)], b"good")
    made.write(tmp_path / "good.mprof")
    assert recorder.mprof("report", "--at", "good", "good.mprof").code == 0
    made.moment(2 * 10**8, held)
    made.write(tmp_path / "bad.mprof")
    done = recorder.mprof("report", "bad.mprof")
    assert done.code == 1 and len(done.err.splitlines()) == 1
    assert "bad.mprof is damaged: " in done.err and words in done.err


def test_a_moment_has_no_more_entries_than_its_place(tmp_path: Path) -> None:
    recorder, made = Recorder(tmp_path), Hostile()
    made.node(0, made.code(made.put(b"f"), made.put(b"/home/me/app.py")))
    made.moment(10**8, [(1, 3, 300)], b"good")
    made.moments[0] = made.moments[0][:44] + struct.pack("<I", 2049) + made.moments[0][48:]
    made.write(tmp_path / "bad.mprof")
    done = recorder.mprof("report", "bad.mprof")
    assert done.code == 1 and "more entries than there are" in done.err


def test_a_rest_is_a_row_and_a_file_cut_short_lacks_moments_alone(tmp_path: Path) -> None:
    recorder, made = Recorder(tmp_path), Hostile()
    made.node(0, made.code(made.put(b"f"), made.put(b"/home/me/app.py")))
    made.moment(10**8, [(1, 3, 300)], b"warm", rest=700)
    size = made.write(tmp_path / "a.mprof")
    got = report(recorder, "--at", "warm", "a.mprof")
    rows = {row["function"]: row["at_peak"] for row in got["lines"]}
    assert rows["(smaller stacks)"] == 700 and rows["f"] == 300 and got["peak"] == 1000
    grew = report(recorder, "--between", "start,warm", "a.mprof")
    rows = {row["function"]: row["growth"] for row in grew["lines"]}
    assert rows["(smaller stacks)"] == 700 and rows["f"] == 300
    text = recorder.mprof("report", "--at", "warm", "a.mprof").out
    assert "(smaller stacks)" in text and "thread" not in text
    (tmp_path / "cut.mprof").write_bytes(
        (tmp_path / "a.mprof").read_bytes()[: size - CHUNK]
    )
    done = recorder.mprof("report", "cut.mprof")
    assert done.code == 0 and "the file was cut short" in done.out
    assert "has no mark warm" in recorder.mprof("report", "--at", "warm", "cut.mprof").err
