"""Who keeps objects alive: the names that programs have for them, sizes, and the child that looks."""

from __future__ import annotations

import ast
import fnmatch
import json
import os
import platform
import subprocess
import sys

import pytest

from memory_profiler import heap

#: How an object is made, and what it is called.
WAYS = {
    "class Here: pass\nhere = Here()\nhere.x = wanted": "__main__.here.x",
    "class Here: pass\nhere = Here()\nvars(here)['x'] = wanted": "__main__.here.x",
    "class Here: __slots__ = ('x', 'y')\nhere = Here()\nhere.y = wanted": "__main__.here.y",
    "class Here: x = wanted": "__main__.Here.x",
    "here = [1, [2, wanted]]": "__main__.here[1][1]",
    "here = (1, 2, wanted)": "__main__.here[2]",
    "here = {'a key': {7: wanted}}": "__main__.here['a key'][7]",
    "here = {(1, 2): wanted}": "__main__.here[tuple]",
    "here = {'x' * 50: wanted}": f"__main__.here['{'x' * 40}…']",
    "here = {wanted}": "__main__.here[…]",
    "here = {wanted: 1}": "__main__.here[…] (keys)",
    "import collections\nhere = collections.deque([wanted])": "__main__.here[…]",
    "import collections\nhere = collections.OrderedDict(a=wanted)": "__main__.here['a']",
    "import functools\nhere = functools.partial(print, wanted)": "__main__.here.args[0]",
    "here = [wanted.method]": "__main__.here[0].__self__",
    "def make():\n    x = wanted\n    return lambda: x\nhere = make()":
        "__main__.here.__closure__['x']",
    "def make(x):\n    yield x\nhere = make(wanted)\nnext(here)": "__main__.here.f_locals['x']",
    "def here(x=wanted): pass": "__main__.here.__defaults__[0]",
    "import threading\nhere = threading.local()\nhere.x = wanted": "__main__.here*",
    "import gc\nhere = {'a': wanted}\ngc.collect(); gc.freeze()": "__main__.here['a']",
    "import sys\nsys.modules['other.part'] = type(sys)('other.part')\n"
    "sys.modules['other.part'].thing = wanted": "other.part.thing",
    "here = wanted\nhere.me = here": "__main__.here",
    "here = wanted = None\nimport gc\ngc.disable()\na = Wanted()\na.a = a\ndel a":
        "(a cycle that gc has not found yet) → Wanted",
}  # fmt: skip
ASK = """
import gc, json, sys
from memory_profiler import heap
class Wanted:
    def method(self): pass
answers, program, programs = [], "", json.loads(input())
before = set(globals()) | {"before"}
for program in programs:
    wanted = Wanted()
    exec(program)
    globals().pop("wanted")
    answers.append([list(row) for row in heap.holders(Wanted).rows])
    for name in set(globals()) - before: del globals()[name]
    sys.modules.pop("other.part", None)
    gc.unfreeze()
    gc.collect()
    gc.enable()
print(json.dumps(answers))
"""


