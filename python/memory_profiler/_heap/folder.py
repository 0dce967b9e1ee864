"""Processes of a run that have no first one's file to join, as on other hosts: each
records into a file of its own in a local folder, HOST.PID.mprof. And which of them record.

    MPROF_HEAP=1:RUN[,sample=512K][,native=0][,sources=0][,max_file=128M]:FOLDER/
    MPROF_WHO=worker:!dashboard

docs/cluster.md says how it is set. Imports `_core` alone, and only where one of these is set.
"""

from __future__ import annotations

import os
import sys

from memory_profiler import _core

WHO = "MPROF_WHO"
_RUNNER = "memory_profiler._heap_run"
_UNITS = {"K": 10, "M": 20, "G": 30}
_MOST_OF_ONE_PID = 1000


def size(text: str) -> int:
    """Bytes: 4096, 512K, 1M."""
    unit = text[-1:].upper()
    return int(text[:-1]) << _UNITS[unit] if unit in _UNITS else int(text)


def has(text: str, pattern: str) -> bool:
    """Whether the pattern is in the text; * stands for anything."""
    at = 0
    for part in pattern.split("*"):
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def is_wanted() -> bool:
    """Whether MPROF_WHO names this process: by a pattern, and by none that begins with !."""
    patterns = [word for word in os.environ.get(WHO, "").split(":") if word.strip("!")]
    words = sys.orig_argv[1:]
    if _RUNNER in words:  # what starts a run is no part of the program
        words = words[words.index(_RUNNER) + 1 :]
    line = " ".join(words)
    wanted = [word for word in patterns if word[0] != "!"]
    if any(has(line, word[1:]) for word in patterns if word[0] == "!"):
        return False
    return not wanted or any(has(line, word) for word in wanted)


def start(path: str, words: list[str]) -> _core.Heap:
    """A capture that runs; FileExistsError where the name is taken."""
    given = dict(word.split("=", 1) for word in words)
    heap = _core.Heap()
    heap.start(path, 2 if given.get("native") != "0" else 0, size(given.get("sample", "0")),
               size(given.get("max_file", "0")), given.get("sources") != "0")  # fmt: skip
    return heap


def join(folder: str, words: list[str]) -> _core.Heap:
    """This process's capture, which runs, in the folder: it is made where there is none."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    name = f"{folder}{os.uname().nodename}.{os.getpid()}"
    for number in range(_MOST_OF_ONE_PID):
        try:
            return start(f"{name}-{number}.mprof" if number else f"{name}.mprof", words)
        except FileExistsError:
            continue
    raise FileExistsError(name)
