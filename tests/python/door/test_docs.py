"""What the documentation says to type is there."""

from __future__ import annotations

import functools
import pathlib
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.one_version

TOP = pathlib.Path(__file__).parents[3]
PAGES = sorted([*(TOP / "docs").rglob("*.md"), TOP / "README.md"])
MPROF = pathlib.Path(sys.executable).with_name("mprof")
#: What stands in code and begins a command line of ours.
TYPED = re.compile(r"(?:`|^\$ |&& |^- run: )((?:mprof|pytest|python -m memory_profiler)\b[^`|\n]*)", re.M)  # fmt: skip
OPTION = re.compile(r"(?<=\s)(--[a-z][a-z-]*)")


@functools.cache
def help_of(*words: str) -> str:
    done = subprocess.run([*words], capture_output=True, text=True)
    return done.stdout + done.stderr


def known(line: str) -> tuple[str, set[str]]:
    """The options of ours in a line, and the help of what they are given to."""
    line = re.split(r"\s#\s|\s\S+\.py\b|\s-m\s|\s(?:gunicorn|make|python) ", line)[
        0
    ]  # what follows is the program's own
    words = line.split()
    if words[0] == "mprof":
        if len(words) < 2 or not words[1].isalpha():
            return "", set()
        return help_of(str(MPROF), "help", words[1]), set(OPTION.findall(line))
    if words[0] == "pytest":
        asked = {option for option in OPTION.findall(line) if option.startswith("--memory")}
        return help_of(sys.executable, "-m", "pytest", "--help"), asked
    return help_of(sys.executable, "-m", "memory_profiler", "--help"), set(
        OPTION.findall(line)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_the_options_that_a_page_names_are_there(page: pathlib.Path) -> None:
    for line in TYPED.findall(page.read_text()):
        help, options = known(line)
        assert "no command" not in help, line
        for option in options:
            assert re.search(rf"{option}\b(?!-)", help), f"{option} in {line!r}"


def test_pages_are_named_in_the_index() -> None:
    index = (TOP / "docs" / "index.md").read_text()
    lists = re.findall(r"```\{toctree\}\n(.*?)```", index, re.S)
    trees = [
        line for text in lists for line in text.splitlines() if line and line[0] != ":"
    ]
    pages = {
        str(page.relative_to(TOP / "docs"))[:-3]
        for page in PAGES
        if page.is_relative_to(TOP / "docs")
    } - {"index"}
    assert len(trees) == len(set(trees))
    assert sorted(pages - set(trees)) == [], "docs/index.md names every page"


def test_the_pictures_are_small_and_in_both_schemes() -> None:
    pictures = {path.stem: path for path in (TOP / "docs" / "pictures").iterdir()}
    assert {name.rpartition("-")[2] for name in pictures} == {"light", "dark"}
    for name, path in pictures.items():
        assert path.suffix == ".png" and path.stat().st_size < 150 << 10, name
        assert name.replace("light", "dark") in pictures
        assert name.replace("dark", "light") in pictures
