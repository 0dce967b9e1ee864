"""%%mheap: a cell recorded block by block, shown as your lines and as the page."""

from __future__ import annotations

import os
import sys

from memory_profiler._heap.shown import shown
from memory_profiler._heap.texts import given_texts
from memory_profiler._limits.sizes import parse
from memory_profiler._notebook.cells import Statement, cell_number
from memory_profiler._notebook.options import Options, display, usage_error
from memory_profiler.heap import Tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def record_and_show(shell: Any, line: str, cell: str | None) -> Tracker | None:
    """What the magic does (its options: MemoryProfilerMagics.mheap)."""
    __tracebackhide__ = True
    options = Options(line, "s:noq", ("save=", "no-page"))
    if cell is not None and options.statement:
        raise usage_error(f"%%mheap runs the cell, not {options.statement!r}")
    path = options.last("save")
    if path and os.path.lexists(os.path.expanduser(path)):
        raise usage_error(f"--save: {path} is there already; name another file")
    sample = _sample(options)
    whole = cell is not None
    source = options.statement if cell is None else cell
    statement = Statement(shell, source, below=whole, shows=whole)
    tracker, error = _record(statement, None if not options.has("n") else False, sample)
    if path:
        _keep(tracker, path)
    if not options.has("q") and (error or not options.has("o")):
        _show(shell, tracker, not options.has("no-page"))
    if error is not None:
        raise error
    return tracker if options.has("o") else None


def _sample(options: Options) -> int:
    try:
        return parse(options.last("s") or 0)
    except ValueError as error:
        raise usage_error(f"-s: {error}") from None


def _record(
    statement: Statement, native: bool | None, sample: int
) -> tuple[Tracker, BaseException | None]:
    """Runs it once; what it raised is returned. Raises UsageError where it did not run."""
    __tracebackhide__ = True
    try:
        tracker = Tracker(native=native, sample=sample)
        tracker.start()
    except (OSError, RuntimeError, ValueError, NotImplementedError) as why:
        raise usage_error(f"cannot record: {why}") from None
    error: BaseException | None = None
    try:
        statement.run()
    except BaseException as raised:
        error = raised
    try:
        tracker.stop()
    except OSError as why:  # what the cell did counts more
        print(f"cannot end the recording: {why}", file=sys.stderr)
    return tracker, error


def _keep(tracker: Tracker, path: str) -> None:
    """Writes the capture, or says why not: the cell has run."""
    try:
        tracker._heap.save(os.path.expanduser(path), given_texts())
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        print(f"cannot write {path}: {why}", file=sys.stderr)


def _show(shell: Any, tracker: Tracker, page: bool) -> None:
    seen = shown(tracker._heap, f"Cell In[{cell_number(shell)}]")
    if seen is None:
        print(tracker)
    elif getattr(shell, "kernel", None) is None:
        print(seen.text())
    else:
        html = seen.html() if page else seen.table()
        display({"text/plain": seen.text(), "text/html": html}, raw=True)
