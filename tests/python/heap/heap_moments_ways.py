"""The random calls of heap_moments.py: every way in which Python comes to a function and leaves it."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import random
import re
import types
import weakref

from blocks import pulse


class Actor:
    """Who makes random calls: `draw()` is the next small number; nothing is allocated for it."""

    collects = True  # not where another thread could be the one that collects

    def __init__(self, seed: str, length: int) -> None:
        self.draw = itertools.chain(
            random.Random(seed).randbytes(length), itertools.repeat(0)
        ).__next__
        self.asleep: list[types.GeneratorType] = []


def step(actor: Actor, level: int) -> None:
    draw = actor.draw
    for _ in range(1 + draw() % 3):
        if draw() & 1:
            pulse()
        if level:
            WAYS[draw() % len(WAYS)](actor, level - 1)
        if draw() & 1:
            pulse()


# Plain calls: frames of one size, at one address after the other.


def from_two_lines(actor, level):
    for _ in range(actor.draw() % 6):
        if actor.draw() & 1:
            step(actor, level and level - 1)
        else:
            step(actor, level and level - 1)


def ping(actor, level):
    pong(actor, level) if level else pulse()
    if actor.draw() & 1: pulse()  # fmt: skip


def pong(actor, level):
    ping(actor, level - 1) if actor.draw() & 1 else ping(actor, level - 1)
    ping(actor, level - 1)


def down(n, actor, level):
    """Deep without any allocation; blocks on some of the ways up."""
    if not n:
        step(actor, level)
    elif n & 1:
        down(n - 1, actor, level)
    else:
        down(n - 1, actor, level)
    if actor.draw() < 8:
        pulse()


def dive(actor, level):
    down(actor.draw() % 120, actor, level)


def bounce(actor, level):
    """The same frames' addresses, other callers."""
    for _ in range(actor.draw() % 8):
        down(actor.draw() % 16, actor, 0)
        down(actor.draw() % 16, actor, 0)


def leaf():
    pulse()


def silent(n):
    return n and silent(n - 1)


def same_place(actor, level):
    """A function's frame again where it was; in between the stack was deeper, unseen."""
    leaf()
    silent(actor.draw() % 64)
    leaf()
    leaf(); leaf()  # fmt: skip


# Frames that live on: generators, coroutines.


def numbers(actor, level):
    with contextlib.suppress(GeneratorExit):
        for i in range(actor.draw() % 6):
            pulse()
            yield i
            if actor.draw() < 64:
                step(actor, level and level - 1)
            yield i


def loop_over(actor, level):
    for _ in numbers(actor, level):
        if actor.draw() & 1:
            pulse()


def chained(n, actor, level):
    if n:
        yield from chained(n - 1, actor, level)
        if actor.draw() < 64:
            pulse()
    else:
        yield from numbers(actor, level)


def loop_over_a_chain(actor, level):
    for _ in chained(actor.draw() % 30, actor, level):
        pulse()


def go_on(generator):
    if not generator.gi_running:
        next(generator, None)
    else:
        pulse()


def wake(actor, level):
    """Generators that sleep meanwhile, resumed from wherever this is."""
    if len(actor.asleep) < 8:
        actor.asleep.append(chained(actor.draw() % 4, actor, level))
    for _ in range(actor.draw() % 4):
        go_on(actor.asleep[actor.draw() % len(actor.asleep)])
    if actor.draw() < 32 and not actor.asleep[0].gi_running:
        actor.asleep.pop(0)
        pulse()


def thrown_into(actor, level):
    generator = chained(actor.draw() % 5, actor, level)
    next(generator, None)
    try:
        generator.throw(KeyError)
    except (KeyError, StopIteration):
        pulse()
    generator.close()


@types.coroutine
def pause():
    pulse()
    yield


async def awaiting(n, actor, level):
    if n:
        await awaiting(n - 1, actor, level)
    else:
        await pause()
        step(actor, level and level - 1)
        await pause()
    pulse()


def drive_coroutines(actor, level):
    several = [awaiting(actor.draw() % 12, actor, level) for _ in range(3)]
    while several:
        coroutine = several[actor.draw() % len(several)]
        try:
            coroutine.send(None)
        except StopIteration:
            several.remove(coroutine)


async def async_numbers(actor):
    for _ in range(actor.draw() % 4):
        pulse()
        await pause()
        yield


async def over_async_numbers(actor):
    async for _ in async_numbers(actor):
        pulse()
    # fmt: off
    return [
        1 if
        pulse()
        else 0
        async for _ in async_numbers(actor)
    ]
    # fmt: on


