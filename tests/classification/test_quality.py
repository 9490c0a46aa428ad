"""Coding quality of a unit, and the file for grouping (ST-01, KL-06, KL-07)."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from classification import exports, starter, statistics
from classification.quality import quality
from classification.statistics import Asked
from registration.models import EncounterDocument
from sdv.desk.presenters import coding as coding_list
from tests import factories
from tests.classification.test_deliveries import code, visit
from tests.classification.worlds import contact, moment, person

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
NOW = moment("2026-10-10 12:00")


@pytest.fixture
def unit(catalogues):
    starter.load()
    return factories.SpecialisedClinicFactory(mvo_code="101")


@pytest.fixture
def user(unit):
    return factories.staff("coder", unit)


def of(unit):
    return quality(unit, FIRST, LAST, at=NOW)


def test_shares_are_of_what_is_coded_at_all(unit, user):
    """VH-20: no-shows and what has not ended are in no share; a begun coding is not a coded contact."""
    done, begun = contact(unit, person()), contact(unit, person())
    contact(unit, person(), start="2026-09-02 10:00")
    for each in (done, begun):
        type(each).objects.filter(pk=each.pk).update(start=moment("2026-09-03 10:00"), end=moment("2026-09-03 23:59"))
    code(done, user, "F411")
    code(begun, user, "F411", complete=False)
    contact(unit, person(), "utebliven-bokad-kontakt", start="2026-09-04 10:00")
    contact(unit, person(), start="2026-09-04 10:00", status="in_progress")
    contact(unit, person(), start="2026-10-01 10:00")
    contact(factories.SpecialisedClinicFactory(), person(), start="2026-09-04 10:00")
    found = of(unit)
    assert (found.ended, found.coded, found.begun, found.coded_share) == (3, 1, 1, 33)
    # As of now: the two of September and the one of October.
    assert (found.waiting, found.waiting_longer) == (3, {7: 3, 30: 2, 90: 0})
    # The work list Klassificering is the same number.
    assert coding_list.rows_of(unit, at=NOW).count() == found.waiting


def test_days_to_coded_are_counted_by_date(unit, user):
    """From the contact's end to klar: the same day is 0, a minute past midnight is 1."""
    from classification.actions import coding

    for start, at in (("2026-09-03 10:00", "2026-09-03 23:59"), ("2026-09-04 10:00", "2026-09-05 00:01")):
        encounter = contact(unit, person(), start=start)
        coding.save_coding(
            encounter_id=encounter.pk,
            diagnoses=[{"code": "F411"}],
            procedures=[],
            atc=[],
            complete=True,
            by=user,
            at=moment(at),
        )
    found = of(unit)
    assert (found.days.count, found.days.lowest, found.days.median, found.days.highest) == (2, 0, 0.5, 1)
    assert found.by_days[:3] == [("samma dag", 1), ("1", 1), ("2–3", 0)]


def test_findings_are_counted_once_a_coding_by_check(unit, user):
    """KL-06: R11 where an injury lacks its cause; a hint is no fault. One with a note and its codes has nothing."""
    sound = contact(unit, person(), start="2026-09-03 10:00")
    EncounterDocument.objects.create(encounter=sound, kind="Anteckning", external_id="1")
    code(sound, user, "F411")
    injured = contact(unit, person(), start="2026-09-04 10:00")
    EncounterDocument.objects.create(encounter=injured, kind="Anteckning", external_id="2")
    code(injured, user, "S525", complete=False)
    type(injured).objects.filter(pk=injured.pk).update(is_coded=True)
    found = of(unit)
    assert (found.judged, found.with_findings, found.findings_share) == (2, 1, 50)
    assert {check for _, check in found.rules} >= {"R11"}


def test_the_report_takes_as_many_queries_however_many_codings_of_a_day(unit, user):
    def queries():
        with CaptureQueriesContext(connection) as made:
            of(unit)
        return len(made)

    code(contact(unit, person(), start="2026-09-03 10:00"), user, "F411", atc=["N02BE01"])
    before = queries()
    for _ in range(5):
        code(contact(unit, person(), start="2026-09-03 11:00"), user, "F411", "I109", atc=["N02BE01"])
    assert queries() == before


