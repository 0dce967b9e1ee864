"""The pages of commands, from what the commands say of themselves.

`mprof-commands` asks the mprof that `MPROF` names, else the one on the path, which has it all
from its one table; `program-help` the package that is imported here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ROW = re.compile(r"^    (\w+) +\S", re.M)


def _ask(*words: str) -> str:
    """What mprof prints, in 80 columns."""
    return subprocess.run(
        [os.environ.get("MPROF", "mprof"), *words],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"},
    ).stdout  # fmt: skip


def version() -> str:
    """The version of that mprof."""
    return _ask("--version").strip()


def names() -> list[str]:
    """The commands, in the order of mprof's own list."""
    listed = _ask("help").partition("Available commands:")[2].partition("Examples:")[0]
    return _ROW.findall(listed)


class MprofCommands(SphinxDirective):
    """A section for each command, with what `mprof help COMMAND` prints."""

    def run(self) -> list[nodes.Node]:
        made: list[nodes.Node] = []
        for name in names():
            section = nodes.section(ids=[f"mprof-{name}"], names=[f"mprof {name}"])
            section += nodes.title(text=f"mprof {name}")
            text = _ask("help", name)
            section += nodes.literal_block(text, text, language="text")
            self.state.document.note_implicit_target(section, section)
            made.append(section)
        return made


class ProgramHelp(SphinxDirective):
    """What `python -m memory_profiler --help` prints."""

    def run(self) -> list[nodes.Node]:
        text = subprocess.run(
            [sys.executable, "-m", "memory_profiler", "--help"],
            capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"},
        ).stdout  # fmt: skip
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("mprof-commands", MprofCommands)
    app.add_directive("program-help", ProgramHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
