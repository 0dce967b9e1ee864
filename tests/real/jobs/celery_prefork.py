"""Celery's pool of processes, its broker a folder; who asks ends it with SIGTERM."""

import os
import signal
import subprocess
import sys

from celery import Celery

for name in ("in", "out", "results"):
    os.makedirs(f"celery-{name}", exist_ok=True)
app = Celery("celery_prefork", broker="filesystem://", backend="file://celery-results")
app.conf.broker_transport_options = {
    "data_folder_in": "celery-in", "data_folder_out": "celery-in",
    "control_folder": "celery-out",
}  # fmt: skip
kept = []


@app.task(name="load")
def load(mib):
    kept.append(b"x" * (mib << 20))  # heap holds 12 MiB
    return mib


def ask():
    print(load.delay(12).get(timeout=40), flush=True)
    os.kill(os.getppid(), signal.SIGTERM)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ask()
    else:
        subprocess.Popen([sys.executable, __file__, "ask"])
        app.worker_main(
            "--quiet worker -c 1 -l CRITICAL --without-mingle --without-gossip".split()
        )
