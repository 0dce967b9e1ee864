"""`mprof heap` and `mprof report`, with real programs, killed ones too."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import sysconfig
import textwrap
import time
from pathlib import Path

import pytest

MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")


def mprof(*words: str, cwd: Path, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MPROF, *words], cwd=cwd, capture_output=True, text=True, check=False, **more
    )


def report(path: Path) -> dict:
    done = mprof("report", "--json", str(path), cwd=path.parent)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "work.py"
    path.write_text(
        textwrap.dedent("""\
        import sys

        def load():
            return [bytes(1000) for _ in range(100)]

        kept = load()
        print(sys.argv, __name__)
        sys.exit(7)
        """)
    )
    os.utime(path, (1, 1))
    return path


def test_the_report_names_the_line_with_its_source(script: Path) -> None:
    done = mprof("heap", "-o", "a.mprof", "work.py", "-x", "a b", cwd=script.parent)
    assert done.stdout == "['work.py', '-x', 'a b'] __main__\n"
    assert done.returncode == 7
    text = mprof("report", "a.mprof", cwd=script.parent).stdout
    first = text.split("At the peak\n")[1].splitlines()[1:3]
    assert "work.py:4 load" in first[0]
    assert first[1].strip() == "return [bytes(1000) for _ in range(100)]"
    (line, *_) = report(script.parent / "a.mprof")["lines"]
    # before 3.12 a comprehension is a function of its own
    assert line["function"] in ("load", "load.<locals>.<listcomp>")
    assert line["blocks_at_peak"] == 101


def test_source_that_is_later_is_not_shown(script: Path) -> None:
    mprof("heap", "--no-source", "-o", "a.mprof", "work.py", cwd=script.parent)
    os.utime(script, (2**31, 2**31))
    text = mprof("report", "a.mprof", cwd=script.parent).stdout
    assert "work.py:4 load" in text
    assert "return [bytes" not in text


def test_a_module_and_a_python_command_line_run_as_python_runs_them(script: Path) -> None:
    done = mprof("heap", "-o", "a", "-m", "work", "-o", "-m", cwd=script.parent)
    assert (done.returncode, done.stdout.endswith("', '-o', '-m'] __main__\n")) == (7, True)
    command = ["python", "-X", "dev", "work.py"]
    env = {**os.environ, "PATH": os.path.dirname(sys.executable) + ":" + os.environ["PATH"]}
    done = mprof("heap", "-o", "b", *command, cwd=script.parent, env=env)
    assert done.stdout == "['work.py'] __main__\n"


def test_faults_29_programs_that_do_not_start_leave_no_capture(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def :\n")
    for program in ("no.py", "bad.py", "."):
        done = mprof("heap", "-o", "a.mprof", program, cwd=tmp_path)
        assert done.returncode == 1
        assert "SyntaxError" in done.stderr or len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "a.mprof").exists()


def test_faults_9_10_11_what_is_at_the_name_is_not_lost(script: Path) -> None:
    here = script.parent
    (here / "text").write_text("mine")
    (here / "link").symlink_to("text")
    for name in ("text", "link", ".", "/dev/full"):
        done = mprof("heap", "-o", name, "work.py", cwd=here)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
    assert (here / "text").read_text() == "mine"
    mprof("heap", "--force", "-o", "link", "work.py", cwd=here)
    assert (here / "text").read_text() == "mine" and not (here / "link").is_symlink()
    mprof("heap", "-o", "link", "work.py", cwd=here)
    assert report(here / "link.old")["incomplete"] is None
    assert (here / "link").stat().st_mode & 0o777 == 0o600


def test_faults_16_what_is_no_capture_is_refused_in_one_line(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("text", b"MEN 1 2\n"), ("short", b"mprof\x1a")):
        path = tmp_path / name
        path.write_bytes(content)
        done = mprof("report", name, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr == f"mprof: not an mprof heap capture: {name}\n"
    (tmp_path / "a.dat").write_text("MEM 1.0 1.0\n")
    done = mprof("report", "a.dat", cwd=tmp_path)
    assert done.returncode == 1 and "a.dat is a timeline" in done.stderr


def test_faults_23_names_cannot_drive_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "e.py").write_text(
        "names = {}\n"
        "exec(compile('def f(): return bytes(10**6)', '\\x1b[2J\\n\\u202e\\udc80', 'exec'), names)\n"
        "kept = names['f']()\n"
    )
    mprof("heap", "-o", "a.mprof", "e.py", cwd=tmp_path)
    text = mprof("report", "a.mprof", cwd=tmp_path).stdout
    assert "\\x1b[2J" in text
    assert "\x1b" not in text and "\u202e" not in text
    (first, *_) = report(tmp_path / "a.mprof")["lines"]
    assert first["file"] == "\x1b[2J\n\u202e\udc80"


BUSY = """
import threading
kept = []
def work():
    for i in range(10**9):
        kept.append(bytes(i % 3000))
        if i % 5000 == 0:
            kept.clear()
