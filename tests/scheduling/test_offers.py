"""A freed time is used: who waits, ranked with the reasons; an offer holds it until it is answered or runs out; nobody is
booked without a person's decision (PL-01, PL-27, AV-02)."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from registration import type_choice
from registration.models import Referral, VisitType
from scheduling import freed, ranking, slots
from scheduling.actions import (
    absences,
    appointments,
    commitments,
    contact_attempts,
    first_contacts,
    invitations,
    offers,
    resource_bookings,
    work_items,
)
from scheduling.models import Appointment, BookingRequest, FreedTime, Offer, ResourceBooking
from sdv.common.errors import RuleError
from sdv.desk.jobs import JOBS
from sdv.flows import cancellation, deceased, invariants
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY

START = NOW + 3 * DAY
MINUTE = timedelta(minutes=1)


def cancelled(clinic, start=START, *, by="provider", at=NOW, **fields):
    """A booking made and cancelled: its time is free again."""
    booking = clinic.book(clinic.patient(), start, at=min(at, NOW), **fields)
    cancellation.cancel(appointment_id=booking.pk, cancelled_by=by, reason="Förhinder", by=clinic.nurse, at=at)
    BookingRequest.objects.all().delete()
    return FreedTime.objects.get(start=start)


def waits(clinic, *, last=TODAY + 14 * DAY, first=TODAY, **fields):
    wanted = {"visit_type": clinic.nurse_visit, "contact_reason": clinic.reason} | fields
    patient = wanted.pop("patient", None) or clinic.patient()
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        wished_from=first,
        wished_to=last,
        by=clinic.nurse,
        at=NOW,
        **wanted,
    )


def offered(clinic, request, *, start=START, by=None, at=NOW):
    return offers.make(
        subject="booking_request",
        row_id=request.pk,
        resource_id=clinic.nurse_resource.pk,
        start=start,
        by=by or clinic.nurse,
        at=at,
    )


def suited(clinic, start=START, **fields):
    return freed.candidates(care_unit=clinic.unit, resource=clinic.nurse_resource, start=start, at=NOW, **fields)


def ranked(clinic, start=START, **fields):
    return [(each.row, each.reasons) for each in suited(clinic, start, **fields).rows]


def is_free(clinic, start=START, by=None):
    found = slots.free(
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        from_day=start.date(),
        to_day=start.date(),
        at=NOW,
        resource_ids=[clinic.nurse_resource.pk],
        by=by,
    )
    return start in {slot.start for slot in found}


def broken():
    return {each.name: each.rows(NOW).count() for each in invariants.INVARIANTS if each.rows(NOW).count()}


# --- The freed time -----------------------------------------------------------------------------------------------------


def test_a_cancelled_time_stands_as_freed_until_somebody_is_booked_in_it(health_centre):
    """PL-01"""
    row = cancelled(health_centre)
    assert (row.resource, row.start, row.end, row.cause) == (
        health_centre.nurse_resource, START, START + HALF_HOUR, "cancelled",
    )  # fmt: skip
    assert list(FreedTime.objects.usable(NOW)) == [row]
    assert not FreedTime.objects.usable(START + HALF_HOUR).exists()
    health_centre.book(health_centre.patient(), START)
    assert not FreedTime.objects.usable(NOW).exists()


def test_a_moved_booking_frees_its_old_time_and_a_late_one_says_so(health_centre):
    """PL-01, VH-11"""
    booking = health_centre.book(health_centre.patient(), START)
    appointments.reschedule(
        appointment_id=booking.pk, start=START + DAY, end=START + DAY + HALF_HOUR, by=health_centre.nurse, at=NOW
    )
    assert FreedTime.objects.get().cause == "rescheduled" and FreedTime.objects.get().start == START
    soon = NOW + 2 * HALF_HOUR
    row = cancelled(health_centre, soon, by="patient")
    assert row.cause == "no_show"


def test_a_time_in_an_absence_is_not_used(health_centre):
    """PL-01, PL-02"""
    cancelled(health_centre)
    absences.register(
        care_unit=health_centre.unit,
        resource_id=health_centre.nurse_resource.pk,
        kind="leave",
        start=START,
        end=START + DAY,
        by=health_centre.nurse,
        at=NOW,
    )
    assert not FreedTime.objects.usable(NOW).exists()


def test_freed_twice_it_stands_once(health_centre):
    """PL-01"""
    cancelled(health_centre)
    cancelled(health_centre)
    assert FreedTime.objects.count() == 1


# --- Who it suits -------------------------------------------------------------------------------------------------------


def test_the_order_and_its_reasons():
    """PL-01: furthest over the target first, then nearest to it; then the wish, then the wait. Who has not begun to wait
    or wishes somebody else is not suited; who has no target comes last."""
    day = date(2026, 11, 23)

    def one(name, target, *, first=date(2026, 1, 1), wish="", since=date(2026, 11, 13)):
        return ranking.Waiting(name, first, target, wish, since)

    found = ranking.rank(
        [
            one("utan mål", None),
            one("i god tid", date(2026, 12, 3)),
            one("samma dag, väntat länge", day, since=date(2026, 1, 1)),
            one("samma dag, önskar", day, wish="norén"),
            one("önskar annan", date(2026, 1, 1), wish="holm"),
            one("ännu inte", date(2026, 12, 1), first=date(2026, 11, 24)),
            one("tolv dagar över", date(2026, 11, 11)),
            one("en dag över", date(2026, 11, 22)),
        ],
        day=day,
        resource="norén",
        resource_name="Sara Norén",
    )
    assert [(each.place, each.row, each.days_over, each.reasons) for each in found] == [
        (1, "tolv dagar över", 12, ("12 dagar över målet", "Har väntat 10 dagar")),
        (2, "en dag över", 1, ("1 dag över målet", "Har väntat 10 dagar")),
        (3, "samma dag, önskar", 0, ("Målet är samma dag", "Önskar Sara Norén", "Har väntat 10 dagar")),
        (4, "samma dag, väntat länge", 0, ("Målet är samma dag", "Har väntat 326 dagar")),
        (5, "i god tid", -10, ("10 dagar kvar till målet", "Har väntat 10 dagar")),
        (6, "utan mål", None, ("Inget måldatum", "Har väntat 10 dagar")),
    ]


def test_only_those_whom_the_time_suits_are_shown(health_centre):
    """PL-01: besökstyp, wish, interval, room in the tidbok, and alive."""
    late = waits(health_centre, first=TODAY - 30 * DAY, last=TODAY - DAY)
    mine = waits(health_centre, wished_resource=health_centre.nurse_resource)
    waits(health_centre, visit_type=health_centre.doctor_visit)
    waits(health_centre, first=TODAY + 10 * DAY)
    colleague = health_centre._caregiver("Ssk", "Eva", "Ek", health_centre.unit.name)[1]
    waits(health_centre, wished_resource=colleague)
    asked = waits(health_centre)
    offered(health_centre, asked, start=START + 5 * DAY)
    dead = waits(health_centre)
    deceased.register(
        patient_id=dead.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=health_centre.doctor, at=NOW
    )
    assert [row for row, _ in ranked(health_centre)] == [late, mine]
    assert ranked(health_centre)[0][1][0] == "4 dagar över målet"
    assert "Önskar Sara Norén" in ranked(health_centre)[1][1]
    # Half of the time is gone: a visit of half an hour has no room.
    end = START + 15 * MINUTE
    health_centre.book(health_centre.patient(), end)
    assert ranked(health_centre) == []


def test_the_twenty_most_urgent_are_cut_out_of_those_whom_the_time_suits_and_counted_in_all(health_centre):
    """PL-01, PL-10: whoever has more urgent visits that the time has no room for takes nobody's place; whom somebody has
    tried to reach today is left out where asked for, and counted."""
    long = VisitType.objects.filter(
        profession__abbreviation="Ssk", care_area=health_centre.unit.care_area, contact_form="physical", valid_to=None
    ).exclude(pk=health_centre.nurse_visit.pk).first()  # fmt: skip
    VisitType.objects.filter(pk=long.pk).update(default_minutes=60)
    health_centre.book(health_centre.patient(), START + HALF_HOUR)
    patients = [health_centre.patient() for _ in range(7)]
    for number in range(70):
        waits(health_centre, patient=patients[number % 7], visit_type=long, last=TODAY)
    rows = [waits(health_centre, patient=patients[number % 7], last=TODAY + (9 + number) * DAY) for number in range(22)]
    found = suited(health_centre)
    assert [each.row for each in found.rows] == rows[:20] and (found.total, found.tried) == (22, 0)
    contact_attempts.record(
        subject="booking_request", row_id=rows[0].pk, method="phone", result="no_answer", by=health_centre.nurse, at=NOW
    )
    first = suited(health_centre).rows[0].row
    assert (first, first.attempts, first.last_attempt, first.is_tried) == (rows[0], 1, NOW, True)
    # Every row of the patient that was called.
    found = suited(health_centre, shows_tried=False)
    assert (found.total, found.tried) == (18, 4)
    assert rows[0] not in [each.row for each in found.rows]


def test_a_remiss_to_book_is_suited_by_a_new_visits_time(clinic):
    """PL-01: by its medicinskt måldatum."""
    new_visit = VisitType.objects.filter(
        care_area=clinic.unit.care_area, profession__abbreviation="Ssk", name__endswith="Nybesök",
        contact_form="physical", visit_kind__may_be_return=False,
    ).select_related("visit_kind").first()  # fmt: skip
    referral = clinic.commitment(clinic.patient()).referrals.get()
    assert ranked(clinic, visit_type=clinic.nurse_visit) == []
    assert [row for row, _ in ranked(clinic, visit_type=new_visit)] == [referral]
    offer = offers.make(
        subject="referral",
        row_id=referral.pk,
        resource_id=clinic.nurse_resource.pk,
        start=START,
        visit_type=new_visit,
        by=clinic.nurse,
        at=NOW,
    )
    accepted = offers.accept(offer_id=offer.pk, by=clinic.nurse, at=NOW)
    assert accepted.appointment.encounter.commitment == referral.commitment
    assert offer.contact_reason.code == "bedomning-ospecificerad"


def offered_remiss(clinic, referral, visit_type):
    return offers.make(
        subject="referral",
        row_id=referral.pk,
        resource_id=clinic.nurse_resource.pk,
        start=START,
        visit_type=visit_type,
        by=clinic.nurse,
        at=NOW,
    )


def test_a_remiss_that_is_booked_or_ended_in_another_way_is_offered_nothing_more(clinic):
    """PL-01, UT-03: the held time is free again, a yes is refused, and who has a time is not ranked as waiting."""
    new_visit = VisitType.objects.filter(
        care_area=clinic.unit.care_area, profession__abbreviation="Ssk", name__endswith="Nybesök",
        contact_form="physical", visit_kind__may_be_return=False,
    ).first()  # fmt: skip
    booked, closed = (clinic.commitment(clinic.patient()) for _ in range(2))
    offer = offered_remiss(clinic, booked.referrals.get(), new_visit)
    visit = clinic.book(booked.patient, START + DAY, commitment_id=booked.pk)
    offer.refresh_from_db()
    assert (offer.status, offer.hold) == ("withdrawn", None)
    with pytest.raises(RuleError):
        offers.accept(offer_id=offer.pk, by=clinic.nurse, at=NOW)
    assert list(Appointment.objects.all()) == [visit]
    assert [row for row, _ in ranked(clinic, visit_type=new_visit)] == [closed.referrals.get()]
    offer = offered_remiss(clinic, closed.referrals.get(), new_visit)
    commitments.close_by_id(commitment_id=closed.pk, reason="Färdig", by=clinic.doctor, at=NOW)
    offer.refresh_from_db()
    assert (offer.status, offer.hold) == ("withdrawn", None)
    assert is_free(clinic)


def new_visit_of(clinic):
    return VisitType.objects.filter(
        care_area=clinic.unit.care_area, profession__abbreviation="Ssk", name__endswith="Nybesök",
        contact_form="physical", visit_kind__may_be_return=False,
    ).first()  # fmt: skip


def came_unbooked(clinic, commitment):
    return first_contacts.begin(
        patient_id=commitment.patient_id,
        care_unit=clinic.unit,
        situation=type_choice.DROP_IN,
        visit_type=new_visit_of(clinic),
        contact_reason=clinic.reason,
        commitment_id=commitment.pk,
        identity_shown="Legitimation",
        by=clinic.nurse,
        at=NOW,
    )


def test_a_remiss_whose_first_contact_came_unbooked_is_offered_nothing_more(clinic, monkeypatch):
    """PL-01, PL-26, VA-04: offer and öppen kallelse end in the transaction that uses the remiss; where they cannot, the
    contact is not registered either. A remiss that has a time is offered none."""
    commitment = clinic.commitment(clinic.patient())
    referral = commitment.referrals.get()
    offer = offered_remiss(clinic, referral, new_visit_of(clinic))
    invitation = invitations.invite(
        subject="referral",
        row_id=referral.pk,
        last_day=TODAY + 20 * DAY,
        visit_type=new_visit_of(clinic),
        by=clinic.nurse,
        at=NOW,
    )
    with monkeypatch.context() as broke:
        broke.setattr(offers, "_answer", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            came_unbooked(clinic, commitment)
    referral.refresh_from_db()
    assert referral.status == "accepted" and not commitment.encounters.exists()
    version = referral.version
    came_unbooked(clinic, commitment)
    for row in (offer, invitation, referral):
        row.refresh_from_db()
    assert (referral.status, referral.version) == ("used", version + 1)
    assert (offer.status, offer.hold, offer.answered_by, offer.answered_at) == ("withdrawn", None, clinic.nurse, NOW)
    assert (invitation.status, invitation.end_reason) == ("ended", "Patienten väntar inte längre")
    assert is_free(clinic) and broken() == {}
    booked = clinic.commitment(clinic.patient())
    clinic.book(booked.patient, START + DAY, commitment_id=booked.pk)
    with pytest.raises(RuleError) as refused:
        offered_remiss(clinic, booked.referrals.get(), new_visit_of(clinic))
    assert (refused.value.rule, refused.value.code) == ("PL-01", "already_done")
    assert not Offer.objects.open().exists() and is_free(clinic)


def test_an_offer_to_somebody_who_does_not_wait_is_found(clinic):
    """PL-01, UT-03"""
    patient, commitment = clinic.patient(), clinic.commitment(clinic.patient())
    request = waits(clinic, patient=patient, commitment_id=clinic.in_care(patient).pk)
    own = {"commitment": clinic.commitment(request.patient)}
    BookingRequest.objects.filter(pk=request.pk).update(**own)
    offered(clinic, request)
    offered_at = {"resource_id": clinic.nurse_resource.pk, "start": START + DAY, "by": clinic.nurse, "at": NOW}
    remiss = commitment.referrals.get()
    offers.make(subject="referral", row_id=remiss.pk, visit_type=new_visit_of(clinic), **offered_at)
    assert "offers-to-nobody-waiting" not in broken()
    BookingRequest.objects.filter(pk=request.pk).update(status="closed", closed_at=NOW, close_reason="Bakvägen")
    assert broken()["offers-to-nobody-waiting"] == 1
    Referral.objects.filter(pk=remiss.pk).update(status="closed")
    assert broken()["offers-to-nobody-waiting"] == 2


def test_how_long_a_remiss_has_waited_follows_it_from_the_first_unit(clinic):
    """PL-01, PL-25, VA-03: a freed visit by phone is a new visit's where its besökstyp says so."""
    referral = clinic.commitment(clinic.patient()).referrals.get()
    Referral.objects.filter(pk=referral.pk).update(arrival_date=TODAY, decision_date=TODAY - 90 * DAY)
    waited = (START.date() - Referral.objects.get(pk=referral.pk).waiting_since).days
    call = VisitType.objects.get(name="Sp Ssk Telefon Återbesök", care_area=clinic.unit.care_area)
    assert ranked(clinic, visit_type=call) == []
    call.new_or_return = "new"
    ((row, reasons),) = ranked(clinic, visit_type=call)
    assert row == referral and f"Har väntat {waited} dagar" in reasons


