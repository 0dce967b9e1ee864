"""Profile the memory of Python programs: line by line, over time, and by allocation.

    from memory_profiler import profile

    @profile
    def load(): ...

Importing this package is cheap (no IPython, multiprocessing or psutil); everything else is
loaded when it is first used.
"""

from __future__ import annotations

from memory_profiler._core import __version__
from memory_profiler._profile import profile

TYPE_CHECKING = False  # typing's own costs nine tenths of this import
if TYPE_CHECKING:
    from memory_profiler._backends import choose_backend
    from memory_profiler._codemap import CodeMap
    from memory_profiler._compat import (
        LogFile,
        exec_with_profiler,
        run_module_with_profiler,
    )
    from memory_profiler._magics import (
        MemoryProfilerMagics,
        load_ipython_extension,
        magic_memit,
        magic_mprun,
        register_magics,
    )
    from memory_profiler._memory import _get_child_memory, _get_memory
    from memory_profiler._memtimer import MemTimer
    from memory_profiler._notebook import MemitResult
    from memory_profiler._profiler import LineProfiler
    from memory_profiler._report import show_results
    from memory_profiler._results import FunctionResult, LineResult, Results
    from memory_profiler._timestamps import TimeStamper, _TimeStamperCM
    from memory_profiler._usage import memory_usage

_HOMES = {
    "CodeMap": "_codemap",
    "LogFile": "_compat",
    "MemTimer": "_memtimer",
    "_get_child_memory": "_memory",
    "_get_memory": "_memory",
    "MemitResult": "_notebook",
    "MemoryProfilerMagics": "_magics",
    "_find_script": "_compat",
    "_func_exec": "_compat",
    "choose_backend": "_backends",
    "exec_with_profiler": "_compat",
    "has_tracemalloc": "_compat",
    "memory_usage": "_usage",
    "load_ipython_extension": "_magics",
    "magic_memit": "_magics",
    "magic_mprun": "_magics",
    "register_magics": "_magics",
    "run_module_with_profiler": "_compat",
    "FunctionResult": "_results",
    "LineProfiler": "_profiler",
    "LineResult": "_results",
    "Results": "_results",
    "TimeStamper": "_timestamps",
    "_TimeStamperCM": "_timestamps",
    "show_results": "_report",
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
