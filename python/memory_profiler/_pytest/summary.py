"""What a session says at its end: the largest tests, the baseline, what is missing.

It is said by the process that has the terminal; workers of pytest-xdist tell it what they know.
"""

from __future__ import annotations

import os

from memory_profiler._limits.sizes import change, show
from memory_profiler._pytest.baseline import Baseline, Held, for_saving
from memory_profiler._pytest.items import (
    ALLOCATIONS,
    CHILDREN,
    FIXTURES,
    FUNCTIONS,
    KEPT,
    LINE,
    PEAK,
    RSS,
    THREADS,
    UNMEASURED,
    WARM,
)

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from memory_profiler._pytest.options import Options

_NAMES = {PEAK, KEPT, ALLOCATIONS, RSS, FIXTURES, WARM, FUNCTIONS, LINE, THREADS, CHILDREN}
_ODD = THREADS, CHILDREN  # what is said of a test in any case
_LEAST = 16384  # bytes of fixtures that are worth a line
_FEW = 10  # tests of a kind that are named
_CHOOSING = "keyword", "markexpr", "deselect", "lf"  # options that leave tests out


class Summary:
    """The figures of all tests, by name."""

    def __init__(self, config: Any, options: Options, baseline: Baseline | None) -> None:
        self._config = config
        self._options = options
        self._baseline = baseline
        self._tests: dict[str, dict[str, Any]] = {}
        self._collected: set[str] = set()
        self._notes: list[str] = []
        self._failures: list[Any] = []
        self._unmeasured: dict[str, int] = {}
        self.threads: set[int | None] = set()  #: that are known
        if baseline is not None:
            baseline.use(options.native)

    def add(self, nodeid: str, properties: list[tuple[str, Any]]) -> None:
        """Of a test that ran; of one that ran again, the last."""
        figures = {name: value for name, value in properties if name in _NAMES}
        if figures:
            self._tests[nodeid] = figures

    def collected(self, nodeids: Iterable[str]) -> None:
        self._collected.update(nodeids)

    def unmeasured(self, why: str) -> None:
        self._unmeasured[why] = self._unmeasured.get(why, 0) + 1

    def told(self) -> dict[str, Any]:
        """What a worker tells beside the reports of its tests."""
        odd = {
            nodeid: {name: figures[name] for name in _ODD if name in figures}
            for nodeid, figures in self._tests.items()
        }
        return {
            "unmeasured": self._unmeasured,
            "tests": {nodeid: figures for nodeid, figures in odd.items() if figures},
        }

    def take(self, told: dict[str, Any]) -> None:
        """Of a worker."""
        for why, count in told["unmeasured"].items():
            self._unmeasured[why] = self._unmeasured.get(why, 0) + count
        for nodeid, figures in told["tests"].items():
            self._tests.setdefault(nodeid, {}).update(figures)

    def note(self, line: str) -> None:
        """To be said at the end."""
        self._notes.append(line)

    def note_failure(self, report: Any) -> None:
        self._failures.append(report)

    # the baseline

    def write(self, session: Any) -> None:
        """Saves or updates it, and notes what to say of it."""
        if self._options.save:
            self._save(session)
        elif self._baseline is not None:
            self._compare(session)

    def _figures(self) -> dict[str, Held]:
        return {
            nodeid: Held(figures[WARM], figures.get(FUNCTIONS, {}))
            for nodeid, figures in self._tests.items()
            if WARM in figures
        }

    def _save(self, session: Any) -> None:
        path = self._options.save
        assert path is not None
        baseline = for_saving(path)
        baseline.use(self._options.native)
        if _was_cut_short(session):
            self._notes.append(f"{baseline.name} is as it was: the tests did not all run")
            return
        now = self._figures()
        left = {
            nodeid: held
            for nodeid, held in baseline.tests.items()
            if nodeid not in now and not self._is_gone(nodeid, session)
        }
        baseline.set({**left, **now})
        what = f"{len(now):,} tests of {baseline.environment}"
        self._write(
            baseline,
            f"{what}; {len(left):,} that did not run stay as they were" if left else what,
        )

    def _write(self, baseline: Baseline, what: str) -> None:
        try:
            baseline.write()
        except OSError as error:
            self._notes.append(f"cannot write {baseline.name}: {error.strerror}")
        else:
            self._notes.append(f"wrote {baseline.name}: {what}")

    def _compare(self, session: Any) -> None:
        baseline, held = self._baseline, self._figures()
        assert baseline is not None
        before = {nodeid: test.peak for nodeid, test in baseline.tests.items()}
        now = {nodeid: test.peak for nodeid, test in held.items()}
        if not before and not self._options.update:
            self._notes.append(
                f"{baseline.name} has no figures of {baseline.environment}: "
                "--memory-update adds them"
            )
            return
        allowed = self._options.tolerance.allowed
        both = [nodeid for nodeid in now if nodeid in before]
        grown = [n for n in both if now[n] > allowed(before[n])]
        shrunk = [n for n in both if before[n] > allowed(now[n])]
        new = [nodeid for nodeid in now if nodeid not in before]
        gone = [nodeid for nodeid in before if self._is_gone(nodeid, session)]
        self._tell(f"grew since {baseline.name}", grown, before, now)
        self._tell(f"shrank since {baseline.name}", shrunk, before, now)
        self._tell(f"not in {baseline.name}", new, before, now)
        self._tell(f"in {baseline.name} and no longer here", gone, before, now)
        if not self._options.update:
            return
        changed = {nodeid: held[nodeid] for nodeid in (*grown, *shrunk, *new)}
        if changed or gone:
            left = {n: test for n, test in baseline.tests.items() if n not in gone}
            baseline.set({**left, **changed})
            self._write(baseline, f"{len(changed):,} tests changed, {len(gone):,} removed")

    def _tell(
        self, title: str, nodeids: list[str], before: dict[str, int], now: dict[str, int]
    ) -> None:
        """The tests that changed most first."""
        if not nodeids:
            return

        def by(nodeid: str) -> int:
            return now.get(nodeid, 0) - before.get(nodeid, 0)

        nodeids = sorted(nodeids, key=lambda nodeid: (-abs(by(nodeid)), nodeid))
        self._notes.append(f"{title}: {len(nodeids):,}")
        for nodeid in nodeids[:_FEW]:
            if nodeid in now and nodeid in before:
                said = (
                    f"{show(before[nodeid])} to {show(now[nodeid])} ({change(by(nodeid))})"
                )
            else:
                said = show(now.get(nodeid, before.get(nodeid, 0)))
            self._notes.append(f"    {nodeid}: {said}")
        if len(nodeids) > _FEW:
            self._notes.append(f"    and {len(nodeids) - _FEW:,} more")

    def _is_gone(self, nodeid: str, session: Any) -> bool:
        """Whether it was looked for. A run of some tests says nothing of the others."""
        if nodeid in self._collected or nodeid in self._tests or _was_cut_short(session):
            return False
        option = self._config.option
        if any(getattr(option, name, None) for name in _CHOOSING):
            return False
        file = os.path.join(str(self._config.rootpath), nodeid.partition("::")[0])
        for argument in self._config.args:
            place = os.path.abspath(
                os.path.join(str(self._config.invocation_params.dir), argument)
            )
            if place == file or file.startswith(place.rstrip("/") + "/"):
                return True
        return False

    # the end

    def show(self, terminal: Any) -> None:
        lines = [*self._largest(), *self._notes, *self._missing()]
        if lines:
            terminal.write_sep("=", "memory of tests")
            for line in lines:
                terminal.write_line(line)
        if self._options.github:
            for report in self._failures:
                terminal.write_line(_annotation(report))

    def _largest(self) -> list[str]:
        if not self._options.memory:
            return []
        tests = {name: f for name, f in self._tests.items() if PEAK in f}
        names = sorted(tests, key=lambda name: (-tests[name][PEAK], name))
        shown = names[: self._options.top or None]
        if not shown:
            return []
        lines = [
            f"{'peak':>11} {'kept':>11} {'allocations':>11} {'RSS':>11}  "
            + _which(len(shown), len(names))
        ]
        for name in shown:
            lines += _row(name, tests[name])
        return lines

    def _missing(self) -> list[str]:
        lines = [
            f"not measured, {count:,} times: {why}"
            for why, count in self._unmeasured.items()
        ]
        for nodeid, figures in self._tests.items():
            if THREADS in figures:
                lines.append(
                    f"{nodeid} left threads running ({figures[THREADS]}): tests after it have "
                    "what they allocate"
                )
        return lines + self._children()

    def _children(self) -> list[str]:
        names = [
            n for n, figures in self._tests.items() if figures.get(CHILDREN) == UNMEASURED
        ]
        if not names:
            return []
        more, their = (
            (f" and {len(names) - 1:,} more", "their") if names[1:] else ("", "its")
        )
        return [
            f"{names[0]}{more} had processes of {their} own, which are not counted: "
            "these are no Python, or not started with the test's environment"
        ]


