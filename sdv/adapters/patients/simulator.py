"""A SIMULATOR of an SMS gateway and of 1177 Inkorg, on this machine only: takes what is sent, once for each key, shows it,
and fails when it is told to. `python -m sdv.adapters.patients.simulator <port>` is what `make run` starts."""

import json
import sys
import threading
from base64 import b64decode
from hashlib import sha256

from sdv.adapters.practice_server import PracticeHandler, PracticeServer, refuse_outside_practice, serve

LARGEST = 8 * 1024 * 1024
# The files of a letter, in bytes: what is larger is refused whole, with 413.
LARGEST_FILES = 5 * 1024 * 1024
FAILURES = {"down": "bryter förbindelsen utan svar", "http-500": "HTTP 500", "lost": "tar emot men svarar inte"}
FIELDS = {"/sms": {"id", "to", "text"}, "/1177": {"id", "to", "heading", "body", "date", "files"}}


class Simulator(PracticeServer):
    """`received["/sms"]` and `received["/1177"]` are what has come, by key; `tries` counts every call."""

    failures = FAILURES

    def __init__(self, *, port=0):
        super().__init__(_handler(self), port=port)
        self.received = {path: {} for path in FIELDS}
        self.tries = 0
        self._lock = threading.Lock()

    def take(self, path, key, told):
        """(status) of a message: once for each key, and only what the contract says."""
        with self._lock:
            if not key or set(told) != FIELDS[path] or told["id"] != key:
                return 400
            if not all(told[name] for name in FIELDS[path] - {"files"}):
                return 400
            if refused := _refusal_of_files(told.get("files", [])):
                return refused
            self.received[path].setdefault(key, told)
            return 202


def _refusal_of_files(files):
    """The status that refuses a letter's files, or None: each is what its checksum says, and together they are bounded."""
    try:
        read = [(b64decode(file["pdf"], validate=True), file["sha256"]) for file in files if file["name"]]
    except (KeyError, TypeError, ValueError):
        return 400
    if len(read) != len(files) or any(sha256(pdf).hexdigest() != told for pdf, told in read):
        return 400
    return 413 if sum(len(pdf) for pdf, _ in read) > LARGEST_FILES else None


def _shown(told):
    """Without the bytes of its files: nobody reads them so."""
    if not told.get("files"):
        return told
    return told | {"files": [{"name": file["name"], "sha256": file["sha256"]} for file in told["files"]]}


def _handler(at):
    class Handler(PracticeHandler):
        simulator = at

        def do_POST(self):
            body, simulator = self.body(LARGEST), self.simulator
            simulator.tries += 1
            if simulator.failure == "down":
                self.close_connection = True
                return
            if simulator.failure == "http-500":
                self.send(500)
                return
            try:
                told = json.loads(body)
            except ValueError:
                self.send(400)
                return
            if self.path not in FIELDS or not isinstance(told, dict):
                self.send(404)
                return
            status = simulator.take(self.path, self.headers.get("Idempotency-Key"), told)
            if simulator.failure == "lost":
                self.close_connection = True
                return
            self.send(status)

        def do_GET(self):
            """What has come, for whoever trains."""
            if self.path not in FIELDS:
                self.send(404)
                return
            self.send(
                200,
                json.dumps(
                    [_shown(each) for each in self.simulator.received[self.path].values()], ensure_ascii=False, indent=1
                ).encode(),
            )

    return Handler


def main(port):
    refuse_outside_practice("SMS och 1177")
    simulator = Simulator(port=port)
    serve(simulator, f"SMS och 1177: {simulator.address_of('/sms')} {simulator.address_of('/1177')}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
