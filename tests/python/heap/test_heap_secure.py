"""A Python with another's rights is told nothing by its environment: row 66 of the faults."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recordings import Recorder

NOBODY = 65534
SECURE = "import ctypes; print(ctypes.CDLL(None).getauxval(23)); kept = bytes(100000)"


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    """With `bin/python`, this Python in a virtual environment like ours."""
    copy = tmp_path / "bin/python"
    copy.parent.mkdir()
    shutil.copy2(os.path.realpath(sys.executable), copy)
    shutil.copy2(Path(sys.prefix, "pyvenv.cfg"), tmp_path)
    (tmp_path / "lib").symlink_to(Path(sys.prefix, "lib"))
    return Recorder(tmp_path)


def started(here: Recorder, python: Path, notice: str) -> str:
    """What AT_SECURE is there, in a process started as one that a followed one starts."""
    done = subprocess.run(
        [python, "-c", SECURE], cwd=here.path, env={**os.environ, "MPROF_HEAP": notice},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"a copy of this Python does not start: {done.stderr}")
    assert not done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root makes a program of another group's"
)
@pytest.mark.parametrize("options", [[], ["--no-native"]])
def test_faults_66_a_privileged_python_records_nothing_that_its_environment_says(
    here: Recorder, options: list[str]
) -> None:
    here.write("program.py", "import os; print(os.environ['MPROF_HEAP'])")
    done = here.mprof("heap", *options, "-o", "a.mprof", "program.py")
    notice, python = done.out.strip(), here.path / "bin/python"
    assert started(here, python, notice) == "0"
    (child,) = here.path.glob("a.mprof.*")
    child.unlink()
    before = (here.path / "a.mprof").read_bytes()
    os.chown(python, 0, NOBODY)
    os.chmod(python, 0o2755)
    if started(here, python, notice) == "0":
        pytest.skip("a program gets no other group here (nosuid)")
    assert not list(here.path.glob("a.mprof.*"))
    assert (here.path / "a.mprof").read_bytes() == before
