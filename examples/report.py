"""A report over sensor readings, the way memory is often spent: load, widen, group, drop.

python -m memory_profiler examples/report.py
"""

import csv
import io
import random


def sensor_log(rows):
    """A CSV file of temperatures, in memory."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["sensor", "minute", "celsius"])
    for minute in range(rows):
        writer.writerow([f"s{minute % 50}", minute, round(random.gauss(20, 5), 2)])
    return out.getvalue()


@profile
def daily_means(text):
    rows = list(csv.DictReader(io.StringIO(text)))
    readings = [
        (row["sensor"], int(row["minute"]) // 1440, float(row["celsius"])) for row in rows
    ]
    del rows
    groups = {}
    for sensor, day, celsius in readings:
        groups.setdefault((sensor, day), []).append(celsius)
    del readings
    return {key: sum(values) / len(values) for key, values in groups.items()}


if __name__ == "__main__":
    random.seed(1)
    means = daily_means(sensor_log(200_000))
    print(f"{len(means)} daily means, warmest {max(means.values()):.2f} degrees")
