"""A consult visit across units as a page (VH-10, BO-02)."""

from datetime import UTC, time, timedelta

import pytest
from django.urls import reverse

from registration.type_choice import DIRECT_ADMISSION
from scheduling.actions import appointments
from scheduling.models import Appointment, RebookingItem, ResourceBooking
from sdv.accounts.models import AccessLogEntry
from sdv.common.time import at_local, local_date, now
from sdv.flows import cancellation
from tests import factories

from .signed_in import signed_in

DAY = timedelta(days=1)


@pytest.fixture
def centre(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def clinic(db):
    return factories.SpecialisedClinicFactory()


@pytest.fixture
def doctor(clinic):
    return factories.ResourceFactory(care_unit=clinic, profession="Läk", name="Anna Holm")


def at_nine(days=7):
    return at_local(local_date(now()) + days * DAY, time(9)).astimezone(UTC)


def visit_at(centre):
    nurse = factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")
    return factories.booked_visit(
        care_unit=centre,
        resource=nurse,
        visit_type=factories.visit_type(),
        start=at_nine(),
        patient=factories.patient(),
    )


def choices(main, doctor, **changes):
    return {
        "konsult_at": str(main.pk),
        "enhet": str(doctor.care_unit_id),
        "besokstyp": str(factories.visit_type("Sp Läk Återbesök").pk),
        "orsak": str(factories.contact_reason().pk),
        "resurs": str(doctor.pk),
    } | changes


def test_the_other_unit_of_a_team_visit_books_its_consult_the_same_day(centre, clinic, doctor):
    """BO-02, PL-06: at once with the visit, without a warning and without a vårdåtagande; by whoever has a right at the
    consult's unit, and logged under that right."""
    main = visit_at(centre)
    user = factories.receptionist(centre, clinic)
    client = signed_in(user, user.assignments.get(care_unit=centre))
    address = reverse("book-consult", args=[main.patient_id])
    page = client.get(address).content.decode()
    assert "Pv Ssk Återbesök" in page and clinic.name in page and "Välj besökstyp" in page
    assert f'value="{centre.pk}"' not in page
    page = client.get(address, choices(main.encounter, doctor)).content.decode()
    assert "Anna Holm" in page and page.count("rowgroup") == 1
    value = f"{doctor.pk}|{at_nine().isoformat()}"
    held = client.post(address, choices(main.encounter, doctor) | {"step": "hold", "tid": value}, follow=True)
    assert "Tiden hålls för dig" in held.content.decode()
    words = {"step": "book", "tid": value, "hallen": str(ResourceBooking.objects.get(state="held").pk)}
    done = client.post(address, choices(main.encounter, doctor) | words, follow=True).content.decode()
    assert f"Konsultbesök bokat på {clinic.short_name}" in done
    row = Appointment.objects.get(care_unit=clinic)
    assert (row.kind, row.encounter.during, row.start) == ("consult", main.encounter, at_nine())
    logged = AccessLogEntry.objects.filter(what="konsultbesök", action="write", care_unit=clinic)
    assert logged.get().patient_id == main.patient_id
    shown = signed_in(user, user.assignments.get(care_unit=clinic))
    assert "Konsult" in shown.get(reverse("patient-appointments", args=[main.patient_id])).content.decode()
    of_main = client.get(reverse("encounter", args=[main.encounter_id])).content.decode()
    assert f"{clinic.short_name}, " in of_main
    of_consult = shown.get(reverse("encounter", args=[row.encounter_id])).content.decode()
    assert "Konsult åt" in of_consult and centre.short_name in of_consult


def test_care_that_goes_on_is_chosen_and_any_day_ahead(clinic, doctor):
    """VH-10"""
    ward = factories.InpatientUnitFactory()
    stay = factories.unbooked_visit(care_unit=ward, situation=DIRECT_ADMISSION, admitted_from="home")
    client = signed_in(factories.receptionist(clinic))
    page = client.get(reverse("book-consult", args=[stay.patient_id]), choices(stay, doctor)).content.decode()
    assert "Slutenvård sedan" in page and page.count("rowgroup") > 1


def test_nothing_can_be_booked_without_a_contact_or_a_unit_and_why_is_said(centre, clinic, doctor):
    """VH-10: nothing changed."""
    client = signed_in(factories.receptionist(centre))
    lonely = client.get(reverse("book-consult", args=[factories.patient().pk])).content.decode()
    assert "ingen pågående vård och inget bokat besök" in lonely
    main = visit_at(centre)
    address = reverse("book-consult", args=[main.patient_id])
    assert "du har inget uppdrag på någon annan" in client.get(address).content.decode()
    value = {"step": "book", "tid": f"{doctor.pk}|{at_nine().isoformat()}"}
    assert client.post(address, choices(main.encounter, doctor) | value).status_code == 409
    there = signed_in(factories.receptionist(clinic))
    stranger = choices(factories.booked_visit().encounter, doctor)
    refused = there.post(address, stranger | value)
    assert refused.status_code == 422 and "Välj vilken vård eller vilket besök" in refused.content.decode()
    assert not Appointment.objects.filter(care_unit=clinic).exists()


def test_a_consult_is_booked_anew_from_the_list_when_its_care_was_moved_and_refused_when_it_is_gone(
    centre, clinic, doctor
):
    """PL-02, BO-02, VH-10: why it was moved stands in its history, as the provider's."""
    main = visit_at(centre)
    user = factories.receptionist(centre, clinic)
    desk = signed_in(user, user.assignments.get(care_unit=centre))
    value = {"step": "book", "tid": f"{doctor.pk}|{at_nine().isoformat()}"}
    desk.post(reverse("book-consult", args=[main.patient_id]), choices(main.encounter, doctor) | value)
    row = Appointment.objects.get(care_unit=clinic)
    start, act = at_nine(8), {"by": user, "at": now()}
    appointments.reschedule(appointment_id=main.pk, start=start, end=start + timedelta(minutes=30), **act)
    client = signed_in(factories.receptionist(clinic))
    item = RebookingItem.objects.open().get(appointment=row)
    address, seen = reverse("rebooking-move", args=[item.pk]), {"version": str(item.version)}
    assert client.post(address, seen | {"tid": f"{doctor.pk}|{start.isoformat()}"}).status_code == 302
    moved = row.history.get(event="rescheduled")
    assert (moved.start_after, moved.initiated_by, "konsulten" in moved.reason) == (start, "provider", True)
    assert not RebookingItem.objects.open().exists()

    cancellation.cancel(appointment_id=main.pk, cancelled_by="provider", reason="Sjuk", **act)
    item = RebookingItem.objects.open().get(appointment=row)
    address, seen = reverse("rebooking-move", args=[item.pk]), {"version": str(item.version)}
    chosen = client.get(address).context["chosen"]
    assert client.post(address, seen | {"tid": chosen}).status_code == 409
    row.refresh_from_db()
    assert (row.start, RebookingItem.objects.open().get()) == (start, item)


def test_the_letter_of_a_consult_is_proposed_for_a_visit_and_chosen_at_a_ward_and_read_before(centre, clinic, doctor):
    """KA-01: what is ticked stays when another time is taken; to read it saves nothing and holds the time as before."""
    ward = factories.InpatientUnitFactory()
    stay = factories.unbooked_visit(care_unit=ward, situation=DIRECT_ADMISSION, admitted_from="home")
    client = signed_in(factories.receptionist(clinic))
    address, sent = reverse("book-consult", args=[stay.patient_id]), choices(stay, doctor)
    value = f"{doctor.pk}|{at_nine().isoformat()}"
    page = client.post(address, sent | {"step": "hold", "tid": value}, follow=True)
    assert page.context["letter_default"] is False
    time_held = {"hallen": str(page.context["held"]["id"]), "tid": value}
    chosen = {"brev_vid": "vald", "kallelse": "1", "own_text": "", "language": ""}
    other = f"{doctor.pk}|{(at_nine() + timedelta(hours=1)).isoformat()}"
    page = client.post(address, sent | time_held | chosen | {"tid": other})
    assert (page.status_code, page.context["letter_default"]) == (200, True)
    again = {"hallen": str(page.context["held"]["id"]), "tid": other}
    page = client.post(address, sent | again | chosen | {"step": "preview"})
    assert str(page.context["held"]["id"]) == again["hallen"]
    assert "adress saknas" in page.context["preview"]["missing"]
    assert not Appointment.objects.filter(care_unit=clinic).exists()
    main = visit_at(centre)
    user = factories.receptionist(centre, clinic)
    client = signed_in(user, user.assignments.get(care_unit=centre))
    page = client.get(reverse("book-consult", args=[main.patient_id]), choices(main.encounter, doctor))
    assert page.context["letter_default"] is True