def test_the_question_costs_the_same_however_many_wait(health_centre):
    """PL-01"""
    waits(health_centre)
    with CaptureQueriesContext(
        connection,
    ) as few:
        ranked(health_centre)
    for _ in range(6):
        waits(health_centre)
    with CaptureQueriesContext(connection) as many:
        ranked(health_centre)
    assert len(many) == len(few)


# --- The offer ----------------------------------------------------------------------------------------------------------


def test_an_offer_holds_the_time_and_books_nobody(health_centre):
    """PL-01"""
    request = waits(health_centre)
    offer = offered(health_centre, request)
    assert (offer.status, offer.expires_at, offer.contact_reason) == ("open", NOW + DAY, health_centre.reason)
    assert not Appointment.objects.exists()
    assert not is_free(health_centre) and not is_free(health_centre, by=health_centre.nurse)
    with pytest.raises(RuleError) as refused:
        health_centre.book(health_centre.patient(), START)
    assert refused.value.code == "slot_taken"
    # Nor does the offerer's own choice of the time at the booking page take it.
    with pytest.raises(RuleError):
        resource_bookings.hold(
            resource_id=health_centre.nurse_resource.pk,
            start=START,
            end=START + HALF_HOUR,
            by=health_centre.nurse,
            at=NOW,
        )
    resource_bookings.release_hold(hold_id=offer.hold_id, by=health_centre.nurse)
    assert ResourceBooking.objects.filter(pk=offer.hold_id).exists()


