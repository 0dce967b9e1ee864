"""What a decorator can be put on: finds the code to trace and wraps each kind of object."""

from __future__ import annotations

import functools
import sys
import types
import warnings
from types import CodeType, FunctionType

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

GENERATOR, COROUTINE, ASYNC_GENERATOR = 0x20, 0x80, 0x200
ITERABLE_COROUTINE = 0x100
NESTED = (FunctionType, classmethod, staticmethod, property, functools.cached_property)


def innermost(target: Any) -> Any:
    """The function behind wrappers (`functools.wraps`), methods and partial objects."""
    seen: set[int] = set()
    while id(target) not in seen:
        seen.add(id(target))
        for link in ("__wrapped__", "__func__"):
            inner = getattr(target, link, None)
            if inner is not None and not isinstance(target, type):
                target = inner
                break
        else:
            if isinstance(target, functools.partial):
                target = target.func
    return target


def code_of(target: Any) -> CodeType | None:
    """The code object that runs when `target` is called; None when there is none."""
    code = getattr(innermost(target), "__code__", None)
    return code if isinstance(code, CodeType) else None


def _wrap_class(cls: type, wrap: Callable[[Any], Any]) -> type:
    """Wraps the methods that a class itself defines, in place."""
    for name, member in list(vars(cls).items()):
        if not isinstance(member, NESTED):
            continue
        code = code_of(_function_in(member))
        if code is None or code.co_filename.startswith("<string>"):
            continue  # generated methods (dataclasses, attrs) have no source to show
        wrapped = wrap_any(member, wrap)
        setattr(cls, name, wrapped)
        if isinstance(wrapped, functools.cached_property):
            wrapped.__set_name__(cls, name)
    return cls


def _function_in(member: Any) -> Any:
    """The function of a property of either kind; other members as they are."""
    if isinstance(member, functools.cached_property):
        return member.func
    return member.fget if isinstance(member, property) else member


def wrap_any(target: Any, wrap: Callable[[Any], Any]) -> Any:
    """Applies `wrap` to the functions in `target` and returns an object of the same kind.

    What has no code object is returned as it is, with a warning.
    """
    if isinstance(target, type):
        return _wrap_class(target, wrap)
    if isinstance(target, (classmethod, staticmethod)):
        return type(target)(wrap_any(target.__func__, wrap))
    if isinstance(target, property):
        get, put, drop = (part and wrap_any(part, wrap) for part in _parts_of(target))
        return type(target)(get, put, drop, target.__doc__)
    if isinstance(target, functools.cached_property):
        return type(target)(wrap_any(target.func, wrap))
    if code_of(target) is None or not callable(target):
        warnings.warn(
            f"Could not extract a code object for the object {target!r}", stacklevel=4
        )
        return target
    return wrap(target)


def _parts_of(target: property) -> tuple[Any, Any, Any]:
    return target.fget, target.fset, target.fdel


class Call:
    """What a wrapper does around one call of the function it wraps."""

    def enter(self) -> None:
        """Before each piece of the function that runs."""

    def leave(self) -> None:
        """After each piece, however it ended."""

    def end(self) -> None:
        """After the last piece, however it ended."""

    def finish(self) -> None:
        """After that, when the function returned; not called when it raised."""

    def __enter__(self) -> Call:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """A generator that is closed before its end (a loop was left) is as good as done."""
        self.end()
        if kind is None or (kind is GeneratorExit and not sys.is_finalizing()):
            self.finish()


def _drive(steps: Any, call: Call) -> Any:
    """`yield from steps`, with `enter` and `leave` around each piece that runs."""
    step: Callable[[Any], Any] = steps.send
    argument: list[Any] = [
        None
    ]  # a list, so that no frame holds an exception that has left
    while True:
        call.enter()
        try:
            produced = step(argument.pop())
        except StopIteration as stop:
            return stop.value
        finally:
            call.leave()
        try:
            argument.append((yield produced))
            step = steps.send
        except GeneratorExit:
            call.enter()
            try:
                steps.close()
            finally:
                call.leave()
            raise
        except BaseException as error:
            argument.append(error)
            step = steps.throw


