"""Frames that polars' own threads make."""

import numpy as np
import polars as pl


def main():
    pl.DataFrame({"id": range(10)}).select(pl.col("id").sum())  # starts its threads
    frame = pl.DataFrame({"id": np.arange(1 << 20)})  # heap holds 8 MiB within 15%
    wide = frame.with_columns(
        (pl.col("id") * 2).alias("twice"), (pl.col("id") % 7).alias("day")
    )
    sums = wide.group_by("day").agg(pl.col("twice").sum()).sort("day")
    lazy = wide.lazy().filter(pl.col("day") == 3).select(pl.len()).collect()
    kept = b"x" * (24 << 20)  # holds 24 MiB
    print(sums.rows(), lazy.item(), len(kept))


main()
