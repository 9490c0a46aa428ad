"""Bad input on every form about a patient: a clear answer, the right status, nothing lost; never a 500."""

import pytest
from django.urls import reverse

from registration.actions import contact, relations
from registration.models import AddressKind
from sdv.accounts.permissions import Role
from sdv.common.time import now
from sdv.desk.forms.patient_data import BLOCKS
from tests import factories as make

from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]

BAD = ["", "\x00", "å" * 5000, "-1", "0001-01-01", "9999-12-31", "🂡"]
ANSWERS = {200, 302, 403, 404, 409, 422}
# The version is the page's own: what somebody makes of it is told too.
FIELDS = {
    "telefon": ["number", "kind", "is_preferred", "allows_sms", "sms_wording", "version"],
    "adress": ["kind", "care_of", "street", "postal_code", "town", "country", "valid_from", "valid_to", "version"],
    "tolk": ["interpreter_kind", "interpreter_language", "version"],
    "boende": ["special_housing", "minors_at_address", "version"],
    "lakemedel": [
        *["drug_benefit_decided_on", "drug_benefit_decided_by"],
        *["has_pascal", "pascal_told_on", "pascal_told_by", "version"],
    ],
    "soknyckel": ["kind", "value", "country", "version"],
}
RELATION = [
    "name",
    "relation",
    "phone",
    "interpreter_language",
    "gets_letter_copy",
    "valid_from",
    "valid_to",
    "version",
]
PROPER = {"number": "070-174 06 05", "street": "Storgatan 1", "name": "Gun Ek", "value": "50123456"}


@pytest.fixture
def desk():
    return signed_in(make.staff(Role.SUPPORT, make.CareUnitFactory()))


def post_each(client, url, fields, bad):
    """All bad at once, and each alone beside what is proper."""
    for sent in (dict.fromkeys(fields, bad), *({**PROPER, name: bad} for name in fields)):
        response = client.post(url, sent)
        assert response.status_code in ANSWERS, (url, sent, response.status_code)


def test_no_field_of_a_block_is_forgotten_here():
    assert {name: set(block.form().fields) for name, block in BLOCKS.items()} == {
        name: set(fields) for name, fields in FIELDS.items()
    }


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_the_blocks_and_rows_of_the_patient(desk, bad):
    """PA-05…07"""
    patient, by = make.patient(), make.UserFactory()
    who = {"patient_id": patient.pk, "by": by, "at": now()}
    rows = {
        "telefon": contact.add_phone(**who, number="070-174 06 06"),
        "adress": contact.add_address(
            **who, kind=AddressKind.objects.get(code="faktureringsadress"), street="Strandvägen 2"
        ),
    }
    for name, fields in FIELDS.items():
        post_each(desk, reverse("patient-edit", args=[patient.pk, name]), fields, bad)
    for name, row in rows.items():
        post_each(desk, reverse("patient-edit-row", args=[patient.pk, name, row.pk]), FIELDS[name], bad)


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_the_forms_of_relations_protection_and_the_log(desk, bad):
    """RE-02, RE-03, SK-04, PDL"""
    patient = make.patient()
    row = relations.add_contact(patient_id=patient.pk, name="Gun Ek", by=make.UserFactory(), at=now())
    post_each(desk, reverse("relation-add", args=[patient.pk]), RELATION, bad)
    post_each(desk, reverse("relation-edit", args=[patient.pk, row.pk]), RELATION, bad)
    response = desk.get(reverse("relation-add", args=[patient.pk]), {"vardhandelse": bad})
    assert response.status_code in ANSWERS
    post_each(desk, reverse("patient-protection", args=[patient.pk]), ["ground", "version"], bad)
    auditor = signed_in(make.staff(Role.AUDITOR, make.CareUnitFactory()))
    asked = ["user", "care_unit", "what", "from_day", "to_day", "fore"]
    post_each(auditor, reverse("patient-log-extract", args=[patient.pk]), asked, bad)
    for name in asked:
        response = auditor.get(reverse("patient-log", args=[patient.pk]), {name: bad})
        assert response.status_code in ANSWERS, (name, bad)
