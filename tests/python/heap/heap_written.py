"""Writes heap captures (docs/heap-file.md), whole ones of any tables. Nothing of the product is used."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from heap_captures import (
    CHUNK,
    CODE,
    DIRECTORY,
    ENTRY,
    HEADER,
    MOMENT,
    NODE,
    OWNERS,
    SLOT,
    THREAD,
)  # fmt: skip

SERIES, POINTS, RUN, SIZE = 920, 1024, OWNERS - 280, OWNERS + 9368
LEAST, MOST = -(1 << 63), (1 << 63) - 1
FILE = b"/home/me/app.py"
EPOCH = 1
TYPE, TYPED = struct.Struct("<II"), struct.Struct("<IIqqqq")
TAG, CENSUS = struct.Struct("<III"), struct.Struct("<qq6I")
HOLDER, WASTE = struct.Struct("<6I3Q"), struct.Struct("<8I3Q")

#: An entry of a line table: one code unit, a line further.
NEXT_LINE = b"\xd8\0\0"
#: The same of two code units.
LONGER_LINE = b"\xd9\0\0"


class Hostile:
    """A capture by its tables; text is (offset, length)."""

    #: Whether all functions are a little different from what they are otherwise.
    changed = False

    def __init__(self) -> None:
        self.text = bytearray(b"\0")
        self.codes = [CODE.pack(0, 0, 0, 0, 0, 0, 0, 0)]
        self.nodes = [NODE.pack(0, 0, 0, EPOCH, 0, 0, 0, 0, 0, 0, 0)]
        self.points: list[tuple[int, int, int]] = [
            (0, 1 << 20, 0),
            (10**9, 1 << 21, 1 << 20),
        ]
        self.start, self.elapsed, self.peak_time = 1_700_000_000 * 10**9, 2 * 10**9, 10**9
        self.parent = self.children = 0
        self.moments: list[bytes] = []
        self.entries: list[bytes] = []
        self.types: list[bytes] = []
        self.typed: list[bytes] = []
        self.censuses: list[bytes] = []
        self.typed_then: list[bytes] = []
        self.holders: list[bytes] = []
        self.waste: list[bytes] = []
        self.clean = self.threads = 1

    def put(self, text: bytes) -> tuple[int, int]:
        self.text += text
        return len(self.text) - len(text), len(text)

    def code(
        self,
        name: tuple[int, int],
        file: tuple[int, int],
        lines: tuple[int, int] = (1, 0),
        first: int = 1,
        hash: int = 0,
    ) -> int:
        self.codes.append(CODE.pack(*name, *file, *lines, first, hash))
        return len(self.codes) - 1

    def node(self, parent: int, code: int, unit: int = 0, size: int = 1000) -> int:
        figures = (size, size, size, 1 if size else 0, 1, 1, 0)
        self.nodes.append(NODE.pack(parent, code, unit, EPOCH, *figures))
        return len(self.nodes) - 1

    def type(self, name: tuple[int, int]) -> int:
        self.types.append(TYPE.pack(*name))
        return len(self.types) - 1

    def row(self, node: int, type: int, blocks: int, size: int, kept: int = 0) -> None:
        self.typed.append(TYPED.pack(node, type, blocks, size, blocks, kept))

    def census(
        self, kind: int, rows: Iterable[tuple[int, int, int, int]], mark: int
    ) -> None:
        """Near the peak, of a mark, asked for; of (node, type, blocks, bytes)."""
        first, stamp = len(self.typed_then), len(self.censuses) + 1
        self.typed_then += [TYPED.pack(*one, *one[2:]) for one in rows]
        count = len(self.typed_then) - first
        figures = (10**9, 1 << 20, first, count, count, stamp, kind, mark)
        self.censuses.append(CENSUS.pack(*figures))

    def holder(
        self, kind: int, of: tuple[int, int], path: tuple[int, int], size: int, others: int
    ) -> None:
        self.holders.append(HOLDER.pack(*of, *path, kind, others, size, size, size))

    def wasted(self, kind: int, code: int, *texts: tuple[int, int], size: int) -> None:
        """Of a type, a place and a way."""
        flat = (part for text in texts for part in text)
        self.waste.append(WASTE.pack(kind, code, *flat, size, size, size))

    def moment(
        self,
        time: int,
        held: Iterable[tuple[int, int, int]],
        name: bytes = b"",
        rest: int = 0,
    ) -> None:
        """Of (node, blocks, bytes); a mark, where it has a name."""
        entries = [ENTRY.pack(*one) for one in held]
        stamp = len(self.moments) + 1
        figures = (
            time,
            0,
            0,
            rest,
            rest and 1,
            rest and 1,
            len(entries),
            stamp,
            bool(name),
        )
        self.moments.append(MOMENT.pack(*figures, name, len(self.nodes), 0))
        self.entries.append(b"".join(entries).ljust(SLOT * ENTRY.size, b"\0"))

    def _header(self, tables: dict[int, bytes], counts: Iterable[int]) -> bytes:
        header = bytearray(CHUNK)
        live = 1000 * len(self.nodes)
        HEADER.pack_into(
            header, 0, b"mprof\x1ahp", 2, SIZE, 0, self.clean, 1000 + self.parent, self.start,
            self.elapsed, 1, EPOCH, live, live, self.peak_time, 0, 0, 0, 0, 0, 64 << 20,
        )  # fmt: skip
        sizes = (NODE.size, CODE.size, 1, THREAD.size, MOMENT.size, ENTRY.size, 0, 0)
        sizes = (*sizes, TYPE.size, TYPED.size, TAG.size, CENSUS.size, TYPED.size)
        sizes = (*sizes, HOLDER.size, WASTE.size)
        lists = (self.types, self.typed, (), self.censuses, self.typed_then, self.holders)
        lists = (*lists, self.waste)
        counts, more = (*counts, 0, 0, *map(len, lists)), (0,) * 16
        DIRECTORY.pack_into(header, HEADER.size, 0, *counts, *more, 0, *sizes, *more)
        struct.pack_into("<qIIII", header, SERIES, 1, 0, len(self.points), 0, 0)
        for i, point in enumerate(self.points):
            struct.pack_into("<3q", header, SERIES + 24 + 24 * i, *point)
        struct.pack_into("<QqQ", header, RUN, 4711, self.parent, self.children)
        owners = b"".join(
            bytes([which]) * (len(table) // CHUNK) for which, table in tables.items()
        )
        header[OWNERS + 1 : OWNERS + 1 + len(owners)] = owners
        return bytes(header)

    def write(self, path: Path) -> int:
        """Its bytes."""
        if self.changed:
            self.text = self.text.replace(NEXT_LINE, LONGER_LINE)
        thread = THREAD.pack(1, 1 << 30, 0, 1 << 20, 0, 0) * self.threads
        parts = [b"".join(self.nodes), b"".join(self.codes), bytes(self.text), thread,
                 b"".join(self.moments), b"".join(self.entries)]  # fmt: skip
        moments = len(self.moments)
        counts = (
            len(self.nodes),
            len(self.codes),
            len(self.text),
            self.threads,
            moments,
            moments * SLOT,
        )
        parts += [b"", b"", b"".join(self.types), b"".join(self.typed), b""]
        parts += map(b"".join, (self.censuses, self.typed_then, self.holders, self.waste))
        tables = {i + 1: part + bytes(-len(part) % CHUNK) for i, part in enumerate(parts)}
        return path.write_bytes(self._header(tables, counts) + b"".join(tables.values()))

    def write_run(self, path: Path, children: int = 1) -> int:
        """As a run of equal processes."""
        self.children = children
        size = self.write(path)
        for i in range(children):
            self.parent = i + 1
            size += self.write(path.with_name(f"{path.name}.{i + 1}"))
        return size
