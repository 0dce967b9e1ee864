"""%memit in a real IPython shell; loading the magics, and sessions as the classic's."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import memory_profiler
from conftest import MIB, run_python
from memory_profiler import _core
from notebooks import SAID, memit

pytestmark = pytest.mark.usefixtures("home")


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


# Loading ----------------------------------------------------------------------------------


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


def test_mprof_says_which_line_ran_when(ip) -> None:
    ip.user_ns["time"] = __import__("time")
    result = ip.run_cell_magic(
        "mprof",
        "-o",
        "first = take(30)\nfor i in range(3):\n    time.sleep(.05)\n\nfirst.close()",
    )
    assert [step.line for step in result.steps] == [2, 3, 6]
    grown = [step.growth for step in result.steps]
    assert grown == pytest.approx([30 * MIB, 0, -30 * MIB], abs=4 * MIB)
    assert 0 <= result.steps[0].start <= result.steps[0].end <= result.steps[1].start
    assert result.steps[1].end - result.steps[1].start >= 0.15
    shown = result._repr_html_()
    assert "for i in range(3):" in shown and "Which line ran when" in shown
    assert [one["line"] for one in result.to_dict()["steps"]] == [2, 3, 6]


def test_mprof_keeps_the_lines_of_a_cell_that_fails(ip) -> None:
    from memory_profiler._notebook.cells import Statement

    began: list[int] = []
    statement = Statement(ip, "x = 1\n@str\ndef f(): pass\n1 / 0\n", below=True, apart=True)
    with pytest.raises(ZeroDivisionError):
        statement.run(began.append)
    assert began == [2, 3, 5]


def test_a_cell_in_pieces_keeps_its_future_imports(ip) -> None:
    ip.run_cell_magic(
        "mprof",
        "-q",
        "from __future__ import annotations\ndef f(x: nosuch): pass\nkept = 3",
    )
    assert ip.user_ns["kept"] == 3 and ip.user_ns["f"].__annotations__ == {"x": "nosuch"}


def test_the_picture_of_mprof_says_that_it_does_not_begin_at_zero(ip) -> None:
    result = ip.run_cell_magic("mprof", "-o", "kept = take(5)")
    assert re.search(r"the lower edge is [\d.]+ MiB, not zero", result._repr_html_())
