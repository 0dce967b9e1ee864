"""How deep a program recurses: a decorated one as deep as the plain one."""

from __future__ import annotations

import re
import sys

import pytest

from conftest import Run, Workshop
from recordings import Recorder

#: Ways to recurse until RecursionError; each prints the deepest level that ran a line.
PROGRAM = """
import contextlib, functools, sys
from memory_profiler import profile

reached = {}

@profile
def function(n):
    reached["function"] = n
    function(n + 1)

class Thing:
    @profile
    def method(self, n):
        reached["method"] = n
        self.method(n + 1)

    @profile
    @classmethod
    def of_class(cls, n):
        reached["class method"] = n
        cls.of_class(n + 1)

    @profile
    @property
    def inner(self):
        reached["property"] += 1
        self.inner

@profile
class Whole:
    def method(self, n):
        reached["method of a class"] = n
        self.method(n + 1)

class Callable:
    def __call__(self, n):
        reached["callable"] = n
        self(n + 1)

partly = functools.partial(function)
partly = profile(functools.partial(lambda kind, n: (reached.update({kind: n}), partly(n + 1)), "partial"))

@profile
@functools.lru_cache
def cached(n):
    reached["cached"] = n
    cached(n + 1)

@profile
def generator(n):
    reached["generator"] = n
    yield n
    yield from generator(n + 1)

@profile
def loop(n):
    reached["loop"] = n
    for one in loop(n + 1):
        yield one

@profile
async def coroutine(n):
    reached["coroutine"] = n
    await coroutine(n + 1)

@profile
async def items(n):
    reached["asynchronous generator"] = n
    async for one in items(n + 1):
        yield one

@profile
@contextlib.contextmanager
def manager(n):
    reached["context manager"] = n
    with manager(n + 1):
        yield

def block(n):
    with profile:
        reached["block"] = n
        block(n + 1)

def run(way, *args):
    try:
        way(*args)
    except RecursionError:
        pass

def await_(coroutine):
    coroutine.send(None)

thing = Thing()
reached["property"] = 0
run(function, 0)
run(thing.method, 0)
run(Thing.of_class, 0)
run(Whole().method, 0)
run(block, 0)
limit = sys.getrecursionlimit()
sys.setrecursionlimit(300)  # some go through C, of which 3.12.1 allows 1,500 calls
run(lambda: thing.inner)
run(profile(Callable()), 0)
run(partly, 0)
run(cached, 0)
run(lambda: list(generator(0)))
run(lambda: list(loop(0)))
run(lambda: await_(coroutine(0)))
run(lambda: await_(items(0).asend(None)))
run(lambda: manager(0).__enter__())
for kind, depth in reached.items():
    print("DEPTH", kind, depth)
print("LIMIT", limit, sys.getrecursionlimit())
"""


def depths(run: Run) -> dict[str, int]:
    """What the program reached; it ended well and nothing went unmeasured."""
    assert run.code == 0, run.err[-2000:]
    assert "not measured" not in run.err
    return {kind: int(depth) for kind, depth in re.findall(r"DEPTH (.+) (\d+)\n", run.out)}


def plainly(shop: Workshop, *words: str) -> Run:
    return shop.python(*words, env={"MEMORY_PROFILER": "0"})


@pytest.fixture
def plain(shop: Workshop) -> dict[str, int]:
    shop.write("script.py", PROGRAM)
    found = depths(plainly(shop, "script.py"))
    assert len(found) == 14
    return found


def as_allowed(found: dict[str, int]) -> dict[str, int]:
    """3.11 awaits a coroutine through its method `send` where lines are traced, a level more;
    some levels of a property, by how often it ran, do not count against the limit in 3.14."""
    found["property"] = min(found["property"], 297)  # and three before it
    return {
        kind: depth
        for kind, depth in found.items()
        if kind != "coroutine" or sys.version_info >= (3, 12)
    }


def assert_as_deep(run: Run, plain: dict[str, int]) -> None:
    found = as_allowed(depths(run))
    assert found == as_allowed(plain)
    assert f"LIMIT {sys.getrecursionlimit()} 300" in run.out


def test_an_imported_decorator_costs_no_level(shop: Workshop, plain: dict) -> None:
    assert_as_deep(shop.python("script.py"), plain)


@pytest.mark.parametrize("options", [(), ("--all",)], ids=" ".join)
def test_a_run_costs_no_level(shop: Workshop, plain: dict, options: tuple) -> None:
    assert_as_deep(shop.run(*options, "script.py"), plain)


