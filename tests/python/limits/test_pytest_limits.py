"""The pytest plugin: limits of single tests."""

from __future__ import annotations

import re

import pytest
from suites import outcome, pytest_in

from conftest import Workshop

pytestmark = pytest.mark.one_version

MEMORY = """
    import pytest

    def take(size):
        return bytearray(size)

    @pytest.mark.limit_memory("24 MB")
    def test_too_large():
        kept = tuple(tuple(take(2 * 2**20) for _ in range(5)) for _ in range(3))
        assert kept

    @pytest.mark.limit_memory("24 MB")
    def test_small():
        for _ in range(15):
            take(2 * 2**20)
"""


def test_a_test_that_holds_more_than_its_limit_fails_and_says_what_held_it(
    shop: Workshop,
) -> None:
    shop.write("test_it.py", MEMORY)
    run = pytest_in(shop)
    assert (run.code, outcome(run)) == (1, "1 failed, 1 passed"), run.out
    assert (
        "memory: held 30.0 MiB of 24.0 MiB, 6.0 MiB (25%) more than limit_memory allows, "
        "at the peak of the test" in run.out
    )
    held = run.out.partition("held at the peak by\n")[2].split("\n")
    assert held[0].split() == ["30.0", "MiB", "100.0%", "test_it.py:5", "take"]
    assert held[1].strip() == "return bytearray(size)"
    assert held[2].strip() == "called by test_it.py:9 test_too_large"
    assert "Traceback" not in run.out and "memory_profiler/" not in run.out


def test_the_limit_of_all_tests_holds_for_those_without_a_marker(shop: Workshop) -> None:
    shop.write(
        "test_it.py",
        """
        def test_large():
            assert bytearray(3 * 2**20)

        def test_small():
            assert bytearray(2**20)
        """,
    )
    run = pytest_in(shop, "--memory-limit", "2MB")
    assert outcome(run) == "1 failed, 1 passed"
    assert (
        "held 3.0 MiB of 2.0 MiB, 1.0 MiB (50%) more than --memory-limit allows" in run.out
    )


@pytest.mark.parametrize("alone, said", [(False, "1 failed"), (True, "1 passed")])
def test_other_threads_count_unless_the_marker_says_so(
    shop: Workshop, alone: bool, said: str
) -> None:
    shop.write(
        "test_it.py",
        f"""
        import threading
        import pytest

        @pytest.mark.limit_memory("2 MB", current_thread_only={alone})
        def test_threads():
            kept = []
            threads = [threading.Thread(target=lambda: kept.append(bytearray(2**20))) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        """,
    )
    assert outcome(pytest_in(shop)) == said


LIBRARY = """
    import csv
    import io
    import pytest

    @pytest.mark.limit_memory("100 KB")
    def test_rows():
        rows = list(csv.DictReader(io.StringIO("a,b\\n" + "1,2\\n" * 3000)))
        assert rows

    def one(n):
        return two(n)

    def two(n):
        return deep(n)

    def deep(n):
        return deep(n - 1) if n else bytearray(200_000)

    @pytest.mark.limit_memory("100 KB")
    def test_recursion():
        assert one(30)

    @pytest.mark.limit_memory("10 KB")
    def test_imports():
        import xml.dom.minidom
"""


def test_a_failure_names_the_tests_own_line_and_the_librarys_beneath(
    shop: Workshop,
) -> None:
    shop.write("test_it.py", LIBRARY)
    run = pytest_in(shop)
    held = run.out.partition("held at the peak by\n")[2].split("\n")
    assert held[0].endswith("test_it.py:8 test_rows"), held
    assert held[1].strip().startswith("rows = list(csv.DictReader(")
    assert " in csv.py:" in held[2] and "DictReader.__next__: " in held[2], held
    called = (
        "called by test_it.py:18 deep (30 times), test_it.py:15 two, 1 more, "
        "test_it.py:22 test_recursion"
    )
    assert called not in run.out
    names = called.removeprefix("called by ").split(", ")
    assert re.search(r"called by " + r"\n {33}".join(map(re.escape, names)), run.out)
    imports = run.out.partition("import xml.dom.minidom\n")[2]
    assert "in code of imported modules" in imports and "frozen" not in imports


