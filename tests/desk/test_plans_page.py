"""Series and coordinated visits as pages (BO-02, PL-08)."""

from datetime import UTC, time, timedelta

import pytest
from django.urls import reverse

from registration.models import AddressKind, PatientAddress
from scheduling.actions import appointments
from scheduling.models import Appointment, LetterText, ResourceBooking, VisitPlan
from sdv.accounts.models import AccessLogEntry
from sdv.common.time import at_local, local, local_date, now
from tests import factories

from .signed_in import signed_in

DAY = timedelta(days=1)


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


def at_nine(days=7):
    return at_local(local_date(now()) + days * DAY, time(9)).astimezone(UTC)


def serie(nurse, **changes):
    return {
        "besokstyp": str(factories.visit_type("Pv Ssk Återbesök").pk),
        "orsak": str(factories.contact_reason().pk),
        "resurs": str(nurse.pk),
        "fran": local_date(at_nine()).isoformat(),
        "klockan": "09:00",
        "antal": "3",
        "varje": "1",
    } | changes


def times(nurse, *starts):
    return {f"tid-{number}": f"{nurse.pk}|{start.isoformat()}" for number, start in enumerate(starts, start=1)}


def test_a_series_is_proposed_with_the_misfits_first_and_booked_at_once(client, nurse):
    """PL-08"""
    factories.booked_visit(
        care_unit=nurse.care_unit,
        resource=nurse,
        visit_type=factories.visit_type(),
        start=at_nine(14),
        patient=factories.patient(),
    )
    patient = factories.patient()
    address = reverse("book-series", args=[patient.pk])
    assert "Välj besökstyp och vårdkontaktsorsak" in client.get(address).content.decode()
    page = client.get(address, serie(nurse)).content.decode()
    assert "1 av 3 besök passar inte som önskat" in page
    assert page.index("Passar inte") < page.index("Ledig<") if "Ledig<" in page else True
    assert page.index('id="tid-2"') < page.index('id="tid-1"') < page.index('id="tid-3"')
    assert not VisitPlan.objects.exists()
    # What the form sends on is what was written: a clock as it is read again.
    assert '<input type="hidden" name="klockan" value="09:00">' in page

    taken = client.post(address, serie(nurse) | times(nurse, at_nine(), at_nine(14), at_nine(21)))
    assert taken.status_code == 409 and "1 av 3 besök passar inte, inget är bokat" in taken.content.decode()
    assert Appointment.objects.filter(patient=patient).count() == 0
    chosen = times(nurse, at_nine(), at_nine(15), at_nine(21))
    text = client.post(address, serie(nurse) | chosen, follow=True).content.decode()
    assert "3 besök bokade för" in text and text.count("Serie") >= 3
    starts = list(patient.appointments.order_by("start").values_list("start", flat=True))
    assert starts == [at_nine(), at_nine(15), at_nine(21)]


def test_the_receipt_says_what_became_of_the_letters(client, nurse):
    """KA-01: a letter that lacks an address or the unit's telephone is not said to be written."""
    for day, told in ((7, "2 brev saknar uppgift, se Brev. 2 besök"), (8, "2 brev skrivna. 2 besök")):
        patient = factories.patient()
        if day == 8:
            kind = AddressKind.objects.get(code="bostadsadress")
            place = {"street": "Storgatan 1", "postal_code": "223 50", "town": "Lund"}
            PatientAddress.objects.create(patient=patient, kind=kind, **place)
            LetterText.objects.create(part="phone", care_unit=nurse.care_unit, text="046-17 00 00", source="Prov")
        chosen = times(nurse, at_nine(day), at_nine(day + 7)) | {"kallelse": "1"}
        page = client.post(reverse("book-series", args=[patient.pk]), serie(nurse) | chosen, follow=True)
        assert f"{told} bokade för" in page.content.decode()


def booked_series(client, nurse):
    patient = factories.patient()
    address = reverse("book-series", args=[patient.pk])
    client.post(address, serie(nurse) | times(nurse, at_nine(), at_nine(14), at_nine(21)))
    return list(patient.appointments.order_by("start"))


