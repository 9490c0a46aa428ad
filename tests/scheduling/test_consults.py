"""Consult visits across units: booked at one unit for care or a visit at another (VH-10, BO-02)."""

import pytest

from registration.actions import admissions, clock, encounters
from registration.models import Encounter
from registration.type_choice import DIRECT_ADMISSION
from scheduling.actions import appointments
from scheduling.models import Appointment, RebookingItem, ResourceBooking
from sdv.common.errors import InputError, RuleError
from sdv.flows import cancellation, invariants
from tests import factories
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic

START = NOW + 3 * DAY  # a Monday, 09:00
CONSULT = "oppenvardskonsult"


@pytest.fixture
def centre(health_centre):
    """Where the patient's own visit is: needs no vårdåtagande."""
    return health_centre


@pytest.fixture
def other(clinic):
    """The other unit, a specialised one: its ordinary visits need a vårdåtagande."""
    return clinic


def stay(patient, by, at=NOW):
    return encounters.register_unbooked(
        patient_id=patient.pk,
        care_unit=factories.InpatientUnitFactory(),
        situation=DIRECT_ADMISSION,
        admitted_from="home",
        by=by,
        at=at,
    )


def consult(other, contact, start=START, **fields):
    return other.book(contact.patient, start, during_id=contact.pk, **fields)


def rows():
    return Encounter.objects.count(), Appointment.objects.count(), ResourceBooking.objects.count()


def broken():
    return {row.name: row.rows(NOW).count() for row in invariants.INVARIANTS if row.rows(NOW).count()}


def test_ongoing_care_engages_another_unit_and_the_booked_visit_becomes_a_consult(other):
    """VH-10, VH-07: it points to the ongoing care, needs no vårdåtagande there, and is checked out and ended by itself."""
    ongoing = stay(other.patient(), other.nurse)
    row = consult(other, ongoing)
    assert (row.kind, row.encounter.during, row.encounter.commitment) == ("consult", ongoing, None)
    assert row.encounter.type_id == "dold-forhandsregistrerad-oppenvardskontakt"
    arrived = appointments.arrive(appointment_id=row.pk, by=other.nurse, at=START)
    assert (arrived.encounter.type_id, arrived.encounter.status) == (CONSULT, "in_progress")
    clock.auto_discharge(at=START + DAY)
    ended = Encounter.objects.get(pk=row.encounter_id)
    assert (ended.status, ended.is_check_out_automatic, ended.type_id) == ("ended", True, CONSULT)
    assert Encounter.objects.get(pk=ongoing.pk).status == "in_progress"
    assert broken() == {}


def test_a_team_visit_across_units_is_one_visit_and_a_consult_at_the_same_time(centre, other):
    """BO-02: registered where the patient is; the other unit registers a consult. They are meant to meet, so PL-06 does
    not warn, whichever is moved."""
    patient = centre.patient()
    main = centre.book(patient, START)
    row = consult(other, main.encounter)
    assert (row.kind, row.start, row.encounter.during) == ("consult", START, main.encounter)
    for moved in (row, main):
        appointments.reschedule(
            appointment_id=moved.pk, start=START + HALF_HOUR, end=START + 2 * HALF_HOUR, by=centre.nurse, at=NOW
        )
    for one in (main, row):
        appointments.arrive(appointment_id=one.pk, by=centre.nurse, at=START)
    types = Encounter.objects.filter(patient=patient).order_by("id").values_list("type_id", flat=True)
    assert list(types) == ["primarvard", CONSULT]
    assert broken() == {}


def test_another_visit_at_the_same_time_is_still_warned_of(centre, other):
    """PL-06"""
    main = centre.book(centre.patient(), START)
    third = Clinic(name="Hudmottagningen")
    consult(third, main.encounter, START + HALF_HOUR)
    before = rows()
    with pytest.raises(RuleError) as refused:
        consult(other, main.encounter, START + HALF_HOUR)
    assert (refused.value.rule, rows()) == ("PL-06", before)


@pytest.mark.parametrize("case", ["same_unit", "stranger", "cancelled", "another_day", "consult", "phone", "nothing"])
def test_what_a_consult_cannot_be_booked_for(centre, other, case):
    """VH-10, BO-02: another unit, the same patient, care that goes on or a visit of the same day, and a visit to go to."""
    patient = centre.patient()
    main = centre.book(patient, START)
    wanted = {"patient": patient, "start": START, "during_id": main.encounter_id}
    at, expected = other, ("VH-10", "nothing_ongoing")
    if case == "same_unit":
        at, expected = centre, ("BO-02", "same_unit")
        wanted["resource_ids"] = [centre.doctor_resource.pk]
        wanted["visit_type"] = centre.doctor_visit
    elif case == "stranger":
        wanted["patient"] = other.patient(identity="191003189808")
    elif case == "cancelled":
        cancellation.cancel(appointment_id=main.pk, cancelled_by="provider", reason="Sjuk", by=centre.nurse, at=NOW)
    elif case == "another_day":
        wanted["start"], expected = START + DAY, ("BO-02", "not_one_day")
    elif case == "consult":
        wanted["during_id"] = consult(Clinic(name="Hudmottagningen"), main.encounter).encounter_id
    elif case == "phone":
        wanted["visit_type"] = factories.visit_type("Sp Ssk Telefon Återbesök")
        expected = ("VH-10", "no_consult")
    else:
        wanted["during_id"] = factories.patient().pk
    before = rows()
    with pytest.raises(RuleError) as refused:
        at.book(**wanted)
    assert (refused.value.rule, refused.value.code) == expected
    assert rows() == before