def test_nothing_ended_is_no_share(unit):
    found = of(unit)
    assert (found.ended, found.coded_share, found.findings_share, found.days) == (0, None, None, None)


# --- Grouping -----------------------------------------------------------------------------------------------------------


def rows(*units):
    head, *found = exports.rows([unit.pk for unit in units], FIRST, LAST)
    return [dict(zip(head, row, strict=True)) for row in found]


def test_a_contact_is_a_row_with_its_codes_in_order(unit, user):
    """KL-07: the documented columns; derived codes among the procedures (KL-04); no name, no identity number."""
    who = factories.patient(sex="2", birth_date=date(1980, 9, 15))
    encounter = visit(
        unit, factories.PractitionerFactory(), who, visit_type="Sp Läk Återbesök", contact_form="physical"
    )
    code(
        encounter,
        user,
        "F411",
        "S525",
        procedures=[{"code": "DU011", "atc": ["N02BE01"]}],
        atc=["N05BA01"],
        complete=False,
    )
    (row,) = rows(unit)
    assert row == {
        "kontakt": encounter.number,
        "person": str(who.pk),
        "vardenhet": unit.hsa_id,
        "mvo": "101",
        "form": "outpatient",
        "typ": "specialiserad-oppenvard",
        "kon": "2",
        "alder": 45,
        "start": "2026-09-14 10:00",
        "slut": "2026-09-14 23:59",
        "vardtid": None,
        "klar": 0,
        "huvuddiagnos": "F411",
        "bidiagnoser": "S525",
        "yttre_orsaker": "",
        "atgarder": "DU011|XS900|XS915",
        "atc": "N02BE01|N05BA01",
        "faktura": "alla",
        "faktura_hinder": 0,
    }
    assert who.identities.get().value not in str(row)


def test_the_file_holds_the_contacts_that_the_statistics_count(unit):
    """ST-01, KL-07: list, report and export are one number."""
    people = [person() for _ in range(6)]
    for each in people:
        contact(unit, each, start="2026-09-05 10:00")
        contact(unit, each, "slutenvard", "2026-08-30 10:00", "2026-09-05 10:00")
    contact(unit, people[0], "observation", "2026-09-05 10:00", "2026-09-06 10:00")
    contact(unit, people[0], "slutenvard", "2026-09-30 10:00", "2026-10-02 10:00")
    contact(unit, people[0], "kontakt-utan-besok", start="2026-09-06 10:00", contact_form="staff")
    for type_code in ("annullerad", "utebliven-bokad-kontakt", "admin", "nyfodd", "historisk"):
        contact(unit, people[0], type_code, start="2026-09-06 10:00")
    total = statistics.production(Asked((unit.pk,), FIRST, LAST)).total
    found = rows(unit)
    assert len(found) == total.contacts == exports.counted([unit.pk], FIRST, LAST).count() == 13
    assert sum(row["vardtid"] or 0 for row in found) == total.days == 36
    assert len({row["person"] for row in found}) == total.individuals == 6


def test_the_file_tells_what_an_invoice_between_regions_may_carry(unit):
    """R29, KL-07: a whole stay without its main diagnosis is told; psychiatry carries nothing and lacks nothing."""
    who = person()
    contact(unit, who, "slutenvard", "2026-09-01 10:00", "2026-09-05 10:00")
    psychiatry = factories.SpecialisedClinicFactory(mvo_code="901")
    contact(psychiatry, who, "slutenvard", "2026-09-10 10:00", "2026-09-12 10:00")
    assert [(row["faktura"], row["faktura_hinder"]) for row in rows(unit, psychiatry)] == [("alla", 1), ("inga", 0)]


def test_the_export_reads_in_as_many_queries_however_many_contacts(unit, user):
    def queries():
        with CaptureQueriesContext(connection) as made:
            list(exports.rows([unit.pk], FIRST, LAST))
        return len(made)

    code(visit(unit, factories.PractitionerFactory()), user, "F411", procedures=[{"code": "DU011"}])
    before = queries()
    for _ in range(4):
        code(visit(unit, factories.PractitionerFactory()), user, "F411", procedures=[{"code": "DU011"}])
    assert queries() == before
