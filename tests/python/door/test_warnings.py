"""Our warnings are never exceptions in the program that is measured, whatever its filters say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Each line has us warn.
SOURCE = """
import functools, os, sys
import memory_profiler
from memory_profiler import LineProfiler, choose_backend, profile
%s

def later(function):
    @functools.wraps(function)
    def inner():
        return 1
    return inner

@profile
@later
def delayed():
    yield 2

print(delayed())
LineProfiler().add_function(len)
print(LineProfiler()(len)("four"))
memory_profiler.profile(3)
print("end")
"""
WAYS = {
    "python -W error": (["-W", "error", "-bb", "-X", "warn_default_encoding"], {}, ""),
    "PYTHONWARNINGS": ([], {"PYTHONWARNINGS": "error"}, ""),
    "simplefilter": ([], {}, "import warnings; warnings.simplefilter('error')"),
    "a hook that raises": ([], {}, "import warnings; warnings.showwarning = None"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ([], ["-m", "memory_profiler"]), ids=("imported", "-m"))
def test_what_filters_make_an_error_is_a_line_on_stderr(
    tmp_path: Path, way: str, how: list[str]
) -> None:
    words, environ, setting = WAYS[way]
    (tmp_path / "p.py").write_text(SOURCE % setting)
    done = subprocess.run(
        [sys.executable, *words, *how, "p.py"], cwd=tmp_path, env=os.environ | environ,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("1\n4\nend\n") and not done.returncode, done
    lines = done.stderr.splitlines()
    assert len(lines) == 4 and all("p.py:" in line for line in lines), done.stderr
    assert lines[0].endswith("put @profile directly on the function")
    assert ": UserWarning: Could not extract a code object" in lines[1]


def test_as_filters_say_they_are_shown_once_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(
        SOURCE % "import warnings; warnings.simplefilter('ignore')"
    )
    done = subprocess.run(
        [sys.executable, "p.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1\n4\nend\n", "")
