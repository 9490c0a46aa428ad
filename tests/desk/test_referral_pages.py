"""Pages of remisser: inbox, who is in turn, the sender's page, waiting times, shared lists, the list's faults
(VA-02…04, BO-04, PL-11, PL-25)."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from registration.actions import referrals
from registration.models import AddressKind, PatientAddress, Referral, ReferralReviewer, WaitDeviation
from scheduling.actions import absences
from scheduling.actions import faults as fault_writes
from scheduling.models import BookingRequest, Letter, LetterText, ListFault
from sdv.common.time import local_date, now
from sdv.organisation.models import SharedList
from tests import factories as make
from tests.forms import fields

from .signed_in import signed_in

DAY = timedelta(days=1)


@pytest.fixture
def clinic(db):
    return make.SpecialisedClinicFactory()


@pytest.fixture
def today():
    return local_date(now())


def test_while_the_addressed_is_away_the_inbox_names_who_is_in_turn(clinic):
    """VA-03: and the remiss stands among that person's own."""
    anna, bo = make.clinician(clinic, name="Anna Ek"), make.clinician(clinic, name="Bo Alm")
    people = [make.ResourceFactory(care_unit=clinic) for _ in range(2)]
    for user, resource in zip((anna, bo), people, strict=True):
        resource.practitioner.user = user
        resource.practitioner.save(update_fields=["user"])
    for position, resource in enumerate(people):
        ReferralReviewer.objects.create(care_unit=clinic, practitioner=resource.practitioner, position=position)
    referral = make.received_referral(care_unit=clinic)
    Referral.objects.update(addressed_to=people[0].practitioner)
    client = signed_in(bo)
    assert client.get(reverse("referrals"), {"visa": "mina"}).context["rows"] == []
    absences.register(
        care_unit=clinic, resource_id=people[0].pk, kind="leave", start=now() - DAY, end=now() + DAY, by=bo, at=now()
    )
    (row,) = client.get(reverse("referrals"), {"visa": "mina"}).context["rows"]
    assert row.referral.pk == referral.pk
    assert row.reviewer == f"{people[1].practitioner} för {people[0].practitioner}, frånvarande"
    page = client.get(reverse("referral", args=[referral.pk])).content.decode()
    assert "Granskas nu av" in page


def test_a_sent_remiss_is_followed_until_the_answer(clinic, today):
    """VA-03: sent, confirmed, returned, completed by the sender; another unit sees nothing."""
    centre, third = make.HealthCentreFactory(), make.HealthCentreFactory()
    patient = make.patient()
    sender, receiver = signed_in(make.clinician(centre)), signed_in(make.clinician(clinic))
    answer = sender.post(
        reverse("referral-send", args=[patient.pk]), {"care_unit": clinic.pk, "decision_date": today.isoformat()}
    )
    assert answer["Location"] == reverse("referrals-sent")
    referral = Referral.objects.get()
    assert "Inte bekräftad" in sender.get(reverse("referrals-sent")).content.decode()
    url = reverse("referral", args=[referral.pk])
    receiver.post(url, {"step": "confirm"})
    referral.refresh_from_db()
    assert referral.receipt_at
    assert "Inte bekräftad" not in sender.get(reverse("referrals-sent")).content.decode()
    receiver.post(url, {"step": "decide", "decision": "return", "reason": "Provsvar saknas", "version": "2"})
    shown = sender.get(url).content.decode()
    assert "Provsvar saknas" in shown
    assert "Acceptera" not in shown
    assert (
        sender.post(url, {"step": "decide", "decision": "reject", "reason": "Nej", "version": "3"}).status_code == 404
    )
    sender.post(url, {"step": "complete", "text": "Provsvar finns", "version": "3"})
    referral.refresh_from_db()
    assert (referral.status, referral.events.last().reason) == ("received", "Provsvar finns")
    # Each step says when, by whom and why.
    steps = receiver.get(url).context["steps"]
    assert [(step.label, step.lines[1:], step.state) for step in steps][-2:] == [
        ("Returnerad för komplettering", ("Provsvar saknas",), "done"),
        ("Kompletterad", ("Provsvar finns",), "done"),
    ]
    assert all(", " in step.lines[0] for step in steps)
    assert signed_in(make.clinician(third)).get(url).status_code == 404


