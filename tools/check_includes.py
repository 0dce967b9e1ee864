"""The rule of the rooms: data flows from capture to report, includes never lead back.

Usage: python tools/check_includes.py [src]. Prints each include that breaks the rule.
"""

import re
import sys
from pathlib import Path

#: What a room may include, besides itself.
ALLOWED = {
    "base": set(),
    "record": {"base"},
    "capture": {"base", "record"},
    "store": {"base", "record"},
    "aggregate": {"base", "record", "store"},
    "report": {"base", "record", "aggregate"},
    "cmd": {"base", "record", "capture", "store", "aggregate", "report"},
    "python": {"base", "record", "capture", "store", "aggregate", "report"},
}
PYTHON_FILES = re.compile(r"(python/|capture/(trace|frames|hooks_python))")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def problems(root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.[ch]")):
        name = path.relative_to(root).as_posix()
        room = name.split("/")[0]
        for bracket, target in INCLUDE.findall(path.read_text()):
            other = target.split("/")[0]
            if bracket == '"' and other != room and other not in ALLOWED[room]:
                found.append(f"{name}: {room} may not include {target}")
            if target == "Python.h" and not PYTHON_FILES.match(name):
                found.append(f"{name}: only the Python door and the tracer see Python.h")
    return found


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1] if len(sys.argv) > 1 else "src"))
    print("\n".join(lines) if lines else "includes: every room looks downstream only")
    sys.exit(bool(lines))
