"""Runs a program under a profiler and reports however it ends."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading

from memory_profiler import _core, _lost, _profile
from memory_profiler._backends import METRICS, make_tracer, why_unreadable
from memory_profiler._lines.profiler import LineProfiler
from memory_profiler._lines.selection import Selection
from memory_profiler._output import Appended, Refused, Replacement, a_page
from memory_profiler._program import child
from memory_profiler._program.ending import Ending
from memory_profiler._program.program import Program, ProgramError, load_program
from memory_profiler._program.run_profiler import RunProfiler
from memory_profiler._report.write import (
    csv_text,
    deliver,
    html_text,
    json_text,
    write_table,
    write_text,
)  # fmt: skip
from memory_profiler._say import fail, say
from memory_profiler._timeline.timestamps import TimeStamper

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import IO, Any, NoReturn

    from memory_profiler._report.results import Results


def begin_output(kind: type[Appended] | Callable[..., Any], name: str, force: bool) -> Any:
    """An output, or the end of this process before the program runs. The program may change the
    directory."""
    try:
        return kind(os.path.abspath(name), force=force)
    except OSError as error:
        hint = "" if isinstance(error, Refused) else "; name a file that can be written"
        fail(f"cannot write {name}: {error.strerror}{hint}")


class Report:
    """Where and how the run's tables are written; written at most once."""

    def __init__(
        self,
        profiler: LineProfiler | TimeStamper,
        options: argparse.Namespace,
        program: Program,
    ) -> None:
        self.profiler, self.options, self.program = profiler, options, program
        self.file: Appended | None = None
        self.page: Replacement | None = None
        self.written = options.max_mem is not None  # the debugger was it
        self.owner = os.getpid()
        self._results: Results | None = None
        if isinstance(profiler, TimeStamper) and profiler.records_to_run:
            self.written = True  # mprof has them already
        elif options.out_filename:
            self.file = begin_output(Appended, options.out_filename, options.force)
        if options.html:
            self.page = begin_output(a_page, options.html, options.force)

    @property
    def results(self) -> Results:
        """The tables, put together once."""
        if self._results is None:
            self._results = self.profiler.results
        return self._results

    def write(self) -> int:
        """Prints the report. Returns 0; 1 when it could not go where it should."""
        if self.written or self._is_of_a_child():
            return 0
        self.written = True
        aside = _core.set_aside(True)  # what is written is nobody's allocation
        try:
            return self._write()
        except Exception as error:
            say(f"cannot write the report: {_lost.reason(error)}")
            return 1
        finally:
            _lost.tell()  # exit functions that are added now may not be called
            _core.set_aside(aside)

    def _is_of_a_child(self) -> bool:
        """A forked child that came to the program's end: its tables are in the parent's."""
        return isinstance(self.profiler, RunProfiler) and os.getpid() != self.owner

    def _write(self) -> int:
        if isinstance(self.profiler, RunProfiler):
            self.profiler.end()
        failed = self._write_page(self.page) if self.page else 0
        if not self.file:
            return self._write_stdout() or failed
        if self._is_empty():
            return failed  # no empty file
        try:
            self.file.append(self._write_to)
        except OSError as error:
            say(
                f"cannot write {self.file.path}: {error.strerror}; the report goes to stdout"
            )
            self._write_stdout()
            return 1
        return failed

    def _write_page(self, page: Replacement) -> int:
        text = html_text(self.results, self.program.argv[0], self.options.precision)
        try:
            page.write(text.encode("utf-8"))
        except OSError as error:
            say(f"cannot write {page.path}: {error.strerror}")
            return 1
        return 0

    def _write_stdout(self) -> int:
        return 0 if deliver(self._write_to, sys.stdout) else 1

    def _is_empty(self) -> bool:
        if isinstance(self.profiler, TimeStamper):
            return not any(self.profiler.functions.values())
        return not (self.options.json or self.options.csv or self.results)

    def _write_to(self, stream: IO[str]) -> None:
        if isinstance(self.profiler, TimeStamper):
            self.profiler.show_results(stream)
            return
        if self.options.json:
            write_text(stream, json_text(self.results))
        elif self.options.csv:
            write_text(stream, csv_text(self.results))
        else:
            write_table(stream, self.results, self.options.precision)


