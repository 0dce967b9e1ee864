"""What programs do to a recorder that lives in them, by the rows of faults."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from heap_runs import TREE, figures, own_lines, record, whole
from programs import FORKING
from recordings import PROGRAM, Recorder


def test_faults_39_forks_among_threads(here: Recorder) -> None:
    done = record(here, FORKS.replace("SECONDS", "2"), timeout=60)
    assert done.code == 0, done.err
    got = figures(here)
    assert got["incomplete"] is None
    assert whole(got, "live") == got["live"]
    assert not any(row["function"] == "in_child" for row in got["lines"])


FORKS = (
    """
import os, subprocess, threading, time, warnings
warnings.simplefilter("ignore")
stop = threading.Event()

def busy():
    while not stop.is_set():
        kept = [bytes(i) for i in range(600)]

def in_child():
    kept = [bytes(1000) for _ in range(100)]
    os._exit(len(kept))

def fork(n):
    pid = os.fork()
    if not pid:
        in_child()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 100
    if n % 20 == 0:
        subprocess.run(["true"], check=True)
        os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)
"""
    + FORKING
)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_faults_40_workers_do_not_write_their_parents_capture(
    here: Recorder, method: str
) -> None:
    done = record(here, f"""
import multiprocessing, os, time, warnings
warnings.simplefilter("ignore")

def in_worker(n):
    return len(bytes(200000 + n))

def leaves_none(before):
    for _ in range(100):  # a worker that is being started has some
        if len(os.listdir("/proc/self/fd")) - before < 6:
            return True
        time.sleep(0.1)

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    with context.Pool(2, maxtasksperchild=3) as pool:
        pool.map(in_worker, range(12))
        before = len(os.listdir("/proc/self/fd"))
        assert sum(pool.imap_unordered(in_worker, range(30))) == 30 * 200000 + 435
        print(leaves_none(before))
""", timeout=120)  # fmt: skip
    assert (done.code, done.out) == (0, "True\n"), done.err
    got = figures(here)
    assert not any(row["function"] == "in_worker" for row in got["lines"])
    assert sorted(os.listdir(here.path)) == ["a.mprof", "program.py"]


def test_faults_42_a_thousand_threads_leave_nothing_behind(
    here: Recorder, blocks: ModuleType
) -> None:
    done = record(here, THREADS.format(blocks=blocks.__file__, rounds=330), timeout=120)
    assert (done.code, done.out) == (0, "True\n"), done.err
    got = figures(here)
    assert whole(got, "live") == got["live"]
    without = [row for row in got["lines"] if row["function"].startswith("[thread ")]
    assert sum(row["allocations"] for row in without) >= 330 * 5


THREADS = """
import importlib.util, resource, threading
spec = importlib.util.spec_from_file_location("blocks", {blocks!r})
blocks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(blocks)
blocks.endings(20)

def mapped():
    return sum(1 for line in open("/proc/self/maps"))

before = mapped()
blocks.endings({rounds})
for _ in range({rounds}):
    thread = threading.Thread(target=bytes, args=(100,))
    thread.start()
    thread.join()
print(mapped() - before < 40)
threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


def test_faults_43_blocks_behind_the_interpreters_end(
    here: Recorder, blocks: ModuleType
) -> None:
    done = record(here, f"""
import importlib.util
spec = importlib.util.spec_from_file_location("blocks", {blocks.__file__!r})
blocks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(blocks)
blocks.stay_late()
from memory_profiler import heap
import atexit
atexit.register(bytes, 10000)
""")  # fmt: skip
    assert (done.code, own_lines(done.err)) == (0, [])
    assert figures(here)["incomplete"] is None


SIGNALS = """
import importlib.util, time
from memory_profiler import heap
spec = importlib.util.spec_from_file_location("blocks", {blocks!r})
blocks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(blocks)
blocks.signals(100)
end = time.monotonic() + {seconds}
rounds = 0
while time.monotonic() < end:
    with heap.track() as t:
        for _ in range(20):
            kept = [bytes(i) for i in range(300)]
            t.top(3)
    assert t.live >= 0 and t.peak > 30000
    rounds += 1
blocks.signals(0)
print(rounds > 0)
"""


