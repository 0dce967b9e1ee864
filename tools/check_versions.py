"""One version and one address everywhere: tools/check_versions.py says what differs."""

from __future__ import annotations

import pathlib
import re
import sys
import tomllib

TOP = pathlib.Path(__file__).parents[1]
# Pages with the repository's address in full: a reader's machine has no pyproject.toml.
ADDRESSES = ("CITATION.cff", ".github/ISSUE_TEMPLATE/config.yml")


def found(path: str, pattern: str) -> str:
    match = re.search(pattern, (TOP / path).read_text(), re.M)
    return match[1] if match else "nothing"


def main() -> int:
    version = found("meson.build", r"^  version: '([^']+)'")
    urls = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["urls"]
    address = urls["Repository"]
    wrong = [
        f"{path}: version {there}, meson.build has {version}"
        for path, there in {
            "CITATION.cff": found("CITATION.cff", r"^version: (\S+)"),
            "CHANGELOG.md": found("CHANGELOG.md", r"^## (\S+)"),
        }.items()
        if there != version
    ]
    wrong += [
        f"pyproject.toml: {name} is not below {address}"
        for name, url in urls.items()
        if not url.startswith(address)
    ]
    wrong += [
        f"{path}: does not name {address}"
        for path in ADDRESSES
        if address not in (TOP / path).read_text()
    ]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
