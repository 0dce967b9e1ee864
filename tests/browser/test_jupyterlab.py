"""A person at a JupyterLab page: types cells, interrupts one, saves, reopens it untrusted."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

HERE = pathlib.Path(__file__).parent
PICTURES = pathlib.Path(
    os.environ.get("PICTURES", HERE.parent.parent / "build" / "pictures")
)

CELLS = [
    {"source": "%load_ext memory_profiler\nimport time"},
    {
        "source": "def load(n):\n"
        "    kept = bytearray(n << 20)\n"
        "    text = '</td><img src=x onerror=\"window.probe=1\"><script>window.probe=2</script>'\n"
        "    spike = bytearray(3 * n << 20); del spike\n"
        "    return kept\n"
    },
    {"source": "%mprun -f load load(20)"},
    {"source": "%memit -o -r 3 load(30)"},
    {
        "source": "%%mprof\nkept = []\nfor i in range(12):\n    kept.append(bytearray(i << 20))\n"
        "    time.sleep(.05)\nspike = bytearray(200 << 20); del spike\nkept = None\ntime.sleep(.2)"
    },
    {
        "source": "%%mprof\nprint('started', flush=True)\nkept = bytearray(50 << 20)\ntime.sleep(600)",
        "interrupt": True,
    },
    {
        "source": "%memit -r 1000 time.sleep(print('started', flush=True) or 600)",
        "interrupt": True,
    },
    {
        "source": "from IPython.display import HTML\n"
        "HTML('<style>.probe{color:red}</style><svg></svg><b>probe</b>')"
    },
    {"source": "%%mheap\nkept = load(30)\nwords = [str(n) for n in range(100_000)]"},
]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Lab:
    """A JupyterLab server whose home is `home` and whose notebooks are in `work`."""

    def __init__(self, home: pathlib.Path, work: pathlib.Path, theme: str) -> None:
        for name, values in {
            "apputils-extension/themes": {"theme": theme},
            "apputils-extension/notification": {"fetchNews": "false"},
            "notebook-extension/tracker": {
                "autoStartDefaultKernel": True,
                "windowingMode": "none",
            },
        }.items():
            path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        self.port = free_port()
        self.log = (home / "log").open("w")
        names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        env = {
            **os.environ,
            **{f"JUPYTER_{name}": str(home / name.lower()) for name in names},
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "IPYTHONDIR": str(home / "ipython"),
            "TMPDIR": str(home),
        }
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                f"--port={self.port}", "--ip=127.0.0.1", "--IdentityProvider.token=",
                f"--ServerApp.root_dir={work}",
            ],
            env=env, stdout=self.log, stderr=self.log, cwd=work,
        )  # fmt: skip
        self.wait()

    def wait(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, pathlib.Path(self.log.name).read_text()
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/status").read()
                return
            time.sleep(0.1)
        raise AssertionError("JupyterLab did not answer")

    def drive(self, notebook: str, action: str, picture: str) -> dict:
        """Lets the page do something; what it shows then."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = (
            f"http://127.0.0.1:{self.port}/lab/tree/{urllib.request.quote(notebook)}?reset"
        )
        done = subprocess.run(
            ["node", str(HERE / "lab.mjs"), path, action, str(PICTURES / picture)],
            input=json.dumps(CELLS), capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:  # a kernel's end can hang; ours are over by now
            self.process.kill()
            self.process.wait()
        self.log.close()


def empty_notebook() -> str:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cell = {
        "cell_type": "code", "id": "first", "source": "", "outputs": [], "metadata": {},
        "execution_count": None,
    }  # fmt: skip
    return json.dumps(
        {
            "cells": [cell],
            "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the page showed: typed (trusted, light), then reopened untrusted, dark and light."""
    top = tmp_path_factory.mktemp("a person's home")
    work = top / "my notebooks"
    work.mkdir()
    name = "memory of it.ipynb"
    (work / name).write_text(empty_notebook())
    shown = {}
    for form, action, theme in (
        ("typed", "type", "JupyterLab Light"),
        ("untrusted-dark", "look", "JupyterLab Dark"),
        ("untrusted-light", "look", "JupyterLab Light"),
    ):
        lab = Lab(top / form, work, theme)  # a home of its own: no signature is known there
        try:
            shown[form] = lab.drive(name, action, form)
        finally:
            lab.stop()
    shown["saved"] = json.loads((work / name).read_text())
    shown["left"] = sorted(path.name for path in work.iterdir())
    return shown


FORMS = ("typed", "untrusted-dark", "untrusted-light")


def test_the_typed_page_is_trusted_and_the_reopened_ones_are_not(seen: dict) -> None:
    assert [seen[form]["trusted"] for form in FORMS] == [True, False, False]
    assert seen["typed"]["cells"][7]["forbidden"]
    assert not any(seen[form]["cells"][7]["forbidden"] for form in FORMS[1:])


@pytest.mark.parametrize("form", FORMS)
def test_the_line_table_reads_in_every_form(seen: dict, form: str) -> None:
    (table,) = seen[form]["cells"][2]["tables"]
    assert table["heads"] == [
        "Line #", "Mem usage", "Increment", "Peak", "Occurrences", "Line Contents",
    ]  # fmt: skip
    assert table["rowHeads"] == 5
    assert re.search(
        r"load .*In\[2\], line 1 · line 2 added most, 20\.[0-3] MiB", table["caption"]
    )
    (marked,) = table["marked"]
    assert "added most" in marked and "bytearray(n << 20)" in marked
    assert all(bar["height"] == 3 and bar["width"] > 0 for bar in table["bars"])
    assert {bar["colour"] for bar in table["bars"]} >= {
        "rgb(232, 89, 12)",
        "rgb(76, 110, 245)",
    }


@pytest.mark.parametrize("form", FORMS)
def test_the_runs_of_memit_read_in_every_form(seen: dict, form: str) -> None:
    cell = seen[form]["cells"][3]
    assert re.search(r"(?m)^peak memory: [\d.]+ MiB, increment: [\d.]+ MiB$", cell["text"])
    (table,) = cell["tables"]
    assert table["rowHeads"] == 3 and table["heads"] == ["Run", "Peak", "Increment"]


@pytest.mark.parametrize("form", FORMS)
def test_the_lines_of_mheap_read_in_every_form(seen: dict, form: str) -> None:
    (table,) = seen[form]["cells"][8]["tables"]
    assert table["heads"][0] == "Own at peak" and table["heads"][-1] == "Your line"
    assert re.search(
        r"peak 120\.\d MiB after .* of it by Cell In\[2\]:4 load", table["caption"]
    )
    (marked,) = table["marked"]
    assert "holds most" in marked and "spike = bytearray(3 * n << 20)" in marked
    assert all(bar["height"] == 3 for bar in table["bars"])


def test_the_page_of_mheap_is_drawn_where_the_notebook_is_trusted(seen: dict) -> None:
    (page,) = seen["typed"]["cells"][8]["pages"]
    assert page["drawn"] > 3 and "Cell In[9]" in page["said"]
    assert page["paper"] == "rgb(255, 255, 255)"
    assert not any(seen[form]["cells"][8]["pages"] for form in FORMS[1:])
    assert all(seen[form]["complaints"] == [] for form in FORMS)


@pytest.mark.parametrize("form", FORMS)
def test_the_curve_of_mprof_is_a_picture_with_words(seen: dict, form: str) -> None:
    (picture,) = seen[form]["cells"][4]["pictures"]
    assert picture["loaded"] and picture["width"] > 300 and picture["height"] >= 100
    said = re.search(r"peak ([\d.]+) MiB, ([\d.]+) MiB over the start", picture["alt"])
    assert float(said[2]) > 190


@pytest.mark.parametrize("form", FORMS)
def test_an_interrupted_cell_keeps_its_curve_and_says_so(seen: dict, form: str) -> None:
    cell = seen[form]["cells"][5]
    assert "KeyboardInterrupt" in cell["text"] and len(cell["pictures"]) == 1
    assert "_magics.py" not in cell["text"]
    assert "KeyboardInterrupt" in seen[form]["cells"][6]["text"]


@pytest.mark.parametrize("form", FORMS)
def test_source_with_markup_is_only_text(seen: dict, form: str) -> None:
    assert seen[form]["probe"] is None
    assert "<script>window.probe=2</script>" in seen[form]["cells"][2]["text"]
    assert [cell["forbidden"] for cell in seen[form]["cells"][:7]] == [[]] * 7


def test_text_takes_the_ink_of_the_theme(seen: dict) -> None:
    inks = {form: seen[form]["cells"][2]["tables"][0]["ink"] for form in FORMS}
    assert inks["typed"] == inks["untrusted-light"] != inks["untrusted-dark"]


def test_the_saved_notebook_has_the_classics_text_and_no_files_beside_it(
    seen: dict,
) -> None:
    outputs = seen["saved"]["cells"][2]["outputs"]
    (plain,) = ["".join(one["data"]["text/plain"]) for one in outputs if "data" in one]
    assert plain.startswith("Filename: ") and "Line #    Mem usage    Increment" in plain
    assert seen["left"] == [".ipynb_checkpoints", "memory of it.ipynb"]
