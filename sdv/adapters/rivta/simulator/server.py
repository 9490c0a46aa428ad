"""The simulator's server: answers valid requests from its people, refuses others, and fails by name."""

import threading
from dataclasses import replace
from datetime import date

from lxml import etree

from registration import identities
from registration.population_register import LARGEST_BATCH, PersonRecord, RegisterIdentity, RegisterName
from sdv.adapters.practice_server import PracticeHandler, PracticeServer

from .. import messages, schemas, soap
from . import answers

# What it can be made to do, each a way in which the real service, or the way to it, may fail.
FAILURES = {
    "down": "bryter förbindelsen utan svar",
    "slow": "svarar inte inom rimlig tid",
    "half": "tystnar mitt i svaret",
    "drip": "skickar en byte då och då",
    "http-500": "HTTP 500 utan SOAP",
    "fault": "SOAP-fel från tjänsten",
    "client-fault": "SOAP-fel: begäran är fel",
    "error-result": "resultatkod ERROR (UpdatePerson), annars SOAP-fel",
    "nonsense": "text som inte är XML",
    "html": "en inloggningssida i stället för SOAP",
    "entities": "en dokumenttyp med växande entiteter",
    "oversized": "ett orimligt stort svar",
    "another-message": "ett svar på en annan fråga",
    "strange": "okända element och koder",
    "missing": "utelämnar poster",
    "other-person": "poster om någon annan än den som efterfrågades",
}
SECONDS_BETWEEN_DRIPS = 0.2
LARGEST_REQUEST = 2 * 1024 * 1024
BOMB = (
    b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;&c;&c;&c;</a>'
)


class Simulator(PracticeServer):
    """People by identity, on a port of this machine until it is stopped. `requests` counts what it was asked."""

    path, failures = "/pu", FAILURES

    def __init__(self, records=(), *, port=0, tls=None, invent=None):
        super().__init__(_handler(self), port=port, tls=tls)
        self.invent = invent or (lambda identity: None)
        self.people = {}
        self.leads_to = {}
        self.requests = []
        self.largest_batch = 0
        self._next = 0
        self._lock = threading.Lock()
        self._released = threading.Event()
        for record in records:
            self.tell(record)

    def __exit__(self, *raised):
        self._released.set()
        super().__exit__(*raised)

    def tell(self, record):
        """The register knows the person from now on, or knows something new of the person."""
        self.people[record.identity] = record
        for row in (*record.linked, *record.referred):
            self.leads_to[row.identity] = record.identity

    def person(self, kind, value):
        return self.people[RegisterIdentity(kind, value)]

    def change(self, kind, value, **told):
        """Something new of somebody known."""
        self.tell(replace(self.person(kind, value), **told))

    # --- Answers ----------------------------------------------------------------------------------------------------

    def answer(self, body):
        """(status, bytes) of a request, as the service would."""
        try:
            _, content = soap.opened(body)
        except (soap.NotUnderstood, soap.Fault):
            return 500, soap.fault("Client", "Meddelandet kunde inte tolkas")
        contract = etree.QName(content).localname
        self.requests.append(contract)
        if not schemas.is_valid(content):
            return 500, soap.fault("Client", "Meddelandet följer inte schemat")
        if self.failure in ("client-fault", "error-result") and contract == "GetPersonsForProfile":
            return 500, soap.fault("Client", "Begäran avvisas")
        if contract == "GetPersonsForProfile":
            return self._persons(content)
        return self._new_identity(content)

    def _persons(self, content):
        rows = content.findall(f"{{{messages.GET_PERSONS}}}personId")
        profile = content.findtext(f"{{{messages.GET_PERSONS}}}profile")
        self.largest_batch = max(self.largest_batch, len(rows))
        if len(rows) > LARGEST_BATCH or profile not in answers.PROFILES:
            return 500, soap.fault("Client", "För många identiteter, eller en profil som inte finns")
        told = []
        for row in rows:
            asked = messages.identity(row)
            if asked is None:
                return 500, soap.fault("Client", "En identitet saknar nummer")
            of = self.leads_to.get(asked, asked)
            told.append((asked, self.people.get(of) or self.invent(of)))
        if self.failure == "missing":
            told = told[1::2] or [(RegisterIdentity(identities.PERSONNUMMER, "191212121212"), None)]
        if self.failure == "other-person":
            others = [(asked, [row for row in self.people.values() if row.identity != asked]) for asked, _ in told]
            told = [(asked, rows[0] if rows else None) for asked, rows in others]
        answer = answers.persons(told, profile=profile, is_strange=self.failure == "strange")
        return 200, soap.envelope(answer)

    def _new_identity(self, content):
        if self.failure in ("error-result", "client-fault"):
            return 200, soap.envelope(answers.updated(refusal="Uppgifterna godtas inte"))
        space = messages.UPDATE_PERSON
        if content.find(f"{{{space}}}personId") is not None:
            return 200, soap.envelope(answers.updated(refusal="Simulatorn ändrar inga reservidentiteter"))
        birth = content.find(f"{{{space}}}birth")
        born = None if birth is None else messages.partial_date(birth, "dateOfBirth")
        name = content.find(f"{{{space}}}name")
        sex = content.findtext(f"{{{space}}}gender") or identities.SEX_UNKNOWN
        record = PersonRecord(
            identity=RegisterIdentity(identities.RESERVID, self._allocate(born, sex)),
            sex=sex,
            born=born,
            name=RegisterName(
                given_name="" if name is None else messages.text(name, "givenName") or "",
                surname="" if name is None else messages.text(name, "surname") or "",
            ),
        )
        self.tell(record)
        return 200, soap.envelope(answers.updated(record))

    def _allocate(self, born, sex):
        with self._lock:
            while True:
                number = reserve_identity(born, sex, self._next)
                self._next += 1
                if RegisterIdentity(identities.RESERVID, number) not in self.people:
                    return number


