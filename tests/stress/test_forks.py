"""Row 39 for a minute: forks while four threads run decorated functions, at each gate."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "python"))

from conftest import Workshop  # noqa: E402
from programs import FORKS  # noqa: E402

SECONDS = float(os.environ.get("STRESS_SECONDS", "60"))


@pytest.mark.parametrize("gate", ["ring", "rusage", "none"])
def test_faults_39_forks_for_a_minute(tmp_path: pathlib.Path, gate: str) -> None:
    shop = Workshop(tmp_path)
    environment = {"MEMORY_PROFILER_GATE": gate, "PYTHONWARNINGS": "ignore"}
    source = FORKS.replace("SECONDS", str(SECONDS / 3))
    run = shop.profile(source, timeout=SECONDS + 60, env=environment)
    assert run.code == 0, run.err
    table = run.table("def work")
    head, body = table.line("kept = []"), table.line("kept.append")
    assert body.occurrences == 50 * head.occurrences
