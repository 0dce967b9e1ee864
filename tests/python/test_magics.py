"""The magics, in a real IPython shell and in real kernels."""

from __future__ import annotations

import builtins
import os
import pathlib
import re
import subprocess
import sys
import warnings

import pytest

import memory_profiler
from conftest import parse_tables, run_python
from memory_profiler import LineProfiler, _core
from notebooks import Kernel, Ran, a_kernel, parts_of, run_notebook, take

MIB = 2**20
SAID = re.compile(r"^peak memory: (-?[\d.]+) MiB, increment: (-?[\d.]+) MiB$", re.M)

# What a sanitizer keeps (JupyterLab's, for outputs of notebooks that are not trusted).
TAGS = {
    "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "strong", "small", "figure",
    "figcaption", "img", "span", "p",
}  # fmt: skip
ATTRIBUTES = {"style", "scope", "colspan", "alt", "src", "width", "height"}
STYLES = {
    "background-color", "border-bottom", "border-collapse", "caption-side", "display", "float",
    "font-family", "font-size", "font-weight", "height", "line-height", "margin", "margin-left",
    "max-width", "min-width", "opacity", "overflow-x", "padding", "text-align",
    "vertical-align", "white-space", "width",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
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


def memit(ip, line: str, cell: str | None = None):
    return (
        ip.run_line_magic("memit", line)
        if cell is None
        else ip.run_cell_magic("memit", line, cell)
    )


# %memit -----------------------------------------------------------------------------------


def test_memit_says_the_true_peak_of_a_spike(ip, capsys, tolerance) -> None:
    memit(ip, "take(200).close()")
    (said,) = SAID.findall(capsys.readouterr().out)
    assert float(said[1]) == pytest.approx(200, abs=2 * tolerance)


@pytest.mark.parametrize("runs", [1, 2, 7])
def test_memit_runs_the_statement_exactly_r_times(ip, runs) -> None:
    ip.user_ns["ran"] = []
    result = memit(ip, f"-q -o -r {runs} ran.append(1)")
    assert len(ip.user_ns["ran"]) == runs == len(result.mem_usage) == len(result.runs)


def test_memit_of_a_cell_runs_its_setup_once(ip, capsys) -> None:
    ip.user_ns["ran"] = []
    memit(ip, "-r 3 ran.append('setup')", "ran.append('cell')\nkept = len(ran)")
    assert ip.user_ns["ran"] == ["setup", "cell", "cell", "cell"]
    assert ip.user_ns["kept"] == 4
    assert len(SAID.findall(capsys.readouterr().out)) == 1


def test_memit_measures_a_spike_in_each_run(ip) -> None:
    ip.user_ns["sizes"] = [60, 10, 30]
    result = memit(ip, "-q -o -r 3 take(sizes.pop(0)).close()")
    grown = [peak - result.runs[1] for peak in result.runs]
    assert grown == pytest.approx([50 * MIB, 0, 20 * MIB], abs=3 * MIB)
    assert result.peak == result.runs[0] and result.increment == result.peak - round(
        result.baseline * MIB
    )


def test_memit_starts_no_thread_and_no_process(ip) -> None:
    ip.user_ns["look"] = lambda: (
        len(os.listdir("/proc/self/task")),
        _core.children(os.getpid()),
    )
    before = ip.user_ns["look"]()
    memit(ip, "-q seen = look()")
    assert ip.user_ns["seen"] == before


def test_memit_without_runs_says_so(ip, capsys) -> None:
    assert memit(ip, "-r 0 nothing") is None
    assert capsys.readouterr().out == (
        "ERROR: could not read memory usage, try with a lower interval or more iterations\n"
    )


def test_memit_adds_children_on_request(ip) -> None:
    ip.user_ns.update(subprocess=subprocess, sys=sys)
    code = "import sys; kept = b'x' * (60 << 20); print(flush=True); sys.stdin.read()"
    ip.user_ns["words"] = [sys.executable, "-c", code]
    ip.run_cell("""
def hold():
    import time
    child = subprocess.Popen(words, stdin=-1, stdout=-1)
    child.stdout.readline()
    time.sleep(.2)
    child.communicate()
""")
    result = memit(ip, "-q -o -c -i 0.01 hold()")
    assert result.increment > 60 * MIB and result.include_children


def test_a_memit_result_has_what_the_classics_has_and_more(ip) -> None:
    result = memit(ip, "-q -o -r 2 -t 3 -i 0.2 1")
    assert (result.repeat, result.timeout, result.interval, result.include_children) == (
        2,
        3,
        0.2,
        False,
    )
    assert (
        ip.display_formatter.format(result)[0]["text/plain"] == f"<MemitResult : {result}>"
    )
    assert SAID.fullmatch(str(result))
    told = result.to_dict()
    assert told["peak"] == result.peak == max(told["runs"]) and told["unit"] == "bytes"
    frame = result.to_pandas()
    assert (
        list(frame.columns) == ["run", "peak", "increment"]
        and frame["peak"].max() == result.peak
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-r abc 1", "-r takes a whole number, not 'abc'"),
        ("-i nan 1", "-i takes a positive number of seconds, not nan"),
        ("-i 0 1", "-i takes a positive number of seconds, not 0.0"),
        ("-t 1.5 1", "-t takes a whole number, not '1.5'"),
        ("-z 1", 'option -z not recognized (allowed: "r:t:i:coq")'),
    ],
)
def test_a_bad_option_of_memit_is_a_usage_error(ip, line, said) -> None:
    from IPython.core.error import UsageError

    with pytest.raises(UsageError) as caught:
        memit(ip, line)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("-oq kept = 1", 1),
        ("-q -r3 kept = 2", 2),
        ("-q -- kept = 3", 3),
        ("-q kept = 'a  -q b'", "a  -q b"),
        ("-q kept = 5 # it's", 5),
        ("  -r 1 -q   kept=[6,  -1]", [6, -1]),
        ("-i '0.5' -q kept = 7", 7),
    ],
)
def test_the_statement_is_what_stands_behind_the_options(ip, capsys, line, kept) -> None:
    memit(ip, line)
    assert ip.user_ns["kept"] == kept
    assert capsys.readouterr().out == ""


