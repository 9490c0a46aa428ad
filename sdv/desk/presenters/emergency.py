"""Akuten: who is here, since when, who waits for a doctor and how long (VH-03, VH-23). Read in the same few statements
however many patients there are."""

from django.db.models import Prefetch
from django.urls import reverse

from registration.lifecycle import EMERGENCY, OBSERVATION
from registration.models import Patient, PlaceStay
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Link, Tag
from sdv.common.time import elapsed, local, local_date
from sdv.desk.presenters.rows import Cell, RowButton, row_of

WAITING, ASSESSED, OBSERVED = "vantar", "bedomda", "observation"
# Minutes after which a wait for the doctor is marked, then marked in red. Own proposal: the regional goal of four hours
# concerns the whole visit, and is marked likewise.
LONG_WAIT, TOO_LONG_WAIT = 60, 120
LONG_VISIT = 240


def encounters(care_unit):
    """Those who are at the department now, who came first first."""
    rows = care_unit.encounters.in_progress().filter(type__in=[EMERGENCY, OBSERVATION])
    return list(
        rows.select_related("type", "contact_reason")
        .prefetch_related(
            Prefetch("patient", Patient.objects.with_primary_identity()),
            Prefetch("place_stays", PlaceStay.objects.going_on().select_related("place"), to_attr="present_places"),
        )
        .order_by("start", "id")
    )


def state_of(encounter):
    """What the patient waits for."""
    if encounter.type_id == OBSERVATION:
        return OBSERVED
    return ASSESSED if encounter.assessed_at else WAITING


def waited(encounter, at):
    """Minutes until the doctor's assessment, or until now."""
    return max(0, int(elapsed(encounter.start, encounter.assessed_at or at).total_seconds() // 60))


def in_words(minutes):
    """1 h 05 min."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


def row(encounter, actor, *, at):
    """A row of the tracking list."""
    wait, here = waited(encounter, at), max(0, int(elapsed(encounter.start, at).total_seconds() // 60))
    state = state_of(encounter)
    seen = {
        WAITING: Tag("warn", "clock", "Väntar på läkare"),
        ASSESSED: Tag("ok", "check", "Läkarbedömd"),
        OBSERVED: Tag("info", "busy", "Observation"),
    }[state]
    late = None
    if state == WAITING and wait >= LONG_WAIT:
        late = Tag("danger" if wait >= TOO_LONG_WAIT else "warn", "warn", "Lång väntan")
    long_visit = Tag("warn", "clock", "Över 4 timmar") if here >= LONG_VISIT else None
    place = encounter.present_places[0].place.name if encounter.present_places else ""
    return row_of(
        encounter,
        on=local_date(at),
        url=reverse("encounter", args=[encounter.pk]),
        cells=[
            Cell(f"{local(encounter.start):%H:%M}", number=True),
            Cell("", seen),
            Cell(in_words(wait) if state != OBSERVED else "", late, number=True),
            Cell(in_words(here), long_visit, number=True),
            Cell(encounter.contact_reason.name if encounter.contact_reason else "", grow=True),
            Cell(place),
        ],
        buttons=_buttons(encounter, state, actor),
        version=encounter.version,
    )


def _buttons(encounter, state, actor):
    if not actor.may(Permission.REGISTER_ENCOUNTERS):
        return []
    back = f"?tillbaka={reverse('emergency')}"

    def at(name):
        return reverse(name, args=[encounter.pk]) + back

    wanted = []
    if state == WAITING:
        wanted.append(RowButton("Bedömd", at("encounter-assess"), "L", "get", True))
    wanted.append(RowButton("Till avdelning", at("encounter-continue"), "A", "get", True))
    if encounter.type_id == EMERGENCY:
        wanted.append(RowButton("Observation", at("encounter-observe"), "V", "get", True))
    else:
        wanted.append(RowButton("Plats", at("encounter-place"), "P", "get", True))
    wanted.append(RowButton("Skriv ut", at("encounter-discharge"), "U", "get", True))
    return wanted


def chips(everyone, *, url, chosen):
    """Filters with their counts."""
    states = [state_of(encounter) for encounter in everyone]
    words = ((WAITING, "Väntar på läkare"), (ASSESSED, "Läkarbedömda"), (OBSERVED, "Observation"))
    return [
        Link("Alla", url, count=len(states), current=not chosen),
        *(Link(label, f"{url}?visa={word}", count=states.count(word), current=chosen == word) for word, label in words),
    ]
