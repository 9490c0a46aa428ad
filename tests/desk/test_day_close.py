"""The day is closed by a person: proposed no-shows confirmed many at once, what is left told, an unclosed day seen the next
morning (PL-04, PL-05, PL-27)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse

from registration.type_choice import CONTACT_WITHOUT_VISIT, DIRECT_ADMISSION
from scheduling import days
from scheduling.actions import appointments, day_close
from scheduling.models import Appointment, DayClose, NoShowItem
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.desk.jobs import JOBS
from sdv.flows import cancellation
from tests.api.conftest import Caller
from tests.clinic import DAY, EVENING, HALF_HOUR, NOW, TODAY, Clinic
from tests.factories import InpatientUnitFactory, unbooked_visit

from .signed_in import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def centre():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


@pytest.fixture
def day(centre):
    """Two who never came, one who came, one in the evening still to come."""
    missed = [centre.book(centre.patient(), NOW + place * HALF_HOUR, at=NOW - DAY) for place in (0, 1)]
    came = centre.arrived(centre.patient(), NOW + 2 * HALF_HOUR)
    return {"missed": missed, "came": came}


def close(centre, *, day=TODAY, by=None, at=EVENING):
    return day_close.close(care_unit=centre.unit, day=day, by=by or centre.nurse, at=at)


def test_a_day_is_not_closed_while_somebody_has_neither_come_nor_been_missed(centre, day):
    """PL-04"""
    with pytest.raises(RuleError) as refused:
        close(centre)
    assert (refused.value.rule, refused.value.code) == ("PL-04", "not_arrived")
    assert "2 bokade patienter har varken kommit" in refused.value.sentence
    with pytest.raises(RuleError) as refused:
        close(centre, day=TODAY + DAY)
    assert refused.value.code == "in_the_future"
    assert not DayClose.objects.exists()


def test_the_confirmed_become_uteblivna_with_their_work_and_the_others_stay(centre, day):
    """PL-04, PL-05: confirmed by a person; who was not marked is not touched, nor is one of another day."""
    other = centre.book(centre.patient(), NOW + DAY)
    ids = [day["missed"][0].pk, other.pk, day["came"].pk]
    done, refused = day_close.confirm_no_shows(
        care_unit=centre.unit, day=TODAY, appointment_ids=ids, by=centre.nurse, at=EVENING
    )
    assert (done, refused) == (1, [])
    assert [row.status for row in Appointment.objects.order_by("start", "id")] == [
        "no_show", "booked", "arrived", "booked",
    ]  # fmt: skip
    assert NoShowItem.objects.open().count() == 1


def test_what_is_left_is_told_and_counted_when_the_day_is_closed(centre, day):
    """PL-04"""
    ids = [row.pk for row in day["missed"]]
    day_close.confirm_no_shows(care_unit=centre.unit, day=TODAY, appointment_ids=ids, by=centre.nurse, at=EVENING)
    left = {name: list(rows) for name, rows in days.left_of(centre.unit, TODAY).items()}
    came = day["came"].encounter
    assert left == {"not_checked_out": [], "no_outcome": [came], "no_cash": [came], "not_coded": []}
    closed = close(centre)
    assert closed.left == {"not_checked_out": 0, "no_outcome": 1, "no_cash": 1, "not_coded": 0}
    with pytest.raises(RuleError) as refused:
        close(centre, by=centre.doctor)
    assert (refused.value.code, refused.value.by, refused.value.at) == ("already_done", "Sara Norén", EVENING)
    with pytest.raises(IntegrityError), transaction.atomic():
        DayClose.objects.create(care_unit=centre.unit, day=TODAY, closed_at=EVENING, closed_by=centre.nurse)


def test_a_visit_that_is_checked_out_by_hand_awaits_it(clinic_with_visit):
    """PL-04, VH-19"""
    clinic, visit = clinic_with_visit
    assert list(days.left_of(clinic.unit, TODAY)["not_checked_out"]) == [visit.encounter]


@pytest.fixture
def clinic_with_visit():
    clinic = Clinic()
    patient = clinic.patient()
    clinic.commitment(patient)
    return clinic, clinic.arrived(patient, NOW)


def test_a_day_nobody_closed_is_seen_the_next_morning_and_by_the_job(centre, day):
    """PL-04: from midnight; a day without bookings is not asked for; a fortnight back."""
    midnight = NOW + 15 * HALF_HOUR * 2
    assert days.unclosed(at=midnight - timedelta(minutes=1)) == []
    assert days.unclosed(at=midnight) == [(centre.unit.pk, TODAY)]
    assert JOBS["unclosed-days"](at=midnight) == ["Vårdcentralen Norr: 1 dag inte stängd, äldst 2026-11-20"]
    with time_machine.travel(midnight, tick=False):
        client = signed_in(centre.staff())
        assert "2026-11-20</a> är inte stängd" in client.get(reverse("day")).content.decode()
    appointments.no_show(appointment_id=day["missed"][0].pk, by=centre.nurse, at=EVENING)
    appointments.no_show(appointment_id=day["missed"][1].pk, by=centre.nurse, at=EVENING)
    close(centre, at=midnight)
    assert days.unclosed(at=midnight) == []
    assert JOBS["unclosed-days"](at=midnight) == ["alla dagar är stängda"]
    assert days.unclosed(at=NOW + 16 * DAY) == []


def closed_day(centre, day):
    ids = [row.pk for row in day["missed"]]
    day_close.confirm_no_shows(care_unit=centre.unit, day=TODAY, appointment_ids=ids, by=centre.nurse, at=EVENING)
    return close(centre)


def undone(name):
    def act(centre, day):
        row = day[name][0] if name == "missed" else day[name]
        appointments.undo(appointment_id=row.pk, by=centre.nurse, at=EVENING)
        return row

    return act


def booked_late(centre, day):
    return centre.book(centre.patient(), EVENING + HALF_HOUR, at=EVENING)


@pytest.mark.parametrize(
    "act", [undone("missed"), undone("came"), booked_late], ids=["no-show", "arrival", "booked late"]
)
def test_who_is_left_of_a_closed_day_opens_it_again_however_long_ago(centre, day, act):
    """PL-04, PL-20: an undone Utebliven or arrival, or a time booked later the same day. Nobody is lost with the day."""
    closed = closed_day(centre, day)
    assert days.closing(centre.unit, TODAY) == closed
    row = act(centre, day)
    assert days.closing(centre.unit, TODAY) is None
    late = NOW + 60 * DAY
    assert days.unclosed(at=EVENING) == []
    for at in (NOW + DAY, late):
        assert days.unclosed(at=at) == days.unclosed(at=at, care_unit=centre.unit) == [(centre.unit.pk, TODAY)]
    with pytest.raises(RuleError) as refused:
        close(centre, at=late)
    assert (refused.value.code, DayClose.objects.get().closed_at) == ("not_arrived", EVENING)
    with time_machine.travel(late, tick=False):
        client = signed_in(centre.staff())
        page = client.get(reverse("day-close")).content.decode()
        assert "Stäng dagen 2026-11-20" in page and "Stängd 2026" not in page and str(row.pk) in page
        answer = client.post(reverse("day-close"), {"dag": "2026-11-20", "utebliven": [str(row.pk)]}, follow=True)
        assert "Dagen 2026-11-20 är stängd, 1 uteblivna registrerade" in answer.content.decode()
    assert days.closing(centre.unit, TODAY).closed_at.date() == late.date()
    assert (DayClose.objects.count(), days.unclosed(at=late)) == (1, [])


def test_of_two_who_close_a_day_again_the_second_is_told_who_did(centre, day):
    """PL-04, PL-27: both saw who was left; the first's close stands as it was made."""
    closed_day(centre, day)
    row = undone("missed")(centre, day)
    seen = days.reopened(centre.unit, TODAY)
    who = {"care_unit": centre.unit, "day": TODAY, "appointment_ids": [row.pk]}
    assert day_close.confirm_and_close(**who, by=centre.doctor, at=EVENING + HALF_HOUR) == (1, [])
    with pytest.raises(RuleError) as refused:
        day_close.close(care_unit=centre.unit, day=TODAY, by=centre.nurse, at=EVENING + DAY, before=seen)
    told = (refused.value.code, refused.value.by, refused.value.at)
    assert told == ("already_done", "Anna Holm", EVENING + HALF_HOUR)
    assert (DayClose.objects.get().closed_by, days.reopened(centre.unit, TODAY)) == (centre.doctor, None)


