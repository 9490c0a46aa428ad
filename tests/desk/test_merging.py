"""The pages where two records become one and are taken apart again (RI-02, SK-02, PL-13)."""

import pytest
from django.urls import reverse

from registration.actions import contact
from registration.models import Patient, PatientIdentity
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from sdv.flows import deceased, protection
from sdv.flows.models import PatientMerge
from tests import factories as make
from tests.desk.signed_in import signed_in

pytestmark = pytest.mark.django_db
NUMBER = "SE1234567890"


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory(name="Kirurgen")


@pytest.fixture
def support(clinic):
    return make.staff(Role.SUPPORT, clinic, name="Siv Ek")


@pytest.fixture
def desk(support):
    return signed_in(support)


@pytest.fixture
def old(clinic):
    patient = make.booked_visit(care_unit=clinic, patient=make.patient(given_name="Okänd", surname="Man")).patient
    PatientIdentity.objects.filter(patient=patient).update(kind="reservid", value=NUMBER)
    return patient


@pytest.fixture
def present():
    return make.patient(given_name="Hodan", surname="Abdi")


def page_of(patient):
    return reverse("patient-merge", args=[patient.pk])


def text_of(answer):
    return answer.content.decode()


def compared(desk, patient, other, **sent):
    return desk.post(page_of(patient), {"other": str(other.pk), **sent})


def merged(desk, patient, other, **sent):
    return compared(desk, patient, other, merge="1", **{"reason": "Legitimation visad"} | sent)


def test_the_other_record_is_sought_by_number_or_name_and_never_the_same_one(desk, old, present):
    """RI-02: nothing typed lands in an address"""
    found = desk.post(page_of(present), {"q": NUMBER})
    assert [hit.pk for hit in found.context["hits"]] == [old.pk]
    assert [hit.pk for hit in desk.post(page_of(present), {"q": "Okänd Man"}).context["hits"]] == [old.pk]
    assert desk.post(page_of(present), {"q": "Abdi"}).context["hits"] == []
    assert "Ingen annan post hittades" in text_of(desk.post(page_of(present), {"q": "Abdi"}))
    assert desk.post(page_of(present), {"q": ""}).status_code == 422
    assert AccessLogEntry.objects.filter(patient_id=old.pk, what="sökträff").count() == 2


def test_side_by_side_says_what_differs_and_what_moves(desk, old, present):
    """RI-02"""
    Patient.objects.filter(pk=old.pk).update(interpreter_kind="spoken", interpreter_language="Somaliska")
    answer = compared(desk, present, old)
    rows = {row.word: row for row in answer.context["rows"]}
    assert (rows["Namn"].old, rows["Namn"].present, rows["Namn"].differs) == ("Man, Okänd", "Abdi, Hodan", True)
    assert (rows["Tolk"].old, rows["Tolk"].present, rows["Tolk"].is_carried) == ("Somaliska", "", True)
    assert not rows["Kön"].differs
    assert "Avliden" not in rows
    assert {"1 bokning", "1 vårdhändelse", "1 vårdåtagande", "1 identitet"} <= set(answer.context["coming"])
    assert AccessLogEntry.objects.filter(patient_id=old.pk, what="sammanslagning").exists()
    assert not PatientMerge.objects.exists()


def test_bookings_at_the_same_time_are_told(desk, old, present):
    """PL-06: it warns and does not block"""
    make.booked_visit(patient=present, start=old.appointments.get().start)
    answer = compared(desk, present, old)
    assert answer.status_code == 200
    assert "Bokningar samtidigt" in text_of(answer)
    assert "på Kirurgen" in text_of(answer)
    assert merged(desk, present, old).status_code == 302


def test_wherever_one_begins_the_reserve_number_is_the_old_one(desk, old, present):
    """RI-02"""
    answer = merged(desk, old, present)
    assert answer["Location"] == reverse("patient", args=[present.pk])
    assert Patient.objects.get(pk=old.pk).merged_into == present
    page = text_of(desk.get(answer["Location"]))
    assert "Posterna är sammanslagna:" in page
    assert "Ångra sammanslagning" in page


def test_without_a_reason_nothing_is_merged(desk, old, present):
    """RI-02"""
    answer = merged(desk, present, old, reason="")
    assert answer.status_code == 422
    assert "Ange varför posterna hör till samma person." in text_of(answer)
    assert not PatientMerge.objects.exists()


def test_a_refusal_stands_with_its_rule_in_place_of_the_button(desk, present):
    """RI-02"""
    answer = compared(desk, present, make.patient())
    assert answer.status_code == 409
    assert "Regel RI-02" in text_of(answer)
    assert "slås aldrig samman" in text_of(answer)
    assert 'name="merge"' not in text_of(answer)


