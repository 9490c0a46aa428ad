"""Bookings: book, reschedule, arrive, no-show and their undo (BO-01, BO-03, VH-07, VH-11). Cancelling touches more
than one app and is a flow (sdv.flows.cancellation)."""

from django.db import transaction
from django.db.models import Q

from registration.actions import consults, encounters
from registration.lifecycle import no_show_refusal
from registration.models import CommitmentStatus, Encounter, Patient
from scheduling import rules, slots
from scheduling.models import Appointment, AppointmentKind, AppointmentStatus, CancelledBy, FreedBy, Resource
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date, minute
from sdv.common.versions import refuse_stale, write

from . import (
    booking,
    first_contacts,
    letter_facts,
    letter_writing,
    offers,
    rebooking,
    resource_bookings,
    seats,
    team,
    work_items,
)

# --- Booking ------------------------------------------------------------------------------------------------------


def book(*, care_unit, visit_type, at, start, resource_ids, **fields):
    """Books a visit (BO-01): slot, appointment and pre-registration in one transaction, for `patient_id`, with
    `contact_reason_id`, `end`, `by`; with `letter` the kallelse too (KA-01). A time somebody else took is refused with the
    next free ones (PL-07)."""
    try:
        with resource_bookings.told_as_taken(start), transaction.atomic():
            return _book(
                care_unit=care_unit, visit_type=visit_type, at=at, start=start, resource_ids=resource_ids, **fields
            )
    except RuleError as refused:
        if refused.code == "slot_taken":
            refused.alternatives = slots.next_free(
                care_unit=care_unit, visit_type=visit_type, at=at, start=start, resource_ids=resource_ids
            )
        raise


def _book(
    *,
    care_unit,
    visit_type,
    start,
    end,
    resource_ids,
    by,
    at,
    wished_date=None,
    add_on_ids=(),
    overbook=False,
    accept_warnings=(),
    reason="",
    hold_id=None,
    letter=False,
    letter_choices=None,
    main_resource_id=None,
    parts=None,
    asked_kind=None,
    kind=None,
    plan=None,
    **who,
):
    start, end = minute(start), minute(end)
    if refused := rules.time_refusal(start=start, end=end, at=at):
        raise refused
    if not resource_ids:
        raise InputError(resources="Välj minst en resurs: varje tid har en ägare.")
    wanted = booking.who_and_what(care_unit=care_unit, visit_type=visit_type, at=at, start=start, **who)
    overruled = booking.warn_of_overlap(wanted.patient, start, end, accept_warnings, reason, during=wanted.during)
    if wanted.during:
        kind = AppointmentKind.CONSULT
    resources = booking.lock_resources(resource_ids, care_unit)
    kind = kind or booking.kind_of(resources)
    if asked_kind and asked_kind != kind:
        raise InputError(
            kind="Slaget följer av besöket: flera yrkeskategorier är ett team, en konsult pekar på en annan enhets"
            " vårdhändelse (BO-02)."
        )
    times = team.times(resources, start, end, parts)
    taken = resource_bookings.make_room(resources, start, end, at=at, by=by, hold_id=hold_id, times=times)
    _refuse_outside_hours(resources, visit_type, times, is_beside=overbook)
    appointment = booking.create_visit(
        wanted,
        start,
        end,
        resources,
        kind=kind,
        main_id=main_resource_id,
        add_on_ids=add_on_ids,
        wished_date=wished_date,
        is_overbooked=overbook,
        overlap_reason=reason if overbook else overruled,
        plan=plan,
        by=by,
        at=at,
    )
    team.keep_parts(appointment, parts)
    for resource in resources:
        seat = _another_seat(care_unit, taken[resource.pk]) if overbook else 1
        resource_bookings.take(resource, *times[resource.pk], seat=seat, taken=taken, appointment=appointment)
    return booking.booked(appointment, by=by, at=at, letter=letter, letter_choices=letter_choices)


def _refuse_outside_hours(resources, visit_type, times, *, is_beside=False):
    """A booking takes a time that each tidbok has (BO-01), and nobody is booked in an absence (PL-02); what is knowingly
    beside the tidbok is still with somebody who is there."""
    for resource in resources:
        if refused := resource_bookings.outside([resource], visit_type, *times[resource.pk], is_beside=is_beside):
            raise refused


def _another_seat(care_unit, seats):
    """Overbooking is explicit, allowed by the unit, and another seat number (BO-01, PL-06)."""
    if not care_unit.allows_overbooking:
        raise RuleError("BO-01", "Enheten tillåter inte överbokning. Välj en ledig tid.", code="no_overbooking")
    return max(seats, default=0) + 1


def lock(appointment_id, *, version=None, with_resources=False, new_resource_ids=()):
    """The appointment with its encounter, locked in the one order: patient, encounter, resource, appointment. Resources
    are those it has or had, and the new ones. Returns (appointment, resources)."""
    known = Appointment.objects.values("encounter_id", "patient_id").get(pk=appointment_id)
    patient = Patient.objects.lock_present(known["patient_id"])
    related = Encounter.objects.select_related("care_unit", "visit_type", "commitment")
    encounter = related.locked().get(pk=known["encounter_id"])
    resources = []
    if with_resources:
        wanted = Q(appointments=appointment_id) | Q(pk__in=new_resource_ids)
        resources = Resource.objects.filter(wanted).locked_with_persons()
    appointment = Appointment.objects.locked().get(pk=appointment_id)
    encounter.patient = appointment.patient = patient
    appointment.encounter, appointment.care_unit = encounter, encounter.care_unit
    refuse_stale(appointment, version)
    return appointment, resources


