"""The native hooks in real Python processes, whose calls come from many objects."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from heap_asked import installed, of_compiler

pytestmark = pytest.mark.one_version

HERE = Path(__file__).parent
SOURCES = HERE.parents[2] / "src"
CORE = sorted((SOURCES / "capture/heap/native").glob("*.c"))
CORE.append(SOURCES / "base/guard.c")

START = """
import ctypes, sys
told = ctypes.CDLL(sys.argv[1])
for name in ("seen_allocs", "seen_frees", "seen_mapped", "seen_ever", "seen_created"):
    getattr(told, name).restype = ctypes.c_long
told.watch.argtypes = [ctypes.c_long]
def expect(value, wanted):
    assert value == wanted, (value, wanted)
def watched(size):
    told.watch(size)
    return lambda: (told.seen_allocs(), told.seen_frees())
failed = told.start()
assert not failed, failed
"""


def build(target: Path, *options: str) -> Path:
    command = ["cc", "-O1", "-g", "-fPIC", "-D_GNU_SOURCE", f"-I{SOURCES}", "-pthread"]
    command += ["-fno-builtin", *options, str(HERE / "told.c"), "-o", str(target)]
    if "-DPLUGIN" not in options:
        command += map(str, CORE)
    subprocess.run(command, check=True)
    return target


class Process:
    """A Python process that starts the hooks, then runs a text; it gets the two objects."""

    def __init__(self, into: Path) -> None:
        self.told = build(into / "told.so", "-shared")
        self.plugin = build(into / "plugin.so", "-shared", "-DPLUGIN")

    def run(self, text: str, **environment: str) -> str:
        command = [sys.executable, "-c", START + textwrap.dedent(text)]
        done = subprocess.run(
            [*command, str(self.told), str(self.plugin)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Process:
    return Process(tmp_path_factory.mktemp("native"))


def test_malloc_looked_up_by_ctypes_is_told(process: Process) -> None:
    process.run("""
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        seen = watched(123457)
        block = libc.malloc(123457)
        expect(seen(), (1, 0))
        libc.free(block)
        expect(seen(), (1, 1))
    """)


def test_an_object_loaded_later_is_told(process: Process) -> None:
    process.run("""
        plugin = ctypes.CDLL(sys.argv[2])
        seen = watched(123459)
        plugin.allocate(123459)
        expect(seen(), (1, 1))
    """)


def test_what_python_itself_takes_from_malloc_is_told(process: Process) -> None:
    process.run("""
        seen = watched(1234567 + bytes().__sizeof__())
        block = bytes(1234567)
        expect(seen(), (1, 0))
        del block
        expect(seen(), (1, 1))
    """)


def test_a_map_that_is_resized_counts_what_it_is(process: Process) -> None:
    process.run("""
        import mmap
        before = told.seen_mapped()
        room = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        expect(told.seen_mapped() - before, 4 << 20)
        room.resize(40 << 20)
        expect(told.seen_mapped() - before, 40 << 20)
        room.close()
        expect(told.seen_mapped(), before)
    """)


def test_faults_42_and_46_a_busy_program_runs_as_it_would(process: Process) -> None:
    text = """
        import concurrent.futures, decimal, hashlib, json, multiprocessing, sqlite3, ssl
        import subprocess, threading
        def work(n):
            base = sqlite3.connect(":memory:")
            base.execute("create table t (x)")
            base.executemany("insert into t values (?)", ((i,) for i in range(2000)))
            (count,) = base.execute("select count(*) from t").fetchone()
            json.loads(json.dumps([{"a": i} for i in range(2000)]))
            return count + len(hashlib.sha256(bytes(100000)).hexdigest())
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            expect(sum(pool.map(work, range(40))), 40 * 2064)
        for _ in range(200):
            thread = threading.Thread(target=lambda: decimal.Decimal(2) ** 100)
            thread.start()
            thread.join()
        expect(subprocess.run(["true"]).returncode, 0)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            expect(pool.map(abs, range(-50, 0)), list(range(50, 0, -1)))
        print(told.seen_ever() > 10000)
    """
    assert process.run(text) == "True\n"


def test_threads_that_libraries_and_python_start_are_told(process: Process) -> None:
    process.run("""
        import threading
        before = told.seen_created()
        threads = [threading.Thread(target=abs, args=(1,)) for _ in range(3)]
        for thread in threads:
            thread.start()
            thread.join()
        expect(told.seen_created() - before, 3)
    """)


@pytest.mark.parametrize(
    "name", ["libjemalloc.so", "libmimalloc.so", "libtcmalloc_minimal.so"]
)
def test_faults_48_blocks_of_another_allocator_are_told(
    process: Process, name: str
) -> None:
    text = """
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        seen = watched(123457)
        libc.free(libc.malloc(123457))
        expect(seen(), (1, 1))
        plugin = ctypes.CDLL(sys.argv[2])
        mapped, seen = told.seen_mapped(), watched(100 << 20)
        plugin.allocate(100 << 20)
        expect(seen(), (1, 1))
        expect(told.seen_mapped(), mapped)
        blocks = [bytes(i) for i in range(20000)]
        del blocks
    """
    process.run(text, LD_PRELOAD=installed(name))


def test_faults_48_a_sanitizer_keeps_its_allocator(process: Process) -> None:
    library = of_compiler("libasan.so")
    text = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).start())"
    done = subprocess.run(
        [sys.executable, "-c", text, str(process.told)],
        env={**os.environ, "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{errno.ENOTSUP}\n", done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a program of another user's")
def test_faults_48_a_setuid_program_is_left_alone() -> None:
    with tempfile.TemporaryDirectory() as directory:
        program = build(Path(directory, "program"), "-DPROGRAM", "-fvisibility=hidden")
        assert subprocess.run([program]).returncode == 0
        os.chmod(directory, 0o755)
        os.chmod(program, 0o4755)
        done = subprocess.run([program], user=65534, group=65534)
        assert done.returncode == errno.EPERM
