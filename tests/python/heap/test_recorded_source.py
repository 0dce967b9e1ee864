"""A capture has the source of what matters in it: another machine, or a later checkout, shows what ran."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import textwrap

import pytest

from heap_recordings import report
from recordings import Recorder

pytestmark = pytest.mark.one_version

FAR = "password = 'swordfish'\n"
PROGRAM = (
    FAR
    + "\n" * 20
    + """\
import helper

def main():
    kept = helper.hold(3_000_000)
    return kept

kept = main()
"""
)
HELPER = "def hold(size):\n    return bytearray(size)\n"


@pytest.fixture
def moved(here: Recorder) -> Recorder:
    """A capture alone in a folder, of a program that is no more."""
    home = here.path / "home"
    home.mkdir()
    (home / "prog.py").write_text(PROGRAM)
    (home / "helper.py").write_text(HELPER)
    done = Recorder(home).mprof("heap", "-o", "a.mprof", "prog.py")
    assert done.code == 0, done.err
    (here.path / "a.mprof").write_bytes((home / "a.mprof").read_bytes())
    shutil.rmtree(home)
    return here


def test_every_view_shows_what_ran_without_the_files(moved: Recorder) -> None:
    text = moved.mprof("report", "a.mprof").out
    assert "return bytearray(size)" in text and "Changed since" not in text
    lines = moved.mprof("lines", "a.mprof", "prog.py").out
    assert (
        "source as it was recorded, where it mattered: No such file or directory" in lines
    )
    assert "kept = helper.hold(3_000_000)" in lines
    found = json.loads(moved.mprof("lines", "--json", "a.mprof", "helper.py").out)
    assert (found["recorded"], found["changed"]) == (True, False)
    assert found["no_source"] == "No such file or directory"
    assert "    return bytearray(size)" in [line["source"] for line in found["lines"]]
    assert moved.mprof("flamegraph", "-o", "p.html", "a.mprof").code == 0
    assert "return bytearray(size)" in (moved.path / "p.html").read_text("utf-8")


def test_lines_that_hold_nothing_are_not_in_the_file(moved: Recorder) -> None:
    assert b"swordfish" not in (moved.path / "a.mprof").read_bytes()


def change(here: Recorder, text: str) -> Recorder:
    """A capture of a program that is another since."""
    (here.path / "prog.py").write_text(PROGRAM)
    (here.path / "helper.py").write_text(HELPER)
    done = here.mprof("heap", "-o", "a.mprof", "prog.py")
    assert done.code == 0, done.err
    (here.path / "helper.py").write_text(text)
    os.utime(here.path / "helper.py", (4e9, 4e9))
    return here


def test_of_a_file_that_changed_the_text_is_what_ran_and_it_is_said(here: Recorder) -> None:
    change(here, "# one more line\n" + HELPER.replace("bytearray", "list"))
    text = here.mprof("report", "a.mprof").out
    assert "return bytearray(size)" in text and "return list(size)" not in text
    told = text[text.index("Changed since; source shown as it was recorded:") :]
    assert told.split()[-1].endswith("helper.py")
    lines = here.mprof("lines", "a.mprof", "helper.py").out
    assert "changed since: source as it was recorded, where it mattered" in lines
    assert "return bytearray(size)" in lines


def test_a_file_that_was_only_touched_did_not_change(here: Recorder) -> None:
    change(here, HELPER)
    text = here.mprof("report", "a.mprof").out
    assert "return bytearray(size)" in text and "Changed since" not in text
    found = json.loads(here.mprof("lines", "--json", "a.mprof", "helper.py").out)
    assert (found["recorded"], found["changed"], found["no_source"]) == (False, False, None)


def test_without_source_no_text_is_in_the_file(here: Recorder) -> None:
    (here.path / "prog.py").write_text(PROGRAM)
    (here.path / "helper.py").write_text(HELPER)
    assert here.mprof("heap", "--no-source", "-o", "a.mprof", "prog.py").code == 0
    assert b"bytearray(size)" not in (here.path / "a.mprof").read_bytes()
    assert "return bytearray(size)" in here.mprof("report", "a.mprof").out
    os.unlink(here.path / "helper.py")
    assert "return bytearray(size)" not in here.mprof("report", "a.mprof").out


CHILDREN = """
import os, sys
import helper
from multiprocessing import get_context

