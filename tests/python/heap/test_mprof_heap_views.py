"""What the reports about a heap capture say, and what they never show."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

import memory_profiler
from heap_recordings import report
from recordings import Recorder

pytestmark = pytest.mark.one_version

WIDE = {"COLUMNS": "400"}  # a pipe has 120


def block_of(text: str, place: str) -> list[str]:
    """The lines of a report that belong to a place, until the next place."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if place in line)
    margin = lines[first].index(place)
    rest = [line for line in lines[first + 1 : first + 4] if not line[: margin + 1].strip()]
    return [lines[first], *rest]


def test_the_report_says_what_where_and_who_called(heap: Recorder) -> None:
    text = heap.mprof("report", "a.mprof").out
    live = text.split("Still live\n")[1]
    place, source, types, callers = block_of(live, "app.py:16 deep")
    assert place.split()[:2] == ["2.9", "MiB"]
    assert source.strip() == "return bytearray(3_000_000)"
    assert types.strip() == "is 1 bytearray (2.9 MiB)"
    assert callers.strip() == "called by app.py:15 deep (20 times), app.py:23 <module>"
    churn = text.split("Temporary (freed")[1]
    assert "decoder.py:" in churn
    assert "warning" not in text and "\033" not in text


def test_rss_stands_beside_the_heap(heap: Recorder) -> None:
    got = report(heap, "a.mprof")
    rss = got["rss"]
    assert 0 < rss["at_peak"] <= rss["most"]
    assert got["peak"] < rss["most"]  # what Python allocated is resident, and more is
    assert rss["most"] == max(point[1] for point in got["series"])
    head = heap.mprof("report", "a.mprof").out.split("At the peak")[0]
    rows = {line.split()[0]: line for line in head.splitlines() if line.strip()}
    assert "MiB" in rows["peak"] and "MiB" in rows["end"]
    assert "at most" in rows["heap"] or "at most" in rows["RSS"]


def test_memory_profilers_own_frames_are_not_shown(heap: Recorder) -> None:
    names = ("_heap_run", "runpy", "importlib._bootstrap>:")
    text = heap.mprof("report", "-n", "1000", "a.mprof").out
    (callers,) = {line for line in text.splitlines() if "app.py:15 deep (20 times)" in line}
    assert not any(name in callers for name in names)
    assert "_heap_run" not in text and "runpy" not in text
    got = report(heap, "a.mprof")
    own = [line for line in got["lines"] if "memory_profiler" in Path(line["file"]).parts]
    assert own == []
    assert got["own"]["allocations"] > 0
    everything = report(heap, "--all-frames", "a.mprof")
    assert any(line["file"].endswith("_heap_run.py") for line in everything["lines"])
    assert everything["own"]["allocations"] == 0
    shown = heap.mprof("report", "--all-frames", "a.mprof", env=WIDE).out
    assert "_heap_run.py" in shown


def test_a_tracker_of_the_program_is_not_the_programs_either(heap: Recorder) -> None:
    heap.write(
        "own.py",
        "from memory_profiler import heap\n"
        "with heap.track('own.mprof'):\n    kept = [bytes(500) for _ in range(100)]\n",
    )
    assert heap.mprof("run", "-o", "own.dat", sys.executable, "own.py").code == 0
    got = report(heap, "own.mprof")
    folder = str(Path(memory_profiler.__file__).parent)
    assert not [line for line in got["lines"] if line["file"].startswith(folder)]
    assert got["lines"][0]["line"] == 3


def test_a_program_in_a_folder_of_our_name_is_shown(heap: Recorder) -> None:
    folder = heap.path / "memory_profiler"
    folder.mkdir()
    (folder / "mine.py").write_text("kept = bytearray(10**6)\n")
    heap.mprof("heap", "-o", "b.mprof", "memory_profiler/mine.py")
    first = report(heap, "b.mprof")["lines"][0]
    assert (first["file"], first["line"]) == (str(folder / "mine.py"), 1)


