"""What live blocks are: objects by type, with what they keep in blocks of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from memory_profiler import heap

FREE_LIST = 100  # objects of a type that may lie in blocks that Python kept, or are kept
#: Not all that they keep is in sys.getsizeof(), or their blocks are rounded.
OTHER_SIZES = {
    "type": 60, "datetime.datetime": 10, "__main__.Plain": 64, "__main__.Data": 64,
    "__main__.OddPlain": 64, "__main__.Point": 10, "__main__.Meta": 60, "__main__.SubInt": 10,
    "__main__.SubDict": 24, "__main__.SubList": 24, "__main__.SubSet": 24, "__main__.SubStr": 24,
}  # fmt: skip


def run(text: str, *words: str, **options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", text, *words],
        text=True, capture_output=True, timeout=120, env=os.environ | options,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    return done.stdout


def test_objects_of_every_type_are_counted_with_all_they_keep() -> None:
    program = Path(__file__).with_name("every_type.py")
    done = subprocess.run(
        [sys.executable, program], text=True, capture_output=True, timeout=120
    )
    assert not done.returncode, done.stderr
    for name, got in json.loads(done.stdout).items():
        kept = FREE_LIST if got["made"] > FREE_LIST * 10 else 5
        assert abs(got["objects"] - got["made"]) <= kept, (name, got)
        other = OTHER_SIZES.get(name, 0) * got["made"]
        slack = got["sizes"] * kept / got["made"] + 10000
        assert abs(got["bytes"] - got["sizes"]) <= slack + other, (name, got)
        assert got["unknown"] < 60000, (name, got)  # tables of objects from before


class Node:
    def __init__(self, number: int) -> None:
        self.number = number
        self.peers = [number]


THOUSANDS = """
import json
from memory_profiler import heap
classes = [type(f"Class{i:04}", (), {"__slots__": ("kept",)}) for i in range(3000)]
with heap.track(types=False) as tracker:
    made = [made_of() for i, made_of in enumerate(classes) for _ in range(i % 3 + 1)]
    for one in made:
        one.kept = [one]
    rows = {row.type: row.objects for row in tracker.types()}
print(json.dumps([[rows.get(f"__main__.{one.__name__}") for one in classes], rows["list"]]))
"""


def test_each_of_thousands_of_classes_has_its_own_objects() -> None:
    of_class, lists = json.loads(run(THOUSANDS))
    assert of_class == [i % 3 + 1 for i in range(3000)]
    assert abs(lists - 6000) <= FREE_LIST


def test_the_types_of_a_line_are_at_their_line_and_sum_to_what_is_live() -> None:
    with heap.track(types=True) as tracker:
        nodes = [Node(i) for i in range(3000)]
        grown: list[int] = []
        for i in range(3000):
            grown.append(i)
    by_line = tracker.types(by="line")
    lists = [row for row in by_line if row.type == "list" and row.file == __file__]
    assert any(row.function == "Node.__init__" and row.objects > 2900 for row in lists)
    grew = [row for row in lists if row.function.endswith("live") and not row.objects]
    assert max(row.kept for row in grew) >= 3000 * 8, lists  # where it grew, not was made
    for rows in (by_line, tracker.types()):
        assert sum(row.bytes + row.kept for row in rows) == tracker.live
    name = f"{Node.__module__}.Node"
    found = {row.type: row.objects for row in tracker.types()}
    assert found[name] == len(nodes) and len(grown) == 3000


def test_types_are_asked_while_it_runs_and_counted_again_at_the_end() -> None:
    with heap.track(native=False, types=True) as tracker:
        kept = [bytearray(10) for _ in range(50)]
        then = {row.type: row.objects for row in tracker.types()}
        kept += [bytearray(10) for _ in range(50)]
    assert then["bytearray"] == 50
    assert {row.type: row.objects for row in tracker.types()}["bytearray"] == 100


def test_types_that_nobody_counted_are_an_error_that_says_what_to_do() -> None:
    with heap.track(types=False) as tracker:
        pass
    with pytest.raises(RuntimeError, match=r"use track\(types=True\)"):
        tracker.types()
    with pytest.raises(ValueError, match="'type' or 'line'"):
        tracker.types(by="file")
    with pytest.raises(RuntimeError, match="not started"):
        heap.track().types()


def test_a_tracker_inside_another_counts_its_own() -> None:
    with heap.track(native=False) as around:
        before = [bytearray(10) for _ in range(300)]
        with heap.track() as inside:
            kept = [bytearray(10) for _ in range(70)]
            its = {row.type: row.objects for row in inside.types()}
            place = [row for row in inside.types("line") if row.type == "bytearray"]
        whole = {row.type: row.objects for row in around.types()}
        with pytest.raises(RuntimeError):
            inside.types()
    assert its["bytearray"] == len(kept) and whole["bytearray"] == len(before) + len(kept)
    assert [row.file for row in place] == [__file__]


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="3.14 and later show no one what was set aside"
)
def test_a_tracker_inside_another_keeps_its_types_where_it_is_asked() -> None:
    with heap.track(native=False) as around:
        before = [bytearray(10) for _ in range(300)]
        with heap.track(types=True) as inside:
            kept = [bytearray(10) for _ in range(70)]
        del kept
        more = [bytearray(10) for _ in range(5)]
        rows = {row.type: row for row in inside.types()}
        place = [row for row in inside.types("line") if row.type == "bytearray"]
    assert rows["bytearray"].objects == 70 and len(before) + len(more) == 305
    assert sum(row.bytes + row.kept for row in inside.types()) == inside.live
    assert [(row.file, row.objects) for row in place] == [(__file__, 70)]
    assert around.live > inside.live


def test_what_a_frozen_list_from_before_grows_by_is_the_lists() -> None:
    found = run("""
