"""Reminders by SMS: 48 hours before, one per contact, by consent and the patient's own choice of words; never to the dead or
the protected; late, twice and at once (PL-18, PL-22, SK-05)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from registration.actions import contact
from registration.models import Patient, PatientPhone, PortalContact
from scheduling import outgoing
from scheduling.actions import appointments, reminders
from scheduling.models import LetterText, Reminder
from sdv.adapters.patients.simulator import Simulator
from sdv.flows import cancellation, deceased, protection
from sdv.organisation.models import CareUnit
from sdv.outbox import delivery
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic

TWO_DAYS = timedelta(hours=48)
START = NOW + 5 * DAY
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic(db):
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def reached(clinic, number="+46701740605", *, consent=True, wording="time", patient=None, **fields):
    patient = patient or clinic.patient()
    PatientPhone.objects.create(
        patient=patient,
        number=number,
        sms_consent_at=NOW if consent else None,
        sms_consent_by=clinic.nurse if consent else None,
        sms_wording=wording,
        **fields,
    )
    return patient


def due(start=START):
    return start - TWO_DAYS


def test_a_visit_is_reminded_of_once_from_48_hours_before(clinic):
    """PL-18: to the minute, late, twice."""
    appointment = clinic.book(reached(clinic), START)
    assert reminders.remind(at=due() - MINUTE) == 0
    assert reminders.remind(at=due(), dry_run=True) == 1
    assert not Reminder.objects.exists()
    assert [reminders.remind(at=due()), reminders.remind(at=due() + DAY)] == [1, 0]
    message = OutboxMessage.objects.get()
    assert (message.topic, message.subject_id, message.patient_id, message.payload) == (
        "appointment-reminder",
        appointment.pk,
        appointment.patient_id,
        {"reminder": str(Reminder.objects.get().pk)},
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Reminder.objects.create(appointment=appointment, start=START + DAY, wording="time", created_at=NOW)


def test_after_a_long_stop_what_has_begun_is_not_reminded_of(clinic):
    """PL-18"""
    clinic.book(reached(clinic), START)
    assert reminders.remind(at=START) == 0
    assert reminders.remind(at=START - MINUTE) == 1


@pytest.mark.parametrize(
    "why", ["no consent", "no mobile", "protected", "dead", "cancelled", "agreed late", "moved late", "unit sends none"]
)
def test_who_is_not_reminded(clinic, why):
    """PL-18, PL-22, SK-05, regional-rules 6.3: nor is one who has just been told, or at a unit that has not decided on it."""
    patient = reached(clinic, consent=why != "no consent") if why != "no mobile" else clinic.patient()
    booked_at = due() + MINUTE if why == "agreed late" else NOW
    appointment = clinic.book(patient, START, at=booked_at)
    if why == "protected":
        Patient.objects.filter(pk=patient.pk).update(protection="skyddad_folkbokforing")
    if why == "dead":
        Patient.objects.filter(pk=patient.pk).update(deceased_on=TODAY, deceased_registered_at=NOW)
    if why == "unit sends none":
        CareUnit.objects.update(sends_reminders=False)
    if why == "cancelled":
        cancellation.cancel(
            appointment_id=appointment.pk, cancelled_by="provider", reason="Stängt", by=clinic.nurse, at=NOW
        )
    if why == "moved late":
        appointments.reschedule(
            appointment_id=appointment.pk, start=START + HALF_HOUR, end=START + 2 * HALF_HOUR, by=clinic.nurse,
            at=due() + HALF_HOUR + MINUTE,
        )  # fmt: skip
    assert reminders.remind(at=due() + HALF_HOUR + MINUTE) == 0
    assert not Reminder.objects.exists()


def test_who_was_reminded_of_another_time_is_reminded_of_the_one_that_holds(clinic, gateway, monkeypatch):
    """PL-18: one reminder per contact as it is booked. Moved far ahead it comes 48 hours before; moved late, at once, for
    what the patient holds in the hand is wrong; and moved back too. What has begun is not told of."""
    appointment = clinic.book(reached(clinic), START)

    def move(start, at):
        act = {"appointment_id": appointment.pk, "end": start + HALF_HOUR, "by": clinic.nurse}
        appointments.reschedule(start=start, at=at, **act)

    def told(at):
        made = [reminders.remind(at=at), reminders.remind(at=at)]
        deliver(at, monkeypatch)
        texts = [
            each["text"].partition("vården ")[2].partition(". Logga")[0] for each in gateway.received["/sms"].values()
        ]
        gateway.received["/sms"].clear()
        return made, texts

    assert told(due()) == ([1, 0], ["onsdag 25 november kl. 09.00"])
    move(START + 7 * DAY, due())
    assert told(due() + 7 * DAY - MINUTE) == ([0, 0], [])
    assert told(due() + 7 * DAY) == ([1, 0], ["onsdag 2 december kl. 09.00"])
    move(START + 6 * DAY, due() + 7 * DAY)
    assert told(due() + 7 * DAY) == ([1, 0], ["tisdag 1 december kl. 09.00"])
    move(START + 7 * DAY, due() + 7 * DAY)
    assert told(due() + 7 * DAY) == ([1, 0], ["onsdag 2 december kl. 09.00"])
    move(START + 7 * DAY + HALF_HOUR, due() + 7 * DAY)
    assert told(START + 7 * DAY + HALF_HOUR) == ([0, 0], [])
    with pytest.raises(IntegrityError, match="one_reminder"), transaction.atomic():
        last = Reminder.objects.order_by("-id").first()
        Reminder.objects.create(
            appointment=appointment, start=START, replaces=last.replaces, wording="time", created_at=NOW
        )


@pytest.mark.parametrize(
    ("start", "first"),
    [
        # 25 October 2026, 03.00 → 02.00: Monday 09.00 is 08.00 UTC, and 48 hours before is Saturday 10.00 by the wall.
        (datetime(2026, 10, 26, 8, 0, tzinfo=UTC), datetime(2026, 10, 24, 8, 0, tzinfo=UTC)),
        # 28 March 2027, 02.00 → 03.00.
        (datetime(2027, 3, 29, 7, 0, tzinfo=UTC), datetime(2027, 3, 27, 7, 0, tzinfo=UTC)),
    ],
)
def test_48_hours_are_elapsed_time_when_the_clock_is_changed(clinic, start, first):
    """PL-18"""
    clinic.book(reached(clinic), start, at=first - 9 * DAY)
    assert [reminders.remind(at=first - MINUTE), reminders.remind(at=first)] == [0, 1]


def test_the_words_are_the_patient_s_choice_and_the_usual_ones_name_no_clinic(clinic):
    """PL-18"""
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    quiet = clinic.book(reached(clinic), START)
    told = clinic.book(reached(clinic, wording="place"), START + HALF_HOUR)
    assert outgoing.reminder(quiet.pk, at=due()).text == (
        "Påminnelse: du har en tid i vården onsdag 25 november kl. 09.00. Logga in på 1177.se för att se mer."
    )
    assert outgoing.reminder(told.pk, at=due()).text == (
        "Påminnelse: du har en tid på Vårdcentralen Norr onsdag 25 november kl. 09.30."
        " Ring 046-17 00 00 om du inte kan komma."
    )


def test_the_number_is_the_preferred_of_those_with_consent(clinic):
    """PL-18, PA-06: consent is bound to the number."""
    patient = reached(clinic, "+46701740605")
    reached(clinic, "+46701740606", patient=patient, consent=False, is_preferred=True)
    appointment = clinic.book(patient, START)
    assert outgoing.reminder(appointment.pk, at=due()).number == "+46701740605"


def test_what_an_sms_may_say_is_said_of_a_number_and_does_not_follow_to_another(clinic):
    """PL-18, PA-06"""
    who = {"patient_id": clinic.patient().pk, "by": clinic.nurse, "at": NOW}
    phone = contact.add_phone(number="070-174 06 05", allows_sms=True, sms_wording="place", **who)
    assert contact.change_phone(phone_id=phone.pk, is_preferred=True, **who).sms_wording == "place"
    changed = contact.change_phone(phone_id=phone.pk, number="070-174 06 06", **who)
    assert (changed.sms_wording, changed.sms_consent_at) == ("time", None)


@pytest.fixture
def gateway(settings):
    with Simulator() as simulator:
        settings.SDV_SMS_ADDRESS = simulator.address_of("/sms")
        settings.SDV_PORTAL_ADDRESS = simulator.address_of("/1177")
        yield simulator


def deliver(at, monkeypatch):
    monkeypatch.setattr("sdv.adapters.patients.channel.now", lambda: at)
    OutboxMessage.objects.filter(delivered_at=None).update(due_at=at)
    return delivery.deliver_due(at=at)


def test_an_sms_whose_receipt_was_lost_is_sent_once(clinic, gateway, monkeypatch):
    """PL-18: the key is the message's own."""
    clinic.book(reached(clinic), START)
    reminders.remind(at=due())
    for failure in ("down", "http-500", "lost"):
        gateway.failure = failure
        assert deliver(due(), monkeypatch) == (0, 1)
    gateway.failure = ""
    assert deliver(due(), monkeypatch) == (1, 0)
    (sms,) = gateway.received["/sms"].values()
    assert sms["to"] == "+46701740605"
    assert "i vården onsdag 25 november" in sms["text"]
    assert OutboxMessage.objects.get().last_error == ""


