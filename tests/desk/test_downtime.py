"""Reservlistor: pages that need no system, with nothing of the protected on paper (PL-15, PL-17, SK-05)."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest

from registration.actions import admissions
from registration.type_choice import DIRECT_ADMISSION, EMERGENCY_ARRIVAL
from sdv.accounts.models import AccessLogEntry, User
from sdv.desk import downtime
from sdv.desk.jobs import downtime_lists
from sdv.desk.presenters.log import lines_for_patient
from tests import factories as make
from tests.clinic import DAY, NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(settings, tmp_path):
    settings.SDV_DOWNTIME_FOLDER = str(tmp_path / "reserv")
    return tmp_path / "reserv"


def page_of(folder, unit):
    return (folder / f"{unit.pk}.html").read_text(encoding="utf-8")


def test_a_unit_s_page_has_today_tomorrow_beds_and_who_is_expected(folder):
    """PL-15"""
    clinic, unit, user = make.HealthCentreFactory(), make.InpatientUnitFactory(), make.UserFactory()
    bed = make.PlaceFactory(care_unit=unit, kind="bed", name="Säng 1A")
    today = make.patient(surname="Idag")
    make.booked_visit(care_unit=clinic, patient=today, start=NOW + HOUR, at=NOW)
    make.booked_visit(care_unit=clinic, patient=make.patient(surname="Imorgon"), start=NOW + DAY, at=NOW)
    make.booked_visit(care_unit=clinic, patient=make.patient(surname="Sedan"), start=NOW + 3 * DAY, at=NOW)
    make.cancelled_visit(care_unit=clinic, patient=make.patient(surname="Avbokad"), start=NOW + 2 * HOUR, at=NOW)
    admissions.begin(
        patient_id=make.patient(surname="Sängson").pk,
        care_unit=unit,
        situation=DIRECT_ADMISSION,
        place_id=bed.pk,
        by=user,
        at=NOW - DAY,
    )
    admissions.plan_admission(
        patient_id=make.patient(surname="Väntad").pk, care_unit=unit, expected_start=NOW + HOUR, by=user, at=NOW
    )
    assert downtime_lists(at=NOW) == ["reservlistor skrivna: 2", "patienter på reservlistor: 4"]
    visits, beds = page_of(folder, clinic), page_of(folder, unit)
    assert ("Idag, Maria" in visits, "10:00–" in visits, "Imorgon" in visits) == (True, True, True)
    assert ("Sedan, Maria" in visits, "Avbokad, Maria" in visits) == (False, False)
    assert f"{today.identities.get().value[:8]}-" in visits
    assert ("Säng 1A" in beds, "Sängson" in beds, "2026-11-19 09:00" in beds, "Väntad, Maria" in beds) == (True,) * 4
    assert f"{clinic.pk}.html" in (folder / "index.html").read_text(encoding="utf-8")


def test_a_protected_person_stands_on_paper_by_marking_and_number_of_the_vardhandelse(folder):
    """SK-05, PL-17"""
    emergency = make.EmergencyDepartmentFactory()
    hidden = make.protected_patient(given_name="Hemlig", surname="Gömd")
    visit = make.unbooked_visit(care_unit=emergency, patient=hidden, situation=EMERGENCY_ARRIVAL, at=NOW)
    visit.refresh_from_db()
    downtime.write(at=NOW)
    page = page_of(folder, emergency)
    assert ("Hemlig" in page, "Gömd" in page, hidden.identities.get().value[-4:] in page) == (False, False, False)
    assert ("Sekretessmarkering" in page, f"vårdhändelse {visit.number}" in page) == (True, True)


def test_the_pages_open_without_the_system(folder):
    """PL-15: nothing is fetched from anywhere but the folder, and there is no script."""
    unit = make.HealthCentreFactory()
    downtime.write(at=NOW)
    found = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append(tag)
            for name, value in attributes:
                if name in ("href", "src"):
                    assert (folder / value).exists(), value

    Links().feed(page_of(folder, unit))
    Links().feed((folder / "index.html").read_text(encoding="utf-8"))
    assert "script" not in found


def test_what_is_there_of_a_unit_that_is_no_more_goes_and_only_the_owner_reads(folder):
    """PL-15, SK-05"""
    unit = make.HealthCentreFactory()
    downtime.write(at=NOW)
    assert (folder.stat().st_mode & 0o777, (folder / f"{unit.pk}.html").stat().st_mode & 0o777) == (0o700, 0o600)
    unit.valid_to = (NOW - DAY).date()
    unit.save()
    assert downtime.write(at=NOW) == (0, 0)
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "reservlista.css"]


def test_a_rehearsal_writes_no_page_and_no_line(folder):
    emergency = make.EmergencyDepartmentFactory()
    make.unbooked_visit(care_unit=emergency, situation=EMERGENCY_ARRIVAL, at=NOW)
    before = AccessLogEntry.objects.count()
    assert (downtime.write(at=NOW, dry_run=True), folder.exists()) == ((1, 1), False)
    assert AccessLogEntry.objects.count() == before


def test_who_stands_on_a_page_is_in_the_access_log_once_a_day(folder):
    """PDL, PL-15, SK-05: who, which unit, by what; the protected too; not again each quarter, and again tomorrow."""
    emergency, unit = make.EmergencyDepartmentFactory(), make.InpatientUnitFactory()
    hidden, patient = make.protected_patient(), make.patient()
    for who, where, situation in (
        (hidden, emergency, EMERGENCY_ARRIVAL),
        (patient, emergency, EMERGENCY_ARRIVAL),
        (patient, unit, DIRECT_ADMISSION),
    ):
        beside = {"accept_warnings": ["PL-06"], "reason": "prov"} if where == unit else {}
        make.unbooked_visit(care_unit=where, patient=who, situation=situation, at=NOW, **beside)
    for quarter in range(3):
        downtime.write(at=NOW + quarter * HOUR / 4)
    lines = AccessLogEntry.objects.filter(what="reservlista")
    assert {(line.patient_id, line.care_unit_id) for line in lines} == {
        (hidden.pk, emergency.pk),
        (patient.pk, emergency.pk),
        (patient.pk, unit.pk),
    }
    assert {(line.user.name, line.user.is_active, line.action, line.purpose, line.at) for line in lines} == {
        ("Reservlistor (jobb)", False, "print", "Reservlista vid driftstopp", NOW)
    }
    assert lines.count() == 3
    downtime.write(at=NOW + DAY)
    assert (lines.all().count(), User.objects.filter(username="jobb-reservlistor").count()) == (6, 1)
    told = lines_for_patient(AccessLogEntry.objects.about([hidden.pk]))[0]
    assert told.what == "Skrev ut enhetens lista på papper, för när systemet inte går att nå"
