"""Programs end under every instrument as they end alone: threads, executors, exit functions."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from heap_runs import figures
from recordings import PROGRAM, Recorder

MIB = 1 << 20

PROGRAMS = {
    "a thread pool that nobody shut down": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        print(list(pool.map(abs, [-1, 2])), flush=True)
    """,
    "the same and an exit code": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        print(list(pool.map(abs, [-1, 2])), flush=True)
        raise SystemExit(3)
    """,
    "the same and an error": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        pool.submit(abs, 1)
        raise ValueError("mine")
    """,
    "the same and an interrupt": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        pool.submit(abs, 1)
        raise KeyboardInterrupt
    """,
    "a process pool that nobody shut down": """
        from concurrent.futures import ProcessPoolExecutor
        if __name__ == "__main__":
            pool = ProcessPoolExecutor(2)
            print(list(pool.map(abs, [-1, 2])))
    """,
    "asyncio's executor": """
        import asyncio
        loop = asyncio.new_event_loop()
        print(loop.run_until_complete(loop.run_in_executor(None, sum, [1, 2])))
    """,
    "asyncio.to_thread in a loop that stays open": """
        import asyncio
        async def main():
            return await asyncio.to_thread(sum, [1, 2])
        print(asyncio.new_event_loop().run_until_complete(main()))
    """,
    "a thread that waits for the main thread to be over": """
        import threading
        def wait():
            threading.main_thread().join()
            print("it is over", flush=True)
        threading.Thread(target=wait).start()
        print("main")
    """,
    "a message while a thread runs": """
        import sys, threading
        def say():
            threading.main_thread().join()
            print("the thread's", file=sys.stderr)
        threading.Thread(target=say).start()
        sys.exit("the program's")
    """,
    "exit functions": """
        import atexit
        atexit.register(print, "first")
        atexit.register(print, "last")
        print("main")
    """,
    "an exit function that starts a thread": """
        import atexit, threading
        @atexit.register
        def start():
            try:
                thread = threading.Thread(target=print, args=("thread",))
                thread.start()
                thread.join()
            except RuntimeError as error:  # 3.12.0 to 3.12.2
                print(error)
    """,
    "an exit function that raises": """
        import atexit
        atexit.register(print, "still called")
        atexit.register(int, "no number")
    """,
    "daemon threads that allocate": """
        import threading
        go = threading.Event()
        def spin():
            while True:
                bytes(100000)
                go.set()
        for _ in range(3):
            threading.Thread(target=spin, daemon=True).start()
        go.wait()
    """,
    "no exit function is left": """
        import atexit
        atexit.register(print, "never")
        atexit._clear()
        atexit.register(print, "once")
    """,
    "exit functions that the program calls": """
        import atexit
        atexit.register(print, "early")
        atexit._run_exitfuncs()
        print("after")
    """,
    "a forked child that exits": """
        import os, sys
        child = os.fork()
        if not child:
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """,
    "os._exit": "import os; print('x', flush=True); os._exit(4)",
    "os._exit of no number": """
        import os
        try:
            os._exit("3")
        except TypeError as error:
            print(type(error))
    """,
    "a hook that exits": """
        import sys
        sys.excepthook = lambda *error: sys.exit(9)
        raise ValueError("mine")
    """,
    "a hook that fails": """
        import sys
        def hook(*error):
            raise RuntimeError("the hook's")
        sys.excepthook = hook
        raise ValueError("mine")
    """,
    "a finalizer": """
        class Last:
            def __del__(self):
                print("deleted")
        last = Last()
    """,
}

WAYS = {
    "heap": (PROGRAM, "heap", "-o", "a.mprof"),
    "sample": (PROGRAM, "heap", "--sample", "512K", "-o", "b.mprof"),
    "lines": (sys.executable, "-m", "memory_profiler"),
    "records": (PROGRAM, "run", "-E", "-o", "c.dat"),
}


#: How lines of ours begin.
OURS = (
    "mprof: ", "running new process", "running as a Python program",
    "memory_profiler: nothing is decorated",
)  # fmt: skip


def run(path: Path, *words: str, **how) -> tuple[int, str, list[str]]:
    """Exit code, stdout, stderr; without what we say of our own."""
    done = subprocess.run(
        [*words], cwd=path.parent, capture_output=True, text=True, timeout=60, **how
    )
    out = [line for line in done.stdout.splitlines() if not line.startswith(OURS)]
    err = [line for line in done.stderr.splitlines() if not line.startswith(OURS)]
    return done.returncode, "\n".join(out), err


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_faults_72_a_program_ends_as_it_does_alone(
    tmp_path: Path, name: str, way: str
) -> None:
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(PROGRAMS[name]))
    code, *said = run(path, sys.executable, str(path))
    if way == "records" and code < 0:
        code = 128 - code  # mprof says it as shells do
    assert run(path, *WAYS[way], str(path)) == (code, *said)


PROMPTS = {
    "heap": (PROGRAM, "heap", "-o", "a.mprof", "python", "-i"),
    "lines": (sys.executable, "-i", "-m", "memory_profiler"),
}


@pytest.mark.parametrize("way", PROMPTS)
@pytest.mark.parametrize("end", ["", "raise ValueError('x')", "raise SystemExit(3)"])
def test_the_prompt_comes_before_threads_are_waited_for(
    tmp_path: Path, end: str, way: str
) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "import atexit, threading\ngo = threading.Event()\nkept = 12\n"
        f"threading.Thread(target=go.wait).start()\natexit.register(print, 'end')\n{end}\n"
    )
    here = os.path.dirname(sys.executable)
    how = {
        "env": {**os.environ, "PATH": f"{here}:{os.environ['PATH']}"},
        "input": "print(kept)\ngo.set()\n1 / 0\n",
    }
    plain = run(path, sys.executable, "-i", str(path), **how)
    assert "12" in plain[1]
    assert run(path, *PROMPTS[way], str(path), **how) == plain


def test_faults_72_all_until_the_last_exit_function_is_recorded(here: Recorder) -> None:
    here.write("program.py", """
