"""Tidböckernas veckotider out and in as a file: tried, told and in effect as a whole (BO-01, PL-02)."""

from datetime import time

import pytest

from scheduling.actions import hours_file, schedules
from scheduling.models import RebookingItem, WeeklyHours
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from tests.clinic import DAY, NOW, TODAY

HEAD = ";".join(hours_file.WEEKS.headings)


@pytest.fixture
def nurse(health_centre):
    """The nurse's tidbok alone is in the file: Mondays, and Tuesdays for one besökstyp."""
    WeeklyHours.objects.filter(resource=health_centre.nurse_resource).delete()
    for weekday in (1, 2):
        hours = {"weekday": weekday, "from_time": time(8), "to_time": time(12), "slot_minutes": 30}
        row = WeeklyHours.objects.create(resource=health_centre.nurse_resource, **hours)
    row.visit_types.add(health_centre.nurse_visit)
    return health_centre


def line(clinic, rest, name="Sara Norén"):
    return f"{clinic.unit.hsa_id};{name};{rest}"


def file_of(*lines):
    return "\n".join([HEAD, *lines]) + "\n"


def week(clinic):
    rows = WeeklyHours.objects.filter(resource=clinic.nurse_resource).order_by("weekday", "from_time")
    return [(row.weekday, f"{row.from_time:%H}-{row.to_time:%H}", row.slot_minutes, row.valid_to) for row in rows]


def test_the_file_is_the_whole_week_of_whom_it_names_and_tells_whom_it_hits(nurse):
    """BO-01, PL-02: nothing before the yes; then what ended hits stands in Ombokningar, and others are left alone."""
    hit = nurse.book(nurse.patient(), NOW + 3 * DAY)  # Monday 09:00
    doctors = WeeklyHours.objects.filter(resource=nurse.doctor_resource).count()
    code = nurse.nurse_visit.code
    text = file_of(line(nurse, f"2;08:00;16:00;20;{code};nej;;"), line(nurse, "3;13:00;15:00;30;;nej;2026-12-01;"))
    assert line(nurse, f"2;08:00;12:00;30;{code};nej;;") in hours_file.WEEKS.written()
    found = hours_file.WEEKS.compared(text, on=TODAY)
    assert (len(found.added), len(found.changed), found.ended, found.same) == (
        1,
        1,
        ("Sara Norén, måndagar 08:00–12:00, till 2026-11-19",),
        0,
    )
    assert found.changed[0][1] == "till: 12:00 → 16:00; minuter: 30 → 20"
    assert found.told.startswith("Bokade besök från i dag som inte längre ryms: 1.")
    assert week(nurse) == [(1, "08-12", 30, None), (2, "08-12", 30, None)]
    with pytest.raises(RuleError) as other:
        hours_file.WEEKS.take_effect(text=text, fingerprint="annan", by=nurse.doctor, at=NOW)
    assert (other.value.code, RebookingItem.objects.exists()) == ("another_list", False)
    hours_file.WEEKS.take_effect(text=text, fingerprint=found.fingerprint, by=nurse.doctor, at=NOW)
    assert week(nurse) == [(1, "08-12", 30, TODAY - DAY), (2, "08-16", 20, None), (3, "13-15", 30, None)]
    assert RebookingItem.objects.open().get().appointment == hit
    assert WeeklyHours.objects.filter(resource=nurse.doctor_resource, valid_to=None).count() == doctors
    again = hours_file.WEEKS.compared(hours_file.WEEKS.written().replace("\r\n", "\n"), on=TODAY)
    assert (again.added, again.changed, again.ended) == ((), (), ())


def test_what_is_given_back_hides_nobody_who_is_hit(nurse):
    """PL-02: one leaves Ombokningar and another comes there; it is told of the one who comes."""
    back = nurse.book(nurse.patient(), NOW + 3 * DAY)  # Monday 09:00
    hit = nurse.book(nurse.patient(), NOW + 4 * DAY)  # Tuesday 09:00
    monday = WeeklyHours.objects.get(resource=nurse.nurse_resource, weekday=1)
    by = {"by": nurse.doctor, "at": NOW}
    schedules.end_hours(hours_id=monday.pk, valid_to=TODAY, accept_warnings=("PL-02",), **by)
    assert RebookingItem.objects.open().get().appointment == back
    text = file_of(line(nurse, "1;08:00;12:00;30;;nej;;"))
    found = hours_file.WEEKS.compared(text, on=TODAY)
    assert found.told.startswith("Bokade besök från i dag som inte längre ryms: 1.")
    hours_file.WEEKS.take_effect(text=text, fingerprint=found.fingerprint, **by)
    assert RebookingItem.objects.open().get().appointment == hit


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("8;08:00;12:00;30;;nej;;", "Rad 2: veckodag: ”8” är ingen veckodag"),
        ("1;åtta;12:00;30;;nej;;", "Rad 2: fran: ”åtta” är inget klockslag"),
        ("1;12:00;08:00;30;;nej;;", "Rad 2: .*sluta efter att den börjat"),
        ("1;08:00;12:00;2;;nej;;", "Rad 2: .*mellan 5 och 600 minuter"),
        ("1;08:00;12:00;30;okand;nej;;", "Rad 2: besokstyper: ”okand” är inte känt"),
        ("1;08:00;12:00;30;;kanske;;", "varken ja eller nej"),
        ("1;08:00;12:00;30;;nej;2026-12-02;2026-12-01", "giltig_till ligger före giltig_fran"),
        ("1;08:00;12:00;30;;nej;;\n", "raden står två gånger"),
        ("1;07:00;09:00;30;;nej;;", "som gäller samtidigt"),
        ("1;08:30;12:00;30;;nej;;", "Rad 2: .*gäller redan medan .* Ange giltig_fran 2026-11-20 eller senare"),
    ],
)
def test_what_cannot_be_is_said_with_its_line_and_changes_nothing(nurse, rest, said):
    """BO-01: a tidbok has a time once, also by a file."""
    lines = [line(nurse, rest)]
    if "två gånger" in said:
        lines = [line(nurse, rest.strip())] * 2
    if "samtidigt" in said:
        lines.append(line(nurse, "1;08:00;12:00;30;;nej;;"))
    with pytest.raises(CatalogueError, match=said):
        hours_file.WEEKS.compared(file_of(*lines), on=TODAY)
    with pytest.raises(CatalogueError, match="finns inte på vårdenheten"):
        hours_file.WEEKS.compared(file_of(line(nurse, "1;08:00;12:00;30;;nej;;", name="Ingen Alls")), on=TODAY)
    assert week(nurse) == [(1, "08-12", 30, None), (2, "08-12", 30, None)]
