"""A frame read from text, grouped and joined."""

import io

import numpy as np
import pandas as pd


def main():
    pd.read_csv(io.StringIO("id,value\n1,2"))  # imports what it needs
    text = io.StringIO("\n".join(["id,value"] + [f"{i},{i % 10}" for i in range(1 << 19)]))
    read = pd.read_csv(text)  # heap holds 8 MiB: its parser leaves more in RSS
    read["half"] = read["value"] / 2  # heap holds 4 MiB
    columns = {"id": range(1 << 20), "square": np.ones(1 << 20)}
    frame = pd.DataFrame(columns)  # heap holds 16 MiB
    joined = read.merge(frame, on="id")
    sums = read.groupby("value").half.sum()
    print(len(joined), sums.to_dict(), joined.square.sum(), frame.shape)


main()
