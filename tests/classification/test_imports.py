"""Imports take effect as a whole or not at all; what is seen is what is let into effect; what is coded stays (KL-05)."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from classification import starter
from classification.actions import coding, imports, progress, releases, writing
from classification.actions.releases import ReleaseFacts
from classification.importing.errors import CatalogueError
from classification.judging import resolved
from classification.models import (
    Code,
    CodedDiagnosis,
    CodeImport,
    CodeImportFile,
    CodeRelation,
    CodeRelease,
    CodeSynonym,
    CodeSystem,
    CodeWord,
    ImportState,
)
from sdv.common.errors import RuleError
from tests.full_lists import file as full
from tests.full_lists import with_full_lists
from tests.races.together import together

from . import official_files as official
from .conftest import NOW

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
# One import waits for the other as long as it takes.
_LONG = timedelta(seconds=20)
YEAR = ReleaseFacts("icd-10-se", "2026", date(2026, 1, 1), "övning")
NEXT = ReleaseFacts("icd-10-se", "2027", date(2027, 1, 1), "övning")
MODELS = (CodeSystem, CodeRelease, Code, CodeSynonym, CodeRelation, CodeWord, CodeImport, CodeImportFile)
pytestmark = pytest.mark.django_db


def everything():
    return {model: sorted(model.objects.values_list(), key=str) for model in MODELS}


def codes():
    found = everything()
    return {model: rows for model, rows in found.items() if model not in (CodeImport, CodeImportFile)}


def bring(facts=YEAR, *files, by=None, at=AT, **more):
    return imports.import_now(facts=facts, files=files or [official.icd()], by=by, at=at, **more)


def without(code):
    return [row for row in official.ICD_ROWS if row["Kod"] != code]


def retitled(code, title):
    return [row | {"Titel": title} if row["Kod"] == code and row["Titel"] else row for row in official.ICD_ROWS]


# --- Once, again, and never half --------------------------------------------------------------------------------------


def test_an_import_is_ready_and_leaves_a_record(coder):
    loaded, report = bring(by=coder)
    release = CodeRelease.objects.get()
    assert (loaded.codes, loaded.new, release.state, release.valid_to) == (16, 16, "ready", None)
    assert report["counts"] == {"added": 16, "changed": 0, "ended": 0, "same": 0}
    kept = CodeImport.objects.get()
    assert (kept.state, kept.release, kept.by, kept.decided_by, kept.decided_at) == (
        ImportState.IN_EFFECT, release, coder, coder, AT,
    )  # fmt: skip
    assert kept.format == "ICD-10-SE, TSV med 16 kolumner"
    code = Code.objects.get(code="F438A")
    assert (code.chapter, code.valid_from, code.texts["Latin"]) == ("05", date(2005, 1, 1), ["Exhaustio"])
    assert CodeRelation.objects.get(code__code="G019").target == "A17.0†"
    assert Code.objects.search("utbrändhet uns", "icd-10-se", date(2026, 11, 26))[0].matched_term == "Utbrändhet UNS"


def test_the_same_files_once_more_change_nothing_at_all():
    bring()
    before = everything()
    _, report = bring(at=datetime(2026, 12, 1, tzinfo=UTC))
    assert report["counts"] == {"added": 0, "changed": 0, "ended": 0, "same": 16}
    assert everything() == before


@pytest.mark.parametrize("where", ["write_codes", "write_synonyms", "write_relations", "write_words", "analyse"])
def test_a_fault_at_any_step_leaves_nothing(monkeypatch, where):
    bring()
    before = everything()

    def broken(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(releases, where, broken)
    with pytest.raises(MemoryError):
        bring(NEXT, official.icd(retitled("F43", "Ny titel")))
    assert everything() == before


def test_a_fault_between_two_batches_leaves_nothing(monkeypatch):
    monkeypatch.setattr(writing, "AT_A_TIME", 5)
    told = []

    def progress(step, done, total):
        told.append((step, done, total))
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(progress=progress)
    assert told == [("koder", 0, 16), ("koder", 5, 16), ("koder", 10, 16)]
    assert Code.objects.count() == CodeRelease.objects.count() == CodeImport.objects.count() == 0


def test_a_wrong_row_late_in_the_file_leaves_nothing():
    wrong = official.icd([*official.ICD_ROWS, official.icd_row("F43.9", "R", "F44", official.FOUR)])
    with pytest.raises(CatalogueError, match="Koden F439 ligger under F44"):
        bring(YEAR, wrong)
    assert Code.objects.count() == CodeSystem.objects.count() == 0


# --- Releases follow each other ---------------------------------------------------------------------------------------


def test_a_new_release_ends_the_one_before_and_tells_what_changes():
    bring()
    rows = retitled("F43.8A", "Utmattning, ny titel")
    rows = [row for row in rows if row["Kod"] != "G01.9"]
    rows.append(official.icd_row("F43.9", "Reaktion, ospecificerad", "F43", official.FOUR))
    _, report = bring(NEXT, official.icd(rows))
    assert report["compared_with"] == "2026"
    assert report["shortened"] == ["2026", "2026-12-31"]
    assert report["added"] == [["F43.9", "Reaktion, ospecificerad"]]
    assert report["changed"] == [
        ["F43.8A", "Utmattning, ny titel", [["titel", "Utmattningssyndrom", "Utmattning, ny titel"]]],
        # Nothing lies under it any more.
        ["G01", "Meningit vid bakteriesjukdomar", [["utan fördjupning", "nej", "ja"]]],
    ]
    assert report["ended"] == [["G01.9", "Meningit vid bakteriesjukdomar"]]
    assert dict(CodeRelease.objects.values_list("version", "valid_to")) == {"2026": date(2026, 12, 31), "2027": None}
    found = {day: [c.title for c in Code.objects.valid_on(day).filter(code="F438A")] for day in _new_year()}
    assert found == {date(2026, 12, 31): ["Utmattningssyndrom"], date(2027, 1, 1): ["Utmattning, ny titel"]}
    # The old list once more: it still ends where the new one begins.
    _, again = bring()
    assert again["counts"]["same"] == 16 and again["shortened"] is None
    assert CodeRelease.objects.get(version="2026").valid_to == date(2026, 12, 31)


def _new_year():
    return date(2026, 12, 31), date(2027, 1, 1)


@pytest.mark.parametrize(
    ("begins", "ends"), [(date(2026, 1, 1), None), (date(2025, 1, 1), None), (date(2026, 6, 1), date(2026, 6, 30))]
)
def test_a_release_never_takes_days_that_would_be_left_without_or_are_anothers(begins, ends):
    bring()
    before = everything()
    with pytest.raises(RuleError, match="KL-05: Utgåvan 2026 gäller redan från 2026-01-01 till tills vidare"):
        bring(ReleaseFacts("icd-10-se", "annan", begins, "övning", ends), official.icd())
    assert everything() == before


def test_an_older_release_may_come_afterwards():
    bring()
    bring(ReleaseFacts("icd-10-se", "2025", date(2025, 1, 1), "övning", date(2025, 12, 31)), official.icd())
    assert CodeRelease.objects.ready_on(date(2025, 6, 1)).get().version == "2025"
    assert CodeRelease.objects.ready_on(date(2026, 6, 1)).get().version == "2026"


def test_words_and_sexes_known_before_follow_to_the_next_release():
    bring(YEAR, synonym_files=[official.ans("SFAM.ANS", [("F438A", "Utmattningsdepression")])])
    bring(NEXT, official.icd())
    terms = CodeSynonym.objects.filter(code__release__version="2027").values_list("code__code", "term", "source")
    assert ("F438A", "Utmattningsdepression", "SFAM") in terms
    assert ("F438A", "Utbrändhet UNS", "Innefattar") in terms


def test_the_starter_set_gives_way_and_can_still_be_loaded_again():
    starter.load(at=AT)
    bring()
    starter.load(at=AT)
    assert CodeRelease.objects.get(system="icd-10-se", version=starter.VERSION).valid_to == date(2025, 12, 31)


# --- What is coded stays ----------------------------------------------------------------------------------------------


def test_a_code_gone_from_a_corrected_list_is_ended_and_what_is_coded_keeps_its_title(make_contact, coder):
    """KL-05: a coded fact keeps its release and its title."""
    bring()
    contact = make_contact()
    coding.save_coding(
        encounter_id=contact.pk, diagnoses=[{"code": "F43.8A"}], procedures=[], atc=[], complete=False, by=coder, at=NOW
    )
    loaded, report = bring(YEAR, official.icd(without("F43.8A")))
    assert report["ended"] == [["F43.8A", "Utmattningssyndrom"]]
    assert (loaded.ended, loaded.changed) == (1, 1)
    fact = CodedDiagnosis.objects.get()
    assert (fact.title, fact.code.release.version, fact.code.valid_to) == (
        "Utmattningssyndrom", "2026", date(2026, 11, 25),
    )  # fmt: skip
    # A contact that ended on a day when the code was valid may still be coded so, a later one not.
    wanted = [("icd-10-se", "F438A")]
    assert resolved(wanted, date(2026, 11, 25))[wanted[0]].is_valid
    assert not resolved(wanted, date(2026, 11, 26))[wanted[0]].is_valid
    # Once more: nothing to end; and back in the list it is valid again, the same row.
    assert bring(YEAR, official.icd(without("F43.8A")))[1]["counts"]["ended"] == 0
    bring()
    fact.code.refresh_from_db()
    assert fact.code.valid_to is None


def test_a_title_changed_in_a_list_changes_no_coded_fact(make_contact, coder):
    bring()
    contact = make_contact()
    coding.save_coding(
        encounter_id=contact.pk, diagnoses=[{"code": "F43.8A"}], procedures=[], atc=[], complete=False, by=coder, at=NOW
    )
    bring(YEAR, official.icd(retitled("F43.8A", "Annan titel")))
    fact = CodedDiagnosis.objects.select_related("code").get()
    assert (fact.title, fact.code.title) == ("Utmattningssyndrom", "Annan titel")


# --- Preview and yes --------------------------------------------------------------------------------------------------


def previewed(coder, facts=YEAR, **given):
    return imports.preview(facts=facts, files=[official.icd()], by=coder, at=AT, **given)


def test_a_preview_changes_no_code_and_yes_does_what_was_seen(coder):
    """KL-05: said yes to by a person, carried out by the clock's job."""
    found = previewed(coder)
    assert (found.state, found.report["counts"]["added"]) == (ImportState.PREVIEWED, 16)
    assert imports.carry_out_queued(at=AT) == []
    imports.order(import_id=found.pk, by=coder, at=AT)
    assert Code.objects.count() == CodeRelease.objects.count() == 0
    (done,) = imports.carry_out_queued(at=LATER)
    assert str(done[1]).startswith("ICD-10-SE: 16 koder (16 nya, 0 ändrade), ")
    found.refresh_from_db()
    assert (found.state, found.decided_by, found.decided_at) == (ImportState.IN_EFFECT, coder, AT)
    assert found.release.version == "2026"
    assert Code.objects.count() == 16
    kept = found.files.get()
    assert (kept.content, kept.name, kept.size) == (None, "icd-10-se.tsv", len(official.icd().content))
    assert imports.carry_out_queued(at=LATER) == []


