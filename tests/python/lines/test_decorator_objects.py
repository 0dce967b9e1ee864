"""What else `profile` can be put on: objects that are called, descriptors that dispatch."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
import warnings

import pytest

import memory_profiler
from conftest import PURE, Workshop, parse_table, parse_tables
from memory_profiler import profile


class Scaled:
    """Called; of the module, so that it can be pickled."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        y = x * self.factor
        return y


@pytest.fixture
def scaled():
    """The class as it was before."""
    original = Scaled.__call__
    yield Scaled
    Scaled.__call__ = original


def test_an_object_that_is_called_is_measured_and_stays_itself(out, scaled) -> None:
    one, other = scaled(2), scaled(3)
    assert profile(one) is one
    assert one(1) == 2 and other(1) == 3
    table = parse_table(out.getvalue())
    assert table.line("y = x * self.factor").occurrences == 1
    assert type(one) is scaled and pickle.loads(pickle.dumps(one))(2) == 4
    assert len(parse_tables(out.getvalue())) == 1, "a copy is another object"


def test_a_second_object_of_the_class_and_one_of_a_subclass(out, scaled) -> None:
    class Shifted(scaled):
        def __call__(self, x):
            return super().__call__(x) + 1

    for target in (scaled(2), scaled(3), Shifted(4)):
        profile(target)(1)
    heads = [t.first.source.strip() for t in parse_tables(out.getvalue())]
    assert len(heads) == 3, "the parent's __call__ is measured for measured objects alone"


def test_an_object_that_goes_is_not_kept(scaled) -> None:
    import gc
    import weakref

    target = scaled(2)
    gone = weakref.ref(target)
    profile(target)
    del target
    gc.collect()
    assert gone() is None


def test_an_object_whose_call_is_a_coroutine_function_stays_one(out) -> None:
    class Fetch:
        async def __call__(self):
            await asyncio.sleep(0)
            return 1

    fetch = profile(Fetch())
    assert inspect.iscoroutinefunction(fetch.__call__)
    assert asyncio.run(fetch()) == 1
    assert parse_table(out.getvalue()).line("return 1").occurrences == 1


@pytest.mark.parametrize("words", [(), ("--timestamp",)])
def test_objects_are_measured_under_m_too(shop: Workshop, words) -> None:
    run = shop.profile(
        """
        class Called:
            def __call__(self, n):
                return [0] * n
        called = profile(Called())
        assert type(called) is Called
        called(3)
        Called()(4)
    """,
        *words,
    )
    assert (run.code, run.err) == (0, "")
    if words:
        assert run.out.count("FUNC __main__.Called.__call__ ") == 1
    else:
        assert run.tables[0].line("return [0]").occurrences == 1


def test_cache_info_and_what_else_an_object_offers_stay_reachable(out) -> None:
    @profile
    @functools.lru_cache(maxsize=3)
    def square(x):
        return x * x

    assert [square(2), square(2)] == [4, 4]
    assert square.cache_info().hits == 1 and square.cache_parameters()["maxsize"] == 3
    square.cache_clear()
    assert square.cache_info().currsize == 0

    def add(a, b):
        return a + b

    one = profile(functools.partial(add, 1, b=2))
    assert one.args == (1,) and one.keywords == {"b": 2} and one.func is add

    class Task:
        def __init__(self, run):
            functools.update_wrapper(self, run)
            self.run = run

        def delay(self, *args):
            return self, args

        @property
        def costly(self):
            raise AssertionError("nobody asked for it")

        def __call__(self, *args):
            return self.run(*args)

    task = Task(add)
    measured = profile(task)
    assert measured.delay(1) == (task, (1,)) and measured(1, 2) == 3


def test_methods_with_given_arguments_are_measured(out) -> None:
    class Shape:
        def scale(self, factor, x):
            return factor * x

        double = profile(functools.partialmethod(scale, 2))

    assert isinstance(vars(Shape)["double"], functools.partialmethod)
    assert Shape().double(3) == Shape().double(x=3) == 6
    assert len(parse_tables(out.getvalue())) == 2


def test_methods_that_dispatch_are_measured_before_and_after_registration(out) -> None:
    class Shape:
        @functools.singledispatchmethod
        def show(self, x):
            return "anything"

        @show.register
        def _(self, x: int):
            return "number"

        show = profile(show)

        @show.register
        def _(self, x: str):
            return "text"

        @show.register(list)
        def _(self, x):
            return "list"

        @show.register(bytes)
        @classmethod
        def _(cls, x):
            return "bytes"

    values = (1.5, 1, "a", [], b"")
    answers = ["anything", "number", "text", "list", "bytes"]
    assert [Shape().show(x) for x in values] == answers
    assert isinstance(vars(Shape)["show"], functools.singledispatchmethod)
    said = [t.rows[max(t.rows)].source.strip() for t in parse_tables(out.getvalue())]
    assert said == [f'return "{answer}"' for answer in answers]


