"""How much each may hold: pytest --memory examples/limits"""

import orders
import pytest


@pytest.fixture(scope="module")
def text():
    return orders.text_of(20_000)


@pytest.mark.limit_memory("8 MB")
def test_all_at_once(text):
    assert orders.all_at_once(text) == orders.one_by_one(text)


@pytest.mark.limit_memory("2 MB")
def test_one_by_one(text):
    assert orders.one_by_one(text) > 0


@pytest.mark.limit_growth("50 KB", repeat=300, warmups=120)
def test_remember_forgets():
    orders.remember(1)
