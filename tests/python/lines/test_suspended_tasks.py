"""Coroutines and async generators: code that an event loop stops and goes on with."""

from __future__ import annotations

import pytest

from conftest import assert_increments
from programs import BIG


def test_a_coroutine_has_its_table_and_what_others_do_meanwhile_is_not_in_it(
    profiled, tolerance
) -> None:
    run = profiled(f"""
        import asyncio
        kept = []

        @profile
        async def work():
            mine = {BIG}
            await asyncio.sleep(0.05)
            return len(mine)

        async def other():
            await asyncio.sleep(0.01)
            kept.append({BIG})

        async def main():
            await asyncio.gather(work(), other())

        asyncio.run(main())
    """)
    (table,) = run.tables
    assert_increments(table, {"mine =": 45, "asyncio.sleep": 0}, tolerance)
    assert table.line("return").occurrences >= 1


def test_an_async_generator_has_its_table(profiled, tolerance) -> None:
    run = profiled(f"""
        import asyncio

        @profile
        async def blocks():
            for size in (1, 2):
                block = {BIG}
                await asyncio.sleep(0)
                got = yield size
                del block
            await asyncio.sleep(0)

        async def main():
            assert [size async for size in blocks()] == [1, 2]

        asyncio.run(main())
    """)
    (table,) = run.tables
    assert_increments(table, {"block = b": 90, "del block": -90}, tolerance)
    assert table.line("block = b").occurrences == 2


INTERLEAVED = f"""
    import asyncio
    kept = []

    @profile
    async def work(name):
        await asyncio.sleep(0)
        if name == "a":
            kept.append({BIG})
            await asyncio.sleep(0.001)
            done = "only a"
        else:
            await asyncio.sleep(0.002)
            done = "only b"
        return done

    async def main():
        first = asyncio.create_task(work("a"))
        second = asyncio.create_task(work("b"))
        await first
        await second

    asyncio.run(main())
"""


def test_interleaved_tasks_report_only_their_own_lines(shop, tolerance) -> None:
    run = shop.profile_as("imported", INTERLEAVED)
    a, b = run.tables
    assert a.line('"only a"').occurrences == 1
    assert a.line('"only b"').memory is None
    assert a.line("kept.append").increment == pytest.approx(45, abs=tolerance)
    assert b.line('"only a"').memory is None
    assert b.line('"only b"').occurrences == 1
    assert b.line("kept.append").memory is None
    grown = sum(r.increment for r in b.rows.values() if r.increment) - b.first.increment
    assert grown == pytest.approx(0, abs=tolerance)


def test_interleaved_tasks_share_one_table_in_a_run_that_sums(shop, tolerance) -> None:
    run = shop.profile_as("run", INTERLEAVED)
    (table,) = run.tables
    assert_increments(table, {"kept.append": 45, '"only b"': 0}, tolerance)
    assert table.line('"only a"').occurrences == table.line('"only b"').occurrences == 1
    assert table.first.increment == pytest.approx(table.first.memory, abs=tolerance)


