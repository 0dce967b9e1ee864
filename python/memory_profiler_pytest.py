"""What pytest loads of memory_profiler where nobody asks: options, ini values, markers.

Beside the package, which costs more to import than all of this. `memory_profiler._pytest` is
the plugin itself. (PYTEST_DONT_REWRITE)
"""

from __future__ import annotations

import pytest  # which loads this: it is there

TYPE_CHECKING = False  # importing typing would cost more than all of this
if TYPE_CHECKING:
    from typing import Any

_MARKERS = {
    "limit_memory": (
        "limit_memory(limit, current_thread_only=False): fail where the test holds so much "
        "memory at once, '24 MB' for one."
    ),
    "limit_leaks": (
        "limit_leaks(limit, filter_fn=None, current_thread_only=False, warmups=1): fail "
        "where one call stack has so much still live at the end; the test runs `warmups` "
        "times before."
    ),
    "limit_leaked_objects": (
        "limit_leaked_objects(filter_fn=None, warmups=1): fail where an object that the test "
        "made is still live at its end; the test runs `warmups` times before."
    ),
    "limit_growth": (
        "limit_growth(limit, repeat=20, warmups=2): fail where the test, run `repeat` times, "
        "keeps growing by so much."
    ),
}
#: option, metavar or None for a switch, ini value or None, help
_OPTIONS = (
    ("--memory", None, "bool", "measure each test, and show those that hold most"),
    (
        "--memory-limit",
        "SIZE",
        "string",
        "fail each test that holds so much at once: 200MB",
    ),
    (
        "--memory-dir",
        "DIR",
        "string",
        "keep a page and a capture of each test that fails so",
    ),
    ("--memory-top", "N", "string", "show so many tests at the end (10; 0: all)"),
    ("--memory-native", "yes|no", "string", "whether malloc and mmap count (yes)"),
    ("--memory-children", "yes|no", "string", "whether processes of a test count (yes)"),
    ("--memory-save", "FILE", None, "write what each test held as a baseline"),
    ("--memory-compare", "FILE", "string", "compare with a baseline"),
    ("--memory-fail-over", "5%", "string", "fail what grew by more than that"),
    ("--memory-update", None, None, "bring the baseline up to date instead of failing"),
    ("--memory-format", "text|github", "string", "also as annotations of GitHub's"),
)


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("memory", "memory of tests (memory_profiler)")
    for option, metavar, ini, words in _OPTIONS:
        if metavar is None:
            group.addoption(option, action="store_true", default=False, help=words)
        else:
            group.addoption(option, metavar=metavar.replace("%", "%%"), help=words)
        if ini:
            default = False if ini == "bool" else None
            name = option[2:].replace("-", "_")
            parser.addini(name, f"{option}: {words}", type=ini, default=default)


def pytest_configure(config: Any) -> None:
    for words in _MARKERS.values():
        config.addinivalue_line("markers", words)
    if _is_asked(config):
        _load(config)


def _is_asked(config: Any) -> bool:
    if config.option.memory or config.getini("memory"):
        return True
    names = (
        "memory_limit",
        "memory_save",
        "memory_compare",
        "memory_fail_over",
        "memory_update",
    )
    return any(getattr(config.option, name) for name in names) or any(
        config.getini(name) for name in ("memory_limit", "memory_compare")
    )


def _load(config: Any) -> Any:
    from memory_profiler._pytest.plugin import load

    return load(config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist that measured for a marker says what there is to say."""
    told = getattr(node, "workeroutput", {}).get("memory_profiler")
    if told:
        plugin = _load(node.config)
        if plugin is not None:
            plugin.summary.take(told)


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """A marker asks, too."""
    if config.pluginmanager.has_plugin("memory_profiler_tests"):
        return
    seen: set[int] = set()
    for item in items:
        node = item
        while node is not None and id(node) not in seen:
            seen.add(id(node))
            if any(mark.name in _MARKERS for mark in node.own_markers):
                _load(config)
                return
            node = node.parent
