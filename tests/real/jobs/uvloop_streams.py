"""asyncio on uvloop: streams, subprocesses, threads."""

import asyncio
import sys

import uvloop

kept = []


def load(mib):
    kept.append(b"x" * (mib << 20))  # holds 8 MiB
    return mib


async def answer(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()


async def ask(port, n):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"line %d\n" % n)
    kept.append(b"y" * (1 << 20))  # holds 8 MiB
    line = await reader.readline()
    writer.close()
    return line


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(await asyncio.gather(*(ask(port, n) for n in range(8))))
    print(await asyncio.to_thread(load, 8))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(6 * 7)", stdout=asyncio.subprocess.PIPE
    )
    print(await child.communicate())
    server.close()


uvloop.run(main())
