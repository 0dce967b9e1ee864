"""Tracing on CPython 3.11 beside a program's own trace functions, debuggers and other tools."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from memory_profiler import LineProfiler
from traced_311 import compiled, counted, needs_311

pytestmark = needs_311

OWN = """
import sys, threading
events = []
def record(frame, event, argument):
    if frame.f_code.co_filename == __file__:
        events.append((frame.f_code.co_name, event, frame.f_lineno))
    return record
def record_calls(frame, event, argument):
    if frame.f_code.co_filename == __file__:
        name = getattr(argument, "__name__", "")
        events.append((frame.f_code.co_name, event, frame.f_lineno, name))
def angry(frame, event, argument):
    if frame.f_code.co_name == "leaf" and event == "line":
        raise ValueError("angry")
    return record(frame, event, argument) and angry
def leaf(n):
    x = n
    try:
        {}[n]
    except KeyError:
        x = len([n])
    return x
@PROFILE
def gen(n):
    try:
        yield n
        yield n + 1
    finally:
        n = 0
@PROFILE
def f(n):
    total = leaf(n)
    for i in gen(n):
        total += i
    total += sum(map(leaf, range(2)))
    return total
def begin():
    sys.settrace(record)
def end():
    sys.settrace(None)
@PROFILE
def sets_it_here():
    a = 1
    sys.settrace(record)
    b = leaf(2)
    assert sys.gettrace() is record
    sys.settrace(None)
    c = leaf(3)
    return a
@PROFILE
def sets_it_in_a_callee():
    a = 1
    begin()
    b = leaf(2)
    end()
    c = leaf(3)
    return a
@PROFILE
def profiles_here():
    a = leaf(1)
    sys.setprofile(record_calls)
    b = leaf(2)
    sys.setprofile(None)
    return leaf(3)
"""

USES = {
    "around a call": "sys.settrace(record); f(1); f(2); sys.settrace(None)",
    "set in a traced frame": "sets_it_here(); f(1)",
    "set in a callee": "sets_it_in_a_callee(); f(1)",
    "profile around a call": "sys.setprofile(record_calls); f(1); sys.setprofile(None); f(2)",
    "profile set in a traced frame": "profiles_here(); f(1)",
    "both": "sys.setprofile(record_calls); sys.settrace(record); f(1); sys.settrace(None);"
    " f(2); sys.setprofile(None)",
    "one that raises": """
sys.settrace(angry)
try:
    f(1)
except ValueError:
    events.append("raised")
events.append(sys.gettrace())
f(2)""",
    "in a thread": """
threading.settrace(record)
t = threading.Thread(target=f, args=(1,)); t.start(); t.join()
threading.settrace(None)""",
    "one frame without lines": """
def no_lines(frame, event, argument):
    frame.f_trace_lines = False
    return record(frame, event, argument)
sys.settrace(no_lines); leaf(1); sys.settrace(None); f(1)""",
    "opcodes": """
def opcodes(frame, event, argument):
    frame.f_trace_opcodes = True
    record(frame, event, argument)
    return opcodes
sys.settrace(opcodes); f(1); sys.settrace(None); f(1)""",
    "suspended while a generator is": """
sys.settrace(record); it = gen(1); next(it); sys.settrace(None)
next(it); sys.settrace(record); it.close(); sys.settrace(None)""",
}  # fmt: skip


def run_own(tmp_path: pathlib.Path, use: str, profiled: bool) -> str:
    """What a program prints of its own events; its wrapper's frames are in another file."""
    source = "from memory_profiler import LineProfiler\n"
    source += (
        "PROFILE = LineProfiler()\n" if profiled else "def PROFILE(func): return func\n"
    )
    source += OWN + use + "\nprint(*events, sep='\\n')\n"
    source += "print(sys.gettrace(), sys.getprofile())\n"
    path = tmp_path / "own.py"
    path.write_text(source)
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_faults_60_a_programs_own_functions_see_what_they_would_without_us(
    tmp_path: pathlib.Path, use: str
) -> None:
    plain = run_own(tmp_path, use, profiled=False)
    assert len(plain.splitlines()) >= 4
    ours = run_own(tmp_path, use, profiled=True)
    assert ours.splitlines() == plain.splitlines()


@pytest.mark.parametrize("name", ["sets_it_here", "sets_it_in_a_callee", "profiles_here"])
def test_faults_60_lines_are_counted_while_a_program_changes_its_own_functions(
    name: str,
) -> None:
    names = compiled(OWN.replace("@PROFILE", "# plain"), __file__="program.py")
    profiler = LineProfiler()
    profiler.add_function(names[name])
    with profiler:
        names[name]()
    (lines,) = counted(profiler).values()
    assert set(lines.values()) == {1}
    assert (
        len(lines)
        == {"profiles_here": 6, "sets_it_in_a_callee": 7, "sets_it_here": 8}[name]
    )


def test_faults_60_coverage_and_cprofile_run_beside_it(tmp_path: pathlib.Path) -> None:
    coverage = pytest.importorskip("coverage")
    path = tmp_path / "program.py"
    path.write_text(OWN.replace("@PROFILE", "# plain"))
    names: dict[str, Any] = {"__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), names)
    profiler = LineProfiler()
    measure = coverage.Coverage(data_file=None, config_file=False, include=[str(path)])
    run = profiler(names["f"])
    measure.start()
    run(1)
    measure.stop()
    lines = set(measure.get_data().lines(str(path)) or ())
    code = names["f"].__code__
    body = {line for _, _, line in code.co_lines() if line and line > code.co_firstlineno}
    assert body <= lines
    assert set(counted(profiler)["f"]) == body | {code.co_firstlineno}

    import cProfile

    stats = cProfile.Profile()
    stats.enable()
    run(2)
    stats.disable()
    called = {entry.code.co_name: entry.callcount for entry in stats.getstats()
              if not isinstance(entry.code, str)}  # fmt: skip
    assert (called["f"], called["leaf"], called["gen"]) == (1, 3, 3)


def test_a_debugger_stops_in_a_decorated_function_and_steps(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "debugged.py"
    path.write_text(
        textwrap.dedent("""
        from memory_profiler import LineProfiler
        profile = LineProfiler()
        @profile
        def f():
            a = 1
            breakpoint()
            b = 2
            c = 3
            return a
        f()
        (_, _, cells), = profile._tracer.tables()
        print("counted", {line: cell[2] for line, cell in cells.items()})
    """)
    )
    done = subprocess.run([sys.executable, path], input="next\nnext\np (a, b, c)\ncontinue\n",
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "(1, 2, 3)" in done.stdout
    assert "counted {4: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 1}" in done.stdout


def test_a_limits_debugger_stops_once_at_a_line(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "grows.py"
    path.write_text(
        textwrap.dedent("""
        @profile
        def f():
            kept = bytearray(300 * 2 ** 20)
            first = 1
            second = 2
            return first
        f()
    """)
    )
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler", "--pdb-mmem=200", path],
        input="next\nnext\nq\n", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    stops = [line for line in done.stdout.splitlines() if line.startswith("-> ")]
    assert stops == ["-> first = 1", "-> second = 2", "-> return first"]
