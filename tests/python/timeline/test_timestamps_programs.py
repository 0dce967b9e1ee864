"""--timestamp and profile.timestamp in programs."""

from __future__ import annotations

import re

import pytest

from conftest import Run
from func_records import spans


def levels(run: Run) -> list[tuple[str, int]]:
    return [(name, level) for name, *_, level in spans(run.out)]


def test_timestamp_prints_func_lines_instead_of_a_table(shop) -> None:
    run = shop.profile(
        """
        import time

        @profile
        def inner():
            return b"x" * (45 * 2 ** 20)

        @profile
        def outer():
            block = inner()
            block = None
            inner()

        class Loader:
            @profile
            def load(self):
                with profile.timestamp("part"):
                    outer()

        print("before")
        Loader().load()
        print("after")
    """,
        "--timestamp",
    )
    assert run.err == "" and run.code == 0
    assert run.out.startswith("before\nafter\nFUNC ") and "Line #" not in run.out
    found = spans(run.out)
    assert [(s[0], s[5]) for s in found] == [
        ("__main__.inner", 3),
        ("__main__.inner", 3),
        ("__main__.outer", 2),
        ("__main__.Loader.load", 0),
        (".part", 1),
    ]
    by_name = {s[0]: s for s in found}
    outer, load, part = (
        by_name[n] for n in ("__main__.outer", "__main__.Loader.load", ".part")
    )
    assert load[2] <= part[2] <= outer[2] <= outer[4] <= part[4] <= load[4]
    assert found[0][3] - found[0][1] == pytest.approx(45, abs=2)


def test_timestamps_can_go_to_a_file(shop) -> None:
    run = shop.profile(
        """
        @profile
        def f(): pass
        f()
    """,
        "--timestamp",
        "-o",
        "out.txt",
    )
    assert run.out == "" and run.err == ""
    assert [s[0] for s in spans((shop.path / "out.txt").read_text())] == ["__main__.f"]


@pytest.mark.parametrize(
    "label",
    [
        "two words",
        "a\nFUNC forged 1 2 3 4 5",
        "tab\there",
        "größe ✓",
        "\x1b[31mred",
        "\x9b1m",
        "nul\x00",
        "\udc80",
        "",
        " ",
        "a" * 5000,
        "\u2028\u202e",
        "\r",
        "\x7f",
        "%s",
    ],
)
def test_faults_22_a_label_is_one_word_of_one_line(shop, label) -> None:
    run = shop.profile(
        f"""
        with profile.timestamp({label!a}):
            pass
        @profile
        def f(): pass
        f()
    """,
        "--timestamp",
    )
    assert run.err == "" and run.code == 0
    assert run.out.count("\n") == 2, run.out
    first, second = spans(run.out)
    assert first[0].startswith(".") and second[0] == "__main__.f"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", run.out)
    assert ("größe" not in label) or "größe" in first[0]


def test_any_object_can_be_a_label(shop) -> None:
    run = shop.profile(
        """
        for label in (1, None, ("a", 2)):
            with profile.timestamp(label):
                pass
    """,
        "--timestamp",
    )
    assert run.err == "" and len(spans(run.out)) == 3


def test_threads_have_their_own_levels(shop) -> None:
    run = shop.profile(
        """
        import threading
        inside, go = threading.Barrier(3), threading.Event()

        @profile
        def work():
            inside.wait(20)
            with profile.timestamp("part"):
                go.wait(20)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        @profile
        def main():
            inside.wait(20)
            go.set()
            for thread in threads:
                thread.join()
        main()
    """,
        "--timestamp",
    )
    assert run.err == ""
    assert (
        sorted(levels(run))
        == [(".part", 1)] * 2 + [("__main__.main", 0)] + [("__main__.work", 0)] * 2
    )


def test_generators_and_coroutines_span_until_their_end(shop) -> None:
    run = shop.profile(
        """
        import asyncio, time

        @profile
        def numbers():
            for n in range(3):
                yield n

        @profile
        def inside(): pass

        @profile
        async def work():
            await asyncio.sleep(0.05)
            inside()

        @profile
        async def ticks():
            yield 1
            await asyncio.sleep(0.05)
            inside()

        for n in numbers():
            time.sleep(0.02)
            with profile.timestamp("between"):
                pass

        async def main():
            await asyncio.gather(work(), work())
            async for _ in ticks():
                pass
        asyncio.run(main())
        with profile.timestamp("after"):
            pass
    """,
        "--timestamp",
    )
    assert run.err == ""
    found = {}
    for name, _, begin, _, end, level in spans(run.out):
        found.setdefault(name, []).append((begin, end, level))
    ((begin, end, level),) = found["__main__.numbers"]
    assert level == 0 and end - begin >= 0.055
    assert all(begin <= b <= e <= end for b, e, _ in found[".between"])
    assert all(level == 0 for *_, level in found[".between"])  # it is suspended meanwhile
    assert len(found["__main__.work"]) == 2 and len(found["__main__.inside"]) == 3
    assert all(e - b >= 0.045 and level == 0 for b, e, level in found["__main__.work"])
    assert all(level == 1 for *_, level in found["__main__.inside"])
    ((begin, end, level),) = found["__main__.ticks"]
    assert level == 0 and end - begin >= 0.045
    assert [level for *_, level in found[".after"]] == [0]


