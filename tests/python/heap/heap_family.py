"""Recording a program with its children, and what each of its lines kept."""

from __future__ import annotations

import textwrap
from pathlib import Path

from recordings import Recorder

SIZE = 300_000  # of the blocks that the programs keep; start-up has less at its peak


def heap(here: Recorder, source: str, *words: str, **more: object) -> str:
    """Runs the source under mprof heap into a.mprof; returns what it printed."""
    here.write("work.py", textwrap.dedent(source))
    done = here.mprof("heap", *words, "-o", "a.mprof", "work.py", **more)
    assert done.code == 0, done.err
    assert all(line.startswith("mprof: ") for line in done.err.splitlines()), done.err
    return done.out


def children(here: Recorder) -> list[Path]:
    return sorted(here.path.glob("a.mprof.*"))


def kept(got: dict, file: str = "work.py") -> dict[int, int]:
    """Bytes at the peak, by line, of the lines that kept whole blocks of ours."""
    return {
        line["line"]: line["at_peak"]
        for line in got["lines"]
        if line["file"].endswith(file) and line["at_peak"] >= SIZE
    }
