"""Kontakttyp follows from the registration (BT-03, DI-01, DI-08)."""

from types import SimpleNamespace

import pytest

from registration.contact_types import DECISIONS, PASIS_NAMES, ContactFacts, ContactType, contact_type, new_or_return_of

VISIT = "specialiserad-oppenvard"
WITHOUT_VISIT = "kontakt-utan-besok"


@pytest.mark.parametrize(
    ("channel", "new_or_return", "expected"),
    [
        ("physical", "new", "NY"),
        ("phone", "new", "NY"),
        ("video", "new", "NY"),
        ("physical", "return", "ÅB"),
        ("phone", "return", "KT"),
        ("video", "return", "VK"),
        ("physical", "", None),
        ("", "return", None),
    ],
)
def test_a_visits_kontakttyp_is_its_besokstyps(channel, new_or_return, expected):
    """BT-03: nybesök of any form is NY; återbesök by form; a besökstyp that is neither, as Förbesök, tells none."""
    assert contact_type(ContactFacts(VISIT, channel, new_or_return)) == expected


@pytest.mark.parametrize(
    ("channel", "replaces", "expected"),
    [
        ("video", True, "VK"),
        ("video", False, "TE"),
        ("phone", True, "KT"),
        ("phone", False, "TE"),
        ("text", True, "KB"),
        ("text", False, "BR"),
        ("staff", None, "KO"),
        ("staff", False, "KO"),
        ("phone", None, None),
        ("physical", True, None),
        ("", True, None),
    ],
)
def test_a_contact_without_a_visit_is_decided_by_the_table(channel, replaces, expected):
    """BT-03 and DI-01; DI-07 for KO. What the table does not tell has none."""
    assert contact_type(ContactFacts(WITHOUT_VISIT, channel, "return", replaces)) == expected


@pytest.mark.parametrize(
    ("channel", "replaces", "expected"),
    [("phone", True, "NY"), ("video", True, "NY"), ("text", True, "NY"), ("phone", False, "TE"), ("staff", None, "KO")],
)
def test_a_first_visit_at_a_distance_keeps_ny(channel, replaces, expected):
    """DI-08: also when it was not booked; a contact that replaces no visit is no first visit."""
    assert contact_type(ContactFacts(WITHOUT_VISIT, channel, "new", replaces)) == expected


@pytest.mark.parametrize(
    ("own", "may_be_new", "may_be_return", "expected"),
    [
        ("new", True, True, "new"),
        ("return", True, True, "return"),
        ("", True, False, "new"),
        ("", False, True, "return"),
        ("", False, False, ""),
        ("", True, True, ""),
    ],
)
def test_a_besokstyp_says_new_or_return_or_its_kind_does(own, may_be_new, may_be_return, expected):
    """BT-02."""
    kind = SimpleNamespace(may_be_new=may_be_new, may_be_return=may_be_return)
    assert new_or_return_of(SimpleNamespace(new_or_return=own, visit_kind=kind)) == expected
    assert new_or_return_of(None) == ""


def test_only_kontakttyper_of_known_meaning_are_derived():
    """BT-03: AH, EG, IN, KD, KI, SA, TB and VS have no public meaning; BB is decided later."""
    assert {str(each) for each in DECISIONS.values()} == {"VK", "KT", "KB", "TE", "BR", "KO"}
    without_meaning = {code for code, name in PASIS_NAMES.items() if not name}
    assert without_meaning == {"AH", "EG", "IN", "KD", "KI", "SA", "TB", "VS"}
    assert set(ContactType.values) == set(PASIS_NAMES) - without_meaning - {"BB"}
