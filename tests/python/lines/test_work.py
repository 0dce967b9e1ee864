"""How much work measuring takes: readings, callbacks and system calls, never time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from conftest import Workshop

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12"
)

LOOP = """
    import json, resource, sys, time
    from memory_profiler import _core

    @profile
    def loop(n):
        total = 0
        for i in range(n):
            total += i
            total ^= 3
        return total

    def faults():
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_minflt + usage.ru_majflt

    def measure(n):
        before, faulted, began = _core.work(), faults(), time.perf_counter()
        loop(n)
        after = _core.work()
        return {
            "reads": after["reads"] - before["reads"],
            "events": after["events"] - before["events"],
            "faults": faults() - faulted,
            "microseconds": (time.perf_counter() - began) * 1e6,
        }

    loop(100)
    print(json.dumps(measure(100_000)), file=sys.stderr)
"""


def measured(shop: Workshop, source: str = LOOP) -> dict:
    run = shop.profile(source)
    assert run.code == 0, run.err
    return json.loads(run.err)


def test_callbacks_are_one_for_each_line_that_runs(shop: Workshop, gate: str) -> None:
    """3 lines a round (head and two of the body), 2 more, and the ends of the activation."""
    assert measured(shop)["events"] == 3 * 100_000 + 4


def test_readings_are_bounded_by_faults_and_elapsed_patience(
    shop: Workshop, gate: str
) -> None:
    got = measured(shop)
    if gate == "none":
        assert got["reads"] == got["events"]
        return
    patience = {"ring": 2, "rusage": 10}[gate]
    assert 1 <= got["reads"] <= got["faults"] + got["microseconds"] / patience + 2


def test_a_tight_loop_reads_at_few_of_its_lines(shop: Workshop) -> None:
    """The bound on time above says little on a slow machine; this holds on every one."""
    got = measured(shop)
    assert got["reads"] < got["events"] / 3


def test_a_reading_is_one_system_call_and_a_closed_gate_none(
    shop: Workshop, gate: str
) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    shop.write("script.py", LOOP)
    words = [
        "strace",
        "-f",
        "-c",
        "-o",
        "calls.txt",
        sys.executable,
        "-m",
        "memory_profiler",
        "script.py",
    ]
    done = subprocess.run(words, cwd=shop.path, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"strace cannot trace here: {done.stderr.splitlines()[-1:]}")
    got = json.loads(done.stderr)
    calls = {}
    for line in (shop.path / "calls.txt").read_text().split("\n"):
        match = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
        if match and match[2] != "total":
            calls[match[2]] = int(match[1])
    assert got["reads"] <= calls.get("pread64", 0) <= got["reads"] + 500
    if gate == "rusage":
        assert calls["getrusage"] >= got["events"]
    else:
        assert calls.get("getrusage", 0) <= 100, (
            "the two of the script and what start-up takes"
        )
    rest = sum(calls.values()) - calls.get("pread64", 0) - calls.get("getrusage", 0)
    assert rest < 4000, calls


def test_memory_that_grows_is_read_when_it_grows(shop: Workshop) -> None:
    """Each round touches new pages: a reading for each, none for the lines between."""
    got = measured(
        shop,
        LOOP.replace("total = 0", "total, kept = 0, []").replace(
            "total ^= 3", "kept.append(bytearray(300_000)) if i % 1000 == 0 else 0"
        ),
    )
    assert got["reads"] >= 100


@needs_monitoring
def test_code_that_is_not_decorated_gets_no_events(shop: Workshop) -> None:
    run = shop.profile("""
        import sys
        from memory_profiler import _core
        monitoring = sys.monitoring

        def plain(n):
            return n if n < 2 else plain(n - 1) + plain(n - 2)

        @profile
        def decorated():
            return plain(15)

        decorated()
        tool = next(i for i in range(6) if monitoring.get_tool(i) == "memory_profiler")
        assert tool in (3, 4)
        assert monitoring.get_local_events(tool, plain.__code__) == 0
        assert monitoring.get_local_events(tool, decorated.__wrapped__.__code__) != 0
        events = monitoring.events
        assert monitoring.get_events(tool) & ~(events.PY_THROW | events.PY_UNWIND) == 0
        before = _core.work()["events"]
        decorated()
        assert _core.work()["events"] - before <= 3
        assert sys.gettrace() is None and sys.getprofile() is None
    """)
    assert (run.code, run.err) == (0, "")


@needs_monitoring
def test_a_function_that_is_forgotten_is_not_instrumented_any_more(shop: Workshop) -> None:
    run = shop.python(
        "-c",
        """if 1:
        import gc, sys
        import memory_profiler
        profiler = memory_profiler.LineProfiler()
        def work():
            return 1
        profiler(work)()
        tool = next(i for i in range(6) if sys.monitoring.get_tool(i) == "memory_profiler")
        assert sys.monitoring.get_local_events(tool, work.__code__)
        del profiler
        gc.collect()
        assert sys.monitoring.get_local_events(tool, work.__code__) == 0
    """,
    )
    assert (run.code, run.err) == (0, "")


def test_importing_is_light(shop: Workshop) -> None:
    run = shop.python(
        "-c",
        """if 1:
        import sys
        def rss():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096
        before, known = rss(), set(sys.modules)
        import memory_profiler
        grown = rss() - before
        new = set(sys.modules) - known
        heavy = {"IPython", "multiprocessing", "psutil", "argparse", "inspect", "threading",
                 "subprocess", "tempfile", "logging", "asyncio", "linecache", "typing", "re", "enum"}
        assert not new & heavy, new & heavy
        assert grown <= 2 * 2 ** 20, grown
        assert len(new) <= 8, sorted(new)
    """,
    )
    assert (run.code, run.err) == (0, "")


def test_descriptors_are_few_and_closed_on_exec(shop: Workshop) -> None:
    run = shop.profile("""
        import os, subprocess, threading

        @profile
        def work():
            return 1

        def listed():
            return {int(fd) for fd in os.listdir("/proc/self/fd")}

        work()
        for i in range(20):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        ours = {fd for fd in listed() if fd > 2}
        ours = {fd for fd in ours if os.path.exists(f"/proc/self/fd/{fd}")}
        assert len(ours) <= 1 and min(ours) >= 200, ours
        out = subprocess.run(["ls", "/proc/self/fd"], close_fds=False, capture_output=True, text=True)
        assert set(map(int, out.stdout.split())) <= {0, 1, 2, 3}, out.stdout
    """)
    assert (run.code, run.err) == (0, "")


def test_threads_that_end_leave_no_ring_mapped(shop: Workshop) -> None:
    run = shop.profile("""
        import threading, time

        @profile
        def work():
            return 1

        def rings():
            with open("/proc/self/maps") as file:
                return sum("perf_event" in line for line in file)

        work()
        for i in range(50):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        until = time.monotonic() + 30  # what join() waits for is before the thread's end
        while rings() > 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert rings() <= 2, rings()
    """)
    assert (run.code, run.err) == (0, "")


@pytest.mark.skipif(
    sys.version_info < (3, 15), reason="PY_UNWIND is of all code before 3.15"
)
def test_where_unwinding_is_local_no_event_is_of_all_code(shop: Workshop) -> None:
    run = shop.profile("""
        import sys

        def fail():
            raise ValueError

        @profile
        def decorated():
            try:
                fail()
            except ValueError:
                return sys.monitoring

        monitoring = decorated()
        tool = next(i for i in range(6) if monitoring.get_tool(i) == "memory_profiler")
        assert monitoring.get_events(tool) == 0
        unwind = monitoring.events.PY_UNWIND
        assert monitoring.get_local_events(tool, fail.__code__) == 0
        assert monitoring.get_local_events(tool, decorated.__wrapped__.__code__) & unwind
    """)
    assert (run.code, run.err) == (0, "")
    assert run.table("decorated").line("return sys.monitoring").occurrences == 1
