"""Draws a figure of ``mprof plot`` with matplotlib, in the style of its page or as 0.61 did.

The figure comes as JSON on standard input (docs/timeline.md has its schema); mprof has
already read, windowed and decimated it, so this file and its styles only draw.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from typing import Any

from memory_profiler._output import PICTURE, Replacement, a_picture
from memory_profiler._pictures.common import Json


def draw(figure: Json) -> Any:
    """A matplotlib figure of everything."""
    if figure.get("classic"):
        from memory_profiler._pictures import classic

        return classic.draw(figure)
    from memory_profiler._pictures import drawn

    return drawn.draw(figure)


def import_matplotlib(output: str | None, backend: str | None) -> None:
    """Chooses the backend. Raises ImportError when there is no such thing."""
    import matplotlib as mpl

    if backend:
        mpl.use(backend)
    elif output:
        mpl.use("agg")
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["path.simplify"] = False  # the data is decimated; a spike must stay


def fail(message: str) -> int:
    """One line on standard error."""
    print(f"mprof: {message}", file=sys.stderr)
    return 1


def why_no_window(error: Exception, backend: str | None) -> str:
    """matplotlib is there; what a backend of it needs, a toolkit or a display, is not."""
    reason = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name in ("tkinter", "_tkinter"):
        reason += " (a package of your system: python3-tk, python3-tkinter)"
    what = f"no window with backend {backend}" if backend else "cannot draw"
    return f"{what}: {reason}; 'mprof plot -o x.png' needs no window"


def marked(suffix: str) -> Json:
    """What tells savefig to say in the file who made it, where a format has a place for it."""
    mark = PICTURE.decode()
    keys = {"png": "Software", "svg": "Creator", "pdf": "Creator", "ps": "Creator",
            "eps": "Creator"}  # fmt: skip
    if suffix in keys:
        return {"metadata": {keys[suffix]: mark}}
    return {"pil_kwargs": {"comment": mark}} if suffix in ("jpg", "jpeg") else {}


def save(drawn: Any, target: Replacement) -> None:
    """Raises OSError, or ValueError for a format that matplotlib has not."""
    suffix = os.path.splitext(target.path)[1][1:] or "png"
    content = io.BytesIO()
    drawn.savefig(content, format=suffix, **marked(suffix))
    target.write(content.getvalue())


def picture(
    figure: Json, output: str | None, backend: str | None, force: bool = False
) -> int:
    """Draws a figure into a file or a window; returns the exit code."""
    try:
        target = a_picture(output, force) if output else None
    except OSError as error:
        return fail(f"cannot write {output}: {error.strerror}")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        print("matplotlib is needed for plotting.")
        return fail(f"{error}; pip install memory_profiler[plot]")
    try:
        import_matplotlib(output, backend)
        drawn = draw(figure)
    except (ImportError, ValueError) as error:
        return fail(why_no_window(error, backend))
    try:
        if target:
            save(drawn, target)
    except OSError as error:
        return fail(f"cannot write {output}: {error.strerror or error}")
    except ValueError as error:
        return fail(f"cannot write {output}: {error}")
    if not output or backend:
        from matplotlib import pyplot

        pyplot.show()
    return 0


def main() -> int:
    """Draws the figure on standard input; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m memory_profiler.plot")
    parser.add_argument("--output", help="file to write; a window when not given")
    parser.add_argument("--backend", help="matplotlib backend")
    parser.add_argument("--force", action="store_true", help="replace any file")
    parser.add_argument("--classic", action="store_true", help="in the look of 0.61")
    options = parser.parse_args()
    figure = json.loads(sys.stdin.buffer.read())
    figure["classic"] = options.classic
    return picture(figure, options.output, options.backend, options.force)


if __name__ == "__main__":
    sys.exit(main())
