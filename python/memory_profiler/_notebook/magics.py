"""The magics: `%load_ext memory_profiler` gives %mprun, %memit, %%mprof, %%mheap and %holders.

Nothing here imports IPython before a shell is there.
"""

from __future__ import annotations

import functools
import sys

from memory_profiler import _core
from memory_profiler._notebook.cells import Statement
from memory_profiler._notebook.lookup import NotFoundError, codes_in, find_functions
from memory_profiler._notebook.options import Options, display, usage_error
from memory_profiler._notebook.results import MIB, MemitResult, MprofResult, MprunResult
from memory_profiler._notebook.steps import Steps
from memory_profiler._output import a_printout
from memory_profiler._report.results import Results
from memory_profiler._report.write import write_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memory_profiler.heap import Holders, Tracker, Waste

NOTHING_MEASURED = (
    "ERROR: could not read memory usage, try with a lower interval or more iterations"
)
NOTHING_NAMED = (
    "Nothing was measured: the statement called no function that the notebook defines. Name "
    "others with -f, or decorate them with @profile. For a whole program: python -m "
    "memory_profiler --all FILE, or mprof heap FILE."
)
SAMPLE_EVERY = 0.01  # seconds, for %%mprof
MOST_NAMES = 8  # of functions that %mprun measured without -f


# %mprun -----------------------------------------------------------------------------------


def _add(
    profiler: MprunResult, names: list[str], shell: Any, cell: Statement | None
) -> None:
    """Adds what each -f means: of the cell's own functions, and of what there is already."""
    space = {**shell.user_global_ns, **shell.user_ns}
    for name in names:
        own = [
            code for whole in (cell.codes if cell else []) for code in codes_in(whole, name)
        ]
        for code in own:
            profiler._add_code(code, shell.user_ns)
        try:
            found = find_functions(name, space)
        except NotFoundError as error:
            if not own:
                raise usage_error(str(error)) from None
            continue
        for function in found:
            profiler.add_function(function)


def _add_whole(profiler: MprunResult, shell: Any, cell: Statement | None) -> None:
    """Adds all that the notebook itself defines: without -f."""
    try:
        _add(profiler, ["*"], shell, cell)
    except Exception as error:
        if type(error) is not type(usage_error("")):
            raise
        # the notebook defines nothing


def _says_profile(statement: Statement) -> bool:
    """Whether it uses the name: then it says itself what is measured."""
    open_ = list(statement.codes)
    while open_:
        code = open_.pop()
        if "profile" in code.co_names:
            return True
        open_ += [inner for inner in code.co_consts if hasattr(inner, "co_consts")]
    return False


def _say_what_was_measured(profiler: MprunResult) -> None:
    names = list(dict.fromkeys(function.name for function in profiler.results))
    if not names:
        print(NOTHING_NAMED, file=sys.stderr)
        return
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    print(
        f"Without -f: the functions of this notebook that were called, "
        f"{', '.join(names[:MOST_NAMES])}{more}."
    )


class _InBuiltins:
    """`profile` in builtins while a statement runs, and what was there before afterwards."""

    def __init__(self, profiler: MprunResult) -> None:
        self.profiler = profiler

    def __enter__(self) -> None:
        import builtins

        self.before = vars(builtins).get("profile", self)
        builtins.profile = self.profiler  # type: ignore[attr-defined]

    def __exit__(self, *exc: object) -> None:
        import builtins

        if self.before is self:
            vars(builtins).pop("profile", None)
        else:
            builtins.profile = self.before  # type: ignore[attr-defined]


def _run_counted(profiler: MprunResult, statement: Statement) -> str:
    """Runs the statement; says which of the two quiet exceptions ended it."""
    __tracebackhide__ = True
    with _InBuiltins(profiler):
        profiler.enable_by_count()
        try:
            statement.run()
        except SystemExit:
            return "*** SystemExit exception caught in code being profiled."
        except KeyboardInterrupt:
            return "*** KeyboardInterrupt exception caught in code being profiled."
        finally:
            profiler.disable_by_count()
    return ""


def _titles(shell: Any, results: Results) -> dict[str, str]:
    """Names for people of the files that are cells."""
    titles = {}
    for function in results:
        name = shell.compile.format_code_name(function.filename)
        if name:
            titles[function.filename] = " ".join(name)
    return titles


def _table(profiler: MprunResult) -> str:
    """The classic's tables, one decimal, without a Peak column; with those of the heap."""
    import io

    out, results = io.StringIO(), profiler.results
    write_table(out, Results(profiler.titled, results.backend, False, results.heap), 1)
    return out.getvalue().rstrip()


def _show(
    shell: Any, profiler: MprunResult, text: str, message: str, returned: bool
) -> None:
    """In a terminal through the pager. A kernel's pager leaves nothing in the notebook, so
    there it is an output of the cell; a result that is returned shows its own table."""
    if getattr(shell, "kernel", None) is None:
        from IPython.core.page import page

        page(text)
        print(message)
        return
    if text:
        html = {} if returned else {"text/html": profiler._repr_html_()}
        display({"text/plain": text, **html}, raw=True)
    if message:
        print(message)