def test_what_is_decided_is_not_decided_again(coder):
    found = previewed(coder)
    imports.discard(import_id=found.pk, by=coder, at=AT)
    for act in (imports.order, imports.discard):
        with pytest.raises(RuleError, match="är redan avgjord: förkastad") as refused:
            act(import_id=found.pk, by=coder, at=AT)
        assert (refused.value.by, refused.value.at) == (coder.name, AT)
    assert imports.carry_out(import_id=found.pk, at=AT) is None
    assert Code.objects.count() == 0


def test_one_that_waits_can_still_be_discarded(coder):
    found = previewed(coder)
    imports.order(import_id=found.pk, by=coder, at=AT)
    imports.discard(import_id=found.pk, by=coder, at=LATER)
    assert imports.carry_out_queued(at=LATER) == []
    found.refresh_from_db()
    assert (found.state, found.decided_at, Code.objects.count()) == (ImportState.DISCARDED, LATER, 0)


def test_a_preview_that_no_longer_is_what_was_seen_does_not_take_effect(coder):
    """KL-05: what stopped it is kept for the page."""
    found = previewed(coder)
    imports.order(import_id=found.pk, by=coder, at=AT)
    bring(YEAR, official.icd(retitled("F43.8A", "Annan titel")))
    before = codes()
    ((_, sentence),) = imports.carry_out_queued(at=LATER)
    assert sentence.startswith("Kodsystemet har ändrats sedan förhandsgranskningen")
    assert codes() == before
    found.refresh_from_db()
    assert (found.state, found.report["stopped"], found.release) == (ImportState.STOPPED, sentence, None)


