"""Tags: memory by what the program says that it does."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cluster import MIB, told
from recordings import Recorder

PROGRAM = """
import asyncio, contextvars, threading
from memory_profiler import heap, tag

def load(mib):
    return bytearray(mib << 20)

kept = [load(1)]
with tag("outer"):
    kept.append(load(2))
    with tag("inner"):
        kept.append(load(3))
    kept.append(load(4))
kept.append(load(1))

async def request(name, count):
    with tag(name):
        for _ in range(count):
            kept.append(load(1))
            await asyncio.sleep(0)  # the other's turn
            kept.append(await asyncio.to_thread(load, 1))

async def serve():
    await asyncio.gather(request("/search", 3), request("/upload", 5))

asyncio.run(serve())

def in_thread():
    kept.append(load(7))

with tag("thread"):
    for target in (contextvars.copy_context().run, lambda f: f()):
        thread = threading.Thread(target=target, args=(in_thread,))
        thread.start()
        thread.join()

@tag("decorated")
def decorated():
    kept.append(load(2))

decorated()
with heap.track("nested.mprof") as nested, tag("inner"):
    kept.append(load(1))
"""
HELD = {"outer": 6, "inner": 4, "/search": 6, "/upload": 10, "thread": 7, "decorated": 2}


def by_tag(here: Recorder, *names: str) -> dict[str, dict]:
    return {
        row["tag"]: row
        for row in told(here, "table", "--json", "--by", "tag", *names)["rows"]
    }


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    here = Recorder(tmp_path_factory.mktemp("tags"))
    here.write("work.py", PROGRAM)
    done = here.mprof("heap", "--no-native", "-o", "a.mprof", "work.py")
    assert done.code == 0, done.err
    assert done.err.count("\n") == 2  # what is always said
    return here


def test_each_tag_has_what_was_allocated_under_it(tagged: Recorder) -> None:
    rows = by_tag(tagged, "a.mprof")
    assert {*rows} - {"(no tag)"} == {*HELD}
    for name, mib in HELD.items():
        assert rows[name]["live"] == pytest.approx(mib * MIB, abs=MIB / 2), name
        assert rows[name]["mostly_function"] == "load"
    got = told(tagged, "report", "--json", "a.mprof")
    (line,) = [line for line in got["lines"] if line["function"] == "load"]
    assert line["live"] == pytest.approx(44 * MIB, rel=0.01)  # lines know nothing of tags
    assert sum(row["live"] for row in rows.values()) == got["live"]
    text = tagged.mprof("table", "--by", "tag", "a.mprof").out
    assert "/upload, mostly work.py:" in text


@pytest.mark.one_version
def test_tags_are_frames_and_can_be_shown_alone(tagged: Recorder) -> None:
    tree = told(tagged, "tree", "--json", "--by", "tag", "--min-percent", "0", "a.mprof")
    tops = {f["function"]: f["bytes"] for f in tree["frames"] if f["parent"] == 0}
    peaks = {name: row["at_peak"] for name, row in by_tag(tagged, "a.mprof").items()}
    assert {f"[{name}]": peaks[name] for name in HELD}.items() <= tops.items()

    words = ["--json", "--tag", "/*", "a.mprof"]
    alone = told(tagged, "tree", "--min-percent", "0", *words)
    assert "'/*'" in alone["incomplete"]
    assert alone["frames"][0]["bytes"] == peaks["/search"] + peaks["/upload"]
    table = told(tagged, "table", *words)
    whole = by_tag(tagged, "a.mprof")
    for figure in ("at_peak", "live", "total", "allocations", "temporary"):
        assert table["all"][figure] == sum(
            whole[f"/{w}"][figure] for w in ("search", "upload")
        )
    grown = told(tagged, "tree", "--since", "start", *words)
    assert grown["frames"][0]["bytes"] == table["all"]["live"]

    done = tagged.mprof(
        "flamegraph", "--by", "tag", "--tag", "/*", "-o", "a.html", "a.mprof"
    )
    assert done.code == 0, done.err
    page = (tagged.path / "a.html").read_text()
    assert "[/search]" in page and "[outer]" not in page
    for by in ("thread", "process", "line,type"):
        done = tagged.mprof("table", "--by", by, "--tag", "/*", "a.mprof")
        assert done.code == 2 and "--tag" in done.err
    assert "no tag is like 'none'" in tagged.mprof("tree", "--tag", "none", "a.mprof").err


@pytest.mark.one_version
def test_reports_and_listings_show_a_tag_alone(tagged: Recorder) -> None:
    peak = by_tag(tagged, "a.mprof")["outer"]["at_peak"]
    words = ["--json", "--tag", "outer", "a.mprof"]
    report = told(tagged, "report", *words)
    assert report["peak"] == peak and report["processes"] == []
    listed = {
        row["function"]: row for row in report["lines"] if row["file"].endswith("work.py")
    }
    assert {*listed} <= {"load", "<module>"}
    assert listed["load"]["at_peak"] == pytest.approx(6 * MIB, rel=0.01)
    files = told(tagged, "lines", *words)["groups"]
    assert sum(row["at_peak"] for row in files) == peak
    done = tagged.mprof("report", "--tag", "outer", "--by", "process", "a.mprof")
    assert done.code == 2 and "--tag" in done.err


@pytest.mark.one_version
@pytest.mark.parametrize("by", ["line", "your-line", "function", "file", "module", "tag"])
def test_what_holds_nothing_of_a_tag_is_no_row(tagged: Recorder, by: str) -> None:
    table = told(tagged, "table", "--json", "--by", by, "--tag", "inner", "a.mprof")
    assert table["rows"] and table["more"]["rows"] == 0
    assert all(row["total"] or row["cumulative"]["total"] for row in table["rows"])


def test_tags_left_out_of_turn_leave_those_that_hold(here: Recorder) -> None:
    here.write("turns.py", """
