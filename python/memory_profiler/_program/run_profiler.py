"""The profiler of `python -m memory_profiler`: in the run's first process, and in its children.

A forked child goes on with a copy, whose tables begin again where the first process reads them
(`_lines.family`). One that is started anew makes its own from a notice that comes with what
pickle brings (`_program.child`, `_calls.travel`). The imported name prints in children,
after each call.
"""

from __future__ import annotations

import os
import sys

from memory_profiler import _profile
from memory_profiler._backends import Blind
from memory_profiler._calls.travel import Begin
from memory_profiler._lines.family import Family, Place, Table
from memory_profiler._lines.profiler import BlockProfiler, Counted
from memory_profiler._say import say

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from memory_profiler._calls.wrap import Call
    from memory_profiler._lines.percall import Options

Notice = tuple[str, "dict[str, Any]"]
"""(the run's home for tables, the options of its profiler)."""


def is_about_to_exec() -> bool:
    """Whether subprocess forked, to run a preexec_fn and become another program."""
    frame = sys._getframe(1).f_back  # of what called the hook; none where C code forked
    if frame is None or frame.f_code.co_name != "_execute_child":
        return False
    return frame.f_globals.get("__name__") == "subprocess"


class RunProfiler(BlockProfiler):
    """Counts for every decorator of a run."""

    #: what another process calls, with the notice, to have this run's profiler
    arrive: Callable[..., Any]

    def __init__(self, waits: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.waits = waits  #: a child that does not know its run yet: nothing is measured
        self._waiting: list[tuple[CodeType, dict[str, Any], bool]] = []
        if waits:
            self._tracer = Blind()
            self._call = Counted(self._tracer)
        self.family: Family | None = None
        self.place: Place | None = None
        self._follows = False

    def begin(self, notice: Notice) -> None:
        """This process turned out to be a child of that run."""
        home, options = notice
        waiting = self._waiting
        RunProfiler.__init__(self, **options)
        if home:
            self._move_to(home)
        for code, names, always in waiting:
            self._add_code(code, names, always)

    def follow(self) -> None:
        """Children that this process has from here on bring their tables home."""
        self.family = Family()
        self._watch_forks()

    def _watch_forks(self) -> None:
        if not self._follows:
            self._follows = True
            os.register_at_fork(before=self._before, after_in_child=self._in_child)

    def end(self) -> None:
        """The run's end: what children did until now is what is told."""
        if self.family is None:
            return
        self.family.close()
        if self.family.lost:
            what = "child" if self.family.lost == 1 else "children"
            why = self.family.failure or "no file could be made for them"
            say(f"the lines of {self.family.lost} {what} were not measured: {why}")
        if self.family.cut:
            what = "child" if self.family.cut == 1 else "children"
            why = "somebody cut short the file they were in"
            say(f"some lines of {self.family.cut} {what} are missing: {why}")

    def is_at(self, home: str) -> bool:
        """Whether that is the run of this process."""
        if self.family is not None:
            return home == self.family.name
        return home == (self.place.home if self.place is not None else "")

    def home(self) -> str:
        """Where the children's tables go; '' when they go nowhere."""
        if self.family is not None:
            return self.family.make()
        return self.place.home if self.place is not None else ""

    def notice(self) -> Notice:
        """What a child that is started anew has to know."""
        return self.home(), self._options()

    def _before(self) -> None:
        if not is_about_to_exec():
            self.home()

    def _in_child(self) -> None:
        if is_about_to_exec():
            return
        home = self.place.home if self.place is not None else ""
        if self.family is not None:
            home, self.family = self.family.home, None
        if home:
            self._move_to(home)
        if _profile.run_profiler is self:
            _profile.run_profiler = None  # the imported name prints

    def _move_to(self, home: str) -> None:
        self.place = Place(home)
        if not isinstance(self._tracer, Blind):
            self.place.put(self._tracer)
        self._watch_forks()

    def _add_code(
        self, code: CodeType, names: dict[str, Any], always: bool = False
    ) -> None:
        super()._add_code(code, names, always)
        if self.waits:
            self._waiting.append((code, names, always))
        if self.place is not None and not isinstance(self._tracer, Blind):
            self.place.put(self._tracer)

    def _tables(self) -> list[Table]:
        own = super()._tables()
        return self.family.add_to(own) if self.family is not None else own

    @property
    def knows_any(self) -> bool:
        """Whether anything was added to it, here or in a child."""
        return super().knows_any or bool(self._tables())

    def __call__(self, func: Any = None, precision: int = 1, **options: Any) -> Any:
        """As of `profile`; the run's own options hold, but for `stream`: what is written there
        is written at each call, and is not in the report."""
        if options.get("stream") is not None:
            return _profile.profile(func, precision=precision, **options)
        if func is None and options:
            return lambda target: self(target, precision, **options)
        return super().__call__(func, precision, **options)

    def begin_imported(self, func: Any, options: Options) -> Imported:
        """Of the imported name: counts for the run here, and prints in children."""
        return Imported(self, func, options)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.arrive, self.notice()


class Imported(Begin):
    """Begins the calls of a function that the imported name decorated, under `-m`."""

    __slots__ = ("options",)

    def __init__(self, owner: RunProfiler, func: Any, options: Options) -> None:
        super().__init__(owner, func)
        self.options = options

    def __call__(self) -> Call:
        if _profile.run_profiler is self.owner:
            return super().__call__()
        return self.options.call(self.func)

    def __reduce__(self) -> tuple[Any, ...]:
        there, (_, *rest) = super().__reduce__()
        return there, (self.options, *rest)


def is_home(path: str) -> bool:
    """Whether tables can go there: a directory of this user's alone."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return status.st_uid == os.geteuid() and status.st_mode & 0o170077 == 0o040000
