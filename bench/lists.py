"""Bokningsbegäran, Att boka and Remisser with 20 000 rows each, and the waiting list's own check (BB-01, BO-04, PL-11):
`python -m bench.lists`, in a database of its own. Figures are read by people."""

import os
import time

from sdv import embedded

from .reports import timed

FOLDER = embedded.LOCAL_FOLDER / "bench-lists"
PATIENTS, ROWS = 20_000, 20_000


def fill(made):
    """Requests of every patient at the unit, a third of them late; as many remisser that wait for a decision, and as many
    that are to be booked, two of three with a target date."""
    from django.db import connection

    from registration.models import ContactReason, ProblemCode

    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scheduling_bookingrequest (id, version, patient_id, care_unit_id, status, visit_type_id,
                contact_reason_id, wished_from, wished_to, wished_place, description, close_reason)
            SELECT uuidv7(), 1, id, %(unit)s, 'open', %(visit_type)s, %(reason)s, current_date - 60,
                current_date - 40 + (n %% 120)::int, '', 'Mätning', ''
            FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM registration_patient) p LIMIT %(rows)s
            """,
            {
                "unit": made["unit"].pk,
                "visit_type": made["visit_type"].pk,
                "reason": ContactReason.objects.get(code="uppfoljning-ospecificerad").pk,
                "rows": ROWS,
            },
        )
        cursor.execute(
            """
            INSERT INTO registration_referral (id, version, patient_id, care_unit_id, kind, status, referrer,
                decision_date, arrival_date, decision_reason)
            SELECT uuidv7(), 1, id, %s, 'R', 'received', 'Mätning', current_date - (n %% 200)::int - 2,
                current_date - (n %% 200)::int, ''
            FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM registration_patient) p LIMIT %s
            """,
            [made["unit"].pk, ROWS],
        )
        cursor.execute(
            """
            WITH people AS (
                SELECT id AS patient, uuidv7() AS commitment, row_number() OVER (ORDER BY id) AS n
                FROM registration_patient LIMIT %(rows)s
            ), made AS (
                INSERT INTO registration_carecommitment (id, version, patient_id, care_unit_id, problem_code_id, status,
                    opened_on, close_reason)
                SELECT commitment, 1, patient, %(unit)s, %(problem)s, 'open', current_date, '' FROM people
            )
            INSERT INTO registration_referral (id, version, patient_id, care_unit_id, kind, status, referrer,
                decision_date, arrival_date, medical_target_date, commitment_id, problem_code_id, decision_reason)
            SELECT uuidv7(), 1, patient, %(unit)s, 'R', 'accepted', 'Mätning', current_date - (n %% 200)::int - 2,
                current_date - (n %% 200)::int, CASE WHEN n %% 3 > 0 THEN current_date - 60 + (n %% 150)::int END,
                commitment, %(problem)s, ''
            FROM people
            """,
            {"unit": made["unit"].pk, "problem": ProblemCode.objects.first().pk, "rows": ROWS},
        )


def analyse():
    """The tables' owner alone may; until it is done the database plans for empty tables."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def main():
    embedded.ensure_environment(FOLDER)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["SDV_DATABASE_POOL"] = "0"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from bench import fill as people
    from registration import waiting
    from registration.models import Referral
    from registration.waiting import with_waits
    from scheduling.actions import faults
    from scheduling.dates import with_dates
    from scheduling.models import BookingRequest, with_attempts
    from sdv.accounts.actor import Actor
    from sdv.accounts.models import StaffAssignment
    from sdv.common import keyset
    from sdv.common.time import local_date, now
    from sdv.desk.presenters import requests, work
    from sdv.organisation.models import CareUnit

    call_command("migrate", database="owner", verbosity=0, skip_checks=True)
    call_command("load_catalogues", verbosity=0)
    if not CareUnit.objects.exists():
        began = time.monotonic()
        made = people.world()
        people.patients(PATIENTS)
        fill(made)
        analyse()
        print(f"{BookingRequest.objects.count()} begäran, fyllt på {time.monotonic() - began:.0f} s", flush=True)
    unit = CareUnit.objects.get(name="Mätcentralen")
    assignment = StaffAssignment.objects.select_related("care_unit", "user").get(care_unit=unit)
    actor = Actor(user=assignment.user, assignments=[assignment])
    at = now()

    def page(rows):
        rows = rows.with_details().prefetch_related(requests.with_identities())
        rows = with_dates(with_attempts(rows, "booking_request"))
        found = keyset.page(rows, field=BookingRequest.URGENCY)
        return len([requests.row(row, actor, at=at) for row in found.rows])

    def list_page():
        seen_from = unit.sharing_ids(local_date(at))
        return f"{page(BookingRequest.objects.waiting().filter(care_unit__in=seen_from))} rader"

    def referrals(name):
        """The last row's place is where the second page begins."""
        found = work.LISTS["to-book"]
        rows = work.rows_of(found, unit, at=at) if name == "to-book" else with_waits(Referral.objects.undecided())
        rows = rows.filter(care_unit=unit)
        first = keyset.page(rows, field=Referral.URGENCY)
        second = keyset.page(rows, field=Referral.URGENCY, cursor=first.next)
        return f"{len(first.rows)} + {len(second.rows)} rader"

    def asked(act):
        with CaptureQueriesContext(connection) as asked:
            act()
        return len(asked)

    timed("Bokningsbegäran, första sidan av 20 000", list_page)
    print(f"  {asked(list_page)} frågor")
    late = BookingRequest.objects.waiting().filter(care_unit=unit, wished_to__lt=local_date(at))
    timed("Bokningsbegäran, bara försenade", lambda: f"{page(late)} rader")
    timed("Att boka, två sidor av 20 000", lambda: referrals("to-book"))
    timed("Remisser, två sidor av 20 000", lambda: referrals("referrals"))
    timed("Arbetslistornas startsida", lambda: f"{len(work.overview(actor, unit, at=at))} listor")
    timed("väntetider, en enhet", lambda: f"{waiting.waiting_on([unit], on=local_date(at))[0].number} väntande")
    timed("väntelistans kontroll", lambda: f"{faults.check(at=timezone.now()).open} fel", rounds=1)
    found = work.LISTS["list-faults"]

    def fault_page():
        rows = keyset.page(work.rows_of(found, unit, at=at), field=found.field)
        return f"{len([found.row(row, actor, at) for row in rows.rows])} rader"

    timed("Fel i väntelistan, första sidan", fault_page)
    print(f"  {asked(fault_page)} frågor")


if __name__ == "__main__":
    main()
