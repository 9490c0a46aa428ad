"""Bokningsbegäran worked by many: who works with a row, the same change on many, saved views; rules that hid times are
told (BB-01, PL-27, PL-07)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scheduling import slots
from scheduling.actions import working
from scheduling.models import BookingRequest, OpenInvitation, Resource, RowLock, SavedView
from sdv.common.errors import RuleError
from sdv.common.models import ChangeLogEntry
from sdv.common.time import local, local_date, now
from tests import factories

from .signed_in import queries_of, signed_in

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def centre(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def maria(centre):
    return factories.coordinator(centre, name="Maria Ek")


@pytest.fixture
def olle(centre):
    return factories.coordinator(centre, name="Olle Berg")


def waits(centre, surname="Öberg", **fields):
    return factories.booking_request(
        care_unit=centre, patient=factories.patient(surname=surname), visit_type=factories.visit_type(), **fields
    )


def listed(client, **query):
    return client.get(reverse("booking-requests"), query).content.decode()


# --- Who works with a row -----------------------------------------------------------------------------------------------


def test_the_others_see_who_works_with_a_row_and_since_when(centre, maria, olle):
    """BB-01, PL-27"""
    row = waits(centre)
    one, other = signed_in(maria), signed_in(olle)
    assert "arbetar med denna" not in one.get(reverse("booking-request", args=[row.pk])).content.decode()
    lock = RowLock.objects.get()
    words = f"Maria Ek arbetar med denna ({local(lock.taken_at):%H:%M})"
    assert words in listed(other) and words not in listed(one)
    assert words in other.get(reverse("booking-request", args=[row.pk])).content.decode()
    page = other.get(reverse("book", args=[row.patient_id]), {"begaran": str(row.pk)}).content.decode()
    assert words in page and "Ta över" in page
    assert RowLock.objects.get().user == maria


def test_it_can_be_taken_over_and_the_log_tells_from_whom(centre, maria, olle):
    """PL-27"""
    row = waits(centre)
    assert working.at_work(row, by=maria, at=now()) is None
    signed_in(olle).post(reverse("booking-request-take-over", args=[row.pk]))
    lock = RowLock.objects.get()
    assert (lock.user, lock.taken_over_from) == (olle, maria)
    entry = ChangeLogEntry.objects.filter(table_name="scheduling_rowlock", operation="update").latest("id")
    assert entry.changed["user_id"] == [str(maria.pk), str(olle.pk)]
    assert entry.changed["taken_over_from_id"] == [None, str(maria.pk)]
    assert entry.actor_id == olle.pk


def test_it_is_forgotten_after_a_while_by_another_row_and_when_the_row_is_done(centre, maria, olle):
    """BB-01"""
    row, another, at = waits(centre), waits(centre), now()
    working.at_work(row, by=maria, at=at)
    assert working.at_work(row, by=olle, at=at + 14 * MINUTE).user == maria
    assert working.at_work(row, by=olle, at=at + 15 * MINUTE) is None
    working.at_work(another, by=olle, at=at + 16 * MINUTE)
    assert list(RowLock.objects.values_list("booking_request", "user")) == [(another.pk, olle.pk)]
    client = signed_in(maria)
    client.post(reverse("booking-request-close", args=[another.pk]), {"reason": "Flyttat"})
    assert not RowLock.objects.exists()


# --- Many rows ----------------------------------------------------------------------------------------------------------


def test_many_rows_are_assigned_wished_or_ended_at_once(centre, maria, olle):
    """BB-01"""
    rows = [waits(centre) for _ in range(3)]
    nurse = factories.ResourceFactory(care_unit=centre, profession="Ssk")
    client, address = signed_in(maria), reverse("booking-requests-many")
    marked = {"rad": [str(row.pk) for row in rows[:2]]}
    text = client.post(address, marked | {"act": "assign", "addressee": str(olle.pk)}, follow=True).content.decode()
    assert "2 begäran är ändrade" in text
    client.post(address, marked | {"act": "resource", "wished_resource": str(nurse.pk)})
    found = BookingRequest.objects.order_by("id").values_list("addressee", "wished_resource", "status")
    assert list(found) == [(olle.pk, nurse.pk, "open"), (olle.pk, nurse.pk, "open"), (None, None, "open")]
    assert client.post(address, marked | {"act": "close"}).status_code == 422
    client.post(address, marked | {"act": "close", "reason": "Dubbletter"})
    assert list(BookingRequest.objects.order_by("id").values_list("status", flat=True)) == ["closed", "closed", "open"]


def test_one_row_that_another_works_with_stops_all_and_names_who(centre, maria, olle):
    """PL-27: all or nothing."""
    rows = [waits(centre) for _ in range(2)]
    working.at_work(rows[1], by=olle, at=now())
    with pytest.raises(RuleError) as refused:
        working.change_many(
            request_ids=[row.pk for row in rows], care_unit=centre, by=maria, at=now(), close_reason="Dubbletter"
        )
    assert (refused.value.rule, refused.value.code, refused.value.by) == ("PL-27", "worked_with", "Olle Berg")
    assert set(BookingRequest.objects.values_list("status", flat=True)) == {"open"}
    client, address = signed_in(maria), reverse("booking-requests-many")
    elsewhere = factories.booking_request(care_unit=factories.HealthCentreFactory())
    for wrong in ([], ["x"], [str(elsewhere.pk)]):
        assert client.post(address, {"rad": wrong, "act": "close", "reason": "Fel"}).status_code == 422
    assert BookingRequest.objects.get(pk=elsewhere.pk).status == "open"


def test_marked_rows_get_an_open_invitation_and_the_misfits_are_listed_first(centre, maria):
    """PL-26, PL-08: until when and with which words is asked once; whom it does not fit is ticked as left out."""
    rows = [waits(centre) for _ in range(3)]
    client, address = signed_in(maria), reverse("booking-requests-invite")
    marked = {"rad": [str(row.pk) for row in rows]}
    asked = client.post(reverse("booking-requests-many"), marked | {"act": "invite"})
    assert asked.status_code == 200
    assert [line[3] for line in asked.context["rows"]] == ["", "", ""]
    day = {"last_day": (local_date(now()) + timedelta(days=14)).isoformat(), "own_text": "", "language": ""}
    assert client.post(address, {"rad": marked["rad"][:1]} | day).status_code == 302
    refused = client.post(address, marked | day)
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "1 av raderna kan inte få en öppen kallelse" in page
    first = refused.context["rows"][0]
    assert (first[0], "har redan en öppen kallelse" in first[3], first[4]) == (str(rows[0].pk), True, True)
    assert OpenInvitation.objects.count() == 1
    assert client.post(address, marked | day | {"last_day": ""}).status_code == 422
    done = client.post(address, marked | day | {"utanfor": [str(rows[0].pk)]}, follow=True).content.decode()
    assert "2 öppna kallelser skickade" in done
    assert OpenInvitation.objects.count() == 3


# --- Saved views --------------------------------------------------------------------------------------------------------


def test_a_view_is_saved_without_what_tells_who_somebody_is_shared_and_forvald(centre, maria, olle):
    """BB-01"""
    late, fine = (
        waits(centre, "Försenad", wished_from=now().date() - 9 * DAY, wished_to=now().date() - DAY),
        waits(centre),
    )
    client = signed_in(maria)
    client.post(reverse("booking-requests"), {"status": "late", "namn": "förs"})
    saved = client.post(
        reverse("saved-view-create"), {"namn": "Försenade", "delad": "on", "forvald": "on"}, follow=True
    )
    view = SavedView.objects.get()
    assert (view.filters, view.is_shared, view.is_default) == ({"status": "late"}, True, True)
    assert "Vyn Försenade är sparad" in saved.content.decode()
    # A colleague has it as a chip; it is nobody else's förvald.
    other = signed_in(olle)
    text = listed(other)
    assert "Försenade (Maria Ek)" in text and f'id="rad-{fine.pk}"' in text
    narrowed = listed(other, vy=str(view.pk))
    assert f'id="rad-{late.pk}"' in narrowed and f'id="rad-{fine.pk}"' not in narrowed
    # In a new session it is what Maria first sees.
    again = listed(signed_in(maria))
    assert f'id="rad-{late.pk}"' in again and f'id="rad-{fine.pk}"' not in again
    refused = other.post(reverse("saved-view-remove", args=[view.pk]))
    assert refused.status_code == 409 and SavedView.objects.exists()
    client.post(reverse("saved-view-remove", args=[view.pk]))
    assert not SavedView.objects.exists()


def test_what_is_given_to_somebody_tells_to_whom_and_ones_own_is_picked_out(centre, maria, olle):
    """BB-01, UT-06: a view that is shared shows each person's own."""
    mine, his, nobodys = waits(centre, addressee=maria), waits(centre, addressee=olle), waits(centre)
    client, other = signed_in(maria), signed_in(olle)

    def shown(page):
        return [row.pk for row in page.context["rows"]]

    everything = client.get(reverse("booking-requests"))
    assert set(shown(everything)) == {mine.pk, his.pk, nobodys.pk}
    text = everything.content.decode()
    assert "Till Maria Ek" in text and "Till Olle Berg" in text
    for given, row in (("ingen", nobodys), (str(olle.pk), his), ("mig", mine)):
        assert shown(client.post(reverse("booking-requests"), {"tilldelad": given}, follow=True)) == [row.pk]
    client.post(reverse("saved-view-create"), {"namn": "Mina", "delad": "on"})
    view = SavedView.objects.get()
    assert view.filters == {"tilldelad": "mig"}
    assert shown(other.get(reverse("booking-requests"), {"vy": str(view.pk)})) == [his.pk]


