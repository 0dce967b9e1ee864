"""Faults of odd frames, of descriptors, and of the readings themselves."""

from __future__ import annotations

import sys

import pytest

from conftest import Workshop


def test_faults_63_greenlets_keep_their_own_lines(shop: Workshop, tolerance) -> None:
    pytest.importorskip("greenlet")
    run = shop.profile("""
        import greenlet
        kept = []

        @profile
        def left():
            for i in range(3):
                kept.append(b"x" * (10 * 2 ** 20))
                b.switch()
            return 1

        @profile
        def right():
            for i in range(3):
                x = i
                a.switch()
            return 2

        a, b = greenlet.greenlet(left), greenlet.greenlet(right)
        a.switch()
    """)
    assert (run.code, run.err) == (0, "")
    left = run.table("def left")
    assert left.line("kept.append").occurrences == 3
    assert left.line("kept.append").increment == pytest.approx(30, abs=tolerance)
    assert run.table("def right").line("x = i").occurrences >= 2


def test_a_recursion_error_leaves_the_stack_of_activations_empty(shop: Workshop) -> None:
    run = shop.profile("""
        import sys
        from memory_profiler import _core

        @profile
        def deep(n):
            return deep(n + 1)

        sys.setrecursionlimit(3000)
        for i in range(3):
            try:
                deep(0)
            except RecursionError:
                pass
        assert _core.work()["open"] == 0, _core.work()
        assert _core.work()["dropped"] == 0
    """)
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("return deep").occurrences > 3000


@pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="3.11 runs a wrapper's call with *args on the C stack",
)
def test_very_deep_recursion_is_counted_exactly(shop: Workshop) -> None:
    run = shop.profile("""
        import sys

        @profile
        def deep(n):
            if n:
                deep(n - 1)

        sys.setrecursionlimit(100_000)
        deep(40_000)
    """)
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("if n:").occurrences == 40_001


def test_generators_that_are_closed_or_collected_leave_nothing_open(shop: Workshop) -> None:
    run = shop.profile("""
        import gc
        from memory_profiler import _core

        @profile
        def items():
            for i in range(10):
                yield i

        @profile
        def guarded():
            try:
                yield 1
                yield 2
            finally:
                x = 3

        for make in (items, guarded):
            for i in range(100):
                g = make()
                next(g)
                if i % 3 == 0:
                    g.close()
                elif i % 3 == 1:
                    try:
                        g.throw(ValueError)
                    except ValueError:
                        pass
                del g
        gc.collect()
        assert _core.work()["open"] == 0, _core.work()
    """)
    assert (run.code, run.err) == (0, "")
    assert run.table("def guarded").line("x = 3").occurrences == 100


def test_a_generator_resumed_in_other_threads_sums(shop: Workshop, tolerance) -> None:
    run = shop.profile("""
        import threading
        from memory_profiler import _core
        kept = []

        @profile
        def items():
            for i in range(6):
                kept.append(b"x" * (10 * 2 ** 20))
                yield i

        g = items()
        for i in range(6):
            thread = threading.Thread(target=next, args=(g,))
            thread.start()
            thread.join()
        assert list(g) == []
        assert _core.work()["open"] == 0
    """)
    assert (run.code, run.err) == (0, "")
    (table,) = run.tables
    assert table.line("kept.append").occurrences == 6
    assert table.line("kept.append").increment == pytest.approx(60, abs=tolerance)


def test_a_program_that_closes_every_descriptor_is_measured_on(
    shop: Workshop, gate, tolerance
) -> None:
    """Fault 53: the meter's descriptor goes, or is replaced by the program's own file."""
    run = shop.profile("""
        import os

        @profile
        def work():
            block = b"x" * (50 * 2 ** 20)
            return len(block)

        work()
        os.closerange(3, 1024)
        work()
        with open("own", "wb") as file:
            for fd in range(3, 400):
                if fd != file.fileno():
                    os.dup2(file.fileno(), fd)
            work()
            assert os.path.getsize("own") == 0
    """)
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line('b"x" *').increment == pytest.approx(150, abs=3 * tolerance)


def test_faults_52_few_descriptors_are_enough(shop: Workshop) -> None:
    shop.write(
        "script.py",
        """
        import resource
        @profile
        def work():
            x = 1
            return x
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
        files = []
        try:
            while True:
                files.append(open("/dev/null"))
        except OSError:
            pass
        work()
        del files
    """,
    )
    run = shop.run("script.py")
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("x = 1").memory > 1


def test_exceptions_raised_while_a_source_is_read_do_not_reach_the_program(
    shop: Workshop,
) -> None:
    """The tracemalloc backend calls Python from an event."""
    run = shop.profile(
        """
        @profile
        def work():
            try:
                raise ValueError("own")
            except ValueError as error:
                import tracemalloc
                tracemalloc.stop()
                return str(error)

        assert work() == "own"
    """,
        "--backend",
        "tracemalloc",
    )
    assert (run.code, run.err) == (0, "")


def test_a_fault_in_the_meter_is_not_charged(shop: Workshop) -> None:
    run = shop.python(
        "-c",
        """if 1:
        from memory_profiler import _core
        readings = iter([100, 200, None, 300, 400, 500, 600])

        def read():
            return next(readings)

        tracer = _core.Tracer(call=read)
        def work():
            a = 1
            b = 2
            return b
        tracer.add(work.__code__)
        tracer.enter()
        work()
        tracer.leave()
        (code, baseline, cells), = tracer.tables()
        first = work.__code__.co_firstlineno
        assert baseline == 100, baseline
        assert [cells[first + i][1] for i in (1, 2, 3)] == [100, 0, 100], cells
        assert tracer.failed == 1
    """,
    )
    assert (run.code, run.err) == (0, ""), run.err
