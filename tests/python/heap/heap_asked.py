"""A program that asks malloc and its kin for blocks and keeps the accounts itself (asked.c)."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from heap_runs import figures
from recordings import Done, Recorder

#: Prints what it asked for: bytes, calls, bytes held at the end, and at most.
PROGRAM = """
import ctypes, os
asked = ctypes.CDLL("./asked.so", {mode})
accounts = (ctypes.c_long * 4)()

def work():
    asked.work(ctypes.c_long({calls}), accounts)

work()
print(*accounts)
"""


@dataclasses.dataclass(frozen=True)
class Totals:
    total: int
    calls: int
    live: int
    peak: int

    def is_near(self, other: Totals, percent: float) -> bool:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return all(abs(one - two) * 100 <= percent * two for one, two in pairs)


def build(into: Path, *options: str, name: str = "asked.so") -> None:
    source = str(Path(__file__).with_name("asked.c"))
    command = ["cc", "-O1", "-fno-builtin", "-shared", "-fPIC", source, *options]
    subprocess.run([*command, "-o", into / name], check=True)


def write(here: Recorder, calls: int = 100_000, mode: str = "0") -> None:
    here.write("program.py", PROGRAM.format(calls=calls, mode=mode))


def truth(done: Done) -> Totals:
    """What a run of it asked for."""
    assert done.code == 0, done.err
    return Totals(*map(int, done.out.split()))


def said(here: Recorder, capture: str) -> Totals:
    """What is said of the function that asked."""
    (row,) = [row for row in figures(here, capture)["lines"] if row["function"] == "work"]
    return Totals(row["total"], row["allocations"], row["live"], row["at_peak"])


def installed(name: str) -> str:
    """Where the loader finds a library whose name begins so; skips where it does not."""
    command = ["ldconfig", "-p"] if shutil.which("ldconfig") else ["true"]
    known = subprocess.run(command, capture_output=True, text=True).stdout
    for line in known.splitlines():
        if name in line.split(" ")[0]:
            return line.split("=> ")[1]
    pytest.skip(f"{name} is not installed")


def of_compiler(name: str) -> str:
    """Where the compiler has a library; skips where it does not."""
    find = ["cc", f"-print-file-name={name}"]
    path = subprocess.run(find, capture_output=True, text=True).stdout.strip()
    if not Path(path).is_absolute():
        pytest.skip(f"the compiler has no {name}")
    return path
