"""The suite itself: it runs as a script's background job, and leaves no process behind."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys

import pytest

import leftovers
from conftest import run_python

pytestmark = pytest.mark.one_version

HERE = str(pathlib.Path(__file__).parents[1])
CHILD = (
    "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
)


def test_programs_hear_ctrl_c_where_the_tests_ignore_it():
    said = run_python(
        "-c",
        f"import signal, subprocess, sys; sys.path.insert(0, {HERE!r}); import leftovers\n"
        "for number in (signal.SIGINT, signal.SIGQUIT): signal.signal(number, signal.SIG_IGN)\n"
        "leftovers.hear_interrupts()\n"
        "signal.raise_signal(signal.SIGINT); signal.raise_signal(signal.SIGQUIT)\n"
        f"subprocess.run([sys.executable, '-c', {CHILD!r}])",
    )
    assert (said.code, said.out, said.err) == (0, "True\n", "")


def test_what_a_test_started_is_ended_with_all_that_came_of_it():
    before = leftovers.children()
    script = (
        "import subprocess; child = subprocess.Popen(['sleep', '600'])\n"
        "print(child.pid, flush=True); child.wait()"
    )
    words = [sys.executable, "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        child = int(process.stdout.readline())
        assert leftovers.children(process.pid) == {child}
        leftovers.end_children(but=before)
        assert process.communicate(timeout=30) == (
            b"",
            None,
        )  # nobody has the pipe any more
    assert process.returncode == -signal.SIGKILL
