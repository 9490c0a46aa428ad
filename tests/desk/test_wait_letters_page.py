"""Skriv brev on Bokningsbegäran and Att boka: to one who waits or to all the marked, read first, the misfits listed before
anything is saved (KA-01, PL-08, PL-10, PL-22)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from registration.models import AddressKind, PatientAddress, Referral
from scheduling.actions import letters, work_items
from scheduling.models import BookingRequest, ContactAttempt, Letter, LetterText
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, now
from sdv.flows import deceased, protection
from tests.clinic import Clinic

from .signed_in import queries_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]
LIST, TO_BOOK = reverse("booking-requests"), reverse("work-list", args=["to-book"])
WRITE = reverse("wait-letter", args=["booking-requests"])


@pytest.fixture
def clinic():
    clinic = Clinic()
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def desk(clinic):
    return signed_in(clinic.staff(Role.COORDINATOR))


def at_home(clinic):
    patient = clinic.patient()
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund")
    return patient


def waits(clinic):
    today = local_date(now())
    patient = at_home(clinic)
    return work_items.request_booking(
        patient_id=patient.pk,
        commitment_id=clinic.in_care(patient).pk,
        care_unit=clinic.unit,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=today,
        wished_to=today + timedelta(days=30),
        by=clinic.nurse,
        at=now(),
    )


def chosen(*rows, kind="waiting", **more):
    return {"rad": [str(row.pk) for row in rows], "kind": kind, "own_text": "", "language": ""} | more


def test_the_list_offers_it_and_hides_today_whom_somebody_has_written_to(clinic, desk):
    """PL-10, ui.md 4.6"""
    rows = [waits(clinic) for _ in range(3)]
    page = desk.get(LIST).content.decode()
    assert "Skriv brev <kbd>E</kbd>" in page
    sheet = desk.get(WRITE, {"rad": [str(row.pk) for row in rows[:2]]})
    assert sheet.status_code == 200
    assert "Till 2 som väntar" in sheet.content.decode()
    assert [choice.value for choice in sheet.context["choices"]] == ["waiting", "call_us"]
    done = desk.post(WRITE, chosen(*rows[:2]), follow=True).content.decode()
    assert "Väntelistebrev skrivet till 2 patienter" in done
    assert "2 har kontaktats i dag och visas inte." in done
    assert set(Letter.objects.values_list("booking_request", flat=True)) == {row.pk for row in rows[:2]}
    assert AccessLogEntry.objects.filter(what="brev skrivet", action="write").count() == 2
    assert desk.post(WRITE, chosen(*rows[:2])).status_code == 302
    assert (Letter.objects.count(), ContactAttempt.objects.count()) == (2, 2)


def test_to_one_the_receipt_says_how_it_goes_and_the_letter_is_read_first(clinic, desk):
    """KA-01: from the request's own page, and back to it."""
    row = waits(clinic)
    page = reverse("booking-request", args=[row.pk])
    url = f"{WRITE}?rad={row.pk}&amp;tillbaka={page}"
    assert url in desk.get(page).content.decode()
    read = desk.post(WRITE, chosen(row, kind="call_us", own_text="Före nio.", step="preview", back=page))
    assert read.status_code == 200
    text = read.content.decode()
    assert "Så blir brevet" in text
    assert "Vi har sökt dig för att komma överens om en tid" in text
    assert "Före nio." in text
    assert Letter.objects.count() == 0
    done = desk.post(WRITE, chosen(row, kind="call_us", back=page))
    assert (done.status_code, done.url) == (302, page)
    assert "Ring oss ska skrivas ut. För" in desk.get(page).content.decode()


def test_whom_it_does_not_fit_stands_first_with_why_and_is_proposed_to_be_left_out(clinic, desk):
    """PL-08, PL-22: nothing is saved before."""
    fits, dead, closed = (waits(clinic) for _ in range(3))
    deceased.register(
        patient_id=dead.patient_id, deceased_on=local_date(now()), reason="Dödsbevis", by=clinic.doctor, at=now()
    )
    work_items.close_request(request_id=closed.pk, reason="Vill inte", by=clinic.nurse, at=now())
    refused = desk.post(WRITE, chosen(fits, dead, closed))
    assert refused.status_code == 422
    assert "2 av raderna kan inte få brevet, och inget är skrivet." in refused.content.decode()
    lines = refused.context["rows"]
    assert [(bool(line.why), line.is_outside) for line in lines] == [(True, True), (True, True), (False, False)]
    assert Letter.objects.count() == 0
    outside = [line.pk for line in lines if line.is_outside]
    assert desk.post(WRITE, chosen(fits, dead, closed, utanfor=outside)).status_code == 302
    assert Letter.objects.get().booking_request == fits
    told = desk.post(WRITE, chosen(dead, step="preview"))
    assert (told.status_code, "avliden" in told.content.decode().lower()) == (422, True)


def test_the_protected_are_shown_by_the_marking_alone(clinic, desk):
    """SK-05, KA-05"""
    row, other = waits(clinic), waits(clinic)
    name = row.patient.surname
    protection.set_by_hand(patient_id=row.patient_id, ground="threat", by=clinic.nurse, at=now())
    other.patient.__class__.objects.filter(pk=other.patient_id).update(surname="Annan")
    page = desk.get(WRITE, {"rad": [str(row.pk), str(other.pk)]}).content.decode()
    assert "Dold i listan" in page
    assert name not in page
    read = desk.post(WRITE, chosen(row, step="preview")).content.decode()
    assert "Storgatan" not in read