def test_all_that_changes_is_kept_as_a_file_however_much_it_is(coder, monkeypatch):
    """KL-05: the page shows the first of each kind."""
    monkeypatch.setattr("classification.importing.compare.SHOWN", 2)
    bring(YEAR)
    rows = [row for row in retitled("F43.8A", "Annan titel") if row["Kod"] != "W01.01"]
    found = imports.preview(facts=YEAR, files=[official.icd(rows)], by=coder, at=AT)
    head, *lines = gzip.decompress(bytes(found.comparison.content)).decode("utf-8-sig").split("\r\n")
    assert head == "vad;kod;titel;andring"
    assert "ändrad;F43.8A;Annan titel;titel: Utmattningssyndrom → Annan titel" in lines
    assert [line.split(";")[:2] for line in lines if line.startswith("upphör")] == [["upphör", "W01.01"]]
    first = CodeImport.objects.get(state=ImportState.IN_EFFECT)
    assert len(first.report["added"]) == 2
    assert gzip.decompress(bytes(first.comparison.content)).count(b"\r\nny;") == 16


@pytest.mark.django_db(transaction=True)
def test_how_far_it_has_come_is_seen_by_others_while_nothing_else_is(coder, monkeypatch):
    """KL-05: another session sees the step; the codes it sees when all are there."""
    found = previewed(coder)
    imports.order(import_id=found.pk, by=coder, at=AT)
    seen = []

    def look(*step):
        told(*step)
        with ThreadPoolExecutor(1) as other:
            seen.append(other.submit(_outside, found.pk).result())

    told = progress.tell
    monkeypatch.setattr(progress, "tell", look)
    assert progress.of(found.pk) is None
    imports.carry_out_queued(at=LATER)
    assert seen == [
        (("väntar på en annan inläsning", 0, 0), 0),
        (("läser och jämför filerna", 0, 0), 0),
        (("koder", 0, 16), 0),
        (("koder", 16, 16), 0),
        (("sökord", 0, seen[4][0][2]), 0),
        (("räknar om sökningens underlag", 0, 0), 0),
    ]
    assert (progress.of(found.pk), Code.objects.count()) == (None, 16)


