"""How much the clocks of an engine's hosts differ, where `mprof plot` looks for it.

FOLDER/clocks.txt       node1 0.000000
                        node2 90.012345     its clock is so many seconds ahead of the first
"""

from __future__ import annotations

import os

NAME = "clocks.txt"


def write(folder: str, ahead: dict[str, float]) -> str:
    """The file, whole or as it was. Hosts' names have no blanks.

    Raises:
        OSError: it cannot be written.
    """
    path = os.path.join(folder, NAME)
    lines = [f"{host} {seconds:.6f}\n" for host, seconds in sorted(ahead.items())]
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        file.writelines(lines)
    os.replace(f"{path}.part", path)
    return path
