"""What a capture has room for, and whose lines stay exact when that is not enough (faults 74)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from heap_captures import Capture
from heap_runs import figures, record, tree_of, whole
from memory_profiler import heap
from recordings import Recorder

pytestmark = pytest.mark.one_version

MIB = 1 << 20

LIBRARY = f"""{tree_of("kept.append(bytes(40))")}
def call(n, function):
    return call(n - 1, function) if n else function()
tree(DEPTH)  # as an import that calls much
"""

PROGRAM = """\
import sys
sys.path.insert(0, "site-packages")
import big
def mine():
    return bytearray(3 << 20)
big.tree(DEPTH)
kept = bytearray(95 << 20)
called = big.call(100, mine)
"""


def run_after_imports(here: Recorder, depth: int, *options: str) -> dict:
    package = here.path / "site-packages" / "big"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(LIBRARY.replace("DEPTH", str(depth)))
    here.write("program.py", PROGRAM.replace("DEPTH", str(depth)))
    done = here.mprof("heap", *options, "-o", "a.mprof", "program.py")
    assert done.code == 0, done.err
    return figures(here)


def held_on(got: dict, line: int) -> int:
    return sum(
        row["live"]
        for row in got["lines"]
        if row["file"].endswith("program.py") and row["line"] == line
    )


@pytest.mark.parametrize(
    "depth, options",
    [(19, []), (13, ["--max-file", "1M"]), (19, ["--sample", "64", "--max-file", "64M"])],
    ids=["usual", "small", "sampled"],
)
def test_faults_74_the_programs_lines_are_exact_after_any_imports(
    here: Recorder, depth: int, options: list[str]
) -> None:
    got = run_after_imports(here, depth, *options)
    assert got["shortened"] > 0 == got["misplaced"]
    assert 95 * MIB <= held_on(got, 7) < 95.1 * MIB
    assert 3 * MIB <= held_on(got, 5) < 3.1 * MIB  # called through frames without room
    assert whole(got, "live") == got["live"]
    assert got["own"]["live"] < MIB // 8  # a fallback is never a frame of ours
    capture = Capture(here.path / "a.mprof")
    (mine,) = (i for i, node in enumerate(capture.nodes)
               if capture.frame(node) == ("mine", 5) and node.live >= 3 * MIB)  # fmt: skip
    assert ("<module>", 8) in capture.stack(mine)


def test_faults_74_what_has_no_room_is_said_and_what_to_do(here: Recorder) -> None:
    got = run_after_imports(here, 13, "--max-file", "1M")
    said = here.mprof("report", "a.mprof").out
    assert (
        f"warning: {got['shortened']:,} blocks lack callers, or are charged to them: no "
        "room for more stacks in 1.0 MiB\n  lines of the program's own files are exact, "
        "those of libraries may not be; mprof heap --max-file 512M has more room\n"
    ) in said
    whole_file = run_again(here, "8M")
    assert whole_file["shortened"] == 0
    assert "warning" not in here.mprof("report", "b.mprof").out


def run_again(here: Recorder, size: str) -> dict:
    done = here.mprof("heap", "--max-file", size, "-o", "b.mprof", "program.py")
    assert done.code == 0, done.err
    return figures(here, "b.mprof")


def test_faults_74_imports_leave_half_of_the_room(here: Recorder) -> None:
    run_after_imports(here, 13, "--max-file", "1M")
    capture = Capture(here.path / "a.mprof")
    imported: set[int] = set()
    for number, node in enumerate(capture.nodes):
        if node.parent in imported or capture.codes[node.code].file.startswith(
            "<frozen imp"
        ):
            imported.add(number)
    assert 1000 < len(imported) <= 8 * 1024  # of 16 chunks of as many


def test_faults_74_stacks_that_fill_the_file_leave_room_for_lines(here: Recorder) -> None:
    """The program's own recursion fills it: its lines are exact, without callers."""
    source = f"""{tree_of("leaf()")}
def leaf():
    kept.append(bytes(967))
tree(15)
def last():
    kept.append(bytearray(1 << 20))
last()
"""
    here.write("program.py", source)
    done = here.mprof("heap", "--max-file", "1M", "-o", "a.mprof", "program.py")
    assert done.code == 0, done.err
    got = figures(here)
    assert got["shortened"] > 2**14 and got["misplaced"] == 0
    assert held_on(got, 11) >= 1000 << 15
    assert MIB <= held_on(got, 14) < 1.01 * MIB
    assert (here.path / "a.mprof").stat().st_size <= MIB


