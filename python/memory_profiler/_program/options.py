"""`python -m memory_profiler [options] script.py [args]`: options and messages."""

from __future__ import annotations

import argparse
import os
import sys

from memory_profiler._backends import METRICS
from memory_profiler._say import fail

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

#: Option strings and what argparse is told about them, in the order of --help.
OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--version",), {"action": "store_true",
        "help": "print the version; with --verbose also how this machine is measured"}),
    (("--verbose",), {"action": "store_true", "help": argparse.SUPPRESS}),
    (("-m",), {"dest": "module", "metavar": "MODULE",
        "help": "run a module, as python -m does"}),
    (("--all",), {"action": "store_true", "dest": "every",
        "help": "measure every function and top level of the program and the modules in its "
                "directory tree, decorated or not"}),
    (("--function",), {"action": "append", "default": [], "metavar": "PATTERN",
        "help": "measure functions by dotted name, *?[] allowed (load, Class.*, pkg.mod.f); "
                "may be repeated"}),
    (("--peak",), {"action": "store_true",
        "help": "add a column: the high-water mark while each line ran"}),
    (("--heap",), {"action": "store_true",
        "help": "add columns: bytes that Python's allocators handed out and got back at each "
                "line, exactly"}),
    (("--types",), {"action": "store_true",
        "help": "add columns: the type that grew most at each line, and by how much"}),
    (("--precision",), {"default": 3, "metavar": "N", "help": "decimals (default: 3)"}),
    (("-o",), {"dest": "out_filename", "metavar": "FILE",
        "help": "append the report to FILE instead of printing it"}),
    (("--json",), {"action": "store_true", "help": "report as JSON (docs/json.md)"}),
    (("--csv",), {"action": "store_true",
        "help": "report as CSV, sizes in bytes (docs/json.md)"}),
    (("--html",), {"metavar": "FILE", "help": "also write the report as a web page"}),
    (("--force",), {"action": "store_true",
        "help": "replace a page, append to a file, that exists and is not ours"}),
    (("--timestamp",), {"action": "store_true",
        "help": "record when functions begin and end (mprof run does) instead of lines"}),
    (("--include-children",), {"action": "store_true",
        "help": "add the memory of child processes"}),
    (("--backend",), {"choices": tuple(METRICS), "default": "psutil",
        "help": "where the numbers come from (default: psutil, the RSS)"}),
    (("--pdb-mmem",), {"dest": "max_mem", "metavar": "MAXMEM",
        "help": "enter the debugger when a line of a decorated function brings memory over "
                "MAXMEM MiB, instead of a report"}),
)  # fmt: skip


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m memory_profiler",
        usage="python -m memory_profiler script_file.py",
        description="Line-profile the memory of the functions decorated with @profile.",
        epilog="The program is a file, a module name, or -m and a module name; what follows "
        "it is the program's own.",
    )
    types = {"--precision": _precision, "--pdb-mmem": _maximum}
    for names, settings in OPTIONS:
        if names[0] in types:
            parser.add_argument(*names, **settings, type=types[names[0]])
        else:
            parser.add_argument(*names, **settings)
    return parser


def _maximum(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 2**40:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size in MiB above 0")
    return value


def _precision(text: str) -> int:
    from memory_profiler._report.write import MOST_DECIMALS

    if not text.isdecimal() or int(text) > MOST_DECIMALS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number from 0 to {MOST_DECIMALS}"
        )
    return int(text)


def split_arguments(
    parser: argparse.ArgumentParser, argv: list[str]
) -> tuple[list[str], list[str]]:
    """Our options, and the program with its arguments, which are left as they are."""
    takes_value = {
        name: action.nargs is None
        for action in parser._actions
        for name in action.option_strings
    }
    at = 0
    while at < len(argv):
        word = argv[at]
        if word == "--":
            return argv[:at], argv[at + 1 :]
        if not word.startswith("-") or word == "-":
            break
        if word == "-m" or (word.startswith("-m") and not word.startswith("--")):
            end = at + (2 if word == "-m" else 1)
            return argv[:end], argv[end:]
        at += 2 if _wants_next(word, takes_value) else 1
    return argv[:at], argv[at:]


def _wants_next(word: str, takes_value: dict[str, bool]) -> bool:
    """Whether an option's value is the next word."""
    if "=" in word:
        return False
    if not word.startswith("--"):
        return takes_value.get(word, False)
    matches = [takes for name, takes in takes_value.items() if name.startswith(word)]
    return (word in takes_value and takes_value[word]) or (bool(matches) and all(matches))


def describe_machine() -> str:
    """What `--version --verbose` says: the gate, and how finely the kernel counts."""
    from memory_profiler import _core

    missing: str | None = getattr(_core, "MISSING", None)
    lines = [
        f"memory_profiler {_core.__version__} ({'pure Python' if missing else 'C core'})",
        f"python: {sys.implementation.name} {sys.version.split()[0]}",
        f"gate: {_core.gate()}",
        f"kernel counts RSS to: {_core.granularity() / 1024:.0f} KiB",
    ]
    if missing:
        lines.append(f"slower than the C core, and without: {missing}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    try:
        os.getcwd()
    except FileNotFoundError:
        fail("the current directory no longer exists: change to one that does")
    parser = make_parser()
    ours, program = split_arguments(parser, sys.argv[1:] if argv is None else argv)
    options = parser.parse_args(ours)
    if options.version:
        from memory_profiler import __version__

        print(describe_machine() if options.verbose else __version__)
        raise SystemExit(0)
    if options.json and options.csv:
        parser.error("--json and --csv: choose one of them")
    if not program and not options.module:
        print("A program to run must be provided. Use -h for help")
        raise SystemExit(1)
    from memory_profiler._program.run import run

    run(options, program)
