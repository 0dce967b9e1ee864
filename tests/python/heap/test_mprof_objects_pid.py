"""`mprof objects PID`: who holds the objects of a process that runs."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attached import OBEYS, running
from recordings import Done, Recorder, wait_for

HOLDS = """
class Row:
    def __init__(self, number):
        self.number, self.text = number, str(number) * 20
cache = {f"user:{i}": Row(i) for i in range(4000)}
class Rare: pass
rare = [Rare() for _ in range(3)]
def load(count):
    return [str(i) * 100 for i in range(count)]
table = load(4000)
cities = ["".join(["Ber", "lin"]) for _ in range(5000)]
"""
BUSY = HOLDS + "print('ready', flush=True)\nwhile True: again = [str(i) for i in range(99)]"
WAITS = HOLDS + "import sys\nprint('ready', flush=True)\nsys.stdin.read()\n"

#: Knows whether a child of its looks; nobody else is one.
KNOWS = (
    HOLDS
    + """
rows = [Row(i) for i in range(200_000)]
def looks():
    with open("/proc/thread-self/children") as file:
        return file.read() != ""
print("ready", flush=True)
"""
)
GOES_ON = (
    KNOWS
    + """
while not looks(): pass
went = 0
while looks(): went += 1
print("went on", went > 3, flush=True)
while True: pass
"""
)
STOPS = KNOWS + "import sys\nwhile not looks(): pass\nsys.stdin.read()\n"

#: Has a class whose objects cannot be walked.
BREAKS = """
import ctypes
class Broken: pass
broken = Broken()
ctypes.c_void_p.from_address(id(Broken) + 23 * 8).value = 8
import gc; gc.disable()
"""


#: Its main thread never runs, another makes it another program.
BECOMES = """
import os, sys, threading
def become():
    print("ready", flush=True)
    sys.stdin.read()
    os.execvp("sleep", ["sleep", "1000"])
