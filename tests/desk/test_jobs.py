"""Each job as an operator runs it: what it says, what it does, that it does it once, and that a rehearsal does nothing."""

from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from registration.models import CareCommitment, Encounter, Referral
from scheduling.actions import resource_bookings
from scheduling.models import Appointment, ResourceBooking
from sdv.accounts.models import IdempotentAnswer
from sdv.celery import app
from sdv.common.time import STOCKHOLM, end_of_day
from sdv.desk.jobs import JOBS
from sdv.flows import deceased, invariants
from tests import factories

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 11, 23)
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=STOCKHOLM)
LATE = end_of_day(MONDAY)


@pytest.fixture
def work_for_every_job():
    """Something due for each job at the end of Monday."""
    by = factories.UserFactory()
    factories.arrived_visit(at=NINE, by=by)
    factories.no_show(at=NINE, by=by)
    factories.checked_out_visit(at=NINE, by=by)
    factories.booked_visit(at=NINE, start=NINE + timedelta(days=1, hours=4), by=by)
    visit = factories.booked_visit(at=NINE, start=NINE + timedelta(days=9), by=by)
    deceased.mark(patient_id=visit.patient_id, deceased_on=MONDAY, by=None, at=NINE, source="register")
    resource_bookings.hold(
        resource_id=factories.ResourceFactory().pk, start=NINE, end=NINE + timedelta(hours=1), by=by, at=NINE
    )
    factories.cancelled_visit(at=NINE, by=by)
    for age in (timedelta(hours=23), timedelta(hours=25)):
        IdempotentAnswer.objects.create(user=by, key=str(age), fingerprint="f" * 64, created_at=LATE - age)


def run(name, *, at=LATE, dry_run=False):
    out = StringIO()
    call_command("run_job", name, at=at.isoformat(), dry_run=dry_run, stdout=out)
    return out.getvalue().splitlines()


def everything():
    """A digest of every row of ours."""
    digests = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            if table in connection.introspection.table_names(cursor):
                cursor.execute(f'SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{table}" t')
                digests[table] = cursor.fetchone()
    return digests


JOBS_AND_ANSWERS = [
    ("reveal-preregistrations", ["visade förhandsregistreringar: 1"]),
    ("auto-discharge", ["avslutade vårdhändelser: 3", "varav automatiskt utcheckade: 1"]),
    ("deceased-cascade", ["genomförda kaskader: 1"]),
    (
        "release-holds",
        [
            "erbjudanden som gått ut: 0",
            "öppna kallelser vars sista dag passerat: 0",
            "släppta tider: 1",
            "glömda svar på upprepade anrop: 1",
        ],
    ),
]
NOTHING = {
    "reveal-preregistrations": ["visade förhandsregistreringar: 0"],
    "auto-discharge": ["avslutade vårdhändelser: 0", "varav automatiskt utcheckade: 0"],
    "deceased-cascade": ["genomförda kaskader: 0"],
    "release-holds": [
        "erbjudanden som gått ut: 0",
        "öppna kallelser vars sista dag passerat: 0",
        "släppta tider: 0",
        "glömda svar på upprepade anrop: 0",
    ],
}


@pytest.mark.usefixtures("work_for_every_job")
@pytest.mark.parametrize(("name", "answer"), JOBS_AND_ANSWERS)
def test_a_job_does_what_is_due_once(name, answer):
    """VH-05, VH-17, AV-02, BO-01: late and twice gives the same result."""
    assert run(name) == answer
    after = everything()
    assert run(name) == NOTHING[name]
    assert everything() == after


@pytest.mark.usefixtures("work_for_every_job")
@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_rehearsal_writes_nothing(name):
    before = everything()
    lines = run(name, dry_run=True)
    assert lines
    assert everything() == before


@pytest.mark.usefixtures("work_for_every_job")
@pytest.mark.parametrize(("name", "answer"), JOBS_AND_ANSWERS)
def test_a_rehearsal_says_what_would_be_done(name, answer):
    assert run(name, dry_run=True) == answer


@pytest.mark.usefixtures("work_for_every_job")
def test_after_all_jobs_nothing_is_broken():
    """UT-07 and the agreements between tables, on rows made by the actions."""
    for name in ("reveal-preregistrations", "auto-discharge", "deceased-cascade", "release-holds", "outbox"):
        run(name)
    lines = run("check-invariants")
    assert len(lines) == len(invariants.INVARIANTS)
    assert all(line.endswith(": 0") for line in lines), lines


