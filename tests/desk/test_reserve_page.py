"""The page of a new reserve identity, and likely doubles beside the forms (RI-01, RI-03, PL-21, SK-05)."""

import re
from datetime import date

import pytest
from django.urls import reverse

from registration.models import Patient, ReserveSearch
from sdv.accounts.models import AccessLogEntry
from tests import factories as make
from tests.registration.test_reserve import BORN, Service, a_reserve_number

from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]
TYPED = {"given_name": "Amina", "surname": "Yusuf", "birth_date": BORN.isoformat(), "sex": "2"}


@pytest.fixture
def desk():
    return signed_in(make.receptionist(make.CareUnitFactory()))


@pytest.fixture
def service(settings):
    Service.asked = []
    settings.SDV_POPULATION_REGISTER = "tests.registration.test_reserve.Service"
    return Service


def post(desk, **fields):
    return desk.post(reverse("patient-reserve"), TYPED | fields)


def text(response):
    return response.content.decode()


def test_the_number_is_taken_out_after_the_search_and_only_then(desk, service):
    """RI-01: the button comes with the search, and the server asks for it whatever the browser sends."""
    assert "Ta ut reservID" not in text(desk.get(reverse("patient-reserve")))
    refused = post(desk, create="1")
    assert refused.status_code == 409 and "efter en egen sökning" in text(refused) and "RI-01" in text(refused)
    searched = post(desk, seek="1")
    assert "Ingen säker träff" in text(searched) and "Ta ut reservID" in text(searched)
    kept = re.search(r'name="search" value="([0-9a-f-]{36})"', text(searched))[1]
    made = post(desk, create="1", search=kept)
    patient = Patient.objects.get()
    assert made["Location"] == reverse("patient", args=[patient.pk])
    assert a_reserve_number() in text(desk.get(made["Location"]))
    assert post(desk, create="1", search=kept).status_code == 409
    assert Patient.objects.count() == 1


def test_a_certain_match_leads_to_the_patient_and_offers_no_number(desk, service):
    """RI-01, PL-07"""
    number = make.test_number()
    known = make.patient(identity=number)
    answer = post(desk, seek="1", identity=number)
    assert "Säker träff" in text(answer) and "Ta ut reservID" not in text(answer)
    assert reverse("patient", args=[known.pk]) in text(answer)
    assert AccessLogEntry.objects.filter(patient_id=known.pk, what="sökträff").exists()
    search = ReserveSearch.objects.get()
    assert post(desk, create="1", search=search.pk, identity=number).status_code == 409
    assert service.asked == []


def test_without_the_service_the_refusal_says_what_to_do_instead_and_keeps_what_was_typed(desk):
    """RI-01, PL-07: care goes on."""
    post(desk, seek="1")
    answer = post(desk, create="1", search=ReserveSearch.objects.get().pk)
    assert answer.status_code == 409
    assert "Ta ut numret i" in text(answer) and 'value="Yusuf"' in text(answer)
    assert not Patient.objects.exists()


def test_a_decision_without_its_doctor_is_told_at_the_field(desk, service):
    """RI-03"""
    post(desk, seek="1")
    answer = post(
        desk, create="1", search=ReserveSearch.objects.get().pk, has_personnummer="on", decided_by="Vera Chef"
    )
    assert answer.status_code == 422
    assert list(answer.context["decision"].errors) == ["decided_on", "reason"]


def test_likely_doubles_are_shown_while_typing_with_what_differs_and_logged(desk):
    """PL-21"""
    known = make.patient(given_name="Aminah", surname="Yusuf", birth_date=BORN)
    make.protected_patient(given_name="Amina", surname="Yusuf", birth_date=BORN)
    answer = desk.post(reverse("patient-doubles"), TYPED)
    assert [row.name for row in answer.context["doubles"]] == ["Yusuf, Aminah"]
    assert "Samma födelsedatum och liknande namn" in text(answer) and "du skrev Amina" in text(answer)
    assert AccessLogEntry.objects.get(patient_id=known.pk).what == "trolig dubblett"


@pytest.mark.parametrize(
    "sent", [{}, {"birth_date": "32/13"}, {"given_name": "\0" * 9}, {"identity": "x" * 5000}, {"phone": "ring"}]
)
def test_what_cannot_be_read_yet_is_no_fault_while_typing(desk, sent):
    """PL-21: it warns and never blocks."""
    answer = desk.post(reverse("patient-doubles"), sent)
    assert (answer.status_code, answer.context["doubles"]) == (200, [])


@pytest.mark.parametrize(
    "sent",
    [
        {"given_name": ""},
        {"birth_date": "2999-01-01"},
        {"birth_date": "x"},
        {"identity": "189001189812"},
        {"lma": "åäö"},
        {"phone": "ring"},
        {"search": "x"},
        {"sex": "7"},
    ],
)
def test_bad_input_is_told_in_the_form(desk, service, sent):
    """PL-07"""
    answer = post(desk, **({"create": "1"} if "search" in sent else {"seek": "1"}), **sent)
    assert answer.status_code == 422, sent
    assert not Patient.objects.exists()


def test_without_script_doubles_are_shown_at_the_first_press_and_the_second_registers(desk):
    """PL-21: it warns and never blocks."""
    number = "189001189811"
    make.patient(given_name="Nils", surname="Nord")
    make.patient(given_name="Anders", surname="Åberg", birth_date=date(1890, 1, 18))
    sent = {"identity": number, "given_name": "Anders", "surname": "Åberg"}
    shown = desk.post(reverse("patient-create"), sent)
    assert shown.status_code == 200 and "Kan vara samma person" in text(shown)
    assert Patient.objects.count() == 2
    assert desk.post(reverse("patient-create"), sent | {"doubles_seen": "1"}).status_code == 302
    assert Patient.objects.count() == 3


# --- Search ---------------------------------------------------------------------------------------------------------------


def test_a_search_says_by_which_number_the_present_record_was_found(desk):
    """PA-01, PA-03, RI-01"""
    patient = make.patient()
    local = {"identity": "810829DA1B", "kind": "lokalt_reservnummer"}
    by = make.UserFactory()
    make.patients.link_identity(patient_id=patient.pk, **local, by=by, at=make.now())
    patient.search_keys.create(kind="lma", value="50123456")
    for typed, said in (("810829DA1B", "lokalt reservnummer"), ("50-123456", "LMA-nummer")):
        answer = desk.post(reverse("patient-search"), {"q": typed}, follow=True)
        assert answer.redirect_chain == [(reverse("patient", args=[patient.pk]), 302)]
        assert f"Hittad på {said}" in text(answer)
    direct = patient.identities.get(is_primary=True).value
    assert "Hittad på" not in text(desk.post(reverse("patient-search"), {"q": direct}, follow=True))
