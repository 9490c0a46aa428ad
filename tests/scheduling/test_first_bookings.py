"""Which booking a remiss in Att boka has: one made since it came to its vårdåtagande, not one that was there before
(VA-01, VA-03, BO-01, PL-11)."""

from datetime import timedelta

import pytest

from registration.actions import referrals
from registration.models import Referral
from scheduling import faults, first_bookings, freed, outgoing
from scheduling.actions import appointments, invitations, offers, referral_undo, sharing, wait_letters
from scheduling.models import Appointment, FaultKind, Letter, Offer, OpenInvitation
from sdv.common.errors import RuleError
from sdv.desk.presenters import to_book, work
from sdv.flows import cancellation, deceased
from sdv.organisation.models import SharedList
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic

MINUTE = timedelta(minutes=1)
LATER = NOW + 2 * DAY
TARGET = TODAY + 14 * DAY


def accept(clinic, row, at=LATER):
    act = {"problem_code": clinic.problem, "medical_target_date": TARGET, "by": clinic.doctor, "at": at}
    referrals.accept(referral_id=row.pk, **act)
    return Referral.objects.get(pk=row.pk)


def joining(clinic, patient, at=LATER):
    """A new remiss for the problem that the patient is already in care for."""
    told = {"kind": "R", "referrer": "Vårdcentralen Öster", "arrival_date": at.date(), "by": clinic.doctor, "at": at}
    row = referrals.register(patient_id=patient.pk, care_unit=clinic.unit, **told)
    return accept(clinic, row, at)


def in_care(clinic, patient):
    """The patient has been here and has a return visit in half a year."""
    clinic.commitment(patient)
    clinic.arrived(patient, NOW)
    return clinic.book(patient, NOW + 180 * DAY)


def booked_for(remiss):
    """What the list says, and what whoever acts is told: the same."""
    row = first_bookings.with_booking(Referral.objects.filter(pk=remiss.pk)).get()
    booking = first_bookings.of(remiss.pk)
    assert (row.booked_id, row.booked_start) == ((booking.pk, booking.start) if booking else (None, None))
    assert first_bookings.unbooked(Referral.objects.filter(pk=remiss.pk)).exists() == (booking is None)
    return booking


def has_passed(remiss, at):
    return faults.wrong("referral", FaultKind.PASSED, at=at).filter(pk=remiss.pk).exists()


@pytest.fixture
def remiss(clinic):
    """It joins the vårdåtagande of a return visit that was booked before anybody knew of it."""
    patient = clinic.patient()
    visit = in_care(clinic, patient)
    row = joining(clinic, patient)
    assert visit.encounter.commitment_id == row.commitment_id
    return row


def test_a_visit_booked_before_the_remiss_came_is_not_its_own(clinic, remiss):
    """Every list and check says that nobody has booked it."""
    assert booked_for(remiss) is None
    (row,) = to_book.to_book([clinic.unit.pk])
    assert (row, row.booked_id) == (remiss, None)
    assert list(freed.waiting("referral")) == [remiss]
    late = NOW + 15 * DAY
    assert work.due_count(clinic.unit, ["to-book"], at=late) == 1
    assert (has_passed(remiss, NOW + 14 * DAY), has_passed(remiss, late)) == (False, True)
    assert outgoing.no_longer_waits(remiss) is None


def test_it_is_booked_called_and_offered_as_one_that_waits(clinic, remiss):
    """Each door takes it (BO-01, PL-01, PL-26, KA-01)."""
    told = {"subject": "referral", "row_id": remiss.pk, "by": clinic.nurse, "at": LATER}
    written = wait_letters.write(**told, kind="waiting")
    assert Letter.objects.get(referral=remiss) == written
    invitations.invite(**told, last_day=TARGET, visit_type=clinic.nurse_visit)
    assert OpenInvitation.objects.watched().get().referral == remiss
    offers.make(**told, resource_id=clinic.nurse_resource.pk, start=LATER + DAY, visit_type=clinic.nurse_visit)
    assert Offer.objects.open().get().referral == remiss


def test_it_is_booked_once_by_a_visit_made_since(clinic, remiss):
    """BO-01: also rescheduled; cancelled, it waits as before."""
    start = LATER + DAY
    asked = {"referral_id": remiss.pk, "commitment_id": remiss.commitment_id, "at": LATER}
    visit = clinic.book(remiss.patient, start, **asked)
    assert booked_for(remiss) == visit
    with pytest.raises(RuleError) as refused:
        clinic.book(remiss.patient, start + DAY, **asked)
    assert (refused.value.rule, refused.value.code, refused.value.by) == ("BO-01", "already_done", "Sara Norén")
    assert Appointment.objects.living().filter(start__lt=NOW + 30 * DAY).get() == visit
    assert (list(freed.waiting("referral")), has_passed(remiss, NOW + 15 * DAY)) == ([], True)

    moved = start + 20 * DAY
    told = {"start": moved, "end": moved + HALF_HOUR, "by": clinic.nurse, "at": LATER + MINUTE}
    appointments.reschedule(appointment_id=visit.pk, **told)
    assert booked_for(remiss).start == moved
    assert has_passed(remiss, NOW + 15 * DAY) is False

    cancellation.cancel(
        appointment_id=visit.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=LATER + MINUTE
    )
    assert booked_for(remiss) is None
    again = clinic.book(remiss.patient, start, **asked)
    assert booked_for(remiss) == again