LEAKS = """
    import pytest

    kept, cache = [], {}

    @pytest.mark.limit_leaks("100 KB")
    def test_leaks():
        kept.append(bytearray(200_000))

    @pytest.mark.limit_leaks("100 KB")
    def test_fills_a_cache_once():
        cache.setdefault("it", bytearray(200_000))

    @pytest.mark.limit_leaks("100 KB")
    def test_leaves_garbage():
        one = [bytearray(200_000)]
        one.append(one)

    @pytest.mark.limit_leaks("100 KB", filter_fn=lambda stack: stack.frames[0].function != "excused")
    def test_excused():
        excused()

    def excused():
        kept.append(bytearray(200_000))

    @pytest.mark.limit_leaks("100 KB", warmups=0)
    def test_runs_once():
        cache.setdefault("else", bytearray(200_000))
"""


def test_a_leak_is_what_is_live_at_the_end_after_a_first_run(shop: Workshop) -> None:
    shop.write("test_it.py", LEAKS)
    run = pytest_in(shop)
    assert outcome(run) == "2 failed, 3 passed", run.out
    assert "memory: leaked 195.4 KiB in 1 call stack, 100.0 KiB or more in each" in run.out
    assert "test_it.py:8 test_leaks" in run.out
    assert "is 1 bytearray" in run.out
    assert 'cache.setdefault("else", bytearray(200_000))' in run.out


OBJECTS = """
    import pytest

    kept = []

    class Custom:
        def __init__(self):
            self.value = [1, 2]
            self.me = self

    @pytest.mark.limit_leaked_objects
    def test_leaks():
        kept.append([1, 2, 3])
        kept.append({"a": len(kept) + 10_000})
        kept.append(Custom())

    @pytest.mark.limit_leaked_objects
    def test_leaves_garbage(capsys):
        several = [[1] for _ in range(1000)], Custom()
        assert several

    @pytest.mark.limit_leaked_objects(filter_fn=lambda one: not isinstance(one, list))
    def test_excused():
        kept.append([1, 2, 3])

    @pytest.mark.limit_leaked_objects(warmups=0)
    def test_runs_once():
        test_runs_once.cache = getattr(test_runs_once, "cache", None) or ["a"]

    @pytest.mark.limit_leaked_objects
    def test_fills_a_cache_once():
        test_runs_once.other = getattr(test_runs_once, "other", None) or ["a"]
"""


def test_an_object_that_is_live_at_the_end_is_told_by_its_type(shop: Workshop) -> None:
    shop.write("test_it.py", OBJECTS)
    run = pytest_in(shop)
    assert outcome(run) == "2 failed, 3 passed", run.out
    assert "memory: leaked 5 objects, which are live at the end of the test" in run.out
    assert "memory: leaked 1 object, which is live at the end of the test" in run.out
    said = run.out.partition("still live, by type and line")[2].split("\n")
    rows = {line.strip() for line in said[1:11]}
    assert "1  Custom  test_it.py:15 test_leaks" in rows
    assert "1  list  test_it.py:13 test_leaks" in rows
    assert "1  list  test_it.py:8 Custom.__init__" in rows
    assert "1  int  test_it.py:14 test_leaks" in rows


GROWTH = """
    import pytest

    kept, cache, calls = [], {}, []

    @pytest.mark.limit_growth("100 KB", repeat=21)
    def test_grows_now_and_then():
        calls.append(1)
        if len(calls) % 3 == 0:
            kept.append(bytearray(50_000))

    @pytest.mark.limit_growth("100 KB")
    def test_grows_once():
        calls.append(1)
        if len(calls) == 36:
            kept.append(bytearray(5_000_000))

    @pytest.mark.limit_growth("100 KB")
    def test_has_a_cache_that_is_bounded():
        key = len(calls) % 8
        calls.append(1)
        cache[key] = bytearray(100_000)
"""


