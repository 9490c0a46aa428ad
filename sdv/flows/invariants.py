"""What must always be so across tables, as querysets of the rows that break it. Within a table the database's own
constraints see to it; these are the agreements between tables that no constraint can hold."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, F, OuterRef, Q

from registration.lifecycle import (
    ADMISSION_BOOKED,
    ANNULLED,
    HIDDEN,
    LIES,
    NO_SHOW_TYPE,
    PRE_REGISTRATIONS,
    Status,
)
from registration.models import CareCommitment, CommitmentStatus, Encounter, Order, Patient, PlaceStay, Referral
from scheduling import promises
from scheduling.models import (
    Appointment,
    AppointmentStatus,
    AwaitedResult,
    BookingRequest,
    BookingState,
    MissingFollowUp,
    NoShowItem,
    Offer,
    RebookingItem,
    ResourceBooking,
    Session,
    SessionParticipant,
    SessionStatus,
)
from scheduling.models.resource import TstzRange
from sdv.common.time import local_date, start_of_day
from sdv.outbox.models import OutboxMessage, Topic

WORK_ITEMS = (AwaitedResult, MissingFollowUp, NoShowItem, RebookingItem)


@dataclass(frozen=True)
class Invariant:
    """One agreement: its name for programs, what breaks it in words, and the rows that do as of a moment.

    `is_work` marks what people's work repairs (UT-07): it is counted and shown, not a fault of the system."""

    name: str
    broken_when: str
    rows: object
    is_work: bool = False


def unplanned_commitments(at):
    """UT-07."""
    return promises.broken(at=at)


def disagreeing_appointments(at):
    """A booking and its vårdhändelse say the same (BO-01, VH-07, VH-11)."""
    planned = Q(encounter__status=Status.PLANNED, encounter__type__in=PRE_REGISTRATIONS)
    kept = Q(encounter__cancelled_at__isnull=False, encounter__type__in=PRE_REGISTRATIONS)
    agree = (
        Q(status=AppointmentStatus.BOOKED) & planned & Q(encounter__cancelled_at__isnull=True)
        | Q(status=AppointmentStatus.ARRIVED)
        & ~Q(encounter__status=Status.PLANNED)
        & ~Q(encounter__type__in=[*PRE_REGISTRATIONS, NO_SHOW_TYPE])
        | Q(status=AppointmentStatus.NO_SHOW, encounter__type=NO_SHOW_TYPE)
        | Q(status=AppointmentStatus.CANCELLED) & (Q(encounter__type=ANNULLED) | kept)
    )
    return Appointment.objects.exclude(agree)


def misplaced_appointments(at):
    """A booking and its vårdhändelse have the same patient, unit and planned time."""
    return Appointment.objects.exclude(
        patient=F("encounter__patient"),
        care_unit=F("encounter__care_unit"),
        start=F("encounter__planned_start"),
        end=F("encounter__planned_end"),
    )


def appointments_without_time(at):
    """A living booking holds its time, or its part of it, at some resource (BO-01); a group one a seat (BO-02)."""
    taken = ResourceBooking.objects.filter(
        appointment=OuterRef("pk"),
        state=BookingState.BOOKED,
        period__contained_by=TstzRange(OuterRef("start"), OuterRef("end")),
    )
    seat = SessionParticipant.objects.filter(
        appointment=OuterRef("pk"),
        session=OuterRef("session"),
        session__start=OuterRef("start"),
        session__end=OuterRef("end"),
    )
    return Appointment.objects.living().filter(~Exists(taken), ~Exists(seat))


def seats_of_the_gone(at):
    """BO-02: a seat is had by a booking of that session that has not been cancelled."""
    return SessionParticipant.objects.exclude(
        ~Q(appointment__status=AppointmentStatus.CANCELLED), appointment__session=F("session")
    )


def sessions_without_time(at):
    """BO-02: a session to come holds its time at each of its resources; a cancelled one holds none."""
    through = Session.resources.through.objects.filter(session=OuterRef("pk"))
    taken = ResourceBooking.objects.filter(
        session=OuterRef("session"),
        resource=OuterRef("resource"),
        period__startswith=OuterRef("session__start"),
        period__endswith=OuterRef("session__end"),
    )
    return Session.objects.planned().filter(Exists(through.filter(~Exists(taken))))


def bookings_in_absence(at):
    """PL-02: a booking that an absence hits stands on the rebooking list."""
    return promises.in_absence(at=at)


def bookings_outside_the_tidbok(at):
    """PL-02, BO-01: a booking that the tidbok no longer has the time of stands on the rebooking list."""
    return promises.outside_the_tidbok(at=at)


