"""Each function of malloc's and mmap's families, asked by C code from a Python line of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from heap_runs import figures, record, whole
from recordings import Recorder

BLOCKS = ("malloc", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc",
          "posix_memalign", "valloc", "pvalloc", "handler")  # fmt: skip
MAPS = ("mmap", "mmap64", "mremap", "fixed", "mprotect")
BREAKS = ("sbrk", "brk")  # last: what malloc takes after them lies behind, and they stay
SIZES = {name: (1 << 20) + 65536 * at for at, name in enumerate(BLOCKS + MAPS + BREAKS)}
ENDS = [(name, "give") for name in BLOCKS]
ENDS += [(name, how) for name in MAPS for how in ("unmap", "unmap_in_parts", "empty")]
BESIDE = 4096  # what ctypes itself takes for a call

PROGRAM = """
import ctypes
every = ctypes.CDLL("./every.so")
for name in {names}:
    getattr(every, "by_" + name).restype = ctypes.c_void_p
for name in ("give", "unmap", "unmap_in_parts", "empty"):
    getattr(every, name).argtypes = [ctypes.c_void_p, ctypes.c_long]
"""


def asking(name: str, how: str) -> str:
    size = SIZES[name]
    asks = f"def ask_{name}_{how}(): return every.by_{name}(ctypes.c_long({size}))\n"
    return asks + f"{name}_{how} = ask_{name}_{how}()\n"


def ending(name: str, how: str) -> str:
    return f"every.{how}({name}_{how}, {SIZES[name]})\n"


def keeping(name: str) -> str:
    asks = f"def keep_{name}(): return every.by_{name}(ctypes.c_long({SIZES[name]}))\n"
    return asks + f"assert keep_{name}() not in (None, 2**64 - 1)\n"


def build(here: Recorder, name: str = "every.so") -> None:
    source = str(Path(__file__).with_name("every.c"))
    command = ["cc", "-O1", "-fno-builtin", "-shared", "-fPIC", source]
    subprocess.run([*command, "-o", here.path / name], check=True)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """By function, the figures of the line that called."""
    here = Recorder(tmp_path_factory.mktemp("every"))
    build(here)
    program = PROGRAM.format(names=tuple(SIZES))
    program += "".join([asking(*end) for end in ENDS] + [keeping(name) for name in SIZES])
    program += "".join(ending(*end) for end in ENDS)  # no map takes the place of another
    done = record(here, program)
    assert done.code == 0, done.err
    got = figures(here)
    assert whole(got, "live") == got["live"] and got["incomplete"] is None
    held = sum(SIZES[name] for name in MAPS + BREAKS)
    assert held <= got["kinds"]["mmap"]["live"] < held + (1 << 20)
    return {row["function"]: row for row in got["lines"]}


@pytest.mark.parametrize("name", SIZES)
def test_what_a_function_gave_is_its_callers_lines(
    rows: dict[str, dict], name: str
) -> None:
    assert SIZES[name] <= rows[f"keep_{name}"]["live"] < SIZES[name] + BESIDE


@pytest.mark.parametrize(("name", "how"), ENDS)
def test_what_was_given_back_is_nobodys(rows: dict[str, dict], name: str, how: str) -> None:
    row = rows[f"ask_{name}_{how}"]
    assert row["total"] >= SIZES[name] and 0 <= row["live"] < BESIDE


#: Objects come and go, allocations under the loader's lock, and blocks of Python and of C.
LOADS = """
import _ctypes, ctypes, threading, time
every = ctypes.CDLL("./every.so")
end = time.monotonic() + {seconds}

def load(name):
    count = 0
    while time.monotonic() < end:
        other = ctypes.CDLL(name)
        other.by_malloc.restype = ctypes.c_void_p
        other.give.argtypes = [ctypes.c_void_p]
        other.give(other.by_malloc(ctypes.c_long(5000)))
        _ctypes.dlclose(other._handle)
        count += 1
    counts.append(count)

def walk():
    while time.monotonic() < end:
        every.walk_objects(ctypes.c_long(20))

def churn():
    while time.monotonic() < end:
        kept = [bytes(i) for i in range(600)]

counts = []
works = [(load, "./one.so"), (load, "./two.so"), (walk,), (walk,), (churn,)]
threads = [threading.Thread(target=work, args=args) for work, *args in works]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(*counts)
"""


def come_and_go(here: Recorder, seconds: float) -> None:
    for name in ("every.so", "one.so", "two.so"):
        build(here, name)
    done = record(here, LOADS.format(seconds=seconds), timeout=seconds + 60)
    assert done.code == 0, done.err
    got = figures(here)
    loads = [row for row in got["lines"] if row["function"] == "load"]
    row = max(loads, key=lambda row: row["total"])
    assert row["total"] >= 5000 * sum(map(int, done.out.split())) and row["live"] < 65536
    assert whole(got, "live") == got["live"] and got["incomplete"] is None


def test_faults_46_objects_come_and_go_while_their_list_is_walked(tmp_path: Path) -> None:
    come_and_go(Recorder(tmp_path), 1.0)
