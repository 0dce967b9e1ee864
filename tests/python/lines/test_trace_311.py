"""How lines are traced on CPython 3.11: an evaluation function and a C trace function."""

from __future__ import annotations

import collections
import ctypes
import gc
import pathlib
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from memory_profiler import LineProfiler, _core
from traced_311 import compiled, counted, needs_311

pytestmark = needs_311


def by_settrace(code: Any, run: Callable[[], Any]) -> dict[int, int]:
    """Occurrences as sys.settrace defines them: an event completes the line before it."""
    current: dict[int, int] = {}
    total: collections.Counter[int] = collections.Counter()

    def on_event(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code is not code:
            return on_event
        if event == "call":
            current[id(frame)] = frame.f_lineno
        elif event == "line":
            total[current[id(frame)]] += 1
            current[id(frame)] = frame.f_lineno
        elif event == "return":
            total[current.pop(id(frame))] += 1
        return on_event

    before = sys.gettrace()
    sys.settrace(on_event)
    try:
        run()
    finally:
        sys.settrace(before)
    return dict(total)


PROGRAMS = {
    "a loop": "def f():\n for i in range(3):\n  if i:\n   continue\n  i += 1\n return i",
    "a loop on one line": "def f():\n for i in range(5): pass\n while i: i -= 1",
    "raising to the caller": "def f():\n x = 1\n raise KeyError(x)",
    "raising in a callee": "def g():\n raise KeyError\ndef f():\n g()\n return 1",
    "catching a callee's": "def g():\n raise KeyError\n"
    "def f():\n for i in range(3):\n  try:\n   g()\n  except KeyError:\n   i += 1",
    "finally": "def f():\n try:\n  return 1\n finally:\n  x = 2",
    "with": "import io\ndef f():\n with io.StringIO() as s:\n  s.write('')\n return s",
    "recursion": "def f(n=4):\n if n:\n  f(n - 1)\n return n",
    "a callee in C that calls back": "def g(x):\n return -x\n"
    "def f():\n return sorted([3, 1, 2], key=g)",
    "calls over several lines": "def g(*a):\n return a\n"
    "def f():\n return g(\n  1,\n  g(2),\n )",
    "a match": "def f():\n match [1, 2]:\n  case [1, x]:\n   return x",
}  # fmt: skip

GENERATORS = {
    "run to its end": "list(f())",
    "closed": "it = f(); next(it); it.close()",
    "never started": "f().close()",
    "thrown into": "it = f(); next(it); it.throw(KeyError); it.close()",
    "thrown into at the start": "f().throw(ValueError)",
    "killed by a throw": "it = f(); next(it); it.throw(ValueError)",
    "sent to": "it = f(); next(it); it.send(1); it.close()",
    "dropped": "it = f(); next(it); del it",
}
GENERATOR = """
def inner():
    yield 1
    yield 2
def f():
    for i in range(2):
        try:
            got = yield i
        except KeyError:
            got = 2
    yield from inner()
    return got
"""


def quietly(run: Callable[[], Any]) -> None:
    try:
        run()
    except (KeyError, ValueError):
        pass


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_occurrences_are_those_of_settrace(program: str) -> None:
    names = compiled(program)
    profiler = LineProfiler()
    profiler.add_function(names["f"])
    with profiler:
        quietly(names["f"])
    assert counted(profiler)["f"] == by_settrace(
        names["f"].__code__, lambda: quietly(names["f"])
    )
    assert _core.work()["open"] == 0


@pytest.mark.parametrize("use", GENERATORS.values(), ids=GENERATORS)
def test_occurrences_of_generators_are_those_of_settrace(use: str) -> None:
    names = compiled(GENERATOR)

    def run() -> None:
        quietly(lambda: exec(use, dict(names)))

    profiler = LineProfiler()
    assert profiler(names["f"]) is names["f"]
    run()
    ours = counted(profiler)["f"]
    del profiler
    assert ours == by_settrace(names["f"].__code__, run)
    assert _core.work()["open"] == 0


CALLER = """
import sys
def leaf(n):
    total = 0
    for i in range(n):
        total += i
    return total
def failing():
    try:
        {}[1]
    except KeyError:
        return leaf(1)
def caller(n):
    for i in range(n):
        leaf(i)
        failing()
    return 1
"""


def test_code_that_nobody_decorated_sends_no_events() -> None:
    names = compiled(CALLER)
    profiler = LineProfiler()
    before = _core.work()
    assert profiler(names["caller"])(100) == 1
    after = _core.work()
    assert after["events"] - before["events"] == 101 + 2 * 100 + 2 + 1 - 1
    assert after["strayed"] == before["strayed"]


def test_recursion_that_nobody_decorated_sends_no_events() -> None:
    names = compiled("""
        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        def caller(n):
            return fib(n)
    """)
    profiler = LineProfiler()
    before = _core.work()
    assert profiler(names["caller"])(15) == 610
    after = _core.work()
    assert (after["events"] - before["events"], after["strayed"] - before["strayed"]) == (
        2,
        0,
    )


# --- the C stack ---

DEEP = """
def deep(n):
    if n == 0:
        return leaf()
    return deep(n - 1)
def leaf():
    a = 1
    return a
def top(n):
    return deep(n)
"""


@pytest.fixture
def high_limit() -> Any:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(200_000)
    yield
    sys.setrecursionlimit(before)


def test_faults_49_recursion_of_50000_frames_runs_as_it_would(high_limit: None) -> None:
    names = compiled(DEEP)
    profiler = LineProfiler()
    names["leaf"] = profiler(names["leaf"])
    assert profiler(names["top"])(50_000) == 1
    assert counted(profiler) == {"leaf": {5: 1, 6: 1, 7: 1}, "top": {8: 1, 9: 1}}


def test_faults_49_every_level_of_a_traced_recursion_is_counted(high_limit: None) -> None:
    names = compiled(DEEP)
    profiler = LineProfiler()
    profiler.add_function(names["deep"])
    with profiler:
        assert names["deep"](50_000) == 1
    assert counted(profiler)["deep"] == {1: 50_001, 2: 50_001, 3: 1, 4: 50_000}
    assert evaluated_by_us(), "the evaluation function is back after the deep part"


def test_faults_49_a_used_up_c_stack_is_a_recursion_error(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "deep.py"
    path.write_text(
        textwrap.dedent("""
        import sys
        from memory_profiler import LineProfiler
        sys.setrecursionlimit(10 ** 6)
        profile = LineProfiler()
        @profile
        def deep(n):  # the wrapper passes its arguments on through C
            return deep(n + 1)
        try:
            deep(0)
        except RecursionError as error:
            print(error)
        @profile
        def again():
            return "goes on"
        print(again())
    """)
    )
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0
    lost = r"(memory_profiler: not measured: calls: \d+ \(maximum recursion depth .*\)\n)?"
    assert re.fullmatch(lost, done.stderr), "what was entered at the end of the stack"
    assert (
        done.stdout == "maximum recursion depth exceeded: the C stack is used up\ngoes on\n"
    )


def test_the_recursion_limit_is_met_at_the_same_depth() -> None:
    names = compiled("""
        def deep(n):
            try:
                return deep(n + 1)
            except RecursionError:
                return n
        def top():
            return deep(0)
    """)
    profiler = LineProfiler()
    profiler.add_function(names["top"])
    plain = names["top"]()
    with profiler:
        assert names["top"]() == plain


# --- the hooks ---


def evaluated_by_us() -> bool:
    """An evaluation function is installed."""
    gc.collect()  # profilers of earlier programs, in cycles of functions and namespaces
    api = ctypes.pythonapi
    api.PyInterpreterState_Get.restype = ctypes.c_void_p
    api._PyInterpreterState_GetEvalFrameFunc.restype = ctypes.c_void_p
    api._PyInterpreterState_GetEvalFrameFunc.argtypes = [ctypes.c_void_p]
    default = ctypes.cast(api._PyEval_EvalFrameDefault, ctypes.c_void_p).value
    return api._PyInterpreterState_GetEvalFrameFunc(api.PyInterpreterState_Get()) != default


def test_the_evaluation_function_is_there_only_while_code_is_traced() -> None:
    names = compiled(DEEP)
    assert not evaluated_by_us()
    profiler, other = LineProfiler(), LineProfiler()
    profiler.add_function(names["top"])
    other.add_function(names["top"])
    assert evaluated_by_us()
    del profiler
    assert evaluated_by_us()
    del other
    assert not evaluated_by_us()


def test_code_objects_are_let_go_with_the_profiler() -> None:
    names = compiled(DEEP)
    code = names["top"].__code__
    before = sys.getrefcount(code)
    profiler, other = LineProfiler(), LineProfiler()
    profiler.add_function(names["top"])
    other.add_function(names["top"])
    del profiler, other
    assert sys.getrefcount(code) == before


def test_a_profiler_that_goes_away_in_a_traced_call_leaves_nothing_behind() -> None:
    names = compiled("""
        def f(drop):
            drop()
            g()
            return 1
        def g():
            return 2
    """)
    profilers = [LineProfiler()]
    profilers[0].add_function(names["f"])
    with profilers[0]:
        assert names["f"](profilers.clear) == 1
    assert not evaluated_by_us()
    assert _core.work()["open"] == 0


def test_threads_are_traced_each_for_itself() -> None:
    names = compiled(CALLER)
    profiler = LineProfiler()
    run = profiler(names["caller"])
    threads = [threading.Thread(target=run, args=(50,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = counted(profiler)["caller"]
    assert sorted(lines.values()) == [8, 8, 400, 400, 408]


def test_faults_63_greenlets_that_switch_in_traced_frames_keep_their_lines() -> None:
    greenlet = pytest.importorskip("greenlet")
    names = compiled("""
        def ping(other):
            for i in range(3):
                other().switch()
                done = i
            return done
        def pong(other):
            while True:
                other().switch()
                helper()
        def helper():
            return [0]
    """)
    profiler = LineProfiler()
    profiler.add_function(names["ping"])
    glets: list[Any] = []
    with profiler:
        glets.append(greenlet.greenlet(lambda: names["ping"](lambda: glets[1])))
        glets.append(greenlet.greenlet(lambda: names["pong"](lambda: glets[0])))
        glets[0].switch()
    assert counted(profiler)["ping"] == {1: 1, 2: 4, 3: 3, 4: 3, 5: 1}


def test_a_function_is_selected_by_the_module_that_defines_it(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "program.py"
    path.write_text("import textwrap\ntextwrap.dedent(' x')\n")
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler", "--function=textwrap.dedent", path],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "def dedent(text):" in done.stdout
