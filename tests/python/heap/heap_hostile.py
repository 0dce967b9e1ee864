"""Writes heap captures (docs/heap-file.md) that are whole, and made to have a reader do far more than
their size is worth: python heap_hostile.py FOLDER writes them all. Nothing of the product is used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from heap_captures import SLOT
from heap_written import FILE, LEAST, MOST, NEXT_LINE, POINTS, Hostile


def shared_line_table(path: Path) -> int:
    made = Hostile()
    lines, file = made.put(NEXT_LINE * (2 << 20)), made.put(FILE)
    for i in range(60_000):
        made.node(0, made.code(made.put(b"f%d" % i), file, lines, i), 2 << 20)
    return made.write(path)


def line_tables_one_byte_apart(path: Path) -> int:
    made = Hostile()
    (at, length), file = made.put(NEXT_LINE * (2 << 20)), made.put(FILE)
    for i in range(60_000):
        made.node(0, made.code((at, 2), file, (at + i, length - i), i), 1 << 20)
    return made.write(path)


def one_long_line_table(path: Path) -> int:
    """Of a function of which each of 60,000 lines allocates, called by each of them."""
    made = Hostile()
    lines = made.put(NEXT_LINE * (2 << 20))
    code = made.code(made.put(b"f"), made.put(FILE), lines)
    for i in range(60_000):
        made.node(made.node(0, code, (2 << 20) - 3 * i), code, (1 << 20) - 2 * i)
    return made.write_run(path)


def names_shared_by_all(path: Path) -> int:
    made = Hostile()
    name, file = made.put(b"n" * 16_000), made.put(b"/home/me/" + b"d/" * 7_990 + b"app.py")
    for i in range(60_000):
        made.node(0, made.code(name, file, first=i), i)
    return made.write_run(path)


def names_as_long_as_may_be(path: Path) -> int:
    """Each of 40,000 codes has one of two names of 500 bytes, and lies in one of two such files."""
    made = Hostile()
    names = [made.put(b"n" * 500 + b"%d" % i) for i in range(2)]
    files = [
        made.put(b"/home/me/" + b"\xc3\xa9/" * 120 + b"%d/app.py" % i) for i in range(2)
    ]
    for i in range(40_000):
        made.node(0, made.code(names[i % 2], files[i // 2 % 2], first=i), i)
    return made.write_run(path)


def names_over_the_whole_text(path: Path) -> int:
    made = Hostile()
    whole, _ = made.put(b"x" * (5 << 20) + FILE)
    for i in range(60_000):
        made.node(0, made.code((whole + i, 4 << 20), (whole + i * 2, 4 << 20), first=i))
    return made.write(path)


def long_paths(path: Path) -> int:
    """1,400 files of 4,000 bytes that differ at their end."""
    made = Hostile()
    folder, name = b"/home/me/" + b"site-package/" * 306, made.put(b"f")
    for i in range(1_400):
        code = made.code(name, made.put(folder + b"%d/app.py" % i))
        for unit in range(16):
            made.node(0, code, unit)
    return made.write_run(path)


def names_that_begin_others(path: Path) -> int:
    made = Hostile()
    name = made.put(b"f")
    for i in range(3_000):
        made.node(0, made.code(name, made.put(b"/lib/python3.12/" + b"a" * i)))
    return made.write_run(path)


def deep_chain(path: Path) -> int:
    """Recursion of 200,000 frames that all allocate, in 3,000 lines by turns."""
    made = Hostile()
    code = made.code(made.put(b"f"), made.put(FILE), made.put(NEXT_LINE * 3_000))
    at = 0
    for i in range(200_000):
        at = made.node(at, code, i % 3_000)
    return made.write(path)


def spine_with_leaves(path: Path) -> int:
    """100,000 frames, each of which calls a line of its own."""
    made = Hostile()
    name, file = made.put(b"f"), made.put(FILE)
    spine, at = made.code(name, file), 0
    for i in range(100_000):
        at = made.node(at, spine, 0, 0)
        made.node(at, made.code(name, file, first=i + 2))
    return made.write_run(path)


def caller_of_long_name(path: Path) -> int:
    made = Hostile()
    user = made.code(
        made.put(b"n" * 4_000), made.put(b"/home/me/" + b"d/" * 1_990 + b"app.py")
    )
    file, name, at = made.put(b"/v/lib/python3.12/site-packages/a.py"), made.put(b"f"), 0
    for i in range(20):
        at = made.node(at, user, i, 0)
    for i in range(20_000):
        made.node(at, made.code(name, file, first=i))
    return made.write(path)


def equal_hashes(path: Path) -> int:
    made = Hostile()
    file = made.put(FILE)
    for i in range(60_000):
        made.node(0, made.code(made.put(b"%05d" % i), file, hash=7))
    return made.write_run(path)


def all_is_raw_bytes(path: Path) -> int:
    made = Hostile()
    file = made.put(b"\xff" * 3_000 + FILE)
    for i in range(2_000):
        made.node(0, made.code(made.put(b"\xfe" * 2_000 + b"%d" % i), file, first=i))
    return made.write(path)


def times_at_the_extremes(path: Path) -> int:
    made = Hostile()
    code = made.code(made.put(b"f"), made.put(FILE))
    made.node(0, code, size=MOST)
    made.node(0, code, 1, size=MOST)
    times = [LEAST, -1, 0, 1, MOST - 1, MOST]
    made.points = [(times[i * 6 // POINTS], MOST, (MOST, 0)[i % 2]) for i in range(POINTS)]
    made.start, made.elapsed, made.peak_time = LEAST, MOST, MOST
    size = made.write_run(path, 2)
    made.children, made.parent, made.start, made.peak_time = 2, 0, MOST, LEAST
    return size + made.write(path)


def many_children(path: Path) -> int:
    made = Hostile()
    file = made.put(FILE)
    for i in range(50):
        made.node(0, made.code(made.put(b"f%d" % i), file, first=i))
    return made.write_run(path, 60)


def moments_of_all_stacks(path: Path) -> int:
    """As many as there can be, marks of one long name among them, of figures as large as can be."""
    made = Hostile()
    file = made.put(FILE)
    for i in range(2 * SLOT):
        made.node(0, made.code(made.put(b"f%d" % i), file, first=i), size=MOST >> 12)
    for i in range(128):
        held = ((1 + i % 2 * SLOT + n, 1 << 31, MOST - n * i) for n in range(SLOT))
        made.moment(i * 10**7, held, b"\x1b[m\xff" * 16 if i % 2 else b"", MOST)
    return made.write(path)


def moments_at_the_extremes(path: Path) -> int:
    made = Hostile()
    for i in range(20):
        made.node(0, made.code(made.put(b"f%d" % i), made.put(FILE)), size=MOST)
    for time in (LEAST, -1, 0, MOST - 1, MOST):
        made.moment(time, [(n, n, MOST) for n in range(1, 20)], b"m", MOST)
        made.moment(time, [])
    made.start, made.elapsed, made.peak_time = LEAST, MOST, MOST
    return made.write_run(path)


def types_of_all_stacks(path: Path) -> int:
    """Each stack on a line of its own, of as many types as there are; and types of one name."""
    made = Hostile()
    file = made.put(FILE)
    nodes = [
        made.node(0, made.code(made.put(b"f%d" % i), file, first=i)) for i in range(9000)
    ]
    names = [made.put(b"T%d" % i) for i in range(9000)] + [
        made.put(b"\x1b[m\xff") for _ in range(9000)
    ]
    for name in names:
        made.type(name)
    for i in range(200_000):
        made.row(
            nodes[i % 9000] if i % 3 else nodes[0],
            i * 7 % 18_000,
            1,
            MOST >> 20,
            MOST >> i % 9,
        )
    return made.write_run(path)


def censuses_of_all_stacks(path: Path) -> int:
    """Beside marks, near the peak and asked for: each of all stacks, of figures as large as can be."""
    made = Hostile()
    file = made.put(FILE)
    for i in range(9000):
        made.node(0, made.code(made.put(b"f%d" % i), file, first=i))
        made.type(made.put(b"T%d" % i))
    for i in range(32):
        made.moment(i * 10**7, [(1, 1, 9)], b"m%d" % i)
        rows = ((n, (n * 7 + i) % 9000, 1, MOST >> i % 9) for n in range(i % 3, 9000, 2))
        made.census(i % 3, rows, i + 1)
    return made.write_run(path)


def censuses_that_are_written(path: Path) -> int:
    """300,000 in a file that was not closed: whether each still is there has to be asked."""
    made = Hostile()
    made.clean = 0
    for i in range(4):
        made.type(made.put(b"(%d)" % i))
    node = made.node(0, made.code(made.put(b"f"), made.put(FILE)))
    for i in range(300_000):
        made.census(i % 3, [(node, i % 4, 1, MOST)], i)
    return made.write(path)


def holders_of_long_names(path: Path) -> int:
    """60,000 rows, all of one name as long as the text, by turns of types and lines."""
    made = Hostile()
    made.node(0, made.code(made.put(b"f"), made.put(FILE)))
    name, way = made.put(b"n" * (4 << 20)), made.put(b"\x1b[m\xff")
    made.holder(0, (0, 0), (0, 0), MOST, 0)
    for i in range(60_000):
        made.holder(3 + i % 2, name, way, (1 << 64) - 1, i % 3)
    return made.write(path)


def holders_of_many_lines(path: Path) -> int:
    """60,000 rows, of names as long as they may be, one byte apart."""
    made = Hostile()
    made.node(0, made.code(made.put(b"f"), made.put(FILE)))
    at, length = made.put(b"n" * (4 << 20))
    made.holder(0, (0, 0), (0, 0), MOST, 0)
    for i in range(60_000):
        made.holder(4, (at + i, 4096), (at + i, length // 60_000), i, 0)
    return made.write(path)


def waste_of_many_rows(path: Path) -> int:
    """60,000 rows of all kinds, whose texts are control characters."""
    made = Hostile()
    made.node(0, made.code(made.put(b"f"), made.put(FILE)))
    made.holder(0, (0, 0), (0, 0), MOST, 0)
    at, length = made.put(b"\x1b[m\xff\t\n" * 500_000)
    made.wasted(0, (1 << 32) - 1, *[(0, 0)] * 3, size=(1 << 64) - 1)
    for i in range(60_000):
        texts = [(at + i * 40 + k * 10, 9 + k % 2) for k in range(3)]
        made.wasted(i % 9, b"\0bhiqfd"[i % 7], *texts, size=(1 << 64) - 1)
    return made.write(path)


KINDS: list[Callable[[Path], int]] = [
    shared_line_table, line_tables_one_byte_apart, one_long_line_table, names_shared_by_all,
    names_as_long_as_may_be, names_over_the_whole_text, long_paths, names_that_begin_others,
    deep_chain, spine_with_leaves, caller_of_long_name, equal_hashes, all_is_raw_bytes,
    times_at_the_extremes, many_children, moments_of_all_stacks, moments_at_the_extremes,
    types_of_all_stacks, censuses_of_all_stacks, censuses_that_are_written,
    holders_of_long_names, holders_of_many_lines, waste_of_many_rows,
]  # fmt: skip


def write_changed(kind: Callable[[Path], int], path: Path) -> None:
    """The same kind of capture of a program that was changed meanwhile, to compare with."""
    Hostile.changed = True
    kind(path)
    Hostile.changed = False


#: Each way to read one: the command, and what is behind the capture's name.
READERS = {
    "report": ["report"],
    "report-json": ["report", "--json"],
    "lines": ["lines"],
    "lines-all": ["lines", "--all", "--json"],
    "lines-file": ["lines", "app.py"],
    "lines-file-json": ["lines", "--json", "app.py"],
    "table-line": ["table", "--by", "line", "--csv"],
    "table-function": ["table", "--by", "function"],
    "table-file": ["table", "--by", "file"],
    "table-module": ["table", "--by", "module"],
    "table-process": ["table", "--by", "process"],
    "table-type": ["table", "--by", "type"],
    "table-line-type": ["table", "--by", "line,type", "--json"],
    "table-type-peak": ["table", "--by", "type", "--at", "peak"],
    "table-type-mark": ["table", "--by", "type", "--json", "--no-children", "--at", "m1"],
    "objects": ["objects"],
    "objects-json": ["objects", "--json"],
    "objects-type": ["objects", "--type", "n"],
    "objects-line": ["objects", "--line", "app.py:1"],
    "flamegraph": ["flamegraph", "--force", "-o", "a.html"],
    "tree": ["tree", "--min-percent", "0"],
    "tree-json": ["tree", "--json", "--min-percent", "0"],
    "diff": ["diff", "--no-children", "b.mprof"],
    "diff-page": ["diff", "-o", "d.html", "--force", "b.mprof"],
    "diff-yours": ["diff", "--by", "your-line", "--json", "b.mprof"],
    "diff-module": ["diff", "--by", "module", "--csv", "b.mprof"],
    "diff-process": ["diff", "--by", "process", "--format", "github", "b.mprof"],
    "leaks": ["leaks"],
    "leaks-json": ["leaks", "--json", "--since", "0"],
    "stats": ["stats"],
    "top": ["top", "--once"],
    "top-line": ["top", "--once", "--by", "line", "--json", "-i", "0.1"],
    "snapshot": ["snapshot", "-o", "/dev/null"],
    "stats-json": ["stats", "--json"],
    "collapsed": ["export", "--to", "collapsed"],
    "speedscope": ["export", "--to", "speedscope"],
    "pprof": ["export", "--to", "pprof"],
    "massif": ["export", "--to", "massif"],
    "csv": ["export", "--to", "csv", "--measure", "live"],
    "json": ["export", "--to", "json", "--measure", "allocated"],
    "at": ["report", "--at", "0.5s"],
    "at-json": ["table", "--json", "--at", "start"],
    "since": ["report", "--since", "start"],
    "since-json": ["report", "--json", "--since", "0"],
    "between": ["tree", "--between", "0,end"],
    "growth": ["export", "--to", "pprof", "--since", "0.1s"],
    "growth-lines": ["lines", "--since", "0", "app.py"],
    "peak": ["peak"],
    "plot": ["plot", "--terminal"],
    "list": ["list"],
}

if __name__ == "__main__":
    for kind in KINDS:
        kind(Path(sys.argv[1], kind.__name__))
