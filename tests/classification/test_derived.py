"""What reporting adds and nobody types: XS, ZV020, ZV051, UW040 (KL-04, DI-05, DI-07, DI-08, PS-04)."""

import csv
from pathlib import Path

import pytest

from classification import derived, starter
from classification.derived import PROFESSION_CODES, Registration, derive
from classification.deriving import derived_of, with_derivation
from registration.models import Encounter, EncounterParticipant, VisitKind, VisitType
from sdv.accounts.models import Practitioner, Profession
from sdv.organisation.models import CareArea

DATA = Path(derived.__file__).parent / "data"
VISIT = "specialiserad-oppenvard"

# KL-04, written out by hand: kontakttyp → form code. None: no code; "?": not known, and so not derived.
FORMS = {
    "NY": "XS900",
    "ÅB": "XS900",
    "KI": "XS900",
    "KT": "XS012",
    "VK": "XS014",
    "KB": "XS003",
    "TE": None,
    "BR": None,
    **dict.fromkeys(["BB", "TB", "VS", "KD", "AH", "EG", "IN", "SA", None], "?"),
}
PROFESSIONS = {
    "Arbetsterapeut": ("XS910", "REG"),
    "Barnmorska": ("XS925", "KVÅ 2026"),
    "Dietist": ("XS912", "REG"),
    "Fysioterapeut": ("XS918", "REG"),
    "Kurator": ("XS913", "REG"),
    "Läkare": ("XS915", "REG"),
    "Psykolog": ("XS917", "REG"),
    "Sjuksköterska": ("XS919", "KVÅ 2026"),
    "Undersköterska": ("XS921", "KVÅ 2026"),
    "Övrig": ("XS922", "KVÅ 2026"),
}


def codes(**facts):
    return [each.code for each in derive(Registration(VISIT, **facts)).codes]


@pytest.mark.parametrize("profession", PROFESSIONS)
@pytest.mark.parametrize("contact_type", FORMS)
def test_every_kontakttyp_with_every_yrkeskategori(contact_type, profession):
    """KL-04: an unknown kontakttyp is said to be unknown and has no form code; the profession has its own."""
    told = derive(Registration(VISIT, contact_type, professions=(profession,)))
    form, code = FORMS[contact_type], PROFESSIONS[profession]
    assert [each.code for each in told.of("form")] == ([form] if form and form != "?" else [])
    assert [(each.code, each.source) for each in told.of("profession")] == [code]
    assert len(told.missing) == (1 if form == "?" else 0)


def test_contact_among_staff_has_no_codes():
    """KL-04, DI-07: REG's row for KO does not apply."""
    told = derive(Registration("kontakt-utan-besok", "KO", "staff", ("Läkare",), interpreter_used=True))
    assert (told.contact_type, told.codes, told.missing) == ("KO", (), ())


def test_the_tables_agree_with_the_instructions_files():
    """KL-04: every profession of REG's table has its code there; every yrkeskategori of the product has one."""

    def rows(name, folder=DATA):
        with (folder / name).open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines, delimiter=";"))

    theirs = {row["kva_kod"] for row in rows("xs_koder_personalkategori.csv")}
    ours = {each.code for each in PROFESSION_CODES.values() if each.source == "REG"}
    assert ours == theirs - {"XS911", "XS914", "XS916"}  # audionom, logoped, ortoptist: no yrkeskategori of REG's
    registration = Path(derived.__file__).parents[1] / "registration" / "data"
    assert set(PROFESSION_CODES) == {row["yrkeskategori"] for row in rows("yrkeskategorier.csv", registration)}
    titles = {row["code"]: row["title"] for row in starter.rows_of("kva_starter.csv")}
    assert {each.code: each.title for each in PROFESSION_CODES.values()} == {
        each.code: titles[each.code] for each in PROFESSION_CODES.values()
    }
    never_typed = {row["code"] for row in starter.rows_of("derived_codes.csv")}
    assert set(derived.FORM_CODES.values()) | {"XS902", "XS903", "XS904"} <= never_typed
    assert {each.code for each in PROFESSION_CODES.values()} <= never_typed


@pytest.mark.parametrize(
    ("professions", "is_group", "expected"),
    [
        (("Läkare",), False, ["XS900", "XS915"]),
        (("Läkare", "Läkare"), False, ["XS900", "XS915"]),
        (("Läkare", "Kurator"), False, ["XS902", "XS915", "XS913"]),
        (("Kurator",), True, ["XS903", "XS913"]),
        (("Kurator", "Psykolog"), True, ["XS904", "XS913", "XS917"]),
    ],
)
def test_team_and_group_go_before_the_kontakttyp(professions, is_group, expected):
    """KL-04, BO-02: two of the same profession are no team."""
    assert codes(contact_type="ÅB", channel="physical", professions=professions, is_group=is_group) == expected


def test_a_team_is_told_also_where_the_kontakttyp_is_not_known():
    """KL-04: the form of the visit is a fact of its own."""
    assert codes(professions=("Läkare", "Kurator"))[0] == "XS902"


@pytest.mark.parametrize(
    ("contact_type", "channel", "expected"),
    [
        ("NY", "video", ["XS900", "XS917", "ZV051"]),
        ("NY", "phone", ["XS900", "XS917", "ZV051"]),
        ("NY", "physical", ["XS900", "XS917"]),
        ("VK", "video", ["XS014", "XS917"]),
    ],
)
def test_a_first_visit_at_a_distance_has_zv051(contact_type, channel, expected):
    """DI-08, KL-04: NY at a distance is XS900 with ZV051; a return visit at a distance has its own code and no ZV051."""
    assert codes(contact_type=contact_type, channel=channel, professions=("Psykolog",)) == expected


