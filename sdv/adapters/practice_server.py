"""What the simulators share: a server on this machine only, that fails when it is told to, until it is stopped."""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class PracticeServer:
    """Served from its entering to its exit. `failure` is the name of the present one, of `failures`; empty works."""

    path = ""
    failures = {}

    def __init__(self, handler, *, port=0, tls=None):
        self.failure = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._scheme = "https" if tls else "http"
        if tls:
            listening = self._server.socket
            self._server.socket = tls.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)

    def fail(self, name):
        """Fails in the named way from now on; an empty name: works again."""
        if name and name not in self.failures:
            raise ValueError(f"no such failure: {name}")
        self.failure = name

    def address_of(self, path):
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}{path}"

    @property
    def address(self):
        return self.address_of(self.path)

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class PracticeHandler(BaseHTTPRequestHandler):
    """Answers for the simulator that the class is made for."""

    simulator = None
    timeout = 30

    def body(self, largest):
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), largest))

    def do_PUT(self):
        """The name of a failure, or nothing: works again."""
        try:
            self.simulator.fail(self.body(100).decode("ascii", "replace").strip())
        except ValueError:
            told = "Välj bland: " + ", ".join(self.simulator.failures) + "\n"
            self.send(404, told.encode(), "text/plain; charset=utf-8")
        else:
            self.send(200, b"OK\n", "text/plain")

    def send(self, status, body=b"", kind="application/json; charset=utf-8"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: a simulator keeps no log of whom it was told of."""


def refuse_outside_practice(what):
    """Ends the program where nobody practises."""
    if os.environ.get("SDV_DEMO") != "1":
        sys.exit(f"Simulatorn av {what} är till för övning och startas bara där SDV_DEMO är 1.")


def serve(simulator, told):
    """Serves until the process is asked to stop. `told` is printed once it listens."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with simulator:
        sys.stdout.write(f"SIMULATOR av {told}\n")
        sys.stdout.flush()
        stopped.wait()
