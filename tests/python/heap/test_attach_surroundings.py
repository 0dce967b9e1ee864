"""mprof heap PID, where the program or its surroundings are not the usual ones."""

from __future__ import annotations

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

import memory_profiler
from attached import IN_C, OBEYS, attached, running
from heap_runs import figures
from memory_profiler import _core
from memory_profiler._attach import recording, run
from recordings import PROGRAM, Recorder, wait_for

MIB = 1 << 20


@pytest.fixture
def here(tmp_path) -> Recorder:
    return Recorder(tmp_path)


def held(here: Recorder, function: str) -> int:
    lines = figures(here, "a.mprof")["lines"]
    return sum(line["live"] for line in lines if line["function"] == function)


def keeps(here: Recorder, target) -> None:
    """It is attached to, keeps 8 MiB, and that is at its line."""
    with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
        target.tell("keep")
        mprof.detach()
    assert held(here, "keep") >= 8 * MIB


@pytest.mark.parametrize("words", [
    ["env", "PYTHONMALLOC=debug"], ["env", "PYTHONMALLOC=malloc"], ["env", "PYTHONTRACEMALLOC=5"],
    ["env", "-i"],
], ids=" ".join)  # fmt: skip
def test_faults_62_allocators_of_all_kinds(here: Recorder, words: list[str]) -> None:
    with running(here, OBEYS, *words) as target:
        keeps(here, target)
        assert target.end() == "ended 1"


@pytest.mark.parametrize("option", ["-ISP", "-Xdev", "-Xfrozen_modules=off", "-OO"])
def test_faults_62_interpreters_options(here: Recorder, option: str) -> None:
    with running(
        here, OBEYS, "sh", "-c", f'p=$1; shift; exec "$p" {option} "$@"', "sh"
    ) as target:
        keeps(here, target)
        assert target.end() == "ended 1"


#: Has another interpreter, and runs a text in it.
ANOTHER = """
import threading
for name in "_interpreters", "_xxsubinterpreters":
    try:
        interpreters = __import__(name)
        break
    except ImportError:
        pass
made = interpreters.create()
run = getattr(interpreters, "exec", None) or interpreters.run_string
computes = "import os\\nwhile not os.path.exists('stop'): n = sum(range(1000))"
"""


def test_faults_62_a_program_with_another_interpreter(here: Recorder) -> None:
    with running(here, ANOTHER + OBEYS + "interpreters.destroy(made)\n") as target:
        keeps(here, target)
        assert target.end() == "ended 1"


def test_faults_62_a_thread_in_another_interpreter(here: Recorder) -> None:
    begins = (
        "thread = threading.Thread(target=run, args=(made, computes))\nthread.start()\n"
    )
    ends = "open('stop', 'w').close()\nthread.join()\ninterpreters.destroy(made)\n"
    with running(here, ANOTHER + begins + OBEYS + ends) as target:
        keeps(here, target)
        assert target.end() == "ended 1"


def test_faults_62_a_main_thread_in_another_interpreter(here: Recorder) -> None:
    """It is left alone from 3.12 on; before, the main one can be had there."""
    waits = "'import sys; print(\"ready\", flush=True); sys.stdin.readline()'"
    source = f"{ANOTHER}run(made, {waits})\ninterpreters.destroy(made)\nprint('ended')\n"
    with running(here, source) as target:
        done = here.mprof("heap", "--attach", target.pid, "--duration", "0.1s")
        if sys.version_info < (3, 12):
            assert done.code == 0, done.err
        else:
            assert (done.code, len(done.err.splitlines())) == (1, 1)
            assert "main thread" in done.err and "is in a sub-interpreter" in done.err
        target.process.stdin.write(b"\n")
        assert target.end() == "ended"


def test_faults_62_another_thread_is_asked_when_the_main_one_is_elsewhere(
    here: Recorder,
) -> None:
    waits = "'import sys; print(\"ready\", flush=True); sys.stdin.readline()'"
    source = f"""{ANOTHER}
kept = []
def keep():
    go.acquire()
    kept.append(bytearray(8 << 20))
go = threading.Lock()
go.acquire()
thread = threading.Thread(target=keep)
thread.start()
state = None
while state != "S":  # it waits for `go`: while this one sleeps, nobody has the interpreter's lock
    time.sleep(0.02)
    with open(f"/proc/self/task/{{thread.native_id}}/stat") as stat:
        state = stat.read().rpartition(")")[2].split()[0]
run(made, {waits})
go.release()
thread.join()
interpreters.destroy(made)
print(sys.stdin.readline().strip())
"""
    with running(here, "import sys, time\n" + source) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.process.stdin.write(b"\n")
            target.process.stdin.flush()
            wait_for(lambda: held(here, "keep") >= 8 * MIB, "the block")
            mprof.detach()
        target.process.stdin.write(b"ended\n")
        assert target.end() == "ended"
    assert 8 * MIB <= held(here, "keep") < 9 * MIB


