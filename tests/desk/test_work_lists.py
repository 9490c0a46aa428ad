"""Arbetslistor and Bokningsbegäran as pages: what stands where, who may do what, what is refused, how few queries
(BB-01, UT-04…07, PL-05, PL-20, VH-11, VH-19, SK-05)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registration.actions import facts
from registration.models import CareCommitment, Referral, ReferralStatus
from scheduling import promises
from scheduling.actions import absences
from scheduling.models import (
    AwaitedResult,
    BookingRequest,
    KeptFilters,
    MissingFollowUp,
    NoShowItem,
    OutcomeReason,
    RebookingItem,
)
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from sdv.desk.counts import COUNTS
from sdv.flows import cancellation

from .. import factories
from .signed_in import signed_in

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


@pytest.fixture
def clinic(db):
    return factories.SpecialisedClinicFactory()


@pytest.fixture
def client(clinic):
    """A coordinator of the clinic, who may do everything in the lists."""
    return signed_in(factories.coordinator(clinic))


def visit(made, clinic, **fields):
    """A visit to a person of its own, so that no two want the same time."""
    return made(care_unit=clinic, resource=factories.ResourceFactory(care_unit=clinic), **fields)


def awaited(clinic, **fields):
    visit(factories.checked_out_visit, clinic, outcome="await_result", **fields)
    return AwaitedResult.objects.order_by("-id").first()


def shown(client, name, **query):
    response = client.get(reverse("work-list", args=[name]), query)
    assert response.status_code == 200
    return response.content.decode()


def today():
    return local_date(now())


# --- The lists --------------------------------------------------------------------------------------------------------


def test_each_item_stands_in_its_own_list_and_in_no_other(client, clinic):
    """PL-20, UT-04, UT-05, PL-05, VH-19, VA-03."""
    names = {
        "to-book": factories.patient(surname="Accepterad"),
        "awaiting-result": factories.patient(surname="Avvaktad"),
        "missing-follow-up": factories.patient(surname="Oplanerad"),
        "no-shows": factories.patient(surname="Utebliven"),
        "awaiting-check-out": factories.patient(surname="Ankommen"),
    }
    factories.accepted_referral(care_unit=clinic, patient=names["to-book"])
    visit(factories.checked_out_visit, clinic, outcome="await_result", patient=names["awaiting-result"])
    visit(factories.checked_out_visit, clinic, outcome="no_further_planning", patient=names["missing-follow-up"])
    visit(factories.no_show, clinic, patient=names["no-shows"])
    visit(factories.arrived_visit, clinic, patient=names["awaiting-check-out"])
    # A visit's vårdåtagande is made with a remiss of its own; it is used at arrival but not by a no-show (VA-04).
    Referral.objects.exclude(patient=names["to-book"]).update(status=ReferralStatus.CLOSED)
    for name, patient in names.items():
        text = shown(client, name)
        assert f"{patient.surname}, Maria" in text, name
        others = [other.surname for key, other in names.items() if key != name]
        assert [other for other in others if f"{other}, Maria" in text] == [], name


def test_a_cancelled_booking_with_a_note_stands_in_a_list_until_it_is_ended_by_hand(client, clinic):
    """VH-11, VH-12."""
    booking = visit(factories.booked_visit, clinic, at=now() - timedelta(days=2), start=now() + WEEK)
    facts.report_document(encounter_id=booking.encounter_id, kind="Anteckning", external_id="A1", by=None, at=now())
    cancellation.cancel(
        appointment_id=booking.pk,
        cancelled_by="provider",
        reason="Läkaren är sjuk",
        by=factories.UserFactory(),
        at=now(),
    )
    assert "Öberg, Maria" in shown(client, "cancelled-not-ended")
    response = client.post(reverse("encounter-discharge", args=[booking.encounter_id]))
    assert response.status_code == 302
    assert "Inga avbokade att avsluta." in shown(client, "cancelled-not-ended")


def test_what_breaks_the_promise_is_counted_first_and_listed(client, clinic):
    """UT-07."""
    factories.open_commitment(patient=factories.patient(), care_unit=clinic)
    assert "Alla öppna vårdåtaganden på enheten har en planering" in client.get(reverse("work-lists")).content.decode()
    Referral.objects.update(status=ReferralStatus.CLOSED)
    assert promises.broken(at=now()).count() == 1
    text = client.get(reverse("work-lists")).content.decode()
    assert "1 öppet vårdåtagande saknar planering." in text
    listed = shown(client, "broken-promises")
    assert "Öberg, Maria" in listed and "Ny bokningsbegäran" in listed


def test_the_oldest_deadline_is_first_and_says_how_late_it_is(client, clinic):
    """ui.md 4.8."""
    later, late = awaited(clinic), awaited(clinic)
    AwaitedResult.objects.filter(pk=late.pk).update(watch_until=today() - timedelta(days=3))
    text = shown(client, "awaiting-result")
    assert text.index(str(late.pk)) < text.index(str(later.pk))
    assert "Försenad 3 dagar" in text and "21 dagar kvar" in text


def test_mine_are_those_i_am_responsible_for(clinic):
    """ui.md 4.8: Mina och min enhets."""
    user = factories.clinician(clinic)
    mine, another = awaited(clinic, by=user), awaited(clinic)
    text = shown(signed_in(user), "awaiting-result", visa="mina")
    assert str(mine.pk) in text and str(another.pk) not in text


def test_another_units_rows_are_neither_listed_nor_reached(client, clinic):
    """Unit scoping: what is not the unit's does not exist."""
    elsewhere = factories.SpecialisedClinicFactory()
    item = awaited(elsewhere)
    request = factories.booking_request(care_unit=elsewhere)
    assert "Inget att bevaka." in shown(client, "awaiting-result")
    addresses = [
        reverse("work-item-decide", args=["awaiting-result", item.pk]),
        reverse("work-item-postpone", args=["awaiting-result", item.pk]),
        reverse("booking-request", args=[request.pk]),
        reverse("booking-request-close", args=[request.pk]),
        reverse("booking-request-resource", args=[request.pk]),
        reverse("encounter", args=[item.encounter_id]),
    ]
    assert [client.get(address).status_code for address in addresses] == [404] * len(addresses)
    assert client.post(reverse("work-item-result", args=[item.pk])).status_code == 404
    assert client.post(reverse("booking-request-confirm", args=[request.pk])).status_code == 404


