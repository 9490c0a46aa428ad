"""Production statistics (ST-01), counted by PostgreSQL in one statement however many contacts there are. The page, the
CSV, the workbook and the API show what these functions answer; what counts as what stands in classification.production."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db import connection

from classification.production import (
    AGE_LABELS,
    AGES,
    FEWEST_SHOWN,
    KINDS,
    Figures,
    Group,
    Kind,
    spread,
    withheld,
)
from registration.contact_types import Channel
from registration.lifecycle import CONTACT_WITHOUT_VISIT
from registration.models import Sex, VisitType
from sdv.common.time import start_of_day
from sdv.organisation.models import CareUnit

# Up to so many days the contacts are counted by week, then by month.
WEEKS_UP_TO = 98


@dataclass(frozen=True)
class Asked:
    """What the statistics are asked for: units (ids), the days from and to, both included, and the filters."""

    care_unit_ids: tuple
    first: date
    last: date
    visit_type: str = ""
    sex: str = ""
    age: int | None = None

    @property
    def step(self):
        """Whether the contacts are counted by week or by month."""
        return "week" if (self.last - self.first).days < WEEKS_UP_TO else "month"


@dataclass(frozen=True)
class Report:
    """The answer: the total and each breakdown. A total of None is too small to be shown, and so is all under it."""

    asked: Asked
    total: Figures | None
    periods: list
    sexes: list
    ages: list
    visit_types: list
    care_units: list

    @property
    def is_empty(self):
        return self.total is not None and not self.total.persons

    @property
    def breakdowns(self):
        """(what the groups are, the groups), in the order they are shown."""
        step = "Vecka" if self.asked.step == "week" else "Månad"
        found = [
            (step, self.periods),
            ("Besökstyp", self.visit_types),
            ("Kön", self.sexes),
            ("Åldersgrupp", self.ages),
        ]
        # Of a single unit the breakdown by unit is the total once more.
        return found if len(self.asked.care_unit_ids) == 1 else [*found, ("Vårdenhet", self.care_units)]


# Contacts that count in the period: outpatient ones on the day they began, stays on the day of discharge.
_COUNTED = """
WITH contact AS (
    SELECT e.care_unit_id, e.visit_type_id, e.patient_id, e.type_id, e.contact_form,
        (e.start AT TIME ZONE 'Europe/Stockholm')::date AS day, NULL::integer AS days
    FROM registration_encounter e
    WHERE e.status = 'ended' AND e.care_unit_id = ANY(%(units)s) AND e.type_id = ANY(%(by_start)s)
        AND e.start >= %(begins)s AND e.start < %(ends)s AND e.contact_form <> %(among_staff)s
    UNION ALL
    SELECT e.care_unit_id, e.visit_type_id, e.patient_id, e.type_id, e.contact_form,
        (e."end" AT TIME ZONE 'Europe/Stockholm')::date,
        (e."end" AT TIME ZONE 'Europe/Stockholm')::date - (e.start AT TIME ZONE 'Europe/Stockholm')::date
    FROM registration_encounter e
    WHERE e.status = 'ended' AND e.care_unit_id = ANY(%(units)s) AND e.type_id = ANY(%(inpatient)s)
        AND e."end" >= %(begins)s AND e."end" < %(ends)s
),
counted AS (
    SELECT contact.*, COALESCE(p.merged_into_id, p.id) AS person, p.sex,
        (%(ages)s::integer[])[width_bucket(extract(year FROM age(contact.day, p.birth_date))::integer,
            %(ages)s::integer[])] AS age_group,
        date_trunc(%(step)s, contact.day)::date AS period
    FROM contact JOIN registration_patient p ON p.id = contact.patient_id
),
chosen AS (
    SELECT * FROM counted
    WHERE (%(sex)s = '' OR sex = %(sex)s)
        AND (%(age)s::integer IS NULL OR age_group = %(age)s)
        AND (%(visit_type)s::uuid IS NULL OR visit_type_id = %(visit_type)s)
)
"""
_FIGURES = (
    _COUNTED
    + """
SELECT GROUPING(period, sex, age_group, visit_type_id, care_unit_id), period, sex, age_group, visit_type_id,
    care_unit_id,
    count(*) FILTER (WHERE type_id = ANY(%(outpatient)s)),
    count(*) FILTER (WHERE type_id = ANY(%(outpatient)s)
        AND (contact_form = ANY(%(remote)s) OR type_id = %(without_visit)s)),
    count(*) FILTER (WHERE type_id = ANY(%(no_show)s)),
    count(*) FILTER (WHERE type_id = ANY(%(observation)s)),
    count(*) FILTER (WHERE type_id = ANY(%(inpatient)s)),
    COALESCE(sum(days), 0),
    count(DISTINCT person) FILTER (WHERE type_id <> ALL(%(no_show)s)),
    count(DISTINCT person),
    count(DISTINCT person) FILTER (WHERE type_id = ANY(%(inpatient)s))