threads = [threading.Thread(target=work) for _ in range(2)]
print("ready", flush=True)
for thread in threads:
    thread.start()
"""


def test_faults_1_a_kill_at_any_moment_leaves_books_that_balance(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    for number in range(20):
        path = tmp_path / f"{number}.mprof"
        command = [MPROF, "heap", "-o", str(path), "busy.py"]
        child = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(random.random() * 0.1)  # any moment will do
        child.kill()
        assert child.wait() == -signal.SIGKILL
        child.stdout.close()
        got = report(path)
        assert got["incomplete"] == "the program was killed, or became another (exec)"
        for total in ("live", "total"):
            lines = sum(line[total] for line in (*got["lines"], got["own"]))
            assert abs(lines - got[total]) <= 3 * 33000
        blocks = sum(line["allocations"] for line in (*got["lines"], got["own"]))
        assert abs(blocks - got["allocations"]) <= 3


def test_code_runs_as_python_c_runs_it(tmp_path: Path) -> None:
    code = (
        "import sys\nkept = bytes(10**6)\nprint(sys.argv, sys.path[0] == '', __name__, __spec__)\n"
        "print(sorted(name for name in globals() if name[0] != '_'), '__file__' in globals())\n"
        "print(__loader__, kept[:1])\nraise SystemExit(len(sys.argv))"
    )
    plain = subprocess.run(
        [sys.executable, "-c", code, "-x", "b c"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert plain.returncode == 3
    for words in (["-c", code], ["--command", code], [sys.executable, "-c", code]):
        name = f"{len(words[0])}.mprof"
        done = mprof("heap", "-o", name, *words, "-x", "b c", cwd=tmp_path)
        assert (done.stdout, done.returncode) == (plain.stdout, 3)
        (line, *_) = report(tmp_path / name)["lines"]
        assert (line["file"], line["line"], line["function"]) == ("<string>", 2, "<module>")
    done = mprof("heap", "-o", "b.mprof", "-c", "x(", cwd=tmp_path)
    assert done.returncode == 1 and 'File "<string>", line 1' in done.stderr
    assert "_heap_run" not in done.stderr
    for words in (["-c"], [sys.executable, "-c"], [sys.executable, "-"]):
        done = mprof("heap", *words, cwd=tmp_path)
        assert done.returncode in (1, 2) and "Traceback" not in done.stderr


def test_a_recording_is_told_of_once_it_began(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("print('out')\n")
    done = mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path)
    said, end = done.stderr.splitlines()
    assert said.startswith("mprof: recording the heap into a.mprof with ")
    assert end.startswith("mprof: peak ")
    for words in (
        ["nosuch.py"],
        ["-m", "nosuch"],
        ["-o", "no/a.mprof", "work.py"],
        ["-c", "x("],
    ):
        done = mprof("heap", *words, cwd=tmp_path)
        assert done.returncode != 0 and "recording" not in done.stderr
    closed = subprocess.run(
        ["sh", "-c", f"'{MPROF}' heap -o b.mprof work.py 2>&-"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert closed.stdout == "out\n"


def test_faults_23_what_is_said_cannot_drive_a_terminal_either(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("print('ok')\n")
    done = mprof("heap", "-o", "q\x1b[31m.mprof", "p.py", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr.startswith(
        "mprof: recording the heap into q\\x1b[31m.mprof with "
    )
    missing = mprof("heap", "-o", "a.mprof", "-m", "no\nsuch", cwd=tmp_path)
    assert missing.returncode == 1
    assert missing.stderr == (
        "mprof: no module or file to run: No module named no\\x0asuch\n"
    )


def test_faults_66_modules_beside_the_program_are_not_ours(tmp_path: Path) -> None:
    for name in ("re", "typing", "signal", "struct", "argparse", "inspect"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not for the profiler')\n")
    (tmp_path / "p.py").write_text("import sys\nprint(sys.path[0])\n")
    done = mprof("heap", "-o", "a.mprof", "p.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}\n")


def test_an_interpreter_that_stays_has_the_programs_names(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("x = 6 * 7\n")
    done = mprof("heap", "-o", "a.mprof", sys.executable, "-i", "p.py", cwd=tmp_path,
                 input="print(x)\n")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert "Traceback" not in done.stderr


def test_a_program_may_come_from_a_pipe(tmp_path: Path) -> None:
    line = '"$0" heap -o a.mprof <(echo "print(6 * 7)")'
    done = subprocess.run(
        ["bash", "-c", line, MPROF],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr


def test_runs_of_one_second_are_told_of_their_names_once(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("pass\n")
    stamp = "mprofheap_20200101000000"
    for taken in (f"{stamp}.mprof", f"{stamp}-1.mprof", f"{stamp}-2.mprof"):
        (tmp_path / taken).touch()
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler._heap_run", f"{stamp}.mprof", "p.py"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = f"mprof: {stamp}.mprof is another run's: recording into {stamp}-3.mprof"
    assert [line for line in done.stderr.splitlines() if "another" in line] == [said]
