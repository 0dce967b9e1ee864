"""Line tables and who is charged for what changed: src/capture/lines/activation.c and tracer.c.

An activation is one run of a frame between entering it and leaving it; a generator that yields
ends one and begins another. A line's increment is the reading when it completes minus the
reading when it began, callees included. Growth that an inner activation put into a table is
taken out of the outer line that shares the table. The events come from `events`, which is
`monitoring` or `settrace`.
"""

from __future__ import annotations

from _thread import _local
from struct import Struct

from memory_profiler._pure import meter
from memory_profiler._standard import standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from memory_profiler._core import Cell

FAR_ENOUGH = 64  # activations that are looked through for a frame

#: The module that sends the interpreter's events; set by `memory_profiler._core`.
events: Any = None


PLACED = Struct("=qqqQQQq")  # a line where another process reads it: `struct mp_line`
BASELINE = Struct("=q")


class Row:
    """A source line: bytes, and how often it completed."""

    __slots__ = ("increment", "memory", "occurrences")

    def __init__(self) -> None:
        self.memory = self.increment = self.occurrences = 0

    def tell(self) -> None:
        """It changed."""


class PlacedRow(Row):
    """A row that another process reads, too."""

    __slots__ = ("at", "place")

    def __init__(self, place: Any, at: int) -> None:
        super().__init__()
        self.place, self.at = place, at

    def tell(self) -> None:
        PLACED.pack_into(
            self.place, self.at, self.memory, self.increment, 0, self.occurrences, 0, 0, 0
        )


