"""Faults that need forks, threads or another tool in the same process."""

from __future__ import annotations

import sys
import textwrap

import pytest

from conftest import Workshop, parse_tables
from programs import FORKING

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12"
)

# --- 39, 40: forks ---


FORKS = (
    """
import os, sys, threading, time

@profile
def work(n):
    kept = []
    for i in range(n):
        kept.append(bytearray(2000))
    return len(kept)

stop = threading.Event()

def busy():
    while not stop.is_set():
        work(50)

def fork(n):
    pid = os.fork()
    if not pid:
        code = 7
        try:
            code = work(20) + n % 50
        finally:
            os._exit(code)
    got = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert got == 20 + n % 50, got
"""
    + FORKING
)


@pytest.mark.filterwarnings("ignore")
def test_faults_39_forks_while_threads_run_decorated_functions(
    shop: Workshop, gate: str
) -> None:
    run = shop.profile(
        FORKS.replace("SECONDS", "0"), timeout=60, env={"PYTHONWARNINGS": "ignore"}
    )
    assert run.code == 0, run.err
    table = run.table("def work")
    head, body = table.line("kept = []"), table.line("kept.append")
    assert head.occurrences > 4 and body.occurrences == 50 * head.occurrences


def test_faults_39_a_forked_child_reads_its_own_memory(
    shop: Workshop, gate: str, tolerance
) -> None:
    run = shop.profile("""
        import os

        @profile
        def warm():
            return 1

        def child():
            @profile
            def work():
                block = b"x" * (60 * 2 ** 20)
                return len(block)
            work()
            line = next(l for l in profile.results["work"].lines.values() if "60" in l.source)
            return round(line.increment / 2 ** 20)

        warm()
        pid = os.fork()
        if not pid:
            os._exit(child())
        assert abs(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) - 60) <= 1
    """)
    assert (run.code, run.err) == (0, "")


def test_faults_39_a_fork_inside_a_profiled_function_counts_in_both(
    shop: Workshop, gate: str
) -> None:
    run = shop.profile("""
        import os

        @profile
        def work():
            pid = os.fork()
            if pid:
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            x = 1
            return x + 2

        code = work()
        if code == 3:
            rows = {l.source.strip(): l for l in profile.results["work"].lines.values()}
            os._exit(5 + rows["x = 1"].occurrences + rows["return x + 2"].occurrences)
        assert code == 7, code
    """)
    assert (run.code, run.err) == (0, "")
    table = run.table("def work")
    assert table.line("x = 1").occurrences == 0
    assert table.line("waitpid").occurrences == 1


def test_faults_39_double_forked_daemons_and_execs_live(shop: Workshop) -> None:
    run = shop.profile("""
        import os, subprocess, sys, time

        @profile
        def work():
            return 1

        work()
        r, w = os.pipe()
        if not os.fork():
            os.setsid()
            if not os.fork():
                os.close(r)
                os.write(w, str(work() + work()).encode())
                os._exit(0)
            os._exit(0)
        os.close(w)
        os.wait()
        assert os.read(r, 10) == b"2"
        pid = os.fork()
        if not pid:
            work()
            os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(6)"])
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "raise SystemExit(4)"], os.environ)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
    """)
    assert (run.code, run.err) == (0, "")
    assert run.table("def work").line("return 1").occurrences == 1


def test_faults_40_a_thousand_tasks_in_short_lived_forked_children(shop: Workshop) -> None:
    run = shop.profile(
        """
        import multiprocessing, os

        @profile
        def work(x):
            y = [x] * 100
            return len(y) + len(os.listdir("/proc/self/fd"))

        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(4, maxtasksperchild=5) as pool:
                counts = pool.map(work, range(1000), chunksize=1)
            assert len(counts) == 1000 and max(counts) < 130, max(counts)
            work(1)
            print(len(os.listdir("/proc/self/fd")))
    """,
        timeout=90,
    )
    assert (run.code, run.err) == (0, "")
    assert int(run.out.split("\n")[0]) < 25
    assert run.table("def work").line("y = [x]").occurrences == 1


def test_faults_41_no_new_warning_when_a_profiled_program_forks(shop: Workshop) -> None:
    source = """
        import os, warnings

        def work():
            return 1

        work = profile(work)
        work()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
        print([str(w.message) for w in caught])
    """
    run = shop.profile(source, "-o", "report.txt")
    assert run.out == "[]\n"


# --- 60: other tools in the same process ---


TOOL_SCRIPT = """
    def plain(x):
        y = x + 1
        return y

    def traced(x):
        y = x * 2
        return plain(y)

    traced = profile(traced)
    for i in range(3):
        traced(i)
"""


@pytest.mark.parametrize(
    "core", ["ctrace", "pytrace", pytest.param("sysmon", marks=needs_monitoring)]
)
def test_faults_60_coverage_counts_the_same_lines_beside_us(
    shop: Workshop, core: str
) -> None:
    pytest.importorskip("coverage")
    shop.write(
        "script.py",
        textwrap.dedent(TOOL_SCRIPT)
        + "never = 0 if traced else 1\nif not never:\n    pass\n",
    )
    environment = {"COVERAGE_CORE": core}
    shop.write(
        "driver.py",
        """
        import builtins, sys
        import memory_profiler
        profiler = memory_profiler.LineProfiler()
        builtins.profile = profiler if sys.argv[1] == "ours" else (lambda f: f)
        import script
        if sys.argv[1] == "ours":
            line = next(l for l in profiler.results["traced"].lines.values() if "x * 2" in l.source)
            assert line.occurrences == 3, line
    """,
    )
    reports = []
    for word in ("ours", "plain"):
        run = shop.python(
            "-m",
            "coverage",
            "run",
            "--include=script.py",
            "driver.py",
            word,
            env=environment,
        )
        assert (run.code, run.err) == (0, ""), run.err
        reports.append(shop.python("-m", "coverage", "report", "-m").out)
    assert reports[0] == reports[1] and "script.py" in reports[0]


