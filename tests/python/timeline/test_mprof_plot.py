"""mprof plot: the page in Chromium, pictures, characters; a spike is in all of them."""

from __future__ import annotations

import functools
import os
import pathlib
import re

import pytest

import pages
from recordings import Recorder, wait_for

pytestmark = pytest.mark.one_version

MANY, WHERE = 1_000_000, 654_321
LABEL = "</script><img src=x onerror=window.pwned=1>"

look = functools.partial(pages.look, "look.mjs")


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """A million samples of about 30 MiB; one, and only one, of 300."""
    recorder = Recorder(tmp_path_factory.mktemp("million"))
    lines = [f"MEM {30 + i % 7}.000000 {1000 + i * 0.01:.4f}\n" for i in range(MANY)]
    lines[WHERE] = f"MEM 300.000000 {1000 + WHERE * 0.01:.4f}\n"
    recorder.write("big.dat", "CMDLINE big\n" + "".join(lines))
    return recorder


def seconds(tip: str) -> float:
    return float(re.match(r"(-?[\d.]+) s", tip)[1])


def test_one_sample_among_a_million_is_in_the_page(million: Recorder) -> None:
    page = million.path / "big.html"
    assert million.mprof("plot", "-o", page, "big.dat").code == 0
    text = page.read_text()
    data = text[text.index('id="data">') + 10 :].partition("</script>")[0]
    assert len(text) - len(data) < 400_000
    seen = look(page)
    highest = seen["curve"]["highest"]
    assert abs(highest["x"] - WHERE / MANY) < 0.005
    assert highest["y"] < 0.1
    assert "peak 300.000 MiB" in seen["summary"]


def test_one_sample_among_a_million_is_in_characters(million: Recorder) -> None:
    for locale in ("C", "C.UTF-8"):
        shown = million.mprof(
            "plot", "--terminal", "big.dat", env={"LC_ALL": locale, "COLUMNS": "80"}
        ).out
        rows = [line for line in shown.splitlines() if re.match(r".{9}[|│]", line)]
        columns = [row[10:] for row in rows]
        at = int(WHERE / MANY * 69)
        assert columns[0].strip() and len(columns[0].rstrip()) - 1 == at
        assert all(len(row) <= 80 for row in rows)
        if locale == "C":
            assert shown.isascii()


