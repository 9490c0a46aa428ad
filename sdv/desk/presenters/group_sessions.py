"""Grupptillfällen as the pages show them (BO-02). Who takes part is shown through the patients' presenter."""

from dataclasses import dataclass, replace

from registration.models import Encounter
from scheduling.models import Session
from sdv.accounts.permissions import Permission
from sdv.common.dates import long_date
from sdv.common.presenting import Tag
from sdv.common.time import local, local_date
from sdv.desk.presenters import day as day_rows

SHOWN = 100


@dataclass(frozen=True)
class SessionRow:
    """A session in a list: when, what, who leads it, how many seats are left."""

    pk: object
    name: str
    when: str
    clock: str
    visit: str
    leaders: str
    unit: str
    seats: str
    tags: tuple
    free: int
    spare: int

    @property
    def is_full(self):
        return self.free <= 0


def session_row(row):
    """Loads with: `with_counts`, visit type, resources, rebooking items open."""
    free = row.seats - row.taken
    start = local(row.start)
    return SessionRow(
        pk=row.pk,
        name=row.name,
        when=f"{long_date(local_date(row.start))} {start:%H:%M}–{local(row.end):%H:%M}",
        clock=f"{start:%H:%M}",
        visit=row.visit_type.name,
        leaders=", ".join(each.name for each in row.resources.all()),
        unit=row.care_unit.short_name,
        seats=seats_text(row),
        tags=tuple(_tags(row, free)),
        free=free,
        spare=row.seats + row.extra_seats - row.taken,
    )


def seats_text(row):
    """5 av 8 platser tagna, 1 överbokad."""
    over = max(row.taken - row.seats, 0)
    return f"{min(row.taken, row.seats)} av {row.seats} platser tagna{f', {over} överbokad' if over else ''}"


def seat_text(row):
    """Astmaskola, 2 platser kvar, Sara Norén."""
    free = row.seats - row.taken
    leaders = ", ".join(each.name for each in row.resources.all())
    return f"{row.name}, {free} {'plats' if free == 1 else 'platser'} kvar, {leaders}"


def _tags(row, free):
    if row.status == "cancelled":
        yield Tag("danger", "cross", "Inställt")
    elif free < 0:
        yield Tag("warn", "", "Överbokat")
    elif free == 0:
        yield Tag("warn", "", "Fullt")


def rows(*care_units):
    """What a list of the units' sessions shows, in two queries."""
    found = Session.objects.filter(care_unit__in=care_units).select_related("visit_type", "care_unit")
    return found.prefetch_related("resources").with_counts().order_by("start", "id")


def coming(care_unit, at):
    """Those not over: the cancelled too, as long as somebody is booked on them."""
    return [session_row(row) for row in rows(care_unit).filter(end__gt=at)[:SHOWN]]


def on_day(care_unit, day):
    return [session_row(row) for row in rows(care_unit).on_day(day)]


def to_book(care_units, visit_type, *, own, first, last, at):
    """Sessions of the visit type at the units that somebody can be booked on; overbooked at the `own` unit only (PL-06)."""
    if visit_type is None or not care_units:
        return []
    found = rows(*care_units).coming(at).filter(visit_type=visit_type)
    shown = [row for row in found if first <= local_date(row.start) <= last][:SHOWN]
    return [session_row(row) if row.care_unit_id == own.pk else replace(session_row(row), spare=0) for row in shown]


def participants(session, *, at, actor, select):
    """The rows of the day's list of everybody who is or was booked on the session: the same words and acts."""
    encounters = Encounter.objects.filter(appointment__session=session).values_list("pk", flat=True)
    found = day_rows.rows(session.care_unit, day=None, at=at, actor=actor, among=list(encounters), select=select)
    return sorted(found, key=lambda row: (row.is_off, row.name))


def facts(session, row):
    """The session in words."""
    return [
        ("Tid", row.when),
        ("Besökstyp", session.visit_type.name),
        ("Vårdkontaktsorsak", session.contact_reason.name),
        ("Leds av", row.leaders),
        ("Platser", row.seats),
        ("Kan överbokas", str(session.extra_seats) if session.extra_seats else "Nej"),
        *([("Inställt", session.cancel_reason)] if session.cancel_reason else []),
    ]


def may(actor, session, found, *, is_attended, at):
    """Which acts the page offers."""
    is_planned = session.status == "planned"
    maintains = actor.may(Permission.MAINTAIN_SCHEDULES) and is_planned
    expected = [row for row in found if row.may_arrive]
    return {
        "arrive_all": is_planned and len(expected) > 0 and actor.may(Permission.REGISTER_ARRIVAL),
        "change": maintains,
        "move": maintains and not is_attended and session.end > at,
        "cancel": maintains and not any(row.status not in ("expected", "cancelled", "no_show") for row in found),
        "book": is_planned and actor.may(Permission.BOOK),
    }
