"""What a decorator can be put on: finds the code to trace and wraps each kind of object."""

from __future__ import annotations

import functools
import sys
import types
from _weakref import ref
from types import CodeType, FunctionType

from memory_profiler import _core, _lost
from memory_profiler._core import Driven
from memory_profiler._say import warn

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

GENERATOR, COROUTINE, ASYNC_GENERATOR = 0x20, 0x80, 0x200
ITERABLE_COROUTINE = 0x100
NESTED = (
    FunctionType, classmethod, staticmethod, property, functools.cached_property,
    functools.partialmethod, functools.singledispatchmethod,
)  # fmt: skip
FUNC_HOLDERS = (
    functools.cached_property, functools.partialmethod, functools.singledispatchmethod,
)  # fmt: skip


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
    if isinstance(member, FUNC_HOLDERS):
        return member.func
    return member.fget if isinstance(member, property) else member


def wrap_any(target: Any, wrap: Callable[[Any], Any]) -> Any:
    """Applies `wrap` to the functions in `target` and returns an object of the same kind.

    What has no code object is returned as it is, with a warning.
    """
    if _wrap_proxied(target, wrap):
        return target
    if isinstance(target, type):
        return _wrap_class(target, wrap)
    for kind, made_anew in _DESCRIPTORS:
        if issubclass(type(target), kind):
            return made_anew(target, wrap)
    if code_of(target) is not None and callable(target):
        return _with_attributes(wrap(target), target)
    if not _wrap_instance(target, wrap):
        warn(f"Could not extract a code object for the object {target!r}")
    return target


def _wrap_proxied(target: Any, wrap: Callable[[Any], Any]) -> bool:
    """Wraps what a proxy (wrapt's) stands for, and the proxy stays: it says that it is what it
    stands for, and knows how to bind it. False: it is none."""
    kinds = (vars(cls).get("__wrapped__") for cls in type(target).__mro__)
    settable = any(hasattr(type(kind), "__set__") for kind in kinds)
    if not settable or target.__class__ is type(target):
        return False
    try:
        inner = target.__wrapped__
        target.__wrapped__ = wrap_any(inner, wrap)
    except (AttributeError, TypeError, ValueError):
        return False
    return True


def _property(target: property, wrap: Callable[[Any], Any]) -> property:
    get, put, drop = (part and wrap_any(part, wrap) for part in _parts_of(target))
    return type(target)(get, put, drop, target.__doc__)


def _with_arguments(
    target: functools.partialmethod[Any], wrap: Callable[[Any], Any]
) -> functools.partialmethod[Any]:
    func = wrap_any(target.func, wrap)
    return type(target)(func, *target.args, **target.keywords)


class _Dispatched(functools.singledispatchmethod):  # type: ignore[type-arg]
    """A `singledispatchmethod` whose implementations are wrapped, those to come too."""

    def __init__(
        self, target: functools.singledispatchmethod[Any], wrap: Callable[[Any], Any]
    ) -> None:
        self.wrap = wrap
        super().__init__(wrap_any(target.func, wrap))
        for cls, func in target.dispatcher.registry.items():
            if cls is not object:
                self.dispatcher.register(cls, wrap_any(func, wrap))

    def register(self, cls: Any, method: Any = None) -> Any:
        """As the original; the class may be that of the method's annotation."""
        if method is not None:
            return super().register(cls, method=wrap_any(method, self.wrap))
        if isinstance(cls, NESTED):
            return super().register(wrap_any(cls, self.wrap))
        return lambda method: self.register(cls, method)


#: What holds functions -> the same around wrapped ones.
_DESCRIPTORS: tuple[tuple[Any, Callable[[Any, Callable[[Any], Any]], Any]], ...] = (
    (
        (classmethod, staticmethod),
        lambda held, wrap: type(held)(wrap_any(held.__func__, wrap)),
    ),
    (property, _property),
    (functools.cached_property, lambda held, wrap: type(held)(wrap_any(held.func, wrap))),
    (functools.partialmethod, _with_arguments),
    (functools.singledispatchmethod, _Dispatched),
)


def _with_attributes(wrapped: Any, target: Any) -> Any:
    """What an object of another type offers beside its call (`cache_info`), for the function
    that takes its place."""
    if wrapped is target or isinstance(target, (FunctionType, types.MethodType)):
        return wrapped
    for cls in type(target).__mro__[:-1]:
        for name, member in vars(cls).items():
            if name.startswith("__") or hasattr(wrapped, name):
                continue
            if isinstance(member, property):
                continue  # code of the program's, which did not ask for it now
            try:
                setattr(wrapped, name, getattr(target, name))
            except AttributeError:
                pass
    return wrapped


