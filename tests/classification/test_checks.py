"""Every check of the table of what software can check (coding_rules.csv), by its id: a coding that it remarks on and one
that it must not (KL-02, KL-03, KL-05, KL-06). R12 is structure, R29 export and R30 a setting: tests of their own kind."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from classification.models import Code, CodedExternalCause, CodedSubstance
from classification.rules import CHECKS, KSH97P, Blocked, Entry, Region, findings
from classification.rules.invoice import carried, invoice_refusal

from .test_rules import (
    ANXIETY,
    CHILD,
    FALL,
    FRACTURE,
    INPATIENT,
    KBT,
    LETTER,
    PARACETAMOL,
    SPECIALIST,
    VISIT,
    coded,
    icd,
    kva,
)

MAN, NEWBORN, OLD = (replace(VISIT, patient_sex="1"), replace(VISIT, patient_age=0), replace(VISIT, patient_age=72))
PSYCHOTHERAPY = replace(SPECIALIST, treatment_form="KBT")
WITH_INTERPRETER = replace(VISIT, interpreter_used=True)


def hurt(*causes, atc=(), code="S5250"):
    return coded(icd(code, external_causes=causes, atc=atc))


def cause(code, **facts):
    return icd(code, is_external_cause=True, may_be_main=False, **facts)


def doing(*codes):
    return coded(ANXIETY, procedures=[kva(code) for code in codes])


def on_day(day):
    return coded(ANXIETY, procedures=[replace(KBT, day=VISIT.coding_date.replace(day=day))])


BLOCKED = Region(blocked=(Blocked("F41*", "not_used", "error", "Fråga först.", "Region Övning"),))

# Check: (coding it remarks on, contact), (coding it must not remark on, contact). Contacts are VISIT where none is said.
CASES = {
    "R01": ((coded(icd("A909", is_valid=False)),), (coded(ANXIETY),)),
    "R02": ((coded(icd("F41XX", is_known=False)),), (coded(icd("F415", is_known=False)),)),
    "R03": ((coded(icd("F41", is_registrable=False)),), (coded(ANXIETY),)),
    "R04": ((hurt(cause("W010", is_leaf=False)),), (hurt(cause("Y400", is_leaf=False)),)),
    "R05": ((coded(icd("S525", is_leaf=False, external_causes=(FALL,))),), (hurt(FALL),)),
    "R06": ((coded(icd("F438", is_leaf=False)),), (coded(icd("F438A")),)),
    "R07": ((coded(procedures=[KBT]),), (coded(procedures=[KBT]), LETTER)),
    "R08": ((coded(icd("R650", may_be_main=False)),), (coded(ANXIETY, icd("R650", may_be_main=False)),)),
    "R08a": ((coded(icd("B956", may_be_main=False)),), (coded(icd("R650", may_be_main=False)),)),
    "R09": ((coded(icd("F009", mark="*")),), (coded(icd("G309", mark="†"), icd("F009", mark="*")),)),
    "R10": (
        (coded(icd("F009", mark="*"), icd("G309", mark="†")),),
        (coded(icd("G309", mark="†"), icd("F009", mark="*")),),
    ),
    "R11": ((coded(FRACTURE),), (hurt(FALL),)),
    "R13": ((hurt(cause("X449"), code="T509"),), (hurt(cause("X449"), code="T509", atc=(PARACETAMOL,)),)),
    "R14": ((hurt(cause("Y579"), code="L270"),), (hurt(cause("Y579"), code="L270", atc=(PARACETAMOL,)),)),
    "R15": ((coded(icd("N809", sex="2")), MAN), (coded(icd("N809", sex="2")), VISIT)),
    "R16": ((coded(icd("P219")), VISIT), (coded(icd("P219")), NEWBORN)),
    "R18": ((coded(ANXIETY, procedures=[kva("DU", is_registrable=False)]),), (doing("DU011"),)),
    "R19": ((doing("QA000"),), (doing("QC000", "AQ000", "XU000"),)),
    "R20": ((doing("ZV025"),), (doing("DU011", "ZV025"),)),
    "R21": ((doing("DU011", "DU011"),), (doing("DU011", "DU010"),)),
    "R22": ((doing("DU011", "ZV050"), SPECIALIST), (doing("DU011", "ZV050"), VISIT)),
    "R23": ((doing("XS100"), INPATIENT), (doing("XS100"), VISIT)),
    "R24": ((doing("XU000"), CHILD), (doing("XU000", "XU010"), VISIT)),
    "R25": ((doing("DU011", "ZV055"),), (doing("DU011", "ZV055", "ZV213"),)),
    "R26": ((doing("XS900", "XS902"),), (doing("XS902", "XS915", "XS913"),)),
    "R27": ((coded(icd("U099")),), (coded(ANXIETY, icd("U099")),)),
    "R28": ((coded(icd("R104"), icd("K802")),), (coded(icd("K802"), icd("R104")),)),
    "R31": ((coded(icd("U999")),), (coded(ANXIETY),)),
    "R32": ((coded(Entry(KSH97P, "F419P", "F419P")),), (coded(icd("F419")),)),
    "D01": ((coded(ANXIETY, ANXIETY),), (coded(ANXIETY, icd("F410")),)),
    "D02": ((on_day(21),), (on_day(20),)),
    "H01": ((coded(ANXIETY, procedures=[kva("XS012", is_derived=True)]),), (doing("XS007"),)),
    "J01": ((coded(ANXIETY), replace(VISIT, has_note=False)), (coded(ANXIETY), VISIT)),
    "P01": ((doing("DU008"), PSYCHOTHERAPY), (doing("DU011"), PSYCHOTHERAPY)),
    "P02": ((doing("DU011", "ZV020"), VISIT), (doing("DU011", "ZV020"), WITH_INTERPRETER)),
    "S01": ((coded(ANXIETY), VISIT, BLOCKED), (coded(icd("F321")), VISIT, BLOCKED)),
}  # fmt: skip
CASES["R17"] = (
    (coded(ANXIETY, procedures=[kva("DU11", is_known=False)]),),
    (coded(ANXIETY, procedures=[kva("DU999", is_known=False)]),),
)


def told(entries, contact=VISIT, *region):
    return {finding.check: finding for finding in findings(entries, contact, *region)}


@pytest.mark.parametrize("check_id", CASES)
def test_it_remarks_on_what_it_is_for(check_id):
    """KL-06: with a sentence, the rule, the source and how well it is founded."""
    finding = told(*CASES[check_id][0])[check_id]
    check = CHECKS[check_id]
    assert finding.detail.endswith(".") and finding.rule and finding.source
    assert finding.evidence == check.evidence
    if check_id != "S01":
        assert (finding.severity, finding.source) == (check.severity, check.source)


@pytest.mark.parametrize("check_id", CASES)
def test_and_on_nothing_else(check_id):
    assert check_id not in told(*CASES[check_id][1])


def test_every_check_of_the_table_has_its_cases():
    """KL-06: thirty of the project's table; what the rulebook adds; and three of other kinds."""
    remarks = {check.id for check in CHECKS.values() if check.kind == "anmärkning"}
    assert remarks == set(CASES)
    assert len([check_id for check_id in remarks if check_id.startswith("R")]) == 30
    assert {check.id: check.kind for check in CHECKS.values() if check.id not in remarks} == {
        "R12": "struktur", "R29": "export", "R30": "inställning",
    }  # fmt: skip