def correction_form(client, url):
    """What the page's form of corrections would post."""
    return fields(client.get(url).content.decode().split("Rätta uppgifterna</summary>")[1].split("</form>")[0])


def test_a_mistyped_remiss_is_put_right_on_its_page(clinic, today):
    """VA-02, PL-13: by who registers remisser; the sender its words, the receiver the day it came; the trail says what was
    changed and why."""
    centre, doctor = make.HealthCentreFactory(), make.ResourceFactory(care_unit=clinic).practitioner
    referral = make.received_referral(care_unit=clinic)
    desk, url = signed_in(make.receptionist(clinic)), reverse("referral", args=[referral.pk])
    Referral.objects.update(addressed_to=doctor)  # who has left the unit since
    form = correction_form(desk, url)
    shown = ("kind", "referrer", "decision_date", "arrival_date", "addressed_to", "version")
    assert [form[name] for name in shown] == ["R", "Vårdcentralen Provet", "", today.isoformat(), str(doctor.pk), "1"]
    for wrong, sentence in [
        ({"decision_date": "+1d"}, "Remissbeslut kan inte ligga i framtiden"),
        ({"referrer": ""}, "Ange vem som har skrivit remissen."),
        ({"kind": "E", "reason": ""}, "Ange varför uppgifterna rättas."),
        ({}, "Uppgifterna är redan så."),
    ]:
        refused = desk.post(url, form | {"reason": "Fel avläst"} | wrong)
        assert (refused.status_code, sentence in refused.content.decode()) == (422, True), sentence
    referral.refresh_from_db()
    assert (referral.version, referral.events.count()) == (1, 1)
    day = (today - 9 * DAY).isoformat()
    told = {"decision_date": day, "addressed_to": "", "reason": "Fel avläst"}
    done = desk.post(url, form | told, follow=True)
    assert "Remissens uppgifter rättade för" in done.content.decode()
    step = done.context["steps"][-1]
    changed = (f"Ställd till: {doctor} → inte angivet", f"Remissbeslut: inte angivet → {day}")
    assert (step.label, step.lines[1:]) == ("Uppgifterna rättade", (*changed, "Fel avläst"))
    Referral.objects.update(sender_unit=centre)
    sender = signed_in(make.receptionist(centre))
    assert {"arrival_date", "decision_date"} & set(correction_form(desk, url)) == {"arrival_date"}
    assert {"arrival_date", "decision_date"} & set(correction_form(sender, url)) == {"decision_date"}
    referrals.forward(referral_id=referral.pk, to_unit=make.HealthCentreFactory(), reason="Hör dit", by=None, at=now())
    assert "Rätta uppgifterna" not in desk.get(url).content.decode()


def test_a_remiss_is_sent_out_of_the_region_and_its_sender_reads_where(clinic, today):
    """VA-03: the receiver in words; the page, the trail and Skickade say the same."""
    centre = make.HealthCentreFactory()
    referral = make.received_referral(care_unit=clinic)
    Referral.objects.update(sender_unit=centre)
    client, url = signed_in(make.clinician(clinic)), reverse("referral", args=[referral.pk])
    form = {"step": "decide", "decision": "outside", "reason": "Bor där", "version": "1"}
    refused = client.post(url, form)
    assert refused.status_code == 422
    assert "Skriv vilken vårdgivare eller enhet" in refused.content.decode()
    assert client.post(url, form | {"receiver": "Hallands sjukhus"}).status_code == 302
    page = client.get(url)
    assert f"Hallands sjukhus, {today.isoformat()}" in page.content.decode()
    assert page.context["steps"][-1].label == "Vidaresänd till Hallands sjukhus"
    assert "Remiss sänd utanför regionen för" in page.content.decode()
    sender = signed_in(make.clinician(centre)).get(reverse("referrals-sent")).content.decode()
    assert "Hallands sjukhus" in sender
    assert "Bor där" in sender
    # Nobody there has said that it has come, until somebody notes that the receiver has: its sender too.
    assert "Inte bekräftad" in sender and "Inte bekräftad" in page.content.decode()
    desk = signed_in(make.clinician(centre))
    assert "Mottagaren har bekräftat" in desk.get(url).content.decode()
    note = {"step": "confirm_outside", "received_on": "", "version": "2"}
    assert desk.post(url, note | {"received_on": "+1d"}).status_code == 422
    assert "Mottagarens bekräftelse sparad för" in desk.post(url, note, follow=True).content.decode()
    for unit in (clinic, centre):
        sent = signed_in(make.clinician(unit)).get(reverse("referrals-sent")).content.decode()
        assert "Hallands sjukhus" in sent and "Inte bekräftad" not in sent


