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


def _is_read(cell: Cell) -> bool:
    """Whether memory could be read when the line completed."""
    return cell[0] >= 0


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
            figures = " " * (26 + 13 * peaks)
            if _is_read(cell):
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
    if cell and _is_read(cell):
        text += f'"memory": {cell[0]}, "increment": {_increment(function, number)}, '
    else:
        text += '"memory": null, "increment": null, '
    text += f'"occurrences": {cell[2] if cell else 0}, '
    peak = str(cell[3]) if cell and _is_read(cell) and peaks else "null"
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


def for_csv(text: str) -> str:
    """A quoted cell that no spreadsheet takes for a formula."""
    guard = "'" if text[:1] in ("=", "+", "-", "@") else ""
    return f'"{guard}{for_terminal(text)}"'.replace('"', '""')[1:-1]


def _csv_figures(function: Function, number: int, cell: Cell | None, peaks: bool,
                 heap: bool) -> str:  # fmt: skip
    if not cell:
        return ",,0,,,,,"
    known = _is_read(cell)
    figures: list[object] = [cell[0], _increment(function, number)] if known else ["", ""]
    figures += [cell[2], cell[3] if peaks and known else ""]
    figures += _heap_sizes(cell) if heap else ("",) * 4
    return ",".join(map(str, figures))


def csv_lines(functions: list[Function], peaks: bool = False, heap: bool = False, /) -> str:
    """The sheet of docs/json.md."""
    out = [
        "filename,function,line,memory,increment,occurrences,peak,allocated,freed,net,"
        "heap_peak,source\n"
    ]
    for function in functions:
        names = f"{for_csv(function[0])},{for_csv(function[1])}"
        for number, source, cell in _rows(function):
            figures = _csv_figures(function, number, cell, peaks, heap)
            out.append(f"{names},{number},{figures},{for_csv(source)}\n")
    return "".join(out)


class _Scale:
    """What the rows of all functions are compared with; increments without the entry rows."""

    def __init__(self, functions: list[Function], peaks: bool) -> None:
        cells = [(f, n, cell) for f in functions for n, _, cell in _rows(f) if cell]
        self.memory = max((max(cell[0], cell[3]) for *_, cell in cells), default=0)
        self.increment = max((abs(cell[1]) for *_, cell in cells), default=0)
        self.heap = max((max(_heap_sizes(cell)) for *_, cell in cells), default=0)
        self.heap = max(self.heap, -min((_heap_sizes(c)[2] for *_, c in cells), default=0))
        self.top: tuple[Function, int] | None = None
        self.top_bytes = 0
        for function, number, cell in cells:
            size = max(cell[0], cell[3]) if peaks else cell[0]
            if size > self.top_bytes:
                self.top, self.top_bytes = (function, number), size

    def is_top(self, function: Function, number: int) -> bool:
        """Whether that line has the most memory of all."""
        return self.top is not None and self.top[0] is function and self.top[1] == number


def _hottest(function: Function) -> tuple[int | None, int]:
    hottest, most = None, 0
    for number, _, cell in _rows(function):
        if cell and cell[1] > most:
            hottest, most = number, cell[1]
    return hottest, most


def _html_cell(text: str, bar: int, full: int, kind: str, is_top: bool = False) -> str:
    share = abs(bar) / full if full > 0 else 0
    width = f"calc((100% - 20px)*{share:.3f})"
    span = f'<span class="bar{kind}" style="width:{width}"></span>'
    start = '<td class="top">' if is_top else "<td>"
    return f"{start}{text}{span if share >= 0.0005 else ''}</td>"


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
    hot: bool,
    precision: int,
    peaks: bool,
    heap: bool,
) -> str:
    kind = ' class="hot"' if hot else "" if cell else ' class="idle"'
    is_top = scale.is_top(function, number)
    out = f'<tr{kind}><th scope="row">{number}</th>'
    if not cell:
        return out + f'<td colspan="{3 + peaks + 4 * heap}"></td>'

    def mib(size: int) -> str:
        return f"{size / MIB:.{precision}f} MiB"

    if _is_read(cell):
        out += _html_cell(mib(cell[0]), cell[0], scale.memory, "", is_top and not peaks)
        sign = " shrink" if cell[1] < 0 else " grow"
        out += _html_cell(mib(_increment(function, number)), cell[1], scale.increment, sign)
        if peaks:
            out += _html_cell(mib(cell[3]), cell[3], scale.memory, "", is_top)
    else:
        out += f'<td colspan="{2 + peaks}"></td>'
    if heap:
        out += _html_heap(cell, scale, precision)
    return out + f"<td>{cell[2]}</td>"


def _html_function(
    function: Function, scale: _Scale, precision: int, peaks: bool, heap: bool
) -> str:
    hottest, added = _hottest(function)
    out = f"<section><h2>{for_html(function[1])}</h2>\n<p>{for_html(function[0])}"
    out += f", line {function[2]}"
    if hottest is not None:
        most = f"{added / MIB:.{precision}f}"
        out += f" &middot; line {hottest} added most, {most} MiB"
    if scale.top and scale.top[0] is function:
        most = f"{scale.top_bytes / MIB:.{precision}f}"
        out += f" &middot; line {scale.top[1]} has the most memory of all, {most} MiB"
    out += page.TABLE_HEAD + (page.PEAK_HEAD if peaks else "")
    out += (page.HEAP_HEAD if heap else "") + page.TABLE_HEAD_END
    for number, source, cell in _rows(function):
        hot = number == hottest
        out += _html_row(function, number, cell, scale, hot, precision, peaks, heap)
        out += f'<td class="src">{for_html(source)}</td></tr>\n'
    return out + "</tbody></table></section>\n"


def html_lines(
    functions: list[Function], precision: int, title: str, backend: str, fragment: bool,
    peaks: bool = False, heap: bool = False, /,
) -> str:  # fmt: skip
    """A page without scripts, or as a fragment only its tables with their style."""
    out = "" if fragment else page.HEAD + for_html(title) + page.HEAD_END
    tag = "div" if fragment else "main"
    out += page.STYLE + f'<{tag} class="mp-lines">\n'
    if not fragment:
        out += f'<h1 style="font-size:1.4em;margin:0">{for_html(title)}</h1>\n'
        out += f"<p>memory_profiler {__version__}, backend {backend}</p>\n"
    scale = _Scale(functions, peaks)
    out += "".join(_html_function(f, scale, precision, peaks, heap) for f in functions)
    out += "" if functions else "<p>No measured function ran.</p>\n"
    return out + f"</{tag}>\n" + ("" if fragment else "</body></html>\n")
