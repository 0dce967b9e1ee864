"""What objects take and would not need: each kind by what it would save, where it is, and the child that looks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from captures import mprof, output

HEAD = """
import json, sys
from array import array
from memory_profiler import heap
size = sys.getsizeof
around = heap.track(native=False, types=False)
around.start()  # so that what was there before is in other rows
kept_by_python = [({}, [], 0.5 + i) for i in range(200)]
def told(*names):
    rows = [row for row in heap.waste().rows if row.line and row.path.startswith(tuple("__main__." + n for n in names))]
    print(json.dumps([[row.kind, row.type, row.count, row.saved, row.what] for row in rows]))
def wanted(*figures):
    print(json.dumps(figures))
"""


def run(text: str) -> list:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + text], text=True, capture_output=True, timeout=120
    )
    assert not done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_copies_of_texts_save_all_but_one() -> None:
    rows, (texts, blobs) = run("""
def text(i): return "".join(["copy of ", "a text " * 9])
here = [text(i) for i in range(1000)]
bytes_too = [bytes(bytearray(b"b" * 400)) for i in range(500)]
unlike = [f"{i} " * 40 for i in range(1000)]
told("here", "bytes_too", "unlike")
wanted(999 * size(here[0]), 499 * size(bytes_too[0]))
""")
    found = {(kind, name): (count, saved) for kind, name, count, saved, _ in rows}
    assert found.pop(("copies", "str")) == (999, texts)
    assert found.pop(("copies", "bytes")) == (499, blobs)
    assert not {kind for kind, _ in found if kind == "copies"}


def test_tables_and_room_save_what_a_copy_does() -> None:
    (rows, dicts), (more, sets), (room, lists) = [
        pair
        for pair in zip(*[iter(run("""
import random
random.seed(1)
here = []
for used in range(1, 300):
    for key in (str, int, lambda i: (i,)):
        made = {key(i): None for i in range(used * random.choice([1, 2, 3, 9]))}
        while len(made) > used: made.popitem()
        here.append(made)
told("here")
saved = [size(d) - size({k: v for k, v in d.items()}) for d in here]
wanted(sum(s for s, d in zip(saved, here) if s >= (size(d) - size({})) / 2),
       sum(s >= (size(d) - size({})) / 2 for s, d in zip(saved, here)))
here.clear()
for used in range(1, 400):
    made = set()
    for i in range(used * random.choice([1, 2, 3, 9])): made.add(i)
    while len(made) > used: made.pop()
    here.append(made)
told("here")
wanted(sum(max(0, size(s) - size(set(s))) for s in here), sum(size(s) > size(set(s)) for s in here))
here.clear()
for used in range(1, 400):
    made = []
    for i in range(used): made.append(None)
    here.append(made)
told("here")
wanted(sum(size(l) - size(l[:]) for l in here), sum(size(l) > size(l[:]) for l in here))
"""))] * 2, strict=True)
    ]  # fmt: skip
    assert ["sparse", "dict", dicts[1], dicts[0]] in [row[:4] for row in rows]
    assert ["sparse", "set", sets[1], sets[0]] in [row[:4] for row in more]
    count, saved = next(row[2:4] for row in room if row[0] == "spare")
    assert lists[1] <= count <= lists[1] + 1  # `here` itself, too
    assert lists[0] <= saved <= lists[0] + 8 * 100


def test_what_is_empty_is_told_and_what_is_somebodys_dict_is_not() -> None:
    rows, (dicts, lists, sets) = run("""
here = [[{} for _ in range(500)], [[] for _ in range(400)], [set() for _ in range(300)]]
class Bare: pass
bare = [Bare() for _ in range(200)]
[vars(each) for each in bare]
told("here", "bare")
wanted(*[sum(map(size, each)) for each in here])
""")
    empty = {
        name: (count, saved) for kind, name, count, saved, _ in rows if kind == "empty"
    }
    assert empty == {"dict": (500, dicts), "list": (400, lists), "set": (300, sets)}


def test_attributes_save_what_a_class_with_slots_takes_less() -> None:
    rows, (less, again) = run("""
class Row:
    def __init__(self, i): self.a, self.b, self.c = i, i, i
class Asked(Row): pass
class Slots:
    __slots__ = ("a", "b", "c")
    __init__ = Row.__init__
class Other(Exception): pass
def live(make):
    with heap.track(native=False) as tracker:
        kept = make()
        return tracker.live, kept
for kind in (Row, Slots, Asked):
    [kind(i) for i in range(100)]
dicts, here = live(lambda: [Row(1) for _ in range(5000)])
slots, kept = live(lambda: [Slots(1) for _ in range(5000)])
asked, also = live(lambda: [x for x in (Asked(1) for _ in range(5000)) if vars(x)])
others = [Other() for _ in range(500)]
told("here", "also", "kept", "others")
wanted(dicts - slots, asked - slots)
""")
    found = {
        name: (count, saved) for kind, name, count, saved, _ in rows if kind == "dicts"
    }
    assert found.keys() == {"Row", "Asked"}
    assert found["Row"][0] == found["Asked"][0] == 5000
    assert 0.9 * less <= found["Row"][1] <= 1.1 * less
    assert 0.9 * again <= found["Asked"][1] <= 1.1 * again


def test_lists_of_numbers_save_what_an_array_takes_less() -> None:
    rows, figures = run("""
