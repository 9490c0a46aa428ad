"""A SIMULATOR of an SMS gateway and of 1177 Inkorg, on this machine only: takes what is sent, once for each key, shows it,
and fails when it is told to. `python -m sdv.adapters.patients.simulator <port>` is what `make run` starts."""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 256 * 1024
FAILURES = {"down": "bryter förbindelsen utan svar", "http-500": "HTTP 500", "lost": "tar emot men svarar inte"}
FIELDS = {"/sms": {"id", "to", "text"}, "/1177": {"id", "to", "heading", "body", "date"}}


class Simulator:
    """`received["/sms"]` and `received["/1177"]` are what has come, by key; `tries` counts every call."""

    def __init__(self, *, port=0):
        self.received = {path: {} for path in FIELDS}
        self.tries, self.failure = 0, ""
        self._lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.server.daemon_threads = True

    def address(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def __enter__(self):
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def take(self, path, key, told):
        """(status) of a message: once for each key, and only what the contract says."""
        with self._lock:
            if not key or set(told) != FIELDS[path] or told["id"] != key or not all(told.values()):
                return 400
            self.received[path].setdefault(key, told)
            return 202


def _handler(simulator):
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self):
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
            simulator.tries += 1
            if simulator.failure == "down":
                self.close_connection = True
                return
            if simulator.failure == "http-500":
                self._send(500)
                return
            try:
                told = json.loads(body)
            except ValueError:
                self._send(400)
                return
            if self.path not in FIELDS or not isinstance(told, dict):
                self._send(404)
                return
            status = simulator.take(self.path, self.headers.get("Idempotency-Key"), told)
            if simulator.failure == "lost":
                self.close_connection = True
                return
            self._send(status)

        def do_GET(self):
            """What has come, for whoever trains."""
            if self.path not in FIELDS:
                self._send(404)
                return
            self._send(
                200, json.dumps(list(simulator.received[self.path].values()), ensure_ascii=False, indent=1).encode()
            )

        def do_PUT(self):
            """The name of a failure, or nothing: works again."""
            name = (
                self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 100))
                .decode("ascii", "replace")
                .strip()
            )
            if name and name not in FAILURES:
                self._send(404, ("Välj bland: " + ", ".join(FAILURES) + "\n").encode())
                return
            simulator.failure = name
            self._send(200)

        def _send(self, status, body=b""):
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing: no log of to whom something was sent."""

    return Handler


def main(port):
    if os.environ.get("SDV_DEMO") != "1":
        sys.exit("Simulatorn av SMS och 1177 är till för övning och startas bara där SDV_DEMO är 1.")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Simulator(port=port) as simulator:
        sys.stdout.write(f"SIMULATOR av SMS och 1177: {simulator.address('/sms')} {simulator.address('/1177')}\n")
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
