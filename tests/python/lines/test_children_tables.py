"""What children of a run under -m measured comes home to its report."""

from __future__ import annotations

import json
import os
import tempfile

import pytest

from conftest import MIB, Run, Workshop, parse_tables

PROGRAM = """
import multiprocessing, os, signal, sys

@profile
def work(n):
    kept.append(bytearray(n << 20))
    return os.getpid()

kept = []

if __name__ == "__main__":
"""


def run_program(shop: Workshop, main: str, *options: str, **rest: object) -> Run:
    (shop.path / "script.py").write_text(PROGRAM + main)
    with tempfile.TemporaryDirectory(dir="/tmp") as tmp:  # sockets have short names
        env = {"TMPDIR": tmp} | rest.pop("env", {})
        run = shop.run(*options, "script.py", env=env, timeout=60, **rest)
        left = [name for name in os.listdir(tmp) if name.startswith("memory_profiler")]
    assert run.code == 0, run.err
    assert left == []
    return run


FORKS = """
    for n in (1, 2, 3):
        if not os.fork():
            work(n)
            {end}
        os.wait()
"""
ENDS = ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()",
        "os.execv('/bin/true', ['true'])", "os.abort()"]  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_a_forked_childs_table_comes_home_however_it_ends(shop, end) -> None:
    run = run_program(shop, FORKS.format(end=end), "--json")
    row = row_of(run.functions["work"], "kept.append(bytearray(n << 20))")
    assert row["occurrences"] == 3
    assert row["increment"] == pytest.approx(6 * MIB, abs=MIB)


def row_of(table: dict, text: str) -> dict:
    (row,) = [row for row in table["lines"] if row["source"].strip() == text]
    return row


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_that_are_terminated_lose_nothing(shop, method) -> None:
    run = run_program(
        shop,
        f"""
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        assert os.getpid() not in pool.map(work, [1] * 10)
    assert kept == []
""",
        "--peak",
        "--json",
    )
    table = run.functions["work"]
    row = row_of(table, "kept.append(bytearray(n << 20))")
    assert row["occurrences"] == 10
    assert row["increment"] == pytest.approx(10 * MIB, abs=MIB)
    assert row["peak"] >= row["memory"] > 0
    assert table["baseline"] > MIB


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_every_kind_of_report_has_what_children_did(shop, method) -> None:
    main = f"""
    child = multiprocessing.get_context({method!r}).Process(target=work, args=(5,))
    child.start()
    child.join()
    work(3)
"""
    run = run_program(shop, main, "-o", "report.txt", "--html", "page.html", "--heap")
    (table,) = [t for t in split(shop.path / "report.txt") if "kept.append" in t]
    words = [line for line in table.splitlines() if "kept.append" in line][0].split()
    assert words.count("2") == 1 and "8.000" in words  # MiB allocated, in both
    assert run.out == "" and "kept.append" in (shop.path / "page.html").read_text()


def split(path) -> list[str]:
    return path.read_text().split("Filename: ")


def test_what_children_of_children_did_comes_home(shop) -> None:
    run = run_program(
        shop,
        """
    if not os.fork():
        work(1)
        if not os.fork():
            work(1)
            os._exit(0)
        os.wait()
        work(1)
        os._exit(0)
    os.wait()
""",
    )
    (table,) = run.tables
    assert table.line("kept.append").occurrences == 3


def test_the_results_of_the_run_have_the_children(shop) -> None:
    run = run_program(
        shop,
        """
    if not os.fork():
        work(1)
        os._exit(0)
    os.wait()
    print([line.occurrences for line in profile.results["work"].lines.values()])
""",
    )
    assert run.out.startswith("[1, 0, 1, 1]\n")


def test_the_directory_of_tables_is_the_users_alone(shop) -> None:
    run = run_program(
        shop,
        """
    os.umask(0)
    if not os.fork():
        work(1)
        os._exit(0)
    os.wait()
    (home,) = os.listdir(os.environ["TMPDIR"])
    home = os.path.join(os.environ["TMPDIR"], home)
    (file,) = os.listdir(home)
    modes = [os.stat(path).st_mode for path in (home, os.path.join(home, file))]
    print([oct(mode & 0o777) for mode in modes])
""",
    )
    assert run.out.startswith("['0o700', '0o600']\n")


def test_no_directory_is_made_for_a_program_without_children(shop) -> None:
    run = run_program(shop, "    work(1)\n    print(os.listdir(os.environ['TMPDIR']))\n")
    assert run.out.startswith("[]\n")


