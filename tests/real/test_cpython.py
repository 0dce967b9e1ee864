"""CPython's own tests pass under each instrument what they pass alone."""

from __future__ import annotations

import importlib.util
import sys

import pytest

import shipped

QUICK = [
    "test_threading", "test_generators", "test_gc", "test_fork1", "test_sys_settrace",
    "test_monitoring",
]  # fmt: skip
WHOLE = [
    "test_weakref", "test_asyncio", "test_subprocess", "test_concurrent_futures",
    "test_multiprocessing_fork",
]  # fmt: skip
instruments = pytest.mark.parametrize("way", ["heap", "timeline", "lines"])


def assert_the_same(name, way, where, base):
    if importlib.util.find_spec(f"test.{name}") is None:
        pytest.skip(f"Python {sys.version.split()[0]} was installed without test.{name}")
    shipped.assert_the_same(name, [*shipped.CPYTHON, name], way, where, base)


@pytest.mark.parametrize("name", shipped.each(QUICK))
@instruments
def test_tests_of_the_interpreter_come_to_what_they_come_to_alone(
    name, way, tmp_path, base
):
    assert_the_same(name, way, tmp_path, base)


@pytest.mark.whole
@pytest.mark.parametrize("name", shipped.each(WHOLE))
@instruments
def test_more_tests_of_the_interpreter_come_to_what_they_come_to_alone(
    name, way, tmp_path, base
):
    assert_the_same(name, way, tmp_path, base)
