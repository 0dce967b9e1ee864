"""Generators, coroutines, async generators and greenlets: code that stops and goes on."""

from __future__ import annotations

import json

import pytest

from conftest import MIB, assert_increments, parse_tables

BIG = 'b"x" * (45 * 2 ** 20)'  # above malloc's highest mmap threshold: freed to the system


def test_a_generator_has_its_table_and_its_segments_sum(profiled, tolerance) -> None:
    run = profiled(f"""
        @profile
        def numbers():
            first = {BIG}
            got = yield 1
            second = {BIG}
            yield got
            del first
            return "end"

        def consume():
            outside = []
            g = numbers()
            assert next(g) == 1
            outside.append({BIG})   # between two segments: not the generator's
            assert g.send("sent") == "sent"
            outside.clear()
            try:
                next(g)
            except StopIteration as stop:
                assert stop.value == "end"

        consume()
    """)
    (table,) = run.tables
    assert_increments(
        table,
        {
            "first = b": 45,
            "got = yield 1": 0,
            "second = b": 45,
            "yield got": 0,
            "del first": -45,
        },
        tolerance,
    )
    assert table.line('return "end"').occurrences == 1


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


def test_wrapped_functions_are_of_the_kind_they_wrap(profiled) -> None:
    profiled("""
        import asyncio, inspect, types, warnings

        @profile
        def plain(): pass
        @profile
        def generator(): yield
        @profile
        async def coroutine(): pass
        @profile
        async def async_generator(): yield
        @profile
        @types.coroutine
        def old_style():
            result = yield
            return result

        kinds = {
            plain: None,
            generator: inspect.isgeneratorfunction,
            coroutine: inspect.iscoroutinefunction,
            async_generator: inspect.isasyncgenfunction,
            old_style: inspect.isgeneratorfunction,
        }
        for func, kind in kinds.items():
            for test in (inspect.isgeneratorfunction, inspect.iscoroutinefunction,
                         inspect.isasyncgenfunction):
                assert test(func) == (test is kind), (func, test)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.14 and later
            assert asyncio.iscoroutinefunction(coroutine)
        assert coroutine.__name__ == coroutine.__qualname__ == "coroutine"
        assert inspect.isawaitable(old_style())

        async def main():
            return await old_style()
        steps = main()
        steps.send(None)
        try:
            steps.send("value")
        except StopIteration as stop:
            assert stop.value == "value"
        else:
            raise AssertionError("not awaited")
    """)


def test_exceptions_go_into_and_come_out_of_generators_unchanged(
    profiled, mode, tolerance
) -> None:
    run = profiled(f"""
        log = []

        @profile
        def catches():
            while True:
                try:
                    got = yield len(log)
                    log.append(got)
                except KeyError as error:
                    log.append(error)
                    block = {BIG}
                    del error

        @profile
        def fails():
            yield 1
            raise LookupError("mine")

        g = catches()
        next(g)
        sent = KeyError("thrown")
        assert g.throw(sent) == 1
        assert log == [sent]
        assert g.send("value") == 2
        try:
            g.throw(OSError("out"))
        except OSError as error:
            assert error.args == ("out",) and error.__context__ is None
        else:
            raise AssertionError("swallowed")
        try:
            next(g)
        except StopIteration:
            pass

        g = fails()
        next(g)
        try:
            next(g)
        except LookupError as error:
            assert error.args == ("mine",) and error.__context__ is None
        else:
            raise AssertionError("swallowed")
        g.close()
        print("right")
    """)
    assert run.out.startswith("right\n") or run.out.endswith("right\n")
    if mode == "run":
        assert run.table("def catches").line("block =").increment == pytest.approx(
            45, abs=tolerance
        )


def test_a_generator_that_is_closed_or_dropped_runs_its_finally_once(
    profiled, mode
) -> None:
    run = profiled("""
        import gc
        log = []

        @profile
        def steps(name):
            try:
                yield 1
                yield 2
            finally:
                log.append(name)

        g = steps("closed")
        next(g)
        g.close()
        g.close()
        assert log == ["closed"]
        g = steps("dropped")
        next(g)
        del g
        assert log == ["closed", "dropped"]
        loop = steps("cycle")
        next(loop)
        box = [loop]
        box.append(box)
        del loop, box
        gc.collect()
        assert log == ["closed", "dropped", "cycle"]
        g = steps("not started")
        g.close()
        del g
        assert log == ["closed", "dropped", "cycle"]
        for value in steps("after"):
            pass
        assert log[-1] == "after"
        print("right")
    """)
    tables = parse_tables(run.out.replace("right\n", ""))
    assert len(tables) == (1 if mode == "run" else 4)  # one that never began has none
    assert sum(t.line("log.append").occurrences for t in tables) == 4


