"""A pool of processes that nobody shuts down; its workers keep what they made."""

from concurrent.futures import ProcessPoolExecutor

kept = []


def load(mib):
    kept.append(b"x" * (mib << 20))  # heap holds 16 MiB
    return len(kept[-1])


def main():
    pool = ProcessPoolExecutor(1)
    print(sum(pool.map(load, [6, 10])))
    kept.append(b"y" * (8 << 20))  # holds 8 MiB


if __name__ == "__main__":
    main()