def drive_async_generators(actor, level):
    coroutine = over_async_numbers(actor)
    with contextlib.suppress(StopIteration):
        while True:
            coroutine.send(None)


# Exceptions.


def down_and_raise(n, actor):
    try:
        if not n:
            pulse()
            raise KeyError
        down_and_raise(n - 1, actor)
    finally:
        if actor.draw() < 16:
            pulse()


def caught_midway(n, actor, level):
    if n:
        caught_midway(n - 1, actor, level)
        return
    try:
        down_and_raise(actor.draw() % 120, actor)
    except KeyError:
        pulse()
        step(actor, level)


def unwind(actor, level):
    caught_midway(actor.draw() % 20, actor, level)
    try:
        down_and_raise(actor.draw(), actor)
    except KeyError as error:
        error.__traceback__ = None
        pulse()


# Through C and back.


def key_of(actor, level, n):
    step(actor, level)
    return -n


class Odd:
    def __init__(self, actor, level):
        self.actor, self.level = actor, level

    def __getattr__(self, name):
        pulse()
        step(self.actor, self.level)
        return self.level

    def __eq__(self, other):
        pulse()
        return self is other

    def __hash__(self):
        step(self.actor, 0)
        return 1

    def __lt__(self, other):
        pulse()
        return id(self) < id(other) and False

    def __call__(self, *_):
        step(self.actor, self.level)
        return ""

    def __enter__(self):
        pulse()

    def __exit__(self, *_):
        step(self.actor, self.level)

    @property
    def held(self):
        pulse()
        step(self.actor, self.level)


class Dies(Odd):
    def __del__(self):
        pulse()
        down(self.actor.draw() % 10, self.actor, 0)


class Begins:
    def __init__(self, actor, level):
        pulse()
        step(actor, level)


def instances(actor, level):
    Begins(actor, level), Begins(actor, 0)


def sorts(actor, level):
    sorted(range(3), key=functools.partial(key_of, actor, level))
    sorted([Odd(actor, 0), Odd(actor, 0)])
    sorted(range(3), key=functools.cmp_to_key(lambda a, b: pulse() or a - b))


def maps(actor, level):
    for _ in map(Odd(actor, level), filter(lambda n: pulse() or n, range(3))):
        pulse()
    functools.reduce(lambda a, b: step(actor, 0), range(3))


def special_methods(actor, level):
    odd = Odd(actor, level)
    odd.missing
    odd.held
    with odd:
        pulse()
    {odd: 1, Odd(actor, 0): 2}
    [Odd(actor, 0), odd].index(odd)
    re.sub("a", odd, "banana")


def deaths(actor, level):
    dies = Dies(actor, 0)
    pulse()
    del dies
    Dies(actor, 0), (
        pulse()
    )  # fmt: skip
    dies = Odd(actor, 0)
    watch = weakref.ref(dies, Odd(actor, level))
    del dies
    if actor.collects:
        cycle = [Dies(actor, 0)]
        cycle.append(cycle)
        del cycle
        gc.collect(0)


@contextlib.contextmanager
def managed(actor, level):
    pulse()
    try:
        yield
    finally:
        step(actor, level)


def decorate(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        pulse()
        return function(*arguments)

    return wrapper


@decorate
@decorate
def decorated(actor, level):
    step(actor, level)


def wrappers(actor, level):
    with managed(actor, level):
        pulse()
    cached = functools.lru_cache(maxsize=1)(lambda n: pulse())
    cached(1), cached(1), cached(2)
    decorated(actor, level)
    # fmt: off
    [
        1 if
        pulse()
        else 0
        for _ in range(2)
    ], {
        1 if
        pulse()
        else 0
        for _ in range(2)
    }
    # fmt: on

    class Body:
        pulse()
        step(actor, 0)

    (lambda: step(actor, level))()


def code_that_dies(actor, level):
    """Its address is another function's the next time."""
    for _ in range(actor.draw() % 3):
        name = f"made_{actor.draw()}"
        names = {"pulse": pulse, "step": step, "actor": actor}
        pad = "\n" * (actor.draw() % 50)
        exec(f"{pad}def {name}(n):\n pulse()\n step(actor, n)\n pulse()", names)
        names.pop(name)(level)


WAYS = [from_two_lines, ping, dive, bounce, same_place, loop_over, loop_over_a_chain, wake, thrown_into, drive_coroutines,
        drive_async_generators, unwind, instances, sorts, maps, special_methods, deaths, wrappers, code_that_dies]  # fmt: skip
