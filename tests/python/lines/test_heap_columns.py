"""--heap: what Python's allocators handed out and got back at each line, to the byte."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from heap_shop import BASIC, HeapShop, check_basic, load_blocks
from memory_profiler import LineProfiler


@pytest.fixture
def shop(tmp_path: Path, blocks_at: Path) -> HeapShop:
    return HeapShop(tmp_path, blocks_at)


def test_each_line_has_exactly_what_was_handed_out_and_got_back(shop: HeapShop) -> None:
    check_basic(shop.measure(BASIC)["work"])


def test_the_numbers_that_the_interpreter_boxes_for_us_do_not_count(shop: HeapShop) -> None:
    """Above line 256 each event's line is an object of its own, and far into the code its place."""
    check_basic(shop.measure("\n" * 5000 + BASIC)["work"])
    filler = "".join(f"    x{n} = x{n - 1}\n" for n in range(1, 200))
    long = BASIC.replace("def work():\n", f"def work(x0=None):\n{filler}")
    work = shop.measure("\n" * 5000 + long)["work"]
    check_basic(work)
    assert all(work[line.strip()].figures == (0, 0, 0, 0) for line in filler.splitlines())


def test_a_loop_on_one_line_counts_each_round(shop: HeapShop) -> None:
    line = "for n in (1, 2, 3): malloc(1, 0, 700); free(1, 0); malloc(1, n, 9)"
    work = shop.measure(f"@profile\ndef work():\n    {line}\n    return\nwork()\n")["work"]
    iterator = (
        sys.getsizeof(iter(())) if sys.version_info < (3, 14) else 0
    )  # no object there
    allocated, freed = 3 * 709 + iterator, 3 * 700 + iterator
    assert work[line].figures == (allocated, freed, 27, 700 + iterator)
    assert work["return"].figures == (0, 0, 0, 0)


def test_callees_count_on_the_line_that_calls(shop: HeapShop) -> None:
    work = shop.measure(
        """
def deep():
    malloc(0, 0, 5000)
    free(0, 0)
    malloc(0, 0, 300)

def middle():
    deep()

@profile
def work():
    middle()
    free(0, 0)

work()
"""
    )["work"]
    assert work["middle()"].figures == (5300, 5000, 300, 5000)
    assert work["free(0, 0)"].figures == (0, 300, -300, 0)


def test_two_decorated_functions_each_count_all_of_it(shop: HeapShop) -> None:
    tables = shop.measure(
        """
@profile
def inner():
    malloc(0, 0, 5000)
    free(0, 0)
    malloc(0, 0, 300)

def outer():
    malloc(0, 1, 2000)
    inner.__wrapped__()
    free(0, 1)

profile.add_function(outer)
with profile:
    outer()
"""
    )
    assert tables["outer"]["inner.__wrapped__()"].figures == (5300, 5000, 300, 5000)
    assert tables["inner"]["malloc(0, 0, 5000)"].figures == (5000, 0, 5000, 5000)
    assert tables["inner"]["free(0, 0)"].figures == (0, 5000, -5000, 0)


def test_in_a_recursion_each_byte_counts_once(shop: HeapShop) -> None:
    work = shop.measure(
        """
def work(n):
    malloc(1, n, 1000)
    if n: work(n - 1)
    free(1, n)
    malloc(1, n + 100, 8)

profile.add_function(work)
with profile:
    work(9)
"""
    )["work"]
    assert work["malloc(1, n, 1000)"].figures == (10_000, 0, 10_000, 1000)
    assert work["free(1, n)"].figures == (0, 10_000, -10_000, 0)
    assert work["malloc(1, n + 100, 8)"].figures == (80, 0, 80, 8)
    call = work["if n: work(n - 1)"]
    assert call.figures == (0, 0, 0, 9000), "a peak is that of all that ran inside"
    assert sum(line.net for line in work.values()) == 80


def test_functions_inside_a_function_count_on_their_own_lines_alone(shop: HeapShop) -> None:
    work = shop.measure(
        """
@profile
def work():
    def inner():
        malloc(0, 0, 4000)
        free(0, 0)
        malloc(0, 0, 100)
    inner()
    free(0, 0)

work()
"""
    )["work"]
    assert work["malloc(0, 0, 4000)"].figures == (4000, 0, 4000, 4000)
    assert work["inner()"].figures == (0, 0, 0, 4000)
    assert work["malloc(0, 0, 100)"].figures == (100, 0, 100, 100)