def reserve_identity(born, sex, serial):
    """A national reserve identity for what is known of the person (integration: XXYYMMDDNNGC)."""
    letters = sorted(identities.RESERVID_LETTERS)
    pair = letters[serial // len(letters) % len(letters)] + letters[serial % len(letters)]
    if born and len(born) == 10:
        day = date.fromisoformat(born)
        beginning = f"{day.year // 100 + 3 + 3 * (serial // len(letters) ** 2 % 20):02d}{day:%y%m%d}"
    else:
        beginning = f"00{serial // 1600 % 100:02d}{20 + serial % 80}{40 + serial // 80 % 20}"
    place = {identities.SEX_MAN: "1", identities.SEX_WOMAN: "2"}.get(sex, letters[serial % len(letters)])
    eleven = f"{beginning}{pair}{place}"
    return eleven + identities.reservid_check_digit(eleven)


def _handler(at):
    class Handler(PracticeHandler):
        simulator, protocol_version = at, "HTTP/1.1"

        def do_POST(self):
            simulator = self.simulator
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 < length <= LARGEST_REQUEST:
                self._send(400, b"", "text/plain")
                return
            body = self.rfile.read(length)
            failing = getattr(self, "fail_" + simulator.failure.replace("-", "_"), None) if simulator.failure else None
            if failing:
                simulator.requests.append(simulator.failure)
                failing()
            else:
                self._send(*simulator.answer(body))

        def _send(self, status, body, kind=soap.CONTENT_TYPE):
            self.send(status, body, kind)

        def _begin(self, length):
            self.send_response(200)
            self.send_header("Content-Type", soap.CONTENT_TYPE)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def fail_down(self):
            self.close_connection = True

        def fail_slow(self):
            at._released.wait(60)
            self.close_connection = True

        def fail_half(self):
            self._begin(1000)
            self.wfile.write(b"<?xml version='1.0'?><soapenv:Envelope")
            self.fail_slow()

        def fail_drip(self):
            self._begin(100_000)
            while not at._released.wait(SECONDS_BETWEEN_DRIPS):
                self.wfile.write(b" ")
                self.wfile.flush()
            self.close_connection = True

        def fail_http_500(self):
            self._send(500, b"Internal Server Error", "text/plain")

        def fail_fault(self):
            self._send(500, soap.fault("Server", "Tekniskt fel 6f1f1e9e-0000-4000-8000-000000000000"))

        def fail_nonsense(self):
            self._send(200, b"\x00\xff det h\xe4r \xe4r ingen XML <<<")

        def fail_html(self):
            self._send(200, b"<html><body>Logga in</body></html>", "text/html")

        def fail_entities(self):
            self._send(200, BOMB)

        def fail_oversized(self):
            size = 64 * 1024 * 1024
            self._begin(size)
            for _ in range(size // 65536):
                if at._released.is_set():
                    break
                self.wfile.write(b" " * 65536)

        def fail_another_message(self):
            self._send(200, soap.envelope(answers.updated(refusal="fel svar")))

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

    return Handler
