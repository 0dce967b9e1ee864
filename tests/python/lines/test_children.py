"""Processes that the profiled program starts."""

from __future__ import annotations

import pytest

from conftest import MIB, Run, Workshop

METHODS = ["fork", "spawn", "forkserver"]
IMPORT = "from memory_profiler import profile"


def program(method: str, imported: bool, body: str, head: str = "") -> str:
    return f"""
{IMPORT if imported else ""}
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
{head}
@profile
def work(n):
    block = [n] * 1000
    return len(block) + n

class Loader:
    @profile
    def load(self, n):
        return work(n) * 2

def main():
    context = multiprocessing.get_context({method!r})
{body}

if __name__ == "__main__":
    main()
"""


def run_in(shop: Workshop, words: tuple[str, ...], source: str, **options: object) -> Run:
    (shop.path / "script.py").write_text(source)
    run = shop.python(*words, "script.py", **options)
    assert run.err == "", run.err
    assert run.code == 0
    return run


LINES = ("-m", "memory_profiler")
STAMPS = ("-m", "memory_profiler", "--timestamp")


def run_program(
    shop: Workshop,
    method: str,
    body: str,
    words: tuple[str, ...] = LINES,
    imported: bool = False,
    head: str = "",
) -> Run:
    """Runs a program whose main does what the body says, with a context of that method."""
    return run_in(shop, words, program(method, imported, body, head))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("words", [(), LINES, STAMPS])
@pytest.mark.parametrize("imported", [True, False])
def test_faults_40_decorated_functions_run_in_pools(shop, method, words, imported) -> None:
    if not words and not imported:
        pytest.skip("nothing puts profile into builtins")
    run = run_program(
        shop,
        method,
        """
    with context.Pool(2) as pool:
        print("pool", pool.map(work, range(5)))
        print("methods", pool.map(Loader().load, range(3)))
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        print("executor", list(pool.map(work, range(5))))
    process = context.Process(target=work, args=(1,))
    process.start()
    process.join()
    print("exit", process.exitcode)
""",
        words=words,
        imported=imported,
    )
    for said in (
        "pool [1000, 1001, 1002, 1003, 1004]\n",
        "methods [2000, 2002, 2004]\n",
        "executor [1000, 1001, 1002, 1003, 1004]\n",
        "exit 0\n",
    ):
        assert said in run.out
    assert "FUNC" not in run.out
    if words == STAMPS:
        assert "Filename" not in run.out
    elif words and not imported:  # one table, of all processes
        assert run.table("def work").line("block = [n]").occurrences == 14
        assert run.table("def load").line("return work(n)").occurrences == 3
    else:  # each process prints its own, at each call
        assert run.out.count("       block = [n] * 1000\n") == 14


@pytest.mark.parametrize("words", [(), LINES, STAMPS])
def test_decorated_functions_and_methods_can_be_pickled(shop, words) -> None:
    run_in(
        shop,
        words,
        """
from memory_profiler import profile
import copy, pickle

@profile
def work(n): return n + 1

@profile(precision=4)
def options(n): return n + 2

@profile
async def later(): pass

@profile
def steps(): yield

class Loader:
    @profile
    def load(self): return 3
    @classmethod
    @profile
    def make(cls): return cls()
    @staticmethod
    @profile
    def fixed(): return 4

@profile
class Whole:
    def load(self): return 5

for func in (work, options, later, steps, Loader.fixed):
    assert pickle.loads(pickle.dumps(func)) is func
    assert copy.deepcopy(func) is func
for bound in (Loader().load, Whole().load, Loader.fixed):
    assert pickle.loads(pickle.dumps(bound))() == bound()
assert isinstance(pickle.loads(pickle.dumps(Loader.make))(), Loader)
""",
    )


@pytest.mark.parametrize("method", METHODS)
def test_functions_of_another_module_know_profile_in_children(shop, method) -> None:
    shop.write(
        "library.py",
        """
        @profile
        def helper(n):
            return n * 3
    """,
    )
    run = run_program(
        shop,
        method,
        """
    from library import helper
    with context.Pool(2) as pool:
        print("pool", pool.map(helper, range(4)))
    print("here", helper(5))
""",
    )
    assert "pool [0, 3, 6, 9]" in run.out and "here 15" in run.out
    assert run.table("def helper").line("return n * 3").occurrences == 5


@pytest.mark.parametrize("method", METHODS)
def test_children_of_children_know_profile(shop, method) -> None:
    run = run_program(
        shop,
        method,
        """
    process = context.Process(target=middle)
    process.start()
    process.join()
    print("exit", process.exitcode)
""",
        head=f"""
def middle():
    process = multiprocessing.get_context({method!r}).Process(target=work, args=(1,))
    process.start()
    process.join()
    sys.exit(process.exitcode)
""",
    )
    assert "exit 0" in run.out


def test_faults_40_200_short_children_cost_the_parent_nothing(shop) -> None:
    run = run_program(
        shop,
        "fork",
        """
    import gc, os
    def cost():
        gc.collect()
        with open("/proc/self/statm") as file:
            return len(os.listdir("/proc/self/fd")), int(file.read().split()[1]) * 4096

    def turn():
        for n in range(100):
            process = context.Process(target=work, args=(n,))
            process.start()
            work(n)
            process.join()
            assert process.exitcode == 0
    work(0)
    turn()
    before = cost()
    turn()
    after = cost()
    print("descriptors", after[0] - before[0])
    print("grown", after[1] - before[1])
""",
        words=LINES + ("--json",),
    )
    assert "descriptors 0\n" in run.out
    assert int(run.out.split("grown ")[1].split()[0]) < MIB
    (table,) = run.functions.values()
    rows = {row["source"].strip(): row for row in table["lines"]}
    assert rows["block = [n] * 1000"]["occurrences"] == 401


