"""The page of several processes shows who held the objects of each: side by side, or of one that is chosen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from captures import mprof, output, page_of, record
from heap_captures import copy_of
from pages import look

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.one_version

#: Two children of 3,000 and 6,000 rows, one that is killed, and a parent that holds 400 texts.
PROGRAM = """
    import os
    class Row:
        def __init__(self, number):
            self.text = str(number) * 20
    if __name__ == "__main__":
        for count in (3000, 6000, 10):
            if not os.fork():
                kept = [Row(i) for i in range(count)]
                if count == 10:
                    os.kill(os.getpid(), 9)
                break
            os.wait()
        else:
            mine = [str(i) * 900 for i in range(400)]
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("family"), PROGRAM, "work.py", "--types")


@pytest.fixture(scope="module")
def told(capture: Path) -> dict[int, dict]:
    """What `mprof objects` says, by pid."""
    made = json.loads(output("objects", "--json", capture.name, cwd=capture.parent))
    return {made["process"]["pid"]: made} | {one["pid"]: one for one in made["others"]}


def numbers(data: dict, told: dict[int, dict]) -> tuple[int, int]:
    """The member that has 6,000 rows, and the one that was killed."""
    pids = [pid for _, pid, *_ in data["members"]]
    (killed,) = [number for number, pid in enumerate(pids) if pid not in told]
    return pids.index(max(told, key=lambda pid: told[pid]["reached"])), killed


@pytest.fixture(scope="module")
def seen(capture: Path, told: dict[int, dict]) -> dict:
    page, data = page_of(capture)
    return look("look_holders.mjs", page, *map(str, numbers(data, told)))


def named(shown: dict, name: str, above: str) -> dict:
    (frame,) = [
        f for f in shown["frames"] if (f["name"], f["above"]) == (name, above)
    ]  # fmt: skip
    return frame


def test_the_page_has_the_owners_of_each_process(
    capture: Path, told: dict[int, dict]
) -> None:
    _, data = page_of(capture)
    assert data["holders"] is None and len(data["members"]) == 4
    assert len(data["keepers"]) == len(told) == 3
    for keeper in data["keepers"]:
        its = told[data["members"][keeper["member"]][1]]
        assert keeper["reached"] == its["reached"] and keeper["objects"] == its["objects"]
        keys = "of", "path", "objects", "bytes", "retained"
        rows = [tuple(row[key] for key in keys) for row in its["owners"]]
        assert sorted(map(tuple, (row[1:6] for row in keeper["rows"]))) == sorted(rows)
        for at, (kind, _, path, _, _, retained, above) in enumerate(keeper["rows"]):
            assert kind == "owner" and above <= at
            (parent, *_) = [
                row["parent"]
                for row in its["owners"]
                if (row["path"], row["retained"]) == (path, retained)
            ]
            if parent is not None:
                assert its["owners"][parent]["path"] == keeper["rows"][above - 1][2]


def test_each_process_is_beside_the_others_below_its_name(
    seen: dict, told: dict[int, dict]
) -> None:
    shown = seen["all"]
    assert shown["pressed"] == ["still live", "holders"]
    tops = {f["name"]: f["value"] for f in shown["frames"] if f["depth"] == 1}
    assert tops == {f"process {pid}": its["reached"] for pid, its in told.items()}
    whole = named(shown, "all", "")
    assert whole["value"] == sum(tops.values())
    largest = max(told, key=lambda pid: told[pid]["reached"])
    (row,) = [r for r in told[largest]["owners"] if r["path"] == "__main__.kept"]
    kept = named(shown, "__main__.kept: list", f"process {largest}")
    assert kept["value"] == row["retained"]
    (mine,) = [f for f in shown["frames"] if f["name"] == "__main__.mine: list"]
    assert mine["value"] > 400 * 900
    (said,) = [n for n in shown["notices"] if n.startswith("What each process held")]
    assert "it is not known of 1: killed" in said


def test_one_that_is_chosen_is_drawn_alone(seen: dict, told: dict[int, dict]) -> None:
    largest = max(told, key=lambda pid: told[pid]["reached"])
    for shown in (seen["alone"], seen["again"]):
        assert shown["pressed"] == ["still live", "holders"]
        (whole,) = [f for f in shown["frames"] if not f["depth"]]
        assert (whole["name"], whole["value"]) == (
            f"process {largest}", told[largest]["reached"],
        )  # fmt: skip
        (rows,) = [f for f in shown["frames"] if f["name"] == "6,000 Row"]
        assert rows["above"] == "__main__.kept: list"
        assert not any("mine" in f["name"] for f in shown["frames"])
        assert f"What process {largest} held when it ended." in shown["notices"]
    together = seen["together"]
    assert named(together, "all", "")["value"] == named(seen["all"], "all", "")["value"]
    assert together["chosen"] == "" and seen["wide"] <= 420


def test_one_that_was_killed_has_stacks_alone(seen: dict) -> None:
    assert seen["without"]["pressed"][1:] == ["stacks"] and not seen["without"]["offered"]
    assert seen["stacks"]["pressed"][1:] == ["stacks"] and seen["stacks"]["offered"]


def test_a_worker_of_several_processes_has_each_of_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("ranks")
    record(folder, PROGRAM)  # the program
    (folder / "run").mkdir()
    for rank in ("0", "1"):
        done = mprof(
            "heap", "--types", "-o", f"run/r{rank}.mprof", "work.py", cwd=folder,
            PMI_RANK=rank,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    page, data = page_of(folder / "run")
    assert [name for name, *_ in data["members"]] == ["rank 0", "rank 1"]
    assert [keeper["member"] for keeper in data["keepers"]] == [0, 0, 0, 1, 1, 1]
    seen = look("look_holders.mjs", page, "1", "")
    names = [
        f"rank 1, {keeper['name']}" for keeper in data["keepers"] if keeper["member"] == 1
    ]
    assert all(name.startswith("rank 1, process ") for name in names)
    tops = {f["name"] for f in seen["alone"]["frames"] if f["depth"] == 1}
    assert tops == set(names)
    said = "What rank 1 held when it ended, its 3 processes side by side."
    assert said in seen["alone"]["notices"]


COPIES = 120


def test_the_page_of_very_many_has_the_largest_of_each(
    capture: Path, tmp_path: Path
) -> None:
    """The captures are copies of one under other numbers."""
    (tmp_path / "run").mkdir()
    for number in range(COPIES):
        copy_of(capture, tmp_path / "run" / f"{number}.mprof", number)
    page, data = page_of(tmp_path / "run")
    assert len(data["keepers"]) == COPIES and page.stat().st_size < 1 << 20
    for keeper in data["keepers"]:
        rows = keeper["rows"]
        assert len(rows) == 6000 // COPIES
        assert any(row[2] == "__main__.mine" for row in rows)
        retained = [row[5] for row in rows]
        assert retained == sorted(retained, reverse=True)
        assert all(row[6] <= at for at, row in enumerate(rows))
