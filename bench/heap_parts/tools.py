"""The tools beside which ours is measured, and one run of a case under one of them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
MEASURED = str(HERE / "measured.py")
PEERS = os.environ.get("PEERS_PYTHON", sys.executable)
SCRIPTS = pathlib.Path(PEERS).parent
MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")
SECONDS = 300  # for one run

#: The tool, and what must be importable for it. "memray" is the one that sees Python's
#: allocators, as ours does; the others are its other modes, native with Python's allocators.
#: "ours-python" follows these alone, "ours-sampled" records a block in 512 KiB, "ours-still" takes
#: no moments.
TOOLS = {
    "plain": None,
    "ours": "memory_profiler.heap",
    "ours-python": "memory_profiler.heap",
    "ours-sampled": "memory_profiler.heap",
    "ours-still": "memory_profiler.heap",
    "memray": "memray",
    "memray-default": "memray",
    "memray-aggregated": "memray",
    "memray-native": "memray",
    "fil": "filprofiler",
    "scalene": "scalene",
    "tracemalloc": "tracemalloc",
}
LAUNCHED = ("fil", "scalene")


class Failed(Exception):
    """A run that gave no figures."""


@dataclass
class Run:
    """One run: seconds, bytes."""

    wall: float
    cpu: float
    rss: int
    grown: int  #: RSS that the work itself added
    space: int  #: address space
    file: int


def python(tool: str) -> str:
    is_peer = tool.partition("-")[0] not in ("plain", "ours", "tracemalloc")
    return PEERS if is_peer else sys.executable


def command(tool: str, path: str, case: str) -> list[str]:
    if tool == "fil":
        return [str(SCRIPTS / "fil-profile"), "--no-browser", "-o", path, "run", MEASURED]
    if tool == "scalene":
        return [str(SCRIPTS / "scalene"), "run", "-o", path, MEASURED]
    if case == "pytest":
        options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull]
        return [python(tool), "-m", "pytest", *options, MEASURED]
    return [python(tool), MEASURED]


def environment(
    tool: str, case: str, scale: float, limit: int, path: pathlib.Path, result: pathlib.Path
) -> dict[str, str]:
    """What tells measured.py."""
    given = {"case": case, "scale": scale, "tool": tool, "limit": limit}
    told = json.dumps({**given, "path": str(path), "result": str(result)})
    still = {"MPROF_MOMENTS": "0"} if tool == "ours-still" else {}
    return {**os.environ, **still, "HEAP_BENCH": told, "PYTHONDONTWRITEBYTECODE": "1"}


def size(path: pathlib.Path) -> int:
    """Bytes of a file, or of the files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines()]
    return f"exit {done.returncode}: {([''] + [line for line in lines if line])[-1][:120]}"


def run(tool: str, case: str, scale: float, limit: int = 0, check: bool = False) -> Run:
    """Figures of one run in a process of its own.

    `limit` is its address space. `check` makes sure that ours recorded the work.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, result = pathlib.Path(folder, "capture"), pathlib.Path(folder, "result")
        try:
            done = subprocess.run(
                command(tool, str(path), case),
                env=environment(tool, case, scale, limit, path, result), cwd=folder, capture_output=True, text=True, timeout=SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failed(f"over {SECONDS} s") from None
        if not result.exists():
            raise Failed(last_words(done))
        if check and recorded(path) < 1000:
            raise Failed("the capture holds next to nothing")
        return Run(**json.loads(result.read_text()), file=size(path))


def recorded(path: pathlib.Path) -> int:
    """Allocations in a capture of ours."""
    words = [MPROF, "report", "--json", str(path)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return json.loads(said)["allocations"]


def missing(tool: str) -> str | None:
    """Why a tool cannot be measured here, or None."""
    module = TOOLS[tool]
    if module is None:
        return None
    words = [python(tool), "-c", f"import {module}"]
    done = subprocess.run(words, capture_output=True, text=True)
    return last_words(done) if done.returncode else None


def can(tool: str, case: str) -> bool:
    """A launcher measures whole programs: not inside a test."""
    return not (tool in LAUNCHED and case == "pytest")
