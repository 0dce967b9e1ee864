"""The folder of --memory-dir: a capture and a page of each test that fails its limit."""

from __future__ import annotations

import hashlib
import os
import re

import pytest

from memory_profiler._limits.command import Unrun, run_mprof
from memory_profiler._limits.holders import short

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from memory_profiler._pytest.items import Phase

_MAGICS = b"mprof\x1ahp", b"mprof\x1amg"  # of a capture, of several in one file
_LONGEST = 120  # characters of a name
_PATIENCE = 120  # seconds that a page may take


def prepare(folder: str) -> None:
    """Makes it; raises pytest.UsageError where nothing can be written there."""
    try:
        os.makedirs(folder, exist_ok=True)
        probe = os.path.join(folder, f".mprof-{os.getpid()}")
        open(probe, "xb").close()
        os.unlink(probe)
    except OSError as error:
        raise pytest.UsageError(
            f"--memory-dir: cannot write to {folder}: {error.strerror}"
        ) from None


def _name(nodeid: str) -> str:
    """A file's name for a test, which no other test has."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-.")
    mark = hashlib.sha1(nodeid.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{plain[-_LONGEST:]}-{mark}"


def _remove_earlier(path: str) -> None:
    """One of an earlier session of ours; what is not ours stays, and the new one fails."""
    try:
        with open(path, "rb") as file:
            ours = file.read(len(_MAGICS[0])) in _MAGICS
        if ours:
            os.unlink(path)
    except OSError:
        pass


def _make_page(capture: str, page: str) -> str | None:
    """None, or why there is none."""
    try:
        run_mprof(["flamegraph", "-o", page, capture], _PATIENCE)
    except Unrun as why:
        return str(why)
    return None


def keep(folder: str, nodeid: str, phase: Phase) -> str:
    """Writes both; the lines that name them, or say why they are not there."""
    stem = os.path.join(folder, _name(nodeid))
    capture, page = f"{stem}.mprof", f"{stem}.html"
    _remove_earlier(capture)
    try:
        phase.save(capture)
    except OSError as error:
        return f"capture: cannot write {short(capture)}: {error.strerror}"
    except Unrun as why:
        return f"capture: cannot write {short(capture)}: {why}"
    failed = _make_page(capture, page)
    if failed:
        return f"capture: {short(capture)} (no page: {failed})"
    return f"page to open: {short(page)}\ncapture: {short(capture)}"
