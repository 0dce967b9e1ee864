"""mprof heap PID and real services: a worker of gunicorn --preload, a child of Celery's pool.

Each is attached to while it works, holds what it is asked to hold, and is let go; what asks it sees nothing of that.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable

import pytest

import harness
from attached import attached
from recordings import Recorder, wait_for

MIB = 1 << 20
PAGES = """
from flask import Flask

app = Flask(__name__)
kept = []


@app.get("/load")
def load():
    kept.append(bytes(1 << 20))
    return "kept"
"""
TASKS = (harness.JOBS / "celery_prefork.py").read_text().replace("celery_prefork", "tasks")


class Worker:
    """A process that a service forked."""

    def __init__(self, service: subprocess.Popen[bytes]) -> None:
        children = pathlib.Path(f"/proc/{service.pid}/task/{service.pid}/children")
        wait_for(children.read_text, "the service to fork")
        self.pid = int(children.read_text().split()[0])


@pytest.fixture
def here(tmp_path: pathlib.Path) -> Recorder:
    return Recorder(tmp_path)


@pytest.fixture
def start(here: Recorder):
    """Starts services, which end with the test."""
    started = []

    def begin(module: str, *words: str, **options: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words], cwd=here.path, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **options,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def held_while(here: Recorder, worker: Worker, work: Callable[[], None]) -> int:
    """Bytes at lines of load(), of what it allocated while it was attached to."""
    with attached(here, worker, "--exact", "-o", "a.mprof") as mprof:
        work()
        mprof.detach()
    lines = json.loads(here.mprof("report", "--json", "a.mprof").out)["lines"]
    return sum(line["live"] for line in lines if line["function"] == "load")


def test_a_worker_of_gunicorn_with_preload(here: Recorder, start) -> None:
    here.write("pages.py", PAGES)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/load"
        words = ["--preload", "-w", "1", "-b", f"fd://{number}", "pages:app"]
        service = start("gunicorn", *words, pass_fds=[number])
        worker = Worker(service)

        def work() -> None:
            for _ in range(12):
                with urllib.request.urlopen(url, timeout=60) as answer:
                    assert answer.read() == b"kept"

        work()
        assert 12 * MIB <= held_while(here, worker, work) < 13 * MIB
        work()
        assert os.path.exists(f"/proc/{worker.pid}"), "the arbiter did not replace it"


def test_a_child_of_celerys_pool(here: Recorder, start) -> None:
    here.write("tasks.py", TASKS)
    options = "-q -A tasks worker -c 1 -l CRITICAL --without-mingle --without-gossip"
    worker = Worker(start("celery", *options.split()))

    def work() -> None:
        code = "import tasks; print(tasks.load.delay(12).get(timeout=50))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=here.path, capture_output=True, text=True
        )
        assert done.stdout == "12\n", done.stderr

    work()
    assert 12 * MIB <= held_while(here, worker, work) < 13 * MIB
    work()
    assert os.path.exists(f"/proc/{worker.pid}"), "the pool did not replace it"
