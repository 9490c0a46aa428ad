"""What production statistics count and what they hide (ST-01, VH-20)."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from classification import production, statistics
from classification.production import Figures, Group, Kind
from classification.statistics import Asked
from registration.models import Encounter, Patient
from tests import factories
from tests.classification.worlds import OPEN, contact, person

# Types that count as nothing, however well they ended (VH-20).
COUNTS_AS_NOTHING = [
    "annullerad",
    "admin",
    "foster",
    "historisk",
    "nyfodd",
    "dold-forhandsregistrerad-oppenvardskontakt",
    "forhandsregistrerad-oppenvardskontakt",
    "forhandsregistrerad-diagnostisk-kontakt",
    "forhandsregistrerad-inskrivning",
]
OUTPATIENT = [
    OPEN,
    "specialiserad-oppenvard-rum-sang-stol",
    "primarvard",
    "diagnostik",
    "oppenvardskonsult",
    "kontakt-utan-besok",
    "klinisk-lm-pagaende-specialiserad-oppenvard",
    "akutsjukvard",
]


@pytest.fixture
def unit(catalogues):
    return factories.SpecialisedClinicFactory()


@pytest.fixture
def crowd(unit):
    """Ten women of forty-six, each with one visit on 5 October: enough for every group to be shown."""
    who = [person() for _ in range(10)]
    for each in who:
        contact(unit, each, visit_type="Sp Läk Återbesök")
    return who


def asked(*units, first="2026-10-01", last="2026-10-31", **fields):
    return Asked(tuple(unit.pk for unit in units), date.fromisoformat(first), date.fromisoformat(last), **fields)


def total(*units, **fields):
    return statistics.production(asked(*units, **fields)).total


def groups(report, what):
    return {group.label: group.figures for group in dict(report.breakdowns)[what]}


# --- What counts ------------------------------------------------------------------------------------------------------


def test_every_type_of_the_instruction_counts_as_one_thing_or_as_nothing():
    """VH-20: the twenty types, each named here."""
    from registration.encounter_types import TYPES

    told = dict.fromkeys(COUNTS_AS_NOTHING, None) | dict.fromkeys(OUTPATIENT, Kind.OUTPATIENT)
    told |= {"slutenvard": Kind.INPATIENT, "observation": Kind.OBSERVATION, "utebliven-bokad-kontakt": Kind.NO_SHOW}
    assert {code: production.kind(code, "ended") for code in TYPES} == told


@pytest.mark.parametrize("status", ["planned", "in_progress", "checked_out"])
def test_what_has_not_ended_counts_as_nothing(status):
    """VH-20: discharge is what makes it count."""
    assert production.kind(OPEN, status) is None


@pytest.mark.parametrize("type_code", COUNTS_AS_NOTHING)
def test_a_type_that_is_not_reported_changes_no_number(unit, crowd, type_code):
    """VH-20, ST-01: Annullerad, Admin, Foster, Historisk, Nyfödd and pre-registrations."""
    before = total(unit)
    contact(unit, person(), type_code)
    assert total(unit) == before == Figures(outpatient=10, individuals=10, persons=10)


@pytest.mark.parametrize("type_code", OUTPATIENT)
def test_an_ended_contact_of_open_care_counts_once(unit, crowd, type_code):
    """ST-01."""
    contact(unit, person(), type_code)
    assert (total(unit).outpatient, total(unit).individuals) == (11, 11)


def test_an_ongoing_and_a_reopened_contact_do_not_count(unit, crowd):
    """VH-20: ended is what counts."""
    contact(unit, person(), status="in_progress")
    contact(unit, person(), status="checked_out", checked_out_at=Encounter.objects.first().end)
    assert total(unit).outpatient == 10


def test_a_no_show_counts_as_a_no_show_only(unit, crowd):
    """VH-20: neither as a contact nor as an individual."""
    contact(unit, person(), "utebliven-bokad-kontakt")
    assert total(unit) == Figures(outpatient=10, no_shows=1, individuals=10, persons=11)


def test_contact_among_staff_is_no_contact(unit, crowd):
    """DI-07."""
    contact(unit, person(), "kontakt-utan-besok", contact_form="staff")
    assert production.kind("kontakt-utan-besok", "ended", "staff") is None
    assert total(unit).outpatient == 10


def test_observation_stands_by_itself(unit, crowd):
    contact(unit, person(), "observation", end="2026-10-06 08:00")
    assert (total(unit).observations, total(unit).outpatient, total(unit).inpatient) == (1, 10, 0)


def test_contacts_at_a_distance_are_told_among_the_outpatient_ones(unit, crowd):
    """Telephone, video and kontakt utan besök; a physical visit is none."""
    contact(unit, person(), contact_form="phone")
    contact(unit, person(), contact_form="video")
    contact(unit, person(), "kontakt-utan-besok", replaces_visit=True)
    contact(unit, person(), contact_form="physical")
    assert (total(unit).outpatient, total(unit).remote) == (14, 3)


def test_a_person_with_many_contacts_is_one_individual_also_under_two_merged_records(unit, crowd):
    """ST-01: individuals. RI-02: a merged record is the same person."""
    contact(unit, crowd[0], start="2026-10-06 09:00")
    contact(unit, person(merged_into=crowd[0]), start="2026-10-07 09:00")
    assert (total(unit).outpatient, total(unit).individuals) == (12, 10)


def test_protected_persons_are_in_the_sums(unit, crowd):
    """SK-05: counted as everybody is; nothing of them is read out."""
    contact(unit, person(protection="sekretessmarkering"))
    assert total(unit).individuals == 11


def test_another_unit_s_contacts_are_not_counted(unit, crowd):
    other = factories.SpecialisedClinicFactory()
    contact(other, person())
    assert total(unit).outpatient == 10
    assert groups(statistics.production(asked(unit, other)), "Vårdenhet") == {unit.name: None, other.name: None}


# --- Periods and midnights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "counts"),
    [
        ("2026-09-30 23:59", False),
        ("2026-10-01 00:00", True),
        ("2026-10-31 23:59", True),
        ("2026-11-01 00:00", False),
    ],
)
def test_a_visit_counts_on_the_day_it_began_in_stockholm(unit, crowd, start, counts):
    contact(unit, person(), start=start)
    assert total(unit).outpatient == 10 + counts


@pytest.mark.parametrize(
    ("admitted", "discharged", "days"),
    [
        ("2026-10-05 08:00", "2026-10-05 23:59", 0),
        ("2026-10-05 23:59", "2026-10-06 00:00", 1),
        ("2026-10-05 00:00", "2026-10-06 23:59", 1),
        ("2026-10-05 12:00", "2026-10-12 09:00", 7),
        # The night to 25 October 2026 has 25 hours, that to 29 March 23: dates are counted, not hours.
        ("2026-10-24 23:30", "2026-10-25 23:30", 1),
        ("2026-10-25 00:30", "2026-10-25 23:50", 0),
        ("2026-09-28 10:00", "2026-10-02 10:00", 4),
    ],
)
def test_vardtid_is_the_date_of_discharge_minus_the_date_of_admission(unit, crowd, admitted, discharged, days):
    """ST-01: the same day gives 0; a stay counts whole on its day of discharge, whenever it began."""
    contact(unit, crowd[0], "slutenvard", admitted, discharged)
    assert (total(unit).inpatient, total(unit).days, total(unit).mean_stay) == (1, days, float(days))
    assert production.stay_days(date.fromisoformat(admitted[:10]), date.fromisoformat(discharged[:10])) == days


def test_the_spring_night_is_one_day_too(unit, crowd):
    contact(unit, crowd[0], "slutenvard", "2026-03-28 23:30", "2026-03-29 00:10")
    assert groups(statistics.production(asked(unit, first="2026-03-01", last="2026-10-31")), "Månad")["2026-03"] is None
    assert total(unit, first="2026-03-01", last="2026-10-31").days == 1


def test_a_stay_discharged_after_the_period_does_not_count_in_it(unit, crowd):
    contact(unit, crowd[0], "slutenvard", "2026-10-20 10:00", "2026-11-01 00:00")
    contact(unit, crowd[1], "slutenvard", "2026-10-20 10:00", status="in_progress")
    assert (total(unit).inpatient, total(unit).days) == (0, 0)


def test_medelvardtid_is_the_sum_by_the_number_of_stays(unit, crowd):
    contact(unit, crowd[0], "slutenvard", "2026-10-05 10:00", "2026-10-05 20:00")
    contact(unit, crowd[1], "slutenvard", "2026-10-05 10:00", "2026-10-12 20:00")
    contact(unit, crowd[2], "slutenvard", "2026-10-05 10:00", "2026-10-08 20:00")
    assert (total(unit).days, total(unit).mean_stay) == (10, 3.3)
    assert Figures().mean_stay is None


def test_a_week_without_contacts_is_a_row_of_zeros(unit, crowd):
    report = statistics.production(asked(unit, last="2026-10-18"))
    assert groups(report, "Vecka") == {
        "2026 v. 40": Figures(),
        "2026 v. 41": Figures(outpatient=10, individuals=10, persons=10),
        "2026 v. 42": Figures(),
    }


# --- Groups and filters -----------------------------------------------------------------------------------------------


def test_the_age_is_that_of_the_day_of_the_contact(unit, crowd):
    """ST-01: age groups; eighteen on the day of the contact is eighteen."""
    for born in ("2008-10-05", "2008-10-06"):
        for _ in range(5):
            contact(unit, person(born=born))
    for _ in range(5):
        contact(unit, person(born=None))
    found = groups(statistics.production(asked(unit)), "Åldersgrupp")
    assert {label: figures.individuals for label, figures in found.items()} == {
        "0–17 år": 5,
        "18–39 år": 5,
        "40–64 år": 10,
        "Ålder okänd": 5,
    }


def test_the_filters_count_the_same_contacts_as_the_groups(unit, crowd):
    for _ in range(6):
        contact(unit, person(sex="1", born="2010-01-01"), visit_type="Sp Läk Nybesök")
    report = statistics.production(asked(unit))
    assert groups(report, "Kön")["Man"] == total(unit, sex="1") == Figures(outpatient=6, individuals=6, persons=6)
    assert groups(report, "Åldersgrupp")["0–17 år"] == total(unit, age=0)
    new = factories.visit_type("Sp Läk Nybesök")
    assert groups(report, "Besökstyp")[new.name] == total(unit, visit_type=new.code)


# --- Too few to be shown ----------------------------------------------------------------------------------------------


def group(key, persons):
    return Group(key, key, Figures(outpatient=persons * 2, individuals=persons, persons=persons))


def hidden(*numbers):
    made = production.withheld([group(str(place), persons) for place, persons in enumerate(numbers)])
    return [int(each.key) for each in made if each.figures is None]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((5, 7), []),
        ((4, 7, 6), [0, 2]),
        ((4, 3, 9), [0, 1]),
        ((0, 9), []),
        ((4,), [0]),
    ],
)
def test_a_group_under_five_is_hidden_and_no_sum_gives_it_away(numbers, expected):
    """ui.md 4.12: fewer than five; a single hidden group takes the smallest of the others with it."""
    assert hidden(*numbers) == expected


def stays_hidden(*numbers):
    """Which groups of twenty persons hide their stays, by how many of them were admitted."""
    made = [
        Group(str(place), "", Figures(persons=20, individuals=20, inpatient=number, stay_persons=number))
        for place, number in enumerate(numbers)
    ]
    return [int(each.key) for each in production.withheld(made) if each.figures.shown("days") is None]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((5, 9), []), ((1, 9, 6), [0, 2]), ((1, 2, 9), [0, 1]), ((0, 9), []), ((1, 0, 0), [0]), ((4,), [0])],
)
def test_the_stays_of_fewer_than_five_are_hidden_in_a_large_group_too(numbers, expected):
    """A single stay's length is one person's; the number of visits beside it is still told."""
    assert stays_hidden(*numbers) == expected
    assert Figures(outpatient=20, inpatient=1, stay_persons=1).shown("outpatient") == 20


def test_a_hidden_group_s_stays_cannot_be_worked_out_from_the_others():
    few = Group("0", "", Figures(persons=3, inpatient=3, stay_persons=3))
    many = [Group(str(n), "", Figures(persons=20 + n, inpatient=9 + n, stay_persons=9 + n)) for n in (1, 2, 3)]
    found = production.withheld([few, *many])
    assert [group.figures is None for group in found] == [True, True, False, False]
    assert [group.figures.shown("inpatient") for group in found[2:]] == [11, 12]


def test_a_report_of_fewer_than_five_shows_nothing(unit):
    for _ in range(4):
        contact(unit, person())
    report = statistics.production(asked(unit))
    assert (report.total, report.is_empty) == (None, False)
    assert all(groups == [] for _, groups in report.breakdowns)


def test_a_small_group_of_the_report_is_hidden(unit, crowd):
    contact(unit, person(sex="1"))
    assert groups(statistics.production(asked(unit)), "Kön") == {"Man": None, "Kvinna": None}


def test_an_empty_period_is_empty(unit, crowd):
    report = statistics.production(asked(unit, first="2025-01-01", last="2025-01-31"))
    assert report.is_empty
    assert report.total == Figures()


# --- Spread -----------------------------------------------------------------------------------------------------------


def test_the_spread_is_the_box_plot_s_numbers():
    found = production.spread("40", "40–64 år", [1, 2, 3, 4, 5, 30])
    assert (found.lowest, found.lower, found.median, found.upper, found.highest) == (1, 2.25, 3.5, 4.75, 5)
    assert (found.count, found.outliers) == (6, (30,))


def test_lengths_of_stay_are_spread_by_age_where_there_are_five_persons(unit):
    for number in range(5):
        contact(unit, person(), "slutenvard", "2026-10-05 10:00", f"2026-10-{5 + number:02d} 20:00")
    for _ in range(5):
        contact(unit, patient_of_ninety(), "slutenvard", "2026-10-05 10:00", "2026-10-06 20:00")
    found = statistics.stays(asked(unit))
    assert [(spread.label, spread.count, spread.median) for spread in found] == [("40–64 år", 5, 2)]


def patient_of_ninety():
    """The same person each time: five stays of one person are no group."""
    return Patient.objects.filter(birth_date="1936-01-01").first() or person(born="1936-01-01")


# --- One statement ----------------------------------------------------------------------------------------------------


def test_the_numbers_take_as_many_queries_however_many_contacts_there_are(unit, crowd):
    def queries():
        with CaptureQueriesContext(connection) as made:
            statistics.production(asked(unit))
        return len(made)

    before = queries()
    for each in crowd:
        contact(unit, each, start="2026-10-09 09:00", visit_type="Sp Läk Nybesök")
    assert queries() == before == 3
