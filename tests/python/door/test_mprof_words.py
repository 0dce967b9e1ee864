"""What mprof says to somebody who types it for the first time, or types it wrong."""

from __future__ import annotations

import re
import sys

import pytest

from conftest import run_python
from recordings import Recorder

pytestmark = pytest.mark.one_version

TIMELINE = "CMDLINE x.py\nFUNC m.f 1.0 1.0 2.0 1.5\nMEM 5.0 1.0\nMEM 6.0 2.0\n"


def told(here: Recorder, *words: object, code: int = 2, **more: object) -> str:
    """The one line that a command ends with."""
    done = here.mprof(*words, **more)
    assert done.code == code
    (line,) = done.err.splitlines()
    return line.removeprefix("mprof: ")


def test_commands_are_grouped_by_what_they_are_about_with_examples(here: Recorder) -> None:
    text = here.mprof("help").out
    titles = [
        text.index(f"  {t}") for t in ("Memory over time", "Memory by line", "The files")
    ]
    assert titles == sorted(titles)
    groups = re.split(r"\n  [MT].*:\n", text.partition("\nExamples:")[0])[1:]
    names = [re.findall(r"(?m)^    (\w+) ", group) for group in groups]
    assert names == [
        ["run", "attach", "plot", "peak"],
        [
            "heap",
            "detach",
            "top",
            "snapshot",
            "mark",
            "report",
            "lines",
            "flamegraph",
            "table",
            "tree",
            "stats",
            "objects",
            "diff",
            "leaks",
            "merge",
        ],
        ["list", "export", "rm", "clean", "help"],
    ]
    examples = re.findall(r"(?m)^    (mprof .*?)   ", text.partition("\nExamples:")[2])
    commands = {name for name in sum(names, [])}
    assert len(examples) == 3
    assert set(re.findall(r"mprof (\w+)", " ".join(examples))) <= commands


@pytest.mark.parametrize(("typed", "meant"), [
    ("reprot", "report"), ("flamgraph", "flamegraph"), ("pek", "peak"), ("flame", "flamegraph"),
])  # fmt: skip
def test_a_mistyped_command_is_told_what_was_meant(
    here: Recorder, typed: str, meant: str
) -> None:
    for words in ([typed, "x"], ["help", typed]):
        said = told(here, *words)
        assert f"no command '{typed}': did you mean 'mprof {meant}'?" in said


def test_a_program_without_a_command_is_told_both_ways_to_record_it(here: Recorder) -> None:
    here.write("job.v2", "print('ran')")
    for word in ("x.py", "job.v2", "sh"):
        said = told(here, word)
        assert f"'mprof run {word}'" in said and f"'mprof heap {word}'" in said
    assert "did you mean" not in told(here, "zzzzzz")
    assert not here.files


def test_attach_without_a_process_asks_for_one(here: Recorder) -> None:
    for words in (["attach"], ["attach", "-t", "5"], ["run", "--attach"]):
        assert "number" in told(here, *words, code=1)


def test_wrong_values_are_told_in_the_users_words(here: Recorder) -> None:
    here.write("x.dat", TIMELINE)
    for window in ("1", "5,2", "a,b", "-1,2"):
        said = told(here, "plot", "-w", window, "x.dat")
        assert "FROM,TO" in said and "xlim" not in said
    assert "mprof table --by" in told(here, "report", "--by", "line")


def test_a_function_or_a_file_that_is_not_there_is_a_failure(here: Recorder) -> None:
    here.write("x.dat", TIMELINE)
    here.write("none.dat", "MEM 5.0 1.0\n")
    done = here.mprof("peak", "--func", "nosuch", "x.dat")
    assert (done.code, done.out) == (1, "x.dat\tNaN MiB\n")
    assert "it has m.f" in told(here, "peak", "--func", "nosuch", "x.dat", code=1)
    assert "no functions" in told(here, "peak", "--func", "f", "none.dat", code=1)
    assert told(here, "peak", "--json", "--func", "nosuch", "x.dat", code=1)
    done = here.mprof("peak", "missing.dat", "x.dat")
    assert (done.code, done.err) == (1, "")
    assert done.out == "Input file not found: missing.dat\nx.dat\t6.000 MiB\n"
    assert here.mprof("plot", "--terminal", "missing.dat", "x.dat").code == 1


def test_a_plot_without_a_suffix_is_a_png_as_the_classics_was(here: Recorder) -> None:
    pytest.importorskip("matplotlib")
    here.write("x.dat", TIMELINE)
    assert here.mprof("plot", "-o", "name", "x.dat").code == 0
    assert (here.path / "name.png").read_bytes().startswith(b"\x89PNG")
    assert not (here.path / "name").exists()


def test_a_missing_toolkit_is_not_a_missing_matplotlib(here: Recorder) -> None:
    pytest.importorskip("matplotlib")
    here.write("x.dat", TIMELINE)
    fake = here.path / "fake"
    fake.mkdir()
    missing = "raise ModuleNotFoundError(\"No module named '_tkinter'\", name='_tkinter')"
    (fake / "tkinter.py").write_text(missing)
    backend = "import matplotlib.backends.backend_agg, tkinter\n"
    (fake / "windows.py").write_text(backend)
    done = here.mprof(
        "plot", "--backend", "module://windows", "x.dat", env={"PYTHONPATH": str(fake)}
    )
    assert done.code == 1 and "matplotlib is needed" not in done.out
    assert "pip install" not in done.err and len(done.err.splitlines()) == 1
    assert "_tkinter" in done.err and "python3-tk" in done.err


@pytest.mark.parametrize("words", [["--exit-code"], ["-CE"], ["-T", ".05", "--exit"]])
def test_run_action_raises_the_code_it_was_asked_for_also_0(
    here: Recorder, words: list[str]
) -> None:
    script = (
        "import sys, mprof\nsys.argv = ['mprof', *sys.argv[1:]]\n"
        "try:\n    mprof.run_action()\nexcept SystemExit as e:\n    print('raised', e.code)\n"
        "else:\n    print('returned')"
    )

    def said(*more: str) -> str:
        done = run_python("-c", script, *more, cwd=here.path)
        return done.out.splitlines()[-1]

    assert said(*words, "true") == "raised 0"
    assert said(*words, "sh", "-c", "exit 7") == "raised 7"
    assert said("sh", "-c", "exit 0", "-E") == said("true") == "returned"


def test_run_action_ends_as_the_classics(here: Recorder, classic: str) -> None:
    script = "import sys, mprof; sys.argv = ['mprof', '-E', 'true']\ntry: mprof.run_action()\nexcept SystemExit as e: print('raised', e.code)"
    ours, theirs = (
        run_python("-c", script, python=python, cwd=here.path).out.splitlines()[-1]
        for python in (sys.executable, classic)
    )
    assert ours == theirs == "raised 0"
