"""Which registration a contact at a distance gets, and what may not be registered so (DI-01…07, DI-09)."""

import csv
from dataclasses import replace

import pytest

from registration import distance_contacts
from registration.actions import encounters
from registration.distance_contacts import Answers, Result, advise, asked, next_question
from registration.lifecycle import is_reported
from registration.models import Encounter, PatientHistory
from registration.type_choice import CONTACT_WITHOUT_VISIT, DROP_IN
from sdv.common.errors import RuleError
from sdv.desk.jobs import auto_discharge
from sdv.outbox.models import OutboxMessage
from tests import factories
from tests.clinic import DAY, NOW, Clinic

WITH_PATIENT = Answers(who="patient", way="phone", in_programme=False, replaces_visit=False, led_to_visit=False)
VISIT = replace(WITH_PATIENT, replaces_visit=True, led_to_visit=None, is_documented=True)
REGISTER, NOTHING, NOTE, TRIAGE = Result.REGISTER, Result.NOTHING, Result.NOTE_FIRST, Result.TRIAGE

# answers, result, PASiS, form and fact registered here, rule
TABLE = {
    "video som ersätter besök": (replace(VISIT, way="video"), REGISTER, "VK", "video", True, "DI-02"),
    "telefon som ersätter besök": (VISIT, REGISTER, "KT", "phone", True, "DI-02"),
    "text som ersätter besök": (replace(VISIT, way="text"), REGISTER, "KB", "text", True, "DI-02"),
    "video som inte ersätter": (replace(WITH_PATIENT, way="video"), REGISTER, "TE", "video", False, "DI-01"),
    "telefonsamtal": (WITH_PATIENT, REGISTER, "TE", "phone", False, "DI-01"),
    "text som inte ersätter": (replace(WITH_PATIENT, way="text"), REGISTER, "BR", "text", False, "DI-01"),
    "legal företrädare som patienten": (replace(VISIT, who="legal"), REGISTER, "KT", "phone", True, "DI-02"),
    "ombud ersätter aldrig besök": (replace(WITH_PATIENT, who="ombud"), REGISTER, "TE", "phone", False, "DI-02"),
    "ombud som säger att besök ersätts": (
        replace(WITH_PATIENT, who="ombud", replaces_visit=True), REGISTER, "TE", "phone", False, "DI-02",
    ),
    "triage före besök samma dag": (
        replace(WITH_PATIENT, led_to_visit=True), TRIAGE, "Triage före annat besök", "", None, "DI-06",
    ),
    "mellan personal": (Answers(who="personal"), REGISTER, "KO (om registrering görs)", "staff", False, "DI-07"),
    "ingen kontakt": (Answers(who="ingen"), NOTHING, "", "", None, "DI-01"),
    "ersätter besök utan anteckning": (replace(VISIT, is_documented=False), NOTE, "", "", None, "DI-04"),
    "program utan anteckning": (
        replace(WITH_PATIENT, in_programme=True, is_documented=False), NOTHING, "", "", None, "DI-04",
    ),
    "program som ersätter besök utan anteckning": (
        replace(VISIT, in_programme=True, is_documented=False), NOTE, "", "", None, "DI-04",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "result", "pasis", "form", "replaces", "rule"), TABLE.values(), ids=TABLE)
def test_answers_lead_to_the_registration_of_the_table(answers, result, pasis, form, replaces, rule):
    """DI-01, DI-02, DI-04, DI-06, DI-07, DI-09"""
    advice = advise(answers)
    assert (advice.result, advice.pasis, advice.contact_form, advice.replaces_visit, advice.rule) == (
        result, pasis, form, replaces, rule,
    )  # fmt: skip


def test_every_row_of_the_table_is_reached_by_some_answers():
    """DI-01: the table is the rule; a new row fails here until the guide leads to it."""
    with (distance_contacts.DATA / "distanskontakt_beslut.csv").open(encoding="utf-8", newline="") as lines:
        in_table = {row["pasis"] for row in csv.DictReader(lines, delimiter=";")}
    reached = {advise(answers).pasis for answers, *_ in TABLE.values()}
    without_registration = {"ingen registrering", "anteckning krävs"}
    assert in_table - without_registration == reached - {""}


