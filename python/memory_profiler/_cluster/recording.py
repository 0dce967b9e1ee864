"""This process's heap, recorded into a folder of its host that is the run's.

    TMPDIR/mprof-heaps-UID/RUN/HOST.PID.mprof

It is no folder of the engine's, which removes its own when a worker is killed. Nothing here but
`Settings` raises: a worker that cannot record works as it would, and says why when it is asked.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from memory_profiler import _core, heap
from memory_profiler._heap import children
from memory_profiler._heap import folder as names

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MOST_OF_ONE_PID = 1000


class Settings:
    """How a run's workers record.

    Args:
        sample: bytes between samples on average, as int or "512K"; None: every block.
        native: as for `heap.track`.
        folder: where each host keeps the captures of its workers; None: a folder in its
            temporary one.

    Raises:
        ValueError: `sample` is no size.
    """

    def __init__(
        self, sample: int | str | None, native: bool | None, folder: str | None
    ) -> None:
        self.sample = names.size(str(sample)) if sample else 0
        self.native = native
        self.folder = folder
        self.run = os.urandom(8).hex()
        heap.track(sample=self.sample)  # raises where it cannot be

    def place(self) -> str:
        """The run's folder on this host."""
        if self.folder is not None:
            return os.path.join(os.path.realpath(self.folder), self.run)
        user = f"mprof-heaps-{os.getuid()}"
        return os.path.join(tempfile.gettempdir(), user, self.run)

    def notice(self) -> str:
        """What says in a process's environment that it records there from its start on."""
        native = ",native=0" if self.native is False else ""
        return f"1:0,sample={self.sample}{native}:{self.place()}/"


def _make(place: str) -> None:
    """The folder, in one that nobody else can put anything into."""
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    status = os.lstat(os.path.dirname(place))
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{os.path.dirname(place)} is another user's")
    os.makedirs(place, mode=0o700, exist_ok=True)


def _start(settings: Settings) -> None:
    base = os.path.join(settings.place(), f"{os.uname().nodename}.{os.getpid()}")
    for number in range(_MOST_OF_ONE_PID):
        path = f"{base}-{number}.mprof" if number else f"{base}.mprof"
        try:
            heap.start(path, settings.native, settings.sample, children=True)
            return
        except FileExistsError:
            continue
    raise FileExistsError(base)


_announcers = 0
_notice = ""  # what they say


def _is_ours() -> bool:
    return _announcers > 0 and os.environ.get(children.VARIABLE) == _notice


@contextlib.contextmanager
def announced(settings: Settings) -> Iterator[None]:
    """Python processes that this one starts meanwhile record into the run's folder from their
    start on, unless somebody says already what becomes of them, or does so meanwhile."""
    global _announcers, _notice
    free = _is_ours() or not children.is_followed()
    try:
        if free:
            _make(settings.place())
    except OSError:
        free = False  # a worker says why, when it comes to that
    if not free:
        yield
        return
    _announcers += 1
    _notice = os.environ[children.VARIABLE] = settings.notice()
    try:
        yield
    finally:
        if _announcers == 1 and _is_ours():
            del os.environ[children.VARIABLE]
        _announcers -= 1


_users = 0  # of this process's recording: several workers may be threads of one process


def begin(settings: Settings, worker: str) -> str:
    """Records from here on, as what the engine calls the worker. "", or why that cannot be."""
    global _users
    if _users:
        _users += 1
        return ""
    try:
        joined = children.joined(f"{settings.place()}/")
        if joined is not None:
            if settings.native and not joined.figures()["native"]:
                return "native memory cannot be followed in it"
            children.lead(own_capture())
        elif not _core.Heap().could_start():
            return "this process is recorded already"
        else:
            _make(settings.place())
            _start(settings)
        name_it(worker)
    except Exception as problem:
        return str(problem) or type(problem).__name__
    _users = 1
    return ""


def _capture() -> Any:
    ours: Any = heap._ours()
    return ours.tracker._heap if ours else children.joined("")


def name_it(worker: str) -> None:
    cut = worker.encode()[:127].decode("utf-8", "ignore")
    _capture().belong(0, 0, cut)


def look(rss: int, managed: int, spilled: int, limit: int) -> bool:
    """Keeps in the capture what the engine says of this worker's memory now, in bytes. Whether
    there is a capture."""
    capture = _capture()
    return capture is not None and capture.engine(rss, managed, spilled, limit)


def end() -> None:
    """Closes the capture where nobody else in this process records into it."""
    global _users
    if not _users:
        return
    _users -= 1
    if not _users:
        try:
            if heap._ours():
                heap.stop()
            else:
                children.stop()
        except (OSError, RuntimeError):
            pass  # the file says what it lacks


def own_capture() -> str:
    """The file that this process records into, "" where it does not: it has it mapped."""
    with open("/proc/self/maps", "rb") as maps:
        shared = [line for line in maps if b" rw-s " in line and b"/" in line]
    paths = {line.split(None, 5)[5].rstrip() for line in shared}
    for path in sorted(paths):
        try:
            with open(path, "rb") as file:
                start = file.read(32)
        except OSError:
            continue
        if (
            start[:8] == b"mprof\x1ahp"
            and int.from_bytes(start[24:32], "little") == os.getpid()
        ):
            return os.fsdecode(path)
    return ""
