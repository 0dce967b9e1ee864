"""How programs under `python -m memory_profiler` end, and what world they live in."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from conftest import Workshop, parse_tables
from programs import SIMPLE


def start(shop: Workshop, source: str, *options: str, **rest) -> subprocess.Popen:
    """The program under the profiler, running; its stdout and stderr are pipes."""
    shop.write("script.py", source)
    return subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", *options, "script.py"], cwd=shop.path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **rest,
    )  # fmt: skip


# --- endings ---


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [("sys.exit(7)", 7, ""), ("sys.exit()", 0, ""), ("sys.exit('no')", 1, "no\n"),
     ("sys.exit(None)", 0, ""), ("sys.exit(256 + 3)", 3, ""), ("sys.exit(-1)", 255, ""),
     ("sys.exit(True)", 1, ""), ("sys.exit((1, 2))", 1, "(1, 2)\n"), ("os._exit(4)", 4, ""),
     ("raise SystemExit", 0, ""), ("import runpy; exit(5)", 5, "")],
)  # fmt: skip
def test_exit_values_are_the_programs(
    shop: Workshop, statement: str, code: int, said: str
) -> None:
    run = shop.profile(SIMPLE + f"import sys, os; sys.stdout.flush()\n{statement}\n")
    assert (run.code, run.err) == (code, said)
    assert len(run.tables) == (0 if "_exit" in statement else 1)


def test_an_uncaught_exception_is_shown_as_python_shows_it_and_the_report_stays(
    shop,
) -> None:
    source = SIMPLE + "def fail():\n    raise ValueError('x')\nfail()\n"
    run = shop.profile(source)
    shop.write("plain.py", "profile = lambda f: f\n")
    plain = shop.python(
        "-c",
        "import builtins, runpy, sys; builtins.profile = lambda f: f; "
        "exec(compile(open('script.py').read(), 'script.py', 'exec'))",
    )
    assert run.code == 1 and len(run.tables) == 1
    theirs = plain.err.split("\n")
    assert run.err.split("\n")[-5:] == theirs[-5:]
    assert "memory_profiler" not in run.err and run.err.count("Traceback") == 1


def test_a_profiled_function_in_a_traceback_leaves_our_frames_few(shop: Workshop) -> None:
    run = shop.profile("""
        @profile
        def fail():
            raise ValueError("x")

        fail()
    """)
    assert run.code == 1 and len(run.tables) == 1
    assert run.err.rstrip().endswith("ValueError: x")
    assert run.err.count("memory_profiler") <= 1, "one frame: the wrapper"


def test_exceptions_with_broken_hooks_still_report(shop: Workshop) -> None:
    run = shop.profile(
        SIMPLE
        + """
import sys
def hook(*exc): raise RuntimeError("hook")
sys.excepthook = hook
raise ValueError("own")
"""
    )
    assert run.code == 1 and len(run.tables) == 1
    assert "ValueError: own" in run.err


LONG = """
    import os, signal, sys, time

    @profile
    def wait():
        print("ready", flush=True)
        while True:
            time.sleep(0.05)

    wait()
"""


def stop(process: subprocess.Popen, number: int) -> tuple[str, str]:
    """Waits for the program to say ready, signals it; the rest of its output."""
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    return process.communicate(timeout=30)


def test_ctrl_c_reports_and_dies_of_sigint(shop: Workshop) -> None:
    process = start(shop, LONG)
    out, err = stop(process, signal.SIGINT)
    assert process.returncode == -signal.SIGINT
    assert len(parse_tables(out)) == 1
    assert err.rstrip().endswith("KeyboardInterrupt") and err.count("Traceback") == 1


def test_sigterm_reports_and_dies_of_sigterm(shop: Workshop) -> None:
    process = start(shop, LONG)
    out, err = stop(process, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    assert len(parse_tables(out)) == 1
    assert err == ""


def test_a_sigterm_handler_of_the_program_is_left_alone(shop: Workshop) -> None:
    handler = "signal.signal(signal.SIGTERM, lambda *a: sys.exit(9))"
    process = start(shop, LONG.replace("\n    wait()", f"\n    {handler}\n    wait()"))
    out, err = stop(process, signal.SIGTERM)
    assert process.returncode == 9 and err == ""
    assert len(parse_tables(out)) == 1


def test_sigterm_reports_once_also_when_it_comes_during_the_report(shop: Workshop) -> None:
    source = (
        SIMPLE
        + """
import atexit, os, signal
class Noisy:
    encoding = "utf-8"
    def __init__(self, inner): self.inner = inner
    def write(self, text):
        self.inner.write(text)
        if "Filename" in text:
            os.kill(os.getpid(), signal.SIGTERM)
    def flush(self): self.inner.flush()
