"""The text of code that is in no file."""

from __future__ import annotations

import sys


def given_texts() -> dict[str, tuple[str, str]]:
    """Of code in no file, as a notebook's cells are: what it is called, or "", and its text."""
    cache = getattr(sys.modules.get("linecache"), "cache", {})
    texts: dict[str, tuple[str, str]] = {}
    try:
        for name, entry in list(cache.items()):
            if len(entry) == 4 and entry[1] is None:  # nobody looks for it on disk
                texts[name] = _label(name), "".join(entry[2])
    except Exception:  # the program may have put anything there
        pass
    return texts


def _label(name: str) -> str:
    """As IPython's own tracebacks call a cell."""
    try:
        shell = sys.modules["IPython"].get_ipython()
        return " ".join(shell.compile.format_code_name(name))
    except Exception:  # no IPython, none of its cells, another version's
        return ""
