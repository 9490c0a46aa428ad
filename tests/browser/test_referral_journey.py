"""Remisshantering by keyboard: an egen vårdbegäran comes, is reviewed, returned, comes again, accepted into Att boka; others
are sent on, out of the region and rejected; what was decided is taken back (VA-02…04, PL-13). Accessible in every state."""

import os

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from registration.actions import referrals
from registration.models import AddressKind, PatientAddress, Referral
from scheduling.models import Letter, LetterText
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from tests.clinic import Clinic

from .conftest import assert_accessible_also_narrow
from .keys import Keys

# Steps down in the list of decisions.
RETURN, FORWARD, OUTSIDE, REJECT = 1, 2, 3, 4
PICTURES = os.environ.get("SDV_PICTURES", "")


@pytest.fixture
def clinic(transactional_db, catalogues):
    clinic = Clinic()
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def desk(as_user, clinic):
    return as_user(clinic.staff(Role.COORDINATOR))


def judge(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    assert_accessible_also_narrow(page)


def living(clinic, **fields):
    patient = clinic.patient(**fields)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def choose(page, field, steps):
    """A choice of a list, so many steps down."""
    page.locator(f"#{field}").focus()
    for _ in range(steps):
        page.keyboard.press("ArrowDown")


def write(page, field, text):
    page.locator(f"#{field}").focus()
    page.keyboard.type(text)


def test_a_remiss_from_its_arrival_to_att_boka_and_what_else_becomes_of_one(desk, visit, clinic):
    """VA-03, PL-13: no mouse; each act leaves its receipt, whose Ångra takes the last decision back."""
    keys, patient = Keys(desk), living(clinic)
    status = desk.locator("#receipt")

    # It arrives.
    visit(reverse("referral-create", args=[patient.pk]))
    choose(desk, "id_kind", 1)
    keys.press("Control+Enter")
    expect(status).to_contain_text("Remiss registrerad för Abdi, Hodan")
    visit(reverse("referrals"))
    expect(desk.get_by_role("row").filter(has_text="Egen vårdbegäran")).to_be_visible()
    judge(desk, "remisser-inkorg")
    desk.locator("a.who").first.focus()
    keys.press("Enter")
    expect(desk.get_by_role("heading", name="Granska")).to_be_visible()
    judge(desk, "remiss-mottagen")

    # Reviewed: the days give the target date.
    write(desk, "review_days_to_first_contact", "30")
    keys.press("Control+Enter")
    expect(status).to_contain_text("Granskning sparad för")
    expect(desk.get_by_text("30 dagar kvar").first).to_be_visible()

    # Returned for completion, and it comes again.
    choose(desk, "decide_decision", RETURN)
    write(desk, "decide_reason", "Provsvar saknas")
    keys.press("Control+Enter")
    expect(status).to_contain_text("Remiss returnerad för")
    judge(desk, "remiss-returnerad")
    write(desk, "complete_text", "Provsvar finns")
    keys.press("Control+Enter")
    expect(status).to_contain_text("Remiss kompletterad för")

    # Accepted, with a receipt to the patient; taken back, and accepted again.
    for is_second in (False, True):
        choose(desk, "accept_problem_code", 1)
        desk.locator("#accept_letter").focus()
        keys.press("Space", "Control+Enter")
        expect(status).to_contain_text("Remissbekräftelse ska skrivas ut. Remiss accepterad för")
        judge(desk, "remiss-accepterad")
        if not is_second:
            desk.locator("#receipt button").focus()
            keys.press("Enter")
            expect(status).to_contain_text("Beslutet om remissen är ångrat för")
            expect(desk.get_by_role("heading", name="Granska")).to_be_visible()
            judge(desk, "remiss-angrad")
    assert list(Letter.objects.order_by("created_at").values_list("status", flat=True)) == ["stopped", "unsent"]
    visit(f"{reverse('referrals')}?visa=boka")
    expect(desk.get_by_role("row").filter(has_text="Abdi, Hodan")).to_be_visible()
    judge(desk, "remisser-att-boka")
    visit(reverse("letter", args=[Letter.objects.get(status="unsent").pk]))
    expect(desk.get_by_role("heading", name="Besked om din remiss")).to_be_visible()
    judge(desk, "remissbekraftelse")


def test_remisser_are_sent_on_sent_away_and_rejected(desk, visit, clinic):
    """VA-03: each with where and why; the trail tells it; a remiss sent on is taken back until it has been received."""
    other = Clinic(name="Hjärtmottagningen")
    keys, status = Keys(desk), desk.locator("#receipt")
    made = [
        referrals.register(
            patient_id=living(clinic).pk,
            care_unit=clinic.unit,
            kind="E",
            arrival_date=local_date(now()),
            by=clinic.nurse,
            at=now(),
        )
        for _ in range(3)
    ]
    inside, outside, no = (reverse("referral", args=[row.pk]) for row in made)

    visit(inside)
    choose(desk, "decide_decision", FORWARD)
    choose(desk, "decide_to_unit", 1)
    write(desk, "decide_reason", "Hör dit")
    keys.press("Control+Enter")
    expect(status).to_contain_text("Remiss vidaresänd för")
    expect(desk.get_by_text("Vidaresänd till Hjärtmottagningen")).to_be_visible()
    judge(desk, "remiss-vidaresand")
    desk.locator("#receipt button").focus()
    keys.press("Enter")
    expect(status).to_contain_text("Beslutet om remissen är ångrat för")
    assert not other.unit.referrals.undecided().exists()

    visit(outside)
    choose(desk, "decide_decision", OUTSIDE)
    write(desk, "decide_reason", "Bor där")
    keys.press("Control+Enter")
    expect(desk.get_by_text("Skriv vilken vårdgivare eller enhet remissen sänds till.").first).to_be_visible()
    judge(desk, "remiss-utan-mottagare")
    write(desk, "decide_receiver", "Hallands sjukhus")
    keys.press("Control+Enter")
    expect(status).to_contain_text("Remiss sänd utanför regionen för")
    judge(desk, "remiss-utanfor-regionen")

    visit(no)
    choose(desk, "decide_decision", REJECT)
    write(desk, "decide_reason", "Kan inte erbjuda vård")
    keys.press("Control+Enter")
    expect(status).to_contain_text("Remiss avvisad för")
    judge(desk, "remiss-avvisad")
    statuses = Referral.objects.filter(pk__in=[row.pk for row in made]).order_by("id")
    assert list(statuses.values_list("status", flat=True)) == ["received", "forwarded", "rejected"]
