"""What `mprof heap` runs: FILE [-m MODULE | -c CODE | -- SCRIPT | PROGRAM] arguments."""

from __future__ import annotations

import sys

here = [] if sys.flags.safe_path else [sys.path.pop(0)]  # a types.py there is the program's

import os

from memory_profiler import _child, _core, _heap_children, _say, heap
from memory_profiler._ending import end_as, join_threads, show_error
from memory_profiler._program import (
    Program,
    ProgramError,
    find_file,
    load_code,
    load_file,
    load_module,
)
from memory_profiler._say import fail, say

sys.path[:0] = here

FAILED = 125  # the exit code when the program succeeded and the capture did not
DEFAULT_NAME = "mprofheap_", ".mprof"  # around 14 digits of the time, and a number
OPTIONS = "MPROF_HEAP_OPTIONS"  #: set by mprof heap
USE = "use: mprof heap [-o FILE] script.py"


def load(words: list[str]) -> Program:
    """What the words name, as the interpreter would; `--` says that it was given a script."""
    if words[0] == "-m":
        return load_module(words[1], words[2:])
    if words[0] == "-c":
        return load_code(words[1], words[2:])
    path = words[1] if words[0] == "--" else find_file(words[0])
    if path is None:
        return load_module(words[0], words[1:])
    words = words[words[0] == "--" :]
    return load_file(path, words, os.path.join(os.getcwd(), path))


def find(words: list[str]) -> Program:
    """The program, or the end of this process."""
    try:
        program = load(words)
    except ProgramError as problem:
        fail(str(problem))
    except SyntaxError as problem:
        problem.__traceback__ = None
        sys.excepthook(type(problem), problem, None)
        raise SystemExit(1) from None
    if sys.path[:1] == [os.getcwd()] != [program.path0] and not sys.flags.safe_path:
        del sys.path[0]  # our own -m put it there; a script's imports do not look there
    return program


class Forks:
    """Counts the children that are forked from here on, where none is recorded."""

    def __init__(self) -> None:
        self.count = 0
        os.register_at_fork(after_in_parent=self._one)

    def _one(self) -> None:
        self.count += 1

    def tell(self) -> None:
        if self.count:
            what = "child" if self.count == 1 else "children"
            say(f"the heap of {self.count} forked {what} was not recorded")


class Children:
    """Lets the children of this run record, and tells whose heap was not."""

    def __init__(self, tracker: heap.Tracker, path: str) -> None:
        self.tracker = tracker
        _heap_children.follow(tracker, path)

    def tell(self) -> None:
        figures = self.tracker._heap.figures()
        left_out, count = figures["children_left_out"], figures["children"]
        if left_out:
            say(f"the heap of {left_out} of {count} children was not recorded: a run keeps "
                f"{count - left_out}")  # fmt: skip


def is_somewhere() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False


def next_name(path: str) -> str | None:
    """The name to try when a default one is taken; None for one that the user gave."""
    start, end = DEFAULT_NAME
    stamp, dash, number = path.removeprefix(start).removesuffix(end).partition("-")
    if path != f"{start}{stamp}{dash}{number}{end}" or len(stamp) != 14:
        return None
    if not stamp.isdecimal() or (dash and not number.isdecimal()):
        return None
    return f"{start}{stamp}-{int(number or 0) + 1}{end}"


def options() -> tuple[bool | None, int]:
    """`native` and `sample` of the tracker, as mprof heap was told."""
    words = os.environ.pop(OPTIONS, "").split(",")
    given = dict(word.split("=") for word in words if "=" in word)
    native = None if given.get("native", "2") == "2" else False
    return native, int(given.get("sample", 0))


def start(path: str, native: bool | None, sample: int) -> tuple[heap.Tracker, str]:
    """A tracker that runs, and its file: a default name may be another run's by now."""
    wanted = path
    while True:
        tracker = heap.track(path, native, sample)
        try:
            tracker.start()
            break
        except OSError as problem:
            following = next_name(path) if isinstance(problem, FileExistsError) else None
            if following is None:
                fail(f"cannot record into {path}: {problem.strerror}")
            path = following
    if path != wanted:
        say(f"{wanted} is another run's: recording into {path}")
    if tracker._heap.figures()["in_memory"]:
        say(f"files cannot be grown here: {path} is written when the program ends")
    if native is None and not tracker.native:
        say("malloc and mmap cannot be followed here: Python's allocators alone are")
    return tracker, path


def stop(tracker: heap.Tracker, path: str) -> int:
    """Ends the capture and tells what it lacks; returns the exit code of that."""
    _heap_children.unfollow()
    try:
        tracker.stop()
    except OSError as problem:
        say(f"cannot write {path}: {problem.strerror}")
        return FAILED
    why = tracker._heap.figures()["error"]
    if why:
        what = "new stacks were charged to their callers"
        say(f"cannot make {path} larger: {os.strerror(why)}; {what}")
    return FAILED if why else 0


def tell_begin(path: str) -> None:
    """Once it is true: neither a program nor a file may have been found."""
    was = _core.set_aside(True)  # what is allocated for it is not the program's
    say(f"recording the heap into {path} with {sys.executable}; 'mprof report' reads it")
    _core.set_aside(was)


def watch(tracker: heap.Tracker, path: str, follows: bool) -> Children | Forks:
    """What becomes of children. Where there is no file yet, they have none to join."""
    was = _core.set_aside(True)  # what is allocated for it is not the program's
    if follows and not tracker._heap.figures()["in_memory"]:
        children: Children | Forks = Children(tracker, path)
    else:
        children = Forks()
    _core.set_aside(was)
    return children


def run(path: str, words: list[str]) -> tuple[BaseException | None, int]:
    """Runs a program with its heap recorded; returns what it raised, and our own exit code."""
    follows = os.environ.pop(_heap_children.VARIABLE, "") != _heap_children.OFF
    if not is_somewhere():
        fail(f"cannot record into {path}: the current directory was removed")
    program = find(words)
    _child.install()  # a bare @profile leaves the function as it is
    names = program.install()
    owner, code = os.getpid(), 0
    tracker, path = start(path, *options())
    tell_begin(path)
    children = watch(tracker, path, follows)
    error: BaseException | None = None
    try:
        exec(program.code, names)
    except BaseException as raised:
        error = raised
    if error is not None and not isinstance(error, SystemExit):
        show_error(error)
    join_threads()
    if os.getpid() == owner:
        code = stop(tracker, path)
        children.tell()
    if code and isinstance(error, SystemExit) and error.code in (None, 0):
        error = None  # it says success; we cannot
    return error, code


def main() -> None:
    _say.program = "mprof"
    if len(sys.argv) < 3 or sys.argv[2:] in (["-m"], ["-c"]):
        fail(USE, 2)
    if sys.argv[2:4] == ["--", "-"]:
        fail("a program from stdin cannot be recorded: save it as a script, or use -c")
    end_as(*run(sys.argv[1], sys.argv[2:]))


if __name__ == "__main__":
    main()