def test_a_syntax_error_is_the_statements_and_nothing_runs(ip) -> None:
    ip.user_ns["ran"] = []
    with pytest.raises(SyntaxError):
        memit(ip, "ran.append(1)", "ran.append(2)\nx = = 1")
    assert ip.user_ns["ran"] == []


@pytest.mark.parametrize("magic", ["memit", "mprun", "mprof"])
def test_what_a_statement_raises_comes_out_and_no_child_is_killed(
    ip, magic, capsys
) -> None:
    child = subprocess.Popen(["sleep", "60"])
    threads = len(os.listdir("/proc/self/task"))
    try:
        for error in (ValueError("mine"), SystemExit(3), KeyboardInterrupt("mine")):
            ip.user_ns["error"] = error
            run = ip.run_cell_magic
            if magic == "mprun" and not isinstance(error, ValueError):
                run(magic, "", "raise error")
                name = type(error).__name__
                assert (
                    f"*** {name} exception caught in code being profiled."
                    in capsys.readouterr().out
                )
                continue
            with pytest.raises(type(error)) as caught:
                run(magic, "", "raise error")
            assert caught.value is error
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    assert len(os.listdir("/proc/self/task")) == threads


# %mprun -----------------------------------------------------------------------------------

SOURCE = """\
def fill(n):
    kept = take(n)
    return kept

def loop():
    for i in range(3):
        fill(i + 1)

class Model:
    @property
    def size(self):
        return 1

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def help():
        return 2

    def fit(self):
        return self

async def wait():
    import asyncio
    kept = take(30)
    await asyncio.sleep(0)
    return kept

def numbers():
    yield 1
    yield 2
"""


@pytest.fixture
def cells(ip):
    ip.run_cell(SOURCE)
    return ip


