"""Writes heap captures as an input of fuzz_heap: pack_heap.py INPUT CAPTURE [CAPTURE]."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

CHUNK, RUN, OWNERS_END = 1 << 16, 50096, 58568  # where the header goes on behind its series
ENDS = [
    0,
    RUN,
    OWNERS_END,
    *(i * CHUNK for i in range(1, 7)),
    6 * CHUNK + CHUNK // 2,
    7 * CHUNK,
]


def pack(capture: bytes) -> bytes:
    parts = [capture[a:b].rstrip(b"\0") for a, b in zip(ENDS, ENDS[1:])]
    return struct.pack("<11H", *map(len, parts), len(capture) // 8) + b"".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(
        b"".join(pack(Path(name).read_bytes()) for name in sys.argv[2:])
    )