import asyncio
from memory_profiler import tag
kept, shared = [], tag("shared")

async def request(name):
    with tag(name):
        with shared:
            await asyncio.sleep(0)  # the other enters it, too
        kept.append(bytearray(3 << 20))

async def serve():
    await asyncio.gather(request("/a"), request("/b"))

asyncio.run(serve())

def generate():
    with tag("late"):
        yield

left = generate()
next(left)
with tag("over"):
    left.close()
    kept.append(bytearray(5 << 20))
kept.append(bytearray(7 << 20))
""")  # fmt: skip
    done = here.mprof("heap", "--no-native", "-o", "a.mprof", "turns.py")
    assert done.code == 0, done.err
    rows = by_tag(here, "a.mprof")
    assert rows["/a"]["live"] == pytest.approx(3 * MIB, abs=MIB / 2)
    assert rows["/b"]["live"] == pytest.approx(3 * MIB, abs=MIB / 2)
    assert rows["over"]["live"] == pytest.approx(5 * MIB, abs=MIB / 2)
    assert rows["(no tag)"]["live"] > 7 * MIB
    for name in {"shared", "late"} & {*rows}:
        assert rows[name]["live"] < MIB


def test_tags_of_several_processes_are_one_by_their_words(tagged: Recorder) -> None:
    done = tagged.mprof("heap", "--no-native", "-o", "b.mprof", "-c", "import runpy\n"
                        "from memory_profiler import tag\n"
                        "with tag('/upload'): kept = bytearray(5 << 20)\n"
                        "with tag('outer'): kept = [kept, bytearray(2 << 20)]")  # fmt: skip
    assert done.code == 0, done.err
    rows = by_tag(tagged, "a.mprof", "b.mprof")
    assert rows["/upload"]["live"] == pytest.approx(15 * MIB, abs=MIB / 2)
    assert rows["outer"]["live"] == pytest.approx(8 * MIB, abs=MIB / 2)


def test_words_beyond_those_that_are_told_apart_are_one(here: Recorder) -> None:
    here.write("many.py", """
from memory_profiler import tag
kept = []
for i in range(4200):
    with tag(f"request {i}"):
        kept.append(bytes(1000))
""")  # fmt: skip
    done = here.mprof("heap", "--no-native", "-o", "a.mprof", "many.py")
    assert done.code == 0, done.err
    rows = by_tag(here, "a.mprof")
    assert len(rows) == 4096 + 2
    assert rows["(other tags)"]["live"] >= 104 * 1000


def test_a_tag_costs_a_program_nothing_else(here: Recorder) -> None:
    source = """
from memory_profiler import tag
def generator():
    with tag("in"):
        yield 1
import contextvars
held = generator()
contextvars.copy_context().run(next, held)
held.close()
again = tag("x")
with again, again:
    pass
for wrong in ("", 3):
    try:
        tag(wrong)
    except (TypeError, ValueError) as problem:
        print(type(problem).__name__)
print(tag("a\\x00b\\u2028" * 100))
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["ValueError", "TypeError"]
    here.write("same.py", source)
    recorded = here.mprof("heap", "-o", "a.mprof", "same.py")
    assert recorded.code == 0 and recorded.out == done.stdout


def test_a_forked_child_goes_on_under_its_tag(here: Recorder) -> None:
    here.write("fork.py", """
import os
from memory_profiler import tag
with tag("job"):
    if not os.fork():
        kept = bytearray(3 << 20)
        os._exit(0)
    os.wait()
""")  # fmt: skip
    done = here.mprof("heap", "--no-native", "-o", "a.mprof", "fork.py")
    assert done.code == 0, done.err
    assert by_tag(here, "a.mprof")["job"]["live"] == pytest.approx(3 * MIB, rel=0.05)


def test_a_damaged_table_of_tags_is_refused(tagged: Recorder) -> None:
    content = bytearray((tagged.path / "a.mprof").read_bytes())
    chunks = content[50376 : 50376 + 8192]
    start = chunks.index(11) * 65536  # the table of tags: docs/heap-file.md
    for at in range(start, start + 12 * len(HELD), 4):
        broken = bytearray(content)
        broken[at : at + 4] = b"\xff\xff\xff\xff"
        (tagged.path / "broken.mprof").write_bytes(broken)
        done = tagged.mprof("table", "--by", "tag", "broken.mprof")
        assert done.code == 1 and "is damaged" in done.err
    assert json.loads(tagged.mprof("table", "--json", "a.mprof").out)