def test_a_view_of_another_unit_is_not_there_and_one_without_a_name_is_refused(centre, maria):
    elsewhere = factories.coordinator(factories.HealthCentreFactory())
    view = SavedView.objects.create(user=elsewhere, care_unit=elsewhere.assignments.get().care_unit, name="Annans")
    client = signed_in(maria)
    assert client.post(reverse("saved-view-remove", args=[view.pk])).status_code == 404
    client.post(reverse("booking-requests"), {"status": "late"})
    assert client.post(reverse("saved-view-create"), {"namn": " "}).status_code == 422
    assert "Annans" not in listed(client)


def test_the_list_asks_equally_often_however_many_rows_views_and_locks(centre, maria, olle):
    client = signed_in(maria)
    working.at_work(waits(centre), by=olle, at=now())
    SavedView.objects.create(user=olle, care_unit=centre, name="Vy", is_shared=True)
    listed(client)
    listed(client)
    few = queries_of(lambda: listed(client))
    for number in range(5):
        working.at_work(waits(centre), by=factories.coordinator(centre), at=now())
        SavedView.objects.create(user=olle, care_unit=centre, name=f"Vy {number}", is_shared=True)
    assert queries_of(lambda: listed(client)) == few


# --- Finding time -------------------------------------------------------------------------------------------------------


