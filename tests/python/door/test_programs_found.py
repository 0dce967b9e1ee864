"""Which program a word names, and that the first instruction of it is measured."""

from __future__ import annotations

import json
import py_compile
import subprocess

import pytest

from conftest import MIB, PURE, Run, Workshop

pytestmark = pytest.mark.one_version

WAYS = ["lines", "heap"]
BIG = 'KEPT = b"x" * (45 * 2 ** 20)\n'


def start(shop: Workshop, way: str, *words: str) -> Run:
    """Runs a program in one of our ways to start one."""
    if way == "lines":
        return shop.run(*words)
    if PURE:
        pytest.skip("the C core alone: heap captures")
    return shop.python("-m", "memory_profiler._heap_run", "x.mprof", *words)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["job.v2", "job", "a b.txt", "job.d.e"])
def test_faults_77_a_file_that_exists_runs_and_no_module_of_its_name(
    shop, way, name
) -> None:
    for module in ("job.py", "a b.py"):
        shop.write(module, "print('the module', __name__)")
    shop.write(name, "print('the file', __name__, __file__.endswith('%s'))" % name)
    run = start(shop, way, name)
    assert (run.code, run.out) == (0, "the file __main__ True\n"), run.err


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["side.pyc", "compiled"])
def test_faults_77_a_compiled_file_runs_as_the_interpreter_runs_it(shop, way, name) -> None:
    source = shop.write(
        "source.py",
        """
        import sys
        @getattr(__builtins__, "profile", lambda func: func)
        def work(): return 7
        print("compiled", __name__, __file__, work(), sys.argv[1:])
        print(type(__loader__).__name__, __spec__, globals().get("__cached__", "without"))
    """,
    )
    shop.write("side.py", "print('the module')")
    py_compile.compile(str(source), str(shop.path / name))
    alone = shop.python(name, "-x")
    run = start(shop, way, name, "-x")
    assert (run.code, alone.code) == (0, 0), run.err
    said = run.out.partition("Filename")[0]
    where = str(shop.path / name)
    assert said.replace(where, name) == alone.out.replace(where, name)


@pytest.mark.parametrize("way", WAYS)
def test_a_file_of_another_pythons_code_is_one_line_and_1(shop, way) -> None:
    (shop.path / "old.pyc").write_bytes(b"\1\2\r\n" + bytes(12))
    run = start(shop, way, "old.pyc")
    assert run.code == 1 and run.out == ""
    assert (
        run.err.endswith(": cannot run old.pyc: it was compiled by another Python\n")
        and run.err.count("\n") == 1
    )


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_imported_to_find_out_what_a_word_names(shop, way) -> None:
    shop.write("job.py", "print('imported')")
    run = start(shop, way, "jobs.v2")
    assert run.code == 1 and run.out == ""
    assert run.err.endswith(": no module or file to run: No module named jobs.v2\n")


@pytest.mark.parametrize("way", WAYS)
def test_a_package_without_the_module_leaves_no_capture(shop, way) -> None:
    shop.write("pkg/__init__.py", "print('init')")
    run = start(shop, way, "-m", "pkg.nosuch")
    assert run.code == 1 and run.out == "init\n"
    assert run.err.splitlines()[-1].endswith(
        ": no module or file to run: No module named pkg.nosuch"
    )
    assert not list(shop.path.glob("*.mprof"))


def write_package(shop: Workshop, init: str, mod: str = "") -> None:
    shop.write("pkg/__init__.py", init)
    shop.write("pkg/mod.py", mod)
    shop.write("pkg/__main__.py", mod)


PACKAGES = [("-m", "pkg.mod"), ("-m", "pkg"), ("pkg.mod",), ("pkg",)]


@pytest.mark.parametrize("words", PACKAGES)
def test_what_a_package_does_while_m_imports_it_is_in_the_heap(shop, words) -> None:
    if PURE:
        pytest.skip("the C core alone: heap captures")
    from captures import MPROF  # not where mprof is missing

    write_package(shop, BIG)
    run = start(shop, "heap", *words)
    assert run.code == 0, run.err
    said = subprocess.run(
        [MPROF, "report", "--json", "x.mprof"],
        cwd=shop.path,
        capture_output=True,
        check=True,
    )
    lines = json.loads(said.stdout)["lines"]
    (kept,) = [line for line in lines if line["file"].endswith("pkg/__init__.py")]
    assert kept["at_peak"] >= 45 * MIB


@pytest.mark.parametrize("words", PACKAGES)
def test_a_package_that_m_imports_knows_profile(shop, words) -> None:
    write_package(
        shop,
        "@profile\ndef work():\n    return bytearray(45 * 2 ** 20)\n\nKEPT = work()\n",
    )
    run = shop.run("--json", *words)
    assert (run.code, run.err) == (0, ""), run.err
    (table,) = run.functions.values()
    rows = {row["source"].strip(): row for row in table["lines"]}
    assert rows["return bytearray(45 * 2 ** 20)"]["increment"] > 44 * MIB


@pytest.mark.parametrize("words", [("-m", "pkg.mod"), ("pkg",)])
def test_functions_that_run_while_m_imports_a_package_can_be_named(shop, words) -> None:
    write_package(shop, "def work():\n    return 1\n\nKEPT = work()\n")
    run = shop.run("--function", "pkg.work", *words)
    assert (run.code, run.err) == (0, ""), run.err
    assert run.table("def work").line("return 1").occurrences == 1


TELL = """
import sys
print(__name__, sys.argv, sys.path[0] == sys.argv[2], __package__)
print([name for name in ("pkg.mod", "runpy") if name in sys.modules])
main = sys.modules["__main__"]
print(main.__name__, main.__spec__ and main.__spec__.name)
"""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("words", PACKAGES[:2])
def test_a_package_sees_what_the_interpreter_shows_it(shop, way, words) -> None:
    write_package(shop, TELL, TELL + "import pkg; pkg.mod\n")
    shop.write("pkg/__init__.py", TELL + "mod = 1\n")
    arguments = ("-x", str(shop.path))
    alone = shop.python(*words, *arguments)
    run = start(shop, way, *words, *arguments)
    assert (run.code, run.out) == (alone.code, alone.out), run.err


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", ["raise SystemExit(7)", "raise ValueError('x')", "1 +"])
def test_a_package_that_fails_ends_the_run_as_it_ends_the_interpreter(
    shop, way, end
) -> None:
    write_package(shop, f"print('init')\n{end}\n")
    alone = shop.python("-m", "pkg.mod")
    run = start(shop, way, "-m", "pkg.mod")
    assert (run.code, run.out) == (alone.code, alone.out)
    said, _, _ = run.err.partition("mprof: peak ")  # which mprof heap ends with
    assert said.endswith("\n".join(alone.err.splitlines()[3:]) + "\n" if alone.err else "")
