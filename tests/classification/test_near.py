"""What is near the person who codes: favourites, the unit's most used, the patient's earlier, the reason's usual (KL-03)."""

from datetime import timedelta

import pytest

from classification.actions import coding
from classification.models import Code, FavouriteCode
from classification.near import near
from registration.models import ContactReason
from sdv.accounts.models import User

from .conftest import NINE, NOW, make_unit

pytestmark = pytest.mark.usefixtures("starter_codes")
ICD = "icd-10-se"


def coded(contact, *codes, by):
    coding.save_coding(
        encounter_id=contact.pk, diagnoses=[{"code": code} for code in codes], procedures=[], atc=[], complete=False,
        by=by, at=NOW,
    )  # fmt: skip
    return contact


def test_groups_from_the_nearest(make_contact, coder, django_assert_num_queries):
    reason, _ = ContactReason.objects.get_or_create(code="x", defaults={"name": "X"})
    now = make_contact(contact_reason=reason)
    coded(make_contact(), "J069", by=coder)
    coded(make_contact(), "J069", "R059", by=coder)
    coded(make_contact(contact_reason=reason), "I109", by=coder)
    old = make_contact(start=NINE - timedelta(days=400), end=NINE - timedelta(days=399))
    type(old).objects.filter(pk=old.pk).update(patient=now.patient)
    coded(old, "F411", by=coder)
    FavouriteCode.objects.create(user=coder, system_id=ICD, code="F410")
    FavouriteCode.objects.create(care_unit=now.care_unit, system_id=ICD, code="F432")
    FavouriteCode.objects.create(user=coder, system_id=ICD, code="F439", is_active=False)
    FavouriteCode.objects.create(user=User.objects.create(username="annan"), system_id=ICD, code="F419")
    with django_assert_num_queries(1):
        favourites, unit, patient, reasons = near(now, coder, at=NOW)
    assert set(favourites) == {(ICD, "F410"), (ICD, "F432")}
    assert set(unit) == {(ICD, "J069"), (ICD, "R059"), (ICD, "I109")}
    assert patient == [(ICD, "F411")]
    assert reasons == [(ICD, "I109")]


def test_nothing_comes_from_another_unit(make_contact, coder):
    now = make_contact()
    other = make_contact(unit=make_unit("SE2321000131-E000000000002", "Annan enhet"))
    type(other).objects.filter(pk=other.pk).update(patient=now.patient)
    coded(other, "F411", by=coder)
    assert near(now, coder, at=NOW) == [[], [], [], []]


def test_a_search_with_them_shows_them_first(make_contact, coder):
    now = make_contact()
    FavouriteCode.objects.create(user=coder, system_id=ICD, code="F412")
    hits = Code.objects.search("ångest", [ICD], NOW.date(), near=near(now, coder, at=NOW))
    assert hits[0].code == "F412" and hits[1].code != "F412"