#: Seconds that C code has to come back after SIGTERM; `docker stop` kills after ten.
PATIENCE = 5


def _report_on_sigterm(report: Report) -> None:
    """SIGTERM ends the program as it would have, after the report. A handler that the program
    sets replaces this one; forked children get the default back."""
    if report.written or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return  # with nothing to report it may end at once, whatever code runs

    def on_sigterm(number: int, frame: object) -> None:
        _core.sigterm_within(0)  # a long report may take its time
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
    _core.sigterm_within(PATIENCE)
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


def finish(selection: Selection, report: Report) -> int:
    """What is left to do when the program has ended. Returns the exit code of that."""
    for pattern in selection.end():
        print(
            f"memory_profiler: no function that ran matches --function {pattern}",
            file=sys.stderr,
        )
    return report.write()


def say_nothing_measured(selection: Selection, program: str) -> None:
    """One line for who decorated nothing: what to do instead."""
    profiler = selection.profiler
    if not isinstance(profiler, LineProfiler) or selection.chosen or profiler.knows_any:
        return
    calls = sys.modules.get("memory_profiler._lines.percall")
    if calls is not None and calls.wraps_any:
        return  # each call has its table already
    if not profiler.enabled:
        say("nothing was measured: MEMORY_PROFILER=0 or profile.enabled = False switches "
            "@profile off")  # fmt: skip
        return
    say(f"nothing is decorated with @profile: --all measures every line of {program}, "
        f"and mprof heap {program} shows which of them hold memory")  # fmt: skip


def make_profiler(options: argparse.Namespace) -> RunProfiler | TimeStamper:
    if options.timestamp:
        return child.make_run_stamper(options.backend, options.include_children)
    if options.peak and (options.include_children or METRICS[options.backend] != "rss"):
        fail("--peak is of this process's RSS: not with --include-children or --backend "
             f"{options.backend}", 2)  # fmt: skip
    for wanted in ("heap", "types"):
        if getattr(options, wanted) and METRICS[options.backend] is None:
            fail(f"--{wanted} counts Python's allocators itself: not with --backend "
                 f"{options.backend}", 2)  # fmt: skip
    for wanted in ("peak", "heap", "types"):
        if getattr(options, wanted) and hasattr(_core, "MISSING"):
            fail(f"--{wanted} needs the C core, and this is the pure-Python build", 2)
    return child.make_run_profiler(
        backend=options.backend,
        include_children=options.include_children,
        max_mem=options.max_mem,
        peak=options.peak,
        heap=options.heap,
        types=options.types,
    )


def follow(profiler: RunProfiler | TimeStamper) -> None:
    """Children know `profile`; their tables come home."""
    if isinstance(profiler, TimeStamper):
        child.follow(timestamps=True)
    elif profiler.max_mem is None:
        profiler.follow()
        child.follow(notice=profiler.notice)
    else:
        child.follow()


def run(options: argparse.Namespace, words: list[str]) -> None:
    """Runs the program that the command line names, and ends as it does."""
    try:
        program = load_program(words, options.module, whole=options.timestamp)
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
    except MemoryError as error:
        fail(f"cannot start: {_lost.reason(error)}")
    profiler = make_profiler(options)
    report = Report(profiler, options, program)
    profiler.enabled = _profile.profile.enabled
    _profile.run_profiler = profiler
    builtins.profile = profiler  # type: ignore[attr-defined]
    _report_on_sigterm(report)
    follow(profiler)
    selection = Selection(profiler, options.every, options.function)

    def run_it() -> None:
        names = program.install()
        selection.begin(program)
        try:
            program.run(names, selection.enter)
        except ProgramError as problem:
            fail(str(problem))

    def end() -> int:
        if selection.entered and not ending.raised:
            named = f"-m {options.module}" if options.module else words[0]
            say_nothing_measured(selection, named)
        return finish(selection, report)

    ending = Ending(end, lambda: finish(selection, report))
    ending.run(run_it)
