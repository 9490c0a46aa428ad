"""Coding a contact: what is saved, what is refused, how it is traced and taken back (KL-01…KL-06, VH-20, VH-21)."""

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from classification import presenters
from classification.actions import coding as actions
from classification.actions.releases import ReleaseFacts, load_release
from classification.judging import coding_date, normalise
from classification.models import (
    Code,
    CodedDiagnosis,
    CodedProcedure,
    CodedSubstance,
    CodeRelease,
    CodingHistory,
    EncounterCoding,
)
from registration.models import Encounter, EncounterDocument
from sdv.accounts.models import User
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.models import ChangeLogEntry
from sdv.outbox.models import OutboxMessage

from .conftest import END, NINE, NOW, STOCKHOLM, make_unit

pytestmark = pytest.mark.usefixtures("starter_codes")

ANXIETY, DEPRESSION = {"code": "F41.1"}, {"code": "F321"}
KBT = {"system": "kva", "code": "DU011"}


@pytest.fixture
def save(coder):
    """Saves a coding of the contact, by the coder, now."""

    def saver(encounter, diagnoses=(ANXIETY,), procedures=(), atc=(), complete=False, by=coder, at=NOW, version=None):
        return actions.save_coding(
            encounter_id=encounter.pk,
            diagnoses=diagnoses,
            procedures=procedures,
            atc=atc,
            complete=complete,
            by=by,
            at=at,
            version=version,
        )

    return saver


@pytest.fixture
def documented():
    def document(encounter):
        EncounterDocument.objects.create(encounter=encounter, kind="besöksanteckning", external_id="1")
        return encounter

    return document


def codes_of(saved):
    return [finding.code for finding in saved.findings]


def diagnoses_of(encounter):
    rows = CodedDiagnosis.objects.filter(coding__encounter=encounter).order_by("position")
    return [(row.position, row.code.code) for row in rows]


def refused(rule, call, *args, **kwargs):
    """The refusal of the call, which has changed nothing."""
    before = written()
    with pytest.raises(RuleError) as refusal:
        call(*args, **kwargs)
    assert refusal.value.rule == rule
    assert written() == before
    return refusal.value


def written():
    """All that a coding writes."""
    return (
        list(EncounterCoding.objects.order_by("pk").values()),
        list(CodedDiagnosis.objects.order_by("pk").values()),
        list(CodedProcedure.objects.order_by("pk").values()),
        list(CodedSubstance.objects.order_by("pk").values()),
        list(Encounter.objects.order_by("pk").values("is_coded", "version")),
        CodingHistory.objects.count(),
    )


# --- Saving -----------------------------------------------------------------------------------------------------


def test_the_first_diagnosis_is_the_main_one_and_the_order_is_kept(make_contact, save, coder):
    """KL-02."""
    contact = make_contact()
    saved = save(
        contact, [ANXIETY, DEPRESSION, {"code": "f 10.2"}], [KBT, {"code": "ZV020", "date": date(2026, 11, 20)}]
    )
    assert diagnoses_of(contact) == [(1, "F411"), (2, "F321"), (3, "F102")]
    assert [(row.position, row.code.code, row.date) for row in CodedProcedure.objects.order_by("position")] == [
        (1, "DU011", None),
        (2, "ZV020", date(2026, 11, 20)),
    ]
    assert saved.coding.version == 1
    assert not saved.coding.is_complete
    assert (saved.coding.completed_at, saved.coding.completed_by) == (None, None)


def test_external_causes_and_atc_hang_where_they_belong(make_contact, save):
    """KL-03: the cause under its diagnosis, ATC under its diagnosis or procedure, or on the contact."""
    contact = make_contact()
    save(
        contact,
        [{"code": "S52.50", "external_causes": ["W01.01", "Y57.9"], "atc": ["N02BE01"]}],
        [{"code": "DT030", "atc": ["J07BB02", "N02AA01"]}],
        ["B01AF02"],
    )
    diagnosis = CodedDiagnosis.objects.get()
    assert [(row.position, row.code.display) for row in diagnosis.external_causes.all()] == [
        (1, "W01.01"),
        (2, "Y57.9"),
    ]
    assert [row.code.code for row in diagnosis.atc.all()] == ["N02BE01"]
    assert [row.code.code for row in CodedProcedure.objects.get().atc.all()] == ["J07BB02", "N02AA01"]
    assert [row.code.code for row in EncounterCoding.objects.get().atc.all()] == ["B01AF02"]


