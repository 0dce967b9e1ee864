"""Who injects is killed at each of its steps: the program runs on, with all of it done or nothing."""

from __future__ import annotations

import pathlib
import subprocess
import time
from collections.abc import Callable

import pytest

from attached import OBEYS, running
from injector import STEPS, build_injector
from recordings import Recorder

#: Computes until it is told to end.
BUSY = """
import os
print("ready", flush=True)
n = 0
while not os.path.exists("stop"):
    n = sum(range(1000))
print("ended", n, flush=True)
"""

#: What it is asked to run: it says so.
CODE = """
import os
os.unlink({folder!r} + "/0")
open({folder!r} + "/0.ran", "x").close()
"""


def is_soon(condition: Callable[[], bool]) -> bool:
    for _ in range(1000):
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(scope="module")
def injector(tmp_path_factory) -> pathlib.Path:
    return build_injector(tmp_path_factory.mktemp("injector"))


@pytest.mark.parametrize("source", [OBEYS, BUSY], ids=["waits", "busy"])
def test_faults_38_an_injector_may_die_at_each_step(
    tmp_path, injector, source: str
) -> None:
    here = Recorder(tmp_path)
    with running(here, source) as target:
        for step in STEPS:
            folder = tmp_path / f"step{step}"
            folder.mkdir()
            (folder / "code").write_text(CODE.format(folder=str(folder)))
            words = [injector, str(target.pid), folder, "1", str(step)]
            assert subprocess.run(words).returncode == 3
            ran = folder / "0.ran"
            if step >= 5:  # the thread has begun: it goes through with it alone
                for _ in range(
                    5
                ):  # it may not have been stopped in time, on a busy machine
                    if not is_soon(ran.exists):
                        subprocess.run(words)
                assert ran.exists()
            else:
                assert not ran.exists()
        if source is OBEYS:
            target.tell("keep")
            assert target.end() == "ended 1"
        else:
            here.write("stop", "")
            assert target.end() == "ended 499500"
