"""%mprun in a real IPython shell; what results look like as HTML."""

from __future__ import annotations

import builtins
import re
import sys
import warnings

import pytest

from conftest import MIB, parse_tables
from memory_profiler import LineProfiler
from notebooks import memit, parts_of

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


# HTML -------------------------------------------------------------------------------------


def test_html_is_made_of_what_a_sanitizer_keeps(cells) -> None:
    cells.run_cell("import time")
    for result in (
        mprun(cells, "-f loop -f fill loop()"),
        memit(cells, "-q -o -r 3 fill(3)"),
        cells.run_cell_magic("mprof", "-o", "time.sleep(.05)"),
        cells.run_cell_magic("mprof", "-o", "kept = take(8)\ntime.sleep(.05)"),
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


def test_mprun_with_nothing_to_measure_says_what_to_do(ip, capsys) -> None:
    ip.run_line_magic("mprun", "1 + 1")
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0 and said.startswith("Nothing was measured")
    assert all(word in said for word in ("-f", "@profile", "--all", "mprof heap"))
    ip.run_cell("def ran():\n    return 1\n")
    capsys.readouterr()
    ip.run_line_magic("mprun", "-f ran 1 + 1")
    assert capsys.readouterr().err == ""


def test_mprun_without_f_measures_what_the_notebook_defines_and_says_so(ip, capsys) -> None:
    ip.run_cell("import textwrap\n\ndef inner():\n    return 1\n")
    ip.run_cell("class Model:\n    def fit(self):\n        return inner()\n")
    ip.run_cell("def idle():\n    pass\n")
    result = ip.run_line_magic("mprun", "-r textwrap.dedent(str(Model().fit()))")
    assert sorted(function.name for function in result.results) == ["Model.fit", "inner"]
    said = capsys.readouterr()
    assert "Without -f: the functions of this notebook that were called, " in said.out
    assert "idle" not in said.out and said.err == ""


def test_mprun_without_f_measures_what_its_cell_defines(ip, capsys) -> None:
    ip.run_cell_magic("mprun", "", "def later():\n    kept = take(10)\n\nlater()")
    said = capsys.readouterr()
    assert "kept = take(10)" in said.out and "that were called, later." in said.out


def test_mprun_without_f_leaves_the_choice_to_profile_where_it_is_used(ip, capsys) -> None:
    ip.run_cell("def other():\n    return 1\n")
    ip.run_cell_magic(
        "mprun", "", "@profile\ndef chosen():\n    return other()\n\nchosen()"
    )
    said = capsys.readouterr().out
    assert "def chosen" in said and "def other" not in said and "Without -f" not in said


def test_mprun_measures_blocks_of_its_statement(ip, capsys) -> None:
    ip.run_cell_magic("mprun", "", "with profile:\n    kept = 1\n    more = 2\n")
    rows = parse_tables(capsys.readouterr().out)[0].rows.values()
    assert [row.source.strip() for row in rows] == ["with profile:", "kept = 1", "more = 2"]