small, wide, floats = list(range(200)) * 50, list(range(10**6, 10**6 + 5000)), [i / 7 for i in range(5000)]
mixed, large = [1.5, 2] * 5000, [1 << 70] * 5000
told("small", "wide", "floats", "mixed", "large")
def less(numbers, code, own): return 8 * len(numbers) + own - len(numbers) * array(code).itemsize
wanted(less(small, "h", 0), less(wide, "i", 28 * 5000), less(floats, "d", 24 * 5000))
""")
    found = sorted((row[3], row[4]) for row in rows if row[0] == "numbers")
    assert [saved for saved, _ in found] == sorted(figures)
    assert {words.split()[-1] for _, words in found} == {"int16", "int32", "float64"}


def test_columns_save_what_a_smaller_type_takes_less() -> None:
    pytest.importorskip("numpy")
    rows, figures = run("""
import numpy
numpy.random.seed(1)
halves, drawn = numpy.arange(50_000) / 2, numpy.random.rand(50_000)
halves[3] = numpy.nan
ints, view, narrow = numpy.arange(40_000), halves[::2], halves.astype("f4")
texts = numpy.array(["".join(["city ", str(i % 7), " " * 30]) for i in range(9000)], dtype=object)
each = numpy.array([f"text {i}" for i in range(9000)], dtype=object)
swapped, read_only = halves.astype(">f8"), numpy.frombuffer(bytes(80_000))
told("halves", "drawn", "ints", "view", "narrow", "texts", "each", "swapped", "read_only")
wanted(halves.nbytes // 2, ints.nbytes // 2, 9000 * 7 + 8993 * size(texts[0]))
""")
    found = {(row[0], row[4].split()[-1]): row[2:4] for row in rows if "array" in row[1]}
    assert found == {
        ("wide", "float32"): [1, figures[0]],
        ("wide", "int32"): [1, figures[1]],
        ("repeated", "them"): [1, figures[2]],
    }


def test_what_is_recorded_has_the_programs_own_lines() -> None:
    with_lines = """
here = ["".join(["a", "b" * 50]) for _ in range(1000)]
there = json.loads(json.dumps([[0.5] * 5000]))
print(json.dumps([[row.kind, row.line, row.count] for row in heap.waste().rows]))
around.stop()
print(json.dumps([row.line for row in heap.waste().rows]))
"""
    rows, after = run(with_lines)
    first = HEAD.count("\n") + 2
    assert ["copies", f"<string>:{first}", 999] in rows
    assert ["numbers", f"<string>:{first + 1}", 1] in rows
    assert set(after) == {""}


def test_another_threads_blocks_come_and_go_while_a_child_is_made() -> None:
    (done,) = run("""
around.stop()
import threading
stop = threading.Event()
def work():
    while not stop.is_set(): [bytearray(i) for i in range(600)]
threads = [threading.Thread(target=work) for _ in range(3)]
with heap.track():
    for thread in threads: thread.start()
    here = ["".join(["a", "b" * 50]) for _ in range(1000)]
    found = [any(row.count == 999 and row.line for row in heap.waste().rows) for _ in range(10)]
    stop.set()
    for thread in threads: thread.join()
print(json.dumps(found))
""")
    assert done == [True] * 10


PROGRAM = """
cities = ["".join(["Ber", "lin"]) for _ in range(5000)]
prices = [i / 3 for i in range(5000)]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("waste")
    (folder / "app.py").write_text(PROGRAM)
    mprof("heap", "--types", "-o", "a.mprof", "app.py", cwd=folder)
    return folder


@pytest.mark.one_version
def test_a_recording_keeps_it_with_lines_and_ways(folder: Path) -> None:
    made = json.loads(output("objects", "--json", "--waste", "a.mprof", cwd=folder))
    assert made["rows"] == []
    rows = {(row["kind"], row["line"]): row for row in made["waste"]["rows"]}
    copies = rows["copies", str(folder / "app.py") + ":2"]
    assert copies["objects"] == 4999 and copies["saved"] == 4999 * sys.getsizeof("Berlin")
    assert copies["path"].startswith("__main__.cities[") and copies["type"] == "str"
    numbers = rows["numbers", str(folder / "app.py") + ":3"]
    assert numbers["fits"] == "float64" and numbers["saved"] == 5000 * 24
    assert made["waste"]["unseen"] == 0 < made["waste"]["objects"]


@pytest.mark.one_version
def test_it_is_shown_behind_who_holds_what_or_alone(folder: Path) -> None:
    whole = output("objects", "a.mprof", cwd=folder)
    alone = output("objects", "--waste", "a.mprof", cwd=folder)
    assert whole.endswith(alone[alone.index("\nWhat objects would not need") :])
    assert "Who holds" not in alone
    assert "4,999  str: copies of others: one would do\n" in alone
    assert "/app.py:2 <module>\n" in alone and "as __main__.cities[" in alone
    held = output("objects", "--retained", "a.mprof", cwd=folder)
    assert "would not need" not in held


@pytest.mark.one_version
def test_a_broken_traverse_is_an_error_and_the_program_goes_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", """
import ctypes
from memory_profiler import heap
class Broken: pass
broken = Broken()
word = ctypes.c_void_p.from_address(id(Broken) + 23 * 8)
before, word.value = word.value, 8
try: heap.waste()
except RuntimeError as error: print(error)
word.value = before
print(heap.waste().apart)
"""], text=True, capture_output=True, timeout=120, env=os.environ,
    )  # fmt: skip
    assert "tp_traverse broke" in done.stdout and done.stdout.endswith("True\n"), done
