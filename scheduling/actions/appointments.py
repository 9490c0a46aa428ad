"""Bookings: book, reschedule, arrive, no-show and their undo (BO-01, BO-03, VH-07, VH-11). Cancelling touches more
than one app and is a flow (sdv.flows.cancellation)."""

from django.db import transaction
from django.db.models import Q

from registration.actions import encounters
from registration.lifecycle import no_show_refusal
from registration.models import ContactReason, Encounter, EncounterParticipant, Patient
from scheduling import rules, slots
from scheduling.models import (
    Appointment,
    AppointmentHistory,
    AppointmentStatus,
    BookingRequest,
    BookingRequestStatus,
    CancelledBy,
    FreedBy,
    Resource,
)
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import local_date, minute

from . import letter_writing, offers, rebooking, resource_bookings, work_items

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
    patient_id,
    care_unit,
    visit_type,
    contact_reason_id,
    start,
    end,
    resource_ids,
    by,
    at,
    commitment_id=None,
    booking_request_id=None,
    wished_date=None,
    add_on_ids=(),
    overbook=False,
    accept_warnings=(),
    reason="",
    hold_id=None,
    letter=False,
):
    start, end = minute(start), minute(end)
    if refused := rules.time_refusal(start=start, end=end, at=at):
        raise refused
    if not resource_ids:
        raise InputError(resources="Välj minst en resurs: varje tid har en ägare.")
    patient = Patient.objects.lock_present(patient_id)
    encounters.refuse_deceased(patient)
    contact_reason = _offered_reason(visit_type, contact_reason_id, local_date(at))
    request = _request_to_book(booking_request_id, patient, care_unit)
    commitment_id = commitment_id or (request.commitment_id if request else None)
    # Primary care needs no vårdåtagande (VH-08): only one that is named is taken.
    needs_one = commitment_id or not care_unit.is_primary_care
    commitment = encounters.find_commitment(patient, care_unit, commitment_id) if needs_one else None
    _warn_of_overlap(patient, start, end, accept_warnings, reason)

    resources = _lock_resources(resource_ids, care_unit)
    taken = resource_bookings.make_room(resources, start, end, at=at, by=by, hold_id=hold_id)
    if not overbook:
        _refuse_outside_hours(resources, visit_type, start, end)
    encounter = encounters.pre_register(
        patient=patient,
        care_unit=care_unit,
        visit_type=visit_type,
        contact_reason=contact_reason,
        planned_start=start,
        planned_end=end,
        commitment=commitment,
        by=by,
        at=at,
    )
    appointment = Appointment.objects.create(
        encounter=encounter,
        patient=patient,
        care_unit=care_unit,
        start=start,
        end=end,
        booking_request=request,
        wished_date=wished_date,
        is_overbooked=overbook,
        overlap_reason=reason,
        created_by=by,
    )
    for resource in resources:
        seat = _another_seat(care_unit, taken[resource.pk]) if overbook else 1
        resource_bookings.take(resource, start, end, seat=seat, taken=taken, appointment=appointment)
    _remember_resources(appointment, resources)
    _take_part(encounter, resources)
    if add_on_ids:
        appointment.add_ons.add(*add_on_ids)
    if request:
        work_items.mark_booked(request)
        offers.withdraw_of(booking_request=request, by=by, at=at)
    _note(appointment, "booked", by=by, at=at, start_after=start)
    appointment.letters_written = letter_writing.write(appointment, by=by, at=at) if letter else []
    return appointment


def _offered_reason(visit_type, contact_reason_id, day):
    """VO-01, VO-02: exactly one reason, linked to the visit type."""
    if not contact_reason_id:
        raise RuleError("VO-01", "Välj en vårdkontaktsorsak: det ska alltid finnas exakt en.", code="reason_missing")
    offered = ContactReason.objects.offered_for(visit_type, day).filter(pk=contact_reason_id).first()
    if offered is None:
        chosen = ContactReason.objects.filter(pk=contact_reason_id).first()
        raise rules.reason_refusal(
            is_offered=False,
            reason_name=chosen.name if chosen else "som valdes",
            visit_type_name=visit_type.name,
        )
    return offered


