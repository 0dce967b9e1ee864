"""operator new and delete, of libstdc++ and of allocators that have their own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import heap_asked
from heap_runs import figures, own_lines, record
from recordings import Recorder

MIB = 1 << 20
SOURCE = Path(__file__).with_name("news.cc")
ALLOCATORS = ["", "libjemalloc.so", "libtcmalloc_minimal.so", "libmimalloc.so"]

PROGRAM = """
import ctypes, os
news = ctypes.CDLL("./news.so")

def keep():
    news.keep()

def give_back():
    news.give_back()

if "mimalloc" not in os.environ.get("LD_PRELOAD", ""):  # Debian's aborts
    assert news.ask_too_much() == 2
keep()
give_back()
"""


def run(here: Recorder, allocator: str) -> dict[str, dict]:
    """What is said of each function."""
    if not shutil.which("c++"):
        pytest.skip("there is no C++ compiler")
    library = str(here.path / "news.so")
    build = ["c++", "-std=c++17", "-O1", "-fno-builtin", "-shared", "-fPIC"]
    subprocess.run([*build, str(SOURCE), "-o", library], check=True)
    preload = {"LD_PRELOAD": heap_asked.installed(allocator)} if allocator else {}
    done = record(here, PROGRAM, env=preload)
    assert (done.code, done.out, own_lines(done.err)) == (0, "", []), done.err
    lines = figures(here)["lines"]
    return {row["function"]: row for row in lines if "program.py" in row["file"]}


@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_operator_new_and_delete_are_counted_once_whoever_has_them(
    tmp_path: Path, allocator: str
) -> None:
    """And in every way, after an exception too."""
    rows = run(Recorder(tmp_path), allocator)
    kept, given = rows["keep"], rows["give_back"]
    assert (kept["live"] // MIB, kept["total"] // MIB) == (36, 36)
    assert (given["live"], given["total"] // MIB) == (0, 12)
    assert kept["allocations"] < 16 and given["allocations"] < 20
