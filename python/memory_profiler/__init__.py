"""Profile the memory of Python programs: line by line, over time, and by allocation.

    from memory_profiler import profile

    @profile
    def load(): ...

Importing this package is cheap (no IPython, multiprocessing or psutil); everything else is
loaded when it is first used. (To pytest, which knows us as a plugin: PYTEST_DONT_REWRITE.)
"""

from memory_profiler import _standard  # the first: it watches over what the others import

_standard.guard(__path__)

from memory_profiler._core import __version__
from memory_profiler._profile import profile

TYPE_CHECKING = False  # typing's own costs nine tenths of this import
if TYPE_CHECKING:
    from memory_profiler._backends import choose_backend
    from memory_profiler._heap.tag import tag
    from memory_profiler._limits.limit import MemoryLimitExceeded, limit
    from memory_profiler._lines.profiler import LineProfiler
    from memory_profiler._notebook.magics import (
        MemoryProfilerMagics,
        load_ipython_extension,
        magic_memit,
        magic_mprun,
        register_magics,
    )
    from memory_profiler._notebook.results import MemitResult
    from memory_profiler._program.compat import (
        LogFile,
        exec_with_profiler,
        run_module_with_profiler,
    )
    from memory_profiler._report.codemap import CodeMap
    from memory_profiler._report.results import FunctionResult, LineResult, Results
    from memory_profiler._report.write import show_results
    from memory_profiler._timeline.memory import _get_child_memory, _get_memory
    from memory_profiler._timeline.memtimer import MemTimer
    from memory_profiler._timeline.timestamps import TimeStamper, _TimeStamperCM
    from memory_profiler._timeline.usage import memory_usage

_HOMES = {
    "CodeMap": "_report.codemap",
    "LogFile": "_program.compat",
    "MemTimer": "_timeline.memtimer",
    "_get_child_memory": "_timeline.memory",
    "_get_memory": "_timeline.memory",
    "MemitResult": "_notebook.results",
    "MemoryProfilerMagics": "_notebook.magics",
    "_find_script": "_program.compat",
    "_func_exec": "_program.compat",
    "choose_backend": "_backends",
    "exec_with_profiler": "_program.compat",
    "has_tracemalloc": "_program.compat",
    "MemoryLimitExceeded": "_limits.limit",
    "limit": "_limits.limit",
    "memory_usage": "_timeline.usage",
    "load_ipython_extension": "_notebook.magics",
    "magic_memit": "_notebook.magics",
    "magic_mprun": "_notebook.magics",
    "register_magics": "_notebook.magics",
    "run_module_with_profiler": "_program.compat",
    "FunctionResult": "_report.results",
    "LineProfiler": "_lines.profiler",
    "LineResult": "_report.results",
    "Results": "_report.results",
    "TimeStamper": "_timeline.timestamps",
    "_TimeStamperCM": "_timeline.timestamps",
    "show_results": "_report.write",
    "tag": "_heap.tag",
}

__all__ = ["__version__", "profile", *(name for name in _HOMES if name[0] != "_")]


def __getattr__(name: str) -> object:
    """Loads a public name from the module that has it, once."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
