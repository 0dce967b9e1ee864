"""TimeStamper, and the blocks of profile.timestamp."""

from __future__ import annotations

import io
import time

import pytest

from func_records import spans
from memory_profiler import LineProfiler, TimeStamper, profile


def test_a_new_time_stamper_is_empty() -> None:
    stamps = TimeStamper("psutil")
    assert stamps.functions == {} and stamps.stack == {}
    assert stamps.current_stack_level == -1
    assert stamps.backend == "psutil" and stamps.include_children is False
    assert TimeStamper("psutil", True).include_children is True


def test_a_wrapped_function_records_a_pair_and_a_level_a_call() -> None:
    stamps = TimeStamper("psutil")
    seen = []

    @stamps
    def inner(n: int) -> int:
        seen.append(stamps.current_stack_level)
        return n + 1

    @stamps
    def outer(n: int) -> int:
        seen.append(stamps.current_stack_level)
        return inner(n) + inner(n)

    before = time.time()
    assert outer(1) == 4
    assert seen == [0, 1, 1] and stamps.current_stack_level == -1
    by_name = {func.__name__: calls for func, calls in stamps.functions.items()}
    assert list(by_name) == ["inner", "outer"]
    assert [len(calls) for calls in by_name.values()] == [2, 1]
    for (m0, t0), (m1, t1) in by_name["inner"] + by_name["outer"]:
        assert 1 < m0 < 10_000 and 1 < m1 < 10_000
        assert before - 1 <= t0 <= t1 <= time.time() + 1
    assert {f.__name__: at for f, at in stamps.stack.items()} == {
        "inner": [1, 1],
        "outer": [0],
    }
    assert inner.__name__ == "inner" and inner.__wrapped__


def test_wrap_function_and_call_on_stack_do_the_same() -> None:
    stamps = TimeStamper("psutil")

    def double(n: int, *, more: int = 0) -> int:
        assert stamps.current_stack_level == 0
        return 2 * n + more

    assert stamps.wrap_function(double)(2, more=1) == 5
    assert stamps.call_on_stack(double, 3, more=2) == 8
    assert [len(stamps.functions[double]), stamps.stack[double]] == [2, [0, 0]]


def test_add_function_prepares_the_records() -> None:
    stamps = TimeStamper("psutil")
    stamps.add_function(len)
    assert stamps.functions[len] == [] and stamps.stack[len] == []


@pytest.mark.parametrize("value", [1, "text", None.__class__])
def test_what_cannot_be_called_is_a_value_error(value: object) -> None:
    stamps = TimeStamper("psutil")
    if callable(value):
        stamps.add_function(value)
        return
    with pytest.raises(ValueError, match="Value must be callable"):
        stamps(value)
    with pytest.raises(ValueError, match="Value must be callable"):
        stamps.add_function(value)


def test_an_unknown_backend_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        TimeStamper("nosuch")


def test_a_block_is_recorded_under_its_label() -> None:
    stamps = TimeStamper("psutil")
    with stamps.timestamp("load"):
        assert stamps.current_stack_level == 0
        with stamps.timestamp():
            assert stamps.current_stack_level == 1
    out = io.StringIO()
    stamps.show_results(out)
    assert [(name, level) for name, *_, level in spans(out.getvalue())] == [
        (".load", 0),
        (".<block>", 1),
    ]


def test_one_block_object_can_be_entered_again_and_inside_itself() -> None:
    stamps = TimeStamper("psutil")
    block = stamps.timestamp("again")
    with block:
        with block:
            pass
    with block:
        pass
    assert sorted(stamps.stack["again"]) == [0, 0, 1]


def test_exceptions_leave_no_level_behind() -> None:
    stamps = TimeStamper("psutil")

    @stamps
    def fails() -> None:
        raise LookupError("mine")

    for _ in range(3):
        with pytest.raises(LookupError, match="mine"):
            fails()
        with pytest.raises(KeyError), stamps.timestamp("block"):
            raise KeyError
    assert stamps.current_stack_level == -1
    assert stamps.stack["block"] == [0, 0, 0]
    assert [len(calls) for calls in stamps.functions.values()] == [3, 3]


def test_show_results_prints_in_order_of_decoration_then_of_call(capsys) -> None:
    stamps = TimeStamper("psutil")

    @stamps
    def second() -> None:
        pass

    @stamps
    def first() -> None:
        second()

    first()
    second()
    stamps.show_results()
    found = spans(capsys.readouterr().out)
    assert [(name.rpartition(".")[2], level) for name, *_, level in found] == [
        ("second", 1),
        ("second", 0),
        ("first", 0),
    ]


def test_line_profilers_have_timestamp_too() -> None:
    with LineProfiler().timestamp("x"), profile.timestamp("y"):
        pass
