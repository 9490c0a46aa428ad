"""A unit's places and who lies there: the board as a list and as a map, who waits for a place, who is expected (VH-09).

Read in the same few statements however many patients there are; how long somebody has been here is counted as the
statistics count it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Prefetch
from django.urls import reverse

from classification.production import stay_days
from registration import type_choice
from registration.lifecycle import (
    ADMISSION_BOOKED,
    AT_A_WARD,
    FOETUS,
    HOLDS_A_PLACE,
    INPATIENT,
    NEWBORN,
    ONGOING_TREATMENT,
    Status,
)
from registration.models import LeaveOfAbsence, Patient, PlaceStay, WardStay
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Tag
from sdv.common.time import local, local_date
from sdv.desk.presenters.rows import Cell, Row, RowButton, row_of
from sdv.organisation.models import PlaceKind

# What goes on at the unit until a person ends it, and holds no place: dialysis; a child that is not born yet.
WITHOUT_A_PLACE = (ONGOING_TREATMENT, FOETUS)


def free_places(care_unit, *, day):
    """(place, whether it is to be cleaned) of the places that nobody has, those that are ready first within a ward."""
    held = PlaceStay.objects.going_on().values("place")
    places = care_unit.places.valid_on(day).holdable().exclude(pk__in=held).select_related("ward", "room")
    to_clean = set(PlaceStay.objects.to_clean(care_unit))
    found = [(place, place.pk in to_clean) for place in places]
    return sorted(found, key=lambda each: (each[0].ward.name if each[0].ward else "", each[1], each[0].name))


@dataclass(frozen=True)
class Spot:
    """A place on the board: who lies there, or that it is free or to be cleaned."""

    place: object
    row: Row
    state: str
    tag: Tag
    ward: str
    room: str


@dataclass(frozen=True)
class Board:
    """Everything of the page: places, those at the unit without one, what goes on without any, those expected."""

    spots: list
    waiting: list
    ongoing: list
    expected: list
    more_expected: int
    patients: set

    @property
    def rooms(self):
        """(ward and room, its spots) for the map."""
        found = {}
        for spot in self.spots:
            found.setdefault((spot.ward, spot.room), []).append(spot)
        return [(" · ".join(part for part in words if part) or "Platser", spots) for words, spots in found.items()]

    def count(self, state):
        return sum(spot.state == state for spot in self.spots)


def _patients():
    return Prefetch("patient", Patient.objects.with_primary_identity())


def board(care_unit, actor, *, at, back):
    """The unit's board as of now; `back` is the address that its acts return to."""
    back = f"?{urlencode({'tillbaka': back})}"
    today = local_date(at)
    going_on = care_unit.encounters.in_progress().filter(type__in=[*HOLDS_A_PLACE, *WITHOUT_A_PLACE])
    here = going_on.select_related("type", "commitment").prefetch_related(
        _patients(),
        Prefetch("place_stays", PlaceStay.objects.going_on(), to_attr="present_places"),
        Prefetch("ward_stays", WardStay.objects.filter(period__upper_inf=True).select_related("ward"), to_attr="wards"),
        Prefetch("leaves", LeaveOfAbsence.objects.filter(period__upper_inf=True), to_attr="present_leaves"),
    )
    here = list(here.order_by("start", "id"))
    by_place = {stay.place_id: encounter for encounter in here for stay in encounter.present_places}
    to_clean = set(PlaceStay.objects.to_clean(care_unit))
    places = care_unit.places.valid_on(today).holdable().select_related("ward", "room").order_by("name", "id")
    ordered = sorted(
        places, key=lambda each: (each.ward.name if each.ward else "", each.room.name if each.room else "", each.name)
    )
    seen = {"admits": type_choice.registers(care_unit.kind, type_choice.DIRECT_ADMISSION), "at": at, "back": back}
    spots = [_spot(place, by_place.get(place.pk), place.pk in to_clean, actor, **seen) for place in ordered]
    without = [each for each in here if each.type_id in HOLDS_A_PLACE and not each.present_places]
    ongoing = [each for each in here if each.type_id in WITHOUT_A_PLACE]
    planned, more = _expected(care_unit)
    return Board(
        spots=spots,
        waiting=[_patient_row(encounter, None, actor, at=at, back=back) for encounter in without],
        ongoing=[_patient_row(encounter, None, actor, at=at, back=back) for encounter in ongoing],
        expected=[_expected_row(encounter, actor, at=at, back=back) for encounter in planned],
        more_expected=more,
        patients={encounter.patient_id for encounter in [*here, *planned]},
    )


MOST_EXPECTED = 50


def _expected(care_unit):
    """Those expected first, and how many there are beyond them."""
    rows = care_unit.encounters.filter(type=ADMISSION_BOOKED, status=Status.PLANNED, cancelled_at__isnull=True)
    found = list(rows.prefetch_related(_patients()).order_by("planned_start", "id")[:MOST_EXPECTED])
    return found, rows.count() - MOST_EXPECTED if len(found) == MOST_EXPECTED else 0


