"""Which lines held memory, from the stacks of a stretch, and as text.

24.0 MiB  76.2%  tests/test_load.py:12 test_load
                   rows = [row.split(",") for row in text]
 7.5 MiB  23.8%  src/load.py:40 parse
                   for row in csv.DictReader(file):
                   in csv.py:124 DictReader.__next__: d = dict(zip(self.fieldnames, row))
                   called by tests/test_load.py:13 test_load
"""

from __future__ import annotations

import linecache
import os
import sys
from itertools import groupby

from memory_profiler._limits.sizes import show

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable

    Frame = tuple[str, int, str, int]
    Stack = tuple[int, int, list[Frame]]

USERS, OURS = 1, 2  #: whose a frame is; 0: Python's library or installed
_CALLERS = 3  # that are named
_COMPREHENSIONS = "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"
_LEAST_BENEATH = 0.2  # the share of a line's that a library's line is named for
_LEAST = 0.01  # the share of a line that is shown beside others


class Holder:
    """A line, with what it holds, also by libraries for it, and the stack that holds most."""

    def __init__(self, frame: Frame | None) -> None:
        self.frame = frame  #: None: no Python code was running
        self.bytes = 0
        self.blocks = 0
        self.heaviest: Stack = (0, 0, [])
        self.what = ""  #: its types, where they are known
        self._beneath: dict[Frame, int] = {}

    def add(self, stack: Stack) -> None:
        self.bytes += stack[0]
        self.blocks += stack[1]
        if stack[0] > self.heaviest[0]:
            self.heaviest = stack
        frames = stack[2]
        if frames and frames[0] != self.frame:
            self._beneath[frames[0]] = self._beneath.get(frames[0], 0) + stack[0]

    @property
    def beneath(self) -> str:
        """The library's line that allocated most of it; empty where no line did."""
        if not self._beneath:
            return ""
        frame = max(self._beneath, key=lambda frame: self._beneath[frame])
        count = self._beneath[frame]
        if _LEAST_BENEATH * self.bytes > count:
            return ""
        part = "" if count == self.bytes else f"{show(count)} "
        if frame[0].startswith("<frozen importlib"):
            return f"{part}in code of imported modules"
        text = source(frame)
        return f"{part}in {place(frame)}{': ' if text else ''}{text}"

    @property
    def place(self) -> str:
        return place(self.frame) if self.frame else "(no Python code)"

    @property
    def source(self) -> str:
        return source(self.frame) if self.frame else ""

    @property
    def callers(self) -> list[Frame]:
        """The user's frames that led here, innermost first."""
        frames = self.heaviest[2]
        own = frames.index(self.frame) if self.frame in frames else 0
        return [frame for frame in frames[own + 1 :] if _is_users(frame)]


def _is_users(frame: Frame) -> bool:
    """Code that has neither a file nor a text is whoever's that started us, as execnet's."""
    return frame[3] == USERS and (frame[0][:1] != "<" or bool(source(frame)))


def folded(frames: list[Frame]) -> list[Frame]:
    """Comprehensions, right inside their function, as its own lines: as Python 3.12 runs those
    of lists, and nobody calls them."""
    if not any(frame[2].endswith(_COMPREHENSIONS) for frame in frames):
        return frames
    found: list[Frame] = []
    around: Frame = "", 0, "", 0
    for frame in reversed(frames):
        file, line, function, whose = frame
        outer, _, name = function.rpartition(".")
        outer = outer.removesuffix(".<locals>") or "<module>"
        if name in _COMPREHENSIONS and around[:3:2] == (file, outer):
            found[-1] = file, line, found[-1][2], whose
        else:
            found.append(frame)
        around = frame
    return found[::-1]


def place(frame: Frame) -> str:
    """ "file.py:12 function", short where the file is here or in the library."""
    file, line, function, _ = frame
    return f"{short(file)}:{line} {function}" if line else f"{short(file)} {function}"


def short(file: str) -> str:
    """A file's name from the working directory, or from the folder that Python found it in."""
    for folder in (os.getcwd(), *sys.path):
        if folder and file.startswith(folder.rstrip("/") + "/"):
            return file[len(folder.rstrip("/")) + 1 :]
    return file


def source(frame: Frame) -> str:
    return linecache.getline(frame[0], frame[1]).strip()


def line_of(stack: Stack) -> Frame | None:
    """The user's own line that led to it; where there is none that which allocated."""
    frames = stack[2]
    return next(filter(_is_users, frames), frames[0] if frames else None)


def by_line(stacks: Iterable[Stack]) -> list[Holder]:
    """The lines, as line_of() says, the heaviest first; what is our own is left out."""
    found: dict[Frame | None, Holder] = {}
    for stack in stacks:
        frames = stack[2]
        if frames and frames[0][3] == OURS:
            continue
        whole = stack[0], stack[1], folded(frames)
        at = line_of(whole)
        found.setdefault(at, Holder(at)).add(whole)
    return sorted(found.values(), key=lambda holder: -holder.bytes)


def _called_by(holder: Holder) -> list[str]:
    """The nearest callers and the outermost, which is the test: recursion is told once."""
    grouped = ((frame, len(list(same))) for frame, same in groupby(holder.callers))
    names = [
        f"{place(frame)} ({times:,} times)" if times > 1 else place(frame)
        for frame, times in grouped
    ]
    more = len(names) - _CALLERS
    if more > 0:
        names[_CALLERS - 1 : -1] = [f"{more:,} more"]
    return names


def _joined(title: str, names: list[str], width: int) -> list[str]:
    """In a line, or a name a line where that would be too long."""
    line = title + ", ".join(names)
    if len(line) <= width:
        return [line] if names else []
    return [f"{' ' * len(title) if n else title}{name}" for n, name in enumerate(names)]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def table(holders: list[Holder], whole: int, most: int = 3, width: int = 100) -> list[str]:
    """The heaviest lines as text, each with its source and who called it."""
    lines = []
    least = _LEAST * whole
    most = min(most, max(1, sum(holder.bytes >= least for holder in holders)))
    for holder in holders[:most]:
        share = 100 * holder.bytes / whole if whole else 0
        lines.append(f"{show(holder.bytes):>12} {share:5.1f}%  {holder.place}")
        room = " " * 23
        if holder.source:
            lines.append(room + _cut(holder.source, max(width - len(room), 30)))
        if holder.what:
            lines.append(f"{room}is {holder.what}")
        if holder.beneath:
            lines.append(room + _cut(holder.beneath, max(width - len(room), 30)))
        lines += _joined(f"{room}called by ", _called_by(holder), width)
    rest = holders[most:]
    if rest:
        count = sum(holder.bytes for holder in rest)
        share = 100 * count / whole if whole else 0
        words = "line" if len(rest) == 1 else "lines"
        lines.append(
            f"{show(count):>12} {share:5.1f}%  ({len(rest):,} more {words} of code)"
        )
    return lines
