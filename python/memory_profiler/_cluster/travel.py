"""Captures on their way from a worker's host to who gathers them.

A capture may be written while it is read: it is complete at every moment, and what comes is one
of these. Holes are zeros, which take next to no bytes on the way, and holes again in the end.
"""

from __future__ import annotations

import os
import zlib

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE = 4096
_MAGIC = b"mprof\x1ahp"
_KILLED, _LIVED = 1 << 5, 1 << 6  # in the second byte of `followed`: docs/heap-file.md
_PID, _BEGAN, _CLEAN = slice(24, 32), slice(24, 40), slice(48, 52)
_RUN, _HOST = slice(50096, 50104), slice(59744, 59808)


def listing(place: str) -> list[tuple[str, str, int]]:
    """Of each capture in this host's folder: the host, the path, its bytes."""
    host = os.uname().nodename
    found = []
    try:
        names = sorted(os.listdir(place))
    except OSError:
        return []
    for name in names:
        path = os.path.join(place, name)
        if ".mprof" in name and os.path.isfile(path):
            found.append((host, path, os.path.getsize(path)))
    return found


def _is_written(path: str, pid: int) -> bool:
    """Whether the process that the capture is of has it mapped: else it is gone."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as maps:
            return os.fsencode(os.path.realpath(path)) in maps.read()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # another user's


def pack(path: str) -> bytes:
    """A capture's bytes, compressed. They say of a process that was killed that it was."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    host = content[_HOST].split(b"\0")[0]
    if not any(content[_CLEAN]) and host == os.fsencode(os.uname().nodename):
        pid = int.from_bytes(content[_PID], "little")
        content[21] |= _LIVED if _is_written(path, pid) else _KILLED
    return zlib.compress(content, 1)


def _identity(content: bytes) -> tuple[bytes, bytes]:
    return content[_BEGAN], content[_RUN]


def _is_same(path: str, content: bytes) -> bool:
    """Whether the file is an earlier state of the capture."""
    try:
        with open(path, "rb") as file:
            there = file.read(_RUN.stop)
    except OSError:
        return False
    return there[:8] == _MAGIC and _identity(there) == _identity(content)


def _write(path: str, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for at in range(0, len(content), _PAGE):
            page = content[at : at + _PAGE]
            if page.count(0) < len(page):
                file.seek(at)
                file.write(page)
        file.truncate(len(content))


def save(folder: str, name: str, packed: bytes) -> str:
    """A file of that name in the folder, in place of an earlier state of the capture alone.

    Raises:
        OSError: it cannot be written; ValueError: it is no capture.
    """
    content = zlib.decompress(packed)
    if content[:8] != _MAGIC:
        raise ValueError(f"{name} is no heap capture")
    base, dot, rest = os.path.basename(name).partition(".mprof")
    path, number = os.path.join(folder, base + dot + rest), 1
    while os.path.lexists(path) and not _is_same(path, content):
        number += 1
        path = os.path.join(folder, f"{base}-{number}{dot}{rest}")
    beside = f"{path}.part"
    try:
        _write(beside, content)
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise
    return path


def each_once(
    found: Iterable[tuple[str, list[tuple[str, str, int]]]],
) -> list[tuple[str, str, str]]:
    """Who is asked for which capture: workers of one host all see the same."""
    seen: dict[tuple[str, str], str] = {}
    for who, listed in found:
        for host, path, _ in listed:
            seen.setdefault((host, path), who)
    return [(who, host, path) for (host, path), who in seen.items()]
