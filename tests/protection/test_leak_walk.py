"""The leak walk (SK-02, SK-05): a clinic where every patient has a canary in every field, asked for everything, as
everybody. What the purge does not take may not be shown, and what the presenter hides may not be held.

A new field that the walk names is said in canaries.py: told, held and hidden, or a code of the program's own."""

import json
import logging
from io import StringIO

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import models
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import reverse

from classification.actions import deliveries
from classification.register.selection import period_ending
from registration import presenters
from registration.models import Encounter, Patient, PatientPhone
from sdv.accounts.models import IdempotentAnswer
from sdv.accounts.permissions import Role
from sdv.common.logs import JsonFormatter
from sdv.desk.jobs import JOBS
from tests.clinic import DAY, NOW
from tests.test_permissions import (
    PAGES,
    path_of,
)

from .canaries import (
    CODES,
    HELD,
    LENGTH,
    NEVER_SHOWN,
    TOLD,
    WRITTEN_BY_ACTIONS,
    hanging,
    read,
    stored,
    texts_of,
)
from .world import World, actors, answers, walk

pytestmark = pytest.mark.timeout(500)


LATER = NOW + 60 * DAY
# Files for those who are not at work with the patient: no number, no birth date, and nothing of the care in words.
EXPORTS = [
    "statistics-csv",
    "statistics-workbook",
    "coding-quality-csv",
    "coding-quality-workbook",
    "grouping-export-csv",
]


# Where what stays may not be, though its own table holds it.
NOT_IN = {"common_changelogentry": HELD.keys()}


@pytest.fixture
def world(db):
    with time_machine.travel(NOW, tick=False):
        yield World()


@pytest.fixture
def log():
    """Every line that is logged, at the lowest level, as the product writes it."""
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.root, *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    before = {logger: logger.level for logger in loggers}
    logging.root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield lines
    logging.root.removeHandler(handler)
    for logger, level in before.items():
        logger.setLevel(level)


# --- The presenter hides --------------------------------------------------------------------------------------------


def test_the_presenter_hides_everything_that_is_still_there(world, log):
    """SK-02, SK-05. Before the marking the same walk meets every field, so it looks where there is something to see;
    after it, with everything still in the tables, it meets none, and the log holds none at all."""
    met = set().union(*(world.canaries.met_in(text) for _, text in walk(world, everybody=False)))
    assert world.canaries.labels - met - TOLD.keys() <= NEVER_SHOWN.keys()
    world.mark()
    assert world.leaks(walk(world)) == []
    assert world.canaries.met_in(log.getvalue()) == set()
    assert log.getvalue().count("\n") > 100


def test_a_protected_person_is_not_found_by_what_is_hidden(world):
    """SK-05: nobody learns from a search that a name, a phone or an address is a protected person's, not even by the
    number of hits."""
    world.mark()
    patient = Patient.objects.get(pk=world.here.patient.pk)
    number = patient.identities.get(is_primary=True).value
    name = {"given_name": patient.given_name, "surname": patient.surname}
    born = {"birth_date": patient.birth_date.isoformat()}
    asks = {
        "palette": world.page(Role.RECEPTIONIST, "POST", reverse("palette"), {"q": patient.surname}),
        "search": world.page(Role.RECEPTIONIST, "POST", reverse("patient-search"), {"q": patient.surname}),
        "doubles": world.page(Role.RECEPTIONIST, "POST", reverse("patient-doubles"), name | born),
        "create": world.page(Role.RECEPTIONIST, "POST", reverse("patient-create"), name | {"identity": "199001182396"}),
        "reserve": world.page(Role.RECEPTIONIST, "POST", reverse("patient-reserve"), name | born | {"sex": "0"}),
        "requests": world.page(Role.RECEPTIONIST, "GET", f"{reverse('booking-requests')}?namn={patient.surname}"),
        "API": world.call(Role.RECEPTIONIST, "POST", "/api/v1/patients/search/", {"name": patient.surname}),
        "API reserve": world.call(
            Role.RECEPTIONIST, "POST", "/api/v1/patients/reserve-searches/", name | born | {"sex": "0"}
        ),
        "API doubles": world.call(Role.RECEPTIONIST, "POST", "/api/v1/patients/likely-doubles/", name | born),
    }
    shown = [f"{number[:8]}-{number[8:]}", number, str(patient.pk)]
    assert [where for where, text in asks.items() if any(text_of in text for text_of in shown)] == []
    assert '"results":[]' in asks["API"]