def run(text: str, given: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", text],
        input=given, text=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return done.stdout


def test_objects_are_called_as_the_program_calls_them() -> None:
    answers = json.loads(run(ASK, json.dumps(list(WAYS))))
    got = {program: rows[0][0] for program, rows in zip(WAYS, answers, strict=True)}
    for program, path in WAYS.items():
        assert fnmatch.fnmatchcase(got[program], path.replace("[", "[[]")), (program, got)


def test_locals_of_every_thread_hold_what_they_hold() -> None:
    text = """
import threading
from memory_profiler import heap
class Wanted: pass
ready, done = threading.Event(), threading.Event()
def work():
    mine = [Wanted()]
    ready.set()
    done.wait()
thread = threading.Thread(target=work)
thread.start()
ready.wait()
print(heap.holders(Wanted).rows[0].path)
done.set()
thread.join()
def here(count):
    things = [Wanted() for _ in range(count)]
    print(*heap.holders(Wanted).rows)
    print(*heap.holders(things).rows)
here(5)
"""
    lines = run(text).splitlines()
    assert lines[0] == "work() at <string>:9: mine[0]"
    assert lines[1].startswith("<5 at here() at <string>:18: things[…]: ")
    assert lines[2].startswith("<1 at here() at <string>:19: things: ")


class Node:
    def __init__(self, number: int) -> None:
        self.number = number
        self.text = f"node {number}" * 10


KEPT: dict[str, Node] = {}


def test_what_is_held_alike_is_a_row_and_retains_what_it_alone_keeps() -> None:
    KEPT.update({f"user:{i}": Node(i) for i in range(500)})
    try:
        (row,) = heap.holders(Node).rows
        (own,) = heap.holders(KEPT).rows
        named = heap.holders(f"{__name__}.Node").rows
        whole = heap.holders()
    finally:
        KEPT.clear()
    assert row.path == f"{__name__}.KEPT['user:…']" and row.count == 500
    texts = sum(sys.getsizeof(f"node {i}" * 10) for i in range(500))
    assert texts < row.retained - row.bytes < texts + 500 * 200  # and dicts, numbers
    assert own.path == f"{__name__}.KEPT" and own.retained > row.retained + own.bytes
    assert named[0] == row
    assert whole.apart and whole.reached >= whole.rows[0].retained >= own.retained


def test_what_others_of_its_type_retain_has_a_row_by_its_size() -> None:
    text = """
from memory_profiler import heap
table = [{"a": i} for i in range(50_000)]
print(*heap.holders(dict).rows[:2], sep="\\n")
"""
    outer, inner = run(text).splitlines()
    assert outer.startswith("<1 at __main__.__dict__: "), outer
    assert inner.startswith("<50,000 at __main__.table[…]: "), inner


def test_what_a_row_retains_counts_also_where_another_row_holds_it() -> None:
    text = """
from memory_profiler import heap
class Box: pass
def box(): made = Box(); made.rows = {"data": bytes(1000)}; return made
table = {i: {"box": box()} for i in range(1000)}
link = None
for i in range(2000):
    link = {"next": link}
rows = heap.holders(dict).rows
for way in ("table", "table[…]", "table[…]['box…'].rows", "link['next…'] …"):
    print(*[(row.count, row.bytes, row.retained) for row in rows if row.path == f"__main__.{way}"])
"""
    whole, each, inner, chain = map(ast.literal_eval, run(text).splitlines())
    assert (whole[0], each[0], inner[0], chain[0]) == (1, 1000, 1000, 1999)
    assert inner[1] + 1000 * 1000 < inner[2] < inner[2] + each[1] < each[2] < whole[2]
    assert chain[1] <= chain[2] < chain[1] + 2000  # what they retain of each other once


def test_what_two_hold_is_retained_by_neither() -> None:
    big = [bytearray(100_000)]
    one, two = [big], [big]
    assert heap.holders(big).rows[0].retained > 100_000
    assert all(heap.holders(held).rows[0].retained < 1000 for held in (one, two))
    assert {row.path.rpartition(": ")[2] for row in heap.holders(big).rows} == {
        "big", "one[0]", "two[0]",
    }  # fmt: skip


def test_sizes_are_those_of_getsizeof() -> None:
    text = """
import array, collections, sys, types, weakref
from memory_profiler import heap
class Slots: __slots__ = ("a", "b")
def generator(a, b=1): yield a, b, sys._getframe()
@types.coroutine
def awaited(): yield
async def coroutine(): await awaited()
async def asynchronous(a): yield a
def failing(): c = d = e = 1 / 0
try: failing()
except ZeroDivisionError as error: outer, inner = error.__traceback__, error.__traceback__.tb_next
running, begun, new = generator(1), coroutine(), asynchronous(1)
watchers = [weakref.ref(each) for each in (running, new, begun)]
begun.send(None)
things = [
    outer.tb_frame, inner.tb_frame, inner, next(running)[2], running, begun, new,
    "text", "ü", "€" * 10, "🐍", b"bytes", bytearray(b"x") * 100, 10**40, 1.5, 1j, (1, 2), [],
    list(range(100)), {}, {1: 2}, {str(i): i for i in range(1000)}, {i: i for i in range(1000)},
    set(), set(range(100)), frozenset(range(10)), array.array("d", range(100)), Slots(), range(7),
    collections.deque(range(1000)), slice(1, 2), object(), {i: i for i in range(500)},
]
while len(things[-1]) > 3: things[-1].popitem()
for i, thing in enumerate(things):
    kind, wanted = type(thing), sys.getsizeof(thing)
    sums = heap.holders([thing]) if isinstance(thing, str) else heap.holders(thing)
    if not isinstance(thing, str) and sums.rows[0].bytes != wanted:
        print(kind, wanted, sums.rows[0].bytes)
"""
    assert run(text) == ""


def test_the_elements_of_arrays_of_objects_are_held_by_these() -> None:
    pytest.importorskip("numpy")
    text = """
import numpy
from memory_profiler import heap
class Wanted: pass
table = numpy.array([Wanted() for _ in range(100)] + [None], dtype=object)
view = table[10:]
wide = numpy.zeros((300, 100))[::2]
print(*heap.holders(Wanted).rows)
print(*heap.holders(wide).rows)
arrays = heap.holders(numpy.ndarray).rows
print(*[f"{row.count} {row.path}" for row in arrays if "wide." in row.path])
"""
    first, second, third = run(text).splitlines()
    assert first.startswith("<100 at __main__.table[…]: ")
    assert "retaining 234." in second, second  # the base, which only the view keeps
    assert third.startswith("1 __main__.wide.base")


def test_what_a_line_allocated_is_asked_while_it_is_recorded() -> None:
    with heap.track(native=False):
        kept = [bytearray(100) for _ in range(50)]
        line = sys._getframe().f_lineno - 1
        found = heap.holders(f"test_heap_holders.py:{line}")
    assert any(row.count == 50 and row.path.endswith("kept[…]") for row in found.rows), (
        found
    )
    assert len(kept) == 50
    with pytest.raises(RuntimeError, match="no recording runs"):
        heap.holders(f"test_heap_holders.py:{line}")


def test_a_name_of_no_class_is_an_error_that_says_what_to_write() -> None:
    with pytest.raises(ValueError, match="no class is named 'nosuch.Thing'"):
        heap.holders("nosuch.Thing")


class Unequal(type):
    """As some of typing's, which warn of being compared."""

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("was asked")

    def __hash__(cls) -> int:
        raise AssertionError("was asked")


class Silent(type):
    def __getattribute__(cls, name: str) -> object:
        raise KeyError(name)


def test_a_class_is_found_by_its_name_and_no_metaclass_is_asked() -> None:
    named = Unequal("Named", (), {})
    silent = Silent("Silenced", (), {})
    kept = [named() for _ in range(3)]
    (row,) = heap.holders("Named").rows
    assert row.count == len(kept)
    others = [object.__new__(silent) for _ in range(4)]
    for name in ("Silenced", f"{__name__}.Silenced"):
        (row,) = heap.holders(name).rows
        assert row.count == len(others)


#: The word of a class that says which function tells what its objects refer to.
BREAK = """
import ctypes, gc, os, signal
from memory_profiler import heap
gc.disable()
class Broken: pass
broken = Broken()
word = ctypes.c_void_p.from_address(id(Broken) + 23 * 8)
before = word.value
assert before == ctypes.c_void_p.from_address(id(type("Other", (), {})) + 23 * 8).value
"""


def test_a_broken_traverse_kills_the_child_and_the_program_lives() -> None:
    text = (
        BREAK
        + """
heard = []
signal.signal(signal.SIGCHLD, lambda *_: heard.append(1))
word.value = 8
try:
    heap.holders()
except RuntimeError as error:
    print(error)
word.value = before
print(len(heap.holders(Broken).rows), heard)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("no child")
"""
    )
    first, *rest = run(text).splitlines()
    assert "tp_traverse broke" in first and "the program goes on" in first
    assert rest == ["1 []", "no child"]


def test_a_signal_that_raises_ends_a_child_that_does_not_end() -> None:
    text = (
        BREAK
        + """
def stop(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
word.value = ctypes.cast(ctypes.CDLL(None).pause, ctypes.c_void_p).value
signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)
try:
    heap.holders()
except KeyboardInterrupt:
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("interrupted")
word.value = before
print(os.path.exists(f"/proc/self/task/{os.getpid()}/children")
      and open(f"/proc/self/task/{os.getpid()}/children").read())
"""
    )
    first, children = run(text).splitlines()
    assert first == "interrupted" and children in ("", "False")


def test_what_each_node_of_a_long_list_refers_to_is_found() -> None:
    text = """
from memory_profiler import heap
class Node: __slots__ = ("next", "wanted")
class Wanted: pass
first, wanted = None, Wanted()
for _ in range(400_000):
    node = Node()
    node.next, node.wanted = first, wanted
    first = node
print(heap.holders(wanted).rows[0].path)
while first: first = first.next
"""
    assert run(text) == "__main__.wanted\n"


def test_a_signal_that_raises_when_the_child_has_ended_raises() -> None:
    text = """
import os, signal
from memory_profiler import heap
class Stop(Exception): pass
def stop(*_):
    every_kind = 0x40000000
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | every_kind)
    raise Stop
signal.signal(signal.SIGALRM, stop)
kept = [[i] for i in range(500_000)]
signal.setitimer(signal.ITIMER_REAL, 0.03)
try:
    heap.holders(list)
    signal.pause()
except (Stop, ChildProcessError):
    print("raised")
"""
    assert run(text) == "raised\n"


def test_what_the_program_closes_is_closed_while_a_child_looks() -> None:
    text = (
        BREAK
        + """
import select
read, write = os.pipe()
def stop(*_):
    os.close(write)
    poll = select.poll()
    poll.register(read, 0)
    print([event for _, event in poll.poll(10_000)] == [select.POLLHUP])
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
word.value = ctypes.cast(ctypes.CDLL(None).pause, ctypes.c_void_p).value
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    heap.holders()
except KeyboardInterrupt:
    pass
word.value = before
"""
    )
    assert run(text) == "True\n"


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the filter names x86-64's calls"
)
def test_where_no_child_can_be_made_it_is_done_in_place() -> None:
    text = """
import ctypes, struct
from memory_profiler import heap
class Wanted: pass
kept = [Wanted()]
refuse = [(0x20, 0, 0, 0), (0x15, 0, 1, 56), (6, 0, 0, 0x50000 + 11), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in refuse))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(code)))
libc = ctypes.CDLL(None)
assert not libc.prctl(38, 1, 0, 0, 0) and not libc.prctl(22, 2, ctypes.byref(program), 0, 0)
found = heap.holders(Wanted)
print(found.apart, found.rows[0].path)
"""
    assert run(text) == "False __main__.kept[0]\n"


