"""What `profile` can be put on (faults 59): methods, classes, wrappers, generators, coroutines."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import types
import warnings

import pytest

from conftest import parse_table, parse_tables
from memory_profiler import _core, profile


def test_faults_59_methods_of_every_kind(out) -> None:
    class Shape:
        @profile
        def method(self, x):
            return x * 2

        @classmethod
        @profile
        def inside_class(cls):
            return cls

        @profile
        @classmethod
        def outside_class(cls):
            return cls, 1

        @staticmethod
        @profile
        def inside_static(x):
            return x + 1

        @profile
        @staticmethod
        def outside_static(x):
            return x + 2

        @property
        @profile
        def inside_property(self):
            return "inside"

        @profile
        @property
        def outside_property(self):
            """Doc."""
            return "outside"

        @outside_property.setter
        @profile
        def outside_property(self, value):
            self.value = value

        @functools.cached_property
        @profile
        def inside_cached(self):
            return [1]

        @profile
        @functools.cached_property
        def outside_cached(self):
            return [2]

        @profile
        def __call__(self):
            return "called"

    shape = Shape()
    assert shape.method(2) == 4
    assert Shape.inside_class() is Shape and shape.inside_class() is Shape
    assert Shape.outside_class() == (Shape, 1)
    assert Shape.inside_static(1) == 2 and shape.inside_static(1) == 2
    assert Shape.outside_static(1) == 3 and shape.outside_static(1) == 3
    assert shape.inside_property == "inside" and shape.outside_property == "outside"
    assert Shape.outside_property.__doc__ == "Doc."
    shape.outside_property = 5
    assert shape.value == 5
    assert shape.inside_cached is shape.inside_cached
    assert shape.outside_cached is shape.outside_cached == [2]
    assert shape() == "called"
    assert len(parse_tables(out.getvalue())) == 14


def test_faults_59_a_class_gets_its_methods_profiled_and_stays_a_class(out) -> None:
    @profile
    class Shape:
        kind = "shape"

        def __init__(self, x):
            self.x = x

        def double(self):
            return self.x * 2

        @classmethod
        def make(cls):
            return cls(2)

        @staticmethod
        def nothing():
            return None

        @property
        def area(self):
            return self.x**2

        def items(self):
            yield self.x

    class Square(Shape):
        def __init__(self):
            super().__init__(3)

    assert isinstance(Shape, type) and isinstance(Shape.make(), Shape)
    assert Shape(3).double() == 6 and Shape(3).area == 9 and Shape.nothing() is None
    assert list(Square().items()) == [3]
    assert Shape.kind == "shape"
    names = [t.rows[max(t.rows)].source.strip() for t in parse_tables(out.getvalue())]
    assert names.count("self.x = x") == 4


def test_faults_59_dataclasses_and_slots_work(out) -> None:
    import dataclasses

    @profile
    @dataclasses.dataclass(frozen=True, slots=True)
    class Point:
        x: int

        def double(self):
            return self.x * 2

    assert Point(2).double() == 4 and Point(2) == Point(2)


def test_faults_59_lambdas_and_partials(out) -> None:
    assert profile(lambda x: x + 1)(1) == 2

    def add(a, b):
        return a + b

    assert profile(functools.partial(add, 1))(2) == 3
    assert profile(functools.partial(functools.partial(add, 1), 2))() == 3
    assert len(parse_tables(out.getvalue())) == 3


def test_faults_59_callables_without_code_warn_once_and_pass_through(out) -> None:
    class Called:
        def __call__(self):
            return 1

    for target in (len, dict.fromkeys, functools.partial(len), 42, None.__class__):
        if isinstance(target, type):
            continue
        with pytest.warns(UserWarning, match="Could not extract a code object") as caught:
            assert profile(target) is target
        assert len(caught) == 1
        assert caught[0].filename == __file__
    assert out.getvalue() == ""


def test_faults_59_an_object_with_call_is_named_or_works(out) -> None:
    class Called:
        def __call__(self):
            return 1

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert profile(Called())() == 1
    assert len(caught) <= 1


def test_faults_59_a_stacked_wrapper_profiles_the_function_behind_it(out) -> None:
    """The classic profiled the wrapper (its issue 373)."""

    def logged(func):
        @functools.wraps(func)
        def wrapper(*args):
            return func(*args)

        return wrapper

    @profile
    @logged
    def work(x):
        y = x + 1
        return y

    @profile
    @functools.lru_cache
    def cached(x):
        return x

    assert work(1) == 2
    assert parse_table(out.getvalue()).line("y = x + 1").occurrences == 1
    assert cached(1) == cached(1) == 1


def test_faults_59_bound_methods_and_instances_keep_their_identity(out) -> None:
    class Shape:
        def method(self):
            return self

    shape = Shape()
    assert profile(shape.method)() is shape
    assert parse_table(out.getvalue()).line("return self").occurrences == 1


def test_faults_59_recursion_prints_one_table_for_each_call(out) -> None:
    @profile
    def count(n):
        return n and 1 + count(n - 1)

    assert count(3) == 3
    tables = parse_tables(out.getvalue())
    assert len(tables) == 4


def test_faults_59_generators_stay_generators_and_print_at_their_end(out) -> None:
    @profile
    def items(n):
        for i in range(n):
            got = yield i
        return got

    assert inspect.isgeneratorfunction(items)
    generator = items(3)
    assert inspect.isgenerator(generator)
    assert next(generator) == 0 and generator.send("a") == 1
    assert out.getvalue() == ""
    assert next(generator) == 2
    with pytest.raises(StopIteration) as stop:
        generator.send("last")
    assert stop.value.value == "last"
    table = parse_table(out.getvalue())
    assert table.line("got = yield i").occurrences == 6
    assert table.line("return got").occurrences == 1


def test_faults_59_generators_get_what_is_thrown_and_closed(out) -> None:
    log = []

    @profile
    def items():
        try:
            while True:
                try:
                    yield len(log)
                except ValueError as error:
                    log.append(error)
        finally:
            log.append("closed")

    generator = items()
    next(generator)
    thrown = ValueError("x")
    assert generator.throw(thrown) == 1
    generator.close()
    assert log == [thrown, "closed"]
    assert _core.work()["open"] == 0
    generator = items()
    next(generator)
    del generator
    gc.collect()
    assert log[-1] == "closed" and len(log) == 3


def test_faults_59_a_generator_that_is_never_run_holds_nothing(out) -> None:
    @profile
    def items():
        yield 1

    items()
    items().close()
    assert out.getvalue() == ""
    assert _core.work()["open"] == 0


def test_faults_59_yield_from_and_nested_generators_work(out) -> None:
    @profile
    def inner():
        got = yield 1
        return got

    @profile
    def outer():
        result = yield from inner()
        yield result

    generator = outer()
    assert next(generator) == 1 and generator.send(5) == 5
    assert list(generator) == []
    assert len(parse_tables(out.getvalue())) == 2


def test_faults_59_interleaved_generators_do_not_mix(out) -> None:
    @profile
    def left():
        for i in range(3):
            yield i

    @profile
    def right():
        for i in range(3):
            yield -i

    assert list(zip(left(), right())) == [(0, 0), (1, -1), (2, -2)]
    for a, b in zip(left(), right()):
        pass
    assert _core.work()["open"] == 0


def test_faults_59_coroutines_run_as_tasks_gathered_and_grouped(out) -> None:
    @profile
    async def work(x):
        y = x + 1
        await asyncio.sleep(0)
        return y

    assert inspect.iscoroutinefunction(work) and asyncio.iscoroutinefunction(work)

    async def main():
        assert await work(1) == 2
        assert await asyncio.create_task(work(2)) == 3
        assert await asyncio.gather(work(3), work(4)) == [4, 5]
        assert await asyncio.wait_for(work(5), 5) == 6
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work(6))
        return task.result()

    assert asyncio.run(main()) == 7
    tables = parse_tables(out.getvalue())
    assert len(tables) == 6
    assert {table.line("y = x + 1").occurrences for table in tables} == {1}
    assert asyncio.run(work(9)) == 10


def test_faults_59_interleaved_tasks_do_not_contaminate_each_other(out, tolerance) -> None:
    kept = []

    @profile
    async def grows(event):
        kept.append(b"x" * (20 * 2**20))
        await asyncio.sleep(0)
        kept.append(b"x" * (20 * 2**20))
        return 1

    @profile
    async def waits(event):
        for i in range(6):
            await asyncio.sleep(0)
        return 2

    async def main():
        return await asyncio.gather(grows(None), waits(None))

    assert asyncio.run(main()) == [1, 2]
    tables = {t.rows[max(t.rows)].source.strip(): t for t in parse_tables(out.getvalue())}
    own = sum(row.increment or 0 for row in list(tables["return 1"].rows.values())[1:])
    other = sum(row.increment or 0 for row in list(tables["return 2"].rows.values())[1:])
    assert own == pytest.approx(40, abs=tolerance)
    assert other == pytest.approx(0, abs=tolerance)
    assert not any("kept" in row.source for row in tables["return 2"].rows.values())


def test_faults_59_a_cancelled_task_is_cancelled_and_leaves_nothing_open(out) -> None:
    @profile
    async def work():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            raise

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert len(parse_tables(out.getvalue())) == 1 and _core.work()["open"] == 0


def test_faults_59_async_generators_and_comprehensions(out) -> None:
    @profile
    async def items(n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    assert inspect.isasyncgenfunction(items)

    async def main():
        generator = items(2)
        assert await anext(generator) == 0
        assert await generator.asend(None) == 1
        with pytest.raises(StopAsyncIteration):
            await anext(generator)
        early = items(5)
        async for i in early:
            break
        await early.aclose()
        thrown = items(3)
        await anext(thrown)
        with pytest.raises(ValueError, match="x"):
            await thrown.athrow(ValueError("x"))
        return [i async for i in items(4)]

    assert asyncio.run(main()) == [0, 1, 2, 3]
    # also the one that was closed early, and the one that raised
    assert len(parse_tables(out.getvalue())) == 4
    assert _core.work()["open"] == 0


def test_faults_59_decorated_functions_of_iterable_coroutines(out) -> None:
    @profile
    @types.coroutine
    def step():
        yield

    async def main():
        task = asyncio.ensure_future(waits())
        await task

    async def waits():
        await step()

    asyncio.run(main())
    assert _core.work()["open"] == 0


def test_faults_59_nested_decorated_functions(out) -> None:
    @profile
    def outer():
        @profile
        def inner():
            return 1

        return inner() + inner()

    assert outer() == 2
    assert len(parse_tables(out.getvalue())) == 3