@pytest.mark.parametrize("way", ["video", "phone", "text"])
@pytest.mark.parametrize("replaces", [True, False])
def test_a_programme_adds_uw040_also_where_no_visit_is_replaced(way, replaces):
    """DI-05"""
    answers = Answers(
        who="patient", way=way, in_programme=True, replaces_visit=replaces, is_documented=True, led_to_visit=None
    )
    advice = advise(answers)
    assert (advice.in_programme, advice.codes) == (True, ("UW040 Stöd- och behandlingsprogram",))
    assert advise(replace(answers, in_programme=False, led_to_visit=False)).codes == ()


def test_the_guide_never_shows_xs_codes():
    """DI-01"""
    assert not [answers for answers, *_ in TABLE.values() if "XS0" in str(advise(answers))]


def test_chat_alone_is_text_and_sound_alone_is_telephone():
    """DI-03: the choices say so where one chooses."""
    assert "chatt" in distance_contacts.Way.TEXT.label and "ljud" in distance_contacts.Way.PHONE.label
    assert "inloggning" in distance_contacts.Way.VIDEO.label


def test_only_what_is_needed_is_asked():
    """DI-09: contact with staff needs one answer, an ombud is not asked whether a visit is replaced."""
    assert asked(Answers(who="personal")) == ["who"]
    assert asked(Answers(who="ombud", way="text", in_programme=False)) == ["who", "way", "in_programme"]
    assert asked(WITH_PATIENT) == ["who", "way", "in_programme", "replaces_visit", "led_to_visit"]
    assert asked(VISIT) == ["who", "way", "in_programme", "replaces_visit", "is_documented"]
    assert (next_question(Answers(who="patient")), advise(Answers(who="patient"))) == ("way", None)


def test_every_conclusion_has_examples():
    """DI-09"""
    with (distance_contacts.DATA / "distanskontakt_exempel.csv").open(encoding="utf-8", newline="") as lines:
        conclusions = {row["slutsats"] for row in csv.DictReader(lines, delimiter=";")}
    shown = {example for answers, *_ in TABLE.values() for example in advise(answers).examples}
    assert not [each for each in conclusions if not set(distance_contacts.examples(each)) & shown]


# Each example of the instruction (DIS): what it is about, and the words by which the help has it, in its conclusion.
EXAMPLES = {
    "telefon-ersatter": [
        "förlänger sjukskrivningen", "Nya eller förändrade besvär", "Egna mätvärden", "Motiverande samtal",
        "ny eller ändrad behandlingsplan", "skrivit i ett stöd- och behandlingsprogram", "program passar och startar",
    ],
    "telefon-ersatter-inte": [
        "Förberedelser inför", "ber om förnyat recept", "hittar till", "vad läkaren heter", "tolk är bokad",
        "normalt provsvar", "vårdplanen gäller som förut",
    ],
    "triage": ["får en tid här samma dag"],
    "text-ersatter": [
        "Meddelande i 1177 med bedömning", "eget svar till patienten", "Egna mätvärden", "förlänger sjukskrivningen",
        "Recept förnyas skriftligt sedan nya", "agerar på svar i ett stöd- och behandlingsprogram",
        "ny eller ändrad behandlingsplan", "motiverande rådgivning",
    ],
    "text-ersatter-inte": [
        "utan att nya besvär bedöms", "fortsätter som planerat", "förbereder sig", "skriver och ber om förnyat recept",
        "Administrativt meddelande", "normalt provsvar", "Nästa modul", "kommentar besvaras kort",
    ],
    "personal": ["särskilt boende", "annan klinik eller en kollega", "skola eller socialtjänst"],
    "ingen": ["Prov tas", "skannas", "remiss", "epikris", "provsvar noteras", "kom inte", "handlingar sammanfattas"],
    "ingen-i-program": ["fyller i ett formulär", "informationsmöte", "Allmänna frågor", "Självhjälpsprogram"],
}  # fmt: skip


