"""Realtidsregistrering: every row of the instruction's table, per care form, with its value and who fills it (VH-23, REG
3.4). What is expected is written by hand."""

import csv
from datetime import timedelta

import pytest
import time_machine

from classification import starter
from classification.actions import coding
from registration import realtime
from registration.actions import admissions, encounters, facts, participants, stays
from registration.actions import relations as relation_writes
from registration.actions.relations import ToldGuardian
from registration.models import Encounter
from registration.type_choice import DIRECT_ADMISSION
from scheduling.actions import appointments
from sdv.desk.demo.identities import personnummer
from sdv.desk.presenters.realtime import filled
from tests import factories as make
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic

pytestmark = pytest.mark.django_db

CHILD = next(number for number in personnummer() if number.startswith("2015"))
SYSTEM, HAND, ELSEWHERE = "system", "hand", "elsewhere"
CODED = {
    "diagnoses": [{"code": "S000", "external_causes": ["W01"], "atc": ["C09AA02"]}, {"code": "F411"}],
    "procedures": [{"system": "kva", "code": "AV019"}],
    "atc": [],
    "complete": False,
}
WHO = {
    "Personnummer": (f"{CHILD[:8]}-{CHILD[8:]}", SYSTEM),
    "Kön": ("kvinna", SYSTEM),
    "Ålder": ("11 år", SYSTEM),
    "Listningsenhet": ("Vårdcentralen Öster", SYSTEM),
    "Vårdnadshavare": ("Abdi, Amina", SYSTEM),
    "Huvudman": ("Region Skåne", SYSTEM),
}
CODES = {
    "Huvuddiagnos": ("S00.0", HAND),
    "Bidiagnoser": ("F41.1", HAND),
    "KVÅ": ("AV019", HAND),
    "ATC": ("C09AA02", HAND),
    "Yttre orsakskoder": ("W01", HAND),
}
# The visit: booked for 09:00 on a Friday, arrived then, registered on a doctor beside the nurse.
OPEN = (
    WHO
    | {
        "Producerande vårdinrättning": ("Provsjukhuset", SYSTEM),
        "Medicinskt ansvarig vårdenhet (ej fysisk plats)": ("Ortopedmottagningen", SYSTEM),
        "Vårdutförande/tjänsteutförande enhet": ("Ortopedmottagningen", SYSTEM),
        "Bokat datum och tid": ("2026-11-20 09:00", HAND),
        "Ankomstdatum och tid": ("2026-11-20 09:00", SYSTEM),
        "Vårdområde": ("Specialistmottagning", SYSTEM),
        "Problemkod": ("Hjärtsvikt", HAND),
        "Remisskod": ("Remiss", HAND),
        "Besökstyp": ("Sp Ssk Återbesök", HAND),
        "Kontakttyp": ("ÅB", SYSTEM),
        "Anledning": ("bedömning ospecificerad", HAND),
        "Yrkeskategori": ("Läkare, Sjuksköterska", SYSTEM),
        "Patientavgift": ("300.00 kr", ELSEWHERE),
        "Anledning till avgiftsfritt": ("", ELSEWHERE),
        "Betalningssätt": ("", ELSEWHERE),
    }
    | CODES
)
# The stay: planned for the Friday, admitted an hour late, discharged on the Sunday.
CLOSED = (
    WHO
    | {
        "Producerande vårdinrättning": ("Provsjukhuset", SYSTEM),
        "Medicinskt ansvarig vårdenhet (ej fysisk plats)": ("Avdelning 12", SYSTEM),
        "Vårdutförande/tjänsteutförande enhet": ("Avdelning 12 A", SYSTEM),
        "Beräknat inskrivningsdatum": ("2026-11-20 09:30", HAND),
        "Inskrivningsdatum och tid": ("2026-11-20 10:00", SYSTEM),
        "Utskrivningsdatum och tid": ("2026-11-22 09:00", SYSTEM),
        "Insätt (varifrån)": ("Ordinärt boende", HAND),
        "Planerat/Oplanerat": ("Planerat", SYSTEM),
        "Utsätt (till)": ("Särskilt boende", HAND),
        "Anledning till avgiftsfritt": ("", ELSEWHERE),
    }
    | CODES
)


def child(clinic):
    patient = clinic.patient(identity=CHILD, payer="Region Skåne", listing_unit="Vårdcentralen Öster")
    guardian = ToldGuardian(name="Abdi, Amina")
    relation_writes.replace_guardians(patient_id=patient.pk, guardians=[guardian], by=None, at=NOW)
    return patient


def fresh(row):
    return Encounter.objects.get(pk=row.pk)


def rows_of(encounter):
    return {row.name: (row.value, row.filled_by) for row in filled(fresh(encounter), at=NOW + 3 * DAY)}


@pytest.fixture
def clinic():
    starter.load(at=NOW)
    return Clinic()


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visit(clinic, clock):
    patient = child(clinic)
    clinic.commitment(patient)
    visit = clinic.arrived(patient, NOW).encounter
    people = [resource.practitioner for resource in (clinic.doctor_resource, clinic.nurse_resource)]
    participants.register(encounter_id=visit.pk, main=people[0], others=people[1:], by=clinic.nurse, at=NOW)
    encounters.check_out(encounters.lock(visit.pk), by=clinic.doctor, at=NOW + HALF_HOUR)
    coding.save_coding(encounter_id=visit.pk, by=clinic.doctor, at=NOW + HALF_HOUR, **CODED)
    facts.report_cash_transaction(encounter_id=visit.pk, external_id="K1", amount=300, by=clinic.nurse, at=NOW)
    return visit