@pytest.mark.parametrize("name", ["ombokningar", "unknown", "Avvakta"])
def test_a_list_that_does_not_exist_is_not_found(client, name):
    assert client.get(reverse("work-list", args=[name])).status_code == 404


@pytest.mark.parametrize("name", ["booking-requests", "referrals", "coding"])
def test_lists_with_pages_of_their_own_are_led_to(client, name):
    response = client.get(reverse("work-list", args=[name]))
    assert (response.status_code, response["Location"]) == (302, reverse(name))


def test_a_protected_patient_is_shown_by_the_markings_name(client, clinic):
    """SK-02, SK-05."""
    secret = factories.protected_patient(given_name="Hemlig", surname="Gömdsson")
    awaited(clinic, patient=secret)
    factories.booking_request(care_unit=clinic, patient=secret)
    for address in (reverse("work-list", args=["awaiting-result"]), reverse("booking-requests")):
        text = client.get(address).content.decode()
        assert "Sekretessmarkering" in text
        assert "Gömdsson" not in text and "Hemlig" not in text


def test_a_bad_cursor_is_told_in_swedish(client, clinic):
    response = client.get(reverse("work-list", args=["awaiting-result"]), {"cursor": "påhitt"})
    assert response.status_code == 422
    assert "Börja om från listans början" in response.content.decode()


# --- What is done with an item ------------------------------------------------------------------------------------------


def decide(client, item, name="awaiting-result", **data):
    return client.post(reverse("work-item-decide", args=[name, item.pk]), data)


def follow_up(item):
    visit_of = item.encounter
    return {
        "ny-visit_type": visit_of.visit_type_id,
        "ny-contact_reason": visit_of.contact_reason_id,
        "ny-wished_from": "+14d",
        "ny-wished_to": "+4v",
    }