def test_what_is_unverified_never_blocks_as_published():
    """KL-06."""
    assert {
        check.id for check in CHECKS.values() if check.evidence == "unverified" and check.severity == "error"
    } == set()


# --- More than one case --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["X449", "X640", "Y141", "X859"])
def test_a_poisoning_says_its_intent(code):
    """R13: accident, self-harm, assault or unclear; a fall says none."""
    assert "R13" not in told(hurt(cause(code), code="T391"))
    assert told(hurt(FALL, code="T391"))["R13"].code == "poisoning_without_intent"


@pytest.mark.parametrize(
    ("code", "age", "remarked"),
    [
        ("Z380", 0, False), ("Z380", 1, True), ("P219", 1, True), ("O800", 9, True), ("O800", 10, False),
        ("O800", 60, False), ("O800", 61, True), ("F411", 0, False), ("O800", None, False),
    ],
)  # fmt: skip
def test_ages_are_around_birth_and_of_those_who_may_be_with_child(code, age, remarked):
    """R16: the limits are ours."""
    assert ("R16" in told(coded(icd(code)), replace(VISIT, patient_age=age))) == remarked


def test_a_team_of_one_profession_is_remarked_on():
    """R26."""
    assert told(doing("XS902", "XS915"))["R26"].code == "team_of_one"


