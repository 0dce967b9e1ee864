"""`with profile:` and `with profile.block("name"):`: the lines of a block."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import warnings

import pytest

import memory_profiler
from conftest import Workshop, assert_increments, parse_table, parse_tables
from memory_profiler import _core, profile

MIB = 2**20


def counts(table) -> dict[str, int]:
    return {
        row.source.strip(): row.occurrences for row in table.rows.values() if row.source
    }


def test_a_block_prints_the_lines_in_it_when_it_ends(out, tolerance) -> None:
    with profile.block("loading"):
        kept = bytearray(30 * MIB)
        for _ in range(3):
            size = len(kept)
        more = bytearray(20 * MIB)
    after = bytearray(10 * MIB)
    table = parse_table(out.getvalue())
    assert table.filename == __file__ and size and more and after
    assert counts(table) == {
        'with profile.block("loading"):': 1,
        "kept = bytearray(30 * MIB)": 1,
        "for _ in range(3):": 4,
        "size = len(kept)": 3,
        "more = bytearray(20 * MIB)": 1,
    }
    assert_increments(table, {"kept =": 30, "more =": 20, "size =": 0}, tolerance)
    assert table.first.increment == table.first.memory
    result = profile.results["loading"]
    first = result.lines[result.first_line].memory / MIB  # a page of our code may be new
    assert result.baseline / MIB == pytest.approx(first, abs=tolerance)
    assert _core.work()["open"] == 0


def test_the_increments_without_the_first_row_sum_to_what_the_block_kept(tolerance) -> None:
    profiler = memory_profiler.LineProfiler()
    kept = []
    for size in (5, 7, 11):
        with profiler.block("some"):
            kept.append(bytearray(size * MIB))
            if size == 7:
                continue
            kept.append(bytearray(MIB))
    result = profiler.results["some"]
    grown = sum(
        line.increment or 0
        for line in result.lines.values()
        if line.line != result.first_line
    )
    assert grown == pytest.approx(25 * MIB, abs=tolerance * MIB)
    assert result.lines[result.first_line].occurrences == 3


def test_with_profile_alone_is_a_block_without_a_name(out) -> None:
    with profile:
        done = 1
    assert counts(parse_table(out.getvalue())) == {"with profile:": 1, "done = 1": 1}
    assert profile.results["<block>"].lines and done


def test_lines_outside_the_block_and_other_runs_of_its_code_are_not_counted(out) -> None:
    def work(n):
        before = n
        if n == 2:
            with profile.block("one of them"):
                inside = work(n - 1)
        return before

    work(2)
    table = parse_table(out.getvalue())
    assert counts(table) == {
        'with profile.block("one of them"):': 1, "inside = work(n - 1)": 1
    }  # fmt: skip


def test_blocks_nest_in_one_frame_and_each_counts_its_lines(out, tolerance) -> None:
    with profile.block("outer"):
        one = bytearray(10 * MIB)
        with profile.block("inner"):
            two = bytearray(20 * MIB)
        three = bytearray(5 * MIB)
    inner, outer = parse_tables(out.getvalue())
    assert list(counts(inner)) == [
        'with profile.block("inner"):',
        "two = bytearray(20 * MIB)",
    ]
    assert_increments(inner, {"two =": 20}, tolerance)
    assert_increments(outer, {"one =": 10, "two =": 20, "three =": 5}, tolerance)
    assert counts(outer)['with profile.block("inner"):'] == 2 and one and two and three


def test_recursion_counts_each_byte_once(out, tolerance) -> None:
    profiler = memory_profiler.LineProfiler()
    kept = []

    def work(n):
        with profiler.block("deep"):
            kept.append(bytearray(5 * MIB))
            if n:
                work(n - 1)

    work(3)
    lines = profiler.results["deep"].lines.values()
    grown = {line.source.strip(): line for line in lines}
    assert grown["kept.append(bytearray(5 * MIB))"].increment == pytest.approx(
        20 * MIB, abs=tolerance * MIB
    )
    assert grown["work(n - 1)"].increment == pytest.approx(0, abs=tolerance * MIB)
    assert grown["work(n - 1)"].occurrences == 3


def test_a_decorated_function_counts_the_lines_of_blocks_in_it_as_before(out) -> None:
    def plain(n):
        a = n
        with profile.block("inside"):
            b = a
            c = b
        return c

    def same(n):
        a = n
        with contextlib.nullcontext():
            b = a
            c = b
        return c

    assert profile(plain)(1) == profile(same)(1) == 1
    inside, table, other = parse_tables(out.getvalue())
    found, expected = ([row.occurrences for row in t.rows.values()] for t in (table, other))
    assert found == expected
    assert list(counts(inside).values()) == [1, 1, 1]


def test_a_generator_goes_on_with_its_block_wherever_it_is_resumed(out, tolerance) -> None:
    def items():
        with profile.block("items"):
            one = bytearray(10 * MIB)
            yield one
            two = bytearray(20 * MIB)
            yield two
        yield 3

    generator, kept = items(), []
    kept.append(next(generator))
    kept.append(bytearray(40 * MIB))
    thread = threading.Thread(target=lambda: kept.append(next(generator)))
    thread.start()
    thread.join()
    assert out.getvalue() == ""
    assert list(generator) == [3]
    table = parse_table(out.getvalue())
    assert_increments(table, {"one = ": 10, "two = ": 20, "yield one": 0}, tolerance)
    assert counts(table)["yield one"] == 2
    assert _core.work()["open"] == 0


def test_a_generator_that_is_closed_ends_its_block(out) -> None:
    def items():
        with profile.block("closed"):
            yield 1

    generator = items()
    next(generator)
    generator.close()
    assert counts(parse_table(out.getvalue()))["yield 1"] >= 1
    generator = items()
    next(generator)
    with pytest.raises(ValueError):
        generator.throw(ValueError)
    assert len(parse_tables(out.getvalue())) == 2 and _core.work()["open"] == 0


def test_coroutines_that_take_turns_are_not_mixed(out, tolerance) -> None:
    async def work(size):
        with profile.block(f"task {size}"):
            await asyncio.sleep(0)
            kept = bytearray(size * MIB)
            await asyncio.sleep(0)
        return kept

    async def main():
        return await asyncio.gather(work(10), work(20), work(0))

    assert len(asyncio.run(main())) == 3
    for table, size in zip(parse_tables(out.getvalue()), (10, 20, 0), strict=True):
        assert_increments(table, {"kept =": size}, tolerance)


def test_threads_count_each_their_own_and_share_a_table() -> None:
    profiler = memory_profiler.LineProfiler()
    meet = threading.Barrier(4)

    def work():
        meet.wait()
        with profiler.block("threads"):
            total = 0
            for i in range(100):
                total += i

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = {
        line.source.strip(): line.occurrences
        for line in profiler.results["threads"].lines.values()
    }
    assert lines["total += i"] == 400 and lines["total = 0"] == 4


@pytest.mark.parametrize("way", ["raise", "return", "break"])
def test_a_block_ends_however_it_is_left(out, way) -> None:
    def work():
        for _ in range(2):
            with profile.block("left"):
                if way == "raise":
                    raise ValueError("out")
                if way == "return":
                    return 1
                break
        return 0

    error = contextlib.suppress(ValueError) if way == "raise" else contextlib.nullcontext()
    with error:
        work()
    assert counts(parse_table(out.getvalue()))['with profile.block("left"):'] == 1
    assert _core.work()["open"] == 0


def test_a_block_on_one_line_and_one_in_brackets(out, tolerance) -> None:
    with profile.block("short"): kept = bytearray(20 * MIB)  # fmt: skip # noqa: E701
    table = parse_table(out.getvalue())
    assert len(table.rows) == 1 and kept
    assert table.first.increment == pytest.approx(table.first.memory, abs=tolerance)
    with (
        contextlib.nullcontext(),
        profile.block("long"),
    ):
        text = """
