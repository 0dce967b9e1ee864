"""The processes of a run, each by itself: their rows, their balance sheets."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess

import pytest

from heap_family import children, heap
from heap_recordings import report
from memory_profiler import _core
from recordings import Recorder

pytestmark = pytest.mark.one_version

MIB = 1 << 20
NARROW = {"COLUMNS": "80"}
POOL = f"""
import multiprocessing, sys, threading

def work(size):
    global its
    its = bytearray(b"x") * (size * {MIB})
    for _ in range(1000):
        [].append(bytes(1000))
    barrier.wait()
    return size

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    count = int(sys.argv[1])
    barrier = context.Barrier(count)
    with context.Pool(count) as pool:
        pool.map(work, range(3, 3 + count), chunksize=1)
        pool.close()
        pool.join()
"""

#: Two processes: both hold 50 MiB at once, then each by itself a little more.
TURNS = f"""
import mmap, os

shared, me = mmap.mmap(-1, 4096), 1
child = os.fork()
if not child:
    me = 2

def meet(step):
    shared[me] = step
    while shared[3 - me] < step:
        pass

meet(1)
its = bytes(50 * {MIB})
meet(2)
del its
meet(3)
for turn in (1, 2):
    if turn == me:
        bytes(51 * {MIB})
    meet(3 + turn)
if child:
    os.wait()
"""
#: The same with never more than one that holds something, in turns too short to be told apart.
EXCLUSIVE = f"""
import mmap, os, time

shared, me = mmap.mmap(-1, 4096), 0
child = os.fork()
if not child:
    me = 1
for _ in range(2000):
    while shared[0] != me:
        time.sleep(0)
    for _ in range(20):
        its = bytes(50 * {MIB})
        del its
    shared[0] = 1 - me
if child:
    os.wait()
"""

#: A parent that notes nothing while it waits for its child, which then gets as much again and waits, too.
WAITING = f"""
import os, sys

its = bytes(200 * {MIB})
child = os.fork()
if child:
    os.waitpid(child, 0)
    os._exit(0)
of_child = bytes(101 * {MIB})
print("ready", os.getpid(), flush=True)
sys.stdin.read()
"""

#: Processes that say when, by the wall clock, each got its 50 MiB: after the first time and before the second.
STAMPED = f"""
import os, time

def lead():
    before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
    return after - before, wall - (before + after) // 2

for _ in range(20):
    if not os.fork():
        offset = min(lead() for _ in range(50))[1]
        began = time.monotonic_ns()
        its = bytes(50 * {MIB})
        said = os.getpid(), began + offset, time.monotonic_ns() + offset
        os.write(1, b"%d %d %d\\n" % said)
        os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


def pool(here: Recorder, count: int) -> None:
    """Workers that hold 3, 4, ... MiB, each in a process of its own."""
    here.write("pool.py", POOL)
    done = here.mprof("heap", "-o", "a.mprof", "pool.py", str(count))
    assert done.code == 0, done.err


def table(here: Recorder, *words: str) -> dict:
    return json.loads(
        here.mprof("table", "--by", "process", "--json", *words, "a.mprof").out
    )


def sheets(here: Recorder, *words: str) -> list[str]:
    """The text behind the list: what it says of the peaks, and of the ends."""
    out = here.mprof("report", "--by", "process", *words, "a.mprof", env=NARROW).out
    assert max(map(len, out.split("Where the RSS is", 1)[1].splitlines())) <= 80
    return out.split("Where the RSS is, ")[1:]


def has_a_sheet(here: Recorder, said: str) -> bool:
    """Whether the command that was advised shows one."""
    _, _, words = said.partition("of one: mprof ")
    return "\nWhere the RSS is\n" in here.mprof(*words.split()).out


def columns(sheet: str) -> dict[str, list[str]]:
    """What stands in each row, by its name."""
    rows = (line.rsplit("  ", 1) for line in sheet.splitlines()[1:])
    return {
        row[1]: re.findall(r"-?[\d.]+ \w+|\S+", row[0]) for row in rows if len(row) == 2
    }


def in_bytes(size: str) -> float:
    number, unit = size.split()
    return float(number) * {"B": 1, "KiB": 1 << 10, "MiB": MIB}[unit]