def test_the_same_procedure_on_two_days_is_two_occasions():
    """R21."""
    first, second = replace(KBT, day=VISIT.coding_date), replace(KBT, day=VISIT.coding_date.replace(day=19))
    hint = told(coded(ANXIETY, procedures=[first, second]))["R21"]
    assert (hint.severity, hint.code) == ("hint", "procedure_on_several_days")
    assert told(coded(ANXIETY, procedures=[first, first]))["R21"].severity == "warning"
    assert "R21" not in told(coded(ANXIETY, procedures=[first]))
    coercion = [replace(kva("XU010"), day=each.day) for each in (first, second)]
    assert "R21" not in told(coded(ANXIETY, procedures=coercion))


@pytest.mark.parametrize(("day", "remarked"), [(11, True), (12, False), (20, False), (21, True)])
def test_a_procedure_of_a_stay_has_a_day_within_it(day, remarked):
    """D02: both days are of the stay."""
    stay = replace(INPATIENT, first_day=VISIT.coding_date.replace(day=12))
    assert ("D02" in told(on_day(day), stay)) == remarked


def test_a_procedure_without_a_day_is_of_the_contact_s_day_where_there_is_one():
    """R21: of a stay it is not known which."""
    dated = replace(KBT, day=VISIT.coding_date)
    assert told(coded(ANXIETY, procedures=[KBT, dated]))["R21"].severity == "warning"
    assert told(coded(ANXIETY, procedures=[KBT, dated]), INPATIENT)["R21"].severity == "hint"


@pytest.mark.parametrize(("form", "code"), [("PDT", "DU008"), ("KBT", "DU011"), ("IPT", "DU022")])
def test_a_visit_in_psychotherapy_has_its_diagnosis_and_the_code_of_its_form(form, code):
    """PS-04: also without any procedure; other vårdåtaganden are not asked."""
    contact = replace(SPECIALIST, treatment_form=form)
    assert told(coded(ANXIETY), contact)["P01"].detail == f"Vårdåtagandet gäller {form}. Lägg till {code}."
    assert "P01" not in told(doing(code), contact)
    assert told(coded(procedures=[kva(code)]), contact)["R07"].severity == "error"
    assert "P01" not in told(coded(ANXIETY), SPECIALIST)


# --- R12: structure -------------------------------------------------------------------------------------------------


def test_a_cause_among_the_diagnoses_or_a_diagnosis_as_cause_is_an_error():
    """R12, KL-03."""
    assert told(coded(FRACTURE, FALL))["R12"].code == "external_cause_misplaced"
    assert told(hurt(ANXIETY))["R12"].code == "not_an_external_cause"
    assert told(hurt(FALL, atc=(ANXIETY,)))["R12"].code == "wrong_system"
    assert "R12" not in told(hurt(FALL, atc=(PARACETAMOL,)))


@pytest.mark.django_db
@pytest.mark.usefixtures("starter_codes")
def test_a_cause_and_a_substance_hang_under_what_they_explain():
    """R12: PostgreSQL has no place for them elsewhere."""
    with pytest.raises(IntegrityError, match="diagnosis_id"), transaction.atomic():
        CodedExternalCause.objects.create(code=Code.objects.get(code="W0101"), title="x", position=1)
    with pytest.raises(IntegrityError, match="substance_belongs_to_one"), transaction.atomic():
        CodedSubstance.objects.create(code=Code.objects.get(code="N02BE01"), title="x", position=1)


# --- R29: the invoice between regions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encounter_type", "mvo", "expected"),
    [
        ("primarvard", "911", "inga"),
        ("slutenvard", "911", "inga"),
        ("primarvard", "827", "diagnoser"),
        ("specialiserad-oppenvard", "101", "alla"),
        ("slutenvard", "101", "alla"),
        ("slutenvard", "190", "alla"),
    ],
)
def test_no_codes_of_psychiatry_and_no_procedures_of_primary_care_go_on_an_invoice(encounter_type, mvo, expected):
    """R29, KL-07: MVO beginning with 9 is psychiatry."""
    assert carried(encounter_type=encounter_type, mvo=mvo) == expected


def test_an_invoice_of_a_whole_stay_has_a_main_diagnosis():
    """R29, KL-07: not for a part of a stay, not for psychiatry, not for a visit."""
    stay = {"encounter_type": "slutenvard", "mvo": "101", "has_main_diagnosis": False}
    refused = invoice_refusal(**stay)
    assert (refused.check, refused.code, refused.severity) == ("R29", "invoice_without_main_diagnosis", "error")
    assert invoice_refusal(**stay, is_part_of_stay=True) is None
    assert invoice_refusal(**stay | {"mvo": "911"}) is None
    assert invoice_refusal(**stay | {"encounter_type": "specialiserad-oppenvard"}) is None
    assert invoice_refusal(**stay | {"has_main_diagnosis": True}) is None