def test_one_or_the_rest_of_a_series_is_cancelled(client, nurse):
    """PL-08, BO-03: the others are told of."""
    first, second, third = booked_series(client, nurse)
    address = reverse("appointment-cancel", args=[second.pk])
    page = client.get(address).content.decode()
    assert "Planerad tillsammans med:" in page and "Avboka också det senare besöket" in page
    assert f"{local(first.start):%H:%M}" in page
    words = {"cancelled_by": "patient", "reason": "Frisk", "version": second.version}
    assert "2 bokningar avbokade för" in client.post(address, words | {"rest": "on"}, follow=True).content.decode()
    states = [Appointment.objects.get(pk=row.pk).status for row in (first, second, third)]
    assert states == ["booked", "cancelled", "cancelled"]


def booked_elsewhere(patient, doctor, start):
    """The patient is with the doctor then."""
    doctors = {"resource": doctor, "visit_type": factories.visit_type("Pv Läk Återbesök")}
    return factories.booked_visit(care_unit=doctor.care_unit, start=start, patient=patient, **doctors)


def test_a_repeated_click_books_nothing_more_and_lands_on_the_receipt(client, nurse):
    """PL-27: one's own says nothing, another's is told who was first."""
    patient = factories.patient()
    address = reverse("book-series", args=[patient.pk])
    words = serie(nurse) | times(nurse, at_nine(), at_nine(14), at_nine(21))
    first = client.post(address, words)
    again = client.post(address, words)
    assert (again.status_code, again["Location"]) == (302, first["Location"])
    assert "3 besök bokade för" in client.get(again["Location"]).content.decode()
    assert (patient.appointments.count(), VisitPlan.objects.count()) == (3, 1)
    other = signed_in(colleague(nurse)).post(address, words)
    text = other.content.decode()
    assert other.status_code == 409 and "redan bokade som en plan" in text
    assert client.get("/").wsgi_request.user.name in text
    assert (patient.appointments.count(), VisitPlan.objects.count()) == (3, 1)


def test_a_series_that_meets_the_patients_own_booking_is_told_and_booked_with_a_reason(client, nurse, doctor):
    """PL-06: what was chosen is kept while the reason is asked for."""
    patient = factories.patient()
    booked_elsewhere(patient, doctor, at_nine(14))
    address = reverse("book-series", args=[patient.pk])
    page = client.get(address, serie(nurse)).content.decode()
    assert "Patienten har redan en tid då" in page and page.index('id="tid-2"') < page.index('id="tid-1"')
    words = serie(nurse) | times(nurse, at_nine(), at_nine(14), at_nine(21)) | {"tid-1": ""}
    warned = client.post(address, words)
    page = warned.content.decode()
    assert warned.status_code == 409 and "1 av 2 besök passar inte" in page and "Spara ändå" in page
    assert '<option value="" selected>Hoppa över</option>' in page
    assert client.post(address, words | {"overrule": "1", "reason": " "}).status_code == 409
    assert patient.appointments.count() == 1
    insisted = words | {"overrule": "1", "reason": "Samma resa"}
    for _ in range(2):
        assert "2 besök bokade för" in client.post(address, insisted, follow=True).content.decode()
    reasons = patient.appointments.order_by("start", "created_at").values_list("overlap_reason", flat=True)
    assert list(reasons) == ["", "Samma resa", ""]


def test_the_rest_is_moved_past_the_patients_own_booking_with_a_reason(client, nurse, doctor):
    """PL-06, PL-08: the ticked box is kept while the reason is asked for."""
    first, second, third = booked_series(client, nurse)
    booked_elsewhere(second.patient, doctor, at_nine(22))
    address = reverse("appointment-reschedule", args=[second.pk])
    tid = f"{nurse.pk}|{at_nine(15).isoformat()}"
    words = {"resurs": str(nurse.pk), "fran": local_date(at_nine(15)).isoformat(), "andrad_av": "patient"}
    held = client.post(address, words | {"step": "hold", "tid": tid}, follow=True)
    words |= {"step": "book", "tid": tid, "resten": "1", "version": second.version}
    words["hallen"] = held.redirect_chain[-1][0].split("hallen=")[1]
    warned = client.post(address, words)
    page = warned.content.decode()
    assert warned.status_code == 409 and "inget är ombokat" in page and "Spara ändå" in page
    assert 'name="resten" value="1" checked' in page
    assert ResourceBooking.objects.filter(state="held").count() == 1
    insisted = words | {"overrule": "1", "reason": "Samma resa"}
    assert "2 besök ombokade för" in client.post(address, insisted, follow=True).content.decode()
    starts = [Appointment.objects.get(pk=row.pk).start for row in (first, second, third)]
    assert starts == [at_nine(), at_nine(15), at_nine(22)]
    assert not ResourceBooking.objects.filter(state="held").exists()