def mprun(ip, line: str, cell: str | None = None):
    if cell is None:
        return ip.run_line_magic("mprun", f"-r {line}")
    return ip.run_cell_magic("mprun", f"-r {line}", cell)


def test_mprun_knows_functions_of_cells(cells, capsys, tolerance) -> None:
    result = mprun(cells, "-f fill fill(40)")
    (table,) = parse_tables(capsys.readouterr().out)
    assert [row.source for row in table.rows.values()] == SOURCE.splitlines()[:3]
    assert table.line("take(n)").increment == pytest.approx(40, abs=tolerance)
    assert result.results["fill"].lines[2].occurrences == 1


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("-f fill -f loop loop()", ["fill", "loop"]),
        ("-f Model.fit Model().fit()", ["Model.fit"]),
        ("-f Model Model.make().fit().size; Model.help()",
         ["Model.size", "Model.make", "Model.help", "Model.fit"]),
        ("-f Model.size Model().size", ["Model.size"]),
        ("-f wait await wait()", ["wait"]),
        ("-f numbers list(numbers())", ["numbers"]),
        ("-f *i*l* loop()", ["fill"]),
        ("-f 'Model.*' Model().fit()", ["Model.fit"]),
        ("-f [fl]* loop()", ["fill", "loop"]),
        ("-f textwrap:TextWrapper._split __import__('textwrap').wrap('a b')", ["TextWrapper._split"]),
        ("-f textwrap:TextWrapper.wr?p __import__('textwrap').wrap('a b')", ["TextWrapper.wrap"]),
        ("-f textwrap:wrap __import__('textwrap').wrap('a b')", ["wrap"]),
    ],
)  # fmt: skip
def test_mprun_finds_what_f_names(cells, line, names) -> None:
    assert [function.name for function in mprun(cells, line).results] == names


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nosuch", "NameError: name 'nosuch' is not defined"),
        ("Model.nosuch", "AttributeError: type object 'Model' has no attribute 'nosuch'"),
        ("nosuch*", "NameError: no function matches 'nosuch*'"),
        ("textwrap:nosuch", "NameError: name 'nosuch' is not defined"),
        ("no.such.module:f", "ModuleNotFoundError: No module named 'no'"),
    ],
)
def test_a_missing_name_is_a_usage_error_that_says_so(cells, name, reason) -> None:
    from IPython.core.error import UsageError

    cells.user_ns["ran"] = []
    with pytest.raises(UsageError) as caught:
        mprun(cells, f"-f {name} ran.append(1)")
    assert str(caught.value) == f"Could not find function {name!r}.\n{reason}"
    assert cells.user_ns["ran"] == []


def test_what_has_no_code_is_warned_of(cells) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mprun(cells, "-f len len('')")
    assert [str(one.message) for one in caught] == [
        "Could not extract a code object for the object <built-in function len>"
    ]


def test_a_cell_can_name_the_functions_it_defines(ip) -> None:
    cell = "def later():\n    return bytearray(4 << 20)\nclass Fit:\n    def run(self):\n        return 1\n"
    result = mprun(ip, "-f later -f Fit", cell + "later(); Fit().run()")
    assert [function.name for function in result.results] == ["later", "Fit.run"]
    assert result.results["later"].lines[3].source == "    return bytearray(4 << 20)"


def test_decorated_functions_are_measured_and_builtins_put_back(ip) -> None:
    cell = "@profile\ndef later():\n    return 1\nlater()"
    for before in (None, "mine"):
        vars(builtins).pop("profile", None)
        if before:
            builtins.profile = before
        assert [one.name for one in mprun(ip, "", cell).results] == ["later"]
        assert vars(builtins).pop("profile", None) == before
        with pytest.raises(ZeroDivisionError):
            mprun(ip, "1/0")
        assert "profile" not in vars(builtins)


