"""Children of a program under `mprof heap`: each records its own heap, and reports have them all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from heap_captures import Capture
from recordings import Recorder

SIZE = 300_000  # of the blocks that the programs keep; start-up has less at its peak


@pytest.fixture
def run(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


def heap(run: Recorder, source: str, *words: str, **more: object) -> str:
    """Runs the source under mprof heap into a.mprof; returns what it printed."""
    run.write("work.py", textwrap.dedent(source))
    done = run.mprof("heap", *words, "-o", "a.mprof", "work.py", **more)
    assert done.code == 0, done.err
    assert all(line.startswith("mprof: ") for line in done.err.splitlines()), done.err
    return done.out


def report(run: Recorder, *words: str) -> dict:
    done = run.mprof("report", "--json", *(words or ["a.mprof"]))
    assert done.code == 0, done.err
    return json.loads(done.out)


def children(run: Recorder) -> list[Path]:
    return sorted(run.path.glob("a.mprof.*"))


def kept(got: dict, file: str = "work.py") -> dict[int, int]:
    """Bytes at the peak, by line, of the lines that kept whole blocks of ours."""
    return {
        line["line"]: line["at_peak"]
        for line in got["lines"]
        if line["file"].endswith(file) and line["at_peak"] >= SIZE
    }


def test_a_forked_child_has_its_own_file_and_what_it_allocated(run: Recorder) -> None:
    out = heap(
        run,
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
    (file,) = children(run)
    assert file.name == f"a.mprof.{out.strip()}"
    assert file.stat().st_mode & 0o777 == 0o600
    own = Capture(file)
    assert own.clean and 2 * SIZE <= own.peak < 3 * SIZE
    assert file.stat().st_blocks * 512 < 128 << 10  # what it does not use it gave back
    assert SIZE <= Capture(run.path / "a.mprof").peak
    assert kept(report(run)) == {
        3: pytest.approx(SIZE, abs=100),
        6: pytest.approx(2 * SIZE, abs=100),
    }
    assert list(kept(report(run, "--no-children", "a.mprof"))) == [3]
    assert list(kept(report(run, file.name))) == [6]


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
    run: Recorder, method: str
) -> None:
    run.write("pool.py", POOL)
    done = run.mprof("heap", "-o", "a.mprof", "pool.py", method, "4")
    assert (done.code, done.out) == (0, "4\n"), done.err
    got = report(run)
    (bytes_,) = kept(got, "pool.py").values()
    assert bytes_ == pytest.approx(4 * SIZE, abs=1000)
    assert got["unrecorded"] == 0
    pids = {process["pid"] for process in got["processes"]}
    assert len(pids) == len(children(run)) + 1
    assert all(process["parent"] in pids | {0} for process in got["processes"])


def test_faults_40_two_hundred_short_children_are_counted_right(run: Recorder) -> None:
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
    run.write("pool.py", source)
    plain = subprocess.run(
        [sys.executable, "pool.py", "fork", "10"],
        cwd=run.path,
        capture_output=True,
        check=True,
    )
    done = run.mprof("heap", "-o", "a.mprof", "pool.py", "fork", "200")
    assert done.code == 0, done.err
    assert int(done.out) <= int(plain.stdout) + 4
    got = report(run)
    assert sum(kept(got, "pool.py").values()) == pytest.approx(200 * SIZE, abs=20000)
    assert len(got["processes"]) >= 201 and got["unrecorded"] == 0


@pytest.mark.parametrize("options", ["", "-I", "-E", "-O -X dev"])
def test_a_python_started_as_a_subprocess_is_followed(run: Recorder, options: str) -> None:
    run.write("sub.py", f"its = bytes({SIZE})\n")
    heap(
        run,
        f"""
        import subprocess, sys
        subprocess.run([sys.executable, *{options.split()}, "sub.py"], check=True)
        subprocess.run(["true"], check=True)
        """,
    )
    assert list(kept(report(run), "sub.py")) == [1]
    assert len(children(run)) == 1


def test_without_site_a_subprocess_is_not_followed_and_runs(run: Recorder) -> None:
    out = heap(
        run,
        """
        import subprocess, sys
        subprocess.run([sys.executable, "-S", "-c", "print(1)"], check=True)
        """,
    )
    assert out == "1\n" and not children(run)


def test_without_site_spawned_children_are_told_by_multiprocessing(run: Recorder) -> None:
    import memory_profiler

    run.write("pool.py", POOL)
    done = run.mprof(
        "heap", "-o", "a.mprof", sys.executable, "-S", "pool.py", "spawn", "2",
        env={"PYTHONPATH": str(Path(memory_profiler.__file__).parents[1])},
    )  # fmt: skip
    assert done.out == "2\n", done.err
    assert sum(kept(report(run), "pool.py").values()) == pytest.approx(2 * SIZE, abs=1000)


def test_a_subprocess_with_a_preexec_fn_has_one_file(run: Recorder) -> None:
    run.write("sub.py", f"its = bytes({SIZE})\n")
    heap(
        run,
        """
        import os, subprocess, sys
        subprocess.run([sys.executable, "sub.py"], preexec_fn=os.getpid, check=True)
        subprocess.run(["true"], preexec_fn=os.getpid, check=True)
        """,
    )
    assert len(children(run)) == 1
    assert list(kept(report(run), "sub.py")) == [1]


def test_a_child_that_becomes_another_python_has_a_second_file(run: Recorder) -> None:
    run.write("sub.py", f"its = bytes({SIZE})\n")
    heap(
        run,
        f"""
        import os, sys
        child = os.fork()
        if not child:
            before = bytes({SIZE})
            os.execv(sys.executable, [sys.executable, "sub.py"])
        os.waitpid(child, 0)
        """,
    )
    first, second = children(run)
    assert second.name == first.name + "-1"
    got = report(run)
    assert list(kept(got)) == [5] and list(kept(got, "sub.py")) == [1]


def test_grandchildren_are_followed_through_any_mixture(run: Recorder) -> None:
    run.write(
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
        run,
        """
        import subprocess, sys
        subprocess.run([sys.executable, "sub.py", "2"], check=True)
        """,
    )
    got = report(run)
    assert sum(kept(got, "sub.py").values()) == pytest.approx(3 * SIZE, abs=5000)
    assert len(got["processes"]) == 6 and got["incomplete"] is None


def test_faults_1_a_killed_child_leaves_what_it_had(run: Recorder) -> None:
    heap(
        run,
        f"""
        import os, signal
        child = os.fork()
        if not child:
            its = bytes({SIZE})
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        """,
    )
    got = report(run)
    assert list(kept(got)) == [5]
    assert got["incomplete"].startswith("1 of 2 processes were killed")
    assert Capture(run.path / "a.mprof").clean


SERVER = f"""
import os, socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
leaked = []

