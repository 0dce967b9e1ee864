"""Recording the heap of small programs, and reading what mprof makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import textwrap
from pathlib import Path

MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")
FIGURES = (
    "at_peak",
    "blocks_at_peak",
    "live",
    "live_blocks",
    "total",
    "allocations",
    "temporary",
)


def mprof(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MPROF, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def record(where: Path, source: str, name: str = "work.py", *words: str) -> Path:
    """The capture of a program; its source looks older than the recording."""
    script = where / name
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    os.utime(script, (1, 1))
    done = mprof("heap", *words, "-o", "a.mprof", name, cwd=where)
    assert done.returncode == 0, done.stderr
    return where / "a.mprof"


def output(*words: str, cwd: Path) -> str:
    done = mprof(*words, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def page_of(capture: Path, *words: str) -> tuple[Path, dict]:
    """The page of a capture, and what is in its data block; the first graph's frames beside it."""
    page = capture.with_name("page.html")
    output("flamegraph", "-o", page.name, *words, capture.name, cwd=capture.parent)
    block = page.read_text().split('id="data">')[1].split("</script>")[0]
    data = json.loads(block)
    return page, {**data["graphs"][0], **data}


def report(capture: Path) -> dict:
    return json.loads(
        output("report", "--json", "--all-frames", capture.name, cwd=capture.parent)
    )


def table(capture: Path, *words: str) -> dict:
    return json.loads(output("table", "--json", *words, capture.name, cwd=capture.parent))


PROGRAM = """
    import json
    import threading

    def load(n):
        return json.loads(json.dumps([{"id": i, "name": str(i)} for i in range(n)]))

    def index(rows):
        return {row["id"]: row["name"].upper() for row in rows}

    def churn():
        for i in range(2000):
            str(i) + "x"

    rows = load(3000)
    kept = index(rows)
    thread = threading.Thread(target=churn)
    thread.start()
    thread.join()
    del rows
"""
