"""Stretches inside one recording: what each allocated, and nothing else."""

from __future__ import annotations

import gc
import threading

import pytest

from memory_profiler._limits.measuring import AT_PEAK, LIVE, Session, Stretch


@pytest.fixture
def session():
    one = Session()
    yield one
    one.close()


def measured(**terms: bool) -> Stretch:
    stretch = Stretch(**terms)
    stretch.begin()
    return stretch


def test_what_is_allocated_between_stretches_is_in_none(session: Session) -> None:
    first = measured()
    one = bytearray(100_000)
    assert 100_000 <= first.finish().peak < 110_000
    between = bytearray(1_000_000)
    second = measured()
    del between
    two = bytearray(200_000)
    figures = second.finish()
    assert 200_000 <= figures.peak < 210_000 and figures.live == figures.peak
    assert len(one) + len(two) == 300_000


def test_what_is_kept_is_known_after_the_end_and_once(session: Session) -> None:
    stretch = measured()
    kept, gone = bytearray(100_000), bytearray(300_000)
    stretch.finish()
    del gone
    other = measured()  # another one in between changes nothing
    other.finish()
    assert 100_000 <= stretch.kept() < 110_000
    assert stretch.kept() == -1
    assert kept


def test_one_that_is_apart_is_not_counted_around_it(session: Session) -> None:
    outer = measured()
    before = bytearray(10_000)
    apart = measured(apart=True)
    inner = bytearray(500_000)
    more = measured()
    deeper = bytearray(50_000)
    assert more.finish().live >= 50_000
    assert apart.finish().live >= 550_000
    after = bytearray(20_000)
    figures = outer.finish(0, 0)
    assert 30_000 <= figures.live < 40_000
    assert max(stack[0] for stack in outer.stacks(LIVE)) < 25_000
    del inner, deeper  # what is freed later is not the outer one's either
    assert 30_000 <= outer.kept() < 40_000
    assert before and after


def test_other_threads_and_imports_are_left_out_on_demand(session: Session) -> None:
    kept = []
    whole, alone = measured(), measured(alone=True)
    thread = threading.Thread(target=lambda: kept.append(bytearray(500_000)))
    thread.start()
    thread.join()
    kept.append(bytearray(100_000))
    figures = alone.finish(0)
    assert 100_000 <= figures.peak < 200_000
    assert all(stack[0] < 200_000 for stack in alone.stacks(AT_PEAK))
    assert whole.finish().peak >= 600_000


def test_a_recording_that_is_full_begins_anew_between_two(session: Session) -> None:
    def nested(depth: int, number: int) -> object:
        return (
            eval(f"lambda: [bytearray({number + 1})]", {})()
            if not depth
            else nested(depth - 1, number)
        )

    for number in range(300):
        session.renew()
        stretch = measured()
        kept = nested(number % 50, number)
        figures = stretch.finish()
        assert figures.untracked == 0 and figures.allocations >= 2
        assert kept
    gc.collect()
