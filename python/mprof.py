"""The `mprof` command from Python: `python -m mprof`, and what 0.61 let people import.

The command itself is a native program that comes with this package; the actions here run
it. Reading a recording into a dict, naming functions and listing recordings is plain Python.

>>> function_labels(["a.f", "b.f", "g"])
{'g': 'g', 'a.f': 'a.f', 'b.f': 'b.f'}
"""

from __future__ import annotations

import glob
import importlib.metadata
import os
import os.path as osp
import re
import shutil
import subprocess
import sys
import sysconfig
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ACTIONS = ("rm", "clean", "list", "run", "attach", "plot", "peak")
ELF = b"\x7fELF"
ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def _candidates() -> Iterator[str]:
    """Where an installed `mprof` may be: as recorded at install, beside Python, on PATH."""
    try:
        files = importlib.metadata.files("memory_profiler") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "mprof" and file.parent.name == "bin":
            yield str(file.locate())
    yield osp.join(osp.dirname(__file__), "bin", "mprof")  # pip install --target
    yield osp.join(sysconfig.get_path("scripts"), "mprof")
    yield osp.join(osp.dirname(sys.executable), "mprof")
    yield osp.join(sysconfig.get_path("scripts", f"{os.name}_user"), "mprof")
    yield shutil.which("mprof") or ""


def find_program() -> str:
    """The path of the native `mprof`.

    Raises FileNotFoundError when this installation has none.
    """
    for path in _candidates():
        if osp.isfile(path) and os.access(path, os.X_OK):
            with open(path, "rb") as file:
                if file.read(4) == ELF:
                    return path
    raise FileNotFoundError("no native mprof beside this Python; reinstall memory_profiler")


def _stand_in() -> Callable[[list[str]], int] | None:
    """`mprof` in plain Python, where the native program was not built."""
    try:
        from memory_profiler._mprof.commands import main
    except ImportError:
        return None
    return lambda words: main(words, sys.modules[__name__])


def _call(*words: str) -> int:
    pure = _stand_in()
    return pure(list(words)) if pure else subprocess.call([find_program(), *words])


def _passes_code(words: list[str]) -> bool:
    """Whether -E is among the options of `mprof run`, which end at the program."""
    import getopt

    takes_value = ["interval=", "timeout=", "output=", "backend=", "user=", "module="]
    alone = ["include-children", "multiprocess", "exit-code", "cgroup", "force", "python",
             "nopython", "attach", "no-peak-reset", "help", "version"]  # fmt: skip
    try:
        options, _ = getopt.getopt(words, "T:t:o:m:CMEah", takes_value + alone)
    except getopt.GetoptError:
        return False  # mprof has said so
    names = [name for name, _ in options]
    end = min((names.index(m) for m in ("-m", "--module") if m in names), default=None)
    return "-E" in names[:end] or "--exit-code" in names[:end]


def _leave(code: int, passes: bool) -> None:
    """0.61 raises SystemExit with the program's code when that was asked for, also with 0."""
    if code or passes:
        sys.exit(code if code >= 0 else 128 - code)


def _act(action: str) -> None:
    """Runs an action on the arguments in sys.argv; leaves with its exit code unless 0."""
    words = sys.argv[1:]
    _leave(_call(action, *words), action == "run" and _passes_code(words))


def print_usage() -> None:
    """Prints the list of commands."""
    _call()


def get_action() -> str:
    """Takes the command's name out of sys.argv; prints the usage and exits 1 without one."""
    if len(sys.argv) <= 1 or sys.argv[1] not in ACTIONS:
        print_usage()
        sys.exit(1)
    return sys.argv.pop(1)


def run_action() -> None:
    """`mprof run` with the arguments in sys.argv."""
    _act("run")


def attach_action() -> None:
    """`mprof attach` with the arguments in sys.argv."""
    _act("attach")


def list_action() -> None:
    """`mprof list`."""
    _act("list")


def rm_action() -> None:
    """`mprof rm` with the arguments in sys.argv."""
    _act("rm")


def clean_action() -> None:
    """`mprof clean` with the arguments in sys.argv."""
    _act("clean")


def plot_action() -> None:
    """`mprof plot` with the arguments in sys.argv."""
    _act("plot")


def peak_action() -> None:
    """`mprof peak` with the arguments in sys.argv."""
    _act("peak")


def get_cmd_line(args: Iterable[str]) -> str:
    """A command as recordings have it: arguments with blanks in single quotes.

    >>> get_cmd_line(["python", "a b.py"])
    "python 'a b.py'"
    """
    return " ".join(f"'{word}'" if re.search(r"[ \t]", word) else word for word in args)


