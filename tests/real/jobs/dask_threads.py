"""Dask's threads, which nobody ends, and its pool of processes."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd


def main():
    ones = da.ones((4 << 20,), chunks=1 << 20)
    kept = (ones + 1).compute()
    frame = dd.from_pandas(
        pd.DataFrame({"a": np.arange(1000) % 7, "b": 1.0}), npartitions=4
    )
    print(kept.sum(), frame.groupby("a").b.sum().compute().to_dict())
    lazy = [dask.delayed(pow)(2, n) for n in range(8)]
    print(dask.compute(*lazy, scheduler="processes", num_workers=2))


if __name__ == "__main__":
    main()
