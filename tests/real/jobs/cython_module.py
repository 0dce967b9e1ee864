"""A module that Cython compiles as the program runs."""

import os
import sys

from Cython.Build import cythonize
from setuptools import Distribution, Extension

SOURCE = """
def fill(int n):
    cdef int i
    kept = []
    for i in range(n):
        kept.append(b"x" * (1 << 20))
    return kept
"""


def build():
    with open("filled.pyx", "w") as file:
        file.write(SOURCE)
    extensions = cythonize(
        [Extension("filled", ["filled.pyx"])], quiet=True, language_level=3
    )
    command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
    command.inplace = True
    command.ensure_finalized()
    sys.stdout.flush()
    command.run()


def main():
    build()
    sys.path.insert(0, os.getcwd())
    import filled

    rows = filled.fill(24)  # holds 24 MiB within 10%
    kept = b"x" * (48 << 20)  # holds 48 MiB
    print(len(rows), len(kept))


main()
