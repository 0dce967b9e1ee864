"""A recorded program that the tests of heap reports share."""

from __future__ import annotations

import json
import os
from pathlib import Path

from recordings import Recorder

APP = """\
import json
from pkg import store

class Cache:
    items = {}

    def put(self, key, value):
        self.items[key] = value

def parse(rows):
    return [json.loads('{"a": [1, 2.5, "%d"]}' % i) for i in range(rows)]

def deep(n):
    if n:
        return deep(n - 1)
    return bytearray(3_000_000)

cache = Cache()
for i in range(100):
    cache.put(i, store.pack(i))
rows = parse(5000)
del rows
kept = deep(20)
"""
STORE = "def pack(number):\n\tname = 'é' * number\n\treturn name, bytearray(2000)\n"


def record(path: Path) -> Recorder:
    """A capture of a program of two modules, app.py and pkg/store.py, older than it: a.mprof."""
    (path / "pkg").mkdir()
    (path / "pkg" / "__init__.py").touch()
    (path / "app.py").write_text(APP)
    (path / "pkg" / "store.py").write_text(STORE)
    for name in ("app.py", "pkg/store.py"):
        os.utime(path / name, (1, 1))
    recorder = Recorder(path)
    done = recorder.mprof("heap", "-o", "a.mprof", "app.py")
    assert done.code == 0, done.err
    return recorder


def report(heap: Recorder, *words: str) -> dict:
    """What is said of a capture; of a.mprof, where no words are given."""
    done = heap.mprof("report", "--json", *(words or ["a.mprof"]))
    assert done.code == 0, done.err
    return json.loads(done.out)
