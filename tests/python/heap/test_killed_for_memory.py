"""Why a program died: a control group with a limit, in which the kernel kills."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heap_captures import Capture
from recordings import PROGRAM, Done, Recorder

pytestmark = pytest.mark.one_version

MIB = 1 << 20
LIMIT = 160 * MIB
LEAK = """\
import sys
cache = []
def load():
    return bytearray(8 << 20)
def leak():
    cache.append(b"x" * 300_000)
rows = load()
while len(cache) < int(sys.argv[1]):
    leak()
"""
LEAKS, LOADS = 6, 4


def mount_of(version: int) -> Path:
    return Path("/sys/fs/cgroup" if version == 2 else "/sys/fs/cgroup/memory")


@pytest.fixture
def group() -> Iterator[Path]:
    """A group of version 2, or of 1 where memory is that one's, that is limited to LIMIT."""
    version = 2 if Path("/sys/fs/cgroup/memory.stat").exists() or (
        "memory" in _read(Path("/sys/fs/cgroup/cgroup.subtree_control"))
    ) else 1  # fmt: skip
    path = mount_of(version) / f"mprof-test-{os.getpid()}"
    try:
        path.mkdir()
        name = "memory.max" if version == 2 else "memory.limit_in_bytes"
        (path / name).write_text(str(LIMIT))
    except OSError as problem:
        if path.exists():
            path.rmdir()
        pytest.skip(f"no control group of our own can be made: {problem}")
    if (path / "memory.swap.max").exists():
        (path / "memory.swap.max").write_text("0")
    yield path
    path.rmdir()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def run_in(group: Path, here: Recorder, *words: object) -> Done:
    """Runs mprof and what it starts there."""
    enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", enter, "sh", PROGRAM, *map(str, words)], cwd=here.path,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    recorder = Recorder(tmp_path)
    recorder.write("leak.py", LEAK)
    return recorder


def test_a_report_begins_with_why_the_program_died(here: Recorder, group: Path) -> None:
    assert run_in(group, here, "heap", "-o", "a.mprof", "leak.py", 10**6).code == -9
    first, second, empty, title = here.mprof("report", "a.mprof").out.split("\n")[:4]
    found = re.fullmatch(
        r"killed by the kernel for memory: limit 160\.0 MiB, RSS ([\d.]+) MiB at \d\d:\d\d:\d\d\.\d;"
        r" your heaviest line then: leak\.py:6 leak, ([\d.]+) MiB",
        first,
    )
    assert found and 120 < float(found[1]) <= 170 and 100 < float(found[2]) < 160
    assert "mprof report --at 'near the limit'" in second
    assert (empty, title) == ("", "a.mprof")
    got = json.loads(here.mprof("report", "--json", "a.mprof").out)["death"]
    assert (got["how"], got["limit"]) == ("killed for memory", LIMIT)


def test_the_picture_before_death_is_kept(here: Recorder, group: Path) -> None:
    run_in(group, here, "heap", "-o", "a.mprof", "leak.py", 10**6)
    (moment,) = [m for m in Capture(here.path / "a.mprof").moments if m.is_mark]
    assert moment.name == "near the limit"
    done = here.mprof("report", "--json", "--at", "near the limit", "a.mprof")
    lines = {row["line"]: row["at_peak"] for row in json.loads(done.out)["lines"]}
    assert lines[LOADS] >= 8 * MIB and 100 * MIB < lines[LEAKS] < LIMIT


def test_a_program_that_ends_well_within_its_limit_has_nothing_of_it(
    here: Recorder, group: Path
) -> None:
    assert run_in(group, here, "heap", "-o", "a.mprof", "leak.py", 50).code == 0
    assert here.mprof("report", "a.mprof").out.startswith("a.mprof\n")
    assert json.loads(here.mprof("report", "--json", "a.mprof").out)["death"] is None
    assert not any(m.is_mark for m in Capture(here.path / "a.mprof").moments)


