"""The Python door's modules: who may import whom, and nobody in a circle.

Usage: python tools/check_imports.py [python]. Prints each import that breaks the rule. Imports
within functions count as all do; those of types alone (`if TYPE_CHECKING:`) never run.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

#: Modules that stand for themselves, in rooms as packages are.
ROOM_OF = {
    "_standard": "ground", "_say": "ground", "_lost": "ground", "_output": "ground",
    "_sampling_thread": "ground", "_core": "_pure", "_profile": "door", "__init__": "door",
}  # fmt: skip
GROUND = {"ground", "_pure", "_backends"}
#: What a room may import, besides itself.
ALLOWED: dict[str, set[str]] = {
    "ground": set(),
    "_pure": {"ground"},
    "_backends": {"ground", "_pure"},
    "_calls": GROUND,
    "_report": GROUND,
    "_limits": GROUND,
    "_lines": GROUND | {"_calls", "_report"},
    "_timeline": GROUND | {"_calls", "_report"},
    "_heap": GROUND | {"_limits"},
    "heap": GROUND | {"_heap", "_limits"},
    "_attach": GROUND | {"heap"},
    "_on_signal": GROUND | {"heap"},
    "_cluster": GROUND | {"heap", "_heap"},
    "dask": GROUND | {"_cluster", "_heap"},
    "mpi": GROUND | {"_cluster"},
    "_pictures": GROUND,
    "plot": GROUND | {"_pictures"},
    "ray": GROUND | {"_cluster", "_heap"},
    "door": GROUND | {"_limits", "_lines", "_report"},
    "testing": GROUND | {"_limits"},
    "_pytest": GROUND | {"_limits", "_heap"},
    "_program": GROUND | {"_calls", "_report", "_lines", "_timeline", "_heap", "door"},
    "_notebook": GROUND | {"_calls", "_report", "_lines", "_limits", "_heap", "heap"},
    "_mprof": GROUND | {"plot"},
    "__main__": {"_program"},
    "_heap_run": GROUND | {"_limits", "_program", "_heap", "heap"},
    "mprof": {"_mprof"},
    "memory_profiler_pytest": {"_pytest"},
}


def modules(root: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    parts = module.split(".")
    if parts[0] != "memory_profiler":
        return parts[0]
    first = parts[1] if len(parts) > 1 else "__init__"
    return ROOM_OF.get(first, first)


def is_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported(node: ast.AST) -> Iterator[list[str]]:
    """What each import may mean, the likeliest first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ([alias.name] for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (
                [f"{child.module}.{alias.name}", child.module] for alias in child.names
            )
        elif is_types_only(child):
            yield from (name for part in child.orelse for name in imported(part))  # type: ignore[attr-defined]
        else:
            yield from imported(child)


def arrows(known: dict[str, Path]) -> dict[str, set[str]]:
    found = {}
    for module, path in known.items():
        meant = (
            next((name for name in names if name in known), None)
            for names in imported(ast.parse(path.read_text()))
        )
        found[module] = {name for name in meant if name} - {module}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, in order; empty where there is none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for other in sorted(graph[module]):
            found = walk(other, [*way, module])
            if found:
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := walk(module, []))), [])


def problems(root: Path) -> list[str]:
    graph = arrows(modules(root))
    found = []
    for module, others in graph.items():
        room = room_of(module)
        if room not in ALLOWED:
            found.append(f"{module}: its room is not in tools/check_imports.py")
            continue
        for other in sorted(others):
            if room_of(other) != room and room_of(other) not in ALLOWED[room]:
                found.append(f"{module}: {room} may not import {other}")
    around = circle(graph)
    return found + ([f"a circle: {' -> '.join(around)}"] if around else [])


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1] if len(sys.argv) > 1 else "python"))
    print("\n".join(lines) if lines else "imports: every room looks downstream only")
    sys.exit(bool(lines))
