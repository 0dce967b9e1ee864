"""Faults 52: each call of libc that mprof makes fails once; it says so in a line and ends well."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

from recordings import PROGRAM, Recorder

pytestmark = pytest.mark.one_version

CALLS = """malloc calloc realloc strdup strndup vasprintf asprintf open_memstream fopen fdopen opendir
    getcwd realpath read pread write mmap fstat stat ftruncate rename unlink pipe2 fork open
    fcntl""".split()
MOST = 40  # of one call, in one run: what comes later is of a kind with what came
COMMANDS = [
    "list", "peak a.dat", "peak a.mprof", "report a.mprof", "report --json a.mprof",
    "lines a.mprof", "lines a.mprof p.py", "table a.mprof", "flamegraph --force -o f.html a.mprof",
    "plot --force -o p.html a.dat", "plot --terminal a.dat", "run --force -o b.dat true",
    "run -C --force -o c.dat true", "attach -t 0.05 --force -o d.dat PID",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Recordings, and the library that fails one call."""
    here = Recorder(tmp_path_factory.mktemp("failing"))
    (here.path / "p.py").write_text("kept = [bytes(1000) for i in range(100)]\n")
    for words in ("heap -o a.mprof p.py", "run -o a.dat true"):
        assert here.mprof(*words.split()).code == 0
    source = pathlib.Path(__file__).with_name("failing.c")
    build = ["cc", "-O1", "-shared", "-fPIC", "-D_FILE_OFFSET_BITS=64", "-o"]
    subprocess.run([*build, str(here.path / "failing.so"), str(source)], check=True)
    return here


def run(place: Recorder, call: str, at: int, words: list[str]) -> str | None:
    """What is wrong with how it ended; "" when nothing is, None when it made no such call."""
    mark = place.path / "mark"
    mark.unlink(missing_ok=True)
    failing = {"FAIL_CALL": call, "FAIL_IN": "mprof", "FAIL_AT": str(at), "FAIL_MARK": str(mark),
               "LD_PRELOAD": str(place.path / "failing.so")}  # fmt: skip
    done = subprocess.run(
        [PROGRAM, *words], cwd=place.path, env={**os.environ, **failing}, capture_output=True,
        text=True, errors="replace", timeout=60,
    )  # fmt: skip
    if not mark.exists():
        return None
    said = done.stderr.splitlines()
    well = done.returncode in (0, 1, 125, 126, 255) and len(said) <= 2
    told = done.returncode in (0, 255) or any(line.startswith("mprof: ") for line in said)
    return "" if well and told else f"{call} {at}: {done.returncode} {done.stderr!r}"


@pytest.mark.parametrize("command", COMMANDS)
def test_any_call_may_fail(place: Recorder, command: str) -> None:
    words = command.replace("PID", str(os.getpid())).split()
    tried, wrong = 0, []
    for call in CALLS:
        for at in range(1, MOST):
            ended = run(place, call, at, words)
            if ended is None:
                break
            tried += 1
            wrong += [ended] if ended else []
    assert tried > 3 and not wrong