def _request_to_book(booking_request_id, patient, care_unit):
    if not booking_request_id:
        return None
    request = BookingRequest.objects.locked().get(pk=booking_request_id)
    if request.patient_id != patient.pk or request.care_unit_id != care_unit.pk:
        raise RuleError("BO-01", "Bokningsbegäran gäller en annan patient eller enhet. Läs in listan igen.")
    if request.status not in (BookingRequestStatus.OPEN, BookingRequestStatus.FOLLOW_UP):
        status = request.get_status_display().lower()
        raise RuleError("BB-01", f"Bokningsbegäran är redan {status}. Läs in listan igen.", code="already_done")
    return request


def _warn_of_overlap(patient, start, end, accept_warnings, reason, *, apart_from=None):
    other = (
        Appointment.objects.living()
        .filter(patient=patient, start__lt=end, end__gt=start)
        .exclude(pk=apart_from.pk if apart_from else None)
        .select_related("care_unit")
        .first()
    )
    if other and not ("PL-06" in accept_warnings and reason.strip()):
        raise rules.patient_overlap(other.start, other.care_unit.name)


def _lock_resources(resource_ids, care_unit):
    """The resources, locked in key order: the queue for what is scarce. They are the unit's own (PL-25 shares lists,
    not resources)."""
    wanted = Resource.objects.filter(pk__in=resource_ids, care_unit=care_unit)
    resources = list(wanted.select_related("practitioner").locked())
    if len(resources) != len(set(resource_ids)):
        raise InputError(resources="Någon av resurserna finns inte på vårdenheten. Välj bland enhetens resurser.")
    return resources


def _refuse_outside_hours(resources, visit_type, start, end):
    """A booking takes a time that each tidbok has (BO-01), and nobody is booked in an absence (PL-02)."""
    if refused := resource_bookings.outside(resources, visit_type, start, end):
        raise refused


def _another_seat(care_unit, seats):
    """Overbooking is explicit, allowed by the unit, and another seat number (BO-01, PL-06)."""
    if not care_unit.allows_overbooking:
        raise RuleError("BO-01", "Enheten tillåter inte överbokning. Välj en ledig tid.", code="no_overbooking")
    return max(seats, default=0) + 1


def _remember_resources(appointment, resources):
    through = Appointment.resources.through
    through.objects.bulk_create(
        through(appointment_id=appointment.pk, resource_id=resource.pk) for resource in resources
    )


def _take_part(encounter, resources):
    """The persons booked take part in the contact; the first is main responsible until somebody says otherwise."""
    practitioners = [resource.practitioner for resource in resources if resource.practitioner_id]
    EncounterParticipant.objects.bulk_create(
        EncounterParticipant(
            encounter=encounter,
            practitioner=practitioner,
            profession_id=practitioner.profession_id,
            is_main_responsible=index == 0,
        )
        for index, practitioner in enumerate(practitioners)
    )


def _note(appointment, event, *, by, at, start_before=None, start_after=None, reason="", initiated_by=""):
    AppointmentHistory.objects.create(
        appointment=appointment,
        event=event,
        start_before=start_before,
        start_after=start_after,
        by=by,
        at=at,
        reason=reason,
        initiated_by=initiated_by,
    )


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
        keys = Resource.objects.filter(wanted).values("pk")
        resources = list(Resource.objects.filter(pk__in=keys).select_related("practitioner").locked())
    appointment = Appointment.objects.locked().get(pk=appointment_id)
    encounter.patient = appointment.patient = patient
    appointment.encounter, appointment.care_unit = encounter, encounter.care_unit
    if version is not None and version != appointment.version:
        raise StaleVersion(current=appointment.version, given=version)
    return appointment, resources


