"""Which contacts go to the patient register, what stands in the way, and how files are written (PAR-01). Pure rules."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from classification.register import review, selection, writing
from classification.register.contents import Coded, Content, findings, rows
from classification.register.decisions import decision_refusal
from classification.register.fields import file_name, name_refusal
from classification.register.selection import Contact, Period
from registration.encounter_types import TYPES

AUTUMN = Period(date(2026, 8, 1), date(2026, 10, 31))
VISIT = Contact(
    encounter_type="specialiserad-oppenvard",
    type_name="Specialiserad öppenvård",
    status="ended",
    started=date(2026, 9, 14),
    ended=date(2026, 9, 14),
    professions=("Läkare",),
)
STAY = replace(VISIT, encounter_type="slutenvard", type_name="Slutenvård", professions=())


def why_not(contact):
    refused = selection.refusal(contact, AUTUMN)
    return refused and refused.code


# --- Period -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2026-04-30", "2026-01-01", "2026-03-31"),
        ("2026-05-31", "2026-02-01", "2026-04-30"),
        ("2026-01-01", "2025-10-01", "2025-12-31"),
        ("2026-03-01", "2025-12-01", "2026-02-28"),
        ("2024-03-15", "2023-12-01", "2024-02-29"),
    ],
)
def test_a_delivery_is_the_three_whole_months_before_the_present_one(day, first, last):
    """PAR-01: by 30 April January to March, by 31 May February to April."""
    period = selection.period_due(date.fromisoformat(day))
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)


# --- What goes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        (VISIT, None),
        (replace(VISIT, professions=("Sjuksköterska",)), "not_a_doctor"),
        (replace(VISIT, professions=("Sjuksköterska", "Läkare")), None),
        (replace(VISIT, professions=("Psykolog",), is_psychiatry=True), None),
        (replace(VISIT, professions=(), is_psychiatry=True), None),
        (replace(VISIT, professions=()), "profession_unknown"),
        (replace(VISIT, is_primary_care=True), "primary_care"),
        (replace(VISIT, is_primary_care=True, is_psychiatry=True), "primary_care"),
        (replace(VISIT, encounter_type="primarvard"), "primary_care"),
        (replace(VISIT, encounter_type="diagnostik"), None),
        (replace(VISIT, encounter_type="diagnostik", professions=()), "profession_unknown"),
        (replace(VISIT, encounter_type="oppenvardskonsult"), None),
        (replace(VISIT, encounter_type="akutsjukvard"), None),
        (replace(VISIT, encounter_type="akutsjukvard", professions=()), "not_assessed"),
        (replace(VISIT, encounter_type="akutsjukvard", professions=("Sjuksköterska",)), "not_assessed"),
        (replace(VISIT, encounter_type="akutsjukvard", professions=(), is_assessed=True), None),
        (replace(VISIT, encounter_type="akutsjukvard", professions=(), is_psychiatry=True), None),
        (replace(VISIT, encounter_type="klinisk-lm-pagaende-specialiserad-oppenvard"), None),
        (replace(VISIT, encounter_type="kontakt-utan-besok", replaces_visit=True), None),
        (replace(VISIT, encounter_type="kontakt-utan-besok", replaces_visit=False), "replaces_no_visit"),
        (replace(VISIT, encounter_type="kontakt-utan-besok", contact_type="KO"), "among_staff"),
        (replace(VISIT, encounter_type="observation"), "observation"),
        (replace(VISIT, encounter_type="nyfodd"), "healthy_newborn"),
        (replace(VISIT, status="checked_out", ended=None), "not_ended"),
        (replace(VISIT, started=date(2026, 7, 31)), "outside_period"),
        (replace(VISIT, started=date(2026, 8, 1)), None),
        (replace(VISIT, started=date(2026, 10, 31)), None),
        (replace(VISIT, started=date(2026, 11, 1)), "outside_period"),
        (STAY, None),
        (replace(STAY, status="in_progress", ended=None), None),
        (replace(STAY, started=date(2026, 5, 1), ended=date(2026, 8, 1)), None),
        (replace(STAY, started=date(2026, 5, 1), ended=date(2026, 7, 31)), "outside_period"),
        (replace(STAY, started=date(2026, 10, 31), ended=None), None),
        (replace(STAY, started=date(2026, 11, 1), ended=None), "outside_period"),
        (replace(STAY, is_primary_care=True), "primary_care"),
    ],
)
def test_what_goes_to_the_register_and_why_not(contact, reason):
    """PAR-01: inpatient care also while it goes on; open care where a läkare took part, in psychiatry anybody; primary
    care never."""
    assert why_not(contact) == reason


@pytest.mark.parametrize(
    "type_code",
    [
        "annullerad",
        "admin",
        "foster",
        "historisk",
        "utebliven-bokad-kontakt",
        "dold-forhandsregistrerad-oppenvardskontakt",
        "forhandsregistrerad-oppenvardskontakt",
        "forhandsregistrerad-diagnostisk-kontakt",
        "forhandsregistrerad-inskrivning",
    ],
)
def test_what_is_no_contact_is_never_delivered(type_code):
    """PAR-01, VH-20."""
    contact = replace(VISIT, encounter_type=type_code, type_name=TYPES[type_code].name, is_psychiatry=True)
    refused = selection.refusal(contact, AUTUMN)
    assert (refused.code, refused.rule) == ("not_a_contact", "PAR-01")
    assert refused.sentence == f"{TYPES[type_code].name} är ingen kontakt som rapporteras."


# --- What stands in the way -------------------------------------------------------------------------------------------


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SOUND = Content(
    key=17,
    subset="OV",
    start=at("2026-09-14 08:00"),
    end=at("2026-09-14 21:59"),
    unit=1,
    patient=1,
    mvo="101",
    hospital="41001",
    identity="191212121212",
    identity_kind="personnummer",
    sex="2",
    is_complete=True,
    diagnoses=(Coded("I109"), Coded("S525", external_causes=("W0101",))),
    procedures=(Coded("DT016", atc=("J01CA04", "B01AC06")), Coded("XS915", day=date(2026, 9, 14))),
    substances=("N02BE01",),
)
SV = replace(
    SOUND,
    subset="SV",
    discharged_to="3",
    end=at("2026-09-18 10:00"),
    procedures=(Coded("DT016", day=date(2026, 9, 15)),),
)


def found(content, known=None):
    return [finding.code for finding in findings(content, known or {})]


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (SOUND, []),
        (SV, []),
        (replace(SOUND, identity_kind="lokalt_reservnummer"), ["identity_missing"]),
        (replace(SOUND, identity_kind="reservid"), []),
        (replace(SOUND, hospital=""), ["hospital_missing"]),
        (replace(SOUND, mvo=""), ["mvo_missing"]),
        (replace(SOUND, diagnoses=()), ["main_diagnosis_missing"]),
        (replace(SOUND, died=date(2026, 9, 13)), ["dead_before"]),
        (replace(SOUND, died=date(2026, 9, 14)), []),
        (replace(SOUND, diagnoses=(Coded("I109", valid_to=date(2026, 9, 13)),)), ["code_not_valid"]),
        (replace(SOUND, diagnoses=(Coded("I109", valid_to=date(2026, 9, 14)),)), []),
        (replace(SV, procedures=(Coded("DT016"),)), ["procedure_date_missing"]),
        (replace(SOUND, diagnoses=(Coded("S525"),)), ["external_cause_missing"]),
        (replace(SOUND, is_complete=False), ["not_complete"]),
        (replace(SOUND, is_emergency=True, emergency=""), ["emergency_unknown"]),
        (replace(SOUND, missing=("Yrke saknas.",)), ["not_derived"]),
        # Coercion is done under a form of psychiatric care, which is reported apart (TV) and not registered here.
        (replace(SV, procedures=(Coded("XU000", day=date(2026, 9, 15)),)), ["coercion_form"]),
        (replace(SV, procedures=(Coded("DT016", day=date(2026, 9, 13)),)), ["procedure_outside"]),
        (replace(SV, procedures=(Coded("DT016", day=date(2026, 9, 18)),)), []),
        (replace(SV, discharged_to=""), ["way_out_missing"]),
        # A stay that goes on has no diagnosis yet, and no way out.
        (replace(SV, end=None, diagnoses=(), procedures=(), discharged_to=""), []),
    ],
)
def test_what_is_said_of_a_contact_before_it_is_delivered(content, codes):
    """PAR-01: errors hold it back, warnings do not."""
    assert found(content) == codes


def test_a_code_list_is_asked_only_where_it_is_known():
    """PAR-01: 046 is text; a list that nobody has entered refuses nothing."""
    known = {"mvo": {"046"}, "sjukhuskod": {"41001"}}
    assert found(SOUND, known) == ["mvo_unknown"]
    assert found(replace(SOUND, mvo="046"), known) == []
    assert found(replace(SOUND, hospital="304X10", mvo="046"), known) == ["hospital_unknown"]


def test_a_value_that_the_layout_s_code_list_does_not_hold_is_a_fault():
    """PAR-01: any list that the layout names and that is known; nothing is asked of an empty value."""
    field = writing.Field("OV", "AD", 1, "emergency", code_list="akutverksamhet")
    known = {"akutverksamhet": {"0", "1"}}
    assert writing.fault("7", field, "ascii", known) == "är 7, som inte finns i kodlistan"
    assert writing.fault("1", field, "ascii", known) == writing.fault("", field, "ascii", known) == ""
    assert writing.fault("7", field, "ascii", {}) == writing.fault("7", field, "ascii") == ""


# --- The whole --------------------------------------------------------------------------------------------------------


def tallied(*contents):
    tally = review.Tally()
    for content in contents:
        tally.add(content)
    return {(share.measure, share.subset): share for share in tally.shares()}


def test_shares_of_what_is_missing_are_told_beside_what_is_published():
    """PAR-01: a stay that goes on has no diagnosis yet; injuries alone ask for a cause; one cause is enough."""
    hurt = replace(SV, diagnoses=(Coded("S525"), Coded("S060")))
    shares = tallied(
        SV,
        replace(SV, identity_kind="reservid", sex=""),
        replace(SV, end=None, diagnoses=()),
        replace(SV, diagnoses=()),
        hurt,
        replace(hurt, diagnoses=(Coded("S525"), Coded("S060", external_causes=("W0101",)))),
        SOUND,
    )
    told = {key: (share.missing, share.of, share.usual) for key, share in shares.items()}
    assert told == {
        ("main_diagnosis", "SV"): (1, 5, 1.0),
        ("identity", "SV"): (1, 6, 1.6),
        ("external_cause", "SV"): (1, 4, 1.0),
        ("sex", "SV"): (1, 6, None),
        ("main_diagnosis", "OV"): (0, 1, None),
        ("identity", "OV"): (0, 1, None),
        ("external_cause", "OV"): (0, 1, None),
        ("sex", "OV"): (0, 1, None),
    }


@pytest.mark.parametrize(
    ("missing", "of", "usual", "far"),
    [
        (5, 200, 1.0, True),
        (4, 100, 1.0, False),  # few, whatever the share
        (5, 250, 1.0, False),  # twice as much is not more than twice
        (90, 100, None, False),  # nothing is published of it
    ],
)
def test_a_share_is_far_when_it_is_more_than_twice_what_is_published(missing, of, usual, far):
    assert review.Share("identity", "SV", missing, of, usual).is_far is far


@pytest.mark.parametrize(
    ("count", "usual", "far"),
    [
        (9, 20.0, True),
        (10, 20.0, False),
        (30, 20.0, False),
        (31, 20.0, True),
        (0, 9.0, False),
        (0, 10.0, True),
        (5, None, False),
    ],
)
def test_a_month_is_far_from_the_others(count, usual, far):
    """PAR-01: under half or over one and a half, and ten contacts apart."""
    assert review.Volume("1", date(2026, 9, 1), count, usual).is_far is far


def test_a_month_is_held_against_the_others_known_and_an_empty_one_counts():
    """PAR-01: those of the period, and those before it as they were delivered."""
    counts = {(1, date(2026, 8, 1)): 30, (1, date(2026, 10, 1)): 40, (2, date(2026, 9, 1)): 5}
    before = {(1, date(2026, 7, 1)): 50}
    told = {(each.unit, each.month.month): (each.count, each.usual) for each in review.volumes(counts, before, AUTUMN)}
    assert told == {
        (1, 8): (30, 30.0), (1, 9): (0, 40.0), (1, 10): (40, pytest.approx(80 / 3)),
        (2, 8): (0, 2.5), (2, 9): (5, 0.0), (2, 10): (0, 2.5),
    }  # fmt: skip
    shares = [review.Share("sex", "OV", 1, 9)]
    volumes = review.volumes(counts, before, AUTUMN)
    kept = review.read(json.loads(json.dumps(review.kept(shares, volumes))))
    assert kept == (shares, [replace(each, unit=str(each.unit)) for each in volumes])


# --- Rows -------------------------------------------------------------------------------------------------------------


def codes_in(content, file):
    return [row["code"] for row in rows(content, file)]


def test_an_atc_code_stands_directly_under_what_it_completes():
    """PAR-01: order carries meaning; what completes no åtgärd goes to the file of its own."""
    assert codes_in(SOUND, "AT") == ["DT016", "J01CA04", "B01AC06", "XS915"]
    assert codes_in(SOUND, "LT") == ["N02BE01"]
    with_atc = replace(SOUND, diagnoses=(Coded("T509", atc=("N05BA01",)), Coded("I109")))
    assert [(row["code"], row["diagnosis_kind"]) for row in rows(with_atc, "DI")] == [
        ("T509", "1"),
        ("N05BA01", "1"),
        ("I109", "0"),
    ]
    assert codes_in(SOUND, "YO") == ["W0101"]


def test_a_procedure_without_date_has_the_contact_s_day_where_there_is_one():
    assert [row["code_date"] for row in rows(SOUND, "AT")] == [date(2026, 9, 14)] * 4


LAYOUT = writing.Layout(
    version="prov",
    regulation="HSLF-FS 0000:0",
    is_verified=True,
    file_name="PAR_{filkod}_{delmangd}_{fil}_{fran}-{till}.txt",
    has_header=False,
    line_ending="crlf",
    encoding="ascii",
    fields=(
        writing.Field("OV", "AD", 1, "contact"),
        writing.Field("OV", "AD", 2, "mvo"),
        writing.Field("OV", "AD", 3, "start_date", "date"),
        writing.Field("OV", "AD", 4, "emergency_arrival", "moment"),
        writing.Field("OV", "LT", 1, "contact"),
        writing.Field("OV", "LT", 2, "code"),
    ),
)


def written(contents, layout=LAYOUT):
    made = writing.write(contents, layout, file_code="12", period=AUTUMN)
    return {file.name: file.content.decode(layout.encoding) for file in made}


@pytest.mark.parametrize(
    ("values", "row"),
    [
        (("a", "b", "c"), "a;b;c"),
        (("a", "", "c"), "a;;c"),
        (("a", "b", ""), "a;b;"),
        (("a", "", ""), "a;;"),
    ],
)
def test_a_row_ends_with_a_semicolon_only_where_its_last_value_is_missing(values, row):
    """HSLF-FS 2016:91, bilaga 1 (PAR-01)."""
    fields = tuple(
        writing.Field("OV", "AD", place, name) for place, name in enumerate(("mvo", "hospital", "identity"), 1)
    )
    content = replace(SOUND, mvo=values[0], hospital=values[1], identity=values[2])
    assert written([content], replace(LAYOUT, fields=fields)) == {"PAR_12_OV_AD_202608-202610.txt": f"{row}\r\n"}


def test_every_file_is_made_also_an_empty_one_and_keys_are_in_order():
    """PAR-01: the LT file is delivered even when it is empty."""
    first, second = replace(SOUND, key=3, substances=()), replace(SOUND, key=20, substances=(), mvo="046")
    assert written([second, first, SV]) == {
        "PAR_12_OV_AD_202608-202610.txt": "3;101;20260914;\r\n20;046;20260914;\r\n",
        "PAR_12_OV_LT_202608-202610.txt": "",
    }


def test_times_are_stockholm_s():
    late = replace(SOUND, start=at("2026-09-14 22:30"), is_emergency=True, emergency="1", substances=())
    assert written([late])["PAR_12_OV_AD_202608-202610.txt"] == "17;101;20260915;202609150030\r\n"


def test_the_same_contents_give_the_same_bytes_and_a_changed_layout_others():
    """PAR-01: in whatever order the contacts were read; another place, header or line ending is another file."""
    others = [replace(SOUND, key=key) for key in (5, 4, 6)]
    assert written(others) == written(list(reversed(others)))
    swapped = tuple(
        replace(field, position={1: 2, 2: 1}.get(field.position, field.position)) if field.file == "AD" else field
        for field in LAYOUT.fields
    )
    variants = [
        LAYOUT,
        replace(LAYOUT, fields=swapped),
        replace(LAYOUT, has_header=True),
        replace(LAYOUT, line_ending="lf"),
        replace(LAYOUT, is_verified=False),
    ]
    assert len({str(written(others, layout)) for layout in variants}) == 5
    assert len({layout.digest for layout in variants}) == 5
    assert written([replace(SOUND, substances=())], variants[2])["PAR_12_OV_LT_202608-202610.txt"] == "contact;code\r\n"


def test_what_follows_no_verified_layout_says_so_in_its_name():
    """PAR-01: until an administrator has entered the real layout."""
    names = set(written([SOUND], replace(LAYOUT, is_verified=False)))
    assert names == {"EJ_VERIFIERAD_PAR_12_OV_AD_202608-202610.txt", "EJ_VERIFIERAD_PAR_12_OV_LT_202608-202610.txt"}


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("PAR_{filkod}_{delmangd}_{fil}_{fran}-{till}.txt", False),
        ("{delmangd}{fil}", False),
        ("PAR_{filkod}.txt", True),
        ("{delmangd}_{fil}_{personnummer}", True),
        ("{delmangd.__class__}_{fil}", True),
        ("../{delmangd}_{fil}", True),
        ("{delmangd}_{fil", True),
        ("åäö_{delmangd}_{fil}", True),
    ],
)
def test_a_file_name_is_made_of_known_parts_and_plain_signs(pattern, refused):
    assert bool(name_refusal(pattern)) == refused
    if not refused:
        assert file_name(
            pattern, is_verified=True, file_code="12", subset="SV", file="AD", first=AUTUMN.first, last=AUTUMN.last
        )


@pytest.mark.parametrize(
    ("field", "text", "wrong"),
    [
        (writing.Field("OV", "AD", 1, "mvo", max_length=3), "101", ""),
        (writing.Field("OV", "AD", 1, "mvo", max_length=3), "1011", "är längre än 3 tecken"),
        (writing.Field("OV", "AD", 1, "mvo", is_required=True), "", "saknas"),
        (writing.Field("OV", "AD", 1, "mvo"), "", ""),
        (writing.Field("OV", "AD", 1, "mvo"), "1;2", "har ett tecken som filen inte får ha"),
        (writing.Field("OV", "AD", 1, "mvo"), "å", "har ett tecken utanför ascii"),
    ],
)
def test_what_a_file_cannot_hold_is_told(field, text, wrong):
    assert writing.fault(text, field, "ascii") == wrong


def test_a_layout_with_gaps_or_without_fields_is_refused():
    assert writing.layout_refusal(LAYOUT) is None
    assert "inga fält" in writing.layout_refusal(replace(LAYOUT, fields=())).sentence
    gap = replace(LAYOUT, fields=(writing.Field("OV", "AD", 2, "contact"),))
    assert "luckor" in writing.layout_refusal(gap).sentence


@pytest.mark.parametrize(
    ("state", "decided", "is_verified", "reason", "code"),
    [
        ("prepared", "sent", True, "", None),
        ("prepared", "sent", False, "", "layout_not_verified"),
        ("prepared", "discarded", False, "Fel period", None),
        ("prepared", "discarded", True, " ", "reason_missing"),
        ("sent", "sent", True, "", "already_decided"),
        ("sent", "discarded", True, "Fel", "already_decided"),
        ("discarded", "sent", True, "", "already_decided"),
    ],
)
def test_what_may_become_of_a_delivery(state, decided, is_verified, reason, code):
    """PAR-01: what follows no verified layout is never marked as delivered."""
    refused = decision_refusal(state, decided, is_verified=is_verified, reason=reason)
    assert (refused and refused.code) == code
