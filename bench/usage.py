"""memory_usage beside memory_profiler 0.61: what it adds to a call, what sampling costs.

Prints one table; every ratio is of figures from this run. PEERS_PYTHON names an interpreter
that has memory_profiler 0.61. Run it with the interpreter that has ours: make bench.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile

SECONDS = 3
EMPTY_LOOP = """
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
int main(void)
{
    struct timespec at;
    struct rusage used;
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (int i = 0; i < TICKS; i++) {
        at.tv_nsec += 1000000;
        if (at.tv_nsec >= 1000000000) { at.tv_sec++; at.tv_nsec -= 1000000000; }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    }
    getrusage(RUSAGE_SELF, &used);
    printf("%f\\n", used.ru_utime.tv_sec + used.ru_utime.tv_usec / 1e6 +
                   used.ru_stime.tv_sec + used.ru_stime.tv_usec / 1e6);
}
"""

CALLS = """
import statistics, time
from memory_profiler{module} import memory_usage
def nothing(): pass
def once():
    start = time.perf_counter()
    memory_usage((nothing,), {options})
    return time.perf_counter() - start
once()
print(statistics.median(once() for _ in range({count})))
"""

SAMPLING = """
import resource, time
from memory_profiler{module} import memory_usage
def used():
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(times.ru_utime + times.ru_stime for times in both)
memory_usage((int,), max_iterations=1)
before = used()
usage = memory_usage((time.sleep, ({seconds},)), 0.001, max_iterations=1{options})
print(used() - before, len(usage) if isinstance(usage, list) else 0)
"""


def run(python: str, program: str, **words: object) -> list[float]:
    """The numbers that a program prints."""
    done = subprocess.run(
        [python, "-c", program.format(**words)], capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def empty_loop() -> float:
    """CPU seconds of a C loop that wakes 1000 times a second and does nothing."""
    with tempfile.TemporaryDirectory() as directory:
        source, binary = os.path.join(directory, "loop.c"), os.path.join(directory, "loop")
        with open(source, "w") as file:
            file.write(EMPTY_LOOP.replace("TICKS", str(SECONDS * 1000)))
        subprocess.run(
            [shutil.which("cc") or "gcc", "-O2", "-o", binary, source], check=True
        )
        done = subprocess.run([binary], capture_output=True, text=True, check=True)
        return float(done.stdout)


def call_costs(ours: str, peers: str | None) -> None:
    own = run(ours, CALLS, module="._timeline.usage", options="0.1", count=300)[0]
    most = run(
        ours, CALLS, module="._timeline.usage", options="0.1, max_usage=True", count=300
    )[0]
    print(f"{'memory_usage((f,)) adds to a call':44}{own * 1e3:9.3f} ms")
    print(f"{'the same with max_usage':44}{most * 1e3:9.3f} ms")
    if peers:
        once = run(peers, CALLS, module="", options="0.1, max_iterations=1", count=20)[0]
        again = run(peers, CALLS, module="", options="0.1", count=5)[0]
        print(f"{'0.61, told to run it once':44}{once * 1e3:9.3f} ms   x{once / own:.0f}")
        print(
            f"{'0.61, as it comes (re-runs)':44}{again * 1e3:9.3f} ms   x{again / own:.0f}"
        )


def sampling_costs(ours: str, peers: str | None) -> None:
    rounds = 3
    empty = statistics.median(empty_loop() for _ in range(rounds))
    print(f"\n{f'CPU of {SECONDS} s at 1 kHz':44}{'ms':>9}   of an empty loop")
    print(f"{'an empty loop in C':44}{empty * 1e3:9.1f}   x1.00")
    cases = [
        ("ours, RSS", ours, "._timeline.usage", ""),
        ("ours, max_usage", ours, "._timeline.usage", ", max_usage=True"),
    ]
    cases += [("ours, children too", ours, "._timeline.usage", ", include_children=True")]
    if peers:
        cases.append(("0.61, RSS", peers, "", ""))
    for name, python, module, options in cases:
        runs = [
            run(python, SAMPLING, module=module, seconds=SECONDS, options=options)
            for _ in range(rounds)
        ]
        used = statistics.median(cpu for cpu, _ in runs)
        taken = f"{runs[0][1]:.0f} samples" if runs[0][1] else ""
        print(f"{name:44}{used * 1e3:9.1f}   x{used / empty:.2f}   {taken}")


def main() -> None:
    peers = os.environ.get("PEERS_PYTHON")
    call_costs(sys.executable, peers)
    sampling_costs(sys.executable, peers)


if __name__ == "__main__":
    main()
