"""Tables of a run's child processes: each child keeps its own where the parent reads them.

    home/            a directory of the run's, 0700, removed at the run's end
      4711.0         of one child: segments, each of a header and what Tracer.place() put behind
      4712.lost      a child whose lines could not be measured

    segment:  [ header, names | pages ] [ baseline, rows, baseline, rows, ... | pages ]

The rows are a mapping that the child's lines are counted in, so nothing is done at a child's
end: a child that is terminated, killed or left by os._exit loses the line it was on, no more.
"""

from __future__ import annotations

import os
import struct
import time

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from memory_profiler._core import Cell, Tracer

HEADER = struct.Struct(
    "=8sQQQQ"
)  # magic, pages of header, pages of rows, bytes of names, ns
MAGIC = b"mprofkid"
PLACE = struct.Struct("=q")
ROW = struct.Struct("=qqqQQQq")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
NEW = ".new"  #: behind the name of a file that holds nothing yet
MANY = 64  #: files of ended children that are left before they are put together

Key = tuple[str, str, int, int]
"""(file, qualified name, first line, how many like it came before)."""


class Named:
    """A function that only children know, as far as a code object tells what it is."""

    def __init__(self, filename: str, qualname: str, name: str, first: int) -> None:
        self.co_filename, self.co_qualname, self.co_name = filename, qualname, name
        self.co_firstlineno = first


class Table:
    """One function's figures, of one process or of several."""

    def __init__(
        self, code: CodeType | Named, baseline: int, cells: dict[int, Cell]
    ) -> None:
        self.code, self.baseline, self.cells = code, baseline, cells

    def add(self, other: Table) -> None:
        """Sums what lines did; of readings the largest stays, the first entry's is ours."""
        if self.baseline < 0:
            self.baseline = other.baseline
        for line, cell in other.cells.items():
            ours = self.cells.get(line)
            self.cells[line] = cell if ours is None else _sum(ours, cell)


def _sum(a: Cell, b: Cell) -> Cell:
    return (
        max(a[0], b[0]), a[1] + b[1], a[2] + b[2], max(a[3], b[3]), a[4] + b[4], a[5] + b[5],
        max(a[6], b[6]),
    )  # fmt: skip


class Keys:
    """What tells a function in every process: where it is, and how many are there before it
    in its own."""

    def __init__(self, folder: str) -> None:
        self.folder, self.seen = folder, dict[tuple[str, str, int], int]()

    def of(self, code: CodeType | Named) -> Key:
        filename = code.co_filename
        if not filename.startswith("<"):
            filename = os.path.normpath(os.path.join(self.folder, filename))
        name = (filename, code.co_qualname, code.co_firstlineno)
        self.seen[name] = self.seen.get(name, -1) + 1
        return (*name, self.seen[name])