def bookings_on_cancelled_sessions(at):
    """BO-02, PL-02: nobody of a cancelled session is booked without standing on the rebooking list."""
    return promises.on_cancelled_sessions()


def left_consults(at):
    """BO-02, PL-02: a consult whose contact at the other unit is called off stands on the rebooking list."""
    return promises.left_consults(at=at)


def rebooking_of_what_is_done(at):
    """PL-02: what has been moved, ended or has begun is not left to be moved."""
    return RebookingItem.objects.open().exclude(appointment__status=AppointmentStatus.BOOKED)


def times_without_appointment(at):
    """A cancelled booking holds no time (BO-03)."""
    return ResourceBooking.objects.filter(state=BookingState.BOOKED).filter(
        Q(appointment__isnull=True, session__isnull=True)
        | Q(appointment__status=AppointmentStatus.CANCELLED)
        | Q(session__status=SessionStatus.CANCELLED)
    )


def visits_without_commitment(at):
    """VH-08: what requires a vårdåtagande has one, of the same patient and unit."""
    return Encounter.objects.filter(type__requires_commitment=True).exclude(
        commitment__patient=F("patient"), commitment__care_unit=F("care_unit")
    )


def places_held_by_the_ended(at):
    """VH-09: what has ended holds no place."""
    return PlaceStay.objects.filter(encounter__status=Status.ENDED, period__upper_inf=True)


def patients_in_two_places(at):
    """VH-09: who lies in a place lies in no other, under whatever vårdhändelse."""
    lying = PlaceStay.objects.going_on().filter(encounter__type__in=LIES)
    other = lying.filter(encounter__patient=OuterRef("encounter__patient")).exclude(pk=OuterRef("pk"))
    return lying.filter(Exists(other))


def places_held_by_what_never_was(at):
    """VH-09, VH-12: what was annulled has held no place."""
    return PlaceStay.objects.filter(encounter__type=ANNULLED, period__isempty=False)


def items_of_closed_commitments(at):
    """UT-03: a closed vårdåtagande is watched by nothing and waits for nothing."""
    own = {"commitment": OuterRef("pk")}
    open_items = Q(Exists(BookingRequest.objects.waiting().filter(**own)))
    for model in WORK_ITEMS:
        open_items |= Q(Exists(model.objects.open().filter(**own)))
    return CareCommitment.objects.filter(open_items, status=CommitmentStatus.CLOSED)


def offers_to_nobody_waiting(at):
    """PL-01, UT-03: a time is held by an offer only for a bokningsbegäran or a remiss that still waits."""
    requests = BookingRequest.objects.waiting().filter(pk=OuterRef("booking_request"))
    referrals = Referral.objects.to_book().filter(pk=OuterRef("referral"))
    return Offer.objects.open().filter(~Exists(requests), ~Exists(referrals))


def planning_for_the_dead(at):
    """AV-02: after the cascade nothing is planned for the patient. An open vårdåtagande of the dead, left because a stay
    went on, is people's work: UT-07 lists it."""
    own = {"patient": OuterRef("pk")}
    planned = Q(Exists(Appointment.objects.future(at).filter(**own)))
    planned |= Q(Exists(BookingRequest.objects.waiting().filter(**own)))
    admission = {"type": ADMISSION_BOOKED, "status": Status.PLANNED, "cancelled_at": None}
    planned |= Q(Exists(Encounter.objects.filter(**admission, **own)))
    return Patient.objects.filter(
        planned,
        deceased_on__isnull=False,
        deceased_cascades__run_at__isnull=False,
        deceased_cascades__undone_at__isnull=True,
    )


def care_of_merged_records(at):
    """RI-02: what is done for a patient is on the present record."""
    own = {"patient": OuterRef("pk")}
    held = Q()
    for model in (CareCommitment, Encounter, Referral, Order, BookingRequest, *WORK_ITEMS):
        held |= Q(Exists(model.objects.filter(**own)))
    return Patient.objects.filter(held, merged_into__isnull=False)


def bookings_of_closed_commitments(at):
    """UT-03: what is closed has nothing booked from today on."""
    coming = Appointment.objects.living().filter(start__gte=start_of_day(local_date(at)))
    return coming.filter(encounter__commitment__status=CommitmentStatus.CLOSED)


def items_after_another_s_visit(at):
    """UT-04, UT-05: what is watched after a visit is watched of the patient who made it."""
    strange = Q()
    for model in WORK_ITEMS:
        strange |= Q(Exists(model.objects.filter(encounter=OuterRef("pk")).exclude(patient=OuterRef("patient"))))
    return Encounter.objects.filter(strange)


