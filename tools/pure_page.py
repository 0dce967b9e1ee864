"""Writes python/memory_profiler/_pure/page.py: the fixed parts of src/report/lines/html.c.

Usage: python tools/pure_page.py, after a change of html.c; then `make format`.
"""

import ast
import re
from pathlib import Path

TOP = Path(__file__).parents[1]
WIDTH = 76


def literals(text: str) -> str:
    """The C string literals in a piece of C, joined."""
    return "".join(
        ast.literal_eval(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"', text)
    )


def between(text: str, start: str, end: str) -> str:
    return text[text.index(start) :].partition(end)[0]


def emit(name: str, text: str) -> str:
    """A constant in rows that fit."""
    rows: list[str] = []
    for whole in text.splitlines(keepends=True):
        line = whole
        while len(line) > WIDTH:
            cut = max(line.rfind(mark, 0, WIDTH) for mark in " ;{>,") + 1
            rows.append(line[:cut])
            line = line[cut:]
        rows.append(line)
    return f"{name} = (\n" + "".join(f"    {row!r}\n" for row in rows) + ")\n"


def main() -> None:
    source = (TOP / "src/report/lines/html.c").read_text()
    head = between(source, "static void put_head", "\n}\n")
    before, after = head.split(
        "mp_escape_html(out, options->title, strlen(options->title));"
    )
    table = between(
        between(source, "static void put_function", "\n}\n"), '"</p>', "for (int"
    )
    first, rest = table.split("if (options->peaks)")
    peak, rest = rest.split("if (options->heap)")
    heap, last = rest.split(";", 1)
    parts = {
        "STYLE": literals(between(source, "style[] =", "\n\n")), "HEAD": literals(before),
        "HEAD_END": literals(after), "TABLE_HEAD": literals(first),
        "PEAK_HEAD": literals(peak), "HEAP_HEAD": literals(heap),
        "TABLE_HEAD_END": literals(last),
    }  # fmt: skip
    text = '"""The fixed parts of the HTML report; written by tools/pure_page.py."""\n\n'
    text += "\n".join(emit(name, part) for name, part in parts.items())
    (TOP / "python/memory_profiler/_pure/page.py").write_text(text)


main()
