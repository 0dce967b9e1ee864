"""Reads heap captures (docs/heap-file.md) as a stranger would: nothing of the product is used."""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 16
HEADER = struct.Struct("<8sIIII qqq II qq q QQ Q 5Q 512s")
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


def spans(table: bytes, line: int) -> Iterator[tuple[int, int | None]]:
    """Each entry of a location table: how many code units it covers, and their line."""
    at = 0
    while at < len(table):
        kind, units = table[at] >> 3 & 15, (table[at] & 7) + 1
        at += 1
        start = at
        while at < len(table) and not table[at] & 128:
            at += 1
        if kind in (13, 14):
            value = 0
            for shift, byte in enumerate(table[start:at]):
                value |= (byte & 63) << 6 * shift
                if not byte & 64:
                    break
            line += -(value >> 1) if value & 1 else value >> 1
        elif 10 <= kind <= 12:
            line += kind - 10
        yield units, None if kind == 15 else line


class Capture:
    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        fields = HEADER.unpack_from(content)
        assert fields[0] == b"mprof\x1ahp" and fields[1] == 1
        self.clean, self.epoch = fields[8:10]
        self.live, self.peak, self.peak_time = fields[10:13]
        self.untracked, self.untracked_bytes, self.shortened = fields[13:16]
        counts, owners = fields[16:21], fields[21]

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
        self._lines = functools.cache(self._lines_of)

    def _name(self, offset: int, length: int) -> str:
        return self.text[offset : offset + length].decode("utf-8", "surrogateescape")

    def _node(self, parent, code, at, epoch, live, saved, total, blocks, count, were, temp):
        now = epoch != self.epoch  # nothing changed since the peak
        return Node(parent, code, at, live, live if now else saved, total, blocks, count,
                    count if now else were, temp)  # fmt: skip

    def _lines_of(self, code: int) -> list[int]:
        """The line of each code unit; the function's first where the table names none."""
        first = self.codes[code].first_line
        lines: list[int] = []
        for units, line in spans(self.codes[code].lines, first):
            lines.extend([first if line is None else line] * units)
        return lines

    def line(self, node: Node) -> int:
        lines = self._lines(node.code)
        return (
            lines[node.instruction]
            if node.instruction < len(lines)
            else self.codes[node.code].first_line
        )

    def frame(self, node: Node) -> tuple[str, int, int]:
        """What runs in it: function, line, instruction."""
        return self.codes[node.code].name, self.line(node), node.instruction

    def stack(self, number: int) -> list[tuple[str, int]]:
        """Function and line of each frame, the outermost first."""
        frames = []
        while number:
            node = self.nodes[number]
            frames.append((self.codes[node.code].name, self.line(node)))
            number = node.parent
        return frames[::-1]

    def named(self, function: str) -> list[Node]:
        """The stacks whose innermost function has this name, without its owners'."""
        return [
            node
            for node in self.nodes
            if self.codes[node.code].name.split(".")[-1] == function
        ]