def test_a_decision_is_taken_back_from_the_receipt_and_from_the_page(clinic):
    """PL-13: the receipt's Ångra for who decided, the page's with a reason for who corrects; a repeat says nothing."""
    referral = make.received_referral(care_unit=clinic)
    client, url = signed_in(make.clinician(clinic)), reverse("referral", args=[referral.pk])
    client.post(url, {"step": "decide", "decision": "reject", "reason": "Fel enhet", "version": "1"})
    undo = reverse("referral-undo", args=[referral.pk])
    page = client.get(url).content.decode()
    assert page.count(undo) == 2  # the receipt's and the card's
    assert client.post(undo)["Location"] == url
    assert "Beslutet om remissen är ångrat för" in client.get(url).content.decode()
    assert client.post(undo).status_code == 302
    referral.refresh_from_db()
    assert (referral.status, referral.events.count()) == ("received", 3)
    assert undo not in client.get(url).content.decode()
    client.post(url, {"step": "decide", "decision": "reject", "reason": "Fel enhet", "version": referral.version})
    other = signed_in(make.clinician(clinic))
    assert undo not in other.get(url).content.decode()
    assert other.post(undo).status_code == 409
    corrector = signed_in(make.staff("coordinator", clinic))
    assert undo in corrector.get(url).content.decode()
    assert "Ange varför du ångrar" in corrector.post(undo).content.decode()
    assert corrector.post(undo, {"reason": "Fel patient"}).status_code == 302
    referral.refresh_from_db()
    assert (referral.status, referral.events.last().reason) == ("received", "Fel patient")
    assert signed_in(make.clinician(make.SpecialisedClinicFactory())).post(undo).status_code == 404


def test_a_decision_offers_the_receipt_to_the_patient(clinic):
    """VA-03, KA-01: written where it is asked for, in the decision's transaction; told by the receipt and the page."""
    LetterText.objects.create(part="phone", text="046-17 00 00", source="Prov", care_unit=clinic)
    referral = make.received_referral(care_unit=clinic)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(
        patient=referral.patient, kind=kind, street="Storgatan 1", postal_code="223 50", town="Lund"
    )
    client, url = signed_in(make.clinician(clinic)), reverse("referral", args=[referral.pk])
    client.post(url, {"step": "decide", "decision": "return", "reason": "Provsvar saknas", "version": "1"})
    assert not Letter.objects.exists()
    client.post(url, {"step": "complete", "text": "Provsvar finns", "version": "2"})
    accept = {"step": "accept", "problem_code": make.problem_code().pk, "version": "3", "letter": "on"}
    assert client.post(url, accept).status_code == 302
    letter = Letter.objects.get()
    assert (letter.kind, letter.referral, letter.status) == ("referral_receipt", referral, "unsent")
    page = client.get(url).content.decode()
    assert "Remissbekräftelse ska skrivas ut. Remiss accepterad för" in page
    assert reverse("letter", args=[letter.pk]) in page
    assert "Remiss " in client.get(reverse("letters")).content.decode()
    # With words of the clerk's own, from the page of the remiss: what waited is replaced.
    form = reverse("referral-letter", args=[referral.pk])
    assert "Skälet till beslutet står inte i brevet" in client.get(form).content.decode()
    answer = client.post(form, {"own_text": "Ring oss om du flyttar.", "language": ""})
    new = Letter.objects.exclude(pk=letter.pk).get()
    assert answer["Location"] == reverse("letter", args=[new.pk])
    assert "Ring oss om du flyttar." in client.get(answer["Location"]).content.decode()
    letter.refresh_from_db()
    assert letter.status == "stopped"
    client.post(reverse("referral-undo", args=[referral.pk]))
    new.refresh_from_db()
    assert (new.status, new.stop_reason) == ("stopped", "Beslutet om remissen är ångrat")
    other = signed_in(make.clinician(make.SpecialisedClinicFactory()))
    assert other.get(form).status_code == 404