def test_an_answer_that_has_come_is_registered_and_asks_for_a_decision(client, clinic):
    """UT-04."""
    item = awaited(clinic)
    response = client.post(reverse("work-item-result", args=[item.pk]))
    assert response.status_code == 302
    item.refresh_from_db()
    assert item.status == "arrived"
    text = shown(client, "awaiting-result")
    assert "Svaret är registrerat för" in text
    assert text.count("Svar har kommit") == 1, "the button is gone, the tag is there"


def test_a_follow_up_decision_makes_a_request_and_leaves_the_list(client, clinic):
    """UT-04, UT-06."""
    item = awaited(clinic)
    response = decide(client, item, decision="follow_up", **follow_up(item))
    assert response.status_code == 302
    request = BookingRequest.objects.get()
    assert (request.status, request.commitment_id) == ("open", item.commitment_id)
    assert request.wished_to == today() + 4 * WEEK
    item.refresh_from_db()
    assert (item.status, item.decision) == ("decided", "follow_up")
    assert "Inget att bevaka." in shown(client, "awaiting-result")
    assert not promises.broken(at=now()).exists()


def test_ending_the_commitment_needs_a_reason_and_closes_it(client, clinic):
    """UT-03."""
    item = awaited(clinic)
    refused = decide(client, item, decision="end_commitment")
    assert refused.status_code == 422
    assert "kräver en orsak" in refused.content.decode() and "UT-03" in refused.content.decode()
    item.refresh_from_db()
    assert item.status == "watching"
    reason = OutcomeReason.objects.filter(outcome="end_commitment").order_by("position").first()
    assert decide(client, item, decision="end_commitment", reason=reason.pk).status_code == 302
    commitment = CareCommitment.objects.get(pk=item.commitment_id)
    assert (commitment.status, commitment.close_reason) == ("closed", reason.name)


def test_nothing_more_is_refused_while_nothing_else_is_planned(client, clinic):
    """UT-07: with its rule, and nothing is changed."""
    item = awaited(clinic)
    response = decide(client, item, decision="nothing_more")
    text = response.content.decode()
    assert response.status_code == 409
    assert "Regel UT-07" in text and "inget är planerat" in text
    item.refresh_from_db()
    assert item.decided_at is None


def test_a_refusal_in_the_dialog_comes_as_a_fragment(client, clinic):
    """ui.md 1.3: in place, not as a page."""
    item = awaited(clinic)
    response = client.post(
        reverse("work-item-decide", args=["awaiting-result", item.pk]),
        {"decision": "nothing_more"},
        headers={"HX-Request": "true"},
    )
    assert response.status_code == 409
    assert "<html" not in response.content.decode()
    assert response["HX-Retarget"].startswith("dialog[open] .refusal")


def test_no_decision_chosen_is_told_at_the_choice(client, clinic):
    item = awaited(clinic)
    response = decide(client, item)
    assert response.status_code == 422
    assert "Välj ett beslut." in response.content.decode()


def test_a_follow_up_without_its_fields_is_told_at_each_field(client, clinic):
    """UT-06, VO-01."""
    item = awaited(clinic)
    text = decide(client, item, decision="follow_up").content.decode()
    assert "Välj besökstyp." in text and "exakt en" in text and "Ange från vilken dag." in text
    assert not BookingRequest.objects.exists()


def test_a_reason_that_the_visit_type_does_not_have_is_refused_with_its_rule(client, clinic):
    """VO-02."""
    item = awaited(clinic)
    offered = {row.pk for row in factories.ContactReason.objects.offered_for(item.encounter.visit_type, today())}
    other = factories.ContactReason.objects.exclude(pk__in=offered).filter(visit_type_links__isnull=False).first()
    response = decide(client, item, decision="follow_up", **follow_up(item) | {"ny-contact_reason": other.pk})
    assert response.status_code == 422
    assert not BookingRequest.objects.exists()


def test_the_second_to_decide_is_told_who_was_first(client, clinic):
    """PL-27."""
    item = awaited(clinic)
    colleague = factories.coordinator(clinic, name="Maria Ek")
    assert decide(signed_in(colleague), item, decision="follow_up", **follow_up(item)).status_code == 302
    response = decide(client, item, decision="follow_up", **follow_up(item))
    assert response.status_code == 409
    assert "redan beslutad" in response.content.decode() and "Maria Ek" in response.content.decode()
    assert BookingRequest.objects.count() == 1