def test_threads_of_the_statement_are_counted(cells) -> None:
    cell = """
import threading
threads = [threading.Thread(target=fill, args=(1,)) for _ in range(3)]
[one.start() for one in threads]; [one.join() for one in threads]
"""
    assert mprun(cells, "-f fill", cell).results["fill"].lines[3].occurrences == 3


def watched(function) -> bool:
    """Whether a monitoring tool of ours gets events of the function's code."""
    if sys.version_info < (3, 12):
        pytest.skip("3.11 has no sys.monitoring to ask")
    tools = [tool for tool in (3, 4) if sys.monitoring.get_tool(tool)]
    return any(sys.monitoring.get_local_events(tool, function.__code__) for tool in tools)


def test_a_profiled_function_is_watched(cells) -> None:
    profiler = LineProfiler()
    profiler.add_function(cells.user_ns["fill"])
    assert watched(cells.user_ns["fill"])


def test_a_function_is_free_again_after_the_statement(cells) -> None:
    result = mprun(cells, "-f fill fill(1)")
    assert not watched(cells.user_ns["fill"])
    assert result.results["fill"].lines[2].occurrences == 1
    with pytest.warns(RuntimeWarning, match="ended"):
        result.add_function(cells.user_ns["loop"])


def test_a_function_is_free_again_after_an_error(cells) -> None:
    cells.run_cell("def fail():\n    1/0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        mprun(cells, "-f fail fail()")
    assert not watched(cells.user_ns["fail"])
    assert caught.value.__traceback__ is not None  # and with it the frames of the magic


def test_the_result_is_a_line_profiler_with_data(cells) -> None:
    result = mprun(cells, "-f fill fill(40)")
    assert isinstance(result, LineProfiler)
    ((name, rows),) = result.code_map.items()
    assert dict(rows)[2][2] == 1
    line = result.lines[name, 2]
    assert result.peak >= line.peak >= line.increment > 39 * MIB
    assert result.to_dict()["functions"][0]["function"] == "fill"
    frame = result.to_pandas()
    assert list(frame.columns) == [
        "function", "filename", "line", "memory", "increment", "peak", "occurrences", "source",
    ]  # fmt: skip
    assert frame["source"].tolist() == SOURCE.splitlines()[:3]


def test_mprun_counts_the_heap_on_request(ip, capsys) -> None:
    cell = "def later():\n    return bytearray(5000)\nlater()"
    result = mprun(ip, "-H -f later", cell)
    line = result.results["later"].lines[3]
    assert line.allocated == line.net == line.heap_peak and 5000 <= line.net <= 5100
    assert result.to_dict()["functions"][0]["lines"][1]["net"] == line.net
    assert list(result.to_pandas().columns)[-6:-2] == [
        "allocated",
        "freed",
        "net",
        "heap_peak",
    ]
    assert ">Heap peak</th>" in result._repr_html_()
    said = capsys.readouterr().out
    assert "Heap peak  Occurrences" in said and re.search(r" (4\.9|5\.0) KiB ", said)
    plain = mprun(ip, "-f later", cell)
    assert plain.results["later"].lines[3].allocated is None
    assert "Heap peak" not in plain._repr_html_() + capsys.readouterr().out


def test_mprun_saves_its_tables(cells, tmp_path, capsys) -> None:
    path = tmp_path / "t.txt"
    mprun(cells, f"-T {path} -f fill fill(2)")
    out = capsys.readouterr().out
    assert out.endswith(f"\n\n*** Profile printout saved to text file {path}. \n")
    assert path.read_text() == out[: out.index("\n\n\n***")]


def test_a_file_that_cannot_be_written_is_a_usage_error(cells, tmp_path) -> None:
    from IPython.core.error import UsageError

    path = tmp_path / "no" / "t.txt"
    with pytest.raises(UsageError) as caught:
        mprun(cells, f"-T {path} -f fill fill(2)")
    assert (
        str(caught.value)
        == f"could not save the printout to '{path}': No such file or directory"
    )


def test_without_pandas_one_line_says_what_to_do(cells, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for result in (mprun(cells, "-f fill fill(1)"), memit(cells, "-q -o 1")):
        with pytest.raises(ImportError) as caught:
            result.to_pandas()
        assert str(caught.value) == (
            "to_pandas() needs pandas, which is not installed: pip install pandas"
        )


def test_old_set_ups_find_their_names(ip, capsys) -> None:
    memory_profiler.magic_memit(ip, "-q kept = 1")
    assert ip.user_ns["kept"] == 1
    memory_profiler.magic_mprun(ip, "kept = 2")
    assert ip.user_ns["kept"] == 2
    memory_profiler.register_magics(ip)
    memory_profiler.MemoryProfilerMagics.register_magics(ip)
    ip.register_magics(memory_profiler.MemoryProfilerMagics)
    memit(ip, "-q kept = 3")
    assert ip.user_ns["kept"] == 3


# HTML -------------------------------------------------------------------------------------


def test_html_is_made_of_what_a_sanitizer_keeps(cells) -> None:
    cells.run_cell("import time")
    for result in (
        mprun(cells, "-f loop -f fill loop()"),
        memit(cells, "-q -o -r 3 fill(3)"),
        cells.run_cell_magic("mprof", "-o", "time.sleep(.05)"),
    ):
        parts = parts_of(result._repr_html_())
        assert parts.tags <= TAGS
        assert parts.attributes <= ATTRIBUTES
        assert parts.styles <= STYLES


def test_markup_in_source_stays_text(ip) -> None:
    bad = '</td><script>alert(1)</script><img src=x onerror="alert(1)">]]>'
    ip.run_cell(f"def f():\n    return {bad!r}\n")
    shown = mprun(ip, "-f f f()")._repr_html_()
    parts = parts_of(shown)
    assert parts.tags <= TAGS and "img" not in parts.tags
    assert any(repr(bad) in words for words in ["".join(parts.words)])


def test_the_line_that_added_most_is_marked_in_words(cells) -> None:
    words = "".join(parts_of(mprun(cells, "-f fill fill(40)")._repr_html_()).words)
    assert "line 2 added most, 40.0 MiB" in words
    assert "kept = take(n) ◀ added most" in words


# Loading ----------------------------------------------------------------------------------


def test_importing_and_taking_names_loads_no_ipython() -> None:
    said = run_python(
        "-c",
        "import sys\n"
        "from memory_profiler import *\n"
        "from memory_profiler import MemitResult, magic_mprun, load_ipython_extension\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('IPython', 'traitlets', 'asyncio')])",
    )
    assert (said.out, said.code) == ("[]\n", 0), said.err


def test_loading_the_extension_imports_little_beside_the_package() -> None:
    said = run_python(
        "-c",
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "ip = InteractiveShell.instance()\n"
        "before = set(sys.modules)\n"
        "ip.extension_manager.load_extension('memory_profiler')\n"
        "new = set(sys.modules) - before\n"
        "print(sorted(m for m in new if m.split('.')[0] != 'memory_profiler'))\n"
        "ip.run_line_magic('memit', '1')",
    )
    first, second = said.out.splitlines()
    assert first == "[]" and SAID.match(second), said


SESSION = """\
%load_ext memory_profiler
import textwrap
%memit bytearray(10 << 20)
r = %memit -o -r 2 1
r
print(r)
%memit -r 0 1
%memit -q 1
%memit
%mprun
%mprun -f textwrap.indent textwrap.indent('a', ' ')
%mprun -T {file} -f textwrap.indent textwrap.indent('a', ' ')
print(repr(open({file!r}).read()))
%mprun -f textwrap.indent raise SystemExit(3)
%mprun -f textwrap.indent raise KeyboardInterrupt
%mprun -f nosuch 1
%mprun -f textwrap.nosuch 1
get_ipython().run_cell_magic('memit', 'z = 4', 'w = z + 1')
print(w)
get_ipython().run_cell_magic('mprun', '-f textwrap.indent y = 2', 'textwrap.indent("b", "")')
print(y)
"""


def session_of(python: str, script: str) -> str:
    done = subprocess.run(
        [python, "-m", "IPython", "--colors=NoColor", "--simple-prompt", "--no-banner", "-i"],
        input=script, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    out = done.stdout[done.stdout.index("In [1]") :] + done.stderr
    return re.sub(r" *-?\d+\.\d+ MiB", " N MiB", out)


def test_a_session_reads_as_the_classics(classic, tmp_path) -> None:
    """Byte for byte apart from the numbers, output and prompts; and the file of -T."""
    if run_python("-c", "import IPython", python=classic).code:
        pytest.skip("CLASSIC_PYTHON has no IPython")
    script = SESSION.format(file=str(tmp_path / "t.txt"))
    ours, theirs = session_of(sys.executable, script), session_of(classic, script)
    assert ours.splitlines() == theirs.splitlines()
    assert "peak memory: N MiB, increment: N MiB" in ours


# Kernels ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook(home) -> dict[str, Ran]:
    cells = {
        "load": "%load_ext memory_profiler\nimport time, asyncio",
        "define": "def fill(n):\n    kept = bytearray(n << 20)\n    return kept\n"
        "async def wait(n):\n    kept = fill(n)\n    await asyncio.sleep(0)\n    return kept\n"
        "def boom():\n    raise ValueError('no')",
        "mprun": "%mprun -f fill fill(40)",
        "returned": "%mprun -r -f fill fill(40)",
        "await": "%mprun -f wait await wait(30)",
        "memit": "%memit -r 2 fill(40)",
        "result": "%memit -o -q fill(40)",
        "memit await": "%memit await wait(5)",
        "mprof": "%%mprof\nspike = bytearray(150 << 20); del spike\ntime.sleep(.1)\n6 * 7",
        "quiet": "%%mprof -q\n6 * 8",
        "data": "%%mprof -o -i 0.001\ntime.sleep(.05)",
        "read": "r = _\nprint(len(r.samples), r.peak, len(r.to_pandas()), r.to_dict()['unit'])",
        "mprof await": "%%mprof\nawait wait(5)\nprint('after')",
        "mprof error": "%%mprof\n1\nboom()",
        "memit error": "%memit boom()",
        "mprun error": "%mprun -f boom boom()",
        "await error": "%memit await asyncio.sleep(boom())",
        "syntax": "%memit x = (",
        "missing": "%mprun -f nosuch 1",
        "exit": "%mprun -f fill raise SystemExit",
        "words": "%%mprof fill(3)\npass",
        "end": "print('still here')",
    }
    return dict(zip(cells, run_notebook(*cells.values()), strict=True))


def test_a_notebook_keeps_the_table_as_text_and_as_html(notebook, tolerance) -> None:
    for name in ("mprun", "returned"):
        (table,) = parse_tables(
            notebook[name].text.replace("<MprunResult: fill>\n", "") + "\n"
        )
        assert table.line("bytearray").increment == pytest.approx(40, abs=tolerance)
        assert notebook[name].html.count("<table") == 1
        assert re.search(r"In\[2\], line 1", notebook[name].html)


def test_awaiting_works_on_a_running_loop(notebook, tolerance) -> None:
    (table,) = parse_tables(notebook["await"].text + "\n")
    assert table.line("await asyncio").occurrences >= 1
    assert SAID.search(notebook["memit await"].text)
    assert notebook["mprof await"].text.startswith("after\n")
    assert "ValueError: no" in notebook["await error"].error


def test_memit_prints_in_a_notebook(notebook, tolerance) -> None:
    (said,) = SAID.findall(notebook["memit"].text)
    assert float(said[1]) == pytest.approx(40, abs=2 * tolerance)
    assert notebook["result"].html.count("<table") == 1
    assert notebook["result"].text.startswith("<MemitResult : peak memory: ")


def test_a_cell_is_drawn_with_words(notebook, tolerance) -> None:
    cell = notebook["mprof"]
    said = re.search(r"peak ([\d.]+) MiB, ([\d.]+) MiB over the start", cell.text)
    assert float(said[2]) == pytest.approx(150, abs=2 * tolerance)
    assert cell.text.startswith("42\n")
    assert said[0] in re.search(r'alt="([^"]*)"', cell.html)[1]
    assert "data:image/svg+xml,%3Csvg" in cell.html
    assert notebook["quiet"].text == "48\n" and not notebook["quiet"].html


def test_the_drawing_is_data_too(notebook) -> None:
    samples, peak, rows, unit = notebook["read"].text.split()
    assert int(samples) == int(rows) >= 10 and int(peak) > MIB and unit == "bytes"


@pytest.mark.parametrize(
    "name", ["mprof error", "memit error", "mprun error", "await error"]
)
def test_a_traceback_has_the_users_frames_only(notebook, name) -> None:
    error = notebook[name].error
    assert "ValueError: no" in error and "boom()" in error
    assert "memory_profiler" not in error.replace("%load_ext memory_profiler", "")
    assert "site-packages" not in error


def test_bad_cells_say_what_is_wrong(notebook) -> None:
    assert notebook["syntax"].error.endswith("SyntaxError: '(' was never closed\n")
    assert notebook["missing"].text == (
        "UsageError: Could not find function 'nosuch'.\nNameError: name 'nosuch' is not defined\n"
    )
    assert (
        notebook["exit"].text == "*** SystemExit exception caught in code being profiled.\n"
    )
    assert notebook["words"].text == "UsageError: %%mprof runs the cell, not 'fill(3)'\n"
    assert notebook["end"].text == "still here\n"


LOAD = "%load_ext memory_profiler\nimport time, os"
ALIVE = """
import threading
print(threading.active_count(), [n for n in (open(f"/proc/self/task/{t}/comm").read()
    for t in os.listdir("/proc/self/task")) if "sampl" in n or "prof" in n])
"""


@pytest.mark.parametrize(
    "cell",
    [
        "%memit -r 1000 print('started', flush=True) or time.sleep(600)",
        "%%mprof\nprint('started', flush=True)\ntime.sleep(600)",
        "%mprun print('started', flush=True) or time.sleep(600)",
        "%%mprof\nimport asyncio\nprint('started', flush=True)\nawait asyncio.sleep(600)",
    ],
)
def test_an_interrupted_cell_ends_and_the_kernel_goes_on(home, cell) -> None:
    with a_kernel() as kernel:
        kernel.run(LOAD)
        threads = kernel.run(ALIVE).text
        ran = kernel.run(cell, kernel.manager.interrupt_kernel)
        assert "KeyboardInterrupt" in ran.error + ran.text
        assert ("data:image" in ran.html) == cell.startswith("%%mprof")
        assert kernel.run(ALIVE).text == threads
        assert SAID.search(kernel.run("%memit 1").text)
    assert not list((home / "tmp").iterdir())


def restart(kernel: Kernel) -> None:
    kernel.client.stop_channels()
    kernel.manager.restart_kernel(now=True)
    kernel.client = kernel.manager.client()
    kernel.client.start_channels()
    kernel.client.wait_for_ready(timeout=60)


@pytest.mark.parametrize("magic", ["%%memit -c", "%%mprof", "%%mprun -f time.sleep"])
def test_a_kernel_restarted_in_the_middle_leaves_nothing(home, magic) -> None:
    with a_kernel() as kernel:
        kernel.run(LOAD)
        pid = int(kernel.run("print(os.getpid())").text)
        children = set(_core.children(os.getpid()))
        kernel.client.execute(f"{magic}\nprint('started', flush=True)\ntime.sleep(600)")
        while True:
            message = kernel.client.get_iopub_msg(timeout=60)
            if "started" in str(message["content"].get("text")):
                break
        assert set(_core.children(os.getpid())) == children
        restart(kernel)
        assert not pathlib.Path(f"/proc/{pid}/stat").exists()
        kernel.run(LOAD)
        assert SAID.search(kernel.run("%memit 1").text)
    assert not list((home / "tmp").iterdir())