def _outside(import_id):
    try:
        return progress.of(import_id), Code.objects.count()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_the_clock_that_strikes_twice_carries_an_import_out_once(coder):
    """KL-05: the second finds that somebody is at it, or that it is done."""
    found = previewed(coder)
    imports.order(import_id=found.pk, by=coder, at=AT)
    answers = together(
        *[lambda: imports.carry_out(import_id=found.pk, at=LATER)] * 2,
        longest_wait=_LONG,
    )
    assert sorted(answer is None for answer in answers) == [False, True], answers
    assert (Code.objects.count(), CodeRelease.objects.count()) == (16, 1)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_at_once_one_import_takes_effect(coder):
    first, second = previewed(coder), previewed(coder)
    for found in (first, second):
        imports.order(import_id=found.pk, by=coder, at=AT)
    answers = together(
        *(lambda pk=found.pk: imports.carry_out(import_id=pk, at=AT) for found in (first, second)),
        longest_wait=_LONG,
    )
    refused = [answer for answer in answers if isinstance(answer, RuleError)]
    assert [error.code for error in refused] == ["preview_out_of_date"], answers
    assert sorted(CodeImport.objects.values_list("state", flat=True)) == ["in_effect", "queued"]
    assert (Code.objects.count(), CodeRelease.objects.count()) == (16, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_import_twice_at_once_takes_effect_once():
    answers = together(bring, bring, longest_wait=_LONG)
    assert sorted(report["counts"]["added"] for _, report in answers) == [0, 16]
    assert (Code.objects.count(), CodeRelease.objects.count(), CodeImport.objects.count()) == (16, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_different_releases_at_once_follow_each_other():
    """Whichever is first, no day has two."""
    answers = together(lambda: bring(YEAR), lambda: bring(NEXT, official.icd()), longest_wait=_LONG)
    faults = [answer for answer in answers if isinstance(answer, Exception)]
    assert all(isinstance(fault, RuleError) and fault.rule == "KL-05" for fault in faults), answers
    for day in (*_new_year(), date(2026, 6, 1)):
        assert CodeRelease.objects.ready_on(day).count() <= 1


# --- The command ------------------------------------------------------------------------------------------------------


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command("import_codes", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def icd_file(tmp_path):
    path = tmp_path / "icd-10-se.tsv"
    path.write_bytes(official.icd().content)
    return path


def test_the_command_previews_and_then_lets_into_effect(icd_file):
    given = ("icd-10-se", icd_file, "--release", "2026", "--from", "2026-01-01")
    out, _ = run(*given, "--preview")
    assert "16 koder: 16 nya, 0 ändrade, 0 upphör, 0 lika" in out and "Ingenting har ändrats." in out
    assert Code.objects.count() == CodeImport.objects.count() == 0
    out, err = run(*given)
    assert "ICD-10-SE: 16 koder (16 nya, 0 ändrade)" in out
    assert "koder: 0 av 16" in err and "koder: 16 av 16" in err
    assert CodeImport.objects.get().by is None
    out, _ = run(*given)
    assert "0 nya, 0 ändrade, 0 upphör, 16 lika" in out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"trasig", "känns inte igen som en fil för ICD-10-SE"),
        (None, "går inte att läsa"),
    ],
)
def test_the_command_says_what_stopped_it_and_that_nothing_was_loaded(tmp_path, content, sentence):
    path = tmp_path / "fil.tsv"
    if content:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=sentence) as stopped:
        run("icd-10-se", path, "--release", "2026", "--from", "2026-01-01")
    assert str(stopped.value).endswith("Ingenting har lästs in.")
    assert Code.objects.count() == 0