thread = threading.Thread(target=become)
thread.start()
thread.join()
"""


class Recorded:
    """A program that is recorded, without --types."""

    def __init__(self, here: Recorder, source: str) -> None:
        here.write("app.py", source)
        self.here = here
        self.process = here.start_until_ready("heap", "-o", "a.mprof", "app.py")
        self.pid = self.process.pid

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    recorded = Recorded(Recorder(tmp_path_factory.mktemp("busy")), BUSY)
    yield recorded
    assert recorded.process.poll() is None  # it went on
    recorded.end()


def rows(here: Recorder, *words: object) -> list[dict]:
    done = here.mprof("objects", "--json", *words)
    assert not done.code, done.err
    return json.loads(done.out)["rows"]


def test_a_recorded_program_is_asked_for_any_type_and_line(busy: Recorded) -> None:
    (row,) = rows(busy.here, "--type", "Row", busy.pid)
    assert row["path"] == "__main__.cache['user:…']" and row["objects"] == 4000
    texts = sum(sys.getsizeof(str(i) * 20) for i in range(4000))
    assert texts < row["retained"] - row["bytes"] < texts + 4000 * 200
    (row,) = rows(busy.here, "--type", "Rare", busy.pid)  # not among the largest
    assert (row["path"], row["objects"]) == ("__main__.rare[…]", 3)
    found = rows(busy.here, "--line", "app.py:9", busy.pid)
    assert {row["of"] for row in found} == {f"{busy.here.path}/app.py:9"}
    assert {row["path"]: row["objects"] for row in found}["__main__.table[…]"] == 4000
    found = rows(busy.here, "--line", "app.py:7", busy.pid)  # nor this among the lines
    assert {row["path"]: row["objects"] for row in found}["__main__.rare[…]"] == 3


def test_all_of_a_recorded_program_is_what_a_recording_keeps(busy: Recorded) -> None:
    done = busy.here.mprof("objects", busy.pid)
    assert not done.code and not done.err
    assert f" objects in process {busy.pid} now, " in done.out.splitlines()[0]
    for words in ("What retains most", "Who holds Row\n", "app.py:9 load"):
        assert words in done.out
    done = busy.here.mprof("objects", "--retained", busy.pid)
    assert "What retains most" in done.out and "Who holds" not in done.out
    assert "  .cache: dict\n" in done.out.partition("kept by\n")[2]
    first = [row["path"] for row in rows(busy.here, "--retained", busy.pid)[:3]]
    assert {"__main__.cache", "__main__.table"} <= set(first)


def copies(here: Recorder, *words: object) -> dict:
    """The row of the cities, of what is not needed."""
    done = here.mprof("objects", "--waste", "--json", *words)
    assert not done.code, done.err
    made = json.loads(done.out)
    assert made["rows"] == []
    (row,) = [
        row
        for row in made["waste"]["rows"]
        if row["kind"] == "copies" and row["path"].startswith("__main__.cities[")
    ]
    assert (row["objects"], row["saved"]) == (4999, 4999 * sys.getsizeof("Berlin"))
    return row


def test_a_recorded_program_is_asked_what_it_would_not_need(busy: Recorded) -> None:
    assert copies(busy.here, busy.pid)["line"] == f"{busy.here.path}/app.py:11"
    alone = busy.here.mprof("objects", "--waste", busy.pid).out
    assert f" objects in process {busy.pid} now, " in alone.splitlines()[0]
    assert "4,999  str: copies of others: one would do\n" in alone
    assert "Who holds" not in alone and "What retains" not in alone
    whole = busy.here.mprof("objects", busy.pid).out  # as of a recording that has ended
    assert "Who holds Row\n" in whole and whole.count("4,999  str: copies of others") == 1


def test_what_a_recorded_program_does_not_have_is_one_line(busy: Recorded) -> None:
    for words, said in (
        (["--type", "Nobody"], f"process {busy.pid} has no object of a type Nobody"),
        (["--line", "app.py:1"], f"process {busy.pid} holds no object that app.py:1 alloc"),
        (["--type", "x" * 300], "longer than names are"),
    ):
        done = busy.here.mprof("objects", *words, busy.pid)
        assert done.code and said in done.err and done.err.count("\n") == 1


def test_several_that_ask_a_program_at_once_are_all_answered(busy: Recorded) -> None:
    asking = [
        busy.here.start("objects", "--json", "--type", "Row", busy.pid) for _ in range(4)
    ]
    for one in asking:
        out, err = one.communicate(timeout=60)
        assert not one.returncode and json.loads(out)["rows"][0]["objects"] == 4000, err


def test_several_that_ask_different_things_are_each_answered(busy: Recorded) -> None:
    wanted = {"Row": 4000, "Rare": 3}
    asking = [
        (name, busy.here.start("objects", "--json", "--type", name, busy.pid))
        for name in [*wanted] * 3
    ]
    waste = busy.here.start("objects", "--waste", busy.pid)
    for name, one in asking:
        out, err = one.communicate(timeout=60)
        assert (
            not one.returncode and json.loads(out)["rows"][0]["objects"] == wanted[name]
        ), err
    out, err = waste.communicate(timeout=60)
    assert b"copies of others" in out, err


def test_nobody_gets_the_answer_to_what_another_one_asked(busy: Recorded) -> None:
    """What is asked next has its answer put where that of the one before is read."""
    wanted = {"Row": 4000, "Rare": 3}

    def found(name: str) -> list[int]:
        return [row["objects"] for row in rows(busy.here, "--type", name, busy.pid)]

    with ThreadPoolExecutor(16) as pool:
        names = [*wanted] * 80
        for name, objects in zip(names, pool.map(found, names), strict=True):
            assert objects == [wanted[name]]


def test_who_has_to_wait_is_told_for_whom(busy: Recorded) -> None:
    directory = os.open(f"/proc/{busy.pid}", os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        asking = busy.here.start("objects", "--json", "--type", "Row", busy.pid)
        said = asking.stderr.readline().decode()
        assert said == (
            f"mprof: process {busy.pid} answers one question at a time, and process "
            f"{os.getpid()} asks it: waiting\n"
        )
    finally:
        os.close(directory)
    out, err = asking.communicate(timeout=60)
    assert json.loads(out)["rows"][0]["objects"] == 4000 and not err


def test_what_was_asked_stays_in_the_capture_with_its_time(tmp_path: Path) -> None:
    recorded = Recorded(Recorder(tmp_path), BUSY)
    rows(recorded.here, "--type", "Row", recorded.pid)
    done = recorded.here.mprof("objects", "--type", "Row", "a.mprof")
    assert not done.code and "4,000  __main__.cache['user:…']" in done.out
    assert re.search(r" objects at \d+\.\d{3} s, ", done.out), done.out
    done = recorded.here.mprof("objects", "--waste", "a.mprof")
    assert done.code and "a.mprof does not say what objects would not need" in done.err
    for _ in range(3):
        copies(recorded.here, recorded.pid)
    recorded.end()
    assert copies(recorded.here, "a.mprof")["line"].endswith("app.py:11")
    done = recorded.here.mprof("objects", "a.mprof")
    assert re.search(r" objects at \d+\.\d{3} s, ", done.out), done.out
    assert "copies of others" in done.out and "Who holds" not in done.out


def wait_until_it_waits(here: Recorder, pid: int, *words: str) -> Done:
    """It has said that it is ready before it does."""
    asked: list[Done] = []

    def waits() -> bool:
        asked.append(here.mprof("objects", *words, pid))
        return "has not answered for two seconds" in asked[-1].err

    wait_for(waits, "its main thread to wait")
    return asked[-1]


def test_a_recorded_program_that_waits_is_attached_to(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("app.py", WAITS)
    process = here.start("heap", "-o", "a.mprof", "app.py", stdin=subprocess.PIPE)
    assert b"ready" in process.stdout.readline()
    done = wait_until_it_waits(here, process.pid, "--line", "app.py:9")
    assert not done.code and "4,000  __main__.table[…]" in done.out
    assert done.err.count("\n") == 1
    process.communicate(b"")
    assert not process.returncode


def test_a_recorded_program_goes_on_while_a_child_looks(tmp_path: Path) -> None:
    recorded = Recorded(Recorder(tmp_path), GOES_ON)
    (row,) = rows(recorded.here, "--type", "Rare", recorded.pid)
    assert row["objects"] == 3
    assert recorded.process.stdout.readline() == b"went on True\n"
    recorded.end()


@pytest.mark.one_version
def test_a_recorded_program_that_stops_while_a_child_looks(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("app.py", STOPS)
    process = here.start("heap", "-o", "a.mprof", "app.py", stdin=subprocess.PIPE)
    assert b"ready" in process.stdout.readline()
    done = here.mprof("objects", "--type", "Rare", process.pid)
    assert not done.code and "3  __main__.rare[…]" in done.out
    assert "has not answered for two seconds" in done.err and done.err.count("\n") == 1
    process.communicate(b"")
    assert not process.returncode


def test_the_thread_that_is_asked_goes_on_while_a_child_looks(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    goes_on = """
import os
rows = [Row(i) for i in range(200_000)]
def looks():
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/children") as file:
                if file.read():
                    return True
        except OSError:
            pass
    return False
