"""Cancel and annul: slot, encounter, work lists and message in one transaction (VH-11, VH-12, BO-03, PL-09)."""

from django.db import transaction

from registration import lifecycle
from registration.actions import encounters, orders
from registration.models import Encounter, Patient
from scheduling import rules
from scheduling.actions import appointments, letter_writing, plans, rebooking, resource_bookings, work_items
from scheduling.models import Appointment, AppointmentStatus, CancelledBy, CheckOut, FreedBy
from sdv.common.errors import InputError, RuleError
from sdv.common.versions import write
from sdv.outbox import messages

from . import deceased

ENDED_BY_HAND = "Vårdhändelsen avslutad för hand"


@transaction.atomic
def cancel(*, appointment_id, cancelled_by, reason, by, at, version=None):
    """Cancels a booking. By the patient with less than 24 hours to go it is a no-show (VH-11); else the encounter is
    Annullerad, or, where VH-12 forbids that, kept and ended by hand. The time is freed; the patient waits again where
    something is still to be planned (UT-07)."""
    if cancelled_by not in CancelledBy.values:
        raise InputError(cancelled_by="Ange vem som avbokade: patienten eller vårdgivaren (PL-09).")
    if not (reason or "").strip():
        raise InputError(reason="Ange orsaken till avbokningen (BO-03).")
    appointment, _ = appointments.lock(appointment_id, version=version, with_resources=True)
    if appointment.status != AppointmentStatus.BOOKED:
        raise _not_booked(appointment)
    encounter = appointment.encounter
    by_patient = cancelled_by == CancelledBy.PATIENT
    if rules.cancellation_is_no_show(cancelled_by_patient=by_patient, start=appointment.start, at=at):
        appointments.register_no_show(appointment, by=by, at=at, reason=reason)
        write(appointment, cancelled_by=cancelled_by, cancel_reason=reason, cancelled_at=at)
    else:
        _annul_or_keep(encounter, by=by, at=at, reason=reason)
        write(
            appointment,
            status=AppointmentStatus.CANCELLED,
            cancelled_by=cancelled_by,
            cancel_reason=reason,
            cancelled_at=at,
        )
        appointments.note_cancelled(appointment, by=by, at=at, reason=reason)
        work_items.wait_again(appointment, by=by, at=at)
    is_late = appointment.status == AppointmentStatus.NO_SHOW
    resource_bookings.free(appointment, by=by, at=at, cause=FreedBy.NO_SHOW if is_late else FreedBy.CANCELLED)
    messages.appointment_cancelled(appointment)
    appointment.letters_written = letter_writing.follow_cancellation(appointment, by=by, at=at)
    deceased.again(appointment.patient, by=by, at=at)
    return appointment


@transaction.atomic
def cancel_rest(*, appointment_id, cancelled_by, reason, by, at, version=None):
    """Cancels this booking and the rest of its plan, all or none (PL-08): each by its own time (VH-11). Returns them."""
    rows = plans.lock_rest(appointment_id, at=at, version=version)
    told = {"cancelled_by": cancelled_by, "reason": reason, "by": by, "at": at}
    return [cancel(appointment_id=row.pk, **told) for row in rows]


def _annul_or_keep(encounter, *, by, at, reason):
    if encounters.emptiness_refusal(encounter):
        encounters.cancel_without_annulling(encounter, by=by, at=at, reason=reason)
    else:
        encounters.annul(encounter, by=by, at=at, reason=reason, what=lifecycle.Move.CANCEL)


def _not_booked(appointment):
    status = appointment.get_status_display().lower()
    refused = RuleError("BO-03", f"Bokningen är redan {status}. Läs in sidan igen.", code="wrong_status")
    last = appointment.history.select_related("by").order_by("-id").first()
    return refused.told(last.by, last.at) if last else refused


@transaction.atomic
def annul(*, encounter_id, reason, by, at, version=None):
    """Annullerar a vårdhändelse created by mistake (VH-12). Its booking is cancelled as the provider's doing, and what a
    no-show left to do is withdrawn; a check-out must be undone first, so that its outcome does not stay behind."""
    if not (reason or "").strip():
        raise RuleError("VH-12", "Ange varför vårdhändelsen annulleras.", code="reason_missing", needs_reason=True)
    patient_id = Encounter.objects.values_list("patient_id", flat=True).get(pk=encounter_id)
    patient = Patient.objects.lock_present(patient_id)
    encounter = encounters.lock(encounter_id, version=version)
    if CheckOut.objects.filter(encounter=encounter, undone_at__isnull=True).exists() and encounter.status != "ended":
        raise RuleError("VH-12", "Besöket är utcheckat med ett utfall. Ångra utcheckningen först.", code="checked_out")
    encounters.annul(encounter, by=by, at=at, reason=reason)
    orders.give_back(encounter)
    appointment = Appointment.objects.filter(encounter=encounter).locked().first()
    if appointment and appointment.status != AppointmentStatus.CANCELLED:
        appointment.encounter = encounter
        work_items.withdraw_no_show_item(encounter, by=by, at=at)
        write(
            appointment,
            status=AppointmentStatus.CANCELLED,
            cancelled_by=CancelledBy.PROVIDER,
            cancel_reason=reason,
            cancelled_at=at,
        )
        appointments.note_cancelled(appointment, by=by, at=at, reason=reason)
        work_items.wait_again(appointment, by=by, at=at)
        resource_bookings.free(appointment, by=by, at=at)
        appointment.patient = patient
        letter_writing.follow_cancellation(appointment, by=by, at=at)
    rebooking.watch_consults(encounter.pk, by=by, at=at)
    deceased.again(patient, by=by, at=at)
    return encounter


@transaction.atomic
def end_by_hand(*, encounter_id, by, at, version=None, **ways):
    """Utskrivning by hand (VH-16, VH-20, VH-22), with the ways in and out of a stay (VH-23). A pre-registration that
    nothing came of takes its booking with it: the time is freed, and the patient waits again where something is still
    to be planned (UT-07)."""
    booking = Appointment.objects.filter(encounter_id=encounter_id, status=AppointmentStatus.BOOKED)
    appointment_id = booking.values_list("pk", flat=True).first()
    if appointment_id is None:
        encounter = encounters.discharge(encounter_id=encounter_id, by=by, at=at, version=version, **ways)
        rebooking.watch_consults(encounter.pk, by=by, at=at)
        return encounter
    appointment, _ = appointments.lock(appointment_id, with_resources=True)
    encounter = encounters.discharge(encounter_id=encounter_id, by=by, at=at, version=version)
    if appointment.status == AppointmentStatus.BOOKED:
        encounter.cancelled_at = at
        encounter.save(update_fields=["cancelled_at"])
        write(
            appointment,
            status=AppointmentStatus.CANCELLED,
            cancelled_by=CancelledBy.PROVIDER,
            cancel_reason=ENDED_BY_HAND,
            cancelled_at=at,
        )
        appointments.note_cancelled(appointment, by=by, at=at, reason=ENDED_BY_HAND)
        work_items.wait_again(appointment, by=by, at=at)
        resource_bookings.free(appointment, by=by, at=at)
        if appointment.start > at:
            messages.appointment_cancelled(appointment)
        letter_writing.follow_cancellation(appointment, by=by, at=at)
        deceased.again(appointment.patient, by=by, at=at)
    return encounter
