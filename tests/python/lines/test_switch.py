"""The switch: MEMORY_PROFILER=0, profile.enabled = False."""

from __future__ import annotations

import pytest

import memory_profiler
from conftest import Workshop
from memory_profiler import profile

IMPORTED = """
    from memory_profiler import profile

    def plain(): return 1
    @profile(precision=3)
    class Shape:
        area = plain
    assert profile(plain) is plain and profile(precision=3)(plain) is plain
    assert Shape.area is plain and profile(len) is len
    print(profile.enabled, plain(), len(profile.results))
"""
BARE = """
    def plain(): return 1
    assert profile(plain) is plain and profile(precision=3)(plain) is plain
    print(profile.enabled, plain())
"""


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_PROFILER", "0")


def test_the_environment_makes_decorators_return_what_they_get(shop: Workshop, off) -> None:
    shop.write("script.py", IMPORTED)
    run = shop.python("-W", "error", "script.py")
    assert (run.code, run.out, run.err) == (0, "False 1 0\n", "")


@pytest.mark.parametrize("source", [IMPORTED, BARE], ids=["imported", "bare"])
def test_under_m_too_where_one_line_says_it(shop: Workshop, off, source) -> None:
    run = shop.profile(source)
    assert run.code == 0 and run.out.startswith("False 1")
    (said,) = run.err.splitlines()
    assert "MEMORY_PROFILER=0" in said
    run = shop.profile(source, "--timestamp")
    assert (run.code, run.err) == (0, "") and "FUNC" not in run.out


def test_other_values_leave_it_on(shop: Workshop, monkeypatch) -> None:
    for value in ("1", ""):
        monkeypatch.setenv("MEMORY_PROFILER", value)
        run = shop.profile("@profile\ndef f():\n    return 1\nf()\n")
        assert (run.code, run.err, len(run.tables)) == (0, "", 1)


def test_a_program_switches_between_decorations(shop: Workshop, mode) -> None:
    head = "from memory_profiler import profile\n" if mode == "imported" else ""
    shop.write(
        "script.py",
        head
        + "profile.enabled = False\n@profile\ndef off():\n    return 0\n"
        + "profile.enabled = True\n@profile\ndef on():\n    return 1\n"
        + "off(); on()\n",
    )
    run = shop.python(
        *([] if mode == "imported" else ["-m", "memory_profiler"]), "script.py"
    )
    assert (run.code, run.err) == (0, "")
    (table,) = run.tables
    assert table.line("def on")


def test_a_profiler_of_ones_own_has_the_switch_and_starts_on(off) -> None:
    profiler = memory_profiler.LineProfiler()

    def plain():
        return 1

    assert profiler(plain) is not plain
    profiler.enabled = False
    assert profiler(plain) is plain
    assert profile.enabled
