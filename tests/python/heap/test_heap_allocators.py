"""Programs with another malloc, or whose objects come and go: rows 47 and 48 of the faults."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import heap_asked
from heap_runs import figures, own_lines, whole
from recordings import Recorder

pytestmark = pytest.mark.one_version

MIB = 1 << 20


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    heap_asked.build(tmp_path)
    return Recorder(tmp_path)


def check_totals(here: Recorder, **how: object) -> None:
    done = here.mprof("heap", "-o", "a.mprof", "program.py", **how)
    truth = heap_asked.truth(done)
    assert own_lines(done.err) == []
    assert heap_asked.said(here, "a.mprof").is_near(truth, 1)
    got = figures(here)
    assert got["incomplete"] is None and whole(got, "live") == got["live"]


@pytest.mark.parametrize(
    "name", ["libjemalloc.so", "libmimalloc.so", "libtcmalloc_minimal.so"]
)
def test_faults_48_a_preloaded_allocator_is_counted_each_block_once(
    here: Recorder, name: str
) -> None:
    heap_asked.write(here, 20_000)
    check_totals(here, env={"LD_PRELOAD": heap_asked.installed(name)})


@pytest.mark.parametrize("scope", ["RTLD_LOCAL", "RTLD_GLOBAL", "RTLD_DEEPBIND"])
@pytest.mark.parametrize("when", ["RTLD_NOW", "RTLD_LAZY"])
def test_faults_48_a_library_is_counted_however_it_was_loaded(
    here: Recorder, scope: str, when: str
) -> None:
    heap_asked.write(here, 20_000, f"os.{when} | os.{scope}")
    check_totals(here)


def test_faults_48_an_allocator_inside_a_library_keeps_its_blocks(here: Recorder) -> None:
    """They are its own; what it maps for them is counted."""
    archive = heap_asked.of_compiler("libjemalloc_pic.a")
    heap_asked.build(here.path, archive, "-Wl,-Bsymbolic,--exclude-libs,ALL", "-lm")
    heap_asked.write(here)
    room = {"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=16384"}
    done = here.mprof("heap", "-o", "a.mprof", "program.py", env=room)
    truth, said = heap_asked.truth(done), heap_asked.said(here, "a.mprof")
    assert own_lines(done.err) == [] and said.calls < 100
    assert truth.peak < said.peak < 4 * truth.peak


@pytest.mark.parametrize("name", ["libasan.so", "libtsan.so"])
def test_faults_48_a_sanitizer_keeps_its_allocator_and_that_is_said_in_a_line(
    here: Recorder, name: str
) -> None:
    env = {"LD_PRELOAD": heap_asked.of_compiler(name), "ASAN_OPTIONS": "detect_leaks=0"}
    here.write("program.py", "kept = [bytes(70000)]\nprint('ran')\n")
    alone = [sys.executable, "-c", "pass"]
    if subprocess.run(alone, env={**os.environ, **env}, capture_output=True).returncode:
        pytest.skip(f"no Python starts under {name} here")
    done = here.mprof("heap", "-o", "a.mprof", "program.py", env=env)
    assert (done.code, done.out) == (0, "ran\n"), done.err
    (line,) = own_lines(done.err)
    assert "malloc and mmap cannot be followed here" in line
    got = figures(here)
    assert got["native"] is False and got["live"] >= 70000


COME_AND_GO = """
import _ctypes, ctypes
accounts, places = (ctypes.c_long * 4)(), set()

def even(asked):
    asked.work(ctypes.c_long(100), accounts)

def odd(asked):
    asked.work(ctypes.c_long(200), accounts)

for i in range(40):
    asked = ctypes.CDLL(f"./{'odd' if i % 2 else 'even'}.so")
    places.add(ctypes.cast(asked.work, ctypes.c_void_p).value)
    (odd if i % 2 else even)(asked)
    _ctypes.dlclose(asked._handle)
print(len(places))
"""


def test_faults_47_objects_at_the_address_of_others_are_counted_like_them(
    here: Recorder,
) -> None:
    heap_asked.build(here.path, name="even.so")
    heap_asked.build(here.path, name="odd.so")
    here.write("program.py", COME_AND_GO)
    done = here.mprof("heap", "-o", "a.mprof", "program.py")
    assert done.code == 0 and int(done.out) < 40, done
    calls = {row["function"]: row["allocations"] for row in figures(here)["lines"]}
    assert 20 * 100 <= calls["even"] < 20 * 110
    assert 20 * 200 <= calls["odd"] < 20 * 210


ARROW = """
import pyarrow

def work():
    buffer = pyarrow.allocate_buffer(64 << 20)
    memoryview(buffer).cast("B")[:] = bytes(64 << 20)
    return buffer

def small():
    return [pyarrow.array([float(i)] * 1000) for i in range(1000)]

kept = work(), small()
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize("pool", ["system", "jemalloc", "mimalloc"])
def test_faults_48_arrows_own_allocators_are_counted_and_what_they_reserve_is_not(
    here: Recorder, pool: str
) -> None:
    pytest.importorskip("pyarrow")
    here.write("program.py", ARROW)
    done = here.mprof(
        "heap", "-o", "a.mprof", "program.py", env={"ARROW_DEFAULT_MEMORY_POOL": pool}
    )
    assert done.code == 0 and own_lines(done.err) == [], done.err
    if done.out != pool + "\n":
        pytest.skip(f"this pyarrow has no {pool}")
    got = figures(here)
    kept = sum(row["live"] for row in got["lines"] if row["function"] == "work")
    assert kept >= 64 * MIB
    end = got["balance"]["at_end"]
    assert got["live"] < 256 * MIB  # mimalloc takes a GiB of addresses at once
    assert end["heap"] - end["not_resident"] <= end["rss"]


CHILD = """
import ctypes
ctypes.CDLL(None).scalene_reinstall_local_allocators()
kept = [bytes(100) for _ in range(1000)]
from memory_profiler import heap
try:
    heap.track().start()
except OSError as error:
    print(len(kept), error.strerror)
"""


def test_faults_60_scalene_is_not_recorded_and_runs_on(tmp_path: Path) -> None:
    """Its allocator comes once more before ours, which is before it: a circle."""
    source = Path(__file__).with_name("reinstalls.c")
    command = ["cc", "-O1", "-shared", "-fPIC", source, "-o", tmp_path / "libscalene.so"]
    subprocess.run(command, check=True)
    here = Recorder(tmp_path)
    here.write("child.py", CHILD)
    here.write(
        "program.py",
        "import os, subprocess, sys\n"
        "env = {**os.environ, 'LD_PRELOAD': os.path.abspath('libscalene.so')}\n"
        "sys.exit(subprocess.run([sys.executable, 'child.py'], env=env).returncode & 255)\n",
    )
    done = here.mprof("heap", "-o", "a.mprof", "program.py")
    assert (done.code, done.out) == (0, "1000 Operation not supported\n"), done.err
    assert own_lines(done.err) == []
