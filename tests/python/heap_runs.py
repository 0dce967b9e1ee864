"""Running programs under `mprof heap` and what is said of them."""

from __future__ import annotations

import json
import re

from recordings import Done, Recorder

#: Many stacks: each call from one of two lines, all the way down.
TREE = """
def tree(n):
    if not n:
        kept.append(object())
    else:
        tree(n - 1)
        tree(n - 1)
kept = []
"""


def tree_of(leaf: str) -> str:
    """The same, where each call at the end does something else."""
    return TREE.replace("kept.append(object())", leaf)


def record(here: Recorder, source: str, **how) -> Done:
    here.write("program.py", source)
    return here.mprof("heap", "--no-follow", "-o", "a.mprof", "program.py", **how)


def figures(here: Recorder, name: str = "a.mprof") -> dict:
    """What `mprof report --json` says of a capture."""
    done = here.mprof("report", "--json", name)
    assert done.code == 0, done.err
    return json.loads(done.out)


def whole(got: dict, figure: str) -> int:
    """The sum over all lines, memory_profiler's own too."""
    return got["own"][figure] + sum(row[figure] for row in got["lines"])


def own_lines(err: str) -> list[str]:
    """What we said on stderr, without which file is recorded and what it came to."""
    lines = [line for line in err.splitlines() if line.startswith(("mprof:", "memory_pro"))]
    usual = re.compile("mprof: (recording the heap into|peak .*; to see it: mprof report) ")
    return [line for line in lines if not usual.match(line)]


def in_namespace(here: Recorder, script: str) -> Done:
    """Runs a shell script that may mount; exit 99 says that it may not."""
    return here.in_namespaces("-m", script)