def colleague(nurse):
    return factories.receptionist(nurse.care_unit)


def test_the_rest_is_cancelled_by_who_saw_the_booking_as_it_is_and_once(client, nurse):
    """PL-27: another who changed it is named and nothing is done; one's own repeated click says nothing."""
    first, second, third = booked_series(client, nurse)
    address = reverse("appointment-cancel", args=[second.pk])
    words = {"cancelled_by": "provider", "reason": "Frånvaro", "version": second.version, "rest": "on"}
    other = colleague(nurse)
    moved_to = at_nine(15)
    appointments.reschedule(
        appointment_id=second.pk, start=moved_to, end=moved_to + timedelta(minutes=30), by=other, at=now()
    )
    stale = client.post(address, words)
    assert stale.status_code == 409 and other.name in stale.content.decode()
    assert set(Appointment.objects.values_list("status", flat=True)) == {"booked"}
    words["version"] = Appointment.objects.get(pk=second.pk).version
    for _ in range(2):
        assert "2 bokningar avbokade för" in client.post(address, words, follow=True).content.decode()
    assert Appointment.objects.get(pk=first.pk).status == "booked"
    later = signed_in(other).post(address, words)
    assert later.status_code == 409 and "redan avbokad" in later.content.decode()
    assert Appointment.objects.get(pk=third.pk).history.filter(event="cancelled").count() == 1


def test_the_rest_is_moved_by_who_saw_the_booking_as_it_is_and_once(client, nurse, doctor):
    """PL-27, PL-08"""
    first, second, third = booked_series(client, nurse)
    address = reverse("appointment-reschedule", args=[second.pk])
    words = {"step": "book", "tid": f"{nurse.pk}|{at_nine(15).isoformat()}", "resten": "1", "version": second.version}
    words |= {"resurs": str(nurse.pk), "fran": local_date(at_nine(15)).isoformat(), "andrad_av": "patient"}
    with_another = client.post(address, words | {"resurs": "", "tid": f"{doctor.pk}|{at_nine(15).isoformat()}"})
    assert with_another.status_code == 409 and "samma vårdgivare" in with_another.content.decode()
    for _ in range(2):
        assert "2 besök ombokade för" in client.post(address, words, follow=True).content.decode()
    starts = [Appointment.objects.get(pk=row.pk).start for row in (first, second, third)]
    assert starts == [at_nine(), at_nine(15), at_nine(22)]
    stale = client.post(address, words | {"tid": f"{nurse.pk}|{at_nine(16).isoformat()}"})
    assert stale.status_code == 409 and "Någon annan har ändrat" in stale.content.decode()
    alone = signed_in(colleague(nurse)).post(address, {key: words[key] for key in words if key != "resten"})
    assert alone.status_code == 409 and client.get("/").wsgi_request.user.name in alone.content.decode()
    assert [Appointment.objects.get(pk=row.pk).start for row in (first, second, third)] == starts


def test_the_rest_of_a_series_is_moved(client, nurse):
    """PL-08"""
    first, second, third = booked_series(client, nurse)
    address = reverse("appointment-reschedule", args=[second.pk])
    choices = {"resurs": str(nurse.pk), "fran": local_date(at_nine(15)).isoformat(), "andrad_av": "patient"}
    choices["till"] = local_date(at_nine(30)).isoformat()
    held = client.post(address, choices | {"step": "hold", "tid": f"{nurse.pk}|{at_nine(15).isoformat()}"}, follow=True)
    page = held.content.decode()
    assert "Flytta också det senare besöket i planen" in page and "Planerad med" in page
    words = {"step": "book", "tid": f"{nurse.pk}|{at_nine(15).isoformat()}", "resten": "1"}
    words["hallen"] = held.redirect_chain[-1][0].split("hallen=")[1]
    assert "2 besök ombokade för" in client.post(address, choices | words, follow=True).content.decode()
    starts = [Appointment.objects.get(pk=row.pk).start for row in (first, second, third)]
    assert starts == [at_nine(), at_nine(15), at_nine(22)]


