"""The reports of line tables, byte for byte what the C core writes (src/report)."""

from __future__ import annotations

from memory_profiler._pure import __version__, page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from memory_profiler._core import Cell, Function

MIB = 2**20
HEAP_COLUMNS = ("Allocated", "Freed", "Net", "Heap peak")

#: Characters that drive a terminal or reorder what is read.
CONTROLS = {
    *range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, 0x2028, 0x2029,
    *range(0x202A, 0x202F), *range(0x2066, 0x206A),
}  # fmt: skip


def _units(text: str) -> Iterator[tuple[str, bytes]]:
    """(character, its bytes when it cannot be shown)."""
    for char in text:
        rune = ord(char)
        hidden = rune in CONTROLS or 0xD800 <= rune < 0xE000
        yield char, char.encode("utf-8", "surrogatepass") if hidden else b""


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def for_terminal(text: str, keep_tabs: bool = False) -> str:
    """Text that cannot drive a terminal."""
    return "".join(
        _escaped(data) if data and not (keep_tabs and char == "\t") else char
        for char, data in _units(text)
    )


def for_html(text: str) -> str:
    """Text to stand in HTML, in an attribute too."""
    for char, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"),
                            ('"', "&quot;"), ("'", "&#39;")):  # fmt: skip
        text = text.replace(char, reference)
    return for_terminal(text, keep_tabs=True)


def _json_char(char: str) -> str:
    rune = ord(char)
    if char in '"\\':
        return f"\\{char}"
    if 0x20 <= rune < 0x7F and char not in "<>&":
        return char
    if 0xD800 <= rune < 0xE000:
        data = char.encode("utf-8", "surrogatepass")
        return "".join(f"\\u{0xDC00 + byte:04x}" for byte in data)
    if rune < 0x10000:
        return f"\\u{rune:04x}"
    rune -= 0x10000
    return f"\\u{0xD800 + (rune >> 10):04x}\\u{0xDC00 + (rune & 0x3FF):04x}"


def for_json(text: str) -> str:
    """A JSON string in ASCII that can stand inside a page."""
    return f'"{"".join(map(_json_char, text))}"'


def record_name(name: str, /) -> str:
    """The name as one field of a .dat record."""
    if not isinstance(name, str):
        raise TypeError(f"not a string: {name!r}")
    out = ""
    for char, data in _units(name):
        unit = _escaped(data or char.encode()) if data or char in "\\ " else char
        if len((out + unit).encode()) > 2048:
            break
        out += unit
    return out


def _increment(function: Function, number: int) -> int:
    """The increment to show: the entry row's with the baseline."""
    entry, baseline, cells = function[3], function[4], function[6]
    own = cells[number][1]
    return own + baseline if number == entry and baseline > 0 else own


def _rows(function: Function) -> Iterator[tuple[int, str, Cell | None]]:
    for number, source in enumerate(function[5], function[2]):
        cell = function[6].get(number)
        yield number, source, cell if cell and cell[2] else None


def size_text(size: int, precision: int) -> str:
    """Whole bytes below 1 KiB, then KiB, from 1 MiB on MiB."""
    if abs(size) < 2**10:
        return f"{size}   B"
    unit, name = (MIB, "MiB") if abs(size) >= MIB else (2**10, "KiB")
    return f"{size / unit:.{precision}f} {name}"


def _heap_sizes(cell: Cell) -> tuple[int, int, int, int]:
    """Allocated, freed, net and peak of the heap."""
    return cell[4], cell[5], cell[4] - cell[5], cell[6]


def text_lines(
    function: Function, precision: int, peaks: bool = False, heap: bool = False, /
) -> str:
    """The line table of memory_profiler 0.61, with more columns on request."""

    def mib(size: int) -> str:
        cell = f"{size / MIB:{precision + 4}.{precision}f} MiB"
        return f"{cell:>12} "

    out = [f"Filename: {for_terminal(function[0])}\n\n"]
    out.append(f"{'Line #':>6} {'Mem usage':>12} {'Increment':>12}")
    more = [f" {'Peak':>12}"] if peaks else []
    more += [f" {name:>12}" for name in HEAP_COLUMNS] if heap else []
    out.append("".join(more) + "  Occurrences   Line Contents\n")
    out.append("=" * (61 + 13 * len(more)) + "\n")
    for number, source, cell in _rows(function):
        figures = " " * (40 + 13 * len(more))
        if cell:
            figures = mib(cell[0]) + mib(_increment(function, number))
            figures += mib(cell[3]) if peaks else ""
            for size in _heap_sizes(cell) if heap else ():
                figures += f"{size_text(size, precision):>12} "
            figures += f" {cell[2]:10}   "
        out.append(f"{number:6} {figures}{for_terminal(source, keep_tabs=True)}\n")
    return "".join(out) + "\n\n"


def _json_heap(cell: Cell | None) -> str:
    names = ("allocated", "freed", "net", "heap_peak")
    sizes = _heap_sizes(cell) if cell else ("null",) * 4
    return "".join(f'"{name}": {size}, ' for name, size in zip(names, sizes, strict=True))


def _json_row(
    function: Function, number: int, cell: Cell | None, peaks: bool, heap: bool
) -> str:
    text = f'        {{"line": {number}, '
    if cell:
        text += f'"memory": {cell[0]}, "increment": {_increment(function, number)}, '
        text += f'"occurrences": {cell[2]}, '
    else:
        text += '"memory": null, "increment": null, "occurrences": 0, '
    peak = str(cell[3]) if cell and peaks else "null"
    return text + f'"peak": {peak}, ' + _json_heap(cell if heap else None)


