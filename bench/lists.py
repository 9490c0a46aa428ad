"""Bokningsbegäran with 20 000 rows, the remisser and the waiting list's own check (BB-01, BO-04, PL-11):
`python -m bench.lists`, in a database of its own. Figures are read by people."""

import os
import time

from sdv import embedded

from .reports import timed

FOLDER = embedded.LOCAL_FOLDER / "bench-lists"
PATIENTS, ROWS = 20_000, 20_000


def fill(made):
    """Requests of every patient at the unit, a third of them late; as many remisser that wait for a decision."""
    from django.db import connection

    from registration.models import ContactReason

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
        cursor.execute("ANALYZE")


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

    def asked(act):
        with CaptureQueriesContext(connection) as asked:
            act()
        return len(asked)

    timed("Bokningsbegäran, första sidan av 20 000", list_page)
    print(f"  {asked(list_page)} frågor")
    late = BookingRequest.objects.waiting().filter(care_unit=unit, wished_to__lt=local_date(at))
    timed("Bokningsbegäran, bara försenade", lambda: f"{page(late)} rader")
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
