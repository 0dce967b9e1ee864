"""What `mprof heap` runs: FILE [-m MODULE | SCRIPT] arguments."""

from __future__ import annotations

import sys

from memory_profiler import _child, heap
from memory_profiler.__main__ import fail
from memory_profiler._program import ProgramError, load_program
from memory_profiler._run import _show, end_as, join_threads


def run(path: str, words: list[str]) -> BaseException | None:
    """Runs a program with its heap recorded; returns what it raised."""
    module, words = (words[1], words[2:]) if words[0] == "-m" else (None, words)
    try:
        program = load_program(words, module)
    except ProgramError as problem:
        fail(str(problem))
    except SyntaxError as problem:
        problem.__traceback__ = None
        sys.excepthook(type(problem), problem, None)
        raise SystemExit(1) from None
    _child.install()  # a bare @profile leaves the function as it is
    names = program.install()
    tracker = heap.track(path)
    try:
        tracker.start()
    except OSError as problem:
        fail(f"cannot record into {path}: {problem.strerror}")
    error: BaseException | None = None
    try:
        exec(program.code, names)
    except BaseException as raised:
        error = raised
    if error is not None and not isinstance(error, SystemExit):
        _show(error)
    join_threads()
    tracker.stop()
    return error


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[2:] == ["-m"]:
        fail("use: mprof heap [-o FILE] script.py", 2)
    if sys.argv[2] == "-c":
        fail("a program given with -c has no file to report on: save it as a script")
    end_as(run(sys.argv[1], sys.argv[2:]), 0)


if __name__ == "__main__":
    main()
