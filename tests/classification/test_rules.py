"""What software says about the codes of a contact (KL-01…KL-06): for each finding a coding that gets it and one that
does not."""

from dataclasses import replace
from datetime import date

import pytest

from classification.rules import (
    ATC,
    ICD,
    KSH97P,
    KVA,
    REGIONAL,
    Contact,
    Entries,
    Entry,
    Finding,
    Severity,
    completion_refusal,
    findings,
    refusal,
    requires_main_diagnosis,
    unknown_refusal,
)
from registration.encounter_types import TYPES

VISIT = Contact("primarvard", "oppenvard", date(2026, 11, 20), patient_sex="2", patient_age=46)
SPECIALIST = replace(VISIT, encounter_type="specialiserad-oppenvard")
INPATIENT = replace(VISIT, encounter_type="slutenvard", encounter_class="slutenvard")
MAN = replace(VISIT, patient_sex="1")
CHILD = replace(VISIT, patient_age=15)
LETTER = replace(VISIT, encounter_type="kontakt-utan-besok", replaces_visit=False)
CALL = replace(LETTER, replaces_visit=True)


def icd(code, **facts):
    display = f"{code[:3]}.{code[3:]}" if len(code) > 3 else code
    return Entry(ICD, code, display, **facts)


def kva(code, **facts):
    return Entry(KVA, code, code, **facts)


ANXIETY = icd("F411")
FALL = icd("W0191", is_external_cause=True, may_be_main=False)
FRACTURE = icd("S5250")
KBT = kva("DU011")
PARACETAMOL = Entry(ATC, "N02BE01", "N02BE01")


def coded(*diagnoses, procedures=(), atc=()):
    return Entries(diagnoses, tuple(procedures), tuple(atc))


# The finding's code: severity, rule, a coding that gets it, one that does not, and the contact if not VISIT.
CASES = {
    "unknown_code": ("error", "KL-05", coded(icd("F415", is_known=False)), coded(ANXIETY)),
    "not_valid_on_date": ("error", "KL-05", coded(icd("A909", is_valid=False)), coded(ANXIETY)),
    "derived_code": ("error", "KL-04", coded(ANXIETY, procedures=[kva("XS012", is_derived=True)]), coded(ANXIETY)),
    "not_registrable": ("error", "KL-06", coded(icd("F41", is_registrable=False)), coded(ANXIETY)),
    "wrong_system": ("error", "KL-02", coded(Entry(KSH97P, "F419P", "F419P")), coded(icd("F419"))),
    "missing_main_diagnosis": ("error", "KL-02", coded(procedures=[KBT]), coded(ANXIETY, procedures=[KBT])),
    "not_main": ("error", "KL-06", coded(icd("B956", may_be_main=False)), coded(ANXIETY, icd("B956", may_be_main=False))),
    "additional_code_as_main": ("warning", "KL-06", coded(icd("U099")), coded(ANXIETY, icd("U099"))),
    "manifestation_as_main": (
        "hint",
        "KL-06",
        coded(icd("F009", mark="*"), icd("G309", mark="†")),
        coded(icd("G309", mark="†"), icd("F009", mark="*")),
    ),
    "manifestation_alone": (
        "error",
        "KL-06",
        coded(icd("F009", mark="*")),
        coded(icd("G309", mark="†"), icd("F009", mark="*")),
    ),
    "diagnosis_not_stated": ("warning", "KL-06", coded(icd("U999")), coded(ANXIETY)),
    "order_of_diagnoses": ("hint", "KL-02", coded(icd("R104"), icd("K802")), coded(icd("K802"), icd("R104"))),
    "duplicate_diagnosis": ("warning", "KL-06", coded(ANXIETY, ANXIETY), coded(ANXIETY, icd("F410"))),
    "more_detail": ("hint", "KL-06", coded(icd("F438", is_leaf=False)), coded(icd("F438A"))),
    "poisoning_without_substance": (
        "warning",
        "KL-03",
        coded(icd("T509", external_causes=(FALL,))),
        coded(icd("T509", external_causes=(FALL,), atc=(PARACETAMOL,))),
    ),
    "external_cause_misplaced": (
        "error",
        "KL-03",
        coded(FRACTURE, FALL),
        coded(replace(FRACTURE, external_causes=(FALL,))),
    ),
    "not_an_external_cause": (
        "error",
        "KL-03",
        coded(replace(FRACTURE, external_causes=(ANXIETY,))),
        coded(replace(FRACTURE, external_causes=(FALL,))),
    ),
    "missing_external_cause": ("error", "KL-03", coded(FRACTURE), coded(replace(FRACTURE, external_causes=(FALL,)))),
    "sex": ("warning", "KL-06", coded(icd("N409", sex="1")), coded(icd("N809", sex="2"))),
    "duplicate_procedure": ("warning", "KL-06", coded(ANXIETY, procedures=[KBT, KBT]), coded(ANXIETY, procedures=[KBT])),
    "too_general": (
        "warning",
        "KL-06",
        coded(ANXIETY, procedures=[kva("QA000")]),
        coded(ANXIETY, procedures=[kva("QC000")]),
    ),
    "only_add_ons": (
        "warning",
        "KL-06",
        coded(ANXIETY, procedures=[kva("ZV020")]),
        coded(ANXIETY, procedures=[KBT, kva("ZV020")]),
    ),
    "day_care_without_time": (
        "warning",
        "KL-06",
        coded(ANXIETY, procedures=[KBT, kva("ZV055")]),
        coded(ANXIETY, procedures=[KBT, kva("ZV055"), kva("ZV213")]),
    ),
    "coercion_twice": (
        "error",
        "KL-06",
        coded(ANXIETY, procedures=[kva("XU000"), kva("XU003")]),
        coded(ANXIETY, procedures=[kva("XU000"), kva("XU010")]),
    ),
    "restraint_not_coded": (
        "warning",
        "KL-06",
        coded(ANXIETY, procedures=[kva("XU033")]),
        coded(ANXIETY, procedures=[kva("XU033"), kva("XU003")]),
    ),
    "coercion_age": (
        "error",
        "KL-06",
        coded(ANXIETY, procedures=[kva("XU007")]),
        coded(ANXIETY, procedures=[kva("XU000")]),
    ),
}  # fmt: skip


