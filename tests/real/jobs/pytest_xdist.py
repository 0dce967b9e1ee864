"""A suite of pytest's, in this process and by two workers of xdist."""

import pathlib

import pytest

TESTS = """
import pytest

kept = []

@pytest.mark.parametrize("n", range(6))
def test_load(n):
    kept.append(b"x" * (1 << 20))
    assert n != 3
"""
PLUGINS = ["monitor", "asyncio", "terminal", "cacheprovider"]


class Outcomes:
    def __init__(self):
        self.found = {}

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.found[report.nodeid] = report.outcome


def suite(*words):
    outcomes = Outcomes()
    off = [word for name in PLUGINS for word in ("-p", f"no:{name}")]
    code = pytest.main([*words, *off, "test_loads.py"], plugins=[outcomes])
    return int(code), sorted(outcomes.found.items())


def main():
    pathlib.Path("test_loads.py").write_text(TESTS)
    found = suite()
    kept = b"x" * (64 << 20)  # holds 64 MiB
    print(found, suite("-n", "2", "-p", "xdist") == found, len(kept))


if __name__ == "__main__":
    main()
