"""Processes that a test starts: each Python among them records into a folder of the session.

    FOLDER/HOST.4711.mprof    a process; its run is the number of the test
    FOLDER/test.mprof         what the test itself allocated, for as long as they are summed up

Where somebody records the children of this process anyway, as `mprof heap -m pytest`, they are
theirs. docs/heap-children.md says which processes are reached.
"""

from __future__ import annotations

import os
import shutil
import tempfile

from memory_profiler import _core
from memory_profiler._heap import children
from memory_profiler._limits.command import run_mprof

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from memory_profiler._limits.holders import Stack
    from memory_profiler._limits.measuring import Stretch

_OWN = "test.mprof"
_PATIENCE = 120  # seconds that putting captures into one file may take


class Family:
    """A test with its processes, by what they recorded until now.

    Attributes:
        peak: the most bytes that all held at one moment, as far as they were sampled.
        processes: how many there were beside the test.
        stacks: of what each held at its own peak.
    """

    def __init__(self, own: Stretch, folder: str, captures: list[str]) -> None:
        """Raises OSError."""
        self._paths = [os.path.join(folder, _OWN), *captures]
        own.save(self._paths[0])
        self.peak, count, self.stacks = _sums(self._paths)
        self.processes = count - 1

    def save(self, path: str) -> None:
        """All captures as one file, which does not exist. Raises Unrun."""
        run_mprof(["merge", "-o", path, *self._paths], _PATIENCE)


def _sums(paths: list[str]) -> tuple[int, int, list[Stack]]:
    return _core.heap_together(paths)


class Children:
    """Those of one session's tests, of one at a time."""

    def __init__(self, native: bool) -> None:
        self._words = [] if native else ["native=0"]
        self._pid = os.getpid()
        self._run = 0
        self._follows = self._found = False
        self.folder = ""  #: empty: there is none, and nobody is followed
        try:
            self.folder = os.path.realpath(tempfile.mkdtemp(prefix="mprof-"))
        except OSError:
            pass  # tests are measured without their processes, and the summary names them

    def begin(self) -> None:
        """From here on they are of one test."""
        if self._found:
            self._clear()
        self._follows = bool(self.folder) and self._pid == os.getpid()
        self._follows = self._follows and not children.is_followed()
        if self._follows:
            was = _core.set_aside(True)  # what is allocated for it is not the test's
            self._run += 1
            children.gather(self._run, self.folder, self._words)
            _core.set_aside(was)

    def end(self) -> list[str]:
        """The captures of this test's, which stay until the next begins; what others left
        running is nobody's."""
        if not self._follows or self._pid != os.getpid():
            return []
        was = _core.set_aside(True)
        children.unfollow()
        self._found = bool(names := self._names())
        paths = [os.path.join(self.folder, name) for name in names]
        its = [path for path in paths if self._is_its(path)]
        _core.set_aside(was)
        return its

    def _names(self) -> list[str]:
        try:
            return sorted(os.listdir(self.folder))
        except OSError:
            return []

    def _is_its(self, path: str) -> bool:
        owner = _core.heap_owner(path)
        return owner is not None and owner[0] == self._run

    def _clear(self) -> None:
        for name in self._names():
            try:
                os.unlink(os.path.join(self.folder, name))
            except OSError:
                pass

    def close(self) -> None:
        if self.folder and self._pid == os.getpid():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = ""
