"""Jobs with real libraries: run alone and under each instrument, and what must be the same.

A line of a job says what it holds at the job's peak, all that it calls included:

    rows = load()  # holds 16 MiB                     by the heap, by --all, and in RSS
    rows = load()  # holds 16 MiB within 10%: reason  where the library's own share is not known
    rows = load()  # heap holds 16 MiB                in a child, or never resident: the heap alone

Such a line counts as the sum of what all threads and processes hold by it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid

import mprof

HERE = pathlib.Path(__file__).parent
JOBS = HERE / "jobs"
MIB = 1 << 20
PROGRAM = mprof.find_program()
SAMPLE = 512 * 1024
MOST = 120  # seconds that a job may take alone
GRACE = float(os.environ.get("REAL_GRACE", "30"))  # seconds that an instrument may add

INSTRUMENTS = {
    "heap": [PROGRAM, "heap", "-o", "run.mprof"],
    "sampled": [PROGRAM, "heap", "--sample", "512K", "-o", "run.mprof"],
    "timeline": [PROGRAM, "run", "-E", "-T", "0.01", "-o", "run.dat"],
    "lines": [sys.executable, "-m", "memory_profiler", "--all", "--json", "-o", "run.json"],
}
HOLDS = re.compile(r"# (heap )?holds ([\d.]+) MiB(?: within (\d+)%)?")


@dataclasses.dataclass
class Held:
    """What a line of a job says that it holds."""

    line: int
    bytes: int
    slack: float
    heap_alone: bool

    def allows(self, figure: float, more: float) -> bool:
        return abs(figure - self.bytes) <= self.bytes * self.slack + more


@dataclasses.dataclass
class Ended:
    """A run that is over, with all of its processes."""

    code: int  # as a shell tells it: 143 for SIGTERM
    out: str
    err: str
    seconds: float
    left: list[str]  # processes that had to be killed


def held_by(job: str) -> list[Held]:
    lines = (JOBS / f"{job}.py").read_text().splitlines()
    found = ((number, HOLDS.search(line)) for number, line in enumerate(lines, 1))
    return [
        Held(number, int(float(m[2]) * MIB), int(m[3] or 2) / 100, bool(m[1]))
        for number, m in found
        if m
    ]


def processes_of(run: str) -> dict[int, str]:
    """Living processes that have the run's mark in their environment, and their commands."""
    found = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if run.encode() in pathlib.Path(entry.path, "environ").read_bytes():
                command = pathlib.Path(entry.path, "cmdline").read_bytes()
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(
                    errors="replace"
                )
        except OSError:
            continue  # it ended, or is not ours to read
    return found


def run_to_the_last(
    words: list[str], cwd: pathlib.Path, seconds: float, **env: str
) -> Ended:
    """Runs a command until the last process that came of it is gone, at most so long."""
    mark = f"REAL_RUN={uuid.uuid4()}"
    where = {**os.environ, **env, "REAL_RUN": mark.partition("=")[2]}
    where["PATH"] = f"{os.path.dirname(sys.executable)}:{where['PATH']}"
    for name in ("COLUMNS", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
        where.pop(name, None)
    began = time.monotonic()
    with open(cwd / "out", "w+b") as out, open(cwd / "err", "w+b") as err:
        process = subprocess.Popen(
            words, cwd=cwd, env=where, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            start_new_session=True,
        )  # fmt: skip
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):  # then it is left
                process.wait(seconds)
            while (left := processes_of(mark)) and time.monotonic() < began + seconds:
                time.sleep(0.05)
        finally:  # Ctrl-C too leaves nothing behind
            took = time.monotonic() - began
            end(processes_of(mark), mark)
            process.wait()
        texts = [
            (cwd / name).read_text("utf-8", "backslashreplace") for name in ("out", "err")
        ]
    code = process.returncode
    return Ended(code if code >= 0 else 128 - code, *texts, took, list(left.values()))


def end(left: dict[int, str], mark: str) -> None:
    """Kills what is left of a run, and what that starts meanwhile."""
    while left:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
        left = processes_of(mark)


def room(where: pathlib.Path, job: str) -> pathlib.Path:
    """A folder with a job and nothing else, and the client that the servers' jobs start."""
    where.mkdir()
    shutil.copy(JOBS / f"{job}.py", where)
    shutil.copy(HERE / "ask.py", where)
    for file in where.iterdir():
        os.utime(file, (1, 1))  # older than any capture
    return where


@functools.cache
def alone(job: str, base: pathlib.Path) -> Ended:
    """The job without an instrument, once."""
    where = room(base / f"{job}-alone", job)
    ended = run_to_the_last([sys.executable, f"{job}.py"], where, MOST)
    assert not ended.left, f"alone it leaves processes: {ended.left}\n{ended.err}"
    return ended


def own_words(err: str) -> list[str]:
    """What we said on stderr, but for what is recorded, how it ended and what it came to."""
    said = (
        "recording the heap into",
        "program was killed by SIGTERM",
        "program exited with",
    )
    lines = [line for line in err.splitlines() if line.startswith(("mprof:", "memory_pro"))]
    lines = [line for line in lines if not line.startswith("mprof: peak ")]
    return [line for line in lines if not any(words in line for words in said)]


def without_own_words(out: str) -> str:
    """What the program printed, without what `mprof run` says as the classic does."""
    own = ("mprof: ", "running new process", "running as a Python program...")
    return "".join(
        line for line in out.splitlines(keepends=True) if not line.startswith(own)
    )


def mprof_json(where: pathlib.Path, *words: str) -> object:
    done = subprocess.run(
        [PROGRAM, *words], cwd=where, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def held_in_heap(where: pathlib.Path, job: str) -> dict[int, int]:
    """Bytes at the peak by line of the job, all that was called included."""
    found = mprof_json(where, "lines", "--json", "run.mprof", f"{job}.py")
    return {row["line"]: row["cumulative"]["at_peak"] for row in found["lines"]}


def added_by_lines(where: pathlib.Path, job: str) -> dict[int, int]:
    """What lines of the job added to RSS, by `--all`."""
    found = json.loads((where / "run.json").read_text())
    return {
        row["line"]: row["increment"]
        for function in found["functions"]
        if os.path.basename(function["filename"]) == f"{job}.py"
        for row in function["lines"]
        if row["increment"] is not None and row["line"] != function["first_line"]
    }
