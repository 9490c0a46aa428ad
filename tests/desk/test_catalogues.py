"""Real input: every row of the instruction's tables becomes catalogue data (VH-02, BT-01, VO-02, KA-02, PA-07, UT-02)."""

import csv
from datetime import date
from io import StringIO
from pathlib import Path

import pghistory
import pytest
from django.core.management import CommandError, call_command

import registration.catalogues
import scheduling.catalogues
from registration.codes import code_of
from registration.models import (
    AddOn,
    AddOnCategory,
    AddressKind,
    ContactReason,
    EncounterClass,
    EncounterType,
    ProblemCode,
    VisitKind,
    VisitType,
    VisitTypeReason,
)
from scheduling.models import Outcome, OutcomeReason
from sdv.accounts.models import Profession
from sdv.common.models import ChangeLogEntry
from sdv.common.uuid7 import uuid7
from sdv.organisation.models import CareArea

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 21)
INVENTED = "Uppfunnen för demonstration"
COMPOSED = "Sammansatt enligt BT-01"
# What administrators may see loaded: model and file it must hold every row of.
MODELS = [
    EncounterClass,
    EncounterType,
    CareArea,
    Profession,
    VisitKind,
    VisitType,
    ContactReason,
    VisitTypeReason,
    AddOnCategory,
    AddOn,
    AddressKind,
    ProblemCode,
    Outcome,
    OutcomeReason,
]


def rows_of(file, app=registration):
    with (Path(app.__file__).parent / "data" / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=";"))


def load():
    out = StringIO()
    call_command("load_catalogues", "--utan-koder", stdout=out)
    return out.getvalue()


def test_every_row_of_vardhandelsetyper_is_a_type_of_its_class():
    """VH-02: six classes, twenty types."""
    rows = rows_of("vardhandelsetyper.csv")
    assert len(rows) == EncounterType.objects.count() == 20
    assert EncounterClass.objects.count() == 6
    for row in rows:
        kind = EncounterType.objects.get(name=row["typ"])
        assert kind.code == code_of(row["typ"])
        assert kind.encounter_class.name == row["klass"]
        assert kind.requires_commitment == (row["krav_pa_vardatagande"] == "ja")
        assert kind.get_check_out_display().lower() == row["utcheckning"]
        assert kind.get_discharge_display().lower() == row["utskrivning"]
        assert kind.is_pre_registration == (row["forhandsregistrering"] == "ja")
        assert (kind.used_by, kind.used_for, kind.note) == (row["anvands_av"], row["anvands_vid"], row["anmarkning"])


@pytest.mark.parametrize(
    ("file", "heading", "model"),
    [("vardomraden.csv", "vardomrade", CareArea), ("yrkeskategorier.csv", "yrkeskategori", Profession)],
)
def test_every_row_of_vardomraden_and_yrkeskategorier_is_loaded(file, heading, model):
    """BT-01: known by abbreviation, alias and name; the code is the abbreviation."""
    for row in rows_of(file):
        loaded = model.objects.get(name=row[heading])
        assert loaded.abbreviation == row["forkortning"]
        assert loaded.code == code_of(row["forkortning"])
        assert (loaded.alias, loaded.source) == (row["alias"], row["kalla"])


def test_every_row_of_typ_av_besok_is_a_visit_kind():
    """BT-02: five kinds need a choice between nybesök and återbesök; Förbesök is neither."""
    rows = rows_of("typ_av_besok.csv")
    assert len(rows) == VisitKind.objects.count() == 8
    for row in rows:
        kind = VisitKind.objects.get(name=row["typ_av_besok"])
        assert kind.may_be_new == (row["kan_vara_nybesok"] == "ja")
        assert kind.may_be_return == (row["kan_vara_aterbesok"] == "ja")
        assert row["form_av_kontakt"].endswith(kind.get_contact_form_display().lower())
        assert kind.description == row["beskrivning"]
    needs_choice = {kind.name for kind in VisitKind.objects.all() if kind.needs_new_or_return}
    assert needs_choice == {"Akut", "Forskning", "Hembesök", "Telefon", "Video"}


def test_every_waiting_list_has_its_visit_type():
    """BT-01: vårdområde, yrkeskategori and typ av besök as the list says; the reason can be chosen for it."""
    rows = rows_of("sdv_vantelistor.csv")
    assert len(rows) == 47
    for row in rows:
        visit_type = VisitType.objects.get(name=row["besokstyp"])
        assert visit_type.code == code_of(row["besokstyp"])
        assert visit_type.care_area.name == row["vardomrade"]
        assert visit_type.profession.name == row["yrkeskategori"]
        assert visit_type.visit_kind.name == row["typ_av_besok"]
        assert visit_type.get_new_or_return_display().lower() == row["ny_ater"]
        assert visit_type.contact_form == visit_type.visit_kind.contact_form
        assert visit_type.source == "sdv_vantelistor.csv"
        offered = ContactReason.objects.offered_for(visit_type, TODAY)
        assert offered.filter(name=row["vardkontaktsorsak"]).exists()


