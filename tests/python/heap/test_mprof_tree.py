"""`mprof tree`: from callers to callees; and `mprof stats`: a capture in counts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from captures import PROGRAM, mprof, output, record, report, table

pytestmark = pytest.mark.one_version

CALLS = """
    kept = []
    def inner(n):
        kept.append(bytearray(n))
    def first():
        inner(6_000_000)
    def second():
        inner(3_000_000)
        inner(10_000)
    def deep(n):
        if n:
            deep(n - 1)
        else:
            kept.append(bytearray(1_000_000))
    def main():
        first()
        second()
        deep(20)
        first()
    main()
    del kept[-1]
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("calls"), CALLS)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("program"), PROGRAM)


def tree(capture: Path, *words: str) -> list[dict]:
    text = output("tree", "--json", *words, capture.name, cwd=capture.parent)
    return json.loads(text)["frames"]


def stats(capture: Path, *words: str) -> dict:
    return json.loads(output("stats", "--json", *words, capture.name, cwd=capture.parent))


def mib(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"B": 1 / 2**20, "KiB": 1 / 1024, "MiB": 1}[unit]


@pytest.mark.parametrize(
    ("measure", "key"), [("peak", "at_peak"), ("live", "live"), ("allocated", "total")]
)
@pytest.mark.parametrize("percent", ["0", "1", "100"])
def test_every_level_sums_to_the_report(program: Path, measure, key, percent) -> None:
    frames = tree(program, "--measure", measure, "--min-percent", percent)
    assert frames[0]["bytes"] == sum(line[key] for line in report(program)["lines"])
    for number, frame in enumerate(frames):
        below = [f for f in frames if f["parent"] == number]
        assert all(f["parent"] is None or f["parent"] < i for i, f in enumerate(frames))
        if not frame["smaller"]:
            parts = sum(f["bytes"] for f in below) + frame["own"]["bytes"]
            assert parts == frame["bytes"]
            assert (
                frame["own"]["blocks"] + sum(f["blocks"] for f in below) == frame["blocks"]
            )


