"""Which functions `-f` means: a name, `module:name`, or a pattern of either."""

from __future__ import annotations

from fnmatch import fnmatchcase
from types import ModuleType

from memory_profiler._calls.wrap import NESTED, _function_in, code_of
from memory_profiler._standard import standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType
    from typing import Any

WILD = set("*?[")


class NotFoundError(Exception):
    """No function has the name; the text says which and why."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(
            f"Could not find function {name!r}.\n{type(error).__name__}: {error}"
        )


def is_pattern(text: str) -> bool:
    return not WILD.isdisjoint(text)


def functions_of(found: Any) -> Iterator[Any]:
    """The functions in what a name stands for: a class has its methods."""
    if isinstance(found, type):
        for member in list(vars(found).values()):
            if isinstance(member, NESTED):
                yield from functions_of(member)
    elif isinstance(found, property):
        yield from filter(None, (found.fget, found.fset, found.fdel))
    else:
        yield _function_in(found)


def find_functions(text: str, names: dict[str, Any]) -> list[Any]:
    """What `text` means among `names`. Raises NotFoundError."""
    try:
        return list(_find(text, names))
    except Exception as error:
        raise NotFoundError(text, error) from None


def _find(text: str, names: dict[str, Any]) -> Iterator[Any]:
    if ":" in text and not text.startswith(":"):
        with standard:
            import importlib

        place, _, text = text.partition(":")
        module = importlib.import_module(place)
        space, home = vars(module), module.__name__
    else:
        space, home = names, str(names.get("__name__"))
    if is_pattern(text):
        yield from _match(text, space, home)
    else:
        yield from functions_of(eval(text, dict(space) if space is not names else space))


def _match(text: str, space: Mapping[str, Any], home: str) -> Iterator[Any]:
    found = {id(function): function for function in _expand(text.split("."), space, home)}
    if not found:
        raise NameError(f"no function matches {text!r}")
    yield from found.values()


def _expand(parts: list[str], space: Mapping[str, Any], home: str) -> Iterator[Any]:
    """Walks the parts of a dotted pattern. A wild part means what the module itself defines,
    not what it imported."""
    first, *rest = parts
    for name, value in list(space.items()):
        if not fnmatchcase(name, first) or (is_pattern(first) and not _is_at(value, home)):
            continue
        if not rest:
            yield from (one for one in functions_of(value) if code_of(one))
        elif isinstance(value, ModuleType):
            yield from _expand(rest, vars(value), value.__name__)
        elif isinstance(value, type):
            yield from _expand(rest, vars(value), value.__module__)


def _is_at(value: Any, home: str) -> bool:
    if isinstance(value, (property, classmethod, staticmethod)):
        return True
    place = getattr(value, "__module__", None)
    return isinstance(place, str) and (place == home or place.startswith(f"{home}."))


def codes_in(code: CodeType, text: str) -> Iterator[CodeType]:
    """The functions and methods, defined by a cell's code, that a name or pattern means."""
    from memory_profiler._lines.selection import functions_in

    for inner in functions_in(code):
        name = inner.co_qualname
        owner = name.rpartition(".")[0]
        if fnmatchcase(name, text) or (owner and fnmatchcase(owner, text)):
            yield inner