def test_ones_own_repeated_click_does_nothing_and_says_nothing(clinic):
    """PL-27."""
    item = awaited(clinic)
    client = signed_in(factories.coordinator(clinic))
    for _ in range(2):
        assert decide(client, item, decision="follow_up", **follow_up(item)).status_code == 302
    assert BookingRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "made", "fields", "model"),
    [
        ("missing-follow-up", factories.checked_out_visit, {"outcome": "no_further_planning"}, MissingFollowUp),
        ("no-shows", factories.no_show, {}, NoShowItem),
    ],
)
def test_the_other_lists_are_decided_in_the_same_way(client, clinic, name, made, fields, model):
    """UT-05, PL-05."""
    visit(made, clinic, **fields)
    item = model.objects.get()
    assert client.get(reverse("work-item-decide", args=[name, item.pk])).status_code == 200
    assert decide(client, item, name, decision="follow_up", **follow_up(item)).status_code == 302
    item.refresh_from_db()
    assert (item.status, item.decision) == ("done", "follow_up")


def test_postponing_proposes_a_week_and_refuses_the_past(client, clinic):
    """ui.md 4.8: S, +7d."""
    item = awaited(clinic)
    address = reverse("work-item-postpone", args=["awaiting-result", item.pk])
    assert (item.watch_until + WEEK).isoformat() in client.get(address).content.decode()
    refused = client.post(address, {"watch_until": "igår", "version": item.version})
    assert refused.status_code == 422 and "Datumet har passerat" in refused.content.decode()
    assert client.post(address, {"watch_until": "+7d", "version": item.version}).status_code == 302
    item.refresh_from_db()
    assert item.watch_until == today() + WEEK


def test_a_booking_to_move_is_postponed_until_its_own_day_at_the_latest(client, clinic):
    """PL-02. It is decided by a new time or a cancellation, never as an item."""
    doctor = factories.ResourceFactory(care_unit=clinic)
    booked = factories.booked_visit(care_unit=clinic, resource=doctor, start=factories.in_days(5))
    times = {"start": booked.start, "end": booked.end}
    absences.register(care_unit=clinic, resource_id=doctor.pk, kind="leave", **times, by=booked.created_by, at=now())
    item = RebookingItem.objects.get()
    address = reverse("work-item-postpone", args=["rebooking", item.pk])
    own_day = local_date(booked.start)
    assert client.get(address).context["form"]["watch_until"].value() == own_day.isoformat()
    refused = client.post(address, {"watch_until": (own_day + timedelta(days=1)).isoformat(), "version": "1"})
    assert refused.status_code == 422 and f"Bokningen är {own_day}." in refused.content.decode()
    client.post(address, {"watch_until": own_day.isoformat(), "version": "1"})
    item.refresh_from_db()
    assert (item.watch_until, item.version) == (own_day, 2)
    assert client.post(reverse("work-item-decide", args=["rebooking", item.pk])).status_code == 404


def test_postponing_what_somebody_else_has_just_postponed_is_a_conflict(client, clinic):
    """PL-27: nothing is overwritten."""
    item = awaited(clinic)
    AwaitedResult.objects.filter(pk=item.pk).update(version=item.version + 1)
    address = reverse("work-item-postpone", args=["awaiting-result", item.pk])
    assert client.post(address, {"watch_until": "+7d", "version": item.version}).status_code == 409
    assert AwaitedResult.objects.get(pk=item.pk).watch_until == item.watch_until


def test_who_may_not_decide_sees_the_list_without_the_button(clinic):
    """The permission table: a receptionist handles the list, a clinician decides, a manager reads."""
    item = awaited(clinic)
    address = reverse("work-item-decide", args=["awaiting-result", item.pk])
    receptionist, manager = signed_in(factories.receptionist(clinic)), signed_in(factories.staff(Role.MANAGER, clinic))
    text = shown(receptionist, "awaiting-result")
    assert "Besluta" not in text.split("<tbody>")[1] and "Skjut upp" in text
    assert receptionist.get(address).status_code == 403
    assert receptionist.post(address, {"decision": "nothing_more"}).status_code == 403
    assert "Skjut upp" not in shown(manager, "awaiting-result")
    assert manager.post(reverse("work-item-result", args=[item.pk])).status_code == 403
    item.refresh_from_db()
    assert item.status == "watching"


