"""The heap columns through every door: options, decorators, reports, trackers beside them."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from heap_shop import BASIC, HeapShop, check_basic, load_blocks
from memory_profiler import LineProfiler, heap


@pytest.fixture
def shop(tmp_path: Path, blocks_at: Path) -> HeapShop:
    return HeapShop(tmp_path, blocks_at)


def test_the_text_has_four_more_columns_and_each_title_ends_where_its_figures_end(
    shop: HeapShop,
) -> None:
    source = "from blocks import malloc, realloc, free\n" + BASIC
    for words, more in (((), 4), (("--peak",), 5)):
        run = shop.start(source, *words)
        title, empty, header, rule, *rows = run.out.split("\n")
        assert (title, empty) == ("Filename: script.py", "")
        titles = ["Mem usage", "Increment", *["Peak"] * (more == 5)]
        titles += ["Allocated", "Freed", "Net", "Heap peak"]
        assert (
            header.split() == f"Line # {' '.join(titles)} Occurrences Line Contents".split()
        )
        assert rule == "=" * (61 + 13 * more)
        ends = [header.index(f" {name}  ") + 1 + len(name) for name in titles[:-1]]
        ends.append(header.index("Heap peak") + len("Heap peak"))
        ran = [row for row in rows if row[6:30].strip()]
        assert len(ran) == 11
        assert all(row[end - 1] == "B" and row[end] == " " for row in ran for end in ends)
        idle = [row for row in rows if row.startswith("     ") and row not in ran]
        assert [row[6 : 47 + 13 * more].strip() for row in idle] == [""]
        assert [row[47 + 13 * more :] for row in idle] == ["def work():"]
    (row,) = [row for row in ran if "malloc(1, 1, 70000)" in row]
    assert row.split("MiB")[-1].split()[:8] == [
        "68.359", "KiB", "0", "B", "68.359", "KiB", "68.359", "KiB",
    ]  # fmt: skip


def test_without_the_option_nothing_is_counted_and_nothing_is_said(shop: HeapShop) -> None:
    source = "@profile\ndef work():\n    return 1\nwork()\n"
    assert "Allocated" not in shop.profile(source).out
    document = json.loads(shop.profile(source, "--json").out)
    names = ("allocated", "freed", "net", "heap_peak")
    rows = [row for function in document["functions"] for row in function["lines"]]
    assert [row[name] for row in rows for name in names] == [None] * 4 * len(rows)


def test_precision_holds_for_the_columns(shop: HeapShop) -> None:
    source = "from blocks import malloc, realloc, free\n" + BASIC
    out = shop.start(source, "--precision", "1").out
    assert " 68.4 KiB " in out and "68.35" not in out
    assert " 1000   B " in out


def test_the_page_has_the_columns_when_they_were_counted(shop: HeapShop) -> None:
    source = "from blocks import malloc, realloc, free\n" + BASIC
    page = shop.path / "page.html"
    shop.start(source, "--html", "page.html")
    text = page.read_text()
    for name in ("Allocated", "Freed", "Net", "Heap peak"):
        assert f">{name}</th>" in text
    assert "<td>68.359 KiB<" in text and '<td colspan="7"></td>' in text
    assert shop.profile("@profile\ndef f(): 1\nf()\n", "--html", "page.html").code == 0
    assert ">Allocated</th>" not in page.read_text()


def test_the_imported_decorator_counts_and_its_reports_are_on_no_line(
    shop: HeapShop,
) -> None:
    shop.write(
        "script.py",
        """
        from memory_profiler import profile
        from blocks import malloc, free

        @profile(heap=True)
        def inner():
            malloc(0, 0, 1000); free(0, 0)
            malloc(0, 0, 50)

        @profile(heap=True)
        def outer():
            inner()
            free(0, 0)

        outer()
        outer()
        inner, outer = profile.results["inner"].lines, profile.results["outer"].lines
        for line in (*inner.values(), *outer.values()):
            if line.memory and "@" not in line.source:
                print(">", line.allocated, line.freed, line.net, line.heap_peak)
    """,
    )
    run = shop.python("script.py", env=shop.env)
    assert (run.code, run.err) == (0, "") and run.out.count("Heap peak") == 4
    said = [
        tuple(map(int, row[1:].split())) for row in run.out.split("\n") if row[:1] == ">"
    ]
    assert said[0] == (1000, 1000, 0, 1000)
    assert said[1] == (50, 0, 50, 50)
    allocated, freed, net, peak = said[2]
    assert net == 50 and peak == 1000 + allocated - 1050
    assert allocated - 1050 == freed - 1000 < 200, "the wrapper's own objects"
    assert said[3] == (0, 50, -50, 0)


def test_a_line_profiler_counts_for_programs(blocks_at: Path) -> None:
    blocks = load_blocks(blocks_at)
    prof = LineProfiler(heap=True)

    @prof
    def work() -> None:
        blocks.malloc(0, 0, 1234)
        blocks.free(0, 0)

    work()
    first, last = [line for line in prof.results["work"].lines.values() if line.memory][-2:]
    assert (first.allocated, first.freed, first.net, first.heap_peak) == (
        1234,
        0,
        1234,
        1234,
    )
    assert (last.allocated, last.freed, last.net, last.heap_peak) == (0, 1234, -1234, 0)
    assert prof.results["work"].to_dict()["lines"][-1]["net"] == -1234
    plain = LineProfiler()
    plain(sorted_once)()
    (line,) = [line for line in plain.results["sorted_once"].lines.values() if line.memory]
    assert (line.allocated, line.freed, line.net, line.heap_peak) == (None,) * 4


def sorted_once() -> None: sorted([])  # fmt: skip  # noqa: E704


def test_a_tracker_of_the_program_works_beside_and_takes_turns(blocks_at: Path) -> None:
    """One capture at a time: the columns use the tracker's while it runs."""
    blocks = load_blocks(blocks_at)
    prof = LineProfiler(heap=True)
    trackers = []

    @prof
    def work() -> None:
        blocks.malloc(0, 0, 100)
        trackers[-1].start()
        blocks.malloc(0, 1, 7000)
        blocks.free(0, 1)
        trackers[-1].stop()
        blocks.malloc(0, 2, 300)
        blocks.free(0, 2)

    for _ in range(2):
        trackers.append(heap.track())
        work()
        blocks.free(0, 0)
    by_source = {line.source.strip(): line for line in prof.results["work"].lines.values()}
    assert by_source["blocks.malloc(0, 1, 7000)"].allocated == 2 * 7000
    assert by_source["blocks.free(0, 1)"].freed == 2 * 7000
    assert by_source["blocks.malloc(0, 2, 300)"].allocated == 2 * 300
    assert by_source["blocks.free(0, 2)"].freed == 2 * 300
    # the peak is of all threads, and pytest's workers have one of their own
    assert all(7000 <= tracker.peak < 70_000 for tracker in trackers)
    with heap.track() as outer:
        work_in = LineProfiler(heap=True)(sorted_once)
        work_in()
        with heap.track() as inner:
            kept = bytes(5000)
        assert outer.live >= inner.live >= len(kept)


