"""Increments sum to what a function added, whatever calls what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import MIB, Measured, Workshop

RECURSION = """
@profile
def measured(n, kept):
    kept.append(b"x" * (5 * 2 ** 20))
    if n:
        measured(n - 1, kept)
    {end}

"""


@pytest.fixture
def measured(shop: Workshop, gate: str) -> Callable[[str], Measured]:
    """What a program's function `measured` added, under each gate."""
    return lambda source: Measured(shop.profile(source, "--json"))


def test_increments_of_a_recursion_sum_to_the_outermost_exit_minus_entry(
    measured, tolerance
) -> None:
    """Without settling between activations every level counts the levels inside it again."""
    found = measured(RECURSION.format(end="return kept") + "everything = measured(7, [])")
    assert found.added == pytest.approx(8 * 5, abs=tolerance)
    lines, baseline = found.lines, found.table["baseline"] / MIB
    assert lines['kept.append(b"x" * (5 * 2 ** 20))'] == pytest.approx(40, abs=tolerance)
    assert lines["measured(n - 1, kept)"] == pytest.approx(0, abs=tolerance)
    last = max(row["memory"] for row in found.table["lines"] if row["memory"]) / MIB
    assert baseline + found.added == pytest.approx(last, abs=tolerance)


def test_increments_of_a_recursion_that_raises_still_sum(measured, tolerance) -> None:
    found = measured(
        RECURSION.format(end="raise ValueError(n)")
        + """
kept = []
try:
    measured(5, kept)
except ValueError:
    pass
"""
    )
    assert found.added == pytest.approx(30, abs=tolerance)


def test_increments_of_a_generator_sum_its_running_segments(measured, tolerance) -> None:
    """What the consumer allocates between two items is not the generator's."""
    found = measured("""
        @profile
        def measured(kept):
            for i in range(4):
                kept.append(b"x" * (5 * 2 ** 20))
                yield i

        kept, others = [], []
        for i in measured(kept):
            others.append(b"y" * (11 * 2 ** 20))
    """)
    assert found.added == pytest.approx(20, abs=tolerance)
    assert found.lines["yield i"] == pytest.approx(0, abs=tolerance)


def test_nested_functions_share_the_table_and_are_counted_once(measured, tolerance) -> None:
    found = measured("""
        @profile
        def measured():
            def inner():
                kept.append(b"x" * (5 * 2 ** 20))
            kept = []
            for i in range(4):
                inner()
            more = [b"y" * (5 * 2 ** 20) for i in range(3)]
            last = list(b"z" * (5 * 2 ** 20) for i in range(3))
            return kept, more, last

        everything = measured()
    """)
    assert found.added == pytest.approx(50, abs=tolerance)
    kept = found.lines['kept.append(b"x" * (5 * 2 ** 20))']
    assert kept == pytest.approx(20, abs=tolerance)
    assert found.lines["inner()"] == pytest.approx(0, abs=tolerance)


def test_a_generator_nested_in_the_table_that_consumes_it_is_counted_once(
    measured, tolerance
) -> None:
    found = measured("""
        @profile
        def measured():
            def blocks(n):
                for i in range(n):
                    block = b"x" * (5 * 2 ** 20)
                    yield block
            kept = []
            for block in blocks(4):
                kept.append(block)
            return kept

        everything = measured()
    """)
    assert found.added == pytest.approx(20, abs=tolerance)
