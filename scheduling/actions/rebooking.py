"""The rebooking list: what an absence or a changed tidbok leaves to be booked anew, each until it is moved or ended
(PL-02)."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, When

from registration.consults import still_belongs
from scheduling import promises, rules, slots
from scheduling.models import (
    Absence,
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    ItemStatus,
    RebookingItem,
    Resource,
    Session,
    SessionStatus,
)
from scheduling.owners import owner_of_booking
from scheduling.timebook import Timebook, is_there
from sdv.common.errors import RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write

from . import team

# How an item ended. A booking's own end ends its item in the same transaction.
REBOOKED, CANCELLED, ARRIVED, NO_SHOW, WITHDRAWN = "rebooked", "cancelled", "arrived", "no_show", "withdrawn"
PROPOSALS = 3


def watch(appointment, resources, *, at):
    """Puts the booking on the list where its grupptillfälle is cancelled (BO-02), an absence hits it or the tidbok no
    longer has its time, and it has not been: after an undo. Returns the item or None."""
    if appointment.status != AppointmentStatus.BOOKED:
        return None
    if appointment.session_id and appointment.session.status == SessionStatus.CANCELLED:
        return put(appointment, session=appointment.session, at=at)
    if appointment.end <= at:
        return None
    book = Timebook(resources, local_date(appointment.start), local_date(appointment.end))
    for resource in resources:
        if absence := book.absence(resource, *appointment.time_of(resource)):
            return put(appointment, absence, at=at)
        if lack := book.missing(resource, appointment):
            return put(appointment, resource=resource, lack=lack, at=at)
    return None


def watch_unlisted(*, patient_id, at):
    """After bookings came back: those that an absence or a changed tidbok hit meanwhile, or whose grupptillfälle was
    cancelled, are listed."""
    rows = promises.unlisted(patient_id, at=at)
    for appointment in rows.select_related("encounter__commitment", "encounter__visit_type", "session").order_by("pk"):
        watch(appointment, list(appointment.resources.select_related("practitioner")), at=at)


def list_hit(*, at, dry_run=False):
    """The bookings in an absence that do not stand on the rebooking list, each put there. None is left so by an act: it is
    for those that an absence came to hit by being understood otherwise. Returns how many."""
    found = promises.in_absence(at=at)
    if dry_run:
        return found.count()
    return sum(_list_hit(pk, at=at) for pk in list(found.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _list_hit(appointment_id, *, at):
    resources = Resource.objects.filter(appointments=appointment_id).locked_with_persons()
    related = ("encounter__commitment", "encounter__visit_type", "session")
    appointment = Appointment.objects.select_related(*related).locked().get(pk=appointment_id)
    return watch(appointment, resources, at=at) is not None


def watch_consults(contact_id, *, by, at):
    """The consults that other units have booked for a contact (VH-10), after it was moved, called off, ended or restored:
    what no longer belongs to it is the other unit's to book anew (BO-02); what does again is withdrawn."""
    booked = Appointment.objects.living().filter(encounter__during=contact_id, end__gt=at)
    for row in booked.select_related("encounter__commitment", "encounter__during").order_by("pk"):
        if not still_belongs(row.encounter.during, day=local_date(row.start)):
            put(row, contact=row.encounter.during, at=at)
        elif item := RebookingItem.objects.open().filter(appointment=row, contact=contact_id).locked().first():
            end(item, WITHDRAWN, by=by, at=at)


