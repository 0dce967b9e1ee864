"""mprof run: the ways to say what runs, and what a terminal shows meanwhile."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import mprof
from recordings import Recorder, read_to_end

pytestmark = pytest.mark.one_version

LIVE = re.compile(rb"1 s   \d+\.\d MiB   peak \d+\.\d MiB   \d+ samples/s *\r")

DECORATED = """
import sys
@profile
def load():
    return bytearray(5 << 20)
load()
print("ran", __name__, sys.argv[1:], sys.flags.dev_mode, __spec__ and __spec__.name)
"""


def functions(here: Recorder) -> set[str]:
    return set(mprof.read_mprofile_file(str(here.file))["func_timestamp"])


def test_a_live_line_is_shown_on_a_terminal_only(here: Recorder) -> None:
    quiet = ("sh", "-c", "exec >out 2>&1; sleep 1.3")
    process, terminal = here.start_on_terminal("run", *quiet)
    text = read_to_end(terminal)
    assert process.wait(timeout=30) == 0
    assert LIVE.search(text)
    assert "samples/s" not in here.mprof("run", *quiet).err


@pytest.mark.parametrize("where", ["1", "2"])
def test_no_live_line_mixes_with_what_the_program_prints(
    here: Recorder, where: str
) -> None:
    """ "step 0" became "step 012.8 MiB"."""
    steps = "for i in 1 2 3 4 5 6; do printf 'step %s' $i; sleep .25; echo; done"
    other = {"1": "2", "2": "1"}[where]
    process, terminal = here.start_on_terminal(
        "run", "sh", "-c", f"exec {other}>/dev/null; ({steps}) >&{where}"
    )
    text = read_to_end(terminal)
    assert process.wait(timeout=30) == 0
    assert b"samples/s" not in text
    assert b"".join(b"step %d\r\n" % i for i in range(1, 7)) in text


def test_a_live_line_is_shown_beside_a_process_that_prints_elsewhere(
    here: Recorder,
) -> None:
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(["sleep", "60"], stdout=nowhere, stderr=nowhere) as target:
        process, terminal = here.start_on_terminal("attach", "-t", "1.3", target.pid)
        text = read_to_end(terminal)
        target.kill()
    assert process.wait(timeout=30) == 0 and LIVE.search(text)


@pytest.mark.parametrize(("words", "said"), [
    (["{python}", "job.py", "-a"], "ran __main__ ['-a'] False None"),
    (["{python}", "-X", "dev", "job.py"], "ran __main__ [] True None"),
    (["--python", "{python}", "-Xdev", "job.py"], "ran __main__ [] True None"),
    (["-m", "pkg", "-m", "x"], "ran __main__ ['-m', 'x'] False pkg.__main__"),
    (["-T", ".01", "-m", "pkg.job"], "ran __main__ [] False pkg.job"),
    (["-mpkg.job", "--", "y"], "ran __main__ ['--', 'y'] False pkg.job"),
    (["--python", "{python}", "-m", "pkg.job", "z"], "ran __main__ ['z'] False pkg.job"),
])  # fmt: skip
def test_functions_are_recorded_in_every_way_to_say_python(
    here: Recorder, words: list[str], said: str
) -> None:
    (here.path / "pkg").mkdir()
    for name in ("job.py", "pkg/__main__.py", "pkg/job.py", "pkg/__init__.py"):
        here.write(name, "" if "init" in name else DECORATED)
    words = [word.format(python=sys.executable) for word in words]
    done = here.mprof("run", *words, env={"MPROF_PYTHON": sys.executable})
    assert (done.code, done.err) == (0, "")
    assert said in done.out.splitlines()
    assert functions(here) == {"__main__.load"}


@pytest.mark.parametrize("source", [
    "from memory_profiler import profile\n" + DECORATED, DECORATED.replace("@", "if 1:\n @").replace("\ndef", "\n def"),
    "with profile.timestamp('load'): pass\n",
])  # fmt: skip
def test_what_marks_functions_for_us_is_recorded(here: Recorder, source: str) -> None:
    here.write("job.py", source)
    assert here.mprof("run", sys.executable, "job.py").code == 0
    assert functions(here) <= {"__main__.load", ".load"} and functions(here)


def test_a_script_says_where_it_is_as_under_the_interpreter_alone(here: Recorder) -> None:
    source = (
        "import builtins, sys\n"
        "if not hasattr(builtins, 'profile'): builtins.profile = lambda f: f\n"
        "@profile\ndef load(): pass\nload()\n"
        "print('it is', __file__, load.__code__.co_filename, sys.argv, sys.path[0])\n"
    )
    (here.path / "folder").mkdir()
    for name in ("job.py", "./job.py", "folder/job.py", str(here.path / "job.py")):
        here.write(name, source.replace("load.__code__", "(lambda: 0).__code__"))
        words = [sys.executable, name, "x"]
        plain = subprocess.run(words, cwd=here.path, capture_output=True, text=True).stdout
        assert plain.startswith("it is /") and plain in here.mprof("run", *words).out
    assert all(mprof.read_mprofile_file(str(f))["func_timestamp"] for f in here.files)


@pytest.mark.parametrize("source", [
    "print(1)\n", "# @profile\nprint(1)\n", "@profiled\ndef f(): pass\n",
    "from line_profiler import profile\n@profile\ndef f(): pass\n",
    "def profile(f): return f\n@profile\ndef f(): pass\n",
    "try:\n    profile\nexcept NameError:\n    profile = lambda f: f\n@profile\ndef f(): pass\n",
])  # fmt: skip
def test_other_scripts_run_under_the_interpreter_alone(here: Recorder, source: str) -> None:
    here.write("line_profiler.py", "def profile(f): return f\n")
    here.write("job.py", source.replace("profiled", "staticmethod") + "import sys\n"
               "print('ours' if 'memory_profiler' in sys.modules else 'alone')\n")  # fmt: skip
    done = here.mprof("run", sys.executable, "job.py")
    assert (done.code, done.err) == (0, "")
    assert "alone" in done.out.splitlines() and not functions(here)
    assert "Python program" not in done.out


def test_nopython_records_no_functions_of_a_decorated_script(here: Recorder) -> None:
    here.write("job.py", "from memory_profiler import profile\n" + DECORATED)
    done = here.mprof("run", "--nopython", sys.executable, "job.py")
    assert done.code == 0 and "interpreter" not in done.out


def test_code_and_nothing_have_no_functions_to_record(here: Recorder) -> None:
    for words in (["-c", "pass"], []):
        done = here.mprof("run", "--python", sys.executable, *words)
        assert done.code == 1 and len(done.err.splitlines()) == 1
    assert not here.files
