"""Other tools in the same process: debuggers, profilers, coverage (faults 60)."""

from __future__ import annotations

import sys
import textwrap

import pytest

from conftest import Workshop, parse_tables

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12"
)

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