def test_a_decorated_class_has_these_measured_as_well(out) -> None:
    @profile
    class Shape:
        def scale(self, factor, x):
            return factor * x

        double = functools.partialmethod(scale, 2)

        @functools.singledispatchmethod
        def show(self, x):
            return "anything"

        @show.register
        def _(self, x: int):
            return "number"

    assert Shape().show(1) == "number" and Shape().show("") == "anything"
    assert len(parse_tables(out.getvalue())) == 2


class Proxy:
    """What wrapt puts around a function or a descriptor: of its own type, though it says that it
    is what it stands for; it knows for which object it is called."""

    __slots__ = ("__wrapped__", "bound_to")
    __class__ = property(lambda self: type(self.__wrapped__))

    def __init__(self, wrapped, bound_to=None):
        self.__wrapped__, self.bound_to = wrapped, bound_to

    def __get__(self, one, owner):
        return Proxy(self.__wrapped__.__get__(one, owner), owner if one is None else one)

    def __call__(self, *args):
        return self.bound_to, self.__wrapped__(*args)


def test_a_proxy_of_a_function_stays_and_knows_for_which_object_it_is_called(out) -> None:
    class Shape:
        @profile
        @Proxy
        def scale(self, x):
            return 2 * x

        @profile
        @Proxy
        @classmethod
        def named(cls):
            return cls.__name__

        @profile
        @Proxy
        @staticmethod
        def twice(x):
            return x + x

    shape = Shape()
    assert shape.scale(3) == (shape, 6)
    assert shape.named() == (shape, "Shape") and Shape.named() == (Shape, "Shape")
    assert shape.twice(4) == (shape, 8)
    assert {type(Shape.__dict__[name]) for name in ("scale", "named", "twice")} == {Proxy}
    heads = [table.first.source.strip() for table in parse_tables(out.getvalue())]
    assert heads == ["@profile"] * 4


@pytest.mark.parametrize("words", [("--precision", "2"), ("--timestamp",)])
def test_a_class_that_is_made_anew_is_that_of_super(shop: Workshop, words) -> None:
    """As attrs does it, and dataclasses from 3.14 on, for a class with slots."""
    run = shop.profile(
        """
        import asyncio
        def anew(cls):
            names = {name: member for name, member in vars(cls).items()
                     if name not in ("__dict__", "__weakref__")}
            made = type(cls)(cls.__name__, cls.__bases__, names)
            for member in names.values():
                for cell in getattr(member, "__closure__", None) or ():
                    if cell.cell_contents is cls:
                        cell.cell_contents = made
            return made
        class Base:
            def plain(self):
                return "base"
        @anew
        class Shape(Base):
            @profile
            def plain(self):
                return super().plain()
        @anew
        class Steps(Base):
            @profile
            def many(self):
                yield super().plain()
            @profile
            async def later(self):
                return super().plain()
            @profile
            async def slowly(self):
                yield super().plain()
        async def main(steps):
            return await steps.later(), [item async for item in steps.slowly()]
        print(Shape().plain(), *Steps().many(), asyncio.run(main(Steps())))
    """,
        *words,
    )
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("base base ('base', ['base'])\n")


@pytest.mark.parametrize("of", ["imported", "own"])
def test_a_warning_stands_at_the_line_of_the_program(of) -> None:
    put = profile if of == "imported" else memory_profiler.LineProfiler()
    for decorate in (put, put(), put(precision=3), lambda f: put(classmethod(f))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            decorate(len)
        assert [w.filename for w in caught] == [__file__], decorate


def test_faults_59_the_line_of_a_warning_is_the_callers(shop: Workshop) -> None:
    shop.write(
        "script.py", "from memory_profiler import profile\n\nprofile(precision=2)(len)\n"
    )
    run = shop.python("script.py")
    assert "script.py:3: UserWarning" in run.err


@pytest.mark.skipif(PURE, reason="peaks are the C core's")
def test_the_imported_decorator_shows_peaks_on_request(out) -> None:
    @profile(peak=True)
    def spike():
        size = len(bytearray(40 << 20))
        return size

    spike()
    assert "    Increment         Peak  Occurrences" in out.getvalue()
    lines = profile.results["spike"].lines.values()
    (line,) = [line for line in lines if "bytearray" in line.source]
    assert line.peak - line.memory > 30 << 20


def test_peaks_that_cannot_be_had_are_refused() -> None:
    error = NotImplementedError if PURE else ValueError
    with pytest.raises(error):
        profile(len.__init__, backend="psutil_uss", peak=True)
