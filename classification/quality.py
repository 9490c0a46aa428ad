"""Coding quality of a unit (ST-01, KL-06): how much is coded, how soon, with what findings, and what waits. The shares
are of contacts that are coded at all (VH-20).

Use of unspecified codes is not measured: no source that was found says which codes count as unspecified."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch

from classification import rules
from classification.judging import (
    body_of_coding,
    coding_date,
    contact_of,
    entries_of,
    region_on,
    resolved,
    wanted_codes,
)
from classification.models import (
    CodedDiagnosis,
    CodedExternalCause,
    CodedProcedure,
    CodedSubstance,
)
from classification.production import spread
from registration.lifecycle import NOT_REPORTED
from registration.models import Encounter, EncounterDocument
from sdv.common.time import start_of_day

# So many of the latest codings are judged anew: a report is not a night's work.
MOST_JUDGED = 1000
# What has waited longer than so many days.
WAITED = (7, 30, 90)


@dataclass
class Quality:
    """The answer for one unit. `rules` counts codings with a finding, by (severity, check of coding_rules.csv)."""

    ended: int = 0
    coded: int = 0
    begun: int = 0
    days: object = None
    by_days: list = field(default_factory=list)
    judged: int = 0
    with_findings: int = 0
    rules: Counter = field(default_factory=Counter)
    waiting: int = 0
    waiting_longer: dict = field(default_factory=dict)

    @property
    def coded_share(self):
        """Share coded, in whole per cent; None where nothing has ended."""
        return _share(self.coded, self.ended)

    @property
    def findings_share(self):
        """Share of the judged codings with an error or a warning, in whole per cent."""
        return _share(self.with_findings, self.judged)


def _share(part, whole):
    return round(100 * part / whole) if whole else None


_COUNTS = """
SELECT count(*), count(*) FILTER (WHERE e.is_coded),
    count(*) FILTER (WHERE NOT e.is_coded AND EXISTS (
        SELECT FROM classification_encountercoding c
        JOIN classification_codeddiagnosis d ON d.coding_id = c.id WHERE c.encounter_id = e.id))
FROM registration_encounter e
WHERE e.care_unit_id = %(unit)s AND e.status = 'ended' AND e.type_id <> ALL(%(never)s)
    AND e."end" >= %(begins)s AND e."end" < %(ends)s
"""
_DAYS = """
SELECT GREATEST(0, (c.completed_at AT TIME ZONE 'Europe/Stockholm')::date
    - (e."end" AT TIME ZONE 'Europe/Stockholm')::date) AS days, count(*)
FROM registration_encounter e JOIN classification_encountercoding c ON c.encounter_id = e.id AND c.is_complete
WHERE e.care_unit_id = %(unit)s AND e.status = 'ended' AND e.type_id <> ALL(%(never)s)
    AND e."end" >= %(begins)s AND e."end" < %(ends)s
GROUP BY 1 ORDER BY 1
"""
SAME_DAY = "samma dag"
_BUCKETS = ((0, SAME_DAY), (1, "1"), (3, "2–3"), (7, "4–7"), (14, "8–14"), (30, "15–30"), (None, "mer än 30"))


def quality(care_unit, first, last, *, at):
    """The Quality of the unit's contacts that ended in the period; what waits is as of `at`."""
    found = Quality()
    asked = {
        "unit": care_unit.pk,
        "never": list(NOT_REPORTED),
        "begins": start_of_day(first),
        "ends": start_of_day(last + timedelta(days=1)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, asked)
        found.ended, found.coded, found.begun = cursor.fetchone()
        cursor.execute(_DAYS, asked)
        lengths = cursor.fetchall()
    if lengths:
        found.days = spread("days", "Dagar", [days for days, count in lengths for _ in range(count)])
    found.by_days = [(label, sum(count for days, count in lengths if _bucket(days) == label)) for _, label in _BUCKETS]
    waiting = care_unit.encounters.to_code()
    found.waiting = waiting.count()
    found.waiting_longer = {days: waiting.filter(end__lt=at - timedelta(days=days)).count() for days in WAITED}
    _judge(found, care_unit, asked)
    return found


def _bucket(days):
    return next(label for most, label in _BUCKETS if most is None or days <= most)


def _judge(found, care_unit, asked):
    """The latest codings of the period, judged as the rules and the region say of each contact's own day."""
    by_day = {}
    for encounter in _coded(care_unit, asked):
        by_day.setdefault(coding_date(encounter), []).append((encounter, body_of_coding(encounter.coding)))
    for day, pairs in by_day.items():
        codes = resolved([wanted for _, body in pairs for wanted in wanted_codes(body)], day)
        region = region_on(day)
        for encounter, body in pairs:
            said = rules.findings(entries_of(body, codes), contact_of(encounter), region)
            kinds = {(str(each.severity), each.check) for each in said}
            found.judged += 1
            found.with_findings += any(severity != rules.Severity.HINT for severity, _ in kinds)
            found.rules.update(kinds)


def _coded(care_unit, asked):
    def chosen(path, model):
        return Prefetch(path, model.objects.select_related("code").order_by("position"))

    notes = EncounterDocument.objects.filter(encounter=OuterRef("pk"), removed_at__isnull=True)
    return (
        Encounter.objects.filter(
            care_unit=care_unit, is_coded=True, status="ended", end__gte=asked["begins"], end__lt=asked["ends"]
        )
        .exclude(type__in=NOT_REPORTED)
        .select_related("patient", "coding", "commitment__problem_code")
        .annotate(has_note=Exists(notes))
        .prefetch_related(
            chosen("coding__diagnoses", CodedDiagnosis),
            chosen("coding__diagnoses__external_causes", CodedExternalCause),
            chosen("coding__diagnoses__atc", CodedSubstance),
            chosen("coding__procedures", CodedProcedure),
            chosen("coding__procedures__atc", CodedSubstance),
            chosen("coding__atc", CodedSubstance),
        )
        .order_by("-end", "-id")[:MOST_JUDGED]
    )
