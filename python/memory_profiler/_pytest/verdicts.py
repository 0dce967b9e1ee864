"""What a failure says: the limit, what was measured, by how much, and the lines to look at."""

from __future__ import annotations

import pytest

from memory_profiler._limits import growth, holders
from memory_profiler._limits.holders import by_line, table
from memory_profiler._limits.sizes import change, show
from memory_profiler._pytest.marks import Frame, Stack

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Objects = dict[tuple[str, holders.Frame | None], int]
    Types = dict[tuple[str, int, str], list[tuple[str, int]]]

_LEAKS = 10  # stacks that are told
_FUNCTIONS = 5  # that a baseline keeps of a test,
_LEAST = 0.02  # with so much of its peak
_GREW = 3  # lines that are told
_TYPES = 3  # of a line that are told
MORE = "to see all of it: --memory-dir DIR keeps a page with the flame graph of this test"
MEANT = "if it is to hold more now: --memory-update writes the new figure"


def over(limit: int, measured: int) -> str:
    """ "7.5 MiB (31%) more"; the limit itself is not reached."""
    more = measured - limit
    share = f" ({100 * more / limit:.0f}%)" if limit else ""
    return f"{show(more)}{share} more" if more else "no less"


def whose(processes: int) -> str:
    """Who held the peak: "the test", or also so many processes of its own."""
    if not processes:
        return "the test"
    theirs = "a process" if processes == 1 else f"{processes} processes"
    return f"the test and {theirs} that it started"


def too_large(limit: int, peak: int, who: str, whose: str) -> str:
    return (
        f"memory: held {show(peak)} of {show(limit)}, {over(limit, peak)} than {who} allows, "
        f"at the peak of {whose}"
    )


def grew(before: int, peak: int, allowed: int, words: str, file: str, again: bool) -> str:
    more = peak - before
    share = f" ({100 * more / before:+.1f}%)" if before else ""
    twice = "; a second run grew, too" if again else ""
    return (
        f"memory: grew {change(more)}{share} to {show(peak)} at the peak of the test, "
        f"{show(before)} in {file}; --memory-fail-over {words} allows {show(allowed)}{twice}"
    )


def _by_function(stacks: Iterable[holders.Stack]) -> dict[str, list[holders.Holder]]:
    """The lines of each function, the heaviest first."""
    found: dict[str, list[holders.Holder]] = {}
    for holder in by_line(stacks):
        if holder.frame is not None:
            name = f"{holders.short(holder.frame[0])} {holder.frame[2]}"
            found.setdefault(name, []).append(holder)
    return found


def _size(lines: list[holders.Holder]) -> int:
    return sum(holder.bytes for holder in lines)


def functions(stacks: Iterable[holders.Stack], peak: int) -> dict[str, int]:
    """What a baseline keeps: the functions whose lines held most."""
    sizes = {name: _size(lines) for name, lines in _by_function(stacks).items()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:_FUNCTIONS]
    return {name: sizes[name] for name in largest if sizes[name] >= _LEAST * peak}


def grown_lines(stacks: Iterable[holders.Stack], before: dict[str, int]) -> list[str]:
    """Which functions hold more than the baseline says, by their heaviest lines; nothing where
    it says nothing."""
    found = _by_function(stacks)
    more = {name: _size(lines) - before.get(name, 0) for name, lines in found.items()}
    largest = sorted(more, key=lambda name: -more[name])[:_GREW]
    least = max(more.values(), default=0) / 10
    lines = [
        f"{change(more[name]):>12}  {found[name][0].place}, {show(before.get(name, 0))} before"
        for name in largest
        if more[name] > least
    ]
    return ["", "grew", *lines] if before and lines else []


def held(stacks: Iterable[holders.Stack], whole: int, title: str) -> list[str]:
    """The heaviest lines below a title; nothing where no line is known."""
    lines = table(by_line(stacks), whole)
    return ["", title, *lines] if lines else []


