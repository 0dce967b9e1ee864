"""Files that we write through a mapping, and somebody cuts short: the program goes on as alone."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from heap_runs import own_lines
from memory_profiler import heap
from recordings import Done, Recorder

pytestmark = pytest.mark.one_version

SAID = "mprof: cannot write a.mprof: it was cut short while it was recorded into"

#: Allocates in new functions and old ones, in threads too, while somebody else cuts the file.
BUSY = """
import json, subprocess, sys, threading
open("begun", "w").close()
def grow(turns):
    for turn in range(turns):
        names = {}
        exec(f"def work{turn}():\\n    return [bytearray(100) for _ in range(50)]", names)
        kept.append(names[f"work{turn}"]())
        json.loads('{"a": [1, 2.5, "text"]}')
kept = []
threads = [threading.Thread(target=grow, args=(300,)) for _ in range(3)]
for thread in threads:
    thread.start()
grow(300)
for thread in threads:
    thread.join()
print("ran", len(kept))
"""

#: The same with one of those who cut it between its steps.
STEPS = """
import os
for size in SIZES:
    os.path.exists("a.mprof") and os.truncate("a.mprof", size)
    grow(20)
"""


def alone(here: Recorder, **how) -> Done:
    done = subprocess.run([sys.executable, "program.py"], cwd=here.path, capture_output=True,
                          text=True, timeout=60, **how)  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def recorded(here: Recorder, *options: str, **how) -> Done:
    (here.path / "a.mprof").unlink(missing_ok=True)
    words = ("heap", "--no-follow", *options, "-o", "a.mprof", "program.py")
    return here.mprof(*words, **{"timeout": 60, **how})


def assert_is_read(here: Recorder) -> None:
    """Whatever is left of it: what there is, or that it is damaged, in a line."""
    done = here.mprof("report", "a.mprof")
    assert done.code in (0, 1), done
    if done.code:
        assert done.out == "" and done.err.startswith("mprof: "), done
        assert done.err.count("\n") == 1
    else:
        assert "cut short" in done.out, done.out


@pytest.mark.parametrize(
    "sizes", [[0], [65536], [3 * 65536], [1000], [0, 200_000, 0, 70_000]]
)
def test_a_file_that_is_cut_short_does_not_end_the_program(
    here: Recorder, sizes: list[int]
) -> None:
    here.write("program.py", BUSY + STEPS.replace("SIZES", repr(sizes)))
    done = recorded(here)
    assert (done.code, done.out) == (125, alone(here).out)  # 125: there is no capture
    assert own_lines(done.err) == [SAID]
    assert_is_read(here)


@pytest.mark.parametrize("cut", [65536, 100_000, 140_000, 3 * 65536])
def test_a_file_that_was_cut_in_the_middle_and_grew_again_is_known_as_such(
    here: Recorder, cut: int
) -> None:
    regrow = f"size = os.path.getsize('a.mprof'); os.truncate('a.mprof', {cut})"
    here.write("program.py", f"{BUSY}\nimport os\n{regrow}\nos.truncate('a.mprof', size)\n")
    done = recorded(here)
    assert (done.code, own_lines(done.err)) == (125, [SAID]), done


def test_an_exit_code_of_its_own_stays(here: Recorder) -> None:
    here.write("program.py", BUSY + STEPS.replace("SIZES", "[0]") + "sys.exit(3)\n")
    assert recorded(here).code == 3


@pytest.mark.parametrize("size", [0, 65536, 150_000])
@pytest.mark.parametrize("options", [[], ["--no-native"], ["--sample", "1000"]])
def test_a_file_that_another_process_cuts_all_the_time_does_not_end_the_program(
    here: Recorder, size: int, options: list[str]
) -> None:
    here.write("program.py", BUSY)
    loop = f"while :; do [ ! -e begun ] || truncate -c -s {size} a.mprof; done"
    with subprocess.Popen(["sh", "-c", loop], cwd=here.path) as cutter:
        done = recorded(here, *options)
        cutter.kill()
    assert done.out == alone(here).out
    assert (done.code, own_lines(done.err)) == (125, [SAID])
    assert_is_read(here)


def test_a_child_whose_own_file_is_cut_short_goes_on(here: Recorder) -> None:
    here.write("program.py", """
