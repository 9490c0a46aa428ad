"""A SIMULATOR of the national engagement index, on this machine only: takes Update, holds the entries by their keys, shows
them, writes the notification that others would get, and fails when it is told to.
`python -m sdv.adapters.rivta.simulator.index <port>` is what `make run` starts."""

import json
import sys
import threading
from datetime import UTC, datetime

from lxml import etree

from sdv.adapters.practice_server import PracticeHandler, PracticeServer, refuse_outside_practice, serve

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


class IndexSimulator(PracticeServer):
    """`entries` is what the index holds, by key; `updates` every transaction it has taken, (is gone, entry), in order."""

    path, failures = "/index", FAILURES

    def __init__(self, *, port=0, owner=OWNER):
        super().__init__(_handler(self), port=port)
        self.owner = owner
        self.entries, self.updates, self.calls = {}, [], 0
        self._lock = threading.Lock()

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


def _handler(at):
    class Handler(PracticeHandler):
        simulator = at

        def do_POST(self):
            body, simulator = self.body(LARGEST_REQUEST), self.simulator
            simulator.calls += 1
            failure = simulator.failure
            if failure == "down":
                self.close_connection = True
            elif failure == "http-500":
                self.send(500, b"Internal Server Error", "text/plain")
            elif failure == "fault":
                self.send(
                    500, soap.fault("Server", "Tekniskt fel 6f1f1e9e-0000-4000-8000-000000000000"), soap.CONTENT_TYPE
                )
            elif failure == "error-result":
                self.send(200, soap.envelope(response("ERROR")), soap.CONTENT_TYPE)
            elif failure == "nonsense":
                self.send(200, b"\x00\xff det h\xe4r \xe4r ingen XML <<<", soap.CONTENT_TYPE)
            elif failure == "another-message":
                self.send(200, soap.envelope(notification([])), soap.CONTENT_TYPE)
            else:
                answer = simulator.answer(body)
                if failure == "lost":
                    self.close_connection = True
                else:
                    self.send(*answer, soap.CONTENT_TYPE)

        def do_GET(self):
            """What the index holds, for whoever trains."""
            held = list(self.simulator.entries.values())
            self.send(200, json.dumps(held, ensure_ascii=False, indent=1).encode(), "application/json; charset=utf-8")

    return Handler


def main(port):
    refuse_outside_practice("engagemangsindex")
    simulator = IndexSimulator(port=port)
    serve(simulator, f"engagemangsindex: {simulator.address}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
