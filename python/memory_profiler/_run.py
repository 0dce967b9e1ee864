"""Runs a program under a profiler and reports however it ends."""

from __future__ import annotations

import builtins
import os
import signal
import stat
import sys
import threading

from memory_profiler import _child, _core, _profile
from memory_profiler._backends import METRICS, make_tracer, why_unreadable
from memory_profiler._ending import end_as, join_threads, show_error
from memory_profiler._profiler import LineProfiler
from memory_profiler._program import Program, ProgramError, load_program
from memory_profiler._report import html_text, json_text, write_table, write_text
from memory_profiler._say import fail
from memory_profiler._select import Selection
from memory_profiler._timestamps import TimeStamper

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    import argparse
    from typing import IO, NoReturn, TextIO


def probe_output(path: str, name: str) -> None:
    """Fails before the program runs when a file cannot be written. Leaves no file."""
    existed = os.path.exists(path)
    if existed and stat.S_ISFIFO(os.stat(path).st_mode):
        return  # its reader would take our probe for the whole report
    try:
        os.close(
            os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o666)
        )
    except OSError as error:
        fail(f"cannot write {name}: {error.strerror}; name a file that can be written")
    if not existed:
        os.unlink(path)


def refuse_foreign_page(path: str, name: str) -> None:
    """Only an older page of ours is replaced."""
    if os.path.exists(path) and os.path.getsize(path):
        with open(path, "rb") as file:
            if b'content="memory_profiler"' not in file.read(2048):
                fail(
                    f"{name} exists and is not a page of memory_profiler; name another file"
                )


class Report:
    """Where and how the run's tables are written; written at most once."""

    def __init__(
        self, profiler: LineProfiler | TimeStamper, options: argparse.Namespace, title: str
    ) -> None:
        self.profiler, self.options, self.title = profiler, options, title
        self.path = options.out_filename and os.path.abspath(options.out_filename)
        self.page = options.html and os.path.abspath(options.html)
        self.written = False
        if isinstance(profiler, TimeStamper) and profiler.records_to_run:
            self.written = True  # mprof has them already
        elif self.path:
            probe_output(self.path, options.out_filename)
        if self.page:
            probe_output(self.page, options.html)
            refuse_foreign_page(self.page, options.html)

    def write(self) -> int:
        """Prints the report. Returns 0; 1 when it could not go where it should."""
        if self.written:
            return 0
        self.written = True
        failed = self._write_page() if self.page else 0
        if not self.path:
            return self._write_stdout() or failed
        if self._is_empty():
            return failed  # no empty file
        try:
            with open(self.path, "a", encoding="utf-8", errors="backslashreplace") as file:
                self._write_to(file)
        except OSError as error:
            print(f"memory_profiler: cannot write {self.path}: {error.strerror}; the report "
                  "goes to stdout", file=sys.stderr)  # fmt: skip
            self._write_stdout()
            return 1
        return failed

    def _write_page(self) -> int:
        text = html_text(self.profiler.results, self.title, self.options.precision)
        fresh = f"{self.page}.{os.getpid()}.tmp"
        try:
            with open(fresh, "x", encoding="utf-8") as file:  # follows no link
                file.write(text)
            os.replace(fresh, self.page)
        except OSError as error:
            print(
                f"memory_profiler: cannot write {self.page}: {error.strerror}",
                file=sys.stderr,
            )
            return 1
        return 0

    def _write_stdout(self) -> int:
        """A reader that went away is no error; the interpreter shall not complain either."""
        try:
            if sys.stdout is not None:
                self._write_to(sys.stdout)
                sys.stdout.flush()
        except RuntimeError:  # a signal came in the middle of the program's own write
            self._write_past(sys.stdout)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (OSError, ValueError) as error:
            if sys.stderr is not None:
                print(f"memory_profiler: cannot write the report: {error}", file=sys.stderr)
            return 1
        return 0

    def _write_past(self, stream: TextIO) -> None:
        """Writes behind a stream's back: its buffer cannot be entered twice."""
        with open(
            stream.fileno(), "w", encoding=getattr(stream, "encoding", None), closefd=False
        ) as direct:
            self._write_to(direct)

    def _is_empty(self) -> bool:
        if isinstance(self.profiler, TimeStamper):
            return not any(self.profiler.functions.values())
        return not self.options.json and not self.profiler.results

    def _write_to(self, stream: IO[str]) -> None:
        if isinstance(self.profiler, TimeStamper):
            self.profiler.show_results(stream)
            return
        results = self.profiler.results
        if self.options.json:
            write_text(stream, json_text(results))
        else:
            write_table(stream, results, self.options.precision)


