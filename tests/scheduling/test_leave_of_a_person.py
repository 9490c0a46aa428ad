"""Who is away is away at every unit, and an absence can be shortened and lengthened (PL-02)."""

from datetime import UTC, date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from scheduling import promises, slots
from scheduling.actions import absences, appointments, rebooking, resource_bookings, sessions
from scheduling.models import Absence, Appointment, FreedTime, RebookingItem, Resource, ResourceBooking, Session
from scheduling.timebook import Timebook
from sdv.accounts.permissions import Role
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.models import ChangeLogEntry
from sdv.common.time import day_range
from sdv.desk.jobs import JOBS
from sdv.flows import cancellation, invariants
from tests import factories
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic

START = NOW + 3 * DAY  # Monday, nine o'clock in Stockholm
MIDNIGHT = START - timedelta(hours=9)
NUMBERS = ["189010319813", "189012049814", "189110209815", "189112149803"]


@pytest.fixture
def south(health_centre):
    """Another vårdcentral, where the nurse of the first works too."""
    south = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    south.nurse_resource.practitioner = health_centre.nurse_resource.practitioner
    south.nurse_resource.save(update_fields=["practitioner"])
    return south


def away(clinic, start=MIDNIGHT, end=MIDNIGHT + DAY, *, resource=None, kind="leave", at=NOW):
    resource_id = None if kind == "closure" else (resource or clinic.nurse_resource).pk
    told = {"care_unit": clinic.unit, "resource_id": resource_id, "kind": kind}
    return absences.register(**told, start=start, end=end, by=clinic.nurse, at=at)


def listed():
    rows = RebookingItem.objects.open().order_by("appointment__start", "pk")
    return [(row.care_unit.name, row.appointment.start, row.absence) for row in rows.select_related("care_unit")]


def broken(at=NOW):
    return {each.name: each.rows(at).count() for each in invariants.INVARIANTS if each.rows(at).count()}


def refusal(act, *args, **fields):
    with pytest.raises(RuleError) as error:
        act(*args, **fields)
    return error.value


def starts(clinic, resource=None):
    found = slots.find(
        care_unit=clinic.unit, visit_type=clinic.nurse_visit, from_day=START.date(), to_day=START.date(), at=NOW,
        resource_ids=[(resource or clinic.nurse_resource).pk],
    )  # fmt: skip
    return {slot.start for slot in found.slots}


# --- At every unit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["leave", "absence", "training"])
def test_a_persons_absence_hits_who_is_booked_at_every_unit_and_each_unit_has_its_own_to_move(
    health_centre, south, kind
):
    """PL-02: the item stands at the unit of the booking and is one of that unit's; withdrawn it leaves both."""
    here = health_centre.book(health_centre.patient(), START)
    there = south.book(south.patient(identity=NUMBERS[0]), START + HALF_HOUR)
    coordinator = south.staff(Role.COORDINATOR)
    practitioner = south.nurse_resource.practitioner
    practitioner.user.is_active = False
    practitioner.user.save()
    told = absences.would_hit(
        care_unit=health_centre.unit, resource_id=health_centre.nurse_resource.pk, kind=kind,
        start=MIDNIGHT, end=MIDNIGHT + DAY, at=NOW,
    )  # fmt: skip
    assert (list(told), Absence.objects.exists()) == ([here, there], False)
    absence = away(health_centre, kind=kind)
    assert listed() == [
        ("Vårdcentralen Norr", START, absence),
        ("Vårdcentralen Söder", START + HALF_HOUR, absence),
    ]
    assert RebookingItem.objects.get(appointment=there).responsible == coordinator
    assert broken() == {}
    absences.withdraw(absence_id=absence.pk, by=health_centre.nurse, at=NOW)
    assert listed() == [] and set(RebookingItem.objects.values_list("decision", flat=True)) == {"withdrawn"}
    assert START + 2 * HALF_HOUR in starts(south) and broken() == {}


