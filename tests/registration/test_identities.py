"""Identities of patients (PA-01, PA-02): every number is judged as the published lists say, in every spelling."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from registration import identities
from registration.identities import (
    ANNAN_REGIONS_RESERVNUMMER,
    INTERIMSNUMMER,
    KINDS,
    LMA_NUMMER,
    LOKALT_RESERVNUMMER,
    PERSONNUMMER,
    PRIMARY_KINDS,
    RESERVID,
    SAMORDNINGSNUMMER,
    IdentityError,
    candidates,
    display,
    parse,
    search_key,
    short_form,
    well_formed,
)

# The day that the file's short forms are read.
TODAY = date(2026, 11, 21)
KIND_IN_FILE = {
    "personnummer": PERSONNUMMER,
    "samordningsnummer": SAMORDNINGSNUMMER,
    "nationell_reservidentitet": RESERVID,
    "lokal_reservidentitet_skane": LOKALT_RESERVNUMMER,
    "lokal_reservidentitet_annan": ANNAN_REGIONS_RESERVNUMMER,
    "interimsnummer": INTERIMSNUMMER,
    "lma_nummer": LMA_NUMMER,
}
SEX_IN_FILE = {"M": "1", "K": "2", "": "0"}
FILE = Path(__file__).parent.parent / "data" / "test_identities.csv"
with FILE.open(encoding="utf-8", newline="") as opened:
    ROWS = list(csv.DictReader(opened))


def row_id(row):
    return f"{row['type']} {row['value']}"


def refusal(text, **expected):
    with pytest.raises(IdentityError) as refused:
        parse(text, today=TODAY, **expected)
    return refused.value.sentence


def test_the_file_has_all_its_rows():
    assert len(ROWS) == 241


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_every_row_is_well_formed_or_not_as_the_file_says(row):
    """PA-02."""
    assert well_formed(KIND_IN_FILE[row["type"]], row["value"], today=TODAY) is (row["valid"] == "yes")


@pytest.mark.parametrize("row", [row for row in ROWS if row["short_form"]], ids=row_id)
def test_every_short_form_of_the_file_is_ours_on_the_day_it_is_read(row):
    assert short_form(row["value"], TODAY) == row["short_form"]


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_only_the_four_kinds_are_accepted_as_a_patients_identity(row):
    """PA-01: LMA numbers, interimsnummer and other regions' numbers are refused, well-formed or not."""
    kind = KIND_IN_FILE[row["type"]]
    if row["valid"] == "yes" and kind in KINDS:
        assert parse(row["value"], today=TODAY).kind == kind
    else:
        assert refusal(row["value"])


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["valid"] == "yes" and KIND_IN_FILE[row["type"]] in KINDS], ids=row_id
)
def test_birth_date_and_sex_are_read_from_the_number(row):
    identity = parse(row["value"], today=TODAY)
    whole_date = len(row["birth_date"]) == 10
    assert identity.birth_date == (date.fromisoformat(row["birth_date"]) if whole_date else None)
    assert identity.sex == SEX_IN_FILE[row["sex"]]
    assert identity.value == row["value"]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["valid"] == "yes" and KIND_IN_FILE[row["type"]] in KINDS], ids=row_id
)
def test_every_spelling_of_a_valid_number_finds_it(row):
    """RI-01: with and without hyphen, century and spaces, and in lower case."""
    value = row["value"]
    spellings = [
        value,
        value.lower(),
        f" {value[:8]} {value[8:]} ",
        f"{value[:8]}-{value[8:]}",
        f"{value[:8]}–{value[8:]}",
    ]
    if row["short_form"]:
        spellings += [row["short_form"], row["short_form"].replace("+", "").replace("-", "")]
    for spelling in spellings:
        assert value in candidates(spelling, TODAY), spelling


