"""A letter as it would be written of a time that is chosen and not yet had: of the same facts and in the same words as the
letter itself; nothing is saved (KA-01, KA-05)."""

from registration.actions.encounters import refuse_deceased
from scheduling import outgoing
from scheduling.models import CancelledBy, Letter, LetterKind
from sdv.common.time import local_date

from . import wait_letters
from .letter_facts import Acknowledged, Told, Waits, chosen
from .letter_writing import has_been_told_of, last_choices, last_told


class Planned(Told):
    """What is known of a visit before it is booked."""

    kind = LetterKind.APPOINTMENT

    def __init__(self, *, patient, care_unit, visit_type, contact_reason_id, commitment, start, caregiver, at, choices):
        self.patient, self.unit, self.visit_type = patient, care_unit, visit_type
        self.contact_reason_id, self.commitment = contact_reason_id, commitment
        self.start, self.caregiver = start, caregiver
        self._read(at, choices)

    def _caregiver(self):
        return self.caregiver

    def _referral_kinds(self):
        return set(self.commitment.referrals.values_list("kind", flat=True)) if self.commitment else set()


class Moved(Told):
    """What is known of a booking that is to have another time."""

    def __init__(self, appointment, *, start, caregiver, changed_by, at, choices):
        is_told = has_been_told_of(appointment)
        super().__init__(
            appointment,
            LetterKind.CHANGE if is_told else LetterKind.APPOINTMENT,
            (changed_by or CancelledBy.PROVIDER) if is_told else "",
            last_told(appointment) if is_told else "",
            at,
            choices or last_choices(appointment),
        )
        self.start, self.caregiver = start, caregiver

    def _caregiver(self):
        return self.caregiver


def of_booking(*, care_unit, at, letter_choices=None, **known):
    """The letter of a booking that is not made, unsaved. `stop_reason` says what would be missing (KA-01)."""
    choices = _judged(letter_choices, care_unit, at)
    return _unsaved(Planned(care_unit=care_unit, at=at, choices=choices, **known), at)


def of_change(appointment, *, at, letter_choices=None, **known):
    """The letter of a change that is not made, unsaved."""
    choices = _judged(letter_choices, appointment.care_unit, at)
    return _unsaved(Moved(appointment, at=at, choices=choices, **known), at)


def of_wait(*, subject, row_id, kind, at, letter_choices=None):
    """The letter to one who waits, unsaved; what would refuse to write it is raised."""
    model = wait_letters.SUBJECTS[subject]
    row = model.objects.select_related("patient", "care_unit__facility__care_provider").get(pk=row_id)
    refuse_deceased(row.patient)
    if refused := outgoing.no_longer_waits(row):
        raise refused
    choices = _judged(letter_choices, row.care_unit, at)
    is_receipt = kind == LetterKind.REFERRAL_RECEIPT
    return _unsaved(Acknowledged(row, at, choices) if is_receipt else Waits(row, kind, at, choices), at)


def _judged(letter_choices, care_unit, at):
    return None if letter_choices is None else chosen(**letter_choices, care_unit=care_unit, day=local_date(at))


def _unsaved(told, at):
    fields = told.to_patient()
    return Letter(
        patient=told.patient,
        care_unit=told.unit,
        kind=told.kind,
        language=told.language,
        own_text=told.own_text,
        sender=told.sender,
        is_large_print=told.is_large_print,
        created_at=at,
        stop_reason=fields.pop("missing", None) or "",
        **fields,
    )