if __name__ == "__main__":
    with get_context(sys.argv[1]).Pool(1) as pool:
        print(pool.apply(helper.hold, (3_000_000,))[0])
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_children_keep_what_ran_in_them(here: Recorder, way: str) -> None:
    (here.path / "prog.py").write_text(CHILDREN)
    (here.path / "helper.py").write_text(HELPER)
    done = here.mprof("heap", "-o", "a.mprof", "prog.py", way)
    assert done.code == 0, done.err
    os.unlink(here.path / "helper.py")
    assert "return bytearray(size)" in here.mprof("report", "a.mprof").out


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_without_source_no_text_is_in_the_files_of_children(
    here: Recorder, way: str
) -> None:
    (here.path / "prog.py").write_text(CHILDREN)
    (here.path / "helper.py").write_text(HELPER)
    done = here.mprof("heap", "--no-source", "-o", "a.mprof", "prog.py", way)
    assert done.code == 0, done.err
    captures = list(here.path.glob("a.mprof*"))
    assert len(captures) > 1
    assert not [one for one in captures if b"bytearray(size)" in one.read_bytes()]


TRACKED = """
import helper
from memory_profiler import heap

with heap.track("outer.mprof", sources="WORD" == "yes"):
    with heap.track("inner.mprof"):
        kept = helper.hold(3_000_000)
"""


def test_trackers_keep_source_each_as_it_was_told(here: Recorder) -> None:
    (here.path / "helper.py").write_text(HELPER)
    for word, expected in ("yes", (True, True)), ("no", (False, True)):
        for name in "outer.mprof", "inner.mprof":
            (here.path / name).unlink(missing_ok=True)
        done = here.python(TRACKED.replace("WORD", word))
        assert done.code == 0, done
        found = tuple(
            b"return bytearray(size)" in (here.path / name).read_bytes()
            for name in ("outer.mprof", "inner.mprof")
        )
        assert found == expected


CELLS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("from memory_profiler import heap", store_history=True)
shell.run_cell('t = heap.track("a.mprof"); t.start()', store_history=True)
done = shell.run_cell(\"\"\"def fill():
    return bytearray(3_000_000)
kept = fill()\"\"\", store_history=True)
assert done.success
shell.run_cell("t.stop()")
"""


def test_cells_are_shown_and_called_as_in_ipython(here: Recorder) -> None:
    done = here.python(CELLS, env={"IPYTHONDIR": str(here.path / "ipython")})
    assert done.code == 0, done
    text = here.mprof("report", "a.mprof").out
    assert "Cell In[3]:2 fill" in text and "return bytearray(3_000_000)" in text


GIVEN = """
import linecache
text = "def fill():\\n    return bytearray(3_000_000)\\n"
linecache.cache["<made by us>"] = len(text), None, text.splitlines(True), "<made by us>"
space = {}
exec(compile(text, "<made by us>", "exec"), space)
kept = space["fill"]()
"""


def test_code_whose_text_linecache_has_is_shown(here: Recorder) -> None:
    (here.path / "given.py").write_text(GIVEN)
    assert here.mprof("heap", "-o", "a.mprof", "given.py").code == 0
    text = here.mprof("report", "a.mprof").out
    assert "<made by us>:2 fill" in text and "return bytearray(3_000_000)" in text


BROKEN = """
import linecache
linecache.cache.update({
    "prog.py": None, 3: (1, None, ["x"], "y"), "<a>": (1, None, 7, "<a>"),
    "<b>": (1, None, ["\\ud800"], "<b>"), "<c>": (1, None, [b"x"], "<c>"),
})
kept = bytearray(3_000_000)
"""


def test_whatever_a_program_put_into_linecache_the_capture_is_closed(
    here: Recorder,
) -> None:
    (here.path / "prog.py").write_text(BROKEN)
    done = here.mprof("heap", "-o", "a.mprof", "prog.py")
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
    assert report(here)["incomplete"] is None


def test_no_other_file_is_read_however_code_is_called(here: Recorder) -> None:
    """What readers would not show, the recorder does not put into the file either."""
    key = here.path / "key"
    key.mkdir()
    (key / "secret").write_text("swordfish = 1\n")
    (key / "link.py").symlink_to(key / "secret")
    os.mkfifo(key / "fifo.py")
    outside = pathlib.Path(here.path.parent, "outside.py")
    outside.write_text("swordfish = 1\n")
    names = [key / "secret", key / "link.py", key / "fifo.py", outside, "/dev/zero", "\0"]
    (here.path / "prog.py").write_text(
        textwrap.dedent(f"""
        for name in {[str(name) for name in names]}:
            space = {{}}
            exec(compile("def f(): return bytearray(3000000)", "x.py", "exec"), space)
            f = space["f"]
            f.__code__ = f.__code__.replace(co_filename=name)
            f()
        """)
    )
    done = here.mprof("heap", "-o", "a.mprof", "prog.py")
    assert done.code == 0, done.err
    assert b"swordfish" not in (here.path / "a.mprof").read_bytes()
