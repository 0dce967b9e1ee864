"""Which lines hold the memory: every block of Python's allocators, malloc and mmap, exactly.

>>> from memory_profiler import heap
>>> with heap.track() as t:
...     kept = [bytes(1000) for _ in range(100)]
>>> t.live >= 100 * 1000
True
>>> t.top(1)[0].at_peak >= 100 * 1000
True
"""

from __future__ import annotations

import atexit
import os
from _operator import index  # built in: no program can have one
from collections import namedtuple  # typing's costs more than all of this
from types import TracebackType

from memory_profiler import _core
from memory_profiler._heap import children as heap_children
from memory_profiler._heap.holders import Holder, Holders, holders
from memory_profiler._heap.texts import given_texts
from memory_profiler._heap.type_lines import TypeLine
from memory_profiler._heap.waste import Waste, Wasted, waste

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = [
    "Holder", "Holders", "Line", "Tracker", "TypeLine", "Waste", "Wasted", "holders", "mark",
    "start", "stop", "track", "waste",
]  # fmt: skip

_MOST = 1 << 40  # bytes between samples, as for mprof heap --sample
_LEAST_FILE, _MOST_FILE = 1 << 20, 1 << 29  # as for mprof heap --max-file
_MOST_NAME = 64  # bytes of a mark's
_ORDERS = {"peak": 0, "live": 1, "churn": 2}


_Line = namedtuple("_Line", (
    "file", "line", "function", "at_peak", "live", "blocks_at_peak", "live_blocks", "total",
    "allocations", "temporary",
))  # fmt: skip


class Line(_Line):
    """What one line allocated itself, callees not included. Sizes are in bytes.

    Source of the figures: the sizes asked of PyMem_RawMalloc, PyMem_Malloc and PyObject_Malloc,
    of malloc and its relatives, and of mmap, each byte once; a realloc counts as a block freed
    and one allocated, a mapping as bytes without blocks.
    """

    __slots__ = ()

    file: str  #: empty when no Python code was running
    line: int
    function: str  #: "[thread NAME]": a thread without Python code
    at_peak: int  #: bytes in live blocks when the program's heap was largest
    live: int  #: bytes in live blocks now, or when tracking ended
    blocks_at_peak: int
    live_blocks: int
    total: int  #: bytes ever allocated
    allocations: int  #: blocks ever allocated
    temporary: int  #: blocks freed before their thread allocated again

    def __repr__(self) -> str:
        from memory_profiler._heap.views import label
        from memory_profiler._limits.sizes import show

        place = f"{label(self.file)}:{self.line} " if self.file else ""
        return (
            f"<Line {place}{self.function}: {show(self.at_peak)} at the peak, "
            f"{show(self.live)} live in {self.live_blocks:,} blocks>"
        )


