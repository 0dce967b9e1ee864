"""Runs a program as the interpreter would: as the real `__main__`, with its own arguments."""

from __future__ import annotations

import importlib.machinery
import io
import os
import sys
from types import CodeType, ModuleType

from memory_profiler import _core
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Begin = Callable[[CodeType, dict[str, Any]], object]

#: 3.11 counts the call of exec among the levels of its recursion limit.
_COUNTS_EXEC = int(sys.version_info < (3, 12))

_OF_RUNPY = 2  #: frames of runpy's, which runs modules, folders and zip files

_NOTHING = (lambda: None).__code__


class ProgramError(Exception):
    """The program could not be found or read; the text says why and what to do."""


class Program:
    """What is about to run: `code` in the namespace of a fresh `__main__`."""

    #: How deep the interpreter is before the program's first line, without the call of exec.
    level = -_COUNTS_EXEC

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
        standard.begin_program()
        return vars(main)

    def run(self, names: dict[str, Any], begin: Begin | None = None) -> None:
        """Runs it in that namespace; what it raises comes out. `begin` hears of its code."""
        if begin is not None:
            begin(self.code, names)
        _core.from_level(self.level, exec, self.code, names)


class Module(Program):
    """What `python -m name` runs: importing the packages it is in is part of the program."""

    level = _OF_RUNPY

    def __init__(self, name: str, arguments: list[str]) -> None:
        with standard:
            import runpy

        _search_here()
        self.name, self._find = name, runpy._get_module_details  # type: ignore[attr-defined]
        self._check()
        super().__init__(_NOTHING, ["-m", *arguments], sys.path[0], __name__="__main__")

    def _check(self) -> None:
        """Fails early where that can be told without running anything."""
        top = self.name.partition(".")[0]
        if not top or top in sys.modules:
            return
        with standard:
            from importlib.util import find_spec

        if find_spec(top) is None:
            raise ProgramError(f"no module or file to run: No module named {self.name}")

    def run(self, names: dict[str, Any], begin: Begin | None = None) -> None:
        """Also raises ProgramError: there is no such module in its package."""
        try:
            _, spec, self.code = self._find(self.name, ProgramError)
        except ProgramError as error:
            raise ProgramError(f"no module or file to run: {error}") from None
        self.argv[0] = sys.argv[0] = spec.origin
        names.update(_names(spec))
        super().run(names, begin)


def load_program(words: list[str], module: str | None, whole: bool = False) -> Program:
    """A file or a module: `-m` says module, else `find_file` says which.

    `whole`: a file's `__file__` is its whole path, as python's is, and not the word that was
    given, which tables are titled with.
    """
    if module is not None:
        return load_module(module, words)
    path = find_file(words[0])
    if path is None:
        return load_module(words[0], words[1:])
    return load_file(path, words, whole_path(path) if whole else None)


def find_file(name: str) -> str | None:
    """What a word names: a file that is there, whatever it is called, or what `.py` or a slash
    says is one; None: a module. Nothing is imported to find out."""
    if name.endswith(".py") or os.sep in name:
        return name if _main_in(name) else find_script(name)
    if not os.path.exists(name):
        return None
    return None if os.path.isdir(name) and _is_package(name) else name


def load_file(path: str, words: list[str], origin: str | None = None) -> Program:
    """A script, or the `__main__` in a folder or a zip file, as `python path` finds it.

    `origin` is where it says it comes from (`__file__`), `path` unless given.
    """
    origin = origin or path
    spec = _main_in(origin)
    if spec is None or spec.loader is None:
        return load_script(path, words, origin)
    code = spec.loader.get_code("__main__")  # type: ignore[attr-defined]
    program = Program(code, [path, *words[1:]], origin, **_names(spec))
    program.level = _OF_RUNPY
    return program


def _main_in(path: str) -> importlib.machinery.ModuleSpec | None:
    """The `__main__` that a folder or a zip file holds; None for anything else."""
    if os.path.isdir(path):
        return importlib.machinery.PathFinder.find_spec("__main__", [path])
    import zipimport

    try:
        return zipimport.zipimporter(path).find_spec("__main__")
    except zipimport.ZipImportError:
        return None


def _is_package(folder: str) -> bool:
    """Whether a folder here is what `-m` would find by this name."""
    find = importlib.machinery.PathFinder.find_spec
    spec = None if "." in folder else find(folder, [_here()])
    return spec is not None and spec.origin is not None


def _search_here() -> None:
    """`-m` looks in the working directory; sys.path[0] is it unless `-P` or `-I` was given."""
    if not sys.flags.safe_path and sys.path[:1] != [_here()]:
        sys.path.insert(0, _here())


def _here() -> str:
    """The working directory; empty where it was removed, as python has it."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def whole_path(path: str) -> str:
    return os.path.join(_here(), path)


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
        with io.open_code(whole_path(path)) as file:
            source = file.read()
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror}") from None
    loader: Any = importlib.machinery.SourceFileLoader("__main__", origin)
    if _is_compiled(source, path):
        code = _compiled(source, path)
        loader = importlib.machinery.SourcelessFileLoader("__main__", origin)
    else:
        code = compile(source, origin, "exec", dont_inherit=True)
    names = {
        "__name__": "__main__", "__doc__": None, "__package__": None, "__loader__": loader,
        "__spec__": None, "__file__": origin, **_cached(None),
    }  # fmt: skip
    folder = os.path.dirname(os.path.realpath(path))
    return Program(code, [path, *words[1:]], folder, **names)


def _is_compiled(source: bytes, path: str) -> bool:
    with standard:
        from importlib.util import MAGIC_NUMBER

    return path.endswith(".pyc") or source[:4] == MAGIC_NUMBER


def _compiled(source: bytes, path: str) -> CodeType:
    """The code in a .pyc file."""
    import marshal

    with standard:
        from importlib.util import MAGIC_NUMBER

    if source[:4] != MAGIC_NUMBER:
        raise ProgramError(f"cannot run {path}: it was compiled by another Python")
    try:
        code = marshal.loads(source[16:])
    except (EOFError, ValueError, TypeError):
        code = None
    if not isinstance(code, CodeType):
        raise ProgramError(f"cannot run {path}: it holds no code")
    return code


def load_code(source: str, arguments: list[str]) -> Program:
    """What `python -c source` would run; as there, 3.14 and later take it from any column."""
    if sys.version_info >= (3, 14) and source[:1].isspace():
        with standard:
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
    return Module(name, arguments)
