"""A built page as C: embed.py NAME [PAGE] OUTPUT. Without a page, or an empty one: size 0."""

import sys
from pathlib import Path

MARK = b"@@DATA@@"


def array(name: str, data: bytes) -> str:
    rows = [data[i : i + 20] for i in range(0, len(data), 20)]
    body = ",\n".join("    " + ", ".join(map(str, row)) for row in rows) or "    0"
    return f"const char {name}[] = {{\n{body}}};\nconst size_t {name}_size = {len(data)};\n"


def main() -> None:
    name, *pages, output = sys.argv[1:]
    page = Path(pages[0]).read_bytes() if pages else b""
    head, tail = page.split(MARK) if page else (b"", b"")
    text = "#include <stddef.h>\n" + array(f"{name}_head", head)
    text += array(f"{name}_tail", tail)
    Path(output).write_text(text, encoding="ascii")


main()