def save(appointment, **changes):
    """Writes named fields and raises the version."""
    changes["version"] = appointment.version + 1
    for field, value in changes.items():
        setattr(appointment, field, value)
    appointment.save(update_fields=list(changes))
    return appointment


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
):
    """Ombokning (BO-03, PL-08): the new time is had before the old is let go, in one transaction. Whoever has been told of
    the old time is told of the new one, and who changed it (PL-09); `letter` True writes also where nothing was written."""
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
    appointment_id, start, end, by, at, resource_ids, reason, accept_warnings, version, hold_id, changed_by, letter
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
    _warn_of_overlap(encounter.patient, start, end, accept_warnings, reason, apart_from=appointment)
    taken = resource_bookings.make_room(new, start, end, at=at, by=by, hold_id=hold_id, apart_from=appointment)
    _refuse_outside_hours(new, encounter.visit_type, start, end)
    old_start = appointment.start
    encounters.reschedule(encounter, planned_start=start, planned_end=end, by=by, at=at, reason=reason)
    # The rows that stay are moved by one UPDATE: nothing is released before the new is had (PL-08).
    keep = {resource.pk for resource in new}
    own = {booking.resource_id: booking for booking in appointment.resource_bookings.all()}
    for resource in new:
        resource_bookings.take(
            resource, start, end, seat=1, taken=taken, appointment=appointment, moved=own.get(resource.pk)
        )
    appointment.resource_bookings.exclude(resource__in=keep).delete()
    left = [resource for resource in old if resource.pk in own and (old_start != start or resource.pk not in keep)]
    told = {"cause": FreedBy.RESCHEDULED, "by": by, "at": at}
    offers.note_freed(appointment, old_start, appointment.end, left, **told)
    if resource_ids:
        appointment.resources.set(new)
        encounter.participants.all().delete()
        _take_part(encounter, new)
    save(appointment, start=start, end=end)
    item = rebooking.settle(appointment, rebooking.REBOOKED, by=by, at=at)
    # What an absence forces is the provider's doing, whoever presses the key (PL-02).
    whose = CancelledBy.PROVIDER if item else changed_by
    told = {"start_before": old_start, "start_after": start, "reason": reason, "initiated_by": whose}
    _note(appointment, "rescheduled", by=by, at=at, **told)
    appointment.letters_written = letter_writing.follow_change(
        appointment, changed_by=whose, by=by, at=at, wanted=letter
    )
    return appointment


# --- Arrival and no-show ------------------------------------------------------------------------------------------------


@transaction.atomic
def arrive(*, appointment_id, by, at, identity_shown="Legitimation", interpreter_used=None, version=None):
    """Ankomst (VH-07, PL-03, PA-09): the pre-registration becomes the visit. How identity was shown has the usual
    answer preset."""
    appointment, _ = lock(appointment_id, version=version)
    encounters.arrive(
        appointment.encounter, by=by, at=at, identity_shown=identity_shown, interpreter_used=interpreter_used
    )
    save(appointment, status=AppointmentStatus.ARRIVED)
    rebooking.settle(appointment, rebooking.ARRIVED, by=by, at=at)
    _note(appointment, "arrived", by=by, at=at)
    return appointment


@transaction.atomic
def no_show(*, appointment_id, by, at, version=None):
    """Utebliven (VH-11): the patient did not come. In the same transaction somebody gets the work (PL-05)."""
    appointment, _ = lock(appointment_id, version=version)
    is_booked = appointment.status == AppointmentStatus.BOOKED
    if is_booked and (refused := no_show_refusal(planned_start=appointment.start, at=at)):
        raise refused
    register_no_show(appointment, by=by, at=at)
    return appointment


def register_no_show(appointment, *, by, at, reason=""):
    """Inner write: encounter, appointment and work item together (VH-11, PL-05). The dead have not failed to come."""
    if refused := rules.dead_no_show_refusal(deceased_on=appointment.patient.deceased_on, start=appointment.start):
        raise refused
    encounters.no_show(appointment.encounter, by=by, at=at, reason=reason)
    save(appointment, status=AppointmentStatus.NO_SHOW)
    rebooking.settle(appointment, rebooking.NO_SHOW, by=by, at=at)
    work_items.create_no_show_item(appointment, at=at)
    _note(appointment, "no_show", by=by, at=at, reason=reason)


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
    save(appointment, status=AppointmentStatus.BOOKED, cancelled_at=None, cancelled_by="", cancel_reason="")
    rebooking.watch(appointment, resources, at=at)
    _note(appointment, "undone", by=by, at=at, reason=reason)
    return appointment


def note_cancelled(appointment, *, by, at, reason):
    """The booking is ended: what an absence left to do of it is done (PL-02)."""
    rebooking.settle(appointment, rebooking.CANCELLED, by=by, at=at)
    told = {"start_before": appointment.start, "initiated_by": appointment.cancelled_by}
    _note(appointment, "cancelled", by=by, at=at, reason=reason, **told)


def note_restored(appointment, *, by, at):
    """The booking is had again after an undone cascade (AV-03)."""
    _note(appointment, "restored", by=by, at=at, start_after=appointment.start, reason="Ångrad kaskad")
