"""Captures made to hurt whoever reads them: a reader takes no more memory than some multiple of the
file's size and 10 s of the processor, and ends by itself."""

from __future__ import annotations

import json
import re
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import heap_hostile
from recordings import PROGRAM

pytestmark = pytest.mark.one_version

TIMES, ALWAYS, SECONDS = 50, 64 << 20, 10


@pytest.fixture(params=heap_hostile.KINDS, ids=lambda kind: kind.__name__)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    """A directory with `a.mprof` and `b.mprof`, and its bytes with its children's."""
    kind: Callable[[Path], int] = request.param
    heap_hostile.write_changed(kind, tmp_path / "b.mprof")
    return tmp_path, kind(tmp_path / "a.mprof")


def test_faults_18_no_capture_has_its_readers_do_more_than_its_size_is_worth(
    here: tuple[Path, int],
) -> None:
    path, size = here

    def limit() -> None:
        room = TIMES * size + ALWAYS
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    ends = {}
    for name, (word, *rest) in heap_hostile.READERS.items():
        operand = [] if word == "list" else ["a.mprof"]
        done = subprocess.run(
            [PROGRAM, word, *operand, *rest], cwd=path, preexec_fn=limit,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
        lacks = re.search(r"\bmemory\b", done.stderr)
        ends[name] = done.returncode, done.stderr if lacks else ""
    assert all(end in [(0, ""), (1, "")] for end in ends.values()), ends


def test_no_more_children_are_read_than_a_run_can_have(tmp_path: Path) -> None:
    heap_hostile.many_children(tmp_path / "a.mprof")
    for i in range(61, 600):
        (tmp_path / f"a.mprof.{i}").hardlink_to(tmp_path / "a.mprof.60")
    done = subprocess.run([PROGRAM, "report", "--json", "a.mprof"], cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0 and len(json.loads(done.stdout)["processes"]) <= 61
    assert done.stderr == (
        "mprof: a.mprof: 87 captures more than a run has, 512, are not read\n"
    )
