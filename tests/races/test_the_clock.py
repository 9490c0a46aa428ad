"""The jobs of the clock run by four workers at once over twenty thousand vårdhändelser: each moved once (VH-05, VH-17)."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from registration.actions import clock
from registration.models import Encounter
from sdv.flows import invariants
from sdv.outbox.models import OutboxMessage, Topic
from tests.clinic import Clinic
from tests.many import ENDED_ONCE, FILL, HISTORIES, WRONG_ENDS
from tests.races.together import numbers, together

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4
MANY = 20_000
NIGHT = datetime(2026, 11, 21, 23, 10, tzinfo=UTC)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # 23 and 25 hours long
DAYS = [SPRING - timedelta(days=1), SPRING, AUTUMN - timedelta(days=1), AUTUMN, date(2026, 11, 20), date(2026, 11, 21)]


@pytest.fixture
def health_centre():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def fill(clinic, *, type_code, status, days, count=MANY):
    """Puts contacts of fifty patients in, by SQL."""
    patients = [clinic.patient(identity=number).pk for number in numbers(50)]
    with connection.cursor() as cursor:
        cursor.execute(
            FILL,
            {
                "patients": patients,
                "care_unit": clinic.unit.pk,
                "type": type_code,
                "status": status,
                "days": days,
                "count": count,
            },
        )
        cursor.execute("ANALYZE registration_encounter")


def answered(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def all_at_once(job):
    """Four workers at the same moment. Returns the sum of what they say they did, and how many did some."""
    answers = together(*[job] * WORKERS, longest_wait=timedelta(seconds=5))
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    return answers


def test_of_20_000_visits_each_is_ended_once_at_its_own_day_s_23_59(health_centre):
    """VH-17, VH-18, VH-20: checked out and discharged, told once, the version raised once for each; days of 23 and of
    25 hours among them. Run again, nothing is done."""
    fill(health_centre, type_code="primarvard", status="in_progress", days=DAYS)
    job = partial(clock.auto_discharge, at=NIGHT)
    done = all_at_once(job)
    assert tuple(map(sum, zip(*done, strict=True))) == (MANY, MANY)
    assert answered(WRONG_ENDS) == [(0,)]
    assert answered(HISTORIES) == [(ENDED_ONCE, MANY)]
    assert set(Encounter.objects.values_list("status", "version", "is_check_out_automatic")) == {("ended", 3, True)}
    assert told_once() == MANY
    assert all_at_once(job) == [(0, 0)] * WORKERS
    assert invariants.ends_told_twice(NIGHT).count() == 0


def test_the_checked_out_and_the_missed_are_ended_with_one_row_each(health_centre):
    """VH-17, VH-19, VH-20: a no-show is told to nobody."""
    count = 4000
    fill(health_centre, type_code="specialiserad-oppenvard", status="checked_out", days=[SPRING, AUTUMN], count=count)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registration_encounter SET type_id = 'utebliven-bokad-kontakt', status = 'planned',"
            " checked_out_at = NULL WHERE planned_start IS NOT NULL"
        )
    missed = Encounter.objects.filter(status="planned").count()
    done = all_at_once(partial(clock.auto_discharge, at=NIGHT))
    assert tuple(map(sum, zip(*done, strict=True))) == (count, 0)
    assert answered(WRONG_ENDS) == [(0,)]
    assert answered(HISTORIES) == [(["discharge>ended"], count)]
    assert set(Encounter.objects.values_list("status", "version", "is_check_out_automatic")) == {("ended", 2, False)}
    assert told_once() == count - missed


def test_of_20_000_hidden_pre_registrations_each_is_shown_once(health_centre):
    """VH-05: run again, nothing is done."""
    days = [NIGHT.date() + timedelta(days=1)]
    fill(
        health_centre,
        type_code="dold-forhandsregistrerad-oppenvardskontakt",
        status="planned",
        days=days,
    )
    Encounter.objects.filter(planned_start=None).update(planned_start=datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    job = partial(clock.reveal, at=NIGHT)
    assert sum(all_at_once(job)) == MANY
    assert answered(HISTORIES) == [(["reveal>planned"], MANY)]
    assert set(Encounter.objects.values_list("type", "version")) == {("forhandsregistrerad-oppenvardskontakt", 2)}
    assert all_at_once(job) == [0] * WORKERS


def test_a_visit_that_somebody_is_changing_is_left_for_the_next_minute(health_centre):
    """VH-17: the job waits for nobody, and what it passed by it finds the next time."""
    fill(health_centre, type_code="primarvard", status="in_progress", days=[AUTUMN], count=100)
    with transaction.atomic():
        Encounter.objects.locked().filter(pk=Encounter.objects.order_by("pk").first().pk).get()
        (done,) = together(partial(clock.auto_discharge, at=NIGHT))
        assert done == (99, 99)
    assert clock.auto_discharge(at=NIGHT) == (1, 1)


def told_once():
    """How many vårdhändelser have been told as ended. Fails where one was told twice."""
    told = list(OutboxMessage.objects.filter(topic=Topic.ENCOUNTER_ENDED).values_list("subject_id", flat=True))
    assert len(told) == len(set(told))
    return len(told)
