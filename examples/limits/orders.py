"""What the tests beside it look at: orders in a text, read in two ways."""

import csv
import io

_recent = []


def text_of(orders):
    """Orders as a CSV text."""
    return "number,price\n" + "".join(f"{n},{n * 0.5}\n" for n in range(orders))


def all_at_once(text):
    """The sum of all prices, of a list of rows."""
    rows = list(csv.DictReader(io.StringIO(text)))
    return sum(float(row["price"]) for row in rows)


def one_by_one(text):
    """The same, of one row at a time."""
    return sum(float(row["price"]) for row in csv.DictReader(io.StringIO(text)))


def remember(number):
    """Keeps the last hundred orders."""
    _recent.append(bytes(1000))
    del _recent[:-100]
