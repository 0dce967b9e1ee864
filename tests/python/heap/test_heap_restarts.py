"""Programs that start themselves again go on under `mprof heap`, as children of the run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent

WAYS = {
    "os.execv, sys.orig_argv": "os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])",
    "os.execv, sys.argv": "os.execv(sys.executable, [sys.executable, *sys.argv])",
    "os.execv, its own command line": "words = open('/proc/self/cmdline').read().split(chr(0))[:-1]\n"
    "    os.execv(sys.executable, words)",
    "os.execve, an empty environment": "os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {'AGAIN': '1'})",
    "a supervisor, an empty environment": "import subprocess\n"
    "    words = [sys.executable, *sys.orig_argv[1:]]\n"
    "    sys.exit(subprocess.call(['env', *words], env={'AGAIN': '1', 'PATH': os.defpath}))",
    "a supervisor": "import subprocess\n"
    "    sys.exit(subprocess.call([sys.executable, *sys.orig_argv[1:]]))",
}
PROGRAM = """\
import os, sys
if "AGAIN" not in os.environ:
    os.environ["AGAIN"] = "1"
    {way}
kept = [bytes(1000) for _ in range(2000)]  # the second start
print("again", sys.argv[1:], __name__)
sys.exit(int(sys.argv[1]))
"""


def run(*words: object, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd, text=True, capture_output=True, timeout=120, env=os.environ | environ,
    )  # fmt: skip


def lines_of_children(folder: Path) -> str:
    files = [str(file) for file in folder.glob("a.mprof.*")]
    texts = [
        run(BIN / "mprof", "report", "--json", file, cwd=folder).stdout for file in files
    ]
    return " ".join(
        f"{line['file']}:{line['line']}" for t in texts for line in json.loads(t)["lines"]
    )


def commands_of_children(folder: Path) -> Iterator[str]:
    for file in folder.glob("a.mprof.*"):
        said = run(BIN / "mprof", "report", file, cwd=folder).stdout
        yield said.partition("\ncommand: ")[2].partition("\n")[0]


@pytest.mark.parametrize("options", ([], ["--no-follow"]), ids=("followed", "alone"))
@pytest.mark.parametrize("way", WAYS)
def test_a_program_starts_itself_again(
    tmp_path: Path, way: str, options: list[str]
) -> None:
    (tmp_path / "p.py").write_text(PROGRAM.format(way=WAYS[way]))
    done = run(
        BIN / "mprof", "heap", *options, "-o", "a.mprof", "p.py", "3", "x", cwd=tmp_path
    )
    assert (done.stdout, done.returncode) == ("again ['3', 'x'] __main__\n", 3), done.stderr
    assert ("p.py:" in lines_of_children(tmp_path)) == (not options)


def test_without_a_name_of_its_own_an_emptied_environment_is_no_other_run(
    tmp_path: Path,
) -> None:
    text = PROGRAM.format(way=WAYS["os.execve, an empty environment"])
    (tmp_path / "p.py").write_text(text)
    done = run(BIN / "mprof", "heap", "p.py", "0", cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("again ['0'] __main__\n", 0), done.stderr
    names = sorted(file.name for file in tmp_path.glob("mprofheap_*"))
    assert len(names) == 2 and names[1].startswith(f"{names[0]}."), done.stderr


DAEMON = """\
import os, sys, time
if "AGAIN" not in os.environ:
    first = os.getpid()
    if os.fork():
        sys.exit(0)
    while os.getppid() == first:
        time.sleep(0.01)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {"AGAIN": "1"})
print("again", sys.argv[1:], __name__)
"""


def test_a_daemon_that_forgot_everything_runs_unrecorded_and_says_so(
    tmp_path: Path,
) -> None:
    (tmp_path / "p.py").write_text(DAEMON)
    done = run(BIN / "mprof", "heap", "-o", "a.mprof", "p.py", "x", cwd=tmp_path)
    assert done.stdout == "again ['x'] __main__\n", done.stderr
    assert "a.mprof is another process's" in done.stderr
    assert run(BIN / "mprof", "report", "a.mprof", cwd=tmp_path).returncode == 0


def test_another_runs_file_is_not_recorded_into(tmp_path: Path) -> None:
    """Started by hand, where that file is: a capture that is not this process's."""
    (tmp_path / "p.py").write_text(
        "import os; os.path.exists('b') or os.kill(os.getpid(), 9)"
    )
    assert run(BIN / "mprof", "heap", "-o", "a.mprof", "p.py", cwd=tmp_path).returncode < 0
    runner = "from memory_profiler._heap_run import main; main()"
    (tmp_path / "b").touch()
    was = (tmp_path / "a.mprof").read_bytes()
    done = run(BIN / "python", "-c", runner, "a.mprof", "p.py", cwd=tmp_path)
    assert done.returncode == 0 and "a.mprof is another process's" in done.stderr
    assert (tmp_path / "a.mprof").read_bytes() == was


