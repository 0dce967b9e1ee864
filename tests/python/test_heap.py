"""The heap instrument against allocations of known size, from known lines."""

from __future__ import annotations

import collections
import os
import random
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from heap_captures import Capture
from heap_recordings import report
from memory_profiler import heap
from recordings import Recorder


def line_of(tracker: heap.Tracker, function: str) -> heap.Line:
    """The figures of a function; its lines are added up."""
    rows = [heap.Line(*row) for row in tracker._heap.top(10**6, 0)]
    lines = [row for row in rows if row.function.split(".")[-1] == function]
    assert lines, rows[:20]
    sums = map(sum, zip(*(line[3:] for line in lines), strict=True))
    return heap.Line(*lines[0][:3], *sums)


def line_of_names(tracker: heap.Tracker) -> heap.Line:
    """The figures of threads without Python code, which have only names."""
    (name,) = {
        row[2] for row in tracker._heap.top(10**6, 0) if row[2].startswith("[thread ")
    }
    return line_of(tracker, name)


#: One line each, which is all that it allocates on.
def do_malloc(b, d, i, n): b.malloc(d, i, n)  # fmt: skip  # noqa: E704


def do_calloc(b, d, i, n): b.calloc(d, i, n)  # fmt: skip  # noqa: E704


def do_realloc(b, d, i, n): b.realloc(d, i, n)  # fmt: skip  # noqa: E704


def do_pulse(b): b.pulse()  # fmt: skip  # noqa: E704


class Model(RuleBasedStateMachine):
    """Every call is done and noted; at the end each line's figures must be the notes'."""

    blocks: ModuleType

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, tuple[int, int, str]] = {}
        self.made: list[tuple[str, int]] = []
        self.pulses = 0
        self.warm_up()
        self.tracker = heap.track()
        self.tracker.start()

    def warm_up(self) -> None:
        """What a function allocates the first time it runs is not its line's."""
        do_pulse(self.blocks)
        for do in (do_malloc, do_calloc, do_realloc):
            for domain in range(3):
                do(self.blocks, domain, 255, 8)
                self.blocks.free(domain, 255)

    @rule(
        how=st.sampled_from([do_malloc, do_calloc]),
        domain=st.integers(0, 2),
        slot=st.integers(0, 40),
        size=st.sampled_from([0, 1, 8, 16, 17, 100, 512, 513, 5000, 100000]),
    )
    def allocate(self, how, domain: int, slot: int, size: int) -> None:
        if slot not in self.alive:
            how(self.blocks, domain, slot, size)
            self.alive[slot] = (domain, size, how.__name__)
            self.made.append((how.__name__, size))

    @rule(slot=st.integers(0, 40), size=st.sampled_from([1, 16, 17, 600, 70000]))
    def move(self, slot: int, size: int) -> None:
        if slot in self.alive:
            domain = self.alive[slot][0]
            do_realloc(self.blocks, domain, slot, size)
            self.alive[slot] = (domain, size, "do_realloc")
            self.made.append(("do_realloc", size))

    @rule(slot=st.integers(0, 40))
    def refuse(self, slot: int) -> None:
        if slot in self.alive:
            assert self.blocks.refuse(self.alive[slot][0], slot)

    @rule(slot=st.integers(0, 40))
    def free(self, slot: int) -> None:
        if slot in self.alive:
            self.blocks.free(self.alive.pop(slot)[0], slot)

    @rule(slot=st.integers(0, 40))
    def free_elsewhere(self, slot: int) -> None:
        """In a thread that did not allocate it."""
        if slot in self.alive:
            words = (self.alive.pop(slot)[0], slot)
            thread = threading.Thread(target=self.blocks.free, args=words)
            thread.start()
            thread.join()

    @rule(how=st.sampled_from([do_malloc, do_calloc]), domain=st.integers(0, 2))
    def fail(self, how, domain: int) -> None:
        how(self.blocks, domain, 254, sys.maxsize)
        self.blocks.free(domain, 254)

    @rule(count=st.integers(1, 5))
    def pulse(self, count: int) -> None:
        for _ in range(count):
            do_pulse(self.blocks)
        self.pulses += count

    def teardown(self) -> None:
        self.tracker.stop()
        if self.pulses:
            line = line_of(self.tracker, "do_pulse")
            assert (line.allocations, line.temporary) == (self.pulses, self.pulses)
            assert (line.live_blocks, line.live) == (0, 0)
        for name in {name for name, _ in self.made}:
            line = line_of(self.tracker, name)
            sizes = [size for made, size in self.made if made == name]
            live = [size for _, size, by in self.alive.values() if by == name]
            assert (line.allocations, line.total) == (len(sizes), sum(sizes))
            assert (line.live_blocks, line.live) == (len(live), sum(live))
        for slot in list(self.alive):
            self.blocks.free(self.alive.pop(slot)[0], slot)


