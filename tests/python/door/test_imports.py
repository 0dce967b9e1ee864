"""Modules of the Python door import what lies below them alone: tools/check_imports.py looks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_version

TOP = Path(__file__).parents[3]


def check(tree: Path) -> tuple[int, str]:
    words = [sys.executable, TOP / "tools/check_imports.py", tree]
    done = subprocess.run(words, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(TOP / "python", tmp_path / "python")
    return tmp_path / "python"


def plant(tree: Path, module: str, line: str) -> None:
    path = tree / "memory_profiler" / module
    path.write_text(path.read_text() + line)


def test_the_modules_as_they_are_look_downstream_only(tree: Path) -> None:
    assert check(tree) == (0, "imports: every room looks downstream only\n")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (
            "_lines/profiler.py",
            "from memory_profiler._timeline.usage import memory_usage\n",
        ),
        ("_report/write.py", "def f():\n    from memory_profiler import _profile\n"),
        ("_say.py", "import memory_profiler._core\n"),
    ],
)
def test_an_import_into_a_room_above_is_named(tree: Path, module: str, line: str) -> None:
    plant(tree, module, line)
    code, said = check(tree)
    assert (
        code == 1 and module[:-3].replace("/", ".") in said and " may not import " in said
    )


def test_a_circle_within_a_room_is_named(tree: Path) -> None:
    plant(
        tree, "_calls/wrap.py", "def f():\n    from memory_profiler._calls import travel\n"
    )
    code, said = check(tree)
    assert code == 1
    assert (
        "_calls.travel -> memory_profiler._calls.wrap -> memory_profiler._calls.travel"
        in said
    )


def test_types_alone_are_no_import(tree: Path) -> None:
    line = "if TYPE_CHECKING:\n    from memory_profiler._calls.travel import Begin\n"
    plant(tree, "_calls/wrap.py", line)
    assert check(tree)[0] == 0


def test_a_new_room_has_to_be_known(tree: Path) -> None:
    (tree / "memory_profiler" / "_live").mkdir()
    (tree / "memory_profiler" / "_live" / "__init__.py").touch()
    code, said = check(tree)
    assert code == 1 and "_live: its room is not in tools/check_imports.py" in said