def test_a_decision_that_is_refused_writes_no_letter(clinic):
    """VH-24: nothing is half done."""
    referral = make.received_referral(care_unit=clinic)
    client, url = signed_in(make.clinician(clinic)), reverse("referral", args=[referral.pk])
    form = {"step": "decide", "decision": "outside", "receiver": "Halland", "reason": "Bor där", "letter": "on"}
    assert client.post(url, form | {"sent_on": "2020-01-01", "version": "1"}).status_code == 422
    assert not Letter.objects.exists()
    referral.refresh_from_db()
    assert (referral.status, referral.version) == ("received", 1)


def test_a_deviation_is_registered_ended_and_withdrawn_on_the_page(clinic, today):
    """BO-04: the three conditions are asked for."""
    client = signed_in(make.clinician(clinic))
    referral = make.received_referral(care_unit=clinic)
    Referral.objects.update(arrival_date=today - 20 * DAY, decision_date=None)
    url = reverse("referral-wait", args=[referral.pk])
    fields = {"step": "register", "kind": "PvV", "starts_on": (today - 9 * DAY).isoformat(), "reason": "Semester"}
    refused = client.post(url, fields)
    assert refused.status_code == 422
    assert "Patientvald väntan kräver tre saker" in refused.content.decode()
    fields |= {"is_informed": "on", "has_declined": "on", "offered_on": today.isoformat(), "offered_time": "0900"}
    assert client.post(url, fields).status_code == 302
    deviation = WaitDeviation.objects.get()
    assert "10 dagar" in client.get(url).content.decode()
    client.post(url, {"step": "end", "deviation": deviation.pk, "ends_on": (today - 5 * DAY).isoformat()})
    deviation.refresh_from_db()
    assert deviation.ends_on == today - 5 * DAY
    assert client.post(url, {"step": "withdraw", "deviation": deviation.pk, "reason": ""}).status_code == 422
    client.post(url, {"step": "withdraw", "deviation": deviation.pk, "reason": "Fel"})
    deviation.refresh_from_db()
    assert deviation.withdraw_reason == "Fel"
    assert "Återkallad: Fel" in client.get(url).content.decode()
    reader = signed_in(make.receptionist(clinic))
    assert reader.get(url).status_code == 200
    assert reader.post(url, fields).status_code == 403


def test_the_lists_tell_how_long_and_what_has_passed(clinic, today, django_assert_max_num_queries):
    """BO-04: in the inbox and in Att boka, with as many questions for many rows as for one."""
    client = signed_in(make.clinician(clinic))
    make.received_referral(care_unit=clinic)
    Referral.objects.update(arrival_date=today - 95 * DAY, medical_target_date=today - 2 * DAY)
    page = client.get(reverse("referrals")).content.decode()
    for words in ("95 dagar", "Måldatum passerat 2 dagar", "Vårdgarantin passerad 5 dagar"):
        assert words in page
    accepted = make.accepted_referral(care_unit=clinic)
    Referral.objects.filter(pk=accepted.pk).update(arrival_date=today - 80 * DAY, review_date=today)
    assert "10 dagar kvar av vårdgarantin" in client.get(reverse("work-list", args=["to-book"])).content.decode()


