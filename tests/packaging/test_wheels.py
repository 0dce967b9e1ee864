"""Each wheel in an empty environment: what it holds, and that every command works."""

from __future__ import annotations

import re
import subprocess
import zipfile

import pytest

from conftest import DIST, native_wheels, wheels

MOST = 1536 * 1024  # bytes of a wheel
#: The C library's own: libm is glibc's, and every Python has it loaded.
LIBC = re.compile(r"lib[cm]\.so\.6|ld-linux-.*|libc\.so|ld-musl-.*")


@pytest.fixture(params=wheels(), ids=lambda wheel: wheel.name.split("-", 2)[2])
def wheel(request):
    return request.param


@pytest.fixture(params=native_wheels(), ids=lambda wheel: wheel.name.split("-", 2)[2])
def native(request):
    return request.param


def test_a_wheel_is_small(wheel):
    assert wheel.stat().st_size < MOST


def test_native_parts_are_stripped_elfs_that_need_libc_alone(native, tmp_path):
    with zipfile.ZipFile(native) as archive:
        archive.extractall(tmp_path)
    files = [*tmp_path.rglob("*.so"), *tmp_path.rglob("scripts/mprof")]
    assert sorted(file.name.split(".")[0] for file in files) == ["_core", "mprof"]
    for file in files:
        assert file.read_bytes()[:4] == b"\x7fELF"
        said = subprocess.run(
            ["readelf", "-dSW", file], capture_output=True, text=True, check=True
        )
        needed = re.findall(r"NEEDED.*\[(.*)\]", said.stdout)
        assert all(LIBC.fullmatch(name) for name in needed), needed
        assert ".symtab" not in said.stdout and "RPATH" not in said.stdout


def test_the_pure_wheel_has_no_native_part_and_the_others_nothing_of_it():
    for wheel in wheels():
        names = zipfile.ZipFile(wheel).namelist()
        is_pure = "none-any" in wheel.name
        assert any("_pure" in name for name in names) == is_pure
        assert any(name.endswith("_core.py") for name in names) == is_pure
        assert any(name.endswith((".so", "scripts/mprof")) for name in names) != is_pure
        assert any(name.endswith("memory_profiler_heap.pth") for name in names) != is_pure


def test_the_page_is_in_the_source_distribution_and_node_modules_are_not():
    import tarfile

    (sdist,) = DIST.glob("*.tar.gz")
    names = tarfile.open(sdist).getnames()
    for page in ("page", "heap"):
        assert any(name.endswith(f"/web/{page}.built.html") for name in names)
    assert not any("node_modules" in name for name in names)


def test_every_command_works_in_an_empty_environment_of_an_empty_root(wheel, place_for):
    place, file = place_for(wheel, empty=True)
    env = place.venv("env")
    place.install(env, file, "--no-index")
    python, pure = f"{env}/bin/python", "none-any" in wheel.name
    said = place.run(python, "-m", "memory_profiler", "program.py").stdout
    assert said.startswith("41943040\nFilename: program.py\n")
    (row,) = [line for line in said.splitlines() if "bytearray" in line]
    assert float(row.split()[3]) == pytest.approx(40, abs=1)

    mprof = [python, "-m", "mprof"] if pure else [f"{env}/bin/mprof"]
    place.run(*mprof, "run", "-o", "run.dat", "program.py", PATH=f"{env}/bin:/usr/bin:/bin")
    recorded = (place.home / "run.dat").read_text()
    assert "CMDLINE" in recorded and "\nFUNC __main__.grow " in recorded
    assert re.fullmatch(
        r"run\.dat\t\d+\.\d{3} MiB\n", place.run(*mprof, "peak", "run.dat").stdout
    )
    if not pure:
        plot = place.run(*mprof, "plot", "--terminal", "run.dat").stdout
        assert "MiB" in plot and len(plot.splitlines()) > 5
        (place.home / "child.py").write_text(
            "import subprocess, sys\nif len(sys.argv) < 2:\n"
            "    subprocess.run([sys.executable, '-I', __file__, '1'], check=True)\n"
        )
        place.run(*mprof, "heap", "-o", "a.mprof", "child.py")
        assert "of 2 processes" in place.run(*mprof, "report", "a.mprof").stdout
        place.run(*mprof, "plot", "-o", "run.html", "run.dat")
        assert b"</html>" in (place.home / "run.html").read_bytes()

    said = place.run(python, "-m", "memory_profiler", "--version", "--verbose").stdout
    assert (
        ("pure Python" in said and "without: --peak, --heap" in said)
        if pure
        else "C core" in said
    )


def test_memit_works_in_an_empty_root_where_ipython_is(wheel, place_for):
    place, file = place_for(wheel, empty=True)
    env = place.venv("env")
    place.install(env, file, "--no-index")
    found = place.run(f"{env}/bin/python", "-c",
                      "import memory_profiler as m; print(hasattr(m, 'load_ipython_extension'))")  # fmt: skip
    if found.stdout != "True\n":
        pytest.skip("this version has no magics")
    place.install(env, "ipython")
    said = place.run(f"{env}/bin/python", "-m", "IPython", "-c",
                     "%load_ext memory_profiler\n%memit bytearray(40 << 20)")  # fmt: skip
    assert re.search(
        r"peak memory: \d+\.\d\d MiB, increment: (39|4\d)\.\d\d MiB", said.stdout
    )
