"""Rows 42, 44 and 46 for a minute: the native hooks among threads, signals, forks and loading."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time

HERE = pathlib.Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
TESTS = HERE.parent / "c"
CORE = sorted((SOURCES / "capture/heap/native").glob("*.c"))
CORE.append(SOURCES / "base/guard.c")
SECONDS = float(os.environ.get("STRESS_SECONDS", "60"))


def test_faults_46_threads_signals_forks_and_loading_for_a_minute(
    tmp_path: pathlib.Path,
) -> None:
    command = ["cc", "-O1", "-g", "-D_GNU_SOURCE", f"-I{SOURCES}", f"-I{TESTS}", "-pthread"]
    shared = [*command, "-fPIC", "-shared", "-fno-builtin", str(TESTS / "native/plugin.c")]
    libraries = [tmp_path / f"libnative_{name}.so" for name in ("early", "now", "lazy")]
    for library in libraries:
        subprocess.run([*shared, f"-Wl,-soname,{library.name}", "-o", library], check=True)
    program = tmp_path / "stress"
    sources = [TESTS / "test_native_threads.c", TESTS / "native/model.c"]
    sources += CORE
    subprocess.run(
        [*command, "-fvisibility=hidden", "-DSTRESS=4", *sources, libraries[0]]
        + [f"-Wl,-rpath,{tmp_path}", "-lcmocka", "-o", program],
        check=True,
    )
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        subprocess.run(
            [program], check=True, env={"MP_PLUGINS": str(tmp_path)}, timeout=SECONDS + 300
        )
