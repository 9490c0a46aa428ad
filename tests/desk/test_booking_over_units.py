"""Free times at several units, and as a week, on the booking page (BO-01, PL-07, PL-25, VH-08, ui.md 4.5)."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from registration.models import CareCommitment
from scheduling.actions import sessions
from scheduling.models import Appointment, BookingRequest, Resource, ResourceBooking
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from sdv.organisation.models import SharedList
from tests import factories as make

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]

DAY = timedelta(days=1)


@pytest.fixture
def south():
    return make.SpecialisedClinicFactory(name="Ortopedin Söder")


@pytest.fixture
def north():
    return make.SpecialisedClinicFactory(name="Ortopedin Norr")


@pytest.fixture
def doctors(south, north):
    return {unit: make.ResourceFactory(care_unit=unit) for unit in (south, north)}


@pytest.fixture
def user(south, north, doctors):
    """Booked at both units; the session acts at the first."""
    return make.coordinator(south, north)


@pytest.fixture
def desk(user):
    return signed_in(user)


@pytest.fixture
def patient(south):
    found = make.patient()
    make.open_commitment(patient=found, care_unit=south)
    return found


def share(*units):
    made = SharedList.objects.create(name="Ortopedi")
    for unit in units:
        made.units.create(care_unit=unit)


def choices(**fields):
    first = local_date(make.in_days(1))
    return {
        "besokstyp": str(make.visit_type("Sp Läk Återbesök").pk),
        "orsak": str(make.contact_reason().pk),
        "fran": first.isoformat(),
        "till": (first + 3 * DAY).isoformat(),
    } | fields


def url_of(patient):
    return reverse("book", args=[patient.pk])


def units_in(page):
    times = [time for day in page.context.get("week") or page.context["days"] for time in day.times]
    return {time.unit for time in times}


def value(resource, start):
    return f"{resource.pk}|{start.isoformat()}"


def take(desk, patient, resource, start, **fields):
    """Holds the time and confirms it; the answer of the last step."""
    sent = choices(**fields) | {"tid": value(resource, start)}
    held = desk.post(url_of(patient), sent | {"step": "hold"})
    assert held.status_code == 302, held.content.decode()[-3000:]
    given = {name: found[0] for name, found in parse_qs(urlsplit(held["Location"]).query).items()}
    page = desk.get(held["Location"])
    assert page.context["held"]["unit"] == resource.care_unit.short_name
    return desk.post(url_of(patient), given | {"step": "book", "tid": page.context["held"]["value"], "kallelse": "1"})


# --- Whose times are shown ----------------------------------------------------------------------------------------------


def test_ones_own_unit_is_searched_where_nothing_else_is_asked_for(desk, patient, south, north):
    """Least right: the others are a choice."""
    make.open_commitment(patient=patient, care_unit=north)
    page = desk.get(url_of(patient), choices())
    assert units_in(page) == {"Ortopedin Söder"}
    labels = [label for _, label in page.context["form"].fields["enhet"].choices]
    assert labels == ["Ortopedin Söder (din enhet)", "Ortopedin Norr", "Alla enheter där du får boka"]
    assert units_in(desk.get(url_of(patient), choices(enhet=str(north.pk)))) == {"Ortopedin Norr"}
    assert units_in(desk.get(url_of(patient), choices(enhet="alla"))) == {"Ortopedin Söder", "Ortopedin Norr"}


def test_a_unit_where_one_has_no_assignment_that_books_is_neither_offered_nor_shown(patient, south, north, doctors):
    """PL-25: a shared list shares patients, never tidböcker."""
    share(south, north)
    make.open_commitment(patient=patient, care_unit=north)
    user = make.coordinator(south)
    make.StaffAssignmentFactory(user=user, care_unit=north, role=Role.CODER)
    client = signed_in(user)
    for asked in ("alla", str(north.pk)):
        page = client.get(url_of(patient), choices(enhet=asked))
        assert units_in(page) == {"Ortopedin Söder"}
        assert "enhet" not in page.context["form"].fields
    start = make.in_days(2)
    for step in ("hold", "book"):
        sent = choices(enhet="alla") | {"step": step, "tid": value(doctors[north], start)}
        answer = client.post(url_of(patient), sent)
        text = answer.content.decode()
        assert answer.status_code == 409
        assert "Tiden finns inte på någon enhet där du har ett uppdrag som får boka." in text and "PL-25" in text
    assert not ResourceBooking.objects.exists() and not Appointment.objects.exists()


def test_an_assignment_that_is_over_books_nothing(patient, south, north, doctors):
    user = make.coordinator(south)
    make.StaffAssignmentFactory(user=user, care_unit=north, role=Role.COORDINATOR, valid_to=local_date(now()) - DAY)
    assert "enhet" not in signed_in(user).get(url_of(patient), choices()).context["form"].fields


def test_a_unit_whose_rules_stand_in_the_way_is_told_and_not_shown(desk, user, patient, south, north):
    """VH-08, BT-01: by the rules of the unit where the time is."""
    centre = make.HealthCentreFactory(name="Vårdcentralen Öster")
    make.ResourceFactory(care_unit=centre)
    make.StaffAssignmentFactory(user=user, care_unit=centre, role=Role.COORDINATOR)
    page = desk.get(url_of(patient), choices(enhet="alla"))
    assert units_in(page) == {"Ortopedin Söder"}
    assert page.context["left_out"] == [
        ("VH-08", "Patienten har inget öppet vårdåtagande på Ortopedin Norr."),
        ("BT-01", "Vårdcentralen Öster har inte besökstypen."),
    ]
    assert "Patienten har inget öppet vårdåtagande på Ortopedin Norr. Regel VH-08" in page.content.decode()
    alone = desk.get(url_of(patient), choices(enhet=str(north.pk)))
    assert (alone.context["no_way"], units_in(alone)) == ("VH-08", set())


def test_a_room_is_had_at_the_unit_of_the_vardgivare(desk, patient, south, north, doctors):
    """PL-07: a room in Söder is of no use to a doctor in Norr."""
    make.open_commitment(patient=patient, care_unit=north)
    rooms = {
        unit: [Resource.objects.create(care_unit=unit, kind="room", name=f"Rum {n}") for n in (1, 2)]
        for unit in (south, north)
    }
    page = desk.get(url_of(patient), choices(enhet="alla", rum="ledigt"))
    who = {(time.unit, time.who.split(", ")[-1]) for day in page.context["days"] for time in day.times}
    assert who == {("Ortopedin Söder", "Rum 1"), ("Ortopedin Norr", "Rum 1")}
    named = desk.get(url_of(patient), choices(enhet="alla", rum=str(rooms[north][1].pk)))
    assert units_in(named) == {"Ortopedin Norr"}
    assert ("Rum 2, Ortopedin Norr") in dict(named.context["form"].fields["rum"].choices).values()


def test_the_page_asks_the_database_equally_often_however_many_units_and_times(desk, user, patient, south, north):
    make.open_commitment(patient=patient, care_unit=north)
    first = choices()["fran"]
    desk.get(url_of(patient), choices())
    few = queries_of(lambda: desk.get(url_of(patient), choices(enhet="alla", till=first)))
    for number in range(3):
        unit = make.SpecialisedClinicFactory(name=f"Ortopedin {number}")
        make.ResourceFactory(care_unit=unit)
        make.StaffAssignmentFactory(user=user, care_unit=unit, role=Role.COORDINATOR)
        make.open_commitment(patient=patient, care_unit=unit)
    page = desk.get(url_of(patient), choices(enhet="alla"))
    assert len(units_in(page)) == 5
    for view in ("", "vecka"):
        assert queries_of(lambda view=view: desk.get(url_of(patient), choices(enhet="alla", vy=view))) == few
    assert few <= 27


# --- Booking there ------------------------------------------------------------------------------------------------------


def test_a_time_at_another_unit_is_held_and_booked_there_under_the_assignment_there(
    desk, user, patient, south, north, doctors
):
    """BO-01, VH-08, PL-24: the unit's own vårdåtagande, its letter, its log."""
    there = make.open_commitment(patient=patient, care_unit=north)
    start = make.in_days(2)
    answer = take(desk, patient, doctors[north], start, enhet="alla")
    booked = Appointment.objects.get()
    assert (booked.care_unit, booked.encounter.care_unit, booked.encounter.commitment) == (north, north, there)
    assert booked.start == start and not ResourceBooking.objects.filter(state="held").exists()
    assert [letter.care_unit for letter in booked.letters.all()] == [north]
    page = desk.get(answer["Location"]).content.decode()
    assert "Tiden är bokad på Ortopedin Norr:" in page and "Byt uppdrag" in page
    assert reverse("appointment-cancel", args=[booked.pk]) in page
    entry = AccessLogEntry.objects.get(resource_id=booked.pk, what="bokning")
    assert (entry.care_unit_id, entry.assignment.care_unit, entry.user) == (north.pk, north, user)