@pytest.mark.parametrize("conclusion", EXAMPLES)
def test_every_example_of_the_instruction_is_help_in_its_place(conclusion):
    """DI-09"""
    shown = distance_contacts.examples(conclusion)
    assert [words for words in EXAMPLES[conclusion] if not any(words in example for example in shown)] == []


# --- Registration -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clinic(db, catalogues):
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Öster")


def register(clinic, patient, **fields):
    fields = {"situation": CONTACT_WITHOUT_VISIT, "contact_form": "phone", "replaces_visit": False} | fields
    return encounters.register_unbooked(
        patient_id=patient.pk, care_unit=clinic.unit, by=clinic.nurse, at=NOW, contact_reason=clinic.reason, **fields
    )


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"contact_form": ""}, "DI-01"),
        ({"contact_form": "physical"}, "DI-01"),
        ({"replaces_visit": None}, "DI-01"),
        ({"contact_form": "staff", "replaces_visit": True}, "DI-07"),
        ({"contact_form": "staff", "in_programme": True}, "DI-07"),
    ],
)
def test_a_contact_that_the_table_does_not_have_is_refused_and_nothing_is_kept(clinic, fields, rule):
    patient = clinic.patient()
    before = PatientHistory.objects.count()
    with pytest.raises(RuleError) as refused:
        register(clinic, patient, **fields)
    assert (refused.value.rule, Encounter.objects.count(), PatientHistory.objects.count()) == (rule, 0, before)


def test_a_visit_is_no_part_of_a_programme(clinic):
    """DI-05"""
    with pytest.raises(RuleError) as refused:
        register(clinic, clinic.patient(), situation=DROP_IN, visit_type=clinic.nurse_visit, in_programme=True)
    assert (refused.value.rule, Encounter.objects.count()) == ("DI-05", 0)


def test_a_call_on_the_day_of_a_visit_at_the_unit_is_asked_about(clinic):
    """DI-06: a warning, for the call may have been about something else."""
    patient = clinic.patient()
    clinic.book(patient, NOW + DAY / 8)
    with pytest.raises(RuleError) as warned:
        register(clinic, patient)
    assert (warned.value.rule, warned.value.is_warning, Encounter.objects.count()) == ("DI-06", True, 1)
    assert "kl. 12.00" in warned.value.sentence
    assert register(clinic, patient, accept_warnings=("DI-06",)).type_id == "kontakt-utan-besok"


@pytest.mark.parametrize(
    "fields", [{"replaces_visit": True}, {"contact_form": "text"}, {"contact_form": "staff"}, {"another": True}]
)
def test_no_triage_where_it_replaces_a_visit_is_no_call_or_is_of_another_patient(clinic, fields):
    """DI-06"""
    patient = clinic.patient()
    clinic.book(clinic.patient() if fields.pop("another", False) else patient, NOW + DAY / 8)
    assert register(clinic, patient, **fields).status == "in_progress"


def test_contact_among_staff_is_ended_but_neither_coded_nor_told(clinic):
    """DI-07, VH-20"""
    among_staff = register(clinic, clinic.patient(), contact_form="staff")
    call = register(clinic, clinic.patient())
    auto_discharge(at=NOW + DAY)
    assert set(Encounter.objects.values_list("status", flat=True)) == {"ended"}
    assert list(Encounter.objects.to_code()) == [call]
    assert list(OutboxMessage.objects.values_list("subject_id", flat=True)) == [call.pk]
    assert (is_reported(among_staff.type_id, "staff"), is_reported(call.type_id, "phone")) == (False, True)


def test_the_fact_of_a_programme_is_kept(clinic):
    """DI-05"""
    assert register(clinic, clinic.patient(), in_programme=True).in_programme
    assert not register(clinic, factories.patient()).in_programme
