"""Generators and greenlets: code that stops and goes on."""

from __future__ import annotations

import pytest

from conftest import Measured, assert_increments, parse_tables
from programs import BIG


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
    assert len(run.functions) == 1
    # 9 twice and once more after the throw, 5 once, 3 after the throw and at two closes
    assert Measured(run).added == pytest.approx(3 * 9 + 5 + 3 * 3, abs=1.5)


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
