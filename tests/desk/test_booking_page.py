"""Booking and rebooking on the screens (BO-01, BO-03, VO-01, VO-02, VH-04, VH-08, PL-06, PL-07, PL-08, PL-27)."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from scheduling.actions import appointments as writes
from scheduling.models import Appointment, BookingRequest, ResourceBooking
from sdv.accounts.permissions import Role
from sdv.common.time import at_local, local_date, now, start_of_day
from sdv.flows import deceased
from tests import factories as make

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def unit():
    return make.CareUnitFactory()


@pytest.fixture
def nurse(unit):
    return make.ResourceFactory(care_unit=unit, profession="Ssk")


@pytest.fixture
def user(unit):
    return make.receptionist(unit)


@pytest.fixture
def desk(user):
    return signed_in(user)


@pytest.fixture
def patient():
    return make.patient()


def url_of(patient):
    return reverse("book", args=[patient.pk])


def choices(**fields):
    """A filled-in form: tomorrow and a week on."""
    tomorrow = local_date(now()) + timedelta(days=1)
    return {
        "besokstyp": str(make.visit_type().pk),
        "orsak": str(make.contact_reason().pk),
        "fran": tomorrow.isoformat(),
        "till": (tomorrow + timedelta(days=7)).isoformat(),
    } | fields


def times_in(response):
    return [time for day in response.context["days"] for time in day.times]


def tomorrow_at(hour, minute=0):
    return start_of_day(local_date(now()) + timedelta(days=1)) + timedelta(hours=hour, minutes=minute)


def value(resource, start):
    return f"{resource.pk}|{start.isoformat()}"


def hold(desk, patient, resource, start, **fields):
    """Takes a time; returns the confirmation page's form."""
    response = desk.post(url_of(patient), choices(**fields) | {"step": "hold", "tid": value(resource, start)})
    query = parse_qs(urlsplit(response["Location"]).query)
    return {name: values[0] for name, values in query.items()} | {"step": "book", "tid": value(resource, start)}


# --- The list of free times -------------------------------------------------------------------------------------------


def test_nothing_is_chosen_for_a_patient_nobody_has_seen(desk, patient, nurse):
    """Nothing implicit: no besökstyp, no times."""
    response = desk.get(url_of(patient))
    assert response.context["days"] == []
    assert "Välj besökstyp, så visas lediga tider" in response.content.decode()
    assert not response.context["form"].errors
    sent = choices(besokstyp="") | {"step": "hold", "tid": value(nurse, tomorrow_at(9))}
    assert desk.post(url_of(patient), sent).status_code == 422


def test_each_free_time_names_caregiver_unit_and_form(desk, patient, nurse, unit):
    """PL-07."""
    response = desk.get(url_of(patient), choices())
    first = times_in(response)[0]
    assert first.who == f"{nurse.practitioner}, sjuksköterska"
    assert (first.unit, first.form) == (unit.short_name, "fysiskt")
    assert first.is_best


def test_taken_times_are_left_out_and_say_nothing_of_whom(desk, patient, nurse, unit):
    """BO-01: other patients' names are nowhere."""
    make.booked_visit(
        care_unit=unit, resource=nurse, start=tomorrow_at(9), patient=make.patient(given_name="Annan", surname="Någon")
    )
    response = desk.get(url_of(patient), choices())
    clocks = [time.clock for time in response.context["days"][0].times]
    assert "08:30" in clocks
    assert "09:00" not in clocks
    assert "09:15" not in clocks
    assert "Någon" not in response.content.decode()


def test_the_time_nearest_the_wished_date_suits_best(desk, patient, nurse):
    wished = local_date(now()) + timedelta(days=1)
    response = desk.get(url_of(patient), choices(onskat=wished.isoformat()))
    best = [time for time in times_in(response) if time.is_best]
    assert len(best) == 1
    assert response.context["days"][0].times[0].is_best


def test_a_reason_that_does_not_belong_to_the_visit_type_falls_away(desk, patient, nurse):
    """VO-02."""
    foreign = make.contact_reason("uppföljning 3 mån basprogram")
    form = desk.get(url_of(patient), choices(orsak=str(foreign.pk))).context["form"]
    assert form.contact_reason is None
    assert str(foreign.pk) not in dict(form.fields["orsak"].choices)