def test_faults_44_blocks_in_a_signal_handler_stop_nothing(
    here: Recorder, blocks: ModuleType
) -> None:
    source = SIGNALS.format(blocks=blocks.__file__, seconds=2)
    done = here.python(source, timeout=60)
    assert "True\n" in done.out, done


STARTS = """
import importlib.util, threading, time
from memory_profiler import heap
spec = importlib.util.spec_from_file_location("blocks", {blocks!r})
blocks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(blocks)
stop = threading.Event()

def churn():
    while not stop.is_set():
        blocks.threads(4, 2000)

def busy():
    while not stop.is_set():
        kept = [bytes(i) for i in range(600)]

def begin_and_end():
    while not stop.is_set():
        try:
            with heap.track() as t:
                t.top(2)
        except RuntimeError as error:
            failed.append(error)

failed = []
several = [threading.Thread(target=f) for f in [churn, busy, busy, begin_and_end, begin_and_end]]
[thread.start() for thread in several]
end = time.monotonic() + {seconds}
whole = rounds = 0
while time.monotonic() < end:
    with heap.track() as t:
        kept = bytes(100000)
    rounds += 1
    whole += t.peak >= 100000  # else another thread's tracker, around it, ended before
stop.set()
[thread.join() for thread in several]
print(whole > rounds / 10 and not failed)
"""


def test_faults_61_trackers_come_and_go_among_busy_threads(
    here: Recorder, blocks: ModuleType
) -> None:
    done = here.python(STARTS.format(blocks=blocks.__file__, seconds=2), timeout=60)
    assert "True\n" in done.out, done


def test_faults_49_a_small_stack_is_enough(here: Recorder) -> None:
    done = record(here, """
import threading
threading.stack_size(64 << 10)
def work(n):
    return bytes(5000) if not n else work(n - 1)
kept = []
threads = [threading.Thread(target=lambda: kept.append(work(8))) for _ in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
""")  # fmt: skip
    assert done.code == 0
    (row,) = [row for row in figures(here)["lines"] if row["function"] == "work"]
    assert row["live_blocks"] >= 20 and 20 * 5000 <= row["live"] < 20 * 5000 + 65536


LIMITED = """
import resource, sys
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * 4096 + MORE
resource.setrlimit(resource.RLIMIT_AS, (room, room))
kept = []
try:
    while True:
        kept.append(bytearray(100000))
except MemoryError:
    got = len(kept)
    del kept[::2]
    again = [bytes(300) for _ in range(1000)]
    print("refused", got > 100)
"""


def test_faults_51_a_refused_block_is_refused_to_the_program(here: Recorder) -> None:
    done = record(here, LIMITED.replace("MORE", "(64 << 20)"))
    assert (done.code, done.out) == (0, "refused True\n"), done.err
    got = figures(here)
    assert whole(got, "live") == got["live"]


def test_faults_51_a_tight_limit_is_enough(here: Recorder) -> None:
    """Of what the program needs alone, times 1.4, and 64 MiB."""
    source = """
kept = [bytes(500) for _ in range(100000)]
dictionary = {str(i): [i] for i in range(100000)}
print(len(kept))
"""
    here.write("program.py", source)
    peak = "print(open('/proc/self/status').read().split('VmPeak:')[1].split()[0])"
    run = subprocess.run(
        [sys.executable, "-c", source + peak], capture_output=True, text=True
    )
    limit = int(int(run.stdout.split()[1]) * 1024 * 1.4) + (64 << 20)
    done = record(
        here, source,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert (done.code, done.out) == (0, "100000\n"), done.err
    assert figures(here)["untracked"] == 0


@pytest.mark.parametrize("most", [4, 5, 6, 7, 8, 9, 10, 11, 12, 16])
def test_faults_52_with_few_descriptors_it_works_or_is_not_started(
    here: Recorder, most: int
) -> None:
    here.write("program.py", """
import os
print("ran", flush=True)
with open(__file__), open(__file__):
    import json.tool  # a module takes one, too
kept = os.listdir()
""")  # fmt: skip
    done = here.mprof("heap", "-o", "a.mprof", "program.py",
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))  # fmt: skip
    if done.code:
        (line,) = done.err.splitlines()
        assert (done.code, done.out) == (125, "") and "ulimit -n" in line
        assert not (here.path / "a.mprof").exists()
    else:
        assert done.out == "ran\n" and figures(here)["allocations"]
    assert (done.code == 0) == (most > 10)


