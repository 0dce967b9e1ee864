"""`python -m memory_profiler` among closed streams, odd names and directories that go."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from conftest import Workshop, parse_tables
from programs import SIMPLE


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