def function_labels(dotted_function_names: Iterable[str]) -> dict[str, str]:
    """The shortest ends of dotted names that tell them apart, by name."""
    pending = [(name, 1) for name in dict.fromkeys(dotted_function_names)]
    labels: dict[str, str] = {}
    while pending:
        shared = defaultdict(list)
        for name, level in pending:
            shared[".".join(name.split(".")[-level:])].append((name, level))
        pending = []
        for label, names in shared.items():
            if len(names) == 1 or all(label == name for name, _ in names):
                labels.update({name: label for name, _ in names})
            else:
                whole = [name for name, _ in names if name == label]
                labels.update({name: name for name in whole})
                pending += [(name, level + 1) for name, level in names if name != label]
    return labels


def _own_files() -> list[str]:
    names = glob.glob("mprofile_??????????????.dat") + glob.glob(
        "mprofile_??????????????-*.dat"
    )

    def age(name: str) -> tuple[str, int]:
        number = name[23:-4].lstrip("-")
        return name[:23], int(number) if number.isdigit() else 0

    return sorted(names, key=age)


def _named(argument: str, profiles: list[str]) -> str:
    try:
        return profiles[int(argument)]
    except IndexError:
        raise ValueError(f"Invalid index (non-existing file): {argument}") from None
    except ValueError:
        pass
    if osp.isfile(argument):
        return argument
    if osp.isdir(argument):
        raise ValueError(f"Path {argument} is a directory")
    raise ValueError(f"File {argument} not found")


def get_profile_filenames(args: Sequence[str] | str) -> list[str]:
    """Existing recordings, each once.

    Args:
        args: file names or indices ("0" is the oldest, "-1" the latest), or "all".

    Raises ValueError for what does not exist.
    """
    profiles = _own_files()
    chosen = profiles if args == "all" else [_named(a, profiles) for a in args if a != "--"]
    names = list(dict.fromkeys(chosen))
    for name in reversed(names):
        stem, suffix = osp.splitext(name)
        if osp.isfile(f"{stem}_ts{suffix}") and f"{stem}_ts{suffix}" not in names:
            names.append(f"{stem}_ts{suffix}")
    return names


def _unescape(name: str) -> str:
    """Undoes the \\xNN of our own recordings."""
    raw = ESCAPED.sub(
        lambda m: bytes([int(m[1], 16)]), name.encode("utf-8", "surrogateescape")
    )
    return raw.decode("utf-8", "surrogateescape")


class _Reader:
    """Collects records; what cannot be understood is left out."""

    def __init__(self, filename: str) -> None:
        self.ours = False
        self.mem_usage: list[float] = []
        self.timestamp: list[float] = []
        self.functions: dict[str, list[list[float]]] = {}
        self.children: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self.cmd_line: str | None = None
        self.filename = filename

    def read(self, line: str) -> None:
        word, _, value = line.partition(" ")
        action = getattr(self, f"_{word}", None) if word.isupper() else None
        if action:
            try:
                action(value)
            except ValueError:
                pass

    def _MPROF(self, _value: str) -> None:
        self.ours = True

    def _CMDLINE(self, value: str) -> None:
        self.cmd_line = value

    def _MEM(self, value: str) -> None:
        memory, stamp = map(float, value.split())
        self.mem_usage.append(memory)
        self.timestamp.append(stamp)

    def _CHLD(self, value: str) -> None:
        pid, memory, stamp = value.split()
        self.children[pid].append((float(memory), float(stamp)))

    def _FUNC(self, value: str) -> None:
        fields = value.rstrip("\r\n").split(" ")
        levels = [int(fields.pop())] if len(fields) > 5 and fields[-1].isdigit() else []
        begin, start, end, stop = map(float, fields[-4:])
        name = " ".join(fields[:-4])
        if self.ours:
            name = _unescape(name)
        self.functions.setdefault(name, []).append([start, stop, begin, end, *levels])


def read_mprofile_file(filename: str) -> dict[str, Any]:
    """A recording as a dict, as 0.61 returned it.

    Returns:
        mem_usage: [MiB, ...] and timestamp: [unix time, ...], of the same length;
        func_timestamp: {name: [[start, end, MiB at start, MiB at end, level], ...]};
        children: {pid: [(MiB, unix time), ...]}; cmd_line: the command with its newline, or
        None; filename.

    Raises OSError when the file cannot be read.
    """
    reader = _Reader(filename)
    with open(filename, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            reader.read(line)
    return {
        "mem_usage": reader.mem_usage,
        "timestamp": reader.timestamp,
        "func_timestamp": reader.functions,
        "filename": filename,
        "cmd_line": reader.cmd_line,
        "children": reader.children,
    }


def main() -> None:
    """`mprof` with the arguments in sys.argv; leaves with its exit code unless 0."""
    _leave(_call(*sys.argv[1:]), sys.argv[1:2] == ["run"] and _passes_code(sys.argv[2:]))


if __name__ == "__main__":
    stand_in = _stand_in()
    if stand_in:
        sys.exit(stand_in(sys.argv[1:]))
    program = find_program()
    os.execv(program, [program, *sys.argv[1:]])
