"""A tracker inside a program that is recorded, or inside another tracker, tells of its block alone."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from heap_captures import Capture, Node
from heap_runs import figures, own_lines
from memory_profiler import heap
from recordings import Done, Recorder

WAYS = ["heap", "heap --no-native", "heap -m", "track"]
OUTER = """
import runpy
from memory_profiler import heap
with heap.track("a.mprof"):
    runpy.run_path("program.py", run_name="__main__")
"""
HEAD = "import os, sys, threading\nfrom blocks import *\nfrom memory_profiler import heap\n"


class Place(Recorder):
    """Where programs can import `blocks`."""

    def __init__(self, path: Path, blocks: Path) -> None:
        super().__init__(path)
        self.env = {"PYTHONPATH": str(blocks)}

    def go(self, way: str, source: str) -> Done:
        """Runs a program recorded into a.mprof: by mprof heap, or inside a tracker."""
        self.write("program.py", HEAD + source)
        self.write("outer.py", OUTER)
        if way == "track":
            words = ["run", "-o", "a.dat", sys.executable, "outer.py"]
        elif way == "heap -m":
            words = ["heap", "-o", "a.mprof", "-m", "program"]
        else:
            words = [*way.split(), "-o", "a.mprof", "program.py"]
        done = self.mprof(*words, env=self.env)
        unfollowed = "mprof: the heap of 1 forked child was not recorded"
        said = [line for line in own_lines(done.err) if line != unfollowed]
        assert (done.code, said) == (0, []), done.err
        return done


@pytest.fixture
def place(tmp_path: Path, blocks_at: Path) -> Place:
    return Place(tmp_path, blocks_at)


def read(place: Recorder, name: str) -> Capture:
    """A capture that is whole: its stacks' sums are its totals."""
    capture = Capture(place.path / name)
    nodes = capture.nodes
    assert capture.clean == 1
    assert sum(node.live for node in nodes) == capture.live
    assert sum(node.at_peak for node in nodes) == capture.peak
    assert sum(node.total for node in nodes) == capture.total
    assert sum(node.blocks for node in nodes) == capture.blocks
    assert sum(node.temporary for node in nodes) == capture.temporary
    if not capture.sample:
        assert sum(node.live_blocks for node in nodes) == capture.live_blocks
    return capture


def of(capture: Capture, function: str) -> tuple[int, int, int]:
    """Bytes live, at the peak, in total."""
    nodes: list[Node] = capture.named(function)
    return (
        sum(node.live for node in nodes),
        sum(node.at_peak for node in nodes),
        sum(node.total for node in nodes),
    )


BORDERS = """
def before():
    malloc(0, 0, 10000); malloc(1, 1, 20000)
def held():
    malloc(0, 2, 3000)
def moved():
    realloc(1, 1, 70000)
def high():
    malloc(0, 3, 500000); free(0, 3)
def after():
    malloc(0, 4, 600000); free(0, 4); malloc(0, 5, 4000)
before()
held()
free(0, 2)
with heap.track("inner.mprof") as t:
    free(0, 0)
    held()
    moved()
    high()
    assert t.top(1)[0].function == "high", t.top(3)
    assert t.peak - 573000 in range(9999) and t.live - 73000 in range(9999), t.live
live, peak = t.live, t.peak
free(0, 2)
after()
assert (t.live, t.peak) == (live, peak)
"""


@pytest.mark.parametrize("way", WAYS)
def test_faults_80_each_has_the_blocks_of_its_own_stretch_to_the_byte(
    place: Place, way: str
) -> None:
    place.go(way, BORDERS)
    inner, outer = read(place, "inner.mprof"), read(place, "a.mprof")
    assert of(inner, "before") == of(inner, "after") == (0, 0, 0)
    assert of(inner, "held") == (3000, 3000, 3000)
    assert of(inner, "moved") == (70000, 70000, 70000)
    assert of(inner, "high") == (0, 500000, 500000)
    assert of(outer, "before") == (0, 0, 30000)
    assert of(outer, "held") == (0, 0, 6000)
    assert of(outer, "moved") == (70000, 70000, 70000)
    assert of(outer, "high") == (0, 0, 500000)
    assert of(outer, "after") == (4000, 600000, 604000)


