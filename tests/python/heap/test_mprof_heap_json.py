"""The JSON of heap captures is what docs/heap-views.md says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import memory_profiler
from heap_recordings import report
from recordings import Recorder

pytestmark = pytest.mark.one_version

FIGURES = {
    "at_peak": int, "live": int, "blocks_at_peak": int, "live_blocks": int, "total": int,
    "allocations": int, "temporary": int,
}  # fmt: skip
HEAD = {
    "schema": str, "version": str, "unit": str, "time_unit": str, "capture": str,
    "incomplete": (str, type(None)), "sample": int,
}  # fmt: skip
PLACE = {"file": str, "line": int, "function": str}


def check(value: dict, schema: dict) -> None:
    """Exactly these keys, of these types."""
    assert set(value) == set(schema)
    for key, kind in schema.items():
        assert isinstance(value[key], kind), key


def test_json_is_what_the_documentation_says(heap: Recorder) -> None:
    got = report(heap, "a.mprof")
    numbers = (
        "pid wall_start elapsed peak peak_blocks peak_time live live_blocks total allocations "
        "frees temporary untracked untracked_bytes shortened misplaced held reserved"
    )
    check(got, {**HEAD, **dict.fromkeys(numbers.split(), int), "command": str, "rss": dict, "own": dict, "kinds": dict, "native": bool, "lost": bool, "balance": dict,
                "your_lines": list, "not_your_lines": dict, "lines": list, "threads": list, "processes": list, "unrecorded": int, "together": type(None), "series": list,
                    "range": type(None), "moments": list, "marks": list, "death": type(None), "killed": list, "more_killed": int})  # fmt: skip
    assert got["schema"] == "memory_profiler.heap/1"
    assert got["version"] == memory_profiler.__version__
    check(got["kinds"], dict.fromkeys(("python", "malloc", "mmap", "pool"), dict))
    check(got["rss"], dict.fromkeys(("at_peak", "at_end", "most", "most_time"), int))
    check(got["own"], FIGURES)
    assert list(got["balance"]) == ["at_start", "at_peak", "at_end"]
    for line in got["lines"]:
        check(line, {**PLACE, **FIGURES, "cumulative": dict, "marks": list, "stacks": int, "heaviest": int, "callers": list,
                     "callers_left_out": int, "user": (dict, type(None)), "types": list})  # fmt: skip
        for kind in line["types"]:
            check(kind, {"type": str, **dict.fromkeys(("objects", "bytes", "kept_blocks", "kept_bytes"), int)})  # fmt: skip
        if line["user"]:
            check(line["user"], {**PLACE, "at_peak": int})
        for caller in line["callers"]:
            check(caller, {**PLACE, "times": int})
    for line in got["your_lines"]:
        check(line, {**PLACE, **FIGURES, "cumulative": dict, "marks": list, "beneath": (dict, type(None))})  # fmt: skip
        if line["beneath"]:
            check(line["beneath"], {**PLACE, "at_peak": int})
    check(got["not_your_lines"], FIGURES)
    for thread in got["threads"]:
        check(thread, dict.fromkeys(("id", "allocated", "freed", "allocations", "frees", "temporary"), int))  # fmt: skip
    assert all(len(point) == 3 for point in got["series"])
    files = json.loads(heap.mprof("lines", "--json", "a.mprof").out)
    check(files, {**HEAD, "groups": list})
    for group in files["groups"]:
        check(
            group, {"kind": str, "name": str, "files": int, **FIGURES, "cumulative": dict}
        )
    listing = json.loads(heap.mprof("lines", "--json", "a.mprof", "app.py").out)
    cumulative = dict.fromkeys(("at_peak", "live", "total"), int)
    check(listing["cumulative"], cumulative)
    check(listing, {**HEAD, **FIGURES, "cumulative": dict, "file": str, "changed": bool, "recorded": bool, "no_source": (str, type(None)),
                    "functions": list, "lines": list})  # fmt: skip
    for function in listing["functions"]:
        check(function, {"function": str, "first_line": int, "last_line": int})
    for line in listing["lines"]:
        check(
            line,
            {"line": int, **FIGURES, "marks": list, "cumulative": dict, "source": (str, type(None))},
        )  # fmt: skip
        check(line["cumulative"], cumulative)
    documented = (Path(__file__).parents[3] / "docs" / "heap-views.md").read_text()
    for keys in (
        got,
        got["rss"],
        got["balance"],
        got["balance"]["at_end"],
        got["lines"][0],
        got["your_lines"][0],
        got["threads"][0],
        files,
        files["groups"][0],
        listing,
    ):
        assert [key for key in keys if f"`{key}`" not in documented] == []