def test_growth_is_what_goes_on_through_the_runs(shop: Workshop) -> None:
    shop.write("test_it.py", GROWTH)
    run = pytest_in(shop)
    assert outcome(run) == "1 failed, 2 passed", run.out
    assert "memory: keeps growing, +" in run.out and "in 21 runs of the test" in run.out
    held = run.out.partition("still live behind the last run\n")[2].split("\n")
    assert held[0].endswith("test_it.py:10 test_grows_now_and_then"), held
    assert held[1].strip() == "kept.append(bytearray(50_000))"


KINDS = """
    import asyncio
    import unittest
    import pytest

    @pytest.fixture(scope="module")
    def wide():
        return bytearray(5 * 2**20)

    @pytest.fixture
    def own():
        return bytearray(5 * 2**20)

    @pytest.mark.limit_memory("1 MB")
    def test_a_wide_fixture_is_not_the_tests(wide):
        assert wide

    @pytest.mark.limit_memory("1 MB")
    def test_nor_is_its_own(own):
        assert own

    @pytest.mark.limit_memory("1 MB")
    @pytest.mark.parametrize("mib", [0, 2])
    def test_each_parameter(mib):
        assert bytearray(mib * 2**20) is not None

    class TestUnits(unittest.TestCase):
        @pytest.mark.limit_memory("1 MB")
        def test_unit(self):
            self.assertTrue(bytearray(2 * 2**20))

        @pytest.mark.limit_memory("1 MB")
        def test_fails_by_itself(self):
            self.assertFalse(bytearray(2 * 2**20))

    @pytest.mark.limit_memory("1 MB")
    @pytest.mark.xfail(strict=True)
    def test_is_expected_to_fail():
        assert bytearray(2 * 2**20)

    @pytest.mark.limit_memory("1 MB")
    def test_inside_a_tracker():
        from memory_profiler import heap, memory_usage
        with heap.track() as tracked:
            kept = bytearray(3 * 2**20)
        assert tracked.peak >= 3 * 2**20
        assert memory_usage((bytes, (10,)))
"""


def test_tests_of_all_kinds_have_limits(shop: Workshop) -> None:
    shop.write("test_it.py", KINDS)
    run = pytest_in(shop, "-rA")
    failed = sorted(
        line.split("::", 1)[1].split(" ")[0]
        for line in run.out.split("\n")
        if line.startswith("FAILED")
    )
    assert failed == [
        "TestUnits::test_fails_by_itself",
        "TestUnits::test_unit",
        "test_each_parameter[2]",
        "test_inside_a_tracker",
    ], run.out
    assert "1 xfailed" in outcome(run)
    assert (
        run.out.count("more than limit_memory allows") == 6
    )  # of three, in their text and at the end


@pytest.mark.parametrize(
    "marker, said",
    [
        ('limit_memory("much")', "limit_memory: 'much' is no size: write '24 MB'"),
        (
            "limit_memory()",
            "limit_memory: limit_memory missing 1 required positional argument",
        ),
        (
            'limit_leaks("1 MB", filter_fn=3)',
            "limit_leaks: filter_fn is no function, but 3",
        ),
        ('limit_growth("1 MB", repeat=1)', "limit_growth: repeat=1 cannot be"),
    ],
)
def test_a_marker_that_says_nonsense_fails_its_test_in_one_line(
    shop: Workshop, marker: str, said: str
) -> None:
    shop.write(
        "test_it.py",
        f"import pytest\n@pytest.mark.{marker}\ndef test_it(): pass\ndef test_other(): pass\n",
    )
    run = pytest_in(shop)
    assert outcome(run) == "1 passed, 1 error"
    assert said in run.out and "Traceback" not in run.out