def test_views_show_no_frame_where_it_began(place: Place) -> None:
    place.go("heap", BORDERS)
    for name in ("a.mprof", "inner.mprof"):
        got = figures(place, name)
        (held,) = [row for row in got["lines"] if row["function"] == "held"]
        (moved,) = [row for row in got["lines"] if row["function"] == "moved"]
        assert [frame["function"] for frame in moved["callers"]] == ["<module>"]
        assert held["live"] == (0 if name == "a.mprof" else 3000)
        assert all(row["function"] for row in got["lines"]), got["lines"]
        done = place.mprof("flamegraph", "-o", f"{name}.html", name)
        assert done.code == 0, done.err


SAMPLED = """
def held():
    malloc(0, 2, 40000000)
def high():
    malloc(0, 3, 90000000); free(0, 3)
with heap.track("inner.mprof") as t:
    held(); high()
    kept = [bytes(100) for _ in range(100000)]
assert not kept or t.top(3)
kept = None
"""


def test_the_inner_one_is_sampled_as_the_outer(place: Place) -> None:
    place.go("heap --sample 4096", SAMPLED)
    inner, outer = read(place, "inner.mprof"), read(place, "a.mprof")
    assert inner.sample == outer.sample == 4096
    assert of(inner, "held") == (40_000_000,) * 3 == of(outer, "held")
    assert of(inner, "high") == (0, 90_000_000, 90_000_000)
    assert abs(inner.live - 40_000_000 - 13_300_000) < 2_000_000
    assert abs(outer.live - 40_000_000) < 2_000_000


THREADS = """
go, done = threading.Event(), threading.Event()
def early(): malloc(0, 10, 1000)
def during(): malloc(0, 11, 2000)
def late(): malloc(0, 12, 4000)
def work():
    early()
    begun.set()
    go.wait()
    during()
    free(0, 10)
    done.set()
    end.wait()
    free(0, 11)
    late()
begun, end = threading.Event(), threading.Event()
thread = threading.Thread(target=work)
thread.start()
begun.wait()
with heap.track("inner.mprof") as t:
    go.set()
    done.wait()
    threads(3, 1000)
end.set()
thread.join()
"""


@pytest.mark.parametrize("way", WAYS)
def test_threads_that_run_across_its_borders_are_in_it(place: Place, way: str) -> None:
    place.go(way, THREADS)
    inner, outer = read(place, "inner.mprof"), read(place, "a.mprof")
    assert of(inner, "early") == of(inner, "late") == (0, 0, 0)
    assert (of(inner, "during")[0], of(inner, "during")[2]) == (2000, 2000)
    assert (of(outer, "early")[0], of(outer, "early")[2]) == (0, 1000)
    assert (of(outer, "during")[0], of(outer, "during")[2]) == (0, 2000)
    assert (of(outer, "late")[0], of(outer, "late")[2]) == (4000, 4000)
    churned = sum(100 + i % 7 + 200 for i in range(1000)) + 1000
    for capture in (inner, outer):
        names = [code.name for code in capture.codes if code.name.startswith("[thread")]
        if way != "heap --no-native":  # who created them is seen by the native hooks alone
            assert names, capture.codes
        total = sum(
            node.total
            for node in capture.nodes
            if capture.codes[node.code].name in names and node.total >= churned
        )
        assert total % churned == 0 and total


STEPS = """
import ctypes
lib = ctypes.CDLL("./steps.so")
with heap.track("1.mprof"):
    lib.begin()
    lib.step()
    with heap.track("2.mprof"):
        lib.step()
        with heap.track("3.mprof"):
            lib.step()
        lib.step()
    lib.step()
"""


def test_a_thread_without_python_code_is_in_each_that_is_open(place: Place) -> None:
    source = Path(__file__).with_name("steps.c")
    command = [
        "cc",
        "-O1",
        "-fno-builtin",
        "-shared",
        "-fPIC",
        "-pthread",
        "-o",
        "steps.so",
    ]
    subprocess.run([*command, source], cwd=place.path, check=True)
    place.go("heap", STEPS)
    sums = []
    for name in ("1.mprof", "2.mprof", "3.mprof", "a.mprof"):
        capture = read(place, name)
        sums.append(sum(node.live for node in capture.nodes if node.live >= 1_000_000))
    assert sums == [6_000_000, 3_600_000, 1_200_000, 6_000_000]


