"""Faults 52: each call of libc that the recorder makes inside a program fails once; the program
never hears of it."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from recordings import PROGRAM

pytestmark = pytest.mark.one_version

MEMORY = ["malloc", "calloc", "realloc", "mmap"]
OTHERS = """strdup fopen fdopen opendir getcwd realpath read pread write fstat stat ftruncate
    fallocate rename unlink open fcntl pthread_create""".split()
MOST = 8  # of one call, in one run: what comes later is of a kind with what came

#: Its own lines are all that it prints, and begin with "own".
WORK = """
class Thing:
    @profile
    def method(self, size):
        kept = [bytes(100)] * size
        return len(kept)

@profile
def outer(size):
    return inner(size) + Thing().method(size)

@profile
def inner(size):
    return len(bytearray(size))

@profile
def counted(size):
    for i in range(size):
        yield i

print("own", outer(1000), outer(10))
print("own", sum(counted(4)))
with profile.block("block"):
    kept = inner(7)
print("own", kept, flush=True)
raise SystemExit(3)
"""
OWN = ["own 2000 20", "own 6", "own 7"]
IMPORTED = "from memory_profiler import profile\n" + WORK
PLAIN = WORK.replace("@profile", "").replace('with profile.block("block"):', "if 1:")

#: A start that fails leaves no file, and the next one works.
TRACKED = f"""
import os
from memory_profiler import heap
tracker = heap.track("a.mprof")
try:
    tracker.start()
except OSError:
    assert not os.path.lexists("a.mprof")
    tracker.start()
print("\\n".join({OWN}), flush=True)
raise SystemExit(3)
"""

#: The way to measure -> the program, how it is started, what fails.
WAYS = {
    "imported": (IMPORTED, [sys.executable], MEMORY + OTHERS),
    "-m": (WORK, [sys.executable, "-m", "memory_profiler"], MEMORY + OTHERS),
    "--heap": (WORK, [sys.executable, "-m", "memory_profiler", "--heap"], OTHERS),
    "--peak": (WORK, [sys.executable, "-m", "memory_profiler", "--peak"], MEMORY + OTHERS),
    "run": (WORK.replace("profile.block", "profile.timestamp"),
            [PROGRAM, "run", "-E", "--force", "-o", "a.dat", "--python"], MEMORY + OTHERS),
    # memory is the program's own here: its requests go through us
    "track": (TRACKED, [sys.executable], OTHERS),
    "heap": (PLAIN, [PROGRAM, "heap", "--force", "-o", "a.mprof"], OTHERS),
}  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    built = tmp_path_factory.mktemp("failing") / "failing.so"
    source = pathlib.Path(__file__).with_name("failing.c")
    build = ["cc", "-O1", "-shared", "-fPIC", "-D_FILE_OFFSET_BITS=64", "-o"]
    subprocess.run([*build, str(built), str(source)], check=True)
    return built


def run(
    place: pathlib.Path, library: pathlib.Path, call: str, at: int, words: list[str]
) -> str | None:
    """What is wrong with how it ended; "" when nothing is, None when it made no such call."""
    mark = place / "mark"
    for name in ("mark", "a.dat", "a.mprof"):
        (place / name).unlink(missing_ok=True)
    failing = {"FAIL_CALL": call, "FAIL_IN": "_core.", "FAIL_AT": str(at),
               "FAIL_MARK": str(mark), "LD_PRELOAD": str(library)}  # fmt: skip
    done = subprocess.run(
        [*words, "program.py"], cwd=place, env={**os.environ, **failing}, capture_output=True,
        text=True, errors="replace", timeout=60,
    )  # fmt: skip
    if not mark.exists():
        return None
    own = [line for line in done.stdout.splitlines() if line.startswith("own")]
    said = [
        line for line in done.stderr.splitlines() if not line.startswith(("mprof: ", "  "))
    ]  # a warning's second line
    as_alone = done.returncode == 3 and own == OWN and len(said) <= 1
    reasons = [line for line in done.stderr.splitlines() if "exited with" not in line]
    not_started = done.returncode in (1, 125) and not own and len(reasons) == 1
    clean = "Traceback" not in done.stderr
    return "" if clean and (as_alone or not_started) else f"{call} {at}: {done}"


@pytest.mark.parametrize("way", WAYS)
def test_faults_52_any_call_of_the_recorder_may_fail(
    tmp_path: pathlib.Path, library: pathlib.Path, way: str
) -> None:
    source, words, calls = WAYS[way]
    (tmp_path / "program.py").write_text(source)
    tried, wrong = 0, []
    for call in calls:
        for at in range(1, MOST):
            ended = run(tmp_path, library, call, at, words)
            if ended is None:
                break
            tried += 1
            wrong += [ended] if ended else []
    assert tried > 3 and not wrong, "\n".join(wrong)