def handle(connection):
    leaked.append(bytes({SIZE}))
    connection.send(b"ok")
    connection.close()

def worker():
    for _ in range(10):
        handle(listener.accept()[0])
    os._exit(0)

workers = []
for _ in range(3):
    child = os.fork()
    if not child:
        worker()
    workers.append(child)
for _ in range(30):
    with socket.create_connection(listener.getsockname()) as client:
        client.recv(2)
for child in workers:
    os.waitpid(child, 0)
"""


def test_a_pre_fork_server_that_leaks_in_its_workers_is_caught(run: Recorder) -> None:
    heap(run, SERVER)
    got = report(run)
    (line,) = [at for at, size in kept(got).items() if size > SIZE * 5]
    assert SERVER.splitlines()[line - 1].strip().startswith("leaked.append")
    assert kept(got)[line] == pytest.approx(30 * SIZE, abs=5000)
    text = run.mprof("report", "a.mprof").out
    assert "Heap of 4 processes" in text
    assert (
        f"work.py:{line} handle" in text.split("At the peaks, each process at its own")[1]
    )
    assert re.search(
        rf"{30 * SIZE / 1024 / 1024:.1f}M", run.mprof("lines", "a.mprof", "work.py").out
    )


def test_the_processes_are_listed_by_their_peaks(run: Recorder) -> None:
    heap(run, SERVER)
    rows = (
        run.mprof("report", "--by", "process", "a.mprof")
        .out.split("Processes\n")[1]
        .splitlines()
    )
    files = [row.strip() for row in rows[2::2]]
    assert sorted(files) == sorted(["a.mprof", *(path.name for path in children(run))])
    assert all(row.endswith("work.py") for row in rows[1::2])
    peaks = [process["peak"] for process in report(run)["processes"]]
    assert report(run)["peak"] == sum(peaks)
    done = run.mprof("report", "--by", "thread", "a.mprof")
    assert done.code == 2 and "process" in done.err


def test_what_was_held_at_once_is_of_processes_alive_together(run: Recorder) -> None:
    heap(
        run,
        f"""
        import os
        for _ in range(3):
            child = os.fork()
            if not child:
                its = bytes(50 * {SIZE})
                os._exit(0)
            os.waitpid(child, 0)
        """,
    )
    got = report(run)
    assert got["peak"] >= 150 * SIZE
    together = max(point[2] for point in got["series"])
    assert 50 * SIZE <= together < 100 * SIZE
    peak = run.mprof("peak", "a.mprof").out
    assert float(peak.split()[1]) * 2**20 < 100 * SIZE + (64 << 20)


def test_every_view_sums_the_processes(run: Recorder) -> None:
    heap(run, SERVER)
    table = json.loads(run.mprof("table", "--json", "a.mprof").out)
    alone = json.loads(run.mprof("table", "--json", "--no-children", "a.mprof").out)
    (row,) = [
        row
        for row in table["rows"]
        if row["function"] == "handle" and row["at_peak"] > SIZE
    ]
    assert row["at_peak"] == pytest.approx(30 * SIZE, abs=5000)
    assert not [row for row in alone["rows"] if row["function"] == "handle"]
    assert run.mprof("flamegraph", "-o", "a.html", "a.mprof").code == 0
    assert '"processes":4,' in (run.path / "a.html").read_text()
    files = json.loads(run.mprof("lines", "--json", "a.mprof").out)["groups"]
    (program,) = [group for group in files if group["name"].endswith("work.py")]
    assert program["at_peak"] >= 30 * SIZE
    assert "          heap      " in run.mprof("plot", "--terminal", "a.mprof").out


def test_no_follow_leaves_the_children_alone_and_says_so(run: Recorder) -> None:
    run.write(
        "work.py",
        """if True:
        import os, subprocess, sys
        if not os.fork():
            os._exit(0)
        os.wait()
        subprocess.run([sys.executable, "-c", "import os; print(os.environ.get('MPROF_HEAP'))"])
        """,
    )
    done = run.mprof("heap", "--no-follow", "-o", "a.mprof", "work.py")
    assert done.out == "None\n" and not children(run)
    assert "the heap of 1 forked child was not recorded" in done.err


def test_faults_40_the_environment_is_the_programs_again_when_following_ends(
    run: Recorder,
) -> None:
    out = heap(
        run,
        """
        import atexit, os, sys
        print("MPROF_HEAP" in os.environ)
        atexit.register(lambda: (print("MPROF_HEAP" in os.environ), sys.stdout.flush()))
        """,
    )
    assert out == "True\nFalse\n"


def test_children_of_a_program_that_tracks_itself_are_not_followed(run: Recorder) -> None:
    run.write(
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
        [sys.executable, "own.py"], cwd=run.path, capture_output=True, text=True
    )
    assert done.stdout == "0\n" and not children(run)


def test_a_child_whose_run_is_gone_runs_as_it_would(run: Recorder, tmp_path: Path) -> None:
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
    run: Recorder,
) -> None:
    xx = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    heap(
        run,
        f"import {xx} as sub\nmade = sub.create()\nsub.run_string(made, 'import json')\nsub.destroy(made)\n",
    )


def test_files_of_a_run_go_together(run: Recorder) -> None:
    source = "import os\nif not os.fork():\n    os._exit(0)\nos.wait()\n"
    heap(run, source)
    (first,) = children(run)
    (run.path / "a.mprof.1").write_text("not ours")
    heap(run, source)
    names = {path.name for path in run.path.glob("a.mprof*")}
    moved = first.name.replace("a.mprof", "a.mprof.old")
    assert {"a.mprof", "a.mprof.old", moved, "a.mprof.1"} < names and len(names) == 5
    assert len(report(run, "a.mprof.old")["processes"]) == 2
    assert run.mprof("rm", "a.mprof").code == 0
    names = {path.name for path in run.path.glob("a.mprof*")}
    assert names == {"a.mprof.old", moved, "a.mprof.1"}
    assert run.mprof("rm", "a.mprof.old", moved).code == 0
    assert [path.name for path in run.path.glob("a.mprof*")] == ["a.mprof.1"]


def test_beyond_512_children_are_counted_and_told(run: Recorder) -> None:
    run.write(
        "work.py",
        """if True:
        import os
        for _ in range(515):
            if not os.fork():
                os._exit(0)
            os.wait()
        """,
    )
    done = run.mprof("heap", "-o", "a.mprof", "work.py")
    assert "the heap of 3 of 515 children was not recorded: a run keeps 512" in done.err
    got = report(run)
    assert len(got["processes"]) == 513 and got["unrecorded"] == 3
    assert "3 that were not recorded" in run.mprof("report", "a.mprof").out


def test_a_damaged_childs_file_is_named_and_left_out(run: Recorder) -> None:
    heap(
        run,
        "import os\nfor _ in 'ab':\n    if not os.fork():\n        os._exit(0)\n    os.wait()\n",
    )
    bad, good = children(run)
    content = bytearray(bad.read_bytes())
    content[144 + 1] = 77  # the table of chunk 1
    bad.write_bytes(content)
    done = run.mprof("report", "--json", "a.mprof")
    assert done.code == 0 and bad.name in done.err and done.err.count("\n") == 1
    got = json.loads(done.out)
    assert [process["file"] for process in got["processes"]] == ["a.mprof", good.name]
    assert got["unrecorded"] == 1


def test_faults_39_a_hundred_forks_among_threads_that_allocate(run: Recorder) -> None:
    heap(
        run,
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
    got = report(run)
    assert got["incomplete"] is None and len(got["processes"]) == 101
    (line,) = [at for at, size in kept(got).items() if size > SIZE * 50]
    assert kept(got)[line] == pytest.approx(100 * SIZE, abs=20000)
    for capture in [run.path / "a.mprof", *children(run)]:
        own = Capture(capture)
        assert own.live == sum(node.live for node in own.nodes)


def test_the_list_tells_what_was_run_and_how_many_children_it_had(run: Recorder) -> None:
    run.write("two.py", "import os\nfor _ in range(2):\n    if not os.fork(): os._exit(0)\n"
              "    os.wait()\n")  # fmt: skip
    assert run.mprof("heap", "two.py", "a\x1b[2Jb").code == 0
    assert run.mprof("heap", "-c", "1" * 100).code == 0
    lines = run.mprof("list").out.splitlines()
    assert lines[0].endswith("  two.py a\\x1b[2Jb, 2 children")
    assert re.fullmatch(r"1 \S+ [\d:]+ [\d/]+  -c 1{57}\.\.\.", lines[1])
    text = run.mprof("report", lines[0].split()[1]).out
    assert text.splitlines()[2] == "command: two.py a\\x1b[2Jb"
    listed = json.loads(run.mprof("list", "--json").out)
    assert [entry["children"] for entry in listed] == [2, 0]


def test_a_run_without_children_is_told_to_be_one_process(run: Recorder) -> None:
    heap(run, "kept = bytes(10**6)\n")
    text = run.mprof("report", "--by", "process", "a.mprof").out
    assert text.endswith("\n\none process: no child of it is recorded here\n")