@pytest.mark.parametrize(
    ("start", "expires"),
    [
        (NOW + 3 * DAY, NOW + DAY),
        (NOW + 2 * HALF_HOUR, NOW + 2 * HALF_HOUR),
        (NOW - 10 * MINUTE, NOW + 10 * MINUTE),
        (NOW - 25 * MINUTE, NOW + 5 * MINUTE),
    ],
)
def test_an_offer_holds_a_day_at_most_and_not_beyond_its_time(health_centre, start, expires):
    """PL-01, PL-23"""
    health_centre.nurse_resource.weekly_hours.update(slot_minutes=5)
    assert offered(health_centre, waits(health_centre), start=start).expires_at == expires


def test_a_yes_books_the_held_time_whoever_takes_the_call(health_centre):
    """PL-01"""
    request = waits(health_centre)
    offer = offered(health_centre, request)
    accepted = offers.accept(offer_id=offer.pk, by=health_centre.doctor, at=NOW + HALF_HOUR)
    booking = accepted.appointment
    assert (booking.start, booking.patient, booking.booking_request) == (START, request.patient, request)
    assert booking.encounter.contact_reason == health_centre.reason
    request.refresh_from_db()
    assert (request.status, accepted.status, accepted.answered_by) == ("booked", "accepted", health_centre.doctor)
    (taken,) = ResourceBooking.objects.all()
    assert (taken.state, taken.appointment) == ("booked", booking)
    assert broken() == {}
    with pytest.raises(RuleError) as refused:
        offers.accept(offer_id=offer.pk, by=health_centre.nurse, at=NOW + HALF_HOUR)
    assert (refused.value.code, refused.value.by) == ("already_done", "Anna Holm")
    assert Appointment.objects.count() == 1


