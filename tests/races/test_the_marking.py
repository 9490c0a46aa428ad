"""SK-02, SK-05: a marking comes at the same moment as somebody writes down where the person is, books, or is told by the
register; and while messages are on their way."""

import pytest

from registration.actions import contact, patients, relations
from registration.models import AddressKind, EncounterRelation, Patient, PatientPhone
from scheduling.models import Delivery, Letter
from sdv.common.errors import RuleError
from sdv.flows import cancellation, protection, register
from sdv.outbox import delivery
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, NOW, Clinic
from tests.races.together import LONGEST_WAIT as ONE_SECOND
from tests.races.together import numbers, together
from tests.registers import connected, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
ROUNDS = 6


def marking(clinic, patient):
    return lambda: protection.set_by_hand(patient_id=patient.pk, ground="threat", by=clinic.nurse, at=NOW)


def test_whoever_comes_first_nothing_of_where_the_person_is_is_left():
    """What was written before the marking is purged by it; what comes after is refused with the rule."""
    clinic = Clinic()
    street = AddressKind.objects.filter(requires_dates=False, is_locked=False).first()
    for number, each in zip(numbers(ROUNDS), range(ROUNDS), strict=True):
        patient = clinic.patient(identity=number)
        clinic.commitment(patient)
        who = {"patient_id": patient.pk, "by": clinic.nurse, "at": NOW}
        marked, *writes = together(
            marking(clinic, patient),
            lambda who=who: contact.add_phone(**who, number="0701740605"),
            lambda who=who: contact.add_address(**who, kind=street, street="Gömda gatan 1"),
            lambda who=who: relations.add_contact(**who, name="Någon"),
            lambda who=who: patients.edit(**who, interpreter_kind="spoken", interpreter_language="dari"),
            lambda patient=patient, each=each: clinic.book(patient, NOW + (2 + each) * DAY),
            longest_wait=5 * ONE_SECOND,
        )
        assert isinstance(marked, dict), marked
        refused = [answer for answer in writes if isinstance(answer, Exception)]
        assert all(isinstance(answer, RuleError) and answer.rule == "SK-02" for answer in refused), refused
        kept = Patient.objects.get(pk=patient.pk)
        assert (kept.protection, kept.interpreter_language, kept.search_name) == ("sekretessmarkering", "", "")
        assert not kept.phones.exists() and not kept.addresses.exists() and not kept.relations.exists()
        # Care goes on: the visit is booked, whoever came first.
        encounter = kept.encounters.get(appointment__isnull=False)
        assert (encounter.payer, encounter.listing_unit) == ("", "")
        assert not EncounterRelation.objects.filter(encounter=encounter).exists()
        letters = Letter.objects.filter(patient=kept)
        assert all((row.delivery, row.recipient) == (Delivery.MEDIATION, "") for row in letters), list(letters)
    assert not PatientPhone.objects.exists()


def test_the_register_tells_of_somebody_who_is_marked_at_the_same_moment():
    """SK-04: what the register tells of name and address is not written down, and its answer lifts nothing."""
    clinic = Clinic()
    patient = clinic.patient(identity="199002222397")
    with connected(person("199002222397"), seconds=5):
        marked, *_ = together(
            marking(clinic, patient),
            *[lambda: register.ask_at_search("199002222397", at=NOW)] * 2,
            longest_wait=5 * ONE_SECOND,
        )
    assert isinstance(marked, dict), marked
    kept = Patient.objects.get(pk=patient.pk)
    assert (kept.protection, kept.given_name, kept.surname, kept.sort_key) == ("sekretessmarkering", "", "", "")
    assert not kept.addresses.exists() and not kept.relations.exists()


def test_two_who_mark_at_once_are_one_marking():
    """PL-27"""
    clinic = Clinic()
    patient = clinic.patient()
    answers = together(marking(clinic, patient), marking(clinic, patient), longest_wait=5 * ONE_SECOND)
    (refused,) = [answer for answer in answers if isinstance(answer, RuleError)]
    assert refused.code == "already_protected"
    assert patient.history.filter(event="protected").count() == 1


def test_a_message_that_was_claimed_before_the_marking_goes_no_further():
    """SK-05: the worker has it in hand; the marking comes while the one before is being delivered."""
    clinic = Clinic()
    first, second = clinic.patient(), clinic.patient()
    for patient, day in ((first, 2), (second, 3)):
        clinic.commitment(patient)
        booked = clinic.book(patient, NOW + day * DAY)
        cancellation.cancel(appointment_id=booked.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=NOW)
    told = OutboxMessage.objects.filter(topic="appointment-cancelled")
    told.update(due_at=NOW)
    OutboxMessage.objects.exclude(pk__in=told).delete()

    class Slow:
        given = []

        def deliver(self, message):
            self.given.append(message.subject_id)
            marking(clinic, second)()

    assert delivery.deliver_due(at=NOW, to=Slow()) == (1, 0)
    assert Slow.given == list(first.appointments.values_list("pk", flat=True))
    assert not told.filter(patient_id=second.pk).exists()
