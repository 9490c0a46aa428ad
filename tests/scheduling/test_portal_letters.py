"""Letters by 1177 through the jobs and the outbox to the simulator: what did not go there says so and comes back to
somebody, and is never shown as sent (KA-03, PL-18, VA-03, regional-rules 6.2)."""

from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse

from registration.actions import referrals, relations
from registration.models import AddressKind, PatientAddress, PatientIdentity, PortalContact
from scheduling.actions import appointments, letter_writing, letters
from scheduling.models import Letter, LetterText
from sdv.adapters.patients.simulator import Simulator
from sdv.desk.jobs import JOBS, JobFailed
from sdv.outbox import delivery
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic
from tests.desk.signed_in import signed_in

HOUR = timedelta(hours=1)
# After six in the evening in Stockholm.
SENT_AT = NOW + 9 * HOUR
NO_PERSONNUMMER = (
    "Brevet lades inte i 1177: patientens huvudidentitet är inte ett personnummer, och 1177 tar inte emot till andra."
)


@pytest.fixture
def clinic(db):
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    return clinic


@pytest.fixture
def inbox(settings):
    with Simulator() as simulator:
        settings.SDV_SMS_ADDRESS = simulator.address_of("/sms")
        settings.SDV_PORTAL_ADDRESS = simulator.address_of("/1177")
        yield simulator


@pytest.fixture
def run(inbox, monkeypatch):
    """Runs the jobs of the outbox and of letters as of a moment."""

    def run(at):
        monkeypatch.setattr("sdv.adapters.patients.channel.now", lambda: at)
        try:
            sent = JOBS["outbox"](at=at)
        except JobFailed as failed:
            sent = failed.lines
        return [int(line.rpartition(" ")[2]) for line in (*sent, *JOBS["letters"](at=at)[:2])]

    return run


# What a run of the jobs answers: delivered, failed, letters sent, letters that came back.
NOTHING, SENT, CAME_BACK, FAILED = [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]


def digital(clinic):
    """A grown-up who has chosen 1177 first, and who has an address too."""
    patient = clinic.patient(birth_date=date(1970, 1, 1))
    PortalContact.objects.create(patient=patient, consented_on=TODAY, told_at=NOW, prefers_digital=True)
    kind = AddressKind.objects.get(code="bostadsadress")
    PatientAddress.objects.create(
        patient=patient, kind=kind, street="Exempelgatan 1", postal_code="123 45", town="Exempelstad"
    )
    return patient


def lose_personnummer(patient):
    PatientIdentity.objects.filter(patient=patient).update(kind="samordningsnummer")


def state(letter):
    letter.refresh_from_db()
    message = OutboxMessage.objects.get(topic="letter-to-portal", subject_id=letter.pk)
    return (letter.status, letter.stop_reason, message.last_error, message.delivered_at, message.stopped_at)


def test_a_receipt_that_says_what_is_no_longer_so_comes_back_and_is_written_again(clinic, inbox, run):
    """VA-03: it was to go by 1177 alone. Nobody is told what was, and nobody is told that it was sent."""
    referral = referrals.register(
        patient_id=digital(clinic).pk, care_unit=clinic.unit, kind="E", arrival_date=TODAY, by=clinic.nurse, at=NOW
    )
    (letter,) = letters.write_of_referral(referral_id=referral.pk, by=clinic.nurse, at=NOW)
    assert letter.delivery == "portal"
    referrals.accept(referral_id=referral.pk, problem_code=clinic.problem, by=clinic.doctor, at=NOW + HOUR)
    assert run(SENT_AT - HALF_HOUR) == NOTHING
    assert [run(SENT_AT), run(SENT_AT)] == [CAME_BACK, NOTHING]
    why = "Brevet lades inte i 1177: det som brevet säger gäller inte längre."
    assert state(letter) == ("blocked", why, "outdated", None, SENT_AT)
    assert not inbox.received["/1177"]
    assert not letter_writing.has_gone_out(Letter.objects.filter(pk=letter.pk))
    with time_machine.travel(SENT_AT, tick=False):
        page = signed_in(clinic.staff()).get(reverse("letters")).content.decode()
        assert "Kunde inte skickas" in page and why in page and "Skickat till 1177" not in page
        one = signed_in(clinic.staff(username="en", name="En")).get(reverse("letter", args=[letter.pk]))
        assert "Brevet är inte skickat." in one.content.decode() and why in one.content.decode()
    new = letters.write_again(letter_id=letter.pk, by=clinic.nurse, at=SENT_AT)
    assert [run(SENT_AT), run(SENT_AT)] == [SENT, NOTHING]
    (told,) = inbox.received["/1177"].values()
    assert told["body"] == new.body
    letter.refresh_from_db()
    new.refresh_from_db()
    assert (letter.status, new.status) == ("stopped", "sent")