def test_a_pool_has_a_row_for_each_process_and_their_sum(here: Recorder) -> None:
    pool(here, 3)
    got = table(here)
    first, *workers = sorted(got["rows"], key=lambda row: row["parent"])
    assert first["parent"] == 0 and first["file"] == "a.mprof"
    assert [row["parent"] for row in workers] == [first["pid"]] * 3
    assert {row["file"] for row in workers} == {path.name for path in children(here)}
    assert all(row["command"] == "pool.py 3" for row in got["rows"])
    held = [row["live"] // MIB for row in got["rows"] if row["parent"]]
    assert held == [5, 4, 3]
    for row in workers:
        assert row["total"] >= row["live"] + MIB and row["allocations"] > 1000
        assert row["temporary"] >= 1000 and row["most_rss"] > row["live"]
    assert got["by"] == "process" and got["more"]["rows"] == 0
    for key in ("at_peak", "live", "total", "allocations"):
        assert sum(row[key] for row in got["rows"]) == got["all"][key]


def test_the_rows_are_the_processes_of_the_report(here: Recorder) -> None:
    pool(here, 2)
    listed = {process["file"]: process for process in report(here)["processes"]}
    for row in table(here)["rows"]:
        process = listed.pop(row["file"])
        assert (row["pid"], row["command"]) == (process["pid"], process["command"])
        assert (row["at_peak"], row["live"]) == (process["peak"], process["live"])
    assert not listed


def test_rows_of_processes_are_sorted_summed_and_in_bytes_as_others(here: Recorder) -> None:
    pool(here, 3)
    text = here.mprof("table", "--by", "process", "-n", "2", "a.mprof", env=NARROW).out
    title, one, two, more, whole = text.splitlines()
    assert title.split() == "at peak live allocated most RSS pid process".split()
    pids = [str(row["pid"]) for row in table(here, "-n", "2")["rows"]]
    assert [row.split()[8] for row in (one, two)] == pids
    assert one.endswith("  pool.py 3") and more.endswith("(2 more)")
    assert whole.endswith("all") and max(map(len, text.splitlines())) <= 80
    rows = csv.DictReader(
        io.StringIO(here.mprof("table", "--by", "process", "--csv", "a.mprof").out)
    )
    assert [
        {
            key: type(its[key])(row[key]) if its[key] != [] else row[key].split()
            for key in its
        }
        for row, its in zip(rows, table(here)["rows"], strict=True)
    ] == table(here)["rows"]
    by_temporary = table(here, "--sort", "temporary")["rows"]
    figures = [row["temporary"] for row in by_temporary]
    assert figures == sorted(figures, reverse=True)
    text = here.mprof("table", "--by", "process", "--sort", "temporary", "a.mprof").out
    assert "temporary" in text and "allocations" not in text


@pytest.mark.parametrize("words", [(), ("--no-children",)])
def test_a_process_shown_alone_is_one_row(here: Recorder, words: tuple[str, ...]) -> None:
    heap(here, "import os\nif " + repr(bool(words)) + " and not os.fork(): os._exit(0)\n")
    (row,) = table(here, *words)["rows"]
    assert row["parent"] == 0 and row["command"] == "work.py"
    assert row["at_peak"] == report(here, "--no-children", "a.mprof")["peak"]


def test_each_process_of_a_run_has_its_balance_sheet(here: Recorder) -> None:
    pool(here, 2)
    for process in report(here)["processes"]:
        alone = report(here, "--no-children", process["file"])["balance"]
        assert process["balance"] == alone
        for moment in ("at_peak", "at_end"):
            sheet = process["balance"][moment]
            rows = set(sheet) - {"time", "heap", "not_resident", "reserved", "rss"}
            assert sum(sheet[row] or 0 for row in rows) == sheet["rss"] > 4 * MIB
    assert report(here)["balance"] == {"at_start": None, "at_peak": None, "at_end": None}


def test_a_sheet_of_each_process_stands_beside_the_others(here: Recorder) -> None:
    pool(here, 3)
    peak, end = sheets(here)
    processes = report(here)["processes"]
    processes.sort(key=lambda process: -process["peak"])
    names = [
        process["file"].removeprefix("a.mprof").lstrip(".") or "first"
        for process in processes
    ]
    for text, moment in ((peak, "at_peak"), (end, "at_end")):
        rows = columns(text)
        assert rows["process"] == names
        for key, row in (("rss", "RSS"), ("live", "live blocks")):
            wanted = [process["balance"][moment][key] for process in processes]
            assert list(map(in_bytes, rows[row])) == pytest.approx(wanted, rel=0.05)
    nearness = columns(peak)["of its peak, when it was read"]
    assert all(float(near[:-1]) > 80 for near in nearness)
    assert "more;" not in end and "not known" not in end
    hint = "\nWhere the RSS of each is: mprof report --by process a.mprof\n"
    assert here.mprof("report").out.endswith(hint)


def test_of_many_processes_the_sheets_of_the_largest_are_shown(here: Recorder) -> None:
    pool(here, 6)
    peak, end = sheets(here)
    largest = [row["file"] for row in table(here)["rows"]]
    shown = [name.removeprefix("a.mprof.") for name in largest[:4]]
    assert columns(peak)["process"] == columns(end)["process"] == shown
    last = end.splitlines()[-1]
    assert last.startswith("and of 3 more; of one: mprof report ")
    assert last.endswith(f" {largest[4]}") and has_a_sheet(here, last)
    assert columns(sheets(here, "-n", "2")[0])["process"] == shown[:2]


def test_the_sheet_of_the_first_process_is_found_by_the_words_that_are_given(
    here: Recorder,
) -> None:
    heap(here, f"""
        import os
        if not os.fork():
            its = bytearray(b"x") * (40 * {MIB})
            os._exit(0)
        os.wait()
        """)  # fmt: skip
    last = sheets(here, "-n", "1")[1].splitlines()[-1]
    assert last == "and of 1 more; of one: mprof report --no-children a.mprof"
    assert has_a_sheet(here, last)


def test_a_killed_worker_has_a_sheet_of_its_peak_alone(here: Recorder) -> None:
    heap(
        here,
        f"""
        import os, signal
        if not os.fork():
            its = [bytearray(b"x") * {MIB} for _ in range(40)]
            os.kill(os.getpid(), signal.SIGKILL)
        os.wait()
        """,
    )
    peak, end = sheets(here)
    child = children(here)[0].name.removeprefix("a.mprof.")
    assert columns(peak)["process"] == columns(end)["process"] == [child, "first"]
    assert columns(peak)["live blocks"][0].endswith(" MiB")
    assert [row[0] for row in columns(end).values()] == [child] + ["-"] * 10
    (killed,) = (p for p in report(here)["processes"] if not p["closed"])
    assert killed["balance"]["at_end"] is None


def test_a_child_that_ended_before_it_was_read_is_told_to_have_no_sheet(
    here: Recorder,
) -> None:
    heap(
        here,
        """
        import os, signal
        if not os.fork():
            os.kill(os.getpid(), signal.SIGKILL)
        os.wait()
        """,
    )
    *_, end = sheets(here)
    assert columns(end)["process"] == ["first"]
    assert end.endswith("\n\nnot known of 1: ended before it was read\n")


def test_programs_of_one_pid_are_told_apart(here: Recorder) -> None:
    here.write("sub.py", f"its = bytearray(b'y') * (6 * {MIB})\n")
    heap(
        here,
        f"""
        import os, subprocess, sys
        subprocess.run([sys.executable, "sub.py"], check=True)
        its = bytearray(b"x") * (3 * {MIB})
        os.execv(sys.executable, [sys.executable, "sub.py"])
        """,
    )
    rows = table(here)["rows"]
    assert len(rows) == 3 and len({row["pid"] for row in rows}) == 2
    programs = [row["command"].split()[-1] for row in rows]
    assert sorted(programs) == ["sub.py", "sub.py", "work.py"]
    assert report(here)["together"]["most"] < 8.5 * MIB  # not what was before exec, too
    names = columns(sheets(here)[0])["process"]
    assert len(set(names)) == 3 and names[2] == "first"


def test_mappings_alone_have_no_count_of_blocks(here: Recorder) -> None:
    heap(
        here,
        """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        def take(size):
            libc.mmap(None, size, 3, 0x22, -1, 0)
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
        take(4096)  # what ctypes keeps from the first call is not of the second
        libc.mmap(None, 14 << 20, 3, 0x22, -1, 0)  # larger ones count as far as they are touched
        """,
    )
    text = here.mprof("report", "a.mprof").out.split("Still live\n")[1]
    assert re.search(r"14\.0 MiB +[\d.]+% +14\.0 MiB +- +work\.py:9 <module>", text), text
    assert '"live_blocks": 0' in here.mprof("report", "--json", "a.mprof").out


def test_what_was_held_at_once_is_known_however_short_it_was(here: Recorder) -> None:
    for _ in range(8):
        heap(here, TURNS)
        held = report(here)["together"]
        assert 100 * MIB <= held["heap"] < 101 * MIB, held
        assert held["least"] <= held["heap"] <= held["most"]


def test_of_turns_too_short_to_be_told_apart_the_bounds_are_said(here: Recorder) -> None:
    heap(here, EXCLUSIVE)
    held = report(here)["together"]
    assert 50 * MIB <= held["least"] < 51 * MIB and held["most"] >= 100 * MIB
    (line,) = re.findall(r"(?m)^  together .*$", here.mprof("report", "a.mprof").out)
    assert re.search(r" s, between 50\.\d MiB and 10\d\.\d MiB$", line), line


def waiting(here: Recorder) -> subprocess.Popen[bytes]:
    here.write("work.py", WAITING)
    process = here.start("heap", "-o", "a.mprof", "work.py", stdin=subprocess.PIPE)
    assert process.stdout is not None and b"ready" in process.stdout.readline()
    return process


def test_a_process_that_runs_and_notes_nothing_still_holds_what_it_held(
    here: Recorder,
) -> None:
    process = waiting(here)
    got = report(here)
    held = got["together"]
    assert got["incomplete"] == "2 of 2 processes are still running"
    assert held["least"] <= held["most"], held
    both = range(301 * MIB, 303 * MIB)
    assert all(held[key] in both for key in ("least", "heap", "most")), held
    assert got["series"][-1][2] == held["heap"]
    (line,) = re.findall(r"(?m)^  together .*$", here.mprof("report", "a.mprof").out)
    assert "between" not in line
    files = [str(path) for path in (here.path / "a.mprof", *children(here))]
    heap, count, stacks = _core.heap_together(files)
    assert (heap, count) == (held["heap"], 2)
    assert sum(stack[0] for stack in stacks) >= 301 * MIB
    here.mprof("snapshot", "-o", "copy.mprof", "a.mprof")
    copied = report(here, "copy.mprof")["together"]
    process.communicate()
    closed = report(here)["together"]
    assert all(abs(its["heap"] - held["heap"]) < MIB for its in (copied, closed))


def test_when_a_killed_process_ended_is_not_known(here: Recorder) -> None:
    process = waiting(here)
    first = report(here, "--no-children", "a.mprof")["pid"]
    os.kill(first, signal.SIGKILL)
    process.communicate()
    held = report(here)["together"]
    assert all(200 * MIB <= held[key] < 201 * MIB for key in ("least", "heap")), held
    assert 301 * MIB <= held["most"] < 303 * MIB
    (line,) = re.findall(r"(?m)^  together .*$", here.mprof("report", "a.mprof").out)
    assert re.search(r" s, between 200\.\d MiB and 301\.\d MiB$", line), line


def test_the_times_of_all_processes_are_those_of_the_wall_clock(here: Recorder) -> None:
    said = {
        int(pid): (int(begin), int(end))
        for pid, begin, end in map(str.split, heap(here, STAMPED).splitlines())
    }
    assert len(children(here)) == len(said) == 20
    for path in children(here):
        alone = report(here, "--no-children", path.name)
        begin, end = said[alone["pid"]]
        got = next(time for time, _, heap in alone["series"] if heap >= 50 * MIB)
        at = alone["wall_start"] + got
        assert begin - 100_000 < at < end + 100_000, (begin - at, end - at)