class _Driven:
    """An awaitable that drives another one."""

    def __init__(self, awaitable: Any, call: Call) -> None:
        self.awaitable, self.call = awaitable, call

    def __await__(self) -> Any:
        return _drive(self.awaitable.__await__(), self.call)


def _generator(func: Any, begin: Callable[[], Call]) -> Any:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwds: Any) -> Any:
        with begin() as call:
            return (yield from _drive(func(*args, **kwds), call))

    return types.coroutine(wrapper) if flags_of(func) & ITERABLE_COROUTINE else wrapper


def _coroutine(func: Any, begin: Callable[[], Call]) -> Any:
    @functools.wraps(func)
    async def wrapper(*args: Any, **kwds: Any) -> Any:
        with begin() as call:
            return await _Driven(func(*args, **kwds), call)

    return wrapper


def _first_step(items: Any) -> Any:
    """`items.asend(None)`, unknown to the event loop: it finalises the wrapper, once."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return items.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _async_generator(func: Any, begin: Callable[[], Call]) -> Any:
    @functools.wraps(func)
    async def wrapper(*args: Any, **kwds: Any) -> Any:
        with begin() as call:
            items = func(*args, **kwds)
            step = _first_step(items)
            while True:
                try:
                    item = await _Driven(step, call)
                except StopAsyncIteration:
                    break
                try:
                    step = items.asend((yield item))
                except GeneratorExit:
                    await _Driven(items.aclose(), call)
                    raise
                except BaseException as error:
                    step = items.athrow(error)

    return wrapper


def _function(func: Any, begin: Callable[[], Call]) -> Any:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwds: Any) -> Any:
        call = begin()
        call.enter()
        try:
            result = func(*args, **kwds)
        finally:
            call.leave()
            call.end()
        call.finish()
        return result

    return wrapper


_KINDS = (
    (GENERATOR | ITERABLE_COROUTINE, _generator),
    (COROUTINE, _coroutine),
    (ASYNC_GENERATOR, _async_generator),
)


def flags_of(func: Any) -> int:
    """The code flags of what a call of `func` itself starts; wrappers are not looked into."""
    while isinstance(func, functools.partial):
        func = func.func
    code = getattr(getattr(func, "__func__", func), "__code__", None)
    return code.co_flags if isinstance(code, CodeType) else 0


def _runs(result: Any, code: CodeType | None) -> bool:
    """Whether `result` is a generator or coroutine of `code`."""
    names = ("gi_code", "cr_code", "ag_code")
    return code is not None and any(getattr(result, name, None) is code for name in names)


def _deferred(func: Any, begin: Callable[[], Call]) -> Any:
    """For a function that returns a generator or coroutine of the measured code, or a context
    manager made of one (`contextlib`): what is returned is followed."""
    code = code_of(func)
    told: list[bool] = []

    def follow(result: Any) -> Any:
        def returned() -> Any:
            return result

        return _wrapper_for(code)(functools.update_wrapper(returned, func), begin)()

    @functools.wraps(func)
    def wrapper(*args: Any, **kwds: Any) -> Any:
        result = func(*args, **kwds)
        if _runs(result, code):
            return follow(result)
        if _runs(getattr(result, "gen", None), code):
            result.gen = follow(result.gen)
            result.func = wrap_calls(result.func, begin)  # made anew when it decorates
            return result
        if not told:
            told.append(True)
            warnings.warn(
                f"{func.__qualname__} is not measured: a decorator between it and @profile "
                "runs it later; put @profile directly on the function",
                stacklevel=2,
            )
        return result

    return wrapper


def _wrapper_for(code: CodeType | None) -> Callable[[Any, Callable[[], Call]], Any]:
    flags = code.co_flags if code else 0
    return next((wrap for kind, wrap in _KINDS if flags & kind), _function)


def suspends(func: Any) -> bool:
    """Whether the measured code runs in pieces, after the call that made it returned."""
    code = code_of(func)
    return code is not None and _wrapper_for(code) is not _function


def wrap_calls(func: Any, begin: Callable[[], Call]) -> Any:
    """A function of the same kind as `func`; each call of it is a `begin()`."""
    flags = flags_of(func)
    for kind, wrap in _KINDS:
        if flags & kind:
            return wrap(func, begin)
    return (_deferred if suspends(func) else _function)(func, begin)
