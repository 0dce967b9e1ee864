"""Every way in, and out: pip's, pipx's and uv's; over the classic; from the sources."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from conftest import DIST, Place

TABLE = re.compile(r"Filename: program\.py\n\nLine #")


def runs(place: Place, python: str, **env: str) -> None:
    """`python -m memory_profiler` and `mprof` as a module both work."""
    said = place.run(python, "-m", "memory_profiler", "program.py", **env).stdout
    assert TABLE.search(said)
    assert place.run(python, "-m", "mprof", "--version", **env).stdout.startswith(
        ("1.", "mprof 1.")
    )


def files_under(home: pathlib.Path) -> set[str]:
    return {
        str(path.relative_to(home))
        for path in home.rglob("*")
        if "__pycache__" not in path.parts and path.suffix != ".pyc" and not path.is_dir()
    }


def test_uninstalling_leaves_nothing(newest, place_for):
    place, file = place_for(newest)
    env = place.venv("env")
    before = files_under(place.home)
    place.install(env, file, "--no-index")
    runs(place, f"{env}/bin/python")
    place.run(f"{env}/bin/python", "-m", "pip", "uninstall", "-q", "-y", "memory_profiler")
    assert files_under(place.home) == before
    assert not list(place.home.rglob("memory_profiler*/*.py"))


def test_installing_for_one_user(newest, place_for):
    place, file = place_for(newest)
    place.run(place.python, "-m", "pip", "install", "-q", "--user", "--no-index",
              "--no-warn-script-location", "--disable-pip-version-check", file)  # fmt: skip
    assert place.run(f"{place.home}/.local/bin/mprof", "--version").stdout.startswith("1.")
    runs(place, place.python)


def test_installing_into_a_directory(newest, place_for):
    place, file = place_for(newest)
    place.run(place.python, "-m", "pip", "install", "-q", "--target", "lib", "--no-index",
              "--disable-pip-version-check", file)  # fmt: skip
    assert (place.home / "lib/bin/mprof").stat().st_mode & 0o111
    runs(place, place.python, PYTHONPATH=f"{place.home}/lib")


def test_upgrading_over_the_classic(newest, place_for):
    place, file = place_for(newest)
    env = place.venv("env")
    place.install(env, "memory-profiler==0.61.0")
    place.install(env, file, "--upgrade", "--no-index")
    runs(place, f"{env}/bin/python")
    with open(place.home / "env/bin/mprof", "rb") as program:
        assert program.read(4) == b"\x7fELF"
    checked = place.run(f"{env}/bin/python", "-m", "pip", "check").stdout
    assert checked == "No broken requirements found.\n"
    said = place.run(f"{env}/bin/python", "-m", "pip", "list").stdout
    assert len(re.findall("memory.profiler", said)) == 1


def installer(name: str) -> str:
    """A tool that the environment of the tests has."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def test_pipx_runs_it(newest, place_for):
    place, file = place_for(newest)
    words = [
        installer("pipx"),
        "run",
        "--python",
        place.python,
        "--spec",
        file,
        "mprof",
        "--version",
    ]
    assert place.run(*words, PIPX_HOME=f"{place.home}/pipx").stdout.startswith("1.")


def test_uv_installs_it(newest, place_for):
    place, file = place_for(newest)
    uv = installer("uv")
    place.run(uv, "venv", "-q", "--python", place.python, "env")
    place.run(uv, "pip", "install", "-q", "--no-index", "--python", "env/bin/python", file)
    runs(place, f"{place.home}/env/bin/python")
    assert place.run(f"{place.home}/env/bin/mprof", "--version").stdout.startswith("1.")


def test_the_sources_build_where_there_is_no_node(newest, place_for):
    place, _ = place_for(newest)
    (sdist,) = DIST.glob("*.tar.gz")
    env = place.venv("env")
    requirements = pathlib.Path(__file__).parents[2] / "tools/build-requirements.txt"
    place.install(env, "pip", "-r", str(requirements))
    tools = place.home / "bin"
    tools.mkdir()
    for name in ("sh", "env", "rm", "cc", "gcc", "ar", "ld", "as", "git"):
        if shutil.which(name):
            (tools / name).symlink_to(shutil.which(name))
    place.run(f"{env}/bin/python", "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps",
              sdist, PATH=f"{env}/bin:{tools}")  # fmt: skip
    runs(place, f"{env}/bin/python")
    place.run(f"{env}/bin/mprof", "run", "-o", "run.dat", "/bin/true")
    place.run(f"{env}/bin/mprof", "plot", "-o", "run.html", "run.dat")
    assert b"</html>" in (place.home / "run.html").read_bytes()


def test_a_root_that_holds_nothing_else_runs_the_native_program(
    newest, place_for, tmp_path
):
    """Only libc and its loader: mprof asks for nothing more."""
    place, file = place_for(newest)
    root = tmp_path / "root"
    for folder in ("proc", "dev", "tmp"):
        (root / folder).mkdir(parents=True)
    shutil.unpack_archive(file, tmp_path / "unpacked", "zip")
    (program,) = (tmp_path / "unpacked").rglob("scripts/mprof")
    shutil.copy(program, root / "mprof")
    (root / "mprof").chmod(0o755)
    said = subprocess.run(
        ["ldd", program], capture_output=True, text=True, check=True
    ).stdout
    for library in re.findall(r"(/\S+) \(0x", said):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"', str(root)]  # fmt: skip
    run = subprocess.run([*enter, "/mprof", "run", "-o", "/tmp/run.dat", "/mprof", "--version"],
                         capture_output=True, text=True, env={})  # fmt: skip
    if "unshare" in run.stderr or "mount:" in run.stderr:
        pytest.skip(f"needs a mount namespace: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    plot = subprocess.run([*enter, "/mprof", "plot", "--terminal", "/tmp/run.dat"],
                          capture_output=True, text=True, env={})  # fmt: skip
    assert plot.returncode == 0 and "MiB" in plot.stdout