def test_a_no_lets_the_time_go_and_the_patient_waits_as_before(health_centre):
    """PL-01"""
    request = waits(health_centre)
    offer = offers.decline(offer_id=offered(health_centre, request).pk, by=health_centre.nurse, at=NOW)
    assert (offer.status, offer.hold) == ("declined", None)
    assert is_free(health_centre) and not ResourceBooking.objects.exists()
    request.refresh_from_db()
    assert request.status == "open"
    assert offered(health_centre, request).status == "open"


def test_an_offer_that_runs_out_is_ended_by_the_clock_and_cannot_be_accepted_late(health_centre):
    """PL-01: the job release-holds, run late, twice, and dry."""
    offer = offered(health_centre, waits(health_centre))
    later = NOW + DAY
    with pytest.raises(RuleError) as refused:
        offers.accept(offer_id=offer.pk, by=health_centre.nurse, at=later)
    assert (refused.value.rule, refused.value.code) == ("PL-01", "expired")
    assert JOBS["release-holds"](at=later, dry_run=True)[0] == "erbjudanden som gått ut: 1"
    assert JOBS["release-holds"](at=later - MINUTE)[0] == "erbjudanden som gått ut: 0"
    assert JOBS["release-holds"](at=later)[0] == "erbjudanden som gått ut: 1"
    assert JOBS["release-holds"](at=later)[0] == "erbjudanden som gått ut: 0"
    offer.refresh_from_db()
    assert (offer.status, offer.answered_at, offer.answered_by) == ("expired", later, None)
    assert not ResourceBooking.objects.exists()