def ends_told_twice(at):
    """VH-20: one end is told once."""
    return (
        OutboxMessage.objects.filter(topic=Topic.ENCOUNTER_ENDED)
        .values("subject_id", "payload__version")
        .annotate(told=Count("id"))
        .filter(told__gt=1)
    )


def ends_not_told(at):
    """VH-20: an ended vårdhändelse that is reported has been told. Asked of the last days, since what has been
    delivered need not be kept for ever."""
    told = OutboxMessage.objects.filter(subject_id=OuterRef("pk"), topic=Topic.ENCOUNTER_ENDED)
    lately = {"end__gt": at - timedelta(days=2), "end__lte": at}
    return Encounter.objects.filter(~Exists(told), status=Status.ENDED, **lately).reported()


def late_for_the_clock(at):
    """VH-05, VH-17: the clock's jobs are an hour late or more: a pre-registration not shown, an end not made."""
    an_hour_ago = at - timedelta(hours=1)
    hidden = Q(type=HIDDEN, status=Status.PLANNED, planned_start__lte=an_hour_ago + timedelta(hours=24))
    ends_by_itself = Q(type__discharge="automatic", is_reopened=False, start__lt=start_of_day(local_date(an_hour_ago)))
    due = Q(status=Status.CHECKED_OUT) | Q(type=NO_SHOW_TYPE, status=Status.PLANNED)
    due |= Q(status=Status.IN_PROGRESS) & ~Q(type__check_out="manual")
    return Encounter.objects.filter(hidden | (ends_by_itself & due))


INVARIANTS = [
    Invariant("unplanned-commitments", "öppna vårdåtaganden utan planering (UT-07)", unplanned_commitments, True),
    Invariant("disagreeing-appointments", "bokningar som säger annat än sin vårdhändelse", disagreeing_appointments),
    Invariant("misplaced-appointments", "bokningar med annan patient, enhet eller tid än sin vårdhändelse", misplaced_appointments),
    Invariant("appointments-without-time", "bokningar som inte håller någon tid", appointments_without_time),
    Invariant("bookings-in-absence", "bokningar under frånvaro som inte står i Ombokningar (PL-02)", bookings_in_absence),
    Invariant("bookings-outside-the-tidbok", "bokningar utanför tidboken och utanför Ombokningar (PL-02)", bookings_outside_the_tidbok),
    Invariant("bookings-on-cancelled-sessions", "inställda gruppers bokningar utanför listan (BO-02)", bookings_on_cancelled_sessions),
    Invariant("left-consults", "konsulter av avbokad vård utanför Ombokningar (BO-02)", left_consults),
    Invariant("rebooking-of-what-is-done", "ombokningar av bokningar som inte längre väntar (PL-02)", rebooking_of_what_is_done),
    Invariant("times-without-appointment", "tider som hålls utan levande bokning", times_without_appointment),
    Invariant("seats-of-the-gone", "platser på grupptillfällen utan levande bokning (BO-02)", seats_of_the_gone),
    Invariant("sessions-without-time", "grupptillfällen som inte håller sina resursers tid (BO-02)", sessions_without_time),
    Invariant("visits-without-commitment", "vårdhändelser som saknar det vårdåtagande de kräver (VH-08)", visits_without_commitment),
    Invariant("places-held-by-the-ended", "platser som hålls av avslutade vårdhändelser", places_held_by_the_ended),
    Invariant("patients-in-two-places", "patienter som har två platser på en gång (VH-09)", patients_in_two_places),
    Invariant("places-of-what-never-was", "platser som hålls av annullerade vårdhändelser (VH-12)", places_held_by_what_never_was),
    Invariant("items-of-closed-commitments", "avslutade vårdåtaganden med poster kvar (UT-03)", items_of_closed_commitments),
    Invariant("bookings-of-closed-commitments", "avslutade vårdåtaganden med bokningar kvar (UT-03)", bookings_of_closed_commitments),
    Invariant("items-after-another-s-visit", "bevakningar efter någon annans besök (UT-04)", items_after_another_s_visit),
    Invariant("offers-to-nobody-waiting", "erbjudna tider till någon som inte väntar längre (PL-01)", offers_to_nobody_waiting),
    Invariant("planning-for-the-dead", "avlidna patienter med planering kvar (AV-02)", planning_for_the_dead),
    Invariant("care-of-merged-records", "sammanslagna poster med vård kvar (RI-02)", care_of_merged_records),
    Invariant("ends-told-twice", "avslut som meddelats två gånger (VH-20)", ends_told_twice),
    Invariant("ends-not-told", "avslut som inte meddelats (VH-20)", ends_not_told),
    Invariant("late-for-the-clock", "vårdhändelser som klockans jobb är mer än en timme sena med", late_for_the_clock, True),
]  # fmt: skip
