"""mprof top on a terminal: its screen, its keys, and the terminal as it was before."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from attached import running
from recordings import PROGRAM, Recorder

pytestmark = pytest.mark.one_version

PROGRAM_TEXT = """\
import json, sys
kept = []
def grow(n):
    kept.append(bytearray(n << 20))
def parse(n):
    return json.loads("[" + "1.5, " * n + "2.5]")
def child():
    return parse(40000)
kept.append(child())
grow(5)
print("ready", flush=True)
for line in sys.stdin:
    if line == "end\\n":
        break
    grow(int(line))
"""
MIB = 1 << 20
LEFT = "\033[?1049l"


class Screen:
    """A terminal of its own, and what it shows: the sequences that mprof top uses are understood."""

    def __init__(
        self, path: Path, *words: str, size: tuple[int, int] = (24, 100), **env: str
    ):
        self.ours, theirs = os.openpty()
        self.before = termios.tcgetattr(theirs)
        self.theirs = os.dup(theirs)
        self.resize(*size)
        usual = {
            k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        take_it = 'exec "$@" <>"$0" >&0 2>&0'
        self.process = subprocess.Popen(
            ["sh", "-c", take_it, os.ttyname(theirs), PROGRAM, "top", "-i", "0.2", *words],
            cwd=path, start_new_session=True, stdin=theirs, stdout=theirs, stderr=theirs,
            env={**usual, "TERM": "xterm", "LC_ALL": "C.UTF-8", **env},
        )  # fmt: skip
        os.close(theirs)
        self.text = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> None:
        if select.select([self.ours], [], [], 0.1)[0]:
            try:
                self.text += os.read(self.ours, 1 << 16).decode(errors="replace")
            except OSError:
                pass  # nobody has it any more

    @property
    def lines(self) -> list[str]:
        """The last frame that is whole, as a terminal shows it that does not wrap lines: behind
        the last column the cursor stays on that column."""
        frames = [frame for frame in self.text.split("\033[H")[:-1] if "\033[K" in frame]
        columns = struct.unpack(
            "HHHH", fcntl.ioctl(self.ours, termios.TIOCGWINSZ, bytes(8))
        )[1]
        lines: list[str] = [""]
        for part in re.findall(r"\033\[\d*\w|\r*\n|.", frames[-1] if frames else ""):
            if part[-1] == "\n":
                lines.append("")
            elif part in ("\033[K", "\033[J"):
                lines[-1] = lines[-1][: columns - 1]
            elif len(part) == 1:
                lines[-1] = lines[-1][: columns - 1] + part
        return lines if lines[-1] else lines[:-1]

    @property
    def since(self) -> str:
        return self.lines[1].partition(" since ")[2].split()[0]

    def until(self, pattern: str) -> list[str]:
        end = time.monotonic() + 60
        while not any(re.search(pattern, line) for line in self.lines):
            assert time.monotonic() < end, f"never {pattern!r}: {self.text[-2000:]!r}"
            self.read()
        return self.lines

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def ended(self) -> int:
        end = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < end, self.text[-2000:]
            self.read()
        self.read()
        return self.process.returncode

    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.theirs) == self.before and self.text.endswith(LEFT)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture(scope="module")
def program(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, subprocess.Popen]]:
    path = tmp_path_factory.mktemp("top")
    (path / "app.py").write_text(PROGRAM_TEXT)
    process = subprocess.Popen(
        [PROGRAM, "heap", "-o", "a.mprof", "app.py"], cwd=path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout and process.stdin
    assert process.stdout.readline() == b"ready\n"
    yield path, process
    process.stdin.close()
    process.wait(60)


@pytest.fixture
def screen(program: tuple[Path, subprocess.Popen]) -> Iterator[Screen]:
    screen = Screen(program[0], "a.mprof")
    yield screen
    screen.close()


def test_it_shows_rows_curves_and_keys_and_leaves_the_terminal_as_it_was(
    screen: Screen,
) -> None:
    lines = screen.until(r"app\.py:4 grow")
    assert lines[0].startswith("app.py  pid ") and "running" in lines[0]
    assert re.match(r"heap [\d.]+ MiB  RSS [\d.]+ MiB ", lines[1])
    assert [line[:5] for line in lines[2:4]] == ["heap ", "RSS  "]
    assert lines[4].split() == "*live +/s since at peak blocks temporary your line".split()
    assert re.match(r" +[\d.]+ MiB .* app\.py:4 grow$", lines[5])
    assert lines[-1].startswith("q quit")
    screen.press("q")
    assert screen.ended() == 0 and screen.is_as_before()


def test_a_line_reaches_the_last_column(screen: Screen) -> None:
    screen.until(r"app\.py:4 grow")
    assert [len(line.rstrip()) for line in screen.lines[2:4]] == [100, 100]


def test_growth_is_seen_and_counts_from_the_mark_that_the_recording_keeps(
    screen: Screen, program: tuple[Path, subprocess.Popen]
) -> None:
    path, process = program
    assert process.stdin
    screen.until(r"app\.py:4 grow")
    process.stdin.write(b"3\n")
    process.stdin.flush()
    screen.until(r"\+3\.0M .*app\.py:4 grow")
    screen.press("m")
    (line,) = [line for line in screen.until("marked: ") if "marked: " in line]
    name = line.split()[-1]
    screen.until(r" 0 +\d.* app\.py:4 grow")
    process.stdin.write(b"2\n")
    process.stdin.flush()
    screen.until(r"\+2\.0M .*app\.py:4 grow")
    assert Recorder(path).mprof("mark", "named", "a.mprof").code == 0
    process.stdin.write(b"1\n")
    process.stdin.flush()
    screen.until(r"\+3\.0M .*app\.py:4 grow")
    wanted = {name: 3, "named": 1}
    for _ in range(20):  # each key leads to the mark before, from the first to the last
        before = screen.since
        screen.press("M")
        screen.until(rf"^heap .* since (?!{before} )")
        if screen.since in wanted:
            growth = wanted.pop(screen.since)
            screen.until(rf"\+{growth}\.0M .*app\.py:4 grow")
        if not wanted:
            break
    assert not wanted
    screen.press("q")
    assert screen.ended() == 0
    done = Recorder(path).mprof("report", "--json", "--since", name, "a.mprof")
    assert done.code == 0, done.err
    grown = [row for row in json.loads(done.out)["lines"] if row["line"] == 4]
    assert 3 * MIB <= grown[0]["growth"] < 4 * MIB


def test_rows_are_grouped_sorted_and_their_callers_shown(screen: Screen) -> None:
    screen.until(r"app\.py:4 grow")
    screen.press("2")
    screen.until(r"\*live .*  line$")
    screen.until(r"json/decoder\.py:\d+ JSON")
    screen.press("g")
    screen.until(r"\*live .*  function$")
    screen.press("1")
    screen.until(r"\*live .*  your line$")
    screen.press("o")
    screen.until(r"\*\+/s")
    screen.press("O")
    screen.until(r"\*live .*  your line$")
    screen.press("\033[B\033[B")
    screen.until(r" >app\.py:6 parse")
    screen.press("\r")
    lines = screen.until(r"^callers of app\.py:6 parse: ")
    shown = [line.strip() for line in lines]
    at = next(i for i, line in enumerate(shown) if line == "< app.py:6 parse")
    assert shown[at + 1 : at + 3] == ["< app.py:8 child", "< app.py:9 <module>"]
    screen.press("\033")
    screen.until(r" >app\.py:6 parse")
    screen.press("?")
    screen.until("callers of that row")
    screen.press("q")
    assert screen.ended() == 0


def test_it_freezes_and_saves_a_copy(
    screen: Screen, program: tuple[Path, subprocess.Popen]
) -> None:
    path, process = program
    assert process.stdin
    screen.until(r"app\.py:4 grow")
    screen.press(" ")
    frozen = screen.until("^frozen  ")
    process.stdin.write(b"1\n")
    process.stdin.flush()
    screen.press("s")
    (line,) = [line for line in screen.until("saved: ") if "saved: " in line]
    assert screen.lines[1] == frozen[1]
    screen.press(" ")
    screen.until(r"\+1\.0M .*app\.py:4 grow")
    screen.press("q")
    assert screen.ended() == 0
    done = Recorder(path).mprof("report", "--json", line.split()[-1])
    assert done.code == 0, done.err
    assert max(row["live"] for row in json.loads(done.out)["lines"]) >= 5 * MIB


@pytest.mark.parametrize(("rows", "columns"), [(4, 20), (10, 40), (50, 200)])
def test_another_size_is_another_screen(screen: Screen, rows: int, columns: int) -> None:
    screen.until(r"app\.py:4 grow")
    screen.text = ""
    screen.resize(rows, columns)
    lines = screen.until(r"grow|app\.py" if columns >= 40 else "MiB")
    assert len(lines) <= rows
    assert columns < 40 or max(map(len, lines)) <= columns
    screen.press("q")
    assert screen.ended() == 0 and screen.is_as_before()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_however_it_is_ended_the_terminal_is_as_it_was(
    screen: Screen, number: signal.Signals
) -> None:
    screen.until(r"app\.py:4 grow")
    screen.process.send_signal(number)
    assert screen.ended() == 0 and screen.is_as_before()


def test_stopped_it_gives_the_terminal_back_and_takes_it_again(screen: Screen) -> None:
    """Here nobody would continue it, so the kernel does not let it stop."""
    screen.until(r"app\.py:4 grow")
    screen.process.send_signal(signal.SIGTSTP)
    end = time.monotonic() + 60
    while not re.search(re.escape(LEFT) + r".*\033\[\?1049h", screen.text, re.S):
        assert time.monotonic() < end
        screen.read()
    screen.text = ""
    screen.until(r"app\.py:4 grow")
    screen.press("q")
    assert screen.ended() == 0 and screen.is_as_before()


def test_without_colour_and_utf8_it_is_plain(
    program: tuple[Path, subprocess.Popen],
) -> None:
    screen = Screen(program[0], "a.mprof", NO_COLOR="1", LC_ALL="C")
    screen.until(r"app\.py:4 grow")
    screen.press("q")
    assert screen.ended() == 0
    assert screen.text.isascii() and not re.search(r"\033\[\d*m", screen.text)
    screen.close()


def test_a_dumb_terminal_is_told_what_to_use(
    program: tuple[Path, subprocess.Popen],
) -> None:
    screen = Screen(program[0], "a.mprof", TERM="dumb")
    assert screen.ended() == 1
    assert "top needs a terminal that can move its cursor" in screen.text
    assert "\033" not in screen.text
    screen.close()


def test_it_stays_when_the_program_has_ended(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM_TEXT)
    done = Recorder(tmp_path).mprof(
        "heap", "-o", "a.mprof", "app.py", stdin=subprocess.DEVNULL
    )
    assert done.code == 0, done.err
    screen = Screen(tmp_path, "a.mprof")
    lines = screen.until(r"app\.py:4 grow")
    assert "ended after" in lines[0]
    screen.press("q")
    assert screen.ended() == 0
    screen.close()


def test_a_process_that_is_not_recorded_is_attached_to_while_it_is_watched(
    tmp_path: Path,
) -> None:
    here = Recorder(tmp_path)
    with running(here) as target:
        target.tell("leave")
        screen = Screen(tmp_path, str(target.pid), "--children", "-o", "a.mprof")
        screen.until("1 Python process that it started before is not recorded: ")
        lines = screen.until(r"  RSS [\d.]+ MiB \([\d.]+ MiB before\)  ")
        assert re.search(r", attached \d+ s ago$", lines[0])
        target.tell("keep")
        screen.until(r"8\.0 MiB .* keep$")
        target.tell("leave")
        screen.until(r"16\.0 MiB .* keep$")
        screen.press("q")
        assert screen.ended() == 0
        assert "detached from 1 process that it started" in screen.text
        assert f"detached from process {target.pid}" in screen.text.partition(LEFT)[2]
        screen.close()
        target.tell("keep")
        assert target.end() == "ended 2"
    done = here.mprof("report", "--json", "a.mprof")
    assert done.code == 0, done.err
    assert not json.loads(done.out)["incomplete"]


def test_a_process_that_cannot_be_attached_to_is_one_line_and_no_screen(
    tmp_path: Path,
) -> None:
    process = subprocess.Popen(["sleep", "60"])
    screen = Screen(tmp_path, str(process.pid))
    assert screen.ended() == 1
    assert screen.text.startswith("mprof: ") and screen.text.count("\n") == 1
    assert "\033" not in screen.text
    screen.close()
    process.kill()
    process.wait()