def test_every_way_to_run_a_coroutine_works(profiled, mode) -> None:
    run = profiled("""
        import asyncio, inspect

        @profile
        async def work(n):
            await asyncio.sleep(0)
            return n

        async def main():
            assert await work(1) == 1
            assert await asyncio.create_task(work(2)) == 2
            assert await asyncio.gather(work(3), work(4)) == [3, 4]
            assert await asyncio.wait_for(work(5), 5) == 5
            assert await asyncio.shield(work(6)) == 6
            async with asyncio.TaskGroup() as group:
                task = group.create_task(work(7))
            assert task.result() == 7
            async with asyncio.timeout(5):
                assert await work(8) == 8
            assert await asyncio.ensure_future(work(9)) == 9

        asyncio.run(main())
        assert asyncio.run(work(10)) == 10
        with asyncio.Runner() as runner:
            assert runner.run(work(11)) == 11
        assert inspect.iscoroutine(c := work(0))
        c.close()
    """)
    counts = [table.line("return n").occurrences for table in run.tables]
    # the line runs once a call; the return that follows counts it again, as ever
    assert sum(counts) == 11 * (counts[0] if mode == "imported" else counts[0] // 11)
    assert len(counts) == (11 if mode == "imported" else 1)


def test_cancelled_and_timed_out_tasks_end_as_they_would(profiled, mode, tolerance) -> None:
    run = profiled(f"""
        import asyncio
        log = []

        @profile
        async def forever():
            try:
                block = {BIG}
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                del block
                log.append("cancelled")
                raise

        @profile
        async def outlives():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                return "survived"

        async def main():
            task = asyncio.create_task(forever())
            await asyncio.sleep(0.01)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                assert task.cancelled()
            else:
                raise AssertionError
            try:
                await asyncio.wait_for(forever(), 0.01)
            except TimeoutError:
                pass
            else:
                raise AssertionError
            task = asyncio.create_task(outlives())
            await asyncio.sleep(0.01)
            task.cancel()
            assert await task == "survived"
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(forever())
                    await asyncio.sleep(0.01)
                    raise LookupError
            except* LookupError:
                pass
            assert log == ["cancelled"] * 3

        asyncio.run(main())
    """)
    assert run.table("outlives").line("survived").occurrences >= 1
    if mode == "run":
        table = run.table("def forever")
        assert_increments(table, {"block = b": 135, "del block": -135}, tolerance)
        assert table.line("log.append").occurrences == 3


def test_a_coroutine_that_is_never_awaited_warns_as_ever_and_counts_nothing(
    shop, mode
) -> None:
    shop.write(
        "script.py",
        """
        from memory_profiler import profile
        @profile
        async def forgotten():
            pass
        forgotten()
        print("end")
    """,
    )
    run = shop.run("script.py") if mode == "run" else shop.python("script.py")
    assert run.out == "end\n"
    assert "coroutine 'forgotten' was never awaited" in run.err


def test_an_async_generator_that_is_left_is_finalised_by_the_loop(profiled) -> None:
    profiled("""
        import asyncio, gc
        log = []

        @profile
        async def blocks():
            try:
                yield 1
                yield 2
            finally:
                await asyncio.sleep(0)
                log.append("finalised")

        async def leaves():
            async for n in blocks():
                break
            gc.collect()
            await asyncio.sleep(0.02)

        asyncio.run(leaves())
        assert log == ["finalised"], log

        held = []
        async def keeps():
            g = blocks()
            held.append(g)
            await anext(g)

        asyncio.run(keeps())     # shutdown_asyncgens
        assert log == ["finalised"] * 2, log

        async def closes():
            g = blocks()
            await anext(g)
            await g.aclose()
            assert log == ["finalised"] * 3
            g = blocks()
            await g.asend(None)
            try:
                await g.athrow(KeyError("in"))
            except KeyError as error:
                assert error.args == ("in",)
            else:
                raise AssertionError
            assert log == ["finalised"] * 4
            try:
                await anext(g)
            except StopAsyncIteration:
                pass
        asyncio.run(closes())
    """)


def test_thousands_of_tasks_leave_nothing_behind(profiled) -> None:
    """Each call's profiler goes with it: what stays is less than 100 bytes a call."""
    profiled("""
        import asyncio, gc, io, sys
        decorate = profile
        out = io.StringIO()

        @decorate(stream=out)
        async def work(n):
            await asyncio.sleep(0)
            return n

        async def main(n):
            await asyncio.gather(*(work(i) for i in range(n)))

        asyncio.run(main(300))
        gc.collect()
        before = len(gc.get_objects())
        out.seek(0); out.truncate()
        asyncio.run(main(1000))
        gc.collect()
        grown = len(gc.get_objects()) - before
        assert grown < 300, grown
    """)
