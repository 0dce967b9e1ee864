"""The pictures of the README and the site, from real runs: `make pictures`.

Run by the Python of build/venv-lab, in which memory_profiler and JupyterLab are installed.
Fails when a command fails, a page throws or asks a network, or a picture shows nothing.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import terminal
from PIL import Image

TOP = pathlib.Path(__file__).parents[2]
OUT = TOP / "docs" / "pictures"
LARGEST = 150 << 10  # bytes of a picture
COLOURS = 160
TEXT_IS_DRAWN = ":has(.jp-MarkdownOutput h1)"
FEWEST = 12  # colours of a picture that shows something

sys.path.insert(0, str(TOP / "tests" / "browser"))


def call(folder: pathlib.Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def both(name: str, **shot: object) -> list[dict[str, object]]:
    """A shot in light and in dark."""
    return [
        {"out": str(OUT / f"{name}-{scheme}.png"), "scheme": scheme, **shot}
        for scheme in ("light", "dark")
    ]


def shoot(shots: list[dict[str, object]]) -> None:
    done = subprocess.run(
        ["node", TOP / "tools" / "pictures" / "shoot.mjs"],
        input=json.dumps(shots), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)


def pages(folder: pathlib.Path) -> list[dict[str, object]]:
    """The pages of a heap capture and of a timeline."""
    call(folder, "mprof", "heap", "-o", "run.mprof", "examples/report.py")
    call(folder, "mprof", "flamegraph", "-o", "heap.html", "run.mprof")
    call(
        folder,
        "mprof",
        "run",
        "-T",
        "0.02",
        "-o",
        "run.dat",
        "python",
        "examples/timeline.py",
    )
    call(folder, "mprof", "plot", "-o", "timeline.html", "run.dat")
    return [
        *both("heap", url=f"file://{folder}/heap.html", wait="#graph g.frame",
              width=1100, height=640),
        *both("timeline", url=f"file://{folder}/timeline.html", wait="#plot canvas",
              width=1100, height=520),
    ]  # fmt: skip


def terminals(folder: pathlib.Path) -> list[dict[str, object]]:
    """A report as a terminal has it."""
    text = terminal.run(["mprof report run.mprof"], folder, 100, 200)
    lines = text.splitlines()
    end = next(i for i, line in enumerate(lines) if "At the peak" in line)
    (folder / "terminal.html").write_text(terminal.page("\n".join(lines[:end])))
    return both("report", url=f"file://{folder}/terminal.html", wait="pre", clip="pre",
                width=1100, height=700)  # fmt: skip


def notebooks(folder: pathlib.Path) -> None:
    """The notebook of the examples in JupyterLab."""
    import nbformat
    from nbclient import NotebookClient
    from test_jupyterlab import Lab

    work = folder / "work"
    work.mkdir()
    notebook = nbformat.read(TOP / "examples" / "notebook.ipynb", 4)
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    nbformat.write(notebook, work / "notebook.ipynb")
    for theme, shot in zip(
        ("Light", "Dark"),
        both("notebook", wait=".jp-Notebook:has(.jp-OutputArea iframe)" + TEXT_IS_DRAWN,
             clip=".jp-Notebook", offline=False, width=1000, height=1180), strict=True,
    ):  # fmt: skip
        trust(work / "notebook.ipynb", folder / theme / "data_dir")
        lab = Lab(folder / theme, work, f"JupyterLab {theme}")
        try:
            url = f"http://127.0.0.1:{lab.port}/doc/tree/notebook.ipynb?reset"
            shoot([{**shot, "url": url}])
        finally:
            lab.stop()


def trust(notebook: pathlib.Path, known: pathlib.Path) -> None:
    """Lets a server with that data folder show the page in the output of `%%mheap`."""
    known.mkdir(parents=True)
    environment = {**os.environ, "JUPYTER_DATA_DIR": str(known)}
    words = [sys.executable, "-m", "jupyter", "trust", str(notebook)]
    subprocess.run(words, env=environment, check=True, capture_output=True)


def finish(path: pathlib.Path) -> None:
    """Fewer colours, so that a clone stays small; empty or large pictures are refused.

    The colours are chosen to cover all there are: by how often each is seen, the small squares
    of a legend would not have those of the lanes.
    """
    picture = Image.open(path).convert("RGB")
    if len(picture.getcolors(1 << 24)) < FEWEST:
        sys.exit(f"{path.name} shows nothing")
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path.name} has {path.stat().st_size} bytes, {LARGEST} are allowed")


def main() -> None:
    bin = pathlib.Path(sys.executable).parent
    os.environ["PATH"] = f"{bin}{os.pathsep}{os.environ['PATH']}"
    for tool in ("tmux", "node", "mprof"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not here: tools/setup pictures installs what is missing")
    OUT.mkdir(exist_ok=True)
    for old in OUT.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory(prefix="shots") as name:
        folder = pathlib.Path(name)
        (folder / "examples").symlink_to(TOP / "examples")
        shoot([*pages(folder), *terminals(folder)])
        notebooks(folder)
    for path in sorted(OUT.glob("*.png")):
        finish(path)
        print(f"{path.relative_to(TOP)}  {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
