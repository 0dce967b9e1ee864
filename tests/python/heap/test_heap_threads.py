"""Threads that never touch Python: charged to their names, and to the line that started them."""

from __future__ import annotations

import ctypes
import errno
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from heap_runs import figures, record
from memory_profiler import heap
from recordings import Recorder

SOURCE = Path(__file__).with_name("pool.c")
MIB = 1 << 20


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs find pool.so and eager.so."""
    into = tmp_path_factory.mktemp("pool")
    for name, options in (("pool.so", []), ("eager.so", ["-DEAGER"])):
        command = ["cc", "-O1", "-fno-builtin", "-shared", "-fPIC", "-pthread", *options]
        subprocess.run([*command, str(SOURCE), "-o", str(into / name)], check=True)
    return into


def threads(here: Recorder, place: Path, source: str) -> list[dict]:
    """The rows of threads, of a program that has the object as `pool`."""
    head = f"import ctypes; pool = ctypes.CDLL('{place}/pool.so')\n"
    done = record(here, head + source)
    assert done.code == 0, done.err
    return thread_rows(figures(here))


#: What the main thread has allocated while no Python code ran in it.
MAIN = f"[thread {Path(sys.executable).name}]"


def thread_rows(got: dict) -> list[dict]:
    """Of all but the main one, which nobody started."""
    rows = [row for row in got["lines"] if row["function"].startswith("[thread ")]
    return [row for row in rows if (row["file"], row["function"]) != ("", MAIN)]


def where(row: dict) -> tuple[str, int, str]:
    return Path(row["file"]).name, row["line"], row["function"]


def callers(row: dict) -> list[tuple[str, int, str]]:
    return [where(caller) for caller in row["callers"]]


STARTS = """\
def main():
    assert pool.start(3) == 0
main()
"""


def test_a_thread_is_charged_to_its_name_and_the_line_that_started_it(
    here: Recorder, place: Path
) -> None:
    (row,) = threads(here, place, STARTS)
    assert where(row) == ("program.py", 3, "[thread pool]")
    assert callers(row) == [("program.py", 3, "main"), ("program.py", 4, "<module>")]
    assert 3 * MIB <= row["live"] < 3 * MIB + 65536


def test_every_view_names_the_thread_and_the_line(here: Recorder, place: Path) -> None:
    threads(here, place, STARTS)
    report = here.mprof("report", "a.mprof").out
    assert "program.py:3 [thread pool]" in report
    assert "started by program.py:3 main, program.py:4 <module>" in report
    assert "program.py:3 [thread pool]" in here.mprof("table", "a.mprof").out
    assert ',3,"[thread pool]",' in here.mprof("table", "--csv", "a.mprof").out
    (line,) = [
        line
        for line in here.mprof("lines", "a.mprof", "program.py").out.splitlines()
        if "pool.start(3)" in line
    ]
    assert line.split()[:3] == ["3", "3.0", "MiB"]
    assert here.mprof("flamegraph", "-o", "a.html", "a.mprof").code == 0
    assert '["[thread pool]",3]' in (here.path / "a.html").read_text()


def test_a_thread_of_a_thread_has_both_and_the_line_that_started_the_first(
    here: Recorder, place: Path
) -> None:
    (row,) = threads(here, place, "pool.start_nested(2)\n")
    assert where(row) == ("program.py", 2, "[thread pool]")
    assert callers(row) == [
        ("program.py", 2, "[thread outer]"),
        ("program.py", 2, "<module>"),
    ]


def test_a_chain_of_threads_that_start_their_successors_is_one_stack(
    here: Recorder, place: Path
) -> None:
    (row,) = threads(here, place, "pool.start_chain(99)\n")
    assert (row["line"], row["stacks"], row["allocations"]) == (2, 1, 100)
    assert callers(row) == [("program.py", 2, "<module>")]


def test_threads_of_one_name_are_told_apart_by_their_lines(
    here: Recorder, place: Path
) -> None:
    rows = threads(here, place, "pool.start(1)\npool.start(5)\npool.start(1)\n")
    found = {row["line"]: row["live"] // MIB for row in rows}
    assert found == {2: 1, 3: 5, 4: 1}


def test_faults_49_the_smallest_stack_is_enough_for_a_thread(
    here: Recorder, place: Path
) -> None:
    (row,) = threads(here, place, "assert pool.start_on_a_small_stack(2) == 0\n")
    assert row["line"] == 2


def test_a_thread_that_cannot_be_started_fails_as_it_would(
    here: Recorder, place: Path
) -> None:
    rows = threads(here, place, f"""\
