"""A program that injects by itself, to try every thread and to die at every step."""

from __future__ import annotations

import pathlib
import platform
import subprocess

TOP = pathlib.Path(__file__).parents[3]
STEPS = range(1, 7)  #: where it can die: enum mp_step


def build_injector(folder: pathlib.Path) -> pathlib.Path:
    room = TOP / "src/capture/attach"
    names = ["inject", "mappings", "python", "symbols", "target", "threads"]
    sources = [room / f"{name}.c" for name in [*names, f"machine_{platform.machine()}"]]
    sources += [TOP / "src/base/array.c", TOP / "src/base/clock.c"]
    program = folder / "inject"
    subprocess.run(
        ["cc", "-O1", "-D_GNU_SOURCE", "-DMP_WITH_STEPS", f"-I{TOP / 'src'}", *sources,
         pathlib.Path(__file__).with_name("inject.c"), "-o", program], check=True,
    )  # fmt: skip
    return program
