"""Children of a program under `mprof heap` record their own heaps, each into FILE.PID.

    forked           what os.register_at_fork() calls in the child starts a capture there
    started anew     MPROF_HEAP=1:RUN:FILE is in its environment: memory_profiler_heap.pth,
                     which `site` runs, imports this module; else `child`, which
                     multiprocessing does
    without FILE     MPROF_HEAP=1:RUN:FOLDER/ names a folder: see `folder`

Nothing here prints or raises: a child that cannot record runs as it would.
docs/heap-children.md says what is followed.
"""

from __future__ import annotations

import atexit
import builtins
import os
import sys
from _operator import index  # built in: no program can have one

from memory_profiler import _core
from memory_profiler._heap.texts import given_texts

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

VARIABLE = "MPROF_HEAP"
OFF = "off"  #: what it is in a run whose children do not record

_os_exit = os._exit


class Place:
    """Holds this process's capture, as a Tracker does."""

    def __init__(self) -> None:
        self._heap: Any = None


_place: Any = Place()
_run = 0  # of the capture being recorded; 0: none
_first = ""  # its first process's file, or a folder with a slash at its end
_words: list[str] = []  # options, where it is a folder
_pid = 0  # the process that records
_child = 0  # the process that records as a child of a run


def follow(tracker: Any, path: str, most: int = 0) -> None:
    """Lets the children of this process, a run's first, record too, `most` of them (0: as many
    as usual); `tracker` runs."""
    run = tracker._heap.follow(most)
    _announce(run, path)
    _begin(tracker, run, os.path.realpath(path))


def is_followed() -> bool:
    """Whether somebody says already what becomes of this process's children."""
    return bool(_run) or VARIABLE in os.environ


def gather(run: int, folder: str, words: list[str]) -> None:
    """Lets the children of this process, which need not record itself, record into a folder, as
    `folder` says of the words, until unfollow()."""
    global _words
    os.environ[VARIABLE] = f"1:{','.join([f'{run:x}', *words])}:{folder}/"
    _words = words
    _begin(Place(), run, f"{folder}/")


def _announce(run: int, path: str) -> None:
    os.environ[VARIABLE] = f"1:{run:x}:{os.path.realpath(path)}"


def joined(folder: str) -> Any:
    """This process's capture where it joined that folder ("": any run); else None."""
    ours = _run and _pid == os.getpid() and _first.startswith(folder)
    return _place._heap if ours else None


def lead(path: str) -> None:
    """Lets the children of this process, which joined a folder, record beside its own file, as
    those of a run's first."""
    run = _place._heap.follow(0)
    if path and not _place._heap.figures()["in_memory"]:
        _announce(run, path)
        _begin(_place, run, os.path.realpath(path))


def _begin(place: Any, run: int, first: str) -> None:
    global _place, _run, _first, _pid
    if not _pid:
        os.register_at_fork(after_in_child=_forked)
    _place, _run, _first, _pid = place, run, first, os.getpid()


def _is_wanted() -> bool:
    if "MPROF_WHO" not in os.environ:
        return True
    from memory_profiler._heap.folder import is_wanted

    return is_wanted()


def _join_folder(parent: int) -> bool:
    global _run
    from memory_profiler._heap import folder

    try:
        _place._heap = folder.join(_first, _words)
        _run = _place._heap.belong(max(_run, 0), parent, "")
    except Exception:
        return False
    return True


def _join(parent: int) -> bool:
    """Starts this process's own capture."""
    global _child
    _child = os.getpid()
    if _first[-1:] == "/":
        return _join_folder(parent)
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
    if _is_about_to_exec() or not _is_wanted() or not _join(parent):
        _run = 0
    elif os._exit is _os_exit and _first[-1:] == "/":
        os._exit = _exit  # who gathers them leaves its own as it is


def _exit(status: int) -> NoReturn:
    """os._exit, which ends most forked children: closes the capture before."""
    status = index(status)
    try:
        stop()
    finally:
        _os_exit(status)


def unfollow() -> None:
    """Children that this process has from here on do not record."""
    global _run
    _run = 0
    os.environ.pop(VARIABLE, None)


def leave(tracker: Any) -> None:
    """The same, where `tracker` is the one that they would join: nobody here keeps it then."""
    global _place
    if _place is tracker:
        unfollow()
        _place = Place()


def stop() -> Any:
    """Ends this process's capture, where it is a child of the run, and returns it."""
    if not _run or _pid != os.getpid():
        return None
    unfollow()
    ended, _place._heap = _place._heap, _core.Heap()
    try:
        ended.stop(given_texts())
    except OSError:
        pass
    return ended


def stop_child() -> Any:
    """The same before the process ends; None: it is no child of a run."""
    return stop() if _pid == _child else None


def _lineage() -> Iterator[int]:
    """This process, its parent, its parent's..."""
    pid = os.getpid()
    while pid:
        yield pid
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            return


def recall(path: str) -> bool:
    """Whether this process, before it became another program, or one that it comes from records
    into the file. Then the environment says again what a program took out of it."""
    owner = _core.heap_owner(path)
    if owner is None or owner[3] or owner[1] not in _lineage():
        return False
    if owner[2]:
        _announce(owner[0], path)
    else:
        os.environ[VARIABLE] = OFF
    return True


def _notice() -> tuple[int, list[str], str] | None:
    version, _, rest = (_core.heap_notice() or "").partition(":")
    run, _, path = rest.partition(":")
    number, *words = run.split(",")
    try:
        found = int(number, 16), words, path
    except ValueError:
        return None
    return found if version == "1" and path[:1] == "/" else None


class Bare:
    """The bare `profile` of a process that one of a run started anew, until it is used: what it
    is then takes longer to import than the rest of the start. `make` does that."""

    def __init__(self, make: Callable[[], Any]) -> None:
        vars(self)["make"] = make

    def _real(self) -> Any:
        real = vars(self).get("real")
        if real is None:
            real = vars(self)["real"] = vars(self)["make"]()
            if getattr(builtins, "profile", None) is self:
                builtins.profile = real  # type: ignore[attr-defined]
        return real

    def __call__(self, *words: Any, **options: Any) -> Any:
        return self._real()(*words, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._real(), name, value)

    def __enter__(self) -> Any:
        """Blocks are as they are: nothing is measured."""
        return self._real().__enter__()

    def __exit__(self, *error: object) -> None:
        """Nothing was begun."""


def start(make: Callable[[], Any]) -> None:
    """What `site` runs in a process that one of a run started anew. `make`: see Bare."""
    if not hasattr(builtins, "profile"):
        builtins.profile = Bare(make)  # type: ignore[attr-defined]
    enter()


def enter() -> None:
    """Records from here on, in a process that a followed one started anew."""
    global _run, _words
    notice = None if _pid or not hasattr(_core, "Heap") else _notice()
    if notice is None or not _is_wanted():
        return
    run, _words, first = notice
    _begin(_place, run or -1, first)
    if not _join(0 if first[-1:] == "/" else os.getppid()):
        _run = 0
        return
    atexit.register(stop)
    os._exit = _exit  # children that it forks have both
