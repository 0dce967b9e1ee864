"""Processes that are started anew (spawn, forkserver, loky) know `profile` too.

Such a child imports the program again, where a bare `@profile` needs the name that
`python -m memory_profiler` put into builtins. The parent adds an object to the data that it
sends each child first; unpickling it in the child calls `install()`. The fork server imports
this module before anything else. No environment variable, no file in site-packages.

The tables of a child come home (`_lines.family`). Under `mprof run -C` its calls are
recorded as the parent's are; under `mprof heap` a bare `@profile` leaves functions as they
are.
"""

from __future__ import annotations

import builtins
import os
import sys

from memory_profiler import _core, _profile
from memory_profiler._lines.profiler import BlockProfiler
from memory_profiler._standard import standard

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from memory_profiler._program.run_profiler import Notice, RunProfiler
    from memory_profiler._timeline.timestamps import TimeStamper

#: Whose get_preparation_data() says what a child is told first.
SPAWNS = (
    "multiprocessing.spawn",
    "multiprocess.spawn",
    "loky.backend.spawn",
    "joblib.externals.loky.backend.spawn",
)
SERVERS = ("multiprocessing.forkserver", "multiprocess.forkserver")


class Unmeasured(BlockProfiler):
    """A profiler that leaves functions and blocks as they are."""

    def _tracer_of_block(self, *site: Any) -> None:
        """None counts."""

    def __call__(self, func: Any = None, precision: int = 1, **options: Any) -> Any:
        """What is decorated, whatever it is."""
        return self if func is None else func

    def add_function(self, func: Any) -> None:
        """Adds nothing."""


def install(timestamps: bool = False, notice: Notice | None = None) -> Any:
    """Makes `profile` known in this child; returns what a bare one is."""
    here = getattr(builtins, "profile", None)
    if "MPROF_HEAP" in os.environ:  # a no-op where `site` was there before
        from memory_profiler._heap import children as heap_children

        heap_children.enter()
        if isinstance(here, heap_children.Bare):
            here = None
    if notice is not None and not timestamps:
        return _install_lines(here, notice)
    if here is not None and not timestamps:
        return here
    builtins.profile = profiler = begin(timestamps)  # type: ignore[attr-defined]
    return profiler


def begin(timestamps: bool) -> Any:
    """A profiler for all that is decorated from here on, also with the imported name."""
    profiler: Any = Unmeasured()
    if timestamps:
        profiler = make_run_stamper()
    profiler.enabled = _profile.profile.enabled
    _profile.run_profiler = profiler
    follow(timestamps)  # it may have children too
    return profiler


def _install_lines(here: Any, notice: Notice) -> Any:
    from memory_profiler._program.run_profiler import RunProfiler

    if not isinstance(here, RunProfiler):
        here = make_run_profiler(waits=True)
        builtins.profile = here  # type: ignore[attr-defined]
    here.enabled = _profile.profile.enabled
    if here.waits:
        here.begin(notice)
        follow(notice=here.notice)
    return here


def make_run_profiler(**options: Any) -> RunProfiler:
    """One that other processes can be sent."""
    from memory_profiler._program.run_profiler import RunProfiler

    profiler = RunProfiler(**options)
    profiler.arrive = arrive
    return profiler


def make_run_stamper(*options: Any) -> TimeStamper:
    """One that other processes can be sent."""
    from memory_profiler._timeline.timestamps import TimeStamper

    stamper = TimeStamper(*options)
    stamper.arrive = stamper_there
    return stamper


def stamper_there() -> Any:
    """The recorder of this process, for functions of a run."""
    from memory_profiler._timeline.timestamps import TimeStamper

    here = _profile.run_profiler
    return here if isinstance(here, TimeStamper) else install(True)


_arrived: dict[str, Any] = {}


def arrive(home: str, options: dict[str, Any]) -> Any:
    """The profiler for a run's functions in the process that unpickles them: the run's own
    where this is it or a child of it, or can be; else calls are reported as they are made."""
    from memory_profiler._program.run_profiler import RunProfiler

    here = getattr(builtins, "profile", None)
    if isinstance(here, RunProfiler) and here.is_at(home):
        return here
    if home not in _arrived:
        _arrived[home] = _make(home, options)
    return _arrived[home]


def _make(home: str, options: dict[str, Any]) -> Any:
    from memory_profiler._program.run_profiler import is_home

    if not is_home(home):
        from memory_profiler._lines.percall import Options

        return Options(
            None, 1, options["backend"], options["include_children"], options["heap"],
            options["peak"], _profile.profile,
        )  # fmt: skip
    return install(False, (home, options))


class Message:
    """Stands in the child's preparation data; unpickling it installs `profile`."""

    def __init__(self, timestamps: bool, notice: Callable[[], Notice] | None) -> None:
        self.timestamps, self.notice = timestamps, notice

    def __reduce__(self) -> tuple[Any, ...]:
        return install, (self.timestamps, self.notice() if self.notice else None)


def _teach(spawn: ModuleType, message: Message) -> None:
    """Adds the message to what children are told."""
    original = spawn.get_preparation_data
    if getattr(original, "teaches", False):
        return

    def get_preparation_data(*args: Any, **kwds: Any) -> dict[str, Any]:
        server = sys.modules.get(spawn.__name__.replace("spawn", "forkserver"))
        if server is not None:
            modules = server._forkserver._preload_modules
            if "__main__" in modules:  # it would be imported before this module could be
                modules[:] = [
                    __name__,
                    *(module for module in modules if module != "__main__"),
                ]
        data: dict[str, Any] = original(*args, **kwds)
        return data | {"memory_profiler": message}

    get_preparation_data.teaches = True  # type: ignore[attr-defined]
    spawn.get_preparation_data = get_preparation_data  # type: ignore[attr-defined]


class _WhenImported:
    """Teaches multiprocessing.spawn and its likes when the program first imports them."""

    def __init__(self, name: str, message: Message) -> None:
        self.message = message
        #: a program that traces its calls sees none of ours
        self.find_spec = _core.only_for(name, self._find)

    def _find(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        sys.meta_path.remove(self)
        with standard:
            from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _teach(module, self.message)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def follow(timestamps: bool = False, notice: Callable[[], Notice] | None = None) -> None:
    """Lets children that are started from here on know `profile`."""
    message = Message(timestamps, notice)
    for name in SPAWNS:
        if name in sys.modules:
            _teach(sys.modules[name], message)
        else:
            sys.meta_path.insert(0, _WhenImported(name, message))


def _is_fork_server() -> bool:
    """Whether a fork server imports this module, to preload it."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "main" and frame.f_globals.get("__name__") in SERVERS:
            return True
        frame = frame.f_back
    return False


if _is_fork_server():
    builtins.profile = make_run_profiler(waits=True)  # type: ignore[attr-defined]