def test_files_of_many_children_do_not_pile_up(shop) -> None:
    run = run_program(
        shop,
        """
    most = 0
    for n in range(300):
        if not os.fork():
            work(0)
            os._exit(0)
        os.wait()
        (home,) = os.listdir(os.environ["TMPDIR"])
        most = max(most, len(os.listdir(os.path.join(os.environ["TMPDIR"], home))))
    print("most", most)
""",
    )
    assert int(run.out.split()[1]) <= 64
    assert run.table("def work").line("kept.append").occurrences == 300


def test_children_that_cannot_be_measured_are_counted(shop) -> None:
    run = run_program(
        shop,
        """
    import shutil
    for n in range(3):
        if not os.fork():
            work(1)
            os._exit(0)
        os.wait()
    work(1)
""",
        env={"TMPDIR": "/proc"},
    )
    assert run.table("def work").line("kept.append").occurrences == 1
    assert run.err.startswith(
        "memory_profiler: the lines of 3 children were not measured: cannot write in /proc: "
    )
    assert run.err.count("\n") == 1


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_a_child_whose_table_is_cut_short_goes_on(shop, size) -> None:
    run = run_program(
        shop,
        f"""
    if not os.fork():
        work(1)
        (home,) = os.listdir(os.environ["TMPDIR"])
        home = os.path.join(os.environ["TMPDIR"], home)
        (file,) = os.listdir(home)
        os.truncate(os.path.join(home, file), {size})
        print("in the child", os.getpid() == work(1) == work(1), flush=True)
        os._exit(3)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
""",
    )
    assert run.out.startswith("in the child True\n3\n"), run
    said = "memory_profiler: some lines of 1 child are missing: somebody cut short the file"
    assert said in run.err


@pytest.mark.parametrize("step", ["posix_fallocate", "pwrite", "link", "unlink"])
def test_a_child_that_is_killed_as_it_begins_its_file_is_not_told_of(shop, step) -> None:
    run = run_program(
        shop,
        f"""
    step, parent = os.{step}, os.getpid()
    def stop(*given):
        return step(*given) if os.getpid() == parent else os.kill(os.getpid(), 9)
    os.{step} = stop
    if not os.fork():
        work(1)
    print(os.wait()[1], flush=True)
    work(1)
""",
    )
    assert run.out.startswith("9\n") and run.err == ""
    assert run.table("def work").line("kept.append").occurrences == 1


def test_a_child_measures_where_there_are_no_hard_links(shop) -> None:
    run = run_program(
        shop,
        """
    def link(*_):
        raise PermissionError(1, "Operation not permitted")
    os.link = link
    if not os.fork():
        work(1)
        os._exit(0)
    os.wait()
    work(1)
""",
    )
    assert run.err == ""
    assert run.table("def work").line("kept.append").occurrences == 2


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_imported_name_prints_in_children(shop, method) -> None:
    shop.write(
        "library.py",
        "from memory_profiler import profile as p\n\n@p\ndef lib():\n    return 1\n",
    )
    run = run_program(
        shop,
        f"""
    from library import lib
    child = multiprocessing.get_context({method!r}).Process(target=lib)
    child.start()
    child.join()
    print("joined", flush=True)
""",
    )
    before, after = run.out.split("joined\n")
    (table,) = parse_tables(before)
    assert table.line("return 1").occurrences == 1 and after == ""


def test_a_stream_of_its_own_is_written_at_each_call(shop) -> None:
    for name in ("imported", "bare"):
        shop.write(
            f"{name}.py",
            ("from memory_profiler import profile\n" if name == "imported" else "")
            + f"""
log = open("{name}.log", "w")

@profile(stream=log, precision=4)
def work():
    return 1

@profile(precision=2)
def other():
    return 2

work(); work(); other(); log.close()
assert "work" in {{one.name for one in __import__("memory_profiler").profile.results}}
""",
        )
        run = shop.run(f"{name}.py")
        assert (run.code, run.err) == (0, ""), run.err
        assert len(run.tables) == 1 and "return 2" in run.out
        assert len(parse_tables((shop.path / f"{name}.log").read_text())) == 2


def test_a_call_that_raises_has_its_table_under_m_too(shop) -> None:
    run = shop.profile("""
        from memory_profiler import profile as imported

        @imported
        def work():
            raise ValueError("x")

        try:
            work()
        except ValueError:
            pass
    """)
    assert run.table("def work").line("raise").occurrences == 1


def test_json_stays_one_document(shop) -> None:
    run = run_program(shop, FORKS.format(end="sys.exit()"), "--json")
    assert json.loads(run.out)["functions"][0]["function"] == "work"