def test_the_newest_capture_here_is_taken_and_said(heap: Recorder) -> None:
    heap.write("new.py", "kept = bytearray(7_000_000)\n")
    heap.mprof("heap", "-o", "b.mprof", "new.py")
    heap.write("z.mprof", "no capture")
    for command in ("report", "lines"):
        done = heap.mprof(command)
        assert done.err == "mprof: reading b.mprof, the newest heap capture here\n"
        assert done.out.startswith("b.mprof\n") and "new.py" in done.out
    (heap.path / "empty").mkdir()
    done = heap.mprof("report", cwd=heap.path / "empty")
    assert (done.code, done.out) == (1, "")
    assert "no heap capture here" in done.err and len(done.err.splitlines()) == 1


def test_lines_lists_files_and_what_they_hold_together(heap: Recorder) -> None:
    got = json.loads(heap.mprof("lines", "--json", "a.mprof").out)
    whole = report(heap, "a.mprof")
    for figure in ("at_peak", "live", "total", "allocations", "temporary"):
        lines = sum(line[figure] for line in whole["lines"]) + whole["own"][figure]
        assert sum(group[figure] for group in got["groups"]) == lines
    assert sum(group["live"] for group in got["groups"]) == whole["live"]
    peaks = [group["at_peak"] for group in got["groups"]]
    assert peaks == sorted(peaks, reverse=True)
    kinds = {group["name"]: group["kind"] for group in got["groups"]}
    assert kinds[str(heap.path / "app.py")] == "program"
    assert [group["kind"] for group in got["groups"]].count("library") == 1
    apart = json.loads(heap.mprof("lines", "--json", "--all", "a.mprof").out)
    assert any(g["name"].endswith("json/decoder.py") for g in apart["groups"])
    text = heap.mprof("lines", "-n", "99", "a.mprof").out
    assert "(standard library, " in text and "(memory_profiler itself)" in text
    assert "json/decoder.py" not in text
    assert "json/decoder.py" in heap.mprof("lines", "--all", "a.mprof").out


def source_rows(text: str) -> dict[int, str]:
    rows = {}
    for line in text.split("source\n")[1].splitlines():
        number = line.split()[0]
        if number.isdigit():
            rows[int(number)] = line
    return rows


def test_a_source_has_its_figures_at_its_lines(heap: Recorder) -> None:
    rows = source_rows(heap.mprof("lines", "a.mprof", "app.py").out)
    assert rows[16].endswith("        return bytearray(3_000_000)"[4:])
    assert "2.9 MiB" in rows[16]
    assert rows[14].split() == ["14", "if", "n:"]  # of a function that allocated
    assert 9 not in rows and 5 not in rows  # of the class, of no function
    whole = source_rows(heap.mprof("lines", "--whole", "a.mprof", "app.py").out)
    assert sorted(whole) == list(range(1, 24))
    store = source_rows(heap.mprof("lines", "a.mprof", "store.py").out)
    assert store[2].endswith("        name = 'é' * number")  # a tab is eight blanks
    got = json.loads(heap.mprof("lines", "--json", "a.mprof", "pkg/store.py").out)
    (line,) = [line for line in got["lines"] if line["line"] == 3]
    assert line["source"] == "\treturn name, bytearray(2000)"
    assert line["live_blocks"] >= 200 and line["live"] > 100 * 2000


def test_a_line_has_what_its_callees_hold_too(heap: Recorder) -> None:
    got = json.loads(heap.mprof("lines", "--json", "a.mprof", "app.py").out)
    lines = {line["line"]: line for line in got["lines"]}
    assert lines[23]["cumulative"]["live"] >= lines[16]["live"] > 3_000_000
    assert lines[23]["live"] < 1000  # kept = deep(20): nothing itself
    assert lines[15]["cumulative"]["live"] == lines[16]["live"]  # once, however deep
    for line in got["lines"]:
        for figure in ("at_peak", "live", "total"):
            assert line["cumulative"][figure] >= line[figure]
    # all but memory_profiler's own started here
    whole = report(heap, "a.mprof")
    assert (
        0 <= whole["live"] - got["cumulative"]["live"] <= 400
    )  # the path is as long as it is
    text = heap.mprof("lines", "a.mprof", "app.py").out
    assert source_rows(text)[23].split()[1:3] == ["2.9", "MiB"]


