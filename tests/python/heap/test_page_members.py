"""The page of several processes says where they differ, who stands out, and shows each of them alone."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING

import pytest

from captures import mprof, output, page_of, record
from heap_captures import copy_of
from pages import look

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.one_version

MIB = 1 << 20
PROGRAM = """
    import os

    def load(count):
        return [bytearray(1 << 20) for _ in range(count)]

    def index():
        return bytearray(1 << 20)

    rank = int(os.environ.get("PMI_RANK", "0"))
    kept = load(9 if rank == 3 else 2)
    other = index()
    if rank == 5 and not os.fork():
        mine = load(1)
        os._exit(0)
"""
RANKS = 8


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captures of eight ranks: one of 10 MiB, one of 3 MiB with a child of its own, and others of 3 MiB."""
    folder = tmp_path_factory.mktemp("ranks")
    record(folder, PROGRAM)
    (folder / "run").mkdir()
    for rank in range(RANKS):
        done = mprof(
            "heap", "--no-native", "-o", f"run/r{rank}.mprof", "work.py", cwd=folder,
            PMI_RANK=str(rank),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def seen(run: Path) -> dict:
    return look("look_members.mjs", page_of(run)[0], "load")


def test_what_members_held_sums_to_the_whole(run: Path) -> None:
    _, data = page_of(run)
    assert [name for name, *_ in data["members"]] == [f"rank {i}" for i in range(RANKS)]
    peaks = [peak for _, _, peak, _ in data["members"]]
    assert sum(peaks) == data["graphs"][0]["frames"][0][4]
    for graph in data["graphs"]:
        held = [0] * RANKS
        for _, *cells in graph["members"]:
            for member, held_there in zip(cells[::2], cells[1::2], strict=True):
                held[member] += held_there
        assert held == peaks  # few processes: nothing is left out


def test_the_page_agrees_with_the_table_of_where_they_differ(run: Path) -> None:
    _, data = page_of(run)
    told = output("table", "--by", "worker", "--spread", "--csv", run.name, cwd=run.parent)
    rows = list(csv.reader(told.splitlines()))[1:]
    names = [name for file in data["files"] for name, _ in file["functions"]]
    assert [(names[f], line) for f, line, *_ in data["spread"]] == [
        (row[2], int(row[1])) for row in rows
    ]
    for (_, _, *held), row in zip(data["spread"], rows, strict=True):
        assert (max(held), sum(held)) == (int(row[4]), int(row[6]))
        assert sorted(held)[(RANKS - 1) // 2] == int(row[5])


def test_the_one_that_stands_out_is_named(seen: dict) -> None:
    first = seen["first"]
    assert "rank 3 holds 4.5 times the median at load work.py:5" in first["answer"]
    assert first["said"].startswith("8 ranks, each at its own peak")
    whole, load = first["rows"]
    assert (whole["name"], whole["buttons"]) == ("in all", ["rank 3"])
    assert load["outliers"] == "3" and load["ticks"] == 1
    low, median, high, most = load["figures"]
    assert low == pytest.approx(2 * MIB, rel=0.01) == median
    assert high == pytest.approx(3 * MIB, rel=0.01)  # with its child
    assert most == pytest.approx(9 * MIB, rel=0.01)
    assert "9.0 MiB, 4.5 times the median" in load["told"]


def test_a_click_shows_one_of_them_alone(seen: dict) -> None:
    alone = seen["alone"]
    assert alone["chosen"] == "3" and alone["pressed"].startswith("rank 3 at its peak")
    assert alone["frames"][0]["value"] == alone["rows"][0]["figures"][3]
    (load,) = [frame for frame in alone["frames"] if frame["name"] == "load"]
    assert load["value"] == pytest.approx(9 * MIB, rel=0.01)
    line = alone["lines"][0]
    assert "work.py:5" in line["text"] and line["held"][0] == load["value"]
    (turned,) = [f for f in seen["inverted"]["frames"] if f["name"] == "load"]
    assert turned["value"] == load["value"]
    together = seen["together"]
    assert together["chosen"] == "" and together["pressed"].startswith("at the peak")


def test_a_line_of_theirs_is_chosen_in_the_table(seen: dict) -> None:
    assert "work.py:5" in seen["line"]["current"] and seen["line"]["chosen"] == "3"


def test_at_first_only_lines_with_somebody_who_stands_out(seen: dict) -> None:
    assert len(seen["first"]["rows"]) == 2 and "more line" in seen["first"]["more"]
    others = [row for row in seen["whole"]["rows"] if "index" in row["name"]]
    assert "nobody stands out" in others[0]["told"] and others[0]["outliers"] == ""
    assert seen["wide"] <= 420


def test_a_page_of_one_process_has_none(run: Path) -> None:
    page, data = page_of(run.parent / "a.mprof", "--no-children")
    assert data["members"] is None
    assert look("look_members.mjs", page, "load")["known"] is False


def test_a_page_of_a_tag_alone_does_not_tell_processes_apart(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("tags")
    source = 'import memory_profiler\nwith memory_profiler.tag("a"): kept = bytearray(9000)'
    for name in ("one", "two"):
        shutil.move(record(folder, source), folder / f"{name}.mprof")
    (folder / "run").mkdir()
    for name in ("one", "two"):
        shutil.move(folder / f"{name}.mprof", folder / "run" / f"{name}.mprof")
    assert page_of(folder / "run", "--tag", "a")[1]["members"] is None
    assert len(page_of(folder / "run")[1]["members"]) == 2


RANK = 59848  # docs/heap-file.md
COPIES = 250


def test_a_page_of_hundreds_of_processes_is_small_and_names_who_stands_out(
    run: Path, tmp_path: Path
) -> None:
    """The captures are copies of ranks 0 and 3 under other numbers."""
    (tmp_path / "run").mkdir()
    for number in range(COPIES):
        copy = tmp_path / "run" / f"{number}.mprof"
        copy_of(run / ("r3.mprof" if number == 7 else "r0.mprof"), copy, number)
        with copy.open("r+b") as file:
            file.seek(RANK)
            file.write(str(number).encode() + b"\0")
    page, data = page_of(tmp_path / "run")
    assert len(data["members"]) == COPIES and page.stat().st_size < 2 * MIB
    told = look("look_members.mjs", page, "load")
    assert "rank 7 holds 4.5 times the median at load " in told["first"]["answer"]
    assert told["alone"]["pressed"].startswith("rank 7 at its peak")
    (load,) = [frame for frame in told["alone"]["frames"] if frame["name"] == "load"]
    assert load["value"] == pytest.approx(9 * MIB, rel=0.01)
    assert told["wide"] <= 420
