"""`python -m memory_profiler [options] program [args]`."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest

from conftest import PURE, Workshop, parse_tables
from programs import SIMPLE


def start(shop: Workshop, source: str, *options: str, **rest) -> subprocess.Popen:
    """The program under the profiler, running; its stdout and stderr are pipes."""
    shop.write("script.py", source)
    return subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", *options, "script.py"], cwd=shop.path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **rest,
    )  # fmt: skip


# --- options ---


def test_help_shows_the_classics_usage_line(shop: Workshop) -> None:
    run = shop.run("-h")
    assert run.code == 0
    assert "usage: python -m memory_profiler script_file.py" in run.out.lower()
    for flag in (
        "--version",
        "--precision",
        "-o",
        "--include-children",
        "--backend",
        "--json",
    ):
        assert flag in run.out


def test_version_is_one_line(shop: Workshop) -> None:
    run = shop.run("--version")
    assert (run.code, run.out, run.err) == (0, "1.0.0\n", "")


def test_verbose_version_names_the_gate_and_the_granularity(
    shop: Workshop, gate: str
) -> None:
    run = shop.run("--version", "--verbose")
    names = {"ring": "page-fault ring", "rusage": "rusage", "none": "none"}
    assert f"gate: {names[gate]}\n" in run.out
    assert "kernel counts RSS to: " in run.out


def test_no_program_is_said_on_stdout_and_is_1(shop: Workshop) -> None:
    run = shop.run()
    assert run.out == "A program to run must be provided. Use -h for help\n"
    assert (run.code, run.err) == (1, "")


@pytest.mark.parametrize(
    "words",
    [("--nonsense",), ("--backend", "x"), ("--precision", "-1"), ("--precision", "abc"),
     ("--precision", "nan"), ("--precision", "1e9"), ("--precision", "1000000000"),
     ("--precision",), ("-o",), ("-m",)],
)  # fmt: skip
def test_faults_28_a_bad_option_is_2_with_a_usage_line_and_no_traceback(
    shop, words
) -> None:
    shop.write("script.py", "print('ran')")
    run = (
        shop.run(*words, "script.py")
        if words[-1] not in ("--precision", "-o", "-m")
        else (shop.run(*words))
    )
    assert run.code == 2
    assert "usage" in run.err and "Traceback" not in run.err
    assert run.out == ""


def test_unambiguous_prefixes_of_options_are_accepted(shop: Workshop) -> None:
    run = shop.profile(SIMPLE, "--prec", "5", "--back=posix", "--incl")
    assert run.code == 0
    assert all(
        len(cell.split(".")[1]) == 5
        for cell in [
            w for w in run.out.split() if w.replace(".", "").isdigit() and "." in w
        ]
    )


@pytest.mark.parametrize("precision", [0, 1, 3, 8, 100])
def test_precision_is_the_number_of_decimals(shop: Workshop, precision: int) -> None:
    run = shop.profile(SIMPLE, "--precision", str(precision))
    row = next(line for line in run.out.split("\n") if "x = [1]" in line).split()
    assert len(row[1].partition(".")[2]) == precision


def test_report_file_is_appended_to_and_stdout_stays_the_programs(shop: Workshop) -> None:
    target = shop.path / "report.txt"
    target.write_text("before\n")
    for _ in range(2):
        run = shop.profile(SIMPLE + "print('hello')\n", "-o", "report.txt")
        assert (run.code, run.out, run.err) == (0, "hello\n", "")
    text = target.read_text(encoding="utf-8")
    assert text.startswith("before\nFilename: script.py\n")
    assert len(parse_tables(text)) == 2


@pytest.mark.parametrize("target", ["missing/report.txt", ".", "/proc/none"])
def test_a_bad_report_path_fails_before_the_program_runs(
    shop: Workshop, target: str
) -> None:
    run = shop.profile("open('ran', 'w')", "-o", target)
    assert run.code == 1
    assert run.err.count("\n") == 1 and target in run.err
    assert not (shop.path / "ran").exists()


def test_a_full_device_is_said_once_and_the_report_goes_to_stdout(shop: Workshop) -> None:
    run = shop.profile(SIMPLE, "-o", "/dev/full")
    assert run.code == 1
    assert run.err.count("\n") == 1 and "No space left" in run.err
    assert len(run.tables) == 1


def test_the_report_may_go_to_a_named_pipe(shop: Workshop) -> None:
    os.mkfifo(shop.path / "pipe")
    reader = subprocess.Popen(
        ["cat", "pipe"], cwd=shop.path, stdout=subprocess.PIPE, text=True
    )
    run = shop.profile(SIMPLE, "-o", "pipe")
    out, _ = reader.communicate(timeout=20)
    assert (run.code, run.err) == (0, "")
    assert len(parse_tables(out)) == 1


def test_the_report_file_is_where_the_path_pointed_at_the_start(shop: Workshop) -> None:
    shop.path.joinpath("sub").mkdir()
    run = shop.profile(SIMPLE + "import os; os.chdir('sub')\n", "-o", "report.txt")
    assert (run.code, run.err) == (0, "")
    assert (shop.path / "report.txt").exists()


def test_nothing_decorated_prints_nothing(shop: Workshop) -> None:
    run = shop.profile("print('hello')")
    assert (run.code, run.out, run.err) == (0, "hello\n", "")


def test_functions_come_in_the_order_of_decoration_and_only_when_called(
    shop: Workshop,
) -> None:
    run = shop.profile("""
        @profile
        def a(): return 1

        @profile
        def never(): return 1

        @profile
        def b(): return 1

        b()
        a()
    """)
    assert [table.first.number for table in run.tables] == [1, 7] or [
        list(t.rows.values())[-1].source for t in run.tables
    ] == ["def a(): return 1", "def b(): return 1"]


# --- programs ---


def test_faults_29_a_missing_script_is_said_in_the_classics_words(shop: Workshop) -> None:
    run = shop.run("missing.py")
    assert (run.code, run.out, run.err) == (1, "", "Could not find script missing.py\n")


def test_faults_29_a_missing_module_is_one_line(shop: Workshop) -> None:
    for words in (("no_such_module",), ("-m", "no_such_module"), ("-m", "json.nothing")):
        run = shop.run(*words)
        assert run.code == 1 and run.out == ""
        assert run.err.startswith("memory_profiler: ") and run.err.count("\n") == 1
        assert words[-1] in run.err


def test_faults_29_a_directory_is_one_line(shop: Workshop) -> None:
    (shop.path / "folder.py").mkdir()
    run = shop.run("folder.py")
    assert (run.code, run.out) == (1, "")
    assert "folder.py is a directory" in run.err and run.err.count("\n") == 1


def test_faults_29_a_syntax_error_is_the_programs_own(shop: Workshop) -> None:
    run = shop.profile("x = (\n", "-o", "report.txt")
    assert run.code == 1 and run.out == ""
    assert 'File "script.py", line 1' in run.err and "SyntaxError" in run.err
    assert "memory_profiler" not in run.err
    assert not (shop.path / "report.txt").exists()


def test_faults_29_an_unreadable_script_is_one_line(shop: Workshop) -> None:
    shop.write("script.py", SIMPLE).chmod(0)
    if os.access(shop.path / "script.py", os.R_OK):
        pytest.skip("runs with the power to read every file")
    run = shop.run("script.py")
    assert run.code == 1 and run.err.count("\n") == 1


def test_faults_29_a_script_with_null_bytes_is_no_crash(shop: Workshop) -> None:
    (shop.path / "script.py").write_bytes(b"x = 1\0\n")
    run = shop.run("script.py")
    assert run.code == 1 and run.out == "" and "memory_profiler" not in run.err
    assert "null bytes" in run.err


def test_files_that_do_not_end_in_py_run(shop: Workshop) -> None:
    shop.write("tool", "#!/usr/bin/env python\n" + SIMPLE)
    for name in ("tool", "./tool", str(shop.path / "tool")):
        run = shop.run(name)
        assert (run.code, run.err) == (0, "")
        assert run.tables[0].filename == name


def test_modules_run_by_name_and_by_m(shop: Workshop) -> None:
    shop.write("pkg/__init__.py", "")
    shop.write("pkg/tool.py", "import sys\nprint(__name__, __package__, __spec__.name, sys.argv[1:])\n"
               + SIMPLE)  # fmt: skip
    shop.write("pkg/__main__.py", "from . import tool\nprint('main', __package__)\n")
    for words in (("pkg.tool", "a"), ("-m", "pkg.tool", "a"), ("-mpkg.tool", "a")):
        run = shop.run(*words)
        assert (run.code, run.err) == (0, ""), words
        assert run.out.startswith("__main__ pkg pkg.tool ['a']\n")
        assert run.tables[0].filename == str(shop.path / "pkg" / "tool.py")
    run = shop.run("-m", "pkg")
    assert run.out.startswith("pkg.tool pkg pkg.tool []\nmain pkg\nFilename: ")


def test_a_module_sees_what_python_m_shows_it(shop: Workshop) -> None:
    shop.write(
        "tool.py",
        """
        import sys
        print(sys.argv, __name__, __file__, __spec__ is not None, __package__ == "", sys.path[0])
        print(sys.modules["__main__"].__dict__ is globals())
    """,
    )
    plain = shop.python("-m", "tool", "x", "--y")
    assert shop.run("-m", "tool", "x", "--y").out == plain.out


def test_a_script_sees_what_python_shows_it(shop: Workshop) -> None:
    shop.write(
        "sub/tool.py",
        """
        import sys
        import os
        print(sys.argv, __name__, os.path.abspath(__file__), __doc__, __spec__, __package__)
        print(sys.path[0], sorted(k for k in globals() if k not in ("profile", "__annotations__")))
        print(sys.modules["__main__"].__dict__ is globals(), type(__loader__).__name__)
        print(sys.flags.optimize, __annotations__ if "__annotations__" in globals() else {})
    """,
    )
    plain = shop.python("sub/tool.py", "x")
    assert shop.run("sub/tool.py", "x").out == plain.out


def test_a_script_found_on_path_runs(shop: Workshop) -> None:
    shop.write("bin/onpath.py", SIMPLE)
    run = shop.run("onpath.py", env={"PATH": f"{shop.path / 'bin'}:{os.environ['PATH']}"})
    assert run.tables[0].filename == str(shop.path / "bin" / "onpath.py")


def test_the_filename_is_as_it_was_typed(shop: Workshop) -> None:
    shop.write("sub/script.py", SIMPLE)
    for name in ("sub/script.py", "./sub/script.py", str(shop.path / "sub/script.py")):
        assert shop.run(name).tables[0].filename == name


def test_the_working_directory_stays_importable(shop: Workshop) -> None:
    shop.write("helper.py", "x = 41")
    shop.write("sub/sibling.py", "y = 1")
    shop.write("sub/script.py", "import helper, sibling; print(helper.x + sibling.y)")
    assert shop.run("sub/script.py").out == "42\n"


HARD_WORDS = ["", " ", "a b", "'", '"', "--", "-", "-x", "--precision", "-o", "--", "*", "$HOME",
              "`id`", ";", "\\", "äö", "\x1b[1m", "a\nb", "-5", "--version", "-h", "=", "-m"]  # fmt: skip


def test_faults_27_arguments_reach_the_program_byte_for_byte(shop: Workshop) -> None:
    source = "import sys, os; print([os.fsencode(a) for a in sys.argv[1:]])"
    shop.write("script.py", source)
    shop.write("tool.py", source)
    words = [os.fsencode(w) for w in HARD_WORDS] + [b"\xff\xfe"]
    for program in (["script.py"], ["tool"], ["-m", "tool"], ["-mtool"]):
        done = subprocess.run(
            [sys.executable, "-m", "memory_profiler", "--precision", "2", *program, *words],
            cwd=shop.path, capture_output=True,
        )  # fmt: skip
        assert done.stdout.decode() == f"{words}\n", (program, done.stderr)


def test_faults_27_a_double_dash_ends_our_options(shop: Workshop) -> None:
    shop.write("-odd.py", "import sys; print(sys.argv)")
    assert shop.run("--", "-odd.py", "--", "x").out == "['-odd.py', '--', 'x']\n"
    assert shop.run("--precision", "2", "--", "-odd.py").out == "['-odd.py']\n"


def test_faults_27_names_with_spaces_and_quotes_are_found(shop: Workshop) -> None:
    for name in ("a b.py", "it's.py", 'say "x".py', "$(id).py", "ü.py"):
        shop.write(name, SIMPLE)
        assert shop.run(name).tables[0].filename == name


def test_source_encodings_are_honoured(shop: Workshop) -> None:
    text = textwrap.dedent("""\
        # -*- coding: latin-1 -*-
        @profile
        def grüße():
            return 'ß'

        print(ascii(grüße()))
    """)
    (shop.path / "script.py").write_bytes(text.encode("latin-1"))
    run = shop.run("script.py")
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("'\\xdf'\n")
    assert [row.source for row in run.tables[0].rows.values()][1:] == [
        "def grüße():", "    return 'ß'",
    ]  # fmt: skip


def test_a_byte_order_mark_and_dos_line_ends_are_honoured(shop: Workshop) -> None:
    text = "@profile\r\ndef f():\r\n    return 1\r\n\r\nf()\r\n"
    (shop.path / "script.py").write_bytes(b"\xef\xbb\xbf" + text.encode())
    run = shop.run("script.py")
    assert (run.code, run.err) == (0, "")
    assert [row.source for row in run.tables[0].rows.values()] == [
        "@profile", "def f():", "    return 1",
    ]  # fmt: skip


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


def test_atexit_functions_run_after_the_report(shop: Workshop) -> None:
    run = shop.profile(
        SIMPLE
        + """