def test_nothing_is_taken_of_a_person_who_is_away_by_another_unit_whatever_the_door(health_centre, south):
    """PL-02, PL-06: not offered, not booked, held, overbooked, moved nor led; the other unit is told no more than that
    the person is away."""
    south.unit.allows_overbooking = True
    south.unit.save()
    patient = south.patient(identity=NUMBERS[0])
    moved = south.book(patient, START + DAY)
    away(health_centre, kind="training")
    assert (starts(south), starts(health_centre)) == (set(), set())
    times = {"start": START, "end": START + HALF_HOUR, "by": south.nurse, "at": NOW}
    group = {"care_unit": south.unit, "name": "Fotskola", "visit_type": south.nurse_visit, "seats": 4}
    group |= {"contact_reason_id": south.reason.pk, "resource_ids": [south.nurse_resource.pk]}
    refused = [
        refusal(south.book, patient, START),
        refusal(south.book, patient, START, overbook=True, reason="Akut"),
        refusal(resource_bookings.hold, resource_id=south.nurse_resource.pk, **times),
        refusal(appointments.reschedule, appointment_id=moved.pk, **times),
        refusal(sessions.plan, **group, **times),
    ]
    told = "Sara Norén är inte på plats 2026-11-23 kl. 09.00: frånvaro. Välj en annan tid eller en annan vårdgivare."
    assert {(each.rule, each.code, each.sentence) for each in refused} == {("PL-02", "absent", told)}
    own = refusal(health_centre.book, health_centre.patient(), START)
    assert own.sentence == told.replace(": frånvaro.", ": utbildning.")
    assert (Appointment.objects.count(), ResourceBooking.objects.count(), Session.objects.count()) == (1, 1, 0)


def test_a_closure_and_what_is_no_person_stay_at_their_unit(health_centre, south):
    """PL-02"""
    room = Resource.objects.create(care_unit=health_centre.unit, kind="room", name="Rum 1")
    same_name = Resource.objects.create(care_unit=south.unit, kind="room", name="Rum 1")
    both = [south.nurse_resource.pk, same_name.pk]
    south.book(south.patient(identity=NUMBERS[0]), START, resource_ids=both)
    closed, empty = away(health_centre, kind="closure"), away(health_centre, resource=room)
    assert (listed(), starts(health_centre)) == ([], set())
    assert START + HALF_HOUR in starts(south)
    book = Timebook([south.nurse_resource, same_name, room], START.date(), START.date())
    times = (START, START + HALF_HOUR)
    assert [book.absence(each, *times) for each in (south.nurse_resource, same_name)] == [None, None]
    assert book.absence(room, *times) in (closed, empty)
    # A room that somebody is named for is no person, nor is its person away with it.
    Resource.objects.filter(pk=room.pk).update(practitioner=south.nurse_resource.practitioner)
    assert not promises.in_absence(at=NOW).exists() and START + HALF_HOUR in starts(south)


def test_a_resource_that_a_person_on_leave_gets_later_is_away_at_once(health_centre, south):
    """PL-02: computed of whose it is, stored nowhere."""
    away(health_centre)
    east = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Öster")
    assert START in starts(east)
    person = health_centre.nurse_resource.practitioner
    phone = Resource.objects.create(care_unit=east.unit, kind="person", name="Sara, telefon", practitioner=person)
    for weekday in range(1, 8):
        factories.WeeklyHoursFactory(resource=phone, weekday=weekday, on_holidays=True)
    assert starts(east, phone) == set()
    refused = refusal(east.book, east.patient(identity=NUMBERS[0]), START, resource=phone)
    assert (refused.code, refused.sentence[:14]) == ("absent", "Sara, telefon ")


def test_what_an_absence_of_another_unit_hits_is_proposed_with_whoever_is_there(health_centre, south):
    """PL-02, BO-02: the same vårdgivare first, then another of the profession; moved as the provider's doing."""
    booked = south.book(south.patient(identity=NUMBERS[0]), START)
    stand_in = factories.ResourceFactory(care_unit=south.unit, profession="Ssk", name="Eva Ek")
    away(health_centre)
    item = RebookingItem.objects.get(appointment=booked)
    found = rebooking.proposals(item, at=NOW)
    assert [(slot.resource.name, slot.start) for slot in found[:2]] == [
        ("Sara Norén", MIDNIGHT + DAY),
        ("Eva Ek", START),
    ]
    appointments.reschedule(
        appointment_id=booked.pk, start=START, end=START + HALF_HOUR, resource_ids=[stand_in.pk], by=south.nurse, at=NOW
    )
    item.refresh_from_db()
    assert (item.decision, booked.history.get(event="rescheduled").initiated_by) == ("rebooked", "provider")


def test_a_team_whose_main_responsible_is_away_by_another_unit_gets_another_of_the_profession(health_centre, south):
    """PL-02, BO-02: the others keep the old time."""
    both = [south.nurse_resource.pk, south.doctor_resource.pk]
    booked = south.book(
        south.patient(identity=NUMBERS[0]), START, resource_ids=both, main_resource_id=south.nurse_resource.pk
    )
    factories.ResourceFactory(care_unit=south.unit, profession="Ssk", name="Eva Ek")
    away(health_centre)
    item = RebookingItem.objects.get(appointment=booked)
    found = {slot.resource.name: slot.start for slot in reversed(rebooking.proposals(item, at=NOW))}
    assert (found["Eva Ek"], found["Sara Norén"]) == (START, MIDNIGHT + DAY)
    eva = next(slot for slot in rebooking.proposals(item, at=NOW) if slot.resource.name == "Eva Ek")
    assert [row.name for row in eva.others] == ["Anna Holm"]


