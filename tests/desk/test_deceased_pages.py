"""The pages of a death: its date corrected, the register's word, the undo's outcome, letters, and the log (AV-01…03,
PL-07, PL-22, KA-05)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from registration.models import Patient, PatientRelation
from scheduling.actions import letters
from scheduling.models import Letter
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from sdv.flows import deceased
from tests import factories as make

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory()


@pytest.fixture
def support(clinic):
    return signed_in(make.staff(Role.SUPPORT, clinic))


@pytest.fixture
def dead(clinic):
    """Somebody who had a booking the day after tomorrow."""
    visit = make.booked_visit(care_unit=clinic, start=make.in_days(2))
    die(visit.patient)
    return visit.patient


def die(patient):
    fields = {"reason": "Dödsbevis", "by": make.UserFactory(), "at": now()}
    return deceased.register(patient_id=patient.pk, deceased_on=local_date(now()), **fields)


def page(client, name, pk, **data):
    return client.get(reverse(name, args=[pk]), data)


def write(patient, clinic, **changes):
    words = {"name": "Karl Ek", "address": "Storgatan 1", "heading": "Till dig", "body": "Text", "reason": "Saker kvar"}
    fields = words | {"care_unit": clinic, "by": make.UserFactory(), "at": now()} | changes
    return letters.write_to_relatives(patient_id=patient.pk, **fields)


def test_the_date_is_corrected_as_far_as_it_is_known(support, dead):
    """AV-01"""
    address = reverse("patient-deceased-correct", args=[dead.pk])
    version = Patient.objects.get(pk=dead.pk).version
    for wrong in ("förra veckan", "2200-01", "1850-01-01"):
        answer = support.post(address, {"died_on": wrong, "reason": "Intyg", "version": version})
        assert answer.status_code == 422, wrong
    assert support.post(address, {"died_on": "2026-01", "reason": "", "version": version}).status_code == 422
    done = support.post(address, {"died_on": "2026-01", "reason": "Intyg", "version": version}, follow=True)
    assert "Avliden 2026-01" in done.content.decode()
    dead.refresh_from_db()
    assert (dead.deceased_on.isoformat(), dead.deceased_partial) == ("2026-01-31", "2026-01")


def test_the_register_s_word_is_told_where_support_decides(support, dead):
    """AV-03"""
    day = local_date(now()).isoformat()
    deceased.told_by_register(patient_id=dead.pk, died_on=day, at=now())
    assert (
        f'Folkbokföringen: <span class="num">{day}</span>'
        in page(support, "patient-deceased", dead.pk).content.decode()
    )
    deceased.told_by_register(patient_id=dead.pk, died_on="", at=now())
    assert "Folkbokföringen tog tillbaka dödsfallet" in page(support, "patient-deceased", dead.pk).content.decode()
    assert "inget dödsfall" in page(support, "patient-deceased-undo", dead.pk).content.decode()


def test_the_outcome_of_an_undo_says_what_came_back_and_offers_free_times(support, clinic):
    """AV-03, PL-07"""
    at = now()
    visit = make.booked_visit(care_unit=clinic, start=at + timedelta(days=2), at=at)
    assert page(support, "patient-deceased-undone", visit.patient_id).status_code == 404
    die(visit.patient)
    make.booked_visit(care_unit=clinic, resource=visit.resources.get(), start=visit.start, at=at)
    undone = support.post(
        reverse("patient-deceased-undo", args=[visit.patient_id]), {"reason": "Fel person"}, follow=True
    )
    assert undone.redirect_chain[-1][0] == reverse("patient-deceased-undone", args=[visit.patient_id])
    (each, address), *_ = undone.context["left"]
    assert (each.consumer, len(each.times)) == ("appointment", 3)
    assert "1 vårdåtagande" in undone.context["restored"]
    booking = support.get(address)
    assert booking.status_code == 200
    assert booking.context["form"].visit_type.pk == visit.encounter.visit_type_id


def test_a_letter_is_read_printed_and_stopped_at_its_own_unit(support, clinic, dead):
    """PL-22"""
    first, second = write(dead, clinic), write(dead, clinic)
    shown = page(support, "patient-deceased", dead.pk).content.decode()
    assert reverse("letter", args=[first.pk]) in shown
    support.post(reverse("letter-printed", args=[first.pk]))
    stop = reverse("letter-stop", args=[second.pk])
    assert support.post(stop, {"reason": "", "version": 1}).status_code == 422
    support.post(stop, {"reason": "Fel adress", "version": 1})
    assert list(Letter.objects.order_by("id").values_list("status", flat=True)) == ["printed", "stopped"]
    assert "Storgatan 1" not in page(support, "letter", second.pk).content.decode()
    read = AccessLogEntry.objects.filter(patient_id=dead.pk, what="brev", resource_id=first.pk)
    assert read.count() > 0
    elsewhere = signed_in(make.receptionist(make.CareUnitFactory()))
    assert page(elsewhere, "letter", first.pk).status_code == 404


def test_nothing_of_a_letter_is_shown_of_a_protected_person(support, clinic, dead):
    """KA-05, SK-05"""
    letter = write(dead, clinic)
    Patient.objects.filter(pk=dead.pk).update(protection="sekretessmarkering")
    for name, pk in (("letter", letter.pk), ("patient-deceased", dead.pk), ("letter-stop", letter.pk)):
        shown = page(support, name, pk).content.decode()
        assert not [text for text in ("Karl Ek", "Storgatan", "Saker kvar", "Till dig") if text in shown], name
    refused = page(support, "letter-create", dead.pk)
    assert (refused.status_code, "Skatteverkets förmedling" in refused.content.decode()) == (409, True)


def test_the_form_offers_those_near_who_may_be_written_to(support, dead):
    """PL-22, RE-02, KA-05"""
    near = PatientRelation.objects.create(patient=dead, kind="contact", name="Kerstin Dahl", relation="dotter")
    PatientRelation.objects.create(patient=dead, kind="contact", name="Nils Gömd", is_protected=True)
    shown = page(support, "letter-create", dead.pk).content.decode()
    assert ("Kerstin Dahl" in shown, "Nils Gömd" in shown) == (True, False)
    words = {"name": "", "address": "Storgatan 1", "heading": "Hej", "body": "Text", "reason": "Saker kvar"}
    address = reverse("letter-create", args=[dead.pk])
    assert support.post(address, words).status_code == 422
    support.post(address, words | {"relation": near.pk})
    assert Letter.objects.get().recipient == "Kerstin Dahl\nStorgatan 1"


def test_a_letter_about_the_living_is_refused(support, clinic):
    """PL-22"""
    assert page(support, "letter-create", make.patient().pk).status_code == 409


def test_the_page_asks_the_database_equally_often_however_much_was_ended(support, clinic):
    """AV-02"""
    few, many = make.patient(), make.patient()
    for patient, number in ((few, 1), (many, 4)):
        for day in range(1, number + 1):
            make.booked_visit(care_unit=clinic, patient=patient, start=make.in_days(day) + timedelta(hours=number))
        die(patient)
        for _ in range(number):
            write(patient, clinic)
    assert queries_of(lambda: page(support, "patient-deceased", many.pk)) == queries_of(
        lambda: page(support, "patient-deceased", few.pk)
    )


def test_the_log_says_what_has_happened_with_the_death(clinic, dead):
    """AV-01…03"""
    deceased.told_by_register(patient_id=dead.pk, died_on="2026-01-15", at=now())
    deceased.told_by_register(patient_id=dead.pk, died_on="", at=now())
    deceased.undo(patient_id=dead.pk, reason="Fel i registret", by=make.UserFactory(), at=now())
    log = page(signed_in(make.staff(Role.AUDITOR, clinic)), "patient-log", dead.pk).content.decode()
    for words in (
        "Registrerad som avliden",
        "Dödsdatum ändrat",
        "Folkbokföringen tog tillbaka dödsfallet",
        "Avliden ångrad",
    ):
        assert words in log
