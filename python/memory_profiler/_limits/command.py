"""The program `mprof` of this install, for what it does better than we here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig


class Unrun(Exception):
    """It could not be run or failed, and why."""


def run_mprof(words: list[str], seconds: float) -> str:
    """What it prints. Raises Unrun."""
    path = os.path.join(sysconfig.get_path("scripts"), "mprof")
    program = path if os.access(path, os.X_OK) else shutil.which("mprof")
    if not program:
        raise Unrun("mprof is not on the PATH")
    try:
        done = subprocess.run(
            [program, *words],
            capture_output=True, text=True, errors="replace", timeout=seconds, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise Unrun(str(error)) from None
    if done.returncode:
        raise Unrun(done.stderr.strip() or "mprof failed")
    return done.stdout
