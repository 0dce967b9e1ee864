"""What Chromium shows of a page, without a network."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).parents[2]


def look(script: str, page: pathlib.Path, *words: object) -> dict:
    """What a script of tests/page/ sees; skipped where there is no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium or not shutil.which("node"):
        pytest.skip("no Chromium or no Node.js")
    if not (TOP / "web/node_modules/playwright-core").is_dir():
        pytest.skip("playwright-core is not installed in web/")
    done = subprocess.run(
        ["node", TOP / "tests/page" / script, chromium, page, *words],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["problems"] == [] and seen["requests"] == []
    return seen
