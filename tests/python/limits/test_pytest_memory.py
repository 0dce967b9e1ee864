"""The pytest plugin: figures of all tests, baselines, and other plugins beside it."""

from __future__ import annotations

import json
import xml.etree.ElementTree
from pathlib import Path

import pytest
from suites import outcome, pytest_in, size, table

from conftest import MIB, Run, Workshop

pytestmark = pytest.mark.one_version

SUITE = """
    import pytest

    kept = []

    @pytest.fixture(scope="module")
    def wide():
        return bytearray(5 * 2**20)

    def test_keeps(wide):
        kept.append(bytearray(100_000))

    def test_peaks():
        rows = [bytes(1000) for _ in range(1000)]
        assert rows

    def test_small():
        pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_each_test_has_its_figures(shop: Workshop, workers: tuple[str, ...]) -> None:
    shop.write("test_it.py", SUITE)
    run = pytest_in(shop, "--memory", *workers)
    assert outcome(run) == "3 passed"
    rows = table(run)
    assert list(rows) == [
        f"test_it.py::test_{name}" for name in ("peaks", "keeps", "small")
    ]
    peak, kept, allocations = rows["test_it.py::test_peaks"]
    assert 1_000_000 < size(peak) < 1_100_000 and allocations >= 1000
    assert size(kept) < 10_000
    peak, kept, _ = rows["test_it.py::test_keeps"]
    assert 100_000 <= size(peak) < 200_000 and 100_000 <= size(kept) < 200_000
    assert (
        "by test_it.py:14 test_peaks: rows = [bytes(1000) for _ in range(1000)]" in run.out
    )
    assert "in its fixtures" not in run.out.partition("test_peaks")[0]


def test_the_captures_of_what_fails_are_kept_with_a_page(shop: Workshop) -> None:
    shop.write("test_it.py", "def test_it(): assert bytearray(3 * 2**20)\n")
    for _ in range(2):
        run = pytest_in(shop, "--memory-limit", "1MB", "--memory-dir", "kept")
        (page,) = shop.path.glob("kept/*.html")
        (capture,) = shop.path.glob("kept/*.mprof")
        assert f"page to open: kept/{page.name}\ncapture: kept/{capture.name}" in run.out
        assert b"test_it" in page.read_bytes()
    assert sorted(path.suffix for path in shop.path.glob("kept/*")) == [".html", ".mprof"]


def save(shop: Workshop, *words: str) -> Path:
    run = pytest_in(shop, "--memory-save", "memory.json", *words)
    assert "wrote memory.json: " in run.out, run.out
    return shop.path / "memory.json"


def figure(held: int | list) -> int:
    """A test's peak, of one with lines beside it, too."""
    return held[0] if isinstance(held, list) else held


def compare(shop: Workshop, *words: str) -> Run:
    return pytest_in(
        shop, "--memory-compare", "memory.json", "--memory-fail-over", "5%", *words
    )


BASE = """
    def test_grows():
        assert bytearray({grows})

    def test_shrinks():
        assert bytearray({shrinks})

    def test_same():
        assert bytearray(10_000)

    def test_{third}():
        pass
"""