# --- Bokningsbegäran --------------------------------------------------------------------------------------------------


def test_the_request_list_has_the_instructions_columns(client, clinic):
    """BB-01."""
    resource = factories.ResourceFactory(care_unit=clinic)
    factories.booking_request(
        care_unit=clinic, wished_place="Filialen", description="Ring före", wished_resource=resource
    )
    text = client.get(reverse("booking-requests")).content.decode()
    columns = ["Person-ID", "Begärd plats", "Patientnamn", "Begärt startdatum", "Begärt slutdatum", "Besökstyp"]
    columns += ["Vårdinrättning", "Beskrivning", "Önskad resurs"]
    places = [text.index(f'<th scope="col">{column}</th>') for column in columns]
    assert places == sorted(places)
    row = text.split("<tbody>")[1]
    for value in ("Filialen", "Ring före", resource.name, clinic.facility.name, "Sp Läk Återbesök", "14 dagar kvar"):
        assert value in row


def filtered(client, **fields):
    """The rows that the filters leave, as the page shows them after the POST."""
    response = client.post(reverse("booking-requests"), fields, follow=True)
    assert response.status_code == 200
    text = response.content.decode()
    return text.split("<tbody>")[1] if "<tbody>" in text else ""


def test_every_column_can_be_filtered_on(client, clinic):
    """BB-01."""
    resource = factories.ResourceFactory(care_unit=clinic)
    wanted = factories.booking_request(
        care_unit=clinic,
        patient=factories.patient(surname="Eftersökt"),
        wished_place="Filialen",
        description="Ring före",
        wished_resource=resource,
        wished_from=today() + 2 * WEEK,
        wished_to=today() + 3 * WEEK,
        visit_type="Sp Läk Nybesök",
    )
    other = factories.booking_request(care_unit=clinic, wished_from=today(), wished_to=today() + 4 * WEEK)
    number = wanted.patient.identities.get().value
    filters = [
        {"person": number[-4:]},
        {"plats": "filial"},
        {"namn": "eftersö"},
        {"fran": "+2v"},
        {"till": "+3v"},
        {"besokstyp": wanted.visit_type_id},
        {"beskrivning": "ring"},
        {"resurs": str(resource.pk)},
    ]
    for fields in filters:
        rows = filtered(client, **fields)
        assert str(wanted.pk) in rows, fields
        assert str(other.pk) not in rows, fields
    assert str(other.pk) in filtered(client, resurs="ingen")
    assert str(wanted.pk) in filtered(client, inrattning=clinic.facility.name[:4])
    assert filtered(client, inrattning="finns inte") == ""
    assert str(wanted.pk) in filtered(client, status="open")
    assert filtered(client, status="late") == ""


def test_what_tells_who_a_person_is_never_stands_in_the_address(client, clinic):
    """No identity number or name in a URL; the rest can be shared as a link."""
    response = client.post(
        reverse("booking-requests"),
        {"person": "0322", "namn": "Öberg", "beskrivning": "Ring Maria", "plats": "Filialen"},
    )
    assert response["Location"] == f"{reverse('booking-requests')}?plats=Filialen"


def test_filters_are_remembered_until_all_is_asked_for(client, clinic):
    """BB-01: saved per user."""
    request = factories.booking_request(care_unit=clinic, description="Ring före")
    assert filtered(client, beskrivning="rullstol") == ""
    assert "Inget att boka med de här filtren." in client.get(reverse("booking-requests")).content.decode()
    client.post(reverse("booking-requests"), {"clear": "1"})
    assert str(request.pk) in client.get(reverse("booking-requests")).content.decode()


