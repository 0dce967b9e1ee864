"""Follows every link of a built site that leads into it: tools/check_site.py FOLDER."""

from __future__ import annotations

import pathlib
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

KEYS = {"a": "href", "img": "src", "link": "href", "script": "src", "source": "srcset"}


class Page(HTMLParser):
    """The links of a page, and what can be linked to in it."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.pictures_without_text = 0
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "img" and not given.get("alt"):
            self.pictures_without_text += 1
        link = given.get(KEYS.get(tag, ""))
        if link:
            self.links.append(link)


def wrong(top: pathlib.Path) -> list[str]:
    """A line for each link that leads nowhere, and each picture that says nothing."""
    pages = {path: Page(path) for path in sorted(top.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        here = path.relative_to(top)
        if page.pictures_without_text:
            found.append(f"{here}: {page.pictures_without_text} pictures without a text")
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in {"http", "https", "data", "mailto"} or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{here}: no file {link}")
                continue
            names = (
                pages[target].names | {"", "top"} if target in pages else {parts.fragment}
            )
            if unquote(parts.fragment) not in names:
                found.append(f"{here}: no place {link}")
    return found


def main(folder: str) -> int:
    top = pathlib.Path(folder).resolve()
    lines = wrong(top)
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1 if lines or not (top / "index.html").is_file() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
