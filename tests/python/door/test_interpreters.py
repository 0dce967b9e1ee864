"""Interpreters that are refused, in one line (faults 62)."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

from conftest import Workshop

SOURCES = pathlib.Path(__file__).parents[3] / "src"
HEADERS = pathlib.Path(sysconfig.get_path("include"))

IN_ANOTHER = """
    code = '''
    try:
        import memory_profiler
    except ImportError as error:
        print(type(error).__name__, error, flush=True)
    else:
        print("imported", flush=True)
    '''
    import sys, textwrap
    code = textwrap.dedent(code)
    if sys.version_info >= (3, 13):
        import _interpreters as interpreters
        other = interpreters.create({config!r})
        interpreters.exec(other, code)
        interpreters.destroy(other)
    else:
        import _xxsubinterpreters as interpreters
        other = interpreters.create(isolated={config!r} == "isolated")
        interpreters.run_string(other, code)
        interpreters.destroy(other)
"""


@pytest.mark.parametrize("config", ["isolated", "legacy"])
def test_faults_62_a_sub_interpreter_is_refused_in_one_line(shop: Workshop, config) -> None:
    shop.write("script.py", IN_ANOTHER.replace("{config!r}", repr(config)))
    run = shop.python("-c", "import memory_profiler, runpy; runpy.run_path('script.py')")
    assert run.err == "" and run.code == 0
    assert run.out == (
        "ImportError memory_profiler measures the main interpreter alone; "
        "import it there, not in a sub-interpreter\n"
    )


@pytest.mark.skipif(
    sys.version_info < (3, 13), reason="free-threaded Python is 3.13 and later"
)
@pytest.mark.skipif(not (HEADERS / "Python.h").exists(), reason="needs Python's headers")
@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_faults_62_a_free_threaded_build_is_refused_in_one_line(shop: Workshop) -> None:
    """The module's entry as it compiles for a free-threaded Python, asked to begin."""
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-w", "-DPy_GIL_DISABLED=1", '-DMP_VERSION="1"',
         f"-I{SOURCES}", f"-I{HEADERS}", SOURCES / "python/module.c", "-o", shop.path / "_core.so"],
        check=True,
    )  # fmt: skip
    run = shop.python("-c", "import _core")
    assert run.err.splitlines()[-1] == (
        "ImportError: memory_profiler's C core does not support free-threaded Python; "
        "install its py3-none-any wheel"
    )
