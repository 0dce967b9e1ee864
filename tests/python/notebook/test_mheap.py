"""%%mheap in a shell and a kernel: your lines, the page, what is returned and what is refused."""

from __future__ import annotations

import html
import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import MIB
from memory_profiler import heap
from notebooks import parts_of, run_notebook

pytestmark = [pytest.mark.usefixtures("home"), pytest.mark.one_version]

NUMBERS = """
def load(count):
    rows = [str(number) * 10 for number in range(count)]
    return rows
"""
FRAME = re.compile(r'<iframe [^>]*srcdoc="([^"]*)"></iframe>\s*$')


@pytest.fixture(scope="module")
def cells(home):
    return run_notebook(
        "%load_ext memory_profiler\nimport json",
        NUMBERS,
        "%%mheap\na = load(100_000)\nb = bytearray(40 << 20)\n'the last value'",
        "%mheap -n load(20_000)",
        "%%mheap\nkept = bytearray(20 << 20)\nprint('</td><script>window.probe = 1</script>')\n1 / 0",
        "%%mheap -o\nx = json.loads(json.dumps(load(50_000)))",
        "_.to_pandas('your-line')[['where', 'at_peak', 'source']].to_csv()",
        "_6.top(1)",
        "from memory_profiler import heap\nwith heap.track() as t:\n    y = bytearray(30 << 20)\nt",
        "t.start()",
    )


def test_the_table_has_your_lines_with_their_source_first_the_heaviest(cells) -> None:
    shown = FRAME.sub("", cells[2].html)
    words = " ".join(parts_of(shown).words)
    assert re.search(r"Heap\s+peak \d\d\.\d MiB after [\d.]+ s, \d\d\.\d% of it by", words)
    first = words.index("b = bytearray(40 << 20)")
    second = words.index("rows = [str(number) * 10 for number in range(count)]")
    assert first < second < words.index("a = load(100_000)")
    assert "Cell In[3]:3 <module>" in words and "Cell In[2]:2 load" in words
    assert "ipykernel" not in shown
    assert "'the last value'" in cells[2].text


def test_the_table_survives_what_a_notebook_that_is_not_trusted_drops(cells) -> None:
    for cell in (cells[2], cells[3], cells[4], cells[8]):
        parts = parts_of(FRAME.sub("", cell.html))
        assert parts.tags <= {
            "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "strong", "small",
            "br", "p",
        }  # fmt: skip
        assert parts.attributes <= {"style", "scope"}


def test_the_page_needs_neither_network_nor_file(cells) -> None:
    (page,) = [html.unescape(text) for text in FRAME.findall(cells[2].html)]
    assert page.startswith("<!DOCTYPE html>") and "default-src 'none'" in page
    assert "Cell In[3]" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["']""", page.split('id="data"')[0])


def test_what_runs_cells_is_no_frame_of_the_page(cells) -> None:
    (page,) = [html.unescape(text) for text in FRAME.findall(cells[8].html)]
    data = page.split('id="data">')[1].split("</script>")[0]
    assert "bytearray(30" in data and "run_ast_nodes" not in data


def test_a_cell_that_fails_shows_what_it_held_then_its_error(cells) -> None:
    assert "ZeroDivisionError" in cells[4].error
    assert "_notebook" not in cells[4].error and "1 / 0" in cells[4].error
    assert "kept = bytearray(20 << 20)" in cells[4].text


def test_source_with_markup_is_only_text(cells) -> None:
    assert "<script" not in FRAME.sub("", cells[4].html)


def test_a_returned_tracker_shows_itself_and_becomes_a_table(cells) -> None:
    assert re.search(r"<Tracker: peak [\d.]+ MiB, ", cells[5].text)
    assert FRAME.search(cells[5].html)
    assert "Cell In[6]:2 <module>" in cells[6].text
    assert "json.loads(json.dumps" in cells[6].text
    assert re.search(r"\[<Line .*: [\d.]+ MiB at the peak, ", cells[7].text)


def test_a_tracker_of_a_block_shows_itself_as_a_cell_does(cells) -> None:
    assert "y = bytearray(30 &lt;&lt; 20)" in FRAME.sub("", cells[8].html)
    assert FRAME.search(cells[8].html)
    assert "RuntimeError" in cells[9].error


def test_without_native_memory_it_is_said(cells) -> None:
    assert "Python's allocators alone" in cells[3].text


def mheap(ip, line: str, cell: str | None = None):
    if cell is None:
        return ip.run_line_magic("mheap", line)
    return ip.run_cell_magic("mheap", line, cell)


