"""mprof peak, list, rm, clean, help: recordings as files; and 0.61's, both ways."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import mprof
from conftest import run_python
from recordings import PROGRAM, Recorder

pytestmark = pytest.mark.one_version

CLASSIC_FILES = {
    "mprofile_20200101000000.dat": "CMDLINE python a.py\nMEM 10.000000 1000.0000\nMEM 35.183594 1000.1000\n",
    "functions.dat": (
        "CMDLINE python 'a b.py' --foo 1\nFUNC __main__.outer 27.6211 1000.0100 27.6250 1000.5000 0\n"
        "FUNC __main__.inner 27.6211 1000.1000 40.6250 1000.2000 1\nFUNC a.inner 20.0 1000.1 20.0 1000.2 1\n"
        "MEM 27.000000 1000.0000\nMEM 45.000000 1000.1500\nMEM 30.000000 1000.4000\n"
    ),
    "children.dat": (
        "CMDLINE x\nMEM 1.164062 1000.0000\nCHLD 25280 9.718750 1000.0001\nMEM 1.164062 1000.1000\n"
        "CHLD 25280 9.722656 1000.1001\nCHLD 25281 3.000000 1000.1002\n"
    ),
    "appended.dat": "CMDLINE one\nMEM 5.0 1.0\nCMDLINE two\nMEM 6.0 2.0\n",
    "old.dat": "CMDLINE x\nMEM 5.0 1.0\nFUNC m.f 1.0 1.0 2.0 1.5\nMEM 6.0 2.0\n",
}


def classic_mprof(classic: str, here: Recorder, *words: str) -> str:
    return run_python("-m", "mprof", *words, python=classic, cwd=here.path).out


@pytest.mark.parametrize("name", CLASSIC_FILES)
def test_faults_21_we_say_of_a_classic_file_what_the_classic_says(
    here: Recorder, classic: str, name: str
) -> None:
    here.write(name, CLASSIC_FILES[name])
    if name != "functions.dat":  # there its readings inside the functions count for us too
        assert here.mprof("peak", name).out == classic_mprof(classic, here, "peak", name)
    ours = mprof.read_mprofile_file(str(here.path / name))
    script = (
        "import json, sys, mprof; print(json.dumps(mprof.read_mprofile_file(sys.argv[1])))"
    )
    theirs = json.loads(run_python("-c", script, str(here.path / name), python=classic).out)
    assert json.loads(json.dumps(ours)) == theirs


def test_faults_21_the_classic_records_and_we_read(here: Recorder, classic: str) -> None:
    here.write(
        "s.py",
        "import time\n@profile\ndef f():\n    x = bytearray(30 << 20); time.sleep(.3)\nf()\n",
    )
    classic_mprof(classic, here, "run", "-o", "c.dat", "s.py")
    peak = here.mprof("peak", "c.dat")
    assert not peak.err and re.fullmatch(r"c.dat\t\d+\.\d{3} MiB\n", peak.out)
    assert "f " in here.mprof("plot", "--terminal", "c.dat").out


def test_faults_21_the_classic_reads_ours(here: Recorder, classic: str) -> None:
    here.write("s.py", (
        "import time, os\n@profile\ndef f():\n    x = bytearray(30 << 20); time.sleep(.3)\n"
        "with profile.timestamp('two words'): f()\n"
        "if os.fork() == 0: time.sleep(.2); os._exit(0)\nos.wait()"
    ))  # fmt: skip
    assert here.mprof("run", "-M", "-C", "-T", ".02", "s.py").code == 0
    said = classic_mprof(classic, here, "peak").splitlines()
    ours = mprof.read_mprofile_file(str(here.file))
    assert said[1] == f"{here.file.name}\t{max(ours['mem_usage']):.3f} MiB"
    assert len(said) == 2 + len(ours["children"])
    assert set(ours["func_timestamp"]) == {"__main__.f", ".two words"}
    script = "import sys, mprof; d = mprof.read_mprofile_file(sys.argv[1]); print(sorted(d['func_timestamp']))"
    theirs = run_python("-c", script, str(here.file), python=classic).out
    assert theirs == "['.two\\\\x20words', '__main__.f']\n"


def test_peak_of_a_function(here: Recorder) -> None:
    here.write("f.dat", CLASSIC_FILES["functions.dat"])
    assert (
        here.mprof("peak", "--func", "__main__.inner", "f.dat").out == "f.dat\t45.000 MiB\n"
    )
    assert here.mprof("peak", "--func", "outer", "f.dat").out == "f.dat\t45.000 MiB\n"
    assert (
        here.mprof("peak", "--func", "inner", "f.dat").out == "f.dat\tNaN MiB\n"
    )  # two have it


def test_peak_and_list_as_json(here: Recorder) -> None:
    here.mprof("run", "-M", "sh", "-c", "sleep .3; true")
    (listed,) = json.loads(here.mprof("list", "--json").out)
    assert listed["file"] == here.file.name and listed["size"] == here.file.stat().st_size
    (peak,) = json.loads(here.mprof("peak", "--json", listed["file"]).out)
    assert peak["samples"] == len(here.records("MEM")) and peak["peak"] <= peak["at_most"]
    (child,) = peak["children"]
    assert child["name"] in ("sleep", "sh") and child["peak"] > 0


def test_list_is_as_the_classic_prints_it(here: Recorder, classic: str) -> None:
    for name in (
        "mprofile_20261123030525.dat",
        "mprofile_20250101000000.dat",
        "mprofile_x.dat",
        "other.dat",
    ):
        here.write(name, "MEM 1.0 1.0\n")
    assert here.mprof("list").out == classic_mprof(classic, here, "list")
    assert (
        here.mprof("list").out.splitlines()[1]
        == "1 mprofile_20261123030525.dat 03:05:25 23/11/2026"
    )


def test_without_files_the_classics_words_and_255(here: Recorder) -> None:
    for command in ("peak", "plot"):
        done = here.mprof(command)
        assert done.code == 255
        assert done.out.startswith(
            "No input file found. \nThis program looks for mprofile_*.dat files"
        )
        done = here.mprof(command, "zzz")
        assert done.code == 255
        assert done.out == "Input file not found: zzz\nNo files found from given input.\n"


@pytest.mark.parametrize(("content", "code", "said"), [
    (b"", 1, "is empty"), (b"CMDLINE only\n", 1, "no memory sample"), (b"hello\nworld\n", 1, "not an mprof capture"),
    (bytes(range(256)) * 40, 1, "not an mprof capture"), (b"MPROF 9 later\nMEM 1.0 1.0\n", 1, "version 9"),
    (b"\x7fELF" + b"\0" * 5000, 1, "not an mprof capture"), (b"MEM 5.0 1.0\nMEM x\n", 0, "skipped 1 line"),
    (b"MPROF 1 pid=1\nMEM 5.0 1.0\n", 0, "incomplete"),
    (b"MEM 5.0 1.0\nMEM 6.0", 0, "cut off"),
])  # fmt: skip
def test_faults_16_17_20_what_is_in_a_file(
    here: Recorder, content: bytes, code: int, said: str
) -> None:
    here.write("x.dat", content)
    done = here.mprof("peak", "x.dat")
    assert done.code == code
    assert said in done.err and len(done.err.splitlines()) == 1


def test_rm_takes_indices_and_names(here: Recorder) -> None:
    for day in range(1, 5):
        here.write(f"mprofile_2026010{day}000000.dat", "MEM 1.0 1.0\n")
    here.write("mprofile_20260102000000_ts.dat", "FUNC f 1.0 1.0 1.0 1.0 0\n")
    assert here.mprof("rm", "--dry-run", "1").out == (
        "Files to be removed: \nmprofile_20260102000000.dat\nmprofile_20260102000000_ts.dat\n"
    )
    assert here.mprof("rm", "1", "-1").code == 0
    assert [f.name[15:17] for f in here.files] == ["01", "03"]
    assert here.mprof("rm", "7").code == 1 and here.mprof("rm", "-7").code == 1
    assert here.mprof("rm", ".").code == 1 and here.mprof("rm").code == 1
    assert len(here.files) == 2


def test_faults_15_nothing_foreign_is_removed(here: Recorder) -> None:
    here.write("x.txt", "notes")
    here.write("mprofile_20260101000000.dat", "MEM 1.0 1.0\n")
    here.write("mprofile_20260102000000.dat", "somebody else's\n")
    here.write("mprofile_20260103000000.dat", "")
    (here.path / "mprofile_20260104000000.dat").symlink_to("x.txt")
    done = here.mprof("rm", "0", "x.txt")
    assert done.code == 1 and "x.txt is not an mprof capture" in done.err
    assert len(here.files) == 4
    dry = here.mprof("clean", "--dry-run").out.splitlines()
    assert dry == [
        "Files to be removed: ",
        "mprofile_20260101000000.dat",
        "mprofile_20260103000000.dat",
    ]
    assert here.mprof("clean").code == 0
    assert sorted(f.name[15:17] for f in here.files) == ["02", "04"] or len(here.files) == 2
    assert (here.path / "x.txt").read_text() == "notes"


def test_faults_54_a_closed_pipe_is_no_error(here: Recorder) -> None:
    for day in range(10, 29):
        here.write(f"mprofile_202601{day}000000.dat", "MEM 1.0 1.0\n")
    done = subprocess.run(
        ["bash", "-c", f"'{PROGRAM}' list | head -0; exit ${{PIPESTATUS[0]}}"], cwd=here.path,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 141) and not done.stderr


def test_help_comes_from_one_table(here: Recorder) -> None:
    for command in (
        "run", "attach", "plot", "peak", "list", "rm", "clean", "heap", "report", "lines", "help",
    ):  # fmt: skip
        asked, told = here.mprof("help", command), here.mprof(command, "-h")
        assert asked.code == told.code == 0 and asked.out == told.out
        manual = here.mprof("help", "--man", command).out.replace("\\-", "-")
        for option in re.findall(r"--([a-z-]+)", asked.out.partition("options:")[2]):
            if option in ("help", "version"):
                continue
            assert f"--{option}" in manual
            for shell in ("bash", "zsh", "fish"):
                assert option in here.mprof("help", "--completion", shell).out
        assert all(
            len(line) < 80 and line == line.rstrip() for line in asked.out.splitlines()
        )
    assert here.mprof("--version").out == here.mprof("run", "--version").out


def test_the_shells_accept_the_completions(here: Recorder) -> None:
    text = here.mprof("help", "--completion", "bash").out
    here.write(
        "c",
        text
        + "\nCOMP_WORDS=(mprof run --ba); COMP_CWORD=2; _mprof; echo ${COMPREPLY[@]}\n",
    )
    assert (
        subprocess.run(["bash", "c"], cwd=here.path, capture_output=True, text=True).stdout
        == "--backend\n"
    )
    here.write("a.dat", "")
    here.write("a.mprof", "")
    here.write("a.txt", "")
    here.write(
        "c",
        text + "\nCOMP_WORDS=(mprof lines a); COMP_CWORD=2; _mprof; echo ${COMPREPLY[@]}\n",
    )
    done = subprocess.run(["bash", "c"], cwd=here.path, capture_output=True, text=True)
    assert done.stdout == "a.dat a.mprof\n"


def test_the_program_needs_libc_only() -> None:
    needed = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout
    libraries = re.findall(r"^\s*(\S+)", needed, re.M)
    assert [
        name for name in libraries if not re.search(r"vdso|ld-linux|libc\.", name)
    ] == []


def test_python_m_mprof_is_the_same_program(here: Recorder) -> None:
    done = run_python("-m", "mprof", "run", "true", cwd=here.path)
    assert done.code == 0 and here.file.exists()
    assert run_python("-m", "mprof", cwd=here.path).code == 1
    script = (
        "import sys, mprof; sys.argv = ['mprof', '-o', 'x.dat', 'true']; mprof.run_action()"
    )
    assert run_python("-c", script, cwd=here.path).code == 0
    assert (here.path / "x.dat").exists()
    script = "import sys, mprof; sys.argv = ['mprof', 'peak', 'x.dat']; mprof.main()"
    assert run_python("-c", script, cwd=here.path).out.startswith("x.dat\t")


def test_python_runs_the_program_itself_as_a_script(here: Recorder) -> None:
    """ "python $(which mprof)" was a SyntaxError; stripped, as packages have it, too."""
    stripped = here.path / "mprof"
    shutil.copy(PROGRAM, stripped)
    if shutil.which("strip"):
        subprocess.run(["strip", stripped], check=True)
    with zipfile.ZipFile(stripped) as archive:
        assert archive.testzip() is None and archive.namelist() == ["__main__.py"]
    here.write("s.py", "import sys\nprint('ran in', sys.executable)\n")
    for program in (PROGRAM, str(stripped), "./mprof"):
        done = run_python(program, "run", "-o", "x.dat", "s.py", cwd=here.path)
        assert done.code == 0 and f"ran in {sys.executable}\n" in done.out
    assert run_python(PROGRAM, cwd=here.path).code == 1
    assert run_python(PROGRAM, "nosuch", cwd=here.path).code == 2


def test_the_importable_names_work(here: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.path)
    assert mprof.get_cmd_line(["a", "b c", "d\te"]) == "a 'b c' 'd\te'"
    assert mprof.function_labels(["a.b.f", "a.c.f", "g"]) == {
        "g": "g",
        "a.b.f": "b.f",
        "a.c.f": "c.f",
    }
    for name in ("mprofile_20250101000000.dat", "mprofile_20260101000000.dat", "x.dat"):
        here.write(name, "MEM 1.0 1.0\n")
    assert mprof.get_profile_filenames("all") == [
        "mprofile_20250101000000.dat",
        "mprofile_20260101000000.dat",
    ]
    assert mprof.get_profile_filenames(["-1", "x.dat", "1"]) == [
        "mprofile_20260101000000.dat",
        "x.dat",
    ]
    for wrong in ("5", "nope.dat", "."):
        with pytest.raises(ValueError):
            mprof.get_profile_filenames([wrong])


def test_the_interpreter_is_chosen_and_told(here: Recorder) -> None:
    here.write("s.py", "import sys; print('ran in', sys.executable)")
    done = here.mprof("run", "s.py", env={"MPROF_PYTHON": sys.executable})
    assert f"mprof: interpreter {sys.executable}\n" in done.out
    assert "ran in" in done.out
    done = here.mprof("run", "s.py", env={"MPROF_PYTHON": "/nowhere/python"})
    assert done.code == 1 and "MPROF_PYTHON names no program" in done.err