BARE = """
@profile
def f(): return 4
@profile(precision=2)
def g(): return 5
with profile: print(f(), g())
with profile.block("name"), profile.timestamp("b"): pass
profile.enabled = False
from memory_profiler import profile as imported
print(imported(f)())
"""


@pytest.mark.parametrize("options", ([], ["--no-follow"]), ids=("followed", "alone"))
@pytest.mark.parametrize("way", WAYS)
def test_a_bare_profile_is_known_to_the_second_start(
    tmp_path: Path, way: str, options: list[str]
) -> None:
    text = PROGRAM.format(way=WAYS[way]).replace("sys.exit(int(sys.argv[1]))", BARE)
    (tmp_path / "p.py").write_text(text)
    done = run(BIN / "mprof", "heap", *options, "-o", "a.mprof", "p.py", "0", cwd=tmp_path)
    assert done.stdout == "again ['0'] __main__\n4 5\n4\n", done.stderr
    assert done.returncode == 0


def test_a_bare_profile_is_known_to_the_second_start_of_run(tmp_path: Path) -> None:
    text = PROGRAM.format(way=WAYS["os.execv, sys.orig_argv"])
    (tmp_path / "p.py").write_text(text + "@profile\ndef f(): pass\n")
    done = run(
        BIN / "mprof", "run", "-E", "--python", "-o", "run.out", "p.py", "0", cwd=tmp_path
    )
    assert "again ['0'] __main__\n" in done.stdout and not done.returncode, done.stderr


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


#: Asks the server for its page; the first time it touches the program, then it ends it.
CLIENT = """
def client(port):
    import time, urllib.request
    while True:
        try:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
            break
        except OSError:
            time.sleep(0.05)
    with open("served", "a") as file:
        print(page.decode(), file=file)
    if len(open("served").readlines()) < 2:
        time.sleep(1.5)  # reloaders look at whole seconds
        os.utime(__file__)
    else:
        os._exit(0)
"""
FLASK = """\
import os, sys, threading
from flask import Flask
app = Flask(__name__)
kept = []

@app.route("/")
def page():
    kept.append(bytes(3_000_000))
    return "a page"
{client}
if os.environ.get("WERKZEUG_RUN_MAIN"):
    threading.Thread(target=client, args=(sys.argv[1],), daemon=True).start()
app.run(port=int(sys.argv[1]), debug=True)
"""
DJANGO = """\
import os, sys, threading
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
kept = []

def page(request):
    kept.append(bytes(3_000_000))
    return HttpResponse("a page")
{client}
urlpatterns = [path("", page)]
settings.configure(DEBUG=True, ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
if os.environ.get("RUN_MAIN"):
    threading.Thread(target=client, args=(sys.argv[2],), daemon=True).start()
execute_from_command_line(sys.argv)
"""


@pytest.mark.parametrize("name", ("flask", "django"))
def test_a_servers_reloader_starts_it_again_and_again(tmp_path: Path, name: str) -> None:
    pytest.importorskip(name)
    program = {"flask": FLASK, "django": DJANGO}[name]
    (tmp_path / "site_.py").write_text(program.format(client=CLIENT))
    words = [free_port()] if name == "flask" else ["runserver", free_port()]
    done = run(BIN / "mprof", "heap", "-o", "a.mprof", "site_.py", *words, cwd=tmp_path)
    assert (tmp_path / "served").read_text() == "a page\n" * 2, done.stderr
    assert done.returncode == 0, done.stderr
    command = " ".join(["site_.py", *words])  # and multiprocessing's tracker, from 3.14 on
    assert sum(said.endswith(command) for said in commands_of_children(tmp_path)) == 2
    assert f"site_.py:{8 if name == 'flask' else 9}" in lines_of_children(tmp_path)


def test_heap_records_in_a_directory_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(
        "kept = [bytes(1000) for _ in range(2000)]\nprint('done')\n"
    )
    line = f"mkdir gone && cd gone && rmdir ../gone && exec {BIN}/mprof heap -o {tmp_path}/a.mprof "
    for words in (
        f"{tmp_path}/p.py",
        "-c 'print(\"done\")'",
        f"{BIN}/python {tmp_path}/p.py",
    ):
        done = run("sh", "-c", line + words, cwd=tmp_path)
        assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
        assert run(BIN / "mprof", "report", "a.mprof", cwd=tmp_path).returncode == 0
