"""What `mprof heap PID` began from outside, and its end; what `mprof objects PID` asks."""

from __future__ import annotations

from memory_profiler import _core, heap

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

_attached: Any = None  # the tracker


def give_back(page: int) -> None:
    """The page from which the interpreter took what it runs now."""
    if page:
        _core.heap_unmap(page)


def look(asked: dict[str, Any]) -> tuple[object, ...]:
    """Who holds objects, into a capture that is made for it; whether lines are known."""
    if not hasattr(_core, "heap_objects"):
        return "other", _core.__version__, _core.__file__
    ours = __file__.removesuffix("_attach/recording.py")
    try:
        recorded = _core.heap_objects(asked["path"], asked["wanted"], asked["name"], ours)
    except LookupError:
        return ("lines",)
    return "looked", int(recorded)


def look_apart(asked: dict[str, Any], answer: Any) -> tuple[object, ...] | None:
    """look() in a thread of its own, which hears no signals: the one that is here now goes on.
    None: answer() is called there."""
    from _thread import start_new_thread

    signals: Any = __import__("_signal")  # signal itself would import enum
    known = signals.valid_signals()
    faults = {
        signals.SIGBUS,
        signals.SIGFPE,
        signals.SIGILL,
        signals.SIGSEGV,
        signals.SIGTRAP,
    }
    before = signals.pthread_sigmask(signals.SIG_BLOCK, ()) & known
    try:  # a handler of the program's may raise as the mask is set
        signals.pthread_sigmask(signals.SIG_SETMASK, known - faults)
        try:
            start_new_thread(answer, (asked, look))
        except RuntimeError:  # there can be none
            return look(asked)
    finally:
        signals.pthread_sigmask(signals.SIG_SETMASK, before)
    return None


def begin(asked: dict[str, Any]) -> tuple[object, ...]:
    """Records from here on."""
    global _attached
    if not hasattr(_core, "Heap"):
        return "other", _core.__version__, _core.__file__
    if not _core.Heap().could_start():
        return ("busy",)
    tracker = heap.Tracker(
        asked["path"],
        asked.get("native"),
        asked["sample"],
        asked["max_file"],
        asked["sources"],
    )
    tracker._heap.attached(True)
    path = heap._switch_on(tracker, asked["path"], asked["children"])
    _attached = tracker
    figures = tracker._heap.figures()
    return "begun", path, int(figures["native"]), int(figures["in_memory"])


def end() -> tuple[object, ...]:
    """What it came to, once the file is complete."""
    global _attached
    switched = heap._ours()
    if switched is None and (child := heap._end_child()) is not None:
        return "ended", "beside another", child.closing()
    if switched is None or switched.tracker is not _attached:
        return ("none",)
    _attached = None
    path = heap.stop()
    return "ended", path, switched.tracker._heap.closing()
