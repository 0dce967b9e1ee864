"""The magics: `%load_ext memory_profiler` gives %mprun, %memit and %%mprof.

Nothing here imports IPython before a shell is there.
"""

from __future__ import annotations

from memory_profiler import _core
from memory_profiler._cells import Statement
from memory_profiler._lookup import NotFoundError, codes_in, find_functions
from memory_profiler._notebook import MIB, MemitResult, MprofResult, MprunResult
from memory_profiler._report import write_table
from memory_profiler._results import Results

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOTHING_MEASURED = (
    "ERROR: could not read memory usage, try with a lower interval or more iterations"
)
SAMPLE_EVERY = 0.01  # seconds, for %%mprof
SHORTEST, LONGEST = 1e-5, 1e9  # seconds: a reading takes microseconds, clocks have an end


def _usage_error(text: str) -> Exception:
    from IPython.core.error import UsageError

    error: Exception = UsageError(text)
    return error


def _display(thing: Any, **how: Any) -> None:
    from IPython import display

    show: Any = display.display
    show(thing, **how)


class _Options:
    """A magic's options: letters to values, and the statement behind them as it was typed."""

    def __init__(self, line: str, allowed: str) -> None:
        from getopt import GetoptError, getopt

        from IPython.utils import process

        split: Any = vars(process)["arg_split"]
        words = split(line, posix=False, strict=False)
        try:
            found, rest = getopt(words, allowed)
        except GetoptError as error:
            raise _usage_error(f'{error.msg} (allowed: "{allowed}")') from None
        self._found: dict[str, list[str]] = {}
        for letter, value in found:
            self._found.setdefault(letter[1:], []).append(value)
        at = 0
        for word in words[: len(words) - len(rest)]:
            at = line.index(word, at) + len(word)
        self.statement = line[at:].strip()

    def has(self, letter: str) -> bool:
        return letter in self._found

    def all(self, letter: str) -> list[str]:
        return [_unquoted(text) for text in self._found.get(letter, [])]

    def last(self, letter: str) -> str | None:
        return self.all(letter)[-1] if self.has(letter) else None

    def number(self, letter: str, kind: type, default: Any) -> Any:
        """The option as an int or float. Raises UsageError."""
        text = self.last(letter)
        if text is None:
            return default
        try:
            return kind(text)
        except ValueError:
            names = {int: "a whole number", float: "a number of seconds"}
            raise _usage_error(f"-{letter} takes {names[kind]}, not {text!r}") from None

    def interval(self, default: float) -> float:
        seconds: float = self.number("i", float, default)
        if not 0 < seconds < float("inf"):
            raise _usage_error(f"-i takes a positive number of seconds, not {seconds}")
        return min(max(seconds, SHORTEST), LONGEST)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


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
                raise _usage_error(str(error)) from None
            continue
        for function in found:
            profiler.add_function(function)


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


def _table(results: Results) -> str:
    """The classic's tables, one decimal, without a Peak column; with those of the heap."""
    import io

    out = io.StringIO()
    write_table(out, Results(results, results.backend, False, results.heap), 1)
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
        _display({"text/plain": text, **html}, raw=True)
    if message:
        print(message)


def _save(path: str, text: str, message: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text)
    except OSError as error:
        raise _usage_error(
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


class MemoryProfilerMagics:
    """The magics of one shell. `ip.register_magics(MemoryProfilerMagics)` registers them."""

    registered = True

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.magics = {
            "line": {"mprun": self.mprun, "memit": self.memit},
            "cell": {"mprun": self.mprun, "memit": self.memit, "mprof": self.mprof},
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
        options = _Options(parameter_s, "rf:T:cH")
        head = options.statement
        source = head if cell is None else f"{head}\n{cell}" if head else cell
        try:
            profiler = MprunResult(include_children=options.has("c"), heap=options.has("H"))
        except NotImplementedError as error:
            raise _usage_error(f"-H: {error}") from None
        statement = Statement(self.shell, source, below=cell is not None and not head)
        try:
            _add(
                profiler, options.all("f"), self.shell, None if cell is None else statement
            )
            message = _run_counted(profiler, statement)
        except BaseException:
            profiler.end({})
            raise
        profiler.end(_titles(self.shell, profiler.results))
        text = _table(profiler.results)
        _show(self.shell, profiler, text, message, options.has("r"))
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
        options = _Options(line, "r:t:i:coq")
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
        options = _Options(line, "i:coq")
        if options.statement:
            raise _usage_error(f"%%mprof runs the cell, not {options.statement!r}")
        interval, children = options.interval(SAMPLE_EVERY), options.has("c")
        statement = Statement(self.shell, cell, below=True, shows=True)
        sampler = _core.Sampler(interval, 0, "rss", children, False, True)
        sampler.start()
        try:
            statement.run()
        finally:
            sampler.stop()
            result = MprofResult(sampler, interval, children)
            if not options.has("q") and not options.has("o"):
                _display(result)
        return result if options.has("o") else None


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
