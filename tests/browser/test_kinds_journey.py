"""Group sessions in the browser: planned, filled, arrived with one key (BO-02; ui.md 4.2, 4.5)."""

from datetime import UTC, time, timedelta

import pytest
from django.urls import reverse

from scheduling.actions import sessions
from scheduling.models import Appointment, RebookingItem, Session
from sdv.common.time import at_local, local_date, now

from .. import factories
from .conftest import assert_accessible, assert_accessible_also_narrow
from .keys import Keys

DAY = timedelta(days=1)


@pytest.fixture
def centre(transactional_db):
    return factories.HealthCentreFactory(allows_overbooking=True)


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def page(page):
    page.set_default_timeout(15000)
    return page


def receipt(page, text):
    page.locator("#receipt", has_text=text).wait_for()


def test_a_group_is_planned_booked_and_everybody_arrives(as_user, visit, centre, nurse):
    """BO-02, PL-03: planned by the form, a seat from the patient's booking page, A for everybody."""
    page = as_user(factories.coordinator(centre))
    today = local_date(now())
    visit(reverse("group-sessions"))
    keys = Keys(page)
    page.locator("[data-key=N]").focus()
    keys.press("Enter")
    page.get_by_label("Benämning").fill("Astmaskola")
    page.get_by_label("Besökstyp").select_option(label="Pv Ssk Återbesök")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Vårdkontaktsorsak").select_option(label=factories.contact_reason().name)
    page.get_by_label("Dag", exact=True).fill((today + DAY).isoformat())
    page.get_by_label("Från kl.").fill("10.00")
    page.get_by_label("Till kl.").fill("11.00")
    page.get_by_label("Vem som leder, och var").select_option(label="Sara Norén")
    page.get_by_label("Platser", exact=True).fill("2")
    assert_accessible(page)
    keys.press("Control+Enter")
    receipt(page, "är planerat")
    session = Session.objects.get()

    patient = factories.patient(given_name="Alva")
    visit(reverse("book", args=[patient.pk]) + f"?besokstyp={session.visit_type_id}&orsak={session.contact_reason_id}")
    seat = page.get_by_role("button", name="Boka plats på Astmaskola")
    assert_accessible_also_narrow(page)
    seat.focus()
    keys.press("Enter")
    receipt(page, "Bokad på Astmaskola")
    assert Appointment.objects.get().session == session

    start = at_local(today, time(10)).astimezone(UTC)
    here = sessions.plan(
        care_unit=centre,
        name="Hjärtskola",
        visit_type=session.visit_type,
        contact_reason_id=session.contact_reason_id,
        start=start,
        end=start + timedelta(hours=1),
        seats=2,
        resource_ids=[nurse.pk],
        by=session.created_by,
        at=start - DAY,
    )
    for name in ("Bo", "Carin"):
        sessions.book(
            session_id=here.pk,
            patient_id=factories.patient(given_name=name).pk,
            by=session.created_by,
            at=start - DAY,
        )
    visit(reverse("group-session", args=[here.pk]))
    assert_accessible_also_narrow(page)
    before = keys.count
    keys.press("a")
    receipt(page, "Ankomst registrerad för 2 deltagare")
    assert keys.count - before == 1
    assert set(here.appointments.values_list("status", flat=True)) == {"arrived"}
    visit(reverse("day"))
    page.get_by_role("link", name="Hjärtskola, 2 av 2 platser tagna").wait_for()
    assert_accessible(page)


def in_dialog(page, text):
    dialog = page.locator("dialog#dialog[open]")
    dialog.get_by_text(text).first.wait_for()
    return dialog


def test_the_participants_of_a_cancelled_session_are_booked_anew_with_two_keys_each(as_user, visit, centre, nurse):
    """BO-02, PL-02, PL-08: cancelled by the form, then Enter, Ctrl+Enter takes a seat of the same group; the next chooses
    a time of one's own by its figure."""
    start = at_local(local_date(now()) + 7 * DAY, time(10)).astimezone(UTC)
    told = {
        "care_unit": centre,
        "name": "Astmaskola",
        "visit_type": factories.visit_type("Pv Ssk Återbesök"),
        "contact_reason_id": factories.contact_reason().pk,
        "resource_ids": [nurse.pk],
        "by": factories.UserFactory(),
        "at": now(),
    }
    here, other = (
        sessions.plan(start=start + days * DAY, end=start + days * DAY + timedelta(hours=1), seats=2, **told)
        for days in (0, 7)
    )
    patients = [factories.patient(surname=name) for name in ("Alm", "Berg")]
    for patient in patients:
        sessions.book(session_id=here.pk, patient_id=patient.pk, by=told["by"], at=now())
    page = as_user(factories.coordinator(centre))
    visit(reverse("group-session", args=[here.pk]))
    keys = Keys(page)
    page.get_by_text("Ställ in tillfället").focus()
    keys.press("Enter")
    page.get_by_label("Varför ställs tillfället in?").focus()
    keys.type("Ledaren är sjuk")
    assert_accessible_also_narrow(page)
    keys.press("Enter")
    receipt(page, "är inställt. Deltagarna står i Ombokningar")
    assert_accessible(page)
    page.get_by_role("link", name="Ombokningar").last.focus()
    keys.press("Enter")
    page.get_by_text("Inställt: Astmaskola").first.wait_for()
    assert_accessible_also_narrow(page)

    before = keys.count
    keys.press("Enter")
    dialog = in_dialog(page, "Astmaskola, 2 platser kvar, Sara Norén")
    assert dialog.locator("input[name=tid]:checked").get_attribute("value") == f"plats|{other.pk}"
    assert_accessible_also_narrow(page)
    keys.press("Control+Enter")
    receipt(page, "Ombokad till Astmaskola")
    assert keys.count - before == 2

    keys.press("Enter")
    dialog = in_dialog(page, "Astmaskola, 1 plats kvar, Sara Norén")
    keys.press("2")
    assert dialog.locator("input[name=tid]:checked").get_attribute("value").startswith(str(nurse.pk))
    keys.press("Control+Enter")
    receipt(page, "Ombokad till")
    page.get_by_text("Inga bokningar att boka om.").wait_for()
    assert not RebookingItem.objects.open().exists()
    rows = Appointment.objects.order_by("-kind")
    assert [(row.kind, row.session) for row in rows] == [("individual", None), ("group", other)]
