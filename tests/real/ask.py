"""Asks a server of this machine, says what it answered, and ends it by a signal.

ask.py PORT PID SIGNAL PATH...
"""

import os
import signal
import sys
import time
import urllib.request


def ask(url):
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except OSError as problem:
            if time.monotonic() > end or hasattr(problem, "code"):
                return str(problem)
            time.sleep(0.05)


port, pid, number, *paths = sys.argv[1:]
for path in paths:
    print(path, ask(f"http://127.0.0.1:{port}{path}"), flush=True)
os.kill(int(pid), getattr(signal, number))