def test_what_one_has_booked_at_other_units_is_seen_and_called_off_there(desk, user, patient, south, north, doctors):
    """PL-25, PA-08: by an assignment there, which the log names; nobody else's bookings, and none where one no longer
    books."""
    make.open_commitment(patient=patient, care_unit=north)
    take(desk, patient, doctors[north], make.in_days(2), enhet="alla")
    mine = Appointment.objects.get()
    doctor = make.ResourceFactory(care_unit=north)
    others = make.booked_visit(care_unit=north, patient=patient, resource=doctor, start=make.in_days(4))
    address = reverse("patient-appointments", args=[patient.pk])
    cancels = {row: reverse("appointment-cancel", args=[row.pk]) for row in (mine, others)}

    def seen(client):
        page = client.get(address)
        assert ("Bokat på andra enheter" in page.content.decode()) == bool(page.context["elsewhere"])
        return page.context["elsewhere"]

    assert seen(desk) == [mine] and seen(signed_in(make.coordinator(south, north))) == []
    read = AccessLogEntry.objects.filter(what="bokningar", care_unit_id=north.pk, user=user).last()
    assert (read.patient_id, read.assignment.care_unit) == (patient.pk, north)
    there = user.assignments.get(care_unit=north)
    type(there).objects.filter(pk=there.pk).update(valid_to=local_date(now()) - DAY)
    assert seen(desk) == [] and desk.get(cancels[mine]).status_code == 404
    type(there).objects.filter(pk=there.pk).update(valid_to=None)
    assert desk.get(cancels[others]).status_code == 404
    assert desk.get(cancels[mine]).status_code == 200
    words = {"cancelled_by": "provider", "reason": "Fel enhet", "version": mine.version}
    assert desk.post(cancels[others], words).status_code == 404
    answer = desk.post(cancels[mine], words)
    assert answer["Location"] == address and "Bokningen avbokad för" in desk.get(address).content.decode()
    assert set(Appointment.objects.values_list("pk", "status")) == {(mine.pk, "cancelled"), (others.pk, "booked")}
    assert seen(desk) == []