class Table:
    """The rows of a function and of the code nested in it."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.first, self.last = span_of(code)
        self.entry, self.baseline = entry_of(code), -1
        self.rows: dict[int, Row] = {}
        self.place: Any = None
        self.at = 0

    @property
    def room(self) -> int:
        return BASELINE.size + PLACED.size * (self.last - self.first + 1)

    def move(self, place: Any, at: int) -> None:
        """Begins again, in a place that another process reads."""
        self.rows, self.place, self.at = {}, place, at
        self.enter(-1)

    def enter(self, baseline: int) -> None:
        self.baseline = baseline
        if self.place is not None:
            BASELINE.pack_into(self.place, self.at, baseline)

    def row(self, line: int) -> Row:
        if not self.first <= line <= self.last:
            return Row()  # code with moved line numbers
        if line not in self.rows:
            at = self.at + BASELINE.size + PLACED.size * (line - self.first)
            placed = self.place is not None
            self.rows[line] = PlacedRow(self.place, at) if placed else Row()
        return self.rows[line]

    def cells(self) -> dict[int, Cell]:
        return {
            line: (row.memory, row.increment, row.occurrences, 0, 0, 0, 0)
            for line, row in sorted(self.rows.items())
            if row.occurrences
        }


def nested(code: CodeType) -> list[CodeType]:
    """A code object and all that is nested in it."""
    found = [code]
    for outer in found:  # grows while we go
        found += [inner for inner in outer.co_consts if hasattr(inner, "co_consts")]
    return found


def entry_of(code: CodeType) -> int:
    """The line that entering the code completes; 0 for the top level of a module."""
    return 0 if code.co_name == "<module>" else code.co_firstlineno


def span_of(code: CodeType) -> tuple[int, int]:
    """The first and last line that a code object and what is nested in it can run."""
    lines = [
        line
        for inner in nested(code)
        for _, _, line in inner.co_lines()
        if line is not None
    ]
    lines += [entry_of(code), *(inner.co_firstlineno for inner in nested(code))]
    return min(lines), max(lines)


class State:
    """What a tracer knows; outlives it while calls are open."""

    def __init__(self, read: Callable[[], int]) -> None:
        self.read = read
        self.entered = self.failed = 0
        self.tables: list[Table] = []
        self.block: Binding | None = None
        self.limit: Callable[[int], object] | None = None
        self.limit_bytes = self.limit_reported = 0

    def check_limit(self, size: int) -> None:
        """Tells when memory rises to the limit, or by another tenth. What is told may raise."""
        if self.limit is None:
            return
        over = size >= self.limit_bytes
        tell = over and size > self.limit_reported + self.limit_reported // 10
        if tell or not over:
            self.limit_reported = size if tell else 0
        if tell:
            self.limit(size)


class Binding:
    """Code that feeds a table; `always`: also while nobody entered the tracer; `block`: asks
    for events alone."""

    __slots__ = ("always", "block", "code", "state", "table")

    def __init__(
        self, code: CodeType, state: State, table: Table, always: bool, block: bool = False
    ) -> None:
        self.code, self.state, self.table, self.always = code, state, table, always
        self.block = block


#: By id: equal code objects are not the same code.
bindings: dict[int, list[Binding]] = {}


class Opened:
    """An open block: its frame, who opened it and what that one keeps."""

    def __init__(self, frame: int, owner: object, thing: object) -> None:
        self.frame, self.owner, self.thing = frame, owner, thing
        self.binding: Binding | None = None  # None: no lines are measured


opened: list[Opened] = []


class Activation:
    __slots__ = (
        "block", "entered", "entry", "frame", "last", "line", "moved", "row", "state", "table",
    )  # fmt: skip

    def __init__(self, frame: int, binding: Binding, line: int) -> None:
        self.frame, self.line = frame, line
        self.state, self.table = binding.state, binding.table
        self.row = self.table.row(line)
        self.entered = self.block = self.moved = False
        self.entry = self.last = 0


class Thread(_local):
    """What the calling thread runs."""

    def __init__(self) -> None:
        self.stack: list[Activation] = []
        self.contexts: list[tuple[State, int]] = []
        self.events = 0

    def choose(self, code: CodeType) -> Binding | None:
        """Who counts a run of `code`: the innermost tracer entered here that knows it, else the
        newest that is entered anywhere."""
        known = [binding for binding in bindings.get(id(code), ()) if not binding.block]
        if len(known) > 1:
            for state, _ in reversed(self.contexts):
                for binding in known:
                    if binding.state is state:
                        return binding
        for binding in reversed(known):
            if binding.state.entered or binding.always:
                return binding
        return None

    def begin(self, frame: int, code: CodeType, line: int, resumed: bool) -> bool:
        binding = self.choose(code)
        if binding is None:
            return False
        if self.stack and self.stack[-1].frame == frame:
            self.end()  # the frame's memory was used again: that one is over
        top = Activation(frame, binding, line)
        self.stack.append(top)
        if resumed:
            self._enter(top)
        return True

    def find(self, frame: int) -> Activation | None:
        """The activation of a frame, which becomes the top one."""
        stack = self.stack
        if stack and stack[-1].frame == frame:
            return stack[-1]
        for at in range(len(stack) - 1, max(len(stack) - FAR_ENOUGH, 0) - 1, -1):
            if stack[at].frame == frame:
                stack.append(stack.pop(at))
                return stack[-1]
        return None

    def _read(self, top: Activation) -> int:
        try:
            return top.state.read()
        except Exception:
            top.state.failed += 1
            return -1

    def _enter(self, top: Activation) -> None:
        """It goes on with a reading, or waits for the first that succeeds."""
        now = self._read(top)
        top.entered = now >= 0
        top.entry = top.last = max(now, 0)

    def _complete(self, top: Activation) -> None:
        self.events += 1
        now, row = self._read(top), top.row
        if not row.occurrences or now > row.memory:
            row.memory = now
        row.occurrences += 1
        if now < 0:  # charge nothing rather than nonsense
            row.tell()
            return
        if top.entered:
            row.increment += now - top.last
        else:
            top.entered, top.entry = True, now
            if top.table.baseline < 0:
                top.table.enter(now)
        top.last = now
        row.tell()

    def push(self, block: Opened, line: int | None = None) -> None:
        """The block's activation, above others of its frame."""
        assert block.binding is not None
        table = block.binding.table
        top = Activation(block.frame, block.binding, table.entry if line is None else line)
        top.block = True
        self.stack.append(top)
        self._enter(top)
        if table.baseline < 0 and top.entered:
            table.baseline = top.last

    def resume(self, frame: int, line: int) -> None:
        """A frame goes on: so do the blocks that are open in it."""
        for block in opened:
            if block.frame == frame and block.binding is not None:
                self.push(block, line)

    def close(self, block: Opened) -> None:
        """Ends a block's activation; what is left of the line of its `with` is ours."""
        assert block.binding is not None
        for at in range(len(self.stack) - 1, -1, -1):
            top = self.stack[at]
            same = top.frame == block.frame and top.table is block.binding.table
            if top.block and same:
                self.stack.append(self.stack.pop(at))
                if top.line != top.table.entry or not top.moved:
                    self._complete(top)
                self._pop()
                return

    def line(self, top: Activation, line: int) -> None:
        """The frame is about to run `line`: completes the one before it, for its blocks too."""
        for one in (
            [one for one in self.stack if one.frame == top.frame] if opened else [top]
        ):
            self._complete(one)
            one.moved = True
            if one.line != line:
                one.line, one.row = line, one.table.row(line)

    def end(self) -> Activation:
        """The frame of the top activation stops: all that are of it end."""
        top = self._end()
        while opened and self.find(top.frame) is not None:
            top = self._end()
        return top

    def _end(self) -> Activation:
        self._complete(self.stack[-1])
        return self._pop()

    def _pop(self) -> Activation:
        top = self.stack.pop()
        grown = top.last - top.entry
        for outer in reversed(self.stack) if grown else ():
            if outer.table is top.table:
                outer.last += grown
                break
        return top

    def restart(self, state: State) -> None:
        """The tables of a tracer begin again: so do the lines of its activations."""
        for one in self.stack:
            if one.state is state:
                one.row = one.table.row(one.line)
                if one.entered:
                    self._enter(one)

    def enter(self, state: State) -> None:
        self.contexts.append((state, len(self.stack)))
        state.entered += 1

    def leave(self, state: State) -> None:
        for at in range(len(self.contexts) - 1, -1, -1):
            if self.contexts[at][0] is state:
                break
        else:
            return
        if at == len(self.contexts) - 1:
            while len(self.stack) > self.contexts[at][1]:
                self.end()
        del self.contexts[at]
        state.entered -= 1


