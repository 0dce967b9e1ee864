"""`python -m memory_profiler [options] program [args]`: options, and finding the program."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from conftest import PURE, Workshop, parse_tables
from programs import SIMPLE

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


def test_nothing_decorated_prints_one_line_that_says_what_to_do(shop: Workshop) -> None:
    run = shop.profile("print('hello')")
    assert (run.code, run.out) == (0, "hello\n")
    (said,) = run.err.splitlines()
    assert said.startswith("memory_profiler: nothing is decorated with @profile")
    assert "--all" in said and "mprof heap script.py" in said
    said = shop.run("-m", "script").err
    assert "mprof heap -m script" in said


def test_the_line_for_who_decorated_nothing_is_for_them_alone(shop: Workshop) -> None:
    for source, words in (
        ("@profile\ndef f(): pass", ()),
        ("def f(): pass", ("--all",)),
        ("@profile\ndef f(): pass", ("--json",)),
        ("def f(): pass", ("--timestamp",)),
    ):
        run = shop.profile(source, *words)
        assert (run.code, run.err) == (0, ""), source
    run = shop.profile("import nosuch_module")
    assert run.code == 1 and "decorated" not in run.err


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


@pytest.mark.skipif(not PURE, reason="the C core has them")
@pytest.mark.parametrize("option", ["--peak", "--heap"])
def test_columns_that_only_the_core_has_are_refused_with_2(shop: Workshop, option) -> None:
    run = shop.profile("print('ran')", option)
    assert (run.code, run.out, len(run.err.splitlines())) == (2, "", 1)
    assert option in run.err and "C core" in run.err


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