def test_filters_are_met_again_in_the_next_session_without_what_tells_who_somebody_is(clinic):
    """BB-01: saved per user and unit. One that cannot be read is not."""
    elsewhere = factories.SpecialisedClinicFactory()
    user = factories.coordinator(clinic, elsewhere)
    late = factories.booking_request(care_unit=clinic, wished_from=today() - WEEK, wished_to=today() - WEEK)
    fine, there = factories.booking_request(care_unit=clinic), factories.booking_request(care_unit=elsewhere)
    here, other = (user.assignments.get(care_unit=unit) for unit in (clinic, elsewhere))

    def listed(by=user, at=here):
        text = signed_in(by, at).get(reverse("booking-requests")).content.decode()
        return {row for row in (late, fine, there) if str(row.pk) in text}

    filtered(signed_in(user, here), status="late", namn="öberg", beskrivning="Ring Maria")
    signed_in(user, here).get(reverse("booking-requests"), {"fran": "35/14"})
    assert [(row.user, row.care_unit, row.filters) for row in KeptFilters.objects.all()] == [
        (user, clinic, {"status": "late"})
    ]
    assert listed() == {late} and listed(at=other) == {there}
    colleague = factories.coordinator(clinic)
    assert listed(by=colleague, at=colleague.assignments.get()) == {late, fine}
    signed_in(user, here).get(reverse("booking-requests"), {"alla": "1"})
    assert listed() == {late, fine}


def test_an_unreadable_filter_is_told_at_its_field(client, clinic):
    response = client.post(reverse("booking-requests"), {"fran": "35/14"})
    assert response.status_code == 422
    assert "Månaden 14 finns inte" in response.content.decode()
    assert (
        client.get(reverse("booking-requests"), {"fran": "35/14", "besokstyp": "x", "resurs": "y"}).status_code == 200
    )


def test_a_protected_person_is_not_found_by_name_but_by_number(client, clinic):
    """SK-05."""
    secret = factories.protected_patient(surname="Gömdsson")
    request = factories.booking_request(care_unit=clinic, patient=secret)
    assert filtered(client, namn="gömdsson") == ""
    assert str(request.pk) in filtered(client, person=secret.identities.get().value)