def functions(count: int) -> str:
    """A program of so many functions, each of which keeps what it allocates."""
    return f"""
def f(): return bytes(100)
def make(i):
    code = f.__code__.replace(co_name=f"f{{i}}", co_qualname=f"f{{i}}")
    return type(f)(code, globals())()
kept = [make(i) for i in range({count})]
"""


def test_faults_74_a_hundred_thousand_functions_keep_their_names(here: Recorder) -> None:
    """And a program that makes them in a loop is not searched for longer and longer."""
    source = functions(120_000)
    assert record(here, source).code == 0
    got = figures(here)
    names = {row["function"] for row in got["lines"]}
    assert names >= {f"f{i}" for i in range(120_000)} and "" not in names
    assert got["shortened"] == 0
    assert whole(got, "allocations") == got["allocations"]


def test_faults_74_functions_without_room_for_their_names_are_said(here: Recorder) -> None:
    source = functions(50_000)
    here.write("program.py", source)
    done = here.mprof("heap", "--max-file", "1M", "-o", "a.mprof", "program.py")
    assert done.code == 0, done.err
    got = figures(here)
    names = {row["function"] for row in got["lines"]}
    assert "f1000" in names and "f49999" not in names
    nameless = [row["total"] for row in got["lines"] if not row["function"]]
    assert nameless == ([8] if sys.version_info >= (3, 14) else []), (
        "Python's own at its end"
    )
    assert got["misplaced"] >= 50_000 - len(names)
    said = here.mprof("report", "a.mprof").out
    assert f"  {got['misplaced']:,} of them are not at the program's own lines" in said


def test_faults_74_a_module_of_120_000_lines_has_right_ones(here: Recorder) -> None:
    source = "x = [1, len('a'), 2]\n" * 119_998 + "\nkept = bytearray(5 << 20)\n"
    assert len(compile(source, "program.py", "exec").co_linetable) > MIB
    assert record(here, source, timeout=120).code == 0
    got = figures(here)
    assert 5 * MIB <= held_on(got, 120_000) < 5.1 * MIB
    assert got["shortened"] == 0


def test_a_function_with_an_empty_line_table_is_called_not_started(here: Recorder) -> None:
    source = """
def f():
    return bytearray(5 << 20)
f.__code__ = f.__code__.replace(co_linetable=b"")
kept = f()
"""
    assert record(here, source).code == 0
    said = here.mprof("report", "a.mprof").out
    assert "called by program.py:5" in said and "started by" not in said


def test_children_may_have_as_large_files_as_their_first(here: Recorder) -> None:
    here.write("program.py", "import subprocess, sys\n"
               "subprocess.run([sys.executable, '-c', 'pass'], check=True)\n")  # fmt: skip
    done = here.mprof("heap", "--max-file", "2M", "-o", "a.mprof", "program.py")
    assert done.code == 0, done.err
    captures = [Capture(path) for path in here.path.glob("a.mprof*")]
    assert [capture.most for capture in captures] == [2 * MIB, 2 * MIB]


@pytest.mark.parametrize("size", ["0", "1023K", "513M", "many", "-1"])
def test_a_size_that_no_file_can_have_is_refused(here: Recorder, size: str) -> None:
    here.write("program.py", "")
    done = here.mprof("heap", f"--max-file={size}", "program.py")
    assert (done.code, done.out) == (2, "")
    assert "not a number of bytes from 1M to 512M" in done.err


@pytest.mark.parametrize("size", [-1, 1, 2**20 - 1, 2**29 + 1])
def test_a_tracker_refuses_a_size_that_no_file_can_have(size: int) -> None:
    with pytest.raises(ValueError, match=re.escape(f"a file of {size} bytes cannot be")):
        heap.track(max_file=size)
    with pytest.raises(TypeError, match="max_file is a whole number of bytes"):
        heap.track(max_file="1M")


def test_few_addresses_are_left_to_the_program(tmp_path: Path) -> None:
    """Under a limit on the address space its tables take less than a quarter of it."""
    source = """
import resource, sys
from memory_profiler import heap
size = lambda: int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = 256 << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
before = size()
with heap.track(native=False):
    print(size() - before < limit / 3)
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True,
                          cwd=tmp_path, env={**os.environ}, timeout=60)  # fmt: skip
    assert (done.stdout, done.stderr) == ("True\n", "")
