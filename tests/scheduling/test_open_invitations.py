"""Öppen kallelse: an invitation without a time, from which the patient books. A real state with its day and its last day;
watched, and never the only thing that holds a patient (PL-26, UT-07)."""

from datetime import date, time, timedelta

import pytest
from django.db import IntegrityError, transaction

from registration.models import AddressKind, PatientAddress, PortalContact
from scheduling import promises
from scheduling.actions import appointments, commitments, invitations, letters, offers, work_items
from scheduling.models import (
    Appointment,
    BookingRequest,
    Letter,
    LetterText,
    OpenInvitation,
)
from sdv.common.errors import InputError, RuleError
from sdv.common.time import at_local
from sdv.desk.jobs import JOBS
from sdv.desk.presenters.invitations import invited_tag, with_invitation
from sdv.flows import cancellation, deceased, invariants, protection
from sdv.outbox.models import OutboxMessage, Topic
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY

LAST = TODAY + 14 * DAY
START = NOW + 3 * DAY


@pytest.fixture
def centre(health_centre):
    LetterText.objects.create(part="phone", care_unit=health_centre.unit, text="046-17 00 00", source="Prov")
    return health_centre


def living(clinic, **fields):
    patient = clinic.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def waits(clinic, patient=None):
    return work_items.request_booking(
        patient_id=(patient or living(clinic)).pk,
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=TODAY,
        wished_to=TODAY + 30 * DAY,
        by=clinic.nurse,
        at=NOW,
    )


def invited(clinic, request=None, *, last_day=LAST, at=NOW, **fields):
    request = request or waits(clinic)
    return invitations.invite(
        subject="booking_request", row_id=request.pk, last_day=last_day, by=clinic.nurse, at=at, **fields
    )


def book(clinic, invitation, start=START, *, at=NOW, **fields):
    return invitations.book(
        invitation_id=invitation.pk,
        start=start,
        end=start + HALF_HOUR,
        resource_ids=[clinic.nurse_resource.pk],
        by=clinic.nurse,
        at=at,
        **fields,
    )


def refused(act, *args, **kwargs):
    with pytest.raises(RuleError) as error:
        act(*args, **kwargs)
    return error.value.rule, error.value.code


# --- Sent -----------------------------------------------------------------------------------------------------------


def test_one_who_waits_is_invited_with_a_letter_and_waits_on(centre):
    """PL-26, UT-07, KA-01"""
    request = waits(centre)
    invitation = invited(centre, request)
    assert (invitation.status, invitation.invited_on, invitation.last_day) == ("open", TODAY, LAST)
    assert list(BookingRequest.objects.waiting()) == [request]
    (letter,) = invitation.letters_written
    assert (letter.kind, letter.status, letter.heading) == ("open_invitation", "unsent", "Boka en tid hos oss")
    assert letter.parts["facts"] == [
        ["Boka senast", "fredag 4 december 2026"],
        ["Var", "Vårdcentralen Norr"],
    ]
    assert letter.parts["sections"][0] == {
        "part": "open_invitation",
        "heading": "Så bokar du",
        "text": "Nu kan du boka en tid hos oss. Välj en tid som passar dig på 1177.se, eller ring 046-17 00 00, senast"
        " fredag 4 december 2026. Har du inte bokat då hör vi av oss. Behöver du ingen tid längre, ring och säg till.",
    }
    # No time is agreed on, so nothing is said of what it costs not to come (PL-14).
    assert not letter.tells_fee


def test_an_accepted_remiss_is_invited_for_the_besokstyp_that_is_told(clinic):
    """PL-26, VO-03"""
    patient = living(clinic)
    referral = clinic.commitment(patient).referrals.get()
    told = {"subject": "referral", "row_id": referral.pk, "last_day": LAST, "by": clinic.nurse, "at": NOW}
    with pytest.raises(InputError) as error:
        invitations.invite(**told)
    assert error.value.errors.keys() == {"visit_type"}
    invitation = invitations.invite(**told, visit_type=clinic.nurse_visit)
    assert invitation.contact_reason == clinic.reason
    book(clinic, invitation)
    invitation.refresh_from_db()
    booked = Appointment.objects.get()
    assert (invitation.status, invitation.appointment, booked.encounter.commitment_id) == (
        "booked",
        booked,
        referral.commitment_id,
    )


@pytest.mark.parametrize(("days", "is_right"), [(0, False), (-1, False), (1, True), (366, True), (367, False)])
def test_the_last_day_leaves_time_to_book_and_has_an_end(centre, days, is_right):
    """PL-26"""
    request = waits(centre)
    if is_right:
        assert invited(centre, request, last_day=TODAY + days * DAY).status == "open"
        return
    with pytest.raises(InputError) as error:
        invited(centre, request, last_day=TODAY + days * DAY)
    assert error.value.errors.keys() == {"last_day"}
    assert OpenInvitation.objects.count() == Letter.objects.count() == 0


