"""`mprof table`: a heap capture's figures in rows, which always sum to the same."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from pathlib import Path

import pytest

from captures import FIGURES, PROGRAM, mprof, output, record, report, table

pytestmark = pytest.mark.one_version


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("capture"), PROGRAM)


def in_csv(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def flat(row: dict) -> dict[str, str]:
    """A row of JSON as CSV has it."""
    cumulative = row.pop("cumulative", {})
    row |= {f"cumulative_{key}": value for key, value in cumulative.items()}
    return {key: in_csv(value) for key, value in row.items()}


@pytest.mark.parametrize("by", ["line", "your-line", "function", "file", "module"])
def test_rows_and_what_has_no_row_sum_to_the_report(capture: Path, by: str) -> None:
    lines = report(capture)["lines"]
    whole = {key: sum(line[key] for line in lines) for key in FIGURES}
    got = table(capture, "--by", by, "-n", "3")
    assert got["by"] == by and got["incomplete"] is None and len(got["rows"]) == 3
    assert got["all"] == whole
    for key in FIGURES:
        rows = sum(row[key] for row in got["rows"])
        beside = got["own"][key] + got.get("not_your_lines", {key: 0})[key]
        assert rows + got["more"][key] + beside == whole[key]
    everything = table(capture, "--by", by)
    assert everything["more"]["rows"] == 0
    assert len(everything["rows"]) == 3 + got["more"]["rows"]


def test_rows_are_named_by_what_they_are(capture: Path) -> None:
    by_module = {row["module"] for row in table(capture, "--by", "module")["rows"]}
    assert {"json", "threading", str(capture.parent / "work.py")} <= by_module
    functions = table(capture, "--by", "function")["rows"]
    (load,) = [row for row in functions if row["function"] == "load"]
    assert load["file"].endswith("/work.py") and load["line"] == 5
    files = {row["file"] for row in table(capture, "--by", "file")["rows"]}
    assert any(file.endswith("/json/decoder.py") for file in files)


@pytest.mark.parametrize(
    ("column", "key"),
    [("peak", "at_peak"), ("live", "live"), ("allocated", "total"), ("allocations",) * 2, ("temporary",) * 2],
)  # fmt: skip
def test_any_column_sorts(capture: Path, column: str, key: str) -> None:
    values = [row[key] for row in table(capture, "--sort", column)["rows"]]
    assert values == sorted(values, reverse=True) and values[0] > 0
    rows = table(capture, "--sort", "total")["rows"]
    totals = [row["cumulative"]["at_peak"] for row in rows]
    assert totals == sorted(totals, reverse=True) and totals[0] > rows[0]["at_peak"]


def test_the_text_has_the_same_figures(capture: Path) -> None:
    rows = [
        row for row in table(capture)["rows"] if "importlib._bootstrap" not in row["file"]
    ]
    head, *lines = output("table", "-n", "200", "a.mprof", cwd=capture.parent).splitlines()
    assert re.split(r" {2,}", head.strip()) == [
        "at peak",
        "total",
        "live",
        "allocated",
        "allocations",
        "temporary",
        "line",
    ]
    (imports,) = [line for line in lines if line.endswith("  (importing modules)")]
    lines.remove(imports)
    assert re.search(r"\d,\d{3}  ", "\n".join(lines))
    for line, row in zip(lines, rows[:20], strict=False):
        match = re.match(r"( *[\d.]+ \w+){4} +([\d,]+) +([\d,]+)  (.*)$", line)
        assert [int(match[i].replace(",", "")) for i in (2, 3)] == [
            row["allocations"], row["temporary"],
        ]  # fmt: skip
        place = match[4].removesuffix(f":{row['line']} {row['function']}")
        assert row["file"].endswith(place) and place != match[4]
    assert lines[-2].endswith("  (memory_profiler itself)")
    assert lines[-1].endswith("  all")


def test_small_rows_are_one_unless_a_number_is_given(capture: Path) -> None:
    got = table(capture)
    large = [row for row in got["rows"] if row["at_peak"] * 200 >= got["all"]["at_peak"]]
    assert 0 < len(large) < 30 < len(got["rows"])
    lines = output("table", "a.mprof", cwd=capture.parent).splitlines()
    assert re.fullmatch(r".*  \([\d,]+ more\)", lines[-2])
    assert len(lines) <= len(large) + 4  # importing modules may be one more
    everything = output("table", "-n", "9999", "a.mprof", cwd=capture.parent)
    assert " more)" not in everything


def test_a_narrow_terminal_cuts_names_and_no_number(capture: Path) -> None:
    done = mprof("table", "-n", "50", "a.mprof", cwd=capture.parent, COLUMNS="80")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "..." in done.stdout


def test_threads_sum_to_the_report(capture: Path) -> None:
    said, got = report(capture), table(capture, "--by", "thread")["rows"]
    assert len(got) == 2
    assert sum(row["allocated"] for row in got) == said["total"]
    assert sum(row["allocations"] for row in got) == said["allocations"]
    assert sum(row["temporary"] for row in got) == said["temporary"]
    assert got[0]["allocated"] > got[1]["allocated"]
    text = output("table", "--by", "thread", "a.mprof", cwd=capture.parent)
    assert re.findall(r"(\d+)$", text, re.MULTILINE) == [str(row["thread"]) for row in got]
    done = mprof("table", "--by", "thread", "--sort", "live", "a.mprof", cwd=capture.parent)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_csv_is_the_same_table(capture: Path) -> None:
    for by in ("line", "your-line", "function", "file", "module", "thread"):
        text = output("table", "--csv", "--by", by, "a.mprof", cwd=capture.parent)
        rows = list(csv.DictReader(io.StringIO(text)))
        wanted = table(capture, "--by", by)["rows"]
        assert rows == [flat(row) for row in wanted]


def test_faults_17_what_a_csv_lacks_is_told_beside_it(capture: Path) -> None:
    here = capture.parent
    (here / "cut.mprof").write_bytes((here / "a.mprof").read_bytes()[:100_000])
    for by in ("line", "thread"):
        done = mprof("table", "--csv", "--by", by, "cut.mprof", cwd=here)
        assert done.returncode == 0 and "incomplete" not in done.stdout
        assert done.stderr.startswith("mprof: cut.mprof: warning: incomplete: ")
        assert not mprof("table", "--csv", "--by", by, "a.mprof", cwd=here).stderr


def test_json_says_what_its_figures_lack_as_the_report_does(tmp_path: Path) -> None:
    capture = record(tmp_path, PROGRAM)
    content = bytearray(capture.read_bytes())
    content[96:112] = struct.pack("<QQ", 4096, 7)  # sample, shortened
    capture.write_bytes(content)
    lacks = ("incomplete", "sample", "untracked", "untracked_bytes", "shortened", "lost")
    said = report(capture)
    assert (said["sample"], said["shortened"]) == (4096, 7)
    for by in ("line", "thread"):
        got = table(capture, "--by", by)
        assert [got[key] for key in lacks] == [said[key] for key in lacks]


def test_faults_22_23_25_names_stay_in_their_field(tmp_path: Path) -> None:
    source = """
        def kept():
            return bytes(10**6)
        names = []
        for name in ("=1+1", "+x", "-x", "@x", "a,b", 'say "x"', "two\\nlines\\x1b[2J", "\\udc80"):
            names.append(eval(kept.__code__.replace(co_qualname=name, co_name=name)))
    """
    capture = record(tmp_path, source)
    names = {row["function"] for row in table(capture)["rows"]}
    assert {"=1+1", "two\nlines\x1b[2J", "\udc80"} <= names
    text = output("table", "--csv", "a.mprof", cwd=tmp_path)
    assert "\x1b" not in text
    fields = {row["function"] for row in csv.DictReader(io.StringIO(text))}
    assert {"'=1+1", "'+x", "'-x", "'@x", "a,b", 'say "x"', "two\\x0alines\\x1b[2J", "\\x80"} <= fields  # fmt: skip
    for by in ("line", "function", "file", "module"):
        shown = output("table", "--by", by, "-n", "100", "a.mprof", cwd=tmp_path)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
        rows, _, _ = shown.partition("\n\n")  # behind it: what a word in it means
        assert all(re.match(r" *(\d|at peak)", line) for line in rows.splitlines())


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    mprof("heap", "-o", "a.mprof", "work.py", cwd=tmp_path)
    assert "incomplete: the program was killed" in output("table", "a.mprof", cwd=tmp_path)
    assert table(tmp_path / "a.mprof")["incomplete"]


@pytest.mark.parametrize(
    "words",
    [("--by", "x"), ("--sort", "x"), ("-n", "0"), ("-n", "x"), ("--by=",)],
)
def test_faults_28_a_bad_value_is_a_usage_error(tmp_path: Path, words: tuple) -> None:
    done = mprof("table", *words, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_json_of_a_capture_with_nothing_in_it_has_no_rows(tmp_path: Path) -> None:
    capture = record(tmp_path, "")
    got = json.loads(output("table", "--json", capture.name, cwd=tmp_path))
    assert [row for row in got["rows"] if row["marks"] != ["thread"]] == []
    assert got["all"]["at_peak"] == got["own"]["at_peak"]