in no column
"""

        # a comment
        last = text
    table = parse_tables(out.getvalue())[1]
    assert last and [row.source for row in table.rows.values()][-1] == "        last = text"


def test_precision_stream_and_columns_are_those_of_the_decorator() -> None:
    import io

    stream = io.StringIO()
    with profile.block("own", stream, 4):
        pass
    assert ".0000 MiB" in stream.getvalue() or stream.getvalue().count(".") >= 2
    for wrong in ({"precision": -1}, {"backend": "psutil_uss", "peak": True}):
        with pytest.raises((ValueError, NotImplementedError)):
            profile.block("own", **wrong)


def test_where_lines_cannot_be_told_one_warning_says_so(out) -> None:
    memory_profiler._lines.profiler._warned.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            with contextlib.ExitStack() as stack:
                stack.enter_context(profile.block("stacked"))
    assert len(caught) == 1 and "ExitStack" in str(caught[0].message)
    assert out.getvalue() == ""


def test_a_debugger_and_the_programs_trace_function_go_on(shop: Workshop) -> None:
    shop.write(
        "script.py",
        """
        import sys
        from memory_profiler import profile
        seen = []
        def trace(frame, event, arg):
            if frame.f_code.co_name == "work":
                seen.append(event)
            return trace
        def work():
            a = 1
            with profile.block("b"):
                b = 2
            return a
        sys.settrace(trace)
        work()
        assert sys.gettrace() is trace
        sys.settrace(None)
        print(seen.count("line"), seen.count("return"))
    """,
    )
    run = shop.python("script.py")
    assert run.err == "" and run.out.endswith("5 1\n")
    assert run.tables[0].line("b = 2").occurrences == 1


def test_under_m_blocks_are_tables_of_the_run(shop: Workshop, mode) -> None:
    head = "from memory_profiler import profile\n" if mode == "imported" else ""
    shop.write(
        "script.py",
        head
        + """
