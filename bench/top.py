"""Watching a recording: what `mprof top` takes of the processor, on a capture that is small and on a full one.

Usage: [PEERS_PYTHON=...] python bench/top.py [DEPTH]. The program makes stacks (of DEPTH 7, the usual, some 290,000 in
33 MiB; the small one is of 2), then goes on allocating in a part of them. A refresh is what one look takes, the first not counted;
beside it a table from scratch, and memray's live view of the small program where PEERS_PYTHON has memray.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "heap_parts"))

from wide import STACKS  # noqa: E402

MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")
TICK = os.sysconf("SC_CLK_TCK")
LOOKS = 100

PROGRAM = f"""
import sys, time
{STACKS}
depth = int(sys.argv[1])
for i in range(3): space[f"f{{i}}"](depth)
print("ready", flush=True)
end = time.time() + float(sys.argv[2])
while time.time() < end:
    space["f1"](3)
    del keep[-200:]
    time.sleep(0.005)
"""


def spent(pid: int) -> float:
    """Seconds of the processor that a process took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextlib.contextmanager
def recorded(here: str, depth: int, *start: str) -> Iterator[subprocess.Popen]:
    Path(here, "wide.py").write_text(PROGRAM)
    words = [*start, "wide.py", str(depth), "600"]
    program = subprocess.Popen(
        words, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert program.stdout
        while b"ready" not in program.stdout.readline():
            pass
        yield program
    finally:
        program.kill()
        program.wait()


def refresh(here: str, *words: str) -> float:
    """Milliseconds of the processor that a look takes."""
    top = subprocess.Popen(
        [MPROF, "top", "--json", "-n", "20", "-i", "0.1", *words, "a.mprof"],
        cwd=here, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert top.stdout
    for _ in range(3):
        json.loads(top.stdout.readline())
    before = spent(top.pid)
    for _ in range(LOOKS):
        top.stdout.readline()
    took = spent(top.pid) - before
    top.kill()
    top.wait()
    return took / LOOKS * 1000


def scratch(here: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(3):
        subprocess.run([MPROF, "table", "--json", "a.mprof"], cwd=here, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took / 3 * 1000


def watched(words: list[str], here: str, seconds: float = 10) -> float:
    """The part of one processor that a view on a terminal takes, in percent."""
    ours, theirs = pty.openpty()
    view = subprocess.Popen(words, cwd=here, stdin=theirs, stdout=theirs, stderr=theirs,
                            env={**os.environ, "TERM": "xterm-256color"}, start_new_session=True)  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)

    def drain(until: float) -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                os.read(ours, 1 << 16)
            time.sleep(0.02)

    drain(time.monotonic() + 3)
    before, began = spent(view.pid), time.monotonic()
    drain(began + seconds)
    took = (spent(view.pid) - before) / (time.monotonic() - began) * 100
    view.kill()
    view.wait()
    os.close(ours)
    return took


def ours(depth: int) -> None:
    with tempfile.TemporaryDirectory() as here:
        heap = [MPROF, "heap", "--max-file", "512M", "-o", "a.mprof"]
        with recorded(here, depth, *heap):
            size = os.path.getsize(os.path.join(here, "a.mprof")) / 2**20
            print(f"mprof top, a capture of {size:5.1f} MiB: a look {refresh(here):6.2f} ms by your line, "
                  f"{refresh(here, '--by', 'line'):6.2f} ms by line; a table from scratch {scratch(here):7.1f} ms; "
                  f"at 1 Hz on a terminal {watched([MPROF, 'top', 'a.mprof'], here):5.2f}% of a processor")  # fmt: skip


def memray(python: str, depth: int) -> None:
    port = "17391"
    with tempfile.TemporaryDirectory() as here:
        start = [
            python,
            "-m",
            "memray",
            "run",
            "--trace-python-allocators",
            "--live-remote",
            "-p",
            port,
        ]
        Path(here, "wide.py").write_text(PROGRAM)
        program = subprocess.Popen([*start, "wide.py", str(depth), "600"], cwd=here,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(2)
        took = watched([python, "-m", "memray", "live", port], here)
        print(f"memray live, of the small program: {took:5.2f}% of a processor")
        program.kill()
        program.wait()


def main() -> None:
    depth = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    ours(2)
    ours(depth)
    python = os.environ.get("PEERS_PYTHON")
    if (
        python
        and not subprocess.run(
            [python, "-c", "import memray"], capture_output=True
        ).returncode
    ):
        memray(python, 2)
    else:
        print("memray is left out: PEERS_PYTHON has none")


main()
