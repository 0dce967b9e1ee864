"""Children of a program under `mprof heap`: each records its own heap, however it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heap_captures import Capture
from heap_family import SIZE, children, heap, kept
from heap_recordings import report
from recordings import Recorder


def test_a_forked_child_has_its_own_file_and_what_it_allocated(here: Recorder) -> None:
    out = heap(
        here,
        f"""
        import os
        mine = bytes({SIZE})
        child = os.fork()
        if not child:
            its = bytes(2 * {SIZE})
            os._exit(0)
        os.waitpid(child, 0)
        print(child)
        """,
    )
    (file,) = children(here)
    assert file.name == f"a.mprof.{out.strip()}"
    assert file.stat().st_mode & 0o777 == 0o600
    own = Capture(file)
    assert own.clean and 2 * SIZE <= own.peak < 3 * SIZE
    assert file.stat().st_blocks * 512 < 128 << 10  # what it does not use it gave back
    assert SIZE <= Capture(here.path / "a.mprof").peak
    assert kept(report(here)) == {
        3: pytest.approx(SIZE, abs=100),
        6: pytest.approx(2 * SIZE, abs=100),
    }
    assert list(kept(report(here, "--no-children", "a.mprof"))) == [3]
    assert list(kept(report(here, file.name))) == [6]


POOL = f"""
import multiprocessing, sys

def work(number):
    global its
    its = bytes({SIZE})
    return 1

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2, maxtasksperchild=1) as pool:
        done = sum(pool.map(work, range(int(sys.argv[2])), chunksize=1))
        pool.close()
        pool.join()
    print(done)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_faults_40_a_pool_of_each_start_method_is_followed(
    here: Recorder, method: str
) -> None:
    here.write("pool.py", POOL)
    done = here.mprof("heap", "-o", "a.mprof", "pool.py", method, "4")
    assert (done.code, done.out) == (0, "4\n"), done.err
    got = report(here)
    (bytes_,) = kept(got, "pool.py").values()
    assert bytes_ == pytest.approx(4 * SIZE, abs=1000)
    assert got["unrecorded"] == 0
    pids = {process["pid"] for process in got["processes"]}
    assert len(pids) == len(children(here)) + 1
    assert all(process["parent"] in pids | {0} for process in got["processes"])


MANAGED = f"""
import multiprocessing

class Store:
    def load(self):
        self.its = bytes({SIZE})

if __name__ == "__main__":
    from multiprocessing.managers import BaseManager
    BaseManager.register("Store", Store)
    manager = BaseManager(ctx=multiprocessing.get_context("spawn"))
    manager.start()
    manager.Store().load()
    manager.shutdown()
"""


@pytest.mark.one_version
def test_the_process_of_a_manager_is_followed(here: Recorder) -> None:
    here.write("managed.py", MANAGED)
    done = here.mprof("heap", "-o", "a.mprof", "managed.py")
    assert done.code == 0, done.err
    assert kept(report(here), "managed.py") == {6: pytest.approx(SIZE, abs=100)}
    assert not kept(report(here, "--no-children", "a.mprof"), "managed.py")


def test_faults_40_two_hundred_short_children_are_counted_right(here: Recorder) -> None:
    source = POOL.replace(
        "its = bytes",
        "import os; fds.append(len(os.listdir('/proc/self/fd'))); its = bytes",
    )
    source = source.replace("return 1", "return fds").replace(
        "def work", "fds = []\ndef work"
    )
    source = source.replace("sum(pool.map(", "(pool.map(").replace(
        "print(done)", "print(max(map(max, done)))"
    )
    here.write("pool.py", source)
    plain = subprocess.run(
        [sys.executable, "pool.py", "fork", "10"],
        cwd=here.path,
        capture_output=True,
        check=True,
    )
    done = here.mprof("heap", "-o", "a.mprof", "pool.py", "fork", "200")
    assert done.code == 0, done.err
    assert int(done.out) <= int(plain.stdout) + 4
    got = report(here)
    assert sum(kept(got, "pool.py").values()) == pytest.approx(200 * SIZE, abs=20000)
    assert len(got["processes"]) >= 201 and got["unrecorded"] == 0