def test_klar_says_who_and_when_and_takes_the_contact_off_the_list(make_contact, save, coder, care_unit):
    """KL-01, KL-06."""
    contact = make_contact()
    assert list(care_unit.encounters.to_code()) == [contact]
    saved = save(contact, complete=True, at=NOW + timedelta(seconds=40))
    assert (saved.coding.is_complete, saved.coding.completed_at, saved.coding.completed_by) == (True, NOW, coder)
    contact.refresh_from_db()
    assert (contact.is_coded, contact.version) == (True, 2)
    assert list(care_unit.encounters.to_code()) == []


def test_a_coding_that_is_no_longer_klar_puts_the_contact_back_on_the_list(make_contact, save, care_unit):
    """VH-21."""
    contact = make_contact()
    save(contact, complete=True)
    saved = save(contact, [DEPRESSION], complete=False)
    assert (saved.coding.is_complete, saved.coding.completed_at, saved.coding.completed_by) == (False, None, None)
    contact.refresh_from_db()
    assert (contact.is_coded, contact.version) == (False, 3)
    assert list(care_unit.encounters.to_code()) == [contact]


def test_who_completed_it_stays_when_codes_are_changed_afterwards(make_contact, save, coder):
    """VH-21."""
    contact = make_contact()
    other = User.objects.create(username="annan", name="Arne Annan")
    save(contact, complete=True)
    saved = save(contact, [DEPRESSION], complete=True, by=other, at=NOW + timedelta(days=1))
    assert (saved.coding.completed_by, saved.coding.completed_at) == (coder, NOW)
    assert saved.coding.history.last().by == other


def test_the_same_codes_once_more_change_nothing_and_say_nothing(make_contact, save):
    """PL-27: one's own repeated click."""
    contact = make_contact()
    save(contact, [ANXIETY, DEPRESSION], [KBT], complete=True)
    before = written()
    again = save(
        contact, [{"code": "F411"}, {"code": "F32.1", "system": "icd-10-se"}], [{"code": "DU011"}], complete=True
    )
    assert written() == before
    assert again.coding.version == 1


def test_the_title_is_kept_as_it_was_when_the_code_was_chosen(make_contact, save):
    """KL-05: titles change while codes stay."""
    contact = make_contact()
    save(contact)
    Code.objects.filter(code="F411").update(title="Ett nytt namn")
    assert presenters.coding(actions.read(contact))["diagnoses"][0]["text"] == "Generaliserat ångestsyndrom"


def test_saving_again_leaves_the_titles_of_what_stood_there(make_contact, save):
    """KL-05: a correction beside an old code does not rename it; what is new has the title of today."""
    contact = make_contact()
    save(
        contact,
        [{"code": "S5250", "external_causes": ["W0101"], "atc": ["N02BE01"]}],
        [{"code": "DU011", "atc": ["N02BE01"]}],
        ["N02BE01"],
        complete=True,
    )
    before = actions.chosen_titles(actions.coding_of(contact))
    assert len(before) == 4
    Code.objects.update(title="Ett nytt namn")
    save(
        contact,
        [{"code": "F411"}, {"code": "S5250", "external_causes": ["W0101"], "atc": ["N02BE01"]}],
        [{"code": "DU011", "atc": ["N02BE01"]}],
        ["N02BE01"],
        complete=True,
    )
    after = actions.chosen_titles(actions.coding_of(contact))
    new = Code.objects.get(code="F411", system="icd-10-se").pk
    assert after == before | {new: "Ett nytt namn"}


def test_a_contact_that_never_was_coded_reads_as_an_empty_coding(make_contact):
    shown = presenters.coding(actions.read(make_contact()))
    assert (shown["version"], shown["complete"], shown["diagnoses"], shown["procedures"], shown["atc"]) == (
        0, False, [], [], [],
    )  # fmt: skip
    assert [finding["code"] for finding in shown["findings"]] == ["missing_main_diagnosis"]
    assert EncounterCoding.objects.count() == 0


