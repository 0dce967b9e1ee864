"""What showing a thousand captures together costs: a cluster's, of 1 MiB each.

Usage: python bench/merge.py [--captures 1000] [--memray]

The captures are one that `mprof heap` made, under other hosts, pids and runs. Each command is a process
of its own; time is CPU time, memory its peak RSS. Must reach: 3 s and 500 MiB for the report. The peer is
memray, which has no view of several files: its `stats --json` of one, a thousand times, is given beside.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile

MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")
PID, WALL, RUN, HOST, CLOCK = 24, 32, 50096, 59744, 59808  # docs/heap-file.md
SECONDS, MIB = 3, 500

PROGRAM = """
import sys
source = "\\n".join(f"def f{i}(p, d):\\n    kept.append([d])\\n    if d:\\n        for f in p: f(p, d - 1)\\n"
                   for i in range(7))
kept = []
exec(compile(source, "tree.py", "exec"))
functions = [globals()[f"f{i}"] for i in range(7)]
for first in functions:
    first(functions, 4)
"""


def make(folder: pathlib.Path, count: int) -> int:
    """Captures of `count` processes on a tenth as many hosts; the bytes of one on the disk."""
    program = folder / "work.py"
    program.write_text(PROGRAM)
    first = folder / "first.mprof"
    subprocess.run([MPROF, "heap", "--no-native", "-o", first, program], check=True,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    (folder / "run").mkdir()
    for number in range(count):
        host = f"node{number // 10}"
        name = folder / "run" / f"{host}.{number}.mprof"
        shutil.copyfile(first, name)
        with name.open("r+b") as file:
            for offset, value in (
                (PID, 1000 + number % 10),
                (WALL, 10**18 + number),
                (RUN, number + 1),
            ):
                file.seek(offset)
                file.write(struct.pack("<q", value))
            for offset, text in (HOST, host), (CLOCK, f"boot-{host}"):
                file.seek(offset)
                file.write(text.encode() + b"\0")
    return first.stat().st_blocks * 512


def cost(*words: object) -> tuple[float, float, bytes]:
    """CPU seconds, MiB at the peak, and what was printed."""
    process = subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, words
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def peer(folder: pathlib.Path, count: int) -> None:
    capture = folder / "peer.bin"
    words = [sys.executable, "-m", "memray"]
    subprocess.run([*words, "run", "-q", "-o", capture, folder / "work.py"], check=True)
    seconds, mib, _ = cost(
        *words, "stats", "--json", "-f", "-o", folder / "peer.json", capture
    )
    print(
        f"memray stats, one of them     {seconds:8.2f} s {mib:8.1f} MiB; {count} times: {seconds * count:.0f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Many captures in one view.")
    parser.add_argument("--captures", type=int, default=1000)
    parser.add_argument("--memray", action="store_true", help="give the peer beside it")
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        size = make(folder, chosen.captures)
        print(f"{chosen.captures} captures of {size / 2**20:.2f} MiB")
        views = {
            "report": (MPROF, "report", folder / "run"),
            "table --by worker": (MPROF, "table", "--by", "worker", folder / "run"),
            "table --spread": (
                MPROF,
                "table",
                "--by",
                "worker",
                "--spread",
                folder / "run",
            ),
            "flamegraph": (MPROF, "flamegraph", "-o", folder / "all.html", folder / "run"),
            "merge": (MPROF, "merge", "-o", folder / "all.mprof", folder / "run"),
            "report of the merged file": (MPROF, "report", folder / "all.mprof"),
        }
        costs = {}
        for name, words in views.items():
            costs[name] = seconds, mib, _ = cost(*words)
            print(f"{name:29} {seconds:8.2f} s {mib:8.1f} MiB")
        page = (folder / "all.html").stat().st_size / 2**20
        print(f"the page has {page:.1f} MiB")
        if chosen.memray:
            peer(folder, chosen.captures)
    seconds, mib, _ = costs["report"]
    reached = seconds <= SECONDS and mib <= MIB
    print("reached" if reached else f"not reached: {SECONDS} s and {MIB} MiB")
    return not reached


if __name__ == "__main__":
    sys.exit(main())
