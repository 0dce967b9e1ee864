"""A Flask server with a cache that leaks 2 KiB a request beside one that forgets: `mprof leaks` names the
line that leaks, by its true bytes, and nothing else of weight; `mprof diff` says which commit added it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sysconfig

import pytest

MPROF = pathlib.Path(sysconfig.get_path("scripts"), "mprof")
SERVER = """
import collections, json, sys, threading, urllib.request
from flask import Flask, jsonify
from memory_profiler import heap
from werkzeug.serving import make_server

app = Flask(__name__)
seen = {}
recent = collections.OrderedDict()


@app.get("/item/<int:number>")
def item(number):
    if LEAKS:
        seen[number] = bytes(2048)  # leaks
    recent[number] = json.dumps(list(range(number % 50 + 300)))
    while len(recent) > 64:
        recent.popitem(last=False)
    return jsonify(number=number, size=len(recent[number]))


def held():
    return sys.getsizeof(seen) + sum(map(sys.getsizeof, seen.values()))


def ask(first, last):
    for number in range(first, last):
        address = f"http://127.0.0.1:{server.server_port}/item/{number}"
        urllib.request.urlopen(address).read()


LEAKS = sys.argv[1] == "leaky"
server = make_server("127.0.0.1", 0, app, threaded=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()
ask(0, 300)
heap.mark("warm")
before = held()
for number in range(300, 1800, 100):
    ask(number, number + 100)
    heap.mark(f"after {number}")
print(json.dumps([before, held()]))
server.shutdown()
thread.join()
"""
LEAK = SERVER.split("\n").index("        seen[number] = bytes(2048)  # leaks") + 1


def serve(where: pathlib.Path, how: str) -> list[int]:
    (where / "server.py").write_text(SERVER)
    os.utime(where / "server.py", (1, 1))
    done = subprocess.run(
        [MPROF, "heap", "-o", f"{how}.mprof", "server.py", how],
        cwd=where, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return json.loads(done.stdout)


def read(where: pathlib.Path, *words: str) -> dict:
    done = subprocess.run(
        [MPROF, *words], cwd=where, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, list[int]]:
    where = tmp_path_factory.mktemp("flask")
    serve(where, "sound")
    return where, serve(where, "leaky")


def test_the_leak_is_named_first_and_by_its_true_bytes(
    runs: tuple[pathlib.Path, list[int]],
) -> None:
    where, (before, after) = runs
    found = read(where, "leaks", "--json", "--since", "warm", "leaky.mprof")
    first, *others = [leak for leak in found["leaks"] if leak["kind"] == "grows"]
    assert (first["file"], first["line"], first["yours"]) == (
        str(where / "server.py"),
        LEAK,
        True,
    )
    assert abs(first["growth"] - (after - before)) < 0.02 * (after - before)
    assert sum(leak["growth"] for leak in others) < 0.1 * first["growth"]
    assert found["verdict"] == "leaks"


def test_the_server_without_the_leak_is_told_so(
    runs: tuple[pathlib.Path, list[int]],
) -> None:
    found = read(runs[0], "leaks", "--json", "--since", "warm", "sound.mprof")
    assert found["verdict"] == "none"


def test_the_difference_of_both_is_the_leak(runs: tuple[pathlib.Path, list[int]]) -> None:
    where, (_, after) = runs
    found = read(
        where,
        "diff",
        "--json",
        "--by",
        "your-line",
        "--measure",
        "live",
        "sound.mprof",
        "leaky.mprof",
    )
    first = found["rows"][0]
    assert first["is"]["line"] == LEAK and first["status"] == "new"
    assert abs(first["growth"] - after) < 0.02 * after
