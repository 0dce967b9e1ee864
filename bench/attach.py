"""Attaching to a program that runs, beside memray's attach: how long the program stands still, and
what recording it takes from then on.

Usage: [PEERS_PYTHON=...] python bench/attach.py [CASE ...]

Prints two tables. The program of the first is the same for all: it allocates, sleeps for half a millisecond, or not at
all ("computing"), and knows how much longer than that its longest round took, and the most processor time of one. PEERS_PYTHON names an interpreter that has memray,
which needs gdb or lldb; without them its rows are left out. The second is of cases of heap_parts/cases.py: processes that
are alone, started by `mprof heap --sample 512K`, and attached to, do a piece of the work in turns. Run it with the
interpreter that has this package: make bench.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "heap_parts"))
from cases import CASES, MAIN  # noqa: E402

MPROF = pathlib.Path(sys.executable).with_name("mprof")
ROUNDS = 5
TURNS, TRIOS = 9, 3
SCALE = 0.06  # of a case: a tenth of a second
#: malloc gives nothing back to the kernel: whether it can depends on what happens to end its heap, so on each
#: import, and pandas has twice the page faults then.
KEEPS = {"MALLOC_TRIM_THRESHOLD_": str(1 << 34), "MALLOC_MMAP_THRESHOLD_": str(1 << 25)}
PROGRAM = """
import os, sys, time
print("ready", flush=True)
def now():
    return time.perf_counter(), time.thread_time()
longest, spent, last, kept, pause = 0, 0, now(), [], float(sys.argv[2])
while True:
    kept.append(bytes(1000))
    if len(kept) > 1000:
        kept.clear()
    if pause:
        time.sleep(pause)
    before, last = last, now()
    longest, spent = max(longest, last[0] - before[0] - pause), max(spent, last[1] - before[1])
    if os.path.exists(sys.argv[1]):
        os.unlink(sys.argv[1])
        print(longest, spent, flush=True)
        longest = spent = 0
"""


#: Does a piece of its work for each line that it reads, and says what processor time that took.
WORKER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from cases import CASES
work = CASES[sys.argv[2]](float(sys.argv[3]))
work()
print("ready", flush=True)
for line in sys.stdin:
    began = time.process_time()
    work()
    print(time.process_time() - began, flush=True)
"""