class Tracker:
    """One stretch of tracking. Its figures can be read while it runs and after it.

    One that starts while another runs, or in a program under `mprof heap`, has the figures of
    its own stretch, and the other goes on. It is sampled and sees native memory as the other
    does, and ends with it at the latest. A forked child is not
    tracked: there it has no figures.

    Raises:
        NotImplementedError: this is the install without the C core.
        TypeError: `sample` or `max_file` is no int.
        ValueError: `sample` is negative or more than 2**40, `max_file` not within its bounds.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        native: bool | None = None,
        sample: int = 0,
        max_file: int = 0,
        sources: bool = True,
        types: bool | None = None,
    ) -> None:
        if not isinstance(sample, int):
            raise TypeError(f"sample is a whole number of bytes, not {sample!r}")
        if not 0 <= sample <= _MOST:
            raise ValueError(
                f"cannot sample every {sample} bytes: use 0 for every block, at most 2**40"
            )
        if not isinstance(max_file, int):
            raise TypeError(f"max_file is a whole number of bytes, not {max_file!r}")
        if max_file and not _LEAST_FILE <= max_file <= _MOST_FILE:
            raise ValueError(
                f"a file of {max_file} bytes cannot be: use 2**20 to 2**29, or 0"
            )
        if not hasattr(_core, "Heap"):
            raise NotImplementedError(
                "heap tracking needs the C core, which this install lacks"
            )
        self._path = path
        self._native = 2 if native is None else int(bool(native))
        self._sample = sample
        self._max_file = max_file
        self._sources = sources
        self._types = 0 if types is None else 1 if types else 2
        self._heap = _core.Heap()

    def start(self) -> None:
        """Begins tracking.

        Raises:
            RuntimeError: this one was started before.
            OSError: the file cannot be created; FileExistsError when it exists; native memory
                was asked for and cannot be followed in this process, or is not by the tracker
                around this one, whose file may also be full.
        """
        self._heap.start(
            self._path,
            self._native,
            self._sample,
            self._max_file,
            self._sources,
            self._types,
        )

    def stop(self) -> None:
        """Ends tracking; the file is complete then.

        Raises:
            RuntimeError: this tracker is not running.
            OSError: somebody cut the file short while it was recorded into, or it could not be
                written (where it is written at the end).
        """
        self._heap.stop(given_texts() if self._path is not None and self._sources else {})

    def __enter__(self) -> Tracker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def peak(self) -> int:
        """The most bytes that were in live blocks at once."""
        return self._heap.figures()["peak"]

    @property
    def live(self) -> int:
        """Bytes in blocks allocated since the start and not freed."""
        return self._heap.figures()["live"]

    @property
    def native(self) -> bool:
        """Whether memory of malloc and mmap is followed too."""
        return bool(self._heap.figures()["native"])

    @property
    def allocations(self) -> int:
        """Blocks allocated since the start."""
        return self._heap.figures()["allocations"]

    def top(self, count: int = 10, by: str = "peak") -> list[Line]:
        """The lines that count most.

        Args:
            count: at most so many.
            by: "peak" (bytes at the peak), "live" (bytes now), "churn" (temporary blocks).

        Returns:
            Line tuples, largest first; lines with nothing to show and those of memory_profiler
            itself are left out.

        Raises:
            ValueError: `by` is none of these.
        """
        if by not in _ORDERS:
            raise ValueError(f"cannot order by {by!r}: use 'peak', 'live' or 'churn'")
        field = {"peak": "at_peak", "live": "live", "churn": "temporary"}[by]
        lines = [Line(*row) for row in self._heap.top(count, _ORDERS[by])]
        return [line for line in lines if getattr(line, field)]

    def types(self, by: str = "type") -> list[TypeLine]:
        """What the blocks are that are live: now, or when tracking ended.

        Objects are found by their types, so strings and numbers too, and what they keep beside
        is theirs: the items of a list, the table of a dict or set, an array's data. What no
        object keeps is `(no object)`, a block that Python keeps for the next object of its kind
        `(kept by Python for reuse)`, memory of C libraries `(malloc)` and `(mmap)`. The sum is
        `live`. Looks at some 40 million blocks a second, while the program stands.

        >>> with track() as tracker:
        ...     kept = [bytearray(8) for _ in range(1000)]
        >>> {row.type: row.objects for row in tracker.types()}["bytearray"]
        1000

        Args:
            by: "type", or "line": a row for each type of each line.

        Returns:
            TypeLine tuples, largest first.

        Raises:
            RuntimeError: tracking ended and they were not counted: `types` was False, there
                were too many blocks to do it unasked, or it ran inside another tracker.
            ValueError: `by` is neither.
        """
        if by not in ("type", "line"):
            raise ValueError(f"cannot group by {by!r}: use 'type' or 'line'")
        rows = self._heap.types(by == "line")
        if rows is None:
            raise RuntimeError(
                "types were not counted when tracking ended: call types() inside the block, "
                "or use track(types=True) where no other recording runs, no test's either"
            )
        return [TypeLine(*row) for row in rows]

    def to_pandas(self, by: str = "line") -> Any:
        """A DataFrame with a row for each line, largest first; bytes and blocks.

        Args:
            by: "line" (what each allocated itself), "your-line" (your own lines, each with what
                libraries allocated for it), "function", "file" or "module".

        Returns:
            A pandas.DataFrame with the columns where, file, line, function (as far as `by` has
            them), at_peak, blocks_at_peak, live, live_blocks, total, allocations, temporary;
            at_peak_with_callees, live_with_callees, total_with_callees; and source of lines.

        Raises:
            ImportError: pandas is not installed.
            ValueError: `by` is none of these.
            RuntimeError: the tracker has not ended, or there is no `mprof` to ask.
        """
        from memory_profiler._heap.frames import data_frame

        return data_frame(self._heap, by)

    def __repr__(self) -> str:
        try:
            figures = self._heap.figures()
        except RuntimeError:
            return "<Tracker: not started>"
        from memory_profiler._limits.sizes import show

        return (
            f"<Tracker: peak {show(figures['peak'])}, {show(figures['live'])} live, "
            f"{figures['allocations']:,} allocations>"
        )

    def _repr_html_(self) -> str | None:
        """What `%%mheap` shows: your lines, and the page. None while it runs."""
        from memory_profiler._heap.shown import shown

        seen = shown(self._heap, "heap.track()")
        return seen.html() if seen else None


def track(
    path: str | os.PathLike[str] | None = None,
    native: bool | None = None,
    sample: int = 0,
    max_file: int = 0,
    sources: bool = True,
    types: bool | None = None,
) -> Tracker:
    """A tracker of the heap, to use in a `with` statement.

    Args:
        path: a file to record into (docs/heap-file.md); it must not exist. None keeps the
            capture in memory.
        native: True: also what C libraries take from malloc(3) and mmap(2), NumPy's arrays for
            one; False: Python's allocators alone; None: also, if this process allows it.
        sample: 0: every block is recorded. Else blocks are sampled, one in so many bytes on
            average, and all figures are estimates whose sums are unbiased: the standard error
            of one is at most sqrt(sample * its bytes). Inside another tracker it is that
            one's.
        max_file: bytes that the capture may have, for programs with very many call stacks: from
            2**20 to 2**29; 0 is 256 MiB, without a file 64 MiB. It grows as it is needed.
        sources: whether the text of the lines that matter goes into the file when tracking
            ends, so that it is shown wherever the file is.
        types: whether what the live blocks are is counted when tracking ends, for `types()`
            and `mprof table --by type`. True: also near the peak and beside marks. None: where
            it takes less than a fifth of a second.

    Returns:
        A Tracker that starts when the `with` block is entered.
    """
    return Tracker(path, native, sample, max_file, sources, types)


class _Switched:
    """The recording that start() began."""

    def __init__(self, tracker: Tracker, path: str) -> None:
        self.tracker, self.path, self.pid = tracker, path, os.getpid()
        self.os_exit = os._exit

    def exit(self, status: int) -> NoReturn:
        """os._exit, which ends many children of servers: closes the capture before."""
        status = index(status)
        try:
            _end_quietly()
        finally:
            self.os_exit(status)


_switched: _Switched | None = None


def _ours() -> _Switched | None:
    """In a forked child the recording is its parent's."""
    return _switched if _switched and _switched.pid == os.getpid() else None