def _which(shown: int, there: int) -> str:
    if shown < there:
        return f"the {shown:,} of {there:,} tests that held most"
    return f"{there:,} tests, those that held most first" if there > 1 else "1 test"


def _row(name: str, figures: dict[str, Any]) -> list[str]:
    line = (
        f"{show(figures[PEAK]):>11} {show(figures[KEPT]):>11} "
        f"{figures[ALLOCATIONS]:>11,} {change(figures[RSS]):>11}  {name}"
    )
    lines = [line]
    if figures.get(LINE):
        lines.append(f"{'':49}{figures[LINE]}")
    processes = figures.get(CHILDREN, UNMEASURED)
    if processes != UNMEASURED:
        lines.append(
            f"{'':49}with {processes} process{'es'[: 2 * (processes > 1)]} of its own"
        )
    fixtures = figures.get(FIXTURES, 0)
    if fixtures > max(figures[PEAK], _LEAST):
        lines.append(f"{'':49}{show(fixtures)} in its fixtures, beside these")
    return lines


def _was_cut_short(session: Any) -> bool:
    """Whether tests are left that would have run: -x, Ctrl-C, a crash."""
    return bool(session.shouldstop or session.shouldfail) or int(session.exitstatus) in (
        2,
        3,
    )


def _annotation(report: Any) -> str:
    """A line that GitHub Actions shows at the test's own line."""
    file, line, _ = report.location
    text = str(report.longrepr)
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    title = report.nodeid.replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
    return f"::error file={file},line={(line or 0) + 1},title={title}::{escaped}"
