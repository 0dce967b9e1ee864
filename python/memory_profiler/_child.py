"""Processes that multiprocessing starts anew (spawn, forkserver) know `profile` too.

Such a child imports the program again, where a bare `@profile` needs the name that
`python -m memory_profiler` put into builtins. The parent adds an object to the data that it
sends each child first; unpickling it in the child calls `install()`. The fork server imports
this module before anything else. No environment variable, no file in site-packages.

In a child, `profile` measures no lines: its tables could not come home. Under `mprof run -C`
its calls are recorded as the parent's are.
"""

from __future__ import annotations

import builtins
import os
import sys

from memory_profiler import _profile
from memory_profiler._profiler import LineProfiler

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

SPAWN, FORKSERVER = "multiprocessing.spawn", "multiprocessing.forkserver"


class Unmeasured(LineProfiler):
    """A profiler that leaves functions as they are."""

    def wrap_function(self, func: Any) -> Any:
        return func

    def add_function(self, func: Any) -> None:
        """Adds nothing."""


def install(timestamps: bool = False) -> None:
    """Makes `profile` known in this child."""
    if "MPROF_HEAP" in os.environ:  # a no-op where `site` was there before
        from memory_profiler import _heap_children

        _heap_children.enter()
    if hasattr(builtins, "profile") and not timestamps:
        return
    profiler: Any = Unmeasured()
    if timestamps:
        from memory_profiler._timestamps import TimeStamper

        profiler = TimeStamper()
    _profile.run_profiler = profiler
    builtins.profile = profiler  # type: ignore[attr-defined]
    follow(timestamps)  # it may have children too


class Message:
    """Stands in the child's preparation data; unpickling it installs `profile`."""

    def __init__(self, timestamps: bool) -> None:
        self.timestamps = timestamps

    def __reduce__(self) -> tuple[Any, tuple[bool]]:
        return install, (self.timestamps,)


def _teach(spawn: ModuleType, timestamps: bool) -> None:
    """Adds the message to what multiprocessing tells its children."""
    original = spawn.get_preparation_data
    if getattr(original, "teaches", False):
        return

    def get_preparation_data(name: str) -> dict[str, Any]:
        server = sys.modules.get(FORKSERVER)
        if server is not None:
            modules = server._forkserver._preload_modules
            if "__main__" in modules:  # it would be imported before this module could be
                modules[:] = [
                    __name__,
                    *(module for module in modules if module != "__main__"),
                ]
        data: dict[str, Any] = original(name)
        return data | {"memory_profiler": Message(timestamps)}

    get_preparation_data.teaches = True  # type: ignore[attr-defined]
    spawn.get_preparation_data = get_preparation_data  # type: ignore[attr-defined]


class _WhenImported:
    """Teaches multiprocessing.spawn when the program first imports it."""

    def __init__(self, timestamps: bool) -> None:
        self.timestamps = timestamps

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if name != SPAWN:
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _teach(module, self.timestamps)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def follow(timestamps: bool = False) -> None:
    """Lets children that are started from here on know `profile`."""
    if SPAWN in sys.modules:
        _teach(sys.modules[SPAWN], timestamps)
    else:
        sys.meta_path.insert(0, _WhenImported(timestamps))


if hasattr(sys, "argv") and sys.argv[:1] == ["-c"] and FORKSERVER in sys.modules:
    install()  # imported by the fork server
