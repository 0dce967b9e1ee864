"""A random program whose call stacks are noted as it runs: test_heap_stacks.py runs it.

heap_moments.py MODE SEED SHAPE DIRECTORY

Every `pulse()` takes a block of a size of its own and gives it back; nothing else allocates at
that line. The same seed makes the same calls, so the stacks can be noted in a run without
tracking (MODE note: DIRECTORY/notes) and recorded in one where nobody looks at frames (track),
because looking makes frame objects. Mode both does both in one run.
"""

from __future__ import annotations

import asyncio
import gc
import pickle
import signal
import sys
import threading
import types
from pathlib import Path

import blocks

from heap_moments_ways import WAYS, Actor, pulse, step, wake

MODE, SEED, SHAPE, DIRECTORY = sys.argv[1:]


class Notes:
    """What each stack allocated, as a trie: (caller's number, function, line).

    Not the instruction: a call is sometimes two, and which one it is at is not the seed's.
    """

    def __init__(self) -> None:
        self.on = False
        self.stacks: dict[tuple, int] = {}
        self.counted: dict[int, list[int]] = {}
        self.lock = threading.Lock()

    def place(self, frame: types.FrameType) -> tuple:
        code = frame.f_code
        return code.co_qualname, frame.f_lineno

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
    Actor.collects = False
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
    signal.signal(signal.SIGUSR1, lambda *_: pulse() or step(actor, 0))
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
