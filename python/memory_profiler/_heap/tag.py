"""Tags: what a program says of what it does, as `--by tag` shows its memory."""

from __future__ import annotations

import functools

from memory_profiler._core import Tag

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class tag(Tag):
    """What is allocated in the block belongs to this word in `mprof table --by tag`.

    >>> with tag("request=/search"):
    ...     rows = [bytes(1000) for _ in range(100)]

    It holds for this thread and for tasks that are started in the block, each with its own
    from where it sets one; the innermost counts. Threads have it where their contexts are
    handed on: by `asyncio.to_thread`, by `contextvars.copy_context().run`, or by Python itself
    (3.14, `-X thread_inherit_context=1`). At most 4,096 words are told apart. It costs two
    changes of a context variable. Can be used as a decorator, and again.

    Args:
        word: anything that can be printed; of more than 200 bytes the beginning counts.

    Raises:
        TypeError: `word` is no str; ValueError: it is empty.
    """

    __slots__ = ()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def tagged(*words: Any, **options: Any) -> Any:
            with self:
                return function(*words, **options)

        return tagged

    def __repr__(self) -> str:
        return f"tag({self.word!r})"
