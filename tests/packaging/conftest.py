"""Installing what `make wheels` wrote, into environments that hold nothing else."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from roots import make_root

TOP = pathlib.Path(__file__).parents[2]
DIST = TOP / "dist"
ROOT = TOP / "build" / "sid"
PROGRAM = """
@profile
def grow():
    kept = bytearray(40 << 20)
    return len(kept)

print(grow())
"""


def wheels() -> list[pathlib.Path]:
    return sorted(DIST.glob("*.whl"))


def native_wheels() -> list[pathlib.Path]:
    return [wheel for wheel in wheels() if "none-any" not in wheel.name]


def version_of(wheel: pathlib.Path) -> str:
    """ "3.12" of a wheel for it; of the pure one, the newest Python here."""
    tag = re.search(r"-cp3(\d+)-", wheel.name)
    return f"3.{tag[1]}" if tag else max(pythons(), key=lambda v: int(v[2:]))


def pythons() -> dict[str, str]:
    """The interpreters found here, by version."""
    said = subprocess.run(
        [TOP / "tools/pythons"], capture_output=True, text=True, check=True
    )
    return dict(line.split(" ", 1) for line in said.stdout.splitlines())


@dataclasses.dataclass
class Place:
    """Where commands run: here, or inside the root of a newer Python."""

    python: str
    inside: pathlib.Path | None
    home: pathlib.Path

    def path(self, outside: pathlib.Path) -> str:
        """A path as commands in this place see it."""
        return f"/{outside.relative_to(self.inside)}" if self.inside else str(outside)

    def run(
        self, *words: str, check: bool = True, **env: str
    ) -> subprocess.CompletedProcess:
        """Runs in the home directory with an environment of its own."""
        clean = {
            "PATH": "/usr/bin:/bin",
            "HOME": self.path(self.home),
            "LANG": "C.UTF-8",
            **env,
        }
        command = ["env", "-i", *(f"{key}={value}" for key, value in clean.items())]
        command += ["sh", "-c", 'cd "$HOME" && exec "$@"', "sh", *map(str, words)]
        if self.inside:
            command = [str(TOP / "tools/in-root"), str(self.inside), *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if check and done.returncode:
            pytest.fail(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def venv(self, name: str, *options: str) -> str:
        """A new virtual environment with nothing but pip; its directory, as seen inside."""
        self.run(self.python, "-m", "venv", *options, name)
        return f"{self.path(self.home)}/{name}"

    def install(self, environment: str, wheel: str, *options: str) -> None:
        self.run(f"{environment}/bin/python", "-m", "pip", "install", "-q",
                 "--disable-pip-version-check", *options, wheel)  # fmt: skip


@pytest.fixture(scope="session")
def empty_root(tmp_path_factory: pytest.TempPathFactory):
    """A function: the root that holds a Python of this machine, and its path there."""
    made: dict[str, tuple[pathlib.Path, str]] = {}

    def make(python: str) -> tuple[pathlib.Path, str]:
        if python not in made:
            root = tmp_path_factory.mktemp("root")
            made[python] = root, make_root(root, python)
        return made[python]

    yield make
    for root, _ in made.values():
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def place_for(tmp_path: pathlib.Path, empty_root):
    """A function: the place for a wheel, with the wheel copied into its home. `empty`: in a
    root that holds no more than the Python."""
    made = []

    def make(wheel: pathlib.Path, empty: bool = False) -> tuple[Place, str]:
        python = pythons().get(version_of(wheel))
        if python and empty and os.geteuid() == 0:
            root, python = empty_root(python)
            home = root / "homes" / tmp_path.name
            home.mkdir(parents=True)
            place = Place(python, root, home)
        elif python:
            place = Place(python, None, tmp_path)
        elif os.path.exists(ROOT / ".made"):
            home = ROOT / "homes" / tmp_path.name
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            made.append(home)
            place = Place(f"/usr/bin/python{version_of(wheel)}", ROOT, home)
        else:
            pytest.skip(f"no CPython {version_of(wheel)} here, and no root (make matrix)")
        shutil.copy(wheel, place.home)
        (place.home / "program.py").write_text(PROGRAM)
        return place, f"{place.path(place.home)}/{wheel.name}"

    yield make
    for home in made:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def newest() -> pathlib.Path:
    """The wheel for the newest Python that is here itself."""
    here = [wheel for wheel in native_wheels() if version_of(wheel) in pythons()]
    if not here:
        pytest.skip("no wheel for a Python that is here: make wheels")
    return max(here, key=lambda wheel: int(version_of(wheel)[2:]))


def pytest_configure(config: pytest.Config) -> None:
    if not wheels():
        sys.exit("no wheels in dist/: make wheels writes them")