def _save(path: str, text: str, message: str) -> None:
    try:
        a_printout(path).write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise usage_error(
            f"could not save the printout to {path!r}: {error.strerror}"
        ) from None
    print(f"\n*** Profile printout saved to text file {path}. {message}")


# %memit -----------------------------------------------------------------------------------


def _peak_of(statement: Statement) -> int:
    """Runs once; the process's true high-water mark meanwhile, bytes."""
    __tracebackhide__ = True
    peak = _core.Peak()
    try:
        statement.run()
    finally:
        bytes_ = peak.end()
    return bytes_


def _peak_with_children(statement: Statement, interval: float) -> int:
    """Runs once; the largest sum with the child processes that a sample saw, bytes."""
    __tracebackhide__ = True
    sampler = _core.Sampler(interval, 0, "rss", True, False, True)
    sampler.start()
    try:
        statement.run()
    finally:
        sampler.stop()
    return sampler.peak[0] if sampler.peak else 0


def _baseline(children: bool) -> int:
    own = _core.memory(0)
    return own + _core.children_memory(0) if children else own


# Registration -----------------------------------------------------------------------------


def _with_help(magic: Any) -> Any:
    """The magic, which says with --help what `?` behind its name says."""

    @functools.wraps(magic)
    def run(line: str = "", cell: str | None = None) -> Any:
        __tracebackhide__ = True
        if line.split()[:1] == ["--help"]:
            import inspect

            print(inspect.getdoc(magic))
            return None
        return magic(line) if cell is None else magic(line, cell)

    return run