@pytest.mark.parametrize("options", ["", "-I", "-E", "-O -X dev"])
def test_a_python_started_as_a_subprocess_is_followed(here: Recorder, options: str) -> None:
    here.write("sub.py", f"its = bytes({SIZE})\n")
    heap(
        here,
        f"""
        import subprocess, sys
        subprocess.run([sys.executable, *{options.split()}, "sub.py"], check=True)
        subprocess.run(["true"], check=True)
        """,
    )
    assert list(kept(report(here), "sub.py")) == [1]
    assert len(children(here)) == 1


def test_without_site_a_subprocess_is_not_followed_and_runs(here: Recorder) -> None:
    out = heap(
        here,
        """
        import subprocess, sys
        subprocess.run([sys.executable, "-S", "-c", "print(1)"], check=True)
        """,
    )
    assert out == "1\n" and not children(here)


def test_without_site_spawned_children_are_told_by_multiprocessing(here: Recorder) -> None:
    import memory_profiler

    here.write("pool.py", POOL)
    done = here.mprof(
        "heap", "-o", "a.mprof", sys.executable, "-S", "pool.py", "spawn", "2",
        env={"PYTHONPATH": str(Path(memory_profiler.__file__).parents[1])},
    )  # fmt: skip
    assert done.out == "2\n", done.err
    assert sum(kept(report(here), "pool.py").values()) == pytest.approx(2 * SIZE, abs=1000)


def test_a_subprocess_with_a_preexec_fn_has_one_file(here: Recorder) -> None:
    here.write("sub.py", f"its = bytes({SIZE})\n")
    heap(
        here,
        """
        import os, subprocess, sys
        subprocess.run([sys.executable, "sub.py"], preexec_fn=os.getpid, check=True)
        subprocess.run(["true"], preexec_fn=os.getpid, check=True)
        """,
    )
    assert len(children(here)) == 1
    assert list(kept(report(here), "sub.py")) == [1]


def test_a_child_that_becomes_another_python_has_a_second_file(here: Recorder) -> None:
    here.write("sub.py", f"its = bytes({SIZE})\n")
    heap(
        here,
        f"""
        import os, sys
        child = os.fork()
        if not child:
            before = bytes({SIZE})
            os.execv(sys.executable, [sys.executable, "sub.py"])
        os.waitpid(child, 0)
        """,
    )
    first, second = children(here)
    assert second.name == first.name + "-1"
    got = report(here)
    assert list(kept(got)) == [5] and list(kept(got, "sub.py")) == [1]


def test_grandchildren_are_followed_through_any_mixture(here: Recorder) -> None:
    here.write(
        "sub.py",
        f"""if True:
        import os, sys, subprocess
        its = bytes({SIZE})
        left = int(sys.argv[1])
        if left:
            child = os.fork()
            if not child:
                subprocess.run([sys.executable, __file__, str(left - 1)], check=True)
                sys.exit()
            os.waitpid(child, 0)
        """,
    )
    heap(
        here,
        """
        import subprocess, sys
        subprocess.run([sys.executable, "sub.py", "2"], check=True)
        """,
    )
    got = report(here)
    assert sum(kept(got, "sub.py").values()) == pytest.approx(3 * SIZE, abs=5000)
    assert len(got["processes"]) == 6 and got["incomplete"] is None


def test_faults_1_a_killed_child_leaves_what_it_had(here: Recorder) -> None:
    heap(
        here,
        f"""
        import os, signal
        child = os.fork()
        if not child:
            its = bytes({SIZE})
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        """,
    )
    got = report(here)
    assert list(kept(got)) == [5]
    assert got["incomplete"].startswith("1 of 2 processes was killed, or replaced (exec)")
    assert Capture(here.path / "a.mprof").clean


