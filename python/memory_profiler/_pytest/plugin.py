"""The hooks of pytest, and what a session knows.

A test's figures are made where it runs. They come home on the report of its teardown, as
pytest-xdist brings it, and whoever has the terminal shows them.
"""

from __future__ import annotations

import gc
import heapq
import os
import threading
import warnings

import pytest

from memory_profiler._limits import growth, holders
from memory_profiler._limits.measuring import (
    ALWAYS,
    AT_PEAK,
    LIVE,
    NEVER,
    Session,
    Unmeasured,
    is_able,
)
from memory_profiler._limits.sizes import show
from memory_profiler._pytest import captures, verdicts
from memory_profiler._pytest.baseline import Baseline
from memory_profiler._pytest.children import Children
from memory_profiler._pytest.items import (
    CALL,
    SETUP,
    TEARDOWN,
    Phase,
    Test,
    is_function,
    processes_ended,
)
from memory_profiler._pytest.marks import SHARED, Marks, Wrong
from memory_profiler._pytest.options import SLACK, Options
from memory_profiler._pytest.summary import Summary
from memory_profiler._pytest.survivors import Survivors, settle

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    Hook = Generator[None, Any, Any]

NAME = "memory_profiler_tests"
_OTHERS = "memory_profiler_other_tests"
_MARKERS = (*SHARED, "limit_growth")
_OURS_ALONE = _MARKERS[len(SHARED) :]
_LEAST = 1024  # bytes of a line that is worth naming


def load(config: Any) -> Plugin | None:
    """Registers the hooks, once; where this install cannot measure, says so instead."""
    manager = config.pluginmanager
    if manager.has_plugin(NAME):
        there: Plugin = manager.get_plugin(NAME)
        return there
    options = Options(config)
    if not is_able():
        words = (
            "memory of tests needs the C core of memory_profiler, which this install lacks"
        )
        if options.measures_all:
            raise pytest.UsageError(
                f"{words}: install a wheel that is built for this system"
            )
        warnings.warn(
            pytest.PytestWarning(f"{words}: limits are not checked"), stacklevel=1
        )
        return None
    plugin = Plugin(config, options)
    manager.register(plugin, NAME)
    return plugin


def _has_memray(config: Any) -> bool:
    return bool(config.pluginmanager.has_plugin("memray"))