def test_pressed_twice_it_says_nothing_and_a_colleague_is_told_who_was_first(desk, clinic, old, present):
    """PL-27"""
    merged(desk, present, old)
    again = merged(desk, present, old)
    assert (again.status_code, again["Location"]) == (302, reverse("patient", args=[present.pk]))
    colleague = signed_in(make.staff(Role.SUPPORT, clinic, name="Kim Berg"))
    answer = merged(colleague, present, old)
    assert answer.status_code == 409
    assert "redan sammanslagen" in text_of(answer)
    assert "Siv Ek" in text_of(answer)


def test_nothing_of_a_protected_record_is_told_where_two_are_compared(desk, clinic, old, present):
    """SK-02, SK-05, PL-24"""
    contact.add_phone(patient_id=present.pk, number="070-174 06 05", by=make.staff(Role.SUPPORT, clinic), at=now())
    protection.arrives_from_register(present, protection="skyddad_folkbokforing", at=now())
    closed = compared(desk, old, present)
    assert closed.status_code == 409
    assert "Regel PL-24" in text_of(closed)
    desk.post(reverse("patient-open", args=[present.pk]), {"reason": "Två poster"})
    answer = compared(desk, old, present)
    assert answer.status_code == 409
    assert "Sätt sekretessmarkering på den" in text_of(answer)
    assert "Hodan" not in text_of(answer)
    assert "070-174" not in text_of(answer)


def test_the_old_record_leads_to_the_present_one_and_says_so(desk, old, present, support):
    """RI-02"""
    merged(desk, present, old)
    answer = desk.get(reverse("patient", args=[old.pk]), follow=True)
    assert answer.redirect_chain == [(reverse("patient", args=[present.pk]), 302)]
    assert "Posten du öppnade är sammanslagen med den här patienten." in text_of(answer)


def test_the_old_number_finds_the_present_record(desk, old, present):
    """RI-02, PA-03"""
    merged(desk, present, old)
    answer = desk.post(reverse("patient-search"), {"q": NUMBER}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("patient", args=[present.pk])
    assert "Hittad på" in text_of(answer)


def test_the_log_tells_of_both(desk, clinic, old, present):
    """PL-13: traced"""
    merged(desk, present, old)
    reviewer = signed_in(make.staff(Role.AUDITOR, clinic))
    page = text_of(reviewer.get(reverse("patient-log", args=[present.pk])))
    assert "En post på reservnummer sammanslagen hit" in page
    assert "Legitimation visad" in page


def test_undo_tells_what_came_since_before_and_after(desk, clinic, old, present):
    """PL-13"""
    merged(desk, present, old)
    make.booked_visit(care_unit=clinic, patient=present, start=make.in_days(3))
    address = reverse("patient-merge-undo", args=[present.pk])
    page = desk.get(address)
    assert ("Posten", NUMBER) in page.context["facts"]
    assert "följer med. Kontrollera på reservnumret." in text_of(page)
    assert desk.post(address).status_code == 200, "the receipt's Ångra leads to the page that asks why"
    assert desk.post(address, {"reason": ""}).status_code == 422
    answer = desk.post(address, {"reason": "Fel person"}, follow=True)
    assert answer.redirect_chain == [(reverse("patient-merge-undone", args=[present.pk]), 302)]
    assert "följer med. Kontrollera på reservnumret." in text_of(answer)
    assert Patient.objects.get(pk=old.pk).merged_into is None
    assert desk.get(address)["Location"] == reverse("patient", args=[present.pk])


def test_a_refused_undo_stands_with_its_rule(desk, clinic, old, present):
    """AV-03"""
    merged(desk, present, old)
    deceased.register(
        patient_id=present.pk,
        deceased_on=local_date(now()),
        reason="Intyg",
        by=make.staff(Role.SUPPORT, clinic),
        at=now(),
    )
    answer = desk.get(reverse("patient-merge-undo", args=[present.pk]))
    assert answer.status_code == 409
    assert "Regel AV-03" in text_of(answer)
    assert 'name="reason"' not in text_of(answer)


def test_a_receptionist_is_not_offered_to_merge(clinic, old):
    desk = signed_in(make.staff(Role.RECEPTIONIST, clinic))
    page = text_of(desk.get(reverse("patient", args=[old.pk])))
    assert "Slå samman" not in page
    assert "Koppla till personnummer" not in page
    assert desk.get(page_of(old)).status_code == 403


def test_a_coordinator_merges_and_support_undoes(clinic, old, present):
    desk = signed_in(make.staff(Role.COORDINATOR, clinic))
    assert "Koppla till personnummer" in text_of(desk.get(reverse("patient", args=[old.pk])))
    merged(desk, present, old)
    assert "Ångra sammanslagning" not in text_of(desk.get(reverse("patient", args=[present.pk])))
    assert desk.get(reverse("patient-merge-undo", args=[present.pk])).status_code == 403
