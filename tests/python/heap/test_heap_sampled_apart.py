"""Small blocks of a sample lie apart from all others: what that must not change."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable

import pytest

from memory_profiler import heap

SAMPLE = 1 << 16  # far enough apart for blocks to be set apart, where that can be
MIB = 1 << 20


def error(size: float, sample: int = SAMPLE) -> float:
    """Six standard errors of so many bytes."""
    return 6 * (sample * size) ** 0.5


def objects() -> list[object]:
    return [object() for _ in range(400_000)]


def grown() -> list[object]:
    """Moved from one pool to another."""
    return [[m for m in range(n % 60)] for n in range(30_000)]


def shrunk() -> list[object]:
    """From malloc to what a pool could hold, and where it is."""
    blocks = [bytearray(700) for _ in range(10_000)]
    for block in blocks:
        del block[100:]
    return list(blocks)


def outgrown() -> list[object]:
    blocks = [bytearray(100) for _ in range(10_000)]
    for block in blocks:
        block += bytes(1000)
    return list(blocks)


def cleared() -> list[object]:
    return [[None] * (n % 60) for n in range(30_000)]


WAYS = [objects, grown, shrunk, outgrown, cleared]


@pytest.mark.parametrize("way", WAYS)
def test_a_sample_is_right_of_blocks_that_come_and_go_each_way(
    way: Callable[[], list[object]],
) -> None:
    held, total = [], []
    for sample in (0, SAMPLE):
        with heap.track(sample=sample) as t:
            kept = way()
            held.append(t.live)
            del kept
        total.append(t._heap.figures()["total"])
        assert abs(t.live) < 4 * SAMPLE, "what was freed is not live"
    assert abs(held[1] - held[0]) < error(held[0])
    assert abs(total[1] - total[0]) < error(total[0])


def test_what_a_block_holds_is_the_programs() -> None:
    with heap.track(sample=SAMPLE):
        for n in range(100_000):
            block = bytearray(b"%08d" % n * (n % 30))
            block += b"x" * (n % 300)
            del block[n % 50 :]
            assert block == (b"%08d" % n * (n % 30) + b"x" * (n % 300))[: n % 50]
        zeros = [[None] * (n % 60) for n in range(100_000)]
        assert all(item is None for items in zeros for item in items)


def test_python_counts_as_many_blocks_as_before() -> None:
    def work() -> int:
        kept = [(n, str(n), {n: n}) for n in range(50_000)]
        return len(kept)

    def blocks() -> int:
        gc.collect()
        return sys.getallocatedblocks()

    work()
    before = blocks()
    with heap.track(sample=SAMPLE):
        for _ in range(30):  # some 10,000 blocks of the sample
            work()
    assert abs(blocks() - before) < 1000


def test_a_function_where_another_one_was_has_its_own_name() -> None:
    places = set()
    with heap.track(sample=SAMPLE) as t:
        for n in range(300):
            names: dict[str, Callable[[], object]] = {}
            exec(f"def made_{n}(): return bytearray({MIB})", names)
            made = names.pop(f"made_{n}")
            places.add(id(made.__code__))
            made()
            del made
    assert len(places) < 300, "no code object is where another one was"
    rows = [row for row in t.top(10**6, "churn") if row.function.startswith("made_")]
    total: dict[str, int] = {}
    for row in rows:
        total[row.function] = total.get(row.function, 0) + row.total
    assert len(total) == 300
    assert all(MIB <= of < 1.1 * MIB + error(0.1 * MIB) for of in total.values())


def test_stacks_of_thousands_of_calls_are_whole_and_end() -> None:
    def first(level: int) -> object:
        if level:
            return first(level - 1), [object() for _ in range(20)]
        return [object() for _ in range(100_000)]

    def other(level: int) -> object:
        if level:
            return other(level - 1), [object() for _ in range(20)]
        return [object() for _ in range(100_000)]

    def end(kept: object) -> None:
        while isinstance(kept, tuple):  # not all at once
            kept = kept[0]

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        with heap.track(sample=SAMPLE) as t:
            for _ in range(3):
                end(first(6000))
                end(other(6000))
            both = [first(6000), other(6000)]
            held = t.live
            while both:
                end(both.pop())
    finally:
        sys.setrecursionlimit(limit)
    each = sys.getsizeof(object())
    size = 2 * each * (100_000 + 20 * 6000)
    assert held > size - error(size)
    assert abs(t.live) < size / 10, "free lists keep some, the stack of calls nothing"
    stacks = [[frame[2] for frame in frames] for _, _, frames in t._heap.stacks(0)]
    roots = [[name.split(".")[-1] for name in names] for names in stacks]
    assert max(names.count("first") for names in roots) == 6001
    assert max(names.count("other") for names in roots) == 6001
    assert not any({"first", "other"} <= set(names) for names in roots)


def test_tracemalloc_begun_meanwhile_hides_nothing_of_this_recording_or_the_next() -> None:
    import tracemalloc

    for sample in (SAMPLE, 0):
        with heap.track(native=False, sample=sample) as t:
            kept = objects()
            if sample:
                tracemalloc.start()
            del kept
            kept = objects()
            tracked = 2 * sys.getsizeof(object()) * len(kept)
            del kept
        assert t.live < 2 * MIB  # tables of tracemalloc's own, to which it gives traces
        assert t._heap.figures()["total"] > tracked - error(tracked, sample)
    tracemalloc.stop()


def test_a_thread_that_stays_is_sampled_as_the_next_recording_asks() -> None:
    asked, done = threading.Semaphore(0), threading.Semaphore(0)
    kept: list[object] = []

    def serve() -> None:
        while asked.acquire() and kept is not None:
            kept.extend(objects())
            done.release()

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    peaks = []
    for sample in (1 << 40, 4096):
        kept.clear()
        with heap.track(native=False, sample=sample) as t:
            asked.release()
            done.acquire()
        peaks.append(t.peak)
    size = sys.getsizeof(object()) * 400_000
    assert peaks[0] == 0
    assert peaks[1] > size - error(size, 4096)


def test_another_interpreter_made_meanwhile_hides_no_end() -> None:
    interpreters = pytest.importorskip(
        "_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters"
    )
    with heap.track(sample=SAMPLE) as t:
        kept = objects()
        another = interpreters.create()
        kept += objects()
        held = t.live
        interpreters.destroy(another)
        del kept
    size = sys.getsizeof(object()) * 800_000
    assert held > size - error(size)
    assert t.live < held - size + error(size)
