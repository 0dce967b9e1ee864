"""What mprof costs, beside the classic mprof 0.61 and psrecord: python bench/timeline.py [what ...]

Every figure of a block is measured in one run, interleaved where it is short; ratios are what
to compare between machines. PEERS_PYTHON names an interpreter with the peers (bench/requirements.txt).
"""

from __future__ import annotations

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import mprof

OURS = mprof.find_program()
PEERS = os.environ.get("PEERS_PYTHON")
HERE = pathlib.Path(__file__).resolve().parent
TOOLS = pathlib.Path(tempfile.mkdtemp())
SECONDS = 3
TREE = (
    "import os, time\nfor i in range({}):\n"
    "  if os.fork() == 0:\n    time.sleep({}); os._exit(0)\ntime.sleep({})"
)


def peer(name: str) -> list[str] | None:
    """The command of a peer, or None when it is not there."""
    path = pathlib.Path(PEERS).parent / name if PEERS else None
    return [str(path)] if path and path.exists() else None


CLASSIC, PSRECORD = peer("mprof"), peer("psrecord")


def say(what: str, **figures: object) -> None:
    print(
        f"{what:<44}" + "  ".join(f"{name} {value}" for name, value in figures.items()),
        flush=True,
    )


class Spent:
    """A finished command: seconds, processor seconds, peak RSS in MiB, exit code."""

    def __init__(self, words: list[str]) -> None:
        said = subprocess.run(
            [TOOLS / "spent", *words], capture_output=True, text=True, check=True
        )
        wall, cpu, rss, code = said.stdout.split()
        self.wall, self.cpu, self.rss, self.code = (
            float(wall),
            float(cpu),
            float(rss),
            int(code),
        )


def medians(commands: dict[str, list[str]], times: int = 25) -> dict[str, float]:
    """Milliseconds of each command, taken in turn."""
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(times):
        for name, words in commands.items():
            walls[name].append(Spent(words).wall * 1e3)
    return {name: statistics.median(values) for name, values in walls.items()}


def startup(where: pathlib.Path) -> None:
    """mprof run true, over true."""
    commands = {
        "true": ["true"],
        "mprof": [OURS, "run", "--force", "-o", str(where / "x.dat"), "true"],
    }
    if CLASSIC:
        commands["classic"] = [*CLASSIC, "run", "-o", str(where / "c.dat"), "true"]
    if PSRECORD:
        commands["psrecord"] = [*PSRECORD, "--log", str(where / "p.txt"), "true"]
    ms = medians(commands, 15)
    for name in commands:
        if name != "true":
            say(f"start-up, {name}", more_ms=round(ms[name] - ms["true"], 1),
                ratio=round(ms[name] / ms["true"], 2))  # fmt: skip


def count(file: pathlib.Path) -> int:
    text = file.read_text()
    return (
        text.count("\nMEM ") + text.startswith("MEM ")
        if "MEM " in text
        else len(text.splitlines()) - 1
    )


def sampled(
    name: str, words: list[str], file: pathlib.Path, target: float
) -> tuple[float, float]:
    """Samples a second and processor share of one recording; the target's own time is a sleep."""
    file.unlink(missing_ok=True)
    spent = Spent(words)
    rate, share = count(file) / SECONDS, spent.cpu / SECONDS
    say(
        name,
        per_s=round(rate),
        cpu=f"{share * 100:.1f}%",
        of_wanted=f"{rate * target:.0%}",
        MiB=round(spent.rss, 1),
    )
    return rate, share


def recorders(
    where: pathlib.Path, interval: float, target: list[str], *options: str
) -> dict[str, tuple]:
    file = where / "r.dat"
    words = [OURS, "run", *options, "-T", str(interval), "-o", str(file), *target]
    found = {"mprof": (words, file)}
    if CLASSIC:
        found["classic"] = (
            [*CLASSIC, "run", *options, "-T", str(interval), "-o", str(file), *target],
            file,
        )
    return found


def rates(where: pathlib.Path) -> None:
    """One process, sampled fast, beside a loop that only sleeps."""
    loop = TOOLS / "empty_loop"
    for interval in (0.001, 0.0001):
        empty = float(
            subprocess.run(
                [loop, str(interval), str(SECONDS)], capture_output=True, text=True
            ).stdout
        )
        say(f"one process at {interval} s, empty loop", cpu=f"{empty / SECONDS * 100:.1f}%")
        for name, (words, file) in recorders(
            where, interval, ["sleep", str(SECONDS)]
        ).items():
            _, share = sampled(
                f"one process at {interval} s, {name}", words, file, interval
            )
            say("", over_empty_loop=round(share * SECONDS / empty, 2))
        if PSRECORD:
            log = where / "p.txt"
            words = [
                *PSRECORD,
                "--log",
                str(log),
                "--interval",
                str(interval),
                "--duration",
                str(SECONDS),
                f"sleep {SECONDS + 1}",
            ]
            sampled(f"one process at {interval} s, psrecord", words, log, interval)