def test_a_closed_day_with_somebody_left_is_open_by_rest_too(centre, day):
    """PL-04"""
    closed_day(centre, day)
    asked = {"care_unit": str(centre.unit.pk), "date": "2026-11-20"}
    address = f"day-close/?care_unit={centre.unit.pk}&date=2026-11-20"
    with time_machine.travel(EVENING, tick=False):
        caller = Caller(centre.staff(Role.INTEGRATION))
        assert caller.get(address).json()["closed_at"] == "2026-11-20T17:00:00+01:00"
        row = undone("missed")(centre, day)
        assert caller.get(address).json()["closed_at"] is None
        answer = caller.post("day-close/", asked | {"no_shows": [str(row.pk)]})
        assert (answer.status_code, answer.json()["closed_at"]) == (201, "2026-11-20T17:00:00+01:00")


def test_a_day_of_visits_without_a_booking_is_reminded_of_too(centre):
    """PL-04: somebody came. A contact without a visit, and one registered by mistake, close no day; nor does a ward's stay."""
    who = {"care_unit": centre.unit, "by": centre.nurse, "at": NOW}
    visit = who | {"patient": centre.patient(), "visit_type": centre.nurse_visit, "contact_reason": centre.reason}
    cancellation.annul(encounter_id=unbooked_visit(**visit).pk, reason="Fel patient", by=centre.nurse, at=NOW)
    unbooked_visit(
        **who, patient=centre.patient(), situation=CONTACT_WITHOUT_VISIT, contact_form="text", replaces_visit=False
    )
    unbooked_visit(
        **who | {"care_unit": InpatientUnitFactory()},
        patient=centre.patient(),
        situation=DIRECT_ADMISSION,
        admitted_from="home",
    )
    morning = NOW + DAY
    assert days.unclosed(at=morning) == []
    unbooked_visit(**visit)
    assert days.unclosed(at=EVENING) == []
    assert days.unclosed(at=morning) == days.unclosed(at=morning, care_unit=centre.unit) == [(centre.unit.pk, TODAY)]
    assert JOBS["unclosed-days"](at=morning) == ["Vårdcentralen Norr: 1 dag inte stängd, äldst 2026-11-20"]
    with time_machine.travel(morning, tick=False):
        page = signed_in(centre.staff()).get(reverse("day-close"))
        assert "Stäng dagen 2026-11-20" in page.content.decode() and "Utan utfall: 1" in page.content.decode()
    close(centre, at=morning)
    assert days.unclosed(at=morning) == []