def test_the_command_refuses_days_that_are_taken(icd_file):
    bring()
    with pytest.raises(CommandError, match=r"Utgåvan 2026 gäller redan .* \(KL-05\) Ingenting har lästs in"):
        run("icd-10-se", icd_file, "--release", "annan", "--from", "2025-01-01")


# --- Every format, the same pipeline ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "files", "codes"),
    [
        ("icd-10-se", official.ansi_icd(), 8),
        ("icd-10-se", official.tabbed_icd(), 4),
        ("kva", [official.kma(), official.kka()], 7),
        ("kva", [official.workbook()], 4),
        ("atc", [official.zipped()], 6),
        ("ksh97p", [official.ans("KSH97P_KOD.ANS", [("A00-", "Kolera")])], 1),
    ],
    ids=["icd ansi", "icd tabbed", "kva tsv", "kva workbook", "atc zip", "ksh97p"],
)
def test_every_format_takes_effect_once_and_then_changes_nothing(system, files, codes):
    facts = ReleaseFacts(system, "2026", date(2026, 1, 1), "övning")
    loaded, _ = bring(facts, *files)
    assert (loaded.codes, Code.objects.count()) == (codes, codes)
    before = everything()
    assert bring(facts, *files)[1]["counts"]["same"] == codes
    assert everything() == before


@with_full_lists
@pytest.mark.parametrize(
    ("system", "names", "codes", "registrable"),
    [
        ("icd-10-se", ["icd10se.csv"], 38925, 33603),
        ("kva", ["kva_2026.csv"], 11886, 11886),
        ("kva", ["kva_2026.csv", "kva_groups_2026.csv"], 12050, 11886),
        ("atc", ["atc_2020.csv"], 6619, None),
        ("ksh97p", ["ksh97p.csv"], 977, 977),
    ],
)
def test_the_whole_lists_go_through_the_same_pipeline(system, names, codes, registrable):
    facts = ReleaseFacts(system, "full", date(2026, 1, 1), "full lista")
    files = [full(name) for name in names]
    loaded, _ = bring(facts, *files)
    assert (loaded.codes, Code.objects.count()) == (codes, codes)
    if registrable:
        assert Code.objects.filter(is_registrable=True).count() == registrable
    assert bring(facts, *files)[1]["counts"] == {"added": 0, "changed": 0, "ended": 0, "same": codes}
    if system == "icd-10-se":
        # What Ej huvuddiagnos covers beyond the certain is said to be unknown, not allowed.
        remark = CodeRelease.objects.get().remark
        assert "gäller 25 kategorier till, och vilka de är framgår inte här" in remark
        assert Code.objects.filter(may_be_main=False).count() > 24000
