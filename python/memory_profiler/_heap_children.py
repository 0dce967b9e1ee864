"""Children of a program under `mprof heap` record their own heaps, each into FILE.PID.

    forked           what os.register_at_fork() calls in the child starts a capture there
    started anew     MPROF_HEAP=1:RUN:FILE is in its environment: memory_profiler_heap.pth,
                     which `site` runs, imports this module; else _child, multiprocessing's

Nothing here prints or raises: a child that cannot record runs as it would.
docs/heap-children.md says what is followed.
"""

from __future__ import annotations

import atexit
import os
import sys

from memory_profiler import _core

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any, NoReturn

VARIABLE = "MPROF_HEAP"
OFF = "off"  # what `mprof heap --no-follow` sets

_os_exit = os._exit


class Place:
    """Holds this process's capture, as a Tracker does."""

    def __init__(self) -> None:
        self._heap: Any = None


_place: Any = Place()
_run = 0  # of the capture being recorded; 0: none
_first = ""  # its first process's file
_pid = 0  # the process that records


def follow(tracker: Any, path: str) -> None:
    """Lets the children of this process, a run's first, record too; `tracker` runs."""
    run = tracker._heap.figures()["run"]
    os.environ[VARIABLE] = f"1:{run:x}:{os.path.realpath(path)}"
    _begin(tracker, run, os.path.realpath(path))


def _begin(place: Any, run: int, first: str) -> None:
    global _place, _run, _first, _pid
    if not _pid:
        os.register_at_fork(after_in_child=_forked)
    _place, _run, _first, _pid = place, run, first, os.getpid()


def _join(parent: int) -> bool:
    """Starts this process's own capture."""
    _place._heap = _core.Heap()
    try:
        _place._heap.join(_first, _run, parent)
    except Exception:
        return False
    return True


def _is_about_to_exec() -> bool:
    """Whether subprocess forked, to run a preexec_fn and become another program."""
    caller = sys._getframe(1).f_back  # of os.fork; none where C code forked
    if caller is None or caller.f_code.co_name != "_execute_child":
        return False
    return caller.f_globals.get("__name__") == "subprocess"


def _forked() -> None:
    global _run, _pid
    parent, _pid = _pid, os.getpid()
    if not _run:
        return
    if _is_about_to_exec() or not _join(parent):
        _run = 0
        return
    atexit.register(_stop)
    os._exit = _exit


def _exit(status: int) -> NoReturn:
    """os._exit in a forked child, which ends most of them: closes the capture before."""
    try:
        _stop()
    finally:
        _os_exit(status)


def unfollow() -> None:
    """Children that this process has from here on do not record."""
    global _run
    _run = 0
    os.environ.pop(VARIABLE, None)


def _stop() -> None:
    if not _run or _pid != os.getpid():
        return
    unfollow()
    try:
        _place._heap.stop()
    except OSError:
        pass


def _notice() -> tuple[int, str] | None:
    version, _, rest = (_core.Heap.notice() or "").partition(":")
    run, _, path = rest.partition(":")
    try:
        return (int(run, 16), path) if version == "1" and path[:1] == "/" else None
    except ValueError:
        return None


def enter() -> None:
    """Records from here on, in a process that a followed one started anew."""
    global _run
    notice = None if _pid or not hasattr(_core, "Heap") else _notice()
    if notice is None:
        return
    _begin(_place, *notice)
    if _join(os.getppid()):
        atexit.register(_stop)
    else:
        _run = 0