def test_ones_own_second_click_at_another_unit_does_nothing(desk, patient, north, doctors):
    """PL-27"""
    make.open_commitment(patient=patient, care_unit=north)
    sent = choices(enhet="alla") | {"step": "book", "tid": value(doctors[north], make.in_days(2))}
    first, second = desk.post(url_of(patient), sent), desk.post(url_of(patient), sent)
    assert first["Location"] == second["Location"]
    assert Appointment.objects.count() == 1


def test_with_several_vardataganden_at_the_unit_of_the_time_one_is_chosen(desk, patient, north, doctors):
    """VH-08: what is open at one's own unit is not meant."""
    wanted = make.open_commitment(patient=patient, care_unit=north)
    make.open_commitment(patient=patient, care_unit=north, problem="demo02")
    sent = choices(enhet="alla") | {"step": "book", "tid": value(doctors[north], make.in_days(2))}
    refused = desk.post(url_of(patient), sent)
    assert refused.status_code == 422
    assert "Välj vilket vårdåtagande besöket gäller." in refused.content.decode()
    desk.post(url_of(patient), sent | {"vardatagande": str(wanted.pk)})
    assert Appointment.objects.get().encounter.commitment == wanted


def test_a_series_and_a_seat_are_sought_where_a_single_visit_is(desk, user, patient, south, north, doctors):
    """BO-02, PL-25, VH-08: a unit without a vårdåtagande is told and left out; each visit is booked at the unit of its time,
    on the vårdåtagande there, and logged there; a seat of another unit's grupptillfälle is had on the booking page."""
    serie = choices(enhet="alla", klockan="09:00", antal="2", varje="1")
    serie["fran"] = local_date(make.in_days(7)).isoformat()
    address = reverse("book-series", args=[patient.pk])
    text = desk.get(address, serie).content.decode()
    assert "Patienten har inget öppet vårdåtagande på Ortopedin Norr. Regel VH-08" in text
    assert f"{doctors[south].pk}|" in text and f"{doctors[north].pk}|" not in text
    only_north = desk.get(address, serie | {"enhet": str(north.pk)}).content.decode()
    assert "Besöket kan inte bokas på någon av enheterna som söks." in only_north
    there = make.open_commitment(patient=patient, care_unit=north)
    page = desk.get(address, serie)
    row = page.context["rows"][0]
    assert {words.rpartition(", ")[2] for _, words in row.choices} == {"Ortopedin Norr", "Ortopedin Söder"}
    sent = {}
    for number, unit in ((1, south), (2, north)):
        found = next(each for each in page.context["rows"] if each.number == number)
        sent[f"tid-{number}"] = next(key for key, _ in found.choices if key.startswith(str(doctors[unit].pk)))
    assert desk.post(address, serie | sent).status_code == 302
    first, second = Appointment.objects.order_by("start")
    assert (first.care_unit, second.care_unit, second.encounter.commitment) == (south, north, there)
    assert first.plan == second.plan
    log = AccessLogEntry.objects.filter(what="besöksplan bokad", action="write")
    assert [entry.care_unit_id for entry in log] == [north.pk]
    session = sessions.plan(
        care_unit=north,
        name="Artrosskola",
        visit_type=make.visit_type("Sp Läk Återbesök"),
        contact_reason_id=make.contact_reason().pk,
        start=make.in_days(2),
        end=make.in_days(2) + timedelta(hours=1),
        seats=1,
        extra_seats=0,
        resource_ids=[doctors[north].pk],
        by=user,
        at=now(),
    )
    seat = choices(step="session", tillfalle=str(session.pk))
    assert "Artrosskola" not in desk.get(url_of(patient), choices()).content.decode()
    assert "Artrosskola" in desk.get(url_of(patient), choices(enhet="alla")).content.decode()
    assert desk.post(url_of(patient), seat | {"enhet": "alla"}).status_code == 302
    assert session.appointments.get().encounter.commitment == there
    alone = signed_in(make.receptionist(south))
    assert alone.post(url_of(make.patient()), seat).status_code in (404, 422)


