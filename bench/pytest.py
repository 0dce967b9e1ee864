"""Tests with --memory beside plain ones and pytest-memray: what measuring adds to a tiny test.

Prints one table; every ratio is of figures from this run. PEERS_PYTHON names an interpreter that
has pytest-memray; without it that row is left out. Without an option runs differ by more than what
is added: valgrind counts 10 million instructions, 0.5% of a run of 100 of these tests. Run it with
the interpreter that has ours and pytest: make bench.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile

FILES, EACH, ROUNDS = 20, 100, 3
TEST = "def test_{number}():\n    assert sum(range(10)) == 45\n\n\n"
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
OURS = ["-p", "no:memory_profiler"]  # for whoever measures without us


def used(words, where):
    """Seconds of processor time, and of the clock, that a run takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, cwd=where, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def ways():
    """What is run, each beside its own plain run."""
    here = [sys.executable, *PYTEST]
    found = {
        "plain": ([*here, *OURS], None),
        "this package, no option": (here, "plain"),
        "--memory": ([*here, "--memory"], "plain"),
        "--memory, Python's allocators": (
            [*here, "--memory", "--memory-native", "no"],
            "plain",
        ),
        "a baseline": ([*here, "--memory-save", "{folder}/{round}.json"], "plain"),
    }
    peers = os.environ.get("PEERS_PYTHON")
    has = "import pytest_memray"
    if peers and subprocess.run([peers, "-c", has], capture_output=True).returncode == 0:
        there = [peers, *PYTEST]
        found["plain, its interpreter"] = ([*there, "-p", "no:memray"], None)
        found["pytest-memray"] = (
            [*there, "--memray", "--most-allocations", "10"], "plain, its interpreter",
        )  # fmt: skip
    return found


def main():
    with tempfile.TemporaryDirectory() as folder:
        where = pathlib.Path(folder)
        for file in range(FILES):
            text = "".join(TEST.format(number=number) for number in range(EACH))
            (where / f"test_tiny_{file}.py").write_text(text)
        (where / "pytest.ini").write_text("[pytest]\n")
        found = ways()
        times = {name: [] for name in found}
        for round in range(ROUNDS):
            for name, (words, _) in found.items():
                words = [word.format(folder=folder, round=round) for word in words]
                times[name].append(used(words, folder))
    tests = FILES * EACH
    print(f"{tests:,} tiny tests, the least of {ROUNDS} runs, processor time")
    print(f"{'':32} {'seconds':>8} {'ratio':>7} {'a test':>10}")
    for name, (_, plain) in found.items():
        least = min(times[name])
        beside = min(times[plain or name])
        more = (least - beside) / tests * 1e3
        print(f"{name:32} {least:8.2f} {f'x{least / beside:.2f}':>7} {more:7.2f} ms")


if __name__ == "__main__":
    main()
