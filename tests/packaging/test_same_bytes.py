"""The pure-Python build's reports are the C core's, byte for byte."""

from __future__ import annotations

import pytest

from conftest import wheels

RENDER = r"""
import sys
from memory_profiler import _core
nasty = ['x = "<b>&\'\x1b[31m\t"', "\u202e\u2028 \udc80\ud800 \U0001f600 é \\", "", "a" * 300]
cells = {
    10: (3 << 20, 5, 1, 4 << 20, 1023, 0, 7), 11: (123456789, -7654321, 3, 0, 9, 2**40, 1024),
    13: (0, 999999, 2**40, 1, 5 << 20, 1 << 20, (1 << 20) - 1),
}
full = ("dir/<f>\n\udcff.py", "Outer.<locals>.f", 10, 10, 2 << 20, nasty, cells)
none = ("gone.py", "g", 1, 1, -1, [], {})
idle = ("idle.py", "h", 5, 5, -1, ["def h():", "    pass"], {})
out = []
for columns in (), (True,), (False, True), (True, True):
    for precision in 0, 1, 3, 17, 100:
        out += [_core.text_lines(f, precision, *columns) for f in (full, idle)]
        out.append(_core.html_lines([full, idle], precision, "t<i>", "psutil", False, *columns))
    out.append(_core.html_lines([], 3, "empty", "psutil", False, *columns))
    out += [_core.csv_lines(fs, *columns) for fs in ([], [full, none, idle])]
    out += [_core.json_lines(fs, "psutil_uss", "3.12.1", *columns) for fs in ([], [full, none, idle])]
out += [_core.record_name(n) for n in ("plain", "two words\n\\x41", "\udc80é\u2028", "é" * 3000)]
sys.stdout.buffer.write("\0".join(out).encode("utf-8", "surrogateescape"))
"""


def test_reports_are_the_same_bytes(newest, place_for):
    pure = [wheel for wheel in wheels() if "none-any" in wheel.name]
    if not pure:
        pytest.skip("no pure-Python wheel in dist/")
    said = []
    for number, wheel in enumerate((newest, pure[0])):
        place, file = place_for(wheel)
        env = place.venv(f"env{number}")
        place.install(env, file, "--no-index")
        said.append(place.run(f"{env}/bin/python", "-c", RENDER).stdout.split("\0"))
    assert len(said[0]) > 30
    for native, pure_text in zip(*said, strict=True):
        assert native == pure_text