def test_moved_there_and_back_while_nothing_could_be_sent_the_time_is_told_once(clinic, gateway, monkeypatch):
    """PL-18: the last reminder tells it; those whose place it has taken do not."""
    appointment = clinic.book(reached(clinic), START)
    gateway.failure, late = "down", due() + 2 * HALF_HOUR
    for start in (START, START + HALF_HOUR, START):
        if Reminder.objects.exists():
            appointments.reschedule(
                appointment_id=appointment.pk, start=start, end=start + HALF_HOUR, by=clinic.nurse, at=late
            )
        assert reminders.remind(at=late) == 1
        deliver(late, monkeypatch)
    gateway.failure = ""
    assert deliver(late, monkeypatch) == (1, 0)
    (sms,) = gateway.received["/sms"].values()
    assert "25 november kl. 09.00" in sms["text"]


@pytest.mark.parametrize("what", ["cancelled", "moved", "dead", "protected", "consent taken back", "unit sends none"])
def test_what_came_before_it_left_is_heeded(clinic, gateway, monkeypatch, what):
    """PL-18, PL-22, SK-05: the fact is read when the SMS leaves."""
    patient = reached(clinic)
    appointment = clinic.book(patient, START)
    reminders.remind(at=due())
    act = {"by": clinic.nurse, "at": due()}
    if what == "cancelled":
        cancellation.cancel(appointment_id=appointment.pk, cancelled_by="provider", reason="Stängt", **act)
    if what == "moved":
        appointments.reschedule(
            appointment_id=appointment.pk, start=START + HALF_HOUR, end=START + 2 * HALF_HOUR, **act
        )
    if what == "dead":
        deceased.register(patient_id=patient.pk, deceased_on=TODAY, reason="Intyg", **act)
    if what == "protected":
        protection.set_by_hand(patient_id=patient.pk, ground="threat", **act)
    if what == "consent taken back":
        PatientPhone.objects.update(sms_consent_at=None, sms_consent_by=None)
    if what == "unit sends none":
        CareUnit.objects.update(sends_reminders=False)
    OutboxMessage.objects.exclude(topic="appointment-reminder").delete()
    assert deliver(due(), monkeypatch) == (0, 0)
    assert not gateway.received["/sms"]
    # What waited is not told of a time that another reminder tells of, when it is due.
    assert reminders.remind(at=due() + HALF_HOUR) == (what == "moved")
    deliver(due() + HALF_HOUR, monkeypatch)
    told = [each["text"] for each in gateway.received["/sms"].values()]
    assert told == (
        ["Påminnelse: du har en tid i vården onsdag 25 november kl. 09.30. Logga in på 1177.se för att se mer."]
        if what == "moved"
        else []
    )


