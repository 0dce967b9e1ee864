"""What HeapPlugin costs a Dask worker: CPU time of three jobs in it, beside the same without.

Usage: python bench/dask_jobs.py [sample ...]      with distributed, dask, numpy, pandas and pyarrow installed

A reduction over a Dask array of 0.8 GB in chunks of 8 MB; a Dask dataframe of 2.6 million rows in 30 parts,
grouped and shuffled; and 40 delayed pandas frames of 50,000 rows, made of Python's strings and grouped by them,
which allocates far more in Python than a Dask dataframe, whose columns are Arrow's. Each in a worker of one thread. Seconds of CPU time of the worker: the median of all times that each
ran, with the lower and the upper quartile. New workers take turns: plain, then each sample
(default: 512K). Where the quartiles of two overlap their ratio says little: other programs share the caches.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys

ROUNDS, TIMES = 4, 5


def array_job() -> float:
    import dask.array as da

    x = da.random.random((10_000, 10_000), chunks=(1_000, 1_000))
    return float((x + x.T).mean(axis=0).std().compute())


def dataframe_job() -> float:
    import dask.datasets

    frame = dask.datasets.timeseries(freq="1s", seed=1)
    by_name = frame.groupby("name").agg({"x": "mean", "y": "std"}).compute()
    parts = frame[frame.x > 0.5].shuffle("id").groupby("id").x.sum().compute()
    return float(by_name.x.sum() + parts.sum())


def frame_job() -> float:
    import dask
    import pandas as pd

    def part(number: int) -> pd.DataFrame:
        rows = 50_000
        keys = [f"k{(i * 7 + number) % 1000}" for i in range(rows)]
        return pd.DataFrame({"key": keys, "value": range(rows)})

    parts = [dask.delayed(part)(number) for number in range(40)]
    sums = [dask.delayed(lambda p: p.groupby("key")["value"].sum())(p) for p in parts]
    return float(
        dask.delayed(lambda s: pd.concat(s).groupby(level=0).sum())(sums).compute().sum()
    )


JOBS = {"array": array_job, "dataframe": dataframe_job, "frames": frame_job}


def spent() -> float:
    times = os.times()
    return times.user + times.system


def measure(sample: str | None) -> dict[str, list[float]]:
    """CPU seconds of a new worker for each job, each time."""
    from distributed import Client, LocalCluster

    from memory_profiler.dask import HeapPlugin

    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(
            LocalCluster(1, threads_per_worker=1, dashboard_address=None)
        )
        client = stack.enter_context(Client(cluster))
        if sample is not None:
            client.register_plugin(HeapPlugin(sample=sample))
        took: dict[str, list[float]] = {}
        for name, job in JOBS.items():
            job()  # imports
            for _ in range(TIMES):
                before = sum(client.run(spent).values())
                job()
                took.setdefault(name, []).append(sum(client.run(spent).values()) - before)
        return took


def main() -> None:
    samples: list[str | None] = [None, *(sys.argv[1:] or ["512K"])]
    took: dict[tuple[str, str | None], list[float]] = {}
    for _ in range(ROUNDS):
        for sample in samples:
            for name, seconds in measure(sample).items():
                took.setdefault((name, sample), []).extend(seconds)
    for name in JOBS:
        plain = statistics.median(took[name, None])
        for sample in samples:
            low, middle, high = statistics.quantiles(took[name, sample], n=4)
            print(
                f"{name:10} {sample or 'plain':10} {middle:6.2f} s ({low:.2f} to {high:.2f})  x{middle / plain:.3f}"
            )


if __name__ == "__main__":
    try:
        import distributed  # noqa: F401
        import pandas  # noqa: F401
    except ImportError as missing:
        print(f"skipped: {missing}; tests/real/requirements.txt has it")
    else:
        main()
