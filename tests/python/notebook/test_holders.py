"""%holders in a kernel: what a notebook's own names, and its outputs, keep alive."""

from __future__ import annotations

import pytest

from notebooks import parts_of, run_notebook

pytestmark = [pytest.mark.usefixtures("home"), pytest.mark.one_version]

FRAMES = """
class Frame:
    def __init__(self, size): self.data = bytearray(size)
    def __repr__(self): return "a frame"
"""


def test_an_output_that_keeps_a_frame_is_named() -> None:
    cells = run_notebook(
        "%load_ext memory_profiler",
        FRAMES,
        "Frame(3 << 20)",
        "table = Frame(2 << 20)",
        "%holders Frame",
        "%holders table",
        "found = %holders -o",
        "found.rows[0].path",
        "%holders nosuch",
        "%holders nosuch.py:3",
    )
    words = " ".join(parts_of(cells[4].html).words)
    assert "3.0 MiB" in words and "2.0 MiB" in words, words
    assert "__main__.table" in words and "__main__._3" in words, words
    assert "__main__.table" in cells[5].text and "find_and_show" not in cells[5].text
    assert cells[7].text.startswith("'")
    assert "nosuch" in cells[8].error
    assert "no recording runs" in cells[9].text + cells[9].error


def test_what_a_notebook_would_not_need_is_told() -> None:
    cells = run_notebook(
        "%load_ext memory_profiler",
        "cities = [''.join(['Ber', 'lin', '!' * 90]) for _ in range(5000)]",
        "%holders --waste",
        "found = %holders --waste -o",
        "[row.count for row in found.rows if (row.kind, row.type) == ('copies', 'str')]",
        "%holders --waste cities",
    )
    words = " ".join(parts_of(cells[2].html).words)
    assert "str: copies of others: one would do" in words, words
    assert "would not need" in cells[2].text and "copies of others" in cells[2].text
    assert cells[3].outputs == [] and int(cells[4].text.strip("[]\n")) >= 4999
    assert "leave out 'cities'" in cells[5].text + cells[5].error