def test_the_wished_resource_is_changed_in_its_place(client, clinic):
    """BB-01."""
    request = factories.booking_request(care_unit=clinic)
    resource = factories.ResourceFactory(care_unit=clinic)
    address = reverse("booking-request-resource", args=[request.pk])
    form = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert resource.name in form and "<html" not in form
    saved = client.post(
        address, {"wished_resource": resource.pk, "version": request.version}, headers={"HX-Request": "true"}
    )
    assert saved.status_code == 200 and resource.name in saved.content.decode()
    request.refresh_from_db()
    assert request.wished_resource == resource
    assert client.get(address).status_code == 302, "without htmx the request's own page has the field"
    other_units = factories.ResourceFactory()
    refused = client.post(address, {"wished_resource": other_units.pk}, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    request.refresh_from_db()
    assert request.wished_resource == resource


def test_a_request_is_changed_on_its_page(client, clinic):
    request = factories.booking_request(care_unit=clinic)
    address = reverse("booking-request", args=[request.pk])
    wrong = {"wished_from": "+3v", "wished_to": "+1v", "version": request.version}
    refused = client.post(address, wrong)
    assert refused.status_code == 422 and "inte ligga före" in refused.content.decode()
    right = wrong | {"wished_to": "+5v", "description": "Ring före"}
    assert client.post(address, right).status_code == 302
    request.refresh_from_db()
    assert (request.wished_to, request.description) == (today() + 5 * WEEK, "Ring före")
    assert client.post(address, right).status_code == 409, "the version that was seen is no longer the present"


def test_closing_a_request_needs_a_reason_and_happens_once(client, clinic):
    request = factories.booking_request(care_unit=clinic)
    address = reverse("booking-request-close", args=[request.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, {"reason": " "}).status_code == 422
    request.refresh_from_db()
    assert request.status == "open"
    assert client.post(address, {"reason": "Patienten har flyttat"}).status_code == 302
    request.refresh_from_db()
    assert (request.status, request.close_reason) == ("closed", "Patienten har flyttat")
    again = client.post(address, {"reason": "Igen"})
    assert again.status_code == 409 and "BB-01" in again.content.decode()
    assert "Inget att boka" in client.get(reverse("booking-requests")).content.decode()


def test_a_follow_up_request_is_confirmed_into_a_booking_request(clinic):
    """UT-06."""
    colleague = factories.clinician(clinic)
    request = factories.booking_request(care_unit=clinic, addressee=colleague)
    assert request.status == "follow_up"
    client = signed_in(colleague)
    assert "Uppföljningsbegäran" in client.get(reverse("booking-requests")).content.decode()
    assert client.post(reverse("booking-request-confirm", args=[request.pk])).status_code == 302
    request.refresh_from_db()
    assert request.status == "open"


def test_a_request_is_made_from_the_patients_page(client, clinic):
    """BB-01, VH-08."""
    patient = factories.patient()
    commitment = factories.open_commitment(patient=patient, care_unit=clinic)
    address = reverse("booking-request-create", args=[patient.pk])
    assert str(commitment.pk) in client.get(address, {"vardatagande": commitment.pk}).content.decode()
    fields = {
        "commitment": commitment.pk,
        "visit_type": factories.visit_type("Sp Läk Återbesök").pk,
        "contact_reason": factories.contact_reason().pk,
        "wished_from": "+1v",
        "wished_to": "+2v",
        "description": "Vill ha förmiddag",
    }
    assert client.post(address, fields).status_code == 302
    request = BookingRequest.objects.get()
    assert (request.patient_id, request.commitment_id) == (patient.pk, commitment.pk)
    assert request.description == "Vill ha förmiddag"
    # To nobody else it is to oneself (UT-06).
    assert (request.addressee, request.status) == (request.created_by, "open")
    empty = client.post(address, {})
    assert empty.status_code == 422 and "Välj besökstyp." in empty.content.decode()
    assert BookingRequest.objects.count() == 1


def test_a_request_for_a_specialised_visit_without_a_commitment_is_refused_at_its_field(client, clinic):
    """VA-01, VH-08: what to do stands there too, and what was written is kept. A vårdcentral asks for none."""
    patient = factories.patient()
    address = reverse("booking-request-create", args=[patient.pk])
    fields = {
        "visit_type": factories.visit_type("Sp Läk Återbesök").pk,
        "contact_reason": factories.contact_reason().pk,
        "wished_from": "+1v",
        "wished_to": "+2v",
        "description": "Vill ha förmiddag",
    }
    assert "Välj vårdåtagande" in client.get(address).content.decode()
    refused = client.post(address, fields)
    assert refused.status_code == 422
    (error,) = refused.context["form"].errors["commitment"]
    assert "ta emot en remiss eller egen vårdbegäran först. Regel VH-08." in error
    assert "Vill ha förmiddag" in refused.content.decode() and not BookingRequest.objects.exists()
    only = factories.open_commitment(patient=patient, care_unit=clinic)
    assert client.post(address, fields).status_code == 302
    assert BookingRequest.objects.get().commitment == only
    centre = factories.HealthCentreFactory()
    client = signed_in(factories.receptionist(centre))
    assert "Välj vårdåtagande" not in client.get(address).content.decode()
    assert client.post(address, fields | {"visit_type": factories.visit_type("Pv Läk Återbesök").pk}).status_code == 302
    assert BookingRequest.objects.get(care_unit=centre).commitment is None


def test_the_reasons_offered_follow_the_visit_type(client, clinic):
    """VO-02, VO-04."""
    visit_type = factories.visit_type("Sp Läk Återbesök")
    text = client.get(reverse("contact-reason-options"), {"ny-visit_type": visit_type.pk}).content.decode()
    offered = factories.ContactReason.objects.offered_for(visit_type, today())
    assert text.count("<option") == offered.count() + 1
    assert client.get(reverse("contact-reason-options"), {"visit_type": "nonsens"}).status_code == 200


# --- Few queries, everything logged -----------------------------------------------------------------------------------


def queries_for(client, address):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_request_list_costs_the_same_whatever_its_length(client, clinic):
    """BB-01: thousands of rows are paged by the last row seen, never counted."""
    patient = factories.patient()
    first = factories.booking_request(care_unit=clinic, patient=patient)
    client.get(reverse("booking-requests"))
    few = queries_for(client, reverse("booking-requests"))
    copied = []
    for number in range(2000):
        copy = BookingRequest.objects.get(pk=first.pk)
        copy.id = BookingRequest._meta.pk.default()
        copy.wished_to = today() + timedelta(days=number % 300)
        copied.append(copy)
    BookingRequest.objects.bulk_create(copied)
    many = queries_for(client, reverse("booking-requests"))
    assert many == few
    # One of them asks which units share the list (PL-25), two whom a row can be given to.
    assert many <= 20
    page = client.get(reverse("booking-requests"))
    assert page.content.decode().count('class="who"') == 50
    following = client.get(reverse("booking-requests") + page.context["next"])
    assert following.context["rows"][0].last >= page.context["rows"][-1].last
    back = client.get(reverse("booking-requests") + following.context["previous"])
    assert [row.pk for row in back.context["rows"]] == [row.pk for row in page.context["rows"]]


@pytest.mark.parametrize("name", ["awaiting-result", "no-shows", "to-book", "awaiting-check-out"])
def test_a_work_list_costs_the_same_for_one_row_and_for_many(client, clinic, name):
    made = {
        "awaiting-result": lambda: awaited(clinic),
        "no-shows": lambda: visit(factories.no_show, clinic),
        "to-book": lambda: factories.accepted_referral(care_unit=clinic),
        "awaiting-check-out": lambda: visit(factories.arrived_visit, clinic),
    }[name]
    made()
    address = reverse("work-list", args=[name])
    client.get(address)
    one = queries_for(client, address)
    for _ in range(4):
        made()
    assert queries_for(client, address) == one
    assert one <= 12


def test_the_start_page_counts_every_list_in_one_statement(client, clinic):
    """UT-07 is counted with the rest."""
    client.get(reverse("work-lists"))
    assert queries_for(client, reverse("work-lists")) <= 8


def test_a_list_logs_every_patient_it_shows_in_one_statement(client, clinic):
    shown_patients = {factories.booking_request(care_unit=clinic).patient_id for _ in range(3)}
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("booking-requests"))
    written = [query["sql"] for query in captured if "INSERT INTO" in query["sql"] and "accesslog" in query["sql"]]
    assert len(written) == 1
    entries = AccessLogEntry.objects.filter(what="lista: bokningsbegäran")
    assert {entry.patient_id for entry in entries} == shown_patients


def test_the_menu_counts_what_is_due_and_can_reach_zero(clinic):
    """ui.md 4.8."""
    item = awaited(clinic)
    request = factories.booking_request(care_unit=clinic)
    assert (COUNTS["work-lists"](clinic), COUNTS["booking-requests"](clinic)) == (0, 0)
    AwaitedResult.objects.filter(pk=item.pk).update(watch_until=today())
    BookingRequest.objects.filter(pk=request.pk).update(wished_from=today(), wished_to=today())
    assert (COUNTS["work-lists"](clinic), COUNTS["booking-requests"](clinic)) == (1, 1)
    assert COUNTS["coding"](clinic) == 0


def test_personnummer_can_be_hidden_in_the_lists(client, clinic):
    """ui.md 4.2: nothing readable over the counter beyond what is chosen."""
    request = factories.booking_request(care_unit=clinic)
    number = request.patient.identities.get().value
    shown_number = f"{number[:8]}-{number[8:]}"
    assert shown_number in client.get(reverse("booking-requests")).content.decode()
    client.post(reverse("hide-identities"), {"next": "/"})
    text = client.get(reverse("booking-requests")).content.decode()
    assert shown_number not in text and "Dolt" in text


def test_the_band_of_a_request_books_that_request(client, clinic):
    """F8 on the request's page."""
    request = factories.booking_request(care_unit=clinic)
    text = client.get(reverse("booking-request", args=[request.pk])).content.decode()
    address = f"{reverse('book', args=[request.patient_id])}?begaran={request.pk}"
    assert text.count(f'href="{address}"') == text.count('data-key="F8"') == 2
