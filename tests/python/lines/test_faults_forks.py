"""Forks of profiled programs: faults 39 to 41."""

from __future__ import annotations

import pytest

from conftest import Workshop
from programs import FORKS


@pytest.mark.filterwarnings("ignore")
def test_faults_39_forks_while_threads_run_decorated_functions(
    shop: Workshop, gate: str
) -> None:
    run = shop.profile(
        FORKS.replace("SECONDS", "0"), timeout=60, env={"PYTHONWARNINGS": "ignore"}
    )
    assert run.code == 0, run.err
    table = run.table("def work")
    head, body = table.line("kept = []"), table.line("kept.append")
    assert head.occurrences > 4 and body.occurrences == (
        50 * (head.occurrences - 100) + 20 * 100  # those of the hundred children
    )


def test_faults_39_a_forked_child_reads_its_own_memory(
    shop: Workshop, gate: str, tolerance
) -> None:
    run = shop.profile("""
        import os

        @profile
        def warm():
            return 1

        def child():
            @profile
            def work():
                block = b"x" * (60 * 2 ** 20)
                return len(block)
            work()
            line = next(l for l in profile.results["work"].lines.values() if "60" in l.source)
            return round(line.increment / 2 ** 20)

        warm()
        pid = os.fork()
        if not pid:
            os._exit(child())
        assert abs(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) - 60) <= 1
    """)
    assert (run.code, run.err) == (0, "")


def test_faults_39_a_fork_inside_a_profiled_function_counts_in_both(
    shop: Workshop, gate: str
) -> None:
    run = shop.profile("""
        import os

        @profile
        def work():
            pid = os.fork()
            if pid:
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            x = 1
            return x + 2

        code = work()
        if code == 3:
            rows = {l.source.strip(): l for l in profile.results["work"].lines.values()}
            os._exit(5 + rows["x = 1"].occurrences + rows["return x + 2"].occurrences)
        assert code == 7, code
    """)
    assert (run.code, run.err) == (0, "")
    table = run.table("def work")
    assert table.line("x = 1").occurrences == 1  # the child's
    assert table.line("waitpid").occurrences == 1


def test_faults_39_double_forked_daemons_and_execs_live(shop: Workshop) -> None:
    run = shop.profile("""
        import os, subprocess, sys, time

        @profile
        def work():
            return 1

        work()
        r, w = os.pipe()
        if not os.fork():
            os.setsid()
            if not os.fork():
                os.close(r)
                os.write(w, str(work() + work()).encode())
                os._exit(0)
            os._exit(0)
        os.close(w)
        os.wait()
        assert os.read(r, 10) == b"2"
        pid = os.fork()
        if not pid:
            work()
            os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(6)"])
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "raise SystemExit(4)"], os.environ)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
    """)
    assert (run.code, run.err) == (0, "")
    assert run.table("def work").line("return 1").occurrences == 4


def test_faults_40_a_thousand_tasks_in_short_lived_forked_children(shop: Workshop) -> None:
    run = shop.profile(
        """
        import multiprocessing, os

        @profile
        def work(x):
            y = [x] * 100
            return len(y) + len(os.listdir("/proc/self/fd"))

        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(4, maxtasksperchild=5) as pool:
                counts = pool.map(work, range(1000), chunksize=1)
            assert len(counts) == 1000 and max(counts) < 130, max(counts)
            work(1)
            print(len(os.listdir("/proc/self/fd")))
    """,
        timeout=90,
    )
    assert (run.code, run.err) == (0, "")
    assert int(run.out.split("\n")[0]) < 25
    assert run.table("def work").line("y = [x]").occurrences == 1001


def test_faults_41_no_new_warning_when_a_profiled_program_forks(shop: Workshop) -> None:
    source = """
        import os, warnings

        def work():
            return 1

        work = profile(work)
        work()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
        print([str(w.message) for w in caught])
    """
    run = shop.profile(source, "-o", "report.txt")
    assert run.out == "[]\n"
