"""A web service that grows: it keeps every session it ever saw.

mprof heap -o service.mprof examples/service.py --requests 3000
mprof leaks service.mprof

Without --requests it serves until it is stopped.
"""

import argparse
import http.client
import http.server
import json
import threading

from memory_profiler import heap

sessions = {}


def session_of(user):
    """The session of a user; nobody ever takes one out again."""
    if user not in sessions:
        sessions[user] = {"user": user, "cart": [], "history": bytearray(2000)}
    return sessions[user]


def answer(user):
    session = session_of(user)
    session["cart"].append(len(session["cart"]))
    return json.dumps({"user": user, "cart": session["cart"]}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self):
        body = answer(self.path.rpartition("/")[2])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def ask(port, requests):
    """What clients do: every request comes of a user who was never there."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(requests):
        if number == requests // 10:
            heap.mark("warm")  # what is there now is not the leak
        connection.request("GET", f"/cart/{number}")
        connection.getresponse().read()
    connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--requests", type=int, help="answer so many of its own, and end")
    wanted = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", wanted.port), Handler)
    port = server.server_address[1]
    print(f"serving on port {port}", flush=True)
    if not wanted.requests:
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ask(port, wanted.requests)
    server.shutdown()
    print(f"{wanted.requests} requests, {len(sessions)} sessions")


if __name__ == "__main__":
    main()
