"""Programs that allocate what they are told, and the heap columns of their lines."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from conftest import Run, Workshop


@dataclass
class Line:
    allocated: int
    freed: int
    net: int
    heap_peak: int
    occurrences: int

    @property
    def figures(self) -> tuple[int, int, int, int]:
        return self.allocated, self.freed, self.net, self.heap_peak


Function = dict[str, Line]


class HeapShop(Workshop):
    """Scripts that can import `blocks`, whose calls allocate what they are told."""

    def __init__(self, path: Path, blocks: Path) -> None:
        super().__init__(path)
        self.env = {"PYTHONPATH": str(blocks)}

    def start(self, source: str, *words: str) -> Run:
        run = self.profile(source, "--heap", *words, env=self.env)
        assert (run.code, run.err) == (0, "")
        return run

    def measure(self, source: str, *words: str) -> dict[str, Function]:
        """{function: {source line: Line}} of the lines that ran."""
        run = self.start(
            "from blocks import malloc, realloc, free\n" + source, "--json", *words
        )
        document = json.loads(run.out[run.out.index("{\n") :])
        return {
            function["function"].rpartition(".")[2]: {
                row["source"].strip(): Line(*(row[name] for name in Line.__annotations__))
                for row in function["lines"]
                if row["occurrences"]
            }
            for function in document["functions"]
        }


def load_blocks(place: Path) -> ModuleType:
    (file,) = place.glob("blocks*")
    spec = importlib.util.spec_from_file_location("blocks", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BASIC = """
@profile
def work():
    malloc(0, 0, 1000)
    malloc(1, 1, 70000)
    malloc(2, 2, 17); free(2, 2); malloc(2, 2, 40)
    free(0, 0)
    realloc(1, 1, 300)
    for n in range(3):
        malloc(2, 3, 500)
        free(2, 3); free(2, 2) if n == 2 else None
    free(1, 1)
    return None

work()
"""


def check_basic(work: Function) -> None:
    assert work["@profile"].figures == (0, 0, 0, 0)
    assert work["malloc(0, 0, 1000)"].figures == (1000, 0, 1000, 1000)
    assert work["malloc(1, 1, 70000)"].figures == (70000, 0, 70000, 70000)
    assert work["malloc(2, 2, 17); free(2, 2); malloc(2, 2, 40)"].figures == (
        57,
        17,
        40,
        40,
    )
    assert work["free(0, 0)"].figures == (0, 1000, -1000, 0)
    assert work["realloc(1, 1, 300)"].figures == (300, 70000, -69700, 0)
    assert work["malloc(2, 3, 500)"].figures == (1500, 0, 1500, 500)
    assert work["free(2, 3); free(2, 2) if n == 2 else None"].figures == (0, 1540, -1540, 0)
    assert work["free(1, 1)"].figures == (0, 300, -300, 0)
    assert work["return None"].figures == (0, 0, 0, 0)
