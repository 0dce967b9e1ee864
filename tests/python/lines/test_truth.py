"""The numbers are true: each test fails when the rule that it names is broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import MIB, Run, Table, Workshop, assert_increments


@pytest.fixture
def run_of(shop: Workshop, gate: str) -> Callable[[str], Run]:
    """Profiles a program, under each gate."""
    return shop.profile


@pytest.fixture
def table_of(run_of: Callable[[str], Run]) -> Callable[[str], Table]:
    """The only table of a program, under each gate."""

    def only_table(source: str) -> Table:
        (table,) = run_of(source).tables
        return table

    return only_table


def test_memory_that_was_reserved_but_never_touched_is_not_counted(
    table_of, tolerance
) -> None:
    table = table_of("""
        @profile
        def make_and_drop():
            block = bytes(200 * 2 ** 20)
            size = len(block)
            del block
            return size

        make_and_drop()
    """)
    assert table.line("bytes(").increment == pytest.approx(0, abs=tolerance)


def test_bytes_of_200_mib_made_and_dropped_show_their_size(table_of, tolerance) -> None:
    table = table_of("""
        @profile
        def make_and_drop():
            block = b"x" * (200 * 2 ** 20)
            size = len(block)
            del block
            return size

        make_and_drop()
    """)
    assert_increments(table, {'b"x" *': 200, "len(block)": 0, "del block": -200}, tolerance)
    assert table.line('b"x" *').memory - table.first.memory == pytest.approx(
        200, abs=tolerance
    )
    assert table.first.increment == table.first.memory


def test_a_loop_that_allocates_and_frees_shows_plus_minus_and_zero(
    table_of, tolerance
) -> None:
    table = table_of("""
        @profile
        def churn(n):
            for i in range(n):
                block = b"x" * (45 * 2 ** 20)
                size = len(block)
                del block
            return size

        churn(20)
    """)
    assert_increments(table, {'b"x" *': 900, "len(block)": 0, "del block": -900}, tolerance)
    assert table.line('b"x" *').occurrences == 20


def test_many_small_allocations_sum_to_what_they_hold(table_of, tolerance) -> None:
    table = table_of("""
        @profile
        def collect(n):
            out = []
            for i in range(n):
                out.append(bytearray(4000))
            return out

        collect(10_000)
    """)
    held = 10_000 * 4032 / MIB
    assert table.line("out.append").increment == pytest.approx(
        held, rel=0.05, abs=tolerance
    )


def test_a_line_that_calls_a_profiled_function_which_keeps_nothing_shows_zero(
    run_of, tolerance
) -> None:
    # blocks above 32 MiB: malloc gives them back to the system whatever came before
    run = run_of("""
        @profile
        def callee():
            block = b"x" * (45 * 2 ** 20)
            return None

        @profile
        def caller():
            for i in range(5):
                callee()
            return None

        callee()
        caller()
    """)
    assert run.table("caller()").line("callee()").increment == pytest.approx(
        0, abs=tolerance
    )
    callee = run.table("def callee").line('b"x" *')
    assert callee.increment == pytest.approx(6 * 45, abs=tolerance)


def test_what_a_callee_keeps_is_charged_once_to_the_line_that_calls_it(
    run_of, tolerance
) -> None:
    run = run_of("""
        kept = []

        def keep():
            kept.append(b"x" * (20 * 2 ** 20))

        @profile
        def profiled_keep():
            kept.append(b"x" * (10 * 2 ** 20))

        @profile
        def caller():
            keep()
            profiled_keep()
            x = 1

        caller()
    """)
    table = run.table("def caller")
    assert_increments(
        table, {"    keep()": 20, "    profiled_keep()": 10, "x = 1": 0}, tolerance
    )


def test_the_entry_row_shows_the_first_entry_and_is_not_summed_over_calls(
    shop: Workshop, tolerance
) -> None:
    run = shop.profile("""
        kept = []

        @profile
        def grow():
            kept.append(b"x" * (10 * 2 ** 20))

        for i in range(5):
            grow()
    """)
    (table,) = run.tables
    assert table.first.occurrences == 5
    assert table.first.memory - table.first.increment == pytest.approx(40, abs=tolerance)


def test_threads_count_every_call(run_of) -> None:
    run = run_of("""
        import threading

        @profile
        def work(n):
            total = 0
            for i in range(n):
                total += i
            return total

        @profile
        def main():
            threads = [threading.Thread(target=work, args=(100,)) for i in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        main()
        work(100)
    """)
    work = run.table("def work")
    assert work.line("total = 0").occurrences == 9
    assert work.line("total += i").occurrences == 900
    assert run.table("def main").line("thread.join()").occurrences == 8


def test_threads_that_began_before_the_profiled_call_are_counted(shop: Workshop) -> None:
    run = shop.profile("""
        import queue, threading
        jobs, done = queue.Queue(), queue.Queue()

        def serve():
            while (job := jobs.get()) is not None:
                done.put(job())

        thread = threading.Thread(target=serve)
        thread.start()

        @profile
        def work():
            return 1

        for i in range(5):
            jobs.put(work)
            done.get()
        jobs.put(None)
        thread.join()
    """)
    assert run.table("def work").line("return 1").occurrences == 5


def test_a_function_bound_to_another_threads_growth_still_sums(run_of, tolerance) -> None:
    """RSS belongs to the process: what another thread adds meanwhile shows on the line that
    waits for it, once."""
    run = run_of("""
        import threading
        kept = []

        def grow():
            kept.append(b"x" * (25 * 2 ** 20))

        @profile
        def wait():
            thread = threading.Thread(target=grow)
            thread.start()
            thread.join()
            return len(kept)

        wait()
    """)
    rows = run.table("def wait").rows.values()
    grown = sum(row.increment or 0 for row in list(rows)[1:])
    assert grown == pytest.approx(25, abs=tolerance)


def test_memory_of_a_line_is_its_largest_reading(shop: Workshop, tolerance) -> None:
    run = shop.profile("""
        @profile
        def once(size):
            block = b"x" * (size * 2 ** 20)
            return None

        for size in (5, 50, 1):
            once(size)
    """)
    (table,) = run.tables
    assert table.line('b"x" *').memory - table.first.memory == pytest.approx(
        50, abs=2 + tolerance
    )


def test_memory_that_mmap_populates_without_a_fault_is_seen(table_of, tolerance) -> None:
    """No user-mode page fault happens: the patience of the gate finds it."""
    table = table_of("""
        import mmap

        @profile
        def populate():
            room = mmap.mmap(-1, 40 * 2 ** 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x8000)
            size = len(room)
            room.close()
            return size

        populate()
    """)
    assert_increments(table, {"mmap.mmap(": 40, "room.close()": -40}, tolerance)


def test_memory_that_the_kernel_fills_is_seen(table_of, tolerance) -> None:
    """Faults inside a system call are not user-mode faults either."""
    table = table_of("""
        import mmap
        zero = open("/dev/zero", "rb", buffering=0)

        @profile
        def read():
            block = mmap.mmap(-1, 60 * 2 ** 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            count = zero.readinto(block)
            return count

        read()
    """)
    assert table.line("readinto").increment == pytest.approx(60, abs=tolerance)


def test_include_children_adds_what_a_child_holds(shop: Workshop, tolerance) -> None:
    run = shop.profile(
        """
        import subprocess, sys
        child = "import sys; x = b'x' * (80 * 2 ** 20); print(1, flush=True); sys.stdin.read()"

        @profile
        def spawn():
            process = subprocess.Popen([sys.executable, "-c", child], stdin=-1, stdout=-1)
            process.stdout.readline()
            size = 1
            process.communicate()
            size = 2
            return size

        spawn()
    """,
        "--include-children",
    )
    (table,) = run.tables
    held = table.line("size = 1").memory - table.first.memory
    assert held > 80
    assert table.line("communicate()").increment == pytest.approx(-held, abs=2 + tolerance)


def test_backends_agree_where_they_must(shop: Workshop, tolerance) -> None:
    source = """
        @profile
        def fill():
            block = b"x" * (30 * 2 ** 20)
            return len(block)

        fill()
    """
    for backend in ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"):
        run = shop.profile(source, "--backend", backend)
        assert run.err == "", backend
        (table,) = run.tables
        assert table.line('b"x" *').increment == pytest.approx(30, abs=tolerance), backend


def test_a_page_is_charged_to_the_line_that_touched_it_however_short(table_of) -> None:
    # lines of tens of nanoseconds: only the fault itself can tell which one it was
    table = table_of("""
        import mmap

        PAGES = 4000
        room = mmap.mmap(-1, PAGES * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        try:
            room.madvise(mmap.MADV_NOHUGEPAGE)
        except (AttributeError, OSError):
            pass

        @profile
        def touch(at):
            i = at
            for _ in range(PAGES):
                room[i] = 1
                i = i + 4096
                i = i - 1
                i = i + 1
            return i

        touch(0)
    """)
    whole = 4000 * 4096 / MIB
    assert table.line("room[i]").increment == pytest.approx(whole, rel=0.1)
    assert abs(table.line("i = i - 1").increment) < whole / 20


def test_what_runs_after_an_exception_left_a_frame_is_not_charged_to_it(
    table_of, tolerance
) -> None:
    # inner is traced (it shares outer's table) but has no wrapper that sees it end
    table = table_of("""
        kept = []

        def between(function):
            try:
                function()
            finally:
                kept.append(b"x" * (60 * 2 ** 20))

        @profile
        def outer():
            def inner():
                raise ValueError
            try:
                between(inner)
            except ValueError:
                pass

        outer()
    """)
    assert_increments(table, {"raise ValueError": 0, "between(inner)": 60}, tolerance)


def test_a_generator_that_raises_is_over_when_it_raised(shop: Workshop, tolerance) -> None:
    run = shop.profile("""
        @profile
        def items():
            yield 1
            raise ValueError

        def consume():
            try:
                for item in items():
                    pass
            except ValueError:
                return b"x" * (60 * 2 ** 20)

        block = consume()
        list(zip([1], items()))
    """)
    (table,) = run.tables
    raising = table.line("raise ValueError")
    assert raising.occurrences == 1
    assert raising.increment == pytest.approx(0, abs=tolerance)