def test_a_source_is_found_by_a_path_or_an_end_of_it(heap: Recorder) -> None:
    for name in ("app.py", "./app.py", "pkg/../app.py", str(heap.path / "app.py")):
        assert "return bytearray" in heap.mprof("lines", "a.mprof", name).out
    (heap.path / "sub").mkdir()
    shutil.copy(heap.path / "app.py", heap.path / "sub" / "app.py")
    heap.write(
        "both.py", "import runpy\nfor f in 'app.py', 'sub/app.py': runpy.run_path(f)\n"
    )
    heap.mprof("heap", "-o", "b.mprof", "both.py")
    assert "return bytearray" in heap.mprof("lines", "b.mprof", "sub/app.py").out
    assert heap.mprof("lines", "b.mprof", "app.py").code == 0  # the whole name of one
    done = heap.mprof("lines", "b.mprof", "__init__.py")
    assert done.code == 1 and " may be " in done.err and len(done.err.splitlines()) == 1
    for name in ("pp.py", "nosuch.py", ""):
        done = heap.mprof("lines", "a.mprof", name)
        assert done.code == 1 and "allocated nothing in a.mprof" in done.err
        assert len(done.err.splitlines()) == 1 and not done.out


def test_source_of_a_later_file_comes_with_a_warning(heap: Recorder) -> None:
    assert heap.mprof("heap", "--no-source", "-o", "a.mprof", "app.py").code == 0
    os.utime(heap.path / "app.py", (2**31, 2**31))
    text = heap.mprof("report", "a.mprof").out
    assert "return bytearray" not in text
    tail = text.split("Newer than the capture, so that lines may have moved")[1]
    assert tail.splitlines()[1] == f"  {heap.path}/app.py"
    text = heap.mprof("lines", "a.mprof", "app.py").out
    assert "warning: this file is newer than the capture: lines may have moved" in text
    assert "return bytearray" in text
    got = json.loads(heap.mprof("lines", "--json", "a.mprof", "app.py").out)
    assert got["changed"] is True
    os.truncate(heap.path / "app.py", 10)
    assert "in deep" in source_rows(heap.mprof("lines", "a.mprof", "app.py").out)[16]


def test_without_its_source_a_file_still_has_its_figures(heap: Recorder) -> None:
    assert heap.mprof("heap", "--no-source", "-o", "a.mprof", "app.py").code == 0
    (heap.path / "app.py").unlink()
    text = heap.mprof("lines", "a.mprof", "app.py").out
    assert "its source is not shown: No such file or directory" in text
    assert "2.9 MiB" in source_rows(text)[16] and "in deep" in source_rows(text)[16]


def test_a_relative_name_is_also_looked_for_beside_the_capture(heap: Recorder) -> None:
    (heap.path / "elsewhere").mkdir()
    heap.write("runs.py", "import runpy\nkept = runpy.run_path('app.py')\n")
    heap.mprof("heap", "-o", "b.mprof", "runs.py")
    assert any(line["file"] == "app.py" for line in report(heap, "b.mprof")["lines"])
    done = heap.mprof("report", heap.path / "b.mprof", cwd=heap.path / "elsewhere")
    assert "return bytearray(3_000_000)" in done.out


NAMED = """
import sys
names = {}
for path in sys.argv[1:]:
    exec(compile('def f(): return bytes(10**5)', path, 'exec'), names)
    names.setdefault('kept', []).append(names['f']())
"""


def test_faults_26_no_file_is_shown_that_is_not_a_source_of_ours(heap: Recorder) -> None:
    secret = "token = 'swordfish'\n"
    heap.write("secret.txt", secret)
    heap.write("named.py", NAMED)
    heap.write("zero.py", secret.encode() + b"\0")
    heap.write("tool", "#!/usr/bin/python3\n" + secret)
    os.mkfifo(heap.path / "fifo.py")
    (heap.path / "folder.py").mkdir()
    names = [
        "secret.txt",
        "zero.py",
        "fifo.py",
        "folder.py",
        "/dev/zero",
        "/proc/self/environ",
    ]
    for path in heap.path.iterdir():
        os.utime(path, (1, 1))
    if os.geteuid() == 0:
        heap.write("theirs.py", secret)
        os.chown(heap.path / "theirs.py", 12345, 12345)
        names.append("theirs.py")
    assert heap.mprof("heap", "-o", "n.mprof", "named.py", *names, "tool").code == 0
    assert "swordfish" not in heap.mprof("report", "-n", "99", "n.mprof").out
    for name in names:
        for options in ((), ("--whole",), ("--json",)):
            done = heap.mprof("lines", *options, "n.mprof", name)
            assert done.code == 0 and "swordfish" not in done.out
        assert "source is not shown: " in heap.mprof("lines", "n.mprof", name).out
    assert "swordfish" in heap.mprof("lines", "--whole", "n.mprof", "tool").out
    done = heap.mprof("lines", "--whole", "n.mprof", "/etc/passwd")
    assert done.code == 1 and "root:" not in done.out + done.err


