"""Fills a database with 100 000 patients and 500 000 encounters, by COPY and SQL, through the real tables, constraints
and triggers. Names and numbers are invented by a seeded generator; the numbers are of the official test series' form."""

import random
from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from registration import names
from registration.identities import check_digit
from registration.models import VisitType
from scheduling.models import Resource, ResourceKind, WeeklyHours
from sdv.accounts import tokens
from sdv.accounts.models import Practitioner, StaffAssignment, User
from sdv.accounts.permissions import Role
from sdv.common.uuid7 import uuid7
from sdv.organisation.models import CareArea, CareProvider, CareUnit, CareUnitKind, Facility

GIVEN = "Anna Erik Maria Lars Karin Nils Åsa Örjan Fatima Łukasz Ingrid Bo Şirin Göran Elsa Hodan Ahmed Tove Rolf Maj".split()  # noqa: SIM905
SURNAMES = [
    "Andersson",
    "Johansson",
    "Karlsson",
    "Nilsson",
    "Eriksson",
    "Åkesson",
    "Öberg",
    "Lindqvist",
    "Haddad",
    "Kowalczyk",
    "Yıldız",
    "Ek",
    "Holm",
    "Dahl",
]
PATIENTS, ENCOUNTERS = 100_000, 500_000


def world():
    """A unit with a receptionist's integration, twenty caregivers and open hours. Returns what the clients need."""
    area = CareArea.objects.get(abbreviation="Pv")
    provider = CareProvider.objects.create(hsa_id="SE0000000000-BENCH", name="Mätregionen")
    facility = Facility.objects.create(hsa_id="SE0000000000-BENCH1", name="Mätsjukhuset", care_provider=provider)
    unit = CareUnit.objects.create(
        hsa_id="SE0000000000-BENCH2",
        name="Mätcentralen",
        short_name="Mät",
        facility=facility,
        kind=CareUnitKind.HEALTH_CENTRE,
        care_area=area,
    )
    user = User.objects.create_user("bench", name="Mätning")
    for number, role in enumerate([Role.INTEGRATION]):
        StaffAssignment.objects.create(user=user, care_unit=unit, role=role, hsa_id=f"SE0000000000-BENCHU{number}")
    visit_type = VisitType.objects.get(code="pv-ssk-aterbesok")
    resources = []
    for number in range(20):
        practitioner = Practitioner.objects.create(
            hsa_id=f"SE0000000000-BENCHP{number}",
            given_name=GIVEN[number],
            surname="Mätare",
            profession=visit_type.profession,
        )
        resource = Resource.objects.create(
            care_unit=unit, kind=ResourceKind.PERSON, name=f"Mätare {number}", practitioner=practitioner
        )
        WeeklyHours.objects.bulk_create(
            WeeklyHours(
                resource=resource, weekday=day, from_time="00:00", to_time="23:59", slot_minutes=5, on_holidays=True
            )
            for day in range(1, 8)
        )
        resources.append(resource)
    return {
        "unit": unit,
        "user": user,
        "visit_type": visit_type,
        "resources": resources,
        "token": tokens.create(user=user),
    }


def patients(count=PATIENTS, seed=1):
    """Rows of patients with one personnummer each. Returns their (id, number, surname)."""
    chance = random.Random(seed)
    made, day, serial = [], date(1930, 1, 1), 0
    columns = (
        "(id, version, given_name, middle_name, surname, search_name, sort_key, birth_date, sex, protection, listing_unit,"
        " payer, interpreter_language, source)"
    )
    with connection.cursor() as cursor:
        rows = []
        for index in range(count):
            if index % 3 == 0:
                day, serial = day + timedelta(days=1), 980
            serial += 1
            nine = f"{day:%y%m%d}{serial}"
            value = f"{day:%Y%m%d}{serial}{check_digit(nine)}"
            given, surname = (
                chance.choice(GIVEN),
                f"{chance.choice(SURNAMES)}{chance.choice(['', '', 'sson', ' Ek', ' Berg'])}",
            )
            rows.append((uuid7(), given, surname, day, "1" if serial % 2 else "2", value))
        with cursor.copy(f"COPY registration_patient {columns} FROM STDIN") as copy:
            for pk, given, surname, born, sex, _ in rows:
                copy.write_row(
                    (
                        pk,
                        1,
                        given,
                        "",
                        surname,
                        names.search_text(given, surname),
                        names.sort_key(surname, given),
                        born,
                        sex,
                        "",
                        "",
                        "",
                        "",
                        "bench",
                    )
                )
        with cursor.copy(
            "COPY registration_patientidentity (id, kind, value, is_primary, source, patient_id) FROM STDIN"
        ) as copy:
            for pk, _, _, _, _, value in rows:
                copy.write_row((uuid7(), "personnummer", value, True, "bench", pk))
                made.append((pk, value))
    return made


def encounters(unit, visit_type, reason, count=ENCOUNTERS):
    """Ended visits over ten years, each with its appointment, spread over the patients."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH people AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM registration_patient),
            made AS (
                INSERT INTO registration_encounter (id, version, patient_id, care_unit_id, type_id, status, planned_start,
                    planned_end, start, "end", checked_out_at, is_check_out_automatic, visit_type_id, contact_reason_id,
                    contact_form, identity_shown, payer, listing_unit, is_coded)
                SELECT uuidv7(), 1, people.id, %(unit)s, 'primarvard', 'ended', day, day + interval '30 minutes', day,
                    day + interval '6 hours', day + interval '30 minutes', true, %(visit_type)s, %(reason)s,
                    'physical', 'Legitimation', '', '', true
                FROM generate_series(1, %(count)s) n
                JOIN people ON people.place = n %% (SELECT count(*) FROM people)
                CROSS JOIN LATERAL (SELECT date_trunc('day', now()) - make_interval(days => 1 + n %% 3650)
                    + make_interval(mins => 420 + 5 * (n %% 100)) AS day) d
                RETURNING id, patient_id, planned_start, planned_end
            )
            INSERT INTO scheduling_appointment (id, version, status, start, "end", kind, is_overbooked, overlap_reason,
                cancelled_by, cancel_reason, care_unit_id, encounter_id, patient_id)
            SELECT uuidv7(), 1, 'arrived', planned_start, planned_end, 'individual', false, '', '', '', %(unit)s, id, patient_id
            FROM made
            """,
            {"unit": unit.pk, "visit_type": visit_type.pk, "reason": reason.pk, "count": count},
        )
        cursor.execute("ANALYZE")


def due_encounters(unit, count, *, day=None):
    """Visits of yesterday that the clock should have ended: what auto-discharge meets after a stop."""
    start = (day or timezone.now() - timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO registration_encounter (id, version, patient_id, care_unit_id, type_id, status, planned_start,
                planned_end, start, contact_form, identity_shown, payer, listing_unit, is_coded)
            SELECT uuidv7(), 1, p.id, %s, 'primarvard', 'in_progress', %s, %s, %s, 'physical', '', '', '', false
            FROM registration_patient p ORDER BY p.id LIMIT %s
            """,
            [unit.pk, start, start + timedelta(minutes=30), start, count],
        )