@profile
def work():
    with profile.block("part"):
        return 1
for _ in range(3):
    work()
with profile:
    x = 1
    y = 2
""",
    )
    run = shop.run("--json", "script.py")
    assert (run.code, run.err) == (0, "")
    found = {name: f["lines"] for name, f in run.functions.items()}
    assert set(found) == {"work", "part", "<block>"}
    assert [line["occurrences"] for line in found["part"]] == [3, 3]
    assert [line["occurrences"] for line in found["<block>"]] == [1, 1, 1]


def test_with_profile_under_m_still_counts_what_was_added(shop: Workshop) -> None:
    run = shop.profile("""
        def added():
            return 1
        profile.add_function(added)
        added()
        with profile:
            added()
    """)
    assert (run.code, run.err) == (0, "")
    assert run.table("def added", top=False).line("return 1").occurrences == 1


def test_under_timestamp_blocks_are_spans(shop: Workshop) -> None:
    run = shop.profile(
        """
        import memory_profiler
        with profile.block("named part"):
            with profile:
                with memory_profiler.profile:
                    pass
    """,
        "--timestamp",
    )
    assert (run.code, run.err) == (0, "")
    assert run.out.count("FUNC .<block> ") == 2 and run.out.count("FUNC .named") == 1


def test_switched_off_blocks_do_nothing(shop: Workshop, mode, monkeypatch) -> None:
    monkeypatch.setenv("MEMORY_PROFILER", "0")
    head = "from memory_profiler import profile\n" if mode == "imported" else ""
    shop.write("script.py", head + "with profile, profile.block('x'):\n    print(1)\n")
    words = [] if mode == "imported" else ["-m", "memory_profiler"]
    run = shop.python(*words, "script.py")
    assert (run.code, run.out) == (0, "1\n")


@pytest.mark.skipif(hasattr(_core, "MISSING"), reason="the heap is the C core's")
def test_heap_columns_of_blocks_and_of_the_function_around_them(out) -> None:
    @profile(heap=True)
    def around():
        with profile.block("heap", heap=True):
            kept = bytearray(100_000)
            with profile.block("deeper", heap=True):
                more = bytearray(200_000)
            gone = bytearray(300_000)
            del gone
        return kept, more

    assert around()
    lines = {
        name: {line.source.strip(): line for line in profile.results[name].lines.values()}
        for name in ("heap", "deeper", "around")
    }
    for name, texts in (
        ("heap", ("kept", "more", "gone")), ("deeper", ("more",)),
        ("around", ("kept", "more", "gone")),
    ):  # fmt: skip
        for text, size in (("kept", 100_000), ("more", 200_000), ("gone", 300_000)):
            found = [
                line for source, line in lines[name].items() if source.startswith(text)
            ]
            assert len(found) == (text in texts)
            assert all(size <= line.allocated < size + 100 for line in found)
    assert lines["heap"]["del gone"].freed >= 300_000
    entry = lines["around"]['with profile.block("heap", heap=True):']
    assert entry.net < 20_000, "what measuring takes is on no line"


def test_code_without_blocks_open_has_no_event_of_ours(out) -> None:
    def work():
        total = 0
        for i in range(100):
            total += i
        with profile.block("quiet"):
            total += 1
        for i in range(100):
            total += i
        return total

    before = _core.work()["events"]
    work()
    assert out.getvalue()
    assert _core.work()["events"] - before < 20