def test_faults_22_23_names_and_source_are_harmless_in_every_view(heap: Recorder) -> None:
    name = "e\x1b]0;x\x07\n\u202e\x9b\udc80.py"
    path = heap.path / name
    path.write_text(
        "# \x1b[2J\x9b\u202e\ndef f():\n    return bytearray(10**6)  # \x1b[31m\nkept = f()\n"
    )
    os.utime(path, (1, 1))
    assert heap.mprof("heap", "-o", "n.mprof", name).code == 0
    outputs = [
        heap.mprof("report", "n.mprof"),
        heap.mprof("lines", "n.mprof"),
        heap.mprof("lines", "n.mprof", name, "--whole"),
        heap.mprof("lines", "n.mprof", name + "x\x1b"),
    ]
    for done in outputs:
        text = done.out + done.err
        assert not [c for c in text if c != "\n" and (ord(c) < 32 or 126 < ord(c) < 160)]
        assert "\u202e" not in text and "\\x1b" in text
    assert "\\x1b[31m" in outputs[2].out
    assert report(heap, "n.mprof")["lines"][0]["file"] == str(path)


@pytest.mark.parametrize("environment", [
    {"LC_ALL": "C", "COLUMNS": "20"}, {"LC_ALL": "C", "COLUMNS": "80"}, {"LC_ALL": "C", "TERM": "dumb"},
])  # fmt: skip
def test_faults_67_plain_ascii_and_whole_numbers(
    heap: Recorder, environment: dict[str, str]
) -> None:
    whole = heap.mprof("report", "a.mprof", env={"LC_ALL": "C.UTF-8"}).out
    text = heap.mprof("report", "a.mprof", env=environment).out
    assert text.isascii()
    assert not set(whole) & set("▁▂▃▄▅▆▇█")  # a pipe is no terminal
    figures = [
        line.split("app.py")[0].split()[:4]
        for line in whole.splitlines()
        if "16 deep" in line
    ]
    assert (
        figures[0]
        == [line.split()[:4] for line in text.splitlines() if ":16 deep" in line][0]
    )
    source = heap.mprof("lines", "a.mprof", "store.py", env=environment).out
    assert source.isascii() and (
        "\\xc3\\xa9" in source or environment.get("COLUMNS") == "20"
    )
    if environment.get("COLUMNS") == "80":
        assert max(map(len, text.splitlines() + source.splitlines())) <= 80


LED = """
import json
import textwrap

def read(n):
    return json.loads(json.dumps([{"name": str(i)} for i in range(n)]))

small = read(10)
def main():
    return [read(20_000) for _ in range(3)]
kept = main()
"""


def test_a_librarys_line_names_the_users_line_that_led_there(heap: Recorder) -> None:
    heap.write("led.py", LED)
    assert heap.mprof("heap", "-o", "led.mprof", "led.py").code == 0
    text = heap.mprof("report", "led.mprof", env=WIDE).out.split("At the peak")[1]
    place, source, callers = block_of(text, "json/decoder.py:")
    assert source.strip().startswith("obj, end = self.scan_once(")
    assert callers.strip() == (
        "called by led.py:6 read through json/decoder.py:"
        f"{callers.split('decoder.py:')[1].split()[0]} JSONDecoder.decode, "
        f"json/__init__.py:{callers.split('__init__.py:')[1].split()[0]} loads"
    )
    lines = report(heap, "led.mprof")["lines"]
    line = next(line for line in lines if line["file"].endswith("json/decoder.py"))
    assert line["file"].startswith("/")  # whole, for programs
    assert line["user"]["file"] == str(heap.path / "led.py")
    assert (line["user"]["line"], line["user"]["function"]) == (6, "read")
    assert line["user"]["at_peak"] == line["at_peak"]
    own = [
        line
        for line in report(heap, "led.mprof")["lines"]
        if line["file"].endswith("led.py")
    ]
    assert own and not any(line["user"] for line in own)


