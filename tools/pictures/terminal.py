"""What a terminal shows of a command, as a page: run in tmux, its colours kept."""

from __future__ import annotations

import html
import pathlib
import re
import subprocess
import time

STYLE = """
:root { --back: #ffffff; --ink: #1b1f24; --dim: #6a737d; --line: #d9dee3; }
@media (prefers-color-scheme: dark) {
  :root { --back: #15191e; --ink: #d7dce1; --dim: #8b949e; --line: #30363d; } }
body { margin: 0; background: var(--back); display: inline-block; }
pre { margin: 0; padding: 14px 18px; color: var(--ink);
  font: 13px/1.35 "DejaVu Sans Mono", monospace; border: 1px solid var(--line); }
b { font-weight: 700; } .dim { color: var(--dim); }
"""
CODE = re.compile(r"\x1b\[([0-9;]*)m|\x1b.")


def shown(text: str) -> str:
    """HTML of what tmux captured: bold and faint, and nothing else is asked for."""
    out, open_tags, at = [], "", 0
    for code in CODE.finditer(text):
        out.append(html.escape(text[at : code.start()]))
        at = code.end()
        for number in (code[1] or "0").split(";"):
            if number == "1":
                out.append("<b>")
                open_tags += "b"
            elif number == "2":
                out.append('<span class="dim">')
                open_tags += "s"
            elif number in {"0", "22"} and open_tags:
                out += ["</b>" if tag == "b" else "</span>" for tag in reversed(open_tags)]
                open_tags = ""
    out.append(html.escape(text[at:]))
    return "".join(out)


def run(commands: list[str], folder: pathlib.Path, columns: int, rows: int) -> str:
    """What a terminal of that size has on its screen when the commands are done."""
    server = ["tmux", "-L", f"pictures-{folder.name}", "-f", "/dev/null"]
    typed = "".join(f"printf '$ %s\\n' '{command}'; {command}; " for command in commands)
    subprocess.run(
        [*server, "new-session", "-d", "-s", "shot", "-x", str(columns), "-y", str(rows),
         "-c", str(folder), "env", "LC_ALL=C.UTF-8", "MPROF_PAGER=", "sh", "-c",
         f"clear; {typed} touch done; exec sleep 60"],
        check=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (folder / "done").exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{commands} did not end in a minute")
            time.sleep(0.05)
        (folder / "done").unlink()
        screen = [*server, "capture-pane", "-e", "-p", "-t", "shot"]
        return subprocess.run(screen, capture_output=True, text=True, check=True).stdout
    finally:
        subprocess.run([*server, "kill-server"], check=False)


def page(text: str) -> str:
    """A document that is as large as the text."""
    return (
        f"<!doctype html><meta charset=utf-8><title>terminal</title><style>{STYLE}</style>"
        f"<pre>{shown(text.rstrip())}</pre>"
    )
