"""What the mprof tests share: running the real program and reading what it recorded."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import pty
import signal
import subprocess
import sys
import time

import pytest

import mprof

PROGRAM = mprof.find_program()

#: Maps N MiB for a moment, page by page: no free list can hide it.
SPIKE = """
import mmap, sys, time
def spike(size, hold):
    m = mmap.mmap(-1, size << 20)
    m.write(bytes(size << 20))
    time.sleep(hold)
    m.close()
"""


@dataclasses.dataclass
class Done:
    code: int
    out: str
    err: str


class Recorder:
    """A directory in which mprof is run."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def mprof(
        self, *words: object, env: dict[str, str] | None = None, **options: object
    ) -> Done:
        ours = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
        done = subprocess.run(  # xdist's workers have COLUMNS; a pipe has no width
            [PROGRAM, *map(str, words)], cwd=options.pop("cwd", self.path), capture_output=True,
            env={**ours, **(env or {})}, **{"timeout": 120, **options},
        )  # fmt: skip
        out, err = (
            t.decode("utf-8", "surrogateescape") for t in (done.stdout, done.stderr)
        )
        return Done(done.returncode, out, err)

    def start(self, *words: object, **options: object) -> subprocess.Popen[bytes]:
        """Without buffers: communicate() does not know what a readline() took beyond its line."""
        return subprocess.Popen(
            [PROGRAM, *map(str, words)], cwd=self.path, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0, **options,
        )  # fmt: skip

    def start_until_ready(self, *words: object) -> subprocess.Popen[bytes]:
        """Starts mprof and reads what it prints until the program's line "ready"."""
        process = self.start(*words)
        while b"ready" not in (line := process.stdout.readline()):
            assert line, f"ended before it was ready: {process.communicate()[1]!r}"
        return process

    def start_on_terminal(self, *words: object) -> tuple[subprocess.Popen[bytes], int]:
        """Starts mprof with a terminal that it controls; the process and our end of it.

        Nothing of Python runs between fork and exec: threads of the test runner may hold locks.
        """
        ours, theirs = pty.openpty()
        take_it = 'exec "$@" <>"$0" >&0 2>&0'  # the leader of a session opens it: it is its
        process = subprocess.Popen(
            ["sh", "-c", take_it, os.ttyname(theirs), PROGRAM, *map(str, words)],
            cwd=self.path, start_new_session=True, stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        return process, ours

    def write(self, name: str, source: str | bytes) -> pathlib.Path:
        target = self.path / name
        target.write_bytes(source.encode() if isinstance(source, str) else source)
        return target

    def python(self, source: str, *options: object, **rest: object) -> Done:
        """Runs a Python program as any other program."""
        self.write("program.py", source)
        return self.mprof("run", *options, sys.executable, "program.py", **rest)

    def in_namespaces(self, flags: str, script: str) -> Done:
        """Runs a shell script where unshare's flags say, and $MPROF is the program.

        Skips the test where that is forbidden, or where the script exits with 99: no mount.
        """
        words = ["unshare", *flags.split()]
        if subprocess.run([*words, "true"], capture_output=True).returncode:
            pytest.skip("new namespaces are forbidden here")
        done = subprocess.run(
            [*words, "sh", "-c", script], cwd=self.path, capture_output=True, text=True,
            timeout=120, env={**os.environ, "MPROF": PROGRAM},
        )  # fmt: skip
        if done.returncode == 99:
            pytest.skip("mounting is forbidden here, or the kernel knows no such mount")
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def files(self) -> list[pathlib.Path]:
        return sorted(self.path.glob("mprofile_*.dat"))

    @property
    def file(self) -> pathlib.Path:
        (file,) = self.files
        return file

    def records(self, word: str, file: pathlib.Path | None = None) -> list[list[str]]:
        """The fields of the records with this first word."""
        text = (file or self.file).read_text("utf-8", "surrogateescape")
        lines = (line.split(" ") for line in text.splitlines())
        return [fields[1:] for fields in lines if fields[0] == word]


def samples(here: Recorder) -> list[float]:
    """The figures of its recording, in MiB."""
    return [float(memory) for memory, _ in here.records("MEM")]


def read_to_end(terminal: int) -> bytes:
    """What is printed on a terminal until nobody has it any more; closes our end."""
    text = b""
    try:
        while chunk := os.read(terminal, 1000):
            text += chunk
    except OSError:
        pass  # how Linux says so
    os.close(terminal)
    return text


def wait_for(condition, what: str) -> None:
    """Until something is so; fails after a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
