"""Functions and blocks on a timeline: mprof run examples/timeline.py; mprof plot."""

import threading
import time


@profile
def load(size):
    rows = bytearray(size << 20)
    time.sleep(0.2)
    return rows


@profile
def main():
    first = load(40)
    with profile.timestamp("join both halves"):
        both = first + load(60)
        time.sleep(0.2)
    worker = threading.Thread(target=load, args=(20,))
    worker.start()
    worker.join()
    return len(both)


main()
