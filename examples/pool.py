"""A pool of processes: each loads a part, and one part is much larger than the others.

mprof heap -o pool.mprof examples/pool.py
mprof report --by process pool.mprof
"""

import multiprocessing

ROWS = [20_000, 20_000, 200_000, 20_000]


def total(rows):
    table = [{"row": row, "price": row * 0.5} for row in range(rows)]
    return sum(line["price"] for line in table)


def main():
    context = multiprocessing.get_context("spawn")
    with context.Pool(2, maxtasksperchild=1) as pool:
        totals = pool.map(total, ROWS, chunksize=1)
    print(f"{len(totals)} parts, {sum(totals):.0f} in all")


if __name__ == "__main__":
    main()