@pytest.mark.parametrize(
    "given", [{}, {"rad": "x"}, {"rad": "00000000-0000-0000-0000-000000000000"}], ids=["none", "no id", "unknown"]
)
def test_rows_that_are_not_there_are_told(clinic, desk, given):
    """BB-01"""
    assert desk.get(WRITE, given).status_code == 422
    assert desk.post(WRITE, given | {"kind": "waiting"}).status_code == 422


def test_which_letter_is_always_chosen(clinic, desk):
    """Nothing is preselected; a receipt is only of a remiss; other lists have no such letter."""
    row = waits(clinic)
    for wrong in ("", "referral_receipt", "appointment", "x\0"):
        answer = desk.post(WRITE, chosen(row, kind=wrong))
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["kind"])
    assert desk.post(WRITE, chosen(row, own_text="x" * 1001)).status_code == 422
    assert Letter.objects.count() == 0
    assert desk.get(reverse("wait-letter", args=["no-shows"])).status_code == 404


def test_without_scripts_it_is_one_of_the_acts_on_the_marked(clinic, desk):
    """BB-01, ui.md 1.3: a page of its own."""
    rows = [waits(clinic) for _ in range(2)]
    marked = {"act": "letter", "rad": [str(row.pk) for row in rows]}
    page = desk.post(reverse("booking-requests-many"), marked, follow=True)
    assert page.redirect_chain[0][0] == f"{WRITE}?rad={rows[0].pk}&rad={rows[1].pk}"
    assert {line.pk for line in page.context["rows"]} == {str(row.pk) for row in rows}


def test_remisser_in_att_boka_are_marked_and_written_to(clinic, desk):
    """VA-03, KA-01: a booked one is not."""
    waiting, booked = (clinic.commitment(at_home(clinic)).referrals.get() for _ in range(2))
    clinic.book(booked.patient, now() + timedelta(days=2), commitment_id=booked.commitment_id)
    page = desk.get(TO_BOOK)
    text = page.content.decode()
    assert f'value="{waiting.pk}" id="val-' in text
    assert f'value="{booked.pk}" id="val-' not in text
    assert "Skriv brev <kbd>E</kbd>" in text
    url = reverse("wait-letter", args=["to-book"])
    for kind in ("waiting", "call_us", "referral_receipt"):
        assert desk.post(url, chosen(waiting, kind=kind)).url == TO_BOOK
    assert set(Letter.objects.values_list("kind", "referral")) == {
        (kind, waiting.pk) for kind in ("waiting", "call_us", "referral_receipt")
    }
    refused = desk.post(url, chosen(booked))
    assert "väntar inte längre på en tid här (bokad)" in refused.content.decode()
    own = desk.get(reverse("referral", args=[waiting.pk])).content.decode()
    assert ("Skriv brev" in own, "Väntelistebrev" in own) == (True, True)
    assert "Skriv brev" not in desk.get(reverse("referral", args=[booked.pk])).content.decode()
    assert Referral.objects.to_book().count() == 2


def test_the_page_costs_the_same_for_one_row_and_for_many(clinic, desk):
    rows = [waits(clinic) for _ in range(6)]
    desk.get(LIST)
    for marked in (rows[:2], rows):
        asked = {"rad": [str(row.pk) for row in marked]}
        assert queries_of(lambda asked=asked: desk.get(WRITE, asked)) == 10


def test_brev_lists_with_why_what_is_not_sent_any_more(clinic, desk):
    """KA-01, PL-18: of a visit that has been as in 1177, and of who no longer waits; the pile has the others."""
    row = waits(clinic)
    told = letters.write_about
    commitment = clinic.commitment(at_home(clinic))
    booked = clinic.book(commitment.patient, now() + timedelta(days=2), commitment_id=commitment.pk)
    late = told(appointment_id=booked.pk, by=clinic.nurse, at=now() - timedelta(days=1))[0]
    desk.post(WRITE, chosen(row))
    pages = desk.get(reverse("letters"))
    assert ([each.pk for each in pages.context["waiting"]], pages.context["late"]) == (
        [late.pk, Letter.objects.get(kind="waiting").pk],
        [],
    )
    booked.__class__.objects.filter(pk=booked.pk).update(
        start=now() - timedelta(hours=2), end=now() - timedelta(hours=1)
    )
    BookingRequest.objects.filter(pk=row.pk).update(status="closed", closed_at=now(), close_reason="Vill inte")
    page = desk.get(reverse("letters"))
    assert page.context["waiting"] == []
    assert [(each.pk, why) for each, why in page.context["late"]] == [
        (late.pk, "Besöket som brevet gäller har redan varit: brevet skickas inte. Stoppa det."),
        (
            Letter.objects.get(kind="waiting").pk,
            "Patienten väntar inte längre på en tid här (avslutad): brevet skickas inte. Stoppa det om det väntar.",
        ),
    ]
    assert "Skickas inte" in page.content.decode()
    assert "har redan varit" in desk.get(reverse("letter", args=[late.pk])).content.decode()