def test_an_error_tells_nothing(world, log, monkeypatch):
    """SK-05: a fault of ours, with the patient's name in its text: the page, the problem and the log line say that
    something went wrong, and no more. A job's fault too."""
    world.mark()
    token = world.value_of("registration.Patient.surname")[0]

    def broken(*args, **kwargs):
        raise ValueError(f"{token} kan inte visas")

    monkeypatch.setattr(presenters, "shown_name", broken)
    client = world.client(Role.RECEPTIONIST)
    client.raise_request_exception = False
    api = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {world.keys[Role.RECEPTIONIST]}"})
    patient = world.here.patient.pk
    answers = [client.get(reverse("patient", args=[patient])), api.get(f"/api/v1/patients/{patient}/")]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert world.leaks((str(answer.status_code), read(answer)) for answer in answers) == []
    assert '"exception": "ValueError"' in log.getvalue()
    assert world.canaries.met_in(log.getvalue()) == set()


# --- The purge takes --------------------------------------------------------------------------------------------------


def test_what_was_held_is_gone_from_everything_that_is_stored(world, log, tmp_path, settings):
    """SK-02, SK-05: tables, change log, sessions, kept answers, messages, files. What stays is named with its reason."""
    settings.SDV_OUTBOX_FOLDER = str(tmp_path)
    _leave_traces(world)
    world.protect()
    for table, text in stored().items():
        left = world.canaries.met_in(text) - TOLD.keys()
        assert left <= HELD.keys() - NOT_IN.get(table, set()), table
    assert (Patient.objects.get(pk=world.child.pk).surname, world.child.is_protected) == ("", False)
    assert world.leaks([("barnet", world.page(Role.CLINICIAN, "GET", reverse("patient", args=[world.child.pk])))]) == []
    sessions = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    assert "receipt" in sessions and world.canaries.met_in(sessions) == set()
    assert IdempotentAnswer.objects.get().body is None
    again = _with_key(world)
    assert again["Idempotent-Replayed"] == "true" and "1740606" not in read(again)
    assert not PatientPhone.objects.exists()
    with time_machine.travel(LATER, tick=False):
        lines = [line for name, job in JOBS.items() for line in job(at=LATER, dry_run=name == "partitions")]
    files = [path.read_text() for path in tmp_path.iterdir()]
    assert files, "an ended contact is told to others"
    assert world.leaks(enumerate([*lines, *files])) == []
    assert world.canaries.met_in(log.getvalue()) == set()


def _leave_traces(world):
    """What is left in sessions and kept answers while the patient was like any other."""
    arrive = reverse("appointment-arrive", args=[world.here.booked.pk])
    world.client(Role.RECEPTIONIST).post(arrive, {"version": world.here.booked.version})
    answer = _with_key(world)
    assert answer.status_code == 201 and "1740606" in read(answer)


def _with_key(world):
    headers = {"Authorization": f"Bearer {world.keys[Role.RECEPTIONIST]}", "Idempotency-Key": "samma"}
    path = f"/api/v1/patients/{world.here.patient.pk}/phones/"
    return Client(headers=headers).post(path, {"number": "+46701740606", "kind": "mobile"}, "application/json")


def test_files_for_others_tell_of_nobody(world):
    """SK-02: statistics and grouping hold no number, no birth date and no words of the care. The register's delivery
    holds the number, which PAR-01 requires, and nothing else of who the person is."""
    world.protect()
    patient = world.here.ended_encounter.patient
    number = patient.identities.get(is_primary=True).value
    for name in EXPORTS:
        path = f"{reverse(name)}?fran={NOW.date() - DAY}&till={NOW.date()}"
        those, _ = actors(PAGES[name].get)
        text = world.page(those[0], "GET", path)
        assert text.count("\n") > len(EXPORTS), name
        assert world.canaries.met_in(text) == set(), name
        for told in (number, number[2:], f"{number[:8]}-{number[8:]}", patient.birth_date.isoformat()):
            assert told not in text, name
    reporter = world.here.delivery.reporter
    with time_machine.travel(NOW + 40 * DAY, tick=False):
        made = deliveries.deliver(reporter_id=reporter.pk, period=period_ending(NOW.date()), by=None, at=NOW + 40 * DAY)
    told = "".join(bytes(file.content).decode("latin-1") for file in made.files.all())
    assert world.canaries.met_in(told) == set()


