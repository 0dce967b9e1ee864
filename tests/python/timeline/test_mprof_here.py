"""Which recordings are here, and which of them is the newest: one rule for every command."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import socket

import pytest

from recordings import Recorder, read_to_end

pytestmark = pytest.mark.one_version

VIEWS = {"report": ["report"], "lines": ["lines"], "table": ["table", "--json"]}


def table(here: Recorder) -> list[str]:
    """What `list` shows on a terminal."""
    process, terminal = here.start_on_terminal("list")
    text = read_to_end(terminal).decode()
    assert process.wait(timeout=30) == 0
    return text.replace("\r", "").splitlines()


def timeline(here: Recorder, name: str, start: float, mib: float = 5.0) -> None:
    here.write(
        name, f"CMDLINE python3 {name}.py\nMEM 1.0 {start}\nMEM {mib} {start + 2.5}\n"
    )


def test_the_newest_here_is_the_one_that_began_last_whatever_its_name(
    here: Recorder,
) -> None:
    here.write("job.py", "kept = bytearray(7_000_000)\n")
    timeline(here, "mprofile_20200101000000.dat", 1.0)
    here.mprof("heap", "-o", "first of two", "job.py")
    here.mprof("run", "-o", "my own.txt", "true")
    here.mprof("heap", "-o", "second", "job.py")
    timeline(here, "older.dat", 1.6e9)
    here.write("notes.txt", "MEMORY is no record")
    here.write("picture.mprof", "no capture")
    for command in ("peak", "plot"):
        done = here.mprof(command, *["--terminal"] * (command == "plot"))
        assert done.out.startswith("Using last profile data.\n") and "second" in done.out
    for words in (["report"], ["lines"], ["table"], ["flamegraph", "-o", "x.html"]):
        assert "reading second, the newest heap capture here" in here.mprof(*words).err
    here.mprof("run", "-o", "last", "true")
    assert here.mprof("peak").out.splitlines()[1].startswith("last\t")
    assert here.mprof("report").out.startswith("second\n")
    listed = json.loads(here.mprof("list", "--json").out)
    assert [entry["file"] for entry in listed] == [
        "mprofile_20200101000000.dat", "older.dat", "first of two", "my own.txt", "second", "last",
    ]  # fmt: skip


def test_a_child_is_not_the_newest_its_run_is(here: Recorder) -> None:
    here.write("job.py", "import os\nif os.fork() == 0: os._exit(0)\nos.wait()\n")
    here.mprof("heap", "-o", "run.mprof", "job.py")
    assert len(list(here.path.glob("run.mprof.*"))) == 1
    assert here.mprof("report").out.startswith("run.mprof\n")
    (entry,) = json.loads(here.mprof("list", "--json").out)
    assert (entry["file"], entry["children"]) == ("run.mprof", 1)


def test_of_one_second_the_later_number_is_the_newest(here: Recorder) -> None:
    for name in ("", "-1", "-2", "-10"):
        here.write(f"mprofile_20260101000000{name}.dat", "MEM 1.0 1.0\n")
    assert "000-10.dat" in here.mprof("peak").out


def test_neither_links_nor_pipes_nor_folders_are_looked_into(here: Recorder) -> None:
    timeline(here, "a.dat", 1.6e9)
    os.mkfifo(here.path / "z.dat")
    (here.path / "link.dat").symlink_to("a.dat")
    (here.path / "folder.dat").mkdir()
    assert len(json.loads(here.mprof("list", "--json", timeout=20).out)) == 1


def test_what_is_no_file_is_passed_over_whatever_it_is_called(here: Recorder) -> None:
    stamp = "202601010000"
    timeline(here, f"mprofile_{stamp}09.dat", 1.6e9)
    os.mkfifo(here.path / f"mprofile_{stamp}01.dat")
    os.mkfifo(here.path / f"mprofheap_{stamp}01.mprof")
    (here.path / f"mprofile_{stamp}02.dat").mkdir()
    (here.path / f"mprofile_{stamp}03.dat").symlink_to("/dev/zero")
    (here.path / f"mprofile_{stamp}04.dat").symlink_to(f"mprofile_{stamp}01.dat")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(here.path):
        listener.bind(f"mprofile_{stamp}05.dat")
    for words in (
        ["list"], ["list", "--json"], ["peak"], ["peak", "0"], ["peak", "-1"],
        ["table", "0"], ["rm", "--dry-run", "0"], ["clean", "--dry-run"],
    ):  # fmt: skip
        done = here.mprof(*words, timeout=20)
        if words[0] != "table":
            assert f"{stamp}09.dat" in done.out, words
        assert f"{stamp}0" not in done.out.replace(f"{stamp}09", ""), words
    assert len(json.loads(here.mprof("list", "--json").out)) == 1


def test_list_has_headings_on_a_terminal_and_says_what_was_run(here: Recorder) -> None:
    timeline(here, "mprofile_20260102030405.dat", 1000.0, 12.25)
    here.write("job.py", "kept = bytearray(7 << 20)\n")
    here.mprof("heap", "-o", "mine.mprof", "job.py", "--size", "3")
    heading, first, second = table(here)
    assert heading.split() == [
        "#", "recording", "began", "kind", "duration", "peak", "command",
    ]  # fmt: skip
    assert re.split(r"  +", first.strip()) == [
        "0", "mprofile_20260102030405.dat", "03:04:05 02/01/2026", "timeline", "2.5 s",
        "12.2 MiB", "python3 mprofile_20260102030405.dat.py",
    ]  # fmt: skip
    cells = re.split(r"  +", second.strip())
    began = datetime.datetime.strptime(cells[2], "%H:%M:%S %d/%m/%Y")
    assert abs((datetime.datetime.now() - began).total_seconds()) < 120
    assert cells[:2] == ["1", "mine.mprof"] and cells[3] == "heap"
    assert cells[5] == "7.0 MiB" and cells[6] == "job.py --size 3"
    assert heading.index("command") == first.index("python3") == second.index("job.py")


def test_a_pipe_gets_the_classics_lines_of_the_classics_names(
    here: Recorder, classic: str
) -> None:
    from conftest import run_python

    timeline(here, "mprofile_20260102030405.dat", 1000.0)
    timeline(here, "mine.dat", 1000.0)
    said = run_python("-m", "mprof", "list", python=classic, cwd=here.path).out
    assert here.mprof("list").out == said
    assert said == "0 mprofile_20260102030405.dat 03:04:05 02/01/2026\n"


def test_faults_67_a_narrow_terminal_and_a_broken_recording_keep_the_columns(
    here: Recorder,
) -> None:
    timeline(here, "mprofile_20260102030405.dat", 1000.0)
    here.write("mprofile_20260102030406.dat", "")
    here.write("mprofile_20260102030407.dat", "rubbish\n")
    here.write("mprofile_20260102030408.dat", "CMDLINE \x1b[31m red\nMEM 5.0 1.0\n")
    _, first, empty, foreign, red = table(here)
    assert first.split()[0] == "0" and empty.split()[4:] == ["timeline", "-", "-"]
    assert foreign.split()[4:] == ["timeline", "-", "-"]
    assert red.endswith("\\x1b[31m red")


def test_numbers_of_the_list_are_taken_everywhere(here: Recorder) -> None:
    timeline(here, "mprofile_20260102030405.dat", 1000.0)
    timeline(here, "mine.dat", 2000.0, 6.0)
    assert here.mprof("peak", "1").out == "mine.dat\t6.000 MiB\n"
    assert here.mprof("peak", "-1").out.startswith("mprofile_20260102030405.dat\t")


def test_clean_leaves_names_of_the_users_own(here: Recorder) -> None:
    timeline(here, "mprofile_20260102030405.dat", 1000.0)
    timeline(here, "mine.dat", 2000.0)
    done = here.mprof("clean")
    assert (done.code, done.err) == (0, "")
    assert [path.name for path in here.path.iterdir()] == ["mine.dat"]
    assert here.mprof("rm", "0").code == 0
    assert not list(here.path.iterdir())


@pytest.mark.parametrize("command", VIEWS)
def test_where_no_heap_capture_is_it_is_said(here: Recorder, command: str) -> None:
    timeline(here, "mine.dat", 2000.0)
    done = here.mprof(*VIEWS[command])
    assert (done.code, done.out) == (1, "")
    assert "no heap capture here" in done.err and len(done.err.splitlines()) == 1
