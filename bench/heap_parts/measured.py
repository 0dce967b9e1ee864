"""What runs in the measured process: one case under one tool. Also a test file for pytest.

The environment's HEAP_BENCH says what: JSON of case, scale, tool, path (the capture), result
(where the figures go) and, for a tight address space, limit.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from contextlib import AbstractContextManager

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cases import CASES, HELD  # noqa: E402


def ours(path: str, mode: str) -> AbstractContextManager[object]:
    from memory_profiler import heap

    return heap.track(
        path, native=mode != "python", sample=2**19 if mode == "sampled" else 0
    )


def memray(path: str, mode: str) -> AbstractContextManager[object]:
    import memray

    options: dict[str, object] = {"trace_python_allocators": mode != "default"}
    if mode == "aggregated":
        options["file_format"] = memray.FileFormat.AGGREGATED_ALLOCATIONS
    return memray.Tracker(path, native_traces=mode == "native", **options)


def tracemalloc(path: str) -> AbstractContextManager[object]:
    import tracemalloc

    @contextlib.contextmanager
    def tracking():
        tracemalloc.start(1)
        yield
        tracemalloc.stop()

    return tracking()


def tracker(tool: str, path: str) -> AbstractContextManager[object]:
    """The tool's recording; nothing for a tool that launched this process."""
    if tool.startswith("ours"):
        return ours(path, tool.partition("-")[2])
    if tool == "tracemalloc":
        return tracemalloc(path)
    if tool.startswith("memray"):
        return memray(path, tool.partition("-")[2])
    return contextlib.nullcontext()


def status(field: str) -> int:
    """Bytes of a field of /proc/self/status. VmHWM, unlike ru_maxrss, forgets what exec left."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) * 1024


def measure() -> None:
    given = json.loads(os.environ["HEAP_BENCH"])
    work = {**CASES, **HELD}[given["case"]](given["scale"])
    if given.get("limit"):
        resource.setrlimit(resource.RLIMIT_AS, (given["limit"], given["limit"]))
    recording = tracker(given["tool"], given["path"])
    before = status("VmRSS")
    cpu, wall = time.process_time(), time.perf_counter()
    with recording:
        work()
    figures = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "rss": status("VmHWM"),
        "grown": max(0, status("VmHWM") - before),
        "space": status("VmPeak"),
    }
    with open(given["result"], "w") as file:
        json.dump(figures, file)


def test_measured() -> None:
    measure()


if __name__ == "__main__":
    sys.setrecursionlimit(100000)
    measure()
