"""Faults 9 to 11, 76: whatever has the name of an output of ours stays the user's."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from memory_profiler._program.options import OPTIONS
from recordings import Done, Recorder

pytestmark = pytest.mark.one_version

THEIRS = b"import this  # the user's\n"
PROGRAM = """
@profile
def work():
    return bytearray(1000)

work()
print("done")
"""


@dataclasses.dataclass
class Output:
    """One way to name an output: the words before and behind the name, and what it makes."""

    words: tuple[str, ...]
    rest: tuple[str, ...] = ()
    suffix: str = ".py"
    capture: bool = False  # never a pipe or device, never replaced but by .old
    appends: bool = False
    forces: bool = True

    def run(self, here: Recorder, name: object, *more: str, **options: object) -> Done:
        words = [word.format(pid=os.getpid()) for word in (*self.words, str(name))]
        rest = (*more, *self.rest) if self.words[0] != "%mprun" else self.rest
        if self.words[0] == "python":
            return run([sys.executable, *words[1:], *rest], here.path)
        if self.words[0] == "%mprun":
            return run([sys.executable, "-c", MPRUN, *words[1:]], here.path)
        return here.mprof(*words, *rest, **options)


MPRUN = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "memory_profiler")
from textwrap import dedent
shell.user_ns["dedent"] = dedent
try:
    shell.run_line_magic("mprun", f"-T {sys.argv[1]} -f dedent dedent('a')")
except Exception as error:
    sys.exit(f"memory_profiler: {error}")
"""


def run(words: list[str], cwd: pathlib.Path) -> Done:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=120)
    return Done(done.returncode, done.stdout, done.stderr)


LINES = "python", "-m", "memory_profiler"
OUTPUTS = {
    "run -o": Output(("run", "-o"), ("true",), capture=True),
    "attach -o": Output(("attach", "-t", "0.1", "-o"), ("{pid}",), capture=True),
    "heap -o": Output(("heap", "-o"), ("program.py",), capture=True),
    "plot -o": Output(("plot", "-o"), ("run.dat",), ".html"),
    "plot -o picture": Output(("plot", "-o"), ("run.dat",), ".png"),
    "flamegraph -o": Output(("flamegraph", "-o"), ("run.mprof",)),
    "diff -o": Output(("diff", "-o"), ("run.mprof", "run.mprof")),
    "export -o": Output(("export", "--to", "massif", "-o"), ("run.mprof",)),
    "-o": Output((*LINES, "-o"), ("program.py",), appends=True),
    "--html": Output((*LINES, "--html"), ("program.py",)),
    "%mprun -T": Output(("%mprun",), (), ".txt", forces=False),
}
#: What they write is a copy of captures, to keep: nothing makes room for it, and it is a file's.
COPIES = ("merge", "snapshot")
OUTPUTS["attach -o"].rest = (str(os.getpid()),)
each = pytest.mark.parametrize("way", OUTPUTS)
not_captures = pytest.mark.parametrize(
    "way", [way for way, output in OUTPUTS.items() if not output.capture]
)


@pytest.fixture
def there(here: Recorder) -> Recorder:
    (here.path / "program.py").write_text(PROGRAM)
    assert here.mprof("run", "-o", "run.dat", "true").code == 0
    assert here.mprof("heap", "-o", "run.mprof", "program.py").code == 0
    return here


def refused(there: Recorder, done: Done, before: set[str]) -> None:
    """One line said it, the program did not run, and nothing new lies about."""
    assert done.code in (1, 125), done
    said = done.err.splitlines()
    assert len(said) == 1 and said[0].startswith(("mprof: ", "memory_profiler: ")), done
    assert {path.name for path in there.path.iterdir()} == before


def names(there: Recorder) -> set[str]:
    return {path.name for path in there.path.iterdir()}


def test_every_option_that_names_a_file_is_tried_here() -> None:
    found = set()
    helps = run([find("mprof"), "help"], pathlib.Path.cwd()).out
    for command in re.findall(r"(?m)^ {4}(\w+) ", helps):
        text = run([find("mprof"), "help", command], pathlib.Path.cwd()).out
        found |= {
            f"{command} {name}" for name in re.findall(r"(?m)^ +(-\w), .* FILE", text)
        }
        assert not re.search(r"(?m)^ +(--\S+) FILE(?!:)", text), command
    found |= {names[0] for names, settings in OPTIONS if settings.get("metavar") == "FILE"}
    found.remove("top -o")  # a name for what mprof heap PID writes
    assert found | {"plot -o picture", "%mprun -T"} == set(OUTPUTS) | {
        f"{command} -o" for command in COPIES
    }


def find(name: str) -> str:
    import mprof

    return str(mprof.find_program())


