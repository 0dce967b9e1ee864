"""Processes that mprof heap PID leaves alone, real ones: another Python, other rights, no C library's files."""

from __future__ import annotations

import os
import pathlib
import shutil
import stat
import subprocess
import sys
import sysconfig

import pytest

from attached import OBEYS, PLAIN, Target, attached, running
from recordings import PROGRAM, Recorder

pytestmark = pytest.mark.one_version

#: Nobody's, who may read all files, so that a Python of root's folder can be run.
NOBODY = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+dac_read_search",
          "--ambient-caps=+dac_read_search", "--"]  # fmt: skip


@pytest.fixture
def here(tmp_path) -> Recorder:
    return Recorder(tmp_path)


def refused(target: Target, *words: str) -> str:
    """What mprof says, started by these words; the process runs on to its end."""
    done = subprocess.run(
        [*words, PROGRAM, "heap", "--attach", str(target.pid)],
        cwd="/", capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, ""), done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    target.tell("keep")
    assert target.end() == "ended 1"
    return done.stderr


def test_pypy(here: Recorder) -> None:
    pypy = shutil.which("pypy3")
    if not pypy:
        pytest.skip("there is no pypy3: tools/setup test installs it")
    with running(here, python=pypy) as target:
        assert "runs PyPy" in refused(target)


def test_a_process_that_has_all_files_open_that_it_may_have(here: Recorder) -> None:
    full = """
import os, resource, sys, threading, time
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True:
        os.dup(0)
except OSError:
    pass
"""
    with running(here, full + OBEYS) as target:
        assert "has 20 files open of the 20 that it may have" in refused(target)


def test_one_file_that_it_may_open_is_enough_to_detach(here: Recorder) -> None:
    fill = """
import os, resource
def fill():
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    try:
        while True:
            last = os.dup(0)
    except OSError:
        os.close(last)
"""
    with running(here, fill + OBEYS) as target:
        with attached(here, target, "-o", "a.mprof") as mprof:
            target.tell("fill")
            done = here.mprof("detach", target.pid)
            assert done.code == 0, done.err
            mprof.wait()
        assert "it needs 3 more" in here.mprof("heap", "--attach", target.pid).err
        done = here.mprof("objects", target.pid)
        assert done.code == 0, done.err
        assert target.end() == "ended 0"


@pytest.mark.skipif(os.geteuid() != 0, reason="another root is root's to have")
def test_a_process_without_pythons_library(here: Recorder) -> None:
    (here.path / "tmp").mkdir()
    with running(
        here, f"import os, sys, threading, time\nos.chroot({str(here.path)!r})\n" + OBEYS
    ) as target:
        assert "cannot read its Python's library any more" in refused(target)


