"""gunicorn's arbiter and two workers; a client asks them and ends them with SIGTERM."""

import os
import socket
import subprocess
import sys

from gunicorn.app.base import BaseApplication

kept = []


def application(environ, start_response):
    if environ["PATH_INFO"] == "/load":
        kept.append(b"x" * (12 << 20))  # heap holds 12 MiB
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


class Server(BaseApplication):
    def __init__(self, **options):
        self.chosen = options
        super().__init__()

    def load_config(self):
        for name, value in self.chosen.items():
            self.cfg.set(name, value)

    def load(self):
        return application


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    here = str(os.getpid())
    subprocess.Popen(
        [sys.executable, "ask.py", str(port), here, "SIGTERM", "/", "/load", "/"]
    )
    Server(bind=f"fd://{listener.fileno()}", workers=2, errorlog=os.devnull).run()


main()