FREE, TO_CLEAN, TAKEN, ON_LEAVE = "free", "to_clean", "taken", "on_leave"
TAGS = {
    FREE: Tag("ok", "check", "Ledig"),
    TO_CLEAN: Tag("warn", "warn", "Ska städas"),
    TAKEN: Tag("busy", "busy", "Upptagen"),
    ON_LEAVE: Tag("info", "clock", "Permission"),
}


def _spot(place, encounter, is_to_clean, actor, *, admits, at, back):
    ward, room = place.ward.name if place.ward else "", place.room.name if place.room else ""
    if encounter is None:
        state = TO_CLEAN if is_to_clean else FREE
        row = _empty_row(place, state, actor, admits=admits)
    else:
        state = ON_LEAVE if encounter.present_leaves else TAKEN
        row = _patient_row(encounter, place, actor, at=at, back=back)
    return Spot(place, row, state, TAGS[state], ward, room)


def _empty_row(place, state, actor, *, admits):
    buttons = []
    if actor.may(Permission.REGISTER_ENCOUNTERS):
        if state == TO_CLEAN:
            buttons.append(RowButton("Städad", reverse("place-cleaned", args=[place.pk]), "S", "post"))
        if place.kind == PlaceKind.BED and admits:
            buttons.append(RowButton("Skriv in här", f"{reverse('admission')}?plats={place.pk}", "N"))
    return Row(place.pk, "", "", "", "", "", (Cell(""),) * 3, tuple(buttons), 0)


def _patient_row(encounter, place, actor, *, at, back):
    """A patient at the unit: since when, how many days, expected discharge, what is to be known."""
    days = stay_days(local_date(encounter.start), local_date(at))
    expected = encounter.expected_discharge_on
    tag = Tag("warn", "clock", "Skulle skrivits ut") if expected and expected < local_date(at) else None
    buttons, pk = [], encounter.pk
    if actor.may(Permission.REGISTER_ENCOUNTERS):
        if encounter.type_id in HOLDS_A_PLACE:
            words = "Byt plats" if place else "Ge plats"
            buttons.append(RowButton(words, _at("encounter-place", pk, back), "P", "get", True))
        if encounter.type_id == INPATIENT and encounter.present_leaves:
            buttons.append(RowButton("Åter", _at("encounter-return", pk, back), "M", "get", True))
        elif encounter.type_id == INPATIENT:
            buttons.append(RowButton("Permission", _at("encounter-leave", pk, back), "M", "get", True))
        if encounter.type_id == FOETUS:
            buttons.append(RowButton("Registrera födelse", _at("encounter-birth", pk, back), "F", "get", True))
        elif encounter.type.check_out != "manual" or encounter.status == Status.CHECKED_OUT:
            buttons.append(RowButton("Skriv ut", _at("encounter-discharge", pk, back), "U", "get", True))
    ward = encounter.wards[0].ward.name if encounter.wards else ""
    return row_of(
        encounter,
        on=local_date(at),
        url=reverse("encounter", args=[pk]),
        cells=[
            Cell(f"{local(encounter.start):%Y-%m-%d %H:%M}", number=True),
            Cell(f"{days}" if encounter.type_id in AT_A_WARD else "", number=True),
            Cell(expected.isoformat() if expected else "", tag, number=True),
        ],
        buttons=buttons,
        version=encounter.version,
    )._replace(marking=" · ".join(filter(None, _marking(encounter, ward, place))))


def _marking(encounter, ward, place):
    """What tells this patient from the others on the board, in words."""
    yield "Skyddad" if encounter.patient.is_protected else ""
    yield "" if encounter.type_id in (INPATIENT, NEWBORN) else encounter.type.name
    yield "Nyfödd" if encounter.type_id == NEWBORN else ""
    yield ward if place is None else ""


def _expected_row(encounter, actor, *, at, back):
    buttons = []
    if actor.may(Permission.REGISTER_ARRIVAL):
        buttons.append(RowButton("Skriv in", _at("encounter-admit", encounter.pk, back), "I", "get", True))
    late = encounter.planned_start < at
    return row_of(
        encounter,
        on=local_date(at),
        url=reverse("encounter", args=[encounter.pk]),
        cells=[
            Cell(
                f"{local(encounter.planned_start):%Y-%m-%d %H:%M}",
                Tag("warn", "clock", "Väntad") if late else None,
                number=True,
            ),
            Cell(encounter.get_admitted_from_display()),
            Cell(encounter.expected_discharge_on.isoformat() if encounter.expected_discharge_on else "", number=True),
        ],
        buttons=buttons,
        version=encounter.version,
    )


def _at(name, pk, back):
    return reverse(name, args=[pk]) + back
