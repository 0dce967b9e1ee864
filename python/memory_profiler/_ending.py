"""How a program that we run ends: as it would have without us."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from types import TracebackType


def _own_part(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback from the program's first frame on."""
    ours = os.path.dirname(__file__)
    while traceback is not None:
        if os.path.dirname(traceback.tb_frame.f_code.co_filename) != ours:
            break
        traceback = traceback.tb_next
    return traceback


def show_error(error: BaseException) -> None:
    """Prints an uncaught exception as the interpreter would."""
    error.__traceback__ = _own_part(error.__traceback__)
    sys.last_type, sys.last_value, sys.last_traceback = (
        type(error),
        error,
        error.__traceback__,
    )
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException:
        sys.__excepthook__(type(error), error, error.__traceback__)


def join_threads() -> None:
    """Waits for the program's threads as the interpreter does when a program ends."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    try:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
    except KeyboardInterrupt as error:
        show_error(error)
    except Exception:
        pass  # a module of the program's that has the name; the interpreter tells of it


def end_as(error: BaseException | None, status: int) -> None:
    """Ends this process as the program would have ended; under `-i` with a prompt."""
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, KeyboardInterrupt):
        sys.excepthook = lambda *exc: None  # it was shown
        raise error
    code = 1 if error is not None else status
    if code and not sys.flags.interactive:
        raise SystemExit(code)
