"""What the demonstration's data holds. Seeded once for all of these tests, which change nothing."""

from datetime import datetime

import pytest
from django.contrib.auth import authenticate
from django.db import transaction
from django.test import override_settings

from classification.models import RegisterReporter
from classification.register.gathering import prepare
from classification.register.selection import period_ending
from registration.models import Encounter, Patient, PatientIdentity, Referral
from scheduling import slots
from scheduling.models import Appointment, AwaitedResult, BookingRequest
from sdv.accounts.models import StaffAssignment, User
from sdv.accounts.permissions import Role
from sdv.common.time import STOCKHOLM, local_date
from sdv.desk.demo import region
from sdv.desk.demo.identities import FEW_OTHERS, personnummer
from sdv.embedded.supervisor import DEMO_USERS
from sdv.organisation.models import CareUnit
from tests import factories
from tests.desk.demo_seeding import assert_alive, seed

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("demo")]

TUESDAY_AFTERNOON = datetime(2026, 11, 24, 13, 20, tzinfo=STOCKHOLM)


@pytest.fixture(scope="module")
def afternoon(django_db_setup, django_db_blocker):
    """Seeded on a working afternoon, once for the tests that only look at it."""
    at = TUESDAY_AFTERNOON
    with django_db_blocker.unblock(), override_settings(SDV_DEMO=True), transaction.atomic():
        seed(at)
        yield at
        transaction.set_rollback(True)


def test_the_demo_holds_what_a_person_wants_to_try(afternoon):
    assert_alive(afternoon)
    today = local_date(afternoon)
    assert Patient.objects.count() == 220
    assert Encounter.objects.filter(status="ended", is_coded=True).count() > 20
    assert Encounter.objects.to_code().count() > 20
    assert BookingRequest.objects.waiting().count() > 5
    assert AwaitedResult.objects.open().exists()
    assert Referral.objects.undecided().exists()
    assert Referral.objects.to_book().exists()
    assert Appointment.objects.future(afternoon).filter(start__date__gt=today).count() > 20
    assert Patient.objects.filter(protection="sekretessmarkering").exists()
    assert Patient.objects.filter(deceased_on__isnull=False).exists()
    assert set(PatientIdentity.objects.values_list("kind", flat=True)) == {
        "personnummer",
        "samordningsnummer",
        "reservid",
    }
    for plan in region.UNITS:
        if plan.area:
            unit = CareUnit.objects.get(name=plan.name)
            visit_type = factories.usual_visit_type(unit)
            assert slots.free(care_unit=unit, visit_type=visit_type, from_day=today, to_day=today, at=afternoon)


def test_the_demo_users_log_in_with_their_roles(afternoon, rf):
    assert list(region.USERS) == DEMO_USERS
    for username, (_, role, _) in region.USERS.items():
        user = authenticate(rf.post("/"), username=username, password="demo")
        assert user is not None, username
        assert set(user.assignments.values_list("role", flat=True)) == {role}
    assert set(StaffAssignment.objects.values_list("role", flat=True)) == set(Role.values)
    others = User.objects.exclude(username__in=DEMO_USERS)
    assert others.exists()
    assert not any(user.has_usable_password() for user in others)


def test_a_second_run_changes_nothing(afternoon):
    before = (Patient.objects.count(), Encounter.objects.count(), User.objects.count())
    assert "Demodata finns redan; ingenting har ändrats." in seed(afternoon)
    assert (Patient.objects.count(), Encounter.objects.count(), User.objects.count()) == before


def test_the_patients_numbers_are_official_test_numbers_or_made_here(afternoon):
    known = {*personnummer(), *FEW_OTHERS}
    assert set(PatientIdentity.objects.values_list("value", flat=True)) <= known


def test_a_quarter_of_the_demo_is_delivered_twice_with_the_same_bytes(afternoon):
    """PAR-01: the invented region reports; read anew, the same files, and the statistics count what was written."""
    reporter = RegisterReporter.objects.get()
    period = period_ending(local_date(afternoon))
    one, two = (prepare(reporter, period) for _ in range(2))
    assert [(file.name, file.content) for file in one.files] == [(file.name, file.content) for file in two.files]
    assert {file.name[:14] for file in one.files} == {"EJ_VERIFIERAD_"}
    assert one.outpatient > 0
    assert sum(file.rows for file in one.files if file.file == "AD") == one.inpatient + one.outpatient
    assert {code for code, _ in one.refused} <= {"not_a_doctor", "profession_unknown", "not_ended", "replaces_no_visit"}