class _Others:
    """Tests that are no functions: unittest's, doctests. Registered where there are any."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: Any) -> Hook:
        if is_function(item):
            return (yield)
        return (yield from self._plugin.call(item))


class Plugin:
    """One for a session, in each process of it."""

    def __init__(self, config: Any, options: Options) -> None:
        self.config = config
        self.options = options
        self.ours = _OURS_ALONE if _has_memray(config) else _MARKERS
        self.is_worker = hasattr(config, "workerinput")
        self.baseline = Baseline.read(options.compare) if options.compare else None
        if options.save:
            Baseline.check_writable(options.save)
        if options.folder:
            captures.prepare(options.folder)
        self.summary = Summary(config, options, self.baseline)
        if len(self.ours) < len(_MARKERS):
            self.summary.note(
                f"{', '.join(SHARED)} are pytest-memray's; with -p no:memray they are "
                "memory_profiler's"
            )
        self._session: Session | None = None
        self._children: Children | None = None
        self._test: Test | None = None
        self._largest: list[int] = []  # peaks, the least first
        self._pid = os.getpid()

    # the session

    def _open(self) -> None:
        if self._session is None:
            self.summary.threads.update(thread.ident for thread in threading.enumerate())
            self._session = Session(None if self.options.native else False)
            self._children = (
                Children(self.options.native) if self.options.children else None
            )
        else:
            self._session.renew()

    def pytest_unconfigure(self) -> None:
        if self._session is not None and self._pid == os.getpid():
            self._session.close()
            self._session = None
            if self._children is not None:
                self._children.close()

    def note_unmeasured(self, error: Unmeasured) -> None:
        if self._pid == os.getpid():
            self.summary.unmeasured(str(error))

    # a test

    def pytest_collection_finish(self, session: Any) -> None:
        self.summary.collected(item.nodeid for item in session.items)
        manager = self.config.pluginmanager
        if not all(map(is_function, session.items)) and not manager.has_plugin(_OTHERS):
            manager.register(_Others(self), _OTHERS)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.summary.collected(ids)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: Any) -> Hook:
        self._test = None
        try:
            marks = Marks(item, self.ours)
        except Wrong as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        if not self.options.measures_all and not marks:
            return (yield)
        try:
            self._open()
        except Unmeasured as error:
            self.note_unmeasured(error)
            return (yield)
        self._test = test = Test(self, item, marks)
        if not test.has_fixtures:
            return (yield)
        phase = test.begin(SETUP)
        try:
            return (yield)
        finally:
            phase.finish()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Hook:
        """A fixture of a wider scope is for many tests, and not the first one's."""
        if self._test is None or fixturedef.scope == "function":
            return (yield)
        phase = Phase(self, apart=True)
        try:
            return (yield)
        finally:
            phase.finish()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> Hook:
        return (yield from self.call(pyfuncitem))

    def call(self, item: Any) -> Hook:
        """The test itself, measured."""
        test = self._test
        if test is None or test.item is not item or test.repeats:
            return (yield)
        self._warm_up(test)
        children, captures = self._children, []
        if children is not None:
            children.begin()
        narrow, call = self._begin_call(test)
        if test.marks.objects:
            test.survivors = Survivors(item, call, is_function(item))
        ended = processes_ended()
        try:
            result = yield
            if test.marks.finds_leaks:
                settle()
        finally:
            if children is not None:
                captures = children.end()
            test.had_children = processes_ended() != ended
            if test.survivors is not None:
                test.survivors.end()
            peak, live = self._thresholds(test)
            for phase in reversed(narrow):
                phase.finish(peak, live)
            call.finish(ALWAYS if captures else peak, live)
        if call.figures is not None:
            if children is not None and captures:
                self._join(call, children.folder, captures)
            self._note_largest(test, call)
            if not test.has_raised:
                self._judge(test, call, narrow)
        return result

    def _join(self, call: Phase, folder: str, captures: list[str]) -> None:
        """What its processes held."""
        try:
            call.join(folder, captures)
        except (OSError, MemoryError):
            pass  # the summary says that they are not counted

    def _warm_up(self, test: Test) -> None:
        for _ in range(test.marks.warmups):
            test.run_again()
        if test.marks.finds_leaks:
            settle()
        elif self.options.has_baseline and gc.isenabled():
            gc.collect(0)  # when the next one comes depends on the test alone

    def _begin_call(self, test: Test) -> tuple[list[Phase], Phase]:
        """The call, and beside it what counts less than all: one thread, no imports."""
        call = test.begin(CALL)
        marks = test.marks
        alone = any(m.alone for m in marks.memory) or any(m.alone for m in marks.leaks)
        narrow = []
        if alone:
            narrow.append(Phase(self, alone=True))
        if self.options.has_baseline:
            narrow.append(Phase(self, warm=True))
        return narrow, call

    def _thresholds(self, test: Test) -> tuple[int, int]:
        """From where on there must be stacks."""
        if not self.options.has_baseline and not test.marks:
            return self._usual_threshold(), NEVER
        limits = [mark.limit - 1 for mark in test.marks.memory]
        if self.options.limit is not None:
            limits.append(self.options.limit - 1)
        if self.baseline is not None and self.options.fails:
            before = self.baseline.of(test.item.nodeid)
            if before is not None:
                limits.append(self.options.tolerance.allowed(before.peak))
        if self.options.memory:
            limits.append(self._least_of_largest())
        if self.options.writes_baseline:
            limits.append(SLACK)  # less grows by nothing that it could have had
        live = min((mark.limit - 1 for mark in test.marks.leaks), default=NEVER)
        return min(limits, default=NEVER), live

    def _usual_threshold(self) -> int:
        limit = NEVER if self.options.limit is None else self.options.limit - 1
        return min(limit, self._least_of_largest()) if self.options.memory else limit

    def _least_of_largest(self) -> int:
        if self.options.top and len(self._largest) >= self.options.top:
            return self._largest[0]
        return 0

    def _note_largest(self, test: Test, call: Phase) -> None:
        """The line to show of one that is among the largest so far."""
        figures = call.figures
        if (
            not self.options.memory
            or not figures
            or figures.peak <= self._least_of_largest()
        ):
            return
        heapq.heappush(self._largest, figures.peak)
        if self.options.top and len(self._largest) > self.options.top:
            heapq.heappop(self._largest)
        lines = holders.by_line(call.stacks(AT_PEAK))
        if lines and lines[0].bytes >= _LEAST:
            test.line = f"{show(lines[0].bytes)} by {lines[0].place}"
            if lines[0].source:
                test.line += f": {lines[0].source}"

    # its limits

    def _judge(self, test: Test, call: Phase, narrow: list[Phase]) -> None:
        alone = next((p for p in narrow if p.terms.get("alone")), call)
        warm = next((p for p in narrow if p.terms.get("warm")), None)
        for mark in test.marks.memory:
            self._judge_peak(
                test, alone if mark.alone else call, mark.limit, "limit_memory"
            )
        if self.options.limit is not None:
            self._judge_peak(test, call, self.options.limit, "--memory-limit")
        for leaks in test.marks.leaks:
            self._judge_leaks(test, alone if leaks.alone else call, leaks)
        for objects in test.marks.objects:
            self._judge_objects(test, call, objects)
        if warm is not None and warm.figures is not None:
            test.warm = warm.figures.peak
            if self.options.writes_baseline:
                test.functions = verdicts.functions(warm.stacks(AT_PEAK), test.warm)
            self._judge_growth_since(test, warm)
        for growing in test.marks.growth:
            live, runs = test.live_after(growing.repeat, growing.warmups)
            if growth.lasting(live) > growing.limit:
                lines = verdicts.growing(growing.limit, live, runs.stacks(LIVE))
                self._fail(test, runs, lines)

    def _judge_peak(self, test: Test, phase: Phase, limit: int, who: str) -> None:
        figures = phase.figures
        if figures is None or figures.peak < limit:
            return
        family = phase.family
        whose = verdicts.whose(family.processes if family else 0)
        title = "held by, each process at its own peak" if family else "held at the peak by"
        lines = [verdicts.too_large(limit, figures.peak, who, whose)]
        lines += verdicts.held(phase.stacks(AT_PEAK), figures.peak, title)
        self._fail(test, phase, lines)

    def _judge_leaks(self, test: Test, phase: Phase, mark: Any) -> None:
        found = verdicts.leaked(phase.stacks(LIVE), mark.limit, mark.filter_fn)
        if found:
            self._fail(test, phase, verdicts.leaks(mark.limit, found, phase.types()))

    def _judge_objects(self, test: Test, phase: Phase, mark: Any) -> None:
        rows = test.survivors.rows if test.survivors is not None else []
        found = verdicts.leaked_objects(rows, mark.filter_fn)
        if found:
            self._fail(test, phase, verdicts.objects(found))

    def _judge_growth_since(self, test: Test, phase: Phase) -> None:
        """What grew runs once more: caches that others fill when they come first are there."""
        if self.baseline is None or not self.options.fails or phase.figures is None:
            return
        before = self.baseline.of(test.item.nodeid)
        if before is None:
            return
        allowed = self.options.tolerance.allowed(before.peak)
        if phase.figures.peak <= allowed:
            return
        again = test.peak_again(lambda: Phase(self, warm=True))
        peak = phase.figures.peak if again is None else min(again, phase.figures.peak)
        test.warm = peak
        words = self.options.tolerance.words
        if self.options.update or peak <= allowed:
            return
        name = self.baseline.name
        stacks = phase.stacks(AT_PEAK)
        lines = [verdicts.grew(before.peak, peak, allowed, words, name, again is not None)]
        lines += verdicts.grown_lines(stacks, before.functions)
        lines += verdicts.held(stacks, phase.figures.peak, "held at the peak by")
        lines += ["", verdicts.MEANT]
        self._fail(test, phase, lines)

    def _fail(self, test: Test, phase: Phase, lines: list[str]) -> None:
        test.failed = True
        if phase.figures and phase.figures.captured:
            folder, nodeid = self.options.folder, test.item.nodeid
            more = captures.keep(folder, nodeid, phase) if folder else verdicts.MORE
            lines += ["", more]
        raise verdicts.fail(lines)

    # its end

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: Any) -> Hook:
        test = self._test
        if test is None or test.item is not item:
            return (yield)
        phase = test.begin(TEARDOWN) if test.has_fixtures else None
        try:
            return (yield)
        finally:
            if phase is not None:
                phase.finish()
            self._test = None
            threads = self._new_threads() if threading.active_count() > 1 else ""
            item.user_properties += test.properties(threads)

    def _new_threads(self) -> str:
        """Those that the test left running: tests behind it have what they take."""
        known = self.summary.threads
        new = [thread for thread in threading.enumerate() if thread.ident not in known]
        known.update(thread.ident for thread in new)
        return ", ".join(thread.name for thread in new)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == TEARDOWN:
            self.summary.add(report.nodeid, report.user_properties)
        if self.is_worker:
            return
        if self.options.github and report.failed:
            self.summary.note_failure(report)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.is_worker:
            self.summary.show(terminalreporter)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        if self._pid != os.getpid():
            return
        if self._children is not None:
            self._children.close()  # a worker may be killed from here on
        if self.is_worker:
            self.config.workeroutput["memory_profiler"] = self.summary.told()
        else:
            self.summary.write(session)