class MemoryProfilerMagics:
    """The magics of one shell. `ip.register_magics(MemoryProfilerMagics)` registers them."""

    registered = True

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        both = {
            name: _with_help(magic)
            for name, magic in [
                ("mprun", self.mprun), ("memit", self.memit), ("mheap", self.mheap),
            ]
        }  # fmt: skip
        self.magics = {
            "line": {**both, "holders": _with_help(self.holders)},
            "cell": {**both, "mprof": _with_help(self.mprof)},
        }

    @classmethod
    def register_magics(cls, ip: Any) -> None:
        """Adds the magics to a shell."""
        ip.register_magics(cls)

    def mprun(self, parameter_s: str = "", cell: str | None = None) -> MprunResult | None:
        """Runs a statement and shows the lines of functions with their memory.

        Usage:
          %mprun -f func1 -f func2 <statement>
          %%mprun -f func1 [statement]
          <more of the statement; functions it defines can be named by -f>

        Options:
          -f NAME  measure this function: a name of the notebook (`load`, `Class.method`,
                   `module.function`; a class: all its methods), `module:Class.method` which
                   is imported, or a pattern of either (`load_*`, `Model.*`). Repeatable.
          -T FILE  write the tables to this text file too.
          -r       return the result: .lines, .peak, .to_dict(), .to_pandas(), and a table in
                   the notebook.
          -c       include the memory of child processes.
          -H       add columns: what Python's allocators handed out and got back, exactly.

        Functions decorated with `@profile` in the statement are measured too.
        """
        __tracebackhide__ = True
        options = Options(parameter_s, "rf:T:cH")
        head = options.statement
        source = head if cell is None else f"{head}\n{cell}" if head else cell
        try:
            profiler = MprunResult(include_children=options.has("c"), heap=options.has("H"))
        except NotImplementedError as error:
            raise usage_error(f"-H: {error}") from None
        statement = Statement(self.shell, source, below=cell is not None and not head)
        whole = not options.has("f") and not _says_profile(statement)
        try:
            own = None if cell is None else statement
            if whole:
                _add_whole(profiler, self.shell, own)
            else:
                _add(profiler, options.all("f"), self.shell, own)
            message = _run_counted(profiler, statement)
        except BaseException:
            profiler.end({})
            raise
        profiler.end(_titles(self.shell, profiler.results))
        text = _table(profiler)
        _show(self.shell, profiler, text, message, options.has("r"))
        if whole and (source or "").strip():  # beside what the classic printed
            _say_what_was_measured(profiler)
        path = options.last("T")
        if path:
            _save(path, text, message)
        return profiler if options.has("r") else None

    def memit(self, line: str = "", cell: str | None = None) -> MemitResult | None:
        """Runs a statement and says the peak of the process's memory.

        Usage:
          %memit [-r R -t T -i I -c -o -q] statement
          %%memit [-r R -t T -i I -c -o -q] setup, run once and not measured
          statement

        Options:
          -r R  run it exactly R times (default 1); the peak is the highest.
          -i I  seconds between samples (default 0.1), which only -c needs: without it the
                peak is the kernel's true high-water mark.
          -t T  accepted and kept in the result; a statement is never stopped.
          -c    include the memory of child processes.
          -o    return the result: .peak, .to_dict(), .to_pandas(), and a table in the notebook.
          -q    print nothing.
        """
        __tracebackhide__ = True
        options = Options(line, "r:t:i:coq")
        repeat = options.number("r", int, 1)
        timeout = options.number("t", int, None)
        interval, children = options.interval(0.1), options.has("c")
        setup = None if cell is None else Statement(self.shell, options.statement)
        source = options.statement if cell is None else cell
        statement = Statement(self.shell, source, below=cell is not None)
        if setup:
            setup.run()
        import gc

        gc.collect()
        baseline = _baseline(children)
        peaks = []
        for _ in range(repeat):
            peaks.append(
                _peak_with_children(statement, interval)
                if children
                else _peak_of(statement)
            )
        usage = [peak / MIB for peak in peaks]
        result = MemitResult(usage, baseline / MIB, repeat, timeout, interval, children)
        if not options.has("q"):
            print(result if usage else NOTHING_MEASURED)
        return result if options.has("o") else None

    def mprof(self, line: str, cell: str) -> MprofResult | None:
        """Runs the cell and draws the process's memory over time.

        Usage:
          %%mprof [-i I -c -o -q]
          cell

        Options:
          -i I  seconds between samples (default 0.01).
          -c    include the memory of child processes.
          -o    return the result: .samples, .peak, .to_dict(), .to_pandas(), .svg.
          -q    show nothing.

        A native thread samples without Python's lock. An error or an interrupt ends the cell
        as always; what was sampled until then is shown first.
        """
        __tracebackhide__ = True
        options = Options(line, "i:coq")
        if options.statement:
            raise usage_error(f"%%mprof runs the cell, not {options.statement!r}")
        interval, children = options.interval(SAMPLE_EVERY), options.has("c")
        statement = Statement(self.shell, cell, below=True, shows=True, apart=True)
        sampler = _core.Sampler(interval, 0, "rss", children, False, True, True)
        steps = Steps(lambda: _baseline(children))
        sampler.start()
        steps.start()
        try:
            statement.run(lambda line: steps.begin(line, statement.text))
        finally:
            steps.end()
            sampler.stop()
            result = MprofResult(sampler, interval, children, steps.list)
            if not options.has("q") and not options.has("o"):
                display(result)
        return result if options.has("o") else None

    def mheap(self, line: str = "", cell: str | None = None) -> Tracker | None:
        """Runs a statement or cell and shows which of your lines hold the memory.

        Usage:
          %mheap [-s SIZE -n -o -q --no-page --save FILE] statement
          %%mheap [-s SIZE -n -o -q --no-page --save FILE]
          cell

        Options:
          -s SIZE      record a sample, one block in SIZE (512K, 1M) on average: for cells that
                       allocate very much. Without it every block is recorded.
          -n           Python's allocators alone, nothing of malloc and mmap.
          -o           return the tracker: .peak, .live, .top(), .to_pandas(); it shows itself.
          -q           show nothing.
          --no-page    show the table alone, without the flame graph's page below it: for
                       notebooks whose output is to be small, or goes through a sanitizer.
          --save FILE  write the capture, for mprof report, lines, flamegraph and the others.

        An error or an interrupt ends the cell as always; what was recorded until then is shown
        first.
        """
        __tracebackhide__ = True
        from memory_profiler._notebook.heap import record_and_show

        return record_and_show(self.shell, line, cell)

    def holders(self, line: str = "") -> Holders | Waste | None:
        """Says who keeps objects alive, and what would go with them.

        Usage:
          %holders              what retains most
          %holders df           who refers to this object
          %holders DataFrame    all objects of a class, those that are held alike as one row
          %holders app.py:12    what a line allocated, of the recording that runs
          %holders --waste      what objects take and would not need: copies, __dict__s, ...

        Options:
          -o  return the result: .rows, .to_dict(); it shows itself.
        """
        __tracebackhide__ = True
        from memory_profiler._notebook.holders import find_and_show

        return find_and_show(self.shell, line)


def load_ipython_extension(ip: Any) -> None:
    """What `%load_ext memory_profiler` calls."""
    MemoryProfilerMagics.register_magics(ip)


def register_magics(ip: Any = None) -> None:
    """Adds the magics to a shell; without one, to the running shell."""
    if ip is None:
        from IPython.core.getipython import get_ipython

        ip = get_ipython()
        if ip is None:
            raise RuntimeError("no IPython shell is running: pass one to register_magics")
    load_ipython_extension(ip)


def magic_mprun(shell: Any, parameter_s: str = "", cell: str | None = None) -> Any:
    """%mprun for set-ups that call `ip.expose_magic("mprun", magic_mprun)`."""
    __tracebackhide__ = True
    return MemoryProfilerMagics(shell).mprun(parameter_s, cell)


def magic_memit(shell: Any, line: str = "", cell: str | None = None) -> Any:
    """%memit for set-ups that call `ip.expose_magic("memit", magic_memit)`."""
    __tracebackhide__ = True
    return MemoryProfilerMagics(shell).memit(line, cell)
