"""The tab Logg: filter, history with undo, changed fields, and the extract for the patient (PDL, SK-02, SK-05)."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse

from registration.actions import patients as writes
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from sdv.desk.presenters.log import EVENTS
from sdv.flows import deceased
from tests import factories as make

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def unit():
    return make.CareUnitFactory(name="Ortopeden")


@pytest.fixture
def auditor(unit):
    return signed_in(make.staff(Role.AUDITOR, unit, name="Lo Granskare"))


@pytest.fixture
def patient(unit):
    """Somebody whom two people at two units have read."""
    read = make.patient()
    for place, name in ((unit, "Maria Ek"), (make.CareUnitFactory(name="Kirurgen"), "Bo Dal")):
        signed_in(make.receptionist(place, name=name)).get(reverse("patient", args=[read.pk]))
    return read


def log(client, patient, **asked):
    return client.get(reverse("patient-log", args=[patient.pk]), asked)


def who(response):
    return [row.user.name for row in response.context["rows"]]


def text(response):
    return response.content.decode()


def test_the_log_is_filtered_by_who_where_what_and_when(auditor, unit, patient):
    """PDL"""
    assert who(log(auditor, patient)) == ["Lo Granskare", "Bo Dal", "Maria Ek"]
    bo = AccessLogEntry.objects.get(user__name="Bo Dal")
    assert who(log(auditor, patient, user=bo.user_id)) == ["Bo Dal"]
    assert who(log(auditor, patient, care_unit=bo.care_unit_id)) == ["Bo Dal"]
    assert who(log(auditor, patient, what="patientsida")) == ["Bo Dal", "Maria Ek"]
    today = local_date(now())
    assert len(who(log(auditor, patient, from_day=today, to_day=today))) == 7
    assert who(log(auditor, patient, to_day=today - timedelta(days=1))) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"user": "x"},
        {"care_unit": "1"},
        {"what": "\0"},
        {"from_day": "32/13"},
        {"to_day": "9999-12-31"},
        {"from_day": "0001-01-01"},
        {"from_day": "+2d", "to_day": "+1d"},
    ],
)
def test_a_filter_that_cannot_be_read_is_told_at_the_field(auditor, patient, asked):
    answer = log(auditor, patient, **asked)
    assert (answer.status_code, answer.context["rows"]) == (422, [])
    assert log(auditor, patient, fore="x").status_code == 404


def test_what_was_undone_and_which_fields_were_changed_are_shown_without_values(auditor, unit, patient):
    """PL-13, SK-02"""
    by = make.clinician(unit)
    writes.edit(patient_id=patient.pk, phone="070-174 06 05", interpreter_language="dari", by=by, at=now())
    deceased.register(patient_id=patient.pk, deceased_on=local_date(now()), reason="Intyg", by=by, at=now())
    deceased.undo(patient_id=patient.pk, reason="Fel person", by=by, at=now())
    answer = log(auditor, patient)
    assert [row.what for row in answer.context["events"]] == [
        "Avliden ångrad",
        "Registrerad som avliden",
        "Uppgifter ändrade",
        "Registrerad",
    ]
    changed = [(row.what, row.detail) for row in answer.context["changes"]]
    assert ("Tillagd: telefonnummer", "") in changed
    assert any("språk eller teckenspråksvariant" in detail for _, detail in changed)
    told = " ".join(f"{row.what} {row.detail}" for row in [*answer.context["events"], *answer.context["changes"]])
    assert "174 06 05" not in told + text(answer) and "dari" not in told


def test_the_log_costs_equally_many_queries_however_long_it_is(auditor, unit, patient):
    log(auditor, patient)  # the session remembers the patient
    first = queries_of(lambda: log(auditor, patient))
    for _ in range(5):
        signed_in(make.receptionist(unit)).get(reverse("patient", args=[patient.pk]))
    assert queries_of(lambda: log(auditor, patient)) == first


def test_the_extract_tells_the_patient_who_has_read_in_plain_words_and_is_logged(auditor, patient):
    """PDL: staff with protected data are told by role and unit."""
    bo = AccessLogEntry.objects.get(user__name="Bo Dal").user
    type(bo).objects.filter(pk=bo.pk).update(has_protected_data=True)
    answer = auditor.post(reverse("patient-log-extract", args=[patient.pk]), {"what": "patientsida"})
    assert answer.status_code == 200
    assert [(line.who, line.role, line.unit, line.what) for line in answer.context["lines"]] == [
        ("Namnet lämnas inte ut", "Receptionist", "Kirurgen", "Läste dina personuppgifter"),
        ("Maria Ek", "Receptionist", "Ortopeden", "Läste dina personuppgifter"),
    ]
    assert "Bo Dal" not in text(answer)
    logged = AccessLogEntry.objects.filter(patient_id=patient.pk, user__name="Lo Granskare")
    assert [(row.what, row.action) for row in logged] == [("loggutdrag", "print")]


def test_what_was_logged_of_a_merged_record_is_about_the_same_person(auditor, patient):
    """RI-02: the present record's log and extract hold it; the old address leads there."""
    present = make.patient()
    type(patient).objects.filter(pk=patient.pk).update(merged_into=present)
    assert auditor.get(reverse("patient-log", args=[patient.pk])).url == reverse("patient-log", args=[present.pk])
    assert who(log(auditor, present)) == ["Lo Granskare", "Bo Dal", "Maria Ek"]
    assert [row.what for row in log(auditor, present).context["events"]] == ["Registrerad", "Registrerad"]
    extract = auditor.post(reverse("patient-log-extract", args=[present.pk]), {"what": "patientsida"})
    assert [line.who for line in extract.context["lines"]] == ["Bo Dal", "Maria Ek"]


def test_every_event_of_a_patients_history_has_words():
    """What the code writes, EVENTS says in Swedish."""
    code = [path.read_text() for root in ("registration/actions", "sdv/flows") for path in Path(root).rglob("*.py")]
    written = {event for text in code for event in re.findall(r'(?:event=|_note\([^,]+, )"([a-z_]+)"', text)}
    assert {"registered", "deceased", "protection_lifted", "contact_added"} <= written
    assert written <= set(EVENTS)


def test_an_extract_of_a_protected_person_has_the_marking_for_a_name(auditor):
    """SK-02"""
    hidden = make.protected_patient(given_name="Hemliga", surname="Namnet")
    answer = auditor.post(reverse("patient-log-extract", args=[hidden.pk]), {})
    assert "Sekretessmarkering" in text(answer) and "Namnet" not in text(answer).replace("Namnet lämnas", "")


def test_an_extract_is_an_act_of_those_who_review_logs(auditor, unit, patient):
    """PDL"""
    url = reverse("patient-log-extract", args=[patient.pk])
    assert auditor.get(url).status_code == 405
    assert signed_in(make.receptionist(unit)).post(url).status_code == 403
    assert auditor.post(url, {"user": "x"}).status_code == 422
