"""What wrappers call, made so that it can be pickled: by reference, or by value as cloudpickle
and dill send the functions of `__main__` to pools, joblib, Dask, Ray.

A wrapper is a plain function around the measured one and an object that begins its calls. That
object, unpickled elsewhere, begins them there, with a profiler of the same options.
"""

from __future__ import annotations

from memory_profiler._calls.wrap import Call, innermost

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from memory_profiler._lines.profiler import LineProfiler

MARK = "__memory_profiler__"


class Begin:
    """Begins the calls of one function: of a profiler that has it, or shall have it when the
    first comes (a function that was just unpickled may not be complete)."""

    __slots__ = ("call", "filename", "func", "owner")

    def __init__(self, owner: Any, func: Any) -> None:
        self.owner, self.func = owner, func
        self.filename: str | None = None  #: of a function that came from elsewhere
        self.call: Call | None = None

    def __call__(self) -> Call:
        if self.call is None:
            self.prepare()
        return self.call  # type: ignore[return-value]

    def prepare(self) -> None:
        """The function is complete."""
        restore(self.func, self.filename)
        self.call = self.owner.adopt(self.func)

    def __reduce__(self) -> tuple[Any, ...]:
        return begin_there, (self.owner, self.func, self.filename or file_of(self.func))


def begin_there(owner: Any, func: Any, filename: str) -> Any:
    """What `Begin` is in the process that unpickles it. `owner` knows how calls begin there."""
    begin = owner.begin_for(func)
    begin.filename = filename
    return begin


class Mark:
    """An attribute of a generator or coroutine function, which has no wrapper: brings its code
    to a profiler wherever it is unpickled."""

    def __init__(self, owner: LineProfiler, func: Any) -> None:
        self.owner, self.func = owner, func

    def __reduce__(self) -> tuple[Any, ...]:
        return mark_there, (self.owner, self.func, file_of(self.func))


def mark(owner: LineProfiler, func: Any) -> None:
    """Lets a function without a wrapper travel."""
    try:
        vars(innermost(func))[MARK] = Mark(owner, innermost(func))
    except TypeError:
        pass  # has no attributes: such a function has no code of ours either


def mark_there(owner: Any, func: Any, filename: str) -> Any:
    """What `Mark` is in the process that unpickles it: it measures the function there."""
    adopt = getattr(owner, "adopt", None)
    if adopt is None:
        return None
    restore(func, filename)
    adopt(func)
    return Mark(owner, func)


def file_of(func: Any) -> str:
    """Where the code of a function is from."""
    filename: str = innermost(func).__code__.co_filename
    return filename


def restore(func: Any, filename: str | None) -> None:
    """Gives a function that was unpickled, or that such a one defines, the file it is from:
    cloudpickle forgets it."""
    func = innermost(func)
    if filename is None and is_dynamic(func.__code__):
        filename = func.__globals__.get("__file__")
    if filename is not None and func.__code__.co_filename != filename:
        func.__code__ = _from(func.__code__, filename)


def is_dynamic(code: Any) -> bool:
    """Whether cloudpickle made this code."""
    return getattr(code, "co_filename", "") == "<dynamic-code>"


def _from(code: CodeType, filename: str) -> CodeType:
    constants = tuple(
        _from(one, filename) if hasattr(one, "co_consts") else one for one in code.co_consts
    )
    return code.replace(co_filename=filename, co_consts=constants)


class Revived:
    """Which profiler another process sent: the same objects come to be one profiler here."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def name(self, profiler: Any) -> str:
        """A name for one of this process's, by which it is known in every process."""
        for name, known in self.known.items():
            if known is profiler:
                return name
        import os

        name = os.urandom(16).hex()
        self.known[name] = profiler
        return name

    def get(self, name: str, make: Any) -> Any:
        if name not in self.known:
            self.known[name] = make()
        return self.known[name]


revived = Revived()


def profiler_there(name: str, kind: Any, options: dict[str, Any]) -> Any:
    """A profiler of the kind and options, made once a process."""
    return revived.get(name, lambda: kind(**options))