import sys
sys.stdout = Noisy(sys.stdout)
"""
    )
    run = shop.profile(source)
    assert run.code == -signal.SIGTERM
    assert run.out.count("Filename") == 1


def test_a_child_forked_by_the_program_does_not_print_the_parents_report(
    shop: Workshop,
) -> None:
    """The classic printed one report for each process that came back through its main."""
    run = shop.profile(
        SIMPLE
        + """
import os, sys
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
"""
    )
    assert run.code == 0
    assert len(run.tables) >= 1


def test_threads_that_still_run_at_the_end_are_in_the_report(shop: Workshop) -> None:
    run = shop.profile("""
        import threading, time
        go = threading.Event()

        @profile
        def late():
            go.wait()
            x = 1
            return x

        threading.Thread(target=late).start()
        go.set()
    """)
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("x = 1").occurrences == 1


def test_a_daemon_thread_inside_a_profiled_function_does_not_stop_the_end(
    shop: Workshop,
) -> None:
    run = shop.profile("""
        import threading, time
        started = threading.Event()

        @profile
        def forever():
            while True:
                time.sleep(0.001)
                started.set()

        threading.Thread(target=forever, daemon=True).start()
        started.wait()
    """)
    assert (run.code, run.err) == (0, "")
    assert run.tables[0].line("time.sleep").occurrences >= 1


def test_exit_functions_come_before_the_report_and_are_in_it(shop: Workshop) -> None:
    run = shop.profile(
        SIMPLE
        + """
import atexit
atexit.register(print, "bye")
atexit.register(work)
"""
    )
    assert run.code == 0 and run.out.startswith("bye\nFilename")
    assert run.tables[0].line("x = [1]").occurrences == 2


# --- the program's world ---


def test_functions_of_the_script_can_be_pickled(shop: Workshop) -> None:
    run = shop.profile("""
        import pickle

        class Point:
            pass

        @profile
        def work(x):
            return x * 2

        assert pickle.loads(pickle.dumps(work)) is work
        assert type(pickle.loads(pickle.dumps(Point()))) is Point
        print(work(2))
    """)
    assert (run.code, run.err) == (0, "")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_faults_40_functions_of_the_script_run_in_pools(
    shop: Workshop, method: str
) -> None:
    run = shop.profile(
        f"""
        import multiprocessing

        @profile
        def work(x):
            y = x * 2
            return y

        if __name__ == "__main__":
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(sum(pool.map(work, range(20))))
            work(1)
    """,
        timeout=60,
    )
    assert run.code == 0, run.err
    assert "380\n" in run.out
    assert run.err == ""
    table = next(t for t in run.tables if t.line("y = x * 2").occurrences)
    assert table.line("y = x * 2").occurrences == 21  # 20 of them in children


def test_the_script_is_the_real_main(shop: Workshop) -> None:
    run = shop.profile("""
        import sys, __main__
        x = 42
        print(__main__.x, sys.modules["__main__"].__file__, __name__)
        import builtins
        print(callable(builtins.profile))
    """)
    assert run.out == "42 script.py __main__\nTrue\n"


def test_an_imported_profile_reports_once_at_the_end_with_the_runs_options(
    shop: Workshop,
) -> None:
    run = shop.profile(
        """
        from memory_profiler import profile

        @profile
        def work():
            x = 1
            return x

        @profile(precision=1)
        def other():
            return 2

        for i in range(3):
            work()
            other()
        print("end")
    """,
        "--precision",
        "5",
    )
    assert run.out.startswith("end\nFilename: ")
    assert len(run.tables) == 2
    row = run.tables[0].line("x = 1")
    assert row.occurrences == 3
    assert len(run.out.split("x = 1")[0].split("\n")[-1].split()[1].split(".")[1]) == 5


def test_the_injected_profile_accepts_what_the_imported_one_does(shop: Workshop) -> None:
    run = shop.profile("""
        import sys

        @profile(precision=4, stream=sys.stderr, backend="psutil", include_children=False)
        def a():
            return 1

        @profile()
        def b():
            return 1

        a()
        b()
    """)
    assert run.code == 0
    assert len(run.tables) == len(parse_tables(run.err)) == 1


def test_profile_timestamp_works_in_line_mode(shop: Workshop) -> None:
    run = shop.profile("""
        import memory_profiler
        with profile.timestamp("any label at all"):
            print("inside")
        with memory_profiler.profile.timestamp():
            pass
        @profile
        def never(): pass
    """)
    assert (run.code, run.out, run.err) == (0, "inside\n", "")
