"""Which stack is charged: of threads, generators, deep calls, and where none has room."""

from __future__ import annotations

import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest

from heap_captures import Capture
from heap_runs import tree_of
from heap_tracked import line_of
from memory_profiler import heap


def test_callers_are_told_apart_and_generators_have_their_own_stack() -> None:
    def numbers():
        for i in range(10):
            yield bytes(1000 + i)

    list(numbers())  # where sys.monitoring was used, the first call of a function allocates
    with heap.track() as t:
        kept = list(numbers())
    assert line_of(t, "numbers").live >= 10 * 1000
    assert line_of(t, "numbers").live_blocks == 10
    assert len(kept) == 10


def test_threads_before_during_and_after_have_their_own_stacks() -> None:
    kept: list[bytes] = []
    begin, end = threading.Event(), threading.Event()

    def before():
        begin.wait()
        kept.append(bytes(10_000))
        end.wait()

    def during():
        kept.append(bytes(20_000))

    thread = threading.Thread(target=before)
    thread.start()
    with heap.track() as t:
        begin.set()
        other = threading.Thread(target=during)
        other.start()
        other.join()
        while len(kept) < 2:
            pass
    end.set()
    thread.join()
    assert 10_000 <= line_of(t, "before").live < 11_000
    assert 20_000 <= line_of(t, "during").live < 21_000


def test_code_that_died_does_not_name_what_took_its_place() -> None:
    with heap.track() as t:
        kept = []
        for i in range(200):
            names: dict = {}
            exec(f"def f{i}():\n  return bytes(3000)", names)
            kept.append(names[f"f{i}"]())
            del names
    for i in range(200):
        assert 3000 <= line_of(t, f"f{i}").live < 2 * 3000


def test_a_program_with_its_own_profile_function_keeps_its_stacks() -> None:
    def traced():
        return bytes(4000)

    sys.setprofile(lambda *_: None)
    try:
        with heap.track() as t:
            kept = traced()
    finally:
        sys.setprofile(None)
    assert line_of(t, "traced").live >= 4000
    assert kept


def test_deep_recursion_is_followed_to_its_root() -> None:
    source = """
import sys
from memory_profiler import heap
sys.setrecursionlimit(10**6)
def down(n):
    return bytes(5000) if n == 0 else down(n - 1)
with heap.track(native=False) as t:
    kept = [down(50000), down(50000), down(49999)]
rows = [heap.Line(*row) for row in t._heap.top(10, 0)]
# 3 blocks of 5033 bytes; some versions keep a hundred integers for later
assert 3 * 5033 <= rows[0].live < 3 * 5033 + 110 * 36, rows
"""
    subprocess.run([sys.executable, "-c", source], check=True)


def test_no_capture_has_a_stack_of_an_earlier_one() -> None:
    """Not when 2**16 functions and captures have come and gone either: one of the last children
    has the very number that the first capture had."""
    source = """
import os
from types import FunctionType
from memory_profiler import heap
def hold():
    return bytes(3000)
def other():
    return bytes(3000)
def dies():
    return object()
def held(functions, deaths=0):
    with heap.track(native=False) as t:
        kept = [function() for function in functions]
        for _ in range(deaths):
            FunctionType(dies.__code__.replace(), {})()
    return sum(row[4] for row in t._heap.top(10**6, 1) if row[2] == "hold")
size = held([other, hold], 2**16 - 50)
assert size > 3000
for _ in range(80):
    held([])
    child = os.fork()
    if not child:
        os._exit(held([hold]) != size)
    assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", source], check=True)


class Made:
    def __init__(self) -> None:
        self.held = bytes(7000)


def test_nothing_stands_between_a_call_of_a_class_and_its_initialiser(
    tmp_path: Path,
) -> None:
    def make():
        return Made()

    [make() for _ in range(100)]  # the interpreter has its fast way for such calls then
    with heap.track(tmp_path / "a.mprof", native=False):
        kept = [make() for _ in range(100)]
    capture = Capture(tmp_path / "a.mprof")
    (stack,) = {
        tuple(name.split(".")[-1] for name, _ in capture.stack(number))[-2:]
        for number, node in enumerate(capture.nodes)
        if node.live >= 7000 * node.live_blocks > 0
    }
    assert stack == ("make", "__init__")
    assert len(kept) == 100


@pytest.mark.parametrize("length, count", [(4000, 2000), (5, 66_000)])
def test_a_function_whose_name_has_no_room_is_charged_to_its_caller(
    length: int, count: int, tmp_path: Path
) -> None:
    def made():
        return bytes(3000)

    def call(function):
        return function()

    functions = [
        types.FunctionType(made.__code__.replace(co_qualname=f"{i:0{length}}"), {})
        for i in range(count)
    ]
    with heap.track(tmp_path / "a.mprof", native=False, max_file=1 << 20):
        kept = list(map(call, functions))
    capture = Capture(tmp_path / "a.mprof")
    size = sys.getsizeof(kept[0])
    named = {
        capture.codes[node.code].name: node.live_blocks
        for node in capture.nodes
        if node.live == size * node.live_blocks > 0
    }
    charged = named.pop(call.__qualname__)
    others = capture.misplaced - charged  # blocks of other threads
    assert 0 <= others < 100
    assert 0 < charged == len(kept) - len(named) and len(kept) == count
    assert capture.shortened >= capture.misplaced  # others have a line and no caller
    assert all(len(name) == length for name in named) and set(named.values()) == {1}


def test_stacks_without_room_are_charged_to_a_stack_that_they_begin_with(
    tmp_path: Path,
) -> None:
    source = """
import resource, sys
from memory_profiler import heap
class Kept:
    __slots__ = "before"
last = None
def leaf():
    global last
    one = Kept()
    one.before, last = last, one
TREE
tree(6)  # a call that is new has other instructions
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
with heap.track(sys.argv[1], native=False):
    tree(14)
""".replace("TREE", tree_of("leaf()"))
    path = tmp_path / "a.mprof"
    subprocess.run([sys.executable, "-c", source, path], check=True)
    capture = Capture(path)
    depths, leaves = [-1], [node.live_blocks for node in capture.nodes]
    for node in capture.nodes[1:]:
        depths.append(depths[node.parent] + 1)
    for number in range(len(leaves) - 1, 0, -1):
        leaves[capture.nodes[number].parent] += leaves[number]
    assert capture.shortened > 1000
    for depth, below in zip(depths, leaves, strict=True):
        if 1 <= depth <= 14:  # 0: <module>
            assert below == 2 ** (14 - depth), depth