def codes_of(found):
    return [finding.code for finding in found]


def the(found, code):
    return next(finding for finding in found if finding.code == code)


@pytest.mark.parametrize("code", CASES)
def test_a_coding_gets_the_finding(code):
    """KL-02, KL-03, KL-04, KL-05, KL-06."""
    severity, rule, fires, _ = CASES[code]
    finding = the(findings(fires, VISIT), code)
    assert (finding.severity, finding.rule) == (severity, rule)
    assert finding.detail.endswith(".")


@pytest.mark.parametrize("code", CASES)
def test_and_another_does_not(code):
    _, _, _, silent = CASES[code]
    assert code not in codes_of(findings(silent, VISIT))


def test_an_ordinary_coding_has_nothing_to_remark():
    """KL-02, KL-03."""
    assert findings(coded(ANXIETY, icd("F321"), procedures=[KBT]), VISIT) == []


def test_the_sentences_say_what_is_wrong_and_what_to_do():
    """VH-24, KL-06."""
    found = findings(coded(icd("B956", may_be_main=False)), VISIT)
    assert found == [
        Finding(
            Severity.ERROR,
            "not_main",
            "KL-06",
            "B95.6 får inte vara huvuddiagnos. Sätt en annan diagnos först.",
            "B956",
            check="R08a",
            source="ICD-10-SE, härlett ur antalet märkta avsnitt och kategorier",
        )
    ]
    assert found[0].evidence == "derived"


def test_errors_come_first_then_warnings_then_hints():
    found = findings(coded(icd("R104"), icd("K802"), icd("K802"), icd("F415", is_known=False)), VISIT)
    assert [str(finding.severity) for finding in found] == ["error", "warning", "hint"]


def test_a_code_of_chapter_20_is_never_the_main_diagnosis():
    """KL-02."""
    assert codes_of(findings(coded(FALL), VISIT)) == ["not_main"]


def test_a_fracture_without_its_fifth_position_is_a_warning_and_a_letter_extension_a_hint():
    assert the(findings(coded(icd("S525", is_leaf=False)), VISIT), "more_detail").severity == "warning"
    assert the(findings(coded(icd("F438", is_leaf=False)), VISIT), "more_detail").severity == "hint"


def test_an_external_cause_among_the_diagnoses_is_misplaced_but_not_missing():
    """KL-03."""
    assert codes_of(findings(coded(FRACTURE, FALL), VISIT)) == ["external_cause_misplaced"]


def test_an_injury_asks_for_an_external_cause_wherever_it_stands_and_once():
    """KL-03: one cause explains the injuries of a contact."""
    assert codes_of(findings(coded(ANXIETY, FRACTURE), VISIT)) == ["missing_external_cause"]
    assert codes_of(findings(coded(FRACTURE, icd("S5251")), VISIT)) == ["missing_external_cause"]
    assert codes_of(findings(coded(replace(FRACTURE, external_causes=(FALL,)), icd("S5251")), VISIT)) == []


def test_a_sex_that_the_register_does_not_tell_is_not_judged():
    only_men = coded(icd("N409", sex="1"))
    assert codes_of(findings(only_men, VISIT)) == ["sex"]
    assert codes_of(findings(only_men, MAN)) == []
    assert codes_of(findings(only_men, replace(VISIT, patient_sex="0"))) == []


def test_procedures_are_kva_or_regional():
    """KL-03, DI-05: UW040 stands beside KVÅ as a regional code."""
    regional = coded(ANXIETY, procedures=[Entry(REGIONAL, "UW040", "UW040")])
    assert findings(regional, VISIT) == []
    wrong = the(findings(coded(ANXIETY, procedures=[PARACETAMOL]), VISIT), "wrong_system")
    assert (wrong.severity, wrong.rule) == ("error", "KL-03")


def test_the_code_for_primary_care_is_not_used_in_specialised_care():
    entries = coded(ANXIETY, procedures=[KBT, kva("ZV050")])
    assert codes_of(findings(entries, SPECIALIST)) == ["primary_care_code"]
    assert codes_of(findings(entries, VISIT)) == []