def test_the_segments_of_thrown_into_and_closed_generators_still_sum(shop) -> None:
    run = shop.profile(
        """
        import gc
        kept = []

        @profile
        def measured():
            while True:
                try:
                    kept.append(b"x" * (9 * 2 ** 20))
                    yield
                except KeyError:
                    kept.append(b"x" * (5 * 2 ** 20))
                finally:
                    kept.append(b"x" * (3 * 2 ** 20))

        g = measured()
        next(g)
        kept.append(b"x" * (50 * 2 ** 20))
        g.throw(KeyError())
        g.close()
        g = measured()
        next(g)
        del g
    """,
        "--json",
    )
    assert run.err == "" and run.code == 0
    (table,) = json.loads(run.out)["functions"]
    rows = [row for row in table["lines"] if row["line"] != table["first_line"]]
    total = sum(row["increment"] or 0 for row in rows)
    # 9 twice and once more after the throw, 5 once, 3 after the throw and at two closes
    assert total / MIB == pytest.approx(3 * 9 + 5 + 3 * 3, abs=1.5)


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


def test_yield_from_and_await_chains_each_have_their_table(profiled, tolerance) -> None:
    run = profiled(f"""
        kept = []

        @profile
        def inner():
            kept.append({BIG})
            got = yield 1
            return got

        @profile
        def outer():
            result = yield from inner()
            return result

        g = outer()
        next(g)
        try:
            g.send("value")
        except StopIteration as stop:
            assert stop.value == "value"
    """)
    inner, outer = run.table("def inner"), run.table("def outer")
    assert inner.line("kept.append").increment == pytest.approx(45, abs=tolerance)
    assert outer.line("yield from").increment == pytest.approx(45, abs=tolerance)


def test_profile_below_contextmanager_counts_in_both_modes(profiled, tolerance) -> None:
    run = profiled(f"""
        import contextlib

        @contextlib.contextmanager
        @profile
        def held():
            block = {BIG}
            yield block
            del block

        with held() as block:
            del block
    """)
    (table,) = run.tables
    assert table.line("block = b").increment == pytest.approx(45, abs=tolerance)
    assert table.line("yield block").occurrences >= 1


def test_profile_above_contextmanager_counts(profiled, mode, tolerance) -> None:
    run = profiled(f"""
        import contextlib

        @profile
        @contextlib.contextmanager
        def held(name):
            block = {BIG}
            try:
                yield block
            except KeyError:
                caught = True
            del block

        with held("x") as block:
            del block
            raise KeyError

        @held("decorating")
        def decorated():
            return 1
        assert decorated() == decorated() == 1
    """)
    if mode == "run":
        (table,) = run.tables
        assert table.line("block = b").increment == pytest.approx(135, abs=tolerance)
    else:
        first, *others = run.tables
        assert first.line("caught").occurrences >= 1
        for table in run.tables:
            assert table.line("block = b").increment == pytest.approx(45, abs=tolerance)


def test_profile_above_asynccontextmanager_counts(profiled, mode, tolerance) -> None:
    run = profiled(f"""
        import asyncio, contextlib

        @profile
        @contextlib.asynccontextmanager
        async def held():
            block = {BIG}
            await asyncio.sleep(0)
            yield block
            del block

        async def main():
            async with held() as block:
                del block
            try:
                async with held() as block:
                    raise LookupError
            except LookupError:
                pass

        asyncio.run(main())
    """)
    assert run.tables[0].line("block = b").increment == pytest.approx(
        90 if mode == "run" else 45, abs=tolerance
    )


def test_profile_above_a_decorator_that_returns_the_coroutine_counts(
    profiled, tolerance
) -> None:
    run = profiled(f"""
        import asyncio, functools

        def passing(func):
            @functools.wraps(func)
            def inner(*args):
                return func(*args)
            return inner

        @profile
        @passing
        async def work():
            block = {BIG}
            await asyncio.sleep(0)
            del block
            return 5

        @profile
        @passing
        def numbers():
            block = {BIG}
            yield 1
            del block

        assert asyncio.run(work()) == 5
        assert list(numbers()) == [1]
    """)
    for name in ("async def work", "def numbers"):
        assert run.table(name).line("block = b").increment == pytest.approx(
            45, abs=tolerance
        )


def test_what_the_imported_decorator_cannot_count_is_said_once(shop) -> None:
    shop.write(
        "script.py",
        """
        import functools
        from memory_profiler import profile

        def listed(func):
            @functools.wraps(func)
            def inner(*args):
                return iter([func(*args)])
            return inner

        @profile
        @listed
        def numbers():
            yield 1

        assert [list(g) for g in numbers()] == [[1]]
        assert [list(g) for g in numbers()] == [[1]]
    """,
    )
    run = shop.python("script.py")
    assert run.code == 0 and run.out == ""
    assert run.err.count("numbers is not measured") == 1, run.err
    assert "UserWarning" in run.err and "directly on the function" in run.err


