"""The rebooking list: what an absence leaves to be booked anew, each until it is moved or ended (PL-02)."""

from datetime import timedelta

from scheduling import promises, rules, slots
from scheduling.models import AppointmentStatus, ItemStatus, RebookingItem
from scheduling.timebook import Timebook
from sdv.common.errors import RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale

# How an item ended. A booking's own end ends its item in the same transaction.
REBOOKED, CANCELLED, ARRIVED, NO_SHOW, WITHDRAWN = "rebooked", "cancelled", "arrived", "no_show", "withdrawn"
PROPOSALS = 3


def watch(appointment, resources, *, at):
    """Puts the booking on the list where an absence hits it and it has not been: after an undo. Returns the item or
    None."""
    if appointment.status != AppointmentStatus.BOOKED or appointment.end <= at or appointment.is_overbooked:
        return None
    book = Timebook(resources, local_date(appointment.start), local_date(appointment.end))
    for resource in resources:
        if absence := book.absence(resource, appointment.start, appointment.end):
            return put(appointment, absence, at=at)
    return None


def watch_unlisted(*, patient_id, at):
    """After bookings came back: those that an absence hits meanwhile are listed."""
    for appointment in promises.unlisted(at=at).filter(patient=patient_id).select_related("encounter__commitment"):
        watch(appointment, list(appointment.resources.select_related("practitioner")), at=at)


def put(appointment, absence=None, *, at, session=None):
    """Inner write: one open item per booking, whatever hits it: an absence, or that its grupptillfälle is cancelled
    (BO-02). Returns the new item, or None where there was one."""
    if RebookingItem.objects.open().filter(appointment=appointment).exists():
        return None
    commitment = appointment.encounter.commitment
    main = appointment.encounter.participants.filter(is_main_responsible=True).select_related("practitioner").first()
    today = local_date(at)
    return RebookingItem.objects.create(
        patient_id=appointment.patient_id,
        care_unit_id=appointment.care_unit_id,
        encounter_id=appointment.encounter_id,
        commitment=commitment if commitment and commitment.status == "open" else None,
        responsible_id=main.practitioner.user_id if main else None,
        watch_until=max(today, min(local_date(appointment.start), today + timedelta(days=rules.REBOOKING_DAYS))),
        appointment=appointment,
        absence=absence,
        session=session,
    )


def settle(appointment, how, *, by, at):
    """Inner write: the booking was moved or ended, so nothing is left to do. Returns the item that it had, or None."""
    item = RebookingItem.objects.open().filter(appointment=appointment).locked().first()
    if item:
        end(item, how, by=by, at=at)
    return item


def refuse_done(item_id, *, version=None):
    """Says who was first where the item no longer waits (PL-27)."""
    item = RebookingItem.objects.select_related("decided_by").get(pk=item_id)
    if item.status == ItemStatus.DONE:
        refused = RuleError("PL-02", "Ombokningen är redan klar. Läs in listan igen.", code="already_done")
        raise refused.told(item.decided_by, item.decided_at)
    refuse_stale(item, version)
    return item


def end(item, how, *, by, at):
    """Inner write on a locked item."""
    item.status, item.decision, item.decided_at, item.decided_by = ItemStatus.DONE, how, at, by
    item.version += 1
    item.save(update_fields=["status", "decision", "decided_at", "decided_by", "version"])


def proposals(item, *, at, by=None):
    """Up to three new times: the first with the same vårdgivare, then the nearest with anybody (PL-02)."""
    appointment = item.appointment
    start = max(appointment.start, at)
    wanted = {
        "care_unit": item.care_unit,
        "visit_type": appointment.encounter.visit_type,
        "at": at,
        "start": start,
        "by": by,
    }
    kept = list(appointment.resources.values_list("pk", flat=True))
    same = slots.next_free(**wanted, resource_ids=kept, count=1)
    anybody = slots.next_free(**wanted, count=PROPOSALS + 1)
    known = {(slot.resource.pk, slot.start) for slot in same}
    return (same + [slot for slot in anybody if (slot.resource.pk, slot.start) not in known])[:PROPOSALS]
