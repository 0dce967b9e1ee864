"""What `mprof heap` runs: FILE [-m MODULE | -c CODE | -- SCRIPT | PROGRAM] arguments."""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # python -m put it there; the program's own comes when it is installed

import errno
import os

from memory_profiler import _core, _say, heap
from memory_profiler._heap import children as heap_children
from memory_profiler._limits import sizes
from memory_profiler._program import child
from memory_profiler._program.ending import Ending
from memory_profiler._program.program import (
    Program,
    ProgramError,
    find_file,
    load_code,
    load_file,
    load_module,
    whole_path,
)
from memory_profiler._say import fail, say
from memory_profiler._standard import standard

FAILED = 125  # the exit code when the program succeeded and the capture did not
SHORT = errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN  # what the system lacks
DEFAULT_NAME = "mprofheap_", ".mprof"  # around 14 digits of the time, and a number
OPTIONS = "MPROF_HEAP_OPTIONS"  #: set by mprof heap
PATIENCE = 60  # seconds that summing up a run may take
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
    return load_file(path, words, whole_path(path))


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

    def __init__(self, tracker: heap.Tracker, path: str, most: int) -> None:
        self.tracker = tracker
        heap_children.follow(tracker, path, most)

    def tell(self) -> None:
        figures = self.tracker._heap.figures()
        left_out, count = figures["children_left_out"], figures["children"]
        if left_out:
            say(f"the heap of {left_out} of {count} children was not recorded: a run keeps "
                f"{count - left_out}; mprof heap --max-children N keeps more")  # fmt: skip


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


class Options:
    """What mprof heap was told: of the tracker, and the budget in bytes (-1: none)."""

    def __init__(self) -> None:
        words = os.environ.pop(OPTIONS, "").split(",")
        given = dict(word.split("=") for word in words if "=" in word)
        native = None if given.get("native", "2") == "2" else False
        sources = given.get("sources") != "0"
        sample, max_file = int(given.get("sample", 0)), int(given.get("max_file", 0))
        types = {"1": True, "2": False}.get(given.get("types", ""))
        self.tracker = native, sample, max_file, sources, types
        self.children = int(given.get("children", 0))
        self.most = int(given.get("max", -1))
        self.kills = given.get("kill") == "1"

    def begin(self, tracker: heap.Tracker) -> None:
        if self.kills:
            tracker._heap.kill_over(self.most)

    def check(self, tracker: heap.Tracker, whole: str) -> int:
        """Says where the run in the file was over its budget; the exit code of that."""
        if self.most < 0:
            return 0
        peak, who = tracker.peak, "the program"
        if tracker._heap.figures()["children"]:
            peak, who = max(peak, peak_of_all(whole)), "the program and its children"
        if peak <= self.most:
            return 0
        over, most = sizes.show(peak - self.most), sizes.show(self.most)
        say(f"{who}: peak {sizes.show(peak)}, {over} over --max {most}")
        return 1


def peak_of_all(path: str) -> int:
    """The most that the processes of a run held at one moment, as far as they were sampled; 0
    where that cannot be told, which is said."""
    from memory_profiler._limits.command import Unrun, run_mprof

    with standard:
        import json
        import signal
    try:
        signal.signal(
            signal.SIGCHLD, signal.SIG_DFL
        )  # no handler of the program's hears of it
    except (ValueError, OSError):
        pass  # not in the main thread
    try:
        (run,) = json.loads(run_mprof(["peak", "--json", path], PATIENCE))
        return int(run["peak"])
    except (Unrun, ValueError, KeyError, TypeError) as problem:
        say(f"--max is checked for the program alone, not for its children: {problem}")
        return 0


def start(
    path: str,
    native: bool | None,
    sample: int,
    max_file: int,
    sources: bool,
    types: bool | None,
) -> tuple[heap.Tracker, str]:
    """A tracker that runs, and its file: a default name may be another run's by now."""
    wanted = path
    while True:
        tracker = heap.track(path, native, sample, max_file, sources, types)
        try:
            tracker.start()
            break
        except OSError as problem:
            following = next_name(path) if isinstance(problem, FileExistsError) else None
            if following is None:
                code = FAILED if problem.errno in SHORT else 1
                fail(f"cannot record into {path}: {problem.strerror}", code)
            path = following
    if path != wanted:
        say(f"{wanted} is another run's: recording into {path}")
    if tracker._heap.figures()["in_memory"]:
        say(f"files cannot be grown here: {path} is written when the program ends")
    if native is None and not tracker.native:
        say("malloc and mmap cannot be followed here: Python's allocators alone are")
    return tracker, path


