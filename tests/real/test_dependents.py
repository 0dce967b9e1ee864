"""What others built on memory_profiler works with this one."""

from __future__ import annotations

import re
import sqlite3
import sys
import textwrap

import pytest

import harness

PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:asyncio",
]


@pytest.fixture
def write(tmp_path):
    def write(name: str, source: str):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(source))

    return write


def test_pytest_monitor_measures_each_test_into_its_database(tmp_path, write):
    write(  # pytest-monitor 1.6.6 reads a name that pytest 9 has no more
        "conftest.py",
        """
        from _pytest.nodes import Node

        Node._nodeid = property(lambda node: node.nodeid)
        """,
    )
    write(
        "test_loading.py",
        """
        import pytest

        def test_large():
            assert len(b"x" * (40 << 20)) == 40 << 20

        @pytest.mark.parametrize("n", [1, 2])
        def test_small(n):
            assert n
        """,
    )
    words = [*PYTEST, "--db", "monitor.sqlite", "test_loading.py"]
    ended = harness.run_to_the_last(words, tmp_path, 120)
    assert (ended.code, ended.left) == (0, []), ended.out + ended.err
    assert "3 passed" in ended.out
    with sqlite3.connect(tmp_path / "monitor.sqlite") as base:
        rows = dict(base.execute("select item_variant, mem_usage from test_metrics"))
    assert rows.keys() == {"test_large", "test_small[1]", "test_small[2]"}
    assert 39 < rows["test_large"] - rows["test_small[1]"] < 42


def test_sphinx_gallery_shows_the_memory_of_an_example(tmp_path, write):
    write(
        "conf.py",
        """
        extensions = ["sphinx_gallery.gen_gallery"]
        sphinx_gallery_conf = {
            "examples_dirs": "examples", "gallery_dirs": "gallery", "show_memory": True,
        }
        """,
    )
    write("index.rst", "Index\n=====\n\n.. toctree::\n\n   gallery/index\n")
    write("examples/README.rst", "Examples\n========\n")
    write(
        "examples/plot_loading.py",
        '"""\nLoading\n=======\n"""\nkept = b"x" * (200 << 20)\nprint(len(kept))\n',
    )
    words = [sys.executable, "-m", "sphinx", "-q", "-b", "html", ".", "built"]
    ended = harness.run_to_the_last(words, tmp_path, 180)
    assert (ended.code, ended.left) == (0, []), ended.out + ended.err
    page = (tmp_path / "gallery" / "plot_loading.rst").read_text()
    (shown,) = re.findall(r"\*\*Estimated memory usage:\*\* +(\d+) MB", page)
    assert 200 < int(shown) < 500


def test_the_log_file_of_azure_functions_has_the_lines_that_grew(tmp_path, write):
    write(
        "function_app.py",
        """
        import logging

        import memory_profiler

        root_logger = logging.getLogger()
        root_logger.handlers[:] = [logging.NullHandler()]
        logger = logging.getLogger("memory_profiler_logs")
        logger.setLevel(logging.INFO)
        logger.addHandler(logging.FileHandler("memory.log"))
        profiler_logstream = memory_profiler.LogFile("memory_profiler_logs", True)


        @memory_profiler.profile(stream=profiler_logstream)
        def main(mib):
            body = b"x" * (mib << 20)
            size = len(body)
            return size


        print(main(40))
        """,
    )
    ended = harness.run_to_the_last([sys.executable, "function_app.py"], tmp_path, 60)
    assert (ended.code, ended.out, ended.err) == (0, f"{40 << 20}\n", "")
    said = (tmp_path / "memory.log").read_text()
    (row,) = [line for line in said.splitlines() if 'body = b"x"' in line]
    assert 39 < float(row.split()[3]) < 42
    assert "size = len(body)" not in said  # it added nothing