def _pages(size: int) -> int:
    return -(-size // PAGE)


def _names(places: list[tuple[CodeType, int, int, int, int]]) -> bytes:
    words: list[object] = []
    for code, *numbers in places:
        names = (code.co_filename, code.co_qualname, code.co_name)
        words += [
            *(name.replace("\0", "?") for name in names),
            code.co_firstlineno,
            *numbers,
        ]
    return "\0".join(map(str, words)).encode("utf-8", "surrogatepass")


def _move(new: str, name: str) -> None:
    """Renames a file, never over another one."""
    try:
        os.link(new, name)
    except FileExistsError:
        raise
    except OSError:  # no hard links here
        if os.path.lexists(name):
            raise FileExistsError(name) from None
        os.rename(new, name)
    else:
        os.unlink(new)


class Place:
    """Where a child keeps its tables. Raises nothing: it runs on unmeasured, and is counted."""

    def __init__(self, home: str) -> None:
        self.home, self.name = home, ""
        self.end = self.count = 0

    def put(self, tracer: Tracer) -> None:
        """Moves the tables that came since the last time into a segment of the file."""
        size = tracer.room(self.count)
        if not size:
            return
        try:
            if self.name:
                self._write(tracer, size, self.name, 0)
            else:
                self._begin(tracer, size)
        except OSError:
            self._tell_lost()

    def _begin(self, tracer: Tracer, size: int) -> None:
        """The file has its name once it holds something: this process may be killed before."""
        name = os.path.join(self.home, str(os.getpid()))
        new = f"{name}.{os.urandom(8).hex()}{NEW}"
        self._write(tracer, size, new, os.O_CREAT | os.O_EXCL)
        for attempt in range(100):
            try:
                _move(new, f"{name}.{attempt}")
            except FileExistsError:  # of a process that had the number before
                continue
            self.name = f"{name}.{attempt}"
            return
        raise FileExistsError(self.home)

    def _write(self, tracer: Tracer, size: int, name: str, flags: int) -> None:
        fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
        try:
            self._put(tracer, fd, size)
        finally:
            os.close(fd)

    def _put(self, tracer: Tracer, fd: int, size: int) -> None:
        names = _names([(code, 0, 0, 0, 0) for code, *_ in tracer.tables()[self.count :]])
        head = _pages(HEADER.size + len(names) + 80 * (names.count(b"\0") + 1))
        rows = _pages(size)
        os.posix_fallocate(fd, self.end, (head + rows) * PAGE)  # a full disk is no SIGBUS
        places = tracer.place(fd, self.end + head * PAGE, self.count)
        names = _names(places)
        header = HEADER.pack(MAGIC, head, rows, len(names), time.monotonic_ns())
        os.pwrite(fd, header + names, self.end)
        self.end += (head + rows) * PAGE
        self.count += len(places)

    def _tell_lost(self) -> None:
        try:
            name = os.path.join(self.home, f"{os.getpid()}.lost")
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError:
            pass


def _read(path: str) -> Iterator[tuple[int, Table]]:
    """(when it was made, table) of each table in a child's file."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at + HEADER.size <= len(data):
        magic, head, rows, length, made = HEADER.unpack_from(data, at)
        start, end = at + head * PAGE, at + (head + rows) * PAGE
        if magic != MAGIC or not head or end > len(data):
            return
        names = data[at + HEADER.size : at + HEADER.size + length]
        words = names.decode("utf-8", "surrogatepass").split("\0")
        for i in range(0, len(words) - 7, 8):
            yield made, _table(words[i : i + 8], data, start, end)
        at = end


def _table(words: list[str], data: bytes, start: int, end: int) -> Table:
    first, line, _, count, offset = map(int, words[3:])
    code = Named(words[0], words[1], words[2], first)
    (baseline,) = PLACE.unpack_from(data, start + offset)
    at = start + offset + PLACE.size
    cells: dict[int, Cell] = {}
    for number in range(line, line + min(count, (end - at) // ROW.size)):
        memory, increment, peak, occurrences, *heap = ROW.unpack_from(data, at)
        if occurrences:
            cells[number] = (memory, increment, occurrences, peak, *heap)
        at += ROW.size
    return Table(code, baseline, cells)


def _is_cut(path: str) -> bool:
    """Whether a file ends within a segment: all of one is there from the start, one in any."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        at = 0
        while at < end:
            file.seek(at)
            data = file.read(HEADER.size)
            if len(data) < HEADER.size:
                return True
            magic, head, rows, *_ = HEADER.unpack(data)
            if magic != MAGIC or not head:
                return False  # it has just begun, or ended there
            at += (head + rows) * PAGE
    return at > end or not end


def _is_alive(name: str) -> bool:
    pid = name.partition(".")[0]
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        pass
    return True


class Family:
    """The children of a run's first process, as far as this process knows."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.folder = os.getcwd()
        top = os.environ.get("TMPDIR", "")
        name = f"memory_profiler-{os.getpid()}-{os.urandom(8).hex()}"
        self.name = os.path.abspath(
            os.path.join(top if os.path.isdir(top) else "/tmp", name)
        )
        self.home = ""
        self.failure = ""  #: why there is no home
        self.lost = 0
        self.cut = 0  #: children whose files somebody cut short
        self._born = 0
        self._ended: list[tuple[int, str, list[Table]]] = []

    def make(self) -> str:
        """The home, made when the first child is; '' when it cannot be."""
        if not self.home and not self.failure:
            self._make()
        self._born += 1
        if self.failure:
            self.lost += 1
        elif self._born % MANY == 0:
            self._gather(all_of_them=False)
        return self.home

    def _make(self) -> None:
        try:
            os.mkdir(self.name, 0o700)
        except FileExistsError:  # another thread forks, too
            pass
        except OSError as problem:
            self.failure = (
                f"cannot write in {os.path.dirname(self.name)}: {problem.strerror}"
            )
            return
        self.home = self.name

    def _files(self) -> list[str]:
        try:
            return sorted(os.listdir(self.home)) if self.home else []
        except OSError:
            return []

    def _gather(self, all_of_them: bool) -> None:
        """Takes the tables of children that ended, or of all, out of their files."""
        for name in self._files():
            if all_of_them or not _is_alive(name):
                self._take(name)

    def _take(self, name: str) -> None:
        path = os.path.join(self.home, name)
        if name.endswith(".lost"):
            self.lost += 1
        elif not name.endswith(NEW):
            self._ended.append(self._load(name))
            self.cut += _is_cut(path)
        os.unlink(path)

    def _load(self, name: str) -> tuple[int, str, list[Table]]:
        try:
            every = list(_read(os.path.join(self.home, name)))
        except (OSError, ValueError, struct.error):
            every = []
        return min((made for made, _ in every), default=0), name, [one for _, one in every]

    def close(self) -> None:
        """The run's end: what children did until now is all that is told."""
        if not self.home or os.getpid() != self.owner:
            return
        try:
            self._gather(all_of_them=True)
            os.rmdir(self.home)
        except OSError:
            pass  # a child has just begun
        self.home = ""

    def add_to(self, tables: list[Table]) -> list[Table]:
        """The tables of this process, with those of all its children added."""
        live = [
            self._load(name) for name in self._files() if not name.endswith((".lost", NEW))
        ]
        if not live and not self._ended:
            return tables
        keys = Keys(self.folder)
        known = {keys.of(table.code): table for table in tables}
        for _, _, theirs in sorted([*self._ended, *live], key=lambda one: one[:2]):
            keys = Keys(self.folder)
            for table in theirs:
                key = keys.of(table.code)
                if key in known:
                    known[key].add(table)
                elif table.cells:
                    known[key] = Table(table.code, table.baseline, dict(table.cells))
        return list(known.values())
