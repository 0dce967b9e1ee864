"""What is said of a program and its children: in reports, lists and views; their files."""

from __future__ import annotations

import json
import re

import pytest

from heap_family import SIZE, children, heap, kept
from heap_recordings import report
from recordings import Recorder

pytestmark = pytest.mark.one_version

SERVER = f"""
import os, socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
leaked = []

def handle(connection):
    leaked.append(bytes({SIZE}))
    connection.send(b"ok")
    connection.close()

def worker():
    for _ in range(10):
        handle(listener.accept()[0])
    os._exit(0)

workers = []
for _ in range(3):
    child = os.fork()
    if not child:
        worker()
    workers.append(child)
for _ in range(30):
    with socket.create_connection(listener.getsockname()) as client:
        client.recv(2)
for child in workers:
    os.waitpid(child, 0)
"""


def test_a_pre_fork_server_that_leaks_in_its_workers_is_caught(here: Recorder) -> None:
    heap(here, SERVER)
    got = report(here)
    (line,) = [at for at, size in kept(got).items() if size > SIZE * 5]
    assert SERVER.splitlines()[line - 1].strip().startswith("leaked.append")
    assert kept(got)[line] == pytest.approx(30 * SIZE, abs=5000)
    text = here.mprof("report", "a.mprof").out
    assert "Heap of 4 processes" in text
    assert (
        f"work.py:{line} handle" in text.split("At the peaks, each process at its own")[1]
    )
    assert re.search(
        rf"{30 * SIZE / 1024 / 1024:.1f} MiB", here.mprof("lines", "a.mprof", "work.py").out
    )


def test_the_processes_are_listed_by_their_peaks(here: Recorder) -> None:
    heap(here, SERVER)
    text = here.mprof("report", "--by", "process", "a.mprof").out
    rows = text.split("Processes\n")[1].split("\n\n")[0].splitlines()
    files = [row.strip() for row in rows[2::2]]
    assert sorted(files) == sorted(["a.mprof", *(path.name for path in children(here))])
    assert all(row.endswith("work.py") for row in rows[1::2])
    peaks = [process["peak"] for process in report(here)["processes"]]
    assert report(here)["peak"] == sum(peaks)
    done = here.mprof("report", "--by", "thread", "a.mprof")
    assert done.code == 2 and "process" in done.err


def test_what_was_held_at_once_is_of_processes_alive_together(here: Recorder) -> None:
    heap(
        here,
        f"""
        import os
        for _ in range(3):
            child = os.fork()
            if not child:
                its = bytes(50 * {SIZE})
                os._exit(0)
            os.waitpid(child, 0)
        """,
    )
    got = report(here)
    assert got["peak"] >= 150 * SIZE
    together = max(point[2] for point in got["series"])
    assert 50 * SIZE <= together < 100 * SIZE
    peak = here.mprof("peak", "a.mprof").out
    assert float(peak.split()[1]) * 2**20 < 100 * SIZE + (64 << 20)


def test_every_view_sums_the_processes(here: Recorder) -> None:
    heap(here, SERVER)
    table = json.loads(here.mprof("table", "--json", "a.mprof").out)
    alone = json.loads(here.mprof("table", "--json", "--no-children", "a.mprof").out)
    (row,) = [
        row
        for row in table["rows"]
        if row["function"] == "handle" and row["at_peak"] > SIZE
    ]
    assert row["at_peak"] == pytest.approx(30 * SIZE, abs=5000)
    assert not [row for row in alone["rows"] if row["function"] == "handle"]
    assert here.mprof("flamegraph", "-o", "a.html", "a.mprof").code == 0
    assert '"processes":4,' in (here.path / "a.html").read_text()
    files = json.loads(here.mprof("lines", "--json", "a.mprof").out)["groups"]
    (program,) = [group for group in files if group["name"].endswith("work.py")]
    assert program["at_peak"] >= 30 * SIZE
    assert "          heap      " in here.mprof("plot", "--terminal", "a.mprof").out


def test_files_of_a_run_go_together(here: Recorder) -> None:
    source = "import os\nif not os.fork():\n    os._exit(0)\nos.wait()\n"
    heap(here, source)
    (first,) = children(here)
    (here.path / "a.mprof.1").write_text("not ours")
    heap(here, source)
    names = {path.name for path in here.path.glob("a.mprof*")}
    moved = first.name.replace("a.mprof", "a.mprof.old")
    assert {"a.mprof", "a.mprof.old", moved, "a.mprof.1"} < names and len(names) == 5
    assert len(report(here, "a.mprof.old")["processes"]) == 2
    assert here.mprof("rm", "a.mprof").code == 0
    names = {path.name for path in here.path.glob("a.mprof*")}
    assert names == {"a.mprof.old", moved, "a.mprof.1"}
    assert here.mprof("rm", "a.mprof.old", moved).code == 0
    assert [path.name for path in here.path.glob("a.mprof*")] == ["a.mprof.1"]


def test_a_damaged_childs_file_is_named_and_left_out(here: Recorder) -> None:
    heap(
        here,
        "import os\nfor _ in 'ab':\n    if not os.fork():\n        os._exit(0)\n    os.wait()\n",
    )
    bad, good = children(here)
    content = bytearray(bad.read_bytes())
    content[144 + 1] = 77  # the table of chunk 1
    bad.write_bytes(content)
    done = here.mprof("report", "--json", "a.mprof")
    assert done.code == 0 and bad.name in done.err and done.err.count("\n") == 1
    got = json.loads(done.out)
    assert [process["file"] for process in got["processes"]] == ["a.mprof", good.name]
    assert got["unrecorded"] == 1


def test_the_list_tells_what_was_run_and_how_many_children_it_had(here: Recorder) -> None:
    here.write("two.py", "import os\nfor _ in range(2):\n    if not os.fork(): os._exit(0)\n"
              "    os.wait()\n")  # fmt: skip
    assert here.mprof("heap", "two.py", "a\x1b[2Jb").code == 0
    assert here.mprof("heap", "-c", "1" * 100).code == 0
    lines = here.mprof("list").out.splitlines()
    assert lines[0].endswith("  two.py a\\x1b[2Jb, 2 children")
    assert re.fullmatch(r"1 \S+ [\d:]+ [\d/]+  -c 1{57}\.\.\.", lines[1])
    text = here.mprof("report", lines[0].split()[1]).out
    assert text.splitlines()[2] == "command: two.py a\\x1b[2Jb"
    listed = json.loads(here.mprof("list", "--json").out)
    assert [entry["children"] for entry in listed] == [2, 0]


def test_a_run_without_children_is_told_to_be_one_process(here: Recorder) -> None:
    heap(here, "kept = bytes(10**6)\n")
    text = here.mprof("report", "--by", "process", "a.mprof").out
    assert text.endswith("\n\none process: no child of it is recorded here\n")