def test_a_return_visit_is_already_filled_in(desk, user, patient, nurse, unit):
    """VH-04: besökstyp, orsak and caregiver of the last visit here; after a nybesök its återbesök."""
    make.arrived_visit(care_unit=unit, patient=patient, resource=nurse, visit_type="Pv Ssk Nybesök")
    make.ResourceFactory(care_unit=unit, profession="Ssk")
    form = desk.get(url_of(patient)).context["form"]
    assert form.visit_type.name == "Pv Ssk Återbesök"
    assert form.contact_reason.name == "uppföljning ospecificerad"
    assert form.resource == nurse


def test_the_only_request_that_waits_is_what_is_booked(desk, patient, nurse, unit):
    """BO-01, BB-01."""
    first = local_date(now()) + timedelta(days=10)
    request = make.booking_request(
        care_unit=unit,
        patient=patient,
        visit_type="Pv Ssk Återbesök",
        wished_from=first,
        wished_to=first + timedelta(days=5),
        wished_resource=nurse,
    )
    response = desk.get(url_of(patient))
    assert response.context["booking_request"] == request
    assert response.context["form"].data["fran"] == first.isoformat()
    assert response.context["form"].resource == nurse
    without = desk.get(response.context["without_request"])
    assert without.context["booking_request"] is None


def test_no_free_time_offers_other_caregivers_a_longer_search_and_the_waiting_list(desk, patient, unit):
    """PL-07."""
    closed = make.ResourceFactory(care_unit=unit, profession="Ssk", open_all_hours=False)
    response = desk.get(url_of(patient), choices(resurs=str(closed.pk)))
    html = response.content.decode()
    assert f"Ingen ledig tid till och med {choices()['till']}" in html
    for way in ("Visa andra vårdgivare", "Sök fyra veckor till", "Lägg på väntelista"):
        assert way in html


def test_the_workspace_alone_is_answered_to_htmx(desk, patient, nurse):
    html = desk.get(url_of(patient), choices(), headers={"HX-Request": "true"}).content.decode()
    assert html.lstrip().startswith('<div id="bokning"')
    assert "<html" not in html


def test_the_list_asks_the_database_equally_often_however_many_times_there_are(desk, patient, nurse, unit):
    week = choices()
    one_day = week | {"till": week["fran"]}
    desk.get(url_of(patient), one_day)
    few = queries_of(lambda: desk.get(url_of(patient), one_day))
    for _ in range(3):
        make.ResourceFactory(care_unit=unit, profession="Ssk")
    assert queries_of(lambda: desk.get(url_of(patient), week)) == few <= 25


# --- Taking and confirming --------------------------------------------------------------------------------------------


def test_a_time_is_held_for_two_minutes_and_then_booked(desk, user, patient, nurse, unit):
    """BO-01."""
    start = tomorrow_at(9)
    form = hold(desk, patient, nurse, start)
    held = ResourceBooking.objects.get(state="held")
    assert (held.held_by, held.period.lower) == (user, start)
    page = desk.get(url_of(patient), {name: form[name] for name in ("hallen", "besokstyp", "orsak", "fran", "till")})
    assert page.context["held"]["start"] == start
    assert 60 < page.context["held"]["seconds"] <= 120
    response = desk.post(url_of(patient), form)
    appointment = Appointment.objects.get()
    assert response["Location"] == f"{reverse('patient-appointments', args=[patient.pk])}?bokad={appointment.pk}"
    assert (appointment.start, appointment.patient, appointment.care_unit) == (start, patient, unit)
    assert list(appointment.resources.all()) == [nurse]
    assert not ResourceBooking.objects.filter(state="held").exists()
    receipt = desk.get(response["Location"]).content.decode()
    assert "Tiden är bokad:" in receipt
    assert "Avboka" in receipt


def test_a_held_time_is_not_free_to_others_but_still_to_oneself(desk, patient, nurse, unit):
    start = tomorrow_at(9)
    hold(desk, patient, nurse, start)
    other = signed_in(make.receptionist(unit))
    assert "09:00" not in [time.clock for time in times_in(other.get(url_of(patient), choices()))]
    assert "09:00" in [time.clock for time in times_in(desk.get(url_of(patient), choices()))]


def test_choosing_another_time_lets_go_of_the_held_one(desk, patient, nurse):
    form = hold(desk, patient, nurse, tomorrow_at(9))
    desk.post(url_of(patient), form | {"step": "hold", "tid": value(nurse, tomorrow_at(11))})
    assert [held.period.lower for held in ResourceBooking.objects.all()] == [tomorrow_at(11)]
    form["hallen"] = str(ResourceBooking.objects.get().pk)
    desk.post(url_of(patient), form | {"step": "release"})
    assert ResourceBooking.objects.count() == 0


