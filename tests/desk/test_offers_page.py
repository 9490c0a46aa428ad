"""Frigjorda tider as pages and by REST (PL-01, SK-02)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from registration.actions import contact
from scheduling.models import Appointment, BookingRequest, FreedTime, Offer
from sdv.accounts.permissions import Role
from sdv.common.time import local_date, minute, now
from sdv.flows import cancellation
from tests import factories
from tests.api.conftest import Caller

from .signed_in import queries_of, signed_in

DAY = timedelta(days=1)


@pytest.fixture
def centre(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def nurse(centre):
    return factories.ResourceFactory(care_unit=centre, profession="Ssk", name="Sara Norén")


@pytest.fixture
def client(centre):
    return signed_in(factories.receptionist(centre))


@pytest.fixture
def freed(centre, nurse):
    start = minute(now()).replace(hour=10, minute=0) + 5 * DAY
    visit = factories.booked_visit(
        care_unit=centre, resource=nurse, visit_type=factories.visit_type(), start=start, patient=factories.patient()
    )
    cancellation.cancel(
        appointment_id=visit.pk, cancelled_by="patient", reason="Förhinder", by=factories.UserFactory(), at=now()
    )
    BookingRequest.objects.all().delete()
    return FreedTime.objects.get()


def waits(centre, surname, days=14, **fields):
    patient = fields.pop("patient", None) or factories.patient(surname=surname)
    today = local_date(now())
    row = factories.booking_request(
        care_unit=centre, patient=patient, visit_type=factories.visit_type(),
        wished_from=min(today, today + days * DAY), wished_to=today + days * DAY,
    )  # fmt: skip
    return row


def test_from_the_freed_time_to_the_booking_with_reasons_and_numbers(client, centre, freed):
    """PL-01: Enter offers, J is the yes; the one furthest over the target stands first."""
    later, first = waits(centre, "Senare"), waits(centre, "Först", days=2)
    contact.add_phone(patient_id=first.patient_id, number="070-174 06 05", by=factories.UserFactory(), at=now())
    listed = client.get(reverse("freed-times")).content.decode()
    assert "Sara Norén" in listed and "Pv Ssk Återbesök" in listed and "Avbokad" in listed
    assert "Frigjorda tider" in client.get(reverse("work-lists")).content.decode()
    address = reverse("freed-time", args=[freed.pk])
    text = client.get(address).content.decode()
    assert text.index("Först, Maria") < text.index("Senare, Maria")
    assert "3 dagar över målet" in text and "070-174 06 05" in text and "Inget nummer" in text
    made = client.post(address, {"vem": f"booking_request|{first.pk}"}, follow=True).content.decode()
    offer = Offer.objects.get()
    assert "Tiden hålls till" in made and f'id="erbjudande-{offer.pk}"' in made
    assert "Erbjuden" in client.get(reverse("freed-times")).content.decode()
    assert not Appointment.objects.filter(status="booked").exists()
    done = client.post(reverse("offer-answer", args=[offer.pk, "ja"]), follow=True).content.decode()
    assert "Bokad:" in done and "Inga frigjorda tider att använda." in done
    booked = Appointment.objects.get(status="booked")
    assert (booked.patient, booked.start) == (first.patient, freed.start)
    # One's own repeated click does nothing and says nothing (PL-27).
    assert client.post(reverse("offer-answer", args=[offer.pk, "ja"])).status_code == 302
    later.refresh_from_db()
    assert later.status == "open"


def test_a_no_shows_the_next_one_and_the_receipt_can_take_the_offer_back(client, centre, freed):
    """PL-01, PL-13"""
    row = waits(centre, "Nekar")
    address = reverse("freed-time", args=[freed.pk])
    client.post(address, {"vem": f"booking_request|{row.pk}"})
    no = client.post(reverse("offer-answer", args=[Offer.objects.get().pk, "nej"]), follow=True).content.decode()
    assert "Tackade nej:" in no and "Nekar, Maria" in no
    client.post(address, {"vem": f"booking_request|{row.pk}"})
    offer = Offer.objects.open().get()
    back = client.post(reverse("offer-answer", args=[offer.pk, "dra-tillbaka"]), follow=True).content.decode()
    assert "Erbjudandet är tillbakadraget för" in back
    again = client.post(reverse("offer-answer", args=[offer.pk, "ja"]))
    assert again.status_code == 409 and "redan besvarat" in again.content.decode()
    assert client.post(reverse("offer-answer", args=[offer.pk, "kanske"])).status_code == 404
    assert client.post(address, {"vem": "booking_request|x"}).status_code == 422


def test_no_number_or_name_of_a_protected_person_is_shown(client, centre, freed):
    """SK-02, SK-05"""
    hidden = factories.protected_patient(surname="Hemlig")
    waits(centre, "", patient=hidden)
    text = client.get(reverse("freed-time", args=[freed.pk])).content.decode()
    assert "Hemlig" not in text and "Skyddad" in text and "Inget nummer" in text


def test_the_page_asks_equally_often_however_many_wait(client, centre, freed):
    waits(centre, "En")
    address = reverse("freed-time", args=[freed.pk])
    client.get(address)
    few = queries_of(lambda: client.get(address))
    for number in range(6):
        waits(centre, f"Till{number}")
    assert queries_of(lambda: client.get(address)) == few


def test_who_did_not_answer_is_noted_from_the_freed_time_and_makes_room_for_the_next(client, centre, freed):
    """PL-01, PL-10: K on the row, back to the page; whoever has been called today is hidden, and shown when asked for with
    how often and when. So is the one who has been offered the time."""
    called, other = waits(centre, "Ringd", days=2), waits(centre, "Nästa", days=5)
    address = reverse("freed-time", args=[freed.pk])
    sheet = reverse("contact-attempt", args=["booking-requests", called.pk]) + f"?tillbaka={address}"
    assert sheet in client.get(address).content.decode()
    assert f'name="back" value="{address}"' in client.get(sheet).content.decode()
    saved = client.post(sheet, {"result": "no_answer", "method": "phone", "back": address})
    assert saved.status_code == 302 and saved.url == address
    text = client.get(address).content.decode()
    assert "1 rad har kontaktats i dag och visas inte." in text
    assert "Ringd, Maria" not in text.split('id="vantande"')[1] and "Nästa, Maria" in text
    everybody = client.get(address, {"kontaktade": "visa"}).content.decode()
    assert everybody.index("Ringd, Maria") < everybody.index("Nästa, Maria")
    assert f"1 kontaktförsök, senast {local_date(now()).isoformat()}" in everybody
    client.post(address, {"vem": f"booking_request|{called.pk}"})
    offered = client.get(address).content.decode().split('id="vantande"')[0]
    assert "1 kontaktförsök, senast" in offered and sheet in offered
    # By REST the same, and there nobody is hidden.
    caller = Caller(factories.staff(Role.INTEGRATION, centre))
    offer = caller.get(f"offers/?care_unit={centre.pk}").json()["results"][0]
    assert offer["attempts"] == 1 and offer["last_attempt_at"][:10] == local_date(now()).isoformat()
    tried = {"booking_request": str(other.pk), "method": "letter", "result": "left_message"}
    assert caller.post("contact-attempts/", tried).status_code == 201
    caller.post(f"offers/{offer['id']}/decline/")
    found = caller.get(f"freed-times/{freed.pk}/candidates/").json()
    told = [(each["booking_request"], each["attempts"], each["is_contacted_today"]) for each in found["results"]]
    assert (found["total"], told) == (2, [(str(called.pk), 1, True), (str(other.pk), 1, True)])
    assert found["results"][1]["last_attempt_at"][:10] == local_date(now()).isoformat()


def test_another_units_freed_time_is_not_there(freed):
    other = signed_in(factories.receptionist(factories.HealthCentreFactory()))
    assert other.get(reverse("freed-time", args=[freed.pk])).status_code == 404
    assert "Inga frigjorda tider" in other.get(reverse("freed-times")).content.decode()


def test_offers_by_rest(centre, freed, nurse):
    """PL-01"""
    row = waits(centre, "Anrop", days=1)
    caller = Caller(factories.staff(Role.INTEGRATION, centre))
    (listed,) = caller.get(f"freed-times/?care_unit={centre.pk}").json()["results"]
    assert (listed["id"], listed["cause"]) == (str(freed.pk), "cancelled")
    (who,) = caller.get(f"freed-times/{freed.pk}/candidates/").json()["results"]
    assert (who["place"], who["days_over"], who["booking_request"]) == (1, 4, str(row.pk))
    body = {"booking_request": str(row.pk), "resource": str(nurse.pk), "start": listed["start"]}
    made = caller.post("offers/", body)
    assert made.status_code == 201, made.content
    assert made.json()["status"] == "open" and made.json()["patient_summary"]["name"] == "Anrop, Maria"
    taken = caller.post("offers/", body)
    assert (taken.status_code, taken.json()["code"]) == (409, "already_offered")
    assert caller.post("offers/", {"resource": str(nurse.pk), "start": listed["start"]}).status_code == 400
    path = f"offers/{made.json()['id']}/"
    assert caller.post(path + "decline/").json()["status"] == "declined"
    again = caller.post("offers/", body).json()
    assert caller.post(f"offers/{again['id']}/withdraw/").json()["status"] == "withdrawn"
    last = caller.post("offers/", body).json()
    done = caller.post(f"offers/{last['id']}/accept/", {})
    assert done.status_code == 200 and done.json()["appointment"], done.content
    assert len(caller.get("offers/?status=accepted").json()["results"]) == 1
    refused = caller.post(f"offers/{last['id']}/decline/")
    assert (refused.status_code, refused.json()["rule"]) == (409, "PL-01")
