"""What the program does to itself costs records and source texts, never the program."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from recordings import Recorder

#: What a program does between its first call of a decorated function and its second.
DONE = {
    "nothing": "",
    "all descriptors closed": "os.closerange(3, 4096)",
    "no descriptor left": """
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
try:
    while True:
        os.open("/", os.O_RDONLY)
except OSError:
    pass
""",
    "another root": "os.mkdir('empty'); os.chroot('empty'); os.chdir('/')",
    "no more opening": """
machine = {"x86_64": (257, 2), "aarch64": (56, 56)}.get(os.uname().machine)
rules = struct.pack("HBBI", 0x20, 0, 0, 0)
for number in machine:
    rules += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 6, 0, 0, 0x50001)
rules = ctypes.create_string_buffer(rules + struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
program = ctypes.create_string_buffer(struct.pack("HL", 6, ctypes.addressof(rules)))
libc = ctypes.CDLL(None)
assert not libc.prctl(38, 1, 0, 0, 0)
assert not libc.prctl(22, 2, program, 0, 0)
""",
    "closed, and another root":
        "os.mkdir('empty'); os.chroot('empty'); os.chdir('/'); os.closerange(3, 4096)",
    "no file may grow": """
signal.signal(signal.SIGXFSZ, lambda *words: print("signal"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
""",
    "no file may grow, the signal kills": """
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
""",
}  # fmt: skip

SOURCE = """
import ctypes, encodings.idna, os, resource, signal, struct
@profile
def work(size):
    kept = bytes(size)
    return len(kept)

print("own", work(1))
%s
def late():
    @profile
    def inner():
        return 4
    return inner()
print("own", work(2))
with profile.timestamp("block"):
    print("own", work(3), late(), flush=True)
raise SystemExit(3)
"""
OWN = ["own 1", "own 2", "own 3 4"]
IMPORTED = "from memory_profiler import profile\n" + SOURCE
LOST = {  # -> what of the timeline is lost
    "closed, and another root": "No such file or directory",
    "no file may grow": "File too large",
    "no file may grow, the signal kills": "File too large",
}


def need(done: str) -> None:
    if "root" in done and os.geteuid():
        pytest.skip("another root is root's to have")
    if done == "no more opening" and os.uname().machine not in ("x86_64", "aarch64"):
        pytest.skip("system calls have other numbers here")


@pytest.fixture
def here(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


@pytest.mark.parametrize("done", DONE)
def test_faults_53_function_records_go_on_or_are_counted(here: Recorder, done: str) -> None:
    need(done)
    here.write("program.py", SOURCE % DONE[done])
    ran = here.mprof("run", "-E", "--python", "program.py")
    assert [line for line in ran.out.splitlines() if line.startswith("own")] == OWN
    assert ran.code == 3 and "signal" not in ran.out
    lines = ran.err.splitlines()
    said = [line for line in lines if "not measured" in line or "mprof: " not in line]
    names = [record[0] for record in here.records("FUNC")]
    if done in LOST:
        (line,) = said
        assert line.startswith("mprof: not measured: function records: ")
        assert line.endswith(f" ({LOST[done]})")
        assert names == ["__main__.work"]
    else:
        inner = "__main__.late.inner"
        assert not said
        assert names == ["__main__.work"] * 3 + [inner, ".block"]


@pytest.mark.parametrize("way", ["imported", "-m"])
@pytest.mark.parametrize("done", DONE)
def test_faults_53_tables_need_nothing_that_the_program_took_away(
    tmp_path: Path, done: str, way: str
) -> None:
    need(done)
    source = IMPORTED if way == "imported" else SOURCE
    (tmp_path / "program.py").write_text(source % DONE[done])
    words = [sys.executable, *(["-m", "memory_profiler"] if way == "-m" else [])]
    ran = subprocess.run(
        [*words, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.startswith("own")] == OWN
    assert ran.returncode == 3 and "Traceback" not in ran.stderr
    tables = [line for line in lines if line.startswith("Line #")]
    blind = (
        done == "closed, and another root"
    )  # nothing says any more how much memory is used
    assert len(tables) == (2 if way == "-m" or blind else 4)
    assert ("memory_profiler: not measured: readings: " in ran.stderr) == blind


BLIND = """
import itertools, os
@profile
def work():
    kept = bytes(10)
    os.mkdir("empty"); os.chroot("empty"); os.chdir("/"); os.closerange(3, 4096)
    more = bytes(20_000_000)
    return len(more)

@profile
def late():
    yield 1
    more = bytes(20_000_000)
    yield 2

work()
print("own", *itertools.islice(late(), 3), flush=True)
"""


def number(text: str) -> float | None:
    return float(text.replace("MiB", "")) if text.strip() else None


def figures(out: str, options: list[str]) -> dict[int, tuple[float | None, ...]]:
    """Memory, increment and occurrences of the lines that ran, by number."""
    if options == ["--json"]:
        rows = [row for one in json.loads(out)["functions"] for row in one["lines"]]
        found = [(r["line"], r["memory"], r["increment"], r["occurrences"]) for r in rows]
    elif options == ["--csv"]:
        names = ("memory", "increment", "occurrences")
        rows = csv.DictReader(io.StringIO(out))
        found = [(int(row["line"]), *(number(row[name]) for name in names)) for row in rows]
    else:
        at = 46 if options else 33  # where occurrences begin
        rows = [row for row in out.splitlines() if row[:6].strip().isdecimal()]
        found = [
            (int(row[:6]), number(row[7:20]), number(row[20:33]), number(row[at : at + 11]))
            for row in rows
        ]
    return {line: tuple(rest) for line, *rest in found if rest[2]}


@pytest.mark.parametrize("options", [[], ["--peak"], ["--json"], ["--csv"]])
def test_what_cannot_be_read_has_no_figures(tmp_path: Path, options: list[str]) -> None:
    need("another root")
    (tmp_path / "program.py").write_text(BLIND)
    ran = subprocess.run(
        [sys.executable, "-m", "memory_profiler", *options, "program.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "own 1 2\n" in ran.stdout and "not measured: readings: " in ran.stderr
    got = figures(ran.stdout.replace("own 1 2\n", ""), options)
    assert set(got) == {3, 5, 6, 7, 8, 10, 12, 13, 14}
    assert all(memory is not None for memory, *_ in (got[3], got[5]))
    for line in set(got) - {3, 5, 6}:  # a reading of 2 us before is good for line 6
        assert got[line][:2] == (None, None), got


def test_faults_53_a_run_that_begins_at_the_limit_says_so(here: Recorder) -> None:
    here.write("program.py", SOURCE % "")
    ran = here.mprof(
        "run", "-E", "--python", "program.py",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert ran.code == 3 and "Traceback" not in ran.err


ENDS = {
    "os._exit(3)": "exited with code 3",
    "os.kill(os.getpid(), 9)": "was killed by SIGKILL",
    "os.execv('/bin/true', ['true'])": "",
}


@pytest.mark.parametrize("end", ENDS)
def test_what_is_lost_is_told_however_the_program_ends(here: Recorder, end: str) -> None:
    here.write("program.py", f"""
import os, resource
@profile
def work():
    return 1
work()
resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
work()
if not os.fork():
    work()  # of a child, which is not followed
    os._exit(0)
os.wait()
work()
{end}
""")  # fmt: skip
    ran = here.mprof("run", "--python", "program.py")
    lost = "mprof: not measured: function records: 4 (File too large)"
    assert ran.err.splitlines()[0] == lost and ENDS[end] in ran.err
    assert len(here.records("FUNC")) == 1


def test_what_followed_children_lose_is_counted_too(here: Recorder) -> None:
    here.write("program.py", """
import multiprocessing, os, resource
@profile
def work():
    return 1
def child():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
    work()
    os.kill(os.getpid(), 9)
if __name__ == "__main__":
    for way in ("fork", "spawn"):
        process = multiprocessing.get_context(way).Process(target=child)
        process.start()
        process.join()
""")  # fmt: skip
    ran = here.mprof("run", "-C", "--python", "program.py")
    assert "mprof: not measured: function records: 4 (File too large)\n" in ran.err


ODD = """
import os
from memory_profiler import profile

def make(number, name):
    def odd():
        return 10
    code = odd.__code__.replace(co_filename=name, co_qualname=f"odd{number}")
    odd.__code__ = code
    return profile(odd)

@profile
def first():
    return 1
os.mkfifo("pipe")
names = ["a\\0b.py", "\\ud800.py", "\\udcff.py", "\\xfc.py", "", "a\\nb", "x" * 5000, "/", "pipe"]
odd = [make(number, name) for number, name in enumerate(names)]
@profile
def last():
    return 2
assert first() + sum(f() for f in odd) + last() == 93
"""


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("how", ["imported", "-m", "--json", "--csv", "--html"])
def test_an_odd_file_name_costs_the_text_of_its_own_table(
    tmp_path: Path, how: str, locale: str
) -> None:
    (tmp_path / "program.py").write_text(ODD)
    words = {"imported": [], "-m": ["-m", "memory_profiler"]}.get(how)
    if words is None:
        words = ["-m", "memory_profiler", how, *(["page"] if how == "--html" else [])]
    narrow = {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    ran = subprocess.run(
        [sys.executable, *words, "program.py"], cwd=tmp_path, capture_output=True,
        env={**os.environ, **narrow}, timeout=60,
    )  # fmt: skip
    assert not ran.returncode and not ran.stderr
    out = (tmp_path / "page").read_bytes() if how == "--html" else ran.stdout
    for text in (b"return 1", b"return 2"):
        assert text in out
    if how in ("imported", "-m"):
        assert out.count(b"Line #") == 11
    elif how == "--json":
        assert out.count(b'"function":') == 11
