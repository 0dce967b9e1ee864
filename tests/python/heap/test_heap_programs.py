"""`mprof heap` on programs as they come: command lines, a web server, pandas, pytest."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sysconfig
import textwrap
import urllib.request
import zipfile
from pathlib import Path

import pytest

SCRIPTS = sysconfig.get_path("scripts")
MPROF = os.path.join(SCRIPTS, "mprof")
ENVIRONMENT = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}


def heap(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A program run to its end with its heap recorded into `a.mprof`."""
    return run(MPROF, "heap", "-o", "a.mprof", *words, cwd=cwd)


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


def report(folder: Path) -> dict:
    done = run(MPROF, "report", "--json", "a.mprof", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def first_row(folder: Path) -> str:
    """What the text report says holds most at the peak: the place and its source."""
    text = run(MPROF, "report", "a.mprof", cwd=folder).stdout
    return "\n".join(text.split("At the peak\n")[1].splitlines()[1:3])


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text))
    os.utime(path, (1, 1))  # the report shows no source that is younger than the run
    return path


def line_of(path: Path, text: str) -> int:
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


IDENTITY = """
import queue
import sys
main = sys.modules["__main__"]
print(sys.argv, __name__, __package__, __file__, sys.path[:2], queue.__name__)
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name in ("plain.py", "code", "sub/queue_user.py", "folder/__main__.py"):
        write(tmp_path, name, IDENTITY)
    write(tmp_path, "package/__init__.py", "")
    write(tmp_path, "package/__main__.py", IDENTITY)
    (tmp_path / "sub" / "link.py").symlink_to("../plain.py")
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as file:
        file.writestr("__main__.py", IDENTITY)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    (
        "plain.py -x --output",
        "./plain.py",
        "sub/queue_user.py",
        "sub/link.py",
        "code a",  # the name of a module too
        "folder -m",
        "package",
        "app.pyz 1",
        "-m package -m x",
        "-mpackage x",
        "-um package",
        "-uX dev -- plain.py",
        "-W ignore -P plain.py",
        "-I sub/queue_user.py",
    ),
)
def test_a_python_command_line_runs_what_python_runs(programs: Path, words: str) -> None:
    plain = run("python", *words.split(), cwd=programs)
    done = heap("python", *words.split(), cwd=programs)
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)
    assert plain.returncode == 0
    assert report(programs)["incomplete"] is None


@pytest.mark.parametrize("words", ("plain.py x", "folder/ x", "app.pyz", "-m package x"))
def test_python_may_be_left_out(programs: Path, words: str) -> None:
    plain = run("python", *words.split(), cwd=programs)
    assert heap(*words.split(), cwd=programs).stdout == plain.stdout != ""


def test_a_script_is_not_shadowed_by_what_lies_in_the_working_directory(
    programs: Path,
) -> None:
    write(programs, "queue.py", "raise SystemExit('the wrong queue')")
    plain = run("python", "sub/queue_user.py", cwd=programs)
    done = heap("sub/queue_user.py", cwd=programs)
    assert (done.returncode, done.stdout) == (0, plain.stdout)


@pytest.mark.parametrize(
    "words", ("python", "python -u", "python -um", "python -", "python -c")
)
def test_faults_29_no_program_is_said_in_one_line(tmp_path: Path, words: str) -> None:
    done = heap(*words.split(), cwd=tmp_path)
    said = done.stderr.splitlines()
    assert len([line for line in said if not line.startswith("mprof: recording")]) == 1
    assert done.returncode in (1, 2)
    assert not list(tmp_path.iterdir())


def test_a_mistyped_command_line_leaves_the_earlier_capture_where_it_is(
    programs: Path,
) -> None:
    heap("plain.py", cwd=programs)
    assert heap("python", cwd=programs).returncode == 2
    assert report(programs)["incomplete"] is None
    assert not (programs / "a.mprof.old").exists()


def test_a_traceback_has_no_frame_of_ours(tmp_path: Path) -> None:
    write(tmp_path, "bad.py", "def f():\n    return 1 / 0\nf()\n")
    plain, done = run("python", "bad.py", cwd=tmp_path), heap("bad.py", cwd=tmp_path)
    assert done.returncode == 1
    _, *said, end = done.stderr.splitlines(keepends=True)
    assert "".join(said) == plain.stderr and end.startswith("mprof: peak ")


def test_forked_children_are_recorded_or_told(tmp_path: Path) -> None:
    write(
        tmp_path,
        "forks.py",
        """
        import os
        for _ in range(2):
            if os.fork() == 0:
                raise SystemExit
            os.wait()
        """,
    )
    done = heap("forks.py", cwd=tmp_path)
    assert "not recorded" not in done.stderr
    assert [process["closed"] for process in report(tmp_path)["processes"]] == [True] * 3
    done = heap("--no-follow", "forks.py", cwd=tmp_path)
    assert done.stderr.count("the heap of 2 forked children was not recorded") == 1
    got = report(tmp_path)
    assert got["incomplete"] is None and got["processes"] == []


SERVER = """
import signal
from flask import Flask, request
from werkzeug.serving import make_server

app = Flask(__name__)
seen = []

@app.route("/")
def index():
    seen.append(request.headers["Host"] + "x" * 300_000)
    return {"rows": [{"id": i, "name": f"row {i}"} for i in range(50)]}

