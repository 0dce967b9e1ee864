"""The heap instrument against allocations of known size, from known lines."""

from __future__ import annotations

import collections
import random
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from heap_captures import Capture
from heap_tracked import line_of
from memory_profiler import heap


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

    @rule(
        slot=st.integers(0, 40),
        size=st.sampled_from([0, 1, 15, 16, 17, 385, 400, 500, 512, 513, 600, 70000]),
    )
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