for _ in range(100):
    assert pool.start_on_no_processor() == {errno.EINVAL}
    assert pool.start_on_too_large_a_stack() == {errno.EAGAIN}
pool.start(1)
""")  # fmt: skip
    assert [row["line"] for row in rows] == [5]


def test_faults_42_a_thousand_threads_of_a_line_are_one_row_and_nothing_stays(
    here: Recorder, place: Path
) -> None:
    (row,) = threads(here, place, """\
def mapped():
    return sum(1 for line in open("/proc/self/maps"))
for _ in range(2):
    before = mapped()
    assert pool.start_many(1000) == 0
assert mapped() - before < 10
""")  # fmt: skip
    assert (row["line"], row["allocations"], row["live"]) == (6, 2000, 0)
    assert row["stacks"] == 1


def test_what_a_thread_allocates_as_it_ends_is_its_starters(
    here: Recorder, place: Path
) -> None:
    rows = threads(here, place, "pool.start_leaving(1)\npool.start_leaving(5)\n")
    assert {where(row)[1:]: row["live"] // MIB for row in rows} == {
        (2, "[thread leaving]"): 1,
        (3, "[thread leaving]"): 5,
    }


def test_a_thread_that_an_object_starts_as_it_is_loaded_is_the_imports(
    here: Recorder, place: Path
) -> None:
    (row,) = threads(here, place, f"""\
def load():
    return ctypes.CDLL("{place}/eager.so")
load().ask(4)
""")  # fmt: skip
    assert row["function"] == "[thread waiting]"
    assert callers(row)[-2:] == [("program.py", 3, "load"), ("program.py", 4, "<module>")]
    assert 4 * MIB <= row["live"] < 4 * MIB + 65536


def test_a_thread_that_an_import_starts_is_the_import_statements(
    here: Recorder, place: Path
) -> None:
    (row,) = threads(here, place, f"""\
import sys
sys.path.append("{place}")
try:
    import eager
except ImportError:
    ctypes.CDLL("{place}/eager.so").ask(4)
""")  # fmt: skip
    assert where(row) == ("program.py", 5, "[thread waiting]")
    assert callers(row) == [("program.py", 5, "<module>")]


def test_threads_from_before_a_recording_have_their_names_alone(
    here: Recorder, place: Path
) -> None:
    script = f"""\
import ctypes
from memory_profiler import heap
pool = ctypes.CDLL('{place}/pool.so')
def rows(t):
    return [(row.file, row.line, row.function, row.live >> 20)
            for row in t.top(10**6, "peak") if row.function.startswith("[thread")]
pool.start_waiting()
with heap.track(native=True) as t:
    pool.ask(2)
    pool.start_waiting()
print(rows(t))
with heap.track(native=True) as t:
    exec("bytes(5000)\\n" * 200)
    pool.ask(3)
    pool.start(1)
print(rows(t))
"""
    done = here.python(script)
    assert [line for line in done.out.splitlines() if "thread" in line] == [
        "[('', 0, '[thread waiting]', 2)]",
        f"[('', 0, '[thread waiting]', 3), ('{here.path}/program.py', 15, '[thread pool]', 1)]",
    ]


def test_a_thread_without_a_line_is_shown_by_its_name(here: Recorder, place: Path) -> None:
    script = f"""\
import ctypes
from memory_profiler import heap
pool = ctypes.CDLL('{place}/pool.so')
pool.start_waiting()
with heap.track("a.mprof", native=True) as t:
    pool.ask(2)
"""
    assert here.python(script).code == 0
    assert " 1  [thread waiting]\n" in here.mprof("report", "a.mprof").out
    assert "  [thread waiting]\n" in here.mprof("table", "a.mprof").out
    assert "(no Python code running)" in here.mprof("lines", "a.mprof").out


def test_faults_39_a_forked_child_and_its_threads(here: Recorder, place: Path) -> None:
    here.write("program.py", f"""\