def test_nobody_is_invited_twice_at_once_and_the_second_is_told_who_was_first(centre):
    """PL-26, PL-27"""
    request = waits(centre)
    invited(centre, request)
    with pytest.raises(RuleError) as error:
        invited(centre, request)
    assert (error.value.rule, error.value.code, error.value.by) == ("PL-26", "already_invited", centre.nurse.name)
    assert OpenInvitation.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        row = OpenInvitation.objects.get()
        row.pk = None
        row._state.adding = True
        row.save(force_insert=True)


def test_the_booked_and_the_ended_are_not_invited(centre):
    """PL-26"""
    request = waits(centre)
    work_items.close_request(request_id=request.pk, reason="Vill inte", by=centre.nurse, at=NOW)
    assert refused(invited, centre, request) == ("PL-26", "already_done")
    assert not OpenInvitation.objects.exists()


def test_a_protected_patient_is_invited_by_mediation_without_an_address(centre):
    """PL-26, KA-05"""
    patient = living(centre)
    request = waits(centre, patient)
    protection.set_by_hand(patient_id=patient.pk, ground="application", by=centre.nurse, at=NOW)
    (letter,) = invited(centre, request).letters_written
    assert (letter.delivery, letter.recipient, letter.status) == ("mediation", "", "unsent")


def test_a_marking_takes_the_unsent_letter_and_another_is_written_by_mediation(centre):
    """PL-26, SK-02, KA-05"""
    patient = living(centre)
    invitation = invited(centre, waits(centre, patient))
    protection.set_by_hand(patient_id=patient.pk, ground="threat", by=centre.nurse, at=NOW)
    assert not Letter.objects.exists()
    assert OpenInvitation.objects.get() == invitation
    letters.write_open(invitation_id=invitation.pk, by=centre.nurse, at=NOW)
    assert Letter.objects.get().delivery == "mediation"


# --- Booked ---------------------------------------------------------------------------------------------------------


def test_the_patient_books_from_it_and_it_is_done_with_its_letter(centre):
    """PL-26, BO-01: the bokningsbegäran is booked, and an unsent letter stops."""
    invitation = book(centre, invited(centre), by_patient=True, letter=True)
    booked = Appointment.objects.get()
    assert (invitation.status, invitation.appointment, invitation.booked_by_patient) == ("booked", booked, True)
    assert booked.booking_request.status == "booked"
    told = {letter.kind: letter.status for letter in Letter.objects.all()}
    assert told == {"open_invitation": "stopped", "appointment": "unsent"}


def test_booked_through_any_other_door_it_is_done_too(centre):
    """PL-26: on the telephone, from the list, from an offer."""
    first, second = waits(centre), waits(centre)
    invitation, other = invited(centre, first), invited(centre, second)
    centre.book(first.patient, START, booking_request_id=first.pk, visit_type=first.visit_type)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.booked_by_patient) == ("booked", False)
    offer = offers.make(
        subject="booking_request",
        row_id=second.pk,
        resource_id=centre.nurse_resource.pk,
        start=START + DAY,
        by=centre.nurse,
        at=NOW,
    )
    offers.accept(offer_id=offer.pk, by=centre.nurse, at=NOW)
    other.refresh_from_db()
    assert (other.status, other.appointment) == ("booked", Appointment.objects.get(start=START + DAY))


def test_a_taken_time_is_refused_with_the_next_free_ones_and_the_invitation_stands(centre):
    """PL-26, BO-01, PL-07"""
    invitation = invited(centre)
    centre.book(centre.patient(), START)
    with pytest.raises(RuleError) as error:
        book(centre, invitation, by_patient=True)
    assert error.value.code == "slot_taken"
    assert error.value.alternatives[0].start == START + HALF_HOUR
    invitation.refresh_from_db()
    assert (invitation.status, invitation.booked_by_patient) == ("open", False)


@pytest.mark.parametrize(
    ("at", "is_in_time"),
    [
        (at_local(LAST, time(23, 59)), True),
        (at_local(LAST + DAY, time(0, 0)), False),
    ],
)
def test_alone_the_patient_has_to_the_last_minute_of_the_last_day(centre, at, is_in_time):
    """PL-26: also before the clock's job has been there."""
    invitation = invited(centre)
    start = at_local(LAST + 3 * DAY, time(10))
    if is_in_time:
        assert book(centre, invitation, start, at=at, by_patient=True).status == "booked"
        return
    assert refused(book, centre, invitation, start, at=at, by_patient=True) == ("PL-26", "too_late")
    assert not Appointment.objects.exists()
    assert book(centre, invitation, start, at=at).status == "booked"


