"""What the tests of memory_usage share: programs in their own process, and spikes."""

import os
import subprocess
import sys
import textwrap
import time

MIB = 1 << 20
TOLERANCE = 2.0  # MiB: what the kernel's counters and the interpreter itself leave open
PREAMBLE = """\
import os, signal, subprocess, sys, threading, time, warnings
from memory_profiler._timeline.usage import memory_usage
def spike(mib=100):
    data = bytearray(mib << 20)
    del data
def threads():
    return len(os.listdir("/proc/self/task"))
"""


def spike(mib=100):
    """Takes memory and gives it back at once."""
    data = bytearray(mib << 20)
    del data


def run(code, *options, check=0, **keywords):
    """Runs a program with the helpers above; its stdout. Its exit code must be `check`."""
    program = PREAMBLE + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True, text=True, timeout=120, **keywords,
    )  # fmt: skip
    assert done.returncode == check, done.stderr
    return done.stdout


def threads():
    """Threads of this process, once the kernel has forgotten those that ended."""
    for _ in range(1000):
        if len(os.listdir("/proc/self/task")) == 1:
            break
        time.sleep(0.001)
    return len(os.listdir("/proc/self/task"))
