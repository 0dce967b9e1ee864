"""Celery with broker and results in memory, a worker in a thread of this process."""

from celery import Celery
from celery.contrib.testing.worker import start_worker

app = Celery(broker="memory://", backend="cache+memory://")
kept = []


@app.task
def load(mib):
    kept.append(b"x" * (mib << 20))  # holds 16 MiB
    return len(kept)


def main():
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        print([load.delay(8).get(timeout=20) for _ in range(2)])


if __name__ == "__main__":
    main()