def test_nothing_is_held_without_a_reason(desk, patient, nurse):
    """VO-01."""
    response = desk.post(url_of(patient), choices(orsak="") | {"step": "hold", "tid": value(nurse, tomorrow_at(9))})
    assert response.status_code == 422
    assert "Välj en vårdkontaktsorsak" in response.content.decode()
    assert ResourceBooking.objects.count() == 0


@pytest.mark.parametrize("step", ["hold", "book"])
def test_a_time_somebody_took_first_keeps_what_was_filled_in_and_offers_the_next_three(
    step, desk, patient, nurse, unit
):
    """BO-01, PL-07, PL-27."""
    start = tomorrow_at(9)
    make.booked_visit(care_unit=unit, resource=nurse, start=start)
    sent = choices(onskat=local_date(start).isoformat()) | {"step": step, "tid": value(nurse, start)}
    response = desk.post(url_of(patient), sent)
    html = response.content.decode()
    assert response.status_code == 409
    assert "Tiden hann bokas av någon annan." in html
    assert "Dina uppgifter är kvar." in html
    assert len(response.context["offered"]) == 3
    assert response.context["kept"]["onskat"] == local_date(start).isoformat()
    assert Appointment.objects.filter(patient=patient).count() == 0


def test_ones_own_second_click_does_nothing_and_says_nothing(desk, patient, nurse):
    """PL-27."""
    form = hold(desk, patient, nurse, tomorrow_at(9))
    first = desk.post(url_of(patient), form)
    second = desk.post(url_of(patient), form)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert Appointment.objects.count() == 1


def test_a_patient_double_booked_with_himself_is_a_warning_allowed_with_a_reason(desk, patient, nurse, unit):
    """PL-06."""
    start = tomorrow_at(9)
    make.booked_visit(patient=patient, start=start)
    listed = times_in(desk.get(url_of(patient), choices()))
    assert "Patienten har redan en tid då" in {time.note for time in listed if time.clock == "09:00"}
    form = hold(desk, patient, nurse, start)
    warned = desk.post(url_of(patient), form)
    assert warned.status_code == 409
    assert "Patienten har redan en bokning" in warned.content.decode()
    assert Appointment.objects.filter(care_unit=unit).count() == 0
    assert desk.post(url_of(patient), form | {"overrule": "1", "reason": " "}).status_code == 409
    desk.post(url_of(patient), form | {"overrule": "1", "reason": "Kommer mellan mötena"})
    appointment = Appointment.objects.get(care_unit=unit)
    assert appointment.overlap_reason == "Kommer mellan mötena"


def test_a_specialised_visit_without_a_vardatagande_shows_the_way(patient):
    """VH-08, PL-07."""
    clinic = make.SpecialisedClinicFactory()
    doctor = make.ResourceFactory(care_unit=clinic)
    client = signed_in(make.clinician(clinic))
    chosen = choices(besokstyp=str(make.visit_type("Sp Läk Återbesök").pk))
    page = client.get(url_of(patient), chosen)
    html = page.content.decode()
    assert page.context["no_way"] == "VH-08"
    assert reverse("referral-create", args=[patient.pk]) in html
    assert reverse("commitment-create", args=[patient.pk]) in html
    tid = value(doctor, tomorrow_at(9))
    assert client.post(url_of(patient), chosen | {"step": "hold", "tid": tid}).status_code == 409
    assert ResourceBooking.objects.count() == 0
    refused = client.post(url_of(patient), chosen | {"step": "book", "tid": value(doctor, tomorrow_at(9))})
    assert refused.status_code == 409
    assert "VH-08" in refused.content.decode()
    assert Appointment.objects.count() == 0


def test_with_several_vardataganden_one_is_chosen(patient):
    """VH-08: the visit hangs on one of them, and nobody guesses which."""
    clinic = make.SpecialisedClinicFactory()
    doctor = make.ResourceFactory(care_unit=clinic)
    client = signed_in(make.clinician(clinic))
    first = make.open_commitment(patient=patient, care_unit=clinic)
    make.open_commitment(patient=patient, care_unit=clinic, problem="demo02")
    sent = choices(besokstyp=str(make.visit_type("Sp Läk Återbesök").pk)) | {
        "step": "book",
        "tid": value(doctor, tomorrow_at(9)),
    }
    assert client.post(url_of(patient), sent).status_code == 422
    client.post(url_of(patient), sent | {"vardatagande": str(first.pk)})
    assert Appointment.objects.get().encounter.commitment == first


