"""Figures drawn without a screen."""

import hashlib
import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def main():
    image = np.add.outer(np.arange(2048.0), np.arange(1024.0))  # holds 16 MiB
    kept = b"x" * (24 << 20)  # holds 24 MiB
    figure, (left, right) = plt.subplots(1, 2)
    left.imshow(image)
    right.plot(image[0, :100])
    out = io.BytesIO()
    figure.savefig(out, format="raw")
    plt.close(figure)
    print(hashlib.sha256(out.getvalue()).hexdigest(), len(kept))


main()