def test_booked_once_it_is_not_booked_from_again(centre):
    """PL-26, PL-27"""
    invitation = book(centre, invited(centre))
    assert refused(book, centre, invitation, START + DAY) == ("PL-26", "already_done")
    assert Appointment.objects.count() == 1


def test_a_cancelled_time_puts_the_patient_back_among_those_who_wait(centre):
    """PL-26, UT-07: and the patient may be invited anew."""
    invitation = book(centre, invited(centre), by_patient=True)
    cancellation.cancel(
        appointment_id=invitation.appointment_id, cancelled_by="patient", reason="Förhinder", by=centre.nurse, at=NOW
    )
    (request,) = BookingRequest.objects.waiting()
    assert invited(centre, request).status == "open"


# --- Run out, ended ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last_day", [date(2026, 10, 25), date(2027, 3, 28), LAST])
def test_after_its_last_day_it_is_work_whatever_the_clock_does(centre, last_day):
    """PL-26: the nights when the clock changes end at midnight as other nights do; run late or twice it is the same."""
    sent = at_local(last_day - 10 * DAY, time(9))
    request = waits(centre)
    invitation = invited(centre, request, last_day=last_day, at=sent)
    told = "öppna kallelser vars sista dag passerat: "
    assert f"{told}0" in JOBS["release-holds"](at=at_local(last_day, time(23, 59)))
    after = at_local(last_day + DAY, time(0, 0))
    assert f"{told}1" in JOBS["release-holds"](at=after, dry_run=True)
    assert OpenInvitation.objects.get().status == "open"
    assert f"{told}1" in JOBS["release-holds"](at=after)
    assert f"{told}0" in JOBS["release-holds"](at=after + timedelta(minutes=1))
    invitation.refresh_from_db()
    assert (invitation.status, list(BookingRequest.objects.waiting())) == ("expired", [request])
    (row,) = with_invitation(BookingRequest.objects.waiting())
    assert invited_tag(row, last_day).text == f"Öppen kallelse till {last_day}"
    assert invited_tag(row, last_day + DAY).text == f"Öppen kallelse gick ut {last_day}"
    again = invited(centre, request, last_day=last_day + 20 * DAY, at=after)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.end_reason, again.status) == ("ended", "Ny öppen kallelse", "open")


def test_it_is_ended_with_a_reason_and_the_patient_waits_as_before(centre):
    """PL-26, UT-07"""
    request = waits(centre)
    invitation = invited(centre, request)
    act = {"invitation_id": invitation.pk, "by": centre.nurse, "at": NOW}
    assert refused(invitations.end, **act, reason=" ") == ("PL-26", "reason_missing")
    ended = invitations.end(**act, reason="Ringde och ville ha hjälp")
    assert (ended.status, list(BookingRequest.objects.waiting())) == ("ended", [request])
    assert Letter.objects.get().status == "stopped"
    assert refused(invitations.end, **act, reason="En gång till") == ("PL-26", "already_done")


def test_after_its_last_day_no_letter_asks_the_patient_to_book(centre):
    """PL-26: nor is one that waits put on paper; a new öppen kallelse has a letter of its own."""
    invitation = invited(centre)
    letter = Letter.objects.get()
    after = at_local(LAST + DAY, time(8))
    JOBS["release-holds"](at=after)
    by = {"by": centre.nurse, "at": after}
    assert refused(letters.write_open, invitation_id=invitation.pk, **by) == ("PL-26", "too_late")
    assert refused(letters.rewrite, letter_id=letter.pk, own_text="Hej", **by) == ("PL-26", "too_late")
    assert refused(letters.make_document, letter_id=letter.pk, render=lambda _: b"%PDF-", **by) == ("PL-26", "too_late")
    assert list(Letter.objects.values_list("pk", "status")) == [(letter.pk, "unsent")]
    invited(centre, invitation.booking_request, last_day=LAST + 20 * DAY, at=after)
    assert sorted(Letter.objects.values_list("status", flat=True)) == ["stopped", "unsent"]