def test_a_forked_childs_lines_reach_the_parents_table(shop) -> None:
    run = shop.profile("""
        import os

        @profile
        def work(n):
            block = n
            return block

        work(1)
        for n in range(5):
            child = os.fork()
            if not child:
                for _ in range(100):
                    work(n)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        work(2)
    """)
    assert run.err == "" and run.code == 0
    (table,) = run.tables
    assert table.line("block = n").occurrences == 502


def test_a_fork_inside_a_profiled_function_goes_on_in_both(shop, tolerance) -> None:
    run = shop.profile("""
        import os

        @profile
        def work():
            child = os.fork()
            block = b"x" * (45 * 2 ** 20)
            if not child:
                os._exit(len(block) >> 24)
            status = os.waitpid(child, 0)[1]
            del block
            return status >> 8

        assert work() == 2
    """)
    assert run.err == "" and run.code == 0
    (table,) = run.tables
    assert table.line("block = b").increment == pytest.approx(90, abs=2 * tolerance)
    assert table.line("block = b").occurrences == 2
    assert table.line("child = os.fork()").occurrences == 2
    assert table.line("child = os.fork()").increment == pytest.approx(0, abs=tolerance)
    assert table.line("os.waitpid").occurrences == 1


CHILD = """
    import subprocess, sys

    def start():
        child = subprocess.Popen(
            [sys.executable, "-S", "-c",
             "b = b'x' * (100 * 2**20); print(1, flush=True); input()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
        return child

    @profile{options}
    def work():
        child = start()
        size = 1
        child.communicate(b"\\n")
        return size

    work()
"""


def test_faults_40_include_children_sees_a_child_and_not_ourselves_twice(
    shop, mode
) -> None:
    if mode == "run":
        run = shop.profile(CHILD.format(options=""), "--include-children")
    else:
        shop.write(
            "script.py",
            "    from memory_profiler import profile\n"
            + CHILD.format(options="(include_children=True)"),
        )
        run = shop.python("script.py")
    assert run.err == "" and run.code == 0
    (table,) = run.tables
    assert 5 < table.first.memory < 40  # ourselves, once
    assert 100 < table.line("child = start()").increment < 125
    assert -125 < table.line("child.communicate").increment < -100
    assert table.line("return size").memory < 40


def test_without_include_children_a_child_is_not_seen(shop) -> None:
    run = shop.profile(CHILD.format(options=""))
    (table,) = run.tables
    assert -2 < table.line("child = start()").increment < 10


@pytest.mark.parametrize("words", [(), LINES, STAMPS])
def test_the_environment_is_left_alone(shop, words) -> None:
    run = run_in(
        shop,
        words,
        """
import os
before = dict(os.environ)
from memory_profiler import profile
import memory_profiler, multiprocessing, subprocess, sys

@profile
def work(): pass
work()

def main():
    multiprocessing.get_context("spawn").Process(target=work).start()
    assert dict(os.environ) == before
    said = subprocess.run([sys.executable, "-S", "-c", "import os; print(sorted(os.environ))"],
                          capture_output=True, text=True, check=True).stdout
    assert eval(said) == sorted(set(before) | ({"LC_CTYPE"} & set(eval(said))))
    assert not [name for name in before if "PROF" in name and name != "MEMORY_PROFILER_GATE"]

if __name__ == "__main__":
    main()
""",
    )
    assert run.err == ""


@pytest.mark.parametrize("method", METHODS)
def test_children_warn_of_nothing_new(shop, method) -> None:
    """-W error in the children: what they warn of would fail them."""
    run = run_program(
        shop,
        method,
        """
    with context.Pool(2) as pool:
        print("pool", pool.map(work, range(3)))
""",
        words=("-W", "error", *LINES),
    )
    assert "pool [1000, 1001, 1002]" in run.out


def test_async_functions_and_generators_run_in_forked_children(shop) -> None:
    run = run_program(
        shop,
        "fork",
        """
    with context.Pool(2) as pool:
        print("pool", pool.map(runs, range(3)))
""",
        head="""
import asyncio
@profile
async def later(n):
    await asyncio.sleep(0)
    return n
@profile
def steps(n):
    yield n
def runs(n):
    return asyncio.run(later(n)) + sum(steps(n))
""",
    )
    assert "pool [0, 2, 4]" in run.out


def test_a_module_run_with_m_starts_children_too(shop) -> None:
    shop.write("pkg/__init__.py", "")
    (shop.path / "pkg" / "tool.py").write_text(
        program(
            "spawn",
            False,
            """
    with context.Pool(2) as pool:
        print("pool", pool.map(work, range(3)))
    work(5)
""",
        )
    )
    run = shop.run("-m", "pkg.tool")
    assert run.err == "" and "pool [1000, 1001, 1002]" in run.out
    assert run.table("def work").line("block = [n]").occurrences == 4


def test_a_child_that_is_terminated_at_once_dies_of_it(shop: Workshop) -> None:
    """A pool that ends early waits for ever for a child that lost its SIGTERM."""
    run = shop.profile("""
        import os, signal, time

        @profile
        def work():
            return 1

        work()
        lost = 0
        for _ in range(100):
            pid = os.fork()
            if pid == 0:
                time.sleep(20)
                os._exit(7)
            os.kill(pid, signal.SIGTERM)
            lost += not os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        print("lost", lost, signal.pthread_sigmask(signal.SIG_BLOCK, []))
    """)
    assert run.out.startswith("lost 0 set()\n")
    assert len(run.tables) == 1
