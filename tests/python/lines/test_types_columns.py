"""--types: of which type most grew at each line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from memory_profiler import LineProfiler

PROGRAM = """
class Node:
    __slots__ = ("number",)
    def __init__(self, number):
        self.number = number

def helper(count):
    return [float(i) for i in range(count)]

@profile
def fill(count):
    nodes = [Node(None) for _ in range(count)]
    floats = helper(count)
    text = ["x" * 200 + str(i) for i in range(count)]
    gone = bytearray(1 << 20)
    del gone
    return 1

@profile
def outer():
    kept = bytearray(3 << 20)
    return fill(20_000)

outer()
"""


def run(folder: Path, *words: str, source: str = PROGRAM) -> subprocess.CompletedProcess:
    (folder / "app.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "memory_profiler", *words, "app.py"],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_each_line_has_the_type_that_grew_most_and_its_callees_are_its_own(
    tmp_path: Path,
) -> None:
    done = run(tmp_path, "--types", "--json")
    assert not done.returncode, done.stderr
    lines = {
        line["source"].strip().split(" = ")[0]: line.get("grew")
        for function in json.loads(done.stdout)["functions"]
        for line in function["lines"]
    }
    nodes, floats, text = lines["nodes"], lines["floats"], lines["text"]
    assert nodes["type"].endswith("Node") and nodes["objects"] == 20_000
    assert floats["type"] == "float" and 19_000 <= floats["objects"] <= 20_100
    assert floats["bytes"] == floats["objects"] * 24
    assert text["type"] == "str" and 20_000 <= text["objects"] <= 20_010
    assert lines["kept"]["type"] == "bytearray" and lines["kept"]["objects"] == 1
    assert 0 <= lines["kept"]["bytes"] - sys.getsizeof(bytearray(3 << 20)) < 16
    assert lines["gone"] is None  # it went before the function did
    assert lines["return fill(20_000)"] is None  # what has a table is its own


def test_the_text_has_two_more_columns_and_none_without_the_option(tmp_path: Path) -> None:
    plain, typed = run(tmp_path).stdout, run(tmp_path, "--types").stdout
    assert "Grew most" not in plain and "Node " not in plain
    header = next(line for line in typed.splitlines() if line.startswith("Line #"))
    rule = next(line for line in typed.splitlines() if line.startswith("==="))
    assert header.split()[-6:] == [
        "Grew",
        "most",
        "Type",
        "Occurrences",
        "Line",
        "Contents",
    ]
    assert len(rule) == 61 + 13 + 21
    (row,) = [line for line in typed.splitlines() if "floats = helper" in line]
    at = header.index("Grew most") + len("Grew most")
    assert row[at - 3 : at] == "KiB" and row[at + 1 : at + 8] == "float  "
    assert row.index("    floats = helper") == header.index("Occurrences") + 13
    (row,) = [line for line in typed.splitlines() if "return 1" in line]
    assert not row[at - 9 : at + 21].strip()


def test_they_go_with_the_other_columns_and_not_with_tracemalloc(tmp_path: Path) -> None:
    done = run(tmp_path, "--types", "--heap", "--peak")
    assert not done.returncode and "Heap peak    Grew most Type" in done.stdout
    done = run(tmp_path, "--types", "--backend", "tracemalloc")
    assert done.returncode == 2 and "--types counts Python's allocators" in done.stderr
    with pytest.raises(ValueError, match="not with tracemalloc"):
        LineProfiler(types=True, backend="tracemalloc")


def test_what_globals_hold_is_seen_at_the_end_and_exceptions_go_on(tmp_path: Path) -> None:
    source = """
kept = []
@profile
def work():
    kept.extend(bytearray(100) for _ in range(1000))
    local = [float(i) for i in range(5000)]
    raise KeyError("mine")
work()
"""
    done = run(tmp_path, "--types", "--json", source=source)
    assert done.returncode == 1 and done.stderr.endswith("KeyError: 'mine'\n")
    lines = json.loads(done.stdout)["functions"][0]["lines"]
    grew = {line["line"]: line["grew"]["type"] for line in lines if "grew" in line}
    assert [grew[line] for line in (5, 6, 7)] == ["bytearray", "float", "KeyError"]


def test_a_profiler_of_the_programs_own_has_them_in_its_results() -> None:
    profiler = LineProfiler(types=True)

    def work() -> int:
        kept = [bytearray(50) for _ in range(300)]
        return len(kept)

    assert profiler(work)() == 300
    lines = profiler.results["work"].lines.values()
    (grew,) = [line.grew for line in lines if "bytearray" in line.source]
    assert grew is not None and (grew.type, grew.objects) == ("bytearray", 300)
    assert grew.bytes >= 300 * (50 + sys.getsizeof(bytearray()))
    assert LineProfiler()._types is False


def test_many_calls_have_theirs_too(tmp_path: Path) -> None:
    source = """
kept = [[i] for i in range(200_000)]
@profile
def work():
    return [1.5]
for _ in range(20_000):
    work()
"""
    done = run(tmp_path, "--types", "--json", source=source)
    assert not done.returncode, done.stderr
    lines = json.loads(done.stdout)["functions"][0]["lines"]
    assert lines[-1]["occurrences"] == 20_000 and lines[-1]["grew"]["type"] == "list"