@pytest.mark.parametrize("used", [True, False])
def test_an_interpreter_who_was_used_gives_zv020(used):
    """PS-04."""
    told = derive(Registration(VISIT, "ÅB", "physical", ("Psykolog",), interpreter_used=used))
    assert [(each.code, each.rule, each.reason) for each in told.of("addition")] == (
        [("ZV020", "PS-04", "tolk användes")] if used else []
    )


@pytest.mark.parametrize(
    ("contact_type", "in_programme", "expected"),
    [
        *((each, True, ["UW040"]) for each in ("VK", "KT", "TE", "KB", "BR")),
        ("TE", False, []),
        ("ÅB", True, []),
        ("KO", True, []),
    ],
)
def test_part_of_a_support_programme_gives_uw040(contact_type, in_programme, expected):
    """DI-05: also when no visit is replaced; a regional code."""
    told = derive(
        Registration("kontakt-utan-besok", contact_type, "phone", ("Kurator",), in_programme=in_programme)
    ).of("addition")
    assert [each.code for each in told] == expected
    assert {each.system for each in told} <= {"regional"}


@pytest.mark.parametrize("type_code", ["annullerad", "utebliven-bokad-kontakt", "admin", "foster", "historisk"])
def test_what_is_not_reported_has_no_derived_codes(type_code):
    """VH-20."""
    told = derive(Registration(type_code, "NY", "physical", ("Läkare",), interpreter_used=True))
    assert (told.codes, told.missing) == ((), ())


def test_inpatient_care_has_no_contact_codes_but_its_interpreter():
    """KL-04: XS codes are of open care."""
    told = derive(Registration("slutenvard", interpreter_used=True))
    assert [each.code for each in told.codes] == ["ZV020"]
    assert told.missing == ()


def test_a_profession_without_a_code_is_said_and_never_guessed():
    """KL-04."""
    told = derive(Registration(VISIT, "ÅB", "physical", ("Läkare", "Trollkarl")))
    assert [each.code for each in told.codes] == ["XS902", "XS915"]
    assert told.missing == ("Yrkeskategorin Trollkarl har ingen XS-kod.",)
    assert derive(Registration(VISIT, "ÅB", "physical")).missing == (
        "Kontakten har ingen yrkeskategori: XS-kod för yrke kan inte härledas.",
    )


# --- As the database has it ------------------------------------------------------------------------------------


@pytest.fixture
def professions(db):
    return {
        name: Profession.objects.get_or_create(code=short.lower(), defaults={"name": name, "abbreviation": short})[0]
        for name, short in (("Läkare", "Lak"), ("Kurator", "Kur"), ("Sjuksköterska", "Ssk"))
    }


@pytest.fixture
def video_return(professions):
    area = CareArea.objects.create(code="ovning", name="Övningsområde", abbreviation="Öv")
    kind = VisitKind.objects.create(
        code="ovning", name="Övning", may_be_new=True, may_be_return=True, contact_form="video"
    )
    return VisitType.objects.create(
        code="sp-ssk-video-ater", name="Sp Ssk Video Återbesök", care_area=area, profession=professions["Sjuksköterska"],
        visit_kind=kind, new_or_return="return", contact_form="video",
    )  # fmt: skip


def take_part(encounter, profession, *, main):
    practitioner = Practitioner.objects.create(
        hsa_id=f"SE2321000131-{profession.code}", given_name="A", surname="B", profession=profession
    )
    EncounterParticipant.objects.create(
        encounter=encounter, practitioner=practitioner, profession=profession, is_main_responsible=main
    )


@pytest.mark.django_db
def test_the_codes_are_read_from_the_registration(make_contact, video_return, professions):
    """KL-04, BT-03: who took part, else the besökstyp's yrkeskategori."""
    encounter = make_contact(visit_type=video_return, contact_form="video", interpreter_used=True)
    assert [each.code for each in derived_of(encounter).codes] == ["XS014", "XS919", "ZV020"]
    take_part(encounter, professions["Kurator"], main=False)
    take_part(encounter, professions["Läkare"], main=True)
    told = derived_of(encounter)
    assert told.contact_type == "VK"
    assert [each.code for each in told.codes] == ["XS902", "XS915", "XS913", "ZV020"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "replaces", "in_programme", "expected"),
    [
        ("text", True, True, ("KB", ["XS003", "XS919", "UW040"])),
        ("text", False, True, ("BR", ["XS919", "UW040"])),
        ("phone", False, False, ("TE", ["XS919"])),
        ("staff", False, False, ("KO", [])),
    ],
)
def test_an_unbooked_contact_is_told_by_its_channel(make_contact, video_return, form, replaces, in_programme, expected):
    """BT-03, DI-01, DI-05, DI-07."""
    encounter = make_contact(
        "kontakt-utan-besok", visit_type=video_return, contact_form=form, replaces_visit=replaces,
        in_programme=in_programme,
    )  # fmt: skip
    told = derived_of(encounter)
    assert (told.contact_type, [each.code for each in told.codes]) == expected


@pytest.mark.django_db
def test_many_are_derived_in_two_statements(make_contact, video_return, professions, django_assert_num_queries):
    """For reports."""
    for _ in range(3):
        make_contact(visit_type=video_return, contact_form="video")
    take_part(Encounter.objects.first(), professions["Läkare"], main=True)
    with django_assert_num_queries(2):
        told = [derived_of(each) for each in with_derivation(Encounter.objects.order_by("id"))]
    assert [[code.code for code in each.codes] for each in told] == [
        ["XS014", "XS915"], ["XS014", "XS919"], ["XS014", "XS919"],
    ]  # fmt: skip
