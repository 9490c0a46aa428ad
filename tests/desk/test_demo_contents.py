"""What the demonstration's data holds. Seeded once for all of these tests, which change nothing."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import Count
from django.test import override_settings

from classification.models import RegisterReporter
from classification.register.gathering import prepare
from classification.register.selection import period_ending
from registration import presenters, register_words
from registration.doubles import Keys, likely
from registration.models import (
    AddressKind,
    Encounter,
    EncounterRelation,
    IdentityKind,
    Order,
    Patient,
    PatientIdentity,
    Referral,
)
from scheduling import days, slots
from scheduling.models import (
    Appointment,
    AppointmentPart,
    AwaitedResult,
    BookingRequest,
    ContactAttempt,
    DayClose,
    Letter,
    LetterAttachment,
    Offer,
    OpenInvitation,
    RebookingItem,
    SavedView,
    Session,
    VisitPlan,
)
from sdv.accounts.models import StaffAssignment, User
from sdv.accounts.permissions import Permission, Role
from sdv.accounts.units import care_units_where
from sdv.adapters.rivta.simulator.people import of_the_demo
from sdv.common.time import STOCKHOLM, age, local_date
from sdv.desk.demo import region
from sdv.desk.demo.examples import chosen
from sdv.desk.demo.identities import OTHERS, personnummer
from sdv.embedded.supervisor import DEMO_USERS
from sdv.flows.models import MergeChange
from sdv.flows.register import take_over
from sdv.organisation.models import CareUnit, SharedList
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
    assert RebookingItem.objects.open().exists()
    assert ContactAttempt.objects.standing().count() > 3
    assert Session.objects.planned().with_counts().filter(taken__gt=1).count() > 1
    assert RebookingItem.objects.open().filter(session__isnull=False).exists()
    assert set(Appointment.objects.values_list("kind", flat=True)) == {
        "individual",
        "group",
        "team",
        "coordinated",
        "consult",
    }
    assert AppointmentPart.objects.filter(from_minute__gt=0).count() >= 1
    during = set(Appointment.objects.filter(kind="consult").values_list("encounter__during__type", flat=True))
    assert "slutenvard" in during and len(during) == 2
    units = VisitPlan.objects.annotate(units=Count("appointments__care_unit", distinct=True))
    assert units.filter(kind="coordinated", units=2).count() == 1
    assert Appointment.objects.future(afternoon).filter(plan__kind="series").count() > 2
    assert {row.status for row in OpenInvitation.objects.waiting()} == {"open", "expired"}
    assert Letter.objects.filter(kind="open_invitation", status="unsent").exists()
    assert Letter.objects.filter(kind="referral_receipt").values("referral__status").distinct().count() >= 2
    assert set(Letter.objects.filter(booking_request__isnull=False).values_list("kind", "status")) == {
        ("waiting", "unsent"),
        ("call_us", "unsent"),
    }
    assert LetterAttachment.objects.get().pdf.startswith(b"%PDF-")
    assert Offer.objects.open().exists()
    assert SavedView.objects.filter(is_shared=True).exists()
    assert DayClose.objects.exists()
    assert days.unclosed(at=afternoon)
    assert Referral.objects.undecided().exists()
    assert Referral.objects.to_book().exists()
    assert Appointment.objects.future(afternoon).filter(start__date__gt=today).count() > 20
    assert Patient.objects.filter(protection="sekretessmarkering").exists()
    assert Patient.objects.filter(deceased_on__isnull=False).exists()
    assert set(PatientIdentity.objects.values_list("kind", flat=True)) == {
        "personnummer",
        "samordningsnummer",
        "reservid",
        "lokalt_reservnummer",
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
    known = {*personnummer(), *OTHERS}
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
    assert {code for code, _ in one.refused} <= {
        "not_a_doctor", "profession_unknown", "not_assessed", "not_ended", "observation", "replaces_no_visit",
    }  # fmt: skip


def test_everybody_whom_the_page_of_examples_names_is_there_and_shows_it(afternoon):
    """PA-01…07, RE-01…03, RI-01, RI-03, SK-01, SK-04: docs/ovningspatienter.md."""
    lines = [
        line.split("|") for line in Path("docs/ovningspatienter.md").read_text().splitlines() if line.startswith("| ")
    ]
    numbers = {number for line in lines for number in re.findall(r"[0-9]{8}[0-9A-Z]{4}", "".join(line))}
    assert len(numbers) == 28
    assert set(PatientIdentity.objects.filter(value__in=numbers).values_list("value", flat=True)) == numbers

    def who(number):
        return Patient.objects.get(identities__value=number)

    assert {row.kind.code for row in who("198306042386").addresses.all()} == set(
        AddressKind.objects.values_list("code", flat=True)
    )
    reached = who("197812162381")
    assert [(row.number[:3], row.sms_consent_at is not None) for row in reached.phones.filter(is_preferred=True)] == [
        ("+44", True)
    ]
    assert reached.portal_contact.email
    assert who("199506052399").interpreter_kind == "sign"
    home = who("197510179281")
    assert home.special_housing and home.listing_unit and home.payer and home.has_pascal and home.has_drug_benefit
    child = who("201703072395")
    assert child.relations.guardians().filter(gets_letter_copy=True).count() == 1
    copies = EncounterRelation.objects.filter(encounter__patient=child)
    assert copies.contacts().get().phone != child.relations.contacts().get().phone
    assert copies.guardians().count() == 2
    young = Patient.objects.get(surname="Snartvuxen")
    assert age(young.birth_date, local_date(afternoon)) == 17
    assert set(young.relations.guardians().values_list("is_protected", flat=True)) == {True, False}
    assert {row.kind for row in who("199005192399").identities.all()} == set(IdentityKind.values)
    assert who("199112022398").deregistration_code == "UV"
    assert presenters.deregistration_text(who("198812032392")) == "Avregistrerad 2023-09: okänd orsak (XQ)"
    assert who("200000672386").birth_date_partial == "2000"
    assert set(
        PatientIdentity.objects.filter(kind="samordningsnummer", is_primary=True).values_list(
            "register_status", flat=True
        )
    ) == set(register_words.REGISTER_STATUSES)
    assert {row.protection for row in Patient.objects.exclude(protection="")} == {
        "sekretessmarkering",
        "skyddad_folkbokforing",
    }
    assert who("198006182391").protection_set_by_id and who("98190405DE24").reserve_decision
    merged = who("198412082383")
    assert who("22841208DF20") == merged
    assert merged.merged_from.get().surname == "Kvinna"
    moved = MergeChange.objects.filter(table="scheduling.Appointment").values("row_id")
    assert merged.appointments.filter(pk__in=moved).exists()
    assert merged.phones.get().number == "+46701740655"
    keys = Keys(given_name="Samira", surname="Haddad", birth_date=who("198711222383").birth_date)
    assert {double.patient.surname for double in likely(keys, today=local_date(afternoon))} >= {"Haddad", "Hadad"}
    assert Order.objects.filter(status="cancelled", patient__deceased_on__isnull=False).exists()


def test_the_simulator_tells_again_what_the_demo_says_that_the_register_has_told(afternoon):
    """PA-04: the first search of the day changes nothing on any of those that the page names."""
    records = {record.identity.value: record for record in of_the_demo()}
    examples = Patient.objects.filter(identities__value__in=[row.number for row in chosen(at=afternoon)])
    changed = {}
    for patient in examples.with_primary_identity():
        outcome = take_over(patient_id=patient.pk, record=records[patient.known_identities[0].value], at=afternoon)
        if outcome.is_changed:
            changed[patient.surname] = (outcome.words, outcome.protection)
    assert changed == {}


def test_two_units_share_a_waiting_list_and_a_coordinator_books_at_both(afternoon):
    """PL-25: what the page shows with Enhet, of units that have times for the same besökstyp."""
    shared = SharedList.objects.get()
    units = [row.care_unit for row in shared.units.select_related("care_unit").order_by("care_unit__name")]
    assert [unit.short_name for unit in units] == ["Bryggan", "Ekbacken"]
    coordinator = User.objects.get(username="koordinator")
    today = local_date(TUESDAY_AFTERNOON)
    assert {unit.pk for unit in units} <= {row.pk for row in care_units_where(coordinator, Permission.BOOK, today)}
    found = slots.free(
        care_unit=units[0],
        also_units=units[1:],
        visit_type=factories.visit_type(),
        from_day=today,
        to_day=today + timedelta(days=14),
        at=TUESDAY_AFTERNOON,
    )
    assert {slot.resource.care_unit for slot in found} == set(units)
    assert BookingRequest.objects.waiting().filter(care_unit=units[1]).exists()
