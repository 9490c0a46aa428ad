"""A SIMULATOR of the national engagement index, on this machine only: takes Update, holds the entries by their keys, shows
them, writes the notification that others would get, and fails when it is told to.
`python -m sdv.adapters.rivta.simulator.index <port>` is what `make run` starts."""

import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lxml import etree

from .. import schemas, soap

INDEX = "urn:riv:itintegration:engagementindex:1"
UPDATE = "urn:riv:itintegration:engagementindex:UpdateResponder:1"
NOTIFICATION = "urn:riv:itintegration:engagementindex:ProcessNotificationResponder:1"
OWNER = "SE2321000255-EI01"
KEY = (
    "registeredResidentIdentification",
    "serviceDomain",
    "categorization",
    "logicalAddress",
    "businessObjectInstanceIdentifier",
    "clinicalProcessInterestId",
    "sourceSystem",
    "dataController",
)
# The parts of an entry in the contract's order.
FIELDS = (*KEY[:6], "mostRecentContent", "sourceSystem", "creationTime", "updateTime", "dataController", "owner")
MOST_ENTRIES = 1000
LARGEST_REQUEST = 2 * 1024 * 1024
FAILURES = {
    "down": "bryter förbindelsen utan svar",
    "lost": "tar emot men svarar inte",
    "http-500": "HTTP 500 utan SOAP",
    "fault": "SOAP-fel från tjänsten",
    "error-result": "resultatkod ERROR",
    "nonsense": "text som inte är XML",
    "another-message": "ett svar på en annan fråga",
}


class IndexSimulator:
    """`entries` is what the index holds, by key; `updates` every transaction it has taken, (is gone, entry), in order."""

    def __init__(self, *, port=0, owner=OWNER):
        self.owner = owner
        self.entries, self.updates, self.calls = {}, [], 0
        self.failure = ""
        self._lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.server.daemon_threads = True

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/index"

    def __enter__(self):
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def of(self, number):
        """The entries of a number."""
        return [entry for key, entry in self.entries.items() if key[0] == number]

    def answer(self, body):
        """(status, bytes) of a request, as the index would."""
        try:
            address, content = soap.opened(body)
        except (soap.NotUnderstood, soap.Fault):
            return 500, soap.fault("Client", "Meddelandet kunde inte tolkas")
        if content.tag != f"{{{UPDATE}}}Update" or not schemas.is_valid(content):
            return 500, soap.fault("Client", "Meddelandet följer inte schemat")
        if address != self.owner:
            return 500, soap.fault("Client", "Indexets ägare är en annan än LogicalAddress")
        rows = [_transaction(row) for row in content.findall(f"{{{UPDATE}}}engagementTransaction")]
        keys = [_key(entry) for _, entry in rows]
        if len(rows) > MOST_ENTRIES or len(set(keys)) < len(keys):
            return 500, soap.fault("Client", "För många poster, eller två med samma nyckel")
        if any({"creationTime", "updateTime", "owner"} & set(entry) for _, entry in rows):
            return 500, soap.fault("Client", "Tider och ägare sätts av indexet")
        self._take(rows)
        return 200, soap.envelope(response("OK"))

    def _take(self, rows):
        present = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        with self._lock:
            for is_gone, entry in rows:
                self.updates.append((is_gone, entry))
                held = self.entries.pop(_key(entry), None)
                if not is_gone:
                    created = held["creationTime"] if held else present
                    added = {"creationTime": created, "updateTime": present, "owner": self.owner}
                    self.entries[_key(entry)] = entry | added


def response(code):
    """UpdateResponse."""
    root = etree.Element(f"{{{UPDATE}}}UpdateResponse", nsmap={"r": UPDATE})
    etree.SubElement(root, f"{{{UPDATE}}}ResultCode").text = code
    return root


def notification(entries):
    """ProcessNotification: what those are told who have asked to be told of the index's entries."""
    root = etree.Element(f"{{{NOTIFICATION}}}ProcessNotification", nsmap={"r": NOTIFICATION, "e": INDEX})
    for is_gone, entry in entries:
        transaction = etree.SubElement(root, f"{{{NOTIFICATION}}}engagementTransaction")
        etree.SubElement(transaction, f"{{{INDEX}}}deleteFlag").text = "true" if is_gone else "false"
        told = etree.SubElement(transaction, f"{{{INDEX}}}engagement")
        for name in FIELDS:
            if name in entry:
                etree.SubElement(told, f"{{{INDEX}}}{name}").text = entry[name]
    return root


def notified(content):
    """(is gone, entry) of each transaction of a ProcessNotification."""
    return [_transaction(row) for row in content.findall(f"{{{NOTIFICATION}}}engagementTransaction")]


def _transaction(row):
    is_gone = row.findtext(f"{{{INDEX}}}deleteFlag").strip() in ("true", "1")
    told = row.find(f"{{{INDEX}}}engagement")
    return is_gone, {etree.QName(part).localname: (part.text or "").strip() for part in told}


def _key(entry):
    return tuple(entry[name] for name in KEY)


def _handler(simulator):
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self):
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST_REQUEST))
            simulator.calls += 1
            failure = simulator.failure
            if failure == "down":
                self.close_connection = True
            elif failure == "http-500":
                self._send(500, b"Internal Server Error", "text/plain")
            elif failure == "fault":
                self._send(500, soap.fault("Server", "Tekniskt fel 6f1f1e9e-0000-4000-8000-000000000000"))
            elif failure == "error-result":
                self._send(200, soap.envelope(response("ERROR")))
            elif failure == "nonsense":
                self._send(200, b"\x00\xff det h\xe4r \xe4r ingen XML <<<")
            elif failure == "another-message":
                self._send(200, soap.envelope(notification([])))
            else:
                answer = simulator.answer(body)
                if failure == "lost":
                    self.close_connection = True
                else:
                    self._send(*answer)

        def do_GET(self):
            """What the index holds, for whoever trains."""
            held = list(simulator.entries.values())
            self._send(200, json.dumps(held, ensure_ascii=False, indent=1).encode(), "application/json; charset=utf-8")

        def do_PUT(self):
            """The name of a failure, or nothing: works again."""
            length = min(int(self.headers.get("Content-Length") or 0), 100)
            name = self.rfile.read(length).decode("ascii", "replace").strip()
            if name and name not in FAILURES:
                self._send(404, ("Välj bland: " + ", ".join(FAILURES) + "\n").encode(), "text/plain; charset=utf-8")
                return
            simulator.failure = name
            self._send(200, b"OK\n", "text/plain")

        def _send(self, status, body, kind=soap.CONTENT_TYPE):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing: no log of whom it was told about."""

    return Handler


def main(port):
    if os.environ.get("SDV_DEMO") != "1":
        sys.exit("Simulatorn av engagemangsindex är till för övning och startas bara där SDV_DEMO är 1.")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with IndexSimulator(port=port) as simulator:
        sys.stdout.write(f"SIMULATOR av engagemangsindex: {simulator.address}\n")
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