def test_the_code_for_unplanned_admission_belongs_to_the_visit_before():
    entries = coded(ANXIETY, procedures=[KBT, kva("XS100")])
    assert codes_of(findings(entries, INPATIENT)) == ["admission_code"]
    assert codes_of(findings(entries, VISIT)) == []


def test_codes_for_coercion_follow_the_age():
    adult, minor = coded(ANXIETY, procedures=[kva("XU000")]), coded(ANXIETY, procedures=[kva("XU007")])
    assert codes_of(findings(adult, CHILD)) == ["coercion_age"]
    assert codes_of(findings(minor, CHILD)) == []
    assert codes_of(findings(minor, replace(VISIT, patient_age=None))) == []


def test_an_interpreter_is_registered_and_needs_no_code():
    """PS-04: ZV020 is derived from the registration; typed without it, one of the two is wrong."""
    with_interpreter = replace(VISIT, interpreter_used=True)
    assert codes_of(findings(coded(ANXIETY, procedures=[KBT]), with_interpreter)) == []
    assert codes_of(findings(coded(ANXIETY, procedures=[KBT, kva("ZV020")]), with_interpreter)) == []
    assert codes_of(findings(coded(ANXIETY, procedures=[KBT, kva("ZV020")]), VISIT)) == ["interpreter_not_registered"]


def test_a_code_without_a_note_in_the_record_is_a_warning():
    """KL-06."""
    undocumented = replace(VISIT, has_note=False)
    found = findings(coded(ANXIETY), undocumented)
    assert [(finding.code, finding.severity) for finding in found] == [("no_note", "warning")]
    assert codes_of(findings(coded(), replace(LETTER, has_note=False))) == []


def test_contacts_that_neither_are_nor_replace_a_visit_need_no_main_diagnosis():
    """KL-01."""
    assert not requires_main_diagnosis(LETTER)
    assert requires_main_diagnosis(CALL)
    assert requires_main_diagnosis(VISIT)
    assert codes_of(findings(coded(), LETTER)) == []
    assert codes_of(findings(coded(), CALL)) == ["missing_main_diagnosis"]


# --- Whether the contact may be coded -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "type_code",
    [
        "annullerad", "utebliven-bokad-kontakt", "admin", "foster", "historisk",
        "dold-forhandsregistrerad-oppenvardskontakt", "forhandsregistrerad-oppenvardskontakt",
        "forhandsregistrerad-diagnostisk-kontakt", "forhandsregistrerad-inskrivning",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", ["planned", "in_progress", "checked_out", "ended"])
def test_what_is_not_reported_is_never_coded(type_code, status):
    """VH-20."""
    refused = refusal(TYPES[type_code], status)
    assert (refused.rule, refused.sentence) == (
        "VH-20",
        f"{TYPES[type_code].name} klassificeras inte. Klassificera den kontakt som ägde rum.",
    )


@pytest.mark.parametrize("type_code", ["primarvard", "specialiserad-oppenvard", "akutsjukvard", "nyfodd", "slutenvard"])
def test_codes_may_be_entered_from_check_out_on(type_code):
    """KL-01."""
    row = TYPES[type_code]
    assert refusal(row, "in_progress").rule == "KL-01"
    assert refusal(row, "checked_out") is None
    assert refusal(row, "ended") is None


def test_the_refusal_before_check_out_says_the_way_on():
    """KL-01, PL-07."""
    assert refusal(TYPES["specialiserad-oppenvard"], "in_progress").sentence == (
        "Koder skrivs in från utcheckningen; kontakten är pågående. Checka ut besöket först."
    )
    assert refusal(TYPES["slutenvard"], "in_progress").sentence == (
        "Koder skrivs in från utcheckningen; kontakten är pågående. Skriv ut patienten först."
    )


def test_klar_requires_the_end_and_no_errors_but_warnings_do_not_block():
    """KL-01, KL-06."""
    error = findings(coded(icd("F41", is_registrable=False)), VISIT)
    warning = findings(coded(icd("U099")), VISIT)
    assert [str(finding.severity) for finding in warning] == ["warning"]
    assert completion_refusal("checked_out", []).code == "not_ended"
    assert completion_refusal("checked_out", []).rule == "KL-01"
    refused = completion_refusal("ended", error)
    assert (refused.rule, refused.code) == ("KL-06", "coding_errors")
    assert refused.sentence == (
        "Klassificeringen kan inte göras klar: F41 är en rubrik och kan inte registreras. Välj en kod under den."
    )
    assert completion_refusal("ended", warning) is None
    assert completion_refusal("ended", []) is None


def test_a_code_that_no_release_holds_is_refused():
    """KL-05."""
    refused = unknown_refusal(findings(coded(icd("F415", is_known=False)), VISIT))
    assert (refused.rule, refused.sentence) == ("KL-05", "Koden F41.5 finns inte i ICD-10-SE. Sök fram rätt kod.")
    assert unknown_refusal(findings(coded(ANXIETY), VISIT)) is None
