"""What `profile` makes of functions that stop and go on, alone and with other decorators."""

from __future__ import annotations

import pytest

from programs import BIG


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