def put(appointment, absence=None, *, at, resource=None, lack=None, session=None, contact=None):
    """Inner write: one open item per booking, whatever hits it: an absence, what it lacks in the tidbok of the `resource`,
    that its grupptillfälle is cancelled, or that the `contact` of a consult is called off (BO-02). Returns the new item, or
    None where there was one: what is not taken back as those of the tidbok are then becomes its cause."""
    if item := RebookingItem.objects.open().filter(appointment=appointment).locked().first():
        if (session or contact) and (item.absence_id or item.resource_id):
            write(item, absence=None, resource=None, lack=None, session=session, contact=contact)
        return None
    commitment = appointment.encounter.commitment
    today = local_date(at)
    return RebookingItem.objects.create(
        patient_id=appointment.patient_id,
        care_unit_id=appointment.care_unit_id,
        encounter_id=appointment.encounter_id,
        commitment=commitment if commitment and commitment.status == "open" else None,
        responsible_id=owner_of_booking(appointment, day=today),
        watch_until=max(today, min(local_date(appointment.start), today + timedelta(days=rules.REBOOKING_DAYS))),
        appointment=appointment,
        absence=absence,
        resource=resource,
        lack=lack,
        session=session,
        contact=contact,
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
    write(item, status=ItemStatus.DONE, decision=how, decided_at=at, decided_by=by)


def seats(item, *, at):
    """Up to three coming grupptillfällen with a free seat for whoever had one: first of the same group, then the nearest
    of the besökstyp at the unit (BO-02). Not where its leader is away or has no time, nor where the patient has something
    else."""
    appointment = item.appointment
    if appointment.kind != AppointmentKind.GROUP:
        return []
    had = appointment.session
    busy = Appointment.objects.living().filter(
        patient=item.patient_id, start__lt=OuterRef("end"), end__gt=OuterRef("start")
    )
    rows = Session.objects.coming(at).filter(
        ~Exists(Absence.objects.hitting("sessions")),
        ~Exists(busy.exclude(pk=appointment.pk)),
        care_unit=item.care_unit_id,
        visit_type=appointment.encounter.visit_type_id,
        start__gt=at,
    )
    free = rows.exclude(pk=had.pk).with_counts().filter(taken__lt=F("seats"))
    same = Case(When(name=had.name, contact_reason=had.contact_reason_id, then=0), default=1)
    ordered = free.select_related("visit_type", "contact_reason").prefetch_related("resources")
    return _in_the_tidbok(ordered.order_by(same, "start", "id")[: 4 * PROPOSALS])[:PROPOSALS]


def _in_the_tidbok(sessions):
    """Those of the sessions whose resources still have the time."""
    resources = {row.pk: row for session in sessions for row in session.resources.all()}
    if not resources:
        return []
    first, last = min(row.start for row in sessions), max(row.end for row in sessions)
    book = Timebook(resources.values(), local_date(first), local_date(last))
    return [
        row
        for row in sessions
        if all(book.covers(resource, row.visit_type, row.start, row.end) for resource in row.resources.all())
    ]


def along(item, resource_id):
    """The resources that go along to a time of one's own with `resource_id`: rooms, equipment and the others who take part;
    who comes from outside has the main responsible's place (BO-02). What a group has is the group's."""
    if item.appointment.kind == AppointmentKind.GROUP:
        return []
    sought = team.sought(item.appointment, _kept(item))
    is_one_of_them = sought.first and resource_id in sought.along
    everybody = [sought.first.pk, *sought.along] if is_one_of_them else sought.along
    return [pk for pk in everybody if pk != resource_id]


def end_of(item, start):
    """When a time of one's own ends: a booking that is moved is as long as it was, a team with all its parts (BO-02)."""
    appointment = item.appointment
    if appointment.kind == AppointmentKind.GROUP:
        return start + timedelta(minutes=appointment.encounter.visit_type.default_minutes)
    return start + (appointment.end - appointment.start)


def _kept(item):
    """The persons of the booking, and those of its rooms and equipment that have not left the unit."""
    booked = item.appointment
    rows = booked.resources.select_related("practitioner")
    return [row for row in rows if row.practitioner_id or is_there(row, booked.start, booked.end)]


def proposals(item, *, at, by=None):
    """Up to three new times: the first with the same vårdgivare, then the nearest with anybody (PL-02). Where several take
    part they are the main responsible's, with all the others; of somebody else of the profession only where it is the main
    responsible who is away (BO-02)."""
    appointment, kept = item.appointment, _kept(item)
    visit_type, start = appointment.encounter.visit_type, max(appointment.start, at)
    wanted = {"care_unit": item.care_unit, "visit_type": visit_type, "at": at, "start": start, "by": by}
    sought = team.sought(appointment, kept)
    if appointment.kind == AppointmentKind.GROUP or sought.first is None:
        has_substitute, same_ids = True, [row.pk for row in kept]
    else:
        has_substitute, same_ids = _may_be_replaced(item, sought.first, kept), [sought.first.pk]
        wanted |= {"together": sought.together, "minutes": sought.minutes, "then": sought.then}
        if any(_is_away(item, row) for row in kept):
            # Who is there has the old time: somebody may come then in place of who is away.
            wanted["apart_from"] = appointment
    same = slots.next_free(**wanted, resource_ids=same_ids, count=1 if has_substitute else PROPOSALS)
    if not has_substitute:
        return same
    anybody = slots.next_free(**wanted, count=PROPOSALS + 1)
    known = {(slot.resource.pk, slot.start) for slot in same}
    return (same + [slot for slot in anybody if (slot.resource.pk, slot.start) not in known])[:PROPOSALS]


def _may_be_replaced(item, main, kept):
    """Whoever is alone may; of several only the main responsible who is away, by the besökstyp's profession."""
    if sum(1 for row in kept if row.practitioner_id) == 1:
        return True
    is_of_profession = main.practitioner.profession_id == item.appointment.encounter.visit_type.profession_id
    return is_of_profession and _is_away(item, main)


def _is_away(item, resource):
    """Whether it is the resource's own absence, at whatever unit it was registered, or changed tidbok: not that the unit
    is closed, nor something else."""
    if item.absence:
        return item.absence.resource is not None and item.absence.resource.taken_as == resource.taken_as
    return item.resource_id == resource.pk
