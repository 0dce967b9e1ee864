"""The recipes of docs/production.md that a mount namespace can show, and its unit for systemd."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from recordings import Recorder

pytestmark = pytest.mark.one_version

TOP = Path(__file__).parents[3]
STATIC = TOP / "build/static/src/cmd/mprof"
APP = "kept = bytearray(3 << 20)\nprint('ended')\n"


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    recorder = Recorder(tmp_path)
    recorder.write("app.py", APP)
    return recorder


def test_with_a_read_only_root_a_volume_is_all_that_it_takes(here: Recorder) -> None:
    script = (
        f"mount -t tmpfs none /var/tmp && mount -o remount,bind,ro / || exit 99\n"
        f"cd /var/tmp && ! touch /there 2>/dev/null || exit 99\n"
        f"$MPROF heap -o a.mprof {here.path}/app.py >out || exit 1\n"
        "$MPROF report --json a.mprof"
    )
    done = here.in_namespaces("-rm", script)
    assert done.code == 0, done.err
    assert json.loads(done.out)["peak"] >= 3 << 20


def test_a_capture_on_tmpfs_is_watched_and_copied(here: Recorder) -> None:
    script = (
        "mkdir memory && mount -t tmpfs -o size=8m none memory || exit 99\n"
        "$MPROF heap -o memory/a.mprof app.py >out || exit 1\n"
        "$MPROF snapshot -o memory/b.mprof memory/a.mprof 2>/dev/null || exit 1\n"
        "$MPROF top --once --json memory/b.mprof"
    )
    done = here.in_namespaces("-rm", script)
    assert done.code == 0, done.err
    got = json.loads(done.out)
    assert got["state"] == "ended after" and got["rows"][0]["live"] >= 3 << 20


@pytest.mark.skipif(not STATIC.exists(), reason="make static builds it")
def test_the_static_mprof_works_where_there_is_nothing_else(here: Recorder) -> None:
    """A root of two files: it, and a capture."""
    done = here.mprof("heap", "-o", "a.mprof", "app.py")
    assert done.code == 0, done.err
    root = here.path / "root"
    (root / "proc").mkdir(parents=True)
    for name in (STATIC, here.path / "a.mprof"):
        (root / name.name).write_bytes(name.read_bytes())
    (root / "mprof").chmod(0o755)
    chroot = ["unshare", "-r", "chroot", str(root), "/mprof"]
    if subprocess.run([*chroot, "--version"], capture_output=True).returncode:
        pytest.skip("another root is forbidden here")
    for words in (
        ["report", "a.mprof"],
        ["top", "--once", "a.mprof"],
        ["table", "a.mprof"],
    ):
        run = subprocess.run([*chroot, *words], capture_output=True, text=True)
        assert (run.returncode, run.stderr) == (0, "")
        assert "app.py" in run.stdout


def test_systemd_knows_each_word_of_the_unit(here: Recorder) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    text = (TOP / "docs/production.md").read_text()
    (unit,) = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    here.write("service.service", unit + "ExecStart=/bin/true\n")
    verify = ["systemd-analyze", "verify", str(here.path / "service.service")]
    done = subprocess.run(verify, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    here.write("service.service", unit + "Enviroment=A=1\nExecStart=/bin/true\n")
    done = subprocess.run(verify, capture_output=True, text=True)
    assert "Unknown key" in done.stderr
