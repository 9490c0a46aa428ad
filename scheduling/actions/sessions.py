"""Grupptillfällen: planned, changed, moved, cancelled, and who takes part (BO-02, PL-02, PL-06, PL-27).

Whoever takes a seat holds the patient's lock, the resources' and the session's, in that order: so the last seat has one
queue, and an absence registered at the same moment is either met or refused."""

from django.db import transaction

from registration.actions import encounters
from registration.models import Encounter, Patient
from scheduling import rules
from scheduling.models import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    CancelledBy,
    FreedBy,
    Resource,
    Session,
    SessionStatus,
)
from sdv.common.errors import InputError, RuleError
from sdv.common.time import minute
from sdv.common.versions import refuse_stale, write

from . import appointments, booking, choices, letter_facts, letter_writing, offers, rebooking, resource_bookings, seats

# --- The session ----------------------------------------------------------------------------------------------------


def plan(*, care_unit, start, **fields):
    """Plans a session: `name`, `visit_type`, `contact_reason_id`, `end`, `seats`, `extra_seats`, `resource_ids`, `by`,
    `at`. Its resources' time is taken once, as any time is."""
    with resource_bookings.told_as_taken(start), transaction.atomic():
        return _plan(care_unit=care_unit, start=start, **fields)


def _plan(
    *,
    care_unit,
    name,
    visit_type,
    contact_reason_id,
    start,
    end,
    seats,
    resource_ids,
    by,
    at,
    extra_seats=0,
):
    start, end = minute(start), minute(end)
    if refused := rules.time_refusal(start=start, end=end, at=at):
        raise refused
    if not resource_ids:
        raise InputError(resources="Välj minst en resurs: ett tillfälle har någon som leder det.")
    if extra_seats and (refused := rules.session_overbooking(care_unit.allows_overbooking)):
        raise refused
    reason = choices.offered_reason(visit_type, contact_reason_id, care_unit, at=at)
    resources = booking.lock_resources(resource_ids, care_unit)
    if not any(resource.practitioner_id for resource in resources):
        raise InputError(resources="Välj minst en person: ett tillfälle har någon som leder det.")
    taken = resource_bookings.make_room(resources, start, end, at=at)
    if refused := resource_bookings.outside(resources, visit_type, start, end):
        raise refused
    session = Session.objects.create(
        care_unit=care_unit,
        name=name,
        visit_type=visit_type,
        contact_reason=reason,
        start=start,
        end=end,
        seats=seats,
        extra_seats=extra_seats,
        created_by=by,
        created_at=at,
    )
    session.resources.set(resources)
    for resource in resources:
        resource_bookings.take(resource, start, end, seat=1, taken=taken, session=session)
    return session


def lock(session_id, *, version=None):
    """The session, locked after its resources. Returns (session, resources)."""
    resources = Resource.objects.filter(sessions=session_id).locked_with_persons()
    return _locked(session_id, version), resources


def _locked(session_id, version):
    """The version is judged before anything else, also where nothing would be changed: the second of two is told who was
    first (PL-27)."""
    related = Session.objects.select_related("care_unit", "visit_type", "contact_reason")
    session = related.locked().get(pk=session_id)
    refuse_stale(session, version, by="changed_by", at="changed_at")
    return session


def _refuse_cancelled(session):
    if session.status == SessionStatus.CANCELLED:
        refused = RuleError("BO-02", f"{session.name} är redan inställt. Läs in sidan igen.", code="already_done")
        raise refused.told(session.cancelled_by, session.cancelled_at)


@transaction.atomic
def change(*, session_id, by, at, version=None, name=None, seats=None, extra_seats=None):
    """Changes the name, the seats and how far the session may be overbooked; never below what is taken."""
    session, _ = lock(session_id, version=version)
    _refuse_cancelled(session)
    changes = {"name": name, "seats": seats, "extra_seats": extra_seats}
    changes = {field: value for field, value in changes.items() if value not in (None, getattr(session, field))}
    if not changes:
        return session
    if changes.get("extra_seats") and (refused := rules.session_overbooking(session.care_unit.allows_overbooking)):
        raise refused
    most = changes.get("seats", session.seats) + changes.get("extra_seats", session.extra_seats)
    taken = session.participants.count()
    highest = session.participants.order_by("-seat").values_list("seat", flat=True).first() or 0
    if highest > most:
        raise rules.fewer_seats_than_taken(max(taken, highest))
    return write(session, **changes, changed_by=by, changed_at=at)


