"""`mprof export` of what it cannot write, or not so; and of timelines."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from captures import MPROF, mprof, output, record
from recordings import Recorder

pytestmark = pytest.mark.one_version

TIMELINE = (
    "CMDLINE x.py\nFUNC m.f 1.0 5.5 2.0 6.5 0\nMEM 1.0 5.0\nMEM 2.0 6.0\nCHLD 77 3.0 5.25\n"
)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), "kept = bytearray(10**6)\n")


def refused(here: Path, *words: str, code: int = 1) -> str:
    done = mprof("export", *words, cwd=here)
    assert (done.returncode, done.stdout) == (code, ""), done
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(("words", "said"), [
    (("--to", "x"), "not one of collapsed, speedscope, pprof, massif, csv, json: 'x'"),
    (("--to", ""), "not one of collapsed"),
    (("--to", "json", "--measure", "x"), "not one of peak, live, allocated, growth: 'x'"),
    (("--to", "json", "--measure", "growth"), "growth is from one moment to another: add --since"),
    ((), "needs --to FORMAT"),
    (("--to", "json", "-o", ""), "needs the name of a file"),
])  # fmt: skip
def test_faults_28_a_wrong_word_is_a_usage_error(capture, words, said) -> None:
    assert said in refused(capture.parent, *words, "a.mprof", code=2)


def test_a_terminal_gets_no_binary(capture: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [MPROF, "export", "--to", "pprof", "a.mprof"], cwd=capture.parent, stdout=theirs,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2 and "pprof is no text for a terminal" in done.stderr


def test_what_cannot_be_read_is_one_line_and_writes_nothing(capture: Path) -> None:
    here = capture.parent
    content = capture.read_bytes()
    (here / "cut.mprof").write_bytes(content[:1000])
    (here / "bad.mprof").write_bytes(content[:128] + b"\xff" * 40 + content[168:])
    (here / "other.mprof").write_bytes(b"something else")
    for name in ("cut.mprof", "bad.mprof", "other.mprof", "missing.mprof", "17"):
        assert name in refused(here, "--to", "json", "-o", "out", name)
        assert not (here / "out").exists()


def test_a_captures_own_file_is_not_written_over(capture: Path) -> None:
    before = capture.read_bytes()
    for words in ((), ("--force",)):
        said = refused(capture.parent, "--to", "csv", *words, "-o", "a.mprof", "a.mprof")
        assert "it is a recording; name another file" in said
    assert capture.read_bytes() == before


def test_a_full_standard_output_is_one_line(capture: Path) -> None:
    for form in ("collapsed", "pprof"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [MPROF, "export", "--to", form, "a.mprof"], cwd=capture.parent, stdout=full,
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert done.returncode == 1 and "No space left" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_without_a_file_the_newest_capture_is_taken_and_said_beside_it(tmp_path) -> None:
    assert "no recording here" in refused(tmp_path, "--to", "json")
    (tmp_path / "t.dat").write_text(TIMELINE)
    done = mprof("export", "--to", "csv", cwd=tmp_path)
    assert done.stdout.startswith("time,") and "reading t.dat" in done.stderr
    record(tmp_path, "")
    done = mprof("export", "--to", "csv", cwd=tmp_path)
    assert done.stdout.startswith("bytes,") and "reading a.mprof" in done.stderr


def test_of_each_format_an_earlier_export_is_replaced_and_nothing_else(capture) -> None:
    here = capture.parent
    (here / "t.dat").write_text(TIMELINE)
    (here / "theirs").write_text("main;work 12\n")
    for form in ("collapsed", "speedscope", "pprof", "massif", "csv", "json"):
        for name in ("a.mprof", "t.dat")[: 1 + (form in ("csv", "json"))]:
            for _ in range(2):
                output("export", "--to", form, "-o", "ours", name, cwd=here)
        said = refused(here, "--to", form, "-o", "theirs", "a.mprof")
        assert "it exists and is not an export of ours; --force replaces it" in said
    assert (here / "theirs").read_text() == "main;work 12\n"


def test_an_export_is_as_private_as_the_capture(capture: Path) -> None:
    output("export", "--to", "csv", "-o", "private", "a.mprof", cwd=capture.parent)
    assert (capture.parent / "private").stat().st_mode & 0o777 == 0o600


def test_a_timeline_has_no_stacks(tmp_path: Path) -> None:
    (tmp_path / "t.dat").write_text(TIMELINE)
    for form in ("collapsed", "speedscope", "pprof", "massif"):
        said = refused(tmp_path, "--to", form, "-o", "out", "t.dat")
        assert "t.dat is a timeline, it has no stacks: --to csv or --to json" in said
    assert "no measures" in refused(tmp_path, "--to", "csv", "--measure", "live", "t.dat")


def test_a_timeline_in_csv_and_json_has_all_its_readings(tmp_path: Path) -> None:
    (tmp_path / "t.dat").write_text(TIMELINE)
    text = output("export", "--to", "csv", "t.dat", cwd=tmp_path)
    rows = list(csv.DictReader(io.StringIO(text)))
    got = json.loads(output("export", "--to", "json", "t.dat", cwd=tmp_path))
    totals = [(5.0, 1), (6.0, 2)]
    mib = 1 << 20
    assert got["samples"] == [[at * 10**9, size * mib] for size, at in [(1.0, 5), (2.0, 6)]]
    assert [(float(r["time"]), int(r["bytes"])) for r in rows if r["kind"] == "total"] == [
        (at, size * mib) for at, size in totals
    ]
    (child,) = got["children"]
    assert (child["pid"], child["samples"]) == (77, [[5_250_000_000, 3 * mib]])
    assert [(r["pid"], int(r["bytes"])) for r in rows if r["kind"] == "child"] == [
        ("77", 3 * mib)
    ]
    (call,) = got["calls"]
    assert call["function"] == "m.f" and call["leave"] == [6_500_000_000, 2 * mib]
    assert [r["name"] for r in rows if r["kind"] in ("enter", "leave")] == ["m.f", "m.f"]


def test_a_recorded_timeline_has_the_peak_that_mprof_peak_says(here: Recorder) -> None:
    here.write("x.py", "b = bytearray(50_000_000); del b\nimport time; time.sleep(0.3)")
    assert here.mprof("run", "-o", "t.dat", "--include-children", "x.py").code == 0
    (peak,) = json.loads(here.mprof("peak", "--json", "t.dat").out)
    got = json.loads(here.mprof("export", "--to", "json", "t.dat").out)
    rows = csv.DictReader(io.StringIO(here.mprof("export", "--to", "csv", "t.dat").out))
    highest = max([m["bytes"] for m in got["marks"]] + [s[1] for s in got["samples"]])
    assert highest == peak["peak"] and got["incomplete"] is None
    assert max(int(r["bytes"]) for r in rows if r["kind"] in ("total", "mark")) == highest
    assert len(got["samples"]) == peak["samples"]
