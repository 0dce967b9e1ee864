"""The examples do what the tutorials say of them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.one_version

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"
MPROF = pathlib.Path(sys.executable).with_name("mprof")


def run(
    folder: pathlib.Path, *words: str | pathlib.Path, code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


def lines_that_grow(folder: pathlib.Path) -> list[dict]:
    shown = run(folder, MPROF, "leaks", "--json", "--since", "warm", "service.mprof").stdout
    return json.loads(shown)["leaks"]


def test_the_service_grows_where_it_keeps_sessions(tmp_path) -> None:
    service = EXAMPLES / "service.py"
    words = ("heap", "-o", "service.mprof", service, "--requests", "3000")
    assert "3000 requests, 3000 sessions" in run(tmp_path, MPROF, *words).stdout
    worst = lines_that_grow(tmp_path)[0]
    assert worst["function"] == "session_of" and worst["growth"] > 2700 * 2000


def test_the_job_of_the_night_is_killed_and_says_what_it_held(tmp_path) -> None:
    words = ("heap", "-o", "night.mprof", "--max", "60M", "--kill", EXAMPLES / "batches.py")
    run(tmp_path, MPROF, *words, code=-9)
    shown = json.loads(run(tmp_path, MPROF, "report", "--json", "night.mprof").stdout)
    assert "killed" in shown["incomplete"]
    lines = run(
        tmp_path, MPROF, "table", "--by", "your-line", "--csv", "night.mprof"
    ).stdout
    assert "batches.py" in lines.splitlines()[1] and "readings" in lines.splitlines()[1]


def test_the_pool_has_a_process_that_holds_most(tmp_path) -> None:
    run(tmp_path, MPROF, "heap", "-o", "pool.mprof", EXAMPLES / "pool.py")
    rows = run(tmp_path, MPROF, "table", "--by", "process", "--json", "pool.mprof").stdout
    peaks = sorted(row["at_peak"] for row in json.loads(rows)["rows"])
    assert peaks[-1] > 3 * peaks[-2]


def test_the_suite_keeps_its_limits_and_its_tests_fail_beyond_them(tmp_path) -> None:
    pytest_run = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q")
    run(tmp_path, *pytest_run, "--rootdir", tmp_path, EXAMPLES / "limits")
    tight = run(
        tmp_path, *pytest_run, "--rootdir", tmp_path, "--memory-limit", "100 KB",
        "-k", "one_by_one", EXAMPLES / "limits", code=1,
    )  # fmt: skip
    assert "memory: held " in tight.stdout and "orders.py" in tight.stdout


def test_the_notebook_runs_from_top_to_bottom(tmp_path, monkeypatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    from nbclient import NotebookClient

    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", 4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    text = json.dumps([cell.get("outputs") for cell in notebook.cells])
    assert text.count("peak memory:") >= 2 and "Line Contents" in text and "<img" in text