@pytest.mark.parametrize("name", ["referrals", "to-book"])
def test_the_lists_cost_the_same_whatever_their_length(clinic, name, django_assert_num_queries):
    """BO-04"""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = signed_in(make.clinician(clinic))
    url = reverse("referrals") if name == "referrals" else reverse("work-list", args=[name])
    made = make.received_referral if name == "referrals" else make.accepted_referral
    made(care_unit=clinic)
    client.get(url)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for _ in range(4):
        made(care_unit=clinic)
    with django_assert_num_queries(len(one)):
        client.get(url)


def test_the_page_of_waiting_times_and_its_workbook_say_the_same(clinic, today):
    """BO-04"""
    client = signed_in(make.staff("manager", clinic))
    for days in (10, 40, 95):
        referral = make.received_referral(care_unit=clinic)
        Referral.objects.filter(pk=referral.pk).update(arrival_date=today - days * DAY)
    referrals.accept(referral_id=referral.pk, problem_code=make.problem_code(), by=make.UserFactory(), at=now())
    for first, last in ((-10, -1), (10, 20)):
        row = make.booking_request(care_unit=clinic, wished_from=today + first * DAY, wished_to=today + last * DAY)
        BookingRequest.objects.filter(pk=row.pk).update(created_at=now() - 5 * DAY)
    page = client.get(reverse("waiting-times"))
    assert page.status_code == 200
    waits, undecided, to_book, requests, seen = page.context["sections"]
    assert waits.rows[0][:5] == (clinic.name, 3, 1, 1, 0)
    assert waits.rows[0][9:11] == ("2 av 3", "67 %")
    # One of them is accepted. Of two begäran that came five days ago one is asked for since ten days, one in ten.
    assert (undecided.rows[0][1], undecided.rows[0][2:5]) == (2, (1, 1, 0))
    assert (to_book.rows[0][1], to_book.rows[0][5], to_book.rows[0][9]) == (1, 1, "0 av 1")
    assert (requests.rows[0][1:3], requests.rows[0][9], requests.rows[0][11]) == ((2, 2), None, "1 av 2")
    assert requests.rows[0][13:] == ("2,5", 5)
    assert seen.is_empty
    assert "0–30 dagar: 1, 31–60 dagar: 1" in page.content.decode()
    book = load_workbook(BytesIO(client.get(reverse("waiting-times-workbook")).content))
    assert book.sheetnames == [
        "Väntande", "Remisshantering", "Att boka", "Bokningsbegäran", "Första kontakter", "Så räknas det",
    ]  # fmt: skip
    line = [cell.value for cell in book["Väntande"][2]]
    assert line[:6] == [clinic.name, 3, 1, 1, 0, 1]
    assert line[9:11] == [2, 3]
    assert client.get(reverse("waiting-times"), {"till": "aldrig"}).status_code == 422
    assert client.get(reverse("waiting-times-workbook"), {"till": "aldrig"}).status_code == 422