def test_who_is_needed_for_a_part_of_a_team_visit_is_away_in_that_part_or_not_at_all(health_centre, south):
    """PL-02, BO-02: one after the other; what hits the nurse's part, and no more, is to be moved, whoever asks."""
    nurse, doctor = south.nurse_resource.pk, south.doctor_resource.pk
    parts = {nurse: (0, 30), doctor: (30, 30)}
    told = {"resource_ids": [nurse, doctor], "parts": parts, "end": START + 2 * HALF_HOUR}
    south.book(south.patient(identity=NUMBERS[0]), START, **told)
    absence = away(health_centre, START + HALF_HOUR, START + 2 * HALF_HOUR)
    assert (listed(), broken()) == ([], {})
    changed(health_centre, absence, start=START + HALF_HOUR - timedelta(minutes=1))
    assert listed() == [("Vårdcentralen Söder", START, absence)] and broken() == {}
    changed(health_centre, absence, start=START + HALF_HOUR)
    assert (listed(), broken()) == ([], {})
    assert rebooking.list_hit(at=NOW) == 0


def test_a_group_led_by_who_is_away_by_another_unit_is_hit_and_no_seat_is_proposed_on_another(health_centre, south):
    """PL-02, BO-02"""
    group = {"care_unit": south.unit, "name": "Fotskola", "visit_type": south.nurse_visit, "seats": 4}
    group |= {"contact_reason_id": south.reason.pk, "resource_ids": [south.nurse_resource.pk]}
    act = {"by": south.nurse, "at": NOW}
    first, second, third = (
        sessions.plan(**group, start=START + place, end=START + place + HALF_HOUR, **act)
        for place in (timedelta(0), timedelta(hours=2), 2 * DAY)
    )
    sessions.book(session_id=first.pk, patient_id=south.patient(identity=NUMBERS[0]).pk, **act)
    away(health_centre)
    item = RebookingItem.objects.get()
    assert rebooking.seats(item, at=NOW) == [third]
    refused = refusal(sessions.book, session_id=second.pk, patient_id=south.patient(identity=NUMBERS[1]).pk, **act)
    assert refused.code == "absent"


def test_a_freed_time_is_not_usable_when_the_person_is_away_by_another_unit(health_centre, south):
    """PL-01, PL-02"""
    visit = south.book(south.patient(identity=NUMBERS[0]), START)
    cancellation.cancel(appointment_id=visit.pk, cancelled_by="patient", reason="Förhinder", by=south.nurse, at=NOW)
    assert FreedTime.objects.usable(NOW).count() == 1
    absence = away(health_centre)
    assert FreedTime.objects.usable(NOW).count() == 0
    absences.change(absence_id=absence.pk, start=START + HALF_HOUR, by=health_centre.nurse, at=NOW)
    assert FreedTime.objects.usable(NOW).count() == 1


def test_an_absence_of_somebody_else_s_resource_is_not_registered(health_centre, south):
    """PL-02: it is registered where the person is the unit's."""
    times = {"kind": "leave", "start": MIDNIGHT, "end": MIDNIGHT + DAY, "at": NOW}
    for act, more in ((absences.register, {"by": south.nurse}), (absences.would_hit, {})):
        with pytest.raises(InputError) as wrong:
            act(care_unit=south.unit, resource_id=health_centre.nurse_resource.pk, **times, **more)
        told = "Resursen finns inte på vårdenheten. Välj bland enhetens resurser."
        assert wrong.value.errors == {"resource": [told]}
    assert not Absence.objects.exists()


def test_what_an_older_absence_came_to_hit_is_put_in_ombokningar_by_the_nightly_job(health_centre, south):
    """PL-02: after the upgrade; once, and until then the invariant names it."""
    absence = away(health_centre)
    Resource.objects.filter(pk=south.nurse_resource.pk).update(practitioner=south.doctor_resource.practitioner)
    booked = south.book(south.patient(identity=NUMBERS[0]), START)
    Resource.objects.filter(pk=south.nurse_resource.pk).update(practitioner=health_centre.nurse_resource.practitioner)
    assert (listed(), broken()) == ([], {"bookings-in-absence": 1})
    line = ["bokningar i frånvaro satta i Ombokningar: 1"]
    assert JOBS["rebooking-check"](at=NOW, dry_run=True) == line and listed() == []
    assert JOBS["rebooking-check"](at=NOW) == line
    assert (listed(), broken()) == ([("Vårdcentralen Söder", booked.start, absence)], {})
    assert JOBS["rebooking-check"](at=NOW) == ["bokningar i frånvaro satta i Ombokningar: 0"]


