"""Makes so many objects of each type while a tracker runs, and prints what it says of them as JSON."""

import array
import asyncio
import collections
import dataclasses
import datetime
import decimal
import fractions
import functools
import itertools
import json
import sys
import types
import weakref

from memory_profiler import heap

COUNT, FEW = 2000, 200


class Plain:
    def __init__(self, i):
        self.a, self.b = i, None


class Slotted:
    __slots__ = ("a", "b")


@dataclasses.dataclass
class Data:
    x: int
    y: object


@dataclasses.dataclass(slots=True)
class SlottedData:
    x: int
    y: object


class Meta(type):
    pass


class Odd(type):
    """Says that it has neither subclasses nor a name."""

    def __subclasses__(cls):
        raise KeyError("none of yours")

    def __getattribute__(cls, name):
        raise KeyError(name)


class OddPlain(Plain, metaclass=Odd):
    pass


class Failure(Exception):
    pass


Point = collections.namedtuple("Point", "x y")
SubDict, SubList, SubStr, SubInt, SubSet = (
    type(f"Sub{base.__name__.title()}", (base,), {"__module__": "__main__"})
    for base in (dict, list, str, int, set)
)


def generator():
    yield 1


async def asynchronous():
    yield 1


async def coroutine():
    await asyncio.sleep(0)


MAKE = {
    "int": lambda i: 10**30 + i,
    "float": lambda i: i + 0.5,
    "complex": lambda i: complex(i, 1),
    "str": lambda i: f"x{i}",
    "bytes": lambda i: b"%d." % i,
    "bytearray": lambda i: bytearray(b"%d." % i),
    "list": lambda i: [i],
    "tuple": lambda i: (i, i),
    "dict": lambda i: {i: i},
    "set": lambda i: {i, -i, "a", "b", "c", "d"},
    "frozenset": lambda i: frozenset([i]),
    "range": lambda i: range(i),
    "slice": lambda i: slice(i),
    "memoryview": lambda i: memoryview(b"a"),
    "object": lambda i: object(),
    "function": lambda i: lambda: 1,
    "cell": lambda i: types.CellType(i),
    "method": lambda i: Plain.__init__.__get__(1),
    "builtin_function_or_method": lambda i: COUNT.__add__.__self__.conjugate,
    "generator": lambda i: generator(),
    "async_generator": lambda i: asynchronous(),
    "property": lambda i: property(),
    "classmethod": lambda i: classmethod(Plain),
    "mappingproxy": lambda i: types.MappingProxyType({}),
    "module": lambda i: types.ModuleType("m"),
    "code": lambda i: compile("1", "", "eval"),
    "type": lambda i: type(f"T{i}", (), {}),
    "map": lambda i: map(str, ()),
    "functools.partial": lambda i: functools.partial(Plain),
    "itertools.count": lambda i: itertools.count(i),
    "types.SimpleNamespace": lambda i: types.SimpleNamespace(),
    "weakref.ReferenceType": lambda i: weakref.ref(Plain, lambda _: None),
    "collections.deque": lambda i: collections.deque(range(200)),
    "collections.OrderedDict": lambda i: collections.OrderedDict(a=i, b=i),
    "collections.defaultdict": lambda i: collections.defaultdict(int, a=1),
    "array.array": lambda i: array.array("d", [i] * 5),
    "decimal.Decimal": lambda i: decimal.Decimal(i),
    "datetime.datetime": lambda i: datetime.datetime(2020, 1, 1),
    "datetime.timedelta": lambda i: datetime.timedelta(i + 1),
    "fractions.Fraction": lambda i: fractions.Fraction(i, 3),
    "ValueError": lambda i: ValueError(i),
    "__main__.Plain": Plain,
    "__main__.Slotted": lambda i: Slotted(),
    "__main__.Data": lambda i: Data(i, 1),
    "__main__.SlottedData": lambda i: SlottedData(i, 1),
    "__main__.OddPlain": lambda i: OddPlain(i),
    "__main__.Point": lambda i: Point(i, i),
    "__main__.Failure": lambda i: Failure(i),
    "__main__.Meta": lambda i: Meta("M", (), {}),
    "__main__.SubDict": lambda i: SubDict(a=i),
    "__main__.SubList": lambda i: SubList([i]),
    "__main__.SubSet": lambda i: SubSet([i]),
    "__main__.SubStr": lambda i: SubStr(f"é{i}"),
    "__main__.SubInt": lambda i: SubInt(10**30 + i),
    "coroutine": lambda i: coroutine(),
}
EXPENSIVE = "type", "code", "module", "__main__.Meta"


def measure(name, make):
    count = FEW if name in EXPENSIVE else COUNT
    kept = [None] * count
    with heap.track(native=False, types=False) as tracker:
        first = [make(i) for i in range(FEW)]  # what lists of free blocks had is used up
        before = tracker.types()
        for i in range(count):
            kept[i] = make(i)
        after = tracker.types()
        live = tracker.live
    rows = {row.type: row for row in after}
    was = {row.type: row for row in before}.get(name)
    row = rows.get(name)
    size = row.bytes + row.kept - (was.bytes + was.kept if was else 0) if row else 0
    if name == "coroutine":
        for one in kept + first:
            one.close()
    return {
        "made": count,
        "objects": row.objects - (was.objects if was else 0) if row else 0,
        "bytes": size,
        "sizes": sum(map(sys.getsizeof, kept)),
        "all": sum(row.bytes + row.kept for row in after),
        "live": live,
        "unknown": rows["(no object)"].bytes if "(no object)" in rows else 0,
    }


if __name__ == "__main__":
    print(json.dumps({name: measure(name, make) for name, make in MAKE.items()}))
