"""--heap: what Python's allocators handed out and got back at each line, to the byte."""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from conftest import Run, Workshop
from memory_profiler import LineProfiler, heap
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


def load_blocks(place: Path) -> ModuleType:
    (file,) = place.glob("blocks*")
    spec = importlib.util.spec_from_file_location("blocks", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_the_text_has_four_more_columns_and_each_title_ends_where_its_figures_end(
    shop: HeapShop,
) -> None:
    source = "from blocks import malloc, realloc, free\n" + BASIC
    for words, more in (((), 4), (("--peak",), 5)):
        run = shop.start(source, *words)
        title, empty, header, rule, *rows = run.out.split("\n")
        assert (title, empty) == ("Filename: script.py", "")
        titles = ["Mem usage", "Increment", *["Peak"] * (more == 5)]
        titles += ["Allocated", "Freed", "Net", "Heap peak"]
        assert (
            header.split() == f"Line # {' '.join(titles)} Occurrences Line Contents".split()
        )
        assert rule == "=" * (61 + 13 * more)
        ends = [header.index(f" {name}  ") + 1 + len(name) for name in titles[:-1]]
        ends.append(header.index("Heap peak") + len("Heap peak"))
        ran = [row for row in rows if row[6:30].strip()]
        assert len(ran) == 11
        assert all(row[end - 1] == "B" and row[end] == " " for row in ran for end in ends)
        idle = [row for row in rows if row.startswith("     ") and row not in ran]
        assert [row[6 : 47 + 13 * more].strip() for row in idle] == [""]
        assert [row[47 + 13 * more :] for row in idle] == ["def work():"]
    (row,) = [row for row in ran if "malloc(1, 1, 70000)" in row]
    assert row.split("MiB")[-1].split()[:8] == [
        "68.359", "KiB", "0", "B", "68.359", "KiB", "68.359", "KiB",
    ]  # fmt: skip


def test_without_the_option_nothing_is_counted_and_nothing_is_said(shop: HeapShop) -> None:
    source = "@profile\ndef work():\n    return 1\nwork()\n"
    assert "Allocated" not in shop.profile(source).out
    document = json.loads(shop.profile(source, "--json").out)
    names = ("allocated", "freed", "net", "heap_peak")
    rows = [row for function in document["functions"] for row in function["lines"]]
    assert [row[name] for row in rows for name in names] == [None] * 4 * len(rows)


def test_precision_holds_for_the_columns(shop: HeapShop) -> None:
    source = "from blocks import malloc, realloc, free\n" + BASIC
    out = shop.start(source, "--precision", "1").out
    assert " 68.4 KiB " in out and "68.35" not in out
    assert " 1000   B " in out


def test_the_page_has_the_columns_when_they_were_counted(shop: HeapShop) -> None:
    source = "from blocks import malloc, realloc, free\n" + BASIC
    page = shop.path / "page.html"
    shop.start(source, "--html", "page.html")
    text = page.read_text()
    for name in ("Allocated", "Freed", "Net", "Heap peak"):
        assert f">{name}</th>" in text
    assert "<td>68.359 KiB<" in text and '<td colspan="7"></td>' in text
    assert shop.profile("@profile\ndef f(): 1\nf()\n", "--html", "page.html").code == 0
    assert ">Allocated</th>" not in page.read_text()


def test_the_imported_decorator_counts_and_its_reports_are_on_no_line(
    shop: HeapShop,
) -> None:
    shop.write(
        "script.py",
        """
        from memory_profiler import profile
        from blocks import malloc, free

        @profile(heap=True)
        def inner():
            malloc(0, 0, 1000); free(0, 0)
            malloc(0, 0, 50)

        @profile(heap=True)
        def outer():
            inner()
            free(0, 0)

        outer()
        outer()
        inner, outer = profile.results["inner"].lines, profile.results["outer"].lines
        for line in (*inner.values(), *outer.values()):
            if line.memory and "@" not in line.source:
                print(">", line.allocated, line.freed, line.net, line.heap_peak)
    """,
    )
    run = shop.python("script.py", env=shop.env)
    assert (run.code, run.err) == (0, "") and run.out.count("Heap peak") == 4
    said = [
        tuple(map(int, row[1:].split())) for row in run.out.split("\n") if row[:1] == ">"
    ]
    assert said[0] == (1000, 1000, 0, 1000)
    assert said[1] == (50, 0, 50, 50)
    allocated, freed, net, peak = said[2]
    assert net == 50 and peak == 1000 + allocated - 1050
    assert allocated - 1050 == freed - 1000 < 200, "the wrapper's own objects"
    assert said[3] == (0, 50, -50, 0)


def test_a_line_profiler_counts_for_programs(blocks_at: Path) -> None:
    blocks = load_blocks(blocks_at)
    prof = LineProfiler(heap=True)

    @prof
    def work() -> None:
        blocks.malloc(0, 0, 1234)
        blocks.free(0, 0)

    work()
    first, last = [line for line in prof.results["work"].lines.values() if line.memory][-2:]
    assert (first.allocated, first.freed, first.net, first.heap_peak) == (
        1234,
        0,
        1234,
        1234,
    )
    assert (last.allocated, last.freed, last.net, last.heap_peak) == (0, 1234, -1234, 0)
    assert prof.results["work"].to_dict()["lines"][-1]["net"] == -1234
    plain = LineProfiler()
    plain(sorted_once)()
    (line,) = [line for line in plain.results["sorted_once"].lines.values() if line.memory]
    assert (line.allocated, line.freed, line.net, line.heap_peak) == (None,) * 4


def sorted_once() -> None: sorted([])  # fmt: skip  # noqa: E704


def test_a_tracker_of_the_program_works_beside_and_takes_turns(blocks_at: Path) -> None:
    """One capture at a time: the columns use the tracker's while it runs."""
    blocks = load_blocks(blocks_at)
    prof = LineProfiler(heap=True)
    trackers = []

    @prof
    def work() -> None:
        blocks.malloc(0, 0, 100)
        trackers[-1].start()
        blocks.malloc(0, 1, 7000)
        blocks.free(0, 1)
        trackers[-1].stop()
        blocks.malloc(0, 2, 300)
        blocks.free(0, 2)

    for _ in range(2):
        trackers.append(heap.track())
        work()
        blocks.free(0, 0)
    by_source = {line.source.strip(): line for line in prof.results["work"].lines.values()}
    assert by_source["blocks.malloc(0, 1, 7000)"].allocated == 2 * 7000
    assert by_source["blocks.free(0, 1)"].freed == 2 * 7000
    assert by_source["blocks.malloc(0, 2, 300)"].allocated == 2 * 300
    assert by_source["blocks.free(0, 2)"].freed == 2 * 300
    assert all(7000 <= tracker.peak < 9000 for tracker in trackers)
    with heap.track() as outer:
        work_in = LineProfiler(heap=True)(sorted_once)
        work_in()
        with pytest.raises(RuntimeError, match="heap tracking is on already"):
            heap.track().start()
        assert outer.live >= 0


def test_nothing_is_followed_any_more_when_nobody_wants_the_columns() -> None:
    prof = LineProfiler(heap=True)
    prof(sorted_once)()
    del prof
    gc.collect()
    with heap.track() as tracker:
        kept = bytes(5000)
    assert tracker.live >= 5000 and kept


def test_a_forked_child_counts_anew(shop: HeapShop) -> None:
    shop.write(
        "script.py",
        """
        import os
        from memory_profiler import profile
        from blocks import malloc, free

        @profile(heap=True, stream=open(os.devnull, "w"))
        def work():
            malloc(0, 0, 1000)
            free(0, 0)

        work()
        child = os.fork()
        work()
        lines = [line for line in profile.results["work"].lines.values() if line.memory]
        if child:
            os.waitpid(child, 0)
        print(*((line.allocated, line.freed) for line in lines[1:]), flush=True)
    """,
    )
    run = shop.python("script.py", env=shop.env)
    assert run.out == "(1000, 0) (0, 1000)\n" * 2 and run.err == ""


def test_tracemalloc_and_the_columns_refuse_each_other(shop: HeapShop) -> None:
    run = shop.profile("print('ran')", "--heap", "--backend", "tracemalloc")
    assert (run.code, run.out, len(run.err.splitlines())) == (2, "", 1)
    assert "--heap" in run.err and "tracemalloc" in run.err
    with pytest.raises(ValueError, match="tracemalloc"):
        LineProfiler(backend="tracemalloc", heap=True)


def test_a_backend_beside_keeps_the_columns_exact(shop: HeapShop) -> None:
    check_basic(shop.measure(BASIC, "--backend", "psutil_uss")["work"])
    check_basic(shop.measure(BASIC, "--include-children")["work"])


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
