"""What tests take from whoever started them, and what they leave behind."""

from __future__ import annotations

import glob
import os
import pathlib
import signal


def hear_interrupts() -> None:
    """Programs that tests start die of Ctrl-C, also where the tests are a script's background job.

    A shell has such a job ignore the first two, nohup the third, and what it starts inherits that. A
    signal that has a handler here is at its default there; it is still not heard here.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def children(pid: int | str = "self") -> set[int]:
    """Processes that a process started; none where /proc does not tell."""
    found = set()
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            found.update(map(int, pathlib.Path(path).read_text().split()))
        except OSError:
            pass  # a thread that has ended
    return found


def end_children(but: set[int]) -> None:
    """Kills what this process started, and what that did, but for some and Python's own helpers."""
    for pid in children() - but:
        if not is_helper(pid):
            end_tree(pid)


def end_tree(pid: int) -> None:
    below = children(pid)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    for child in below:
        end_tree(child)


def is_helper(pid: int) -> bool:
    """A fork server or resource tracker, which one test starts and the next goes on with."""
    try:
        return b"from multiprocessing." in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
