"""Runs a program as the interpreter would: as the real `__main__`, with its own arguments."""

from __future__ import annotations

import importlib.machinery
import io
import os
import sys
from types import CodeType, ModuleType

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any


class ProgramError(Exception):
    """The program could not be found or read; the text says why and what to do."""


class Program:
    """What is about to run: `code` in the namespace of a fresh `__main__`."""

    def __init__(self, code: CodeType, argv: list[str], path0: str, **names: Any) -> None:
        self.code, self.argv, self.path0, self.names = code, argv, path0, names

    def install(self) -> dict[str, Any]:
        """Makes it `__main__`, with argv and sys.path[0]; returns its namespace."""
        main = ModuleType("__main__")
        vars(main).update(self.names, __builtins__=sys.modules["builtins"])
        sys.modules["__main__"] = main
        sys.argv[:] = self.argv
        if not sys.flags.safe_path and sys.path[:1] != [self.path0]:
            sys.path.insert(0, self.path0)  # the working directory stays behind it
        return vars(main)


def load_program(words: list[str], module: str | None) -> Program:
    """A file or a module: `-m` says module, else `find_file` says which."""
    if module is not None:
        return load_module(module, words)
    path = find_file(words[0])
    return load_file(path, words) if path else load_module(words[0], words[1:])


def find_file(name: str) -> str | None:
    """What a word names when `.py`, a slash or its being there says file; None: a module."""
    if name.endswith(".py") or os.sep in name:
        return name if _main_in(name) else find_script(name)
    return name if not _importable(name) and os.path.exists(name) else None


def load_file(path: str, words: list[str], origin: str | None = None) -> Program:
    """A script, or the `__main__` in a folder or a zip file, as `python path` finds it.

    `origin` is where it says it comes from (`__file__`), `path` unless given.
    """
    origin = origin or path
    spec = _main_in(origin)
    if spec is None or spec.loader is None:
        return load_script(path, words, origin)
    code = spec.loader.get_code("__main__")  # type: ignore[attr-defined]
    return Program(code, [path, *words[1:]], origin, **_names(spec))


def _main_in(path: str) -> importlib.machinery.ModuleSpec | None:
    """The `__main__` that a folder or a zip file holds; None for anything else."""
    if os.path.isdir(path):
        return importlib.machinery.PathFinder.find_spec("__main__", [path])
    import zipimport

    try:
        return zipimport.zipimporter(path).find_spec("__main__")
    except zipimport.ZipImportError:
        return None


def _importable(name: str) -> bool:
    import importlib.util

    _search_here()
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    return spec is not None and spec.origin is not None


def _search_here() -> None:
    """`-m` looks in the working directory; sys.path[0] is it unless `-P` or `-I` was given."""
    if not sys.flags.safe_path and sys.path[:1] != [os.getcwd()]:
        sys.path.insert(0, os.getcwd())


def find_script(name: str) -> str:
    """The script in the working directory or, like a command, on PATH."""
    if os.path.isdir(name):
        raise ProgramError(
            f"{name} is a directory: name a script in it, or -m and a module"
        )
    if os.path.exists(name):
        return name  # a pipe too: <(command)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = os.path.join(folder, name)
        if folder and os.path.isfile(found):
            return found
    raise ProgramError(f"Could not find script {name}")


def _cached(path: str | None) -> dict[str, str | None]:
    """`__cached__`, which 3.15 does away with."""
    return {"__cached__": path} if sys.version_info < (3, 15) else {}


def load_script(path: str, words: list[str], origin: str | None = None) -> Program:
    """Compiles a file; its coding cookie is honoured. Syntax errors are the program's own."""
    origin = origin or path
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror}") from None
    code = compile(source, origin, "exec", dont_inherit=True)
    loader = importlib.machinery.SourceFileLoader("__main__", origin)
    names = {
        "__name__": "__main__", "__doc__": None, "__package__": None, "__loader__": loader,
        "__spec__": None, "__file__": origin, **_cached(None),
    }  # fmt: skip
    folder = os.path.dirname(os.path.realpath(path))
    return Program(code, [path, *words[1:]], folder, **names)


def load_code(source: str, arguments: list[str]) -> Program:
    """What `python -c source` would run; as there, 3.14 and later take it from any column."""
    if sys.version_info >= (3, 14) and source[:1].isspace():
        import textwrap

        source = textwrap.dedent(source)
    code = compile(source, "<string>", "exec", dont_inherit=True)
    names = {
        "__name__": "__main__", "__doc__": None, "__package__": None,
        "__loader__": importlib.machinery.BuiltinImporter, "__spec__": None,
    }  # fmt: skip
    return Program(code, ["-c", *arguments], "", **names)


def _names(spec: importlib.machinery.ModuleSpec) -> dict[str, Any]:
    """What a `__main__` that was found by an importer has in its namespace."""
    return {
        "__name__": "__main__", "__doc__": None, "__package__": spec.parent,
        "__loader__": spec.loader, "__spec__": spec, "__file__": spec.origin,
        **_cached(spec.cached),
    }  # fmt: skip


def load_module(name: str, arguments: list[str]) -> Program:
    """What `python -m name` would run; a package's `__main__`."""
    import runpy

    _search_here()
    try:
        _, spec, code = runpy._get_module_details(name, ProgramError)  # type: ignore[attr-defined]
    except ProgramError as error:
        raise ProgramError(f"no module or file to run: {error}") from None
    return Program(code, [spec.origin, *arguments], sys.path[0], **_names(spec))