def _start_late(path: str, sample: int, children: bool) -> None:
    """start(), where reports are to say what the process had before."""
    tracker = Tracker(path, None, sample)
    tracker._heap.attached(False)
    _switch_on(tracker, path, children)


def _end_child() -> Any:
    """Ends what a child of a run records, and returns it; None: this is none."""
    return heap_children.stop_child()


def _end_quietly() -> None:
    try:
        if _ours():
            stop()
        else:
            heap_children.stop()  # of a forked child, which may have joined
    except OSError:
        pass  # the program ends; `mprof report` says what the file lacks


def start(
    path: str | os.PathLike[str],
    native: bool | None = None,
    sample: int = 0,
    max_file: int = 0,
    sources: bool = True,
    children: bool = False,
) -> str:
    """Records the heap of this process from here on, until `stop()` or the process's end.

    For a program that switches its recording on and off itself: at a request, in a worker, in
    a debugger. `mprof mark` and `mprof report` can be used on the file meanwhile. Blocks that
    are there already belong to no line. A child that is forked later is not recorded, but with
    `children`, and may call this itself.

    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> begun = start(os.path.join(folder.name, "a.mprof"), sample=2**19)
    >>> stop() == begun
    True
    >>> folder.cleanup()

    Args:
        path: the file; it must not exist.
        native, sample, max_file, sources: as for `track()`.
        children: whether Python processes that this one starts record too, each into a file
            beside it, as under `mprof heap`. Inside another recording that one's rule
            holds.

    Returns:
        The whole path of the file.

    Raises:
        RuntimeError: a recording that this function began runs already.
        OSError, TypeError, ValueError, NotImplementedError: as for `Tracker`.
    """
    return _switch_on(Tracker(path, native, sample, max_file, sources), path, children)


