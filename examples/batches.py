"""A job of the night: day after day of readings, and something keeps each of them.

mprof heap -o night.mprof --max 200M --kill examples/batches.py
mprof report night.mprof
"""

import functools
import random


@functools.lru_cache(maxsize=None)
def readings(day):
    """The readings of a day, as they come from a database."""
    random.seed(day)
    return [{"minute": minute, "celsius": random.gauss(20, 5)} for minute in range(1440)]


def warmest(day):
    return max(reading["celsius"] for reading in readings(day))


def main(days):
    record = max(warmest(day) for day in range(days))
    print(f"the warmest minute of {days} days: {record:.2f} degrees")


if __name__ == "__main__":
    main(1000)
