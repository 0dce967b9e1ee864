"""Decorated functions sent to other processes, by reference and by value: faults 73."""

from __future__ import annotations

import sys
from types import FunctionType

import pytest

from conftest import PURE, Run, Workshop, parse_tables

pytestmark = pytest.mark.one_version

IMPORT = "from memory_profiler import profile\n"
LINES = ("-m", "memory_profiler")
STAMPS = ("-m", "memory_profiler", "--timestamp")

FUNCTIONS = """
import asyncio, os, sys

@profile
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

class Loader:
    @profile
    def load(self, n):
        return fib(n) * 10
    @classmethod
    @profile
    def make(cls):
        return cls()
    @staticmethod
    @profile
    def fixed():
        return 4
    @property
    @profile
    def size(self):
        return 5

@profile
class Whole:
    def one(self, n):
        return n + 100

@profile
def steps(n):
    for i in range(n):
        yield i

@profile
async def later(n):
    return n + 7

def makes():
    @profile
    def inner(n):
        return n + 1000
    return inner

def all_of_them(n):
    own = [Loader.make().size, Loader.fixed(), Whole().one(n), Loader().load(n)]
    return own + [sum(steps(n)), asyncio.run(later(n)), makes()(n)]
"""
ANSWER = "[5, 4, 105, 50, 10, 12, 1005]"
#: of each function a line, and how often a call of all_of_them(5) completes it
COUNTS = {
    "return n if n < 2 else fib(n - 1) + fib(n - 2)": 15, "return fib(n) * 10": 1, "return cls()": 1, "return 4": 1,
    "return 5": 1, "return n + 100": 1, "yield i": 10, "return n + 7": 1, "return n + 1000": 1,
}  # fmt: skip


def counts_of(run: Run) -> dict[str, int]:
    """How often the lines of COUNTS completed, over all tables that were printed."""
    rows = [row for table in parse_tables(run.out) for row in table.rows.values()]
    return {
        text: sum(row.occurrences for row in rows if row.source.strip() == text)
        for text in COUNTS
    }


def run_program(
    shop: Workshop, words: tuple[str, ...], imported: bool, main: str, **options: object
) -> Run:
    shop.write("library.py", FUNCTIONS if not imported else IMPORT + FUNCTIONS)
    head = IMPORT if imported else ""
    shop.write("script.py", f"{head}{FUNCTIONS}\nif __name__ == '__main__':\n" + main)
    run = shop.python(*words, "script.py", timeout=100, **options)
    assert run.code == 0, run.err
    return run


def check(run: Run, words: tuple[str, ...], times: int) -> None:
    assert run.out.count(ANSWER) == times, run.out
    if words == STAMPS:
        assert "Filename" not in run.out
    else:
        assert counts_of(run) == {text: n * times for text, n in COUNTS.items()}


def find(pickler: str) -> None:
    """A function that no module has is sent by value."""
    module = pytest.importorskip(pickler)
    try:
        module.dumps(FunctionType(find.__code__, {"__name__": "nowhere"}))
    except AttributeError as problem:
        pytest.skip(f"{pickler} cannot send code of this Python: {problem}")


WAYS = pytest.mark.parametrize(
    ("words", "imported"),
    [((), True), (LINES, True), (LINES, False), (STAMPS, False), (STAMPS, True)],
)


@pytest.mark.parametrize("pickler", ["cloudpickle", "dill"])
@WAYS
def test_faults_73_functions_travel_by_value_within_a_process(
    shop, pickler, words, imported
) -> None:
    find(pickler)
    run = run_program(
        shop,
        words,
        imported,
        f"""
    import {pickler} as pickler
    send = lambda thing: pickler.loads(pickler.dumps(thing))
    print(send(all_of_them)(5))
    print(send(send(all_of_them))(5))
    assert send(Loader().load)(5) == 50 and send(fib)(5) == 5 and send(Loader)().size == 5
    os._exit(0) if not {bool(words)} else None
""",
    )
    assert run.out.count(ANSWER) == 2
    if LINES == words and not imported:
        expected = {text: n * 2 for text, n in COUNTS.items()}
        expected |= {
            "return n if n < 2 else fib(n - 1) + fib(n - 2)": 60,
            "return fib(n) * 10": 3,
            "return 5": 3,
        }
        assert counts_of(run) == expected


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
@pytest.mark.parametrize("pickler", ["cloudpickle", "dill"])
@WAYS
def test_faults_73_functions_sent_by_value_are_measured_in_workers(
    shop, method, pickler, words, imported
) -> None:
    find(pickler)
    shop.write(
        "helper.py", f"import {pickler} as p\ndef call(f, n):\n    return p.loads(f)(n)\n"
    )
    run = run_program(
        shop,
        words,
        imported,
        f"""
    import multiprocessing, helper, {pickler}
    from concurrent.futures import ProcessPoolExecutor
    sent = {pickler}.dumps(all_of_them)
    with ProcessPoolExecutor(2, multiprocessing.get_context({method!r})) as pool:
        answers = list(pool.map(helper.call, [sent] * 4, [5] * 4))
    for answer in answers:  # not into a table that a worker prints
        print(answer, flush=True)
""",
    )
    check(run, words, 4)


