"""The rule of the rooms: data flows from capture to report, nothing looks or calls back.

Usage: python tools/check_includes.py [src]. Prints each line that breaks the rule:

- an include of a room that this one may not look into, or of more of it than its one header;
- a name of a room above, however it was declared;
- a circle of files, by what they include and by what they use.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

#: The rooms in their order, and what each may include besides itself: only rooms before it.
ALLOWED: dict[str, tuple[str, ...]] = {
    "base": (),
    "record": ("base",),
    "capture/process": ("base", "record"),
    "capture/attach": ("base", "record"),
    "capture/timeline": ("base", "record", "capture/process"),
    "capture/heap/accounting": ("base", "record", "capture/process"),
    "capture/heap/frames": ("base", "record", "capture/heap/accounting"),
    "capture/heap/native": ("base", "record"),
    "capture/heap/balance": ("base", "record", "capture/process"),
    "capture/heap/python": (
        "base", "record", "capture/process", "capture/heap/accounting", "capture/heap/frames",
        "capture/heap/native", "capture/heap/balance",
    ),
    "capture/objects": ("base", "record", "capture/heap/accounting", "capture/heap/frames"),
    "capture/lines": ("base", "record", "capture/process", "capture/heap/python"),
    "store/identity": ("base", "record"),
    "store/dat": ("base", "record"),
    "store/heap": ("base", "record", "store/identity"),
    "store/source": ("base", "record"),
    "aggregate/timeline": ("base", "record"),
    "aggregate/heap": ("base", "record"),
    "report/lines": ("base", "record"),
    "report/timeline": ("base", "record", "aggregate/timeline"),
    "report/notebook": (
        "base", "record", "aggregate/timeline", "report/lines", "report/timeline",
    ),
    "report/heap": ("base", "record", "aggregate/heap"),
    "report/top": ("base", "record", "aggregate/heap", "report/heap"),
    "cmd/shared": (
        "base", "record", "store/identity", "store/dat", "store/heap", "aggregate/timeline",
        "report/timeline",
    ),
    "cmd/timeline": (
        "base", "record", "capture/process", "capture/timeline", "store/identity", "store/dat",
        "cmd/shared",
    ),
    "cmd/heap": (
        "base", "record", "capture/process", "capture/attach", "store/identity", "store/dat",
        "store/heap", "store/source", "aggregate/heap", "report/heap", "cmd/shared",
    ),
    "cmd/recordings": (
        "base", "record", "store/dat", "store/heap", "aggregate/timeline", "aggregate/heap",
        "report/timeline", "report/heap", "cmd/shared", "cmd/heap",
    ),
    "cmd/top": (
        "base", "record", "capture/process", "store/dat", "store/heap", "aggregate/heap",
        "report/heap", "report/top", "cmd/shared", "cmd/heap",
    ),
    "cmd": ("base", "cmd/shared", "cmd/timeline", "cmd/heap", "cmd/recordings", "cmd/top"),
    "python": (
        "base", "record", "capture/process", "capture/timeline", "capture/heap/accounting",
        "capture/heap/python", "capture/objects", "capture/lines", "store/dat", "store/heap",
        "store/source", "aggregate/heap", "report/lines", "report/notebook", "report/heap",
    ),
}  # fmt: skip

#: Who sees one header alone of a room.
ONE_HEADER = {("capture/lines", "capture/heap/python"): "capture/heap/python/lines.h"}

#: Who sees the interpreter.
PYTHON_FILES = re.compile(
    r"(python/|capture/heap/(frames|python)/|capture/objects/|capture/lines/(trace|frame\b))"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
#: What is no code: comments, and what strings and characters hold.
NOISE = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|\bFOR_ASM\b")
NAME = re.compile(r"(?<!struct )(?<!enum )(?<!union )(?<!\.)(?<!->)\b(mp_\w+)\b")


def code_of(text: str) -> str:
    """Without comments, strings, and what the preprocessor takes but for what it defines."""
    text = NOISE.sub(lambda match: '""' if match[0][0] in "\"'" else " ", text)
    return PREPROCESSOR.sub(
        lambda match: match[0] if "define" in match[0] else "", ATTRIBUTE.sub("", text)
    )


def outermost(code: str) -> Iterator[tuple[str, str]]:
    """Each declaration or definition of a file: its head, and the mark behind that: { = or ;"""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", code, flags=re.M)
    head, depth = "", 0
    for piece in re.split(r"([{};=])", code):
        if piece == "{":
            if depth == 0 and head.strip():
                yield head.strip(), "{"
            depth += 1
        elif piece == "}":
            depth -= 1
            if depth == 0:
                head = ""
        elif depth == 0 and piece in (";", "="):
            if head.strip():
                yield head.strip(), piece
            head = ""
        elif depth == 0:
            head += piece


def named(head: str) -> str | None:
    """The function or variable that a head is about."""
    if head.startswith(("static", "typedef")) or not head.strip():
        return None
    call = re.search(r"\b(mp_\w+)\s*\(", head)
    if call:
        return call[1]
    names = NAME.findall(head.split("[", maxsplit=1)[0])
    is_tag = re.fullmatch(r"(struct|enum|union)\s+\w+", head)
    return str(names[-1]) if names and not is_tag else None


def declared(code: str) -> set[str]:
    """What a header declares, for others to use: many in one statement, too."""
    found = set()
    for head, mark in outermost(code):
        if mark == ";" and not head.startswith(("static", "typedef")):
            is_function = re.search(r"\bmp_\w+\s*\(", head)
            found |= {named(head) or ""} if is_function else set(NAME.findall(head))
    return found - {""}


class Files:
    """What stands under src/: who includes whom, who defines, declares and uses which name."""

    def __init__(self, root: Path) -> None:
        paths = sorted(root.rglob("*.[ch]"))
        self.text = {path.relative_to(root).as_posix(): path.read_text() for path in paths}
        self.code = {name: code_of(text) for name, text in self.text.items()}
        self.defined: dict[str, list[str]] = {}
        for name, code in self.code.items():
            if name.endswith(".c"):
                for head, mark in outermost(code):
                    its = None if head.startswith("extern") else named(head)
                    is_prototype = mark == ";" and "(" in head
                    if its and not is_prototype:
                        self.defined.setdefault(its, []).append(name)
        self.declared = {n: declared(c) for n, c in self.code.items() if n.endswith(".h")}

    def includes(self, name: str) -> list[str]:
        return [to for mark, to in INCLUDE.findall(self.text[name]) if mark == '"']

    def uses(self, name: str) -> set[str]:
        """Names of other files. A header that declares one does not use it by that."""
        code = self.code[name]
        used = set(NAME.findall(code)) & self.defined.keys()
        every = NAME.findall(code)
        once = {n for n in self.declared.get(name, ()) if every.count(n) == 1}
        return {n for n in used - once if name not in self.defined[n]}


def room_of(name: str) -> str:
    return name.rpartition("/")[0]


def who_includes(files: Files) -> Iterator[str]:
    for name in files.text:
        room = room_of(name)
        if room not in ALLOWED:
            yield f"{name}: no such room; tools/check_includes.py lists them"
            continue
        for mark, target in INCLUDE.findall(files.text[name]):
            other = room_of(target)
            one = ONE_HEADER.get((room, other), target)
            if mark == '"' and other != room and other not in ALLOWED[room]:
                yield f"{name}: {room} may not include {target}"
            elif mark == '"' and one != target:
                yield f"{name}: {room} sees {one} alone of {other}, not {target}"
            if target == "Python.h" and not PYTHON_FILES.match(name):
                yield f"{name}: only the Python door and the tracer see Python.h"


def who_calls(files: Files) -> Iterator[str]:
    """Where a name stands, called or declared, the room that defines it may be included."""
    for name, code in files.code.items():
        room = room_of(name)
        for its in sorted(set(NAME.findall(code)) & files.defined.keys()):
            homes = {room_of(definer) for definer in files.defined[its]}
            if not homes & {room, *ALLOWED.get(room, ())}:
                yield f"{name}: {room} may not use {its} of {', '.join(sorted(homes))}"


def units(files: Files) -> dict[str, str]:
    """file -> the pair of .h and .c it belongs to. A .c without a header of its own belongs to
    the pair whose header declares what it defines."""
    unit = {name: name.rpartition(".")[0] for name in files.text}
    for name in files.text:
        stem = unit[name]
        if name.endswith(".c") and f"{stem}.h" not in files.text:
            its = {n for n, definers in files.defined.items() if name in definers}
            for header, names in files.declared.items():
                pair = header.removesuffix(".h")
                if (
                    its & names
                    and f"{pair}.c" in files.text
                    and room_of(header) == room_of(name)
                ):
                    unit[name] = pair
    return unit


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups that reach each other; each is one way around, for the reader to follow."""
    found, seen = [], set()
    for start in sorted(edges):
        if start in seen:
            continue
        way = way_back(edges, start)
        if way:
            found.append(way)
            seen |= set(way)
    return found


def way_back(edges: dict[str, set[str]], start: str) -> list[str]:
    """The shortest way from a node to itself; empty when there is none."""
    before: dict[str, str] = {}
    front = [start]
    while front:
        here = front.pop(0)
        for to in sorted(edges.get(here, ())):
            if to == start:
                way = [here]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if to not in before:
                before[to] = here
                front.append(to)
    return []


def file_circles(files: Files) -> Iterator[str]:
    unit = units(files)
    edges: dict[str, set[str]] = {}
    for name in files.text:
        targets = {unit[to] for to in files.includes(name) if to in unit}
        for its in files.uses(name):
            definers = {unit[definer] for definer in files.defined[its]}
            targets |= definers if len(definers) == 1 else set()
        edges.setdefault(unit[name], set()).update(targets - {unit[name]})
    for way in circles(edges):
        yield f"circle of files: {' -> '.join([*way, way[0]])}"


def room_order() -> Iterator[str]:
    before: set[str] = set()
    for room, others in ALLOWED.items():
        for other in sorted(set(others) - before):
            yield f"tools/check_includes.py: {room} may not be above {other}, which comes later"
        before.add(room)


def readmes(root: Path, rooms: Iterable[str]) -> Iterator[str]:
    for room in sorted(rooms):
        path = root / room / "README.md"
        lines = path.read_text().splitlines() if path.exists() else []
        if not 0 < len(lines) <= 10:
            yield f"{room}: needs a README.md of ten lines at most"
        elif room in ALLOWED and lines[-2:] != readme(room, "").splitlines()[-2:]:
            yield f"{room}/README.md: ends otherwise than tools/check_includes.py says"
            yield from readme(room, "").splitlines()[-2:]


def only(viewer: str, room: str) -> str:
    """How much a viewer sees of a room, where that is not all of it."""
    one = ONE_HEADER.get((viewer, room))
    return f" (`{Path(one).name}` alone)" if one else ""


def readme(room: str, about: str) -> str:
    """The README.md of a room, whose last two lines are the rule."""
    above = [viewer for viewer, allowed in ALLOWED.items() if room in allowed]
    shown = ", ".join(f"`{viewer}`{only(viewer, room)}" for viewer in above)
    below = ", ".join(f"`{other}`{only(room, other)}" for other in ALLOWED[room])
    return (
        f"# {room}\n\n{textwrap.fill(about, 100)}\n\n"
        f"- Included by: {shown or 'nobody'}\n"
        f"- Includes: {below or 'nothing'}\n"
    )


def problems(root: Path) -> list[str]:
    files = Files(root)
    rooms = {room_of(name) for name in files.text}
    return [
        *room_order(), *readmes(root, rooms), *who_includes(files), *who_calls(files),
        *file_circles(files),
    ]  # fmt: skip


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1] if len(sys.argv) > 1 else "src"))
    print("\n".join(lines) if lines else "rooms: each looks downstream only, no circles")
    sys.exit(bool(lines))