def test_a_coding_is_shown_whole_with_its_findings(make_contact, save, documented):
    contact = documented(make_contact())
    saved = save(contact, [{"code": "S5250", "external_causes": ["W0101"]}], [KBT], ["N02BE01"], complete=True)
    assert presenters.coding(saved) == {
        "encounter": str(contact.pk),
        "version": 1,
        "complete": True,
        "completed_at": NOW,
        "completed_by": "Karin Kod",
        "diagnoses": [
            {
                "code": "S5250", "display": "S52.50", "text": "Fraktur på nedre delen av radius - sluten",
                "system": "icd-10-se", "atc": [],
                "external_causes": [
                    {
                        "code": "W0101", "display": "W01.01", "system": "icd-10-se",
                        "text": "Fall i samma plan genom halkning, snavning eller snubbling - bostad och bostadsområde"
                        " - lek och annan fritidsverksamhet",
                    }
                ],
            }
        ],
        "procedures": [
            {
                "code": "DU011", "display": "DU011", "text": "Kognitiv beteendeterapi (KBT)", "system": "kva",
                "date": None, "atc": [],
            }
        ],
        "atc": [{"code": "N02BE01", "display": "N02BE01", "text": "Paracetamol", "system": "atc"}],
        "findings": [],
    }  # fmt: skip


def test_a_regional_code_stands_beside_kva(make_contact, save, documented):
    """DI-05: part of a Stöd- och behandlingsprogram."""
    contact = documented(make_contact("kontakt-utan-besok", replaces_visit=True))
    saved = save(contact, procedures=[{"system": "regional", "code": "UW040"}], complete=True)
    assert codes_of(saved) == []
    assert CodedProcedure.objects.get().code.system_id == "regional"


# --- Refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_code", ["annullerad", "utebliven-bokad-kontakt", "forhandsregistrerad-inskrivning"])
def test_what_is_not_reported_is_not_coded(type_code, make_contact, save):
    """VH-20."""
    refused("VH-20", save, make_contact(type_code))


def test_codes_are_entered_from_check_out_on(make_contact, save):
    """KL-01."""
    refusal = refused("KL-01", save, make_contact("specialiserad-oppenvard", status="in_progress"))
    assert refusal.sentence.endswith("Checka ut besöket först.")
    saved = save(make_contact("specialiserad-oppenvard", status="checked_out"))
    assert not saved.coding.is_complete


def test_klar_requires_the_end(make_contact, save):
    """KL-01."""
    contact = make_contact("specialiserad-oppenvard", status="checked_out")
    assert refused("KL-01", save, contact, complete=True).code == "not_ended"
    save(contact)
    Encounter.objects.filter(pk=contact.pk).update(status="ended", end=END)
    assert save(contact, complete=True).coding.is_complete


def test_errors_block_klar_but_not_saving(make_contact, save):
    """KL-06."""
    contact = make_contact()
    refusal = refused("KL-06", save, contact, [{"code": "W0101"}], complete=True)
    assert refusal.sentence == (
        "Klassificeringen kan inte göras klar: W01.01 får inte vara huvuddiagnos. Sätt en annan diagnos först."
    )
    assert "not_main" in codes_of(save(contact, [{"code": "W0101"}]))


def test_warnings_do_not_block_klar(make_contact, save):
    """KL-06: no note in the record, and an additional code that stands first."""
    saved = save(make_contact(), [{"code": "U099"}], complete=True)
    assert codes_of(saved) == ["additional_code_as_main", "no_note"]
    assert saved.coding.is_complete


def test_a_code_that_no_release_holds_is_refused(make_contact, save):
    """KL-05."""
    refusal = refused("KL-05", save, make_contact(), [ANXIETY, {"code": "F41.5"}])
    assert (refusal.code, refusal.sentence) == ("unknown_code", "Koden F415 finns inte i ICD-10-SE. Sök fram rätt kod.")
    refused("KL-05", save, make_contact(), [ANXIETY], [{"code": "UW040"}])
    refused("KL-05", save, make_contact(), [ANXIETY], [{"system": "okänt", "code": "DU011"}])
    refused("KL-05", save, make_contact(), [{"code": "🙂"}])


def test_headings_derived_codes_and_primary_care_codes_are_errors(make_contact, save):
    """KL-02, KL-04, KL-06."""
    contact = make_contact()
    saved = save(contact, [{"code": "F41"}, {"system": "ksh97p", "code": "F419P"}], [{"code": "XS012"}])
    assert sorted(codes_of(saved)[:3]) == ["derived_code", "not_registrable", "wrong_system"]


def test_the_sex_of_the_patient_is_a_warning(make_contact, save, documented):
    """KL-06."""
    assert codes_of(save(documented(make_contact(sex="2")), [{"code": "N409"}])) == ["sex"]
    assert codes_of(save(documented(make_contact(sex="1")), [{"code": "N409"}], by=User.objects.get())) == []