def test_faults_52_no_memory_at_the_start(here: Recorder) -> None:
    source = """
import resource
from memory_profiler import heap
pages = int(open("/proc/self/statm").read().split()[0])
tracker = heap.track()
room = pages * 4096 + (1 << 20)
resource.setrlimit(resource.RLIMIT_AS, (room, room))
try:
    tracker.start()
except OSError as problem:
    print(problem.strerror)
"""
    assert "Cannot allocate memory" in here.python(source).out


HANDLERS = """
import ctypes, faulthandler, os, re, signal, threading
libc = ctypes.CDLL(None, use_errno=True)
faulthandler.enable(open(os.devnull, "w"))  # an alternate stack
seen = []
for name in ("SIGALRM", "SIGUSR1", "SIGSEGV"):
    signal.signal(getattr(signal, name), lambda number, frame: seen.append(number))
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGTERM})
waited = []
waiter = threading.Thread(target=lambda: waited.append(signal.sigwait({signal.SIGUSR2})))
waiter.start()
os.kill(os.getpid(), signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGSEGV)
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGUSR2)
waiter.join()
reader, writer = os.pipe()
signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, 0.05)
print(libc.read(reader, ctypes.create_string_buffer(1), 1), ctypes.get_errno())
kept = [bytes(i) for i in range(2000)]
print(sorted(seen), waited, sorted(signal.sigpending()))
print(re.findall("^Sig(?:Blk|Ign|Cgt).*", open("/proc/self/status").read(), re.M))
print([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE)])
"""