def test_a_generator_leaves_out_what_its_consumer_did(shop: HeapShop) -> None:
    tables = shop.measure(
        """
@profile
def steps():
    malloc(0, 0, 100)
    yield
    malloc(0, 1, 200)
    yield
    free(0, 0); free(0, 1)

def consume():
    items = steps()
    next(items)
    malloc(0, 2, 3000)
    next(items)
    free(0, 2)
    next(items, None)
    return

profile.add_function(consume)
with profile:
    consume()
"""
    )
    steps, consume = tables["steps"], tables["consume"]
    assert steps["malloc(0, 0, 100)"].figures == (100, 0, 100, 100)
    assert steps["malloc(0, 1, 200)"].figures == (200, 0, 200, 200)
    assert steps["free(0, 0); free(0, 1)"].figures == (0, 300, -300, 0)
    assert steps["yield"].figures == (0, 0, 0, 0)
    assert consume["malloc(0, 2, 3000)"].figures == (3000, 0, 3000, 3000)
    assert consume["next(items)"].figures == (200, 0, 200, 200)


def test_tasks_that_take_turns_keep_their_own(shop: HeapShop) -> None:
    source = """
import asyncio

@profile
async def work(slot, size):
    malloc(1, slot, size)
    await asyncio.sleep(0)
    free(1, slot)

async def main():
    await asyncio.gather(work(1, 1000), work(2, 50), work(3, 7))

asyncio.run(main())
"""
    work = shop.measure(source)["work"]
    assert work["malloc(1, slot, size)"].figures == (1057, 0, 1057, 1000)
    assert work["free(1, slot)"].freed == 1057
    assert work["free(1, slot)"].heap_peak == 0


def test_an_exception_ends_its_lines_as_a_return_does(shop: HeapShop) -> None:
    tables = shop.measure(
        """
ERROR = ValueError()

def fails():
    malloc(0, 0, 6000)
    free(0, 0)
    malloc(0, 0, 200)
    raise ERROR

def work():
    try:
        fails()
    except ValueError:
        malloc(0, 1, 30)
    free(0, 0)
    free(0, 1)

profile.add_function(work)
profile.add_function(fails)
with profile:
    work()
    work()
"""
    )
    fails, work = tables["fails"], tables["work"]
    assert fails["malloc(0, 0, 6000)"].figures == (12_000, 0, 12_000, 6000)
    assert fails["malloc(0, 0, 200)"].figures == (400, 0, 400, 200)
    assert work["malloc(0, 1, 30)"].figures == (60, 0, 60, 30)
    assert work["free(0, 0)"].figures[1:3] == (400, -400)
    assert work["free(0, 1)"].figures == (0, 60, -60, 0)
    # the exception and its traceback are the program's own
    call = work["fails()"]
    assert 12_400 < call.allocated < 15_000 and call.heap_peak == 6000


def test_a_thread_counts_its_own_and_nothing_of_the_others(shop: HeapShop) -> None:
    tables = shop.measure(
        """
import threading

go, done = threading.Event(), threading.Event()

def other():
    go.wait()
    malloc(0, 9, 2 ** 20)
    done.set()

@profile
def work(slot):
    malloc(1, slot, 1000)
    free(1, slot)

@profile
def waits():
    go.set()
    done.wait()
    free(0, 9)

threads = [threading.Thread(target=other), *(threading.Thread(target=work, args=(n,)) for n in range(4))]
for thread in threads:
    thread.start()
waits()
for thread in threads:
    thread.join()
"""
    )
    assert tables["work"]["malloc(1, slot, 1000)"].figures == (4000, 0, 4000, 1000)
    assert tables["work"]["free(1, slot)"].figures == (0, 4000, -4000, 0)
    assert tables["waits"]["done.wait()"].heap_peak < 10_000
    # who frees a block of another thread gets it back
    assert tables["waits"]["free(0, 9)"].figures == (0, 2**20, -(2**20), 0)


def test_a_peak_is_the_highest_of_all_executions_and_of_each_alone(shop: HeapShop) -> None:
    work = shop.measure(
        """
def transient(size):
    malloc(0, 0, size); free(0, 0)

SIZES = (100, 9000, 300)

@profile
def work():
    malloc(0, 1, 50_000)
    for n in 0, 1, 2:
        transient(SIZES[n])
    free(0, 1)
    transient(40)

work()
"""
    )["work"]
    assert work["transient(SIZES[n])"].figures == (9400, 9400, 0, 9000)
    assert work["transient(40)"].figures == (40, 40, 0, 40)