def test_every_job_of_the_clock_and_no_other_is_in_the_registry():
    scheduled = {entry["args"][0] for entry in app.conf.beat_schedule.values() if entry.get("args")}
    assert scheduled == set(JOBS)


def test_an_unplanned_commitment_is_counted_but_is_work_and_no_fault():
    """UT-07: people repair it, so the job does not fail."""
    commitment = factories.open_commitment(
        patient=factories.patient(), care_unit=factories.SpecialisedClinicFactory(), at=NINE
    )
    Referral.objects.filter(commitment=commitment).update(status="used")
    assert run("check-invariants")[0] == "öppna vårdåtaganden utan planering (UT-07): 1"


def _booked():
    return factories.booked_visit(at=NINE)


def _planned_but_marked_arrived():
    Appointment.objects.filter(pk=_booked().pk).update(status="arrived")


def _moved_without_its_encounter():
    Appointment.objects.filter(pk=_booked().pk).update(end=NINE + timedelta(hours=9))


def _without_its_time():
    ResourceBooking.objects.filter(appointment=_booked()).delete()


def _cancelled_with_its_time():
    visit = _booked()
    ResourceBooking.objects.filter(appointment=visit).update(appointment=factories.cancelled_visit(at=NINE))


def _specialised_without_commitment():
    visit = factories.checked_out_visit(at=NINE)
    Encounter.objects.filter(pk=visit.encounter_id).update(commitment=None)


def _closed_with_a_request():
    visit = factories.checked_out_visit(at=NINE)
    CareCommitment.objects.filter(encounters=visit.encounter).update(
        status="closed", closed_on=MONDAY, close_reason="färdigbehandlad"
    )


def _closed_with_a_booking():
    clinic = factories.SpecialisedClinicFactory()
    visit = factories.booked_visit(care_unit=clinic, at=NINE, start=NINE + timedelta(days=2))
    CareCommitment.objects.filter(encounters=visit.encounter).update(
        status="closed", closed_on=MONDAY, close_reason="färdigbehandlad"
    )


def _end_told_twice():
    from sdv.outbox.models import OutboxMessage

    message = OutboxMessage.objects.get(subject_id=factories.ended_visit(at=NINE).pk)
    message.pk = None
    message._state.adding = True
    message.id = OutboxMessage().id
    message.save()


def _end_not_told():
    from sdv.outbox.models import OutboxMessage

    OutboxMessage.objects.filter(subject_id=factories.ended_visit(at=NINE).pk).delete()


def _booked_for_the_dead():
    visit = factories.booked_visit(at=NINE, start=NINE + timedelta(days=2))
    other = factories.patient()
    deceased.register(patient_id=other.pk, deceased_on=MONDAY, by=factories.UserFactory(), at=NINE, reason="dödsbevis")
    Appointment.objects.filter(pk=visit.pk).update(patient=other)
    Encounter.objects.filter(pk=visit.encounter_id).update(patient=other)


@pytest.mark.parametrize(
    ("break_it", "name"),
    [
        (_planned_but_marked_arrived, "disagreeing-appointments"),
        (_moved_without_its_encounter, "misplaced-appointments"),
        (_without_its_time, "appointments-without-time"),
        (_cancelled_with_its_time, "times-without-appointment"),
        (_specialised_without_commitment, "visits-without-commitment"),
        (_closed_with_a_request, "items-of-closed-commitments"),
        (_closed_with_a_booking, "bookings-of-closed-commitments"),
        (_booked_for_the_dead, "planning-for-the-dead"),
        (_end_told_twice, "ends-told-twice"),
        (_end_not_told, "ends-not-told"),
    ],
)
def test_a_broken_agreement_fails_the_job_and_is_named(break_it, name):
    break_it()
    with pytest.raises(CommandError) as failed:
        run("check-invariants")
    assert name in str(failed.value)


def test_what_the_clock_is_late_with_is_counted():
    """VH-17: a stopped clock shows."""
    factories.arrived_visit(at=NINE)
    told = run("check-invariants", at=LATE + timedelta(hours=2))
    assert told[-1] == "vårdhändelser som klockans jobb är mer än en timme sena med: 1"
    assert run("check-invariants", at=LATE + timedelta(minutes=10))[-1].endswith(": 0")
