"""Suites of libraries, from their source distributions, with --memory; and a regression in one test."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tarfile

import pytest

import shipped

#: Each with the words behind pytest; servers of their own are the system's to test.
SUITES = {
    "attrs==26.1.0": ["tests"],
    "Jinja2==3.1.6": ["tests"],
    "Werkzeug==3.1.9": ["tests", "--ignore", "tests/test_serving.py"],
}
PYTEST = [
    sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:monitor",
    "-p", "no:asyncio", "-n", "2",
]  # fmt: skip
MOST = 1200  # seconds


def unpack(requirement: str, where: pathlib.Path) -> pathlib.Path:
    """The source distribution's folder."""
    words = [
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        where,
        requirement,
    ]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (archive,) = where.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(where, filter="data")
    (folder,) = (path for path in where.iterdir() if path.is_dir())
    return folder


def results(folder: pathlib.Path, *words: str) -> dict[str, str]:
    file = folder / "results.xml"
    subprocess.run(
        [*PYTEST, f"--junit-xml={file}", *words],
        cwd=folder,
        capture_output=True,
        timeout=MOST,
    )
    return shipped.results(file)


@pytest.mark.parametrize(
    "requirement",
    [
        pytest.param(each, marks=[] if each.startswith("Jinja2") else pytest.mark.whole)
        for each in SUITES
    ],
)
def test_a_suite_comes_to_the_same_with_memory(
    requirement: str, tmp_path: pathlib.Path
) -> None:
    folder = unpack(requirement, tmp_path)
    plain = results(folder, *SUITES[requirement])
    assert len(plain) > 100
    assert results(folder, "--memory", *SUITES[requirement]) == plain


BODIES = [
    "rows = [str(k) * 3 for k in range({n} * 3 + 50)]; assert rows",
    "assert json.loads(json.dumps(list(range({n} * 5 + 10))))",
    "assert re.compile('(a|b{n})+x?').match('ab')",
    "found = collections.defaultdict(list); [found[k % 7].append(k) for k in range({n} * 2)]",
    "import xml.dom.minidom as m; assert m.parseString('<a>' + '<b/>' * {n} + '</a>')",
]
SEED = 150


def write_suite(folder: pathlib.Path, seeded: bool) -> None:
    """300 tests, one of which takes 64 KiB more where it is seeded."""
    for file in range(10):
        text = "import collections, json, re\n"
        for n in range(file * 30, file * 30 + 30):
            more = "more = bytearray(65536); " if seeded and n == SEED else ""
            text += f"def test_{n}():\n    {more}{BODIES[n % len(BODIES)].format(n=n)}\n"
        (folder / f"test_{file}.py").write_text(text)


def test_a_regression_of_64_kib_in_one_of_300_tests_is_all_that_is_found(
    tmp_path: pathlib.Path,
) -> None:
    def run(*words: str) -> str:
        done = subprocess.run(
            [*PYTEST, *words], cwd=tmp_path, capture_output=True, text=True, timeout=MOST
        )
        return done.stdout

    write_suite(tmp_path, seeded=False)
    assert "300 passed" in run("--memory-save", "memory.json")
    write_suite(tmp_path, seeded=True)
    for workers in ("2", "0", "3") * 3:
        said = run(
            "-n", workers, "--memory-compare", "memory.json", "--memory-fail-over", "5%"
        )
        failed = [line for line in said.split("\n") if line.startswith("FAILED")]
        assert len(failed) == 1 and f"test_5.py::test_{SEED} " in failed[0], said
        assert "grew since memory.json: 1\n" in said and "1 failed, 299 passed" in said