@each
def test_a_file_of_the_users_stays_as_it_is_and_force_replaces_it(there, way) -> None:
    output = OUTPUTS[way]
    target = there.path / f"theirs{output.suffix}"
    target.write_bytes(THEIRS)
    before = names(there)
    done = output.run(there, target.name)
    refused(there, done, before)
    assert target.name in done.err and "it exists and is " in done.err
    assert target.read_bytes() == THEIRS
    if output.forces:
        done = output.run(there, target.name, "--force") if way != "run -o" else there.mprof(
            "run", "--force", "-o", target.name, "true"
        )  # fmt: skip
        assert done.code == 0, done
        content = target.read_bytes()
        assert content != THEIRS and content.startswith(THEIRS) == output.appends


@each
def test_what_we_made_makes_room_for_what_we_make(there, way) -> None:
    output = OUTPUTS[way]
    target = there.path / f"ours{output.suffix}"
    first = [output.run(there, target.name) for _ in range(2)]
    assert [done.code for done in first] == [0, 0], first
    old = there.path / f"ours{output.suffix}.old"
    assert old.exists() == output.capture


@pytest.mark.parametrize("command", COPIES)
@pytest.mark.parametrize("kind", ["theirs", "ours", "link", "dangling", "folder", "null"])
def test_a_copy_of_captures_replaces_nothing(there, command: str, kind: str) -> None:
    target = there.path / "target.mprof"
    (there.path / "other").write_bytes(THEIRS)
    {
        "theirs": lambda: target.write_bytes(THEIRS),
        "ours": lambda: shutil.copyfile(there.path / "run.mprof", target),
        "link": lambda: target.symlink_to("other"),
        "dangling": lambda: target.symlink_to("nothing"),
        "folder": target.mkdir,
        "null": lambda: target.symlink_to("/dev/null"),
    }[kind]()
    before, status = names(there), target.lstat()
    refused(there, there.mprof(command, "-o", target.name, "run.mprof"), before)
    assert target.lstat() == status and (there.path / "other").read_bytes() == THEIRS


@each
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_is_not_followed(there, way, dangling) -> None:
    output = OUTPUTS[way]
    target, link = there.path / "target.py", there.path / f"link{output.suffix}"
    link.symlink_to(target)
    if not dangling:
        target.write_bytes(THEIRS)
    before = names(there)
    done = output.run(there, link.name)
    refused(there, done, before)
    assert link.is_symlink() and target.exists() != dangling
    assert dangling or target.read_bytes() == THEIRS