def test_a_begaran_of_a_shared_list_goes_along_to_the_unit_of_the_time(desk, patient, south, north, doctors):
    """PL-25: same row, same dates; the vårdåtagande opens there, in one transaction with the booking."""
    row = make.booking_request(
        care_unit=south,
        patient=patient,
        visit_type="Sp Läk Återbesök",
        commitment_id=CareCommitment.objects.get(patient=patient).pk,
    )
    chosen = {"enhet": "alla", "begaran": str(row.pk)}
    page = desk.get(url_of(patient), choices(**chosen))
    assert page.context["left_out"] == [
        ("PL-25", "Begäran väntar på Ortopedin Söder, som inte delar väntelista med Ortopedin Norr.")
    ]
    share(south, north)
    assert units_in(desk.get(url_of(patient), choices(**chosen))) == {"Ortopedin Söder", "Ortopedin Norr"}
    take(desk, patient, doctors[north], make.in_days(2), **chosen)
    row = BookingRequest.objects.get(pk=row.pk)
    booked = Appointment.objects.get()
    assert (row.care_unit, row.status, booked.booking_request, booked.care_unit) == (north, "booked", row, north)
    assert booked.encounter.commitment.care_unit == north == row.commitment.care_unit


def test_what_cannot_be_booked_there_leaves_the_begaran_where_it_waits(desk, patient, south, north, doctors):
    """PL-25, PL-08: all or nothing."""
    share(south, north)
    row = make.booking_request(
        care_unit=south,
        patient=patient,
        visit_type="Sp Läk Återbesök",
        commitment_id=CareCommitment.objects.get(patient=patient).pk,
    )
    start = make.in_days(2)
    make.booked_visit(care_unit=north, resource=doctors[north], start=start)
    sent = choices(enhet="alla", begaran=str(row.pk)) | {"step": "book", "tid": value(doctors[north], start)}
    answer = desk.post(url_of(patient), sent)
    assert answer.status_code == 409 and "Tiden hann bokas av någon annan." in answer.content.decode()
    row.refresh_from_db()
    assert (row.care_unit, row.status) == (south, "open")
    assert not CareCommitment.objects.filter(patient=patient, care_unit=north).exists()
    assert not Appointment.objects.filter(patient=patient).exists()


