"""What the options and ini values of a session say, checked."""

from __future__ import annotations

import os

import pytest

from memory_profiler._limits import sizes

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

SLACK = 16 * 1024  #: bytes that no test fails for: the interpreter's caches
_TOP = 10


class Tolerance:
    """How much a test may grow: a share of what it had, a size, or both, whichever is more."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.share, self.bytes = 0.0, SLACK
        for word in filter(None, (part.strip() for part in words.split(","))):
            if word.endswith("%"):
                self.share = _share(word)
            else:
                self.bytes = sizes.parse(word)

    def allowed(self, before: int) -> int:
        """The most that a test which held so much may hold."""
        return before + max(self.bytes, int(before * self.share))


def _share(word: str) -> float:
    try:
        share = float(word[:-1]) / 100
    except ValueError:
        share = -1
    if not 0 <= share < float("inf"):
        raise ValueError(f"{word!r} is no share: write '5%', '64KB' or '5%,64KB'")
    return share


class Options:
    """Of a session; raises pytest.UsageError where a value cannot be."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._here = str(config.invocation_params.dir)
        self.memory = bool(config.option.memory or config.getini("memory"))
        self.limit = self._size("memory_limit")
        self.folder = self._path("memory_dir")
        self.top = self._count("memory_top", _TOP)
        self.native = self._choice("memory_native", ("yes", "no")) != "no"
        self.children = self._choice("memory_children", ("yes", "no")) != "no"
        self.save = self._path("memory_save", ini=False)
        self.compare = self._path("memory_compare")
        self.tolerance, self.fails = self._tolerance()
        self.update = bool(config.option.memory_update)
        self.github = self._choice("memory_format", ("text", "github")) == "github"
        if self.update and not self.compare:
            raise pytest.UsageError("--memory-update needs --memory-compare FILE")
        if self.fails and not self.compare:
            raise pytest.UsageError("--memory-fail-over needs --memory-compare FILE")
        if self.save and self.compare:
            raise pytest.UsageError(
                "--memory-save and --memory-compare exclude each other: --memory-update "
                "brings the baseline up to date"
            )

    @property
    def measures_all(self) -> bool:
        """Whether tests without a marker are measured too."""
        return bool(self.memory or self.limit or self.save or self.compare)

    @property
    def has_baseline(self) -> bool:
        return bool(self.save or self.compare)

    @property
    def writes_baseline(self) -> bool:
        return bool(self.save or self.update)

    def _value(self, name: str, ini: bool = True) -> str | None:
        value = getattr(self._config.option, name)
        if value is None and ini:
            value = self._config.getini(name) or None
        return value or None

    def _size(self, name: str) -> int | None:
        value = self._value(name)
        if value is None:
            return None
        try:
            return sizes.parse(value)
        except ValueError as error:
            raise _wrong(name, error) from None

    def _path(self, name: str, ini: bool = True) -> str | None:
        value = self._value(name, ini)
        return os.path.join(self._here, value) if value else None

    def _count(self, name: str, default: int) -> int:
        value = self._value(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit():
            raise _wrong(name, f"{value!r} is no number of tests")
        return int(value)

    def _choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self._value(name) or choices[0]
        if value not in choices:
            raise _wrong(name, f"{value!r} is neither {' nor '.join(choices)}")
        return value

    def _tolerance(self) -> tuple[Tolerance, bool]:
        value = self._value("memory_fail_over")
        try:
            return Tolerance(value or "5%"), value is not None
        except ValueError as error:
            raise _wrong("memory_fail_over", error) from None


def _wrong(name: str, why: object) -> pytest.UsageError:
    return pytest.UsageError(f"--{name.replace('_', '-')}: {why}")
