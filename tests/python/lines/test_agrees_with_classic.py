"""The same program under memory_profiler 0.61.0 and under ours, with the same interpreter."""

from __future__ import annotations

import re

import pytest

from conftest import CORPUS, Run, Workshop, run_python

SCRIPTS = sorted(path.name for path in CORPUS.glob("*.py"))
NUMBERS = re.compile(r" *-?\d+\.\d+ MiB")


@pytest.fixture(scope="module", params=SCRIPTS)
def both(request: pytest.FixtureRequest, classic: str) -> tuple[Run, Run]:
    words = ("-m", "memory_profiler", request.param)
    quiet = (
        "-W",
        "ignore::DeprecationWarning",
    )  # newer Pythons warn of what the classic uses
    theirs = run_python(*quiet, *words, python=classic, cwd=CORPUS)
    ours = run_python(*words, cwd=CORPUS)
    assert (ours.code, ours.err) == (theirs.code, theirs.err) == (0, "")
    return ours, theirs


def frame(text: str) -> list[str]:
    """The lines with every MiB figure as #: what must be the same byte for byte."""
    return NUMBERS.sub("#", text).split("\n")


def test_the_corpus_has_at_least_thirty_functions() -> None:
    text = "".join((CORPUS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    assert text.count("@profile") >= 60


def test_filled_cells_occurrences_and_every_byte_of_the_frame_agree(both) -> None:
    ours, theirs = both
    assert frame(ours.out) == frame(theirs.out)


def test_widths_of_the_figures_agree(both) -> None:
    ours, theirs = both
    widths = [[len(cell) for cell in NUMBERS.findall(run.out)] for run in (ours, theirs)]
    assert widths[0] == widths[1]


def test_straight_line_code_agrees_in_numbers(classic: str, tolerance: float) -> None:
    words = ("-m", "memory_profiler", "plain.py")
    tables = [
        run_python(*words, cwd=CORPUS).table("b = [2] * (2 * 10 ** 7)"),
        run_python(*words, python=classic, cwd=CORPUS).table("b = [2] * (2 * 10 ** 7)"),
    ]
    for text in ("a = [1] * (10 ** 6)", "b = [2] * (2 * 10 ** 7)", "del b", "return a"):
        ours, theirs = (table.line(text) for table in tables)
        assert ours.increment == pytest.approx(theirs.increment, abs=tolerance), text


def test_precision_changes_the_text_as_the_classics(shop: Workshop, classic: str) -> None:
    shop.write(
        "script.py",
        """
        @profile
        def fill():
            x = [1] * 10
            return x

        fill()
    """,
    )
    for precision in ("0", "1", "6", "12"):
        words = ("-m", "memory_profiler", "--precision", precision, "script.py")
        ours, theirs = shop.python(*words).out, shop.python(*words, python=classic).out
        decimals = re.compile(r"-?\d+\.?(\d*) MiB")
        assert decimals.sub(r"\1", re.sub(r"\d", "9", ours)) == decimals.sub(
            r"\1", re.sub(r"\d", "9", theirs)
        )
