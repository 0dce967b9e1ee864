"""Files that running programs are made to run: each once, and the program never knows."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "python/heap"))
from injector import build_injector

TOP = pathlib.Path(__file__).parents[2]
COUNT = int(os.environ.get("INJECTIONS", 2000))
TIMES = int(os.environ.get("ATTACHMENTS", 300))
MPROF = pathlib.Path(sys.executable).with_name("mprof")

#: Threads in everything that may be under way: what any of them finds wrong is in the last line.
PROGRAM = """
import os, queue, select, socket, sqlite3, sys, threading, time, zlib
try:
    import numpy
except ImportError:
    numpy = None
ended, wrong = threading.Event(), []
def repeat(work):
    def run():
        try:
            while not ended.is_set():
                work()
        except BaseException as problem:
            wrong.append(f"{work.__name__}: {problem!r}")
    return run
def query():
    base = sqlite3.connect(":memory:")
    base.execute("create table t (a, b)")
    base.executemany("insert into t values (?, ?)", [(i, "x" * i) for i in range(300)])
    assert base.execute("select sum(a) from t").fetchone() == (44850,)
    base.close()
DATA = os.urandom(1000) * 300
def compress():
    assert zlib.decompress(zlib.compress(DATA, 1)) == DATA
def count():
    assert sum(i * i for i in range(3000)) == 8995500500
def multiply():
    if numpy:
        x = numpy.arange(90_000.0).reshape(300, 300)
        assert (x + x)[299, 299] == 179998.0
    else:
        assert sum(float(i) for i in range(3000)) == 4498500.0
there, back = queue.Queue(), queue.Queue()
def ask():
    there.put(1)
    assert back.get() == 2
def answer():
    assert there.get() == 1
    back.put(2)
def sleep():
    start = time.monotonic()
    time.sleep(0.003)
    assert time.monotonic() - start >= 0.003
one, other = socket.socketpair()
def choose():
    assert select.select([one], [], [], 0.002) == ([], [], [])
def poll():
    poller = select.poll()
    poller.register(one, select.POLLIN)
    start = time.monotonic()
    assert poller.poll(3) == [] and time.monotonic() - start >= 0.003
def allocate():
    [bytearray(100 + i) for i in range(500)]
works = [query, compress, count, multiply, ask, answer, sleep, choose, poll, allocate]
threads = [threading.Thread(target=repeat(work), name=work.__name__) for work in works]
for thread in threads:
    thread.start()
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    count()
    time.sleep(0.001)
ended.set()
there.put(1)
back.put(2)
for thread in threads:
    thread.join()
print(wrong, flush=True)
"""

#: What is run: whoever removes a request has it.
CODE = """
import glob, os
for name in glob.glob({folder!r} + "/*"):
    if name.rpartition("/")[2].isdigit():
        try:
            os.unlink(name)
        except OSError:
            continue
        [bytes(n) for n in range(100)]
        open(name + ".ran", "x").close()
"""


def pythons() -> list[str]:
    listed = subprocess.run(
        [TOP / "tools/pythons"], capture_output=True, text=True, check=True
    )
    return [line.partition(" ")[2] for line in listed.stdout.splitlines()]


@pytest.fixture(scope="module")
def injector(tmp_path_factory) -> pathlib.Path:
    return build_injector(tmp_path_factory.mktemp("injector"))


@pytest.mark.parametrize("python", pythons())
def test_each_of_many_is_run_once_in_any_thread(tmp_path, injector, python: str) -> None:
    folder = tmp_path / "asked"
    folder.mkdir()
    (folder / "code").write_text(CODE.format(folder=str(folder)))
    (tmp_path / "program.py").write_text(PROGRAM)
    program = subprocess.Popen(
        [python, tmp_path / "program.py", tmp_path / "stop"], stdout=subprocess.PIPE
    )
    try:
        assert program.stdout.readline() == b"ready\n"
        done = subprocess.run(
            [injector, str(program.pid), folder, str(COUNT)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
        (tmp_path / "stop").write_text("")
        assert program.communicate(timeout=60)[0] == b"[]\n"
        assert program.returncode == 0
        assert len(list(folder.glob("*.ran"))) == COUNT
    finally:
        program.kill()


def test_what_is_attached_to_very_often_is_recorded_each_time(tmp_path) -> None:
    """From the second time on its memory_profiler is asked by a function of its own."""
    (tmp_path / "program.py").write_text(PROGRAM)
    program = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", tmp_path / "stop"], stdout=subprocess.PIPE
    )
    try:
        assert program.stdout.readline() == b"ready\n"
        for number in range(TIMES):
            how = ("--exact", "--no-native") if number % 3 else ()
            mprof = subprocess.Popen(
                [MPROF, "heap", str(program.pid), "-o", tmp_path / f"{number}.mprof", *how],
                stderr=subprocess.PIPE,
            )
            assert b"attached to" in mprof.stderr.readline()
            mprof.send_signal(signal.SIGINT)
            assert mprof.wait() == 0
        (tmp_path / "stop").write_text("")
        assert program.communicate(timeout=60)[0] == b"[]\n"
        assert program.returncode == 0
    finally:
        program.kill()
    for number in range(TIMES):
        report = [MPROF, "report", "--json", tmp_path / f"{number}.mprof"]
        done = subprocess.run(report, capture_output=True, text=True, check=True)
        assert not json.loads(done.stdout)["incomplete"]