def test_every_row_of_vardkontaktsorsaker_is_a_reason():
    """VO-03: name, alias, unspecified and psychiatry only, with source."""
    rows = rows_of("vardkontaktsorsaker.csv")
    assert len(rows) == ContactReason.objects.count() == 44
    for row in rows:
        reason = ContactReason.objects.get(name=row["vardkontaktsorsak"])
        assert reason.code == code_of(row["vardkontaktsorsak"])
        assert reason.alias == row["alias"]
        assert reason.is_unspecified == (row["ospecificerad"] == "ja")
        assert reason.is_psychiatry_only == (row["endast_psykiatri"] == "ja")
        assert reason.source == row["kalla"]


def test_every_row_of_orsak_koppling_makes_the_reason_choosable():
    """VO-02, VO-03: linked to its besökstyp, or with * choosable for all of them."""
    for row in rows_of("orsak_koppling.csv"):
        if row["besokstyp"] == "*":
            assert ContactReason.objects.get(name=row["vardkontaktsorsak"]).is_for_all_visit_types
        else:
            link = VisitTypeReason.objects.get(
                visit_type__name=row["besokstyp"], contact_reason__name=row["vardkontaktsorsak"]
            )
            assert link.source == row["kalla"]
    for_all = ContactReason.objects.filter(is_for_all_visit_types=True).values_list("name", flat=True)
    assert sorted(for_all) == [f"{word} ospecificerad" for word in ("bedömning", "behandling", "undersökning")] + [
        "uppföljning ospecificerad"
    ]


def test_a_reason_that_nothing_links_is_offered_nowhere_until_an_administrator_links_it():
    """VO-02."""
    reason = ContactReason.objects.get(name="antikoagulationsbehandling")
    visit_type = VisitType.objects.get(name="Pv Ssk Återbesök")
    for each in VisitType.objects.all():
        assert reason not in ContactReason.objects.offered_for(each, TODAY)
    VisitTypeReason.objects.create(visit_type=visit_type, contact_reason=reason)
    assert reason in ContactReason.objects.offered_for(visit_type, TODAY)


def test_every_visit_type_has_a_reason_to_choose():
    """VO-03: there is always one."""
    for visit_type in VisitType.objects.all():
        assert ContactReason.objects.offered_for(visit_type, TODAY).count() >= 4


def test_every_row_of_tillvalskategorier_is_a_category_with_something_to_choose():
    """KA-02."""
    rows = rows_of("tillvalskategorier.csv")
    assert len(rows) == AddOnCategory.objects.count() == 6
    for row in rows:
        category = AddOnCategory.objects.get(name=row["kategori"])
        assert category.source == row["kalla"]
        assert category.add_ons.count() == 1


def test_every_row_of_adresstyper_is_an_address_kind_with_its_rule():
    """PA-07: the register's two are locked, the temporary one has its days."""
    rows = rows_of("adresstyper.csv")
    assert len(rows) == AddressKind.objects.count() == 5
    for row in rows:
        kind = AddressKind.objects.get(name=row["typ"])
        assert kind.rule == row["regel"]
        assert kind.is_locked == (row["typ"] in ("Bostadsadress", "Särskild postadress"))
        assert kind.requires_dates == (row["typ"] == "Tillfällig adress")


def test_every_row_of_utfall_av_besok_is_an_outcome_in_its_place():
    """UT-02: four outcomes in the instruction's order; two need a reason and have at least two."""
    rows = rows_of("utfall_av_besok.csv", scheduling)
    codes = ["end_commitment", "await_result", "no_further_planning", "follow_up"]
    assert list(Outcome.objects.values_list("code", flat=True)) == codes
    for position, (code, row) in enumerate(zip(codes, rows, strict=True), start=1):
        outcome = Outcome.objects.get(pk=code)
        assert (outcome.name, outcome.position) == (row["utfall"], position)
        assert outcome.requires_reason == (row["kraver_orsak"] == "ja")
        assert (outcome.creates, outcome.description) == (row["skapar"], row["beskrivning"])
        assert (outcome.reasons.count() >= 2) == outcome.requires_reason


def test_reasons_for_outcomes_that_the_instruction_does_not_name_are_marked():
    """UT-03, UT-04."""
    named = OutcomeReason.objects.exclude(source="uppfunnen").values_list("name", flat=True)
    assert set(named) == {"färdigbehandlad", "önskar avsluta", "labsvar", "röntgensvar"}


def test_what_is_invented_for_the_specialist_clinic_says_so():
    """The lists name no visit types of specialised care and no problem codes."""
    specialised = VisitType.objects.filter(care_area__abbreviation="Sp")
    assert specialised.count() >= 10
    assert {row.source for row in specialised} == {INVENTED}
    assert CareArea.objects.get(abbreviation="Sp").source == INVENTED
    assert {row.source for row in ProblemCode.objects.all()} == {INVENTED}
    assert specialised.filter(requires_place=True).exists()
    assert specialised.filter(is_diagnostic=True).exists()
    others = VisitType.objects.exclude(care_area__abbreviation="Sp").exclude(source="sdv_vantelistor.csv")
    assert {row.source for row in others} == {COMPOSED}