def test_a_taker_need_not_wait_for_the_clock(health_centre):
    """PL-01: what has run out stands in nobody's way."""
    offer = offered(health_centre, waits(health_centre))
    health_centre.book(health_centre.patient(), START, at=NOW + DAY)
    assert offers.expire_due(at=NOW + DAY) == 1
    assert Offer.objects.get(pk=offer.pk).status == "expired"
    assert Appointment.objects.count() == 1


def test_who_is_booked_or_ended_otherwise_is_offered_nothing_any_more(health_centre):
    """PL-01"""
    first, second = waits(health_centre), waits(health_centre)
    offered(health_centre, first)
    offered(health_centre, second, start=START + HALF_HOUR)
    health_centre.book(first.patient, START + DAY, booking_request_id=first.pk)
    work_items.close_request(request_id=second.pk, reason="Flyttat", by=health_centre.nurse, at=NOW)
    assert set(Offer.objects.values_list("status", flat=True)) == {"withdrawn"}
    assert is_free(health_centre) and is_free(health_centre, START + HALF_HOUR)


def test_one_who_waits_is_asked_about_one_time_and_a_time_is_offered_to_one(health_centre):
    """PL-01"""
    request, other = waits(health_centre), waits(health_centre)
    offered(health_centre, request)
    with pytest.raises(RuleError) as refused:
        offered(health_centre, request, start=START + HALF_HOUR, by=health_centre.doctor)
    assert (refused.value.rule, refused.value.code, refused.value.by) == ("PL-01", "already_offered", "Sara Norén")
    with pytest.raises(RuleError) as refused:
        offered(health_centre, other, by=health_centre.doctor)
    assert refused.value.code == "slot_taken"
    assert Offer.objects.count() == 1


