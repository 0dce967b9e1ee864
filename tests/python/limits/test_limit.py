"""memory_profiler.limit and memory_profiler.testing: in a program's own words."""

from __future__ import annotations

import asyncio
import threading

import pytest

from memory_profiler import MemoryLimitExceeded, limit
from memory_profiler.testing import assert_no_leak, assert_peak, measure_peak

MIB = 2**20


def test_a_block_that_holds_more_says_which_line() -> None:
    with pytest.raises(MemoryLimitExceeded) as caught:
        with limit("1 MB"):
            rows = [bytes(1000) for _ in range(2000)]
    assert caught.value.limit == MIB
    assert 2_000_000 < caught.value.peak < 2_200_000
    head, first, source, *_ = str(caught.value).split("\n")
    assert head.startswith("limited to 1.0 MiB, held 2.0 MiB at its peak, ")
    assert "test_limit.py:" in first
    assert source.strip() == "rows = [bytes(1000) for _ in range(2000)]"
    assert rows


def test_each_call_of_a_function_has_the_limit_anew() -> None:
    kept = []

    @limit("1 MB")
    def take(size: int) -> int:
        kept.append(bytearray(size))
        return size

    for _ in range(5):
        assert take(500_000) == 500_000
    with pytest.raises(MemoryLimitExceeded):
        take(2 * MIB)


def test_it_raises_what_the_block_raises() -> None:
    with pytest.raises(ValueError, match="mine"):
        with limit(10):
            raise ValueError("mine")


def test_limits_in_each_other_and_in_threads_are_apart() -> None:
    failed = []

    def run(size: int) -> None:
        try:
            with limit(3 * MIB):
                bytearray(size)
        except MemoryLimitExceeded:
            failed.append(size)

    with limit(20 * MIB):
        run(MIB)
        run(4 * MIB)
    assert failed == [4 * MIB]
    threads = [threading.Thread(target=run, args=(MIB // 8,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [4 * MIB]


def test_a_coroutine_is_limited_where_it_runs() -> None:
    @limit("1 MB")
    async def load() -> int:
        await asyncio.sleep(0)
        return len(bytearray(2 * MIB))

    with pytest.raises(MemoryLimitExceeded):
        asyncio.run(load())


def test_a_generator_is_refused() -> None:
    with pytest.raises(TypeError, match="is a generator"):

        @limit("1 MB")
        def rows():
            yield 1


@pytest.mark.parametrize("size", ["much", "", "12 XB", "-5", -5, float("nan")])
def test_what_is_no_size_is_refused(size: object) -> None:
    with pytest.raises(ValueError, match="is no size"):
        limit(size)


@pytest.mark.parametrize(
    "size, count",
    [("24 MB", 24 * MIB), ("500M", 500 * MIB), ("1.5 GiB", 1536 * MIB), ("64kb", 65536),
     ("100", 100), ("7 B", 7), (12345, 12345)],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(size: object, count: int) -> None:
    assert limit(size)._limit == count


def test_assertions_for_unittest() -> None:
    with assert_peak("1 MB"):
        bytearray(500_000)
    with pytest.raises(AssertionError, match=r"limited to 1\.0 MiB, held 2\.0 MiB"):
        with assert_peak("1 MB"):
            bytearray(2 * MIB)


def test_a_leak_is_asserted_and_a_cache_is_none() -> None:
    kept, cache = [], {}
    assert_no_leak(lambda: cache.setdefault("it", bytearray(MIB)))
    with pytest.raises(AssertionError, match="keeps growing: by .* in 20 calls"):
        assert_no_leak(lambda: kept.append(bytearray(10_000)))
    with pytest.raises(ValueError, match="repeat"):
        assert_no_leak(list, repeat=2)


def test_a_peak_for_benchmarks() -> None:
    assert MIB <= measure_peak(bytearray, MIB) < 1.1 * MIB