def _switch_on(tracker: Tracker, path: str | os.PathLike[str], children: bool) -> str:
    global _switched
    if (other := _ours()) is not None:
        raise RuntimeError(
            f"this process records into {other.path!r} already: stop() ends it"
        )
    switched = _Switched(tracker, os.fsdecode(path))
    before, _switched = _switched, switched
    alone = tracker._heap.could_start()
    try:
        tracker.start()
    except BaseException:
        _switched = before
        raise
    whole = switched.path = os.fsdecode(tracker._heap.place())
    if children and alone and not tracker._heap.figures()["in_memory"]:
        heap_children.follow(tracker, whole)
    os._exit = switched.exit
    atexit.register(_end_quietly)
    return whole


def stop() -> str:
    """Ends the recording that `start()` began; the file is complete then.

    Returns:
        The whole path of the file.

    Raises:
        RuntimeError: none runs in this process.
        OSError: as for `Tracker.stop`.
    """
    global _switched
    switched = _ours()
    if switched is None:
        raise RuntimeError("no recording runs that start() began")
    _switched = None
    if os._exit == switched.exit:
        os._exit = switched.os_exit
    atexit.unregister(_end_quietly)
    heap_children.leave(switched.tracker)
    switched.tracker.stop()
    return switched.path


def mark(name: str, types: bool | None = None) -> bool:
    """Keeps what every call stack holds at this moment in the capture that is being recorded.

    `mprof report --at NAME` shows it, `--since NAME` what grew since. It is exact, from any
    thread, also under `mprof heap` and in its children, each of which marks its own capture. Of
    several marks of one name the last is meant. 64 are kept: beyond them the oldest that has a
    later namesake goes.

    >>> mark("warm")  # nothing is being recorded
    False

    Args:
        name: 1 to 64 bytes of UTF-8, of characters that can be printed.
        types: whether what the live blocks are is counted too, some 25 ns each, for
            `mprof table --by type --at NAME`. None: where the recording was told to count
            types (`mprof heap --types`, `track(types=True)`). 32 marks have that.

    Returns:
        Whether the capture has it: False where nothing is recorded into a file, or where that
        has no room.

    Raises:
        NotImplementedError: this is the install without the C core.
        TypeError: `name` is no str.
        ValueError: `name` is empty, too long, or has characters that cannot be printed.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a mark is a str, not {name!r}")
    if not name.isprintable():
        raise ValueError(f"cannot name a mark {name!r}: use characters that can be printed")
    encoded = name.encode()
    if not 1 <= len(encoded) <= _MOST_NAME:
        raise ValueError(
            f"cannot name a mark by {len(encoded)} bytes: use 1 to {_MOST_NAME}"
        )
    if not hasattr(_core, "heap_mark"):
        raise NotImplementedError("heap marks need the C core, which this install lacks")
    return _core.heap_mark(encoded, 0 if types is None else 1 if types else 2)
