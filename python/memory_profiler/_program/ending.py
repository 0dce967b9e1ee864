"""How a program that we run ends: as the interpreter ends it alone, and then we do.

    the error is shown, or `-i` gives a prompt     the interpreter, in this order: we only
    threading._shutdown(): executors, threads      leave its main program, as the program would
    functions of atexit, the last one first
    ours                                           registered before the program's first line
    flush, finalize, exit code

Nothing of this is called by us, so it is called once, and is whatever the version at hand does.
What the order stands on holds from 3.11 to 3.15: exit functions are called after the threads,
the latest first, each once, while the interpreter is whole. What differs does no harm: 3.12.0
to 3.12.2 refuse threads there, 3.11 and 3.13 let them run on, and 3.15 goes round again while
exit functions have started threads, which are then behind our end.
"""

from __future__ import annotations

import atexit
import os
import sys
from _operator import index  # built in: no program can have one

from memory_profiler import _core
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import NoReturn

_os_exit = os._exit


def _own_part(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback from the program's first frame on."""
    ours = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(ours):
            break
        traceback = traceback.tb_next
    return traceback


def _remember(error: BaseException) -> None:
    sys.last_type, sys.last_value, sys.last_traceback = (
        type(error),
        error,
        error.__traceback__,
    )
    if sys.version_info >= (3, 12):
        sys.last_exc = error


def show_error(error: BaseException) -> None:
    """Prints an uncaught exception as the interpreter would; SystemExit of its hook goes on."""
    error.__traceback__ = _own_part(error.__traceback__)
    _remember(error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit:
        raise
    except BaseException as broken:
        broken.__traceback__ = _own_part(broken.__traceback__)
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(broken), broken, broken.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)


def _hush(error: BaseException) -> None:
    """The interpreter does not show this error again."""
    hook, traceback = sys.excepthook, error.__traceback__

    def shown(*ignored: object) -> None:
        sys.excepthook = hook
        error.__traceback__ = traceback
        _remember(error)

    sys.excepthook = shown


def _load_for_report() -> None:
    """What a report would import. Code that runs from a string after the program, as that of a
    new namedtuple does, makes the interpreter forget that it is to die of SIGINT."""
    with standard:
        import inspect  # noqa: F401
        import linecache  # noqa: F401
        import tokenize  # noqa: F401


def _is_success(error: BaseException) -> bool:
    if not isinstance(error, SystemExit):
        return False
    code = error.code
    return code is None or (isinstance(code, int) and not code & 0xFF)


class _Look:
    """Finds out whether atexit would call a function: it is asked to forget this object."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function, self.found = function, False

    def __eq__(self, other: object) -> bool:
        self.found = self.found or other is self.function
        return False

    __hash__ = None  # type: ignore[assignment]


class Ending:
    """Calls `act` when the program has ended, and `in_child` in forked children that end so.

    What `act` returns is the exit code if the program's own says success. `act` runs once, in
    the process that made this object, if run() was called.
    """

    def __init__(
        self, act: Callable[[], int], in_child: Callable[[], object] | None = None
    ) -> None:
        self.act, self.in_child = act, in_child
        self.owner, self.succeeded, self.done = os.getpid(), False, True
        self.raised = False
        self._function = self._end  # one object, which _Look can tell
        _core.exit_with(0)
        atexit.register(self._function)

    def run(self, program: Callable[[], object]) -> None:
        """Runs the program; leaves as it does."""
        error: BaseException | None = None
        self.done = False
        try:
            program()
        except BaseException as raised:
            error = raised
        self.succeeded = error is None or _is_success(error)
        self.raised = error is not None and not isinstance(error, SystemExit)
        self._stay()
        if error is None:
            return
        if isinstance(error, KeyboardInterrupt):
            _load_for_report()
        if self.raised or sys.flags.inspect:
            show_error(error)  # the interpreter would show our frames too
            _hush(error)
        try:
            raise error
        finally:
            del error

    def _stay(self) -> None:
        """Where the program called, or dropped, all exit functions, ours is one again."""
        look = _Look(self._function)
        try:
            atexit.unregister(look)  # type: ignore[arg-type]
        except Exception:
            return  # a function of the program's that cannot be compared
        if not look.found:
            atexit.register(self._function)

    def _end(self) -> None:
        was = _core.set_aside(True)  # what is allocated for it is not the program's
        try:
            if sys._getframe().f_back is None:
                code = self._act()
                if code and self.succeeded:
                    _core.exit_with(code)
            # else the program called all exit functions itself, and goes on
        finally:
            _core.set_aside(was)

    def _act(self) -> int:
        if os.getpid() != self.owner:
            if self.in_child is not None:
                self.in_child()
            return 0
        if self.done:
            return 0
        self.done = True
        try:
            return self.act()
        except KeyboardInterrupt:
            return 0

    def watch_os_exit(self) -> None:
        """os._exit, too, ends the program, in forked children as well."""

        def _exit(status: int) -> NoReturn:
            status = index(status)
            code = 0
            try:
                _core.set_aside(True)
                code = self._act()
            finally:
                _os_exit(status or code)

        os._exit = _exit