@pytest.mark.parametrize(
    ("why", "sentence"),
    [("no_personnummer", NO_PERSONNUMMER), ("not_in_portal", "patienten är inte längre med i 1177")],
)
def test_who_can_no_longer_be_reached_in_1177_gets_it_on_paper(clinic, inbox, run, why, sentence):
    """KA-01, PA-05: written again, it is printed; a change of the time is then told as to somebody who has been told
    nothing."""
    patient = digital(clinic)
    appointment = clinic.book(patient, NOW + 5 * DAY, letter=True)
    letter = appointment.letters.get()
    lose_personnummer(patient) if why == "no_personnummer" else PortalContact.objects.all().delete()
    assert [run(SENT_AT), run(SENT_AT)] == [CAME_BACK, NOTHING]
    assert state(letter)[0] == "blocked" and sentence in state(letter)[1] and state(letter)[2:4] == (why, None)
    assert not inbox.received["/1177"] and not letter_writing.has_been_told_of(appointment)
    assert list(Letter.objects.blocked(SENT_AT)) == [letter]
    new = letters.write_again(letter_id=letter.pk, by=clinic.nurse, at=SENT_AT)
    assert (new.delivery, new.body) == ("post", letter.body)
    assert list(Letter.objects.to_print()) == [new] and not Letter.objects.blocked(SENT_AT).exists()
    appointments.reschedule(
        appointment_id=appointment.pk, start=NOW + 6 * DAY, end=NOW + 6 * DAY + HALF_HOUR, by=clinic.nurse, at=SENT_AT
    )
    assert Letter.objects.unsent().get().kind == "appointment"


def test_a_copy_that_has_gone_to_somebody_near_does_not_go_again(clinic, run):
    """KA-04: the patient's own letter comes back from 1177 and is written again; the guardian has had the copy."""
    patient = digital(clinic)
    by = {"by": clinic.nurse, "at": NOW}
    relations.add_contact(patient_id=patient.pk, name="Abdi, Amina", relation="mor", gets_letter_copy=True, **by)
    appointment = clinic.book(patient, NOW + 5 * DAY, letter=True)
    no_address = appointment.letters.get(is_copy=True)
    copy = letters.write_again(letter_id=no_address.pk, address="Sidovägen 2\n123 45 Exempelstad", **by)
    letters.confirm_printed(letter_id=copy.pk, **by)
    lose_personnummer(patient)
    assert run(SENT_AT) == CAME_BACK
    mine = appointment.letters.get(is_copy=False)
    new = letters.write_again(letter_id=mine.pk, by=clinic.nurse, at=SENT_AT)
    assert list(Letter.objects.to_print()) == [new] and not Letter.objects.blocked(SENT_AT).exists()
    assert appointment.letters.filter(is_copy=True, status="printed").get() == copy


def test_what_goes_on_paper_too_stays_in_the_pile_and_says_that_paper_is_all(clinic, run):
    """regional-rules 6.2"""
    patient = digital(clinic)
    PortalContact.objects.update(prefers_digital=False)
    letter = clinic.book(patient, NOW + 5 * DAY, letter=True).letters.get()
    lose_personnummer(patient)
    assert run(SENT_AT) == NOTHING
    assert state(letter)[:3] == ("unsent", "", "no_personnummer")
    assert list(Letter.objects.to_print()) == [letter]
    with time_machine.travel(SENT_AT, tick=False):
        page = signed_in(clinic.staff()).get(reverse("letter", args=[letter.pk])).content.decode()
    assert NO_PERSONNUMMER in page and "Det läggs också" not in page


def test_a_killed_worker_a_lost_receipt_and_a_late_run(clinic, inbox, run):
    """What was taken and whose receipt was lost is said to have perhaps arrived; what comes too late is not sent."""
    patient = digital(clinic)
    lost = clinic.book(patient, NOW + 5 * DAY, letter=True).letters.get()
    inbox.failure = "lost"
    assert run(SENT_AT) == FAILED
    inbox.failure = ""
    lose_personnummer(patient)
    # A worker that was killed when it had claimed: it comes again when the lease has run out.
    assert [row.subject_id for row in delivery.claim(at=SENT_AT + HOUR)] == [lost.pk]
    assert run(SENT_AT + HOUR) == NOTHING
    late = SENT_AT + 2 * HOUR
    assert [run(late), run(late)] == [CAME_BACK, NOTHING]
    assert state(lost)[:3] == (
        "blocked", f"{NO_PERSONNUMMER} Ett tidigare försök kan ha nått fram.", "no_personnummer",
    )  # fmt: skip
    PatientIdentity.objects.update(kind="personnummer")
    inbox.received["/1177"].clear()
    visit = NOW + 3 * DAY
    much_too_late = clinic.book(patient, visit, letter=True).letters.get()
    assert [run(visit), run(visit)] == [CAME_BACK, NOTHING]
    has_been = "Brevet lades inte i 1177: besöket hade redan varit när brevet skulle läggas där."
    assert state(much_too_late) == ("stopped", has_been, "visit_has_been", None, visit)
    assert much_too_late not in Letter.objects.blocked(visit) and not inbox.received["/1177"]


def test_a_visit_before_six_the_same_day_is_told_at_once(clinic, run):
    """regional-rules 6.2: later it would be of no use."""
    letter = clinic.book(digital(clinic), NOW + 4 * HOUR, letter=True).letters.get()
    assert run(NOW + HALF_HOUR) == SENT
    letter.refresh_from_db()
    assert (letter.status, letter.decided_at) == ("sent", NOW + HALF_HOUR)
