"""One test: what each of its phases allocated.

setup      ├── own fixtures ──┤   fixtures of wider scope are apart: they are not the test's
call                           ├── the test itself ──┤
teardown                                              ├── own fixtures ──┤ kept: what of it all
                                                                           is live now
"""

from __future__ import annotations

import gc
import resource
import sys

import pytest

from memory_profiler._limits.measuring import AT_PEAK, NEVER, Figures, Stretch, Unmeasured
from memory_profiler._pytest.children import Family

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memory_profiler._pytest.marks import Marks
    from memory_profiler._pytest.plugin import Plugin
    from memory_profiler._pytest.survivors import Survivors

SETUP, CALL, TEARDOWN = "setup", "call", "teardown"


#: What is told of a test, in its report and in the XML of --junitxml.
PEAK, KEPT, ALLOCATIONS = "memory_peak", "memory_kept", "memory_allocations"
RSS, FIXTURES, WARM = "memory_rss_growth", "memory_fixtures", "memory_without_imports"
FUNCTIONS = "memory_functions"
LINE, THREADS, CHILDREN = "memory_line", "memory_threads", "memory_children"
UNMEASURED = "not measured"  #: of children


def is_function(item: Any) -> bool:
    """Whether pytest calls it itself: no unittest's, no doctest."""
    unittest = sys.modules.get("unittest")
    of = getattr(item, "cls", None)
    return isinstance(item, pytest.Function) and not (
        unittest and of and issubclass(of, unittest.TestCase)
    )