thread = Thread()


def bind(
    code: CodeType, state: State, table: Table, always: bool, block: bool = False
) -> None:
    """Charges what `code` does to a table; nested twice: the first table keeps it."""
    known = bindings.get(id(code))
    if known is None:
        known = bindings[id(code)] = []
        events.watch(code)
    for binding in known:
        if binding.state is state:
            binding.always |= always
            return
    known.append(Binding(code, state, table, always, block))


def unbind(state: State) -> None:
    """Undoes every binding of a tracer."""
    for table in state.tables:
        for code in nested(table.code):
            known = bindings.get(id(code), [])
            known[:] = [binding for binding in known if binding.state is not state]
            if not known and bindings.pop(id(code), None) is not None:
                events.forget(code)


class Tracer:
    """Line tables of one profiler."""

    def __init__(
        self,
        metric: str = "rss",
        children: bool = False,
        call: Callable[[], int] | None = None,
        peaks: bool = False,
        heap: bool = False,
    ) -> None:
        meter.check_metric(metric)
        if peaks or heap:
            raise ValueError(
                "peaks and the heap of lines need the C core; this is the pure-Python build"
            )
        if call is None:
            meter.memory(0, metric)  # fails now when it cannot be had
        if call is None and children:
            call = lambda: meter.memory(0, metric) + meter.children_memory(0, metric)  # noqa: E731
        self._state = State(call or (lambda: meter.memory(0, metric)))

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            unbind(self._state)

    def add(self, code: CodeType, always: bool = False, /) -> bool:
        """Traces a code object and the code nested in it; True when it is new."""
        state = self._state
        if any(binding.state is state for binding in bindings.get(id(code), ())):
            return False
        events.start()
        table = Table(code)
        state.tables.append(table)
        for inner in nested(code):
            bind(inner, state, table, always)
        if always:
            events.follow_all()
        return True

    def add_block(self, code: CodeType, line: int, /) -> None:
        """A table for blocks of the code that begin at `line`."""
        events.start()
        table = Table(code)
        table.entry = line
        self._state.tables.append(table)
        bind(code, self._state, table, False, True)
        self._state.block = bindings[id(code)][-1]

    def enter(self) -> None:
        """Count from here on; nests."""
        thread.enter(self._state)
        events.follow()

    def leave(self) -> None:
        """Undo one enter() of this thread."""
        thread.leave(self._state)
        events.unfollow()

    def limit(self, bytes: int, call: Callable[[int], object], /) -> None:
        """call(reading) each time memory rises to `bytes` at the end of a traced line."""
        self._state.limit_bytes, self._state.limit = bytes, call

    def tables(self) -> list[tuple[CodeType, int, dict[int, Cell]]]:
        return [(table.code, table.baseline, table.cells()) for table in self._state.tables]

    def room(self, first: int, /) -> int:
        return sum(table.room for table in self._state.tables[first:])

    def place(
        self, fd: int, offset: int, first: int, /
    ) -> list[tuple[CodeType, int, int, int, int]]:
        """As that of the C core."""
        with standard:
            import mmap

        if not self.room(first):
            return []
        space, at = mmap.mmap(fd, self.room(first), offset=offset), 0
        places = []
        for table in self._state.tables[first:]:
            table.move(space, at)
            count = table.last - table.first + 1
            entry = table.code.co_firstlineno
            places.append((table.code, table.first, entry, count, at))
            at += table.room
        thread.restart(self._state)
        return places

    @property
    def entered(self) -> int:
        return self._state.entered

    @property
    def failed(self) -> int:
        return self._state.failed


def set_aside(aside: bool, /) -> bool:
    """No allocation is counted."""
    return False


def use_gate(kind: int, /) -> None:
    """There is no gate: memory is read at every line."""


def gate() -> str:
    return "none"


def work() -> dict[str, int]:
    return {"reads": meter.reads, "events": thread.events, "dropped": 0,
            "open": len(thread.stack)}  # fmt: skip
