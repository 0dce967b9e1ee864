"""Statements and cells: compiled as the shell compiles its own, run in the user's namespace."""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, CoroutineType, TracebackType
    from typing import Any

ALLOW_INCOMPLETE_INPUT = 0x4000  # a flag of compile()
AWAITS = 0x80  # co_flags of code with await at its top level


def _cut(tree: ast.Module) -> list[ast.AST]:
    """A cell in two pieces, so that its last expression shows its value."""
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return [tree]
    last = ast.Interactive([tree.body[-1]])
    rest = ast.Module(tree.body[:-1], tree.type_ignores)
    return [rest, last] if rest.body else [last]


def _each(tree: ast.Module) -> list[ast.AST]:
    """A cell in its statements, as the shell itself runs them."""
    last = len(tree.body) - 1
    return [
        ast.Interactive([node])
        if number == last and isinstance(node, ast.Expr)
        else ast.Module([node], tree.type_ignores if number == 0 else [])
        for number, node in enumerate(tree.body)
    ] or [tree]


def cell_number(shell: Any) -> int:
    """The number of the cell that called the magic; older shells count on at its end, newer
    ones at its start."""
    import sys

    numbers: dict[str, int] = getattr(shell.compile, "_filename_map", {})
    frame = sys._getframe(1)
    while frame.f_code.co_filename not in numbers:
        if frame.f_back is None:
            return int(shell.execution_count)
        frame = frame.f_back
    return numbers[frame.f_code.co_filename]


def _blank_lines(source: str) -> int:
    """How many lines the shell drops at the head of a cell."""
    return source[: len(source) - len(source.lstrip())].count("\n")


def _parse(text: str, name: str, flags: int) -> Any:
    """The tree. A shell parses so as to tell incomplete input apart; here it is an error with a
    message that says where."""
    __tracebackhide__ = True
    flags = flags & ~ALLOW_INCOMPLETE_INPUT | ast.PyCF_ONLY_AST
    return compile(text, name, "exec", flags, dont_inherit=True)


def _first_line(piece: Any) -> int:
    """With its decorators, which run first."""
    if not piece.body:
        return 0
    node = piece.body[0]
    lines: list[int] = [
        node.lineno,
        *(one.lineno for one in getattr(node, "decorator_list", [])),
    ]
    return min(lines)


class Statement:
    """Source that a magic runs.

    Magics, `!commands` and `await` at the top level work in it; tracebacks show its lines.

    Args:
        shell: IPython's. source: the text.
        below: whether it stands below a line of the cell that is not part of it (the magic's),
            so that its lines are numbered as people see them.
        shows: whether the value of a last expression is shown, as a cell does.
        apart: whether each statement is a piece of its own; then it is shown, too.

    Raises:
        SyntaxError: as the shell raises it.
    """

    def __init__(
        self,
        shell: Any,
        source: str,
        below: bool = False,
        shows: bool = False,
        apart: bool = False,
    ) -> None:
        __tracebackhide__ = True
        self.shell = shell
        text = shell.transform_cell(source)
        if below:
            text = "\n" * (1 + _blank_lines(source)) + text
        name = shell.compile.cache(text, cell_number(shell), raw_code=source)
        tree = shell.transform_ast(_parse(text, name, shell.compile.flags))
        pieces = _each(tree) if apart else _cut(tree) if shows else [tree]
        self.codes = [self._compile(piece, name) for piece in pieces]
        #: the first lines of the pieces, and all of the text
        self.lines = [_first_line(piece) for piece in pieces]
        self.text = text.split("\n")

    def _compile(self, piece: ast.AST, name: str) -> CodeType:
        __tracebackhide__ = True
        mode = "single" if isinstance(piece, ast.Interactive) else "exec"
        with self.shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
            code: CodeType = self.shell.compile(piece, name, mode)
        return code

    def run(self, begins: Callable[[int], object] | None = None) -> None:
        """Runs it once, in the user's namespace; what it raises comes out.

        Args:
            begins: is told the first line of each piece that begins.
        """
        __tracebackhide__ = True
        names, local = self.shell.user_global_ns, self.shell.user_ns
        for code, line in zip(self.codes, self.lines, strict=True):
            if begins:
                begins(line)
            if code.co_flags & AWAITS:
                run_coroutine(self.shell, eval(code, names, local))
            else:
                exec(code, names, local)


def run_coroutine(shell: Any, coroutine: CoroutineType[Any, Any, Any]) -> None:
    """Runs it to its end: on the shell's loop, or beside it where that loop is running now."""
    __tracebackhide__ = True
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        shell.loop_runner(coroutine)
    else:
        _Beside(coroutine).run()


class _Beside:
    """A coroutine on a loop of its own in a thread of its own, waited for."""

    def __init__(self, coroutine: CoroutineType[Any, Any, Any]) -> None:
        self.coroutine, self.code = coroutine, coroutine.cr_code
        self.error: BaseException | None = None
        self.cancel: Callable[[], None] = coroutine.close

    def _thread(self) -> None:
        import asyncio

        try:
            with asyncio.Runner() as runner:
                runner.run(self._main())
        except BaseException as error:
            self.error = error.with_traceback(self._own_frames(error))

    def _own_frames(self, error: BaseException) -> TracebackType | None:
        """The frames from the coroutine's on; those of the loop are nobody's business."""
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code is not self.code:
            frames = frames.tb_next
        return frames or error.__traceback__

    async def _main(self) -> None:
        import asyncio

        task = asyncio.ensure_future(self.coroutine)
        loop = asyncio.get_running_loop()
        self.cancel = lambda: loop.is_closed() or loop.call_soon_threadsafe(task.cancel)  # type: ignore[assignment]
        await task

    def run(self) -> None:
        __tracebackhide__ = True
        import contextvars
        import threading

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._thread,), daemon=True)
        try:
            thread.start()
            thread.join()
        except BaseException:  # an interrupt: the thread has to end before we go on
            self.cancel()
            if thread.ident is not None:
                thread.join()
            raise
        if self.error is not None:
            raise self.error