class Program:
    """The program, running by an interpreter."""

    def __init__(self, python, folder, pause=0.0005):
        self.asked = folder / "asked"
        words = [python, "-c", PROGRAM, self.asked, str(pause)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.pid = self.process.pid
        self.longest()

    def longest(self):
        """Milliseconds that a round took beyond its sleep, at most since this was asked last; of processor time."""
        self.asked.touch()
        return [float(word) * 1e3 for word in self.process.stdout.readline().split()]

    def end(self):
        self.process.kill()
        self.process.communicate()


def measured(program, words):
    """Milliseconds that a command takes, and that the program stands still meanwhile."""
    start = time.perf_counter()
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    took = (time.perf_counter() - start) * 1e3
    assert done.returncode == 0, done.stderr
    return took, *program.longest()


def ours(folder, kind="", pause=0.0005):
    """Of the first attaching to a program, and of the second; and of letting it go."""
    titles = ("mprof heap PID", "detach", "mprof heap PID once more", "detach again")
    rows = {f"{title}{kind}": [] for title in titles}
    for number in range(ROUNDS):
        program = Program(os.path.realpath(sys.executable), folder, pause)
        titles = iter(rows)
        for file in (folder / f"{number}{kind}.mprof", folder / f"{number}{kind}.2.mprof"):
            start = time.perf_counter()
            words = [MPROF, "heap", program.pid, "-o", file]
            mprof = subprocess.Popen(
                list(map(str, words)), stderr=subprocess.PIPE, text=True
            )
            assert "attached" in mprof.stderr.readline()
            took = (time.perf_counter() - start) * 1e3
            rows[next(titles)].append((took, *program.longest()))
            start = time.perf_counter()
            mprof.terminate()
            mprof.communicate()
            took = (time.perf_counter() - start) * 1e3
            rows[next(titles)].append((took, *program.longest()))
        program.end()
    return rows


def peers(folder):
    python = os.environ.get("PEERS_PYTHON")
    has_debugger = shutil.which("gdb") or shutil.which("lldb")
    if not python or not has_debugger:
        return {}
    if subprocess.run([python, "-c", "import memray"], capture_output=True).returncode:
        return {}
    attach, detach = [], []
    for number in range(ROUNDS):
        program = Program(python, folder)
        words = [python, "-m", "memray", "attach", "-o", folder / f"{number}.bin"]
        attach.append(measured(program, [*words, program.pid]))
        detach.append(measured(program, [python, "-m", "memray", "detach", program.pid]))
        program.end()
    return {"memray attach": attach, "memray detach": detach}


def begin(words):
    worker = subprocess.Popen(
        list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env={**os.environ, **KEEPS},
    )  # fmt: skip
    assert worker.stdout.readline() == "ready\n"
    return worker


def piece(worker):
    worker.stdin.write("\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def trio(case, folder, number):
    """Ratios to the processor time of the one alone: started under mprof, attached to; medians of turns."""
    program = folder / "worker.py"
    program.write_text(WORKER)
    work = [program, sys.path[0], case, SCALE]
    started = [MPROF, "heap", "--sample", "512K", "-o", folder / f"started{number}.mprof"]
    workers = [
        begin([sys.executable, *work]), begin([*started, *work]), begin([sys.executable, *work])
    ]  # fmt: skip
    words = [MPROF, "heap", workers[2].pid, "-o", folder / f"attached{number}.mprof"]
    mprof = subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, text=True)
    assert "attached" in mprof.stderr.readline()
    turns = [[piece(worker) for worker in workers] for _ in range(TURNS)]
    mprof.terminate()
    mprof.communicate()
    for worker in workers:
        worker.kill()
        worker.communicate()
    alone, *others = (statistics.median(times) for times in zip(*turns, strict=True))
    return [other / alone for other in others]


def show_cost(cases):
    print(f"\n{'--sample 512K, of its time alone':32}{'started':>12}{'attached':>12}")
    means = []
    for case in cases:
        with tempfile.TemporaryDirectory() as name:
            trios = [trio(case, pathlib.Path(name), number) for number in range(TRIOS)]
        ratios = [statistics.median(of) for of in zip(*trios, strict=True)]
        means.append(ratios)
        print(
            f"{case:32}" + "".join(f"{f'x{ratio:.3f}':>12}" for ratio in ratios), flush=True
        )
    whole = [statistics.geometric_mean(of) for of in zip(*means, strict=True)]
    print(f"{'geometric mean':32}" + "".join(f"{f'x{ratio:.3f}':>12}" for ratio in whole))


def show_still():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        alone = Program(os.path.realpath(sys.executable), folder)
        time.sleep(2)
        plain, spent = alone.longest()
        alone.end()
        rows = ours(folder) | ours(folder, ", computing", 0) | peers(folder)
    print(f"{'':36}{'command':>12}{'stands still':>16}{'at most':>12}{'of its CPU':>13}")
    print(f"{'alone, for 2 s':36}{'':12}{plain:13.1f} ms{'':12}{spent:10.1f} ms")
    for title, figures in rows.items():
        took, still, spent = zip(*figures, strict=True)
        print(
            f"{title:36}{statistics.median(took):9.0f} ms{statistics.median(still):13.1f} ms"
            f"{max(still):9.1f} ms{statistics.median(spent):10.1f} ms"
        )


def main():
    cases = sys.argv[1:] or list(MAIN)
    for unknown in {*cases} - {*CASES}:
        sys.exit(f"bench/attach.py: no case is named {unknown}")
    show_still()
    show_cost(cases)


if __name__ == "__main__":
    main()