def _json_function(function: Function, peaks: bool, heap: bool) -> str:
    rows = [
        f'{_json_row(function, number, cell, peaks, heap)}"source": {for_json(source)}}}'
        for number, source, cell in _rows(function)
    ]
    return (
        f'    {{\n      "filename": {for_json(function[0])},\n'
        f'      "function": {for_json(function[1])},\n'
        f'      "first_line": {function[2]},\n      "baseline": {function[4]},\n'
        '      "lines": [\n' + ",\n".join(rows) + ("\n" if rows else "") + "      ]\n    }"
    )


def json_lines(
    functions: list[Function], backend: str, python: str, peaks: bool = False,
    heap: bool = False, /,
) -> str:  # fmt: skip
    """The document of docs/json.md."""
    every = [_json_function(function, peaks, heap) for function in functions]
    return (
        '{\n  "schema": "memory_profiler.lines/1",\n  "unit": "bytes",\n'
        f'  "version": {for_json(__version__)},\n  "python": {for_json(python)},\n'
        f'  "backend": {for_json(backend)},\n  "functions": [\n'
        + ",\n".join(every) + ("\n" if every else "") + "  ]\n}\n"
    )  # fmt: skip


class _Scale:
    """What a function's rows are compared with; increments without the entry row."""

    def __init__(self, function: Function) -> None:
        cells = [(number, cell) for number, _, cell in _rows(function) if cell]
        self.memory = max((max(cell[0], cell[3]) for _, cell in cells), default=0)
        self.increment = max((abs(cell[1]) for _, cell in cells), default=0)
        self.heap = max((max(cell[4], cell[5]) for _, cell in cells), default=0)
        self.hottest, self.most = None, 0
        for number, cell in cells:
            if cell[1] > self.most:
                self.hottest, self.most = number, cell[1]


def _html_cell(text: str, bar: int, full: int, kind: str) -> str:
    share = abs(bar) / full if full > 0 else 0
    width = f"calc((100% - 20px)*{share:.3f})"
    span = f'<span class="bar{kind}" style="width:{width}"></span>'
    return f"<td>{text}{span if share >= 0.0005 else ''}</td>"


def _html_heap(cell: Cell, scale: _Scale, precision: int) -> str:
    sizes = _heap_sizes(cell)
    kinds = ("", "", " shrink" if sizes[2] < 0 else " grow", "")
    return "".join(
        _html_cell(size_text(size, precision), size, scale.heap, kind)
        for size, kind in zip(sizes, kinds, strict=True)
    )


def _html_row(
    function: Function,
    number: int,
    cell: Cell | None,
    scale: _Scale,
    precision: int,
    peaks: bool,
    heap: bool,
) -> str:
    kind = ' class="hot"' if number == scale.hottest else "" if cell else ' class="idle"'
    out = f'<tr{kind}><th scope="row">{number}</th>'
    if not cell:
        return out + f'<td colspan="{3 + peaks + 4 * heap}"></td>'

    def mib(size: int) -> str:
        return f"{size / MIB:.{precision}f} MiB"

    out += _html_cell(mib(cell[0]), cell[0], scale.memory, "")
    sign = " shrink" if cell[1] < 0 else " grow"
    out += _html_cell(mib(_increment(function, number)), cell[1], scale.increment, sign)
    if peaks:
        out += _html_cell(mib(cell[3]), cell[3], scale.memory, "")
    if heap:
        out += _html_heap(cell, scale, precision)
    return out + f"<td>{cell[2]}</td>"


def _html_function(function: Function, precision: int, peaks: bool, heap: bool) -> str:
    scale = _Scale(function)
    out = f"<section><h2>{for_html(function[1])}</h2>\n<p>{for_html(function[0])}"
    out += f", line {function[2]}"
    if scale.hottest is not None:
        most = f"{scale.most / MIB:.{precision}f}"
        out += f" &middot; line {scale.hottest} added most, {most} MiB"
    out += page.TABLE_HEAD + (page.PEAK_HEAD if peaks else "")
    out += (page.HEAP_HEAD if heap else "") + page.TABLE_HEAD_END
    for number, source, cell in _rows(function):
        out += _html_row(function, number, cell, scale, precision, peaks, heap)
        out += f'<td class="src">{for_html(source)}</td></tr>\n'
    return out + "</tbody></table></section>\n"


def html_lines(
    functions: list[Function], precision: int, title: str, backend: str, fragment: bool,
    peaks: bool = False, heap: bool = False, /,
) -> str:  # fmt: skip
    """A page without scripts, or as a fragment only its tables with their style."""
    out = "" if fragment else page.HEAD + for_html(title) + page.HEAD_END
    out += page.STYLE + '<div class="mp-lines">\n'
    if not fragment:
        out += f'<h1 style="font-size:1.4em;margin:0">{for_html(title)}</h1>\n'
        out += f"<p>memory_profiler {__version__}, backend {backend}</p>\n"
    out += "".join(
        _html_function(function, precision, peaks, heap) for function in functions
    )
    out += "" if functions else "<p>No measured function ran.</p>\n"
    return out + "</div>\n" + ("" if fragment else "</body></html>\n")