def test_no_follow_leaves_the_children_alone_and_says_so(here: Recorder) -> None:
    here.write(
        "work.py",
        """if True:
        import os, subprocess, sys
        if not os.fork():
            os._exit(0)
        os.wait()
        subprocess.run([sys.executable, "-c", "import os; print(os.environ.get('MPROF_HEAP'))"])
        """,
    )
    done = here.mprof("heap", "--no-follow", "-o", "a.mprof", "work.py")
    assert done.out == "off\n" and not children(here)
    assert "the heap of 1 forked child was not recorded" in done.err


def test_faults_72_children_of_exit_functions_are_followed(here: Recorder) -> None:
    heap(
        here,
        """
        import atexit, subprocess, sys
        atexit.register(subprocess.run, [sys.executable, "-c", "kept = bytes(1 << 20)"])
        """,
    )
    assert len(children(here)) == 1


def test_faults_41_a_followed_program_that_forks_is_warned_of_nothing(
    here: Recorder,
) -> None:
    """Python warns where a process with threads forks: we have none."""
    out = heap(
        here,
        """
        import os, warnings
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for _ in range(3):
                if not os.fork():
                    os._exit(0)
                os.wait()
        print([str(warning.message) for warning in told], len(os.listdir("/proc/self/task")))
        """,
    )
    assert out == "[] 1\n"


def test_children_of_a_program_that_tracks_itself_are_not_followed(here: Recorder) -> None:
    here.write(
        "own.py",
        """if True:
        import os
        from memory_profiler import heap
        with heap.track("a.mprof"):
            child = os.fork()
            if not child:
                os._exit("MPROF_HEAP" in os.environ)
            print(os.waitpid(child, 0)[1])
        """,
    )
    done = subprocess.run(
        [sys.executable, "own.py"], cwd=here.path, capture_output=True, text=True
    )
    assert done.stdout == "0\n" and not children(here)


def test_a_child_whose_run_is_gone_runs_as_it_would(here: Recorder, tmp_path: Path) -> None:
    for notice in (
        "1:1f:/nowhere/a.mprof",
        f"1:1f:{__file__}",
        "1:zz:/a",
        "2:1:/a",
        "x",
        "",
    ):
        done = subprocess.run(
            [sys.executable, "-c", "print('ran')"], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "MPROF_HEAP": notice},
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("ran\n", "")
    assert not list(tmp_path.iterdir())


def test_a_sub_interpreter_of_a_followed_process_starts_without_a_word(
    here: Recorder,
) -> None:
    xx = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    heap(
        here,
        f"import {xx} as sub\nmade = sub.create()\nsub.run_string(made, 'import json')\nsub.destroy(made)\n",
    )


def test_beyond_512_children_are_counted_and_told(here: Recorder) -> None:
    here.write(
        "work.py",
        """if True:
        import os
        for _ in range(515):
            if not os.fork():
                os._exit(0)
            os.wait()
        """,
    )
    done = here.mprof("heap", "-o", "a.mprof", "work.py")
    assert "the heap of 3 of 515 children was not recorded: a run keeps 512" in done.err
    got = report(here)
    assert len(got["processes"]) == 513 and got["unrecorded"] == 3
    assert "3 that were not recorded" in here.mprof("report", "a.mprof").out


def test_faults_39_a_hundred_forks_among_threads_that_allocate(here: Recorder) -> None:
    heap(
        here,
        f"""
        import os, threading, warnings
        warnings.simplefilter("ignore")
        over = False

        def churn():
            kept = []
            while not over:
                kept = [bytearray(100 * i) for i in range(50)]

        threads = [threading.Thread(target=churn) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            child = os.fork()
            if not child:
                its = bytes({SIZE})
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        over = True
        """,
    )
    got = report(here)
    assert got["incomplete"] is None and len(got["processes"]) == 101
    (line,) = [at for at, size in kept(got).items() if size > SIZE * 50]
    assert kept(got)[line] == pytest.approx(100 * SIZE, abs=20000)
    for capture in [here.path / "a.mprof", *children(here)]:
        own = Capture(capture)
        assert own.live == sum(node.live for node in own.nodes)
