"""The only way a file of ours comes to be from Python: src/base/output.h's twin.

Pages and pictures replace nothing but an earlier one of ours, and are complete or not there at
all. Reports are appended to reports and logs. Pipes and devices are written to. Nothing goes
through somebody else's link.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import IO, Any

PAGE = b'<meta name="generator" content="memory_profiler">'
PICTURE = b"made by memory_profiler"
_REPORTS = b"Filename: ", b'{\n  "schema": "memory_profiler.'  # how they begin
_LOOKED_AT = 65536  # bytes at either end of a file
_SYSTEM = "/dev/", "/proc/"  # /dev/stdout and its like are links of the system's own
#: What a report is appended to whatever it holds: texts and logs, not sources.
_TEXTS = "", ".txt", ".text", ".log", ".out", ".err", ".rst", ".md", ".dat", ".report"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Refused(OSError):
    """A file has the name that is not to be written; `strerror` says why and what to do."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(number, why)


def _has(path: str, mark: bytes) -> bool:
    """Whether a file begins or ends with what holds a mark."""
    with os.fdopen(os.open(path, os.O_RDONLY | _NO_FOLLOW), "rb") as file:
        start = file.read(_LOOKED_AT)
        file.seek(max(len(start), os.fstat(file.fileno()).st_size - _LOOKED_AT))
        return mark in start or mark in file.read()


def _is_stream(path: str) -> bool:
    """Whether it is a pipe or device, or one that the system's link names."""
    if path.startswith(_SYSTEM) and os.path.islink(path):
        return True
    mode = os.lstat(path).st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode))


class Replacement:
    """A file that gets its name when it is complete.

    Args:
        path: the name. force: replaces any file or link that has it.
        remedy: what the user may do about such a file.
        mark: what an earlier file of ours holds in its first or last 64 KiB.

    Raises:
        OSError: it cannot be written (no folder, a directory); Refused: a file that is not ours
        or a link has the name.
    """

    def __init__(
        self, path: str, mark: bytes, force: bool = False, remedy: str = "--force replaces"
    ) -> None:
        self.path, self._remedy = path, remedy
        self._fresh = not os.path.lexists(path)
        self._stream = not self._fresh and _is_stream(path)
        if not self._fresh and not self._stream:
            self._check(mark, force)
        self._temporary = f"{path}.mprof-{os.getpid()}"
        if not self._stream:
            open(self._temporary, "xb").close()
            os.unlink(self._temporary)

    def _check(self, mark: bytes, force: bool) -> None:
        status = os.lstat(self.path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if force:
            return
        if stat.S_ISLNK(status.st_mode):
            raise Refused(errno.ELOOP, f"it is a symbolic link; {self._remedy} the link")
        if status.st_size and not _has(self.path, mark):
            why = f"it exists and is not one of ours; {self._remedy} it"
            raise Refused(errno.EEXIST, why)

    def write(self, content: bytes) -> None:
        """Writes all of it and gives the file its name. On OSError nothing is left behind."""
        if self._stream:
            with open(self.path, "wb", buffering=0) as stream:
                _write_all(stream, content)
            return
        try:
            with open(self._temporary, "xb", buffering=0) as file:
                _write_all(file, content)
            self._give_name()
        except BaseException:
            try:
                os.unlink(self._temporary)
            except OSError:
                pass
            raise

    def _give_name(self) -> None:
        if self._fresh and os.path.lexists(self.path):
            raise Refused(errno.EEXIST, "another file took the name meanwhile")
        os.replace(self._temporary, self.path)


def a_page(path: str, force: bool = False) -> Replacement:
    """A page of tables, or of a plot."""
    return Replacement(path, PAGE, force)


def a_picture(path: str, force: bool = False) -> Replacement:
    """What matplotlib drew, with `PICTURE` in its metadata."""
    return Replacement(path, PICTURE, force)


def a_printout(path: str) -> Replacement:
    """The text of `%mprun -T`, which has no way to force."""
    return Replacement(path, b"Filename: ", remedy="remove")


def _write_all(file: Any, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


class Appended:
    """A text file that reports are appended to.

    Args:
        path: the name. force: appends to any regular file, and through links.

    Raises:
        OSError: it cannot be written; Refused: a file has the name that is neither a report nor
        a text by its name, or a link to what is not a regular file of this user.
    """

    def __init__(self, path: str, force: bool = False) -> None:
        self.path = path
        self._fresh = not os.path.lexists(path)
        self._stream = not self._fresh and _is_stream(path)
        if self._stream:
            return  # its reader would take a probe for the whole report
        if not self._fresh:
            self._check(force)
        os.close(self._descriptor())
        if self._fresh:
            os.unlink(path)

    def _check(self, force: bool) -> None:
        if os.path.islink(self.path) and not force:
            self._check_target()
        status = os.stat(self.path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        a_text = os.path.splitext(self.path)[1].lower() in _TEXTS
        if not force and not a_text and status.st_size:
            with open(self.path, "rb") as file:
                ours = file.read(_LOOKED_AT).startswith(_REPORTS)
            if not ours:
                raise Refused(
                    errno.EEXIST, "it exists and is no report; --force appends to it"
                )

    def _check_target(self) -> None:
        try:
            status = os.stat(self.path)
        except OSError:
            raise Refused(errno.ELOOP, "it is a symbolic link to nothing") from None
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise Refused(
                errno.ELOOP, "it is a symbolic link to what is not a file of yours"
            )

    def _descriptor(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        if not self._stream:
            flags |= getattr(os, "O_NONBLOCK", 0)
        return os.open(self.path, flags, 0o666)

    def open(self) -> IO[str]:
        """The file, at its end."""
        return os.fdopen(
            self._descriptor(), "a", encoding="utf-8", errors="backslashreplace"
        )

    def append(self, put: Any) -> None:
        """Calls `put(stream)`. On OSError the file is as it was, or not there as before."""
        size = None if self._stream or self._fresh else os.path.getsize(self.path)
        try:
            with self.open() as file:
                put(file)
        except OSError:
            self._undo(size)
            raise

    def _undo(self, size: int | None) -> None:
        try:
            if size is not None:
                os.truncate(self.path, size)
            elif self._fresh:
                os.unlink(self.path)
        except OSError:
            pass