def test_importing_is_one_line_of_a_report_and_says_by_whom(heap: Recorder) -> None:
    heap.write("imports.py", "import os\nimport email.mime.text, decimal\n")
    assert heap.mprof("heap", "-o", "i.mprof", "imports.py").code == 0
    for command in ("report", "table", "table --by function", "table --by file"):
        text = heap.mprof(*command.split(), "i.mprof").out
        assert "(importing modules)" in text and "importlib._bootstrap" not in text
    text = heap.mprof("report", "i.mprof").out
    assert "called by imports.py:2 <module>\n" in text.split("At the peak")[1]
    everything = heap.mprof("report", "--all-frames", "i.mprof").out
    assert "<frozen importlib._bootstrap_external>:" in everything
    assert any(
        "importlib._bootstrap" in line["file"] for line in report(heap, "i.mprof")["lines"]
    )


def test_lines_below_half_a_percent_are_one_unless_a_number_is_given(
    heap: Recorder,
) -> None:
    got = report(heap, "a.mprof")
    text = heap.mprof("report", "a.mprof").out.split("Still live\n")[1]
    rows = text.split("\n\n")[0].splitlines()
    shares = [float(row.split("%")[0].split()[-1]) for row in rows if "%  " in row[:24]]
    more = re.search(r"([\d.]+) \w+ +[\d.]+% +[\d,]+  \(([\d,]+) more lines\)", text)
    assert more and int(more[2].replace(",", "")) > 10
    assert all(share >= 0.5 for share in shares[:-1])
    listed = heap.mprof("report", "-n", "1000", "a.mprof").out
    assert " 0.0% " in listed and "more lines)" not in listed
    files = heap.mprof("lines", "a.mprof").out
    assert " more)" in files and "(memory_profiler itself)" not in files
    assert got["own"]["allocations"] > 0  # nothing is lost


def test_a_tracker_asked_for_its_lines_does_not_name_ours(heap: Recorder) -> None:
    heap.write(
        "top.py",
        "from memory_profiler import heap, profile\n"
        "@profile(stream=open('/dev/null', 'w'))\n"
        "def work():\n    return bytes(10**6)\n"
        "with heap.track() as tracked:\n    kept = [work() for _ in range(3)]\n"
        "for line in tracked.top(1000, 'churn') + tracked.top(1000):\n    print(line.file)\n",
    )
    done = heap.mprof("run", "-o", "top.dat", sys.executable, "top.py")
    names = set((done.out + done.err).splitlines())
    folder = str(Path(memory_profiler.__file__).parent)
    assert str(heap.path / "top.py") in names
    assert not [name for name in names if name.startswith(folder)]


def test_a_source_that_only_called_is_shown_with_what_it_called(here: Recorder) -> None:
    """Of a sampled program few lines have a block of their own."""
    here.write("part.py", "def make():\n    return bytearray(9 << 20)\n")
    here.write("app.py", "import part\nkept = part.make()\n")
    assert here.mprof("heap", "--sample", "512K", "-o", "a.mprof", "app.py").code == 0
    done = here.mprof("lines", "--json", "a.mprof", "app.py")
    assert done.code == 0, done.err
    (line,) = [line for line in json.loads(done.out)["lines"] if line["line"] == 2]
    assert line["cumulative"]["at_peak"] >= 9 << 20


def test_of_sources_that_only_called_the_one_of_that_path_is_shown(here: Recorder) -> None:
    """Not the first whose path ends so; nor does a library's stand beside the program's."""
    (here.path / "sub").mkdir()
    here.write("part.py", "def make():\n    return bytearray(9 << 20)\n")
    for name in ("sub/calls.py", "calls.py"):
        here.write(name, "import part\nkept = part.make()\n")
    here.write(
        "app.py",
        "import runpy\nkept = [runpy.run_path(f) for f in ('sub/calls.py', 'calls.py')]\n",
    )
    assert here.mprof("heap", "--sample", "512K", "-o", "a.mprof", "app.py").code == 0
    done = here.mprof("lines", "--json", "a.mprof", "calls.py")
    assert json.loads(done.out)["file"] == "calls.py", done.err