def test_while_threads_allocate_and_objects_come_and_go() -> None:
    text = """
import threading
from memory_profiler import heap
class Wanted: pass
kept, stop = [Wanted() for _ in range(100)], threading.Event()
def work():
    while not stop.is_set():
        [bytes(i) for i in range(1000)], {str(i): [i] for i in range(100)}
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
with heap.track():
    counts = {heap.holders(Wanted).rows[0].count for _ in range(10)}
stop.set()
for thread in threads: thread.join()
print(counts)
"""
    assert run(text) == "{100}\n"


def test_the_result_is_shown_as_text_and_as_a_table() -> None:
    value = ["<b>", object()]
    shown = {"<b>": value}
    found = heap.holders(value)
    lines = repr(found).splitlines()
    assert lines[0].startswith("who holds this list: of ") and "held as" in lines[1]
    assert "<td" in found._repr_html_() and "&lt;b&gt;" in found._repr_html_()
    assert found.to_dict()["rows"][0]["count"] == 1
    assert os.path.basename(__file__) in lines[2] and shown


@pytest.mark.one_version
def test_a_cache_of_django_that_grows_is_one_line() -> None:
    pytest.importorskip("django")
    text = """
from django.conf import settings
settings.configure(CACHES={"default": {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10**5}}})
from django.core.cache import cache
from memory_profiler import heap
for number in range(2000):
    cache.set(f"page:{number}", "x" * 1000)
print(heap.holders().rows[0])
print(heap.holders(bytes).rows[0])
"""
    whole, pages = run(text).splitlines()
    where = "django.core.cache.backends.locmem._caches['']"
    assert whole.startswith(f"<1 at {where}: ") and "retaining 2." in whole
    assert pages.startswith(f"<2,000 at {where}[':1:page:…']: 2.0 MiB")


@pytest.mark.one_version
def test_a_column_of_objects_of_pandas_is_one_line() -> None:
    pytest.importorskip("pandas")
    text = """
import pandas
from memory_profiler import heap
class City: pass
table = pandas.DataFrame({"n": range(5000)})
table["city"] = pandas.Series([City() for _ in range(5000)], dtype=object)
print(heap.holders(City).rows[0])
"""
    (line,) = run(text).splitlines()
    assert line.startswith("<5,000 at __main__.table._mgr") and "[…]: " in line, line
