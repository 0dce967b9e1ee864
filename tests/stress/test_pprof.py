"""Go's own reader of `mprof export --to pprof`: newer ones are compiled when they are asked for, most of a minute."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "heap"))

from captures import record  # noqa: E402
from test_export import export, whole  # noqa: E402


def test_gos_pprof_shows_the_same(tmp_path: Path) -> None:
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if not go:
        pytest.skip("Go is not installed")
    capture = record(tmp_path, "kept = bytearray(5 * 2**20)\n")
    export(capture, "pprof", "-o", "a.pb.gz")
    done = subprocess.run(
        [go, "tool", "pprof", "-top", "-lines", "-unit=B", "a.pb.gz"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    if "no such tool" in done.stderr:
        pytest.skip("this Go has no pprof")
    assert "Type: peak" in done.stdout and "<module>" in done.stdout, done
    assert f"Total samples = {whole(capture, 'peak')[0]}B" in done.stdout