def test_a_program_that_somebody_kills_was_not_killed_for_memory(
    here: Recorder, group: Path
) -> None:
    here.write(
        "killed.py", "import os\nkept = bytearray(8 << 20)\nos.kill(os.getpid(), 9)\n"
    )
    assert run_in(group, here, "heap", "-o", "a.mprof", "killed.py").code == -9
    assert here.mprof("report", "a.mprof").out.startswith("a.mprof\n")


def test_of_a_run_the_process_that_was_killed_is_named(here: Recorder, group: Path) -> None:
    here.write("parent.py", (
        "import subprocess, sys\n"
        "sys.exit(subprocess.run([sys.executable, 'leak.py', '1000000']).returncode + 9)\n"
    ))  # fmt: skip
    assert run_in(group, here, "heap", "-o", "a.mprof", "parent.py").code == 0
    (child,) = here.path.glob("a.mprof.*")
    first = here.mprof("report", "a.mprof").out.split("\n", maxsplit=1)[0]
    assert first.startswith(
        f"process {child.suffix[1:]} was killed by the kernel for memory: "
    )
    assert "leak.py:6 leak" in first


def test_elsewhere_it_is_said_as_far_as_it_can_be_known(
    here: Recorder, group: Path
) -> None:
    """Where the group is gone, as with a container, its counts are too."""
    run_in(group, here, "heap", "-o", "a.mprof", "leak.py", 10**6)
    path = here.path / "a.mprof"
    content = path.read_bytes()
    assert content.count(str(group).encode()) == 1
    path.write_bytes(
        content.replace(str(group).encode(), str(group)[:-1].encode() + b"\xff")
    )
    first = here.mprof("report", "a.mprof").out.split("\n", maxsplit=1)[0]
    assert first.startswith(
        "killed near its memory limit, most likely by the kernel: limit 160"
    )


def test_mprof_run_says_it_and_records_it(here: Recorder, group: Path) -> None:
    done = run_in(group, here, "run", "-E", "-o", "a.dat", "--nopython", sys.executable,
                  "leak.py", 10**6)  # fmt: skip
    assert done.code == 128 + 9
    (line,) = [line for line in done.err.splitlines() if "killed" in line]
    assert re.fullmatch(
        r"mprof: program was killed by the kernel for memory: limit 160\.0 MiB, "
        r"RSS 1[\d.]+ MiB at most, at \d\d:\d\d:\d\d\.\d",
        line,
    )
    (end,) = here.records("END", here.path / "a.dat")
    assert "kills=1" in end and "limit=160.000000" in end
    out = here.mprof("peak", "a.dat").out
    assert "  killed by the kernel for memory, limit 160.000 MiB\n" in out


def test_the_kill_of_another_is_told_apart(here: Recorder, group: Path) -> None:
    here.write("job.sh", f"{sys.executable} leak.py 1000000\nexit 0\n")
    done = run_in(group, here, "run", "-o", "a.dat", "sh", "job.sh")
    assert done.code == 0
    assert "mprof: the kernel killed 1 process of its control group for memory" in done.err
    assert "processes of its control group were killed" in here.mprof("peak", "a.dat").out


def test_a_kill_is_recorded_when_it_happens(here: Recorder, group: Path) -> None:
    here.write("job.sh", f"{sys.executable} leak.py 1000000\nsleep .5\n")
    assert run_in(group, here, "run", "--cgroup", "-o", "a.dat", "sh", "job.sh").code == 0
    ((count, time),) = here.records("KILL", here.path / "a.dat")
    ended = float(here.records("END", here.path / "a.dat")[0][0])
    assert count == "1" and float(time) < ended - 0.2
    shown = here.mprof("plot", "--terminal", "a.dat").out
    assert "1 process killed for memory, seen at" in shown and "limit 160.000 MiB" in shown
    exported = json.loads(here.mprof("export", "--to", "json", "a.dat").out)
    assert [(at / 1e9, killed) for at, killed in exported["kills"]] == [
        (pytest.approx(float(time), abs=1e-3), 1)
    ]
