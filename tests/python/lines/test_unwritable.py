"""A report that cannot be written never reaches the program that is measured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

WORK = """
@profile
def work():
    kept = [1] * 10
    return kept

%s
result = [len(work()), len(work())]
open("result", "w").write(repr(result))
"""

#: What the program does to its stdout; how its stdout is.
STDOUTS = {
    "closed before it started": ("", ">&-"),
    "closed by the program": ("import sys; sys.stdout.close()", ""),
    "none": ("import sys; sys.stdout = None", ""),
    "full": ("", ">/dev/full"),
    "a pipe without a reader": ("", "| true"),
    "an object without flush": (
        "import sys; sys.stdout = type('S', (), {'write': lambda self, text: None})()", ""),
    "an object that raises": (
        "import sys; sys.stdout = type('S', (), {'write': lambda self, text: 1 / 0})()", ""),
}  # fmt: skip


def run(path: Path, stdout: str, *words: str) -> tuple[int, str]:
    """Exit code of the program, its stderr."""
    line = f'sleep 0 0; {{ "$@"; echo $? >code; }} {stdout}'
    if "&-" in stdout or "/dev" in stdout:
        line = f'"$@" {stdout}; echo $? >code'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *words, "program.py"], cwd=path, text=True, timeout=60,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    return int((path / "code").read_text()), done.stderr


@pytest.mark.parametrize("how", ["imported", "block", "-m"])
@pytest.mark.parametrize("stdout", STDOUTS)
def test_faults_81_the_program_goes_on_where_its_table_cannot_be_written(
    tmp_path: Path, stdout: str, how: str
) -> None:
    first, redirected = STDOUTS[stdout]
    source = WORK % first
    if how != "-m":
        source = "from memory_profiler import profile\n" + source
    if how == "block":
        source = source.replace("@profile\n", "").replace(
            "result =", "with profile.block('it'):\n    result ="
        )
    words = [sys.executable, *(["-m", "memory_profiler"] if how == "-m" else [])]
    (tmp_path / "program.py").write_text("profile = lambda f: f\n" + WORK % first)
    plain = run(tmp_path, redirected, sys.executable)
    (tmp_path / "result").unlink()
    (tmp_path / "program.py").write_text(source)
    code, err = run(tmp_path, redirected, *words)
    assert (tmp_path / "result").read_text() == "[10, 10]"
    said = err.splitlines()
    told = [line for line in said if line.startswith("memory_profiler: cannot write")]
    own = [re.sub("0x[0-9a-f]+", "", line) for line in said if line not in told]
    assert own == [re.sub("0x[0-9a-f]+", "", line) for line in plain[1].splitlines()]
    assert len(told) == (
        stdout in ("closed by the program", "full", "an object that raises")
    )
    assert code == (plain[0] or (1 if told and how == "-m" else 0))


def test_faults_81_what_the_program_writes_to_a_broken_pipe_fails_as_alone(
    tmp_path: Path,
) -> None:
    last = "try:\n    print('mine', flush=True)\nexcept OSError as error:\n    open('own', 'w').write(str(error))\n"
    (tmp_path / "program.py").write_text(
        "import time\nfrom memory_profiler import profile\n"
        + WORK % "time.sleep(0.2)"
        + last
    )
    run(tmp_path, "| true", sys.executable)
    assert (tmp_path / "own").read_text() == "[Errno 32] Broken pipe"