@pytest.mark.parametrize("library", [False, True])
@WAYS
def test_faults_73_joblib_measures_in_its_workers(shop, words, imported, library) -> None:
    """A module with a bare `profile` is imported in the workers, too."""
    pytest.importorskip("joblib")
    where = "from library import all_of_them" if library else "pass"
    run = run_program(
        shop,
        words,
        imported,
        f"""
    {where}
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor
    for answer in Parallel(2)(delayed(all_of_them)(5) for _ in range(4)):
        print(answer, flush=True)
    get_reusable_executor().shutdown(wait=True)
""",
    )
    check(run, words, 4)


def test_faults_73_a_worker_elsewhere_prints_what_the_run_cannot_have(shop) -> None:
    """The run has ended, or was on another machine."""
    pytest.importorskip("cloudpickle")
    run_program(
        shop,
        LINES,
        False,
        """
    import cloudpickle
    with open("sent", "wb") as file:
        cloudpickle.dump(fib, file)
""",
    )
    run = shop.python(
        "-c", "import pickle; print(pickle.load(open('sent', 'rb'))(1))", timeout=60
    )
    assert run.code == 0, run.err
    assert run.out.endswith("1\n") and len(parse_tables(run.out)) == 1


def test_faults_73_a_profiler_of_the_programs_own_travels(shop) -> None:
    pytest.importorskip("cloudpickle")
    shop.write(
        "script.py",
        """
        import cloudpickle, pickle
        from memory_profiler import LineProfiler, TimeStamper

        prof, stamps = LineProfiler(backend="tracemalloc"), TimeStamper()

        @prof
        def work(n):
            return n + len(prof.backend)

        @stamps
        def other(n):
            return n

        again = pickle.loads(pickle.dumps(prof))
        assert again.backend == "tracemalloc" and again is pickle.loads(pickle.dumps(prof))
        sent = cloudpickle.loads(cloudpickle.dumps((work, other)))
        assert sent[0](1) == 12 and sent[1](2) == 2
    """,
    )
    run = shop.python("script.py")
    assert (run.code, run.err) == (0, "")


def test_faults_73_a_stream_of_a_file_travels_by_its_name(shop) -> None:
    pytest.importorskip("cloudpickle")
    shop.write("helper.py", "import pickle\ndef call(f):\n    return pickle.loads(f)()\n")
    shop.write(
        "script.py",
        """
        import multiprocessing, cloudpickle, helper
        from memory_profiler import profile

        if __name__ == "__main__":
            log = open("lines.log", "w")

            @profile(stream=log)
            def work():
                return 7

            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.apply(helper.call, (cloudpickle.dumps(work),)))
    """,
    )
    run = shop.python("script.py")
    assert (run.code, run.err, run.out) == (0, "", "7\n")
    (table,) = parse_tables((shop.path / "lines.log").read_text())
    assert table.line("return 7").occurrences == 1


def test_faults_73_calls_of_workers_are_in_the_file_of_mprof_run(shop) -> None:
    if PURE:
        pytest.skip("the C core alone: mprof")
    pytest.importorskip("cloudpickle")
    from captures import MPROF

    shop.write(
        "helper.py", "import pickle\ndef call(f, n):\n    return pickle.loads(f)(n)\n"
    )
    shop.write(
        "script.py",
        FUNCTIONS
        + """
if __name__ == "__main__":
    import multiprocessing, cloudpickle, helper
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.starmap(helper.call, [(cloudpickle.dumps(all_of_them), 5)] * 4))
""",
    )
    words = [MPROF, "run", "-C", "-o", "x.dat", sys.executable, "script.py"]
    run = shop.python("-c", f"import subprocess; subprocess.run({words!r}, check=True)")
    assert run.code == 0, run.err
    assert run.out.count(ANSWER) == 4
    text = (shop.path / "x.dat").read_text()
    assert text.count("__main__.fib ") >= 60
