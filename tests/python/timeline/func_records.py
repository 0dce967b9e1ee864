"""Reads the FUNC records that TimeStamper and --timestamp print."""

from __future__ import annotations

import re

FUNC = re.compile(r"^FUNC (\S+) (\d+\.\d{4}) (\d+\.\d{4}) (\d+\.\d{4}) (\d+\.\d{4}) (\d+)$")


def spans(text: str) -> list[tuple[str, float, float, float, float, int]]:
    """The FUNC records of an output; fails on any other line that begins like one."""
    found = []
    for line in text.splitlines():
        if line.startswith("FUNC"):
            match = FUNC.match(line)
            assert match, line
            name, m0, t0, m1, t1, level = match.groups()
            found.append((name, float(m0), float(t0), float(m1), float(t1), int(level)))
    return found
