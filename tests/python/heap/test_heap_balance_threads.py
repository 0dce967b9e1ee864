"""Where the RSS is when threads had arenas of malloc: rows 78 of the faults, and its kin."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings import Recorder
from test_heap_balance import MIB, record, sheets

pytestmark = pytest.mark.one_version

#: Short threads that allocate and free all sizes in arenas of their own, most of it never touched;
#: what a few keep lies above, so that an arena's end cannot be given back.
THREADS = """\
import ctypes, random, threading
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD: large blocks come from arenas too
kept = []

def work(seed):
    sizes, blocks = random.Random(seed), []
    for _ in range(60):
        blocks.append(bytearray(sizes.choice([600, 2000, 9000, 30000, 60000, 100000])))
        if sizes.random() < 0.5:
            del blocks[sizes.randrange(len(blocks))]
    untouched = libc.malloc(12 << 20)
    if seed % 10 == 0:
        kept.append((blocks[::10], bytearray(40000)))
    libc.free(untouched)

for first in range(0, 400, 8):
    threads = [threading.Thread(target=work, args=(first + i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

SERVER = """\
import threading, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"".join(bytearray(3000 + i) for i in range(300))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *ignored):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()

def ask():
    for _ in range(8):
        urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").read()

for _ in range(5):
    askers = [threading.Thread(target=ask) for _ in range(10)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
server.shutdown()
"""

TRIMMED = THREADS + "kept = kept[::7]\nlibc.malloc_trim(0)\n"


def check(balance: dict[str, dict]) -> None:
    for moment, percent in (("at_peak", 2), ("at_end", 3)):
        sheet = balance[moment]
        assert abs(sheet["remainder"]) * 100 < sheet["rss"] * percent, (moment, sheet)


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
        {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=127"},
        {"MALLOC_ARENA_MAX": "1"},
        {"MALLOC_ARENA_MAX": "3"},
    ],
    ids=lambda env: "-".join(env.values()) or "plain",
)
def test_faults_78_after_400_threads_little_is_left_to_explain(
    tmp_path: Path, env: dict[str, str]
) -> None:
    balance = sheets(record(tmp_path, THREADS, env=env))
    check(balance)
    assert balance["at_end"]["malloc_free"] < balance["at_end"]["rss"]


@pytest.mark.parametrize("env", [{}, {"MALLOC_ARENA_MAX": "1"}], ids=["arenas", "one"])
def test_faults_78_what_malloc_trim_gave_back_is_not_kept(
    tmp_path: Path, env: dict[str, str]
) -> None:
    balance = sheets(record(tmp_path, TRIMMED, env=env))
    check(balance)
    assert balance["at_end"]["malloc_free"] < 8 * MIB


def test_faults_78_a_threaded_server_has_little_left_to_explain(tmp_path: Path) -> None:
    check(sheets(record(tmp_path, SERVER)))


def test_arenas_of_pymalloc_that_are_used_in_part_are_resident_in_part(
    tmp_path: Path,
) -> None:
    program = "kept = [[object() for _ in range(200)] for _ in range(9)]\n"
    balance = sheets(record(tmp_path, program))
    check(balance)
    assert balance["at_end"]["pymalloc_free"] < 1.5 * MIB


def test_what_was_never_touched_before_tracking_is_not_counted_after_it(
    tmp_path: Path,
) -> None:
    program = """\
from memory_profiler import heap
before = bytes(1 << 28), [str(i) * 9 for i in range(100_000)]
with heap.track("a.mprof"):
    some = [str(i) * 9 for i in range(100_000)]
"""
    recorder = Recorder(tmp_path)
    done = recorder.python(program)
    assert done.code == 0, done.err
    check(sheets(recorder))
