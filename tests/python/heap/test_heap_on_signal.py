"""MPROF_HEAP_ON_SIGNAL: a signal starts a recording, and ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from heap_captures import Capture
from heap_runs import figures
from recordings import Recorder, wait_for

#: Waits in select, as servers do, and says each step.
SERVER = """
import os, select, sys
kept = []
def keep():
    kept.append(bytearray(3 << 20))
print("ready", flush=True)
while True:
    select.select([0], [], [])
    word = os.read(0, 100).decode().strip()
    if word == "fork":
        pid = os.fork()
        if not pid:
            print(os.getpid(), flush=True)
            os.read(0, 1)
            keep()
            os._exit(0)
        continue
    if not word or word == "end":
        break
    keep()
    print("kept", flush=True)
"""


class Server:
    def __init__(self, path: Path, value: str, source: str = SERVER) -> None:
        self.path = path
        (path / "server.py").write_text(source)
        self.process = subprocess.Popen(
            [sys.executable, "server.py"], cwd=path, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "MPROF_HEAP_ON_SIGNAL": value},
        )  # fmt: skip
        self.expect("ready")

    def expect(self, word: str) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == f"{word}\n"

    def keep(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("keep\n")
        self.process.stdin.flush()
        self.expect("kept")

    def captures(self, folder: str = ".") -> list[Path]:
        return sorted((self.path / folder).glob("mprofheap_*.mprof"))

    def end(self) -> str:
        """What it said on stderr; it ended well."""
        _, err = self.process.communicate("end\n", timeout=60)
        assert self.process.returncode == 0
        return err


def is_recorded(path: Path) -> bool:
    """Its header is there, and it was not closed."""
    return path.read_bytes()[:8] == b"mprof\x1ahp" and not Capture(path).clean


def test_a_signal_starts_a_recording_and_the_next_one_ends_it(tmp_path: Path) -> None:
    server = Server(tmp_path, "USR2,sample=0")
    server.keep()
    assert server.captures() == []
    server.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: any(map(is_recorded, server.captures())), "a recording")
    (path,) = server.captures()
    assert path.name.endswith(f"-{server.process.pid}.mprof")
    server.keep()
    server.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: Capture(path).clean, "its end")
    server.keep()
    assert server.end() == ""
    (line,) = [r for r in figures(Recorder(tmp_path), path.name)["lines"] if r["line"] == 5]
    assert 3 << 20 <= line["live"] < 4 << 20 and line["function"] == "keep"


def test_the_report_says_what_was_there_before(tmp_path: Path) -> None:
    server = Server(tmp_path, "USR2")
    server.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: any(map(is_recorded, server.captures())), "a recording")
    assert server.end() == ""
    done = Recorder(tmp_path).mprof("report", server.captures()[0].name)
    assert " of RSS were there before, by no line\n" in done.out, done.out


def test_a_child_that_records_with_its_parent_ends_that_at_the_signal(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, "USR2,children")
    server.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: any(map(is_recorded, server.captures())), "a recording")
    assert server.process.stdin and server.process.stdout
    server.process.stdin.write("fork\n")
    server.process.stdin.flush()
    child = int(server.process.stdout.readline())
    (path,) = tmp_path.glob(f"mprofheap_*.mprof.{child}")
    os.kill(child, signal.SIGUSR2)
    wait_for(lambda: Capture(path).clean, "its end")
    assert len(server.captures()) == 1
    assert server.end() == ""


def test_the_end_of_the_process_closes_it_and_the_folder_and_sample_are_as_said(
    tmp_path: Path,
) -> None:
    (tmp_path / "out").mkdir()
    server = Server(tmp_path, f"RTMIN+3,folder={tmp_path}/out,sample=64K")
    server.process.send_signal(signal.SIGRTMIN + 3)
    wait_for(lambda: any(map(is_recorded, server.captures("out"))), "a recording")
    server.keep()
    assert server.end() == ""
    (path,) = server.captures("out")
    assert Capture(path).clean and Capture(path).sample == 64 << 10


def test_a_forked_worker_records_itself(tmp_path: Path) -> None:
    server = Server(tmp_path, "USR1")
    assert server.process.stdin and server.process.stdout
    server.process.stdin.write("fork\n")
    server.process.stdin.flush()
    worker = int(server.process.stdout.readline())
    os.kill(worker, signal.SIGUSR1)
    wait_for(lambda: any(map(is_recorded, server.captures())), "a recording")
    (path,) = server.captures()
    assert path.name.endswith(f"-{worker}.mprof")
    server.process.kill()
    server.process.communicate()
    os.kill(worker, signal.SIGKILL)


def test_a_handler_of_the_programs_stays_the_programs(tmp_path: Path) -> None:
    # Where it may come while the program itself prints.
    source = "import os, signal\nsignal.signal(signal.SIGUSR2, lambda *a: os.write(1, b'mine\\n'))\n"
    server = Server(tmp_path, "USR2", source + SERVER)
    server.process.send_signal(signal.SIGUSR2)
    server.expect("mine")
    assert server.end() == "" and server.captures() == []


@pytest.mark.parametrize(
    "value", ["NOTHING", "KILL", "USR2,sample=much", "USR2,loud", "99"]
)
def test_what_cannot_be_is_one_line_and_the_program_runs(
    tmp_path: Path, value: str
) -> None:
    server = Server(tmp_path, value)
    server.keep()
    err = server.end()
    assert (
        err.startswith("memory_profiler: MPROF_HEAP_ON_SIGNAL: no ")
        and err.count("\n") == 1
    )


def test_a_folder_that_is_not_there_is_one_line_and_the_program_runs(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, f"USR2,folder={tmp_path}/none")
    server.process.send_signal(signal.SIGUSR2)
    server.keep()
    assert "No such file or directory" in server.end()
