"""`make test-real` leaves out what is marked `whole`; `make test-real-all` runs everything."""

from __future__ import annotations

import pathlib
import sys

import pytest

PYTHON = pathlib.Path(__file__).resolve().parents[1] / "python"
sys.path += [str(PYTHON), str(PYTHON / "heap")]
import leftovers  # noqa: E402

leftovers.hear_interrupts()  # tests of libraries interrupt themselves, and wait for it


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "whole: in make test-real-all alone, for its time")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory):
    return tmp_path_factory.mktemp("alone")