import gc
from memory_profiler import heap
grown = []
gc.collect(); gc.freeze()
with heap.track(native=False) as tracker:
    for i in range(100_000):
        grown.append(None)
    print(max(row.kept for row in tracker.types() if row.type == 'list'))
""")
    assert int(found) >= 100_000 * 8


def test_a_class_that_is_gone_and_one_that_was_made_again() -> None:
    with heap.track(native=False, types=True) as tracker:
        kept: list[object] = []
        for _ in range(3):
            again = type("Again", (), {"__slots__": ("a",), "__module__": "work"})
            kept += [again() for _ in range(100)]
        gone = type("Gone", (), {})
        del gone
    rows = {row.type: row for row in tracker.types()}
    assert rows["work.Again"].objects == len(kept)


def test_memory_of_c_libraries_has_rows_of_its_own() -> None:
    text = """
import ctypes, json, mmap
from memory_profiler import heap
with heap.track(types=True) as tracker:
    if not tracker.native: raise SystemExit(print("{}"))
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    held = [libc.malloc(3_000_000) for _ in range(3)]
    area = mmap.mmap(-1, 5_000_000)
print(json.dumps({row.type: row.bytes for row in tracker.types()}))
"""
    rows = json.loads(run(text))
    if rows:
        assert 9_000_000 <= rows["(malloc)"] < 10_000_000
        assert 5_000_000 <= rows["(mmap)"] < 6_000_000


def test_arrays_have_their_data_and_views_of_them_have_none() -> None:
    pytest.importorskip("numpy")
    text = """
import json, numpy
from memory_profiler import heap
with heap.track(types=True) as tracker:
    arrays = [numpy.ones(1000 * i) for i in range(1, 40)]
    views = [array[1:] for array in arrays for _ in range(10)]
    native = tracker.native
row = {row.type: row for row in tracker.types()}["numpy.ndarray"]
print(json.dumps([native, row.objects, row.kept, sum(a.nbytes for a in arrays)]))
"""
    native, objects, kept, data = json.loads(run(text))
    assert objects == 39 * 11
    assert not native or data <= kept <= data * 1.01 + 20000


def test_sampled_figures_are_estimates_of_the_same_types() -> None:
    text = """
import json
from memory_profiler import heap
with heap.track(native=False, sample=4096, types=True) as tracker:
    kept = [b"%d" % i * 200 for i in range(20000)]
rows = {row.type: row for row in tracker.types()}
size = sum(map(__import__("sys").getsizeof, kept))
print(json.dumps([rows["bytes"].bytes / size, tracker.live, sum(r.bytes + r.kept for r in rows.values())]))
"""
    share, live, all_types = json.loads(run(text))
    assert abs(all_types - live) < 100  # rounded once each
    assert 0.9 < share < 1.1


def test_counting_while_others_allocate_and_free() -> None:
    """Threads that make objects, and a thread of C's own that runs no Python code."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            made = [{i: [i]} for i in range(500)]
            made.clear()

    with heap.track(types=True) as tracker:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        kept = [bytearray(10) for _ in range(200)]
        counts = [{r.type: r.objects for r in tracker.types()} for _ in range(30)]
        stop.set()
        for thread in threads:
            thread.join()
    assert all(count["bytearray"] == len(kept) for count in counts)


PROGRAM = """
class Node:
    def __init__(self, number):
        self.number = number
        self.peers = [number]

def fill(count):
    for number in range(count):
        cache[f"user:{number}"] = Node(number)

cache = {}
fill(3000)
"""