import glob, os
child = os.fork()
if not child:
    for file in glob.glob("a.mprof.*"):
        os.truncate(file, 0)
    kept = [bytearray(100) for _ in range(9999)]
    exec("def f():\\n    return [bytearray(9) for _ in range(99)]\\nkept.append(f())")
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")  # fmt: skip
    done = here.mprof("heap", "-o", "a.mprof", "program.py")
    assert (done.code, done.out) == (0, "3\n"), done.err


FAULTS = "import faulthandler; faulthandler.enable(); "


@pytest.mark.parametrize(
    ("before", "env"),
    [("", {"PYTHONFAULTHANDLER": "1"}), (FAULTS, {}), (FAULTS, {"PYTHONFAULTHANDLER": "1"}),
     (FAULTS + "faulthandler.disable()", {}),
     ("import faulthandler; faulthandler.disable()", {"PYTHONFAULTHANDLER": "1"})],
)  # fmt: skip
def test_who_prints_tracebacks_of_faults_prints_none(
    here: Recorder, before: str, env: dict[str, str]
) -> None:
    here.write("program.py", before + BUSY + STEPS.replace("SIZES", "[0]"))
    done = recorded(here, env=env)
    assert (done.code, done.out) == (125, alone(here).out)
    assert own_lines(done.err) == [SAID]
    assert "Fatal" not in done.err


@pytest.fixture
def bus(here: Recorder) -> Recorder:
    """A directory with a C library that meets SIGBUS."""
    source = Path(__file__).with_name("bus.c")
    command = ["cc", "-O1", "-D_GNU_SOURCE", "-shared", "-fPIC", "-pthread", source]
    subprocess.run([*command, "-o", here.path / "bus.so"], check=True)
    return here


LIBRARY = """
import ctypes, os, signal, sys
bus = ctypes.CDLL("./bus.so")
"""

INFO, ONSTACK, NODEFER, RESETHAND = 4, 0x08000000, 0x40000000, 0x80000000 - (1 << 32)

DEATHS = {
    "met": "bus.cut_own(); bus.touch()",
    "sent": "os.kill(os.getpid(), signal.SIGBUS)",
    "told of": "import faulthandler; faulthandler.enable(); bus.cut_own(); bus.touch()",
    "reset": f"bus.set({INFO | RESETHAND}); bus.meet(); bus.ask(); bus.meet()",
    "reset simply": f"bus.set({NODEFER}); signal.signal(signal.SIGBUS, signal.SIG_DFL);"
    "bus.ask(); bus.meet()",
    "in a thread": "import threading; bus.cut_own();"
    "t = threading.Thread(target=bus.touch); t.start(); t.join()",
}


def told(err: str) -> list[str]:
    """What the interpreter says of the place where it died, without our own frames."""
    lines = [line for line in err.splitlines() if not line.startswith("mprof: ")]
    theirs = [line for line in lines if "/memory_profiler/" not in line]
    return [line for line in theirs if line.startswith("Fatal") or "/program.py" in line]


@pytest.mark.parametrize("options", [[], ["--no-native"]])
@pytest.mark.parametrize("how", DEATHS)
def test_its_own_sigbus_ends_the_program_as_alone(
    bus: Recorder, how: str, options: list[str]
) -> None:
    bus.write("program.py", LIBRARY + DEATHS[how] + "\nprint('lived')\n")
    expected = alone(bus)
    assert expected.code == -signal.SIGBUS
    done = recorded(bus, *options)
    if not options:
        assert done.out == expected.out
    assert done.code == -signal.SIGBUS, done
    assert len(told(done.err)) == len(told(expected.err)), done.err


def test_a_child_dies_of_its_own_sigbus(bus: Recorder) -> None:
    bus.write("program.py", LIBRARY + """
for ask in (bus.ask, lambda: (bus.cut_own(), bus.touch())):
    child = os.fork()
    if not child:
        ask()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
""")  # fmt: skip
    expected = alone(bus)
    assert expected.out == f"asked default 0 0\n0\n{-signal.SIGBUS}\n"
    assert recorded(bus).out == expected.out
    (bus.path / "a.mprof").unlink()
    assert bus.mprof("heap", "-o", "a.mprof", "program.py").out == expected.out


