"""PA-04 on the screens and by REST: a receptionist who works while the register fails in every way, sees how old what is
shown is, and chooses somebody who is not a patient yet."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from registration.models import Patient
from sdv.accounts.permissions import Role
from sdv.adapters.rivta.simulator import FAILURES
from tests import factories as make
from tests.registers import connected, person

from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]

NUMBER, OTHER = "199002222397", "196101182803"
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=True):
        yield


@pytest.fixture
def desk():
    return signed_in(make.receptionist(make.CareUnitFactory()))


@pytest.fixture
def simulator():
    with connected(person(NUMBER), person(OTHER, surname="Annan")) as running:
        yield running


def search(client, text):
    return client.post(reverse("patient-search"), {"q": text})


def test_the_first_search_of_the_day_brings_what_is_new(desk, simulator):
    patient = make.patient(identity=NUMBER, surname="Gammal")
    assert search(desk, NUMBER).url == reverse("patient", args=[patient.pk])
    page = desk.get(reverse("patient", args=[patient.pk])).content.decode()
    assert "Wahl, Vera" in page
    assert "Gammal" not in page
    search(desk, NUMBER)
    assert len(simulator.requests) == 1


@pytest.mark.parametrize("failure", sorted(set(FAILURES) - {"strange"}))
def test_work_goes_on_whatever_the_register_does(desk, simulator, failure):
    """Local data with its age, within the time somebody at the desk is willing to wait."""
    patient = make.patient(identity=NUMBER, surname="Gammal")
    Patient.objects.filter(pk=patient.pk).update(confirmed_at=AT - timedelta(days=3))
    simulator.fail(failure)
    begun = time.monotonic()
    response = search(desk, NUMBER)
    page = desk.get(response.url).content.decode()
    assert time.monotonic() - begun < 4
    assert "Gammal" in page
    assert "Annan" not in page
    if failure != "missing":
        # The register, working, answers for one of two: whether it is this one is not known.
        assert "senast bekräftade 2026-11-23 10.00" in page
    assert search(desk, "Gammal").status_code == 200


def test_data_that_was_never_confirmed_says_so(desk, simulator):
    make.patient(identity=NUMBER, surname="Gammal")
    simulator.fail("down")
    page = desk.get(search(desk, NUMBER).url).content.decode()
    assert "Uppgifterna har aldrig bekräftats" in page


def test_somebody_not_here_yet_is_shown_and_chosen(desk, simulator):
    page = search(desk, "900222-2397").content.decode()
    assert "Finns i folkbokföringen, inte här ännu" in page
    assert "Wahl, Vera" in page
    assert not Patient.objects.exists()
    response = desk.post(reverse("patient-choose"), {"identity": NUMBER})
    patient = Patient.objects.get()
    assert response.url == reverse("patient", args=[patient.pk])
    assert NUMBER not in response.url
    assert "Hämtad ur folkbokföringen" in desk.get(response.url).content.decode()


def test_of_somebody_protected_not_here_yet_only_the_marking_is_shown(desk, simulator):
    """SK-02, SK-05."""
    simulator.tell(person(NUMBER, surname="Hemlig", has_protection_mark=True))
    page = search(desk, NUMBER).content.decode()
    assert "Sekretessmarkering" in page
    assert "Hemlig" not in page
    response = desk.post(reverse("patient-choose"), {"identity": NUMBER})
    assert "Hemlig" not in desk.get(response.url, follow=True).content.decode()


def test_whoever_may_not_register_patients_sees_but_does_not_choose(simulator):
    viewer = signed_in(make.staff(Role.CODER, make.CareUnitFactory()))
    page = search(viewer, NUMBER).content.decode()
    assert "inte här ännu" in page
    assert "Välj personen" not in page
    assert viewer.post(reverse("patient-choose"), {"identity": NUMBER}).status_code == 403
    assert not Patient.objects.exists()


def test_when_the_register_fails_at_choosing_nobody_is_made(desk, simulator):
    simulator.fail("down")
    response = desk.post(reverse("patient-choose"), {"identity": NUMBER})
    assert response.status_code == 409
    assert "svarar inte just nu" in response.content.decode()
    assert not Patient.objects.exists()


def test_a_number_that_nobody_knows_may_be_registered_by_hand(desk, simulator):
    assert "Registrera ny patient" in search(desk, "191212121212").content.decode()
    simulator.fail("down")
    page = search(desk, "191212121212").content.decode()
    assert "Folkbokföringen svarar inte" in page
    assert "Registrera ny patient" in page


def test_the_palette_asks_too(desk, simulator):
    make.patient(identity=NUMBER, surname="Gammal")
    page = desk.post(reverse("palette"), {"q": NUMBER}).content.decode()
    assert "Wahl, Vera" in page