@pytest.mark.parametrize("command", [("run", "--python"), ("heap",)], ids=" ".join)
def test_mprof_costs_no_level(here: Recorder, plain: dict, command: tuple) -> None:
    done = here.mprof(*command, "script.py")
    assert_as_deep(Run(done.code, done.out, done.err), plain)


DEEP = """
def deep(n):
    try:
        return deep(n + 1)
    except RecursionError:
        return n
"""

MODULE = DEEP + 'print("DEPTH module", deep(0))\n'


@pytest.mark.parametrize("words", [("-m", "tool"), ("tool",)], ids=" ".join)
def test_modules_and_folders_begin_at_their_level(shop: Workshop, words: tuple) -> None:
    shop.write("tool/__main__.py", MODULE)
    assert depths(shop.run(*words)) == depths(plainly(shop, *words)) != {}


#: What calls leave behind: nothing, however they end.
ENDS = """
import asyncio, signal, sys, threading
from memory_profiler import profile

DEEP
before = deep(0)

@profile
def fails():
    raise ValueError

@profile
def items():
    try:
        while True:
            yield 1
    except ValueError:
        yield 2

@profile
async def waits():
    await asyncio.sleep(0)

@profile
def low(n):
    if n:
        return low(n - 1)
    try:
        sys.setrecursionlimit(20)
    except RecursionError as error:
        print("LOW", error)
    sys.setrecursionlimit(sys.getrecursionlimit())

class Interrupt(BaseException):
    pass

def interrupt(*ignored):
    raise Interrupt

@profile
def spins():
    for i in range(1000):
        pass

def quietly(function, *args):
    try:
        function(*args)
    except (ValueError, StopIteration, Interrupt):
        pass

for i in range(20):
    quietly(fails)
    one, two, three, four = items(), items(), items(), items()
    next(one), next(two), next(three)
    one.close()
    two.throw(ValueError)
    thread = threading.Thread(target=next, args=(three,))
    thread.start()
    thread.join()
    del two, three
    quietly(four.throw, ValueError)
    asyncio.run(waits())
    low(30)
signal.signal(signal.SIGALRM, interrupt)
for i in range(100):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0001 + 0.0001 * i)
        while True:
            spins()
    except Interrupt:
        pass
print("LEFT", deep(0) - before)
""".replace("DEEP", DEEP)


def test_calls_leave_the_depth_as_it_was_however_they_end(shop: Workshop) -> None:
    shop.write("script.py", ENDS)
    low = [plainly(shop, "script.py"), shop.python("script.py"), shop.run("script.py")]
    assert [run.code for run in low] == [0, 0, 0], low
    assert ["LEFT 0\n" in run.out for run in low] == [True] * 3
    told = [re.findall("LOW (.*)", run.out) for run in low]
    assert told[0] == told[1] == told[2] != []


def test_the_deepest_calls_are_measured(shop: Workshop) -> None:
    run = shop.profile(
        """
        import sys

        def first_at_the_end():
            return 1

        def deep(n):
            if n:
                return deep(n - 1)
            return first_at_the_end()

        deep(sys.getrecursionlimit() - 3)
        """,
        "--all",
    )
    assert (run.code, run.err) == (0, "")
    assert run.table("def deep", top=False).line("if n:").occurrences == 998
    assert run.table("def first_at_the_end", top=False).line("return 1").occurrences == 1


ENDLESS = """
import sys, threading
from memory_profiler import profile

@profile
def function(n):
    function(n + 1)

@profile
def items(n):
    yield from items(n + 1)

def run(way):
    try:
        way()
    except RecursionError as error:
        print(way.__name__, "ended")

def functions():
    function(0)

def generators():
    list(items(0))

sys.setrecursionlimit(30_000)
run(functions)
run(generators)
threading.stack_size(512 * 1024)
for way in functions, generators:
    thread = threading.Thread(target=run, args=(way,))
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("words", [("-m", "memory_profiler"), ()], ids=" ".join)
def test_endless_recursion_is_an_error_whatever_the_stack(
    shop: Workshop, here: Recorder, words: tuple
) -> None:
    shop.write("script.py", ENDLESS)
    if words:
        run = shop.python(*words, "script.py", timeout=100)
    else:
        run = here.mprof("run", "--python", "script.py")
    ended = re.findall("(functions|generators) ended", run.out)
    assert (run.code, ended) == (0, ["functions", "generators"] * 2), run.err
