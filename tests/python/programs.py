"""Programs, and parts of programs, that several files of tests run."""

from __future__ import annotations

import pathlib
import subprocess

BIG = 'b"x" * (45 * 2 ** 20)'  # above malloc's highest mmap threshold: freed to the system

SIMPLE = """
@profile
def work():
    x = [1] * 10
    return x

work()
"""
RETURNS = """
@profile
def work():
    return 1

work()
"""

#: Calls `fork(n)` a hundred times and for SECONDS, while four threads are `busy()` until `stop` is set.
FORKING = """
threads = [threading.Thread(target=busy) for i in range(4)]
for thread in threads:
    thread.start()
deadline = time.monotonic() + SECONDS
forks = 0
while forks < 100 or time.monotonic() < deadline:
    forks += 1
    fork(forks)
stop.set()
for thread in threads:
    thread.join()
"""

#: Each of many forked children runs the function that four threads of its parent run.
FORKS = (
    """
import os, sys, threading, time

@profile
def work(n):
    kept = []
    for i in range(n):
        kept.append(bytearray(2000))
    return len(kept)

stop = threading.Event()

def busy():
    while not stop.is_set():
        work(50)

def fork(n):
    pid = os.fork()
    if not pid:
        code = 7
        try:
            code = work(20) + n % 50
        finally:
            os._exit(code)
    got = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert got == 20 + n % 50, got
"""
    + FORKING
)


#: Makes the wall clock jump days at every look.
JUMP = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int looks;
    int code = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME)
        now->tv_sec += (++looks % 2 ? 1 : -1) * 86400L * looks;
    return code;
}
"""


def build_jump(folder: pathlib.Path) -> str:
    """A library to preload, of JUMP."""
    (folder / "jump.c").write_text(JUMP)
    command = ["cc", "-shared", "-fPIC", "-o", "jump.so", "jump.c"]
    subprocess.run(command, cwd=folder, check=True)
    return str(folder / "jump.so")
