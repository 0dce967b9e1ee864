"""Whose code is whose: what is installed is not the user's, unless the user or the program says so."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from recordings import Recorder

pytestmark = pytest.mark.one_version

LIBRARY = "def hold(size):\n    return bytearray(size)\n"
APP = "import tool.deep as deep\nkept = deep.hold(500_000)\n"


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    """A project with its virtual environment within: app.py calls tool.deep, which is installed."""
    tool = tmp_path / ".venv" / "lib" / "python3.12" / "site-packages" / "tool"
    tool.mkdir(parents=True)
    (tool / "__init__.py").touch()
    (tool / "deep.py").write_text(LIBRARY)
    (tool / "__main__.py").write_text("from tool.deep import hold\nkept = hold(600_000)\n")
    (tmp_path / "app.py").write_text(APP)
    return Recorder(tmp_path)


def packages(here: Recorder) -> str:
    return str(here.path / ".venv" / "lib" / "python3.12" / "site-packages")


def record(here: Recorder, *program: str, **env: str) -> str:
    done = here.mprof("heap", "-o", "a.mprof", *program,
                      env={"PYTHONPATH": packages(here), **env})  # fmt: skip
    assert done.code == 0, done.err
    return done.err


def first(here: Recorder, *words: str, **env: str) -> tuple[str, int]:
    done = here.mprof("report", "--json", *words, "a.mprof", env=env)
    assert done.code == 0, done.err
    (line, *_) = json.loads(done.out)["your_lines"]
    assert line["live"] >= 500_000
    return Path(line["file"]).name, line["line"]


def test_what_a_virtual_environment_in_the_project_holds_is_not_yours(
    here: Recorder,
) -> None:
    said = record(here, "app.py")
    assert first(here) == ("app.py", 2)
    assert "from app.py:2 <module>" in said


def test_an_editable_install_is_yours(here: Recorder) -> None:
    source = here.path / "src" / "tool2"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text(LIBRARY)
    here.write("edit.py", "import tool2\nkept = tool2.hold(500_000)\n")
    done = here.mprof("heap", "-o", "a.mprof", "edit.py",
                      env={"PYTHONPATH": str(source.parent)})  # fmt: skip
    assert done.code == 0 and first(here) == ("__init__.py", 2)


@pytest.mark.parametrize(
    "pattern", ["tool", "tool.*", "tool.deep", "t??l.d*", "site-packages/tool", "*/tool/deep.py", "deep.py"]
)  # fmt: skip
def test_a_pattern_is_a_module_or_a_path(here: Recorder, pattern: str) -> None:
    record(here, "app.py")
    assert first(here, "--mine", pattern) == ("deep.py", 2)
    assert first(here, MPROF_MINE=f"nothing:{pattern}") == ("deep.py", 2)


def test_the_last_pattern_decides_and_options_come_after_the_environment(
    here: Recorder,
) -> None:
    record(here, "app.py")
    assert first(here, "--mine", "tool", "--not-mine", "tool.deep") == ("app.py", 2)
    assert first(here, "--not-mine", "tool", "--mine", "tool") == ("deep.py", 2)
    assert first(here, "--not-mine", "tool", MPROF_MINE="tool") == ("app.py", 2)
    assert first(here, MPROF_MINE="tool:!tool.deep") == ("app.py", 2)
    assert first(here, "--mine", "too", "--mine", "tool.dee", "--mine", "ap") == (
        "app.py",
        2,
    )
    done = here.mprof("report", "--mine", "", "a.mprof")
    assert done.code == 2 and len(done.err.splitlines()) == 1


def test_who_calls_nothing_theirs_is_told_how_to_say_so(here: Recorder) -> None:
    record(here, "app.py")
    text = here.mprof("report", "--not-mine", "app.py", "a.mprof").out
    assert "Your lines, at the peak\n  none led to any of it; --mine PATTERN" in text
    table = here.mprof("table", "--by", "your-line", "--not-mine", "app", "a.mprof").out
    assert re.search(r"(?m)^.*  \(no line of yours\)$", table)


def test_the_package_of_an_installed_program_is_yours_where_nothing_else_is(
    here: Recorder,
) -> None:
    said = record(here, "-m", "tool")
    assert first(here) == ("deep.py", 2)
    assert re.search(r"from .*tool/deep.py:2 hold;", said)
    script = here.path / ".venv" / "bin" / "tool"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nimport runpy\nimport tool.__main__\n")
    record(here, str(script))
    assert first(here) == ("deep.py", 2)


def test_views_and_the_closing_words_know_the_environment(here: Recorder) -> None:
    said = record(here, "app.py", MPROF_MINE="tool")
    assert re.search(r"from .*tool/deep.py:2 hold;", said)
    for command in ("table --by your-line", "lines", "tree", "flamegraph -o a.html"):
        done = here.mprof(*command.split(), "--mine", "tool", "a.mprof")
        assert done.code == 0, done.err
    rows = json.loads(
        here.mprof("table", "--by", "your-line", "--json", "--mine", "tool", "a.mprof").out
    )["rows"]
    assert rows[0]["function"] == "hold" and rows[0]["cumulative"]["live"] >= 500_000