@transaction.atomic
def cancel(*, session_id, reason, by, at, version=None):
    """Ställer in the session. Its resources are free again; each participant stands in Ombokningar as the provider's
    doing until moved or ended (PL-02): nobody's booking is ended behind their back."""
    if not (reason or "").strip():
        raise InputError(reason="Ange varför tillfället ställs in.")
    session, resources = lock(session_id, version=version)
    _refuse_cancelled(session)
    if session.end <= at:
        raise rules.session_over(session.name, session.end)
    # Whoever arrives or moves holds the booking's lock: what they did is known when it is ours.
    rows = list(session.appointments.select_related("encounter__commitment").locked())
    if any(row.status == AppointmentStatus.ARRIVED for row in rows):
        raise rules.session_attended()
    session.resource_bookings.all().delete()
    told = {"cancelled_at": at, "cancelled_by": by, "cancel_reason": reason.strip()[:200]}
    write(session, status=SessionStatus.CANCELLED, **told, changed_by=by, changed_at=at)
    offers.note_freed_session(session, resources, cause=FreedBy.CANCELLED, by=by, at=at)
    for appointment in rows:
        if appointment.status == AppointmentStatus.BOOKED:
            rebooking.put(appointment, session=session, at=at)
    return session


def _living(session):
    return Appointment.objects.living().filter(session=session)


def move(*, session_id, start, end, by, at, resource_ids=None, version=None, letter=None):
    """Moves the session with everybody on it, as the provider's doing: the new time is had before the old is let go, in
    one transaction (PL-08). A participant who has something else then is not asked; it is told on the page (PL-06). What
    is over, or somebody has come to or missed, is not moved; what is asked to stand as it does is left so."""
    with resource_bookings.told_as_taken(start), transaction.atomic():
        return _move(session_id, minute(start), minute(end), by, at, resource_ids, version, letter)


def is_attended(session):
    """Whether anybody with a seat has come, or is told to have missed it (BO-02). A seat that was cancelled late is
    somebody else's."""
    had = [AppointmentStatus.ARRIVED, AppointmentStatus.NO_SHOW]
    return session.participants.filter(appointment__status__in=had).exists()


def _move(session_id, start, end, by, at, resource_ids, version, letter):
    known = list(Appointment.objects.living().filter(session=session_id).values("patient_id", "encounter_id"))
    rows = Patient.objects.filter(pk__in=[row["patient_id"] for row in known])
    patients = {row.pk: row for row in rows.locked()}
    rows = Encounter.objects.filter(pk__in=[row["encounter_id"] for row in known])
    held = {row.pk: row for row in rows.select_related("care_unit", "visit_type", "commitment").locked()}
    wanted = Resource.objects.filter(sessions=session_id)
    if resource_ids is not None:
        wanted = wanted | Resource.objects.filter(pk__in=resource_ids)
    keys = list(wanted.values_list("pk", flat=True))
    every = Resource.objects.filter(pk__in=keys).locked_with_persons()
    session = _locked(session_id, version)
    _refuse_cancelled(session)
    if session.end <= at:
        raise rules.session_over(session.name, session.end)
    # Whoever arrives or is missed holds the booking's lock: what they did is known when it is ours.
    rows = [row for row in session.appointments.locked() if row.status == AppointmentStatus.BOOKED]
    if is_attended(session):
        raise rules.session_attended()
    if {row.encounter_id for row in rows} - set(held) or {row.patient_id for row in rows} - set(patients):
        raise RuleError("PL-27", "Någon bokades på tillfället just nu. Läs in sidan igen.", code="changed")
    before = set(session.resources.values_list("pk", flat=True))
    kept = set(resource_ids) if resource_ids is not None else before
    if (start, end, kept) == (session.start, session.end, before):
        return session
    if refused := rules.time_refusal(start=start, end=end, at=at):
        raise refused
    new = [resource for resource in every if resource.pk in kept]
    if len(new) != len(kept) or any(row.care_unit_id != session.care_unit_id for row in new):
        raise InputError(resources="Någon av resurserna finns inte på vårdenheten. Välj bland enhetens resurser.")
    if not any(resource.practitioner_id for resource in new):
        raise InputError(resources="Välj minst en person: ett tillfälle har någon som leder det.")
    taken = resource_bookings.make_room(new, start, end, at=at, apart_from_session=session)
    if refused := resource_bookings.outside(new, session.visit_type, start, end):
        raise refused
    booked = list(session.resource_bookings.all())
    own, had = {row.taken_as: row for row in booked}, {row.resource_id for row in booked}
    for resource in new:
        moved = own.get(resource.taken_as)
        resource_bookings.take(resource, start, end, seat=1, taken=taken, session=session, moved=moved)
    session.resource_bookings.exclude(resource__in=kept).delete()
    left = [row for row in every if row.pk in had and (session.start != start or row.pk not in kept)]
    offers.note_freed_session(session, left, cause=FreedBy.RESCHEDULED, by=by, at=at)
    session.resources.set(new)
    write(session, start=start, end=end, changed_by=by, changed_at=at)
    for row in rows:
        row.patient, row.session = patients[row.patient_id], session
        _follow(row, held[row.encounter_id], new, start, end, by=by, at=at, letter=letter)
    return session


