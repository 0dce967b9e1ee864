"""What a tag costs: a block of one, and the allocation that meets it first.

Usage: python bench/tag.py

Nanoseconds, the best of several rounds in one process: a block of C that does next to nothing (a lock); two
changes of a context variable, which any tag that tasks inherit needs; a block with a tag; one with a tag made
for it; and these with an allocation in it that is recorded.
"""

from __future__ import annotations

import contextvars
import tempfile
import threading
import timeit

from memory_profiler import heap, tag

NUMBER, ROUNDS = 200_000, 7
variable: contextvars.ContextVar[int] = contextvars.ContextVar("plain", default=0)
first, lock = tag("first"), threading.Lock()


def locked() -> None:
    with lock:
        pass


def plain() -> None:
    token = variable.set(1)
    variable.reset(token)


def tagged() -> None:
    with first:
        pass


def tagged_anew() -> None:
    with tag("first"):
        pass


def allocates() -> None:
    bytearray(100)


def allocates_tagged() -> None:
    with first:
        bytearray(100)


def best(function: object) -> float:
    return min(timeit.repeat(function, number=NUMBER, repeat=ROUNDS)) / NUMBER * 1e9  # type: ignore[arg-type]


def main() -> None:
    print(f"with lock              {best(locked):6.0f} ns")
    print(f"context variable alone {best(plain):6.0f} ns")
    print(f"with tag               {best(tagged):6.0f} ns")
    print(f"with tag(word)         {best(tagged_anew):6.0f} ns")
    with (
        tempfile.TemporaryDirectory() as folder,
        heap.track(f"{folder}/a.mprof", native=False),
    ):
        print(f"recorded: with tag     {best(tagged):6.0f} ns")
        alone = best(allocates)
        print(f"recorded: allocation   {alone:6.0f} ns")
        print(f"recorded: both         {best(allocates_tagged):6.0f} ns")


if __name__ == "__main__":
    main()
