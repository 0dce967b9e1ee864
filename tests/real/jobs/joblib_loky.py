"""joblib's default backend, left open, and its threads."""

import numpy as np
from joblib import Parallel, delayed


def square(n):
    return np.full(n << 17, 2.0) ** 2


def main():
    sums = Parallel(n_jobs=2)(
        delayed(lambda n: float(square(n).sum()))(n) for n in range(4)
    )
    parts = Parallel(n_jobs=2, backend="threading")(delayed(square)(n) for n in (4, 4))
    kept = np.concatenate(parts)  # holds 8 MiB
    print(sums, kept.sum())


if __name__ == "__main__":
    main()