def test_a_tidbok_asks_as_many_questions_however_many_units_and_absences(health_centre, south):
    """PL-02, PL-07: three."""
    resources = [health_centre.nurse_resource, south.nurse_resource, south.doctor_resource]
    for days in range(4):
        away(health_centre, MIDNIGHT + days * DAY, MIDNIGHT + days * DAY + HALF_HOUR)
        away(south, kind="closure", start=MIDNIGHT + days * DAY, end=MIDNIGHT + days * DAY + HALF_HOUR)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            Timebook(resources, START.date(), START.date() + 7 * DAY)
        assert len(asked) == 3


# --- Shortened and lengthened -----------------------------------------------------------------------------------------


@pytest.fixture
def both(health_centre, south):
    """One booked at each unit, on Monday and on Tuesday; the nurse is away on Monday."""
    monday = health_centre.book(health_centre.patient(), START)
    tuesday = south.book(south.patient(identity=NUMBERS[0]), START + DAY)
    return away(health_centre), monday, tuesday


def changed(clinic, absence, at=NOW, **fields):
    return absences.change(absence_id=absence.pk, by=clinic.nurse, at=at, **fields)


def test_a_lengthened_absence_puts_what_it_newly_hits_in_ombokningar_at_each_unit(health_centre, both):
    """PL-02: and what it hit already stands there as it did."""
    absence, monday, tuesday = both
    first = RebookingItem.objects.get()
    made = changed(health_centre, absence, end=MIDNIGHT + 2 * DAY, version=1)
    assert listed() == [
        ("Vårdcentralen Norr", monday.start, absence),
        ("Vårdcentralen Söder", tuesday.start, absence),
    ]
    first.refresh_from_db()
    assert (first.version, made.version, made.changed_by, made.changed_at) == (1, 2, health_centre.nurse, NOW)
    absence.refresh_from_db()
    assert (absence.period.lower, absence.period.upper) == (MIDNIGHT, MIDNIGHT + 2 * DAY)
    assert broken() == {}
    entry = ChangeLogEntry.objects.filter(row_id=str(absence.pk), operation="update").get()
    assert {"period", "changed_by_id", "changed_at", "version"} == set(entry.changed)


def test_a_shortened_absence_lets_go_of_what_it_no_longer_hits(health_centre, both):
    """PL-02: what is left stays; the free times are offered again."""
    absence, monday, tuesday = both
    changed(health_centre, absence, end=MIDNIGHT + 2 * DAY)
    changed(health_centre, absence, start=MIDNIGHT + DAY)
    item = RebookingItem.objects.get(appointment=monday)
    assert (item.status, item.decision, item.decided_by) == ("done", "withdrawn", health_centre.nurse)
    assert [row[1] for row in listed()] == [tuesday.start]
    assert START + HALF_HOUR in starts(health_centre) and broken() == {}
    changed(health_centre, absence, start=MIDNIGHT)
    assert [row[1] for row in listed()] == [monday.start, tuesday.start]
    assert RebookingItem.objects.filter(appointment=monday).count() == 2


def test_what_another_absence_hits_as_well_goes_on_waiting(health_centre, south, both):
    """PL-02: one registered at the other unit, of the same person."""
    absence, monday, _ = both
    other = away(south, kind="absence")
    changed(health_centre, absence, start=START + HALF_HOUR)
    assert listed() == [("Vårdcentralen Norr", monday.start, other)]
    assert list(RebookingItem.objects.order_by("pk").values_list("decision", flat=True)) == ["withdrawn", ""]
    changed(south, other, end=START)
    assert listed() == [] and broken() == {}


def test_what_was_and_is_over_stays_in_ombokningar_when_the_absence_is_changed_later(health_centre, both):
    """PL-02: a booking whose time has passed is still hit, and is somebody's to end."""
    absence, monday, tuesday = both
    later = START + timedelta(hours=3)
    changed(health_centre, absence, end=MIDNIGHT + 2 * DAY, at=later)
    assert [row[1] for row in listed()] == [monday.start, tuesday.start]