def test_faults_60_coverage_runs_the_profiler_itself(shop: Workshop) -> None:
    pytest.importorskip("coverage")
    shop.write("script.py", TOOL_SCRIPT)
    run = shop.python("-m", "coverage", "run", "-m", "memory_profiler", "script.py")
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("y = x * 2").occurrences == 3


def test_faults_60_a_trace_function_sees_its_events_and_stays(shop: Workshop) -> None:
    run = shop.profile("""
        import sys
        seen = []

        def tracer(frame, event, arg):
            if frame.f_code.co_name == "work":
                seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
            return tracer

        def work():
            x = 1
            return x

        bare = work
        sys.settrace(tracer)
        bare()
        expected = seen[:]
        seen.clear()
        decorated = profile(bare)
        decorated()
        assert sys.gettrace() is tracer
        sys.settrace(None)
        assert seen == expected, (seen, expected)
    """)
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("x = 1").occurrences == 1


def test_faults_60_pdb_steps_through_a_decorated_function(shop: Workshop) -> None:
    shop.write(
        "script.py",
        """
        @profile
        def work():
            x = 1
            y = x + 1
            return y

        work()
        print("end")
    """,
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "pdb", "-c", "break script.py:5", "-c", "continue", "-m", "memory_profiler", "script.py"],
        cwd=shop.path, input="p x * 21\nnext\np y\nclear\ny\ncontinue\nquit\n", capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert "21" in done.stdout and "(Pdb) 2\n" in done.stdout, done.stdout
    assert "end\n" in done.stdout
    tables = parse_tables(done.stdout[done.stdout.index("Filename: ") :])
    assert tables[0].rows[5].occurrences == 1


def test_faults_60_cprofile_counts_calls_beside_us(shop: Workshop) -> None:
    run = shop.profile("""
        import cProfile, io, pstats

        def leaf():
            return 1

        @profile
        def work():
            return leaf() + leaf()

        profiler = cProfile.Profile()
        profiler.enable()
        for i in range(5):
            work()
        profiler.disable()
        out = io.StringIO()
        pstats.Stats(profiler, stream=out).print_stats("leaf|work")
        assert "       10 " in out.getvalue(), out.getvalue()
        assert "        5 " in out.getvalue()
    """)
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("leaf() + leaf()").occurrences == 5


@needs_monitoring
@pytest.mark.parametrize(("taken", "works"), [((4,), True), ((3,), True), ((3, 4), False)])
def test_faults_60_another_monitoring_tool_keeps_its_id(
    shop: Workshop, taken, works
) -> None:
    run = shop.profile(f"""
        import sys
        events = sys.monitoring.events
        counts = dict.fromkeys({taken}, 0)
        for tool in {taken}:
            sys.monitoring.use_tool_id(tool, f"tool{{tool}}")
            def count(code, line, tool=tool):
                counts[tool] += code.co_name == "work"
            sys.monitoring.register_callback(tool, events.LINE, count)
            sys.monitoring.set_events(tool, events.LINE)

        @profile
        def work():
            x = 1
            return x

        assert work() == 1
        for tool in {taken}:
            sys.monitoring.set_events(tool, 0)
            assert sys.monitoring.get_tool(tool) == f"tool{{tool}}"
            assert counts[tool] == 2, counts
    """)
    assert run.code == 0, run.err
    if works:
        assert run.err == "" and run.tables[0].line("x = 1").occurrences == 1
    else:
        assert run.out == ""
        assert "tool ids" in run.err and run.err.count("memory_profiler") <= 2


@needs_monitoring
def test_faults_60_with_every_id_taken_the_imported_decorator_warns_once(
    shop: Workshop,
) -> None:
    run = shop.python(
        "-W",
        "always",
        "-c",
        """if 1:
        import sys
        for tool in (3, 4):
            sys.monitoring.use_tool_id(tool, "other")
        from memory_profiler import profile

        @profile
        def work():
            return 1

        @profile
        def more():
            return 2

        assert work() + work() + more() == 4
    """,
    )
    assert run.code == 0 and run.out == ""
    assert run.err.count("Warning") == 1


@needs_monitoring
def test_faults_60_our_tool_id_may_be_taken_away(shop: Workshop) -> None:
    """Rude, but the program goes on."""
    run = shop.profile("""
        import gc, sys

        @profile
        def work():
            return 1

        work()
        tool = next(i for i in range(6) if sys.monitoring.get_tool(i) == "memory_profiler")
        sys.monitoring.set_events(tool, 0)
        sys.monitoring.free_tool_id(tool)
        work()

        @profile
        def more():
            return 2

        assert more() == 2
        gc.collect()
    """)
    assert run.code == 0, run.err


def test_faults_60_line_profiler_runs_beside_us(shop: Workshop) -> None:
    pytest.importorskip("line_profiler")
    run = shop.profile("""
        import line_profiler
        other = line_profiler.LineProfiler()

        def work():
            x = 1
            return x

        both = profile(other(work))
        assert both() == 1
        stats = other.get_stats()
        assert any(timings for timings in stats.timings.values())
    """)
    assert (run.code, run.err) == (0, "")


# --- odd frames ---


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
