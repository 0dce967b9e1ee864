"""Tables in Arrow's pools, on disk and back."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def main():
    pa.table({"id": [1]})  # imports pandas
    ids = np.arange(2 << 20)  # holds 16 MiB
    table = pa.table({"id": ids, "day": ids % 7})  # heap holds 16 MiB within 5%
    pq.write_table(table, "table.parquet")
    read = pq.read_table("table.parquet")
    kept = b"x" * (24 << 20)  # holds 24 MiB
    print(
        pc.sum(read["id"]),
        read.group_by("day").aggregate([("id", "sum")]).num_rows,
        len(kept),
    )


main()
