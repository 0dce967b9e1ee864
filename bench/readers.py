"""What the readers take for the largest capture there can be: seconds of the processor, and memory beside
the file's size.

Usage: python bench/readers.py [DEPTH]. A program of some eight million stacks is recorded with --max-file 512M;
of DEPTH 7 it has a quarter of a million, and each less has a fifth.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "heap_parts"))

from wide import STACKS  # noqa: E402

MPROF = os.path.join(sysconfig.get_path("scripts"), "mprof")

PROGRAM = f"""
{STACKS}
import sys
for i in range(3): space[f"f{{i}}"](int(sys.argv[1]))
"""

FORMATS = ["collapsed", "speedscope", "pprof", "massif", "csv", "json"]
READERS = ["report a", "table a", "table --by your-line a", "lines a", "lines a gen1.py", "tree a",
           "stats a", "leaks a", "diff a a", "flamegraph --force -o a.html a", *(f"export --to {to} a" for to in FORMATS), "plot --terminal a", "peak a", "list --json"]  # fmt: skip


def main() -> None:
    depth = sys.argv[1] if len(sys.argv) > 1 else "9"
    with tempfile.TemporaryDirectory() as here:
        with open(os.path.join(here, "wide.py"), "w") as out:
            out.write(PROGRAM)
        heap = [MPROF, "heap", "--max-file", "512M", "-o", "a", "wide.py", depth]
        subprocess.run(heap, cwd=here, check=True, stderr=subprocess.DEVNULL)
        size = os.path.getsize(os.path.join(here, "a"))
        print(
            f"a capture of {size >> 20} MiB\n{'':32}{'seconds':>8}{'MiB':>8}{'x file':>8}"
        )
        for reader in READERS:
            child = subprocess.Popen([MPROF, *reader.split()], cwd=here,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            _, _, used = os.wait4(child.pid, 0)
            seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss << 10
            print(f"{reader:32}{seconds:8.1f}{memory >> 20:8}{memory / size:8.1f}")


main()
