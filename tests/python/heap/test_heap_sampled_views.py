"""Every view of a sampled capture says that its figures are estimates, and how far off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import pytest

from heap_runs import figures
from recordings import Recorder

pytestmark = pytest.mark.one_version

SAMPLE = 1 << 19

PROGRAM = """
import threading
def small(): return [object() for _ in range(400_000)]
def large(): return [bytearray(4 << 20) for _ in range(5)]
def work(): held.extend(bytes(1000) for _ in range(20_000))
held = []
kept = small(), large()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""

FAMILY = """
import os
kept = [bytes(1000) for _ in range(20_000)]
for _ in range(2):
    if not os.fork():
        more = [bytes(1000) for _ in range(20_000)]
        os._exit(0)
    os.wait()
"""

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
SIZE = r"(\d+(?:\.\d+)?) ?([KMG]?)i?B?"
NARROW = {"COLUMNS": "80", "LC_ALL": "C"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Captures: one sampled, one exact, one of several processes, one that no sample met."""
    here = Recorder(tmp_path_factory.mktemp("sampled"))
    here.write("program.py", PROGRAM)
    here.write("family.py", FAMILY)
    here.write("nothing.py", "pass\n")
    for sample, name, program in [
        ("512K", "sampled", "program"), ("512K", "family", "family"),
        ("1G", "nothing", "nothing"),
    ]:  # fmt: skip
        done = here.mprof(
            "heap", "--sample", sample, "-o", f"{name}.mprof", f"{program}.py"
        )
        assert done.code == 0, done.err
    assert here.mprof("heap", "-o", "exact.mprof", "program.py").code == 0
    return here


def bytes_of(number: str, unit: str) -> float:
    return float(number) * UNITS[unit]


def estimates(text: str) -> list[tuple[float, float]]:
    """Sizes and their errors, as they stand."""
    found = re.findall(rf"{SIZE} ?\+-{SIZE}", text)
    return [(bytes_of(*row[:2]), bytes_of(*row[2:])) for row in found]


def unqualified(text: str) -> list[str]:
    """Sizes of one decimal without an error."""
    return re.findall(r"(?<![\d.+-])\d+\.\d(?: [KMG]iB|[KMG]\b)(?! ?\+-)", text)


def show(here: Recorder, *words: str) -> str:
    done = here.mprof(*words, env=NARROW)
    assert done.code == 0 and not done.err, done.err
    return done.out


def sections(text: str) -> Iterator[str]:
    """A report's parts but what is read of the process and not sampled."""
    for part in text.split("\n\n"):
        if not part.startswith("Where the RSS is"):
            yield part


VIEWS = [
    ("report", "sampled.mprof"),
    ("report", "family.mprof"),
    ("report", "--by", "process", "family.mprof"),
    ("lines", "sampled.mprof"),
    ("lines", "sampled.mprof", "program.py"),
    ("table", "sampled.mprof"),
    ("table", "--by", "function", "--sort", "total", "sampled.mprof"),
    ("table", "--by", "module", "sampled.mprof"),
    ("table", "--by", "thread", "sampled.mprof"),
    ("table", "--by", "process", "family.mprof"),
]


@pytest.mark.parametrize("words", VIEWS, ids=" ".join)
def test_each_view_has_standard_errors_and_stays_within_eighty_columns(
    runs: Recorder, words: tuple[str, ...]
) -> None:
    text = show(runs, *words)
    assert "sampled: one block in 512.0 KiB" in text
    found = estimates(text)
    assert found
    for size, error in found:
        # Both are rounded: to a decimal, or three digits.
        assert error == pytest.approx(sqrt(SAMPLE * max(size, SAMPLE)), rel=0.08), text
    assert max(map(len, text.splitlines())) <= 80, text


@pytest.mark.parametrize("name", ["sampled.mprof", "family.mprof"])
def test_no_heap_figure_of_a_sampled_report_looks_exact(runs: Recorder, name: str) -> None:
    for part in sections(show(runs, "report", name)):
        for line in part.splitlines():
            if line.startswith(("  RSS ", "  most RSS ", "sampled", "standard error")):
                continue
            left = unqualified(line)
            rss = re.match(r"  (peak|end|together) ", line) is not None
            assert len(left) <= rss, line


def test_the_balance_sheet_says_the_error_of_its_live_blocks(runs: Recorder) -> None:
    text = show(runs, "report", "sampled.mprof")
    (line,) = [row for row in text.splitlines() if "standard error of live" in row]
    sheet = figures(runs, "sampled.mprof")["balance"]["at_end"]
    said = bytes_of(*re.findall(rf"\+-{SIZE}", line)[1])
    assert said == pytest.approx(sqrt(SAMPLE * sheet["heap"]), rel=0.08)


def test_a_report_of_every_block_has_no_errors(runs: Recorder) -> None:
    for words in VIEWS:
        if "family.mprof" not in words:
            text = show(runs, *(word.replace("sampled", "exact") for word in words))
            assert "+-" not in text and "sampled:" not in text
    assert "+-" not in show(runs, "peak", "exact.mprof")
    assert "sampled" not in show(runs, "plot", "--terminal", "exact.mprof")


def test_the_peak_comes_with_its_error(runs: Recorder) -> None:
    peak, error = re.findall(
        r"\t(\S+) MiB \+-(\S+) MiB, sampled\n", show(runs, "peak", "sampled.mprof")
    )[0]
    (said,) = json.loads(show(runs, "peak", "--json", "sampled.mprof"))
    assert said["sample"] == SAMPLE and said["error"] == int(sqrt(SAMPLE * said["peak"]))
    assert float(peak) == pytest.approx(said["peak"] / 2**20, abs=0.001)
    assert float(error) == pytest.approx(said["error"] / 2**20, abs=0.001)
    (exact,) = json.loads(show(runs, "peak", "--json", "exact.mprof"))
    assert (exact["sample"], exact["error"]) == (0, 0)


def test_a_plot_names_the_heap_as_sampled_with_the_error_of_its_peak(
    runs: Recorder,
) -> None:
    text = show(runs, "plot", "--terminal", "sampled.mprof")
    said, peak = re.findall(r"heap \(sampled, at most \+-(\S+) MiB\) peak (\S+) MiB", text)[
        0
    ]
    assert float(said) == pytest.approx(sqrt(0.5 * float(peak)), abs=0.06)
    assert runs.mprof("plot", "-o", "plot.html", "sampled.mprof").code == 0
    assert "heap (sampled, at most +-" in (runs.path / "plot.html").read_text()


@pytest.mark.parametrize(
    "words",
    [("report",), ("lines",), ("lines", "program.py"), ("table",),
     ("table", "--by", "thread"), ("peak",)],
    ids=" ".join,
)  # fmt: skip
def test_every_json_document_has_the_sample(runs: Recorder, words: tuple[str, ...]) -> None:
    view, *more = words
    for name, sample in (("sampled.mprof", SAMPLE), ("exact.mprof", 0)):
        source = more if view == "lines" else []
        how = more if view == "table" else []
        said = json.loads(show(runs, view, "--json", *how, name, *source))
        assert (said[0] if view == "peak" else said)["sample"] == sample


def test_a_table_as_csv_says_the_sample_beside_it(runs: Recorder) -> None:
    done = runs.mprof("table", "--csv", "sampled.mprof")
    assert "sampled: one block in 512.0 KiB" in done.err
    assert "sqrt(512.0 KiB * x)" in done.err and "sampled" not in done.out.split("\n")[0]


def test_a_list_says_which_captures_are_sampled(here: Recorder) -> None:
    here.write("program.py", "pass\n")
    assert here.mprof("heap", "--sample", "64K", "program.py").code == 0
    (name,) = [path.name for path in Path(here.path).glob("mprofheap_*.mprof")]
    Path(here.path / name).rename(here.path / "mprofheap_20200101000000.mprof")
    assert here.mprof("heap", "program.py").code == 0
    sampled, exact = here.mprof("list").out.splitlines()
    assert sampled.endswith("program.py, sampled") and exact.endswith("program.py")
    told = json.loads(here.mprof("list", "--json").out)
    assert [row["sample"] for row in told] == [65536, 0]


def test_a_capture_that_no_sample_met_does_not_look_exact(runs: Recorder) -> None:
    text = show(runs, "report", "nothing.mprof")
    assert figures(runs, "nothing.mprof")["peak"] == 0
    assert "no block was sampled: 1.0 GiB or more may have been missed" in text
    assert re.search(r"  peak +0 B \+-1\.0 GiB ", text)
    assert "0 B +-0 B" not in text
    assert "no block was sampled" in show(runs, "lines", "nothing.mprof")
    assert "0B+-1.0G" in show(runs, "table", "nothing.mprof")
    assert "\t0.000 MiB +-1024.000 MiB, sampled" in show(runs, "peak", "nothing.mprof")


MOMENTS = """
from memory_profiler import heap
def keep(): return bytes(1000)
def turn_over(): return bytes(1000)
kept = [keep() for _ in range(40_000)]
turned = [turn_over() for _ in range(20_000)]
heap.mark("warm")
kept += [keep() for _ in range(8_000)]
turned.clear()
turned = [turn_over() for _ in range(20_000)]
heap.mark("later")
"""


def test_growth_within_a_run_varies_by_what_came_and_went_alone(here: Recorder) -> None:
    """The 40 MB below it are the same sample at both moments: with their error nothing would have grown."""
    here.write("moments.py", MOMENTS)
    assert here.mprof("heap", "--sample", "64K", "-o", "m", "moments.py").code == 0
    for words in (["--between", "warm,later", "m"], ["m@warm", "m@later"]):
        rows = json.loads(show(here, "diff", "--json", "--by", "function", *words))["rows"]
        by_name = {row["is"]["function"]: row for row in rows if row["is"]}
        grown, turned = by_name["keep"], by_name["turn_over"]
        assert grown["status"] == "grew" and grown["before"] > 3 * grown["growth"]
        assert grown["error"] == int(sqrt((1 << 16) * grown["growth"]))
        both = turned["before"] + turned["after"]
        assert turned["error"] == int(sqrt((1 << 16) * both))
    back = json.loads(show(here, "diff", "--json", "--by", "function", "m@later", "m@warm"))
    (row,) = [row for row in back["rows"] if row["growth"] == -grown["growth"]]
    assert (row["status"], row["error"]) == ("shrank", grown["error"])


def test_the_growth_of_a_report_varies_by_what_came_and_what_went(here: Recorder) -> None:
    here.write("moments.py", MOMENTS.replace("turned.clear()", "del turned[5_000:]"))
    assert here.mprof("heap", "--sample", "64K", "-o", "m", "moments.py").code == 0
    text = show(here, "report", "--between", "warm,later", "m")
    (line,) = [row for row in text.splitlines() if row.startswith("  growth ")]
    (net, error), (grew, _), (shrank, less) = estimates(line)
    assert error == pytest.approx(sqrt((1 << 16) * (grew + shrank)), rel=0.08)
    assert less == pytest.approx(sqrt((1 << 16) * max(shrank, 1 << 16)), rel=0.08)
    assert net == pytest.approx(grew - shrank, abs=110_000)
