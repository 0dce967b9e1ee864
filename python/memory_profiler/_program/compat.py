"""Names of memory_profiler 0.61 that programs import besides the main ones."""

from __future__ import annotations

import logging
import re

from memory_profiler._program.program import (
    ProgramError,
    find_script,
    load_module,
    load_script,
)

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

    from memory_profiler._lines.profiler import LineProfiler
    from memory_profiler._program.program import Program

#: tracemalloc is part of every Python that is supported.
has_tracemalloc = True

_GROWTH = re.compile(r"^\s*\d+\s+-?[\d.]+ MiB\s+(-?[\d.]+) MiB")


class LogFile:
    """A stream that hands reports to `logging`: `sys.stdout = LogFile("memory")`.

    Args:
        name: of the logger; None: the root logger.
        reportIncrementFlag: logs only the titles and the rows whose increment is above 0.
    """

    def __init__(self, name: str | None = None, reportIncrementFlag: bool = False) -> None:
        self.logger = logging.getLogger(name)
        self.reportIncrementFlag = reportIncrementFlag

    def write(self, msg: str, level: int = logging.INFO) -> None:
        """Logs one piece of a report."""
        if self.reportIncrementFlag and not self._is_wanted(msg):
            return
        self.logger.log(level, "%s", msg)

    @staticmethod
    def _is_wanted(msg: str) -> bool:
        row = _GROWTH.match(msg)
        if row:
            return float(row[1]) > 0
        return "Filename:" in msg or "Line Contents" in msg

    def flush(self) -> None:
        """Flushes the logger's handlers."""
        for handler in self.logger.handlers:
            handler.flush()


def _find_script(script_name: str) -> str:
    """The script in the working directory or on PATH; exits with 1 when there is none."""
    try:
        return find_script(script_name)
    except ProgramError as error:
        import sys

        print(error, file=sys.stderr)
        raise SystemExit(1) from None


def _func_exec(stmt: str, ns: dict[str, Any]) -> None:
    """Executes a statement in a namespace."""
    exec(stmt, ns)


def _execute(program: Program, profiler: LineProfiler) -> None:
    import builtins

    from memory_profiler import _profile

    _profile.run_profiler = profiler
    builtins.profile = profiler  # type: ignore[attr-defined]
    program.run(program.install())


def exec_with_profiler(
    filename: str,
    profiler: LineProfiler,
    backend: str = "psutil",
    passed_args: list[str] | None = None,
) -> None:
    """Runs a script as `__main__` with `profile` in builtins. `backend` is the profiler's."""
    path = _find_script(filename)
    _execute(load_script(path, [path, *(passed_args or [])]), profiler)


def run_module_with_profiler(
    module: str,
    profiler: LineProfiler,
    backend: str = "psutil",
    passed_args: list[str] | None = None,
) -> None:
    """Runs a module as `__main__` with `profile` in builtins. `backend` is the profiler's."""
    _execute(load_module(module, passed_args or []), profiler)