def tell_end(tracker: heap.Tracker, path: str) -> None:
    """What the program came to, behind all that it printed."""
    try:
        sys.stdout.flush()
    except Exception:
        pass  # the interpreter tells of it
    word = path
    if not path.isascii() or any(c in path for c in " '\"\\$`*?[](){}<>|&;#~!"):
        word = "'" + path.replace("'", "'\\''") + "'"
    say(f"{tracker._heap.closing()}; to see it: mprof report {word}")


def stop(tracker: heap.Tracker, path: str) -> int:
    """Ends the capture and tells what it lacks; returns the exit code of that."""
    heap_children.unfollow()
    try:
        tracker.stop()
    except OSError as problem:
        say(f"cannot write {path}: {problem.strerror}")
        return FAILED
    why = tracker._heap.figures()["error"]
    if why:
        what = "new stacks were charged to their callers"
        say(f"cannot make {path} larger: {os.strerror(why)}; {what}")
    tell_end(tracker, path)
    return FAILED if why else 0


def forget(tracker: heap.Tracker, path: str) -> None:
    """Leaves no capture: there was no program in the package that `-m` named."""
    stop(tracker, path)
    try:
        os.unlink(path)
    except OSError:
        pass


def tell_begin(path: str) -> None:
    """Once it is true: neither a program nor a file may have been found."""
    was = _core.set_aside(True)  # what is allocated for it is not the program's
    say(f"recording the heap into {path} with {sys.executable}; 'mprof report' reads it")
    _core.set_aside(was)


def watch(tracker: heap.Tracker, path: str, follows: bool, most: int) -> Children | Forks:
    """What becomes of children. Where there is no file yet, they have none to join."""
    was = _core.set_aside(True)  # what is allocated for it is not the program's
    if follows and not tracker._heap.figures()["in_memory"]:
        children: Children | Forks = Children(tracker, path, most)
    else:
        os.environ[heap_children.VARIABLE] = heap_children.OFF
        children = Forks()
    _core.set_aside(was)
    return children


def is_started_again(path: str) -> bool:
    """Whether the program started us itself, with the words of the first start: `mprof heap`
    gives options, which the first start takes away. Of which run it is nobody may know any
    more: a daemon emptied its environment, and the processes that it comes from have ended."""
    if OPTIONS in os.environ:
        return False
    if heap_children.VARIABLE in os.environ or heap_children.recall(path):
        return True
    if _core.heap_owner(path) is None:
        return False
    os.environ[heap_children.VARIABLE] = heap_children.OFF
    say(f"{path} is another process's: this start of the program is not recorded")
    return True


def run_again(words: list[str]) -> None:
    """Runs a program that started itself again with our words, as reloaders do: this process is
    a child of the run, and records as one where it can."""
    heap_children.enter()  # a no-op where `site` was there before
    program = find(words)
    child.install()
    names = program.install()

    def end() -> int:
        heap_children.stop()
        return 0

    def run_it() -> None:
        try:
            program.run(names)
        except ProgramError as problem:
            fail(str(problem))

    Ending(end, heap_children.stop).run(run_it)


def run(path: str, words: list[str]) -> None:
    """Runs a program with its heap recorded, and ends as it does."""
    if is_started_again(path):
        return run_again(words)
    follows = os.environ.pop(heap_children.VARIABLE, "") != heap_children.OFF
    if not os.path.isabs(path) and not is_somewhere():
        fail(f"cannot record into {path}: the current directory was removed")
    program = find(words)
    child.install()  # a bare @profile leaves the function as it is
    names = program.install()

    def end() -> int:
        code = stop(tracker, path)
        children.tell()
        return options.check(tracker, whole) or code

    options = Options()
    ending = Ending(end, heap_children.stop)
    ending.watch_os_exit()
    tracker, path = start(path, *options.tracker)
    whole = whole_path(path)
    options.begin(tracker)
    tell_begin(path)
    children = watch(tracker, path, follows, options.children)

    def run_it() -> None:
        try:
            program.run(names)
        except ProgramError as problem:
            ending.done = True
            forget(tracker, path)
            fail(str(problem))

    ending.run(run_it)


def main() -> None:
    _say.program = "mprof"
    if len(sys.argv) < 3 or sys.argv[2:] in (["-m"], ["-c"]):
        fail(USE, 2)
    if sys.argv[2:4] == ["--", "-"]:
        fail("a program from stdin cannot be recorded: save it as a script, or use -c")
    run(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    main()
