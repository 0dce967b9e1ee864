"""mprof top of a heap: what is shown while a program runs is what its capture says at the end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordings import PROGRAM, Recorder, wait_for

pytestmark = pytest.mark.one_version

#: Does a step of what it is told on stdin, a line each, and says when it is done.
STEPS = """\
import json, os, sys
sys.path.insert(0, os.getcwd())
import other
kept = []
def grow(n):
    kept.append(bytearray(n << 20))
def stacks(n):
    if n:
        return stacks(n - 1)
    kept.append(json.loads("[1.5, 2.5]" * 1))
def fork():
    pid = os.fork()
    if not pid:
        mine = bytearray(2 << 20)
        os.write(1, b"child\\n")
        sys.stdin.readline()
        os._exit(0)
    os.waitpid(pid, 0)
print("ready", flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "end":
        break
    if word == "deep":
        for n in range(int(rest[0])):
            stacks(n)
    elif word == "other":
        kept.append(other.hold(3))
    elif word == "fork":
        fork()
    else:
        grow(int(rest[0]))
    print("done", flush=True)
"""
OTHER = "def hold(n):\n    return bytearray(n << 20)\n"
GROW, MINE, HOLD, MIB = 6, 14, 2, 1 << 20


class Running:
    """A program under mprof heap that does as it is told, its capture a.mprof."""

    def __init__(self, path: Path, *options: str) -> None:
        self.here = Recorder(path)
        self.here.write("app.py", STEPS)
        self.here.write("other.py", OTHER)
        self.process = subprocess.Popen(
            [PROGRAM, "heap", *options, "-o", "a.mprof", "app.py"], cwd=path,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.expect("ready")

    def expect(self, word: str) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == f"{word}\n".encode()

    def tell(self, line: str, answer: str = "done") -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()
        if answer:
            self.expect(answer)

    def once(self, *words: object) -> dict:
        done = self.here.mprof("top", "--once", "--json", "-i", "0.1", *words, "a.mprof")
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    def end(self) -> None:
        self.tell("end", "")
        assert self.process.wait(60) == 0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    program = Running(tmp_path)
    yield program
    program.process.kill()
    program.process.communicate()


def row(got: dict, **fields: object) -> dict:
    (found,) = [
        row for row in got["rows"] if all(row.get(k) == v for k, v in fields.items())
    ]
    return found


def app(running: Running, name: str = "app.py") -> str:
    return str(running.here.path / name)


def test_each_line_of_yours_has_what_it_and_its_libraries_hold_now(
    running: Running,
) -> None:
    running.tell("grow 5")
    running.tell("other 3")
    got = running.once()
    assert (got["processes"], got["state"], got["by"]) == (1, "running", "your-line")
    assert row(got, file=app(running), line=GROW)["live"] >= 5 * MIB
    held = row(got, file=app(running, "other.py"), line=HOLD)
    assert held["live"] >= 3 * MIB and held["at_peak"] >= 3 * MIB
    assert held["users"] and held["function"] == "hold"
    assert sum(row["live"] for row in got["rows"]) == got["heap"]
    assert got["rss"] > got["heap"] and got["peak"] >= got["heap"] >= 8 * MIB
    lives = [row["live"] for row in got["rows"]]
    assert lives == sorted(lives, reverse=True)


def test_rows_are_of_what_is_asked_and_have_the_same_sum(running: Running) -> None:
    running.tell("grow 5")
    running.tell("deep 20")
    for by in ("your-line", "line", "function", "file", "module", "process"):
        got = running.once("--by", by)
        assert sum(row["live"] for row in got["rows"]) == got["heap"]
    assert row(running.once("--by", "function"), function="grow")["line"] == GROW - 1
    assert row(running.once("--by", "file"), file=app(running))["live"] >= 5 * MIB
    assert row(running.once("--by", "module"), file="json")["live"] > 0
    (thread, *_) = running.once("--by", "thread")["rows"]
    assert thread["kind"] == "thread" and thread["total"] >= 5 * MIB
    got = running.once("--sort", "temporary", "-n", "2")
    assert len(got["rows"]) == 2 and got["rows_left_out"] > 0
    assert got["rows"][0]["temporary"] >= got["rows"][1]["temporary"]


def test_mine_says_which_code_is_yours(running: Running) -> None:
    running.tell("other 3")
    got = running.once("--not-mine", "other")
    assert not [row for row in got["rows"] if row.get("file") == app(running, "other.py")]
    assert (
        max(row["live"] for row in got["rows"] if row.get("file") == app(running))
        >= 3 * MIB
    )


def test_what_is_new_is_read_on_and_comes_to_what_the_capture_says(
    running: Running,
) -> None:
    """New stacks, functions and files, in steps, while it is looked at."""
    top = running.here.start("top", "--json", "-i", "0.1", "--by", "line", "a.mprof")
    assert top.stdout
    looks = [json.loads(top.stdout.readline())]
    for step in ("grow 1", "deep 40", "other 3", "deep 300", "grow 2"):
        running.tell(step)
        looks.append(json.loads(top.stdout.readline()))
    while not any(
        r.get("line") == GROW and r["since"] >= 3 * MIB for r in looks[-1]["rows"]
    ):
        looks.append(json.loads(top.stdout.readline()))
    running.end()
    looks += map(json.loads, top.stdout.read().splitlines())
    assert top.wait(60) == 0
    last = looks[-1]
    assert last["state"] == "ended after"
    done = running.here.mprof("table", "--json", "--by", "line", "a.mprof")
    table = json.loads(done.out)["rows"]

    def figures(rows: list[dict], live: str) -> dict:
        return {
            (row["file"], row["line"], row["function"]): tuple(
                row[name]
                for name in ("live", live, "at_peak", "total", "allocations", "temporary")
            )
            for row in rows
            if row["total"]
            and row.get("function")
            and row.get("file", "").endswith(("app.py", "other.py"))
        }

    wanted = figures(table, "live_blocks")
    assert len(wanted) >= 6
    assert figures(last["rows"], "live_blocks") == wanted


def test_children_are_summed_as_long_as_they_run(running: Running) -> None:
    running.tell("grow 5")
    before = running.once()
    running.tell("fork", "child")
    got = running.once()
    assert (before["processes"], got["processes"]) == (1, 2)
    assert row(got, file=app(running), line=MINE)["live"] >= 2 * MIB
    assert sum(row["live"] for row in got["rows"]) == got["heap"]
    processes = running.once("--by", "process")["rows"]
    assert {row["process"] for row in processes} > {got["pid"]} and len(processes) == 2
    assert running.once("--no-children")["processes"] == 1
    running.tell("", "done")  # the child ends
    assert running.once()["processes"] == 1


def test_a_process_is_named_by_its_number(running: Running) -> None:
    pid = running.once()["pid"]
    done = running.here.mprof("top", "--once", "--json", "-i", "0.1", pid)
    assert (done.code, json.loads(done.out)["pid"]) == (0, pid)


def test_a_killed_program_is_told_as_that_and_shown_to_its_end(running: Running) -> None:
    running.tell("grow 5")
    pid = running.once()["pid"]
    os.kill(pid, signal.SIGKILL)
    running.process.wait(60)
    got = running.once()
    assert got["state"] == "killed after"
    assert row(got, line=GROW)["live"] >= 5 * MIB


def test_once_growth_counts_from_a_moment_of_the_recording_by_one_look(
    running: Running,
) -> None:
    running.tell("grow 5")
    assert running.here.mprof("mark", "warm", "a.mprof").code == 0
    running.tell("grow 3")
    words = ["top", "--once", "--json", "a.mprof"]
    got = json.loads(running.here.mprof(*words, "--since", "warm").out)
    grown = row(got, file=app(running), line=GROW)
    assert 3 * MIB <= grown["since"] < 4 * MIB <= grown["live"]
    assert got["since_error"] == grown["since_error"] == 0
    seconds = (got["elapsed"] - got["since_time"]) / 1e9
    assert 0 < grown["since"] <= grown["rate"] * seconds * 1.001
    running.end()
    early = json.loads(running.here.mprof(*words).out)  # without a first quarter
    assert early["state"] == "ended after" and "rate" in early
    assert early["since_time"] < early["elapsed"]
    text = running.here.mprof("top", "--once", "--since", "warm", "a.mprof").out
    assert " since warm " in text and "+-" not in text


def test_sampled_figures_are_called_that(tmp_path: Path) -> None:
    program = Running(tmp_path, "--sample", "64K")
    program.tell("grow 5")
    got = program.once()
    assert got["sample"] == 1 << 16 and got["since_error"] >= 1 << 16
    out = program.here.mprof(
        "top", "--once", "-i", "0.1", "a.mprof", env={"COLUMNS": "120"}
    ).out
    assert "one block in 64.0 KiB" in out and re.search(r" since +\+- +at peak", out)
    program.end()


@pytest.mark.parametrize("columns", [40, 60, 80, 130])
def test_every_line_fits_and_no_number_is_cut(running: Running, columns: int) -> None:
    running.tell("grow 5")
    running.tell("deep 20")
    env = {"COLUMNS": str(columns), "LC_ALL": "C", "NO_COLOR": "1"}
    done = running.here.mprof("top", "--once", "-i", "0.1", "a.mprof", env=env)
    assert done.code == 0 and done.out.isascii() and "\033" not in done.out
    assert max(len(line) for line in done.out.splitlines()) <= columns
    (line,) = [line for line in done.out.splitlines() if f"app.py:{GROW}" in line]
    assert re.match(r" +5\.0 MiB +", line)


WRONG = [
    (["nothing.mprof"], 1, "cannot read nothing.mprof: No such file or directory"),
    (["app.py"], 1, "not an mprof heap capture: app.py"),
    (["999999999"], 1, "no process has the number 999999999"),
    ([str(os.getpid())], 1, f"process {os.getpid()} records no heap"),
    (["--by", "colour", "a.mprof"], 2, "top: not one of your-line, line"),
    (["-i", "0", "a.mprof"], 2, "top: not a number of seconds from 0.1 to 3600: '0'"),
    (["-n", "0", "a.mprof"], 2, "top: not a number of rows: '0'"),
    (
        ["--since", "warm", "--once", "a.mprof"],
        1,
        "a.mprof has no mark warm: it has no marks",
    ),
    (["--since", "9h", "--once", "a.mprof"], 1, "a.mprof has nothing at 9h"),
    (["--since", "", "a.mprof"], 2, "top: not a moment: a time (12.5s)"),
    (
        ["--since", "1s", "--by", "thread", "a.mprof"],
        1,
        "top: --since is of a heap's lines",
    ),
    (["a.mprof", "b.mprof"], 2, "top: takes one argument, was also given 'b.mprof'"),
    (["a.mprof"], 1, "top needs a terminal that can move its cursor: --once prints once"),
]


def test_what_cannot_be_shown_is_one_line(running: Running) -> None:
    for words, code, line in WRONG:
        done = running.here.mprof("top", *words, stdin=subprocess.DEVNULL)
        assert done.code == code and done.out == ""
        assert done.err.startswith(f"mprof: {line}") and done.err.count("\n") == 1


def test_without_a_name_it_is_the_newest_here(running: Running, tmp_path: Path) -> None:
    done = running.here.mprof("top", "--once", "--json", "-i", "0.1")
    assert json.loads(done.out)["file"].endswith("a.mprof")
    (tmp_path / "empty").mkdir()
    done = running.here.mprof("top", "--once", cwd=tmp_path / "empty")
    assert done.code == 1
    assert done.err == "mprof: no recording here; 'mprof heap script.py' makes one\n"


def test_a_reader_that_leaves_ends_it_quietly(running: Running) -> None:
    top = running.here.start("top", "--json", "-i", "0.1", "a.mprof")
    assert top.stdout and top.stderr
    top.stdout.readline()
    top.stdout.close()
    assert top.wait(60) in (0, 1, -signal.SIGPIPE)
    assert top.stderr.read() == b""
    top.stderr.close()


def test_another_recording_under_the_name_takes_its_place(tmp_path: Path) -> None:
    """The first one's figures are gone, as is its program."""
    first = Running(tmp_path)
    first.tell("grow 7")
    top = first.here.start("top", "--json", "-i", "0.1", "a.mprof")
    assert top.stdout
    before = json.loads(top.stdout.readline())
    (tmp_path / "a.mprof").rename(tmp_path / "old.mprof")
    second = Running(tmp_path)
    second.tell("grow 2")
    got = before
    while got["pid"] == before["pid"] or not [
        r for r in got["rows"] if r.get("line") == GROW
    ]:
        got = json.loads(top.stdout.readline())
    assert 2 * MIB <= row(got, line=GROW)["live"] < 3 * MIB
    for program in first, second:
        program.end()
    top.stdout.read()
    assert top.wait(60) == 0


def test_the_program_is_not_touched(running: Running) -> None:
    """The file is opened to be read, and nothing listens."""
    strace = subprocess.run(["sh", "-c", "command -v strace"], capture_output=True)
    if strace.returncode:
        pytest.skip("strace is not there")
    subprocess.run(
        ["strace", "-f", "-o", "trace", PROGRAM, "top", "--once", "-i", "0.1", "a.mprof"],
        cwd=running.here.path, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    calls = (running.here.path / "trace").read_text()
    assert not re.search(r"\b(socket|listen|connect|kill|ptrace|process_vm_\w+)\(", calls)
    assert not re.search(r"a\.mprof.*O_(RDWR|WRONLY)", calls)


def test_it_goes_on_where_the_program_is_stopped(running: Running) -> None:
    pid = running.once()["pid"]
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: ") T " in Path(f"/proc/{pid}/stat").read_text(), "stopped")
    assert running.once()["state"] == "running"
    os.kill(pid, signal.SIGCONT)
    running.tell("grow 1")