print("ready", flush=True)
went = 0
while not os.path.exists("over"):
    went += looks()
print("went on", went > 3, flush=True)
"""
    with running(here, HOLDS + goes_on) as target:
        (row,) = rows(here, "--type", "Rare", target.pid)
        assert row["objects"] == 3
        here.write("over", "")
        assert target.end() == "went on True"


def test_a_program_that_nobody_records_is_asked_and_goes_on(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    with running(here, HOLDS + OBEYS) as target:
        (row,) = rows(here, "--type", "Row", target.pid)
        assert (row["path"], row["objects"]) == ("__main__.cache['user:…']", 4000)
        done = here.mprof("objects", target.pid)
        assert not done.code and "Who holds Row\n" in done.out
        assert "allocated" not in done.out
        assert done.err == (
            f"mprof: process {target.pid} is not recorded: what holds the objects of lines "
            "is not known\n"
        )
        assert "copies of others" in done.out
        done = here.mprof("objects", "--waste", target.pid)
        assert not done.code and "attributes in dicts: __slots__" in done.out
        assert "service.py:" not in done.out
        assert "at which lines they were allocated is not known" in done.err
        assert done.err.count("\n") == 1
        target.tell("fork")
        assert rows(here, "--retained", target.pid)
        done = here.mprof("objects", "--line", "service.py:9", target.pid)
        assert done.code and f"record it with 'mprof heap {target.pid}'" in done.err
        assert done.err.count("\n") == 1
        target.tell("keep")
        assert target.end() == "ended 1"
    assert not list(tmp_path.glob("*.mprof"))


def test_a_broken_traverse_ends_no_program_and_one_line_says_so(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    recorded = Recorded(here, BREAKS + BUSY)
    with running(here, BREAKS + OBEYS) as target:
        for pid in (recorded.pid, target.pid):
            done = here.mprof("objects", pid)
            assert done.code and not done.out
            lines = [line for line in done.err.splitlines() if "not recorded" not in line]
            assert lines == [
                f"mprof: process {pid} does not say who held its objects: an extension "
                "module's type broke the process that looked"
            ]
        target.tell("keep")
    assert recorded.process.poll() is None
    recorded.end()


@pytest.mark.one_version
def test_a_program_that_ends_or_becomes_another_meanwhile(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    for ending in ("kill", "exec"):
        here.write("app.py", BECOMES)
        process = here.start("heap", "-o", "a.mprof", "app.py", stdin=subprocess.PIPE)
        assert b"ready" in process.stdout.readline()
        wait_until_it_waits(here, process.pid)
        asking = here.start("objects", process.pid)
        wait_for(lambda: "a.mprof" in mapped(asking.pid), "that it was asked")
        if ending == "kill":
            process.kill()
        else:
            process.stdin.close()
        _, err = asking.communicate(timeout=60)
        assert asking.returncode
        assert err.decode() == (
            f"mprof: process {process.pid} ended before it had answered, or became another\n"
        )
        process.kill()
        process.wait()
        (tmp_path / "a.mprof").unlink()
    done = here.mprof("objects", process.pid)
    assert done.code and f"no process {process.pid}" in done.err


def mapped(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


def test_a_program_that_forks_meanwhile(tmp_path: Path) -> None:
    forks = "import os\nwhile True:\n    if not os.fork(): os._exit(0)\n    os.wait()\n"
    recorded = Recorded(Recorder(tmp_path), HOLDS + "print('ready', flush=True)\n" + forks)
    for _ in range(5):
        (row,) = rows(recorded.here, "--type", "Row", recorded.pid)
        assert row["objects"] == 4000
    assert recorded.process.poll() is None
    recorded.end()


@pytest.mark.one_version
def test_a_number_is_an_index_where_the_list_has_it(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    here.write("app.py", HOLDS)
    assert not here.mprof("heap", "--types", "app.py").code
    done = here.mprof("objects", 0)
    assert not done.code and "objects when it ended" in done.out
    done = here.mprof("objects", "--pid", 0)
    assert done.code and "no process 0" in done.err
    done = here.mprof("objects", "--pid", "a.mprof")
    assert done.code == 2 and "--pid takes one process" in done.err


@pytest.mark.one_version
def test_what_cannot_be_asked_is_one_line(tmp_path: Path) -> None:
    here = Recorder(tmp_path)
    done = here.mprof("objects", 999999999)
    assert done.code and done.err == "mprof: no process 999999999\n"
    with running(here) as target:
        os.kill(target.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{target.pid}/stat")
        wait_for(lambda: ") T " in stat.read_text(), "that it stands")
        done = here.mprof("objects", target.pid)
        assert done.code and "is stopped by a signal" in done.err
        os.kill(target.pid, signal.SIGCONT)