def leaked(
    stacks: Iterable[holders.Stack], limit: int, filter_fn: Callable[[Stack], bool] | None
) -> list[holders.Stack]:
    """The stacks that have so much still live, and no excuse of the test's own filter."""
    found = []
    for stack in stacks:
        frames = stack[2]
        if stack[0] < limit or (frames and frames[0][3] == holders.OURS):
            continue
        named = Stack(Frame(name, file, line) for file, line, name, _ in frames)
        if filter_fn is None or filter_fn(named):
            found.append(stack)
    return found


def leaks(limit: int, found: list[holders.Stack], types: Types) -> list[str]:
    """The text about them. `types`: of what is live, by the line that allocated."""
    whole = sum(stack[0] for stack in found)
    stacks = "1 call stack" if len(found) == 1 else f"{len(found)} call stacks"
    lines = [
        f"memory: leaked {show(whole)} in {stacks}, {show(limit)} or more in each; limit_leaks "
        "allows less to be live at the end of the test",
        "",
        "still live, by call stack: something refers to what was made here",
    ]
    lines += table([_alone(stack, types) for stack in found], whole, _LEAKS)
    return lines


def _alone(stack: holders.Stack, types: Types) -> holders.Holder:
    size, blocks, frames = stack
    stack = size, blocks, holders.folded(frames)
    holder = holders.Holder(holders.line_of(stack))
    holder.add(stack)
    if frames:
        rows = types.get(frames[0][:3], [])
        holder.what = ", ".join(f"{count:,} {name}" for name, count in rows[:_TYPES])
    return holder


def leaked_objects(
    survivors: Iterable[tuple[list[object], list[holders.Frame]]],
    filter_fn: Callable[[object], bool] | None,
) -> Objects:
    """How many objects the test made, by type and line, but for what its filter excuses."""
    found: Objects = {}
    for objects, frames in survivors:
        line = holders.line_of((0, 0, holders.folded(frames)))
        if line is None or line[3] != holders.USERS:
            line = None  # that of an earlier object in the same memory
        for one in objects:
            if filter_fn is None or filter_fn(one):
                key = type(one).__qualname__, line
                found[key] = found.get(key, 0) + 1
    return found


def objects(found: Objects) -> list[str]:
    """The text about them."""
    count = sum(found.values())
    objects = "1 object, which is" if count == 1 else f"{count:,} objects, which are"
    lines = [
        f"memory: leaked {objects} live at the end of the test; "
        "limit_leaked_objects allows none",
        "",
        "still live, by type and line: something refers to what was made here",
    ]
    rows = sorted(found.items(), key=lambda row: (-row[1], row[0][0], row[0][1] or ()))
    for (name, line), number in rows[:_LEAKS]:
        where = holders.place(line) if line else "(line not known)"
        lines.append(f"{number:>12,}  {name}  {where}")
        if line and (text := holders.source(line)):
            lines.append(f"{'':14}{text}")
    if rows[_LEAKS:]:
        lines.append(f"{sum(n for _, n in rows[_LEAKS:]):>12,}  (of more types and lines)")
    return lines


def growing(limit: int, live: list[int], stacks: Iterable[holders.Stack]) -> list[str]:
    """The text about runs that keep growing; `live` begins with what was there before."""
    runs = len(live) - 1
    more = growth.lasting(live)
    thirds = growth.parts(live)
    said = ", ".join(change(part) for part in thirds)
    head = (
        f"memory: keeps growing, {change(more)} or more in {runs} runs of the test, "
        f"limit_growth allows {show(limit)}; about {show(sum(thirds) // runs)} a run "
        f"({said} in the thirds of the runs)"
    )
    return [head, *held(stacks, live[-1], "still live behind the last run")]


def fail(lines: list[str]) -> pytest.fail.Exception:
    return pytest.fail.Exception("\n".join(lines), pytrace=False)