def test_a_generator_that_is_dropped_ends_its_span(shop) -> None:
    run = shop.profile(
        """
        @profile
        def numbers():
            yield 1
            yield 2

        g = numbers()
        next(g)
        del g
        numbers()
        with profile.timestamp("after"):
            pass
    """,
        "--timestamp",
    )
    assert run.err == "" and levels(run) == [("__main__.numbers", 0), (".after", 0)]


def test_a_daemon_thread_that_still_runs_at_exit_loses_only_its_own_record(shop) -> None:
    run = shop.profile(
        """
        import threading, time
        inside = threading.Event()

        @profile
        def forever():
            inside.set()
            time.sleep(3600)

        @profile
        def done():
            pass

        threading.Thread(target=forever, daemon=True).start()
        inside.wait(20)
        done()
    """,
        "--timestamp",
    )
    assert run.err == "" and run.code == 0
    assert ("__main__.done", 0) in levels(run)


def test_an_exception_that_ends_the_program_keeps_the_records(shop) -> None:
    run = shop.profile(
        """
        @profile
        def fails():
            raise LookupError("mine")
        fails()
    """,
        "--timestamp",
    )
    assert run.code == 1 and "LookupError: mine" in run.err
    assert levels(run) == [("__main__.fails", 0)]


@pytest.mark.parametrize(
    "words", [(), ("-m", "memory_profiler"), ("-m", "memory_profiler", "--timestamp")]
)
@pytest.mark.parametrize("imported", [True, False])
def test_profile_timestamp_works_in_every_mode(shop, words, imported) -> None:
    if not words and not imported:
        pytest.skip("nothing puts profile into builtins")
    shop.write(
        "script.py",
        f"""
        {"from memory_profiler import profile" if imported else ""}
        @profile
        def f():
            with profile.timestamp("two words"):
                return 1
        with profile.timestamp():
            print("value", f())
        try:
            with profile.timestamp("fails"):
                raise LookupError
        except LookupError:
            print("passed on")
    """,
    )
    run = shop.python(*words, "script.py")
    assert run.err == "" and run.code == 0
    assert "value 1\n" in run.out and "passed on\n" in run.out
    if "--timestamp" in words:
        names = [s[0] for s in spans(run.out)]
        assert len(names) == 4 and ".<block>" in names and ".fails" in names
    else:
        assert "FUNC" not in run.out


def test_the_options_of_a_decorator_are_accepted(shop) -> None:
    run = shop.profile(
        """
        import sys
        @profile(precision=4)
        def f(): pass
        @profile(stream=sys.stderr, backend="psutil")
        def g(): pass
        @profile()
        def h(): pass
        f(), g(), h()
    """,
        "--timestamp",
    )
    assert run.err == "" and [s[0][9:] for s in spans(run.out)] == ["f", "g", "h"]


def test_include_children_adds_a_childs_memory(shop) -> None:
    run = shop.profile(
        """
        import subprocess, sys
        child = subprocess.Popen(
            [sys.executable, "-c", "b = b'x' * (100 * 2**20); print(1, flush=True); input()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()

        @profile
        def f(): pass
        f()
        with profile.timestamp("block"):
            pass
        child.communicate(b"\\n")
    """,
        "--timestamp",
        "--include-children",
    )
    assert run.err == ""
    assert all(100 < s[1] < 180 and 100 < s[3] < 180 for s in spans(run.out)), run.out


def test_the_classic_can_read_what_is_written(shop, classic) -> None:
    shop.profile(
        """
        with profile.timestamp("two words"):
            pass
        @profile
        def f(): pass
        f()
    """,
        "--timestamp",
        "-o",
        "out.dat",
    )
    read = shop.python(
        "-c",
        "import mprof; d = mprof.read_mprofile_file('out.dat');"
        "print(sorted(d['func_timestamp']))",
        python=classic,
    )
    assert read.code == 0 and "__main__.f" in read.out and "two" in read.out, read.err