def test_a_line_that_only_frees_and_takes_less_again_never_rose(shop: HeapShop) -> None:
    work = shop.measure(
        """
@profile
def work():
    malloc(0, 0, 5000)
    free(0, 0); malloc(0, 0, 4999)
    free(0, 0)

work()
"""
    )["work"]
    assert work["free(0, 0); malloc(0, 0, 4999)"].figures == (4999, 5000, -1, 0)


def test_what_functions_select_does_is_not_the_lines(shop: HeapShop) -> None:
    """--function looks at each code object that runs for the first time."""
    work = shop.measure(
        """
def helper():
    malloc(0, 0, 123)

def work():
    helper()
    free(0, 0)

work()
""",
        "--function",
        "w?rk",
    )["work"]
    assert work["helper()"].figures == (123, 0, 123, 123)


def test_greenlets_keep_their_peaks_apart(blocks_at: Path) -> None:
    """A line that switches is charged with what runs until it is switched back to."""
    greenlet = pytest.importorskip("greenlet")
    blocks = load_blocks(blocks_at)
    prof = LineProfiler(heap=True)

    def left() -> None:
        blocks.malloc(0, 0, 400_000); blocks.free(0, 0)  # fmt: skip
        _ = right_one.switch()
        blocks.malloc(0, 0, 10)
        right_one.switch()
        blocks.free(0, 0)

    def right() -> None:
        blocks.malloc(0, 1, 60_000); blocks.free(0, 1)  # fmt: skip
        left_one.switch()
        blocks.malloc(0, 1, 7)
        blocks.free(0, 1)

    for function in left, right:
        prof.add_function(function)
    left_one = greenlet.greenlet(left)
    right_one = greenlet.greenlet(right, left_one)
    with prof:
        left_one.switch()
    lines = {
        line.source.strip(): (line.allocated, line.freed, line.heap_peak)
        for function in prof.results
        for line in function.lines.values()
    }
    assert lines["blocks.malloc(0, 0, 10)"] == (10, 0, 10)
    assert lines["blocks.malloc(0, 1, 7)"] == (7, 0, 7)
    # greenlet's own copies of the stack are some kilobytes
    assert 60_000 <= lines["_ = right_one.switch()"][2] < 100_000
    assert lines["left_one.switch()"][2] < 40_000


def test_the_nets_of_a_real_function_are_what_the_programs_heap_grew(
    shop: HeapShop,
) -> None:
    """Single-threaded, so that the tracker's figure for the process is the thread's."""
    shop.write(
        "script.py",
        """
        import collections, gc, json, re
        from memory_profiler import LineProfiler, heap

        class Node:
            def __init__(self, depth):
                self.children = [Node(depth - 1) for _ in range(3)] if depth else []
                self.me = self

        def steps(n):
            for i in range(n):
                yield {i: str(i) * 3}

        def fails(n):
            kept = [0] * n
            return kept[n] if n < 900 else fails(n - 1)

        def work():
            marks[0] = tracker.live
            text = json.dumps({str(i): list(range(i)) for i in range(60)})
            data = json.loads(text)
            words = collections.Counter(re.findall("[0-9]+", text))
            tree = Node(4)
            del tree, data
            gc.collect()
            big = sorted(words, key=lambda word: (len(word), word))
            items = list(steps(300))
            try:
                fails(930)
            except IndexError as error:
                big.append(repr(error))
            total = sum(len(item) for item in items)
            kept.append((big, total, items))
            marks[1] = tracker.live

        marks, kept = [0, 0], []
        gc.disable()
        with heap.track() as tracker:
            work()  # what runs for the first time keeps more
            profiler = LineProfiler(heap=True)
            for function in work, fails, steps:
                profiler.add_function(function)
            with profiler:
                work()
            lines = profiler.results["work"].lines.values()
            *nets, last = [line.net for line in lines if line.memory]
            print(sum(nets), marks[1] - marks[0])
    """,
    )
    run = shop.python("script.py")
    assert run.err == ""
    nets, grown = map(int, run.out.split())
    assert nets == grown > 10_000
