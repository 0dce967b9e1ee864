"""A FastAPI application through its test client, and served by uvicorn on uvloop."""

import os
import socket
import subprocess
import sys

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

app = FastAPI()
kept = []


class Loaded(BaseModel):
    count: int


@app.get("/load/{mib}")
async def load(mib: int) -> Loaded:
    kept.append(b"x" * (mib << 20))  # holds 8 MiB
    return Loaded(count=len(kept))


@app.get("/block/{mib}")
def block(mib: int) -> Loaded:
    kept.append(b"y" * (mib << 20))  # holds 12 MiB
    return Loaded(count=len(kept))


def main():
    print(TestClient(app).get("/block/4").json(), flush=True)  # before it is killed
    listener = socket.create_server(("127.0.0.1", 0))
    port = str(listener.getsockname()[1])
    words = [port, str(os.getpid()), "SIGTERM", "/load/8", "/block/8"]
    asking = subprocess.Popen([sys.executable, "ask.py", *words])
    config = uvicorn.Config(app, loop="uvloop", log_level="critical")
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        asking.wait()


main()