# --- The release valid on the day -----------------------------------------------------------------------------


def test_a_contact_is_coded_with_what_was_valid_at_its_end(make_contact, save, documented):
    """KL-05: a contact over New Year is coded by the year of its end."""
    CodeRelease.objects.filter(system="icd-10-se").update(valid_to=date(2025, 12, 31))
    new = {
        "code": "F411", "display": "F41.1", "title": "Nyår", "level": "subcategory", "parent": "",
        "is_registrable": "1", "is_leaf": "1", "may_be_main": "1", "is_external_cause": "0", "mark": "", "sex": "",
    }  # fmt: skip
    load_release(ReleaseFacts("icd-10-se", "2026", date(2026, 1, 1), "övning"), [new])
    start = datetime(2025, 12, 31, 20, 0, tzinfo=STOCKHOLM)
    over_new_year = make_contact("slutenvard", start=start, end=datetime(2026, 1, 1, 0, 10, tzinfo=STOCKHOLM))
    before = make_contact("slutenvard", start=start, end=datetime(2025, 12, 31, 23, 59, tzinfo=STOCKHOLM))
    going_on = make_contact("specialiserad-oppenvard", status="checked_out", start=start)
    assert (coding_date(over_new_year), coding_date(before), coding_date(going_on)) == (
        date(2026, 1, 1), date(2025, 12, 31), date(2025, 12, 31),
    )  # fmt: skip
    titles = []
    for contact in (over_new_year, before, going_on):
        save(documented(contact) if contact == over_new_year else contact)
        titles.append(CodedDiagnosis.objects.get(coding__encounter=contact).title)
    assert titles == ["Nyår", "Generaliserat ångestsyndrom", "Generaliserat ångestsyndrom"]


def test_a_code_that_was_not_valid_that_day_is_saved_with_an_error(make_contact, save):
    """KL-05."""
    Code.objects.filter(code="F411").update(valid_to=date(2026, 6, 30))
    contact = make_contact()
    saved = save(contact)
    assert codes_of(saved)[0] == "not_valid_on_date"
    assert saved.findings[0].detail == "F41.1 gällde inte 2026-11-20. Välj den kod som gällde den dagen."
    refused("KL-06", save, contact, complete=True)


# --- Trace and undo ---------------------------------------------------------------------------------------------


def test_every_change_is_traced_with_who_when_before_and_after(make_contact, save, coder):
    """VH-21."""
    contact = make_contact()
    save(contact, [ANXIETY], complete=True)
    save(contact, [DEPRESSION, ANXIETY], [KBT], complete=True, at=NOW + timedelta(hours=1))
    first, second = contact.coding.history.order_by("id")
    assert (first.by, first.at, first.move) == (coder, NOW, "save")
    assert [row["code"] for row in first.after["diagnoses"]] == ["F411"]
    assert first.before == {"diagnoses": [], "procedures": [], "atc": [], "complete": False}
    assert second.before == first.after
    shown = presenters.history(second)
    assert (shown["added"], shown["removed"], shown["complete"]) == (
        ["F32.1 Medelsvår depressiv episod", "DU011 Kognitiv beteendeterapi (KBT)"], [], True,
    )  # fmt: skip
    assert shown["text"] == "Klassificering sparad"
    assert shown["main"] == "F41.1 → F32.1"


def test_a_correction_of_what_was_klar_is_told_again_and_a_draft_is_not(make_contact, save, coder):
    """VH-21, VH-20: after the end, when klar and at each correction or undo after that; never twice for the same codes."""

    def told():
        return list(OutboxMessage.objects.filter(subject_id=contact.pk).values_list("topic", flat=True))

    contact = make_contact()
    save(contact, [ANXIETY])
    assert told() == []
    save(contact, [ANXIETY], complete=True)
    assert told() == ["encounter-changed"]
    save(contact, [ANXIETY], complete=True)
    assert told() == ["encounter-changed"]
    save(contact, [DEPRESSION], complete=True)
    actions.undo(encounter_id=contact.pk, by=coder, at=NOW)
    assert told() == ["encounter-changed"] * 3
    contact.refresh_from_db()
    message = OutboxMessage.objects.filter(subject_id=contact.pk).latest("id")
    assert message.payload == {"encounter_type": "primarvard", "version": contact.version}
    assert message.patient_id == contact.patient_id
    actions.reopen(encounter_id=contact.pk, by=coder, at=NOW)
    assert len(told()) == 3
    early = make_contact(status="checked_out")
    save(early, [ANXIETY])
    assert not OutboxMessage.objects.filter(subject_id=early.pk).exists()


