"""What lies in the program's folders is the program's: we import none of it in our own name."""

from __future__ import annotations

import ast
import subprocess
import sys
from _imp import is_frozen
from pathlib import Path

import pytest

import memory_profiler

BIN = Path(sys.executable).parent
PACKAGE = Path(memory_profiler.__file__).parent
#: The interpreter imports these itself before it runs a program.
PYTHONS_OWN = {"encodings"} | set(sys.builtin_module_names)
#: Modules that the interactive shell, which has imported all of it already, runs.
SHELLS = "_notebook"

PROGRAM = """\
import sys
{first}
@profile
def fill():
    kept = [bytes(1000) for _ in range(1000)]
    return kept
fill()
print("done", sys.argv, sys.path[0] == {folder!r})
"""


def poison(folder: Path, names: set[str] = set(sys.stdlib_module_names)) -> None:
    """A module of every name that the library has: running it leaves a mark, and fails."""
    for name in names - PYTHONS_OWN:
        (folder / f"{name}.py").write_text(
            f"open({str(folder / 'MARKS')!r}, 'a').write({name + ' '!r})\n"
            f"raise SystemExit('{name} ran')\n"
        )


def marks(folder: Path) -> str:
    file = folder / "MARKS"
    return file.read_text() if file.exists() else ""


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, text=True, capture_output=True, timeout=120
    )


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "hostile"
    folder.mkdir()
    poison(folder)
    return folder


@pytest.fixture
def safe(tmp_path: Path) -> Path:
    folder = tmp_path / "safe"
    folder.mkdir()
    return folder


def write(folder: Path, name: str = "program.py", first: str = "") -> Path:
    (folder / name).write_text(PROGRAM.format(first=first, folder=str(folder)))
    return folder / name


IMPORTED = "from memory_profiler import profile"
MPROF = {
    "run": [BIN / "mprof", "run", "--python", "-o", "out"],
    "run, given python": [BIN / "mprof", "run", "--python", "-o", "out", BIN / "python"],
    "heap": [BIN / "mprof", "heap", "-o", "out"],
    "heap, given python": [BIN / "mprof", "heap", "-o", "out", BIN / "python"],
}
DIRECT = {
    "-m": [sys.executable, "-m", "memory_profiler"],
    "-m --all --peak --heap": [
        sys.executable, "-m", "memory_profiler", "--all", "--peak", "--heap", "--json"],
    "-m --html": [sys.executable, "-m", "memory_profiler", "--html", "x.html"],
    "-m --timestamp": [sys.executable, "-m", "memory_profiler", "--timestamp"],
}  # fmt: skip


@pytest.mark.parametrize("way", MPROF)
@pytest.mark.parametrize("where", ("beside it", "in the working directory"))
def test_mprof_runs_no_module_of_the_programs_folders(
    hostile: Path, safe: Path, way: str, where: str
) -> None:
    program = write(hostile if where == "beside it" else safe)
    done = run(*MPROF[way], program, cwd=hostile)
    assert f"done [{str(program)!r}] True" in done.stdout
    assert (done.returncode, marks(hostile)) == (0, ""), done.stderr
    assert (hostile / "out").stat().st_size > 0


@pytest.mark.parametrize("way", DIRECT)
def test_python_m_runs_no_module_that_lies_beside_the_program(
    hostile: Path, safe: Path, way: str
) -> None:
    program = write(hostile)
    done = run(*DIRECT[way], program, cwd=safe)
    assert f"done [{str(program)!r}] True" in done.stdout
    assert (done.returncode, marks(hostile)) == (0, ""), done.stderr
    if way != "-m --timestamp":
        assert "kept = [bytes(1000)" in done.stdout
        plain = run(*DIRECT[way], write(safe), cwd=safe)
        assert plain.stderr == done.stderr


@pytest.mark.parametrize("how", ("profile", "profile(heap=True, peak=True)"))
def test_an_imported_profile_runs_no_module_that_lies_beside_the_program(
    hostile: Path, how: str
) -> None:
    program = write(hostile, first=IMPORTED)
    program.write_text(program.read_text().replace("@profile", f"@{how}"))
    done = run(sys.executable, program, cwd=hostile)
    assert "kept = [bytes(1000)" in done.stdout
    assert (done.returncode, marks(hostile)) == (0, ""), done.stderr


DOORS = {
    "memory_usage": "from memory_profiler import memory_usage; assert memory_usage(max_usage=True)",
    "the backends": "from memory_profiler import memory_usage, profile\n"
    "assert memory_usage(backend='tracemalloc', max_usage=True) is not None",
    "heap": "from memory_profiler import heap\nwith heap.track() as t: x = [bytes(99)]\n"
    "assert t.top(1)",
    "blocks": "from memory_profiler import profile\nwith profile: x = 1\n"
    "with profile.block('b'): x = 1\nwith profile.timestamp('t'): x = 1",
    "switched off": "from memory_profiler import profile\nprofile.enabled = False\n"
    "with profile.block('b'): x = 1",
    "LineProfiler": "from memory_profiler import LineProfiler, show_results\n"
    "p = LineProfiler()\np(lambda: 1)()\nshow_results(p)",
    "the classic's": "from memory_profiler import TimeStamper, LogFile, CodeMap",
}


