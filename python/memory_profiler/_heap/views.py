"""What `mprof` says of a capture: its figures, and its page. Both are those of the commands."""

from __future__ import annotations

import os
import sys

from memory_profiler._heap.texts import given_texts
from memory_profiler._limits.holders import short
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PATIENCE = 120  # seconds that a view may take
_ELF = b"\x7fELF"


class NoViewError(Exception):
    """There is no `mprof`, or it failed; the text says why."""


def _candidates() -> Iterator[str]:
    """Where an installed `mprof` may be: beside Python, as `pip install --target` or `--user`
    put it, on the path."""
    with standard:
        import shutil
        import sysconfig

    yield os.path.join(sysconfig.get_path("scripts"), "mprof")
    yield os.path.join(os.path.dirname(sys.executable or ""), "mprof")
    packages = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    yield os.path.join(packages, "bin", "mprof")
    yield os.path.join(sysconfig.get_path("scripts", f"{os.name}_user"), "mprof")
    yield shutil.which("mprof") or ""


def _is_program(path: str) -> bool:
    if not (os.path.isabs(path) and os.access(path, os.X_OK) and os.path.isfile(path)):
        return False
    with open(path, "rb") as file:
        return file.read(len(_ELF)) == _ELF


def _program() -> str:
    for path in _candidates():
        if _is_program(path):
            return path
    raise NoViewError("there is no mprof beside this Python; reinstall memory_profiler")


def _run(*words: str) -> bytes:
    """What it prints. Raises NoViewError."""
    with standard:
        import subprocess
    try:
        done = subprocess.run(
            [_program(), *words],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise NoViewError(str(error)) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise NoViewError(said or f"mprof {words[0]} ended with {done.returncode}")
    return done.stdout


class Capture:
    """An ended recording as a file, for as long as the block runs.

    Args:
        heap: of the tracker.
    """

    def __init__(self, heap: Any) -> None:
        self._heap = heap

    def __enter__(self) -> Capture:
        """Raises OSError, and RuntimeError of a recording that has not ended."""
        with standard:
            import tempfile

        self._folder = tempfile.mkdtemp(prefix="mprof-")
        self.path = os.path.join(self._folder, "capture.mprof")
        try:
            self._heap.save(self.path, given_texts())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with standard:
            import shutil

        shutil.rmtree(self._folder, ignore_errors=True)

    def figures(self) -> dict[str, Any]:
        """What `mprof report --json` says."""
        with standard:
            import json

        found: dict[str, Any] = json.loads(_run("report", "--json", self.path))
        return found

    def rows(self, by: str) -> list[dict[str, Any]]:
        """The rows of `mprof table --json`."""
        with standard:
            import json

        found: list[dict[str, Any]]
        found = json.loads(_run("table", "--by", by, "--json", self.path))["rows"]
        return found

    def page(self, title: str, least: float) -> str:
        """The page of `mprof flamegraph`.

        Args:
            least: percent below which stacks are drawn as one.
        """
        page = os.path.join(self._folder, "page.html")
        _run("flamegraph", "-t", title, "--min-percent", str(least), "-o", page, self.path)
        with open(page, encoding="utf-8") as file:
            return file.read()


def label(file: str) -> str:
    """A file's name for people: "Cell In[3]" of a notebook's, else short."""
    texts = given_texts()
    given = texts[file][0] if file in texts else ""
    return given or short(file)


def place_of(row: dict[str, Any]) -> str:
    """Where a row is, for people."""
    line = f":{row['line']}" if row["line"] else ""
    return f"{label(row['file'])}{line} {row['function']}"


def source_of(row: dict[str, Any]) -> str:
    """Its source without what it is indented by; empty where it is not known."""
    with standard:
        import linecache

    return linecache.getline(row["file"], row["line"]).strip()
