"""What the native hooks cost a call of malloc and free when nothing is recorded."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE.parent / "src"
CORE = ["elf_object", "hooks_native", "hooks_native_maps", "hooks_native_threads", "patch"]
CORE += ["patch_dl"]


def main() -> None:
    with tempfile.TemporaryDirectory() as into:
        caller, program = Path(into, "libcaller.so"), Path(into, "native")
        command = ["cc", "-O2", "-D_GNU_SOURCE", "-fvisibility=default", f"-I{SOURCES}"]
        command += ["-fno-builtin", "-pthread", str(HERE / "native.c")]
        subprocess.run([*command, "-DCALLER", "-shared", "-fPIC", "-o", caller], check=True)
        core = [str(SOURCES / "capture" / f"{name}.c") for name in CORE]
        subprocess.run([*command, *core, caller, "-o", program], check=True)
        subprocess.run([program], check=True, env={"LD_LIBRARY_PATH": into})


if __name__ == "__main__":
    main()
