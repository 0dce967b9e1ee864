"""Tags where no heap can be recorded: words are checked, and change nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Tag:
    __slots__ = ("word",)

    def __init__(self, word: str) -> None:
        if not isinstance(word, str):
            raise TypeError(f"a tag is a str, not {word!r}")
        if not word:
            raise ValueError("a tag is not empty")
        self.word = word

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass
