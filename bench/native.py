"""What native hooks cost a call of malloc and free: the bare ones, which record nothing, and those
of a recording beside memray's."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE.parent / "src"
CORE = [*sorted((SOURCES / "capture/heap/native").glob("*.c")), SOURCES / "base/guard.c"]
PEERS = os.environ.get("PEERS_PYTHON", sys.executable)
PAIRS, ROUNDS, SIZE = 500_000, 9, 64
TOOLS = ("plain", "ours", "sampled", "memray")


def recording(tool: str, folder: str) -> contextlib.AbstractContextManager[object]:
    """A tool's recording in this process; memray as it is without options, natively only."""
    path = os.path.join(folder, f"{tool}-{os.getpid()}")
    if tool == "memray":
        import memray

        return memray.Tracker(path)
    if tool == "plain":
        return contextlib.nullcontext()
    from memory_profiler import heap

    return heap.track(path, sample=512 * 1024 if tool == "sampled" else 0)


def measure(tool: str, library: str, folder: str) -> None:
    """Prints ns a pair of malloc and free, the best round: with Python's lock held, and without."""
    with recording(tool, folder):
        for loader in (ctypes.PyDLL, ctypes.CDLL):
            call = loader(library).call_malloc
            call.argtypes = [ctypes.c_long, ctypes.c_size_t]
            best = float("inf")
            for _ in range(ROUNDS):
                start = time.perf_counter()
                call(PAIRS, SIZE)
                best = min(best, (time.perf_counter() - start) / PAIRS * 1e9)
            print(best)


def recorded(library: str, folder: str) -> None:
    added: dict[str, list[float]] = {}
    plain = [0.0, 0.0]
    print(f"\nns a pair of {SIZE} bytes, recorded    lock held   not held")
    for tool in TOOLS:
        python = PEERS if tool == "memray" else sys.executable
        words = [python, __file__, tool, library, folder]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            print(f"{tool}: not measured: {done.stderr.strip().splitlines()[-1]}")
            continue
        took = [float(line) for line in done.stdout.split()]
        plain = took if tool == "plain" else plain
        added[tool] = [now - then for now, then in zip(took, plain, strict=True)]
        print(f"{tool:<32} {took[0]:11.1f} {took[1]:10.1f}")
    for tool in ("ours", "sampled"):
        if "memray" in added:
            less = [
                its / own for its, own in zip(added["memray"], added[tool], strict=True)
            ]
            print(
                f"memray adds x{less[0]:.1f} (lock held), x{less[1]:.1f} of what {tool} adds"
            )


def main() -> None:
    with tempfile.TemporaryDirectory() as into:
        caller, program = pathlib.Path(into, "libcaller.so"), pathlib.Path(into, "native")
        command = ["cc", "-O2", "-D_GNU_SOURCE", "-fvisibility=default", f"-I{SOURCES}"]
        command += ["-fno-builtin", "-pthread", str(HERE / "native.c")]
        subprocess.run([*command, "-DCALLER", "-shared", "-fPIC", "-o", caller], check=True)
        core = [str(path) for path in CORE]
        subprocess.run([*command, *core, caller, "-o", program], check=True)
        subprocess.run([program], check=True, env={"LD_LIBRARY_PATH": into})
        recorded(str(caller), into)


if __name__ == "__main__":
    measure(*sys.argv[1:]) if len(sys.argv) > 1 else main()