def test_nothing_is_offered_to_the_dead_and_what_was_offered_ends_with_the_death(health_centre):
    """AV-02, PL-01"""
    request = waits(health_centre)
    offered(health_centre, request)
    deceased.register(
        patient_id=request.patient_id, deceased_on=TODAY, reason="Dödsbevis", by=health_centre.doctor, at=NOW
    )
    assert Offer.objects.get().status == "withdrawn" and is_free(health_centre)
    with pytest.raises(RuleError) as refused:
        offered(health_centre, request)
    assert refused.value.rule == "AV-02"
    left = deceased.undo(patient_id=request.patient_id, reason="Fel person", by=health_centre.doctor, at=NOW)
    assert [each.sentence for each in left] == ["Erbjudandet är tillbakadraget. Erbjud tiden igen om den är ledig."]


def test_nothing_is_offered_outside_the_tidbok(health_centre):
    """PL-01, BO-01"""
    health_centre.nurse_resource.weekly_hours.all().delete()
    with pytest.raises(RuleError) as refused:
        offered(health_centre, waits(health_centre))
    assert refused.value.code == "outside_hours"
    assert not ResourceBooking.objects.exists()


def test_the_database_holds_an_offer_to_its_form(health_centre):
    """PL-01"""
    offer = offered(health_centre, waits(health_centre))
    booking = health_centre.book(health_centre.patient(), START + DAY)
    for change in ({"status": "declined"}, {"booking_request": None}, {"appointment": booking}, {"status": "maybe"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Offer.objects.filter(pk=offer.pk).update(**change)