def mprof(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "mprof", *map(str, words)],
        cwd=cwd, text=True, capture_output=True, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("types")
    (folder / "p.py").write_text(PROGRAM)
    done = mprof("heap", "-o", "a.mprof", "p.py", cwd=folder)
    assert not done.returncode, done.stderr
    return folder


def test_a_table_by_type_says_what_is_live_at_the_end(recorded: Path) -> None:
    table = json.loads(mprof("table", "--by", "type", "--json", cwd=recorded).stdout)
    rows = {row["type"]: row for row in table["rows"]}
    assert rows["__main__.Node"]["objects"] == 3000
    # The empty dict may be in a block from before: its table is a dict's nevertheless.
    assert rows["dict"]["kept_bytes"] > 3000 * 24
    report = json.loads(mprof("report", "--json", cwd=recorded).stdout)
    everything = table["all"]["bytes"] + table["all"]["kept_bytes"]
    assert everything == report["live"]
    assert everything == sum(row["bytes"] + row["kept_bytes"] for row in table["rows"])


def test_a_table_by_line_and_type_in_three_forms(recorded: Path) -> None:
    by_line = "table", "--by", "line,type"
    rows = json.loads(mprof(*by_line, "--json", cwd=recorded).stdout)["rows"]
    nodes = [row for row in rows if row["type"] == "__main__.Node"]
    assert [(row["line"], row["function"], row["objects"]) for row in nodes] == [
        (9, "fill", 3000)
    ]
    text = mprof(*by_line, cwd=recorded).stdout
    assert text.splitlines()[0].split() == [
        "live", "objects", "each", "beside", "type", "where",
    ]  # fmt: skip
    assert [line.split()[-2:] for line in text.splitlines() if ".Node " in line] == [
        ["p.py:9", "fill"]
    ]
    csv = mprof(*by_line, "--csv", cwd=recorded).stdout.splitlines()
    assert csv[0] == "type,file,line,function,objects,bytes,kept_blocks,kept_bytes"
    assert len(csv) == len(rows) + 1
    one = mprof(*by_line, "-n", "1", cwd=recorded).stdout
    assert f"({len(rows) - 1} more)" in one and len(one.splitlines()) == 5


def test_a_report_has_the_types_beneath_the_lines_that_are_live(recorded: Path) -> None:
    text = mprof("report", cwd=recorded).stdout.partition("Still live")[2]
    assert "is 3,000 __main__.Node (" in text and "p.py:9 fill" in text
    lines = json.loads(mprof("report", "--json", cwd=recorded).stdout)["lines"]
    types = {
        kind["type"]: kind["objects"]
        for line in lines
        if line["line"] == 9 and line["function"] == "fill"
        for kind in line["types"]
    }
    assert types["__main__.Node"] == 3000


