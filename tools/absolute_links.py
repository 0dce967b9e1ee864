"""A page as an index shows it: links into the repository made absolute, at the version's tag.

tools/absolute_links.py PAGE VERSION prints it; `--dist` writes it over README.md of the source
distribution that Meson is making (meson.add_dist_script), so that the wheels have it too.
"""

from __future__ import annotations

import os
import pathlib
import re
import sys
import tomllib

TOP = pathlib.Path(__file__).parents[1]


def absolute(text: str, repository: str, version: str) -> str:
    """Each link to a file of the repository as one to its host, pictures as their bytes."""
    pages = f"{repository}/blob/v{version}/"
    text = re.sub(r"\]\((?![a-z]+:|#)", f"]({pages}", text)
    return re.sub(
        r'\b(src|srcset)="(?![a-z]+:)', rf'\1="{repository}/raw/v{version}/', text
    )


def repository() -> str:
    """Its address, from pyproject.toml, the one place that has it."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    address: str = project["urls"]["Repository"]
    return address.rstrip("/")


def main(words: list[str]) -> None:
    if words[0] == "--dist":
        page = pathlib.Path(os.environ["MESON_DIST_ROOT"]) / "README.md"
        page.write_text(absolute(page.read_text(), repository(), words[1]))
        return
    page = pathlib.Path(words[0])
    sys.stdout.write(absolute(page.read_text(), repository(), words[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