IN_EACH_OTHER = """
def a(): malloc(0, 1, 1000)
def b(): malloc(0, 2, 2000)
def c(): malloc(0, 3, 4000)
def d(): malloc(0, 4, 8000)
first, second, third = map(heap.track, ("1.mprof", "2.mprof", "3.mprof"))
first.start(); a()
second.start(); b(); {one}.stop(); c(); {other}.stop()
third.start(); d(); free(0, 2); third.stop()
"""


@pytest.mark.parametrize("way", ["heap", "track"])
@pytest.mark.parametrize("one, other", [("first", "second"), ("second", "first")])
def test_they_lie_in_each_other_and_end_in_any_order(
    place: Place, way: str, one: str, other: str
) -> None:
    place.go(way, IN_EACH_OTHER.format(one=one, other=other))
    got = {
        n: [of(read(place, f"{n}.mprof"), function)[0] for function in "abcd"]
        for n in "123a"
    }
    late = 4000
    assert got == {
        "1": [1000, 2000, late if one == "second" else 0, 0],
        "2": [0, 2000, late if one == "first" else 0, 0],
        "3": [0, 0, 0, 8000],
        "a": [1000, 0, 4000, 8000],
    }


UNENDED = """
def held(): malloc(0, 2, 3000)
t = heap.track("inner.mprof")
t.start()
held()
{end}
"""
ENDS = ["pass", "sys.exit()", "os._exit(0)", "del t"]


@pytest.mark.parametrize("way", ["heap", "track"])
@pytest.mark.parametrize("end", ENDS)
def test_one_that_is_never_stopped_ends_with_the_outer(
    place: Place, way: str, end: str
) -> None:
    if (way, end) == ("track", "os._exit(0)"):
        pytest.skip("nothing of a tracker runs at os._exit")
    place.go(way, UNENDED.format(end=end))
    assert of(read(place, "inner.mprof"), "held") == (3000, 3000, 3000)
    live, _, total = of(read(place, "a.mprof"), "held")
    assert (live, total) == (3000, 3000)


def test_an_inner_one_may_be_stopped_behind_the_outer() -> None:
    outer, inner = heap.track(), heap.track()
    outer.start()
    inner.start()
    kept = bytes(50_000)
    outer.stop()
    live = inner.live
    more = bytes(60_000)
    assert live == inner.live and 50_000 < live < 60_000
    inner.stop()
    with pytest.raises(RuntimeError, match="not running"):
        inner.stop()
    assert inner.live == live and inner.top(1)[0].live > 50_000
    with heap.track() as alone:
        again = bytes(70_000)
    assert 70_000 < alone.live < 80_000
    assert kept and more and again


FORKS = """
def held(): malloc(0, 2, 3000)
def forked(): malloc(0, 3, 7000)
def own(): malloc(0, 4, 9000)
with heap.track("inner.mprof") as t:
    held()
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
    else:
        forked()
        with heap.track("own.mprof"):
            own()
        t.peak, t.top()
if not pid:
    t.peak, t.top()
    os._exit(0)
"""


@pytest.mark.parametrize("way", ["heap", "heap --no-follow", "track"])
def test_a_child_that_is_forked_in_it_has_its_own_figures(place: Place, way: str) -> None:
    place.go(way, FORKS)
    inner, own = read(place, "inner.mprof"), read(place, "own.mprof")
    assert (of(inner, "held")[0], of(inner, "forked")[2]) == (3000, 0)
    assert (of(own, "held")[2], of(own, "forked")[2], of(own, "own")[2]) == (0, 0, 9000)
    assert of(read(place, "a.mprof"), "held")[0] == 3000
    children = list(place.path.glob("a.mprof.*"))
    assert len(children) == (way == "heap")
    for child in children:
        capture = read(place, child.name)
        assert (of(capture, "forked")[0], of(capture, "own")[0]) == (7000, 9000)