def test_who_came_back_earlier_has_been_back_since_but_what_is_over_stays_over(health_centre, both):
    """PL-02: the end may have passed as long as the absence goes on, and one that has ended may be lengthened."""
    absence, _, _ = both
    noon = START + timedelta(hours=3)
    changed(health_centre, absence, end=START - HALF_HOUR, at=noon)
    assert listed() == []
    refused = refusal(changed, health_centre, absence, start=MIDNIGHT + HALF_HOUR, at=noon)
    assert (refused.rule, refused.code) == ("PL-02", "in_the_past")
    changed(health_centre, absence, end=MIDNIGHT + 3 * DAY, at=noon)
    assert [row[0] for row in listed()] == ["Vårdcentralen Söder"]
    assert broken(at=noon).get("bookings-in-absence") is None


@pytest.mark.parametrize(
    "wish, code",
    [
        ({"end": MIDNIGHT}, "invalid_time"),
        ({"start": MIDNIGHT + 2 * DAY}, "invalid_time"),
        ({"end": MIDNIGHT + 800 * DAY}, "invalid_time"),
        ({"kind": "closure"}, InputError),
        ({"version": 7, "end": MIDNIGHT + 2 * DAY}, StaleVersion),
    ],
)
def test_an_absence_is_not_changed_to_what_it_cannot_be(health_centre, both, wish, code):
    """PL-02, PL-27: nothing is changed."""
    absence, _, _ = both
    before = (Absence.objects.values().get(), listed())
    expected = code if isinstance(code, type) else RuleError
    with pytest.raises(expected) as error:
        changed(health_centre, absence, **wish)
    assert isinstance(code, type) or error.value.code == code
    assert (Absence.objects.values().get(), listed()) == before


def test_the_second_who_changes_an_absence_is_told_who_was_first(health_centre, both):
    """PL-27: also who withdraws it, and who changes what is withdrawn."""
    absence, _, _ = both
    changed(health_centre, absence, end=MIDNIGHT + 2 * DAY, version=1)
    for act in (absences.change, absences.withdraw):
        with pytest.raises(StaleVersion) as stale:
            act(absence_id=absence.pk, by=health_centre.doctor, at=NOW, version=1)
        assert (stale.value.by, stale.value.at) == ("Sara Norén", NOW)
    same = changed(health_centre, absence, start=MIDNIGHT, end=MIDNIGHT + 2 * DAY, kind="leave")
    assert same.version == 2
    absences.withdraw(absence_id=absence.pk, by=health_centre.doctor, at=NOW, version=2)
    refused = refusal(changed, health_centre, absence, end=MIDNIGHT + 3 * DAY)
    assert (refused.code, refused.by) == ("already_done", "Anna Holm")
    assert listed() == []


def test_a_kind_that_was_wrong_is_put_right_and_a_closure_is_lengthened(health_centre, south, both):
    """PL-02"""
    absence, _, tuesday = both
    assert changed(health_centre, absence, kind="training").kind == "training"
    closed = away(south, kind="closure", end=MIDNIGHT + HALF_HOUR)
    changed(south, closed, end=MIDNIGHT + 2 * DAY)
    assert RebookingItem.objects.get(appointment=tuesday).absence == closed
    with pytest.raises(InputError) as wrong:
        changed(south, closed, kind="leave")
    told = "Stängt gäller hela enheten, annan frånvaro en resurs: återkalla den och registrera en ny."
    assert wrong.value.errors == {"kind": [told]}


def test_a_change_that_cannot_be_listed_is_not_saved(health_centre, both, monkeypatch):
    """PL-02: all or nothing."""
    absence, _, _ = both
    before = Absence.objects.values().get()

    def fails(*args, **fields):
        raise RuntimeError

    monkeypatch.setattr(rebooking, "put", fails)
    with pytest.raises(RuntimeError), transaction.atomic():
        changed(health_centre, absence, end=MIDNIGHT + 2 * DAY)
    assert Absence.objects.values().get() == before


@pytest.mark.parametrize("day, hours", [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25)])
def test_whole_days_on_the_nights_of_the_clock_change_are_whole(health_centre, south, day, hours):
    """PL-02: the last half hour of the day is hit and the first of the next is not, at both units."""
    midnight, end = (moment.astimezone(UTC) for moment in day_range(day))
    assert end - midnight == timedelta(hours=hours)
    last = health_centre.book(health_centre.patient(), end - HALF_HOUR - timedelta(minutes=1), at=NOW)
    south.book(south.patient(identity=NUMBERS[0]), end, at=NOW)
    absence = away(health_centre, midnight, end)
    assert [row[1] for row in listed()] == [last.start]
    changed(health_centre, absence, end=last.start)
    assert listed() == []
    changed(health_centre, absence, end=end + HALF_HOUR)
    assert [row[1] for row in listed()] == [last.start, end]
