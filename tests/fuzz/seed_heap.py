"""Writes what the readers of heap captures are fuzzed with beside recorded ones: small captures that
are made to hurt, and pairs of them. seed_heap.py FOLDER."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python" / "heap"))

from pack_heap import pack  # noqa: E402

from heap_written import FILE, LEAST, MOST, NEXT_LINE, Hostile  # noqa: E402


def shared(made: Hostile, apart: int) -> None:
    """Line tables and names: the same ones, or each a byte further."""
    lines, name, file = (
        made.put(NEXT_LINE * 1000),
        made.put(b"n" * 3000),
        made.put(FILE * 90),
    )
    for i in range(40):
        moved = [(at + i * apart, length - i * apart) for at, length in (name, file, lines)]
        made.node(0, made.code(*moved, i), 900)


def names(made: Hostile) -> None:
    name, file = made.put(b"n" * 3000), made.put(b"/lib/python3.12/" + b"a/" * 900)
    for i in range(90):
        made.node(0, made.code(name, file, first=i), i)


def deep(made: Hostile) -> None:
    code, at = made.code(made.put(b"f"), made.put(FILE), made.put(NEXT_LINE * 99)), 0
    for i in range(150):
        at = made.node(at, code, i % 40)


def leaves(made: Hostile) -> None:
    name, file, at = made.put(b"f"), made.put(FILE), 0
    spine = made.code(name, file)
    for i in range(70):
        at = made.node(at, spine, 0, 0)
        made.node(at, made.code(name, file, first=i + 2))


def hashes(made: Hostile) -> None:
    file = made.put(FILE)
    for i in range(90):
        made.node(0, made.code(made.put(b"%05d" % i), file, hash=7))


def extremes(made: Hostile) -> None:
    made.node(0, made.code(made.put(b"f"), made.put(FILE)), size=MOST)
    made.points = [
        (time, MOST, heap) for time in (LEAST, -1, 0, MOST - 1, MOST) for heap in (0, MOST)
    ]
    made.start, made.elapsed, made.peak_time = LEAST, MOST, MOST


def moments(made: Hostile) -> None:
    for i in range(9):
        made.node(0, made.code(made.put(b"f%d" % i), made.put(FILE), first=i), i)
    for i in range(2):
        held = [(node, i, 500 * i + node) for node in range(1, 9, i + 1)]
        made.moment(i * 10**8, held, b"mark" if i else b"", 300 * i)


def types(made: Hostile) -> None:
    for name in (b"(none)", b"(reuse)", b"(malloc)", b"(mmap)", b"dict", b"a.B", b"dict"):
        made.type(made.put(name))
    for i in range(9):
        node = made.node(0, made.code(made.put(b"f%d" % i), made.put(FILE), first=i), i)
        for kind in range(i % 7):
            made.row(node, kind, 10 * i, 900 * kind, 50 * i)
    made.row(0, 5, 1, MOST, MOST)


def censuses(made: Hostile) -> None:
    """What is at moments; the fuzzer has six chunks, and none for threads."""
    made.threads = 0
    for name in (b"(none)", b"(reuse)", b"(malloc)", b"(mmap)", b"dict", b"a.B", b"dict"):
        made.type(made.put(name))
    for i in range(5):
        made.node(0, made.code(made.put(b"f%d" % i), made.put(FILE), first=i), i)
    for i in range(6):
        rows = ((node, (node + i) % 7, i, MOST >> i) for node in range(i % 2, 5))
        made.census(i % 3, rows, i)


def holders(made: Hostile) -> None:
    made.node(0, made.code(made.put(b"f"), made.put(FILE)))
    made.holder(0, (0, 0), (0, 0), MOST, 0)
    for i in range(12):
        of = made.put((b"", b"", b"", b"app.Node", FILE + b":12\tf")[2 + i // 4])
        for others in (0, 0, i):
            made.holder(2 + i // 4, of, made.put(b"app.cache['\xff']"), MOST >> i, others)
    for i in range(8):
        made.holder(6, made.put(b"a.Node"), made.put(b"app.all[%d]" % i), MOST >> i, i // 2)


def waste(made: Hostile) -> None:
    holders(made)
    made.wasted(0, 3, (0, 0), (0, 0), (0, 0), size=MOST)
    for i in range(16):
        texts = made.put(b"a.Node"), made.put(FILE + b":12\tf"), made.put(b"app.all[\xff]")
        made.wasted(1 + i % 8, b"\0bhiqfd"[i % 7], *texts, size=MOST >> i)


KINDS: dict[str, Callable[[Hostile], None]] = {
    "shared": lambda made: shared(made, 0),
    "apart": lambda made: shared(made, 1),
    "names": names,
    "deep": deep,
    "leaves": leaves,
    "hashes": hashes,
    "extremes": extremes,
    "moments": moments,
    "types": types,
    "censuses": censuses,
    "holders": holders,
    "waste": waste,
}


def packed(fill: Callable[[Hostile], None], parent: int = 0) -> bytes:
    made = Hostile()
    made.parent, made.children = parent, not parent
    fill(made)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mprof")
        made.write(path)
        return pack(path.read_bytes())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    whole = {name: packed(fill) for name, fill in KINDS.items()}
    for name, content in whole.items():
        (target / name).write_bytes(content)
    for other, content in [("extremes", extremes), ("names", names), ("moments", moments)]:
        for name in ("hashes", "extremes"):
            (target / f"{name}-{other}").write_bytes(whole[name] + packed(content, 1))
