"""--heap: what Python's allocators handed out and got back at each line, to the byte."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Run, Workshop
from test_heap import build_blocks

KIB = 1024


@dataclass
class Line:
    allocated: int
    freed: int
    net: int
    heap_peak: int
    occurrences: int

    @property
    def figures(self) -> tuple[int, int, int, int]:
        return self.allocated, self.freed, self.net, self.heap_peak


Function = dict[str, Line]


class HeapShop(Workshop):
    """Scripts that can import `blocks`, whose calls allocate what they are told."""

    def __init__(self, path: Path, blocks: Path) -> None:
        super().__init__(path)
        self.env = {"PYTHONPATH": str(blocks)}

    def start(self, source: str, *words: str) -> Run:
        run = self.profile(source, "--heap", *words, env=self.env)
        assert (run.code, run.err) == (0, "")
        return run

    def measure(self, source: str, *words: str) -> dict[str, Function]:
        """{function: {source line: Line}} of the lines that ran."""
        run = self.start(
            "from blocks import malloc, realloc, free\n" + source, "--json", *words
        )
        document = json.loads(run.out[run.out.index("{\n") :])
        return {
            function["function"].rpartition(".")[2]: {
                row["source"].strip(): Line(*(row[name] for name in Line.__annotations__))
                for row in function["lines"]
                if row["occurrences"]
            }
            for function in document["functions"]
        }


@pytest.fixture(scope="session")
def blocks_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("blocks")
    build_blocks(place)
    return place


@pytest.fixture
def shop(tmp_path: Path, blocks_at: Path) -> HeapShop:
    return HeapShop(tmp_path, blocks_at)


BASIC = """
@profile
def work():
    malloc(0, 0, 1000)
    malloc(1, 1, 70000)
    malloc(2, 2, 17); free(2, 2); malloc(2, 2, 40)
    free(0, 0)
    realloc(1, 1, 300)
    for n in range(3):
        malloc(2, 3, 500)
        free(2, 3); free(2, 2) if n == 2 else None
    free(1, 1)
    return None

work()
"""


def check_basic(work: Function) -> None:
    assert work["@profile"].figures == (0, 0, 0, 0)
    assert work["malloc(0, 0, 1000)"].figures == (1000, 0, 1000, 1000)
    assert work["malloc(1, 1, 70000)"].figures == (70000, 0, 70000, 70000)
    assert work["malloc(2, 2, 17); free(2, 2); malloc(2, 2, 40)"].figures == (
        57,
        17,
        40,
        40,
    )
    assert work["free(0, 0)"].figures == (0, 1000, -1000, 0)
    assert work["realloc(1, 1, 300)"].figures == (300, 70000, -69700, 0)
    assert work["malloc(2, 3, 500)"].figures == (1500, 0, 1500, 500)
    assert work["free(2, 3); free(2, 2) if n == 2 else None"].figures == (0, 1540, -1540, 0)
    assert work["free(1, 1)"].figures == (0, 300, -300, 0)
    assert work["return None"].figures == (0, 0, 0, 0)


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
    iterator = sys.getsizeof(iter(()))
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