def _follow(
    appointment,
    encounter,
    resources,
    start,
    end,
    *,
    by,
    at,
    letter=None,
    letter_choices=None,
    whose=CancelledBy.PROVIDER,
):
    """A participant's booking goes to the session's time."""
    before = appointment.start
    encounter.patient = appointment.patient
    appointment.encounter, appointment.care_unit = encounter, encounter.care_unit
    encounters.reschedule(encounter, planned_start=start, planned_end=end, by=by, at=at, reason="")
    appointment.resources.set(resources)
    encounter.participants.all().delete()
    booking.take_part(encounter, resources)
    write(appointment, start=start, end=end)
    item = rebooking.settle(appointment, rebooking.REBOOKED, by=by, at=at)
    whose = CancelledBy.PROVIDER if item else whose
    booking.note(appointment, "rescheduled", by=by, at=at, start_before=before, start_after=start, initiated_by=whose)
    appointment.letters_written = letter_writing.follow_change(
        appointment,
        changed_by=whose,
        by=by,
        at=at,
        wanted=letter,
        choices=letter_facts.chosen_for(appointment, letter_choices, at=at),
    )


# --- Participants -----------------------------------------------------------------------------------------------------


def book(*, session_id, **fields):
    """Books a patient on the session: `patient_id`, `by`, `at`, and where they differ `contact_reason_id`,
    `commitment_id`, `booking_request_id`; `overbook` takes a seat beyond the ordinary ones, as far as the session allows.
    Each has a booking and a vårdhändelse of their own: fee, outcome and coding (BO-02)."""
    session = Session.objects.select_related("care_unit", "visit_type").get(pk=session_id)
    with seats.told_as_full(session), transaction.atomic():
        return _book(session, **fields)


def _book(
    known,
    *,
    patient_id,
    by,
    at,
    contact_reason_id=None,
    overbook=False,
    accept_warnings=(),
    reason="",
    wished_date=None,
    letter=False,
    letter_choices=None,
    add_on_ids=(),
    **who,
):
    wanted = booking.who_and_what(
        patient_id=patient_id,
        care_unit=known.care_unit,
        visit_type=known.visit_type,
        contact_reason_id=contact_reason_id or known.contact_reason_id,
        at=at,
        **who,
    )
    session, resources = lock(known.pk)
    _refuse_unattended(session, resources, at=at)
    if _living(session).filter(patient=wanted.patient).exists():
        raise rules.on_the_session_already(session.name, session.start)
    booking.warn_of_overlap(wanted.patient, session.start, session.end, accept_warnings, reason)
    seat = seats.choose(session, overbook=overbook)
    appointment = booking.create_visit(
        wanted,
        session.start,
        session.end,
        resources,
        kind=AppointmentKind.GROUP,
        session=session,
        add_on_ids=add_on_ids,
        wished_date=wished_date,
        is_overbooked=seat > session.seats,
        overlap_reason=reason,
        by=by,
        at=at,
    )
    seats.take(appointment, session, seat)
    return booking.booked(appointment, by=by, at=at, letter=letter, letter_choices=letter_choices)


