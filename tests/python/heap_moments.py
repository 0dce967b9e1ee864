"""A random program whose call stacks are noted as it runs: test_heap_stacks.py runs it.

heap_moments.py MODE SEED SHAPE DIRECTORY BLOCKS

Every `pulse()` takes a block of a size of its own and gives it back; nothing else allocates at
that call. The same seed makes the same calls, so the stacks can be noted in a run without
tracking (MODE note: DIRECTORY/notes) and recorded in one where nobody looks at frames (track),
because looking makes frame objects. Mode both does both in one run.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib.util
import itertools
import operator
import pickle
import random
import re
import signal
import sys
import threading
import types
import weakref
from pathlib import Path

MODE, SEED, SHAPE, DIRECTORY, BLOCKS = sys.argv[1:]
spec = importlib.util.spec_from_file_location("blocks", BLOCKS)
blocks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(blocks)
pulse = blocks.pulse


class Notes:
    """What each stack allocated, as a trie: (caller's number, function, line, column).

    Not the instruction: a call is sometimes two, and which one it is at is not the seed's.
    """

    columns: dict[bytes, list[int | None]] = {}

    def __init__(self) -> None:
        self.on = False
        self.stacks: dict[tuple, int] = {}
        self.counted: dict[int, list[int]] = {}
        self.lock = threading.Lock()

    def place(self, frame: types.FrameType) -> tuple:
        code = frame.f_code
        columns = self.columns.get(code.co_linetable)
        if columns is None:
            columns = list(map(operator.itemgetter(2), code.co_positions()))
            self.columns[code.co_linetable] = columns
        return code.co_qualname, frame.f_lineno, columns[frame.f_lasti // 2]

    def note(self) -> None:
        if not self.on:
            return
        frames, frame = [], sys._getframe(1)
        if SHAPE == "with_a_profile_function" and frame.f_code.co_name != "profile":
            return  # an event of the call allocates there as well
        while frame:
            frames.append(self.place(frame))
            frame = frame.f_back
        with self.lock:
            number = 0
            for key in reversed(frames):
                number = self.stacks.setdefault((number, *key), len(self.stacks) + 1)
            counted = self.counted.setdefault(number, [0, 0])
            counted[0] += 1
            counted[1] += blocks.pulsed()


class Session:
    """One stretch of tracking; its notes, its capture, or both."""

    count = 0

    def __enter__(self) -> None:
        self.path = f"{DIRECTORY}/{MODE}-{Session.count}"
        Session.count += 1
        if MODE != "note":
            from memory_profiler import heap

            self.tracker = heap.track(self.path + ".mprof")
            self.tracker.start()
        notes.__init__()
        notes.on = True

    def __exit__(self, *_) -> None:
        notes.on = False
        if MODE != "note":
            self.tracker.stop()
        if MODE != "track":
            Path(self.path + ".notes").write_bytes(
                pickle.dumps((notes.stacks, notes.counted))
            )


notes = Notes()
if MODE != "track":
    blocks.observe(notes.note)


class Actor:
    """Who makes random calls: `draw()` is the next small number; nothing is allocated for it."""

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
    return [1 if pulse() else 0 async for _ in async_numbers(actor)]


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
    Dies(actor, 0), pulse()
    dies = Odd(actor, 0)
    watch = weakref.ref(dies, Odd(actor, level))
    del dies
    if SHAPE != "in_threads":  # where another thread could be the one that collects it
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
    [1 if pulse() else 0 for _ in range(2)], {1 if pulse() else 0 for _ in range(2)}

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


# Shapes of the whole: how the random calls are spread.


def alone(actor):
    with Session():
        for _ in range(12):
            step(actor, 5)


def deep(actor):
    """Sessions begin and end inside a deep stack, whose frames are older than they are."""

    def below(n):
        if n % 50 == 3:
            step(actor, 2)
        if n:
            below(n - 1)
        elif actor.draw() & 1:
            step(actor, 3)
        pulse()

    def nested(n):
        if n:
            return nested(n - 1)
        for _ in range(3):
            with Session():
                below(60)
            below(50)
            step(actor, 2)

    nested(120)
    with Session():
        below(100)


def in_threads(actor):
    """Started before, during and after; each thread makes calls of its own."""
    sys.setswitchinterval(1e-4)
    opened, ended, did = threading.Event(), threading.Event(), threading.Semaphore(0)

    def work(seed, wait):
        if wait:
            opened.wait()
        own = Actor(seed, 3000)
        for _ in range(6):
            step(own, 4)
        if wait:
            did.release()
            ended.wait()
        step(own, 3)

    early = [threading.Thread(target=work, args=(f"{SEED}{i}", True)) for i in range(2)]
    [thread.start() for thread in early]
    with Session():
        late = [
            threading.Thread(target=work, args=(f"{SEED}late{i}", False)) for i in range(3)
        ]
        [thread.start() for thread in late]
        opened.set()
        step(actor, 4)
        [thread.join() for thread in late]
        [did.acquire() for _ in early]
    ended.set()
    [thread.join() for thread in early]


def handed_on(actor):
    """Generators begun in one thread go on in another."""
    with Session():
        for i in range(8):
            wake(actor, 3)
            other = Actor(f"{SEED}{i}", 500)
            other.asleep = actor.asleep
            thread = threading.Thread(target=wake, args=(other, 3))
            thread.start()
            thread.join()
            step(actor, 3)


def with_signals(actor):
    signal.signal(signal.SIGUSR1, lambda *_: (pulse(), step(actor, 0)))
    WAYS.append(lambda *_: signal.raise_signal(signal.SIGUSR1))
    alone(actor)


def with_a_profile_function(actor):
    own = Actor(f"{SEED}profile", 50000)
    unseen = (Notes.note.__code__, Notes.place.__code__)

    def profile(frame, event, argument):
        if frame.f_code not in unseen and own.draw() < 24:
            pulse()

    with Session():
        sys.setprofile(profile)
        for _ in range(4):
            step(actor, 4)
        sys.setprofile(None)


def in_tasks(actor):
    async def task(n):
        for _ in range(6):
            await below(n)
            step(actor, 3)
            await asyncio.sleep(0)

    async def below(n):
        pulse()
        await (below(n - 1) if n else asyncio.sleep(0))
        pulse()

    async def main():
        await asyncio.gather(*(task(n) for n in range(5)))

    with Session():
        asyncio.run(main())


def in_greenlets(actor):
    import greenlet

    def work():
        for _ in range(8):
            step(actor, 2)

    def switch(actor, level):
        pulse()
        alive = [one for one in greenlets if not one.dead]
        if alive:
            alive[actor.draw() % len(alive)].switch()
        pulse()

    greenlets = [greenlet.greenlet(work) for _ in range(5)]
    greenlets.append(greenlet.getcurrent())
    WAYS.append(switch)
    WAYS.append(switch)
    with Session():
        for one in greenlets[:5]:
            while not one.dead:
                one.switch()
            step(actor, 2)


SHAPES = {
    shape.__name__: shape
    for shape in (alone, deep, in_threads, handed_on, with_signals, with_a_profile_function,
                  in_tasks, in_greenlets)
}  # fmt: skip

if __name__ == "__main__":
    gc.disable()  # what it would run, and when, is not the seed's
    sys.setrecursionlimit(10**5)
    main_actor = Actor(SEED, 12000)
    step(Actor("warm", 2000), 3)  # what is allocated at a first call is not the program's
    SHAPES[SHAPE](main_actor)
    sys.stdout.write(f"{blocks.pulsed()}\n")
