"""What the README shows is what happens."""

from __future__ import annotations

import pathlib
import re
import shlex
import subprocess
import sys

import pytest

pytestmark = pytest.mark.one_version

TOP = pathlib.Path(__file__).parents[3]
README = (TOP / "README.md").read_text()
ROW = re.compile(r"^ *(\d+) (?:[ \d.-]+MiB [ \d.-]+MiB +(\d+)   |[ ]{40})(.*)$")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.S)


def rows(text: str) -> list[tuple[str, ...]]:
    """Line number, Occurrences and source of each row of a table."""
    return [match.groups("") for match in map(ROW.match, text.splitlines()) if match]


def test_the_table_at_the_top_is_what_its_command_prints() -> None:
    command, shown = blocks("console")[1].removeprefix("$ ").split("\n", 1)
    words = shlex.split(command)
    assert words[0] == "python"
    printed = subprocess.run(
        [sys.executable, *words[1:]], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout
    ours = rows(shown)
    assert len(ours) == 12
    # inlined comprehensions make fewer line events on some versions
    assert [(r[0], r[2]) for r in ours] == [(r[0], r[2]) for r in rows(printed)]
    assert shown.splitlines()[0] == printed.splitlines()[0]


def test_the_python_examples_run(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "big.csv").write_text("a,b,c\n" * 50_000)
    monkeypatch.chdir(tmp_path)
    examples = blocks("python")
    assert len(examples) == 1
    names: dict[str, object] = {}
    for number, source in enumerate(examples):
        path = tmp_path / f"example{number}.py"
        path.write_text(source)
        exec(compile(source, path, "exec"), names)
    assert "<Line example0.py:" in capsys.readouterr().out


def test_the_mprof_commands_run(tmp_path) -> None:
    commands = "".join(block for block in blocks("console") if "$ mprof" in block)
    assert commands.count("$ mprof") == 11
    (tmp_path / "examples").symlink_to(TOP / "examples")
    mprof = pathlib.Path(sys.executable).with_name("mprof")
    for line in commands.splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        assert words[0] == "mprof"
        done = subprocess.run(
            [mprof, *words[1:]], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, (line, done.stderr)


@pytest.mark.parametrize("target", ["demo", "test", "install"])
def test_the_make_targets_exist(target: str) -> None:
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (TOP / "Makefile").read_text(), re.M)


def test_links_and_pictures_lead_to_files() -> None:
    paths = re.findall(r"\]\(([^)#:]+)[^)]*\)", README)
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert len(paths) > 20 and len(pictures) == 2
    for path in paths + pictures:
        assert (TOP / path).exists(), path


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_links_that_an_index_shows_are_absolute(tmp_path) -> None:
    shown = subprocess.run(
        [sys.executable, TOP / "tools" / "absolute_links.py", TOP / "README.md", "9.9.9"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert not re.findall(r"\]\((?!https://)", shown)
    assert not re.findall(r'(?:src|srcset)="(?!https://)', shown)
    assert "/blob/v9.9.9/docs/accuracy.md#what-it-costs)" in shown
    assert "/raw/v9.9.9/docs/pictures/heap-light.png" in shown
