"""What the region decides about coding: weights of checks with days, the spärrlista, the most codes (KL-06)."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from classification.actions import coding as actions
from classification.judging import region_on
from classification.models import BlockedCode, CheckSetting, FavouriteCode
from classification.rules import CHECKS, Severity
from sdv.accounts.administration import site
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError

from .conftest import END, NOW

pytestmark = pytest.mark.usefixtures("starter_codes")
FRACTURE = {"code": "S5250"}
DAY = END.date()


def found(encounter, *diagnoses, procedures=()):
    saved = actions.save_coding(
        encounter_id=encounter.pk,
        diagnoses=diagnoses,
        procedures=procedures,
        atc=[],
        complete=False,
        by=encounter.who,
        at=NOW,
    )
    return {
        each.code: (str(each.severity), each.detail, each.source) for each in saved.findings if each.code != "no_note"
    }


@pytest.fixture
def contact(make_contact, coder):
    encounter = make_contact()
    encounter.who = coder
    return encounter


def decided(check_id, weight, **fields):
    return CheckSetting.objects.create(check_id=check_id, weight=weight, decision="Medicinsk chef 2026-01-01", **fields)


def blocked(pattern, text="Fråga först.", **fields):
    fields = {"kind": "not_used", "severity": "error", "source": "Spärrlista 2026"} | fields
    return BlockedCode.objects.create(pattern=pattern, text=text, **fields)


@pytest.mark.parametrize("weight", ["error", "warning", "hint", "off"])
def test_the_region_weighs_a_check(contact, weight):
    """KL-06: R11 is an error as published; a region may soften it or turn it off."""
    decided("R11", weight)
    told = found(contact, FRACTURE)
    assert ("missing_external_cause" in told) == (weight != "off")
    if weight != "off":
        assert told["missing_external_cause"][0] == weight


def test_a_softened_error_no_longer_blocks_klar(contact, coder):
    """KL-06."""
    with pytest.raises(RuleError, match=r"kan inte göras klar: S52\.50"):
        actions.save_coding(
            encounter_id=contact.pk, diagnoses=[FRACTURE], procedures=[], atc=[], complete=True, by=coder, at=NOW
        )
    decided("R11", "warning")
    saved = actions.save_coding(
        encounter_id=contact.pk, diagnoses=[FRACTURE], procedures=[], atc=[], complete=True, by=coder, at=NOW
    )
    assert saved.coding.is_complete


@pytest.mark.parametrize(
    ("days", "applies"),
    [
        ({"valid_from": DAY, "valid_to": DAY}, True),
        ({"valid_to": date(2026, 11, 19)}, False),
        ({"valid_from": date(2026, 11, 21)}, False),
        ({}, True),
    ],
)
def test_a_decision_counts_for_contacts_that_end_within_its_days(contact, days, applies):
    """KL-05, KL-06."""
    decided("R11", "off", **days)
    blocked("F41*", **days)
    assert ("missing_external_cause" not in found(contact, FRACTURE)) == applies
    assert ("blocked_not_used" in found(contact, {"code": "F411"})) == applies


@pytest.mark.parametrize("check_id", ["R01", "R02", "R03", "R12", "R17", "R18", "R29", "R32", "H01", "S01", "R99"])
def test_what_the_register_would_refuse_is_never_softened(contact, check_id):
    """KL-06: PostgreSQL holds it."""
    with pytest.raises(IntegrityError, match="check_setting_check_known"), transaction.atomic():
        decided(check_id, "off")
    assert check_id == "R99" or CHECKS[check_id].is_fixed


def test_a_check_has_one_weight_a_day(db):
    decided("R11", "off", valid_to=date(2026, 6, 30))
    decided("R11", "warning", valid_from=date(2026, 7, 1))
    with pytest.raises(IntegrityError, match="one_setting_of_a_check_a_day"), transaction.atomic():
        decided("R11", "error", valid_from=date(2026, 12, 1))
    assert region_on(date(2026, 6, 30)).weights == {"R11": None}
    assert region_on(date(2026, 7, 1)).weights == {"R11": Severity.WARNING}


def test_the_most_codes_is_the_regions_setting_and_there_is_none_as_published(contact):
    """R30: RIV-TA has no maximum."""
    many = [{"code": code} for code in ("F411", "F410", "F419")]
    assert found(contact, *many) == {}
    decided("R30", "error", most=2)
    assert found(contact, *many)["too_many_codes"][:2] == (
        "error", "Kontakten har 3 koder; regionen tar emot 2. Ta bort dem som betyder minst.",
    )  # fmt: skip
    assert found(contact, *many[:2]) == {}
    CheckSetting.objects.all().delete()
    for check_id, most in (("R30", None), ("R30", 0), ("R11", 3)):
        with pytest.raises(IntegrityError, match="check_setting_most_is_of_r30"), transaction.atomic():
            decided(check_id, "warning", most=most)


# --- Spärrlistan ------------------------------------------------------------------------------------------------------


def test_a_row_says_its_own_sentence_weight_and_source(contact):
    """KL-06."""
    blocked("F419", text="Utred vidare; ange vilket ångesttillstånd.", severity="warning")
    assert found(contact, {"code": "F419"})["blocked_not_used"] == (
        "warning", "F41.9: Utred vidare; ange vilket ångesttillstånd.", "Spärrlista 2026",
    )  # fmt: skip
    assert found(contact, {"code": "F411"}) == {}


@pytest.mark.parametrize(
    ("row", "fires", "silent"),
    [
        ({"pattern": "F41*"}, ["F411"], ["F321"]),
        ({"pattern": "F41*", "role": "main"}, ["F411", "F321"], ["F321", "F411"]),
        ({"pattern": "F41*", "role": "secondary"}, ["F321", "F411"], ["F411", "F321"]),
        ({"pattern": "F411", "kind": "combination", "other_pattern": "F32*"}, ["F411", "F321"], ["F411", "F410"]),
        ({"pattern": "F411", "kind": "unusual", "severity": "hint"}, ["F411"], ["F410"]),
    ],
)
def test_a_row_speaks_of_codes_by_pattern_place_and_company(contact, row, fires, silent):
    """KL-06."""
    kind = blocked(**row).kind
    assert f"blocked_{kind}" in found(contact, *({"code": code} for code in fires))
    assert found(contact, *({"code": code} for code in silent)) == {}


def test_a_row_may_be_of_procedures_of_a_unit_and_of_a_form_of_care(make_contact, contact, care_unit):
    """KL-06."""
    blocked("DU011", role="procedure", care_unit=care_unit, care_form="primary")
    told = found(contact, {"code": "F411"}, procedures=[{"code": "DU011"}])
    assert told["blocked_not_used"][1] == "DU011: Fråga först."
    BlockedCode.objects.update(care_form="inpatient")
    assert found(contact, {"code": "F411"}, procedures=[{"code": "DU011"}]) == {}


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("blocked_code_pattern", {"pattern": "F41.1"}),
        ("blocked_code_pattern", {"pattern": "*"}),
        ("blocked_code_combination_says_with_what", {"pattern": "F411", "kind": "combination"}),
        ("blocked_code_combination_says_with_what", {"pattern": "F411", "other_pattern": "F32*"}),
        ("blocked_code_severity_known", {"pattern": "F411", "severity": "off"}),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_the_database(db, constraint, fields):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        blocked(**fields)


def test_a_favourite_is_a_persons_or_a_units_and_once(coder, care_unit):
    for owner in ({"user": coder}, {"care_unit": care_unit}):
        FavouriteCode.objects.create(system_id="icd-10-se", code="F411", **owner)
        with pytest.raises(IntegrityError, match="favourite_once"), transaction.atomic():
            FavouriteCode.objects.create(system_id="icd-10-se", code="F411", **owner)
    for owner in ({}, {"user": coder, "care_unit": care_unit}):
        with pytest.raises(IntegrityError, match="favourite_is_a_persons_or_a_units"), transaction.atomic():
            FavouriteCode.objects.create(system_id="icd-10-se", code="F410", **owner)


def test_weights_and_the_units_favourites_go_out_and_come_in_as_files(contact, coder, care_unit):
    """KL-06: what the register would refuse is not weighed by a file either; a person's own favourites are in none."""
    reverse("admin:index")
    weights, favourites = (site._registry[model].file_import for model in (CheckSetting, FavouriteCode))
    decided("R11", "error")
    row = "R11;error;;;;Medicinsk chef 2026-01-01"
    assert weights.written().removeprefix("\ufeff").splitlines() == [
        "kontroll;vager;hogsta_antal;giltig_fran;giltig_till;beslut",
        row,
    ]
    text = weights.written().replace(row, row.replace("error", "hint"))
    weights.take_effect(text=text, fingerprint=weights.compared(text, on=NOW.date()).fingerprint, by=coder, at=NOW)
    assert found(contact, FRACTURE)["missing_external_cause"][0] == "hint"
    for wrong, said in (
        ("R01;off;;;;Beslut", "Rad 3: kontroll: ”R01” är ingen kontroll som regionen väger."),
        ("R30;error;;;;Beslut", "Rad 3: Högsta antal anges för R30 och bara för den."),
        ("R11;error;;2026-01-01;;Beslut", "Rad 3: Kontrollen har redan en inställning för de dagarna."),
    ):
        with pytest.raises(CatalogueError) as refused:
            weights.compared(text + f"{wrong}\r\n", on=NOW.date())
        assert str(refused.value) == said
    FavouriteCode.objects.create(user=coder, system_id="icd-10-se", code="S5250")
    FavouriteCode.objects.create(care_unit=care_unit, system_id="icd-10-se", code="F410")
    unit = care_unit.hsa_id
    head = "vardenhet;kodsystem;kod;visas"
    assert favourites.written().removeprefix("\ufeff").splitlines() == [head, f"{unit};icd-10-se;F410;ja"]
    text = f"{head}\n{unit};icd-10-se;F410;nej\n{unit};icd-10-se;I109;ja\n"
    favourites.take_effect(
        text=text, fingerprint=favourites.compared(text, on=NOW.date()).fingerprint, by=coder, at=NOW
    )
    assert list(FavouriteCode.objects.order_by("code").values_list("code", "care_unit", "user", "is_active")) == [
        ("F410", care_unit.pk, None, False),
        ("I109", care_unit.pk, None, True),
        ("S5250", None, coder.pk, True),
    ]
    with pytest.raises(CatalogueError, match="En favorit är en persons eller en enhets"):
        favourites.compared(text + ";icd-10-se;I110;ja\n", on=NOW.date())