def test_a_booked_request_is_booked_and_no_longer_waits(desk, patient, nurse, unit):
    """BB-01, BO-01."""
    request = make.booking_request(care_unit=unit, patient=patient, visit_type="Pv Ssk Återbesök")
    form = hold(desk, patient, nurse, tomorrow_at(9), begaran=str(request.pk))
    desk.post(url_of(patient), form)
    request.refresh_from_db()
    assert request.status == "booked"
    assert Appointment.objects.get().booking_request == request
    assert desk.get(url_of(patient), {"begaran": request.pk}).status_code == 404


def test_the_patient_is_put_on_the_waiting_list_with_the_same_choices(desk, patient, nurse, unit):
    """BB-01."""
    desk.post(url_of(patient), choices(resurs=str(nurse.pk)) | {"step": "request"})
    request = BookingRequest.objects.get()
    assert (request.patient, request.care_unit, request.wished_resource) == (patient, unit, nurse)
    assert request.wished_from.isoformat() == choices()["fran"]
    assert Appointment.objects.count() == 0


def test_nothing_is_booked_for_the_dead(desk, patient, nurse):
    """AV-02."""
    deceased.register(
        patient_id=patient.pk, deceased_on=local_date(now()), by=make.UserFactory(), at=now(), reason="Dödsbevis"
    )
    page = desk.get(url_of(patient))
    assert "registrerad som avliden" in page.content.decode()
    assert "Lediga tider" not in page.content.decode()
    sent = choices() | {"step": "book", "tid": value(nurse, tomorrow_at(9))}
    assert desk.post(url_of(patient), sent).status_code == 409
    assert Appointment.objects.count() == 0


def test_who_may_not_book_does_not(unit, patient):
    client = signed_in(make.staff(Role.CODER, unit))
    assert client.get(url_of(patient)).status_code == 403


def test_another_units_resource_is_not_to_be_had(desk, patient, unit):
    """PL-25 shares lists, not resources."""
    foreign = make.ResourceFactory(profession="Ssk")
    response = desk.post(url_of(patient), choices() | {"step": "hold", "tid": value(foreign, tomorrow_at(9))})
    assert response.status_code == 409
    assert "Tiden finns inte på någon enhet där du har ett uppdrag som får boka." in response.content.decode()
    assert ResourceBooking.objects.count() == 0


# --- Overbooking --------------------------------------------------------------------------------------------------------


def test_overbooking_is_a_permission_and_the_units_own_choice(patient):
    """PL-06, BO-01: explicit."""
    unit = make.CareUnitFactory(allows_overbooking=True)
    nurse = make.ResourceFactory(care_unit=unit, profession="Ssk")
    start = tomorrow_at(9)
    make.booked_visit(care_unit=unit, resource=nurse, start=start)
    sent = choices(resurs=str(nurse.pk)) | {"step": "overbook", "dag": "+1d", "klockan": "9"}
    desk = signed_in(make.receptionist(unit))
    assert "Överboka" not in desk.get(url_of(patient), choices()).content.decode()
    assert desk.post(url_of(patient), sent).status_code == 403
    coordinator = signed_in(make.coordinator(unit))
    assert "Överboka" in coordinator.get(url_of(patient), choices()).content.decode()
    wrong = coordinator.post(url_of(patient), sent | {"klockan": "25", "resurs": ""})
    assert wrong.status_code == 422
    assert {name for name, text in wrong.context["overbooking_errors"].items() if text} == {"klockan", "resurs"}
    coordinator.post(url_of(patient), sent)
    booked = Appointment.objects.get(patient=patient)
    assert booked.is_overbooked
    assert booked.start == at_local(local_date(start), start.timetz().replace(tzinfo=None))


# --- Rebooking ----------------------------------------------------------------------------------------------------------


def test_a_booking_is_moved_and_the_old_time_is_free(desk, user, patient, nurse, unit):
    """BO-03, PL-08."""
    appointment = make.booked_visit(care_unit=unit, patient=patient, resource=nurse, start=tomorrow_at(9))
    url = reverse("appointment-reschedule", args=[appointment.pk])
    page = desk.get(url)
    assert page.context["form"].resource == nurse
    held = desk.post(url, {"step": "hold", "tid": value(nurse, tomorrow_at(11)), "version": "1"})
    form = {name: values[0] for name, values in parse_qs(urlsplit(held["Location"]).query).items()}
    confirm = desk.get(held["Location"])
    assert confirm.context["held"]["start"] == tomorrow_at(11)
    sent = form | {"step": "book", "tid": value(nurse, tomorrow_at(11)), "version": "1", "skal": "Patienten arbetar"}
    response = desk.post(url, sent)
    assert response.status_code == 302
    appointment.refresh_from_db()
    assert appointment.start == tomorrow_at(11)
    assert [row.period.lower for row in ResourceBooking.objects.all()] == [tomorrow_at(11)]
    assert appointment.history.get(event="rescheduled").reason == "Patienten arbetar"


