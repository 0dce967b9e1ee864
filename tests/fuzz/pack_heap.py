"""Writes a heap capture as an input of fuzz_heap: pack_heap.py CAPTURE INPUT."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

CHUNK, PARTS = 1 << 16, 5

capture = Path(sys.argv[1]).read_bytes()
parts = [capture[i * CHUNK : (i + 1) * CHUNK].rstrip(b"\0") for i in range(PARTS)]
lengths = struct.pack("<6H", *map(len, parts), len(capture) // 8)
Path(sys.argv[2]).write_bytes(lengths + b"".join(parts))
