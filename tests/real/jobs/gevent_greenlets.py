"""gevent: patched sockets, a server and many greenlets."""

from gevent import monkey

monkey.patch_all()

import socket
import time

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer

kept = []


def answer(connection, address):
    connection.sendall(connection.recv(10)[::-1])
    connection.close()


def ask(port, n):
    time.sleep(0.01)
    kept.append(b"x" * (1 << 20))  # holds 16 MiB
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"%d" % n)
        return connection.recv(10)


def main():
    server = StreamServer(("127.0.0.1", 0), answer)
    server.start()
    answers = Pool(4).map(lambda n: ask(server.server_port, n), range(10, 26))
    gevent.get_hub().threadpool.apply(sum, ([1, 2],))
    server.stop()
    print(answers)


main()