FROM chosen
GROUP BY GROUPING SETS ((), (period), (sex), (age_group), (visit_type_id), (care_unit_id))
"""
)
_STAYS = (
    _COUNTED
    + """
SELECT age_group, days, count(*), array_agg(DISTINCT person) FROM chosen WHERE days IS NOT NULL
GROUP BY age_group, days ORDER BY age_group NULLS LAST, days
"""
)
# The bits of GROUPING(): a bit is set where the column is not grouped by.
_TOTAL, _PERIOD, _SEX, _AGE, _VISIT_TYPE, _UNIT = 31, 15, 23, 27, 29, 30


def _types(kind):
    return [code for code, counts_as in KINDS.items() if counts_as == kind]


def _parameters(asked):
    visit_type = None
    if asked.visit_type:
        # An unknown one is nobody's: it counts nothing.
        visit_type = VisitType.objects.filter(code=asked.visit_type).values_list("pk", flat=True).first() or UUID(int=0)
    inpatient = _types(Kind.INPATIENT)
    return {
        "units": list(asked.care_unit_ids),
        "begins": start_of_day(asked.first),
        "ends": start_of_day(asked.last + timedelta(days=1)),
        "by_start": [code for code in KINDS if code not in inpatient],
        "inpatient": inpatient,
        "outpatient": _types(Kind.OUTPATIENT),
        "observation": _types(Kind.OBSERVATION),
        "no_show": _types(Kind.NO_SHOW),
        "remote": [Channel.PHONE, Channel.VIDEO, Channel.TEXT],
        "without_visit": CONTACT_WITHOUT_VISIT,
        "among_staff": Channel.AMONG_STAFF,
        "ages": list(AGES),
        "step": asked.step,
        "sex": asked.sex,
        "age": asked.age,
        "visit_type": visit_type,
    }


def production(asked):
    """The Report. Protected persons are in the sums as everybody is; nothing of a person is read out."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, _parameters(asked))
        rows = cursor.fetchall()
    found = {_TOTAL: [], _PERIOD: [], _SEX: [], _AGE: [], _VISIT_TYPE: [], _UNIT: []}
    for which, period, sex, age, visit_type, care_unit, *numbers in rows:
        key = {_PERIOD: period, _SEX: sex, _AGE: age, _VISIT_TYPE: visit_type, _UNIT: care_unit}.get(which)
        found[which].append((key, Figures(*(int(number) for number in numbers))))
    total = found[_TOTAL][0][1]
    visit_types = dict(VisitType.objects.filter(pk__in=_keys(found[_VISIT_TYPE])).values_list("pk", "name"))
    units = dict(CareUnit.objects.filter(pk__in=_keys(found[_UNIT])).values_list("pk", "name"))
    is_shown = not 0 < total.persons < FEWEST_SHOWN

    def groups(which, label, order=lambda group: group.label):
        made = [Group(_text(key), label(key), figures) for key, figures in found[which] if figures.persons]
        return withheld(sorted(made, key=order)) if is_shown else []

    return Report(
        asked=asked,
        total=total if is_shown else None,
        periods=_every_period(asked, groups(_PERIOD, lambda key: period_label(key, asked.step), lambda g: g.key))
        if is_shown and total.persons
        else [],
        sexes=groups(_SEX, lambda key: Sex(key).label.capitalize(), lambda group: group.key),
        ages=groups(_AGE, AGE_LABELS.get, lambda group: int(group.key or 999)),
        visit_types=groups(_VISIT_TYPE, lambda key: visit_types.get(key, "Utan besökstyp")),
        care_units=groups(_UNIT, units.get),
    )


def _keys(rows):
    return [key for key, _ in rows if key]


def _text(key):
    return "" if key is None else key.isoformat() if isinstance(key, date) else str(key)


def period_label(first, step):
    """2026 v. 46, or 2026-11."""
    if step == "month":
        return f"{first:%Y-%m}"
    year, week, _ = first.isocalendar()
    return f"{year} v. {week}"


def _every_period(asked, groups):
    """A week or month without contacts is a row of zeros, so that a gap is seen as one."""
    known = {group.key: group for group in groups}
    every, at = [], _beginning(asked.first, asked.step)
    while at <= asked.last:
        key = at.isoformat()
        every.append(known.get(key) or Group(key, period_label(at, asked.step), Figures()))
        at = _beginning(at + timedelta(days=7 if asked.step == "week" else 32), asked.step)
    return every


def _beginning(day, step):
    return day - timedelta(days=day.weekday()) if step == "week" else day.replace(day=1)


def stays(asked):
    """How the lengths of stay are spread, by age group: groups of five persons or more only."""
    with connection.cursor() as cursor:
        cursor.execute(_STAYS, _parameters(asked))
        rows = cursor.fetchall()
    lengths, persons = {}, {}
    for age, days, count, who in rows:
        lengths.setdefault(age, []).extend([days] * count)
        persons.setdefault(age, set()).update(who)
    return [
        spread(_text(age), AGE_LABELS[age], found)
        for age, found in lengths.items()
        if len(persons[age]) >= FEWEST_SHOWN
    ]