def test_three_kinds_can_be_primary_and_the_local_number_cannot():
    """PA-01."""
    assert PRIMARY_KINDS == (PERSONNUMMER, SAMORDNINGSNUMMER, RESERVID)
    assert set(KINDS) - set(PRIMARY_KINDS) == {LOKALT_RESERVNUMMER}
    assert set(identities.OIDS) == set(identities.LABELS) == set(KINDS)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Skriv ett personnummer, samordningsnummer eller reservnummer."),
        (None, "Skriv ett personnummer, samordningsnummer eller reservnummer."),
        ("  -  ", "Skriv ett personnummer, samordningsnummer eller reservnummer."),
        ("19961322-9882", "Månaden 13 finns inte. Skriv ÅÅÅÅMMDD-NNNN."),
        ("19960022-9882", "Månaden 00 finns inte. Skriv ÅÅÅÅMMDD-NNNN."),
        (
            "19960345-9882",
            "Dagen 45 finns inte. Skriv ÅÅÅÅMMDD-NNNN. I ett samordningsnummer är dagen 60–91.",
        ),
        (
            "19960392-9882",
            "Dagen 92 finns inte. Skriv ÅÅÅÅMMDD-NNNN. I ett samordningsnummer är dagen 60–91.",
        ),
        ("19960231-9882", "Den 31 februari finns inte år 1996. Skriv ÅÅÅÅMMDD-NNNN."),
        ("199902292383", "Den 29 februari finns inte år 1999. Skriv ÅÅÅÅMMDD-NNNN."),
        ("20261122-2380", "Födelsedatumet ligger i framtiden. Skriv ÅÅÅÅMMDD-NNNN."),
        ("261122-2380", "Födelsedatumet ligger i framtiden. Skriv ÅÅÅÅMMDD-NNNN."),
        ("17960322-9882", "Årtalet 1796 kan inte stämma. Skriv ÅÅÅÅMMDD-NNNN."),
        ("201509160006", "Födelsenumret 000 används inte. Kontrollera de fyra sista siffrorna."),
        ("19960322-9883", "Kontrollsiffran stämmer inte. Kontrollera siffrorna mot legitimationen."),
        ("19960322-988", "Numret har 11 siffror, det ska ha 10 eller 12. Skriv ÅÅÅÅMMDD-NNNN."),
        ("19960322", "Numret har 8 siffror, det ska ha 10 eller 12. Skriv ÅÅÅÅMMDD-NNNN."),
        (
            "19960322+9882",
            "Plustecken betyder 100 år eller äldre, men årtalet är 1996. Skriv ÅÅÅÅMMDD-NNNN.",
        ),
        ("1212121212", "Numret kan höra till någon född 1912 eller 2012. Skriv årtalet med fyra siffror."),
        (
            "AA1234567",
            (
                "Detta ser ut som ett passnummer. Det går att söka på, men patienten registreras på personnummer,"
                " samordningsnummer eller nationellt reservID."
            ),
        ),
        (
            "12-345678/1",
            (
                "Detta är ett LMA-nummer. Det går att söka på, men patienten registreras på personnummer,"
                " samordningsnummer eller nationellt reservID."
            ),
        ),
        (
            "20000101-T220",
            (
                "Numret har en bokstav först av de fyra sista: interimsnummer och andra regioners reservnummer"
                " gäller inte som identitet här. Sök patienten på namn och födelsedatum, eller registrera ett"
                " nationellt reservID."
            ),
        ),
        ("19790914AA05", "Ett reservID börjar aldrig med 19. Kontrollera numret."),
        (
            "00790914AA06",
            (
                "Ett reservID som börjar med 00 har inget födelsedatum: tecken 5–6 är 20–99 och tecken 7–8 är 40–59."
                " Kontrollera numret."
            ),
        ),
        ("22790231AA06", "Datumet 1979-02-31 i numret finns inte. Kontrollera numret."),
        ("22790814AI01", "Bokstaven I används inte i ett reservID. Kontrollera numret."),
        ("22790814AA02", "Kontrollsiffran stämmer inte. Kontrollera reservID:t tecken för tecken."),
        ("20260101AB0K", "Första bokstaven i ett lokalt reservnummer är D, E eller F. Kontrollera numret."),
        ("20260101DA2B", "Tredje tecknet av de fyra sista är 0 (kvinna) eller 1 (man). Kontrollera numret."),
        ("20261301DA1B", "Datumet i det lokala reservnumret finns inte. Kontrollera de första siffrorna."),
        ("20261122DA1B", "Datumet i det lokala reservnumret ligger i framtiden. Kontrollera de första siffrorna."),
        (
            "Karin Ek",
            (
                "Numret känns inte igen. Skriv ÅÅÅÅMMDD-NNNN."
                " Ett nationellt reservID skrivs som 12 tecken utan bindestreck."
            ),
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(text, sentence):
    """PA-02, VH-24."""
    assert refusal(text) == sentence


@pytest.mark.parametrize(
    "text", ["１９９６０３２２９８８２", "1996٠٣٢٢٩٨٨٢", "²²²²²²²²²²", "\x00", "🙂" * 12, "+" * 12, "9" * 5000]
)
def test_strange_characters_are_refused_and_never_crash(text):
    assert refusal(text)
    assert candidates(text, TODAY) == ()


def test_the_expected_kind_is_held():
    assert parse("19960322-9882", today=TODAY, kind=PERSONNUMMER).kind == PERSONNUMMER
    assert refusal("191900792381", kind=PERSONNUMMER) == (
        "Detta är ett samordningsnummer, inte ett personnummer. Välj rätt sort."
    )
    assert refusal("19960322-9882", kind=RESERVID) == (
        "Ett nationellt reservID är åtta siffror, två bokstäver, en siffra eller bokstav och en siffra."
    )
    assert refusal("22790814AA01", kind=SAMORDNINGSNUMMER) == (
        "Ett samordningsnummer har bara siffror. Skriv ÅÅÅÅMMDD-NNNN."
    )
    assert refusal("19960322-9882", kind=LOKALT_RESERVNUMMER) == (
        "Ett lokalt reservnummer är datum, två bokstäver, 0 eller 1 och en bokstav, som 19810829DA1B."
    )
    assert refusal("19960322-9882", kind="pass") == (
        "Välj personnummer, samordningsnummer, nationellt reservID eller lokalt reservnummer."
    )


def test_the_sign_changes_with_the_year_a_person_turns_100_and_not_on_the_birthday():
    """Folkbokföringslagen 18 §."""
    value = "19261231238" + identities.check_digit("261231238")
    assert short_form(value, date(2025, 12, 31)) == f"261231-{value[8:]}"
    assert short_form(value, date(2026, 1, 1)) == f"261231+{value[8:]}"


def test_a_sign_decides_the_century_and_its_absence_is_asked_about():
    assert parse("121212+1212", today=TODAY).value == "191212121212"
    assert parse("121212-1212", today=TODAY).value == "201212121212"
    assert "1912 eller 2012" in refusal("1212121212")
    # 1861 would be 165 years ago, 2061 is to come: one person only.
    assert parse("6101182803", today=TODAY).value == "196101182803"
    # 29 February: 1900 had none.
    leap = "000229238" + identities.check_digit("000229238")
    assert parse(leap, today=TODAY).value == f"20{leap}"


def test_a_search_tries_both_sides_of_100_years_the_likelier_first():
    """RI-01."""
    assert candidates("121212-1212", TODAY) == ("201212121212", "191212121212", "181212121212")
    assert candidates("121212+1212", TODAY) == ("191212121212", "181212121212")
    assert candidates("960322 9882", TODAY) == ("199603229882", "189603229882")
    assert candidates("19960322-9882", TODAY) == ("199603229882",)


def test_a_search_for_a_local_number_finds_it_with_and_without_century_and_in_older_shapes():
    """PA-01, RI-01: older PASiS numbers are kept as they were written."""
    assert candidates("810829-da1b", TODAY) == ("19810829DA1B", "18810829DA1B", "810829DA1B")
    assert candidates("19810829DA1B", TODAY) == ("19810829DA1B", "810829DA1B")
    assert candidates("19810829 M071", TODAY) == ("19810829M071",)
    assert candidates("Ek", TODAY) == ()


def test_a_local_number_without_century_is_read_as_the_latest_day_that_has_been():
    assert parse("810829DA1B", today=TODAY).value == "19810829DA1B"
    assert parse("261231DA1B", today=TODAY).value == "19261231DA1B"


def test_display_and_search_keys():
    assert display(PERSONNUMMER, "199603229882") == "19960322-9882"
    assert display(SAMORDNINGSNUMMER, "191900792381") == "19190079-2381"
    assert display(RESERVID, "22790814AA01") == "22790814AA01"
    assert display(LOKALT_RESERVNUMMER, "19810829DA1B") == "19810829DA1B"
    assert str(parse("9603229882", today=TODAY)) == "19960322-9882"
    assert search_key(" 12-345678/1 ") == "12345678/1"
    assert search_key("aa 1234567") == "AA1234567"


def test_a_samordningsnummer_need_not_be_a_date_but_is_never_in_the_future():
    """PA-02: month 00, day 60 and days the calendar lacks occur; check digit always."""
    for digits in ("195800902", "195806602", "195802912", "200000602"):
        value = f"{digits}39" + identities.check_digit(f"{digits}39"[2:])
        value = value[:12]
        assert parse(value, today=TODAY).kind == SAMORDNINGSNUMMER
        assert parse(value, today=TODAY).birth_date is None
    future = "20261261238"[:11]
    assert refusal(future + identities.check_digit(future[2:])) == (
        "Födelsedatumet ligger i framtiden. Skriv ÅÅÅÅMMDD-NNNN."
    )


# --- Properties -----------------------------------------------------------------------------------------------

birth_dates = st.dates(min_value=date(1840, 1, 1), max_value=TODAY)
birth_numbers = st.integers(min_value=1, max_value=999)


@st.composite
def civic_numbers(draw, offset=0):
    born, number = draw(birth_dates), draw(birth_numbers)
    eleven = f"{born.year}{born.month:02}{born.day + offset:02}{number:03}"
    return eleven + identities.check_digit(eleven[2:]), born


@given(civic_numbers())
def test_a_personnummer_comes_back_from_every_form_it_is_written_in(made):
    value, born = made
    identity = parse(value, today=TODAY)
    assert (identity.kind, identity.value, identity.birth_date) == (PERSONNUMMER, value, born)
    assert identity.sex == ("1" if int(value[10]) % 2 else "2")
    assert parse(display(identity.kind, value), today=TODAY) == identity
    assert parse(short_form(value, TODAY), today=TODAY) == identity
    assert value in candidates(short_form(value, TODAY), TODAY)
    assert value in candidates(value[2:], TODAY)


@given(civic_numbers(offset=60))
def test_a_samordningsnummer_comes_back_from_every_form_it_is_written_in(made):
    value, born = made
    identity = parse(value, today=TODAY)
    assert (identity.kind, identity.value, identity.birth_date) == (SAMORDNINGSNUMMER, value, born)
    assert parse(short_form(value, TODAY), today=TODAY) == identity


@given(civic_numbers(), st.integers(min_value=2, max_value=11), st.integers(min_value=1, max_value=9))
def test_one_wrong_digit_is_always_noticed(made, position, change):
    value, _ = made
    wrong = value[:position] + str((int(value[position]) + change) % 10) + value[position + 1 :]
    assert not well_formed(PERSONNUMMER, wrong, today=TODAY)
    assert not well_formed(SAMORDNINGSNUMMER, wrong, today=TODAY)


@given(
    birth_dates,
    st.integers(min_value=1, max_value=26),
    st.text(identities.RESERVID_LETTERS, min_size=2, max_size=2),
    st.sampled_from("0123456789" + identities.RESERVID_LETTERS),
)
def test_a_reservid_says_its_century_in_every_series(born, step, letters, sex):
    series = int(str(born.year)[:2]) + 3 * step
    assume(series >= 22)
    eleven = f"{series}{born:%y%m%d}{letters}{sex}"
    identity = parse(eleven + identities.reservid_check_digit(eleven), today=TODAY)
    assert (identity.kind, identity.birth_date) == (RESERVID, born)
    assert identity.sex == ("0" if sex.isalpha() else "1" if int(sex) % 2 else "2")


@given(st.text(max_size=20))
def test_any_text_gets_an_identity_or_a_sentence(text):
    try:
        identity = parse(text, today=TODAY)
    except IdentityError as refused:
        assert refused.sentence.endswith(".")
    else:
        assert parse(identity.value, today=TODAY) == identity
        assert identity.value in candidates(text, TODAY)