def _wrap_instance(target: Any, wrap: Callable[[Any], Any]) -> bool:
    """Wraps the calls of an object in place, as a class's methods are: the object stays what it
    is, and its class gets a `__call__` that knows which of its objects are measured (if that
    is a generator or coroutine function: measures all). False: it cannot be done."""
    cls = type(target)
    call = next((vars(c)["__call__"] for c in cls.__mro__ if "__call__" in vars(c)), None)
    if not isinstance(call, FunctionType):
        return False
    measured = vars(call).get("measured") if "__call__" in vars(cls) else None
    try:
        if flags_of(call) & (GENERATOR | COROUTINE | ASYNC_GENERATOR):
            cls.__call__ = wrap(call)
            return True
        if measured is None:
            measured = {}
            cls.__call__ = _sorting(call, measured)
    except TypeError:  # a class of C's
        return False
    measured[id(target)] = wrap(getattr(call, "sorts", call)), _forgets(target, measured)
    return True


def _sorting(call: Any, measured: dict[int, tuple[Any, Any]]) -> Any:
    """A `__call__` that takes the wrapper for the objects that have one."""
    levels = _core.levels

    @functools.wraps(call)
    def __call__(self: Any, /, *args: Any, **kwds: Any) -> Any:
        try:
            levels(1)
            wrapped = measured.get(id(self))
            return (wrapped[0] if wrapped else call)(self, *args, **kwds)
        finally:
            levels(-1)

    vars(__call__).update(measured=measured, sorts=call)
    return __call__


def _forgets(target: Any, measured: dict[int, tuple[Any, Any]]) -> Any:
    """What is kept with an object's wrapper: a reference that drops it with the object."""
    key = id(target)
    try:
        return ref(target, lambda gone: measured.pop(key, None))
    except TypeError:
        return target


def _parts_of(target: property) -> tuple[Any, Any, Any]:
    return target.fget, target.fset, target.fdel


class Call:
    """What a wrapper does around one call of the function it wraps."""

    #: Held here: a generator may be closed when the modules' names are gone.
    is_over = staticmethod(sys.is_finalizing)

    def enter(self) -> None:
        """Before each piece of the function that runs."""

    def leave(self) -> None:
        """After each piece, however it ended."""

    #: Whether there is something to do at the end.
    ends = False

    def end(self) -> None:
        """After the last piece, however it ended."""


_UNMEASURED = Call()


def _wraps(func: Any) -> Callable[[Any], Any]:
    """As `functools.wraps`; a wrapper that names `__class__` gets the cell in which the
    function's `super()` finds its class: who makes a class anew (attrs, for slots) puts the new
    one into that cell, and looks for it in what the class defines, not behind wrappers."""
    inner = innermost(func)
    names = getattr(getattr(inner, "__code__", None), "co_freevars", ())
    if "__class__" not in names:
        return functools.wraps(func)
    cell = inner.__closure__[names.index("__class__")]

    def with_cell(wrapper: Any) -> Any:
        code = wrapper.__code__
        cells = (
            cell if name == "__class__" else own
            for name, own in zip(code.co_freevars, wrapper.__closure__, strict=True)
        )
        made = FunctionType(code, wrapper.__globals__, closure=tuple(cells))
        return functools.update_wrapper(made, func)

    return with_cell


def _entered(call: Call) -> Call:
    """What measures the next piece: the call, or nothing where that cannot begin."""
    try:
        call.enter()
    except Exception as error:
        _lost.lose("calls", error)
        return _UNMEASURED
    return call


def _ended(call: Call) -> None:
    """As a function: a bound method would be a block of ours on the line that calls."""
    call.end()


def _started(
    begin: Callable[[], Call], func: Any, args: Any, kwds: Any
) -> tuple[Call, Driven]:
    """A call of several pieces, and what runs them."""
    call = begin()
    return call, Driven(func(*args, **kwds), _entered, call)


def _generator(func: Any, begin: Callable[[], Call]) -> Any:
    levels, started, ended = _core.levels, _started, _ended
    __class__ = None

    @_wraps(func)
    def wrapper(*args: Any, **kwds: Any) -> Any:
        nonlocal __class__
        call, steps = levels(0, started, begin, func, args, kwds)
        try:
            return (yield from steps)
        finally:
            if call.ends:
                levels(0, ended, call)

    return types.coroutine(wrapper) if flags_of(func) & ITERABLE_COROUTINE else wrapper


