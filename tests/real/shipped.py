"""Suites that libraries and CPython ship: what each test of them came to, by its id."""

from __future__ import annotations

import functools
import pathlib
import sys
import uuid
import xml.etree.ElementTree as tree

import pytest

import harness
import left_out

#: Each suite: its words behind `-m`, where {results} is the file of its results.
PYTEST = [
    "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:monitor", "-p", "no:asyncio",
    "--junit-xml={results}", "--pyargs",
]  # fmt: skip
MOST = 1200  # seconds that a suite may take alone
CPYTHON = ["test", "--junit-xml", "{results}"]
WAYS = {
    "alone": [sys.executable],
    "heap": [harness.PROGRAM, "heap", "-o", "run.mprof"],
    "timeline": [harness.PROGRAM, "run", "-E", "-o", "run.dat", sys.executable],
    "lines": [sys.executable, "-m", "memory_profiler"],
}


def each(names) -> list:
    """Parameters whose tests run on one worker, which runs the suite alone once."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]


def results(file: pathlib.Path) -> dict[str, str]:
    """What each test came to: passed, skipped, failure or error."""
    found = {}
    for case in tree.parse(file).iter("testcase"):
        outcomes = [
            part.tag for part in case if part.tag in ("failure", "error", "skipped")
        ]
        name = f"{case.get('classname', '')} {case.get('name')}"
        found[name] = " ".join(outcomes) or case.get("result", "passed")
    return found


def run(way: str, words: list[str], where: pathlib.Path, seconds: float):
    """Runs a suite one way to its last process; how it ended, and what its tests came to."""
    where.mkdir()
    file = where / "results.xml"
    words = [word.format(results=file) for word in words]
    ended = harness.run_to_the_last([*WAYS[way], "-m", *words], where, seconds)
    assert file.exists(), f"no results\n{ended.out[-2000:]}\n{ended.err[-2000:]}"
    return ended, results(file)


@functools.cache
def run_alone(suite: tuple[str, ...], base: pathlib.Path):
    """What a suite comes to without an instrument, once."""
    plain, alone = run("alone", list(suite), base / str(uuid.uuid4()), MOST)
    assert alone and not plain.left, plain.left
    return plain, alone


def assert_the_same(
    name: str, suite: list[str], way: str, where: pathlib.Path, base: pathlib.Path
) -> None:
    """A suite comes to the same, test by test, alone and one way."""
    left_out.skip(name, way)
    plain, alone = run_alone(tuple(suite), base)
    ended, got = run(way, suite, where / way, 2 * plain.seconds + harness.GRACE)
    assert not ended.left, ended.left
    other = {
        name: got.get(name, "missing") for name in alone if got.get(name) != alone[name]
    }
    assert (other, ended.code, len(got)) == ({}, plain.code, len(alone)), ended.out[-3000:]