def _refuse_unattended(session, resources, *, at):
    """Nobody is booked on what is cancelled, over, or where who leads it is away or has no time any longer (BO-01, PL-02,
    PL-23)."""
    if session.status == SessionStatus.CANCELLED:
        raise rules.session_cancelled(session.name, session.start)
    if session.end <= at:
        raise rules.session_over(session.name, session.end)
    if refused := resource_bookings.outside(resources, session.visit_type, session.start, session.end):
        raise refused


def change_session(
    *, appointment_id, session_id, by, at, overbook=False, accept_warnings=(), reason="", changed_by="", version=None,
    letter=None, letter_choices=None,
):  # fmt: skip
    """Moves a booking to a seat on another session: the new seat is had before the old time or seat is let go (PL-08)."""
    session = Session.objects.get(pk=session_id)
    with seats.told_as_full(session), transaction.atomic():
        new_ids = list(session.resources.values_list("pk", flat=True))
        appointment, every = appointments.lock(
            appointment_id, version=version, with_resources=True, new_resource_ids=new_ids
        )
        session, resources = lock(session_id)
        return _change_session(
            appointment, every, session, resources, overbook, accept_warnings, reason, changed_by,
            {"letter": letter, "letter_choices": letter_choices}, by, at,
        )  # fmt: skip


def _change_session(
    appointment, every, session, resources, overbook, accept_warnings, reason, changed_by, letter_wish, by, at
):
    encounter = appointment.encounter
    if session.care_unit_id != appointment.care_unit_id:
        raise InputError(session="Tillfället hör till en annan vårdenhet.")
    if session.visit_type_id != encounter.visit_type_id:
        raise RuleError(
            "BO-02",
            f"Bokningen gäller {encounter.visit_type.name} och tillfället {session.visit_type.name}."
            " Välj ett tillfälle av samma besökstyp, eller avboka och boka nytt.",
            code="another_visit_type",
        )
    if appointment.status == AppointmentStatus.BOOKED and appointment.session_id == session.pk:
        raise rules.on_the_session_already(session.name, session.start)
    encounters.refuse_deceased(encounter.patient)
    _refuse_unattended(session, resources, at=at)
    if _living(session).filter(patient=encounter.patient).exclude(pk=appointment.pk).exists():
        raise rules.on_the_session_already(session.name, session.start)
    booking.warn_of_overlap(
        encounter.patient, session.start, session.end, accept_warnings, reason, apart_from=appointment
    )
    seat = seats.choose(session, overbook=overbook)
    encounter.is_group = True
    appointment.session, appointment.kind = session, AppointmentKind.GROUP
    write(appointment, session=session, kind=AppointmentKind.GROUP, is_overbooked=seat > session.seats)
    encounter.save(update_fields=["is_group"])
    seats.take(appointment, session, seat)
    old_start, old_end = appointment.start, appointment.end
    own = list(appointment.resource_bookings.select_related("resource"))
    appointment.resource_bookings.all().delete()
    appointment.parts.all().delete()
    freed = [row.resource for row in own if row.seat == 1]
    _follow(
        appointment, encounter, resources, session.start, session.end, by=by, at=at, whose=changed_by, **letter_wish
    )
    offers.note_freed(appointment, old_start, old_end, freed, cause=FreedBy.RESCHEDULED, by=by, at=at)
    return appointment


def arrive_all(*, session_id, by, at):
    """Alla har kommit: everybody who is booked and has not arrived, each by the ordinary act with identity as usual.
    Returns (arrived, refused): one who cannot be is told and stops nobody else (BO-02, PL-03)."""
    ids = Appointment.objects.living().filter(session=session_id).order_by("pk").values_list("pk", flat=True)
    arrived, refused = [], []
    for appointment_id in ids:
        try:
            arrived.append(appointments.arrive(appointment_id=appointment_id, by=by, at=at))
        except RuleError as error:
            refused.append((appointment_id, error))
    return arrived, refused
