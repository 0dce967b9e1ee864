"""Arrays made, sorted, multiplied, written and mapped."""

import numpy as np


def main():
    random = np.random.default_rng(1)
    values = random.random(4 << 20)  # holds 32 MiB
    ordered = np.sort(values)  # holds 32 MiB
    matrix = np.full((1024, 1024), 0.5)  # holds 8 MiB
    # OpenBLAS reserves 32 MiB for each of its threads, and touches little of it.
    product = matrix @ matrix  # heap holds 8 MiB within 50%
    names = [f"row {i}" for i in range(1 << 16)]
    text = np.array(names)  # holds 2.25 MiB
    np.save("values.npy", values[: 1 << 16])
    mapped = np.load("values.npy", mmap_mode="r")
    print(float(ordered[1 << 20]), float(product.sum()), text[-1], float(mapped.sum()))


main()
