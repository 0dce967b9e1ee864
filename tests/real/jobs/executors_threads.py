"""Executors of threads that nobody shuts down, asyncio's default one too."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

kept = []


def load(mib):
    return b"x" * (mib << 20)  # holds 24 MiB


def answer():
    return b"y" * (8 << 20)  # holds 8 MiB


async def serve():
    loop = asyncio.get_running_loop()
    kept.append(await loop.run_in_executor(None, answer))


def main():
    pool = ThreadPoolExecutor(2)
    for mib in (8, 16):
        kept.append(pool.submit(load, mib).result())
    loop = asyncio.new_event_loop()
    loop.run_until_complete(serve())
    print(sum(map(len, kept)))
    raise SystemExit(3)


main()