def write(shop: Workshop, **figures: object) -> None:
    shop.write(
        "test_it.py",
        BASE.format(**{"grows": 200_000, "shrinks": 500_000, "third": "old", **figures}),
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_grew_since_the_baseline_fails_and_the_rest_is_told(
    shop: Workshop, workers: tuple[str, ...]
) -> None:
    write(shop)
    save(shop, *workers)
    assert outcome(compare(shop, *workers)) == "4 passed"
    write(shop, grows=200_000 + 65536, shrinks=100_000, third="new")
    run = compare(shop, *workers)
    assert outcome(run) == "1 failed, 3 passed", run.out
    assert "memory: grew +64.0 KiB (+32.7%) to 259." in run.out
    assert "KiB in memory.json; --memory-fail-over 5% allows 211." in run.out
    assert "; a second run grew, too" in run.out
    grew = run.out.partition("\ngrew\n")[2].split("\n")[0]
    assert grew.split()[:3] == ["+64.0", "KiB", "test_it.py:3"], grew
    assert "test_grows, 195.4 KiB before" in grew
    told = run.out.partition("memory of tests")[2]
    assert "grew since memory.json: 1" in told
    assert "shrank since memory.json: 1\n    test_it.py::test_shrinks: 488." in told
    assert "not in memory.json: 1\n    test_it.py::test_new" in told
    assert "in memory.json and no longer here: 1\n    test_it.py::test_old" in told


def test_a_baseline_is_brought_up_to_date_where_it_changed(shop: Workshop) -> None:
    write(shop)
    path = save(shop)
    before = json.loads(path.read_text())
    ((name, tests),) = before["environments"].items()
    tests = before["environments"][name] = {n: figure(held) for n, held in tests.items()}
    before["version"] = 1  # which had figures alone
    before["environments"]["cpython-3.2 linux x86_64"] = {"test_it.py::test_old": 7}
    path.write_text(json.dumps(before))
    write(shop, grows=300_000, third="new")
    run = compare(shop, "--memory-update")
    assert outcome(run) == "4 passed"
    assert "wrote memory.json: 2 tests changed, 1 removed" in run.out
    after = json.loads(path.read_text())["environments"]
    assert after["cpython-3.2 linux x86_64"] == {"test_it.py::test_old": 7}
    assert list(after[name]) == sorted(after[name])
    peak, functions = after[name]["test_it.py::test_grows"]
    assert 300_000 < functions["test_it.py test_grows"] < peak
    assert after[name]["test_it.py::test_same"] == tests["test_it.py::test_same"]
    assert "test_it.py::test_old" not in after[name]
    assert outcome(compare(shop)) == "4 passed"


def test_part_of_the_tests_says_nothing_of_the_others(shop: Workshop) -> None:
    write(shop)
    path = save(shop)
    before = path.read_text()
    for words in (["-k", "same"], ["test_it.py::test_same"]):
        run = compare(shop, "--memory-update", *words)
        assert "no longer here" not in run.out
    assert path.read_text() == before


def test_imports_are_nobodys_and_caches_are_filled_by_whoever_is_first(
    shop: Workshop,
) -> None:
    shop.write("lazy.py", "table = [bytes(1000) for _ in range(500)]\n")
    suite = """
        cache = {}

        def test_a():
            import lazy
            cache.setdefault("it", bytearray(300_000))

        def test_b():
            import lazy
            cache.setdefault("it", bytearray(300_000))
        """
    shop.write("test_it.py", suite)
    path = save(shop)
    (tests,) = json.loads(path.read_text())["environments"].values()
    assert figure(tests["test_it.py::test_a"]) < 400_000
    assert outcome(compare(shop, "test_it.py::test_b")) == "1 passed"


@pytest.mark.parametrize(
    "words, content, said",
    [
        (["--memory-limit", "much"], None, "--memory-limit: 'much' is no size"),
        (["--memory-compare", "no.json"], None, "baseline no.json: No such file"),
        (["--memory-compare", "b.json"], "{", "baseline b.json: it is no JSON"),
        (["--memory-compare", "b.json"], "[]", "it is no baseline of --memory-save"),
        (["--memory-compare", "b.json"], '{"schema": "memory_profiler.tests", "version": 3}',
         "it is of version 3, this memory_profiler has 2"),
        (["--memory-save", "b.json"], "mine", "cannot write b.json: it exists and is not one of ours"),
        (["--memory-fail-over", "5%"], None, "--memory-fail-over needs --memory-compare FILE"),
        (["--memory-fail-over", "x%", "--memory-compare", "b"], None, "'x%' is no share"),
        (["--memory-dir", "/proc/none", "--memory"], None, "--memory-dir: cannot write to /proc/none"),
        (["--memory-native", "maybe", "--memory"], None, "'maybe' is neither yes nor no"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_one_line_before_any_test(
    shop: Workshop, words: list[str], content: str | None, said: str
) -> None:
    shop.write("test_it.py", "def test_it(): assert 0\n")
    if content is not None:
        (shop.path / "b.json").write_text(content)
    run = pytest_in(shop, *words)
    assert run.code == 4
    (line,) = [line for line in run.err.split("\n") if line.startswith("ERROR")]
    assert said in line and "Traceback" not in run.err
    assert content is None or (shop.path / "b.json").read_text() == content


def test_figures_are_in_the_xml_and_failures_at_their_lines_for_github(
    shop: Workshop,
) -> None:
    shop.write("test_it.py", "\n\ndef test_it():\n    assert bytearray(3 * 2**20)\n")
    run = pytest_in(
        shop, "--memory-limit", "1MB", "--memory-format", "github", "--junitxml", "out.xml"
    )
    (case,) = xml.etree.ElementTree.parse(shop.path / "out.xml").iter("testcase")
    found = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert 3 * MIB <= int(found["memory_peak"]) < 3.1 * MIB
    assert {"memory_kept", "memory_allocations", "memory_rss_growth"} <= set(found)
    (failure,) = case.iter("failure")
    assert "memory: held 3.0 MiB of 1.0 MiB" in failure.get("message", "")
    (line,) = [line for line in run.out.split("\n") if line.startswith("::error")]
    assert line.startswith("::error file=test_it.py,line=3,title=test_it.py%3A%3Atest_it::")
    assert "%0A" in line and "memory: held 3.0 MiB" in line


def test_a_session_that_is_cut_short_leaves_the_baseline_as_it_was(shop: Workshop) -> None:
    write(shop)
    path = save(shop)
    before = path.read_text()
    shop.write("test_it.py", "def test_a(): assert 0\ndef test_b(): pass\n")
    run = pytest_in(shop, "-x", "--memory-save", "memory.json")
    assert "memory.json is as it was: the tests did not all run" in run.out
    assert path.read_text() == before


def test_a_baseline_of_a_part_keeps_what_did_not_run(shop: Workshop) -> None:
    write(shop)
    before = json.loads(save(shop).read_text())
    write(shop, grows=400_000, shrinks=100_000)
    run = pytest_in(shop, "--memory-save", "memory.json", "-k", "grows")
    assert "3 that did not run stay as they were" in run.out
    ((name, now),) = json.loads((shop.path / "memory.json").read_text())[
        "environments"
    ].items()
    grown = figure(now.pop("test_it.py::test_grows"))
    assert 400_000 <= grown < 420_000
    del before["environments"][name]["test_it.py::test_grows"]
    assert now == before["environments"][name]


def test_under_mprof_heap_and_a_debugger_of_lines_the_figures_are_the_same(
    shop: Workshop,
) -> None:
    """A recording of the whole run goes on, with all that the tests allocate."""
    shop.write("test_it.py", SUITE)
    alone = table(pytest_in(shop, "--memory"))
    run = shop.python(
        "-c",
        "import sys, pytest\nfrom memory_profiler import heap\n"
        "with heap.track() as tracked:\n"
        "    code = pytest.main(['-q', '-p', 'no:cacheprovider', '--memory'])\n"
        "assert tracked.peak > 6_000_000, tracked.peak\nsys.exit(code)\n",
        env={"COLUMNS": "200"},
    )
    assert run.code == 0, run.out + run.err
    inside = table(run)
    assert inside.keys() == alone.keys()
    for name, (peak, _, _) in alone.items():
        assert size(inside[name][0]) == pytest.approx(size(peak), rel=0.02, abs=2000)