def test_what_comes_to_run_in_another_interpreter_says_so(here: Recorder) -> None:
    """It was in the main one when mprof looked."""
    folder = pathlib.Path(memory_profiler.__file__).parents[1]
    asked = {"request": "request", "answer": "answer", "folder": str(folder),
             "version": memory_profiler.__version__, "begin": True}  # fmt: skip
    its = f"exec(open({run.__file__!r}).read()); serve({asked!r}, 0)"
    here.write("request", "")
    source = f"{ANOTHER}\nrun(made, {its!r})\ninterpreters.destroy(made)\n"
    here.write("program.py", source)
    subprocess.run([sys.executable, "program.py"], cwd=here.path, check=True)
    assert (here.path / "answer").read_text() == "elsewhere\n"


def test_a_program_under_a_tracer_of_its_own(here: Recorder) -> None:
    source = "import sys\nseen = []\nsys.settrace(lambda *a: seen.append(a[0].f_code.co_filename))\n"
    check = "\ndef check():\n    assert not [name for name in seen if name.endswith('_attach/recording.py')], seen\n"
    with running(here, source + check + OBEYS) as target:
        keeps(here, target)
        target.tell("check")
        assert target.end() == "ended 1"


def test_a_program_that_becomes_another_has_left_its_recording(here: Recorder) -> None:
    source = OBEYS + "\n"
    source = source.replace(
        "def think():",
        "def become():\n    os.execv(sys.executable, [sys.executable, '-c', 'print(\"done\", flush=True); print(input())'])\ndef think():",
    )
    with running(here, source) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            target.tell("become")
            assert "has ended" in mprof.wait()
        keep = [row for row in figures(here)["lines"] if row["function"] == "keep"]
        assert keep and keep[0]["live"] >= 8 * MIB
        target.process.stdin.write(b"well\n")
        assert target.end() == "well"


@pytest.mark.one_version
def test_the_package_is_found_by_a_variable(here: Recorder) -> None:
    alone = shutil.copy(PROGRAM, here.path / "mprof")
    site = str(pathlib.Path(memory_profiler.__file__).parents[1])
    words = [alone, "heap", "--duration", "0.1s", "-o", "a.mprof", "--attach"]
    with running(here) as target:
        words.append(str(target.pid))
        ours = {
            key: value for key, value in os.environ.items() if key != "MPROF_ATTACH_PATH"
        }
        done = subprocess.run(
            words, cwd=here.path, env=ours, capture_output=True, text=True
        )
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert f"CPython 3.{sys.version_info[1]}, for which" in done.stderr
        path = f"/nowhere:{site}"
        done = subprocess.run(
            words,
            cwd=here.path,
            env={**ours, "MPROF_ATTACH_PATH": path},
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        assert target.end() == "ended 0"


@pytest.mark.one_version
def test_faults_37_who_may_not_is_told_why(here: Recorder) -> None:
    os.chmod(here.path, 0o755)
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+dac_read_search",
              "--ambient-caps=+dac_read_search", "--"]  # fmt: skip
    weak = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "--"]
    if subprocess.run([*nobody, "true"], capture_output=True).returncode:
        pytest.skip("another user is root's to be")
    with running(here) as target:
        words = [PROGRAM, "heap", "--attach", str(target.pid)]
        done = subprocess.run([*nobody, *words], cwd="/", capture_output=True, text=True)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "it is user 0's" in done.stderr
        assert target.end() == "ended 0"
    with running(here, OBEYS, *nobody) as target:
        words = [PROGRAM, "heap", "--attach", str(target.pid)]
        done = subprocess.run([*weak, *words], cwd="/", capture_output=True, text=True)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "--cap-add=SYS_PTRACE" in done.stderr
        assert target.end() == "ended 0"


@pytest.mark.one_version
def test_faults_37_a_python_without_symbols(here: Recorder) -> None:
    sleeping = shutil.copy("/bin/sleep", here.path / "python3")
    with subprocess.Popen([sleeping, "60"]) as other:
        done = here.mprof("heap", "--attach", other.pid)
        other.kill()
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "exports none of its functions" in done.err


def test_faults_38_a_program_in_the_middle_of_importing_us(here: Recorder) -> None:
    here.write("memory_profiler.py", OBEYS)
    with running(here, "import memory_profiler\n") as target:
        done = here.mprof("heap", "--attach", target.pid)
        assert (done.code, len(done.err.splitlines())) == (1, 1)
        assert "in the middle of importing memory_profiler" in done.err
        target.tell("think")
        assert target.end() == "ended 0"


def test_faults_38_a_program_in_the_middle_of_importing_what_we_need(
    here: Recorder,
) -> None:
    half = """
import collections, sys, threading, types
class Half(types.ModuleType):
    def __getattr__(self, name):
        if name == "namedtuple":
            sys.modules["collections"] = collections
        raise AttributeError(name)
sys.modules["collections"] = Half("collections")
sys.modules["collections"].__spec__ = collections.__spec__
collections.__spec__._initializing = True
"""
    with running(here, half + OBEYS) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            target.tell("keep")
            mprof.detach()
        assert target.end() == "ended 1"
    assert any(line["function"] == "keep" for line in figures(here)["lines"])


