"""SIGTERM ends a program that we run, also one that is deep in C code."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recordings import wait_for

MPROF = str(Path(sys.executable).parent / "mprof")
#: Hours in one call of C that looks for no signal.
PROGRAM = "print('go', flush=True)\nsum(range(10**13))\n"


def ticks(pid: int) -> int:
    """Of processor time that a process has used itself."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[11])


@pytest.mark.parametrize(
    "words", (["run", "--python", "-o", "out"], ["heap", "-o", "out"]), ids=("run", "heap")
)
def test_sigterm_ends_code_that_does_not_come_back(
    tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "p.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [MPROF, *words, "p.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    while process.stdout.readline() not in ("go\n", ""):
        pass
    process.terminate()
    try:
        assert process.wait(timeout=60) in (-signal.SIGTERM, 128 + signal.SIGTERM)
    finally:
        process.kill()
        process.stdout.close()
    assert (tmp_path / "out").exists()


def test_a_report_is_not_waited_for_without_end(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", "p.py"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == "go\n"
    begun = ticks(process.pid)
    wait_for(lambda: ticks(process.pid) > begun + 2, "it is in C code")
    process.terminate()
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGTERM
    assert err == (
        "memory_profiler: no report: the program did not return from C code after SIGTERM\n"
    )


def test_a_report_is_written_where_python_code_runs(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(
        "@profile\ndef f():\n    print('go', flush=True)\n    while True: pass\nf()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", "p.py"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == "go\n"
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert "print('go', flush=True)" in out
    assert (process.returncode, err) == (-signal.SIGTERM, "")
