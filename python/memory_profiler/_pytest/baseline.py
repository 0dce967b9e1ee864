"""The file of --memory-save and --memory-compare: what each test held, for version control.

    {
      "schema": "memory_profiler.tests",
      "version": 2,
      "environments": {
        "cpython-3.12 linux x86_64": {
          "tests/test_load.py::test_load": [25172032, {"src/load.py parse": 25165824}],
          "tests/test_load.py::test_empty": 1024,
          ...

The figure is the most bytes that the test held at once, imports left out: these are whose test
comes first. Beside it are the functions whose lines held most of it: lines have other numbers
after each edit. Version 1 had figures alone.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import namedtuple

import pytest

from memory_profiler._limits.holders import short
from memory_profiler._output import Replacement

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

_SCHEMA = "memory_profiler.tests"
_VERSION = 2
_VERSIONS = 1, 2
_MARK = f'"schema": "{_SCHEMA}"'.encode()


def environment(native: bool) -> str:
    """What figures are of: they are other ones for other versions and systems."""
    name = f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{name} {sys.platform} {platform.machine()}{'' if native else ' no-native'}"


class Held(namedtuple("_Held", ("peak", "functions"))):
    """What a test held: bytes, and of it {"file function": bytes}."""

    __slots__ = ()

    peak: int
    functions: dict[str, int]

    @property
    def document(self) -> int | list[Any]:
        functions = dict(sorted(self.functions.items()))
        return [self.peak, functions] if functions else self.peak


class Baseline:
    """The figures of a file."""

    def __init__(self, path: str, environments: dict[str, dict[str, Held]]) -> None:
        self.path = path
        self._environments = environments
        self._here = environment(True)

    @property
    def name(self) -> str:
        return short(self.path)

    @classmethod
    def read(cls, path: str) -> Baseline:
        """Raises pytest.UsageError where it cannot be read, or is of another version."""
        try:
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
        except OSError as error:
            raise _unusable(
                path, f"{error.strerror}; --memory-save {short(path)} writes it"
            ) from None
        except (ValueError, RecursionError) as error:
            raise _unusable(path, f"it is no JSON: {error}") from None
        return cls(path, _checked(path, document))

    @staticmethod
    def check_writable(path: str) -> None:
        """Raises pytest.UsageError where the file of --memory-save cannot be written."""
        try:
            Replacement(path, _MARK, remedy="remove or rename")
        except OSError as error:
            raise pytest.UsageError(
                f"--memory-save: cannot write {short(path)}: {error.strerror}"
            ) from None

    def use(self, native: bool) -> None:
        self._here = environment(native)

    @property
    def environment(self) -> str:
        return self._here

    @property
    def tests(self) -> dict[str, Held]:
        """Of this version and system; empty where the file has none."""
        return self._environments.get(self._here, {})

    def of(self, nodeid: str) -> Held | None:
        return self.tests.get(nodeid)

    def set(self, tests: dict[str, Held]) -> None:
        self._environments[self._here] = tests

    def write(self) -> None:
        """Raises OSError."""
        environments = [
            f"    {_json(name)}: {{\n{_lines(tests)}    }}"
            for name, tests in sorted(self._environments.items())
        ]
        text = (
            f'{{\n  "schema": "{_SCHEMA}",\n  "version": {_VERSION},\n  "environments": {{\n'
            + ",\n".join(environments)
            + "\n  }\n}\n"
        )
        content = text.encode("utf-8", "surrogateescape")
        Replacement(self.path, _MARK, remedy="remove or rename").write(content)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(tests: dict[str, Held]) -> str:
    """A test a line."""
    rows = [
        f"      {_json(n)}: {_json(held.document)}" for n, held in sorted(tests.items())
    ]
    return ",\n".join(rows) + "\n" if rows else ""


def for_saving(path: str) -> Baseline:
    """The file as it is, or a new one; its other versions and systems stay."""
    return Baseline.read(path) if os.path.exists(path) else Baseline(path, {})


def _checked(path: str, document: Any) -> dict[str, dict[str, Held]]:
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        raise _unusable(path, "it is no baseline of --memory-save")
    version = document.get("version")
    if version not in _VERSIONS:
        raise _unusable(
            path,
            f"it is of version {version!r}, this memory_profiler has {_VERSION}: write it anew "
            "with --memory-save",
        )
    environments = document.get("environments")
    if not isinstance(environments, dict):
        raise _unusable(path, "it has no environments")
    for name, tests in environments.items():
        if not isinstance(tests, dict):
            raise _unusable(path, f"{name!r} has no tests")
        for nodeid, peak in tests.items():
            if not _is_held(peak):
                raise _unusable(path, f"{nodeid!r} has {peak!r}, which is no size")
    return {
        name: {nodeid: _held(value) for nodeid, value in tests.items()}
        for name, tests in environments.items()
    }


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_held(value: Any) -> bool:
    if not isinstance(value, list):
        return _is_size(value)
    if len(value) != 2 or not isinstance(value[1], dict):
        return False
    return _is_size(value[0]) and all(map(_is_size, value[1].values()))


def _held(value: Any) -> Held:
    return Held(*value) if isinstance(value, list) else Held(value, {})


def _unusable(path: str, why: str) -> pytest.UsageError:
    return pytest.UsageError(f"baseline {short(path)}: {why}")