def test_generators_resumed_by_other_threads_are_counted(profiled, tolerance) -> None:
    run = profiled(f"""
        import threading
        kept = []

        @profile
        def steps():
            for n in range(4):
                kept.append({BIG})
                yield n

        g = steps()
        got = []
        for n in range(5):
            thread = threading.Thread(target=lambda: got.extend([x for x in [next(g, None)]]))
            thread.start()
            thread.join()
        assert got == [0, 1, 2, 3, None], got
    """)
    (table,) = run.tables
    assert table.line("kept.append").occurrences == 4
    assert_increments(table, {"kept.append": 180, "yield n": 0}, tolerance)


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


def test_faults_63_greenlets_are_not_mixed(profiled, tolerance) -> None:
    pytest.importorskip("greenlet")
    run = profiled(f"""
        import greenlet
        kept = []
        main = greenlet.getcurrent()

        @profile
        def a():
            x = 1
            main.switch()
            first = (lambda: kept.append({BIG}))()
            main.switch()
            return 1

        @profile
        def b():
            y = 1
            main.switch()
            second = [kept.append({BIG}) for _ in range(2)]
            main.switch()
            return 2

        one, two = greenlet.greenlet(a), greenlet.greenlet(b)
        for turn in range(3):
            one.switch()
            two.switch()
        assert one.dead and two.dead
    """)
    a, b = run.table("def a"), run.table("def b")
    assert a.line("lambda").increment == pytest.approx(45, abs=tolerance)
    assert b.line("for _ in").increment == pytest.approx(90, abs=tolerance)
    for table, row in ((a, "x = 1"), (a, "return"), (b, "y = 1"), (b, "return")):
        assert table.line(row).increment == pytest.approx(0, abs=tolerance)


def test_faults_63_greenlets_that_run_one_function_are_not_mixed(
    profiled, mode, tolerance
) -> None:
    pytest.importorskip("greenlet")
    run = profiled(f"""
        import greenlet
        kept = []
        main = greenlet.getcurrent()

        @profile
        def work(name):
            if name == "a":
                main.switch()
                first = (lambda: kept.append({BIG}))()
                main.switch()
                done = "only a"
            else:
                main.switch()
                main.switch()
                done = "only b"
            return done

        one = greenlet.greenlet(work)
        two = greenlet.greenlet(work)
        one.switch("a")
        two.switch("b")
        for turn in range(2):
            one.switch()
            two.switch()
        assert one.dead and two.dead
    """)
    if mode == "run":
        (table,) = run.tables
        assert_increments(table, {"lambda": 45, "only b": 0}, tolerance)
        return
    a, b = run.tables
    assert a.line("lambda").increment == pytest.approx(45, abs=tolerance)
    assert a.line("only a").occurrences == 1 and a.line("only b").memory is None
    assert b.line("only b").occurrences == 1 and b.line("only a").memory is None
    assert b.line("lambda").memory is None


def test_arguments_that_do_not_fit_are_told_at_the_call(profiled) -> None:
    profiled("""
        import asyncio

        @profile
        def steps(a): yield a
        @profile
        async def work(a): return a

        async def main():
            try:
                await work()
            except TypeError as error:
                assert "missing 1 required positional argument" in str(error)
            else:
                raise AssertionError
        asyncio.run(main())
        try:
            list(steps())
        except TypeError as error:
            assert "missing 1 required positional argument" in str(error)
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


def test_a_loop_that_is_left_reports_and_an_exception_does_not(shop) -> None:
    shop.write(
        "script.py",
        """
        import asyncio
        from memory_profiler import profile

        @profile
        def numbers():
            yield 1
            yield 2

        @profile
        async def ticks():
            yield 1
            yield 2

        for n in numbers():
            break

        async def main():
            async for n in ticks():
                break
            await asyncio.sleep(0.02)   # the loop closes it
        asyncio.run(main())

        g = numbers()
        next(g)
        try:
            g.throw(KeyError)
        except KeyError:
            pass
        kept = numbers()
        next(kept)      # the interpreter ends before it does
        """,
    )
    run = shop.python("script.py")
    assert run.err == "" and run.code == 0
    first, second, *rest = run.tables
    assert (
        first.line("def numbers").memory is None and first.line("yield 1").occurrences >= 1
    )
    assert second.line("yield 1").occurrences >= 1 and second.line("yield 2").memory is None
    assert len(rest) <= 1