def trees(where: pathlib.Path) -> None:
    """A tree of twenty: what the sampler costs over the same program alone."""
    target = [sys.executable, "-S", "-c", TREE.format(19, SECONDS, SECONDS)]
    alone = Spent(target).cpu
    for interval in (0.01, 0.001):
        for name, (words, file) in recorders(
            where, interval, target, "-C", "--nopython"
        ).items():
            file.unlink(missing_ok=True)
            spent = Spent(words)
            say(f"tree of 20 at {interval} s, {name}", per_s=round(count(file) / SECONDS),
                cpu=f"{max(0, spent.cpu - alone) / SECONDS * 100:.1f}%")  # fmt: skip


def footprint(where: pathlib.Path) -> None:
    """mprof's own high-water mark while it records a tree."""
    words = [
        OURS,
        "run",
        "-C",
        "-M",
        "-T",
        "0.01",
        "--force",
        "-o",
        str(where / "f.dat"),
        "sleep",
        "1",
    ]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        time.sleep(0.7)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        process.wait()
    say(
        "mprof while recording",
        MiB=round(int(status.split("VmHWM:")[1].split()[0]) / 1024, 2),
    )


def million(where: pathlib.Path) -> None:
    """Reading and drawing a million samples."""
    file = where / "big.dat"
    file.write_text(
        "CMDLINE x\n"
        + "".join(f"MEM {30 + i % 97 / 7:.6f} {1000 + i / 100:.4f}\n" for i in range(10**6))
    )
    jobs = {"peak": ["peak"], "page": ["plot", "-o", "{}.html"], "PNG": ["plot", "-o", "{}.png"],
            "SVG": ["plot", "-o", "{}.svg"], "terminal": ["plot", "--terminal"]}  # fmt: skip
    for job, words in jobs.items():
        base: dict[str, float] = {}
        for name, program in {"mprof": [OURS], "classic": CLASSIC}.items():
            if not program or (name == "classic" and job in ("page", "terminal")):
                continue
            target = str(where / name)
            spent = min(
                (
                    Spent([*program, *[w.format(target) for w in words], str(file)])
                    for _ in range(3 if name == "mprof" else 1)
                ),
                key=lambda s: s.wall,
            )
            made = pathlib.Path(words[-1].format(target)) if len(words) > 2 else None
            base[name] = spent.wall
            say(f"a million samples, {job}, {name}", s=round(spent.wall, 3), MiB=round(spent.rss, 1),
                KB=round(made.stat().st_size / 1000) if made and made.exists() else "-", rc=spent.code)  # fmt: skip
        if "classic" in base:
            say("", ratio=round(base["classic"] / base["mprof"], 1))


def spikes(where: pathlib.Path) -> None:
    """200 spikes of 100 MiB for 2 ms, sampled every 0.1 s: intervals that held one and show it."""
    program = where / "spikes.c"
    program.write_text(
        "#include <stdio.h>\n#include <string.h>\n#include <sys/mman.h>\n#include <time.h>\n"
        "int main(void){struct timespec n,a,w={0,98000000},h={0,2000000};for(int i=0;i<200;i++){nanosleep(&w,0);"
        "clock_gettime(CLOCK_REALTIME,&a);char*x=mmap(0,100<<20,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);memset(x,1,100<<20);"
        "nanosleep(&h,0);munmap(x,100<<20);clock_gettime(CLOCK_REALTIME,&n);"
        'printf("%.4f %.4f\\n",a.tv_sec+a.tv_nsec/1e9,n.tv_sec+n.tv_nsec/1e9);}return 0;}\n'
    )
    subprocess.run(["cc", "-O2", "-w", "-o", where / "spikes", program], check=True)
    for name, (words, file) in recorders(where, 0.1, [str(where / "spikes")]).items():
        file.unlink(missing_ok=True)
        out = subprocess.run(words, capture_output=True, text=True).stdout
        happened = [
            tuple(map(float, line.split()))
            for line in out.splitlines()
            if line.count(".") == 2 and line[0].isdigit()
        ]
        lines = [line.split() for line in file.read_text().splitlines()]
        seen = [
            (float(f[3]), float(f[4])) for f in lines if f[0] == "PEAK" and float(f[2]) > 95
        ]
        seen += [
            (float(f[2]), float(f[2])) for f in lines if f[0] == "MEM" and float(f[1]) > 95
        ]
        shown = sum(
            any(a <= end + 0.002 and b >= begin - 0.002 for a, b in seen)
            for begin, end in happened
        )
        say(f"spikes of 2 ms at 0.1 s, {name}", shown=f"{shown} of {len(happened)}")


def main() -> None:
    blocks = {f.__name__: f for f in (startup, rates, trees, footprint, million, spikes)}
    where = pathlib.Path(tempfile.mkdtemp())
    for tool in ("empty_loop", "spent"):
        subprocess.run(["cc", "-O2", "-o", TOOLS / tool, HERE / f"{tool}.c"], check=True)
    os.chdir(where)
    try:
        for name in sys.argv[1:] or blocks:
            blocks[name](where)
    finally:
        shutil.rmtree(where)
        shutil.rmtree(TOOLS)


if __name__ == "__main__":
    main()
