"""The source lines of measured functions.

One function is cut out of its file by the tokenizer, as the classic did. A report of many reads
each file's tree once instead: the tokenizer is written in Python, and took ten seconds for the
1,700 functions of a small pytest run.
"""

from __future__ import annotations

import os
import stat

from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

    from memory_profiler._lines.family import Named

FEW = 3  # functions of one file that the tokenizer cuts out
MOST_TRIES = 100  # lines that may end a statement and do not
ONLY_AST = 0x400  # ast.PyCF_ONLY_AST, without the import
PARTS = ("body", "orelse", "finalbody", "handlers", "cases")  # of statements


def _can_be(code: CodeType | Named, line: str) -> bool:
    """Whether a function can begin with this line. Code from strings shares its file name,
    `<string>`, with other strings, and linecache may know one of those."""
    if not code.co_filename.startswith("<") or code.co_name.startswith("<"):
        return True
    return line.lstrip().startswith(("@", "def ", "async ", "class "))


def _definitions(tree: Any) -> Iterator[tuple[int, int, int]]:
    """Of each function and class: its first line, its last, the column of its body (-1: on the
    line of its head)."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        for part in PARTS:
            nodes += getattr(node, part, ())
        if hasattr(node, "decorator_list"):
            first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
            body = node.body[0]
            alone = body.lineno > node.lineno and body.col_offset > node.col_offset
            yield first, node.end_lineno, body.col_offset if alone else -1


class _File:
    """One file: its lines, and where its functions end once that was asked often enough."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.asked = lines, 0
        self.ends: dict[int, tuple[int, int]] | None = None

    def block(self, first: int) -> list[str]:
        """The lines of the function that begins at line `first`."""
        self.asked += 1
        if self.asked > FEW and self.ends is None:
            self.ends = self._find_ends()
        if self.ends and first in self.ends:
            return self.lines[first - 1 : self._with_comments(*self.ends[first])]
        with standard:
            import inspect
            import tokenize

            try:  # in the block: 3.15 imports what inspect names when that is used
                return inspect.getblock(self.lines[first - 1 :])
            except (SyntaxError, tokenize.TokenError):  # the file is not what was compiled
                return []

    def _find_ends(self) -> dict[int, tuple[int, int]]:
        with standard:
            import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they were told when it was imported
            try:
                tree = compile("".join(self.lines), "?", "exec", ONLY_AST, True)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return {}
        return {first: (last, column) for first, last, column in _definitions(tree)}

    def _with_comments(self, last: int, column: int) -> int:
        """Comments behind the last statement belong to the body as far in as it is."""
        at = last
        while column >= 0 and at < len(self.lines):
            text = self.lines[at].strip()
            at += 1
            if text and text[0] != "#":
                break
            line = self.lines[at - 1]
            if text and len(line) - len(line.lstrip()) >= column:
                last = at
        return last


def _is_endless(name: str) -> bool:
    """Whether there is something of this name that is no file: a pipe, a device."""
    try:
        return not stat.S_ISREG(os.stat(name).st_mode)
    except OSError:
        return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _statement(lines: list[str], first: int) -> int:
    """How many lines the statement at line `first` has; 0: that is not where one begins. Alone
    in its file it would not be found by the tokenizer, which looks for `def`."""
    inside = _indent(lines[first - 1])
    head, tries = (("if 1:\n", 1) if inside else ("", 0)), 0
    for end in range(first, len(lines) + 1):
        text = lines[end].strip() if end < len(lines) else "end"
        if (
            not text
            or text[0] == "#"
            or (end < len(lines) and _indent(lines[end]) > inside)
        ):
            continue
        try:
            tree = compile(
                head[0] + "".join(lines[first - 1 : end]), "?", "exec", ONLY_AST, True
            )
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            tries += 1  # inside of brackets or of a text
            if tries > MOST_TRIES:
                return 0
            continue
        body: Any = tree.body[0].body if inside else tree.body
        return int(body[-1].end_lineno) - head[1]
    return 0


class Sources:
    """The files that one report shows."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def _file(self, code: CodeType | Named, names: dict[str, Any]) -> _File:
        name = code.co_filename
        if name not in self._files:
            self._files[name] = _File([])  # until it is read; asked once where it cannot be
            with standard:  # linecache imports, too, when it reads
                import linecache

                if name in linecache.cache or not _is_endless(name):
                    self._files[name] = _File(linecache.getlines(name, names or None))
        return self._files[name]

    def of(self, code: CodeType | Named, names: dict[str, Any], last: int) -> list[str]:
        """The source lines of a function from its first line, at least up to line `last`;
        empty when there is no source, or none that can be read now: the program may have
        taken away descriptors, rights or the directory. Line ends are stripped."""
        try:
            return self._of(code, names, last)
        except Exception:  # of odd names a ValueError, of a loader anything
            return []

    def _of(self, code: CodeType | Named, names: dict[str, Any], last: int) -> list[str]:
        file = self._file(code, names)
        lines, first = file.lines, max(code.co_firstlineno, 1)
        if first > len(lines) or not _can_be(code, lines[first - 1]):
            return []
        block = lines if code.co_name == "<module>" else file.block(first)
        return _stripped(lines, first, max(first - 1 + len(block), last))

    def of_block(
        self, code: CodeType, names: dict[str, Any], first: int, last: int
    ) -> list[str]:
        """The same of the statement that begins at line `first` of the code."""
        try:
            return self._of_block(code, names, first, last)
        except Exception:
            return []

    def _of_block(
        self, code: CodeType, names: dict[str, Any], first: int, last: int
    ) -> list[str]:
        file = self._file(code, names)
        if first > len(file.lines):
            return []
        count = _statement(file.lines, first)
        return _stripped(file.lines, first, max(first - 1 + count, last))


def _stripped(lines: list[str], first: int, last: int) -> list[str]:
    return [line.rstrip("\r\n") for line in lines[first - 1 : last]]