def test_a_report_goes_through_a_link_to_a_text_of_the_same_user(there) -> None:
    (there.path / "log.txt").write_text("before\n")
    (there.path / "link.txt").symlink_to("log.txt")
    done = OUTPUTS["-o"].run(there, "link.txt")
    assert done.code == 0 and (there.path / "link.txt").is_symlink(), done
    assert (there.path / "log.txt").read_text().startswith("before\nFilename: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_report_does_not_go_through_a_link_to_anothers_file(there) -> None:
    (there.path / "log.txt").write_text("before\n")
    os.chown(there.path / "log.txt", 12345, 12345)
    (there.path / "link.txt").symlink_to("log.txt")
    before = names(there)
    refused(there, OUTPUTS["-o"].run(there, "link.txt"), before)
    assert (there.path / "log.txt").read_text() == "before\n"


@each
@pytest.mark.parametrize("target", ["folder", "missing/x", "/proc/x"])
def test_what_cannot_be_written_is_said_before_anything_runs(there, way, target) -> None:
    output = OUTPUTS[way]
    (there.path / "folder").mkdir()
    if output.suffix == ".png" or way == "plot -o":  # the name says what is to be drawn
        target += output.suffix
        (there.path / f"folder{output.suffix}").mkdir()
    before = names(there)
    done = output.run(there, target)
    refused(there, done, before)
    assert "done" not in done.out


@contextlib.contextmanager
def reading(pipe: pathlib.Path):
    """What comes out of a pipe, once it is over."""
    found: list[bytes] = []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    yield found
    reader.join(60)
    assert not reader.is_alive()


@not_captures
def test_a_pipe_is_written_to_and_stays(there, way) -> None:
    output = OUTPUTS[way]
    pipe = there.path / f"pipe{output.suffix}"
    with reading(pipe) as found:
        done = output.run(there, pipe.name)
        assert done.code == 0, done
    assert stat.S_ISFIFO(pipe.lstat().st_mode) and len(found[0]) > 50


def test_a_pipe_that_nobody_reads_keeps_no_command_waiting(there: Recorder) -> None:
    os.mkfifo(there.path / "pipe")
    before = names(there)
    for words, said in (
        (("export", "--to", "csv", "-o", "pipe", "run.mprof"), "nobody reads from it"),
        (("merge", "-o", "pipe", "run.mprof"), "not a regular file"),
        (("merge", "--force", "-o", "pipe", "run.mprof"), "not a regular file"),
        (("snapshot", "-o", "pipe", "run.mprof"), "not a regular file"),
    ):
        done = there.mprof(*words)
        refused(there, done, before)
        assert done.err.startswith(f"mprof: cannot write pipe: {said}")


@pytest.fixture
def nothing(there: Recorder) -> Callable[[str], pathlib.Path]:
    """A null device of the test's own: no fault of ours shall take the machine's."""

    def make(suffix: str) -> pathlib.Path:
        device = there.path / f"null{suffix}"
        try:
            os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
            device.open("wb").close()
        except OSError:
            pytest.skip("devices cannot be made here")
        return device

    return make


@each
def test_a_device_is_never_replaced(there, way, nothing) -> None:
    output = OUTPUTS[way]
    device = nothing(output.suffix)
    before = names(there)
    done = output.run(there, device.name)
    if output.capture:
        refused(there, done, before)
    else:
        assert done.code == 0, done
    assert stat.S_ISCHR(device.lstat().st_mode) and names(there) == before


@pytest.mark.parametrize("way", ["--html", "-o", "flamegraph -o", "export -o"])
def test_the_systems_own_links_are_followed(there, way) -> None:
    output = OUTPUTS[way]
    done = output.run(there, "/dev/stdout")
    assert done.code == 0 and re.search(
        "Filename: |<!doctype html>|<!DOCTYPE html>|snapshot=", done.out
    )
    assert os.path.lexists("/dev/stdout")


@not_captures
def test_a_full_disk_is_one_line_and_leaves_nothing(there, way) -> None:
    output = OUTPUTS[way]
    command = " ".join(f"'{word}'" for word in command_of(output, f"disk/x{output.suffix}"))
    done = there.in_namespaces("--mount --propagation private", f"""
        mkdir disk; mount -t tmpfs -o size=4k none disk || exit 99
        head -c 4096 /dev/zero > disk/full 2>/dev/null
        {MPRUN_FILE if output.words[0] == "%mprun" else ""}
        {command} >out 2>err; echo $? >code; ls disk >left
    """)  # fmt: skip
    assert done.code == 0, done
    said = (there.path / "err").read_text().splitlines()
    assert len(said) == 1 and "No space left" in said[0], said
    assert (there.path / "code").read_text() == "1\n"
    assert (there.path / "left").read_text() == "full\n"


MPRUN_FILE = f"cat > mprun.py <<'END'\n{MPRUN}\nEND"


def command_of(output: Output, name: str) -> list[str]:
    if output.words[0] == "%mprun":
        return [sys.executable, "mprun.py", name]
    if output.words[0] == "python":
        return [sys.executable, *output.words[1:], name, *output.rest]
    return [find("mprof"), *output.words, name, *output.rest]


@pytest.mark.parametrize("words", [("plot", "run.dat"), ("flamegraph", "run.mprof")])
def test_a_page_beside_the_recording_replaces_no_page_of_the_users(there, words) -> None:
    page = there.path / f"{words[1]}.html"
    page.write_bytes(THEIRS)
    done = there.mprof(*words)
    assert done.code == 1 and "--force replaces it" in done.err
    assert page.read_bytes() == THEIRS
    assert there.mprof(*words, "--force").code == 0
    assert there.mprof(*words).code == 0


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
@pytest.mark.parametrize("way", ["run -o", "heap -o"])
def test_the_name_of_the_earlier_capture_may_be_taken(there, way, kind) -> None:
    output = OUTPUTS[way]
    assert output.run(there, "x.capture").code == 0
    old, other = there.path / "x.capture.old", there.path / "other"
    if kind == "file":
        old.write_bytes(THEIRS)
    else:
        old.symlink_to(other)
    if kind == "link":
        other.write_bytes(THEIRS)
    before, content = names(there), (there.path / "x.capture").read_bytes()
    done = output.run(there, "x.capture")
    refused(there, done, before)
    assert (there.path / "x.capture").read_bytes() == content
    assert kind == "dangling" or old.read_bytes() == THEIRS


def test_captures_of_children_replace_no_file_of_the_users(there) -> None:
    source = "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\n"
    (there.path / "program.py").write_text(source)
    assert there.mprof("heap", "-o", "x", "program.py").code == 0
    (child,) = [name for name in names(there) if re.fullmatch(r"x\.\d+", name)]
    theirs = there.path / child.replace("x.", "x.old.")
    theirs.write_bytes(THEIRS)
    before = names(there)
    done = there.mprof("heap", "-o", "x", "program.py")
    refused(there, done, before)
    assert theirs.name in done.err and theirs.read_bytes() == THEIRS


def test_a_file_that_comes_meanwhile_is_not_replaced(there) -> None:
    """The program itself makes the file that its report was to be."""
    (there.path / "program.py").write_text(
        PROGRAM + "open('page.html', 'w').write('mine')\n"
    )
    done = OUTPUTS["--html"].run(there, "page.html")
    assert done.code == 1 and "took the name meanwhile" in done.err, done
    assert (there.path / "page.html").read_text() == "mine"
