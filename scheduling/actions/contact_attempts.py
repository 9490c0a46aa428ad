"""Kontaktförsök: recorded and taken back (PL-10, PL-13)."""

from django.db import transaction

from registration.actions.encounters import refuse_deceased
from registration.models import Patient, Referral
from scheduling import rules
from scheduling.models import AwaitedResult, BookingRequest, ContactAttempt, MissingFollowUp, NoShowItem, RebookingItem
from sdv.common.time import local_date

# What an attempt can hang on, and which of the rows still wait.
MODELS = {
    "booking_request": (BookingRequest, lambda: BookingRequest.objects.waiting()),
    "referral": (Referral, lambda: Referral.objects.to_book()),
    "awaited_result": (AwaitedResult, lambda: AwaitedResult.objects.open()),
    "missing_follow_up": (MissingFollowUp, lambda: MissingFollowUp.objects.open()),
    "no_show_item": (NoShowItem, lambda: NoShowItem.objects.open()),
    "rebooking_item": (RebookingItem, lambda: RebookingItem.objects.open()),
}


def subject_of(subject, row_id):
    """The row that an attempt is about. Raises the model's DoesNotExist."""
    return MODELS[subject][0].objects.get(pk=row_id)


@transaction.atomic
def record(*, subject, row_id, method, result, by, at, next_on=None):
    """An attempt to reach the patient of a waiting row (PL-10). The same by the same person in the same minute is one's
    own repeated click and is answered with the first (PL-27)."""
    model, waiting = MODELS[subject]
    patient_id, care_unit_id = model.objects.values_list("patient_id", "care_unit_id").get(pk=row_id)
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    is_waiting = waiting().filter(pk=row_id).exists()
    if refused := rules.attempt_refusal(is_waiting=is_waiting, next_on=next_on, today=local_date(at)):
        raise refused
    told = {f"{subject}_id": row_id, "patient": patient, "care_unit_id": care_unit_id}
    told |= {"method": method, "result": result, "by": by, "at": at, "next_on": next_on}
    return ContactAttempt.objects.standing().filter(**told).first() or ContactAttempt.objects.create(**told)


@transaction.atomic
def undo(*, attempt_id, by, at, may_correct=False):
    """Takes an attempt back: the list shows the patient again. It stays as trace."""
    attempt = ContactAttempt.objects.locked().get(pk=attempt_id)
    facts = {"done_by": attempt.by_id, "done_at": attempt.at, "undone_at": attempt.undone_at}
    if refused := rules.attempt_undo_refusal(**facts, by=by.pk, at=at, may_correct=may_correct):
        raise refused
    attempt.undone_at, attempt.undone_by = at, by
    attempt.save(update_fields=["undone_at", "undone_by"])
    return attempt