def test_coordinated_visits_are_proposed_on_one_day_and_booked_together(client, nurse, doctor):
    """BO-02: each its own contact; the other is told of when one is changed."""
    patient = factories.patient()
    address = reverse("book-together", args=[patient.pk])
    assert "Välj minst två besökstyper" in client.get(address).content.decode()
    reason = str(factories.contact_reason().pk)
    day = local_date(at_nine()).isoformat()
    wishes = {
        "fran": day,
        "till": day,
        "1-besokstyp": str(factories.visit_type("Pv Läk Återbesök").pk),
        "1-orsak": reason,
        "2-besokstyp": str(factories.visit_type("Pv Ssk Återbesök").pk),
        "2-orsak": reason,
        "2-resurs": str(nurse.pk),
    }
    page = client.get(address, wishes).content.decode()
    assert "Anna Holm" in page and "Sara Norén" in page and "Boka alla" in page
    assert not VisitPlan.objects.exists()
    start = at_nine()
    chosen = {
        "tid-1": f"{doctor.pk}|{start.isoformat()}",
        "tid-2": f"{nurse.pk}|{(start + timedelta(minutes=60)).isoformat()}",
    }
    overlapping = chosen | {"tid-2": f"{nurse.pk}|{start.isoformat()}"}
    refused = client.post(address, wishes | overlapping)
    assert refused.status_code == 409 and not Appointment.objects.exists()
    text = client.post(address, wishes | chosen, follow=True).content.decode()
    assert "2 besök bokade för" in text and text.count("Samordnade besök") >= 2
    rows = list(Appointment.objects.order_by("start"))
    assert [row.kind for row in rows] == ["coordinated"] * 2 and len({row.encounter_id for row in rows}) == 2
    page = client.get(reverse("appointment-reschedule", args=[rows[0].pk])).content.decode()
    assert "Planerad med" in page and "Pv Ssk Återbesök" in page


def test_what_cannot_be_read_is_told_and_nothing_is_booked(client, nurse):
    """PL-08"""
    address = reverse("book-series", args=[factories.patient().pk])
    for broken in ("x", "x|y", f"{nurse.pk}|2026-99-99"):
        wrong = client.post(address, serie(nurse) | {"tid-1": broken, "tid-2": broken})
        assert wrong.status_code == 409, wrong.content
    assert client.get(address, serie(nurse, antal="x", fran="y")).status_code == 200
    assert client.get(reverse("book-together", args=[factories.patient().pk]), {"fran": "x"}).status_code == 200
    assert not Appointment.objects.exists()


