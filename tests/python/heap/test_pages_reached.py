"""All pages: what axe-core finds in them, what the keyboard reaches, and in a window of 420 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pages
from conftest import run_python
from recordings import Recorder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.one_version

PROGRAM = """
import time
def load_rows_of_everything(count):
    return [str(number) * 10 for number in range(count)]


# A comment in the source that is longer than a window of a telephone is wide, and then some more of it.
kept = load_rows_of_everything(%d)
time.sleep(0.2)  # so that there is a moment, however fast the machine
spike = bytearray(20 << 20); del spike
"""
LINES = "@profile\ndef work_with_a_name_that_is_long(count):\n    kept = bytearray(count)\n    return len(kept), 'a text that is so long that it cannot stand in a narrow window'\n\nwork_with_a_name_that_is_long(9 << 20)\n"
TIMELINE = "".join(f"MEM {20 + i % 5}.0 {1000 + i / 10:.4f}\n" for i in range(300)) + (
    "FUNC m.work 20.0 1002.5 21.0 1011.5 0\nFUNC m.other 20.0 1001.1 21.0 1002.2 0\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """Each page, with what is there once it is drawn."""
    if not (pages.TOP / "web/node_modules/axe-core").is_dir():
        pytest.skip("axe-core is not installed in web/")
    here = Recorder(tmp_path_factory.mktemp("pages"))
    for name, count in (("a", 50_000), ("b", 90_000)):
        here.write(f"{name}.py", PROGRAM % count)
        assert here.mprof("heap", "-o", f"{name}.mprof", f"{name}.py").code == 0
    here.write("x.dat", "CMDLINE prog\n" + TIMELINE)
    here.write("lines.py", LINES)
    assert here.mprof("plot", "-o", "plot.html", "x.dat").code == 0
    assert here.mprof("flamegraph", "-o", "heap.html", "a.mprof").code == 0
    assert here.mprof("diff", "-o", "diff.html", "a.mprof", "b.mprof").code == 0
    done = run_python(
        "-m", "memory_profiler", "--heap", "--peak", "--html", "lines.html", "lines.py",
        cwd=here.path,
    )  # fmt: skip
    assert done.code == 0, done.err
    waited = {
        "plot": "#plot canvas",
        "heap": "#graph g",
        "diff": "#graph g",
        "lines": "table",
    }
    return {name: (here.path / f"{name}.html", wanted) for name, wanted in waited.items()}


@pytest.fixture(scope="module", params=["plot", "heap", "diff", "lines"])
def seen(made: dict[str, tuple[Path, str]], request: pytest.FixtureRequest) -> dict:
    return {"name": request.param, **pages.look("look_axe.mjs", *made[request.param])}


def test_axe_finds_nothing(seen: dict) -> None:
    assert seen["found"] == []


def test_nothing_scrolls_sideways_in_a_narrow_window(seen: dict) -> None:
    assert set(seen["wide"].values()) == {0}
    assert seen["inner"] == [] and seen["cut"] == []


def test_the_keyboard_reaches_pictures_buttons_and_rows(seen: dict) -> None:
    wanted = {
        "plot": {"plot", "legend", "flame", "reset", "help", "theme", "INPUT"},
        "heap": {"plot", "graph", "TR", "search", "help", "yours", "all"},
        "diff": {"graph", "search", "theme"},
        "lines": set(),
    }
    assert wanted[seen["name"]] <= set(seen["reached"])


def test_a_framed_page_takes_the_theme_of_what_is_around_it(
    made: dict[str, tuple[Path, str]],
) -> None:
    light = ["#fff", "oklch(0.98 0 0)", "color(srgb 0.97 0.97 1)"]
    dark = ["rgb(20, 20, 20)", "oklch(0.2 0.02 260)", "color(srgb 0.1 0.1 0.12)"]
    themes = pages.look("look_framed.mjs", made["heap"][0], *light, *dark)["themes"]
    assert themes == 2 * (["light"] * 3 + ["dark"] * 3)
