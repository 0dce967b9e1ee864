"""Programs that are attached to while they run, and mprof beside them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator

from recordings import Recorder, wait_for

#: A Python that has no memory_profiler: what is loaded is found by mprof.
PLAIN = os.path.realpath(sys.executable)

#: Does what it is told on its standard input, a word a line, and says when it is done.
OBEYS = """
import os, sys, threading, time
kept = []
def keep():
    kept.append(bytearray(8 << 20))
def fork():
    pid = os.fork()
    if not pid:
        keep()
        os._exit(0)
    os.waitpid(pid, 0)
left = []
def leave():
    told, say = os.pipe()
    pid = os.fork()
    if not pid:
        keep()
        os.write(say, b".")
        time.sleep(60)
        os._exit(0)
    os.read(told, 1)
    left.append(pid)
def think():
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass
print("ready", flush=True)
for line in sys.stdin:
    globals()[line.strip()]()
    print("done", flush=True)
for pid in left:
    os.kill(pid, 9)
print("ended", len(kept), flush=True)
"""

#: Reads by a C function that keeps the interpreter's lock: nothing of Python runs meanwhile.
IN_C = """
import ctypes, os
libc = ctypes.PyDLL(None)
print("ready", flush=True)
libc.getchar()
print("done", flush=True)
print("ended", flush=True)
"""


class Target:
    """A program that runs, and what it is told."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.pid = process.pid

    def wait_for(self, word: str) -> None:
        assert self.process.stdout.readline().decode().strip() == word

    def tell(self, word: str) -> None:
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()
        self.wait_for("done")

    def wait_for_getchar(self) -> None:
        """It runs IN_C, and has come there."""
        call = pathlib.Path(f"/proc/{self.pid}/syscall")
        wait_for(lambda: call.read_text().split()[1:2] == ["0x0"], "getchar, of its input")

    def end(self) -> str:
        """Its last line; it ended well."""
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        assert not err, err
        return out.decode().strip()


@contextlib.contextmanager
def running(
    here: Recorder, source: str = OBEYS, *words: str, python: str = PLAIN
) -> Iterator[Target]:
    """A program that has said "ready", started by these words where there are any."""
    program = ["-c", source] if words else [str(here.write("service.py", source))]
    process = subprocess.Popen(
        [*words, python, *program], cwd=here.path, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    target = Target(process)
    try:
        target.wait_for("ready")
        yield target
    finally:
        process.kill()
        process.communicate()


class Attached:
    """An mprof that has attached."""

    def __init__(self, process: subprocess.Popen[bytes], said: str) -> None:
        self.process, self.said = process, said

    def detach(self, number: int = signal.SIGINT) -> str:
        """What it said since it had attached."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> str:
        _, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return err.decode()


@contextlib.contextmanager
def attached(here: Recorder, target: Target, *words: str) -> Iterator[Attached]:
    process = here.start("heap", "--attach", *words, target.pid)
    try:
        said = process.stderr.readline().decode()
        assert said.startswith(f"mprof: attached to process {target.pid}"), said
        yield Attached(process, said)
    finally:
        process.kill()
        process.communicate()


def stop(pid: int) -> None:
    """By a signal, until the next one lets it go on."""
    status = pathlib.Path(f"/proc/{pid}/status")
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: "\nState:\tT" in status.read_text(), "its stop")


def room(mprof: subprocess.Popen[bytes]) -> pathlib.Path:
    """The folder in /tmp through which an mprof speaks with its process."""
    for name in pathlib.Path(f"/proc/{mprof.pid}/fd").iterdir():
        path = pathlib.Path(os.path.realpath(name))
        if path.name.startswith("mprof-"):
            return path
    raise AssertionError("it has none")