import ctypes, os
pool = ctypes.CDLL('{place}/pool.so')
pool.start_waiting()
if pid := os.fork():
    pool.ask(1)
    assert os.waitpid(pid, 0)[1] == 0
else:
    assert pool.start(2) == 0
    assert pool.start_nested(3) == 0
""")  # fmt: skip
    done = here.mprof("heap", "-o", "a.mprof", "program.py")
    assert done.code == 0, done.err
    rows = [row for row in thread_rows(figures(here)) if row["file"]]
    assert {where(row)[1:]: row["live"] // MIB for row in rows} == {
        (3, "[thread waiting]"): 1,
        (8, "[thread pool]"): 2,
        (9, "[thread pool]"): 3,
    }


def test_threads_of_python_keep_their_own_stacks(here: Recorder, place: Path) -> None:
    source = """\
import threading
def work():
    kept.append(bytearray(5_000_000))
    pool.start(2)
kept = []
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    rows = threads(here, place, source)
    assert {len(row["callers"]) for row in rows if not row["file"]} <= {0}
    (row,) = [row for row in rows if row["file"]]
    assert callers(row)[:1] == [("program.py", 5, "work")]
    assert callers(row)[1][2] == "Thread.run"
    row = figures(here)["lines"][0]
    assert where(row) == ("program.py", 4, "work")
    assert [name for _, _, name in callers(row)] == [
        "Thread.run", "Thread._bootstrap_inner", "Thread._bootstrap"
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 5])
def test_what_python_allocates_behind_the_program_is_its_main_threads(
    here: Recorder, count: int
) -> None:
    """From 3.14 on it copies the list of exit functions, ours among them; no code runs then."""
    source = f"import atexit\nfor _ in range({count}):\n    atexit.register(lambda: None)\n"
    assert record(here, source).code == 0
    rows = [row for row in figures(here)["lines"] if row["function"] == MAIN]
    sizes = [(row["file"], row["allocations"], row["live"]) for row in rows]
    assert sizes == ([("", 1, 8 * (count + 1))] if sys.version_info >= (3, 14) else [])


def test_faults_61_recordings_come_and_go_while_threads_are_started(place: Path) -> None:
    pool = ctypes.CDLL(str(place / "pool.so"))
    failed: list[int] = []
    is_over = threading.Event()

    def start() -> None:
        while not is_over.is_set():
            failed.append(pool.start_many(20))

    starters = [threading.Thread(target=start) for _ in range(2)]
    [starter.start() for starter in starters]
    for _ in range(100):
        with heap.track(native=True) as tracker:
            pool.start_many(5)
        assert any(
            row.function.startswith("[thread ") for row in tracker.top(10**6, "churn")
        )
    is_over.set()
    [starter.join() for starter in starters]
    assert set(failed) == {0}


NUMPY = """\
import ctypes, glob, os
import numpy
def multiply():
    a = numpy.ones((1200, 1200))
    return a @ a
def start():
    set_threads(8)
path = os.path.dirname(numpy.__file__) + ".libs/libscipy_openblas64_*.so"
set_threads = ctypes.CDLL(glob.glob(path)[0]).scipy_openblas_set_num_threads64_
start()
multiply()
"""


def test_a_pool_of_openblas_is_the_lines_that_started_it(here: Recorder) -> None:
    numpy = pytest.importorskip("numpy")
    if not list(Path(f"{Path(numpy.__file__).parent}.libs").glob("libscipy_openblas64_*")):
        pytest.skip("numpy has no OpenBLAS of its own")
    assert record(here, NUMPY).code == 0
    got = figures(here)
    rows = thread_rows(got)
    assert {where(row)[:2] for row in rows} == {("program.py", 7)}
    assert callers(rows[0]) == [("program.py", 7, "start"), ("program.py", 10, "<module>")]
    assert sum(row["live"] for row in rows) > MIB
    assert got["reserved"] >= 64 * MIB  # two of 32 MiB for each thread, hardly used
