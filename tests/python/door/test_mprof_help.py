"""Manual pages, and what Tab does in three shells; all of it from mprof's own table."""

from __future__ import annotations

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import sysconfig
import termios
import time

import pytest

pytestmark = pytest.mark.one_version

MPROF = pathlib.Path(sys.executable).with_name("mprof")
SHARE = pathlib.Path(sysconfig.get_path("data")) / "share"
ROW = re.compile(r"^    (\w+) +\S", re.M)


def ask(*words: str) -> str:
    return subprocess.run(
        [MPROF, *words], capture_output=True, text=True, check=True
    ).stdout


def commands() -> list[str]:
    listed = ask("help").partition("Available commands:")[2].partition("Examples:")[0]
    return ROW.findall(listed)


def need(program: str) -> str:
    found = shutil.which(program)
    if not found:
        pytest.skip(f"no {program}")
    return found


def test_each_command_has_a_manual_page_that_is_installed() -> None:
    for name in commands():
        page = SHARE / "man" / "man1" / f"mprof-{name}.1"
        assert page.read_text() == ask("help", "--man", name)
        heads = re.findall(r"^\.SH (.*)", page.read_text(), re.M)
        assert heads == [
            "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO",
        ], name  # fmt: skip
    assert (SHARE / "man" / "man1" / "mprof.1").read_text() == ask("help", "--man")


def test_the_pages_lead_to_each_other() -> None:
    names = commands()
    linked = [f"mprof\\-{name} (1)" for name in names]
    whole = ask("help", "--man")
    assert all(f".BR {link}" in whole for link in linked)
    last = ask("help", "--man", names[-1]).rpartition(".SH SEE ALSO\n")[2].splitlines()
    assert len(last) == len(names) and last[0] == ".BR mprof (1),"
    assert [line.endswith(",") for line in last] == [True] * (len(names) - 1) + [False]


def test_man_has_nothing_to_complain_of() -> None:
    man = need("man")
    for words in ([], *([name] for name in commands())):
        done = subprocess.run(
            [man, "--warnings=w", "-l", "-"], input=ask("help", "--man", *words),
            capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0 and "MPROF" in done.stdout
        assert done.stderr == "", words


def test_examples_are_of_commands_and_options_that_there_are() -> None:
    for name in commands():
        examples = ask("help", name).partition("\nexamples:\n")[2]
        typed = re.findall(r"^  (\S.*)", examples, re.M)
        assert typed, name
        for line in typed:
            words = line.split()
            assert words[0] == "mprof" and words[1] in commands(), line
            known = ask("help", words[1])
            for option in re.findall(r"(?<=\s)--[a-z-]+", line):
                assert f"{option} " in known or f"{option}\n" in known, line


def files(folder: pathlib.Path) -> None:
    for name in ("a.dat", "a.mprof", "a.txt", "report.py"):
        (folder / name).touch()


BASH = {
    "mprof he": "heap help",
    "mprof help fla": "flamegraph",
    "mprof run --back": "--backend",
    "mprof run --backend psutil_u": "psutil_uss",
    "mprof report a": "a.dat a.mprof",
    "mprof heap rep": "report.py",
}


@pytest.mark.parametrize("typed", BASH)
def test_bash_completes(typed: str, tmp_path) -> None:
    files(tmp_path)
    words = typed.split()
    script = (
        ask("help", "--completion", "bash") + f"COMP_WORDS=({typed}); "
        f'COMP_CWORD={len(words) - 1}; _mprof; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        [need("bash"), "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert " ".join(sorted(set(done.stdout.split()))) == BASH[typed]


FISH = {
    "mprof hea": ["heap"],
    "mprof help fla": ["flamegraph"],
    "mprof run --back": ["--backend"],
    "mprof run --backend psutil_u": ["psutil_uss"],
    "mprof heap --no-sou": ["--no-source"],
}


@pytest.mark.parametrize("typed", FISH)
def test_fish_completes(typed: str, tmp_path) -> None:
    (tmp_path / "mprof.fish").write_text(ask("help", "--completion", "fish"))
    done = subprocess.run(
        [need("fish"), "--no-config", "-c", f"source mprof.fish; complete -C '{typed}'"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.stderr == ""
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == FISH[typed]


class Zsh:
    """A zsh on a terminal, with mprof's completion loaded; Ctrl-G prints the line as it is."""

    def __init__(self, folder: pathlib.Path) -> None:
        functions = folder / "functions"
        functions.mkdir()
        (functions / "_mprof").write_text(ask("help", "--completion", "zsh"))
        self.terminal, its = pty.openpty()
        self.process = subprocess.Popen(
            [need("setsid"), "--ctty", need("zsh"), "-f", "-i"],
            stdin=its, stdout=its, stderr=its, cwd=folder,
            env={**os.environ, "TERM": "dumb", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        os.close(its)
        self.say(
            f"fpath=({functions} $fpath); autoload -U compinit; compinit -u -D; "
            'show() { print -r -- "<$BUFFER>" }; zle -N show; bindkey "^G" show; '
            'print -r "rea"dy\n'
        )
        self.until("ready")

    def say(self, text: str) -> None:
        """Types it, once zsh reads keys: what comes before that is the line discipline's."""
        deadline = time.monotonic() + 60
        while termios.tcgetattr(self.terminal)[3] & termios.ICANON:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.write(self.terminal, text.encode())

    def until(self, pattern: str) -> str:
        """What it prints until the pattern is there, within a minute."""
        text, deadline = "", time.monotonic() + 60
        while not (found := re.search(pattern, text)):
            assert time.monotonic() < deadline, text
            if select.select([self.terminal], [], [], 1)[0]:
                text += os.read(self.terminal, 4096).decode(errors="replace")
        return found[0]

    def completed(self, typed: str) -> str:
        """The line, once Tab was pressed behind it; it is thrown away."""
        self.say(f"{typed}\t\x07\x15")
        return self.until("<mprof[^>]*>")[1:-1]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


ZSH = {
    "mprof flam": "mprof flamegraph ",
    "mprof help leak": "mprof help leaks ",
    "mprof run --no-peak": "mprof run --no-peak-reset ",
    "mprof run --backend psutil_u": "mprof run --backend psutil_uss ",
    "mprof report a.m": "mprof report a.mprof ",
    "mprof heap rep": "mprof heap report.py ",
}


def test_zsh_completes(tmp_path) -> None:
    need("zsh")
    files(tmp_path)
    shell = Zsh(tmp_path)
    try:
        assert {typed: shell.completed(typed) for typed in ZSH} == ZSH
    finally:
        shell.close()