# --- Reschedule -----------------------------------------------------------------------------------------------------


def reschedule(
    *,
    appointment_id,
    start,
    end,
    by,
    at,
    resource_ids=None,
    reason="",
    accept_warnings=(),
    version=None,
    hold_id=None,
    changed_by="",
    letter=None,
    letter_choices=None,
):
    """Ombokning (BO-03, PL-08): the new time is had before the old is let go, in one transaction. Whoever has been told of
    the old time is told of the new one, and who changed it (PL-09); `letter` True writes also where nothing was written.
    What was chosen of the last letter goes on with the next, where nothing else is chosen (KA-03)."""
    try:
        with resource_bookings.told_as_taken(start), transaction.atomic():
            return _reschedule(
                appointment_id,
                minute(start),
                minute(end),
                by,
                at,
                resource_ids,
                reason,
                accept_warnings,
                version,
                hold_id,
                changed_by,
                letter,
                letter_choices,
            )
    except RuleError as refused:
        if refused.code == "slot_taken":
            appointment = Appointment.objects.select_related("care_unit", "encounter__visit_type").get(
                pk=appointment_id
            )
            refused.alternatives = slots.next_free(
                care_unit=appointment.care_unit,
                visit_type=appointment.encounter.visit_type,
                at=at,
                start=start,
                resource_ids=resource_ids,
            )
        raise


def _reschedule(
    appointment_id,
    start,
    end,
    by,
    at,
    resource_ids,
    reason,
    accept_warnings,
    version,
    hold_id,
    changed_by,
    letter,
    letter_choices,
):
    if refused := rules.time_refusal(start=start, end=end, at=at):
        raise refused
    appointment, old = lock(appointment_id, version=version, with_resources=True, new_resource_ids=resource_ids or ())
    if resource_ids:
        new = [resource for resource in old if resource.pk in resource_ids]
        if len(new) != len(set(resource_ids)) or any(r.care_unit_id != appointment.care_unit_id for r in new):
            raise InputError(resources="Någon av resurserna finns inte på vårdenheten. Välj bland enhetens resurser.")
    else:
        kept = set(appointment.resources.values_list("pk", flat=True))
        new = [resource for resource in old if resource.pk in kept]
    encounter = appointment.encounter
    encounters.refuse_deceased(encounter.patient)
    if appointment.kind == AppointmentKind.CONSULT:
        consults.engaged_by(
            encounter.patient,
            encounter.during_id,
            care_unit_id=encounter.care_unit_id,
            visit_type=encounter.visit_type,
            start=start,
        )
    apart = {"apart_from": appointment, "during": encounter.during_id}
    booking.warn_of_overlap(encounter.patient, start, end, accept_warnings, reason, **apart)
    times = team.moved_times(appointment, new, start, end)
    taken = resource_bookings.make_room(
        new, start, end, at=at, by=by, hold_id=hold_id, apart_from=appointment, times=times
    )
    _refuse_outside_hours(new, encounter.visit_type, times)
    old_start = appointment.start
    encounters.reschedule(encounter, planned_start=start, planned_end=end, by=by, at=at, reason=reason)
    # The rows that stay are moved by one UPDATE: nothing is released before the new is had (PL-08).
    keep = {resource.pk for resource in new}
    rows = list(appointment.resource_bookings.all())
    own, had = {row.taken_as: row for row in rows}, {row.resource_id for row in rows}
    for resource in new:
        resource_bookings.take(
            resource,
            *times[resource.pk],
            seat=1,
            taken=taken,
            appointment=appointment,
            moved=own.get(resource.taken_as),
        )
    appointment.resource_bookings.exclude(resource__in=keep).delete()
    left = [resource for resource in old if resource.pk in had and (old_start != start or resource.pk not in keep)]
    told = {"cause": FreedBy.RESCHEDULED, "by": by, "at": at}
    offers.note_freed(appointment, old_start, appointment.end, left, **told)
    if resource_ids:
        appointment.resources.set(new)
        booking.change_people(encounter, new, first_id=resource_ids[0])
    changes = {"is_overbooked": False}  # The new time is had as any free one.
    if resource_ids and appointment.kind in (AppointmentKind.INDIVIDUAL, AppointmentKind.TEAM):
        changes["kind"] = booking.kind_of(new)
    if appointment.kind == AppointmentKind.GROUP:
        # A time of one's own in place of the seat.
        seats.let_go(appointment)
        encounter.is_group = False
        encounter.save(update_fields=["is_group"])
        changes |= {"kind": AppointmentKind.INDIVIDUAL, "session": None}
    write(appointment, start=start, end=end, **changes)
    item = rebooking.settle(appointment, rebooking.REBOOKED, by=by, at=at)
    rebooking.watch_consults(encounter.pk, by=by, at=at)
    # What an absence forces is the provider's doing, whoever presses the key (PL-02).
    whose = CancelledBy.PROVIDER if item else changed_by
    told = {"start_before": old_start, "start_after": start, "reason": reason, "initiated_by": whose}
    booking.note(appointment, "rescheduled", by=by, at=at, **told)
    appointment.letters_written = letter_writing.follow_change(
        appointment,
        changed_by=whose,
        by=by,
        at=at,
        wanted=letter,
        choices=letter_facts.chosen_for(appointment, letter_choices, at=at),
    )
    return appointment