def test_every_call_is_counted_exactly(blocks: ModuleType) -> None:
    Model.blocks = blocks
    Model.TestCase.settings = settings(
        max_examples=60, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Model.TestCase().runTest()


def test_threads_python_does_not_know_are_counted_without_its_lock(
    blocks: ModuleType,
) -> None:
    with heap.track() as t:
        blocks.threads(4, 10000)
    without = line_of_names(t)
    assert without.allocations == 4 * (2 * 10000 + 1)
    assert without.live == 0
    assert without.total == 4 * (
        sum(100 + i % 7 for i in range(10000)) + 10000 * 200 + 1000
    )


def test_blocks_of_thread_destructors_are_counted(blocks: ModuleType) -> None:
    with heap.track() as t:
        blocks.destructors(8)
    without = line_of_names(t)
    assert (without.allocations, without.live, without.total) == (16, 0, 8 * 60)


def test_blocks_freed_before_their_threads_next_are_temporary(blocks: ModuleType) -> None:
    with heap.track() as t:
        blocks.threads(4, 5000)
    assert line_of_names(t).temporary == 4 * 5000


def from_here(how, *words): how(*words)  # fmt: skip  # noqa: E704


def from_there(how, *words): how(*words)  # fmt: skip  # noqa: E704


class PeakModel:
    """What each stack held at the first moment when all held most."""

    def __init__(self) -> None:
        self.live: collections.Counter = collections.Counter()
        self.slots: dict[int, tuple[tuple, int, int]] = {}
        self.peak, self.at_peak = 0, {}

    def add(self, slot: int, stack: tuple, domain: int, size: int) -> None:
        self.slots[slot] = (stack, domain, size)
        self.live[stack] += size
        if self.live.total() > self.peak:
            self.peak, self.at_peak = self.live.total(), dict(self.live)

    def remove(self, slot: int) -> int:
        stack, domain, size = self.slots.pop(slot)
        self.live[stack] -= size
        return domain


def make_history(blocks: ModuleType, chance: random.Random, model: PeakModel) -> None:
    """Sizes that dwarf what Python itself allocates, no two alike."""
    for number in range(400):
        slot, size = chance.randrange(30), (chance.randrange(1, 99) << 20) + number * 4096
        if slot in model.slots and chance.random() < 0.7:
            blocks.free(model.remove(slot), slot)
            continue
        moved = slot in model.slots
        domain = model.remove(slot) if moved else chance.randrange(3)
        how = do_realloc if moved else chance.choice([do_malloc, do_calloc])
        where = chance.choice([from_here, from_there])
        where(how, blocks, domain, slot, size)
        model.add(slot, (where.__name__, how.__name__), domain, size)


@pytest.mark.parametrize("seed", range(5))
def test_each_stack_has_its_part_of_the_peak_exactly(
    blocks: ModuleType, tmp_path: Path, seed: int
) -> None:
    model, path = PeakModel(), tmp_path / "a.mprof"
    for how in (do_malloc, do_calloc, do_realloc):
        from_here(how, blocks, 0, 40, 8), from_there(how, blocks, 0, 40, 8)
    with heap.track(path) as t:
        make_history(blocks, random.Random(seed), model)
    for slot in list(model.slots):
        blocks.free(model.remove(slot), slot)
    capture, found = Capture(path), collections.Counter()
    for number, node in enumerate(capture.nodes):
        names = tuple(name for name, _ in capture.stack(number)[-2:])
        if node.blocks and names and names[-1] in ("do_malloc", "do_calloc", "do_realloc"):
            found[names] += node.at_peak
    assert +found == {stack: held for stack, held in model.at_peak.items() if held}
    assert model.peak <= t.peak < model.peak + (1 << 20)


def test_the_first_of_two_equal_peaks_counts(blocks: ModuleType) -> None:
    do_malloc(blocks, 0, 0, 8), do_calloc(blocks, 0, 1, 8)
    with heap.track() as t:
        do_malloc(blocks, 0, 0, 64 << 20)
        blocks.free(0, 0)
        do_calloc(blocks, 0, 1, 64 << 20)
        blocks.free(0, 1)
        do_calloc(blocks, 0, 1, (64 << 20) - 99999)
        blocks.free(0, 1)
    held = line_of(t, "do_malloc").at_peak, line_of(t, "do_calloc").at_peak
    assert sorted(held) == [0, 64 << 20]


def test_of_rising_peaks_the_last_counts(blocks: ModuleType) -> None:
    do_realloc(blocks, 0, 0, 8)
    with heap.track() as t:
        for size in range(0, 10_000_000, 100):
            do_realloc(blocks, 0, 0, size)
        blocks.free(0, 0)
    assert line_of(t, "do_realloc").at_peak == 9_999_900
    assert line_of(t, "do_realloc").allocations == 100_000


def hold(size: int) -> bytearray:
    return bytearray(size)


def test_what_was_freed_before_the_peak_is_not_at_it() -> None:
    hold(1)  # where sys.monitoring was used, the first call of a function allocates
    with heap.track() as t:
        early = hold(50_000)
        del early
        late = bytearray(200_000)
        del late
    assert line_of(t, "hold").at_peak == 0
    assert line_of(t, "hold").total >= 50_000
    assert 200_000 <= t.peak < 240_000
    assert t.live < 20_000


def test_callers_are_told_apart_and_generators_have_their_own_stack() -> None:
    def numbers():
        for i in range(10):
            yield bytes(1000 + i)

    list(numbers())  # as above: the first call may allocate
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


@pytest.mark.parametrize("stop", ["tracemalloc.stop()", "pass"])
def test_when_another_tool_takes_the_hooks_off_it_is_said(
    tmp_path: Path, stop: str
) -> None:
    recorder = Recorder(tmp_path)
    recorder.path.joinpath("app.py").write_text(
        f"import tracemalloc\n{stop}\nkept = bytearray(300)\n"
    )
    done = recorder.mprof("heap", "-o", "a.mprof", "app.py", env={"PYTHONTRACEMALLOC": "1"})
    assert done.code == 0, done.err
    text = recorder.mprof("report", "a.mprof").out
    assert ("another tool put Python's allocators back" in text) == (stop != "pass")
    assert report(recorder, "a.mprof")["lost"] == (stop != "pass")


#: Deep calls of functions that tracemalloc has not seen, with objects that it has.
TRACED = """
import sys, tracemalloc, types
from memory_profiler import heap
def made(n):
    large = bytes(1000)
    return [(large, n)]
def down(n, function):
    return down(n - 1, function) if n else function(n)
functions = [types.FunctionType(made.__code__.replace(co_filename=f"{i}"), {}) for i in range(99)]
if sys.argv[1] == "before":
    tracemalloc.start()
known = [([i], (i, i)) for i in range(99)]
del known
with heap.track(native=sys.argv[2] == "native"):
    if sys.argv[1] == "after":
        tracemalloc.start()
    kept = [down(300, function) for function in functions]
"""


@pytest.mark.parametrize("native", ["native", "python"])
@pytest.mark.parametrize("start", ["before", "after"])
def test_a_program_may_use_tracemalloc_in_deep_calls(start: str, native: str) -> None:
    subprocess.run([sys.executable, "-c", TRACED, start, native], check=True, timeout=30)


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
    with heap.track(tmp_path / "a.mprof", native=False):
        kept = list(map(call, functions))
    capture = Capture(tmp_path / "a.mprof")
    size = sys.getsizeof(kept[0])
    named = {
        capture.codes[node.code].name: node.live_blocks
        for node in capture.nodes
        if node.live == size * node.live_blocks > 0
    }
    assert named.pop(call.__qualname__) == capture.shortened > 0
    assert len(named) + capture.shortened == len(kept) == count
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
def tree(n):
    if n:
        tree(n - 1)
        tree(n - 1)
    else:
        leaf()
tree(6)  # a call that is new has other instructions
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
with heap.track(sys.argv[1], native=False):
    tree(14)
"""
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


# Faults 61


def test_faults_61_a_second_tracker_is_refused_in_one_line() -> None:
    with heap.track(), pytest.raises(RuntimeError, match="on already"):
        heap.track().start()


def test_faults_61_a_tracker_starts_and_stops_once() -> None:
    t = heap.track()
    with pytest.raises(RuntimeError):
        t.stop()
    with pytest.raises(RuntimeError):
        _ = t.peak
    t.start()
    t.stop()
    with pytest.raises(RuntimeError):
        t.start()
    with pytest.raises(RuntimeError):
        t.stop()


def test_faults_61_another_thread_may_stop_it_and_a_lost_one_ends() -> None:
    t = heap.track()
    t.start()
    thread = threading.Thread(target=t.stop)
    thread.start()
    thread.join()
    lost = heap.track()
    lost.start()
    del lost
    with heap.track() as after:
        pass
    assert after.allocations >= 0


def test_faults_61_starting_and_stopping_among_busy_threads(blocks: ModuleType) -> None:
    busy = threading.Thread(target=blocks.threads, args=(8, 20000))
    busy.start()
    for _ in range(300):
        with heap.track() as t:
            bytes(100)
        assert t.live >= 0
    busy.join()


def test_faults_39_a_forked_child_neither_records_nor_ends_the_capture(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.mprof"
    with heap.track(path) as t:
        before = t.allocations
        child = os.fork()
        if not child:
            kept = [bytes(1000) for _ in range(1000)]
            t.stop()
            with heap.track() as own:
                kept.append(bytes(5000))
            os._exit(0 if own.live >= 5000 and kept else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert t.allocations - before < 500
    assert path.stat().st_mode & 0o777 == 0o600


def test_faults_10_an_existing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mprof"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        heap.track(path).start()
    assert path.read_text() == "mine"
    with heap.track():
        pass


def test_faults_1_a_killed_program_leaves_a_capture(tmp_path: Path) -> None:
    path = tmp_path / "a.mprof"
    source = f"""
import os
from memory_profiler import heap
heap.track({str(path)!r}).start()
kept = [bytes(1000) for _ in range(1000)]
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", source], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes()[:5] == b"mprof"
