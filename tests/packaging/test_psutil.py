"""The pure-Python build where there is no /proc: psutil must say the same as /proc does."""

from __future__ import annotations

import pytest

from conftest import wheels

AGREE = """
import os, subprocess, sys, time
from memory_profiler._pure.meter import ProcMeter, PsutilMeter
proc, psutil = ProcMeter(), PsutilMeter()
held = bytearray(30 << 20)
for metric in ("rss", "pss", "uss"):
    ours, theirs = proc.memory(0, metric), psutil.memory(os.getpid(), metric)
    assert abs(ours - theirs) < 1 << 20, (metric, ours, theirs)
    assert ours > 30 << 20
child = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"],
                         stdout=subprocess.PIPE)
child.stdout.readline()
assert proc.children(os.getpid()) == psutil.children(os.getpid()) == [child.pid]
assert abs(proc.memory(child.pid, "rss") - psutil.memory(child.pid, "rss")) < 1 << 20
child.kill()
child.wait()
for meter in proc, psutil:
    try:
        meter.memory(child.pid, "rss")
    except ProcessLookupError:
        continue
    raise AssertionError(meter)
"""

WHOLE = """
from memory_profiler._pure import meter
meter._meter = meter.PsutilMeter()
from memory_profiler import _core, profile

@profile(precision=3)
def grow():
    kept = bytearray(40 << 20)
    del kept

grow()
rows = {line.source.strip(): line for line in profile.results["grow"].lines.values()}
assert abs(rows["kept = bytearray(40 << 20)"].increment - (40 << 20)) < 1 << 20
assert abs(rows["del kept"].increment + (40 << 20)) < 1 << 20
"""


@pytest.fixture
def python(place_for):
    pure = [wheel for wheel in wheels() if "none-any" in wheel.name]
    if not pure:
        pytest.skip("no pure-Python wheel in dist/")
    place, file = place_for(pure[0])
    env = place.venv("env")
    place.install(env, file, "--no-index")
    place.install(env, "psutil")
    return lambda code: (
        (place.home / "code.py").write_text(code),
        place.run(f"{env}/bin/python", "code.py"),
    )


def test_psutil_and_proc_agree(python):
    python(AGREE)


def test_lines_are_measured_with_psutil(python):
    python(WHOLE)