def test_a_python_without_the_c_librarys_files(here: Recorder) -> None:
    """All of it is one file: nothing in it has a name that could be looked for."""
    library = pathlib.Path(
        sysconfig.get_config_var("LIBPL"), sysconfig.get_config_var("LIBRARY")
    )
    if not library.exists():
        pytest.skip(f"this Python came without {library.name}, to link with")
    (here.path / "main.c").write_text(
        "#include <Python.h>\nint main(int n, char **words) { return Py_BytesMain(n, words); }\n"
    )
    include = f"-I{sysconfig.get_path('include')}"
    command = ["cc", "-static", "-w", include, "main.c", library, "-lm", "-ldl", "-o", "python3"]  # fmt: skip
    done = subprocess.run(command, cwd=here.path, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot link statically here: {done.stderr.splitlines()[-1]}")
    home = f"PYTHONHOME={sys.base_prefix}"
    with running(here, OBEYS, "env", home, python=str(here.path / "python3")) as target:
        assert "exports none of its functions" in refused(target)


def say_free_threaded(target: Target, version: str) -> None:
    said = refused(target)
    assert f"the free-threaded CPython {version}, whose heap cannot be" in said, said


@pytest.mark.parametrize("version", ["3.13", "3.14", "3.15"])
def test_a_free_threaded_python(here: Recorder, version: str) -> None:
    python = shutil.which(f"python{version}t") or shutil.which(f"python{version}-nogil")
    if not python:
        pytest.skip(f"there is no free-threaded Python {version}")
    with running(here, python=python) as target:
        say_free_threaded(target, version)


#: Exports what a free-threaded Python does, with the table that it begins its state with.
FREE_THREADED = """
#include <stdint.h>
#include <stdio.h>
struct { char cookie[8]; uint64_t version, free_threaded, rest[125]; } _PyRuntime = {
    "xdebugpy", VERSION, 1, {0}};
const unsigned long Py_Version = VERSION;
int PyRun_SimpleString(const char *text) { return !text; }
int Py_AddPendingCall(int (*call)(void *), void *with) { return call(with); }
int PyGILState_Ensure(void) { return 0; }
void PyGILState_Release(int state) { (void)state; }
int main(void)
{
    char line[64];
    int kept = 0;
    puts("ready");
    fflush(stdout);
    for (; fgets(line, sizeof line, stdin); kept++, fflush(stdout))
        puts("done");
    printf("ended %d\\n", kept);
    return 0;
}
"""


@pytest.mark.parametrize("minor", [13, 14, 15])
def test_a_program_with_the_words_of_a_free_threaded_python(
    here: Recorder, minor: int
) -> None:
    """Where no such Python can be had, what it is known by can."""
    version = f"-DVERSION=0x{(3 << 24) + (minor << 16):x}"
    here.write("main.c", FREE_THREADED)
    command = ["cc", "-rdynamic", version, "main.c", "-o", "python3"]
    subprocess.run(command, cwd=here.path, check=True)
    with running(here, python=str(here.path / "python3")) as target:
        say_free_threaded(target, f"3.{minor}")


#: Exports what a Python 3.12 does, whose main thread runs.
WITH_WORDS = (
    FREE_THREADED.partition("struct {")[0]
    + """
static uint64_t state[64], interpreter[128] = {[9] = (uint64_t)state};
uint64_t _PyRuntime[512] = {[6] = (uint64_t)interpreter};
const unsigned long"""
    + FREE_THREADED.partition("const unsigned long")[2]
)


def test_a_python_of_musl_needs_a_memory_profiler_of_its_own_kind(here: Recorder) -> None:
    """None can be had here: a program with its words, and with musl."""
    if not shutil.which("musl-gcc"):
        pytest.skip("there is no musl-gcc: tools/setup musl installs it")
    here.write("main.c", WITH_WORDS)
    command = ["musl-gcc", "-rdynamic", "-DVERSION=0x30c01f0", "main.c", "-o", "python3"]
    subprocess.run(command, cwd=here.path, check=True)
    with running(here, python=str(here.path / "python3")) as target:
        said = refused(target)
    assert "runs CPython 3.12 with musl, for which there is no memory_profiler" in said


@pytest.fixture
def set_uid(here: Recorder) -> list[str]:
    """Words that run this Python with root's rights, for whoever starts it."""
    if os.geteuid() or subprocess.run([*NOBODY, "true"], capture_output=True).returncode:
        pytest.skip("a set-uid program and another user are root's to make")
    os.chmod(here.path, 0o755)
    program = here.path / "python3"
    shutil.copy(PLAIN, program)
    program.chmod(program.stat().st_mode | stat.S_ISUID)
    home = f"PYTHONHOME={sys.base_prefix}"
    said = subprocess.run(
        [*NOBODY, "env", home, program, "-c", "import os; print(os.geteuid())"],
        capture_output=True, text=True,
    )  # fmt: skip
    if said.stdout != "0\n":
        pytest.skip("this file system has no set-uid programs")
    return [*NOBODY, "env", home]


def test_a_set_uid_program_is_not_for_who_started_it(here: Recorder, set_uid) -> None:
    program = str(here.path / "python3")
    with running(here, OBEYS, *set_uid, python=program) as target:
        said = refused(target, *NOBODY)
        assert "has the rights of user 0" in said and "set-uid" in said, said
        assert "run mprof as root" in said


def test_a_set_uid_program_is_for_root(here: Recorder, set_uid) -> None:
    program = str(here.path / "python3")
    with running(here, OBEYS, *set_uid, python=program) as target:
        with attached(here, target, "-o", "a.mprof") as mprof:
            mprof.detach()
        assert target.end() == "ended 0"