def processes_ended() -> int:
    """Changes where a child process of this one has ended and was waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


class Phase:
    """A stretch with its figures, once it has ended."""

    def __init__(self, plugin: Plugin, **terms: bool) -> None:
        self.terms = terms
        self.figures: Figures | None = None
        self.family: Family | None = None  #: where processes count too
        self._stretch: Stretch | None = Stretch(plugin.options.native, **terms)
        try:
            self._stretch.begin()
        except Unmeasured as error:
            plugin.note_unmeasured(error)
            self._stretch = None

    def finish(self, peak: int = NEVER, live: int = NEVER) -> Figures | None:
        if self._stretch is not None and self.figures is None:
            self.figures = self._stretch.finish(peak, live)
        return self.figures

    def join(self, folder: str, captures: list[str]) -> None:
        """Counts processes as well. Raises OSError."""
        if self._stretch is None or self.figures is None:
            return
        family = Family(self._stretch, folder, captures)
        if family.processes:
            self.family = family
            self.figures = self.figures._replace(peak=max(self.figures.peak, family.peak))

    def stacks(self, order: int) -> list[Any]:
        if self.family is not None and order == AT_PEAK:
            return self.family.stacks
        if self._stretch is None or self.figures is None or not self.figures.captured:
            return []
        return self._stretch.stacks(order)

    def types(self) -> dict[tuple[str, int, str], list[tuple[str, int]]]:
        """As Stretch.types()."""
        return self._stretch.types() if self._stretch is not None else {}

    def know(self) -> None:
        """As Stretch.know()."""
        if self._stretch is not None:
            self._stretch.know()

    def survivors(self) -> list[tuple[list[object], list[Any]]]:
        """As Stretch.survivors()."""
        return self._stretch.survivors() if self._stretch is not None else []

    def save(self, path: str) -> None:
        """Raises OSError; of several processes Unrun."""
        if self.family is not None:
            self.family.save(path)
        elif self._stretch is not None:
            self._stretch.save(path)

    def kept(self) -> int:
        """Bytes that are live now, once; 0 where it is not known."""
        return max(0, self._stretch.kept()) if self._stretch is not None else 0


class Test:
    """What is known of a test that runs, from its setup to its teardown."""

    __test__ = False  # to pytest

    def __init__(self, plugin: Plugin, item: Any, marks: Marks) -> None:
        self._plugin = plugin
        self.item = item
        self.marks = marks
        self.phases: dict[str, Phase] = {}
        self.line = ""  #: which held most, of a large one
        #: without any there is nothing of its own before and behind it
        self.has_fixtures = bool(getattr(item, "fixturenames", True))
        self.warm: int | None = None  #: its peak without imports, for the baseline,
        self.functions: dict[str, int] = {}  #: and whose lines held most of it
        self.survivors: Survivors | None = None  #: where a marker asks for them
        self.failed = False  #: a limit of its own
        self.had_children = False  #: processes of its own
        self.repeats = False  # it runs once more: nothing of that is measured

    def begin(self, phase: str) -> Phase:
        self.phases[phase] = Phase(self._plugin)
        return self.phases[phase]

    def run_again(self) -> None:
        """The test itself with the fixtures that it has. Raises what it raises."""
        self.repeats = True
        try:
            if is_function(self.item):
                self.item.ihook.pytest_pyfunc_call(pyfuncitem=self.item)
            else:
                self._forget_loop()
                self.item.runtest()
                self._raise_unittests()
                self._forget_loop()
        finally:
            self.repeats = False

    def _forget_loop(self) -> None:
        """unittest leaves the closed one with a coroutine, and then refuses it."""
        instance: Any = getattr(self.item, "instance", None)
        if getattr(instance, "_asyncioRunner", None) is not None:
            instance._asyncioRunner = None

    def _raise_unittests(self) -> None:
        """unittest keeps what its tests raise."""
        errors = getattr(self.item, "_excinfo", None)
        if errors:
            raise errors.pop(0).value

    @property
    def has_raised(self) -> bool:
        """Whether unittest has kept something."""
        return bool(getattr(self.item, "_excinfo", None))

    def live_after(self, runs: int, warmups: int) -> tuple[list[int], Phase]:
        """Bytes that runs of the test left live: before the first, and after each; and these
        runs, with the stacks of what is live behind them."""
        for _ in range(warmups):
            self.run_again()
        gc.collect()
        live = [0]
        phase = Phase(self._plugin)
        try:
            for _ in range(runs):
                self.run_again()
                gc.collect()
                live.append(phase.kept())
        finally:
            phase.finish(live=0)
        return live, phase

    def peak_again(self, measure: Callable[[], Phase]) -> int | None:
        """The peak of one more run, whose imports and caches are there; None: it does not run
        a second time."""
        gc.collect()
        phase = measure()
        try:
            self.run_again()
        except (KeyboardInterrupt, SystemExit):
            raise
        except (
            BaseException
        ):  # what the test did once may be done: only the first run counts
            return None
        finally:
            phase.finish()
        return phase.figures.peak if phase.figures else None

    def properties(self, threads: str) -> list[tuple[str, Any]]:
        """Its figures, as its report takes them to who shows them."""
        found: list[tuple[str, Any]] = []
        call = self.phases.get(CALL)
        own = call.figures if call else None
        kept = sum(phase.kept() for phase in self.phases.values())
        if own is not None:
            found += (
                (PEAK, own.peak),
                (KEPT, kept),
                (ALLOCATIONS, own.allocations),
                (RSS, own.rss_end - own.rss),
            )
        if self.has_fixtures:
            found.append((FIXTURES, max((self._peak(SETUP), self._peak(TEARDOWN)))))
        if self.warm is not None:
            found.append((WARM, self.warm))
        if self.functions:
            found.append((FUNCTIONS, self.functions))
        if self.line:
            found.append((LINE, self.line))
        if threads:
            found.append((THREADS, threads))
        family = call.family if call else None
        if family is not None:
            found.append((CHILDREN, family.processes))
        elif self.had_children:
            found.append((CHILDREN, UNMEASURED))
        return found

    def _peak(self, name: str) -> int:
        phase = self.phases.get(name)
        return phase.figures.peak if phase and phase.figures else 0
