"""Statistics and deliveries over half a million contacts of three years at forty units (ST-01, PAR-01):
`python -m bench.reports`, in a database of its own. Figures are read by people."""

import os
import statistics
import time
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from sdv import embedded

FOLDER = embedded.LOCAL_FOLDER / "bench-reports"
UNITS, ROUNDS = 40, 5
SCALE = float(os.environ.get("SDV_BENCH_SCALE", "1"))
FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)

# Nine of ten are visits, one of ten a stay of up to twelve days, some no-shows; a doctor's visit is every second.
FILL = """
INSERT INTO registration_encounter (id, version, patient_id, care_unit_id, type_id, status, start, "end", visit_type_id,
    contact_form, identity_shown, payer, listing_unit, is_coded)
SELECT uuidv7(), 1, people.id, (%(units)s::uuid[])[(1 + n %% %(count_units)s)::int],
    CASE WHEN n / 40 %% 10 = 0 THEN 'slutenvard' WHEN n %% 31 = 0 THEN 'utebliven-bokad-kontakt'
        ELSE 'specialiserad-oppenvard' END,
    'ended', day, day + CASE WHEN n / 40 %% 10 = 0 THEN make_interval(days => (n %% 13)::int) ELSE interval '1 hour' END,
    %(visit_type)s, 'physical', '', '', '', false
FROM generate_series(1, %(count)s::bigint) n
JOIN people ON people.place = (n * 7919) %% (SELECT count(*) FROM people)
CROSS JOIN LATERAL (SELECT timestamptz '2026-11-25 00:00+01' - make_interval(days => ((n * 31) %% 1095)::int)
    + make_interval(mins => (420 + 5 * (n %% 100))::int) AS day) d
"""


@transaction.atomic
def fill():
    """The world, once; kept between runs."""
    from django.core.management import call_command
    from django.db import connection

    from bench import fill as people
    from classification.models import RegisterReporter, ReportingUnit
    from registration.models import Encounter, VisitType
    from sdv.organisation.models import CareArea, CareProvider, CareUnit, CareUnitKind, Facility

    if Encounter.objects.exists():
        return
    call_command("load_catalogues", verbosity=0)
    provider = CareProvider.objects.create(hsa_id="SE0000000000-BENCH", name="Mätregionen")
    facility = Facility.objects.create(hsa_id="SE0000000000-BENCH1", name="Mätsjukhuset", care_provider=provider)
    units = [
        CareUnit.objects.create(
            hsa_id=f"SE0000000000-BENCHE{number}",
            name=f"Mätkliniken {number}",
            short_name=f"Mät {number}",
            facility=facility,
            kind=CareUnitKind.SPECIALISED,
            care_area=CareArea.objects.get(abbreviation="Sp"),
            mvo_code="101",
        )
        for number in range(UNITS)
    ]
    RegisterReporter.objects.create(care_provider=provider, file_code="12")
    ReportingUnit.objects.bulk_create(ReportingUnit(care_unit=unit, hospital_code="41001") for unit in units)
    people.patients(int(people.PATIENTS * SCALE))
    with connection.cursor() as cursor:
        with_people = (
            "WITH people AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM registration_patient) " + FILL
        )
        cursor.execute(
            with_people,
            {
                "units": [unit.pk for unit in units],
                "count_units": UNITS,
                "visit_type": VisitType.objects.get(name="Sp Läk Återbesök").pk,
                "count": int(people.ENCOUNTERS * SCALE),
            },
        )
        cursor.execute("ANALYZE")


def timed(what, act, rounds=ROUNDS):
    """Prints the median and the worst in milliseconds, and what the act answered with."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        answer = act()
        taken.append((time.perf_counter() - began) * 1000)
    print(f"{what}: median {statistics.median(taken):.0f} ms, längst {max(taken):.0f} ms ({answer})", flush=True)


def main():
    embedded.ensure_environment(FOLDER)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["SDV_DATABASE_POOL"] = "0"
    import django

    django.setup()
    from django.core.management import call_command

    from classification import exports
    from classification import statistics as product
    from classification.models import RegisterReporter
    from classification.quality import quality
    from classification.register.gathering import prepare
    from classification.register.selection import period_due
    from registration.models import Encounter
    from sdv.organisation.models import CareUnit

    call_command("migrate", database="owner", verbosity=0, skip_checks=True)
    began = time.monotonic()
    fill()
    print(f"{Encounter.objects.count()} vårdhändelser, fyllt på {time.monotonic() - began:.0f} s", flush=True)
    units = list(CareUnit.objects.order_by("hsa_id").values_list("pk", flat=True))
    one, all_units = (units[0],), tuple(units)

    def production(asked_units, first=FIRST):
        total = product.production(product.Asked(asked_units, first, LAST)).total
        return f"{total.outpatient} öppna, {total.inpatient} slutna, {total.days} dygn, {total.individuals} individer"

    timed("produktion, en enhet, ett år", lambda: production(one))
    timed("produktion, en enhet, tre månader", lambda: production(one, date(2026, 8, 1)))
    timed(f"produktion, alla {UNITS} enheter, ett år", lambda: production(all_units))
    timed("vårdtidernas spridning, en enhet, ett år", lambda: len(product.stays(product.Asked(one, FIRST, LAST))))
    unit = CareUnit.objects.get(pk=units[0])
    at = datetime(2026, 11, 26, tzinfo=UTC)
    timed("kodningskvalitet, en enhet, ett år", lambda: f"{quality(unit, FIRST, LAST, at=at).ended} avslutade")
    timed(
        "gruppering, en enhet, ett kvartal",
        lambda: f"{sum(1 for _ in exports.rows(one, LAST - timedelta(days=91), LAST))} rader",
        rounds=2,
    )
    reporter = RegisterReporter.objects.get()
    period = period_due(date(2026, 11, 20))

    def delivery():
        prepared = prepare(reporter, period)
        return f"{len(prepared.contents) + prepared.held_back + sum(prepared.refused.values())} prövade"

    timed("patientregistret, tre månader, alla enheter", delivery, rounds=1)


if __name__ == "__main__":
    main()
