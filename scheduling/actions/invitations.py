"""Öppna kallelser: sent, booked from, run out, ended (PL-26). The bokningsbegäran or remiss waits on beside each of them,
so that one who does not book is still in the list of those who wait (UT-07)."""

from django.db import transaction
from django.db.models import Q

from registration.actions.encounters import refuse_deceased
from registration.models import Patient
from scheduling import first_bookings, rules
from scheduling.models import BookingRequest, InvitationStatus, OpenInvitation
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write

from . import choices, letter_facts, letter_writing
from .offers import SUBJECTS, unspecified_reason

RENEWED, BOOKED, DONE = "Ny öppen kallelse", "Patienten har fått en tid", "Patienten väntar inte längre"


@transaction.atomic
def invite(
    *,
    subject,
    row_id,
    last_day,
    by,
    at,
    visit_type=None,
    contact_reason=None,
    own_text="",
    language=None,
    attachment_ids=(),
):
    """Sends an öppen kallelse to one who waits, with its letter. For a remiss the besökstyp is told, and the orsak is the
    unspecified one where none is. One that has run out is replaced."""
    model, today = SUBJECTS[subject], local_date(at)
    patient_id = model.objects.values_list("patient_id", flat=True).get(pk=row_id)
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    row = model.objects.locked().get(pk=row_id)
    waits = model.objects.waiting() if model is BookingRequest else model.objects.to_book()
    if not waits.filter(pk=row_id).exists():
        raise RuleError("PL-26", "Patienten väntar inte längre. Läs in listan igen.", code="already_done")
    if subject == "referral" and (
        refused := first_bookings.refusal(row.pk, "PL-26", "Boka om den i stället för att kalla.")
    ):
        raise refused
    if fault := rules.last_day_fault(last_day=last_day, today=today):
        raise InputError(last_day=fault)
    visit_type = visit_type if subject == "referral" else row.visit_type
    if visit_type is None:
        raise InputError(visit_type="Ange vilken besökstyp patienten ska boka.")
    contact_reason = contact_reason or (row.contact_reason if subject == "booking_request" else None)
    contact_reason = contact_reason or unspecified_reason(visit_type, today)
    reason_id = contact_reason.pk if contact_reason else None
    contact_reason = choices.offered_reason(visit_type, reason_id, row.care_unit, at=at)
    wanted = letter_facts.chosen(
        own_text=own_text, language=language, attachment_ids=attachment_ids, care_unit=row.care_unit, day=today
    )
    for standing in OpenInvitation.objects.watched().filter(**{subject: row}).select_related("invited_by").locked():
        if standing.status == InvitationStatus.OPEN:
            raise rules.already_invited(standing.last_day).told(standing.invited_by, standing.invited_at)
        _end(standing, RENEWED, by=by, at=at)
    invitation = OpenInvitation.objects.create(
        **{subject: row},
        patient=patient,
        care_unit=row.care_unit,
        visit_type=visit_type,
        contact_reason=contact_reason,
        last_day=last_day,
        invited_on=today,
        invited_at=at,
        invited_by=by,
    )
    invitation.letters_written = letter_writing.write_open(invitation, choices=wanted, by=by, at=at)
    return invitation


@transaction.atomic
def book(*, invitation_id, start, end, resource_ids, by, at, by_patient=False, version=None, **fields):
    """Books from the öppen kallelse: somebody at the unit with the patient on the telephone, or the patient alone in 1177,
    who has to the last day. Whoever takes the time first has it (BO-01)."""
    from . import appointments

    invitation = lock(invitation_id, version)
    _refuse(invitation, at, by_patient=by_patient)
    appointments.book(
        patient_id=invitation.patient_id,
        care_unit=invitation.care_unit,
        visit_type=invitation.visit_type,
        contact_reason_id=invitation.contact_reason_id,
        start=start,
        end=end,
        resource_ids=resource_ids,
        booking_request_id=invitation.booking_request_id,
        commitment_id=invitation.referral.commitment_id if invitation.referral_id else None,
        by=by,
        at=at,
        **fields,
    )
    if by_patient:
        OpenInvitation.objects.filter(pk=invitation.pk).update(booked_by_patient=True)
    invitation.refresh_from_db()
    return invitation


@transaction.atomic
def end(*, invitation_id, reason, by, at, version=None):
    """Nobody follows it any more, and why; the patient waits as before (PL-26, UT-07)."""
    invitation = lock(invitation_id, version)
    _refuse(invitation, at)
    if not (reason or "").strip():
        raise RuleError("PL-26", "Ange varför den öppna kallelsen avslutas.", code="reason_missing", needs_reason=True)
    return _end(invitation, reason, by=by, at=at)


def settle(appointment, *, by, at):
    """Inner write: who was invited has a time, whatever the door it was booked through."""
    own = Q()
    if appointment.booking_request_id:
        own |= Q(booking_request=appointment.booking_request_id)
    if appointment.encounter.commitment_id:
        own |= Q(referral__commitment=appointment.encounter.commitment_id)
    if not own:
        return
    for invitation in OpenInvitation.objects.watched().filter(own, patient=appointment.patient_id).locked():
        letter_writing.stop_waiting(open_invitation=invitation, reason=BOOKED, by=by, at=at)
        write(invitation, status=InvitationStatus.BOOKED, appointment=appointment, decided_at=at, decided_by=by)


def end_of(*, by, at, reason=DONE, **subject):
    """Inner write: who was invited has been ended in another way, so nothing is to be booked."""
    for invitation in OpenInvitation.objects.watched().filter(**subject).locked():
        _end(invitation, reason, by=by, at=at)


def expire_due(*, at, dry_run=False):
    """Those whose last day has passed become somebody's work; those of patients who no longer wait are ended (job
    release-holds). Returns how many ran out."""
    due = OpenInvitation.objects.due(local_date(at)).waiting()
    if dry_run:
        return due.count()
    with transaction.atomic():
        lost = {"skip_locked": True, "of": ("self",), "no_key": True}
        for invitation in OpenInvitation.objects.of_nobody_waiting().order_by("pk").select_for_update(**lost):
            _end(invitation, DONE, by=None, at=at)
        found = list(due.order_by("pk").select_for_update(**lost))
        for invitation in found:
            write(invitation, status=InvitationStatus.EXPIRED)
    return len(found)


def _refuse(invitation, at, *, by_patient=False):
    refused = rules.invitation_refusal(
        status=invitation.status,
        label=invitation.get_status_display(),
        last_day=invitation.last_day,
        today=local_date(at),
        by_patient=by_patient,
    )
    if refused:
        raise refused.told(invitation.decided_by, invitation.decided_at)


def _end(invitation, reason, *, by, at):
    letter_writing.stop_waiting(open_invitation=invitation, reason=reason, by=by, at=at)
    return write(invitation, status=InvitationStatus.ENDED, end_reason=reason[:200], decided_at=at, decided_by=by)


def lock(invitation_id, version=None):
    """Patient, then the öppen kallelse, with what its letter reads."""
    patient_id = OpenInvitation.objects.values_list("patient_id", flat=True).get(pk=invitation_id)
    patient = Patient.objects.lock_present(patient_id)
    related = ("care_unit__facility__care_provider", "visit_type__profession", "visit_type__care_area", "referral")
    related += ("booking_request__wished_resource__practitioner", "booking_request__commitment", "decided_by")
    invitation = OpenInvitation.objects.select_related(*related).locked().get(pk=invitation_id)
    invitation.patient = patient
    refuse_stale(invitation, version)
    return invitation
