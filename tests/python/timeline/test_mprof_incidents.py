"""What befell a run, marked in its pictures: stretches without samples, kills for memory, limits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pages
import pictures
from recordings import PROGRAM, Recorder, wait_for

pytestmark = pytest.mark.one_version

#: A night: 20 s of samples, seven hours asleep, 20 s; then the kernel killed workers, and at the end the program.
START, SLEPT = 1_000_000.0, 7 * 3600.0
NIGHT = "".join(
    ["MPROF 1 by=1.0.0 pid=7 interval=1 metric=rss\nCMDLINE service.py\n"]
    + [f"MEM 100.000000 {START + i:.4f}\n" for i in range(20)]
    + [f"SLEPT {SLEPT:.4f} {START + 20:.4f}\n"]
    + [f"MEM 150.000000 {START + i:.4f}\n" for i in range(20, 40)]
    + [f"KILL 2 {START + 30:.4f}\n"]
    + [f"END {START + 40:.4f} signal 9 samples=40 late=0 kills=3 limit=256.000000\n"]
)
KILLS = [[SLEPT + 30, 2], [SLEPT + 40, 1]]


def test_a_night_has_its_incidents_in_every_picture(here: Recorder) -> None:
    here.write("night.dat", NIGHT)
    page, data = pictures.page_of(here, "night.dat")
    (run,) = data["runs"]
    assert run["gaps"] == [[19, SLEPT + 20, True]]
    assert run["kills"] == KILLS
    assert run["limit"] == 256
    assert run["to"] == SLEPT + 40

    seen = pages.look("look_points.mjs", page)
    assert "the machine was suspended for 7 h 1 s" in seen["summary"]
    assert "3 processes killed for memory" in seen["summary"]
    assert "limit\n256.000 MiB" in seen["legend"] and "killed for memory" in seen["legend"]
    assert "the machine was suspended" in seen["tip"]
    for scheme in ("light", "dark"):
        paths = pictures.strokes(seen, scheme, seen[scheme]["colours"]["--limit"])
        crossed = [path for path in paths if [moved for moved, *_ in path] == [1, 0] * 3]
        assert len(crossed) == len(KILLS)

    shown = here.mprof("plot", "--terminal", "night.dat").out
    assert "the machine was suspended for 7 h, from 19.000 s" in shown
    assert (
        "3 processes killed for memory, the last at 7 h 1 min, limit 256.000 MiB" in shown
    )

    axes = pictures.drawn_by_matplotlib(pictures.given_to_matplotlib(here, "night.dat"))
    texts = [text.get_text() for text in axes.texts]
    assert (
        "2 processes killed for memory" in texts and "1 process killed for memory" in texts
    )
    named = axes.get_legend_handles_labels()[1]
    assert "the machine was suspended, 7 h" in named and "limit 256.000 MiB" in named


def covered(boxes: list[list[float]]) -> bool:
    """Whether one of [left, right, top, bottom] lies over another."""
    return any(
        a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
        for i, a in enumerate(boxes)
        for b in boxes[:i]
    )


@pytest.mark.parametrize("words", [[], ["--overlay"]])
def test_words_of_several_that_were_killed_at_once_can_be_read(
    here: Recorder, words: list[str]
) -> None:
    for rank in range(4):
        last = START + 60 + rank
        lines = ["MPROF 1 by=1.0.0 pid=7 interval=1 metric=rss children=0 host=n clock=n"]
        lines[0] += f" rank={rank}\nCMDLINE work"
        lines += [f"MEM {3 * i + rank}.000000 {START + i}" for i in range(61 + rank)]
        lines += [f"KILL 1 {last}", f"END {last} signal 9 samples=61 late=0 unsampled=-1"]
        here.write(f"{rank}.dat", "\n".join(lines) + "\n")
    files = [f"{rank}.dat" for rank in range(4)]
    peaks = 4 if words else 1  # of a whole the highest alone
    page, _ = pictures.page_of(here, *words, *files)
    seen = pages.look("look_points.mjs", page)["light"]["words"]
    mine = [one["box"] for one in seen if "killed" in one["text"] or "peak" in one["text"]]
    assert len(mine) == 4 + peaks and not covered(mine)
    axes = pictures.drawn_by_matplotlib(pictures.given_to_matplotlib(here, *words, *files))
    shown = [text.get_window_extent() for text in axes.texts if text.get_visible()]
    assert len(shown) == 4 + peaks
    assert not covered([[box.x0, box.x1, box.y0, box.y1] for box in shown])


def test_a_stopped_sampler_leaves_a_gap_that_is_told(here: Recorder) -> None:
    program = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(.01)"
    mprof = here.start_until_ready(
        "run", "-T", ".01", "-o", "x.dat", sys.executable, "-c", program
    )
    wait_for(lambda: (here.path / "x.dat").read_text().count("MEM") > 20, "samples")
    mprof.send_signal(signal.SIGSTOP)
    wait_for(
        lambda: Path(f"/proc/{mprof.pid}/stat").read_text().split()[2] == "T", "mprof stops"
    )
    before = (here.path / "x.dat").read_text().count("MEM")
    subprocess.run(["sleep", "1"], check=True)
    mprof.send_signal(signal.SIGCONT)
    wait_for(
        lambda: (here.path / "x.dat").read_text().count("MEM") > before + 20,
        "later samples",
    )
    mprof.send_signal(signal.SIGTERM)
    mprof.communicate()
    (run,) = pictures.page_of(here, "x.dat")[1]["runs"]
    long = [gap for gap in run["gaps"] if gap[1] - gap[0] > 0.9]
    assert len(long) == 1 and long[0][2] is False


#: The suspended clock of a machine, which a test cannot suspend: an hour more from the 20th reading on.
SUSPENDED = r"""
#define _GNU_SOURCE
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int asked;
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_BOOTTIME && ++asked >= 20)
        now->tv_sec += 3600;
    return failed;
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_a_machine_that_slept_is_recorded(here: Recorder) -> None:
    here.write("suspended.c", SUSPENDED)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "s.so", "suspended.c"], cwd=here.path,
                   check=True)  # fmt: skip
    script = 'unset LD_PRELOAD; exec "$0" -c "import time; time.sleep(.6)"'
    done = subprocess.run(
        [PROGRAM, "run", "-T", ".01", "-o", "x.dat", "sh", "-c", script, sys.executable],
        cwd=here.path, env={**os.environ, "LD_PRELOAD": str(here.path / "s.so")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = (here.path / "x.dat").read_text().splitlines()
    ((slept, _),) = [line.split()[1:] for line in lines if line.startswith("SLEPT")]
    assert 3599.9 < float(slept) < 3600.1
    (run,) = pictures.page_of(here, "x.dat")[1]["runs"]
    (gap,) = [gap for gap in run["gaps"] if gap[2]]
    assert 3600 < gap[1] - gap[0] < 3605 and run["to"] > 3600
