"""SECURITY.md promises what tests hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_version

TOP = Path(__file__).parents[3]
TEXT = (TOP / "SECURITY.md").read_text()


def held() -> set[str]:
    """The names of all tests."""
    names: set[str] = set()
    for path in (TOP / "tests").rglob("test_*.py"):
        names.update(re.findall(r"^ *def (test_\w+)", path.read_text(), re.M))
    for path in (TOP / "tests" / "c").rglob("test_*.c"):
        names.update(re.findall(r"cmocka_unit_test\w*\((\w+)", path.read_text()))
    return names


def test_each_promise_names_tests_that_are_there() -> None:
    rows = re.findall(r"^\| (?!promise)(\S.*) \| (.*) \|$", TEXT, re.M)
    assert len(rows) > 10
    there = held()
    for promise, held_by in rows:
        named = re.findall(r"`(\w+)`", held_by)
        assert named, promise
        assert set(named) <= there, (promise, set(named) - there)


def test_its_links_lead_to_files_and_the_readme_leads_to_it() -> None:
    for path in re.findall(r"\]\(([^)#:]+)", TEXT):
        assert (TOP / path).exists(), path
    assert "](SECURITY.md)" in (TOP / "README.md").read_text()
