"""What mprof heap says at its end, and which source `mprof lines` understands."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from heap_recordings import report
from recordings import Recorder

pytestmark = pytest.mark.one_version

LIBRARY = """
import json, sys
def load(count):
    return json.loads("[" + ",".join(["1.5"] * count) + "]")
kept = load(200_000)
small = bytearray(100_000)
print("last words", end="")
sys.exit(int(sys.argv[1]))
"""


def last_line(err: str) -> str:
    return err.splitlines()[-1]


@pytest.mark.parametrize("code", ["0", "3"])
def test_the_end_says_the_peak_the_users_line_and_what_to_type(
    here: Recorder, code: str
) -> None:
    here.write("work.py", LIBRARY)
    done = here.mprof("heap", "-o", "a.mprof", "work.py", code)
    assert (done.code, done.out) == (int(code), "last words")
    said = re.fullmatch(
        r"mprof: peak (\d+\.\d MiB) of heap, (\d+\.\d) MiB of it from work.py:4 load; "
        r"to see it: (mprof report a\.mprof)", last_line(done.err),
    )  # fmt: skip
    assert said, done.err
    peak = report(here)["peak"]
    assert said[1] == f"{peak / 2**20:.1f} MiB"
    assert (
        4.5 < float(said[2]) <= peak / 2**20
    )  # what json made for that line, and its text
    assert here.mprof(*said[3].split()[1:]).out.startswith("a.mprof\n")


def test_the_end_comes_behind_what_the_program_prints(here: Recorder) -> None:
    here.write("work.py", "import sys\nprint('out', end='')\nsys.stderr.write('err')\n")
    process, terminal = here.start_on_terminal("heap", "-o", "a.mprof", "work.py")
    from recordings import read_to_end

    text = read_to_end(terminal)
    assert process.wait(timeout=30) == 0
    assert text.index(b"out") < text.index(b"mprof: peak ")
    assert text.index(b"err") < text.index(b"mprof: peak ")
    assert text.endswith(b"mprof report a.mprof\r\n")


def test_the_command_to_type_is_one_that_a_shell_takes(here: Recorder) -> None:
    here.write("work.py", "")
    for name in ("a b.mprof", "it's.mprof", "$HOME.mprof"):
        words = last_line(here.mprof("heap", "-o", name, "work.py").err).partition(
            "mprof report "
        )
        import shlex

        assert shlex.split(words[2]) == [name]


def test_a_program_with_nothing_of_the_users_has_its_peak_alone(here: Recorder) -> None:
    here.write("empty.py", "")
    said = last_line(here.mprof("heap", "-o", "a.mprof", "empty.py").err)
    assert re.fullmatch(
        r"mprof: peak \S+ \S+ of heap(, .*empty.py:\d+ <module>)?; to see it: .*", said
    )


def test_children_and_samples_are_not_hidden_from_the_end(here: Recorder) -> None:
    here.write(
        "fork.py", "import os\nif os.fork() == 0: os._exit(0)\nos.wait()\nx = bytes(10**7)"
    )
    said = last_line(here.mprof("heap", "-o", "a.mprof", "fork.py").err)
    assert "of heap in the first of 2 processes, 9.5 MiB of it from fork.py:4" in said
    said = last_line(here.mprof("heap", "--sample", "64K", "-o", "b.mprof", "fork.py").err)
    assert " +-" in said


def test_the_end_of_a_killed_program_is_the_programs(here: Recorder) -> None:
    here.write("killed.py", "import os\nos.kill(os.getpid(), 9)")
    done = here.mprof("heap", "-o", "a.mprof", "killed.py")
    assert done.code == -9 and "peak" not in done.err


def test_lines_of_a_source_take_the_newest_capture(heap: Recorder) -> None:
    for words in (["app.py"], ["./app.py"], ["pkg/../app.py"], [str(heap.path / "app.py")],
                  ["app.py", "a.mprof"], ["a.mprof", "app.py"]):  # fmt: skip
        done = heap.mprof("lines", *words)
        assert done.code == 0 and "return bytearray" in done.out, words
        assert ("newest" in done.err) == ("a.mprof" not in words)
    script = "#!/usr/bin/env python3\nkept = bytearray(5_000_000)\n"
    heap.write("script", script)
    heap.mprof("heap", "-o", "b", "script")
    assert "kept = bytearray" in heap.mprof("lines", "script").out
    assert heap.mprof("lines", "b").out.startswith("b\n")
    done = heap.mprof("lines", "nosuch.py")
    assert done.code == 1 and "nosuch.py allocated nothing in b" in done.err


def test_paths_are_compared_without_detours_wherever_one_stands(heap: Recorder) -> None:
    sub = heap.path / "sub"
    sub.mkdir()
    heap.mprof("heap", "-o", "c.mprof", ".//sub/../app.py")
    whole = str(heap.path / "app.py")
    for name in (
        "app.py",
        "./app.py",
        whole,
        f"{heap.path}/./sub/../app.py",
        "./pkg/store.py",
    ):
        assert heap.mprof("lines", "c.mprof", name).code == 0, name
    assert heap.mprof("lines", "../c.mprof", "../app.py", cwd=sub).code == 0
    elsewhere = heap.path / "elsewhere"
    elsewhere.mkdir()
    (heap.path / "c.mprof").rename(elsewhere / "c.mprof")
    (heap.path / "app.py").unlink()
    assert heap.mprof("lines", "./pkg/../app.py", cwd=elsewhere).code == 0
    heap.write("x.py", "kept = bytearray(5_000_000)\n")
    heap.mprof("heap", "-o", "d.mprof", "./x.py")
    assert " x.py:1 <module>" in heap.mprof("report", "d.mprof").out


def test_of_files_of_one_name_the_programs_own_wins(here: Recorder) -> None:
    package = here.path / "json"
    package.mkdir()
    here.write(
        "json/decoder.py", "import json\nkept = [json.loads('[1]') for _ in range(9999)]\n"
    )
    here.mprof("heap", "-o", "a.mprof", "json/decoder.py")
    assert str(Path(sys.modules["json"].__file__ or "").parent / "decoder.py") in (
        here.mprof("lines", "--all", "--json", "a.mprof").out
    )
    for cwd in (here.path, package):
        done = here.mprof("lines", str(here.path / "a.mprof"), "decoder.py", cwd=cwd)
        assert done.code == 0 and "kept = [json.loads" in done.out
