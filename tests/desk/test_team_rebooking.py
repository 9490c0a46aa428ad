"""A visit that several take part in on Ombokningar: the proposed times, and one of them taken by page and by REST (PL-02,
BO-02)."""

from datetime import UTC, timedelta

import pytest
from django.urls import reverse

from scheduling.actions import absences, rebooking
from scheduling.models import Resource
from sdv.common.time import local_date, now, start_of_day
from tests import factories
from tests.api.conftest import Caller

from .signed_in import signed_in

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Longer than the besökstyp's own time; the tidböcker are open all hours, in steps of fifteen minutes.
LENGTH, PART, STEP = timedelta(minutes=105), timedelta(minutes=75), timedelta(minutes=15)


@pytest.fixture
def centre(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def doctor(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Läk", name="Anna Holm")


def midnight(days):
    # In UTC, so that sums hold on the days when the clock is changed.
    return start_of_day(local_date(now()) + days * DAY).astimezone(UTC)


def booked(nurse, *others, start, **fields):
    """A visit to the nurse, main responsible, with the others."""
    return factories.booked_visit(
        care_unit=nurse.care_unit,
        resource=nurse,
        others=others,
        visit_type=factories.visit_type("Pv Ssk Återbesök"),
        patient=factories.patient(),
        start=start,
        minutes=LENGTH // timedelta(minutes=1),
        main_resource_id=nurse.pk,
        **fields,
    )


def two_teams(nurse, *others, **fields):
    """Two visits of one day a week ahead: one is moved by page, one by REST."""
    return [booked(nurse, *others, start=midnight(7) + hour * HOUR, **fields) for hour in (9, 14)]


def away(centre, resource=None):
    """The resource, or the whole unit, is not there on that day. Returns the items that are to be booked anew."""
    absence = absences.register(
        care_unit=centre,
        resource_id=resource.pk if resource else None,
        kind="leave" if resource else "closure",
        start=midnight(7),
        end=midnight(8),
        by=factories.receptionist(centre),
        at=now(),
    )
    return list(absence.rebooking_items.order_by("appointment__start"))


def proposed(item):
    return [
        (slot.resource.name, slot.start, slot.end, {row.name for row in slot.others})
        for slot in rebooking.proposals(item, at=now())
    ]


def take_by_page(item, number):
    """The choice as it stands on the sheet. Returns the booking."""
    client = signed_in(factories.coordinator(item.care_unit))
    address = reverse("rebooking-move", args=[item.pk])
    chosen = client.get(address).context["choices"][number].value
    done = client.post(address, {"tid": chosen, "version": item.version})
    assert done.status_code == 302, done.content.decode()
    item.appointment.refresh_from_db()
    return item.appointment


def take_by_rest(item, number, *, with_others=True):
    """The proposal with everybody it names; without, only its start. Returns the booking."""
    caller = Caller(factories.coordinator(item.care_unit))
    slot = caller.get(f"rebooking-items/{item.pk}/").json()["proposals"][number]
    body = {"start": slot["start"]}
    if with_others:
        body |= {"end": slot["end"], "resources": [row["id"] for row in (slot["resource"], *slot["together"])]}
    done = caller.post(f"rebooking-items/{item.pk}/rebook/", body)
    assert (done.status_code, done.json()["decision"]) == (200, "rebooked"), done.content
    item.appointment.refresh_from_db()
    return item.appointment


def times(row):
    """The main responsible, who has which time of the booking, its kind and its length."""
    main = row.encounter.participants.get(is_main_responsible=True).practitioner
    had = {each.resource.name: (each.period.lower, each.period.upper) for each in row.resource_bookings.all()}
    assert set(had) == {each.name for each in row.resources.all()}
    persons = {each.practitioner_id for each in row.resources.all() if each.practitioner_id}
    assert set(row.encounter.participants.values_list("practitioner_id", flat=True)) == persons
    return Resource.objects.get(practitioner=main).name, had, row.kind, row.end - row.start


def test_a_team_at_once_is_proposed_when_all_of_it_is_free(centre, nurse, doctor):
    """PL-02, BO-02: the unit is closed; never one of the team alone, nor somebody else where nobody else is away."""
    factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Bo Ek")
    room = Resource.objects.create(care_unit=centre, kind="room", name="Rum 1")
    two_teams(nurse, doctor, room)
    busy = factories.booked_visit(
        care_unit=centre, resource=doctor, visit_type="Pv Läk Återbesök", start=midnight(8), minutes=60
    )
    first, second = away(centre)
    others = {"Anna Holm", "Rum 1"}
    starts = [busy.end + number * STEP for number in range(3)]
    assert proposed(first) == [("Sara Norén", start, start + LENGTH, others) for start in starts]
    for row, start in (
        (take_by_page(first, 0), starts[0]),
        (take_by_rest(second, 0, with_others=False), starts[0] + LENGTH),
    ):
        had = dict.fromkeys(["Sara Norén", *others], (start, start + LENGTH))
        assert times(row) == ("Sara Norén", had, "team", LENGTH)


def test_a_team_one_after_the_other_keeps_its_parts(centre, nurse, doctor):
    """PL-02, BO-02: the doctor was away, and is busy during the nurse's part but free after it."""
    part = PART // timedelta(minutes=1)
    two_teams(nurse, doctor, parts={nurse.pk: (0, part), doctor.pk: (part, 30)})
    own = midnight(8)
    factories.booked_visit(care_unit=centre, resource=doctor, visit_type="Pv Läk Återbesök", start=own, minutes=part)
    first, second = away(centre, doctor)
    starts = [own + number * STEP for number in range(3)]
    assert proposed(first) == [("Sara Norén", start, start + LENGTH, {"Anna Holm"}) for start in starts]
    for row, start in ((take_by_page(first, 0), own), (take_by_rest(second, 0), own + PART)):
        had = {"Sara Norén": (start, start + PART), "Anna Holm": (start + PART, start + LENGTH)}
        assert (times(row), row.parts.count()) == (("Sara Norén", had, "team", LENGTH), 2)


@pytest.mark.parametrize("is_in_parts", [False, True])
def test_in_place_of_the_main_responsible_another_of_the_profession_is_proposed_with_the_team(
    centre, nurse, doctor, is_in_parts
):
    """PL-02, BO-02: first the main responsible, then the colleague, for whom the others keep the time they have."""
    factories.ResourceFactory(care_unit=centre, profession="Läk", name="Eva Ask")
    factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Bo Ek")
    part = PART // timedelta(minutes=1)
    two_teams(nurse, doctor, parts={nurse.pk: (0, part), doctor.pk: (part, 30)} if is_in_parts else None)
    first, second = away(centre, nurse)
    own, old = midnight(8), first.appointment.start
    with_doctor = {"Anna Holm"}
    assert proposed(first)[:2] == [
        ("Sara Norén", own, own + LENGTH, with_doctor),
        ("Bo Ek", old, old + LENGTH, with_doctor),
    ]
    for row, start in ((take_by_page(first, 1), old), (take_by_rest(second, 1), second.appointment.start)):
        until, after = (start + PART, start + PART) if is_in_parts else (start + LENGTH, start)
        had = {"Bo Ek": (start, until), "Anna Holm": (after, start + LENGTH)}
        assert (times(row), row.start) == (("Bo Ek", had, "team", LENGTH), start)


def test_where_another_of_the_team_is_away_the_main_responsible_is_not_proposed_without(centre, nurse, doctor):
    """PL-02, BO-02: nor the colleague; and whoever moves it without the team by REST has a team no longer."""
    factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Bo Ek")
    two_teams(nurse, doctor)
    first, second = away(centre, doctor)
    own = midnight(8)
    starts = [own + number * STEP for number in range(3)]
    assert proposed(first) == [("Sara Norén", start, start + LENGTH, {"Anna Holm"}) for start in starts]
    # What a page may post that proposed something else: the doctor's time is had with the nurse.
    assert rebooking.along(first, doctor.pk) == [nurse.pk]
    had = dict.fromkeys(["Sara Norén", "Anna Holm"], (own, own + LENGTH))
    assert times(take_by_page(first, 0)) == ("Sara Norén", had, "team", LENGTH)
    later = own + LENGTH
    body = {"start": later.isoformat(), "resources": [str(nurse.pk)]}
    caller = Caller(factories.coordinator(centre))
    assert caller.post(f"rebooking-items/{second.pk}/rebook/", body).status_code == 200
    second.appointment.refresh_from_db()
    had = {"Sara Norén": (later, later + LENGTH)}
    assert times(second.appointment) == ("Sara Norén", had, "individual", LENGTH)
