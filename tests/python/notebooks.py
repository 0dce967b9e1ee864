"""Kernels and shells for tests: real ones, in a home of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import html.parser
import mmap
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def take(size: int) -> mmap.mmap:
    """Fresh resident MiB: no allocator can hand out what it kept of earlier tests."""
    room = mmap.mmap(-1, size << 20)
    for page in range(0, size << 20, mmap.PAGESIZE):
        room[page] = 1
    return room


ANSI = re.compile(r"\x1b\[[0-9;]*m")
SAID = re.compile(r"^peak memory: (-?[\d.]+) MiB, increment: (-?[\d.]+) MiB$", re.M)


def memit(ip, line: str, cell: str | None = None):
    return (
        ip.run_line_magic("memit", line)
        if cell is None
        else ip.run_cell_magic("memit", line, cell)
    )


@dataclasses.dataclass
class Ran:
    """What one cell left in the notebook."""

    outputs: list[dict[str, Any]]

    @property
    def text(self) -> str:
        """What it printed, and the plain text of what it showed."""
        return "".join(
            out["text"]
            if out["output_type"] == "stream"
            else out["data"]["text/plain"] + "\n"
            for out in self.outputs
            if "text" in out or "data" in out
        )

    @property
    def html(self) -> str:
        return "".join(
            out["data"].get("text/html", "") for out in self.outputs if "data" in out
        )

    @property
    def error(self) -> str:
        """The traceback without colours; empty when there was none."""
        return "".join(
            ANSI.sub("", "\n".join(out["traceback"]))
            for out in self.outputs
            if out["output_type"] == "error"
        )


def run_notebook(*sources: str) -> list[Ran]:
    """Runs cells one after the other through nbclient, past errors."""
    import nbformat
    from nbclient import NotebookClient

    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, allow_errors=True, kernel_name="python3").execute()
    return [Ran(cell.outputs) for cell in notebook.cells]


class Kernel:
    """A kernel under one's hands."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(self, source: str, on_started: Callable[[], None] = lambda: None) -> Ran:
        """Runs a cell; calls `on_started` when it has printed "started"."""
        outputs: list[dict[str, Any]] = []

        def keep(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind in ("stream", "display_data", "execute_result", "error"):
                outputs.append({"output_type": kind, **content})
            if kind == "stream" and "started" in content["text"]:
                on_started()

        self.client.execute_interactive(source, output_hook=keep, timeout=60)
        return Ran(outputs)


@contextlib.contextmanager
def a_kernel() -> Iterator[Kernel]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class _Parts(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.styles: set[str] = set()
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("img", "br"):
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "style":
                self.styles |= {
                    one.split(":")[0] for one in (value or "").split(";") if one
                }

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parts_of(text: str) -> _Parts:
    """The tags, attributes, CSS properties and words of a fragment; fails when it is not
    balanced."""
    parser = _Parts()
    parser.feed(text)
    parser.close()
    assert not parser.open
    return parser
