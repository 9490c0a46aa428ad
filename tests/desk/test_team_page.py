"""A team visit one after the other as a page: each profession has its part of the time (BO-02)."""

from datetime import UTC, time, timedelta

import pytest
from django.urls import reverse

from scheduling.models import Appointment, ResourceBooking
from sdv.common.time import at_local, local_date, now
from tests import factories

from .signed_in import signed_in

DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def centre(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def doctor(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Läk", name="Anna Holm")


@pytest.fixture
def client(centre):
    return signed_in(factories.receptionist(centre))


@pytest.fixture
def minutes():
    return factories.visit_type("Pv Ssk Återbesök").default_minutes


def at_nine(days=7):
    return at_local(local_date(now()) + days * DAY, time(9)).astimezone(UTC)


def choices(nurse, doctor, days=7, **changes):
    day = local_date(at_nine(days)).isoformat()
    return {
        "besokstyp": str(factories.visit_type("Pv Ssk Återbesök").pk),
        "orsak": str(factories.contact_reason().pk),
        "resurs": str(nurse.pk),
        "med": str(doctor.pk),
        "efter": "20",
        "fran": day,
        "till": day,
    } | changes


def doctors_visit(doctor, start):
    factories.booked_visit(
        care_unit=doctor.care_unit,
        resource=doctor,
        visit_type=factories.visit_type("Pv Läk Återbesök"),
        start=start,
        patient=factories.patient(),
    )


def periods(state="booked", **wanted):
    rows = ResourceBooking.objects.filter(state=state, **wanted)
    return {row.resource.name: (row.period.lower, row.period.upper) for row in rows.select_related("resource")}


def test_two_professions_are_found_held_and_booked_one_after_the_other(client, nurse, doctor, minutes):
    """BO-02: the doctor is busy during the nurse's part and free after it; each holds and has its own part."""
    patient, start = factories.patient(), at_nine()
    middle = start + timedelta(minutes=minutes)
    end = middle + timedelta(minutes=20)
    doctors_visit(doctor, start - timedelta(minutes=5))
    address = reverse("book", args=[patient.pk])
    value = f"{nurse.pk}|{start.isoformat()}|{doctor.pk}"
    at_once = client.get(address, choices(nurse, doctor, efter="")).content.decode()
    assert value not in at_once and "Därefter, minuter" in at_once
    page = client.get(address, choices(nurse, doctor)).content.decode()
    assert (value in page) == (minutes >= 25), "the doctor's own visit ends before the doctor's part begins"
    start = at_nine() + timedelta(hours=2)
    middle, end = start + timedelta(minutes=minutes), start + timedelta(minutes=minutes + 20)
    value = f"{nurse.pk}|{start.isoformat()}|{doctor.pk}"
    assert value in page and "läkare från" in page
    held = client.post(address, choices(nurse, doctor) | {"step": "hold", "tid": value}, follow=True)
    assert periods("held") == {"Sara Norén": (start, middle), "Anna Holm": (middle, end)}
    hold_id = held.redirect_chain[-1][0].split("hallen=")[1]
    words = choices(nurse, doctor) | {"step": "book", "tid": value, "hallen": hold_id}
    assert "Bokad" in client.post(address, words, follow=True).content.decode()
    row = Appointment.objects.get(patient=patient)
    assert (row.kind, row.start, row.end) == ("team", start, end)
    assert periods(appointment=row) == {"Sara Norén": (start, middle), "Anna Holm": (middle, end)}
    assert row.encounter.participants.get(is_main_responsible=True).practitioner == nurse.practitioner
    assert not ResourceBooking.objects.filter(state="held").exists()


def test_a_time_that_somebody_took_is_offered_anew_with_the_whole_team(client, nurse, doctor, minutes):
    """PL-07: never one of the team alone; nothing is booked."""
    patient, start = factories.patient(), at_nine()
    doctors_visit(doctor, start + timedelta(minutes=minutes))
    value = f"{nurse.pk}|{start.isoformat()}|{doctor.pk}"
    taken = client.post(
        reverse("book", args=[patient.pk]), choices(nurse, doctor) | {"step": "hold", "tid": value}, follow=True
    )
    page = taken.content.decode()
    assert taken.status_code == 409 and page.count(f"|{doctor.pk}") >= 3
    assert not ResourceBooking.objects.filter(state="held").exists()
    assert not Appointment.objects.filter(patient=patient).exists()


def test_wrong_minutes_are_told_and_nothing_is_held(client, nurse, doctor):
    value = {"step": "hold", "tid": f"{nurse.pk}|{at_nine().isoformat()}|{doctor.pk}"}
    address = reverse("book", args=[factories.patient().pk])
    for wrong, told in (("2", "Minst 5 minuter."), ("x", "Skriv minuter."), ("999", "Högst 240 minuter.")):
        refused = client.post(address, choices(nurse, doctor, efter=wrong) | value)
        assert refused.status_code == 422 and told in refused.content.decode()
    assert not ResourceBooking.objects.exists()


def test_a_team_one_after_the_other_is_moved_as_it_is(client, nurse, doctor, minutes):
    """BO-02, PL-08: by the page too, to another nurse whose part is the first one's."""
    patient, start = factories.patient(), at_nine()
    address = reverse("book", args=[patient.pk])
    value = f"{nurse.pk}|{start.isoformat()}|{doctor.pk}"
    client.post(address, choices(nurse, doctor) | {"step": "book", "tid": value})
    row = Appointment.objects.get(patient=patient)
    other = factories.ResourceFactory(care_unit=nurse.care_unit, profession="Ssk", name="Bo Ek")
    start = at_nine(8)
    day = local_date(start).isoformat()
    address = reverse("appointment-reschedule", args=[row.pk])
    words = {"resurs": str(other.pk), "fran": day, "till": day, "andrad_av": "patient"}
    page = client.get(address, words).content.decode()
    value = f"{other.pk}|{start.isoformat()}|{doctor.pk}"
    assert value in page and "läkare från" in page
    moved = client.post(address, words | {"step": "book", "tid": value, "version": row.version}, follow=True)
    assert "Ombokad" in moved.content.decode()
    middle = start + timedelta(minutes=minutes)
    assert periods(appointment=row) == {
        "Bo Ek": (start, middle),
        "Anna Holm": (middle, middle + timedelta(minutes=20)),
    }
    row.refresh_from_db()
    assert (row.kind, row.end, row.parts.count()) == ("team", middle + timedelta(minutes=20), 2)