# --- The week -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def monday():
    """A Monday more than a week away: all of its week can be booked."""
    day = local_date(make.in_days(8))
    return day + (7 - day.weekday()) * DAY


def week_of(desk, patient, day, **fields):
    return desk.get(
        url_of(patient), choices(fran=day.isoformat(), till=(day + 6 * DAY).isoformat(), vy="vecka", **fields)
    )


def test_the_week_has_the_same_times_as_the_list_each_once_and_the_same_act(desk, patient, south, doctors, monday):
    """ui.md 4.5, PL-07"""
    page = week_of(desk, patient, monday + 2 * DAY)
    columns = page.context["week"]
    assert page.context["week_name"].startswith(f"Vecka {monday.isocalendar().week}, {monday.day}/{monday.month}–")
    assert [day.heading for day in columns][:2] == [
        f"måndag {monday.day}/{monday.month}",
        f"tisdag {(monday + DAY).day}/{(monday + DAY).month}",
    ]
    assert len(columns) == 7
    html = page.content.decode()
    nine = next(time for time in columns[0].times if time.clock == "09:00")
    assert (nine.who, nine.unit, nine.form) == (f"{doctors[south].practitioner}, läkare", "Ortopedin Söder", "fysiskt")
    assert f'name="tid" value="{nine.value}"' in html
    assert sum(time.is_best for day in columns for time in day.times) == 1
    start = make.in_days((monday - local_date(now())).days)
    booked = take(desk, patient, doctors[south], start, vy="vecka", fran=monday.isoformat(), till=monday.isoformat())
    assert booked.status_code == 302
    again = week_of(desk, patient, monday)
    assert "10:00" not in [time.clock for time in again.context["week"][0].times]


def test_two_who_are_free_at_once_are_one_time_and_told(desk, patient, south, doctors, monday):
    """Nothing implicit: the one is named, the other counted, and had by choosing the vårdgivare."""
    second = make.ResourceFactory(care_unit=south)
    times = week_of(desk, patient, monday).context["week"][0].times
    assert {time.others for time in times} == {1}
    assert len({time.clock for time in times}) == len(times)
    alone = week_of(desk, patient, monday, resurs=str(second.pk)).context["week"][0].times
    assert {(time.others, time.who.split(",")[0]) for time in alone} == {(0, str(second.practitioner))}


def test_a_weekend_without_times_is_no_column_and_the_arrows_step_a_week(desk, patient, south, doctors, monday):
    doctors[south].weekly_hours.filter(weekday__gte=6).delete()
    page = week_of(desk, patient, monday)
    assert [day.heading.split()[0] for day in page.context["week"]] == [
        "måndag", "tisdag", "onsdag", "torsdag", "fredag",
    ]  # fmt: skip
    later = parse_qs(urlsplit(page.context["later"]).query)
    assert (later["fran"], later["vy"]) == ([(monday + 7 * DAY).isoformat()], ["vecka"])
    back = desk.get(page.context["later"]).context["earlier"]
    assert parse_qs(urlsplit(back).query)["fran"] == [monday.isoformat()]
    now_week = week_of(desk, patient, local_date(now()))
    assert now_week.context["earlier"] == ""
    views = {link.label: link for link in page.context["views"]}
    assert views["Vecka"].current and not views["Lista"].current
    assert not desk.get(views["Lista"].url).context.get("week")


def test_an_empty_week_shows_the_way_to_the_first_free_time(desk, patient, south, doctors, monday):
    """PL-07"""
    doctors[south].weekly_hours.update(valid_from=monday + 15 * DAY)
    page = week_of(desk, patient, monday)
    assert not any(day.times for day in page.context["week"])
    found = desk.get(page.context["next"].url)
    assert next(day.heading for day in found.context["week"] if day.times).startswith("tisdag")
    doctors[south].weekly_hours.all().delete()
    assert week_of(desk, patient, monday).context["next"] is None
