"""What the tests share: running programs under the profiler, and reading its tables."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import gc
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import settings

import leftovers
import pure
from memory_profiler import _core
from notebooks import take

MIB = 1024 * 1024
CORPUS = pathlib.Path(__file__).parent / "corpus"
CELL = re.compile(r"^ *(-?[0-9]+\.?[0-9]*) MiB$")


#: glibc's M_MMAP_THRESHOLD, which stands still once it is set: a large block is new memory then, and not
#: what an earlier test left in reserve, which is no growth.
LIBC = ctypes.CDLL(None)
LIBC.malloc.argtypes, LIBC.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
LIBC.free.argtypes = [ctypes.c_void_p]
if hasattr(LIBC, "mallopt"):
    LIBC.mallopt(-3, 1 << 17)
# pytest and others print otherwise where these are set.
for name in ("COLUMNS", "LINES", "CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)
    os.unsetenv(name)  # readline sets the first two behind os.environ's back
leftovers.hear_interrupts()
# The same examples each time: new ones are `make stress`'s, where what they find stops nothing.
settings.register_profile("checks", derandomize=True, database=None)
settings.load_profile("checks")

PURE = hasattr(_core, "MISSING")  # the build in plain Python


def pytest_configure(config: pytest.Config) -> None:
    if PURE:
        config.pluginmanager.register(pure.Plugin())


collect_ignore_glob = [f"*/{name}" for name in pure.FILES] if PURE else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items if PURE else ():
        test = getattr(item, "originalname", item.name)
        reason = pure.TESTS.get(test) or pure.TESTS.get(item.name)
        if reason:
            item.add_marker(pytest.mark.skip(reason=f"the C core alone: {reason}"))


@dataclasses.dataclass
class Row:
    """One line of a table; memory and increment in MiB, None when the cells are empty."""

    number: int
    memory: float | None
    increment: float | None
    occurrences: int
    source: str


@dataclasses.dataclass
class Table:
    filename: str
    rows: dict[int, Row]

    def line(self, text: str) -> Row:
        """The only row whose source holds a text."""
        (row,) = [row for row in self.rows.values() if text in row.source]
        return row

    @property
    def first(self) -> Row:
        return next(iter(self.rows.values()))


def parse_tables(text: str) -> list[Table]:
    """The tables of a report whose numbers fit their columns; fails on any other line."""
    tables = []
    for block in re.split(r"(?m)^Filename: ", text)[1:]:
        title, _, body = block.partition("\n\n")
        header, rule, *lines = body.split("\n")
        assert header.startswith("Line #    Mem usage    Increment  Occurrences   Line"), (
            header
        )
        assert rule == "=" * 61
        rows = {}
        for line in lines:
            if line == "":
                break
            rows[int(line[:6])] = parse_row(line)
        tables.append(Table(title, rows))
    return tables


def parse_table(text: str) -> Table:
    """The table of a report that has one."""
    (table,) = parse_tables(text)
    return table


def assert_increments(table: Table, expected: dict[str, float], tolerance: float) -> None:
    """What rows added, in MiB, each by a text that only its source holds."""
    increments = {text: table.line(text).increment for text in expected}
    assert increments == pytest.approx(expected, abs=tolerance)


def parse_row(line: str) -> Row:
    match = re.match(r"^ *(\d+) +(\S+) MiB +(\S+) MiB +(\d+)   (.*)$", line)
    if not match:
        assert re.match(r"^[ \d]{6}" + " " * 41, line), line
        return Row(int(line[:6]), None, None, 0, line[47:])
    number, memory, increment, occurrences, source = match.groups()
    return Row(int(number), float(memory), float(increment), int(occurrences), source)


@dataclasses.dataclass
class Run:
    code: int
    out: str
    err: str

    @property
    def tables(self) -> list[Table]:
        return parse_tables(self.out)

    @property
    def document(self) -> dict:
        """What --json wrote, after what the program itself printed."""
        return json.loads(self.out[self.out.index("{\n") :])

    @property
    def functions(self) -> dict[str, dict]:
        """What --json says of each function."""
        return {f["function"]: f for f in self.document["functions"]}

    def table(self, text: str, top: bool = True) -> Table:
        """The only table that has a row whose source holds a text; `top`: of top levels too."""
        (table,) = [
            t
            for t in self.tables
            if any(text in r.source for r in t.rows.values()) and (top or 0 not in t.rows)
        ]
        return table


class Measured:
    """What the function `measured` of a program run with --json added, in MiB."""

    def __init__(self, run: Run) -> None:
        assert (run.code, run.err) == (0, ""), run.err
        self.table = run.functions["measured"]
        self.lines = {
            row["source"].strip(): row["increment"] / MIB
            for row in self.table["lines"]
            if row["increment"] is not None
        }

    @property
    def added(self) -> float:
        """All lines but the first, which is the entry."""
        first = self.table["first_line"]
        rows = [row for row in self.table["lines"] if row["line"] != first]
        return sum(row["increment"] or 0 for row in rows) / MIB


def run_python(
    *words: str,
    python: str = sys.executable,
    cwd: str | os.PathLike[str] | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 30,
    **options: object,
) -> Run:
    """Runs the interpreter with words; its output as text (bytes that are no UTF-8 escaped)."""
    done = subprocess.run(
        [python, *words], cwd=cwd, env={**os.environ, **(env or {})}, timeout=timeout,
        capture_output=True, **options,
    )  # fmt: skip
    out, err = (
        text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr)
    )
    return Run(done.returncode, out, err)


class Workshop:
    """A directory where scripts are written and run."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def write(self, name: str, source: str) -> pathlib.Path:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(source), encoding="utf-8")
        return target

    def python(self, *words: str, **options: object) -> Run:
        return run_python(*words, cwd=options.pop("cwd", self.path), **options)

    def run(self, *words: str, **options: object) -> Run:
        """`python -m memory_profiler words...` in the directory."""
        return self.python("-m", "memory_profiler", *words, **options)

    def profile(
        self, source: str, *options: str, args: tuple[str, ...] = (), **rest: object
    ) -> Run:
        """Writes script.py and profiles it."""
        self.write("script.py", source)
        return self.run(*options, "script.py", *args, **rest)

    def profile_as(self, mode: str, source: str) -> Run:
        """Profiles a program under -m, or with an import of its own; it ends well and in silence."""
        if mode == "run":
            run = self.profile(source)
        else:
            self.write(
                "script.py",
                "from memory_profiler import profile\n" + textwrap.dedent(source),
            )
            run = self.python("script.py")
        assert (run.code, run.err) == (0, ""), run.err
        return run