def test_the_visit_that_was_there_before_is_not_its_own_when_it_is_moved(clinic, remiss):
    """Moved nearer it is still what it was booked for."""
    visit = Appointment.objects.living().get()
    told = {"start": LATER + DAY, "end": LATER + DAY + HALF_HOUR, "by": clinic.nurse, "at": LATER + MINUTE}
    appointments.reschedule(appointment_id=visit.pk, **told)
    assert booked_for(remiss) is None


def test_an_arrival_and_a_death_taken_back_leave_it_with_its_booking(clinic, remiss):
    """VA-04, AV-03, PL-13: when it was accepted and when it was booked stay what they were."""
    visit = clinic.book(remiss.patient, LATER + DAY, at=LATER)
    act = {"appointment_id": visit.pk, "by": clinic.nurse}
    appointments.arrive(**act, at=LATER + DAY)
    appointments.undo(**act, at=LATER + DAY + MINUTE)
    assert booked_for(remiss) == visit
    visit = clinic.book(remiss.patient, LATER + 9 * DAY, at=LATER + DAY)
    cancellation.cancel(appointment_id=act["appointment_id"], cancelled_by="provider", reason="Sjuk", by=clinic.nurse,
                        at=LATER + DAY + MINUTE)  # fmt: skip
    death = {"patient_id": remiss.patient_id, "reason": "Fel person", "by": clinic.doctor}
    deceased.register(**death, deceased_on=(LATER + 2 * DAY).date(), at=LATER + 2 * DAY)
    deceased.undo(**death, at=LATER + 2 * DAY + MINUTE)
    assert booked_for(remiss) == visit


def test_accepted_anew_it_has_what_was_booked_since_then(clinic, remiss):
    """VA-03: the decision taken back and made again counts from when it was made again."""
    referral_undo.undo(referral_id=remiss.pk, by=clinic.doctor, at=LATER + MINUTE)
    clinic.book(remiss.patient, LATER + DAY, at=LATER + 2 * MINUTE)
    accept(clinic, remiss, LATER + 3 * MINUTE)
    assert booked_for(remiss) is None
    visit = clinic.book(remiss.patient, LATER + 2 * DAY, at=LATER + 4 * MINUTE)
    assert booked_for(remiss) == visit


def test_the_remiss_before_keeps_the_booking_that_both_were_there_for(clinic):
    """Two remisser of one problem: the visit booked between them is the first's alone, one made after both is both's."""
    patient = clinic.patient()
    first = clinic.commitment(patient).referrals.get()
    visit = clinic.book(patient, LATER + 5 * DAY, at=NOW + MINUTE)
    second = joining(clinic, patient)
    assert (booked_for(first), booked_for(second)) == (visit, None)
    nearer = clinic.book(patient, LATER + DAY, at=LATER)
    assert (booked_for(first), booked_for(second)) == (nearer, nearer)


def test_taken_over_it_has_nothing_that_the_unit_had_booked_before(clinic):
    """PL-25: the unit that takes it over has the patient in care already, with a return visit booked since the remiss was
    accepted where it waited."""
    other, patient = Clinic(name="Ortopedin Norr"), clinic.patient()
    shared = SharedList.objects.create(name="Ortopedi")
    for unit in (clinic.unit, other.unit):
        shared.units.create(care_unit=unit)
    remiss = clinic.commitment(patient).referrals.get()
    in_care(other, patient)
    other.book(patient, NOW + 90 * DAY, at=LATER)
    taken = sharing.take_referral(referral_id=remiss.pk, care_unit=other.unit, by=other.doctor, at=LATER + MINUTE)
    assert taken.commitment.care_unit == other.unit
    assert booked_for(taken) is None
    visit = other.book(patient, LATER + DAY, at=LATER + 2 * MINUTE, referral_id=remiss.pk)
    assert booked_for(taken) == visit


def test_one_who_has_only_a_visit_from_before_is_taken_over(clinic, remiss):
    """PL-25: the old visit does not stand in the way, and its vårdåtagande stays open for it (UT-07)."""
    other = Clinic(name="Ortopedin Norr")
    shared = SharedList.objects.create(name="Ortopedi")
    for unit in (clinic.unit, other.unit):
        shared.units.create(care_unit=unit)
    taken = sharing.take_referral(referral_id=remiss.pk, care_unit=other.unit, by=other.doctor, at=LATER + MINUTE)
    remiss.commitment.refresh_from_db()
    assert (taken.care_unit, remiss.commitment.status) == (other.unit, "open")


def test_a_wait_letter_in_the_list_of_letters_is_about_one_who_waits(clinic, remiss):
    """KA-01: the list asks in its own query what the letter's own refusal asks."""
    wait_letters.write(subject="referral", row_id=remiss.pk, kind="waiting", by=clinic.nurse, at=LATER)
    rows = outgoing.with_what_has_become(Letter.objects.select_related("referral"))
    assert [outgoing.outdated_refusal(row) for row in rows] == [None]
    clinic.book(remiss.patient, LATER + DAY, at=LATER)
    assert [outgoing.outdated_refusal(row).code for row in rows.all()] == ["outdated"]