@pytest.mark.parametrize("options", [[], ["--sample", "64K"]])
def test_faults_45_signals_are_as_without_us(here: Recorder, options: list[str]) -> None:
    """Handlers, masks, what is pending, who waits, and which calls are interrupted."""
    here.write("program.py", HANDLERS)
    plain = subprocess.run(
        [sys.executable, "program.py"],
        cwd=here.path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    done = here.mprof("heap", *options, "-o", "a.mprof", "program.py", timeout=60)
    assert plain.stdout.startswith("-1 4\n") and (plain.stderr, plain.returncode) == ("", 0)
    assert (done.code, done.out) == (0, plain.stdout), done.err
    assert figures(here)["allocations"] > 2000 or options


def test_faults_53_descriptors_are_the_programs(here: Recorder) -> None:
    """It closes all, and its own file takes every number that was ours."""
    done = record(here, TREE + """
import os
os.closerange(3, 1000)
theirs = os.open("theirs", os.O_RDWR | os.O_CREAT)
for fd in range(100, 300):
    os.dup2(theirs, fd)
tree(14)
os.write(theirs, b"mine")
""")  # fmt: skip
    assert done.code == 0, done.err
    assert (here.path / "theirs").read_bytes() == b"mine"
    got = figures(here)
    assert got["shortened"] == 0 and got["allocations"] > 2**14


def test_faults_53_without_standard_streams(here: Recorder) -> None:
    here.write("program.py", "kept = bytes(9000)\nopen('out', 'w').write('x')\n")
    words = 'exec "$0" heap -o a.mprof program.py <&- >&- 2>&-'
    run = subprocess.run(["sh", "-c", words, PROGRAM], cwd=here.path, timeout=60)
    assert run.returncode == 0
    assert (here.path / "out").read_text() == "x"
    assert figures(here)["peak"] >= 9000


def test_faults_57_of_a_million_stacks_those_without_room_are_told(here: Recorder) -> None:
    """How many blocks are at a caller's line is said, those of one stack each time."""
    source = f"""{TREE}
import resource
tree(19)  # and as many stacks that allocate nothing
def full():
    for i in range(300_000):
        kept.append(bytes(100))
full()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    here.write("program.py", source)
    words = [sys.executable, "program.py"]
    plain = subprocess.run(words, cwd=here.path, capture_output=True, check=True)
    words = ["heap", "--no-follow", "--max-file", "64M", "-o", "a.mprof", "program.py"]
    done = here.mprof(*words)
    assert done.code == 0, done.err
    assert int(done.out) - int(plain.stdout) < 96 << 10  # KiB
    assert (here.path / "a.mprof").stat().st_size <= 64 << 20
    got = figures(here)
    assert whole(got, "allocations") == got["allocations"] > 2**19 + 300_000
    (full,) = (row for row in got["lines"] if row["line"] == 14)
    assert full["function"] == "full" and full["live"] >= 300_000 * 133
    assert got["shortened"] > 2**16 and got["misplaced"] == 0
    said = here.mprof("report", "a.mprof").out
    assert f"warning: {got['shortened']:,} blocks lack callers, or are charged to" in said
    done = here.mprof("heap", "--no-follow", "-o", "usual.mprof", "program.py")
    assert done.code == 0, done.err
    usual = figures(here, "usual.mprof")
    assert usual["shortened"] == 0 and whole(usual, "allocations") > 2**19 + 300_000
    assert (here.path / "usual.mprof").stat().st_size <= 256 << 20


@pytest.mark.parametrize("words", [["-I"], ["-S"], ["-P"], ["-X", "tracemalloc"], ["-X", "dev"],
                                   ["-X", "frozen_modules=off"], ["-OO"]])  # fmt: skip
def test_faults_62_under_pythons_own_options(here: Recorder, words: list[str]) -> None:
    here.write("program.py", "kept = [bytes(1000) for _ in range(100)]\n")
    where = Path(sys.prefix, "lib", f"python3.{sys.version_info[1]}", "site-packages")
    env = {"PYTHONPATH": str(where)} if words == ["-S"] else {}
    done = here.mprof(
        "heap", "-o", "a.mprof", sys.executable, *words, "program.py", env=env
    )
    assert done.code == 0, done.err
    assert figures(here)["live"] >= 100 * 1033


@pytest.mark.parametrize("allocator", ["debug", "malloc", "malloc_debug", "pymalloc"])
def test_faults_62_under_every_allocator(here: Recorder, allocator: str) -> None:
    done = record(
        here, "kept = [bytes(1000) for _ in range(100)]", env={"PYTHONMALLOC": allocator}
    )
    assert done.code == 0, done.err
    rows = [row for row in figures(here)["lines"] if row["live_blocks"] >= 100]
    assert rows[0]["live"] >= 100 * 1033


def test_faults_62_sub_interpreters_are_counted_without_their_stacks(
    here: Recorder,
) -> None:
    done = record(here, """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
for _ in range(5):
    other = interpreters.create()
    interpreters.run_string(other, "kept = [bytes(7000) for _ in range(100)]")
    interpreters.destroy(other)
kept = bytes(5000)
""")  # fmt: skip
    assert done.code == 0, done.err
    got = figures(here)
    assert got["total"] > 5 * 100 * 7000
    assert whole(got, "live") == got["live"]


def test_faults_63_greenlets_of_gevent_keep_their_stacks(here: Recorder) -> None:
    pytest.importorskip("gevent")
    done = record(here, """
import gevent
def first():
    for _ in range(50):
        kept.append(bytes(1000))
        gevent.sleep(0)
def second():
    for _ in range(50):
        kept.append(bytes(2000))
        gevent.sleep(0)
kept = []
gevent.joinall([gevent.spawn(work) for work in (first, second, first)])
""")  # fmt: skip
    assert done.code == 0, done.err
    rows = figures(here)["lines"]
    live = {name: max(row["live"] for row in rows if row["function"] == name)
            for name in ("first", "second")}  # fmt: skip
    assert 100 * 1033 <= live["first"] < 100 * 1033 + 9000
    assert 50 * 2033 <= live["second"] < 50 * 2033 + 9000


def test_faults_66_nothing_is_asked_of_a_network(here: Recorder) -> None:
    words = ["strace", "-f", "-e", "trace=%network", "-o", "calls", PROGRAM]
    here.write("program.py", "kept = bytes(5000)\n")
    env = {**os.environ, "DEBUGINFOD_URLS": "http://127.0.0.1:9"}
    for arguments in (["heap", "-o", "a.mprof", "program.py"], ["report", "a.mprof"]):
        try:
            subprocess.run([*words, *arguments], cwd=here.path, env=env, check=True,
                           capture_output=True, timeout=60)  # fmt: skip
        except FileNotFoundError:
            pytest.skip("needs strace")
        assert "socket(" not in (here.path / "calls").read_text()
