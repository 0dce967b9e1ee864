"""What a page of a heap capture costs to make: seconds, peak memory and size, beside memray.

Usage: [PEERS_PYTHON=...] python bench/pages.py [CASE ...]. Each case is recorded once by each tool;
making the page of the recording is measured, the best of ROUNDS, and given up after LIMIT seconds.
memray is left out where it is not installed.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "heap_parts"))

from wide import STACKS  # noqa: E402

ROUNDS, LIMIT = 3, 60
MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")

#: Programs of about 10^5 stacks (five functions call five, six deep, each from five lines), and of
#: one stack of 50,000 frames; what a small program does.
CASES = {
    "wide": f"""
import sys
{STACKS}
space["f0"](6); space["f1"](6)
""",
    "deep": """
import sys
sys.setrecursionlimit(10**6)
keep = []
def down(n):
    keep.append([n])
    if n: down(n - 1)
down(50000)
""",
    "small": """
import json
kept = json.loads(json.dumps([{"id": i, "name": str(i)} for i in range(20000)]))
""",
}


def make(command: list[str], limit: float = 600) -> tuple[float, float] | None:
    """Seconds, and peak RSS in MiB; None after the limit."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    timer = threading.Timer(limit, child.kill)
    timer.start()
    _, status, used = os.wait4(child.pid, 0)
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode == -signal.SIGKILL:
        return None
    if child.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - begin, used.ru_maxrss / 1024


def best_of(command: list[str], page: str) -> str:
    runs = []
    for _ in range(ROUNDS):
        run = make(command, LIMIT)
        if run is None:
            return f"not in {LIMIT} s"
        runs.append(run)
    seconds, memory = (min(column) for column in zip(*runs))
    size = os.path.getsize(page) / 1024
    return f"{seconds:.3f} s, {memory:.1f} MiB, page {size:.0f} KiB"


def tools() -> dict[str, tuple[list[str], list[str]]]:
    """How each records SCRIPT into CAPTURE, and makes PAGE of it."""
    peers = os.environ.get("PEERS_PYTHON", sys.executable)
    chosen = {
        "mprof": (
            [MPROF, "heap", "-o", "CAPTURE", "SCRIPT"],
            [MPROF, "flamegraph", "-o", "PAGE", "CAPTURE"],
        )
    }
    if subprocess.run([peers, "-c", "import memray"], capture_output=True).returncode == 0:
        memray = [peers, "-m", "memray"]
        chosen["memray"] = (
            [*memray, "run", "--trace-python-allocators", "-q", "-o", "CAPTURE", "SCRIPT"],
            [*memray, "flamegraph", "-f", "-o", "PAGE", "CAPTURE"],
        )
    return chosen


def main() -> None:
    for case in sys.argv[1:] or CASES:
        cells = [f"{case:6}"]
        for name, steps in tools().items():
            with tempfile.TemporaryDirectory() as folder:
                words = {
                    word: os.path.join(folder, word.lower())
                    for word in ("CAPTURE", "PAGE", "SCRIPT")
                }
                with open(words["SCRIPT"], "w", encoding="utf-8") as script:
                    script.write(CASES[case])
                record, draw = ([words.get(word, word) for word in step] for step in steps)
                make(record)
                cells.append(f"{name} {best_of(draw, words['PAGE'])}")
        print(" | ".join(cells), flush=True)


if __name__ == "__main__":
    main()