def test_history_is_never_changed_or_deleted(make_contact, save):
    """VH-21."""
    save(make_contact())
    for change in (lambda: CodingHistory.objects.update(move="undo"), lambda: CodingHistory.objects.all().delete()):
        with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
            change()
    assert CodingHistory.objects.get().move == "save"


def test_the_change_log_tells_of_every_table(make_contact, save):
    """VH-21."""
    save(make_contact(), [{"code": "S5250", "external_causes": ["W0101"]}], [KBT], ["N02BE01"])
    tables = set(
        ChangeLogEntry.objects.filter(table_name__startswith="classification_").values_list("table_name", flat=True)
    )
    assert tables >= {
        "classification_encountercoding", "classification_codeddiagnosis", "classification_codedexternalcause",
        "classification_codedprocedure", "classification_codedsubstance",
    }  # fmt: skip


def test_undo_restores_exactly_what_stood_before_the_last_save(make_contact, save, coder):
    """PL-13."""
    contact = make_contact()
    save(contact, [{"code": "S5250", "external_causes": ["W0101"], "atc": ["N02BE01"]}], [{"code": "DT030", "atc": ["J07BB02"]}],
         ["B01AF02"], complete=True)  # fmt: skip
    stood = presenters.coding(actions.read(contact))
    save(contact, [ANXIETY], complete=False)
    undone = actions.undo(encounter_id=contact.pk, by=coder, at=NOW)
    shown = presenters.coding(undone)
    assert {key: shown[key] for key in ("diagnoses", "procedures", "atc", "complete", "findings")} == {
        key: stood[key] for key in ("diagnoses", "procedures", "atc", "complete", "findings")
    }
    assert shown["version"] == 3
    contact.refresh_from_db()
    assert contact.is_coded
    last = contact.coding.history.last()
    assert (last.move, last.by) == ("undo", coder)


def test_undo_of_the_first_save_leaves_an_empty_coding(make_contact, save, coder, care_unit):
    contact = make_contact()
    save(contact, complete=True)
    actions.undo(encounter_id=contact.pk, by=coder, at=NOW)
    assert diagnoses_of(contact) == []
    assert list(care_unit.encounters.to_code()) == [contact]


def test_an_undo_is_not_undone_and_nothing_is_undone_twice(make_contact, save, coder):
    """PL-13."""
    contact = make_contact()
    refused("PL-13", actions.undo, encounter_id=contact.pk, by=coder, at=NOW)
    save(contact)
    actions.undo(encounter_id=contact.pk, by=coder, at=NOW)
    refusal = refused("PL-13", actions.undo, encounter_id=contact.pk, by=coder, at=NOW)
    assert refusal.sentence == "Det finns ingen sparad klassificering att ångra. Ändra koderna och spara i stället."


def test_undo_does_not_make_a_contact_klar_that_has_been_opened_since(make_contact, save, coder):
    """KL-01, PL-13."""
    contact = make_contact("specialiserad-oppenvard")
    save(contact, complete=True)
    save(contact, [DEPRESSION], complete=False)
    Encounter.objects.filter(pk=contact.pk).update(status="checked_out", end=None)
    undone = actions.undo(encounter_id=contact.pk, by=coder, at=NOW)
    assert not undone.coding.is_complete
    assert diagnoses_of(contact) == [(1, "F411")]


def test_a_contact_that_is_opened_again_is_no_longer_klar_but_keeps_its_codes(make_contact, save, coder):
    """PL-13, VH-21."""
    contact = make_contact()
    save(contact, complete=True)
    reopened = actions.reopen(encounter_id=contact.pk, by=coder, at=NOW)
    assert not reopened.coding.is_complete
    assert diagnoses_of(contact) == [(1, "F411")]
    contact.refresh_from_db()
    assert not contact.is_coded
    before = written()
    actions.reopen(encounter_id=contact.pk, by=coder, at=NOW)
    assert written() == before