def test_nothing_is_followed_any_more_when_nobody_wants_the_columns() -> None:
    prof = LineProfiler(heap=True)
    prof(sorted_once)()
    del prof
    gc.collect()
    with heap.track() as tracker:
        kept = bytes(5000)
    assert tracker.live >= 5000 and kept


def test_a_forked_child_counts_anew(shop: HeapShop) -> None:
    shop.write(
        "script.py",
        """
        import os
        from memory_profiler import profile
        from blocks import malloc, free

        @profile(heap=True, stream=open(os.devnull, "w"))
        def work():
            malloc(0, 0, 1000)
            free(0, 0)

        work()
        child = os.fork()
        work()
        lines = [line for line in profile.results["work"].lines.values() if line.memory]
        if child:
            os.waitpid(child, 0)
        print(*((line.allocated, line.freed) for line in lines[1:]), flush=True)
    """,
    )
    run = shop.python("script.py", env=shop.env)
    assert run.out == "(1000, 0) (0, 1000)\n" * 2 and run.err == ""


def test_tracemalloc_and_the_columns_refuse_each_other(shop: HeapShop) -> None:
    run = shop.profile("print('ran')", "--heap", "--backend", "tracemalloc")
    assert (run.code, run.out, len(run.err.splitlines())) == (2, "", 1)
    assert "--heap" in run.err and "tracemalloc" in run.err
    with pytest.raises(ValueError, match="tracemalloc"):
        LineProfiler(backend="tracemalloc", heap=True)


def test_a_backend_beside_keeps_the_columns_exact(shop: HeapShop) -> None:
    check_basic(shop.measure(BASIC, "--backend", "psutil_uss")["work"])
    check_basic(shop.measure(BASIC, "--include-children")["work"])
