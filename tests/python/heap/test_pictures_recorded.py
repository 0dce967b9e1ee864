"""A capture's series says what was so at each moment: a spike is no plateau of idle time."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path

import pytest

from captures import record, report

pytestmark = pytest.mark.one_version

#: Notes a moment; the series begins at the wall clock's `start`.
MOMENTS = """
import json, mmap, sys, time
moments = []
def note():
    moments.append(time.time_ns())
def idle():
    note()
    time.sleep(0.3)
    note()
def blocks(size, count):
    return [bytearray(size) for _ in range(count)]
"""
TELL = "\nprint(json.dumps(moments))\nopen('moments', 'w').write(json.dumps(moments))\n"


@dataclasses.dataclass
class Recorded:
    """A capture's series, and the moments that its program noted."""

    points: list[list[int]]
    moments: list[int]

    def within(self, first: int, last: int) -> list[list[int]]:
        """What stood between two moments of the program."""
        start, end = self.moments[first], self.moments[last]
        before = [point for point in self.points if point[0] <= start]
        return [before[-1], *(p for p in self.points if start < p[0] <= end)]


def recorded(where: Path, source: str) -> Recorded:
    capture = record(where, MOMENTS + source + TELL)
    got = report(capture)
    (start,) = struct.unpack_from("<q", capture.read_bytes(), 32)  # docs/heap-file.md
    moments = [at - start for at in json.loads((where / "moments").read_text())]
    return Recorded(got["series"], moments)


@pytest.mark.parametrize(
    "spike",
    [
        "spike = bytearray(64 << 20)\ndel spike",
        "spike = blocks(40_000, 1600)\ndel spike",
        "spike = [bytes(1000) for _ in range(64_000)]\ndel spike",
        "spike = mmap.mmap(-1, 64 << 20)\nspike.write(bytes(64 << 20))\nspike.close()",
        "spike = bytearray(64 << 20)\nspike *= 2\nspike.clear()",
    ],
    ids=["a block", "blocks", "small blocks", "a mapping", "a block made empty"],
)  # fmt: skip
def test_faults_79_a_spike_is_over_when_it_was(tmp_path: Path, spike: str) -> None:
    got = recorded(tmp_path, f"note()\n{spike}\nidle()\nrest = blocks(1000, 3)")
    before, idle = got.within(0, 1), got.within(1, 2)
    assert max(heap for _, _, heap in before) >= 60 << 20
    assert max(heap for _, _, heap in idle) < 2 << 20
    lowest, highest = (f(p[1] for p in got.points) for f in (min, max))
    assert highest - lowest > 50 << 20, "the spike's pages were touched, and read"
    if not spike.startswith(("spike = blocks", "spike = [")):  # these malloc may keep
        assert max(rss for _, rss, _ in idle) < lowest + (24 << 20)


@pytest.mark.parametrize(
    "growth",
    [
        "big = bytearray(64 << 20)",
        "big = blocks(40_000, 1600)",
        "big = mmap.mmap(-1, 64 << 20)",
    ],
    ids=["a block", "blocks", "a mapping"],
)
def test_faults_79_what_was_taken_is_there_while_nothing_happens(
    tmp_path: Path, growth: str
) -> None:
    got = recorded(tmp_path, f"{growth}\nidle()\nrest = blocks(1000, 3)")
    assert min(heap for _, _, heap in got.within(0, 1)) >= 60 << 20


def test_a_block_that_moves_is_not_gone_meanwhile(tmp_path: Path) -> None:
    grow = "for _ in range(200): big.extend(bytes(1 << 20))"
    got = recorded(tmp_path, f"big = bytearray(16 << 20)\nidle()\n{grow}\nnote()")
    heaps = [heap for _, _, heap in got.within(1, 2)]
    assert min(heaps) >= 16 << 20 and max(heaps) >= 216 << 20
    highest = 0
    for heap in heaps:
        assert heap > highest - (3 << 20)
        highest = max(highest, heap)
