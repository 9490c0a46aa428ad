"""Bokningsbegäran and Att boka on an ordinary screen, and brev to those who wait, with keys only; accessible in every state
(KA-01, PL-08, PL-10, ui.md 3.3, 4.6)."""

import os
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.models import AddressKind, PatientAddress, Referral
from scheduling.actions import contact_attempts, invitations, work_items, working
from scheduling.models import ContactAttempt, Letter, LetterText
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from tests.clinic import Clinic

from .conftest import assert_accessible_also_narrow
from .keys import Keys

PICTURES = os.environ.get("SDV_PICTURES", "")
LIST, TO_BOOK = reverse("booking-requests"), reverse("work-list", args=["to-book"])
DAY = timedelta(days=1)


@pytest.fixture
def clinic(transactional_db, catalogues):
    clinic = Clinic(name="Ortopedmottagningen Universitetssjukhuset Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def desk(as_user, clinic):
    page = as_user(clinic.staff(Role.COORDINATOR))
    page.set_default_timeout(8000)
    return page


def judge(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert_accessible_also_narrow(page)


def at_home(clinic, **fields):
    patient = clinic.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def waits(clinic, days=30, **fields):
    today = local_date(now())
    patient = fields.pop("patient", None) or at_home(clinic)
    told = {"visit_type": clinic.nurse_visit, "contact_reason": clinic.reason, "wished_from": today - 40 * DAY}
    told |= {"patient_id": patient.pk, "care_unit": clinic.unit, "wished_to": today + days * DAY}
    return work_items.request_booking(**(told | fields), by=clinic.nurse, at=now())


def crowded(clinic):
    """A row in which every column says something and every tag stands."""
    row = waits(
        clinic,
        -38,
        patient=at_home(clinic, surname="Abdirahman-Lindström", given_name="Maximiliana"),
        wished_place="Universitetssjukhuset, mottagning 3",
        wished_resource=clinic.nurse_resource,
        description="Önskar förmiddag, behöver lyft och ledsagare, ringer själv om hen kan komma tidigare",
        addressee=clinic.doctor,
    )
    told = {"subject": "booking_request", "row_id": row.pk, "by": clinic.nurse}
    contact_attempts.record(**told, method="phone", result="no_answer", at=now() - 3 * DAY)
    invitations.invite(**told, last_day=local_date(now()) + 14 * DAY, at=now() - 2 * DAY)
    working.at_work(row, by=clinic.doctor, at=now())
    return row


def receipt(page, text):
    expect(page.locator("#receipt")).to_contain_text(text)


@pytest.mark.parametrize("width", [1366, 1440])
@pytest.mark.parametrize("place", [LIST, TO_BOOK])
def test_every_button_of_a_row_is_on_the_screen(desk, visit, clinic, place, width):
    """ui.md 1.4, 4.6: neither the page nor the table scrolls sideways, at normal density."""
    for days in (-3, 5, 40):
        waits(clinic, days)
    crowded(clinic)
    for problem in range(3):
        clinic.commitment(at_home(clinic, surname=f"Abdirahman-Lindström {problem}"))
    desk.set_viewport_size({"width": width, "height": 768 if width == 1366 else 900})
    visit(place)
    if PICTURES:
        desk.screenshot(path=f"{PICTURES}/{place.strip('/').replace('/', '-')}-{width}.png")
    assert desk.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert desk.evaluate("[...document.querySelectorAll('.tablewrap')].map(w => w.scrollWidth - w.clientWidth)") == [0]
    assert desk.locator("tbody .act .btn").count() >= 12
    outside = "buttons => buttons.filter(b => b.getBoundingClientRect().right > innerWidth).length"
    assert desk.locator("tbody .act .btn").evaluate_all(outside) == 0
    judge(desk, f"lista-{width}")
