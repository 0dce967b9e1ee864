"""The programs whose heap is recorded. Each function prepares one and returns the timed part.

`scale` is how much of it runs: 1 takes about a second on the machine they were made on. What is
alive at once does not depend on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
from collections.abc import Callable, Iterator

Work = Callable[[], object]


def times(count: float, once: Work) -> Work:
    """Work that is `once`, so often."""

    def work() -> None:
        for _ in range(max(1, round(count))):
            once()

    return work


def objects(scale: float) -> Work:
    """Small objects of every kind: dict, tuple, str, int."""
    return times(18 * scale, lambda: [{"a": i, "b": (i, str(i))} for i in range(100000)])


def parse(scale: float) -> Work:
    """json both ways."""
    rows = [{"a": i, "b": [i, str(i)], "c": {"x": 1.5 * i}} for i in range(20000)]
    document = json.dumps(rows)
    return times(22 * scale, lambda: json.dumps(json.loads(document)))


def strings(scale: float) -> Work:
    text = "the quick brown fox jumps over the lazy dog " * 4000
    return times(280 * scale, lambda: " ".join(w.upper() for w in text.split()))


def tree(depth: int) -> tuple:
    return (None, None) if depth == 0 else (tree(depth - 1), tree(depth - 1))


def walk(node: tuple) -> int:
    return 1 if node[0] is None else 1 + walk(node[0]) + walk(node[1])


def trees(scale: float) -> Work:
    return times(90 * scale, lambda: walk(tree(15)))


def nbody(scale: float) -> Work:
    """Arithmetic with floats: an allocation each, no two alive."""

    def work() -> None:
        x = y = 0.1
        v = 1.0
        for _ in range(round(2 * 10**7 * scale)):
            x = x * 1.0001 + v
            v = v - x * 1e-6
            y = y + x * v

    return work


def frames(scale: float) -> Work:
    """pandas: groupby and merge at a real size, with strings."""
    import numpy
    import pandas

    size, some = 400_000, numpy.random.default_rng(1)
    keys = some.integers(0, 5000, size)
    left = pandas.DataFrame({"key": keys, "value": some.random(size)})
    left["name"] = left["key"].map(lambda key: f"customer {key}")
    right = pandas.DataFrame({"key": range(5000), "group": some.integers(0, 40, 5000)})

    def once() -> None:
        joined = left.merge(right, on="key")
        joined["label"] = joined["name"].str.upper() + "/" + joined["group"].astype(str)
        joined.groupby(["group", "label"])["value"].agg(["sum", "mean", "count"])

    return times(18 * scale, once)


def arrays(scale: float) -> Work:
    """numpy: many temporaries of 10 to 100 KB."""
    import numpy

    inputs = [numpy.linspace(0, 1, size) for size in range(1280, 12800, 640)]

    def once() -> None:
        kept = [numpy.sqrt(a * 2.0 + 1.0) - a / (a + 3.0) for a in inputs]
        assert sum(float(a.sum()) for a in kept) > 0

    return times(1000 * scale, once)


def in_threads(count: int, work: Work, cores: list[int] | None = None) -> Work:
    """The same work in each of some threads, each on its own core where cores are given."""

    def body(number: int) -> None:
        if cores:
            os.sched_setaffinity(0, {cores[number % len(cores)]})
        work()

    def run() -> None:
        threads = [threading.Thread(target=body, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return run


def threads(scale: float) -> Work:
    return in_threads(2, objects(scale / 2))


def hashed() -> object:
    """Leaves the interpreter's lock for most of its time."""
    rows = [str(i) for i in range(200)]
    return hashlib.sha256(bytes(300_000)), rows


def pinned(count: int, free: bool) -> Callable[[float], Work]:
    def case(scale: float) -> Work:
        work = times(3000 * scale, hashed) if free else objects(scale / 2)
        return in_threads(count, work, sorted(os.sched_getaffinity(0)))

    return case


def below(depth: int, work: Work) -> object:
    return below(depth - 1, work) if depth else work()


def at_depth(depth: int) -> Callable[[float], Work]:
    def case(scale: float) -> Work:
        work = objects(scale)
        return lambda: below(depth, work)

    return case


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def calls(scale: float) -> Work:
    """Calls that allocate nothing."""
    return times(10 * scale, lambda: fib(29))


def value(text: str, at: int) -> tuple[object, int]:
    """A recursive-descent parser of nested lists, each level kept as a list and a dict."""
    if text[at] != "[":
        end = at
        while text[end].isdigit():
            end += 1
        return {"digits": text[at:end], "at": at}, end
    items: list[object] = []
    at += 1
    while text[at] != "]":
        item, at = value(text, at)
        items.append(item)
        if text[at] == ",":
            at += 1
    return {"items": items}, at + 1


def nested(depth: int, some: random.Random) -> str:
    if depth == 0:
        return str(some.randrange(10**6))
    return f"[{some.randrange(10**6)},{nested(depth - 1, some)},{some.randrange(10**6)}]"


def parser(scale: float) -> Work:
    some = random.Random(1)
    texts = [nested(some.randrange(20, 200), some) for _ in range(60)]
    return times(60 * scale, lambda: [value(text, 0) for text in texts])


def chain(depth: int, count: int) -> Iterator[list[int]]:
    if depth:
        yield from chain(depth - 1, count)
    else:
        for i in range(count):
            yield [i, i + 1]


def chained(scale: float) -> Work:
    """Generators that hand on, 100 deep; the innermost allocates."""
    return times(24 * scale, lambda: list(chain(100, 40000)))


def kept(make: Callable[[int], object], size: int) -> Callable[[float], Work]:
    """What a program holds at once, instead of what it does: so many GiB, of things of this size."""
    return lambda gib: lambda: [make(i) for i in range(round(gib * 2**30 / size))]


def mixed(i: int) -> object:
    """Half in small objects, the rest in strings of some KiB and buffers of 32 KiB."""
    text = "x" * (1000 + i % 3000) if i % 4 == 0 else None
    buffer = bytearray(32768) if i % 64 == 0 else None
    return {"number": i, "pair": (i, str(i)), "text": text, "buffer": buffer}


HELD = {
    "small": kept(lambda i: {"number": i, "pair": (i, str(i))}, 345),
    "mixed": kept(mixed, 1650),
    "arrays": kept(lambda i: bytearray(8 << 20), 8 << 20),
}
MAIN: dict[str, Callable[[float], Work]] = {
    "objects": objects,
    "json": parse,
    "strings": strings,
    "trees": trees,
    "nbody": nbody,
    "pandas": frames,
    "numpy": arrays,
    "threads": threads,
}
DEEP = {
    "depth10": at_depth(10),
    "depth100": at_depth(100),
    "depth1000": at_depth(1000),
    "pytest": objects,
    "parser": parser,
    "chain": chained,
}
PINNED = {
    "pinned1": pinned(1, free=False),
    "pinned2": pinned(2, free=False),
    "pinfree1": pinned(1, free=True),
    "pinfree2": pinned(2, free=True),
}
CASES = {**MAIN, **DEEP, "calls": calls, **PINNED, "tight": objects}