class Printed:
    """What went to sys.stdout since the test began."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys, self.text = capsys, ""

    def getvalue(self) -> str:
        self.text += self.capsys.readouterr().out
        return self.text


@pytest.fixture(autouse=True, scope="module")
def _garbage_is_gone() -> None:
    gc.collect()


@pytest.fixture(autouse=True)
def _memory_is_new(_garbage_is_gone: None):
    """What other tests freed, and malloc keeps in holes, is the system's, and its holes are taken: who
    takes one again grows, and what he frees stays.
    """
    if not hasattr(LIBC, "malloc_trim"):
        yield
        return
    LIBC.malloc_trim(0)
    taken = list(take_holes())
    yield
    for block in taken:
        LIBC.free(block)


def take_holes():
    """Blocks, never written to, that fill malloc's holes of 256 KiB and more."""
    for size in (MIB << 8 >> i for i in range(11)):
        while block := LIBC.malloc(size):
            if ctypes.c_size_t.from_address(block - 8).value & 2:  # IS_MMAPPED: no hole
                LIBC.free(block)
                break
            yield block


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """A test that fails leaves no process behind either."""
    before = leftovers.children()
    yield
    leftovers.end_children(but=before)


@pytest.fixture
def shop(tmp_path: pathlib.Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(capsys)


@pytest.fixture(params=["run", "imported"])
def mode(request: pytest.FixtureRequest) -> str:
    """Where a program has its `profile` from: our -m, or an import of its own."""
    return request.param


@pytest.fixture
def profiled(shop: Workshop, mode: str) -> Callable[[str], Run]:
    """Profiles a program whose decorators are bare, in each mode."""
    return functools.partial(shop.profile_as, mode)


@pytest.fixture
def here(tmp_path: pathlib.Path) -> object:
    """A directory in which mprof is run: a Recorder."""
    from recordings import Recorder  # not where mprof is missing

    return Recorder(tmp_path)


@pytest.fixture
def heap(tmp_path: pathlib.Path) -> object:
    """A directory with a small program and a heap capture of it: a Recorder."""
    from heap_recordings import record  # not where mprof is missing

    return record(tmp_path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Shells and kernels write here alone; TMPDIR is its `tmp`."""
    top = tmp_path_factory.mktemp("home of a notebook")
    (top / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(top / name.lower()))
        patch.setenv("IPYTHONDIR", str(top / "ipython"))
        patch.setenv("TMPDIR", str(top / "tmp"))
        yield top


@pytest.fixture(scope="module")
def shell(home: pathlib.Path):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    one = InteractiveShell.instance(config=config)
    one.run_line_magic("load_ext", "memory_profiler")
    yield one
    InteractiveShell.clear_instance()


@pytest.fixture
def ip(shell):
    """The shell with nothing in its namespace but `take`."""
    shell.reset(new_session=False)
    shell.user_ns["take"] = take
    return shell


@pytest.fixture(scope="session")
def blocks_at(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where programs find the extension module `blocks` (blocks.c)."""
    place = tmp_path_factory.mktemp("blocks")
    build_blocks(place)
    return place


@pytest.fixture(scope="session")
def grain() -> float:
    """MiB that fresh memory can stay uncounted by this kernel."""
    return _core.granularity() / MIB


@pytest.fixture(scope="session")
def tolerance(grain: float) -> float:
    """MiB by which a true figure may be off: allocator noise, or the kernel's granularity."""
    return max(1.0, 2 * grain)


@pytest.fixture(params=["ring", "rusage", "none"])
def gate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each gate in turn, for the programs that the test runs."""
    if request.param == "ring" and _core.gate() != "page-fault ring":
        pytest.skip("perf events are forbidden here")
    monkeypatch.setenv("MEMORY_PROFILER_GATE", request.param)
    return request.param


@pytest.fixture(scope="session")
def classic() -> str:
    """An interpreter of this version with memory_profiler 0.61.0."""
    python = os.environ.get("CLASSIC_PYTHON")
    if not python:
        pytest.skip(
            "CLASSIC_PYTHON does not name an interpreter with memory-profiler==0.61.0"
        )
    script = "import sys, memory_profiler as m; print(sys.version_info[:2], m.__version__)"
    said = run_python("-c", script, python=python)
    if said.out.split("\n")[0] != f"{sys.version_info[:2]} 0.61.0":
        pytest.skip(
            f"CLASSIC_PYTHON is not this Python with 0.61.0: {said.out or said.err}"
        )
    return python


def build_blocks(into: pathlib.Path) -> ModuleType:
    target = into / ("blocks" + sysconfig.get_config_var("EXT_SUFFIX"))
    include = sysconfig.get_paths()["include"]
    command = ["cc", "-O1", "-shared", "-fPIC", "-I", include, "-pthread"]
    subprocess.run(
        [*command, str(CORPUS.with_name("blocks.c")), "-o", str(target)], check=True
    )
    spec = importlib.util.spec_from_file_location("blocks", target)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return build_blocks(tmp_path_factory.mktemp("blocks"))