def test_rebooking_to_a_time_somebody_took_offers_the_next(desk, patient, nurse, unit):
    """PL-07, PL-08: the old time is kept."""
    appointment = make.booked_visit(care_unit=unit, patient=patient, resource=nurse, start=tomorrow_at(9))
    make.booked_visit(care_unit=unit, resource=nurse, start=tomorrow_at(11))
    url = reverse("appointment-reschedule", args=[appointment.pk])
    response = desk.post(url, {"step": "book", "tid": value(nurse, tomorrow_at(11)), "version": "1"})
    assert response.status_code == 409
    assert len(response.context["offered"]) == 3
    appointment.refresh_from_db()
    assert appointment.start == tomorrow_at(9)


def test_rebooking_onto_another_booking_of_the_patient_is_warned_of(desk, patient, nurse, unit):
    """PL-06."""
    appointment = make.booked_visit(care_unit=unit, patient=patient, resource=nurse, start=tomorrow_at(9))
    make.booked_visit(patient=patient, start=tomorrow_at(11))
    url = reverse("appointment-reschedule", args=[appointment.pk])
    sent = {"step": "book", "tid": value(nurse, tomorrow_at(11)), "version": "1"}
    assert desk.post(url, sent).status_code == 409
    appointment.refresh_from_db()
    assert appointment.start == tomorrow_at(9)
    assert desk.post(url, sent | {"overrule": "1", "reason": "Vill ha båda"}).status_code == 302


def test_a_booking_that_somebody_changed_is_not_moved(desk, user, patient, nurse, unit):
    """PL-27."""
    appointment = make.booked_visit(care_unit=unit, patient=patient, resource=nurse, start=tomorrow_at(9))
    end = tomorrow_at(13) + timedelta(minutes=30)
    writes.reschedule(appointment_id=appointment.pk, start=tomorrow_at(13), end=end, by=make.UserFactory(), at=now())
    url = reverse("appointment-reschedule", args=[appointment.pk])
    response = desk.post(url, {"step": "book", "tid": value(nurse, tomorrow_at(11)), "version": "1"})
    assert response.status_code == 409
    appointment.refresh_from_db()
    assert appointment.start == tomorrow_at(13)


def test_a_cancelled_booking_is_not_moved(desk, patient, nurse, unit):
    appointment = make.cancelled_visit(care_unit=unit, patient=patient, resource=nurse, start=tomorrow_at(9))
    url = reverse("appointment-reschedule", args=[appointment.pk])
    assert "Bokningen kan inte flyttas" in desk.get(url).content.decode()
    response = desk.post(url, {"step": "book", "tid": value(nurse, tomorrow_at(11)), "version": "2"})
    assert response.status_code == 409


def test_another_units_booking_is_not_there(desk, patient):
    """Screens start from the session's unit."""
    appointment = make.booked_visit(patient=patient)
    assert desk.get(reverse("appointment-reschedule", args=[appointment.pk])).status_code == 404


@pytest.mark.parametrize(
    "value", ["", "\0", "x", "|", "2026-11-22T09:00", "0001-01-01T00:00+00:00", "9999-12-31T23:59+00:00"]
)
def test_a_time_that_cannot_be_is_refused_with_a_sentence(value, desk, patient, nurse, unit):
    for step in ("hold", "book"):
        response = desk.post(url_of(patient), choices() | {"step": step, "tid": f"{nurse.pk}|{value}"})
        assert response.status_code == 422
        assert "Välj en av de lediga tiderna i listan" in response.content.decode()
    appointment = make.booked_visit(care_unit=unit, patient=patient, resource=nurse, start=tomorrow_at(9))
    url = reverse("appointment-reschedule", args=[appointment.pk])
    sent = {"step": "book", "tid": f"{nurse.pk}|{value}", "version": "²", "fran": "9999-12-31", "skal": "\0"}
    assert desk.post(url, sent).status_code == 422
    assert desk.get(url, {"fran": value, "till": value, "resurs": value}).status_code == 200
    assert Appointment.objects.count() == 1
