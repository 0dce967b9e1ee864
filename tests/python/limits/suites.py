"""Suites that the tests of the plugin run, and what pytest says of them."""

from __future__ import annotations

import re

from conftest import Run, Workshop

QUIET = "-q", "-p", "no:cacheprovider"


def pytest_in(shop: Workshop, *words: str, **options: object) -> Run:
    """Runs pytest in the shop, with a terminal of 200 columns."""
    env = {"COLUMNS": "200", **options.pop("env", {})}
    return shop.python("-m", "pytest", *QUIET, *words, env=env, timeout=120, **options)


def outcome(run: Run) -> str:
    """The last line without its time: "1 failed, 2 passed"."""
    (found,) = re.findall(r"(?m)^=*\s?((?:\d+ \w+(?:, )?)+) in [\d.]+s", run.out)
    return found


def table(run: Run) -> dict[str, tuple[str, str, int]]:
    """Peak, kept and allocations of each test shown by --memory."""
    rows = re.findall(
        r"(?m)^ *([\d.,]+ \w+) +(-?[\d.,]+ \w+) +([\d,]+) +[-+]?[\d.,]+ \w+  (\S+::.*)$",
        run.out,
    )
    return {name: (peak, kept, int(n.replace(",", ""))) for peak, kept, n, name in rows}


def size(text: str) -> float:
    number, unit = text.split()
    return float(number.replace(",", "")) * 1024 ** ["B", "KiB", "MiB", "GiB"].index(unit)