def test_what_is_typed_afterwards_is_neither_kept_nor_logged(world, log):
    """SK-02: nobody writes down where the person is, whatever the door; and no letter with an address."""
    world.protect()
    patient = world.here.patient.pk
    typed = "Typkanarie"
    letter = {"name": typed, "address": typed, "heading": typed, "body": typed, "reason": typed}
    posts = [
        (path_of("patient-edit", world.here), {"number": "070-174 06 07", "kind": "mobile", "version": 3}),
        (path_of("relation-add", world.here), {"name": typed, "phone": "070-174 06 07"}),
        (reverse("patient-edit", args=[patient, "adress"]), {"street": typed, "town": typed}),
        (
            reverse("patient-edit", args=[patient, "tolk"]),
            {"interpreter_kind": "spoken", "interpreter_language": typed},
        ),
        (reverse("letter-create", args=[world.here.letter.patient_id]), letter),
    ]
    calls = [
        ("PATCH", f"patients/{patient}/", {"interpreter_kind": "spoken", "interpreter_language": typed}),
        ("POST", f"patients/{patient}/phones/", {"number": "+46701740607", "kind": "mobile"}),
        ("POST", f"patients/{patient}/addresses/", {"kind": "faktureringsadress", "street": typed}),
        ("POST", f"patients/{patient}/search-keys/", {"kind": "lma", "value": "50500505"}),
        ("POST", f"patients/{patient}/relations/", {"name": typed}),
        ("POST", f"encounters/{world.here.arrived_encounter.pk}/relations/", {"name": typed}),
    ]
    client = world.client(Role.RECEPTIONIST)
    api = Client(headers={"Authorization": f"Bearer {world.keys[Role.RECEPTIONIST]}"})
    statuses = {f"POST {path}": client.post(path, data).status_code for path, data in posts}
    for method, path, body in calls:
        answer = api.generic(method, f"/api/v1/{path}", json.dumps(body), "application/json")
        statuses[f"{method} {path}"] = answer.status_code
        assert answer.json()["rule"] in ("SK-02", "KA-05"), path
    # 403: a unit that has nothing to do with the patient is first asked why.
    assert set(statuses.values()) <= {403, 409}, statuses
    everything = " ".join(stored().values())
    assert [word for word in (typed, "0701740607", "+46701740607", "50500505") if word in everything] == []
    assert typed not in log.getvalue() and "1740607" not in log.getvalue()


# --- The walk bites -----------------------------------------------------------------------------------------------------


def test_the_walk_finds_a_leak_that_is_planted(world, log, monkeypatch):
    """A presenter that forgets, and a line that is logged: both are found, and where."""
    world.mark()
    monkeypatch.setattr(presenters, "shown_name", lambda patient: patient.surname)
    logging.getLogger("prov").info("%s", world.value_of("registration.Patient.surname")[0])
    found = world.leaks(each for each in answers(world, everybody=False) if "orders" in each[0])
    assert found and all("registration.Patient.surname" in leak for leak in found)
    assert world.canaries.met_in(log.getvalue()) == {"registration.Patient.surname"}


def test_every_secret_field_is_filled(world):
    """A new table of which the clinic has no row is no excuse."""
    secret = (
        {label for model in hanging() for label, _ in texts_of(model)} - TOLD.keys() - CODES - WRITTEN_BY_ACTIONS.keys()
    )
    there = set().union(*(world.canaries.met_in(text) for text in stored().values()))
    assert secret - there == set()


def test_every_free_text_is_either_named_with_its_reason_or_taken_for_a_secret():
    """A table or a field that nobody thought of is found by the models, filled, and missed in the tables below: then it
    may neither stay nor be shown."""
    found = {label: field for model in hanging() for label, field in texts_of(model)}
    known = TOLD.keys() | HELD.keys() | CODES | WRITTEN_BY_ACTIONS.keys() | NEVER_SHOWN.keys()
    assert known <= found.keys(), "a field that is no more"
    too_short = {label for label, field in found.items() if field.max_length and field.max_length < LENGTH}
    packed = {label for label, field in found.items() if isinstance(field, models.JSONField | models.BinaryField)}
    assert too_short <= CODES
    assert packed <= known, "what is packed is said where it comes from"


@isolate_apps("registration")
def test_a_table_that_nobody_thought_of_is_found():
    class Diary(models.Model):
        encounter = models.ForeignKey(Encounter, models.CASCADE)
        words = models.TextField()

        class Meta:
            app_label = "registration"

    assert hanging(among=[Diary]) == [Diary]
    assert [label for label, _ in texts_of(Diary)] == ["registration.Diary.words"]
    assert "registration.Diary.words" not in TOLD.keys() | HELD.keys()