def test_faults_36_without_proc(here: Recorder) -> None:
    done = here.in_namespaces(
        "-m", 'mount -t tmpfs none /proc || exit 99; "$MPROF" heap --attach 1'
    )
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "is it mounted?" in done.err


def test_what_mprof_itself_takes_is_no_line_of_the_programs(here: Recorder) -> None:
    with running(here) as target:
        with attached(here, target, "--exact", "-o", "a.mprof") as mprof:
            mprof.detach()
        assert target.end() == "ended 0"
    got = figures(here)
    assert not [line for line in got["lines"] if line["file"] == "<mprof>"]
    assert sum(line["live"] for line in got["lines"]) < 32 << 10
    assert not [line for line in got["lines"] if line["file"] == "<string>"]


def test_a_process_imports_little_while_it_stands_still(here: Recorder) -> None:
    check = """
import sys, threading
before = set(sys.modules)
def check():
    assert not {"re", "enum", "typing", "inspect"} & (set(sys.modules) - before)
"""
    with running(here, check + OBEYS) as target:
        with attached(here, target, "-o", "a.mprof") as mprof:
            target.tell("check")
            mprof.detach()
        target.tell("check")
        assert target.end() == "ended 0"


def test_who_is_in_c_code_is_waited_for_or_left_alone(here: Recorder) -> None:
    """Nothing is asked of a program any more when mprof has given up."""
    with running(here, IN_C) as target:
        target.wait_for_getchar()
        process = here.start("heap", "--attach", "-o", "a.mprof", target.pid)
        assert b"Ctrl-C gives up" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert b"nothing was done" in process.communicate(timeout=60)[1]
        assert process.returncode == 1
        target.process.stdin.write(b"\n")
        assert target.end() == "done\nended"
    assert not (here.path / "a.mprof").exists()


def test_what_a_handler_raises_meanwhile_is_the_programs(tmp_path, monkeypatch) -> None:
    request = tmp_path / "request"
    request.write_text("")

    def interrupted(asked: object, page: int) -> None:
        raise KeyboardInterrupt("of the program's")

    monkeypatch.setattr(run, "carry_out", interrupted)
    asked = {"request": str(request), "answer": str(tmp_path / "answer")}
    with pytest.raises(KeyboardInterrupt, match="of the program's"):
        run.serve(asked, 0)
        wait_for(lambda: False, "it")
    assert not request.exists() and not (tmp_path / "answer").exists()


def test_a_request_is_run_by_one(tmp_path) -> None:
    asked = {"request": str(tmp_path / "request"), "answer": str(tmp_path / "answer")}
    run.serve(asked, 0)
    assert not list(tmp_path.iterdir())


def test_signals_come_again_when_a_handler_raised_as_they_were_blocked(monkeypatch) -> None:
    import _signal

    block = _signal.pthread_sigmask

    def raises_once(how: int, mask: object) -> object:
        before = block(how, mask)
        if how == signal.SIG_SETMASK:
            monkeypatch.setattr(_signal, "pthread_sigmask", block)
            raise KeyboardInterrupt
        return before

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setattr(_signal, "pthread_sigmask", raises_once)
    with pytest.raises(KeyboardInterrupt):
        recording.look_apart({}, print)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def ask_loaded(text: str) -> int:
    """What mprof has a thread call where memory_profiler is loaded."""
    return ctypes.PyDLL(_core.__file__).mp_attach_run(text.encode())


def test_one_that_is_loaded_compiles_nothing(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(run, "main_of", lambda *what: asked.append(what))
    text = f"import sys; sys.compiled = True # bytes.fromhex('{'/a b/é'.encode().hex()}'), 'page': 8192}}"
    assert ask_loaded(text) == 0
    assert asked == [("/a b/é".encode(), 8192)] and not hasattr(sys, "compiled")
    monkeypatch.delitem(sys.modules, run.__name__)
    assert ask_loaded(text) == 0  # it is not whole yet
    del sys.compiled
    assert len(asked) == 1


def test_ctrl_c_before_a_request_is_looked_at_is_the_programs(monkeypatch) -> None:
    def interrupted(file: bytes, page: int) -> None:
        raise KeyboardInterrupt("of the program's")

    def broken(file: bytes, page: int) -> None:
        raise ValueError("of ours")

    monkeypatch.setattr(run, "main_of", broken)
    assert ask_loaded("fromhex('61')") == 0
    monkeypatch.setattr(run, "main_of", interrupted)
    with pytest.raises(KeyboardInterrupt, match="of the program's"):
        ask_loaded("fromhex('61')")
        wait_for(lambda: False, "it")