def test_a_capture_without_types_says_how_to_have_them(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(PROGRAM)
    mprof("heap", "--no-types", "-o", "a.mprof", "p.py", cwd=tmp_path)
    done = mprof("table", "--by", "type", "a.mprof", cwd=tmp_path)
    assert done.returncode and "'mprof heap --types'" in done.stderr
    assert "\n" not in done.stderr.strip()
    report = json.loads(mprof("report", "--json", "a.mprof", cwd=tmp_path).stdout)
    assert all(line["types"] is None for line in report["lines"])
    mprof("heap", "--types", "-o", "b.mprof", "p.py", cwd=tmp_path)
    done = mprof("table", "--by", "type", "--sort", "live", "b.mprof", cwd=tmp_path)
    assert done.returncode == 2 and "--sort" in done.stderr


@pytest.mark.one_version
def test_a_capture_of_a_killed_program_names_the_way_to_its_types(tmp_path: Path) -> None:
    killed = (
        PROGRAM + "\nimport os\nfor _ in range(100_000): str(_)\nos.kill(os.getpid(), 9)\n"
    )
    (tmp_path / "p.py").write_text(killed)
    for words, way in ((["--types"], "'--at peak'"), ([], "'mprof heap --types'")):
        mprof("heap", *words, "-o", "a.mprof", "p.py", cwd=tmp_path)
        done = mprof("table", "--by", "type", "a.mprof", cwd=tmp_path)
        assert done.returncode and way in done.stderr and done.stderr.count("\n") == 1
        if words:
            at_peak = mprof(
                "table", "--by", "type", "--at", "peak", "a.mprof", cwd=tmp_path
            )
            assert "__main__.Node" in at_peak.stdout
        (tmp_path / "a.mprof").unlink()


def test_the_types_of_all_processes_of_a_run_are_summed(tmp_path: Path) -> None:
    text = PROGRAM + "import os, sys\nif os.fork():\n    os.wait()\nelse:\n    fill(2000)\n"
    text += "    keep = [Node(i) for i in range(500)]\n"
    (tmp_path / "p.py").write_text(text)
    done = mprof("heap", "-o", "a.mprof", "p.py", cwd=tmp_path)
    assert not done.returncode, done.stderr
    table = json.loads(mprof("table", "--by", "type", "--json", cwd=tmp_path).stdout)
    rows = {row["type"]: row for row in table["rows"]}
    assert rows["__main__.Node"]["objects"] == 3000 + 2000 + 500
    assert table["processes_without"] == 0
    assert len([row for row in table["rows"] if row["type"] == "str"]) == 1


#: Moments are sure where there are marks.
LEAKS = (
    PROGRAM
    + """
from memory_profiler import heap

def remember(count):
    for number in range(count):
        seen[number, len(seen)] = Node(number)

seen = {}
for step in range(20):
    remember(500)
    heap.mark(f"step {step}")
"""
)


def test_leaks_say_what_the_lines_that_keep_growing_hold(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(LEAKS)
    mprof("heap", "-o", "a.mprof", "p.py", cwd=tmp_path)
    leaks = json.loads(mprof("leaks", "--since", "step 2", "--json", cwd=tmp_path).stdout)
    at = {leak["line"]: leak for leak in leaks["leaks"]}
    line = LEAKS[: LEAKS.index("seen[number")].count("\n") + 1
    its = {row["type"]: row["objects"] for row in at[line]["types"]}
    assert its["__main__.Node"] == 20 * 500  # not the 3000 of fill()
    assert its["tuple"] >= 20 * 500 - FREE_LIST
    growing = {row["type"]: row for row in leaks["types"]}
    assert growing["__main__.Node"]["objects"] == 20 * 500
    assert (
        growing["list"]["objects"] >= 20 * 500
    )  # at another line, which also led to fill()'s
    text = mprof("leaks", "--since", "step 2", "--by", "type", cwd=tmp_path).stdout
    assert "is 10,000 " in text
    assert ["10,000", "__main__.Node"] in [row.split()[-2:] for row in text.splitlines()]
    mprof("heap", "--no-types", "-o", "b.mprof", "p.py", cwd=tmp_path)
    done = mprof("leaks", "--by", "type", "b.mprof", cwd=tmp_path)
    assert done.returncode and "'mprof heap --types'" in done.stderr


def test_a_difference_by_type_is_that_of_what_is_live(recorded: Path) -> None:
    more = PROGRAM.replace("fill(3000)", "fill(4000); extra = [Node(0) for _ in range(9)]")
    (recorded / "more.py").write_text(more + "\nclass New: pass\nnew = New()\n")
    mprof("heap", "-o", "more.mprof", "more.py", cwd=recorded)
    both = "diff", "--by", "type", "a.mprof", "more.mprof"
    found = json.loads(mprof(*both, "--json", cwd=recorded).stdout)
    assert (found["by"], found["measure"]) == ("type", "live")
    rows = {(row["is"] or row["was"])["type"]: row for row in found["rows"]}
    node, new = rows["__main__.Node"], rows["__main__.New"]
    assert (node["blocks_before"], node["blocks_after"]) == (3000, 4009)
    assert (new["status"], new["was"], new["kind"]) == ("new", None, "type")
    for side in ("before", "after"):
        assert sum(row[side] for row in rows.values()) == found["all"][side]
    text = mprof(*both, cwd=recorded).stdout
    assert "__main__.New (new)" in text or "more)" in text
    done = mprof(*both, "--measure", "peak", cwd=recorded)
    assert done.returncode == 2 and "--measure peak" in done.stderr


HOOKS_TAKEN_OFF = """
import gc, sys, tracemalloc
from memory_profiler import heap

tracemalloc.start()
with heap.track(types=True, sample=int(sys.argv[1])) as t:
    kept = [(n, str(n), {n: n}, bytearray(n % 3000)) for n in range(200_000)]
    assert t.types()
    tracemalloc.stop()  # puts back what it found
    del kept
    gc.collect()
    for ask in (t.types, lambda: heap.holders(__file__ + ":7")):
        try:
            ask()
        except RuntimeError as problem:
            print(problem)
"""


@pytest.mark.parametrize("sample", ["0", "1000", "65536"])
def test_blocks_whose_ends_were_not_seen_are_not_looked_at(
    tmp_path: Path, sample: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(HOOKS_TAKEN_OFF)
    done = subprocess.run(
        [sys.executable, str(program), sample], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = (
        "another tool took the recorder's hooks off: which blocks are live is not known\n"
    )
    assert done.stdout == 2 * said