def _coroutine(func: Any, begin: Callable[[], Call]) -> Any:
    levels, started, ended = _core.levels, _started, _ended
    __class__ = None

    def steps_of(*args: Any, **kwds: Any) -> Any:
        return func(*args, **kwds).__await__()

    @_wraps(func)
    async def wrapper(*args: Any, **kwds: Any) -> Any:
        nonlocal __class__
        call, steps = levels(0, started, begin, steps_of, args, kwds)
        try:
            return await steps
        finally:
            if call.ends:
                levels(0, ended, call)

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
    levels, entered, ended = _core.levels, _entered, _ended
    __class__ = None

    def start(args: Any, kwds: Any) -> tuple[Call, Any, Any]:
        call, items = begin(), func(*args, **kwds)
        return call, items, _first_step(items)

    @_wraps(func)
    async def wrapper(*args: Any, **kwds: Any) -> Any:
        nonlocal __class__
        call, items, step = levels(0, start, args, kwds)
        try:
            while True:
                try:
                    item = await levels(0, Driven, step, entered, call)
                except StopAsyncIteration:
                    break
                try:
                    step = items.asend((yield item))
                except GeneratorExit:
                    await levels(0, Driven, items.aclose(), entered, call)
                    raise
                except BaseException as error:
                    step = items.athrow(error)
        finally:
            if call.ends:
                levels(0, ended, call)

    return wrapper


def _function(func: Any, begin: Callable[[], Call]) -> Any:
    levels, nothing, ended = _core.levels, _UNMEASURED, _ended
    __class__ = None

    @_wraps(func)
    def wrapper(*args: Any, **kwds: Any) -> Any:
        nonlocal __class__
        call = nothing
        try:
            call = levels(1, begin)
            return func(*args, **kwds)
        finally:
            levels(-1, call.leave)
            if call.ends:
                levels(0, ended, call)

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
    levels, warned = _core.levels, list[bool]()
    __class__ = None

    def follow(result: Any) -> Any:
        def made() -> Any:
            return result

        wrap = _wrapper_for(code_of(func))
        return wrap(functools.update_wrapper(made, func), begin)()

    def returned(result: Any, code: CodeType | None) -> Any:
        if _runs(result, code):
            return follow(result)
        if _runs(getattr(result, "gen", None), code):
            result.gen = follow(result.gen)
            result.func = wrap_calls(result.func, begin)  # made anew when it decorates
            return result
        if not warned:
            warned.append(True)
            warn(
                f"{func.__qualname__} is not measured: a decorator between it and @profile "
                "runs it later; put @profile directly on the function"
            )
        return result

    @_wraps(func)
    def wrapper(*args: Any, **kwds: Any) -> Any:
        nonlocal __class__
        try:
            code = levels(1, code_of, func)  # unpickled, it may have another by now
            result = func(*args, **kwds)
        finally:
            levels(-1)
        return levels(0, returned, result, code)

    return wrapper


def _wrapper_for(code: CodeType | None) -> Callable[[Any, Callable[[], Call]], Any]:
    flags = code.co_flags if code else 0
    return next((wrap for kind, wrap in _KINDS if flags & kind), _function)


def suspends(func: Any) -> bool:
    """Whether the measured code runs in pieces, after the call that made it returned."""
    code = code_of(func)
    return code is not None and _wrapper_for(code) is not _function


def _until_the_end(begin: Callable[[], Call], enters: bool = False) -> Callable[[], Call]:
    """Measures no calls that finalizers make while the interpreter takes its modules apart:
    what a table needs cannot be imported any more. Nor those for which there is no room.
    `enters`: what begins is the only piece, too."""
    is_over, unmeasured, lose = Call.is_over, _UNMEASURED, _lost.lose

    def start() -> Call:
        if is_over():
            return unmeasured
        try:
            call = begin()
            if enters:
                call.enter()
        except Exception as error:
            lose("calls", error)
            return unmeasured
        return call

    return start


def wrap_calls(func: Any, begin: Callable[[], Call]) -> Any:
    """A function of the same kind as `func`; each call of it is a `begin()`."""
    flags = flags_of(func)
    for kind, wrap in _KINDS:
        if flags & kind:
            return wrap(func, _until_the_end(begin))
    if suspends(func):
        return _deferred(func, _until_the_end(begin))
    return _function(func, _until_the_end(begin, enters=True))