def test_what_is_on_paper_and_on_its_way_to_1177_does_not_arrive_there_afterwards(centre):
    """PL-26, KA-04: the patient is not asked to book what is booked."""
    patient = living(centre, birth_date=date(1970, 1, 1))
    PortalContact.objects.create(patient=patient, consented_on=TODAY, told_at=NOW)
    invitation = invited(centre, waits(centre, patient))
    letter = Letter.objects.get()
    assert (letter.delivery, OutboxMessage.objects.get(topic=Topic.LETTER_TO_PORTAL).stopped_at) == ("both", None)
    letters.make_document(letter_id=letter.pk, render=lambda _: b"%PDF-", by=centre.nurse, at=NOW)
    letters.confirm_printed(letter_id=letter.pk, by=centre.nurse, at=NOW)
    book(centre, invitation)
    message = OutboxMessage.objects.get(topic=Topic.LETTER_TO_PORTAL, subject_id=letter.pk)
    assert message.stopped_at is not None
    letter.refresh_from_db()
    assert letter.status == "printed"


def test_what_ends_the_wait_ends_it(centre):
    """PL-26"""
    invitation = invited(centre)
    work_items.close_request(request_id=invitation.booking_request_id, reason="Vill inte", by=centre.nurse, at=NOW)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.end_reason) == ("ended", "Patienten väntar inte längre")


def test_a_remiss_used_up_by_a_visit_leaves_the_list_at_once_and_is_ended_by_the_clock(clinic):
    """PL-26, VA-04: a visit without a booking knows nothing of it."""
    patient = living(clinic)
    commitment = clinic.commitment(patient)
    visit = clinic.arrived(patient)
    clinic.commitment(patient, clinic.other_problem)
    referral = commitment.referrals.get()
    assert referral.status == "used"
    other = patient.referrals.exclude(pk=referral.pk).get()
    invitation = invitations.invite(
        subject="referral", row_id=other.pk, last_day=LAST, visit_type=clinic.nurse_visit, by=clinic.nurse, at=NOW
    )
    other.status = "used"
    other.used_by = visit.encounter
    other.save()
    assert not OpenInvitation.objects.waiting().exists()
    JOBS["release-holds"](at=NOW)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.end_reason) == ("ended", "Patienten väntar inte längre")


def test_a_death_ends_it_and_its_undo_brings_it_back(centre):
    """AV-02, AV-03"""
    invitation = invited(centre)
    told = {"by": centre.doctor, "at": NOW}
    deceased.register(patient_id=invitation.patient_id, deceased_on=TODAY, reason="Dödsbevis", **told)
    invitation.refresh_from_db()
    assert (invitation.status, Letter.objects.get().status) == ("ended", "stopped")
    assert deceased.undo(patient_id=invitation.patient_id, reason="Fel person", **told) == []
    invitation.refresh_from_db()
    assert (invitation.status, invitation.end_reason, Letter.objects.get().status) == ("open", "", "unsent")


def test_of_a_wait_that_has_been_ended_it_does_not_come_back(centre):
    """AV-03: a bokningsbegäran that somebody has changed after the death stays as it is, and what hung on it."""
    invitation = invited(centre)
    told = {"by": centre.doctor, "at": NOW}
    deceased.register(patient_id=invitation.patient_id, deceased_on=TODAY, reason="Dödsbevis", **told)
    BookingRequest.objects.update(close_reason="Annat")
    left = deceased.undo(patient_id=invitation.patient_id, reason="Fel person", **told)
    assert [each.sentence for each in left] == [
        "Bokningsbegäran har ändrats efter kaskaden och lämnas som den är.",
        "Den öppna kallelsen hör till något som inte väntar längre.",
    ]
    letter = Letter.objects.get()
    assert refused(letters.confirm_printed, letter_id=letter.pk, **told) == ("PL-26", "already_done")


def test_an_invitation_alone_is_no_plan(clinic):
    """UT-07: it hangs on what waits, so a vårdåtagande is never held by it."""
    patient = living(clinic)
    commitment = clinic.commitment(patient)
    referral = commitment.referrals.get()
    invitations.invite(
        subject="referral", row_id=referral.pk, last_day=LAST, visit_type=clinic.nurse_visit, by=clinic.nurse, at=NOW
    )
    assert not promises.broken(at=NOW).exists()
    JOBS["release-holds"](at=at_local(LAST + DAY, time(0)))
    assert not promises.broken(at=at_local(LAST + DAY, time(0))).exists()
    commitments.close_by_id(commitment_id=commitment.pk, reason="önskar avsluta", by=clinic.doctor, at=NOW)
    assert not OpenInvitation.objects.waiting().exists()
    assert [each.name for each in invariants.INVARIANTS if each.rows(NOW).exists()] == []


def test_booked_it_survives_the_visit(centre):
    """PL-26: what it led to is told of afterwards."""
    invitation = book(centre, invited(centre), by_patient=True)
    appointments.arrive(appointment_id=invitation.appointment_id, by=centre.nurse, at=START)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.appointment.status) == ("booked", "arrived")
