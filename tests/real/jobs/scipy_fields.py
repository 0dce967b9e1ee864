"""Sparse matrices, transforms and statistics."""

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.stats


def main():
    signal = np.sin(np.arange(1 << 20) / 100)  # holds 8 MiB
    spectrum = scipy.fft.fft(signal)  # holds 16 MiB
    ones = np.ones(1 << 20)  # holds 8 MiB
    diagonal = scipy.sparse.diags_array(ones).tocsr()  # heap holds 24 MiB
    print(round(float(abs(spectrum).max())), diagonal.sum(), scipy.stats.norm.cdf(1.0))


main()