def test_native_memory_is_had_where_the_outer_one_has_it() -> None:
    with heap.track(native=False) as outer:
        with pytest.raises(OSError, match="not supported"):
            heap.track(native=True).start()
        with heap.track() as inner:
            assert not inner.native
        assert not outer.native
    with heap.track(native=True):
        with heap.track(native=False) as python, heap.track(native=True) as both:
            kept = mmap.mmap(-1, 1 << 24, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            for _ in range(1 << 8):
                kept.write(bytes(1 << 16))
        assert not python.native and both.native
        assert python.peak < 1 << 20 <= 1 << 24 <= both.peak
        kept.close()
    assert both.live >= 1 << 24


def test_a_file_that_exists_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.write_text("mine")
    with heap.track() as outer:
        with pytest.raises(FileExistsError):
            heap.track(path).start()
        with heap.track() as inner:
            kept = bytes(5000)
    assert path.read_text() == "mine" and kept
    assert inner.live >= 5000 <= outer.live


DEEP = """
import itertools
def leaf(n): malloc(0, 2, 3000); free(0, 2)
def down(n, call):
    return down(n - 1, call) if n else call()
def work():
    kept = [[object(), i] for i in range(300)]
    down(50, lambda: leaf(1))
def inner():
    work()
    for n in range(20):
        with heap.track(f"{n}.mprof" if n == 19 else None) as t:
            work()
            work()
        assert t.peak < 200000
    work()
sys.setrecursionlimit(5000)
down(900, inner)
"""


def test_deep_calls_keep_their_stacks_across_borders(place: Place) -> None:
    place.go("heap", DEEP)
    inner, outer = read(place, "19.mprof"), read(place, "a.mprof")
    assert of(inner, "leaf")[2] == 2 * 3000
    assert of(outer, "leaf")[2] == 42 * 3000

    def downs(capture: Capture) -> set[int]:
        return {
            sum(name == "down" for name, _ in capture.stack(number))
            for number, node in enumerate(capture.nodes)
            if node.total and capture.codes[node.code].name == "leaf"
        }

    assert downs(inner) == downs(outer) == {901 + 51}


FULL = """
def held(n): return bytes(1000 + n % 7)
def fan(n, depth):
    return fan(n // 2, depth - 1) if n % 2 and depth else fans(n // 2, depth - 1) if depth else held(n)
def fans(n, depth):
    return fan(n // 2, depth - 1) if n % 2 and depth else fans(n // 2, depth - 1) if depth else held(n)
for _ in range(3):
    with heap.track("inner.mprof" if _ == 2 else None) as t:
        kept = [fan(n, 15) for n in range(1 << 15)]
"""


def test_where_the_outer_is_full_the_inner_says_so(place: Place) -> None:
    place.go("heap --max-file 1M", FULL)
    inner, outer = read(place, "inner.mprof"), read(place, "a.mprof")
    assert 0 < inner.shortened <= outer.shortened
    assert of(inner, "held")[0] == of(outer, "held")[0] >= (1000 << 15)


MANY = """
def held(n): return bytes(1000)
def fan(n, depth):
    return fan(n // 2, depth - 1) if n % 2 and depth else fans(n // 2, depth - 1) if depth else held(n)
def fans(n, depth):
    return fan(n // 2, depth - 1) if n % 2 and depth else fans(n // 2, depth - 1) if depth else held(n)
def last(n):
    return last(n - 1) if n else bytearray(123456)
for _ in range(60):
    with heap.track("inner.mprof" if _ == 59 else None) as t:
        kept = [fan(n, 8) for n in range(1 << 8)]
kept = last(100)
"""


def test_many_inner_ones_leave_the_outer_its_room(place: Place) -> None:
    place.go("heap --max-file 1M", MANY)
    inner, outer = read(place, "inner.mprof"), read(place, "a.mprof")
    assert inner.shortened and not inner.misplaced and not outer.misplaced
    assert of(inner, "held")[0] == 256 * 1033
    assert of(outer, "held")[2] == 60 * 256 * 1033
    depths = {
        len(outer.stack(number))
        for number, node in enumerate(outer.nodes)
        if outer.codes[node.code].name == "last" and node.live > 100000
    }
    assert len(depths) == 1 and depths.pop() > 100


USAGE = """
from memory_profiler import memory_usage
def work():
    return len(bytearray(30 << 20))
if __name__ == "__main__":
    usage, size = memory_usage((work, (), {}), retval=True, interval=0.01, max_usage=True)
    assert size == 30 << 20 and usage > 30, usage
    print("worked")
"""


@pytest.mark.parametrize(
    "way",
    ["heap", "heap --sample 4096", "heap -m", "track", "run", "run -m"],
)
def test_memory_usage_works_in_a_recorded_program(place: Place, way: str) -> None:
    if way.startswith("run"):
        place.write("program.py", USAGE)
        words = [sys.executable, *(["-m", "program"] if "-m" in way else ["program.py"])]
        done = place.mprof("run", "-o", "a.dat", *words)
        assert done.code == 0, done.err
    else:
        done = place.go(way, USAGE)
    assert "worked" in done.out