def test_one_sample_among_a_million_is_in_the_picture(million: Recorder) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib import image

    done = million.mprof("plot", "-o", "big.png", "big.dat")
    assert done.code == 0, done.err
    pixels = image.imread(million.path / "big.png")
    curve = (pixels[..., 2] - pixels[..., 0] > 0.4) | (pixels[..., :3].sum(axis=2) < 0.6)
    dark = curve[90:480, 100:870]
    rows = dark[:, 5:-5].argmax(axis=0)
    assert dark.shape == (390, 770)
    column = rows[rows > 0].min(), int(rows.argmin())
    high = [x for x in range(dark.shape[1]) if dark[20:200, x].sum() > 100]
    assert high and abs(high[len(high) // 2] / dark.shape[1] - WHERE / MANY) < 0.05, column


def test_a_classic_picture_has_the_classics_look(here: Recorder) -> None:
    pytest.importorskip("matplotlib")
    here.write(
        "x.dat",
        "CMDLINE prog\n" + two_seconds() + "FUNC m.work 20.0 1000.5 21.0 1001.5 0\n",
    )
    assert here.mprof("plot", "--classic", "-o", "old.svg", "x.dat").code == 0
    assert here.mprof("plot", "-o", "new.svg", "x.dat").code == 0
    old, new = ((here.path / name).read_text() for name in ("old.svg", "new.svg"))
    assert "memory used (in MiB)" in old and "start at " in old and "work 1.000s" in old
    assert "memory used (in MiB)" not in new
    assert (
        "1 call, 1.000 s" in new and "entry 20.000 MiB" in new and "kept +1.000 MiB" in new
    )


def test_faults_28_a_classic_page_is_a_usage_error(here: Recorder) -> None:
    here.write("x.dat", two_seconds())
    done = here.mprof("plot", "--classic", "x.dat")
    assert done.code == 2 and done.err.count("\n") == 1 and "-o x.png" in done.err


def test_open_opens_what_was_written(here: Recorder) -> None:
    browser = here.write(
        "browser", '#!/bin/sh\necho "$1" > opened.part && mv opened.part opened\n'
    )
    browser.chmod(0o755)
    here.write("x.dat", two_seconds())
    done = here.mprof(
        "plot", "-o", "x.html", "--open", "x.dat", env={"BROWSER": str(browser)}
    )
    assert done.code == 0, done.err
    wait_for(lambda: (here.path / "opened").exists(), "the browser was started")
    assert (here.path / "opened").read_text() == f"{here.path / 'x.html'}\n"


def test_a_vector_picture_of_a_million_is_small(million: Recorder) -> None:
    pytest.importorskip("matplotlib")
    assert million.mprof("plot", "-o", "big.svg", "big.dat").code == 0
    assert (million.path / "big.svg").stat().st_size < 300_000


def page_of(here: Recorder, text: str, *words: str) -> pathlib.Path:
    here.write("x.dat", text)
    done = here.mprof("plot", "-o", "x.html", *words, "x.dat")
    assert done.code == 0, done.err
    return here.path / "x.html"


def two_seconds() -> str:
    return "".join(f"MEM {20 + i % 5}.0 {1000 + i / 100:.4f}\n" for i in range(200))


def test_the_page_zooms_hovers_and_toggles(here: Recorder) -> None:
    text = "CMDLINE prog\n" + two_seconds() + (
        "FUNC m.work 20.0 1000.5 21.0 1001.5 0\nFUNC m.other 20.0 1000.1 21.0 1000.2 0\n"
        + "".join(f"CHLD 77 10.0 {1000 + i / 100:.4f}\n" for i in range(200))
    )  # fmt: skip
    seen = look(page_of(here, text))
    assert seen["title"] == "prog"
    assert "24.000 MiB" in seen["tip"] or "2" in seen["tip"]
    assert "work" in seen["tip"] and "other" not in seen["tip"]
    assert "77" in seen["tip"]
    low, high = map(seconds, seen["zoomed"])
    assert abs(low - 0.5) < 0.02 and abs(high - 1.0) < 0.02
    low, high = map(seconds, seen["whole"])
    assert low < 0.02 and high > 1.95
    assert seen["curve"]["count"] > 500 and seen["curveOff"] < seen["curve"]["count"] / 20
    assert seen["dark"] > 500
    assert seen["lanes"]["height"] > 15


def test_faults_24_a_label_stays_text(here: Recorder) -> None:
    escaped = LABEL.replace(" ", "\\x20")
    text = (
        f'MPROF 1 pid=1 interval=0.01\nCMDLINE {LABEL} ]]> "onmouseover=alert(1)\n{two_seconds()}'
        f"FUNC .{escaped} 20.0 1000.5 21.0 1001.5 0\nPROC 5 1 1000.0 {escaped}\nCHLD 5 1.0 1000.5\n"
    )
    page = page_of(here, text)
    assert (
        "<img" not in page.read_text().partition('id="data">')[2].partition("</script>")[0]
    )
    seen = look(page)
    assert seen["images"] == 0 and not seen["pwned"]
    assert LABEL in seen["legend"] and f"{LABEL} 5" in seen["legend"]
    assert seen["title"].startswith(LABEL)


def test_a_legend_of_1500_functions_stays_usable(here: Recorder) -> None:
    calls = "".join(
        f"FUNC m.f{i} 20.0 {1000 + i / 1000:.4f} 21.0 {1000.4 + i / 1000:.4f} 0\n"
        for i in range(1500)
    )
    seen = look(page_of(here, two_seconds() + calls))
    assert seen["legendScrolls"]
    assert len(seen["legend"]) >= 1500
    assert all("7" in name for name in seen["found"] if name.startswith("f"))
    assert 0 < sum(name.startswith("f") for name in seen["found"]) < 700


def test_marks_between_samples_are_drawn(here: Recorder) -> None:
    text = "MPROF 1 pid=9 interval=0.1 metric=rss\n" + "".join(
        f"MEM 20.0 {1000 + i / 10:.4f}\n" for i in range(20)
    ) + "PEAK 9 200.0 1000.5 1000.6\nEND 1002.0 exit 0\n"  # fmt: skip
    seen = look(page_of(here, text))
    assert abs(seen["marks"]["highest"]["x"] - 0.55 / 2.0) < 0.01
    assert seen["marks"]["highest"]["y"] < 0.1
    shown = here.mprof(
        "plot", "--terminal", "x.dat", env={"LC_ALL": "C", "COLUMNS": "80"}
    ).out
    assert shown.splitlines()[1][10:].rstrip().endswith("'")
    assert "peak 200.000 MiB" in shown


def test_a_window_and_a_title(here: Recorder) -> None:
    here.write("x.dat", "CMDLINE prog\n" + two_seconds())
    shown = here.mprof(
        "plot", "--terminal", "-w", "0.5,1", "-t", "My title", "-s", "x.dat"
    ).out
    assert "My title" in shown and "prog" not in shown
    assert re.search(r"^ +0\.5 +1 s$", shown, re.M)
    assert re.search(r"trend [-+]\d+\.\d ± \d+\.\d MiB/h", shown)


def test_the_default_page_replaces_nobodys_file(here: Recorder) -> None:
    here.write("x.html", "mine")
    here.write("x.dat", two_seconds())
    done = here.mprof("plot", "x.dat", env={"DISPLAY": "", "BROWSER": ""})
    assert done.code == 0 and "x.dat.html" in done.out
    assert (here.path / "x.html").read_text() == "mine"
    here.write("mprofile_20260101000000.dat", two_seconds())
    here.mprof("plot", "mprofile_20260101000000.dat", env={"DISPLAY": "", "BROWSER": ""})
    assert (here.path / "mprofile_20260101000000.html").exists()


def test_a_browser_is_asked_when_there_is_one(here: Recorder) -> None:
    browser = here.write(
        "browser",
        f'#!/bin/sh\necho "$1" > {here.path}/asked.tmp; mv {here.path}/asked.tmp {here.path}/asked\n',
    )
    browser.chmod(0o755)
    here.write("x.dat", two_seconds())
    here.mprof("plot", "x.dat", env={"BROWSER": str(browser)})
    from recordings import wait_for

    wait_for((here.path / "asked").exists, "the browser was asked")
    assert (here.path / "asked").read_text().strip() == str(here.path / "x.dat.html")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize(
    "words", [[], ["-f"], ["-s"], ["-n", "-w", "0.1,0.9", "-t", "$x_1$ <t>"]]
)
def test_pictures_of_every_kind(here: Recorder, suffix: str, words: list[str]) -> None:
    pytest.importorskip("matplotlib")
    here.write(
        "x.dat", two_seconds() + "FUNC m._f 20.0 1000.5 21.0 1001.5 0\nCHLD 5 1.0 1000.5\n"
    )
    done = here.mprof("plot", "-o", f"x.{suffix}", *words, "x.dat")
    assert done.code == 0 and not done.err, done.err
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert (here.path / f"x.{suffix}").read_bytes().startswith(magic)


def test_faults_70_without_matplotlib_it_is_said(here: Recorder) -> None:
    here.write("x.dat", two_seconds())
    fake = here.path / "fake"
    fake.mkdir()
    (fake / "matplotlib.py").write_text("raise ImportError('No module named matplotlib')")
    done = here.mprof("plot", "-o", "x.png", "x.dat", env={"PYTHONPATH": str(fake)})
    assert done.code == 1
    assert done.out.startswith("matplotlib is needed for plotting.")
    assert (
        "pip install memory_profiler[plot]" in done.err and len(done.err.splitlines()) == 1
    )


@pytest.mark.parametrize("text", ["MEM 5.0 1000.0\n", "MEM 5.0 1000.0\n" * 50])
def test_faults_70_one_sample_or_equal_data_is_drawn(here: Recorder, text: str) -> None:
    page = page_of(here, text)
    assert here.mprof("plot", "--terminal", "x.dat").code == 0
    assert "peak 5.000 MiB" in look(page)["summary"]
    if pytest.importorskip("matplotlib"):
        assert here.mprof("plot", "-o", "x.png", "x.dat").code == 0


@pytest.mark.parametrize("columns", ["20", "40", "200", "99999", "-3", "x"])
def test_faults_67_any_width_and_no_escape(here: Recorder, columns: str) -> None:
    here.write(
        "x.dat", "CMDLINE a\n" + two_seconds() + "FUNC m.é 20.0 1000.5 21.0 1001.5 0\n"
    )
    env = {"LC_ALL": "C", "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": columns}
    done = here.mprof("plot", "--terminal", "x.dat", env=env)
    assert done.code == 0
    assert "\x1b" not in done.out and "peak 24.000 MiB" in done.out


def test_several_files_share_a_plot(here: Recorder) -> None:
    here.write("a.dat", two_seconds())
    here.write("b.dat", two_seconds().replace("MEM 2", "MEM 4"))
    assert here.mprof("plot", "-o", "x.html", "a.dat", "b.dat").code == 0
    assert {"a.dat", "b.dat"} <= set(look(here.path / "x.html")["legend"])


def test_the_page_follows_the_umask(here: Recorder) -> None:
    here.write("x.dat", two_seconds())
    here.mprof("plot", "-o", "x.html", "x.dat", umask=0o027)
    assert os.stat(here.path / "x.html").st_mode & 0o777 == 0o640