@pytest.mark.parametrize("door", DOORS)
def test_nor_does_any_other_door(hostile: Path, door: str) -> None:
    (hostile / "program.py").write_text(DOORS[door] + "\nprint('done')\n")
    done = run(sys.executable, "program.py", cwd=hostile)
    assert done.stdout.endswith("done\n"), done.stderr
    assert (done.returncode, marks(hostile)) == (0, ""), done.stderr


def test_pictures_run_no_module_of_the_working_directory(hostile: Path, safe: Path) -> None:
    pytest.importorskip("matplotlib")
    for number in range(2):
        run(*MPROF["run"][:-1], hostile / f"{number}.dat", write(safe), cwd=hostile)
    done = run(BIN / "mprof", "plot", "-o", "x.png", "0.dat", cwd=hostile)
    assert (done.returncode, marks(hostile)) == (0, ""), done.stderr
    assert (hostile / "x.png").read_bytes()[:4] == b"\x89PNG"


OWN = "mark = 'the program’s'\n"
IMPORTS = "import {name}\nassert {name}.mark == 'the program’s', {name}\n"
NAMES = (
    "token",
    "enum",
    "inspect",
    "types",
    "warnings",
    "threading",
    "runpy_",
    *([] if is_frozen("linecache") else ["linecache"]),  # 3.15 has it before any program
)


@pytest.mark.parametrize("when", ("before", "after"))
@pytest.mark.parametrize("name", NAMES)
def test_the_program_finds_its_own_module_before_and_after_ours_were_needed(
    tmp_path: Path, name: str, when: str
) -> None:
    (tmp_path / f"{name}.py").write_text(OWN)
    own = IMPORTS.format(name=name)
    first = own + IMPORTED if when == "before" else IMPORTED
    program = write(tmp_path, first=first)
    program.write_text(program.read_text() + own)
    for way in ([sys.executable], MPROF["run"], MPROF["heap"]):
        (tmp_path / "out").unlink(missing_ok=True)
        done = run(*way, program, cwd=tmp_path)
        assert (done.returncode, "done" in done.stdout) == (0, True), done.stderr
        if way == [sys.executable]:
            assert "kept = [bytes(1000)" in done.stdout


@pytest.mark.parametrize("way", ("run", "heap"))
def test_the_program_shares_the_librarys_modules_with_us(tmp_path: Path, way: str) -> None:
    (tmp_path / "program.py").write_text(
        f"import enum, linecache, re\n{IMPORTED}\n@profile\ndef f(): pass\nf()\n"
        "import inspect, sys\n"
        "assert inspect.enum is enum and inspect.re is re and inspect.linecache is linecache\n"
        "assert not any('_standard' in type(f).__module__ for f in sys.meta_path)\n"
    )
    done = run(*MPROF[way], "program.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("way", ("run", "heap"))
@pytest.mark.parametrize(
    "options", ("", "-P", "-u -O", "-X dev", "-I", "-S", "-IS", "-OO", "-W ignore", "-Es")
)
def test_mprof_leaves_the_interpreters_flags_and_path_as_given(
    tmp_path: Path, way: str, options: str
) -> None:
    (tmp_path / "p.py").write_text("import sys\nprint(sys.flags, sys.path, sys.argv)\n")
    words = *options.split(), "p.py", "x"
    plain = run(sys.executable, *words, cwd=tmp_path)
    done = run(*MPROF[f"{way}, given python"], *words, cwd=tmp_path)
    assert plain.stdout in done.stdout, done.stderr


def imports_in_functions(tree: ast.AST, inside: bool = False) -> list[str]:
    """Modules that functions import outside a block of `standard`."""
    found: list[str] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "standard":
            continue
        if inside and isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        if inside and isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        found += imports_in_functions(node, inside or function)
    return found


def test_every_late_import_of_the_library_is_in_a_block() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == SHELLS:
            continue
        late = {
            name.partition(".")[0]
            for name in imports_in_functions(ast.parse(path.read_text()))
        }
        late &= set(sys.stdlib_module_names) - set(sys.builtin_module_names)
        assert not late - {"io", "os", "zipimport"}, path  # they are frozen


def test_python_finds_the_start_in_mprof() -> None:
    """A build that Python cannot read so far into falls back to `python -m`."""
    done = run(
        sys.executable,
        BIN / "mprof",
        "-m",
        "memory_profiler.__main__",
        "--version",
        cwd=BIN,
    )
    assert done.stdout == f"{memory_profiler.__version__}\n", done.stderr