def test_the_kind_follows_and_is_not_chosen(centre, other):
    """BO-02"""
    main = centre.book(centre.patient(), START)
    before = rows()
    for fields in ({"asked_kind": "individual", "during_id": main.encounter_id}, {"asked_kind": "consult"}):
        with pytest.raises((InputError, RuleError)):
            other.book(main.patient, START, **fields)
    assert rows() == before


def test_a_visit_that_is_called_off_or_moved_leaves_its_consult_to_the_other_unit(centre, other):
    """BO-02, PL-02: nobody is forgotten; back again it is withdrawn from the list; and moved after it, it is a consult."""
    main = centre.book(centre.patient(), START)
    row = consult(other, main.encounter)
    act = {"by": centre.nurse, "at": NOW}
    there, back = START + DAY, START
    for start in (there, back):
        appointments.reschedule(appointment_id=main.pk, start=start, end=start + HALF_HOUR, **act)
        is_open = RebookingItem.objects.open().filter(appointment=row, contact=main.encounter_id).exists()
        assert is_open == (start == there)
    assert RebookingItem.objects.get().decision == "withdrawn"
    appointments.reschedule(appointment_id=main.pk, start=there, end=there + HALF_HOUR, **act)
    item = RebookingItem.objects.open().get()
    assert (item.care_unit, item.contact, item.absence, item.session) == (other.unit, main.encounter, None, None)
    with pytest.raises(RuleError) as refused:
        appointments.reschedule(appointment_id=row.pk, start=START + 2 * DAY, end=START + 2 * DAY + HALF_HOUR, **act)
    assert refused.value.code == "not_one_day"
    appointments.reschedule(appointment_id=row.pk, start=there, end=there + HALF_HOUR, **act)
    assert not RebookingItem.objects.open().exists()
    cancellation.cancel(appointment_id=main.pk, cancelled_by="patient", reason="Frisk", **act)
    assert RebookingItem.objects.open().get().appointment == row
    cancellation.cancel(appointment_id=row.pk, cancelled_by="provider", reason="Behövs inte", **act)
    assert not RebookingItem.objects.open().exists() and broken() == {}


def test_a_consult_of_care_that_has_ended_is_what_any_visit_of_the_unit_is(centre, other):
    """VH-07, VH-08: [reading] the type follows from what is at arrival."""
    patient = other.patient()
    ongoing = stay(patient, other.nurse)
    row = consult(other, ongoing)
    cancellation.end_by_hand(encounter_id=ongoing.pk, by=other.nurse, at=NOW + DAY, discharged_to="home")
    assert RebookingItem.objects.open().get().contact == ongoing
    with pytest.raises(RuleError) as refused:
        appointments.arrive(appointment_id=row.pk, by=other.nurse, at=START)
    assert (refused.value.rule, Appointment.objects.get(pk=row.pk).status) == ("VH-08", "booked")
    other.commitment(patient)
    arrived = appointments.arrive(appointment_id=row.pk, by=other.nurse, at=START)
    assert arrived.encounter.type_id == "specialiserad-oppenvard"
    assert not RebookingItem.objects.open().exists()


def test_a_consult_goes_along_when_the_care_goes_on_elsewhere(other):
    """VH-01, VH-10: to another ward it is still a consult of the ongoing care."""
    patient = other.patient()
    before = stay(patient, other.nurse)
    row = consult(other, before)
    after = admissions.continue_at(
        encounter_id=before.pk, care_unit=factories.InpatientUnitFactory(), by=other.nurse, at=NOW + DAY
    )
    assert Encounter.objects.get(pk=row.encounter_id).during == after
    assert not RebookingItem.objects.exists()
    arrived = appointments.arrive(appointment_id=row.pk, by=other.nurse, at=START)
    assert arrived.encounter.type_id == CONSULT


def test_an_arrival_taken_back_is_a_consult_to_come_again(other):
    """PL-13"""
    row = consult(other, stay(other.patient(), other.nurse))
    appointments.arrive(appointment_id=row.pk, by=other.nurse, at=START)
    appointments.undo(appointment_id=row.pk, by=other.nurse, at=START)
    again = appointments.arrive(appointment_id=row.pk, by=other.nurse, at=START)
    assert again.encounter.type_id == CONSULT
