"""Has a sanitized mprof read captures that were made to hurt, in each way: read_hostile.py MPROF [KIND ...]."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "heap"))

from heap_hostile import KINDS, READERS, write_changed

FOUND = 99
OPTIONS = f"halt_on_error=1:exitcode={FOUND}:detect_leaks=0"


def read_all(mprof: Path, folder: Path) -> list[str]:
    """What was found wrong."""
    wrong = []
    for name, (word, *rest) in READERS.items():
        operand = [] if word == "list" else ["a.mprof"]
        done = subprocess.run(
            [mprof, word, *operand, *rest], cwd=folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, "ASAN_OPTIONS": OPTIONS, "UBSAN_OPTIONS": OPTIONS},
        )  # fmt: skip
        if done.returncode not in (0, 1) or "runtime error" in done.stderr:
            wrong.append(f"{name}: {done.returncode}\n{done.stderr}")
    return wrong


def main() -> None:
    mprof, failed = Path(sys.argv[1]).resolve(), False
    named = set(sys.argv[2:]) or {kind.__name__ for kind in KINDS}
    for kind in (kind for kind in KINDS if kind.__name__ in named):
        with tempfile.TemporaryDirectory() as folder:
            kind(Path(folder, "a.mprof"))
            write_changed(kind, Path(folder, "b.mprof"))
            for wrong in read_all(mprof, Path(folder)):
                print(f"{kind.__name__}, {wrong}")
                failed = True
    sys.exit(failed)


main()
