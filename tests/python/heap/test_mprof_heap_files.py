"""Heap captures as files: listed, removed, drawn, cut short, damaged."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
import sys
import zipfile

import pytest

from heap_captures import HEADER, OWNERS
from heap_recordings import report
from recordings import PROGRAM, Done, Recorder

pytestmark = pytest.mark.one_version


def test_list_numbers_captures_behind_the_timelines(heap: Recorder) -> None:
    heap.write("mprofile_20260101000000.dat", "MEM 1.0 1.0\n")
    heap.write("mprofile_20270101000000.dat", "MEM 2.0 1.0\n")
    before = heap.mprof("list").out
    shutil.copy(heap.path / "a.mprof", heap.path / "mprofheap_20250203040506.mprof")
    shutil.copy(heap.path / "a.mprof", heap.path / "mprofheap_20250203040506-1.mprof")
    heap.write("mprofheap_x.mprof", "not a name of ours")
    assert heap.mprof("list").out == before + (
        "2 mprofheap_20250203040506.mprof 04:05:06 03/02/2025  app.py\n"
        "3 mprofheap_20250203040506-1.mprof 04:05:06 03/02/2025  app.py\n"
    )
    listed = json.loads(heap.mprof("list", "--json").out)
    assert [entry["kind"] for entry in listed] == ["timeline"] * 2 + ["heap"] * 3
    assert listed[4]["file"] == "a.mprof"  # not a default name: behind those that are
    assert heap.mprof("report", "4").out.startswith("a.mprof\n")
    assert heap.mprof("report", "3").out.startswith("mprofheap_20250203040506-1.mprof\n")
    assert heap.mprof("lines", "-2").out.startswith("mprofheap_20250203040506.mprof\n")
    for index in ("0", "5", "-3"):
        done = heap.mprof("report", index)
        assert done.code == 1 and "mprof list" in done.err
    assert heap.mprof("peak", "-1").out == "mprofile_20270101000000.dat\t2.000 MiB\n"
    assert heap.mprof("peak").out.endswith("mprofile_20270101000000.dat\t2.000 MiB\n")


def test_faults_15_rm_and_clean_take_captures_and_nothing_foreign(heap: Recorder) -> None:
    heap.write("mprofile_20260101000000.dat", "MEM 1.0 1.0\n")
    for day in ("01", "02", "03"):
        shutil.copy(heap.path / "a.mprof", heap.path / f"mprofheap_202602{day}000000.mprof")
    heap.write("mprofheap_20260204000000.mprof", "somebody else's\n")
    heap.write("mprofheap_20260205000000.mprof", "")
    (heap.path / "mprofheap_20260206000000.mprof").symlink_to("a.mprof")
    assert heap.mprof("rm", "1").code == 0
    assert not (heap.path / "mprofheap_20260201000000.mprof").exists()
    done = heap.mprof("rm", "mprofheap_20260204000000.mprof")
    assert done.code == 1 and "it stays" in done.err
    assert heap.mprof("clean", "--dry-run").out.splitlines()[1:] == [
        "mprofile_20260101000000.dat",
        "mprofheap_20260202000000.mprof",
        "mprofheap_20260203000000.mprof",
    ]
    assert heap.mprof("clean").code == 0
    left = sorted(path.name[16:18] for path in heap.path.glob("mprofheap_*"))
    assert left == ["04", "05", "06"]
    assert (heap.path / "a.mprof").exists() and heap.mprof("rm", "a.mprof").code == 0
    assert not (heap.path / "a.mprof").exists()


def test_peak_and_plot_read_a_capture(heap: Recorder) -> None:
    peak = report(heap, "a.mprof")["peak"]
    assert heap.mprof("peak", "a.mprof").out == f"a.mprof\t{peak / 2**20:.3f} MiB\n"
    (got,) = json.loads(heap.mprof("peak", "--json", "a.mprof").out)
    assert (got["kind"], got["peak"]) == ("heap", peak)
    done = heap.mprof("peak", "--func", "deep", "a.mprof")
    assert (done.code, done.out) == (1, "") and "mprof lines" in done.err
    text = heap.mprof("plot", "--terminal", "a.mprof").out
    assert "          heap      " in text and f"peak {peak / 2**20:.3f} MiB" in text
    assert "child" not in text
    assert heap.mprof("plot", "-o", "a.html", "a.mprof").code == 0
    assert '"name":"heap"' in (heap.path / "a.html").read_text()


def cut(heap: Recorder, length: int) -> list[Done]:
    shutil.copy(heap.path / "a.mprof", heap.path / "cut.mprof")
    os.truncate(heap.path / "cut.mprof", length)
    commands = [
        ("report",),
        ("report", "--json"),
        ("lines",),
        ("peak",),
        ("plot", "--terminal"),
    ]
    return [heap.mprof(*command, "cut.mprof") for command in commands]


def test_faults_17_what_precedes_a_cut_is_shown_and_said(heap: Recorder) -> None:
    size = (heap.path / "a.mprof").stat().st_size
    lengths = [0, 7, 8, 100, 65536, size - 1, *random.Random(1).sample(range(size), 10)]
    for length in lengths:
        for done in cut(heap, length):
            assert done.code in (0, 1), (length, done)
            assert len(done.err.splitlines()) <= 1
            if done.code == 0 and length < size - 65536:
                assert "incomplete" in done.out + done.err, length
    (text, *_) = cut(heap, size - 2 * 65536)
    assert "\nwarning: incomplete: the file was cut short\n" in text.out


COUNTS = HEADER.size


@pytest.mark.parametrize(("offset", "value"), [
    (COUNTS + 8, 2**60), (COUNTS + 8 * 4, 2**60), (65536 + 64, 1), (OWNERS + 1, 250),
])  # fmt: skip
def test_faults_19_damage_is_told_with_its_offset(
    heap: Recorder, offset: int, value: int
) -> None:
    layout = "<Q" if value > 255 else "<B"
    with open(heap.path / "a.mprof", "r+b") as file:
        file.seek(offset)
        file.write(struct.pack(layout, value))
    for command in ("report", "lines", "peak", "plot"):
        done = heap.mprof(command, "a.mprof")
        assert (done.code, done.out) == (1, "")
        assert "a.mprof is damaged: " in done.err and done.err.endswith(
            f"at byte {offset}\n"
        )


def test_faults_28_wrong_words_are_usage_errors(heap: Recorder) -> None:
    for words in (["report", "-n", "0"], ["lines", "-n", "x"], ["report", "--nosuch"]):
        done = heap.mprof(*words)
        assert (done.code, done.out) == (2, "") and len(done.err.splitlines()) == 1
    for words in (
        ["report", "nosuch"],
        ["lines", "no.mprof"],
        ["report", "a.mprof", "nosuch"],
    ):
        done = heap.mprof(*words)
        assert (done.code, done.out) == (1, "") and len(done.err.splitlines()) == 1


def test_faults_54_a_reader_that_left_is_no_error(heap: Recorder) -> None:
    for words in ("report a.mprof", "lines a.mprof app.py"):
        done = subprocess.run(
            ["bash", "-c", f"'{PROGRAM}' {words} | head -0; exit ${{PIPESTATUS[0]}}"],
            cwd=heap.path, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode in (0, 141) and not done.stderr


def test_faults_29_a_capture_stays_when_no_program_is_there(heap: Recorder) -> None:
    before = (heap.path / "a.mprof").read_bytes()
    for words in (["nosuch.py"], ["no/such.py"], ["--force", "nosuch.py"]):
        done = heap.mprof("heap", "-o", "a.mprof", *words)
        assert (done.code, done.err) == (1, f"mprof: cannot find the script {words[-1]}\n")
        assert (heap.path / "a.mprof").read_bytes() == before
        assert not (heap.path / "a.mprof.old").exists()
    heap.write("bad.py", "def :\n")
    for program in (["-m", "nosuch"], ["bad.py"]):
        assert heap.mprof("heap", "--force", "-o", "a.mprof", *program).code == 1
        assert (heap.path / "a.mprof.old").read_bytes() == before


def test_a_script_may_have_a_number_for_its_name(heap: Recorder) -> None:
    heap.write("1234.py", "print('a module')\n")
    assert heap.mprof("heap", "1234").out == "a module\n"


def test_faults_29_other_programs_are_told_where_to_go(heap: Recorder) -> None:
    done = heap.mprof("heap", "/bin/ls")
    assert done.code == 1 and len(done.err.splitlines()) == 1 and "'mprof run'" in done.err
    for stdin in ("-", "/dev/stdin"):
        done = heap.mprof("heap", stdin, input=b"print(1)")
        assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    heap.write("__main__.py", "print('zipped')\n")
    with zipfile.ZipFile(shutil.copy("/bin/ls", heap.path / "app"), "a") as archive:
        archive.write(heap.path / "__main__.py", "__main__.py")
    assert heap.mprof("heap", "./app").out == "zipped\n"


def test_a_page_takes_no_recording_s_place(heap: Recorder) -> None:
    heap.write("a.html", "MEM 1.0 1.0\n")
    before = (heap.path / "a.mprof").read_bytes()
    for words in (["flamegraph", "-o", "a.mprof"], ["flamegraph", "-o", "a.html"],
                  ["plot", "-o", "a.html"]):  # fmt: skip
        done = heap.mprof(*words, "a.mprof")
        assert done.code == 1 and f"{words[-1]}: it is a recording" in done.err
    assert (heap.path / "a.mprof").read_bytes() == before
    assert heap.mprof("flamegraph", "-o", "page.html", "a.mprof").code == 0
    assert heap.mprof("flamegraph", "-o", "page.html", "a.mprof").code == 0


def test_faults_70_a_flame_graph_is_no_picture(heap: Recorder) -> None:
    for name in ("flame.png", "flame.svg", "flame.pdf"):
        done = heap.mprof("flamegraph", "-o", name, "a.mprof")
        assert done.code == 2 and len(done.err.splitlines()) == 1 and ".html" in done.err
        assert not (heap.path / name).exists()


def test_output_that_could_not_be_written_is_told(heap: Recorder) -> None:
    for words in (["report", "a.mprof"], ["table", "--csv", "a.mprof"], ["peak", "a.mprof"],
                  ["--help"]):  # fmt: skip
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, *words], cwd=heap.path, stdout=full,
                                  stderr=subprocess.PIPE, text=True)  # fmt: skip
        said = "mprof: cannot write the output: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, said)


def test_faults_28_values_that_are_none_are_usage_errors(heap: Recorder) -> None:
    for words in (["--sample", " 1"], ["--sample", "\t512K"], ["--sample", "+1"],
                  ["--sample", "2T"], ["--sample", ""], ["-o", ""]):  # fmt: skip
        done = heap.mprof("heap", *words, "app.py")
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert "needs the name of a file" in heap.mprof("flamegraph", "-o", "", "a.mprof").err


def test_rm_is_advised_only_where_it_works(heap: Recorder) -> None:
    for name in ("x.dat", "mprofile_20260101000000.dat"):
        heap.write(name, "")
        said = heap.mprof("peak", name).err
        assert "is empty" in said
        assert ("mprof rm" in said) == (heap.mprof("rm", name).code == 0)


def test_a_program_whose_child_has_no_file_is_one_process(heap: Recorder) -> None:
    heap.write("forks.py", "import os\nif not os.fork():\n    os._exit(0)\nos.wait()\n")
    heap.mprof("heap", "-o", "b.mprof", "forks.py")
    (child,) = heap.path.glob("b.mprof.*")
    child.unlink()
    said = heap.mprof("report", "b.mprof").out
    assert "\nHeap of process " in said and "and 1 that was not recorded\n" in said
    assert report(heap, "b.mprof")["unrecorded"] == 1
    lacks = "1 more process of the run was not recorded"
    assert report(heap, "b.mprof")["incomplete"] == lacks
    for words in (["lines"], ["table"], ["table", "--csv"], ["peak"]):
        done = heap.mprof(*words, "b.mprof")
        assert f"incomplete: {lacks}\n" in done.out + done.err
    assert heap.mprof("flamegraph", "-o", "b.html", "b.mprof").code == 0
    assert lacks in (heap.path / "b.html").read_text()


@pytest.mark.parametrize(
    "taken, following",
    [
        ("mprofheap_20250203040506.mprof", "mprofheap_20250203040506-1.mprof"),
        ("mprofheap_20250203040506-9.mprof", "mprofheap_20250203040506-10.mprof"),
        ("mprofheap_2025020304050.mprof", None),
        ("mprofheap_20250203040506-.mprof", None),
        ("mine.mprof", None),
    ],
)
def test_a_default_name_that_another_run_takes_at_the_same_moment_is_numbered(
    here: Recorder, taken: str, following: str | None
) -> None:
    here.write(taken, "another run's")
    here.write("re.py", "raise SystemExit('not the library')\n")
    here.write("program.py", "print('ran')\n")
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler._heap_run", taken, "program.py"],
        cwd=here.path, capture_output=True, text=True,
    )  # fmt: skip
    assert (here.path / taken).read_text() == "another run's"
    assert "Traceback" not in done.stderr
    assert done.stdout == ("ran\n" if following else "")
    assert not following or (here.path / following).exists()