# --- Arrival and no-show ------------------------------------------------------------------------------------------------


@transaction.atomic
def arrive(*, appointment_id, by, at, identity_shown="Legitimation", interpreter_used=None, version=None):
    """Ankomst (VH-07, PL-03, PA-09): the pre-registration becomes the visit. How identity was shown has the usual
    answer preset."""
    appointment, _ = lock(appointment_id, version=version)
    seats.refuse_cancelled(appointment)
    encounters.arrive(
        appointment.encounter, by=by, at=at, identity_shown=identity_shown, interpreter_used=interpreter_used
    )
    first_contacts.settle(appointment.encounter, by=by, at=at)
    write(appointment, status=AppointmentStatus.ARRIVED)
    rebooking.settle(appointment, rebooking.ARRIVED, by=by, at=at)
    booking.note(appointment, "arrived", by=by, at=at)
    return appointment


@transaction.atomic
def no_show(*, appointment_id, by, at, version=None):
    """Utebliven (VH-11): the patient did not come. In the same transaction somebody gets the work (PL-05)."""
    appointment, _ = lock(appointment_id, version=version)
    is_booked = appointment.status == AppointmentStatus.BOOKED
    seats.refuse_cancelled(appointment)
    if is_booked and (refused := no_show_refusal(planned_start=appointment.start, at=at)):
        raise refused
    register_no_show(appointment, by=by, at=at)
    return appointment


def register_no_show(appointment, *, by, at, reason=""):
    """Inner write: encounter, appointment and work item together (VH-11, PL-05). The dead have not failed to come."""
    if refused := rules.dead_no_show_refusal(deceased_on=appointment.patient.deceased_on, start=appointment.start):
        raise refused
    encounters.no_show(appointment.encounter, by=by, at=at, reason=reason)
    write(appointment, status=AppointmentStatus.NO_SHOW)
    rebooking.settle(appointment, rebooking.NO_SHOW, by=by, at=at)
    rebooking.watch_consults(appointment.encounter_id, by=by, at=at)
    work_items.create_no_show_item(appointment, at=at)
    booking.note(appointment, "no_show", by=by, at=at, reason=reason)


@transaction.atomic
def undo(*, appointment_id, by, at, reason="", version=None):
    """Takes back the last arrival or no-show (PL-13). Nothing is booked again for the dead (AV-02): what had already
    been can be corrected."""
    appointment, resources = lock(appointment_id, version=version, with_resources=True)
    if appointment.start > at:
        encounters.refuse_deceased(appointment.patient)
    if appointment.status == AppointmentStatus.ARRIVED:
        encounters.undo_arrival(appointment.encounter, by=by, at=at, reason=reason)
    elif appointment.status == AppointmentStatus.NO_SHOW:
        commitment = appointment.encounter.commitment
        is_ahead = local_date(appointment.start) >= local_date(at)
        if is_ahead and commitment and commitment.status == CommitmentStatus.CLOSED:
            raise rules.booked_on_a_closed_commitment()
        encounters.undo_no_show(appointment.encounter, by=by, at=at, reason=reason)
        work_items.withdraw_no_show_item(appointment.encounter, by=by, at=at)
        resource_bookings.retake(appointment, resources, at=at)
    else:
        status = appointment.get_status_display().lower()
        raise RuleError(
            "PL-13",
            f"Det finns ingen ankomst eller utebliven att ångra: bokningen är {status}.",
            code="nothing_to_undo",
        )
    write(appointment, status=AppointmentStatus.BOOKED, cancelled_at=None, cancelled_by="", cancel_reason="")
    rebooking.watch(appointment, resources, at=at)
    rebooking.watch_consults(appointment.encounter_id, by=by, at=at)
    booking.note(appointment, "undone", by=by, at=at, reason=reason)
    return appointment


def note_cancelled(appointment, *, by, at, reason):
    """The booking is ended: what an absence left to do of it is done (PL-02)."""
    rebooking.settle(appointment, rebooking.CANCELLED, by=by, at=at)
    rebooking.watch_consults(appointment.encounter_id, by=by, at=at)
    told = {"start_before": appointment.start, "initiated_by": appointment.cancelled_by}
    booking.note(appointment, "cancelled", by=by, at=at, reason=reason, **told)


def note_restored(appointment, *, by, at):
    """The booking is had again after an undone cascade (AV-03)."""
    booking.note(appointment, "restored", by=by, at=at, start_after=appointment.start, reason="Ångrad kaskad")
