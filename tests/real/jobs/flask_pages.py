"""A Flask application through its test client, and served by threads of werkzeug."""

import threading
import urllib.request

from flask import Flask, jsonify
from werkzeug.serving import WSGIRequestHandler, make_server

app = Flask(__name__)
kept = []


@app.get("/load/<int:mib>")
def load(mib):
    kept.append(b"x" * (mib << 20))  # holds 16 MiB
    return jsonify(kept=len(kept))


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        pass


def main():
    print(app.test_client().get("/load/8").json)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/load/8") as answer:
        print(answer.read())
    server.shutdown()
    thread.join()


main()