def test_every_row_of_kva_tillaggskoder_is_a_code():
    """DI-05: the additional codes that the instructions name can be registered."""
    import classification
    from classification.models import Code

    call_command("load_codes", stdout=StringIO())
    for row in rows_of("kva_tillaggskoder.csv", classification):
        assert Code.objects.valid_on(TODAY).filter(code=row["kva_kod"], is_registrable=True).exists(), row["kva_kod"]


def test_a_second_run_changes_nothing():
    before = ChangeLogEntry.objects.count()
    counts = {model: model.objects.count() for model in MODELS}
    told = load()
    assert {model: model.objects.count() for model in MODELS} == counts
    assert ChangeLogEntry.objects.count() == before
    for line in told.splitlines():
        assert " 0 nya, 0 ändrade, " in line
    assert f"besökstyper: 0 nya, 0 ändrade, {VisitType.objects.count()} oförändrade" in told


def test_a_row_that_no_longer_is_as_the_file_says_is_put_right():
    VisitKind.objects.filter(code="video").update(description="något annat")
    assert "typer av besök: 0 nya, 1 ändrade, 7 oförändrade" in load()
    assert VisitKind.objects.get(code="video").description == "Distanskontakt via video"


def test_what_an_administrator_has_changed_stays_changed():
    with pghistory.context(actor=str(uuid7()), request="test"):
        VisitKind.objects.filter(code="video").update(description="Besök på skärm")
        VisitTypeReason.objects.filter(contact_reason__name="minne").delete()
    told = load()
    assert "typer av besök: 0 nya, 0 ändrade, 7 oförändrade, 1 ändrade här och behållna" in told
    assert VisitKind.objects.get(code="video").description == "Besök på skärm"
    assert not VisitTypeReason.objects.filter(contact_reason__name="minne").exists()


@pytest.mark.parametrize(
    ("file", "find", "replace", "sentence"),
    [
        ("vardomraden.csv", "vardomrade;", "omrade;", "vardomraden.csv, rad 1: rubrikerna är"),
        ("typ_av_besok.csv", "Video;ja", "Video;kanske", "typ_av_besok.csv, rad 8: okänt kan_vara_nybesok: ”kanske”"),
        (
            "sdv_vantelistor.csv",
            "Ungdomsmottagning;Kurator",
            "Ungdomsmottagning;Diakon",
            "okänt yrkeskategori: ”Diakon”",
        ),
        (
            "sdv_vantelistor.csv",
            "Um Kur Återbesök;Um Kur Återbesök",
            "Um Kur Återbesök;Um Kur Video",
            "heter inte som sina delar",
        ),
        ("orsak_koppling.csv", "Pv Ssk Återbesök;minne", "Pv Ssk Återbesök;mine", "okänt vardkontaktsorsak: ”mine”"),
        ("orsak_koppling.csv", "Pv Ssk Återbesök;minne", "Pv Ssk Besök;minne", "okänt besokstyp: ”Pv Ssk Besök”"),
        ("adresstyper.csv", "Utlandsadress", "Rymdadress", "adresstyper.csv, rad 6: okänt typ: ”Rymdadress”"),
        ("tillvalskategorier.csv", "tolk;REG 3.2.1", "tolk", "tillvalskategorier.csv, rad 6: 1 värden, väntade 2"),
    ],
)
def test_the_loading_stops_at_the_unknown_with_line_and_reason(file, find, replace, sentence, tmp_path, monkeypatch):
    """… and nothing of it is loaded."""
    for source in registration.catalogues.DATA.glob("*.csv"):
        text = source.read_text(encoding="utf-8")
        assert source.name != file or find in text
        (tmp_path / source.name).write_text(text.replace(find, replace) if source.name == file else text, "utf-8")
    monkeypatch.setattr(registration.catalogues, "DATA", tmp_path)
    VisitKind.objects.filter(code="akut").update(description="före")
    with pytest.raises(CommandError) as stopped:
        load()
    assert sentence in str(stopped.value)
    assert str(stopped.value).endswith("Ingenting har lästs in.")
    assert VisitKind.objects.get(code="akut").description == "före"


def test_an_unknown_outcome_stops_the_loading(tmp_path, monkeypatch):
    """UT-02: there are four."""
    for source in scheduling.catalogues.DATA.glob("*.csv"):
        (tmp_path / source.name).write_text(
            source.read_text(encoding="utf-8").replace("Avvakta;ja", "Vänta;ja"), "utf-8"
        )
    monkeypatch.setattr(scheduling.catalogues, "DATA", tmp_path)
    with pytest.raises(CommandError, match=r"utfall_av_besok\.csv, rad 3: okänt utfall: ”Vänta”"):
        load()
