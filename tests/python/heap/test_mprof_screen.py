"""What views of the heap do with a terminal and a pipe: bold, a pager, widths."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sysconfig
import termios
from pathlib import Path

import pytest

from recordings import Recorder

pytestmark = pytest.mark.one_version

MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")
BOLD = "\033[1m"


def on_terminal(
    here: Recorder, *words: str, rows: int = 24, quiet: bool = True, **env: str
) -> tuple[int, str]:
    """The exit code and what a terminal of 100 columns gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
    plain = {key: value for key, value in os.environ.items()
             if key not in ("PAGER", "MPROF_PAGER", "NO_COLOR", "COLUMNS", "LINES", "LESS")}  # fmt: skip
    child = subprocess.Popen(
        [MPROF, *words], cwd=here.path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
        env={**plain, "TERM": "xterm", "LC_ALL": "C.UTF-8", **env}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while True:
        ready, _, _ = select.select([ours], [], [], 60)
        assert ready, text
        try:
            got = os.read(ours, 65536)
        except OSError:  # all who had it open are gone
            break
        if not got:
            break
        text += got
    os.close(ours)
    assert child.stderr
    assert not child.stderr.read() or not quiet  # the shell may say what was wrong
    child.stderr.close()
    return child.wait(), text.decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    return re.sub(r"\033\[\d*m", "", text)


def pager(here: Recorder, body: str) -> str:
    path = here.path / "pager"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_your_lines_are_bold_on_a_terminal_and_nothing_else_is(heap: Recorder) -> None:
    for command in ("report", "table", "table --by your-line", "lines", "tree"):
        code, text = on_terminal(heap, *command.split(), "--no-pager", "a.mprof")
        assert code == 0
        bold = re.findall(r"\033\[1m(.*?)\033\[0m", text)
        assert bold and all(re.match(r"(app|pkg/\w+)\.py", place) for place in bold)
        assert text.count("\033") == 2 * len(bold)
        piped = heap.mprof(*command.split(), "a.mprof", env={"COLUMNS": "100"}).out
        assert "\033" not in piped
        (long,) = re.findall(r"(?m)^.*app\.py:16 deep", piped)[:1] or [""]
        assert long in plain(text)


@pytest.mark.parametrize(
    ("words", "env", "bold"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, True),
        ((), {"TERM": "dumb"}, False),
        (("--color=never",), {}, False),
        (("--color=always",), {"NO_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colour_is_as_the_user_says(
    heap: Recorder, words: tuple[str, ...], env: dict[str, str], bold: bool
) -> None:
    code, text = on_terminal(heap, "report", "--no-pager", *words, "a.mprof", **env)
    assert code == 0 and (BOLD in text) == bold


def test_a_pipe_is_coloured_when_it_shall_be(heap: Recorder) -> None:
    assert BOLD in heap.mprof("report", "--color", "always", "a.mprof").out
    assert BOLD in heap.mprof("report", "a.mprof", env={"CLICOLOR_FORCE": "1"}).out
    forced = {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}
    assert BOLD not in heap.mprof("report", "a.mprof", env=forced).out
    done = heap.mprof("report", "--color", "blue", "a.mprof")
    assert done.code == 2 and len(done.err.splitlines()) == 1


def test_a_long_text_goes_through_the_pager_and_a_short_one_does_not(
    heap: Recorder,
) -> None:
    mine = pager(heap, "echo paged; cat")
    code, text = on_terminal(heap, "report", "a.mprof", PAGER=mine)
    assert code == 0 and text.startswith("paged\na.mprof\n")
    assert "Where the RSS is" in text and BOLD in text
    code, text = on_terminal(heap, "report", "a.mprof", rows=500, PAGER=mine)
    assert code == 0 and text.startswith("a.mprof\n")
    code, text = on_terminal(heap, "report", "--no-pager", "a.mprof", PAGER=mine)
    assert code == 0 and text.startswith("a.mprof\n")
    code, text = on_terminal(heap, "report", "--json", "a.mprof", PAGER=mine)
    assert code == 0 and text.startswith("{")
    code, text = on_terminal(heap, "report", "a.mprof", PAGER="false", MPROF_PAGER=mine)
    assert code == 0 and text.startswith("paged\n")
    code, text = on_terminal(heap, "report", "a.mprof", PAGER=mine, TERM="dumb")
    assert code == 0 and text.startswith("a.mprof\n")
    assert "paged" not in heap.mprof("report", "a.mprof", env={"PAGER": mine}).out


@pytest.mark.parametrize(
    "body", ["exit 1", "exit 0", "kill -9 $$", "exec 0<&-; exit 0", None, "head -3; exit 3"]
)
def test_a_pager_that_fails_loses_nothing(heap: Recorder, body: str | None) -> None:
    mine = pager(heap, body) if body else "no-such-pager-anywhere"
    whole = on_terminal(heap, "report", "--no-pager", "a.mprof")[1]
    code, text = on_terminal(heap, "report", "a.mprof", quiet=False, PAGER=mine)
    assert code == 0 and text.endswith(whole)


def test_who_leaves_the_pager_early_is_not_shown_the_rest(heap: Recorder) -> None:
    mine = pager(heap, "head -3")
    code, text = on_terminal(heap, "report", "a.mprof", PAGER=mine)
    assert code == 0 and len(text.splitlines()) == 3


def test_exit_codes_are_kept_behind_a_pager(heap: Recorder) -> None:
    mine = pager(heap, "echo paged; cat")
    (heap.path / "broken.mprof").write_bytes(b"nothing")
    done = heap.mprof("report", "broken.mprof", env={"PAGER": mine})
    assert done.code == 1 and done.out == ""


def test_a_pipe_gets_lines_of_120_columns_and_machines_all_of_it(heap: Recorder) -> None:
    name = "a_function_whose_name_is_longer_than_any_name_ought_to_be_" * 2
    heap.write("long.py", f"def {name}():\n    return bytearray(10**6), '{'x' * 200}'\nkept = {name}()\n")  # fmt: skip
    assert heap.mprof("heap", "-o", "l.mprof", "long.py").code == 0
    for command in ("report", "report -n 50", "lines", "lines l.mprof long.py", "table", "table --by function", "table --by your-line", "tree", "stats"):  # fmt: skip
        words = command.split()
        text = heap.mprof(*words, *([] if "l.mprof" in words else ["l.mprof"])).out
        assert max(map(len, text.splitlines())) <= 120
        assert name not in text
    assert name in heap.mprof("report", "--json", "l.mprof").out
    assert name in heap.mprof("table", "--csv", "l.mprof").out
    wide = heap.mprof("report", "l.mprof", env={"COLUMNS": "400"}).out
    assert name in wide


def test_less_is_what_pages_where_nothing_is_said(heap: Recorder, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "less").write_text('#!/bin/sh\necho "less $LESS"; cat\n')
    (folder / "less").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    code, text = on_terminal(heap, "report", "a.mprof", PATH=path)
    assert code == 0 and text.startswith("less FRX\na.mprof\n")
    code, text = on_terminal(heap, "report", "a.mprof", PATH=path, LESS="-S")
    assert code == 0 and text.startswith("less -S\n")
    code, text = on_terminal(heap, "report", "a.mprof", PATH=path, PAGER="")
    assert code == 0 and text.startswith("a.mprof\n")


def test_source_in_a_pipe_has_room_for_a_long_line(here: Recorder) -> None:
    """Columns of blocks make room for it, those of bytes and a narrow screen's do not."""
    line = (
        "kept = [bytes(1000) for number_of_them_all in range(20_000) if number_of_them_all]"
    )
    here.write("long.py", line + "\n")
    assert here.mprof("heap", "-o", "a.mprof", "long.py").code == 0
    text = here.mprof("lines", "a.mprof", "long.py").out
    assert line[:69] in text and max(map(len, text.splitlines())) <= 120
    assert "allocated  source\n" in text
    wide = here.mprof("lines", "a.mprof", "long.py", env={"COLUMNS": "160"}).out
    assert line in wide and "temporary  source\n" in wide
