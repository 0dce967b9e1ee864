"""What a process runs to which `mprof heap PID` attaches: by its path, in a thread it has.

It runs once: who removes the request runs it, and mprof removes it when nobody is to any more.
Nothing here prints or raises, and no module of the program's is changed. What is asked is a
text in the request: a line for each word, with what it says behind it. The answer is a file
beside it: a word, and a line for each thing that it is about.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import spec_from_file_location
from posix import (
    O_CREAT,
    O_EXCL,
    O_RDONLY,
    O_WRONLY,
    close,
    open,
    read,
    rename,
    unlink,
    write,
)

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "memory_profiler"
PIECE = 1 << 16  # bytes of a request, read at once
TEXTS = {"request", "answer", "folder", "path", "version", "name"}


class Refusal(Exception):
    """Why not, as mprof knows it: a word, and what it is about."""


class Finder:
    """Finds our package in one folder, which sys.path need not have."""

    def __init__(self, folder: str) -> None:
        self.place = f"{folder}/{PACKAGE}"

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != PACKAGE:
            return None
        return spec_from_file_location(
            name, f"{self.place}/__init__.py", submodule_search_locations=[self.place]
        )


def load(folder: str, version: str) -> Any:
    """Our package: the one that the program has loaded, else that of the folder."""
    package = sys.modules.get(PACKAGE)
    if package is None:
        finder: Any = Finder(folder)
        sys.meta_path.insert(0, finder)
        try:
            package = __import__(PACKAGE)
        finally:
            sys.meta_path.remove(finder)
    elif getattr(getattr(package, "__spec__", None), "_initializing", False):
        raise Refusal("importing", PACKAGE)
    its = getattr(package, "__version__", None)
    if its != version:
        raise Refusal("other", str(its), str(getattr(package, "__file__", None)))
    return package


def is_elsewhere() -> bool:
    """Whether this is a sub-interpreter, which is never recorded."""
    for name in "_interpreters", "_xxsubinterpreters":
        try:
            interpreters = __import__(name)
        except ImportError:
            continue
        return bool(interpreters.get_current() != interpreters.get_main())
    return False


def half_imported(problem: Exception) -> str:
    """The module that the program is importing and we needed; "": that is not why."""
    if isinstance(problem, ImportError):
        module: Any = sys.modules.get(problem.name or "")
    else:
        module = getattr(problem, "obj", None)
    spec = getattr(module, "__spec__", None)
    return str(getattr(spec, "name", "")) if getattr(spec, "_initializing", False) else ""


def tell(path: str, words: tuple[object, ...]) -> None:
    """The answer appears whole."""
    text = "".join(str(word).replace("\n", " ") + "\n" for word in words)
    fd = open(f"{path}.new", O_CREAT | O_EXCL | O_WRONLY, 0o600)
    try:
        write(fd, text.encode(errors="surrogateescape"))
    finally:
        close(fd)
    rename(f"{path}.new", path)


def why_not(problem: Exception) -> tuple[object, ...]:
    """What mprof is told of it."""
    if isinstance(problem, Refusal):
        return problem.args
    if isinstance(problem, OSError):
        name = problem.filename
        return "system", problem.errno or 0, name if isinstance(name, str) else ""
    if isinstance(problem, ImportError) and is_elsewhere():
        return ("elsewhere",)
    if module := half_imported(problem):
        return "importing", module
    return "failed", type(problem).__name__, problem


def answer(asked: dict[str, Any], look: Any) -> None:
    """What mprof is told by a thread of ours."""
    try:
        words = look(asked)
    except Exception as problem:
        words = why_not(problem)
    try:
        tell(asked["answer"], words)
    except OSError:
        pass  # nobody waits for it any more


def carry_out(asked: dict[str, Any], page: int) -> tuple[object, ...] | None:
    """The answer to what was asked; None: it comes from another thread."""
    try:
        load(asked["folder"], asked["version"])
        from memory_profiler._attach import recording

        __import__(f"{PACKAGE}._attach.run")  # there is nothing to compile the next time
        recording.give_back(page)
        if "wanted" in asked:
            return recording.look_apart(asked, answer)
        return recording.begin(asked) if asked["begin"] else recording.end()
    except Exception as problem:
        return why_not(problem)


def parse(text: str) -> dict[str, Any]:
    """What is asked: texts are their bytes in hexadecimal digits, all else is a number."""
    asked: dict[str, Any] = {}
    for line in text.splitlines():
        word, _, value = line.partition(" ")
        if word in TEXTS:
            asked[word] = bytes.fromhex(value).decode("utf-8", "surrogateescape")
        elif word:
            asked[word] = int(value)
    return asked


def main(text: str, page: int) -> None:
    """Answers what a request asks."""
    serve(parse(text), page)


def main_of(file: bytes, page: int) -> None:
    """The same, without compiling the request: where this is loaded, the core calls it."""
    try:
        fd = open(file, O_RDONLY)
    except OSError:
        return
    request = b""
    try:
        while piece := read(fd, PIECE):
            request += piece
    finally:
        close(fd)
    main(request.split(b"'''", 2)[1].decode(), page)


def serve(asked: dict[str, Any], page: int) -> None:
    """Answers. What handlers of signals raise meanwhile goes on to the program."""
    try:
        unlink(asked["request"])
    except OSError:
        return
    trace, profile = sys.gettrace(), sys.getprofile()
    sys.settrace(None)
    sys.setprofile(None)
    try:
        if (words := carry_out(asked, page)) is not None:
            tell(asked["answer"], words)
    except OSError:
        pass  # nobody waits for it any more
    except BaseException as raised:
        core = sys.modules.get(f"{PACKAGE}._core")
        if core is not None:
            core.raise_later(raised)
    finally:
        sys.setprofile(profile)
        sys.settrace(trace)