@pytest.fixture
def stay(clinic, clock):
    unit = make.InpatientUnitFactory(name="Avdelning 12", facility=clinic.facility)
    ward = make.WardFactory(care_unit=unit, name="Avdelning 12 A")
    stay = admissions.plan_admission(
        patient_id=child(clinic).pk,
        care_unit=unit,
        expected_start=NOW + HALF_HOUR,
        admitted_from="home",
        by=clinic.nurse,
        at=NOW,
    )
    clock.move_to(NOW + 2 * HALF_HOUR)
    admissions.admit(encounter_id=stay.pk, ward_id=ward.pk, by=clinic.nurse, at=NOW + 2 * HALF_HOUR)
    clock.move_to(NOW + 2 * DAY)
    act = {"encounter_id": stay.pk, "by": clinic.nurse, "at": NOW + 2 * DAY}
    encounters.discharge(discharged_to="special_housing", **act)
    coding.save_coding(**act, **CODED)
    return stay


def table(care_form):
    """(group, field) of the care form's column, as the file has them."""
    with realtime.TABLE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    return [(row["grupp"], name) for row in rows for name in row[care_form].split("|")]


@pytest.mark.parametrize(
    ("care_form", "expected", "name"), [("oppen_vard", OPEN, "visit"), ("sluten_vard", CLOSED, "stay")]
)
def test_every_field_of_the_table_is_there_with_who_fills_it(request, care_form, expected, name):
    """VH-23: in the table's order and groups; each with the value that was registered."""
    encounter = request.getfixturevalue(name)
    found = filled(fresh(encounter), at=NOW + 3 * DAY)
    assert [(row.group, row.name) for row in found] == table(care_form)
    assert {name for _, name in table(care_form)} == set(expected)
    values = {row.name: (row.value, row.filled_by) for row in found}
    assert {field: values[field] for field in expected if values[field] != expected[field]} == {}
    words = {"system": "Systemet", "hand": "För hand", "elsewhere": "I kassan"}
    assert all(row.filled_by_text == words[row.filled_by] for row in found)


def test_a_time_that_a_person_wrote_says_so(clinic, clock):
    """VH-23, PL-15: the arrival that was noted on paper is filled by hand; what the clock ends is the system's."""
    patient = clinic.patient()
    clinic.commitment(patient)
    appointment = clinic.book(patient, NOW, at=NOW - DAY)
    assert rows_of(appointment.encounter)["Ankomstdatum och tid"] == ("", SYSTEM)
    clock.move_to(NOW + HALF_HOUR)
    appointments.arrive(appointment_id=appointment.pk, by=clinic.nurse, at=NOW)
    assert rows_of(appointment.encounter)["Ankomstdatum och tid"] == ("2026-11-20 09:00", HAND)
    unit = make.InpatientUnitFactory()
    stay = make.unbooked_visit(
        care_unit=unit, situation=DIRECT_ADMISSION, by=clinic.nurse, at=NOW + HALF_HOUR, admitted_from="home"
    )
    clock.move_to(NOW + DAY)
    encounters.discharge(
        encounter_id=stay.pk, discharged_to="home", by=clinic.nurse, at=NOW + DAY - timedelta(minutes=20)
    )
    rows = rows_of(stay)
    assert (rows["Inskrivningsdatum och tid"][1], rows["Utskrivningsdatum och tid"]) == (
        SYSTEM,
        ("2026-11-21 08:40", HAND),
    )


def test_ways_and_plan_say_who_filled_them_each_time(clinic, clock):
    """VH-23, VH-01: planned or not is the system's until a person says otherwise; what a move to another unit wrote is
    the system's until a person puts it right."""
    first, second = make.InpatientUnitFactory(), make.InpatientUnitFactory()
    stay = make.unbooked_visit(
        care_unit=first, situation=DIRECT_ADMISSION, by=clinic.nurse, at=NOW, admitted_from="home"
    )
    rows = rows_of(stay)
    assert (rows["Insätt (varifrån)"], rows["Planerat/Oplanerat"]) == (
        ("Ordinärt boende", HAND),
        ("Oplanerat", SYSTEM),
    )
    stays.complete(encounter_id=stay.pk, by=clinic.nurse, at=NOW, is_planned=True)
    assert rows_of(stay)["Planerat/Oplanerat"] == ("Planerat", HAND)
    clock.move_to(NOW + DAY)
    after = admissions.continue_at(encounter_id=stay.pk, care_unit=second, by=clinic.nurse, at=NOW + DAY)
    assert rows_of(stay)["Utsätt (till)"] == ("Annat sjukhus eller annan klinik", SYSTEM)
    assert rows_of(after)["Insätt (varifrån)"] == ("Annat sjukhus eller annan klinik", SYSTEM)
    stays.complete(encounter_id=after.pk, by=clinic.nurse, at=NOW + DAY, admitted_from="home", reason="Skrevs fel")
    assert rows_of(after)["Insätt (varifrån)"] == ("Ordinärt boende", HAND)
    stays.complete(encounter_id=stay.pk, by=clinic.nurse, at=NOW + DAY, discharged_to="home")
    assert rows_of(stay)["Utsätt (till)"] == ("Ordinärt boende", HAND)