def test_the_page_confirms_the_marked_and_closes_in_one_post(centre, day):
    """PL-04: Ctrl+Enter, with those whose time has begun marked beforehand."""
    late = centre.book(centre.patient(), EVENING + 2 * HALF_HOUR)
    with time_machine.travel(EVENING, tick=False):
        client, address = signed_in(centre.staff()), reverse("day-close")
        text = client.get(address).content.decode()
        assert text.count('name="utebliven"') == text.count(" checked aria-label") == 2
        assert "Utan utfall: 1" in text and "Väntas" in text
        marked = {"dag": "2026-11-20", "utebliven": [str(row.pk) for row in day["missed"]]}
        refused = client.post(address, marked)
        assert refused.status_code == 409 and "1 bokad patient har varken kommit" in refused.content.decode()
        assert not DayClose.objects.exists()
    after = EVENING + 4 * HALF_HOUR
    with time_machine.travel(after, tick=False):
        client = signed_in(centre.staff(username="kvall", name="Kvälls Ek"))
        done = client.post(address, {"dag": "2026-11-20", "utebliven": [str(late.pk)]}, follow=True).content.decode()
        assert "Dagen 2026-11-20 är stängd, 1 uteblivna registrerade" in done
        # One's own repeated click does nothing and says nothing (PL-27).
        assert client.post(address, {"dag": "2026-11-20"}).status_code == 302
    assert DayClose.objects.get().closed_by.name == "Kvälls Ek"


def test_the_day_is_read_and_closed_by_rest(centre, day):
    """PL-04"""
    with time_machine.travel(EVENING, tick=False):
        caller = Caller(centre.staff(Role.INTEGRATION))
        asked = {"care_unit": str(centre.unit.pk), "date": "2026-11-20"}
        read = caller.get(f"day-close/?care_unit={centre.unit.pk}&date=2026-11-20").json()
        assert set(read["not_arrived"]) == {str(row.pk) for row in day["missed"]}
        assert read["left"]["no_outcome"] == [str(day["came"].encounter_id)] and read["closed_at"] is None
        refused = caller.post("day-close/", asked)
        assert (refused.status_code, refused.json()["rule"]) == (409, "PL-04")
        closed = caller.post("day-close/", asked | {"no_shows": read["not_arrived"]})
        assert closed.status_code == 201 and closed.json()["not_arrived"] == [], closed.content
        assert caller.post("day-close/", asked).json()["code"] == "already_done"
