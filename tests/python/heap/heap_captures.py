"""Reads heap captures (docs/heap-file.md) as a stranger would: nothing of the product is used."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 16
HEADER = struct.Struct("<8sIIII qqq II qq q QQ QQ QQ")
OWNERS, CHUNKS = 50376, 1 << 13  # where they are, and how many
DIRECTORY = struct.Struct("<32Q 32I")  # behind HEADER: how many items, of how many bytes
NODE = struct.Struct("<IIII qq QQ II Q")
CODE = struct.Struct("<II II II iI")
THREAD = struct.Struct("<q QQ QQQ")
MOMENT = struct.Struct("<qq Qq Q IIII 64s II")
ENTRY = struct.Struct("<IIq")
SLOT = 2048  # entries of a moment
NODES, CODES, TEXT, THREADS, MOMENTS, ENTRIES = range(1, 7)


@dataclasses.dataclass(frozen=True)
class Code:
    name: str
    file: str
    lines: bytes
    first_line: int


@dataclasses.dataclass(frozen=True)
class Moment:
    time: int
    live: int
    blocks: int
    rest: int
    rest_blocks: int
    rest_stacks: int
    name: str  # of a mark
    is_mark: bool
    held: dict[int, tuple[int, int]]  # blocks and bytes, by node


@dataclasses.dataclass(frozen=True)
class Node:
    parent: int
    code: int
    instruction: int
    live: int
    at_peak: int
    total: int
    blocks: int
    live_blocks: int
    blocks_at_peak: int
    temporary: int


PID, WALL, RUN = 24, 32, 50096  # docs/heap-file.md


def copy_of(capture: Path, copy: Path, number: int) -> None:
    """The same capture as that of another process of another run."""
    shutil.copyfile(capture, copy)
    with copy.open("r+b") as file:
        for offset, value in (
            (PID, number + 1), (WALL, 10**18 + number), (RUN, number + 1),
        ):  # fmt: skip
            file.seek(offset)
            file.write(struct.pack("<q", value))


def varint(entry: bytes) -> int:
    """Groups of six bits, the lowest first; bit 6 says that more follow; then the sign is lowest."""
    value = shift = 0
    for byte in entry:
        value |= (byte & 63) << shift
        shift += 6
        if not byte & 64:
            break
    return -(value >> 1) if value & 1 else value >> 1


def entries(table: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Those of a location table: kind, how many code units it covers, what follows."""
    at = 0
    while at < len(table):
        first = table[at]
        start = at = at + 1
        while at < len(table) and not table[at] & 128:
            at += 1
        yield first >> 3 & 15, (first & 7) + 1, table[start:at]


def lines_of(table: bytes, first_line: int) -> Iterator[int]:
    """The line of each code unit; the function's first line where there is none."""
    line = first_line
    for kind, units, entry in entries(table):
        if kind in (13, 14):
            line += varint(entry)
        elif 10 <= kind <= 12:
            line += kind - 10
        for _ in range(units):
            yield first_line if kind == 15 else line


class Capture:
    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        fields = HEADER.unpack_from(content)
        assert fields[0] == b"mprof\x1ahp" and fields[1] == 2
        self.clean, self.epoch = fields[8:10]
        self.live, self.peak, self.peak_time = fields[10:13]
        self.untracked, self.untracked_bytes, self.sample, self.shortened = fields[13:17]
        self.misplaced, self.most = fields[17:19]
        directory = DIRECTORY.unpack_from(content, HEADER.size)
        counts, owners = directory[:32], content[OWNERS : OWNERS + CHUNKS]

        def table(which: int) -> bytes:
            return b"".join(
                content[i * CHUNK : (i + 1) * CHUNK]
                for i, owner in enumerate(owners)
                if owner == which
            )

        def items(which: int, form: struct.Struct) -> list[tuple]:
            return list(form.iter_unpack(table(which)[: counts[which] * form.size]))

        self.text = table(TEXT)[: counts[TEXT]]
        self.codes = [
            Code(self._name(a, b), self._name(c, d), self.text[e : e + f], line)
            for a, b, c, d, e, f, line, _ in items(CODES, CODE)
        ]
        self.nodes = [self._node(*node) for node in items(NODES, NODE)]
        self.threads = items(THREADS, THREAD)
        sums = [sum(column) for column in zip(*self.threads, strict=True)]
        self.total, _, self.blocks, self.frees, self.temporary = sums[1:]
        self.live_blocks = self.blocks - self.frees
        slots, entries = items(MOMENTS, MOMENT), items(ENTRIES, ENTRY)
        of_slots = [self._moment(slot, entries[i * SLOT :]) for i, slot in enumerate(slots)]
        self.moments = sorted(filter(None, of_slots), key=lambda moment: moment.time)
        self._lines = functools.cache(self._lines_of)

    def _name(self, offset: int, length: int) -> str:
        return self.text[offset : offset + length].decode("utf-8", "surrogateescape")

    def _moment(self, slot: tuple, entries: list[tuple]) -> Moment | None:
        *figures, count, stamp, flags, name, _, _ = slot
        held = {node: (blocks, size) for node, blocks, size in entries[:count]}
        text = name.rstrip(b"\0").decode()
        return Moment(*figures, text, bool(flags & 1), held) if stamp else None

    def _node(self, parent, code, at, epoch, live, saved, total, blocks, count, were, temp):
        now = epoch != self.epoch  # nothing changed since the peak
        return Node(parent, code, at, live, live if now else saved, total, blocks, count,
                    count if now else were, temp)  # fmt: skip

    def _lines_of(self, code: int) -> list[int]:
        return list(lines_of(self.codes[code].lines, self.codes[code].first_line))

    def line(self, node: Node) -> int:
        units, unit = self._lines(node.code), node.instruction & (1 << 30) - 1
        return units[unit] if unit < len(units) else self.codes[node.code].first_line

    def frame(self, node: Node) -> tuple[str, int]:
        """What runs in it: function, line."""
        return self.codes[node.code].name, self.line(node)

    def stack(self, number: int) -> list[tuple[str, int]]:
        """Function and line of each frame, the outermost first."""
        frames = []
        while number:
            node = self.nodes[number]
            frames.append(self.frame(node))
            number = node.parent
        return frames[::-1]

    def named(self, function: str) -> list[Node]:
        """The stacks whose innermost function has this name."""
        return [
            node
            for node in self.nodes
            if self.codes[node.code].name.split(".")[-1] == function
        ]