def test_the_rules_that_hid_times_are_told(centre, maria):
    """PL-07: so that an empty list explains itself."""
    nurse = factories.ResourceFactory(care_unit=centre, profession="Ssk")
    nurse.weekly_hours.all().delete()
    doctor = factories.ResourceFactory(care_unit=centre, profession="Läk", open_all_hours=False)
    day = now().date() + 3 * DAY
    for resource, clocks in ((nurse, ("08:00", "09:00")), (doctor, ("08:00", "10:00"))):
        factories.WeeklyHoursFactory(
            resource=resource, weekday=day.isoweekday(), from_time=clocks[0], to_time=clocks[1], slot_minutes=15
        )
    visit_type = factories.visit_type()
    query = {"besokstyp": str(visit_type.pk), "fran": day.isoformat(), "till": day.isoformat()}
    text = signed_in(maria).get(reverse("book", args=[factories.patient().pk]), query).content.decode()
    assert visit_type.default_minutes == 30
    assert "9 tider dolda: annan yrkeskategori (8), för kort (1)." in text


def test_a_person_a_room_and_equipment_are_found_together(centre):
    """BO-01: one time where all three are free, with the same number of queries whatever the span."""
    nurse = factories.ResourceFactory(care_unit=centre, profession="Ssk")
    rooms = [Resource.objects.create(care_unit=centre, kind="room", name=f"Rum {n}") for n in (1, 2)]
    machine = Resource.objects.create(care_unit=centre, kind="equipment", name="Ultraljud")
    day = now().date() + 3 * DAY
    wanted = {"care_unit": centre, "visit_type": factories.visit_type(), "from_day": day, "at": now()}
    wanted |= {"together": [[room.pk for room in rooms], [machine.pk]], "resource_ids": [nurse.pk]}
    with CaptureQueriesContext(connection) as few:
        first = slots.find(**wanted, to_day=day, limit=1).slots[0]
    assert (first.resource, first.others) == (nurse, (rooms[0], machine))
    visit = factories.booked_visit(
        care_unit=centre,
        resource=nurse,
        visit_type=factories.visit_type(),
        start=first.start,
        patient=factories.patient(),
    )
    assert visit.start == first.start
    with CaptureQueriesContext(connection) as many:
        found = slots.find(**wanted, to_day=day + 20 * DAY)
    assert len(many) == len(few)
    assert first.start not in {slot.start for slot in found.slots}
    closed = {"weekday": day.isoweekday(), "from_time": "00:00", "to_time": "00:30"}
    factories.WeeklyHoursFactory(resource=machine, **closed)
    found = slots.find(**wanted, to_day=day)
    assert found.hidden["inget ledigt rum eller utrustning"] > 0
