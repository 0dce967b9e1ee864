"""Reads heap captures (docs/heap-file.md) as a stranger would: nothing of the product is used."""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 16
HEADER = struct.Struct("<8sIIII qqq II qq q QQ QQ 5Q 512s")
NODE = struct.Struct("<IIII qq QQ II Q")
CODE = struct.Struct("<II II II iI")
THREAD = struct.Struct("<q QQ QQQ")
NODES, CODES, TEXT, THREADS = 1, 2, 3, 4


@dataclasses.dataclass(frozen=True)
class Code:
    name: str
    file: str
    lines: bytes
    first_line: int


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


def varints(entry: bytes) -> list[int]:
    """Groups of six bits, the lowest first; bit 6 says that more follow."""
    values, value, shift = [], 0, 0
    for byte in entry:
        value |= (byte & 63) << shift
        shift += 6
        if not byte & 64:
            values.append(value)
            value = shift = 0
    return values


def entries(table: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Those of a location table: kind, how many code units it covers, what follows."""
    at = 0
    while at < len(table):
        first = table[at]
        start = at = at + 1
        while at < len(table) and not table[at] & 128:
            at += 1
        yield first >> 3 & 15, (first & 7) + 1, table[start:at]


def places(table: bytes, first_line: int) -> Iterator[tuple[int, int | None]]:
    """Line and column of each code unit; the function's first line where there is none."""
    line = first_line
    for kind, units, entry in entries(table):
        column = None
        if kind in (13, 14):
            delta, *rest = varints(entry)
            line += -(delta >> 1) if delta & 1 else delta >> 1
            column = rest[1] - 1 if kind == 14 else None
        elif 10 <= kind <= 12:
            line += kind - 10
            column = entry[0]
        elif kind < 10:
            column = kind << 3 | entry[0] >> 4
        for _ in range(units):
            yield (first_line if kind == 15 else line), column


class Capture:
    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        fields = HEADER.unpack_from(content)
        assert fields[0] == b"mprof\x1ahp" and fields[1] == 1
        self.clean, self.epoch = fields[8:10]
        self.live, self.peak, self.peak_time = fields[10:13]
        self.untracked, self.untracked_bytes, self.sample, self.shortened = fields[13:17]
        counts, owners = fields[17:22], fields[22]

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
        self._places = functools.cache(self._places_of)

    def _name(self, offset: int, length: int) -> str:
        return self.text[offset : offset + length].decode("utf-8", "surrogateescape")

    def _node(self, parent, code, at, epoch, live, saved, total, blocks, count, were, temp):
        now = epoch != self.epoch  # nothing changed since the peak
        return Node(parent, code, at, live, live if now else saved, total, blocks, count,
                    count if now else were, temp)  # fmt: skip

    def _places_of(self, code: int) -> list[tuple[int, int | None]]:
        return list(places(self.codes[code].lines, self.codes[code].first_line))

    def place(self, node: Node) -> tuple[int, int | None]:
        """Line and column."""
        units = self._places(node.code)
        if node.instruction < len(units):
            return units[node.instruction]
        return self.codes[node.code].first_line, None

    def line(self, node: Node) -> int:
        return self.place(node)[0]

    def frame(self, node: Node) -> tuple[str, int, int | None]:
        """What runs in it: function, line, column."""
        return self.codes[node.code].name, *self.place(node)

    def stack(self, number: int) -> list[tuple[str, int]]:
        """Function and line of each frame, the outermost first."""
        frames = []
        while number:
            node = self.nodes[number]
            frames.append((self.codes[node.code].name, self.line(node)))
            number = node.parent
        return frames[::-1]

    def named(self, function: str) -> list[Node]:
        """The stacks whose innermost function has this name."""
        return [
            node
            for node in self.nodes
            if self.codes[node.code].name.split(".")[-1] == function
        ]