def _report_on_sigterm(report: Report) -> None:
    """SIGTERM ends the program as it would have, after the report. A handler that the program
    sets replaces this one; forked children get the default back."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def on_sigterm(number: int, frame: object) -> None:
        report.write()
        die_of(signal.SIGTERM)

    # A SIGTERM that reaches a child before it has the default back (a pool that ends at once)
    # would be lost, and the pool would wait for ever: it stays pending until then.
    masks: dict[int, set[int]] = {}

    def before() -> None:
        old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        masks[threading.get_ident()] = old

    def restore() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop(threading.get_ident(), set()))

    def in_child() -> None:
        if signal.getsignal(signal.SIGTERM) is on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        restore()

    signal.signal(signal.SIGTERM, on_sigterm)
    os.register_at_fork(before=before, after_in_parent=restore, after_in_child=in_child)


def die_of(number: int) -> NoReturn:
    """Ends the process by a signal, so that the parent sees the truth."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError, RuntimeError):
            pass
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)


def execute(program: Program, selection: Selection) -> None:
    names = program.install()
    selection.begin(program.code, names)
    exec(program.code, names)


def _run_to_end(program: Program, selection: Selection) -> BaseException | None:
    """Returns what the program raised."""
    error: BaseException | None = None
    try:
        execute(program, selection)
    except BaseException as raised:
        error = raised
    if error is not None and not isinstance(error, SystemExit):
        show_error(error)
    join_threads()
    for pattern in selection.end():
        print(
            f"memory_profiler: no function that ran matches --function {pattern}",
            file=sys.stderr,
        )
    return error


def make_profiler(options: argparse.Namespace) -> LineProfiler | TimeStamper:
    if options.timestamp:
        return TimeStamper(options.backend, options.include_children)
    if options.peak and (options.include_children or METRICS[options.backend] != "rss"):
        fail("--peak is of this process's RSS: not with --include-children or --backend "
             f"{options.backend}", 2)  # fmt: skip
    if options.heap and METRICS[options.backend] is None:
        fail("--heap counts Python's allocators itself: not with --backend "
             f"{options.backend}", 2)  # fmt: skip
    for wanted in ("peak", "heap"):
        if getattr(options, wanted) and hasattr(_core, "MISSING"):
            fail(f"--{wanted} needs the C core, and this is the pure-Python build", 2)
    return LineProfiler(
        backend=options.backend,
        include_children=options.include_children,
        max_mem=options.max_mem,
        peak=options.peak,
        heap=options.heap,
    )


def run(options: argparse.Namespace, words: list[str]) -> None:
    """Runs the program that the command line names, and ends as it does."""
    error: BaseException | None
    try:
        program = load_program(words, options.module)
    except ProgramError as problem:
        if str(problem).startswith("Could not find script"):
            print(problem, file=sys.stderr)  # the classic's line
            raise SystemExit(1) from None
        fail(str(problem))
    except SyntaxError as problem:
        problem.__traceback__ = None
        sys.excepthook(type(problem), problem, None)
        raise SystemExit(1) from None
    try:
        make_tracer(options.backend, options.include_children)
    except OSError as unreadable:
        fail(why_unreadable(unreadable))
    profiler = make_profiler(options)
    report = Report(profiler, options, program.argv[0])
    _profile.run_profiler = profiler
    builtins.profile = profiler  # type: ignore[attr-defined]
    _report_on_sigterm(report)
    _child.follow(timestamps=options.timestamp)
    error = _run_to_end(program, Selection(profiler, options.every, options.function))
    status = report.write() if options.max_mem is None else 0
    end_as(error, status)
