"""The magics in notebooks and in kernels that are interrupted and restarted."""

from __future__ import annotations

import os
import pathlib
import re

import pytest

from conftest import MIB, parse_tables
from memory_profiler import _core
from notebooks import SAID, Kernel, Ran, a_kernel, run_notebook


@pytest.fixture(scope="module")
def notebook(home) -> dict[str, Ran]:
    cells = {
        "load": "%load_ext memory_profiler\nimport time, asyncio",
        "define": "def fill(n):\n    kept = bytearray(n << 20)\n    return kept\n"
        "async def wait(n):\n    kept = fill(n)\n    await asyncio.sleep(0)\n    return kept\n"
        "def boom():\n    raise ValueError('no')",
        "mprun": "%mprun -f fill fill(40)",
        "returned": "%mprun -r -f fill fill(40)",
        "await": "%mprun -f wait await wait(30)",
        "memit": "%memit -r 2 fill(40)",
        "result": "%memit -o -q fill(40)",
        "memit await": "%memit await wait(5)",
        "mprof": "%%mprof\nspike = bytearray(150 << 20); del spike\ntime.sleep(.1)\n6 * 7",
        "quiet": "%%mprof -q\n6 * 8",
        "data": "%%mprof -o -i 0.001\ntime.sleep(.05)",
        "read": "r = _\nprint(len(r.samples), r.peak, len(r.to_pandas()), r.to_dict()['unit'])",
        "mprof await": "%%mprof\nawait wait(5)\nprint('after')",
        "mprof error": "%%mprof\n1\nboom()",
        "memit error": "%memit boom()",
        "mprun error": "%mprun -f boom boom()",
        "await error": "%memit await asyncio.sleep(boom())",
        "syntax": "%memit x = (",
        "missing": "%mprun -f nosuch 1",
        "exit": "%mprun -f fill raise SystemExit",
        "words": "%%mprof fill(3)\npass",
        "end": "print('still here')",
    }
    return dict(zip(cells, run_notebook(*cells.values()), strict=True))


def test_a_notebook_keeps_the_table_as_text_and_as_html(notebook, tolerance) -> None:
    for name in ("mprun", "returned"):
        (table,) = parse_tables(
            notebook[name].text.replace("<MprunResult: fill>\n", "") + "\n"
        )
        assert table.line("bytearray").increment == pytest.approx(40, abs=tolerance)
        assert notebook[name].html.count("<table") == 1
        assert re.search(r"In\[2\], line 1", notebook[name].html)


def test_awaiting_works_on_a_running_loop(notebook, tolerance) -> None:
    (table,) = parse_tables(notebook["await"].text + "\n")
    assert table.line("await asyncio").occurrences >= 1
    assert SAID.search(notebook["memit await"].text)
    assert notebook["mprof await"].text.startswith("after\n")
    assert "ValueError: no" in notebook["await error"].error


def test_memit_prints_in_a_notebook(notebook, tolerance) -> None:
    (said,) = SAID.findall(notebook["memit"].text)
    assert float(said[1]) == pytest.approx(40, abs=2 * tolerance)
    assert notebook["result"].html.count("<table") == 1
    assert notebook["result"].text.startswith("<MemitResult : peak memory: ")


def test_a_cell_is_drawn_with_words(notebook, tolerance) -> None:
    cell = notebook["mprof"]
    said = re.search(r"peak ([\d.]+) MiB, ([\d.]+) MiB over the start", cell.text)
    assert float(said[2]) == pytest.approx(150, abs=2 * tolerance)
    assert cell.text.startswith("42\n")
    assert said[0] in re.search(r'alt="([^"]*)"', cell.html)[1]
    assert "data:image/svg+xml,%3Csvg" in cell.html
    assert notebook["quiet"].text == "48\n" and not notebook["quiet"].html


def test_the_drawing_is_data_too(notebook) -> None:
    samples, peak, rows, unit = notebook["read"].text.split()
    assert int(samples) == int(rows) >= 2 and int(peak) > MIB and unit == "bytes"


@pytest.mark.parametrize(
    "name", ["mprof error", "memit error", "mprun error", "await error"]
)
def test_a_traceback_has_the_users_frames_only(notebook, name) -> None:
    error = notebook[name].error
    assert "ValueError: no" in error and "boom()" in error
    assert "memory_profiler" not in error.replace("%load_ext memory_profiler", "")
    assert "site-packages" not in error


def test_bad_cells_say_what_is_wrong(notebook) -> None:
    assert notebook["syntax"].error.endswith("SyntaxError: '(' was never closed\n")
    assert notebook["missing"].text == (
        "UsageError: Could not find function 'nosuch'.\nNameError: name 'nosuch' is not defined\n"
    )
    assert (
        notebook["exit"].text == "*** SystemExit exception caught in code being profiled.\n"
    )
    assert notebook["words"].text == "UsageError: %%mprof runs the cell, not 'fill(3)'\n"
    assert notebook["end"].text == "still here\n"


LOAD = "%load_ext memory_profiler\nimport time, os"
#: Ours, which run a cell and sample: the kernel has others, that may come later.
ALIVE = """
import threading
print([t.name for t in threading.enumerate()
       if "(run)" in t.name or "Sampling" in type(t).__name__])
"""


@pytest.mark.parametrize(
    "cell",
    [
        "%memit -r 1000 print('started', flush=True) or time.sleep(600)",
        "%%mprof\nprint('started', flush=True)\ntime.sleep(600)",
        "%mprun print('started', flush=True) or time.sleep(600)",
        "%%mprof\nimport asyncio\nprint('started', flush=True)\nawait asyncio.sleep(600)",
    ],
)
def test_an_interrupted_cell_ends_and_the_kernel_goes_on(home, cell) -> None:
    with a_kernel() as kernel:
        kernel.run(LOAD)
        threads = kernel.run(ALIVE).text
        ran = kernel.run(cell, kernel.manager.interrupt_kernel)
        assert "KeyboardInterrupt" in ran.error + ran.text
        assert ("data:image" in ran.html) == cell.startswith("%%mprof")
        assert kernel.run(ALIVE).text == threads
        assert SAID.search(kernel.run("%memit 1").text)
    assert not list((home / "tmp").iterdir())


def restart(kernel: Kernel) -> None:
    kernel.client.stop_channels()
    kernel.manager.restart_kernel(now=True)
    kernel.client = kernel.manager.client()
    kernel.client.start_channels()
    kernel.client.wait_for_ready(timeout=60)


@pytest.mark.parametrize("magic", ["%%memit -c", "%%mprof", "%%mprun -f time.sleep"])
def test_a_kernel_restarted_in_the_middle_leaves_nothing(home, magic) -> None:
    with a_kernel() as kernel:
        kernel.run(LOAD)
        pid = int(kernel.run("print(os.getpid())").text)
        children = set(_core.children(os.getpid()))
        kernel.client.execute(f"{magic}\nprint('started', flush=True)\ntime.sleep(600)")
        while True:
            message = kernel.client.get_iopub_msg(timeout=60)
            if "started" in str(message["content"].get("text")):
                break
        assert set(_core.children(os.getpid())) == children
        restart(kernel)
        assert not pathlib.Path(f"/proc/{pid}/stat").exists()
        kernel.run(LOAD)
        assert SAID.search(kernel.run("%memit 1").text)
    assert not list((home / "tmp").iterdir())
