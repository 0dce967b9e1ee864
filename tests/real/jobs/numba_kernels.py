"""Functions compiled by numba, run in its threads too."""

import numba
import numpy as np


@numba.njit
def fill(n):
    out = np.empty(n)
    for i in range(n):
        out[i] = i % 7
    return out


@numba.njit(parallel=True)
def total(values):
    sum = 0.0
    for i in numba.prange(len(values)):
        sum += values[i]
    return sum


def main():
    small = fill(10)
    large = fill(2 << 20)  # holds 16 MiB
    kept = b"x" * (24 << 20)  # holds 24 MiB
    print(small.sum(), total(large), len(kept))


main()