signal.signal(signal.SIGINT, signal.default_int_handler)
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_a_web_server_under_load_shows_the_line_that_leaks(
    tmp_path: Path, number: signal.Signals
) -> None:
    pytest.importorskip("flask", reason="the server is Flask's")
    script = write(tmp_path, "server.py", SERVER)
    server = subprocess.Popen(
        [MPROF, "heap", "-o", "a.mprof", "python", "server.py"],
        cwd=tmp_path, env=ENVIRONMENT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    with server, server.stdout:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
        for _ in range(200):
            assert len(json.loads(urllib.request.urlopen(url).read())["rows"]) == 50
        server.send_signal(number)
    assert server.returncode == (0 if number == signal.SIGINT else -number)
    got = report(tmp_path)
    (leak, *_) = got["lines"]
    assert (leak["function"], leak["line"]) == ("index", line_of(script, "seen.append"))
    assert 200 <= leak["live_blocks"] <= 210  # the strings; and the list's own
    assert leak["live"] > 200 * 300_000
    assert (got["incomplete"] is None) == (number == signal.SIGINT)
    assert 'seen.append(request.headers["Host"]' in first_row(tmp_path)


FRAMES = """
import pandas

def load(size):
    frame = pandas.DataFrame({"key": range(size)})
    frame["name"] = pandas.Series(
        [f"customer number {key:0200} of the shop" for key in frame["key"]], dtype=object
    )
    return frame

frame = load(200_000)
groups = pandas.DataFrame({"key": range(0, 100_000, 10), "group": 1})
joined = frame.merge(groups, on="key")
print(len(joined), joined.groupby("group")["name"].count().iloc[0])
"""


def test_a_pandas_job_shows_the_line_whose_strings_fill_the_column(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="the job is one of pandas")
    script = write(tmp_path, "job.py", FRAMES)
    # NumPy's import maps 64 MiB for its threads
    done = heap("--no-native", "job.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "10000 10000\n"), done.stderr
    lines = report(tmp_path)["lines"]
    (strings, *_) = lines
    assert strings["file"] == str(script)
    assert strings["line"] == line_of(script, "customer number")
    assert 200_000 <= strings["live_blocks"] <= 200_300
    assert "customer number" in first_row(tmp_path)


def test_a_package_s_tests_pass_as_without_us_and_are_accounted_for(tmp_path: Path) -> None:
    pytest.importorskip("toolz", reason="the tests are those of toolz")
    words = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
             "--pyargs", "toolz.tests.test_itertoolz", "toolz.tests.test_dicttoolz")  # fmt: skip
    plain, done = run(*words, cwd=tmp_path), heap(*words, cwd=tmp_path)
    assert done.returncode == plain.returncode == 0
    passed = re.search(r"\d+ passed", done.stdout)
    assert passed is not None and passed[0] in plain.stdout
    got = report(tmp_path)
    files = {line["file"].rsplit("/", 2)[-1] for line in got["lines"] if line["total"]}
    assert {"itertoolz.py", "test_itertoolz.py", "dicttoolz.py"} <= files
    shown = [got["own"], *got["lines"]]
    assert sum(row["allocations"] for row in shown) == got["allocations"]


JOB = """
rows = []

def read(number):
    rows.append(b"." * 10_000 + b"%d" % number)

number = 0
while True:
    read(number)
    number += 1
    if number == 1000:
        print("half", flush=True)
"""


def test_faults_1_a_job_killed_half_way_shows_what_it_held(tmp_path: Path) -> None:
    script = write(tmp_path, "job.py", JOB)
    words = [MPROF, "heap", "-o", "a.mprof", "job.py"]
    job = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert job.stdout is not None
    with job, job.stdout:
        assert job.stdout.readline() == b"half\n"
        job.kill()
    got = report(tmp_path)
    assert got["incomplete"] == "the program was killed, or became another (exec)"
    (line, *_) = got["lines"]
    assert (line["function"], line["line"]) == ("read", line_of(script, "rows.append"))
    assert line["at_peak"] > 1000 * 10_000
    assert 'rows.append(b"." * 10_000' in first_row(tmp_path)


def test_a_program_with_a_module_named_threading_ends_as_it_would(tmp_path: Path) -> None:
    write(tmp_path, "threading.py", "x = 1\n")
    write(tmp_path, "program.py", "import sys, threading\nsys.exit(threading.x + 2)\n")
    words = [MPROF, "heap", "-o", "a.mprof", "program.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert not report(tmp_path)["incomplete"]


def test_what_is_decorated_stays_the_same_object_and_nothing_is_said(
    tmp_path: Path,
) -> None:
    """The heap is recorded, not lines; `python -m memory_profiler` warns of what has none."""
    (tmp_path / "decorated.py").write_text(
        "import functools\n"
        "class Called:\n    def __call__(self): return 1\n"
        "call, one = Called.__call__, Called()\n"
        "whole = [len, one, property(len), classmethod(len), functools.cached_property(len),\n"
        "         functools.partialmethod(len), functools.singledispatchmethod(len), Called]\n"
        "def same(name):\n"
        "    return all(name(each) is each for each in whole) and Called.__call__ is call\n"
        "import memory_profiler\n"
        "print(same(profile), same(profile(precision=2)), same(memory_profiler.profile))\n",
    )
    done = heap("decorated.py", cwd=tmp_path)
    said = [line for line in done.stderr.splitlines() if not line.startswith("mprof: ")]
    assert (done.returncode, done.stdout, said) == (0, "True True True\n", [])