@pytest.mark.parametrize("broken", ["history", "rows"])
def test_nothing_is_saved_when_a_part_of_it_fails(broken, make_contact, save, monkeypatch):
    contact = make_contact()
    save(contact)
    before = written()

    def fail(*args, **kwargs):
        raise RuntimeError("avbrott")

    if broken == "history":
        monkeypatch.setattr(CodingHistory, "save", fail)
    else:
        monkeypatch.setattr(actions.CodedSubstance.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        save(contact, [DEPRESSION], complete=True)
    assert written() == before


# --- Versions -----------------------------------------------------------------------------------------------------


def test_a_stale_version_changes_nothing(make_contact, save, coder):
    """PL-27."""
    contact = make_contact()
    save(contact, version=0)
    before = written()
    for call in (
        lambda: save(contact, [DEPRESSION], version=0),
        lambda: actions.undo(encounter_id=contact.pk, by=coder, at=NOW, version=2),
    ):
        with pytest.raises(StaleVersion) as stale:
            call()
        assert stale.value.current == 1
    assert written() == before
    assert save(contact, [DEPRESSION], version=1).coding.version == 2


# --- What PostgreSQL promises -------------------------------------------------------------------------------------


def test_two_codes_never_have_the_same_place(make_contact, save):
    save(make_contact(), [ANXIETY, DEPRESSION])
    with pytest.raises(IntegrityError, match="diagnosis_position_once"), transaction.atomic():
        CodedDiagnosis.objects.update(position=1)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_places_can_be_exchanged_within_a_transaction(make_contact, save):
    contact = make_contact()
    save(contact, [ANXIETY, DEPRESSION])
    with transaction.atomic():
        for row in CodedDiagnosis.objects.all():
            CodedDiagnosis.objects.filter(pk=row.pk).update(position=3 - row.position)
    assert diagnoses_of(contact) == [(1, "F321"), (2, "F411")]


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("diagnosis_position_from_one", lambda coding: CodedDiagnosis.objects.update(position=0)),
        ("coding_complete_says_who_and_when", lambda coding: EncounterCoding.objects.update(is_complete=True)),
        ("coding_complete_says_who_and_when", lambda coding: EncounterCoding.objects.update(completed_at=NOW)),
        (
            "substance_belongs_to_one",
            lambda coding: CodedSubstance.objects.update(diagnosis=CodedDiagnosis.objects.get()),
        ),
        ("substance_belongs_to_one", lambda coding: CodedSubstance.objects.update(coding=None)),
        (
            "substance_once_by_coding",
            lambda coding: CodedSubstance.objects.create(
                coding=coding, position=1, code=Code.objects.get(code="N02BE01"), title="x"
            ),
        ),
    ],
)
def test_what_cannot_be_is_refused_by_the_database(constraint, change, make_contact, save):
    saved = save(make_contact(), atc=["N02BE01"])
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        change(saved.coding)


# --- The work list ------------------------------------------------------------------------------------------------


def test_the_list_holds_what_has_ended_is_reported_and_not_klar(make_contact, save, care_unit):
    """KL-01, VH-20: work list Klassificering."""
    early = make_contact(start=NINE - timedelta(days=2), end=END - timedelta(days=2))
    late = make_contact()
    save(late, complete=False)
    save(make_contact(), complete=True)
    make_contact("specialiserad-oppenvard", status="checked_out")
    make_contact("annullerad")
    make_contact("utebliven-bokad-kontakt")
    make_contact(unit=make_unit("SE2321000131-E000000000002", "Annan enhet"))
    assert list(care_unit.encounters.to_code().order_by("end", "id")) == [early, late]


def test_the_list_is_read_by_its_index_whatever_the_history(make_contact, care_unit):
    make_contact()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = care_unit.encounters.to_code().order_by("end", "id")[:50].explain()
    assert "encounter_to_code" in plan
    assert "Sort" not in plan


def test_a_coding_is_read_in_few_queries_however_many_codes(make_contact, save, django_assert_num_queries):
    contact = make_contact()
    save(
        contact,
        [
            {"code": code, "external_causes": ["W0101"], "atc": ["N02BE01"]}
            for code in ("S5250", "S5251", "S600", "S610")
        ],
        [{"code": code, "atc": ["N02BE01"]} for code in ("DU011", "DT030", "ZV020")],
    )
    contact = Encounter.objects.select_related("patient").get(pk=contact.pk)
    with django_assert_num_queries(11):
        presenters.coding(actions.read(contact))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("f41.1", "F411"), (" F 41.1 ", "F411"), ("du011", "DU011"), ("A02-P", "A02-P"), ("F41\x001", "F411")],
)
def test_a_code_is_stored_without_dot_and_space(typed, stored):
    assert normalise(typed) == stored