def test_a_row_of_a_shared_list_is_taken_over_and_booked(clinic):
    """PL-25: seen from both units, taken by the one that has a time."""
    other, third = make.SpecialisedClinicFactory(), make.SpecialisedClinicFactory()
    made = SharedList.objects.create(name="Prov")
    for unit in (clinic, other, third):
        made.units.create(care_unit=unit)
    waits = make.booking_request(care_unit=other)
    accepted = make.accepted_referral(care_unit=other)
    client, second = signed_in(make.staff("coordinator", clinic, name="Maria Ek")), signed_in(make.coordinator(third))
    colleague = signed_in(make.coordinator(clinic))
    page = client.get(reverse("booking-requests"))
    assert [row.pk for row in page.context["rows"]] == [waits.pk]
    assert page.context["rows"][0].book_url == ""
    assert client.get(reverse("booking-request", args=[waits.pk])).status_code == 404
    read = second.get(reverse("booking-requests")).context["rows"][0]
    answer = client.post(page.context["rows"][0].take_url, page.context["rows"][0].take_fields)
    assert answer["Location"] == f"{reverse('book', args=[waits.patient_id])}?begaran={waits.pk}"
    taken = BookingRequest.objects.get(pk=waits.pk)
    assert (taken.care_unit, taken.taken_over_by.name, taken.version) == (clinic, "Maria Ek", waits.version + 1)
    # PL-27: the second unit is told who has taken it; one's own second click goes on to the booking.
    refused = second.post(read.take_url, read.take_fields)
    assert refused.status_code == 409 and "Ändrad av Maria Ek" in refused.content.decode()
    told = colleague.post(read.take_url, read.take_fields)
    assert told.status_code == 409 and "Maria Ek" in told.content.decode()
    again = client.post(read.take_url, read.take_fields)
    assert (again.status_code, again["Location"]) == (302, answer["Location"])
    assert BookingRequest.objects.get(pk=waits.pk).version == taken.version
    assert "Maria Ek" in client.get(reverse("booking-request", args=[waits.pk])).content.decode()
    to_book = client.get(reverse("work-list", args=["to-book"]))
    assert f"Väntar hos {other.short_name}" in to_book.content.decode()
    fields, path = {"version": accepted.version}, reverse("referral-take", args=[accepted.pk])
    assert f'name="version" value="{accepted.version}"' in to_book.content.decode()
    answer = client.post(path, fields)
    accepted.refresh_from_db()
    assert accepted.care_unit == clinic
    assert f"remiss={accepted.pk}" in answer["Location"]
    refused = second.post(path, fields)
    assert refused.status_code == 409 and "Ändrad av Maria Ek" in refused.content.decode()
    assert client.post(path, fields)["Location"] == answer["Location"]
    accepted.refresh_from_db()
    assert (accepted.care_unit, accepted.events.filter(act="forwarded").count()) == (clinic, 1)
    alone = signed_in(make.staff("coordinator", make.SpecialisedClinicFactory()))
    assert alone.post(reverse("referral-take", args=[accepted.pk])).status_code == 404


def test_the_lists_faults_are_shown_taken_and_gone_when_mended(clinic, today):
    """PL-11"""
    client = signed_in(make.staff("coordinator", clinic))
    accepted = make.accepted_referral(care_unit=clinic)
    Referral.objects.update(medical_target_date=None, days_to_first_contact=None)
    fault_writes.check(at=now())
    ListFault.objects.update(owner=None)
    fault = ListFault.objects.get()
    page = client.get(reverse("work-list", args=["list-faults"])).content.decode()
    assert "Måldatum saknas" in page
    assert "Granska remissen och ange medicinskt måldatum." in page
    start = client.get(reverse("work-lists"))
    assert next(each.count for each in start.context["lists"] if each.name == "list-faults") == 1
    address = reverse("list-fault-take", args=[fault.pk])
    assert f'action="{address}"' in page and 'type="hidden" name="version" value="1"' in page
    taken = client.post(address, {"version": "1"}, follow=True).content.decode()
    assert "Du ansvarar för felet" in taken
    # The second, who saw the list before, is told who was first; the first one's second click does nothing (PL-27).
    second = signed_in(make.staff("coordinator", clinic))
    fault.refresh_from_db()
    for seen in ({"version": "1"}, {}):
        told = second.post(address, seen)
        assert told.status_code == 409 and fault.owner.name in told.content.decode()
    assert client.post(address, {"version": "1"}).status_code == 302
    assert (ListFault.objects.get().owner, ListFault.objects.get().version) == (fault.owner, 2)
    referrals.review(referral_id=accepted.pk, medical_target_date=today + DAY, by=accepted.decided_by, at=now())
    fault_writes.check(at=now())
    assert "redan åtgärdat" in second.post(address, {"version": "2"}).content.decode()
    assert "Väntelistan är utan fel." in client.get(reverse("work-list", args=["list-faults"])).content.decode()