HANDLERS = [
    [flags | info for flags in (0, ONSTACK, NODEFER, RESETHAND)] for info in (0, INFO)
]


@pytest.mark.parametrize("flags", sum(HANDLERS, []))
def test_a_handler_of_the_programs_is_called_as_alone(bus: Recorder, flags: int) -> None:
    bus.write("program.py", LIBRARY + f"bus.ask(); bus.set({flags}); bus.ask()\n"
              "bus.meet(); bus.ask(); bus.set_simply(); bus.meet(); bus.ask()\n")  # fmt: skip
    expected = alone(bus)
    assert expected.code == 0 and expected.out.count("there 1") == 2, expected
    done = recorded(bus)
    assert (done.code, done.out) == (0, expected.out), done.err


def test_who_has_a_handler_of_its_own_is_guarded_too(bus: Recorder) -> None:
    steps = BUSY + STEPS.replace("SIZES", "[0]") + "bus.meet(); bus.ask()\n"
    bus.write("program.py", LIBRARY + f"bus.set({INFO})\n" + steps)
    done = recorded(bus)
    assert (done.code, done.out) == (125, alone(bus).out)
    assert own_lines(done.err) == [SAID]


def test_who_ignores_sigbus_hands_that_on(bus: Recorder) -> None:
    bus.write("program.py", LIBRARY + """
signal.signal(signal.SIGBUS, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGBUS)
bus.ask()
sys.stdout.flush()
os.system("grep SigIgn /proc/self/status")
""")  # fmt: skip
    expected = alone(bus)
    assert "ignored" in expected.out
    assert recorded(bus).out == expected.out


def catches_sigbus() -> bool:
    with open("/proc/self/status") as status:
        (mask,) = [line.split()[1] for line in status if line.startswith("SigCgt:")]
    return bool(int(mask, 16) >> signal.SIGBUS - 1 & 1)


OWN = """
import os, sys
from memory_profiler import heap
"""


def test_a_tracker_says_that_its_file_was_cut_short(here: Recorder) -> None:
    here.write("program.py", OWN + """
tracker = heap.track("a.mprof")
tracker.start()
kept = [bytearray(100) for _ in range(999)]
os.truncate("a.mprof", 0)
kept += [bytearray(100) for _ in range(999)]
print(tracker.peak >= 0, tracker.top())
try:
    tracker.stop()
except OSError as problem:
    print(problem.strerror)
with heap.track("b.mprof") as other:
    kept += [bytearray(100) for _ in range(999)]
os.truncate("a.mprof", 0)
os.truncate("b.mprof", 0)
print(tracker.peak >= 0, other.peak >= 0, len(kept))
""")  # fmt: skip
    done = alone(here)
    assert done.err == ""
    assert done.out.splitlines() == [
        "True []", "it was cut short while it was recorded into", "True True 2997",
    ]  # fmt: skip


INSIDE = """
kept = []
tracker = heap.track()
tracker.start()
kept += [bytearray(100) for _ in range(999)]
os.truncate("a.mprof", 0)
kept += [bytearray(100) for _ in range(999)]
print(tracker.peak, tracker.top())
for step in (tracker.stop, heap.track().start):
    try:
        step()
    except OSError as problem:
        print(problem.errno)
"""


def test_a_tracker_inside_a_recording_that_was_cut_short_says_so(here: Recorder) -> None:
    here.write("program.py", OWN + INSIDE)
    done = recorded(here)
    assert done.out == f"0 []\n{errno.ESTALE}\n{errno.ESTALE}\n", done.err
    assert (done.code, own_lines(done.err)) == (125, [SAID])


def test_the_handler_is_there_only_while_a_file_is_mapped(here: Recorder) -> None:
    path = here.path / "a.mprof"
    import faulthandler

    was_enabled = faulthandler.is_enabled()
    faulthandler.disable()
    before = catches_sigbus()
    tracker = heap.track(path)
    with tracker:
        during = catches_sigbus()
    del tracker
    after = catches_sigbus()
    with heap.track():
        in_memory = catches_sigbus()
    if was_enabled:
        faulthandler.enable()
    assert (before, during, after, in_memory) == (False, True, False, False)
    assert os.path.exists(path)