def test_what_fails_by_itself_fails_as_it_would(shop: Workshop) -> None:
    shop.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.limit_memory("1 MB")
        def test_it():
            kept = bytearray(2 * 2**20)
            raise ValueError("mine")
        """,
    )
    run = pytest_in(shop)
    assert "ValueError: mine" in run.out and "memory limit" not in run.out


def test_a_test_that_forks_or_leaves_threads_harms_no_other(shop: Workshop) -> None:
    shop.write(
        "test_it.py",
        """
        import os, threading, time
        import pytest

        done = threading.Event()

        @pytest.mark.limit_memory("1 MB")
        def test_forks():
            pid = os.fork()
            if not pid:
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0

        def test_leaves_a_thread():
            threading.Thread(target=done.wait, name="left behind").start()

        @pytest.mark.limit_memory("1 MB")
        def test_after():
            done.set()
        """,
    )
    run = pytest_in(shop, "--memory")
    assert outcome(run) == "3 passed", run.out
    assert "test_it.py::test_leaves_a_thread left threads running (left behind)" in run.out


REPEATED = """
    import unittest
    import pytest

    kept = []

    class TestLoops(unittest.IsolatedAsyncioTestCase):
        @pytest.mark.limit_leaks("100 KB", warmups=2)
        async def test_leaks(self):
            kept.append(bytearray(200_000))

        @pytest.mark.limit_leaks("100 KB", warmups=2)
        async def test_leaves_nothing(self):
            assert bytearray(200_000)

        @pytest.mark.limit_growth("50 KB", repeat=4)
        async def test_grows(self):
            kept.append(bytearray(200_000))
"""


def test_coroutines_of_unittest_run_again(shop: Workshop) -> None:
    shop.write("test_it.py", REPEATED)
    run = pytest_in(shop)
    assert outcome(run) == "2 failed, 1 passed", run.out
    assert "memory: leaked 195.4 KiB in 1 call stack" in run.out
    assert "memory: keeps growing" in run.out


def test_nothing_of_the_plugin_is_loaded_where_nobody_asks(shop: Workshop) -> None:
    shop.write(
        "test_it.py",
        """
        import sys

        def test_it():
            loaded = [name for name in sys.modules if name.startswith("memory_profiler")]
            assert loaded == ["memory_profiler_pytest"]
        """,
    )
    run = pytest_in(shop, "-W", "error")
    assert (run.code, outcome(run)) == (0, "1 passed"), run.out


def test_no_marker_is_unknown_and_no_module_is_compiled_for_its_assertions(
    shop: Workshop,
) -> None:
    shop.write(
        "test_it.py",
        """
        import memory_profiler._limits.limit as module
        import pytest

        @pytest.mark.limit_leaks("1 MB")
        @pytest.mark.limit_growth("1 MB")
        @pytest.mark.limit_memory("1 MB")
        def test_it():
            assert "rewrite" not in type(module.__loader__).__module__
        """,
    )
    run = pytest_in(shop, "-W", "error", "--strict-markers")
    assert (run.code, outcome(run)) == (0, "1 passed"), run.out


WITHOUT_CORE = """
import sys
import pytest
from memory_profiler import _core
del _core.Heap  # as in the pure-Python install
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_without_the_c_core_one_line_says_so_where_it_is_asked_for(shop: Workshop) -> None:
    shop.write("test_it.py", MEMORY)
    run = shop.python("-c", WITHOUT_CORE, "--memory")
    assert run.code == 4 and run.out == ""
    assert run.err.count("\n") <= 2
    assert "ERROR: memory of tests needs the C core of memory_profiler" in run.err
    run = shop.python("-c", WITHOUT_CORE)
    assert run.code == 0 and outcome(run).startswith("2 passed")
    assert "limits are not checked" in run.out
