"""The standard library's modules for us, whatever lies in the program's folders.

    with standard:
        import inspect

A program may have a token.py or types.py of its own: beside it, or where it was started. In the
block, for its thread, modules of the library's names come from the library alone, and those of
the program are out of sight. Behind it the program finds what it would find without us: its own
module where it has one of that name, and we keep the library's; else the one that we loaded.

`guard` makes this so for all that modules of ours import when they are loaded. What functions
import later stands in a block. No `from __future__` here: that is an import, too.
"""

import sys
from _frozen_importlib import BuiltinImporter, FrozenImporter
from _frozen_importlib_external import (
    BYTECODE_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from _imp import extension_suffixes
from _thread import get_ident

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_NAMES = sys.stdlib_module_names


def _library() -> str:
    """The library's folder; empty where it is in none, as in programs packed into one file."""
    folder: str | None = getattr(sys, "_stdlib_dir", None)
    if folder is None and "os" in sys.modules:
        folder = (getattr(sys.modules["os"], "__file__", None) or "").rpartition("/")[0]
    if not folder or PathFinder.find_spec("token", [folder]) is None:
        return ""
    return folder


_LIBRARY = _library()
_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_FOLDERS = [
    _LIBRARY,
    f"{_LIBRARY}/lib-dynload",
    f"{sys.base_exec_prefix}/{sys.platlibdir}/{_VERSION}/lib-dynload",
]


def _programs_folders() -> list[str]:
    """What is searched before the library, in the order of sys.path."""
    folders = [folder for folder in sys.path if isinstance(folder, str)]
    return folders[: folders.index(_LIBRARY)] if _LIBRARY in folders else []


def _folder_of(module: object) -> str | None:
    """Where a module or package was found."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return None
    folder, _, name = file.rpartition("/")
    return folder.rpartition("/")[0] if name.startswith("__init__.") else folder


class _Standard:
    """The block. It can be entered again within itself, and by several threads at once."""

    def __init__(self) -> None:
        self._depths: dict[int, int] = {}  # of the threads within a block
        self._found: set[str] = set()  # loaded since the outermost block began
        #: the library's, where the program has its own
        self._kept: dict[str, ModuleType] = {}
        self._hidden: dict[str, ModuleType] = {}  # the program's, until the block ends
        self._known: frozenset[str] = frozenset()  # names of the library's

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """A finder of sys.meta_path, the first one while a thread is in a block."""
        if path is not None or name not in _NAMES or get_ident() not in self._depths:
            return None
        spec = (
            BuiltinImporter.find_spec(name)
            or FrozenImporter.find_spec(name)
            or PathFinder.find_spec(name, _FOLDERS)
        )
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        self._found.add(name)
        return spec

    def __enter__(self) -> None:
        me = get_ident()
        depth = self._depths.get(me, 0)
        self._depths[me] = depth + 1
        if depth or not _LIBRARY:
            return
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        self._hide()

    def __exit__(self, *error: object) -> None:
        me = get_ident()
        depth = self._depths.pop(me) - 1
        if depth:
            self._depths[me] = depth
        elif not self._depths:
            self._restore()

    def _hide(self) -> None:
        names = _NAMES & sys.modules.keys()
        if names != self._known:
            folders = set(_programs_folders())
            theirs = {name for name in names if _folder_of(sys.modules[name]) in folders}
            self._known = names - theirs
            if theirs:
                self._hidden.update(_take(theirs))
        if self._kept:
            sys.modules.update(self._kept)

    def _restore(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        found, self._found = self._found, set()
        self._keep(found)
        for name in self._kept:
            sys.modules.pop(name, None)
        hidden, self._hidden = self._hidden, {}
        sys.modules.update(hidden)

    def _keep(self, names: set[str]) -> None:
        """Of these modules of the library's the program will import its own."""
        folders = _programs_folders() if names else []
        if folders:
            own = {name for name in names if _is_in(folders, name)}
            if own:
                self._kept.update(_take(own))

    def begin_program(self) -> None:
        """The program is about to run: what is loaded so far is ours, or the interpreter's way
        to us. (It began with `encodings` before it knew of any program.)"""
        loaded = (_NAMES & sys.modules.keys()) - {"encodings"}
        self._keep({n for n in loaded if _folder_of(sys.modules[n]) in _FOLDERS})

    def forked(self) -> None:
        """In a child only the thread that forked is still in its block."""
        me = get_ident()
        if self._depths and me not in self._depths:
            self._depths.clear()
            self._restore()
        elif self._depths:
            self._depths = {me: self._depths[me]}


def _is_in(folders: list[str], name: str) -> bool:
    """Whether `import name` finds one there: not just a folder, and not behind a frozen one."""
    if FrozenImporter.find_spec(name) or BuiltinImporter.find_spec(name):
        return False
    spec = PathFinder.find_spec(name, folders)
    return spec is not None and spec.loader is not None


def _take(tops: set[str]) -> "dict[str, ModuleType]":
    """Takes these modules, and what is in them, out of sys.modules."""
    names = [name for name in list(sys.modules) if name.partition(".")[0] in tops]
    return {name: sys.modules.pop(name) for name in names}


standard = _Standard()


class _Loader(SourceFileLoader):
    """Loads a module of ours; what is in a package of ours is, too."""

    def exec_module(self, module: "ModuleType") -> None:
        with standard:
            super().exec_module(module)
        guard(getattr(module, "__path__", []))


def guard(folders: list[str]) -> None:
    """Modules in these folders of ours are loaded in a block, whoever imports them."""
    _leave_to_us()
    for folder in folders:
        known = sys.path_importer_cache.get(folder)
        if known is None or type(known) is FileFinder:
            sys.path_importer_cache[folder] = FileFinder(
                folder,
                (ExtensionFileLoader, extension_suffixes()),
                (_Loader, SOURCE_SUFFIXES),
                (SourcelessFileLoader, BYTECODE_SUFFIXES),
            )


def _leave_to_us() -> None:
    """pytest compiles the modules of its plugins anew, for the sake of their assertions, and
    does not load ours in a block then."""
    for finder in sys.meta_path:
        names = getattr(finder, "_must_rewrite", None)
        if isinstance(names, set):
            names.discard(__name__.partition(".")[0])


if "posix" in sys.modules:
    sys.modules["posix"].register_at_fork(after_in_child=standard.forked)