import atexit
atexit.register(print, "bye")
"""
    )
    assert run.code == 0 and run.out.endswith("bye\n") and run.out.startswith("Filename")


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
    assert table.line("y = x * 2").occurrences == 1


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
    assert (run.code, run.err) == (0, "")
    assert len(run.tables) == 2


def test_profile_timestamp_works_in_line_mode(shop: Workshop) -> None:
    run = shop.profile("""
        import memory_profiler
        with profile.timestamp("any label at all"):
            print("inside")
        with memory_profiler.profile.timestamp():
            pass
    """)
    assert (run.code, run.out, run.err) == (0, "inside\n", "")


# --- streams, languages, directories ---


def test_a_reader_that_went_away_is_quiet(shop: Workshop) -> None:
    shop.write("script.py", SIMPLE)
    done = subprocess.run(
        f"'{sys.executable}' -m memory_profiler script.py 2>err | head -n 0; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", cwd=shop.path, capture_output=True, text=True,
    )  # fmt: skip
    assert (shop.path / "err").read_text() == ""
    assert done.stdout.strip() in ("0", "141")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_survived(shop: Workshop, closed: str) -> None:
    shop.write("script.py", SIMPLE + "open('ran', 'w')\n")
    done = subprocess.run(
        f"'{sys.executable}' -m memory_profiler -o report.txt script.py {closed}; echo $? >code",
        shell=True, cwd=shop.path,
    )  # fmt: skip
    assert (shop.path / "code").read_text() == "0\n"
    assert (shop.path / "ran").exists()
    assert len(parse_tables((shop.path / "report.txt").read_text(encoding="utf-8"))) == 1


def test_a_closed_stdout_loses_the_report_and_nothing_else(shop: Workshop) -> None:
    shop.write("script.py", SIMPLE)
    done = subprocess.run(
        f"'{sys.executable}' -m memory_profiler script.py >&-", shell=True, cwd=shop.path,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


def test_a_program_that_closes_stdout_is_told_in_one_line(shop: Workshop) -> None:
    run = shop.profile(SIMPLE + "import sys; sys.stdout.close()\n")
    assert "Traceback" not in run.err and run.err.count("\n") <= 1


def test_faults_67_plain_ascii_where_the_language_is_c(shop: Workshop) -> None:
    environment = {
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "COLUMNS": "20",
    }
    shop.write(
        "ü.py",
        """
        @profile
        def grün():
            x = "äöü \\x1b €"
            return x * 1000

        grün()
    """,
    )
    shop.write("ascii.py", '@profile\ndef f():\n    return "äöü €"\n\nf()\n')
    for words in (["ascii.py"], ["ü.py"], ["--json", "ü.py"], ["-o", "out.txt", "ü.py"]):
        run = shop.run(*words, env=environment)
        assert (run.code, run.err) == (0, ""), words
        assert run.out.isascii() and "\x1b" not in run.out
    run = shop.run("ascii.py", env=environment)
    assert run.tables[0].rows[3].source == '    return "\\xe4\\xf6\\xfc \\u20ac"'
    assert run.tables[0].rows[3].memory > 1, "no figure is cut"


def test_faults_14_a_deleted_working_directory_is_one_line(shop: Workshop) -> None:
    shop.write("script.py", SIMPLE)
    doomed = shop.path / "doomed"
    doomed.mkdir()
    done = subprocess.run(
        f"cd doomed && rmdir ../doomed && '{sys.executable}' -P -m memory_profiler ../script.py",
        shell=True, cwd=shop.path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "directory" in done.stderr


def test_faults_14_a_program_that_deletes_its_directory_still_reports(
    shop: Workshop,
) -> None:
    (shop.path / "doomed").mkdir()
    run = shop.profile(SIMPLE + "import os; os.chdir('doomed'); os.rmdir('../doomed')\n")
    assert (run.code, run.err) == (0, "") and len(run.tables) == 1


def test_faults_14_a_directory_that_cannot_be_written_names_the_path(
    shop: Workshop,
) -> None:
    run = shop.profile(SIMPLE, "-o", "/proc/self/nothing/report.txt")
    assert run.code == 1 and "/proc/self/nothing/report.txt" in run.err
    assert run.err.count("\n") == 1


def test_faults_14_no_home_is_no_fault(shop: Workshop) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "HOME"}
    shop.write("script.py", SIMPLE)
    done = subprocess.run([sys.executable, "-m", "memory_profiler", "script.py"], cwd=shop.path,
                          env=environment, capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(parse_tables(done.stdout)) == 1


def test_faults_22_names_and_lines_cannot_forge_rows_or_drive_a_terminal(
    shop: Workshop,
) -> None:
    """Faults 22 and 23: control bytes in file names and source lines are shown escaped."""
    name = "a\x1b[31m\u202e\x85.py"
    shop.write(
        name,
        "@profile\ndef f():\n    x = '\x1b]0;title\x07'; y = '\u202e\x9b1m'\n    return 1\n\nf()\n",
    )
    run = shop.run(name)
    assert (run.code, run.err) == (0, "")
    controls = [
        c
        for c in run.out
        if (ord(c) < 32 and c not in "\n\t")
        or 127 <= ord(c) < 160
        or c in "\u202e\u2028\u2029"
    ]
    assert controls == []
    assert run.out.split("\n")[0] == r"Filename: a\x1b[31m\xe2\x80\xae\xc2\x85.py"


def test_faults_22_a_file_name_with_a_line_end_stays_one_line(shop: Workshop) -> None:
    name = "a\nFilename: b.py"
    shop.write(name, SIMPLE)
    run = shop.run(os.path.join(".", name))
    assert run.out.count("\nFilename: ") == 0
    assert r"\x0a" in run.out.split("\n")[0]


def test_faults_22_undecodable_file_names_are_shown_escaped(shop: Workshop) -> None:
    name = os.path.join(os.fsencode(shop.path), b"odd\xff.py")
    pathlib.Path(os.fsdecode(name)).write_text(SIMPLE)
    done = subprocess.run([sys.executable, "-m", "memory_profiler", b"odd\xff.py"], cwd=shop.path,
                          capture_output=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split(b"\n")[0].startswith(b"Filename: odd\\x")
    done = subprocess.run([sys.executable, "-m", "memory_profiler", "--json", b"odd\xff.py"],
                          cwd=shop.path, capture_output=True)  # fmt: skip
    assert json.loads(done.stdout)["functions"][0]["filename"].startswith("odd")


# --- no /proc ---


HIDDEN = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c"]


@pytest.fixture
def no_proc() -> list[str]:
    """A prefix for commands that see an empty /proc."""
    command = [*HIDDEN, 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    return command


def test_faults_36_without_proc_the_reason_is_one_line(shop: Workshop, no_proc) -> None:
    shop.write("script.py", SIMPLE)
    done = subprocess.run([*no_proc, sys.executable, "-m", "memory_profiler", "script.py"],
                          cwd=shop.path, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 1
    assert "/proc" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_faults_36_the_imported_decorator_runs_the_function_without_proc(
    shop, no_proc
) -> None:
    shop.write(
        "script.py",
        "from memory_profiler import profile\n" + SIMPLE + "print('ran')\n",
    )
    done = subprocess.run([*no_proc, sys.executable, "script.py"],
                          cwd=shop.path, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ran" in done.stdout
    assert done.stderr.count("/proc") >= 1


@pytest.mark.skipif(not PURE, reason="the C core has them")
@pytest.mark.parametrize("option", ["--peak", "--heap"])
def test_columns_that_only_the_core_has_are_refused_with_2(shop: Workshop, option) -> None:
    run = shop.profile("print('ran')", option)
    assert (run.code, run.out, len(run.err.splitlines())) == (2, "", 1)
    assert option in run.err and "C core" in run.err