import atexit, threading

def late():
    global kept
    kept = bytearray(40 << 20)  # late

def later():
    chain.append(bytearray(8 << 20))  # later

def first():
    threading.main_thread().join()
    chain.append(bytearray(16 << 20))  # first
    later()

chain = []
atexit.register(late)
threading.Thread(target=first).start()
""")  # fmt: skip
    assert here.mprof("heap", "-o", "a.mprof", "program.py").code == 0
    lines = {
        row["line"]: row["live"] / MIB
        for row in figures(here)["lines"]
        if row["file"].endswith("program.py")
    }
    assert [round(lines[number]) for number in (6, 9, 13)] == [40, 8, 16]


@pytest.mark.parametrize("options", [(), ("--no-follow",)])
def test_faults_72_os_exit_closes_the_file(here: Recorder, options: tuple[str]) -> None:
    here.write("program.py", "import os\nkept = bytearray(9 << 20)\nos._exit(4)\n")
    assert here.mprof("heap", *options, "-o", "a.mprof", "program.py").code == 4
    got = figures(here)
    assert got["incomplete"] is None and got["live"] >= 9 * MIB


def test_what_runs_at_the_end_is_in_the_tables(here: Recorder) -> None:
    here.write("program.py", """
import atexit, threading

@profile
def work(size):
    return bytearray(size << 20)

def more():
    threading.main_thread().join()
    work(1)
    atexit.register(work, 3)

threading.Thread(target=more).start()
""")  # fmt: skip
    code, out, err = run(
        here.path / "x", sys.executable, "-m", "memory_profiler", "program.py"
    )
    assert (code, err) == (0, [])
    (row,) = [line.split() for line in out.splitlines() if "return bytearray" in line]
    assert row[5] == "2"


def test_a_capture_that_failed_is_told_by_the_exit_code_after_all_else(
    here: Recorder,
) -> None:
    """Nothing of the interpreter's end is left out for it."""
    here.write(
        "side.py", "class Last:\n def __del__(self): print('deleted')\nlast = Last()\n"
    )
    here.write("program.py", """
import sys
import side
import memory_profiler._core as core
print(sys.argv[1])
stop = core.Heap.stop
import memory_profiler.heap as module
def fail(self):
    stop(self._heap)
    raise OSError(28, "No space left on device")
module.Tracker.stop = fail
sys.exit(int(sys.argv[1]))
""")  # fmt: skip
    done = here.mprof("heap", "-o", "a.mprof", "program.py", "0")
    assert (done.code, done.out) == (125, "0\ndeleted\n")
    assert "cannot write a.mprof: No space left on device" in done.err
    (here.path / "a.mprof").unlink()
    done = here.mprof("heap", "-o", "a.mprof", "program.py", "3")
    assert (done.code, done.out) == (3, "3\ndeleted\n")
