"""A letter is confirmed as printed while its time is cancelled, and two clerks confirm the same pile: whoever is first, the
patient is told what holds, once (KA-03, PL-27)."""

from functools import partial

import pytest

from registration.models import AddressKind, PatientAddress
from scheduling.actions import letters
from scheduling.models import Letter, LetterDocument, LetterText
from sdv.common.errors import RuleError
from sdv.flows import cancellation
from tests.clinic import DAY, NOW, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("catalogues")]

ROUNDS = 5


def letters_of_rounds():
    kind = AddressKind.objects.get(code="bostadsadress")
    for round_, number in enumerate(numbers(ROUNDS), start=1):
        clinic = Clinic(name=f"Vårdcentralen {round_}", kind="vardcentral", area="Pv")
        LetterText.objects.create(part="phone", care_unit=clinic.unit, text="046", source="Prov")
        patient = clinic.patient(identity=number)
        PatientAddress.objects.create(patient=patient, kind=kind, street="Storgatan 1", town="Lund")
        yield clinic, clinic.book(patient, NOW + 5 * DAY, letter=True).letters.get()


def test_a_letter_printed_while_its_time_is_cancelled_is_followed_or_stopped():
    """KA-03, PL-09: never both, and never a printed one that nothing follows."""
    for clinic, letter in letters_of_rounds():
        confirm = partial(letters.confirm_printed, letter_id=letter.pk, by=clinic.nurse, at=NOW)
        cancel = partial(
            cancellation.cancel,
            appointment_id=letter.appointment_id,
            cancelled_by="provider",
            reason="Stängt",
            by=clinic.doctor,
            at=NOW,
        )
        answers = together(confirm, cancel)
        assert not isinstance(answers[1], Exception), answers
        told = sorted(Letter.objects.filter(appointment=letter.appointment_id).values_list("kind", "status"))
        if isinstance(answers[0], RuleError):
            assert told == [("appointment", "stopped")]
        else:
            assert told == [("appointment", "printed"), ("cancellation", "unsent")]


def test_two_clerks_confirm_and_print_the_same_pile():
    """PL-27: one of them did it, and the paper's file is one."""
    for clinic, letter in letters_of_rounds():
        made = together(
            *(
                partial(letters.make_document, letter_id=letter.pk, render=lambda row: b"pdf", by=user, at=NOW)
                for user in (clinic.nurse, clinic.doctor)
            )
        )
        assert {row.pk for row in made} == {LetterDocument.objects.get(letter=letter).pk}
        confirm = [
            partial(letters.confirm_printed, letter_id=letter.pk, by=user, at=NOW)
            for user in (clinic.nurse, clinic.doctor)
        ]
        won, (lost,) = one_winner(together(*confirm))
        assert (lost.code, lost.by) == ("wrong_status", won.decided_by.name)
