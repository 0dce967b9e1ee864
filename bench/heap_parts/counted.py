"""What recording and moments cost in instructions, which no other load changes: counted by valgrind's
cachegrind, which also simulates a first cache and the prediction of branches.

For moments: a program runs some twenty times longer there, and moments are taken by the clock: those of a run are as many more
for its work, so the figures are the most that moments can cost. Of two amounts of work the difference
counts: starting and imports are the same in both.
"""

from __future__ import annotations

import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import tools
from cases import PINNED
from targets import Verdict, listed

LITTLE, MORE = 0.12, 0.36
#: What cachegrind calls them.
FIGURES = {
    "instructions": "I +refs",
    "first-cache misses": "D1 +misses",
    "mispredicted": "Mispredicts",
}
LEAST = 100_000  # of less than that a ratio says nothing
SECONDS = 1800
ROUNDS = 4  # of cases whose threads take turns by the clock: the least of them counts
#: Hashes, and no threads of libraries that turn round while they wait.
SAME = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}


def missing() -> str | None:
    """Why nothing can be counted here, or None."""
    absent = [name for name in ("valgrind", "setarch") if not shutil.which(name)]
    return f"there is no {absent[0]}" if absent else None


def counts(tool: str, case: str, scale: float, simulate: bool = False) -> dict[str, int]:
    """Figures of one run, instructions alone if nothing is simulated; addresses and hashes are the
    same in all."""
    simulated = [
        f"--{what}-sim={'yes' if simulate else 'no'}" for what in ("cache", "branch")
    ]
    valgrind = ["valgrind", "--tool=cachegrind", *simulated,
                f"--cachegrind-out-file={os.devnull}"]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path, result = pathlib.Path(folder, "capture"), pathlib.Path(folder, "result")
        words = tools.command(tool, str(path), case)
        done = subprocess.run(
            ["setarch", platform.machine(), "-R", *valgrind, *words],
            env={**tools.environment(tool, case, scale, 0, path, result), **SAME},
            cwd=folder, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        found = {name: re.findall(rf"{called}: +([\d,]+)", done.stderr)
                 for name, called in FIGURES.items()}  # fmt: skip
        if not result.exists() or not found["instructions"]:
            done.stderr = re.sub(r"(?m)^==\d+==.*\n", "", done.stderr)  # valgrind's own
            raise tools.Failed(tools.last_words(done))
        return {
            name: int(all_[-1].replace(",", "")) for name, all_ in found.items() if all_
        }


def instructions(tool: str, case: str, scale: float) -> int:
    return counts(tool, case, scale)["instructions"]


def recording(cases: list[str]) -> None:
    """A row for each case: what is counted of a recorded run, of what it is of a plain one, and the
    instructions of one that is sampled."""
    for case in cases:
        try:
            plain, ours = (
                [counts(tool, case, scale, simulate=True) for scale in (LITTLE, MORE)]
                for tool in ("plain", "ours")
            )
            sampled = [
                instructions("ours-sampled", case, scale) for scale in (LITTLE, MORE)
            ]
        except tools.Failed as failure:
            print(f"{case:14} failed: {failure}", flush=True)
            continue
        said = []
        for name in FIGURES:
            alone, recorded = (more[name] - little[name] for little, more in (plain, ours))
            if alone >= LEAST:
                said.append(f"{name} x{recorded / alone:.2f} ({alone / 1e6:.1f} M)")
        alone = plain[1]["instructions"] - plain[0]["instructions"]
        said.append(f"sampled x{(sampled[1] - sampled[0]) / alone:.3f} of the instructions")
        print(f"{case:14} {', '.join(said)}", flush=True)


def share(case: str) -> float:
    """What moments add to the work of a case, of what it takes while recorded without."""
    rounds = ROUNDS if case in ("threads", *PINNED) else 1
    spent = {
        (tool, scale): min(instructions(tool, case, scale) for _ in range(rounds))
        for tool in ("ours", "ours-still")
        for scale in (LITTLE, MORE)
    }
    with_them, without = (
        spent[tool, MORE] - spent[tool, LITTLE] for tool in ("ours", "ours-still")
    )
    return with_them / without - 1


def moments(cases: list[str]) -> Iterator[Verdict]:
    """A row for each case, and whether all keep to the limit."""
    found: dict[str, float] = {}
    for case in cases:
        try:
            found[case] = share(case)
            print(f"{case:14} moments {found[case]:+.2%} of the instructions", flush=True)
        except tools.Failed as failure:
            print(f"{case:14} failed: {failure}", flush=True)
    over = [f"{case} {added:+.2%}" for case, added in found.items() if added > 0.01]
    yield "moments cost at most 1%, counted", not over and bool(found), listed(over)