def test_a_person_a_room_and_another_profession_are_one_time_held_and_booked_as_one(client, nurse, doctor):
    """BO-02, BO-01: what is not free with the others is hidden and told."""
    rooms = [
        factories.ResourceFactory(care_unit=nurse.care_unit, kind="room", practitioner=None, name=f"Rum {number}")
        for number in (1, 2)
    ]
    patient = factories.patient()
    address = reverse("book", args=[patient.pk])
    factories.booked_visit(
        care_unit=nurse.care_unit,
        resource=doctor,
        visit_type=factories.visit_type("Pv Läk Återbesök"),
        start=at_nine(),
        patient=factories.patient(),
    )
    choices = {
        "besokstyp": str(factories.visit_type("Pv Ssk Återbesök").pk),
        "orsak": str(factories.contact_reason().pk),
        "resurs": str(nurse.pk),
        "med": str(doctor.pk),
        "rum": "ledigt",
        "fran": local_date(at_nine()).isoformat(),
        "till": local_date(at_nine()).isoformat(),
    }
    page = client.get(address, choices).content.decode()
    assert "Sara Norén" in page and "Anna Holm" in page and "Rum 1" in page
    assert "inget ledigt rum eller utrustning" in page
    start = at_nine() + timedelta(hours=3)
    chosen = f"{nurse.pk}|{start.isoformat()}|{doctor.pk},{rooms[0].pk}"
    held = client.post(address, choices | {"step": "hold", "tid": chosen}, follow=True)
    assert ResourceBooking.objects.filter(state="held").count() == 3
    words = {"step": "book", "tid": chosen, "hallen": held.redirect_chain[-1][0].split("hallen=")[1]}
    client.post(address, choices | words)
    row = patient.appointments.get()
    assert (row.kind, row.resource_bookings.count(), ResourceBooking.objects.filter(state="held").count()) == (
        "team",
        3,
        0,
    )
    assert row.encounter.participants.get(is_main_responsible=True).practitioner == nurse.practitioner
    # Moved, everybody goes along and the main responsible stays so.
    address = reverse("appointment-reschedule", args=[row.pk])
    later = start + DAY
    words = {"step": "book", "resurs": str(nurse.pk), "tid": f"{nurse.pk}|{later.isoformat()}", "andrad_av": "patient"}
    words |= {"fran": local_date(later).isoformat(), "till": local_date(later).isoformat()}
    client.post(address, words)
    row = Appointment.objects.get(pk=row.pk)
    assert (row.start, row.resource_bookings.count()) == (later, 3)
    assert row.encounter.participants.get(is_main_responsible=True).practitioner == nurse.practitioner


def test_coordinated_visits_are_of_several_units_where_one_may_book(centre, nurse):
    """BO-02: the misfit of the other unit first; booked all or none, each at its unit, logged under one's own assignment
    there; whoever has no right there has no choice of unit, and what is sent for it is not read."""
    other = factories.HealthCentreFactory()
    doctor = factories.ResourceFactory(care_unit=other, profession="Läk", name="Anna Holm")
    user = factories.receptionist(centre, other)
    client = signed_in(user, user.assignments.get(care_unit=centre))
    patient, reason = factories.patient(), str(factories.contact_reason().pk)
    day = local_date(at_nine()).isoformat()
    wishes = {
        "fran": day,
        "till": day,
        "1-enhet": str(centre.pk),
        "1-besokstyp": str(factories.visit_type("Pv Ssk Återbesök").pk),
        "1-orsak": reason,
        "2-enhet": str(other.pk),
        "2-besokstyp": str(factories.visit_type("Pv Läk Återbesök").pk),
        "2-orsak": reason,
    }
    address = reverse("book-together", args=[patient.pk])
    page = client.get(address, wishes).content.decode()
    assert other.short_name in page and "Boka alla" in page and f"{doctor.pk}|" in page
    chosen = {
        "tid-1": f"{nurse.pk}|{at_nine().isoformat()}",
        "tid-2": f"{doctor.pk}|{(at_nine() + timedelta(minutes=30)).isoformat()}",
    }
    alone = signed_in(factories.receptionist(centre))
    assert "1-enhet" not in alone.get(address, wishes).content.decode()
    assert alone.post(address, wishes | chosen).status_code in (200, 409)
    assert not Appointment.objects.exists()
    doctor.weekly_hours.all().delete()
    page = client.get(address, wishes).content.decode()
    assert "1 av 2 besök passar inte som önskat" in page
    assert page.index("Ingen ledig tid nära") < page.index(f'value="{nurse.pk}|')
    refused = client.post(address, wishes | chosen)
    assert refused.status_code == 409 and not Appointment.objects.exists()
    factories.WeeklyHoursFactory(resource=doctor, weekday=local_date(at_nine()).isoweekday())
    text = client.post(address, wishes | chosen, follow=True).content.decode()
    assert "2 besök bokade för" in text
    rows = list(Appointment.objects.order_by("start"))
    assert [(row.care_unit, row.kind) for row in rows] == [(centre, "coordinated"), (other, "coordinated")]
    assert AccessLogEntry.objects.filter(what="besöksplan bokad", action="write", care_unit=other).count() == 1
    page = client.get(reverse("appointment-reschedule", args=[rows[0].pk])).content.decode()
    assert "Planerad med" in page and f"Pv Läk Återbesök, {other.short_name}" in page
