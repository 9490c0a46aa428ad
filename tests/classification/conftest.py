"""Contacts to code, and the starter set."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from classification import starter
from classification.models import Code, CodeRelease, CodeSynonym, CodeSystem, CodeWord
from registration.encounter_types import TYPES
from registration.models import Encounter, EncounterClass, EncounterType, Patient
from sdv.accounts.models import User
from sdv.organisation.models import CareProvider, CareUnit, CareUnitKind, Facility

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NINE = datetime(2026, 11, 20, 9, 0, tzinfo=STOCKHOLM)
END = datetime(2026, 11, 20, 23, 59, tzinfo=STOCKHOLM)
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=STOCKHOLM)


@pytest.fixture(scope="module")
def _loaded_codes(django_db_setup, django_db_blocker):
    """Loaded once for a module, and committed: thousands of rows for each test would bloat the tables that are timed."""
    tables = ", ".join(model._meta.db_table for model in (CodeSystem, CodeRelease, Code, CodeSynonym, CodeWord))
    with django_db_blocker.unblock():
        starter.load()
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")


@pytest.fixture
def starter_codes(_loaded_codes, db):
    """The starter set of the repository, loaded as load_codes loads it."""


@pytest.fixture
def coder(db):
    return User.objects.create(username="kodare", name="Karin Kod")


@pytest.fixture
def care_unit(db):
    return make_unit("SE2321000131-E000000000001", "Vårdcentralen Bryggan")


def make_unit(hsa_id, name):
    provider, _ = CareProvider.objects.get_or_create(hsa_id="SE2321000131-P", defaults={"name": "Region Övning"})
    facility, _ = Facility.objects.get_or_create(
        hsa_id="SE2321000131-F", defaults={"name": "Övningssjukhuset", "care_provider": provider}
    )
    return CareUnit.objects.create(
        hsa_id=hsa_id, name=name, short_name=name, facility=facility, kind=CareUnitKind.HEALTH_CENTRE
    )


@pytest.fixture
def make_contact(care_unit):
    """A contact of a type, in a status; without arguments an ended primary care visit."""

    def make(type_code="primarvard", *, status="ended", end=END, start=NINE, unit=None, sex="2", **fields):
        row = TYPES[type_code]
        encounter_class, _ = EncounterClass.objects.get_or_create(
            code=row.class_code, defaults={"name": row.class_name}
        )
        encounter_type, _ = EncounterType.objects.get_or_create(
            code=row.code,
            defaults={
                "name": row.name,
                "encounter_class": encounter_class,
                "requires_commitment": row.requires_commitment,
                "check_out": row.check_out,
                "discharge": row.discharge,
                "is_pre_registration": row.is_pre_registration,
            },
        )
        patient = Patient.objects.create(given_name="Anna", surname="Ek", birth_date=date(1980, 5, 1), sex=sex)
        return Encounter.objects.create(
            patient=patient,
            care_unit=unit or care_unit,
            type=encounter_type,
            status=status,
            start=start,
            end=end if status == "ended" else None,
            checked_out_at=start + timedelta(minutes=30) if status in ("checked_out", "ended") else None,
            **fields,
        )

    return make
