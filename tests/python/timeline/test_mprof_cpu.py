"""mprof run --cpu: CPU time beside memory, in the recording and in all that shows it."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pages
import pictures
from recordings import Recorder

pytestmark = pytest.mark.one_version

#: Threads and a child that spend CPU time, and tell how much they did.
BUSY = """
import os, time
def burn(seconds):
    while time.process_time() < seconds: sum(range(10000))
    return time.process_time()
child = os.fork()
spent = burn(0.3 if child == 0 else 0.5)
time.sleep(1)
if child == 0: os._exit(0)
os.waitpid(child, 0)
print("spent", spent)
"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    recorder = Recorder(tmp_path_factory.mktemp("busy"))
    done = recorder.python(BUSY, "--cpu", "-C", "-M", "-T", ".05", "-o", "busy.dat")
    assert done.code == 0, done.err
    return recorder


def seconds_spent(rows: list[tuple[float, float]], start: float) -> float:
    """CPU seconds: each percentage is of the time since the one before."""
    total, before = 0.0, start
    for percent, time in rows:
        total += percent / 100 * (time - before)
        before = time
    return total


def records(here: Recorder, word: str) -> list[list[str]]:
    lines = (here.path / "busy.dat").read_text().splitlines()
    return [line.split()[1:] for line in lines if line.startswith(word + " ")]


def test_the_percentages_sum_to_the_time_that_was_spent(busy: Recorder) -> None:
    start = float(records(busy, "MEM")[0][1])
    tree = [(float(cpu), float(time)) for cpu, time in records(busy, "CPU")]
    child = [(float(cpu), float(time)) for _, cpu, time in records(busy, "CHCPU")]
    assert (
        0.7 < seconds_spent(tree, start) < 2
    )  # what came before the first round is not known
    born = max([start, *(time for _, time in tree if time < child[0][1])])
    assert 0.25 < seconds_spent(child, born) < 0.6
    assert {pid for pid, *_ in records(busy, "CHCPU")} == {
        pid for pid, *_ in records(busy, "CHLD")
    }
    assert tree[-1][0] < 50 and child[-1][0] < 50  # both slept


def test_without_the_option_there_is_none(here: Recorder) -> None:
    here.python("import time; time.sleep(.2)")
    assert not here.records("CPU")
    data = pictures.page_of(here)[1]
    assert data["runs"][0]["cpu"] == {"t": [], "m": []}
    assert data["runs"][0]["mean_cpu"] is None


def test_an_export_has_it(busy: Recorder) -> None:
    told = json.loads(busy.mprof("export", "--to", "json", "busy.dat").out)
    recorded = [float(cpu) for cpu, _ in records(busy, "CPU")]
    assert [cpu for _, cpu in told["cpu"]] == recorded
    of_child = [float(cpu) for _, cpu, _ in records(busy, "CHCPU")]
    assert [cpu for _, cpu in told["children"][0]["cpu"]] == of_child
    text = busy.mprof("export", "--to", "csv", "busy.dat").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(r["percent"]) for r in rows if r["kind"] == "cpu"] == recorded
    assert [float(r["percent"]) for r in rows if r["kind"] == "child_cpu"] == of_child
    assert all(bool(row["bytes"]) != bool(row["percent"]) for row in rows)


def test_every_picture_shows_it(busy: Recorder) -> None:
    page, data = pictures.page_of(busy, "busy.dat")
    (run,) = data["runs"]
    percentages = [float(cpu) for cpu, _ in records(busy, "CPU")]
    drawn = [value for value in run["cpu"]["m"] if value is not None]  # which is a gap
    assert drawn == percentages
    if not run["gaps"]:  # where samples are missing, they do not count
        times = [float(time) for _, time in records(busy, "CPU")]
        spent = seconds_spent(list(zip(percentages, times, strict=True)), times[0] - 0.05)
        mean = 100 * spent / (times[-1] - times[0] + 0.05)
        assert run["mean_cpu"] == pytest.approx(mean, rel=0.01)

    seen = functools.partial(pages.look, "look_points.mjs")(page)
    (told,) = [text for text in seen["legend"] if text.startswith("CPU\n")]
    assert float(told.split()[1]) == pytest.approx(run["mean_cpu"], abs=0.06)
    assert seen["light"]["held"][2] == [0, max(percentages)]

    shown = busy.mprof("plot", "--terminal", "busy.dat").out
    mean, most = re.search(r"CPU, mean ([\d.]+)%, at most ([\d.]+)% of one", shown).groups()
    assert float(mean) == pytest.approx(run["mean_cpu"], abs=0.06)
    assert float(most) == pytest.approx(max(percentages), abs=0.06)

    figure = pictures.given_to_matplotlib(busy, "busy.dat")
    (line,) = pictures.drawn_by_matplotlib(figure).figure.axes[1].lines
    assert [value for value in line.get_ydata() if value == value] == percentages


def test_0_61_reads_the_recording(busy: Recorder, classic: str) -> None:
    script = Path(classic).with_name("mprof")
    done = subprocess.run(
        [classic, script, "peak", "busy.dat"], cwd=busy.path, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{max(float(size) for size, _ in records(busy, 'MEM')):.3f} MiB" in done.stdout


def test_attach_takes_it_too(here: Recorder) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) as busy:
        done = here.mprof("attach", "--cpu", "-t", ".5", busy.pid)
        busy.kill()
    assert done.code == 0, done.err
    assert sum(float(cpu) for cpu, _ in here.records("CPU")) > 0
