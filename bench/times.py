"""What finding time costs over many resources and weeks (BO-01): `python -m bench.times`. Two units with 40 persons and ten
rooms, twelve weeks whose working days are taken to nine tenths, against a database of its own, all rolled back. Told is
the median of the runs and how many queries each took; figures are read by people."""

import os
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock

from bench.codes import FOLDER
from sdv import embedded

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
WEEKS, PERSONS, ROOMS, RUNS = 12, 40, 10, 7
TAKEN = 0.9


def main():
    embedded.ensure_environment(FOLDER)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", database="owner", verbosity=0, skip_checks=True)
    call_command("load_catalogues", verbosity=0)
    with transaction.atomic():
        facts = _world()
        for told, wanted in _questions(facts):
            _measure(told, wanted)
        # Measured, not kept: the next run finds the same.
        transaction.set_rollback(True)


def _world():
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    from registration.models import VisitType
    from scheduling.models import BookingState, Resource, ResourceBooking, ResourceKind, WeeklyHours
    from sdv.accounts.models import Practitioner, User
    from sdv.common.time import at_local, local_date
    from sdv.organisation.models import CareArea, CareProvider, CareUnit, CareUnitKind, Facility

    provider = CareProvider.objects.create(hsa_id="SE-TIMES", name="Mätregionen")
    facility = Facility.objects.create(hsa_id="SE-TIMES-F", name="Mäthuset", care_provider=provider)
    user = User.objects.create_user("bench-times", name="Mätning")
    visit_type = VisitType.objects.get(code="pv-ssk-aterbesok")
    units, persons, rooms = [], [], []
    for number in range(2):
        units.append(
            CareUnit.objects.create(
                hsa_id=f"SE-TIMES-E{number}", name=f"Mätcentral {number}", short_name=f"Mät {number}",
                facility=facility, kind=CareUnitKind.HEALTH_CENTRE, care_area=CareArea.objects.get(abbreviation="Pv"),
            )
        )  # fmt: skip
    for number in range(PERSONS):
        practitioner = Practitioner.objects.create(
            hsa_id=f"SE-TIMES-P{number}", given_name="Bo", surname=f"Mätare {number}", profession=visit_type.profession
        )
        persons.append(
            Resource.objects.create(
                care_unit=units[number % 2],
                kind=ResourceKind.PERSON,
                name=f"Mätare {number}",
                practitioner=practitioner,
            )
        )
    for number in range(ROOMS):
        unit = units[number % 2]
        rooms.append(Resource.objects.create(care_unit=unit, kind=ResourceKind.ROOM, name=f"Rum {number}"))
    WeeklyHours.objects.bulk_create(
        WeeklyHours(resource=row, weekday=day, from_time="08:00", to_time="16:30", slot_minutes=30)
        for row in persons
        for day in range(1, 6)
    )
    rng, today, rows = random.Random(1), local_date(AT), []
    last = today + timedelta(weeks=WEEKS)
    days = [today + timedelta(days=number) for number in range((last - today).days + 1)]
    for row in persons + rooms:
        share = TAKEN if row in persons else 0.5
        for day in days:
            first = at_local(day, clock(8)).astimezone(UTC)
            for number in range(17):
                # The first eight weeks are full: what is searched for lies far ahead.
                is_full = row in persons and day < today + timedelta(weeks=8)
                if day.isoweekday() <= 5 and (is_full or rng.random() < share):
                    start = first + number * timedelta(minutes=30)
                    period = DateTimeTZRange(start, start + timedelta(minutes=30))
                    rows.append(
                        ResourceBooking(
                            resource=row, period=period, state=BookingState.HELD, held_by=user,
                            expires_at=AT + timedelta(days=365),
                        )
                    )  # fmt: skip
    ResourceBooking.objects.bulk_create(rows, batch_size=5000)
    print(f"{len(persons)} personer och {len(rooms)} rum vid 2 enheter, {len(rows)} tagna tider på {WEEKS} veckor")
    return {"units": units, "persons": persons, "rooms": rooms, "visit_type": visit_type, "last": last, "today": today}


def _questions(facts):
    unit, other = facts["units"]
    wanted = {
        "care_unit": unit,
        "also_units": [other],
        "visit_type": facts["visit_type"],
        "from_day": facts["today"],
        "to_day": facts["last"],
        "at": AT,
    }
    rooms = [row.pk for row in facts["rooms"]]
    yield "första tiden", wanted | {"limit": 1}
    yield "första tiden med rum", wanted | {"limit": 1, "together": [rooms]}
    yield "sextio tider", wanted | {"limit": 60}
    yield "alla tider", wanted


def _measure(told, wanted):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from scheduling import slots

    with CaptureQueriesContext(connection) as made:
        found = slots.find(**wanted)
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        slots.find(**wanted)
        seconds.append(time.perf_counter() - began)
    hidden = sum(found.hidden.values())
    median = statistics.median(seconds) * 1000
    print(f"{told}: {median:.0f} ms, {len(made)} frågor, {len(found.slots)} tider, {hidden} dolda", flush=True)


if __name__ == "__main__":
    main()