def test_a_frame_has_what_its_callees_allocated_and_recursion_counts_once(calls) -> None:
    frames = tree(calls, "--fold-recursion")
    by_name: dict[str, list[int]] = {}
    for frame in frames:
        by_name.setdefault(frame["function"], []).append(frame["bytes"] // 1000)
    assert sorted(by_name["main"]) == [1_000, 3_010, 6_000, 6_000]
    assert sorted(by_name["inner"]) == [3_000, 6_000, 6_000]
    assert (
        all(1_000 <= size < 1_020 for size in by_name["deep"]) and len(by_name["deep"]) == 2
    )
    unfolded = [f["bytes"] for f in tree(calls) if f["function"] == "deep"]
    assert len(unfolded) == 21 and {size // 10_000 for size in unfolded} == {100}


def test_what_is_below_a_share_is_one_row_beside_it(calls: Path) -> None:
    frames, everything = tree(calls), tree(calls, "--min-percent", "0")
    assert len(everything) > len(frames) and not any(f["smaller"] for f in everything)
    whole = frames[0]["bytes"]
    for frame in frames:
        assert frame["smaller"] or frame["bytes"] * 100 >= whole
    folded = [f for f in frames if f["smaller"]]
    assert folded and all(f["bytes"] * 100 < whole * f["smaller"] for f in folded)
    names = {f["function"] for f in tree(calls, "--min-percent", "30")}
    assert {"main", "first", "inner"} <= names and "second" not in names


def test_the_text_is_the_same_tree(calls: Path) -> None:
    lines = output("tree", "--fold-recursion", "a.mprof", cwd=calls.parent).splitlines()
    assert re.fullmatch(r" +total +share +own  who called what, at the peak", lines[0])
    rows = lines[1:]
    frames = tree(calls, "--fold-recursion")
    assert len(rows) == len(frames)
    for row, frame in zip(rows, frames, strict=True):
        match = re.match(r" *([\d.]+ \w+) +([\d.]+)% +([\d.]+ \w+)?  +(?:- )?(\S.*)$", row)
        assert match, row
        assert mib(match[1]) == pytest.approx(frame["bytes"] / 2**20, rel=0.01, abs=0.05)
        assert (match[3] or "0 B")[:1] != "0" or not frame["own"]["bytes"]
        if frame["file"]:
            assert match[4] == f"work.py:{frame['line']} {frame['function']}"
    assert rows[0].endswith("  all") and any("smaller)" in row for row in rows)
    inner, main = (
        max(row.index("work.py") for row in rows if row.endswith(name))
        for name in (" inner", " main")
    )
    assert inner > main


def test_a_narrow_terminal_cuts_names_and_no_number(program: Path) -> None:
    words = ("tree", "--min-percent", "0", "a.mprof")
    done = mprof(*words, cwd=program.parent, COLUMNS="80")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "%" in done.stdout and "..." in done.stdout


def test_children_and_what_is_missing_are_in_it(tmp_path: Path) -> None:
    source = """
        import os, signal
        def child():
            kept = bytearray(3_000_000)
            os.kill(os.getpid(), signal.SIGKILL)
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        else:
            child()
    """
    capture = record(tmp_path, source)
    names = [{f["function"] for f in tree(capture, *w)} for w in ((), ("--no-children",))]
    assert "child" in names[0] and "child" not in names[1]
    for word in ("tree", "stats"):
        text = output(word, "a.mprof", cwd=tmp_path)
        assert text.startswith("warning: incomplete: ")
        assert "incomplete" not in output(word, "--no-children", "a.mprof", cwd=tmp_path)


def test_stats_have_the_reports_counts(program: Path) -> None:
    said, got = report(program), stats(program)
    for key in ("total", "allocations", "frees", "temporary", "peak_blocks", "live_blocks"):
        assert got[key] == said[key]
    sizes = [c for kind in got["sizes"].values() for c in kind["classes"]]
    without = sum(kind["without_blocks"] for kind in got["sizes"].values())
    assert sum(c["blocks"] for c in sizes) == said["allocations"]
    assert sum(c["bytes"] for c in sizes) + without == said["total"]
    for size in sizes:
        mean = size["bytes"] / size["blocks"]
        assert mean <= 2 ** size["power"] and (
            size["power"] == 0 or mean > 2 ** size["power"] / 2
        )


def test_sizes_are_the_means_of_stacks_and_that_is_said(tmp_path: Path) -> None:
    source = """
        import array, mmap
        def one():
            return bytes(967)  # 1000 bytes
        kept = [one() for _ in range(3000)]
        def take(n):
            return bytes(n)
        large = [take(100_000) for _ in range(70)]
        mixed = take(1 << 20), take(3 << 20)
        mapped = mmap.mmap(-1, 5 << 20)
    """
    capture = record(tmp_path, source)
    got = stats(capture)
    assert got["sizes_are"] == "means of stacks"
    python = {c["power"]: c for c in got["sizes"]["python"]["classes"]}
    assert python[10]["blocks"] >= 3000 and python[10]["bytes"] >= 3_000_000
    assert python[17]["blocks"] >= 70
    assert python[22]["blocks"] >= 2  # 2 MiB and some on average
    assert got["sizes"]["mmap"]["without_blocks"] >= 5 << 20
    text = output("stats", "a.mprof", cwd=tmp_path)
    assert "no sizes of single blocks: those of a stack count with their mean" in text
    assert re.search(r"(?m)^ +513 B to 1.0 KiB +\d,\d\d\d +\d+\.\d% +\d\.\d MiB  #+$", text)
    assert re.search(r"5\.\d MiB in mappings, which are no blocks", text)


def test_the_lists_are_the_tables_first_rows(program: Path) -> None:
    got = stats(program, "-n", "3")
    for key, column in (("most_bytes", "allocated"), ("most_often", "allocations")):
        rows = table(program, "--sort", column, "-n", "3")["rows"]
        keys = ("file", "line", "function", "total", "allocations", "temporary")
        assert got[key] == [{k: row[k] for k in keys} for row in rows]
    text = output("stats", "a.mprof", cwd=program.parent)
    got = stats(program, "-n", "50")
    assert "Lines that allocated most often\n" in text and "work.py:13 churn" in text
    churn = next(row for row in got["most_often"] if row["function"] == "churn")
    assert churn["temporary"] * 10 > churn["allocations"]


def test_stats_count_what_was_live_at_a_moment(tmp_path: Path) -> None:
    source = """
        from memory_profiler import heap
        def early():
            return [bytes(967) for _ in range(3000)]
        def late():
            return [bytes(100_000) for _ in range(70)]
        kept = early()
        heap.mark("warm")
        kept = late()
    """
    capture = record(tmp_path, source)
    got = stats(capture, "--at", "warm")
    said = json.loads(output("report", "--json", "--at", "warm", "a.mprof", cwd=tmp_path))
    assert got["range"] == said["range"] and got["range"]["to"]["name"] == "warm"
    assert (got["peak"], got["peak_blocks"]) == (said["peak"], said["peak_blocks"])
    classes = [c for kind in got["sizes"].values() for c in kind["classes"]]
    without = sum(kind["without_blocks"] for kind in got["sizes"].values())
    assert sum(c["blocks"] for c in classes) == got["peak_blocks"]
    assert sum(c["bytes"] for c in classes) + without == got["peak"]
    assert got["most_often"][0]["function"].endswith("early")
    assert got["most_often"][0]["blocks_at_peak"] >= 3000
    assert not any(row["function"].endswith("late") for row in got["most_bytes"])
    ended = stats(capture, "--at", "end")
    assert ended["most_bytes"][0]["function"].endswith("late")
    text = output("stats", "--at", "warm", "a.mprof", cwd=tmp_path)
    assert re.search(r"(?m)^  live +\d,\d{3}  of \d\.\d MiB, at the mark warm \(", text)
    assert "Sizes of blocks that were live then\n" in text and "temporary" not in text


@pytest.mark.parametrize("words", [
    ("stats", "--at", "5000s", "a.mprof"), ("stats", "--at", "nowhere", "a.mprof"),
])  # fmt: skip
def test_stats_of_no_such_moment_are_one_line(program: Path, words: tuple) -> None:
    done = mprof(*words, cwd=program.parent)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [
    ("tree", "--measure", "growth"), ("tree", "--min-percent", "101"),
    ("stats", "-n", "0"),
])  # fmt: skip
def test_faults_28_a_bad_value_is_a_usage_error(tmp_path: Path, words: tuple) -> None:
    done = mprof(*words, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_a_capture_with_nothing_in_it_has_a_root(tmp_path: Path) -> None:
    capture = record(tmp_path, "")
    assert tree(capture)[0]["parent"] is None
    assert output("tree", "a.mprof", cwd=tmp_path) and output(
        "stats", "a.mprof", cwd=tmp_path
    )