def test_figures_are_those_of_the_cell_alone(ip) -> None:
    tracker = mheap(
        ip, "-o", "kept = bytearray(50 << 20)\ndel kept\nleft = bytearray(7 << 20)"
    )
    assert tracker.peak == pytest.approx(50 * MIB, abs=MIB)
    assert tracker.live == pytest.approx(7 * MIB, abs=MIB)
    assert ip.user_ns["left"] is not None


def test_a_terminal_shows_the_table_as_text(ip, capsys) -> None:
    mheap(ip, "", "kept = bytearray(30 << 20)")
    said = capsys.readouterr().out
    assert said.startswith("Heap: peak 30.") and "kept = bytearray(30 << 20)" in said
    assert "<td" not in said and "<iframe" not in said


def test_without_the_page_there_is_the_table_alone(home) -> None:
    (shown,) = run_notebook(
        "%load_ext memory_profiler", "%mheap --no-page kept = bytearray(30 << 20)"
    )[1:]
    assert "kept = bytearray(30 &lt;&lt; 20)" in shown.html
    assert "<iframe" not in shown.html and len(shown.html) < 8000


@pytest.mark.parametrize("name", ["mheap", "mprun", "memit", "mprof"])
def test_help_is_printed_and_nothing_run(ip, capsys, name: str) -> None:
    ip.run_cell(f"%%{name} --help\nran = True")
    said = capsys.readouterr().out
    assert f"%%{name} [-" in said.replace(" -f func1", " [-f func1") and "Options:" in said
    assert "ran" not in ip.user_ns


def test_quiet_shows_nothing(ip, capsys) -> None:
    assert mheap(ip, "-q", "kept = bytearray(1 << 20)") is None
    assert capsys.readouterr() == ("", "")


def test_a_sample_is_asked_for_by_size(ip) -> None:
    tracker = mheap(ip, "-o -s 64K", "kept = bytearray(20 << 20)")
    assert tracker.peak == pytest.approx(20 * MIB, rel=0.1)
    assert "Sampled, one block in 64.0 KiB" in tracker._repr_html_()


def test_a_saved_capture_is_one_for_mprof_with_the_text_of_the_cells(
    ip, tmp_path: pathlib.Path
) -> None:
    kept = tmp_path / "kept.mprof"
    mheap(ip, f"-q --save {kept}", "wanted = bytearray(30 << 20)")
    mprof = pathlib.Path(sys.executable).with_name("mprof")
    said = subprocess.run(
        [mprof, "report", kept], capture_output=True, text=True, check=True
    )
    assert "wanted = bytearray(30 << 20)" in said.stdout
    assert "run_cell_magic" not in said.stdout and "cells.py" not in said.stdout
    assert kept.stat().st_mode & 0o777 == 0o600


def test_faults_76_a_file_that_is_there_is_not_replaced_and_nothing_runs(
    ip, tmp_path: pathlib.Path
) -> None:
    from IPython.core.error import UsageError

    there = tmp_path / "mine.txt"
    there.write_text("mine")
    with pytest.raises(UsageError, match="is there already; name another file"):
        mheap(ip, f"--save {there}", "ran = True")
    assert there.read_text() == "mine" and "ran" not in ip.user_ns


def test_a_capture_that_cannot_be_written_is_a_line_and_the_cell_ran(
    ip, capsys, tmp_path: pathlib.Path
) -> None:
    mheap(ip, f"-q --save {tmp_path}/no/x.mprof", "ran = True")
    assert ip.user_ns["ran"]
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-s much 1", "-s: 'much' is no size: write '24 MB', '500K', '1.5 GiB'"),
        ("-z 1", 'option -z not recognized (allowed: "s:noq", --save, --no-page)'),
    ],
)
def test_a_bad_option_is_a_usage_error(ip, line, said) -> None:
    from IPython.core.error import UsageError

    with pytest.raises(UsageError) as caught:
        mheap(ip, line)
    assert str(caught.value) == said


def test_faults_69_no_temporary_file_is_left(ip, home: pathlib.Path) -> None:
    mheap(ip, "", "kept = bytearray(1 << 20)")
    assert [name for name in os.listdir(home / "tmp") if name.startswith("mprof-")] == []


def test_a_tracker_that_runs_or_never_started_has_a_short_repr_alone() -> None:
    tracker = heap.track()
    assert repr(tracker) == "<Tracker: not started>" and tracker._repr_html_() is None
    with tracker:
        kept = bytearray(10 << 20)
        assert re.fullmatch(r"<Tracker: peak 10\.. MiB, .* allocations>", repr(tracker))
        assert tracker._repr_html_() is None
        with pytest.raises(RuntimeError, match="has not ended"):
            tracker.to_pandas()
    assert kept is not None


def test_rows_by_something_else_are_refused() -> None:
    with heap.track() as tracker:
        pass
    with pytest.raises(ValueError, match="no rows by 'colour': use one of 'line'"):
        tracker.to_pandas("colour")
