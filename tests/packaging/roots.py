"""A root that holds a CPython of this machine, a shell and their libraries; nothing else."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess

PROGRAMS = ["/usr/bin/env", "/bin/sh"]
DEVICES = ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/tty"]
#: What pip needs to reach an index, where this machine has it.
NETWORK = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/pip.conf",
           "/etc/ssl/certs/ca-certificates.crt"]  # fmt: skip
LEFT_OUT = shutil.ignore_patterns(
    "site-packages", "dist-packages", "test", "tests", "__pycache__", "config-3*", "idlelib"
)
WHERE = "import json, sys, sysconfig; print(json.dumps([sys.executable, sysconfig.get_path('stdlib')]))"


def make_root(root: pathlib.Path, python: str) -> str:
    """Fills an empty directory; the interpreter's path in it, which is its path here."""
    said = subprocess.run([python, "-c", WHERE], capture_output=True, text=True, check=True)
    executable, library = json.loads(said.stdout)
    executable = str(pathlib.Path(executable).resolve())
    shutil.copytree(library, inside(root, library), ignore=LEFT_OUT)
    extensions = [str(path) for path in pathlib.Path(library).glob("lib-dynload/*.so")]
    for path in {*PROGRAMS, executable, *libraries([*PROGRAMS, executable, *extensions])}:
        shutil.copy(path, inside(root, path))
    for path in NETWORK:
        if pathlib.Path(path).exists():
            shutil.copy(path, inside(root, path))
    for folder in ("proc", "tmp", "dev/pts", "dev/shm"):
        (root / folder).mkdir(parents=True)
    subprocess.run(["cp", "-a", *DEVICES, root / "dev"], check=True)
    return executable


def inside(root: pathlib.Path, path: str) -> pathlib.Path:
    """Where a path of this machine is in the root; makes the directories above it."""
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def libraries(files: list[str]) -> set[str]:
    """The shared libraries that files are linked with, and the loader."""
    said = subprocess.run(["ldd", *files], capture_output=True, text=True, check=True)
    return set(re.findall(r"(/\S+) \(0x", said.stdout))