def test_a_letter_is_put_in_1177_with_the_words_of_the_paper(clinic, gateway, monkeypatch):
    """regional-rules 6.2: not before six, and not when it has been stopped."""
    LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046-17 00 00", source="Prov")
    patient = clinic.patient(birth_date=TODAY.replace(year=1970))
    PortalContact.objects.create(patient=patient, consented_on=TODAY, told_at=NOW, prefers_digital=True)
    letter = clinic.book(patient, START, letter=True).letters.get()
    monkeypatch.setattr("sdv.adapters.patients.channel.now", lambda: NOW + timedelta(hours=9))
    assert delivery.deliver_due(at=NOW + timedelta(hours=8)) == (0, 0)
    assert delivery.deliver_due(at=NOW + timedelta(hours=9)) == (1, 0)
    (told,) = gateway.received["/1177"].values()
    assert (told["to"], told["heading"], told["body"]) == ("189001189811", letter.heading, letter.body)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_reminder_each(catalogues):
    """PL-18: in parallel without harm."""
    clinic = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")
    for hour in range(6):
        clinic.book(reached(clinic), START + hour * HALF_HOUR)
    made, ready = [], threading.Barrier(4)

    def run():
        ready.wait()
        try:
            made.append(reminders.remind(at=due() + 3 * HALF_HOUR * 2))
        finally:
            connection.close()

    workers = [threading.Thread(target=run) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(made) == Reminder.objects.count() == OutboxMessage.objects.count() == 6


def test_the_channel_leaves_the_rest_to_the_folder(clinic, gateway, tmp_path, settings):
    """VH-20: what is told to 1177 and NPÖ goes as before."""
    settings.SDV_OUTBOX_FOLDER = str(tmp_path)
    OutboxMessage.objects.create(topic="encounter-ended", subject_id=clinic.unit.pk)
    assert delivery.deliver_due(at=NOW + 999 * DAY) == (1, 0)
    assert len(list(tmp_path.iterdir())) == 1
    assert gateway.tries == 0
