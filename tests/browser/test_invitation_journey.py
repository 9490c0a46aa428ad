"""Who waits is invited without a time, and who has come is called in: with keys only, accessible in every state (PL-17,
PL-26)."""

import os
from datetime import time, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import waiting_room
from registration.models import AddressKind, PatientAddress, QueueTicket
from scheduling.actions import invitations, work_items
from scheduling.models import Letter, LetterText, OpenInvitation
from sdv.accounts.permissions import Role
from sdv.common.time import at_local, local_date, now
from tests.clinic import Clinic

from .conftest import assert_accessible_also_narrow
from .keys import Keys

PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def clinic(transactional_db, catalogues):
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def desk(as_user, clinic):
    return as_user(clinic.staff(Role.RECEPTIONIST))


def judge(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert_accessible_also_narrow(page)


def waits(clinic):
    patient = clinic.patient()
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    today = local_date(now())
    return work_items.request_booking(
        patient_id=patient.pk,
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=today,
        wished_to=today + timedelta(days=30),
        by=clinic.nurse,
        at=now(),
    )


def test_who_waits_is_invited_in_two_keys_and_stands_in_the_list_until_booked(desk, visit, clinic):
    """PL-26, UT-07: O, Ctrl+Enter. The last day passed, it is late and B books."""
    request = waits(clinic)
    visit(reverse("booking-requests"))
    keys = Keys(desk)
    keys.press("o")
    sheet = desk.get_by_role("dialog")
    expect(sheet.get_by_label("Sista dag att boka")).to_be_focused()
    judge(desk, "oppen-kallelse")
    keys.press("Control+Enter")
    expect(desk.get_by_text("Öppen kallelse ska skrivas ut.")).to_be_visible()
    assert keys.count == 2
    expect(desk.get_by_text(f"Öppen kallelse till {OpenInvitation.objects.get().last_day}")).to_be_visible()
    visit(reverse("work-list", args=["open-invitations"]))
    expect(desk.get_by_text("Inte skickat")).to_be_visible()
    judge(desk, "oppna-kallelser")
    visit(reverse("letter", args=[Letter.objects.get().pk]))
    desk.get_by_role("link", name="Ändra brevet").click()
    expect(desk.get_by_role("heading", name="Ändra brevet")).to_be_visible()
    judge(desk, "andra-brevet")
    desk.get_by_label("Egen text i brevet").fill("Ring på porten.")
    desk.get_by_label("Brevets språk").select_option("en")
    desk.get_by_role("button", name="Skriv om brevet").click()
    expect(desk.get_by_role("heading", name="Book an appointment with us")).to_be_visible()
    judge(desk, "oppen-kallelse-brev")
    OpenInvitation.objects.update(
        invited_on=local_date(now()) - timedelta(days=9), last_day=local_date(now()) - timedelta(days=1)
    )
    invitations.expire_due(at=now())
    visit(reverse("work-list", args=["open-invitations"]))
    expect(desk.get_by_text("Försenad 1 dag")).to_be_visible()
    judge(desk, "oppna-kallelser-forsenad")
    Keys(desk).press("b")
    expect(desk.get_by_role("heading", name="Boka", exact=False).first).to_be_visible()
    assert f"begaran={request.pk}" in desk.url


def test_who_has_come_is_called_with_one_key_and_the_screen_shows_the_number(desk, visit, clinic, context, live_server):
    """PL-17: the screen is another browser, that nobody is logged in on."""
    _, code = waiting_room.add_screen(care_unit=clinic.unit, name="Väntrummet")
    clinic.arrived(clinic.patient(), at_local(local_date(now()), time(10)))
    screen = context.browser.new_page(viewport={"width": 1920, "height": 1080})
    screen.goto(live_server.url + reverse("waiting-screen"))
    judge(screen, "skarm-kod")
    screen.get_by_label("Skärmens kod").fill(code.lower())
    screen.keyboard.press("Enter")
    expect(screen.get_by_text("Vänta här tills ditt nummer eller namn visas.")).to_be_visible()
    visit(reverse("day"))
    row = desk.get_by_role("row").filter(has_text="Nr 1")
    expect(row).to_be_visible()
    row.get_by_role("link").first.focus()
    keys = Keys(desk)
    keys.press("k")
    expect(desk.get_by_text("Nr 1 inropad:")).to_be_visible()
    assert keys.count == 1
    assert QueueTicket.objects.get().times_called == 1
    judge(desk, "dagen-inropad")
    screen.reload()
    expect(screen.get_by_role("cell", name="Nr 1")).to_be_visible()
    assert "Abdi" not in screen.content()
    assert screen.title() == "Väntrum – SDV Registrering"
    judge(screen, "skarm")
    screen.close()
