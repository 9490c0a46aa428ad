"""What every kind of booking is made of: who and what, the visit itself, who takes part (BO-01, BO-02). Inner writes, used
by actions that own their transaction; locks are taken in the one order."""

from dataclasses import dataclass

from registration.actions import consults, encounters, grounds
from registration.models import ContactReason, EncounterParticipant, Patient, Referral
from scheduling import first_bookings, rules
from scheduling.models import (
    Appointment,
    AppointmentHistory,
    AppointmentKind,
    BookingRequest,
    BookingRequestStatus,
    Resource,
)
from sdv.common.errors import InputError, RuleError

from . import choices, invitations, letter_facts, letter_writing, offers, work_items


@dataclass(frozen=True)
class Wanted:
    """Whom a visit is for and why: what is asked before any time is. The patient, the bokningsbegäran and the
    vårdåtagande are locked."""

    patient: Patient
    care_unit: object
    visit_type: object
    contact_reason: ContactReason
    request: BookingRequest | None
    commitment: object
    # The contact at another unit that a consult visit is booked for (VH-10).
    during: object = None


def who_and_what(
    *,
    patient_id,
    care_unit,
    visit_type,
    contact_reason_id,
    at,
    commitment_id=None,
    booking_request_id=None,
    referral_id=None,
    during_id=None,
    start=None,
):
    """The facts of a visit to book, or the refusal (AV-02, VO-01, VO-02, BB-01, VH-08). With `referral_id` it is the time
    that the remiss waits for. With `during_id` it is a consult for that contact at another unit (VH-10), which must suit
    the `start`."""
    patient = Patient.objects.lock_present(patient_id)
    encounters.refuse_deceased(patient)
    contact_reason = choices.offered_reason(visit_type, contact_reason_id, care_unit, at=at)
    request = _request_to_book(booking_request_id, patient, care_unit)
    commitment_id = commitment_id or (request.commitment_id if request else None)
    commitment = grounds.commitment_to_plan(patient, care_unit, commitment_id, is_consult=bool(during_id))
    if referral_id and commitment:
        _refuse_booked(referral_id, commitment)
    during = None
    if during_id:
        during = consults.engaged_by(patient, during_id, care_unit_id=care_unit.pk, visit_type=visit_type, start=start)
    return Wanted(patient, care_unit, visit_type, contact_reason, request, commitment, during)


def _request_to_book(booking_request_id, patient, care_unit):
    if not booking_request_id:
        return None
    request = BookingRequest.objects.locked().get(pk=booking_request_id)
    if request.patient_id != patient.pk or request.care_unit_id != care_unit.pk:
        raise RuleError("BO-01", "Bokningsbegäran gäller en annan patient eller enhet. Läs in listan igen.")
    if request.status not in (BookingRequestStatus.OPEN, BookingRequestStatus.FOLLOW_UP):
        status = request.get_status_display().lower()
        raise RuleError("BB-01", f"Bokningsbegäran är redan {status}. Läs in listan igen.", code="already_done")
    return request


def _refuse_booked(referral_id, commitment):
    """What is booked from a remiss is booked once (BO-01): of two, the second is told who was first (PL-27). Another visit
    on the vårdåtagande is not from the remiss."""
    if not Referral.objects.filter(pk=referral_id, commitment=commitment).exists():
        return
    instead = "Boka om den, eller boka ett besök till under patientens bokningar."
    if refused := first_bookings.refusal(referral_id, "BO-01", instead, code="already_done"):
        raise refused


def warn_of_overlap(patient, start, end, accept_warnings, reason, *, apart_from=None, during=None):
    """PL-06: a warning that a reason overrules. Returns the reason where there was something to overrule, else nothing. A
    consult and the visit `during` which it takes place are meant to meet (BO-02)."""
    others = Appointment.objects.living().filter(patient=patient, start__lt=end, end__gt=start)
    if apart_from:
        others = others.exclude(pk=apart_from.pk).exclude(encounter__during=apart_from.encounter_id)
    if during:
        others = others.exclude(encounter=during)
    other = others.select_related("care_unit").first()
    if other and not ("PL-06" in accept_warnings and reason.strip()):
        raise rules.patient_overlap(other.start, other.care_unit.name)
    return reason if other else ""


def lock_resources(resource_ids, care_unit):
    """The resources, locked in key order: the queue for what is scarce. They are the unit's own (PL-25 shares lists,
    not resources), locked with those of the same persons at other units (PL-06)."""
    resources = Resource.objects.filter(pk__in=resource_ids, care_unit=care_unit).locked_with_persons()
    if len(resources) != len(set(resource_ids)):
        raise InputError(resources="Någon av resurserna finns inte på vårdenheten. Välj bland enhetens resurser.")
    return resources


def kind_of(resources):
    """A team visit has several professions (BO-02); several persons of one are no team."""
    professions = {resource.practitioner.profession_id for resource in resources if resource.practitioner_id}
    return AppointmentKind.TEAM if len(professions) > 1 else AppointmentKind.INDIVIDUAL


def create_visit(
    wanted, start, end, resources, *, by, at, kind=AppointmentKind.INDIVIDUAL, main_id=None, add_on_ids=(), **fields
):
    """The booking and its pre-registration, with who takes part; its time is taken by the caller. `fields` are the
    booking's own."""
    encounter = encounters.pre_register(
        patient=wanted.patient,
        care_unit=wanted.care_unit,
        visit_type=wanted.visit_type,
        contact_reason=wanted.contact_reason,
        planned_start=start,
        planned_end=end,
        commitment=wanted.commitment,
        during=wanted.during,
        is_group=kind == AppointmentKind.GROUP,
        by=by,
        at=at,
    )
    appointment = Appointment.objects.create(
        encounter=encounter,
        patient=wanted.patient,
        care_unit=wanted.care_unit,
        start=start,
        end=end,
        kind=kind,
        booking_request=wanted.request,
        created_by=by,
        **fields,
    )
    remember_resources(appointment, resources)
    take_part(encounter, resources, main_id=main_id)
    if add_on_ids:
        appointment.add_ons.add(*add_on_ids)
    if wanted.request:
        work_items.mark_booked(wanted.request)
        offers.withdraw_of(booking_request=wanted.request, by=by, at=at)
    if wanted.commitment:
        offers.withdraw_of(referral__commitment=wanted.commitment, by=by, at=at)
    invitations.settle(appointment, by=by, at=at)
    return appointment


def booked(appointment, *, by, at, letter, letter_choices=None):
    """The last of a booking: its history, and the kallelse where it is asked for (KA-01), with what was chosen of it."""
    note(appointment, "booked", by=by, at=at, start_after=appointment.start)
    appointment.letters_written = []
    if letter:
        choices = letter_facts.chosen_for(appointment, letter_choices, at=at)
        appointment.letters_written = letter_writing.write(appointment, by=by, at=at, choices=choices)
    return appointment


def remember_resources(appointment, resources):
    through = Appointment.resources.through
    through.objects.bulk_create(
        through(appointment_id=appointment.pk, resource_id=resource.pk) for resource in resources
    )


def take_part(encounter, resources, *, main_id=None):
    """The persons booked take part in the contact; the first is main responsible where nobody is named (BO-02)."""
    persons = [resource for resource in resources if resource.practitioner_id]
    main = next((resource for resource in persons if str(resource.pk) == str(main_id)), None)
    if main_id and main is None:
        raise InputError(main_responsible="Den huvudansvariga ska vara en av de personer som bokas.")
    main = main or next(iter(persons), None)
    EncounterParticipant.objects.bulk_create(
        EncounterParticipant(
            encounter=encounter,
            practitioner=resource.practitioner,
            profession_id=resource.practitioner.profession_id,
            is_main_responsible=resource is main,
        )
        for resource in persons
    )


def change_people(encounter, resources, *, first_id=None):
    """Who takes part after a move: the main responsible stays so where still among them, else the first named is."""
    before = encounter.participants.filter(is_main_responsible=True).values_list("practitioner_id", flat=True).first()
    persons = [resource for resource in resources if resource.practitioner_id]
    main = next((row.pk for row in persons if row.practitioner_id == before), None)
    named = next((row.pk for row in persons if str(row.pk) == str(first_id)), None)
    encounter.participants.all().delete()
    take_part(encounter, resources, main_id=main or named)


def note(appointment, event, *, by, at, start_before=None, start_after=None, reason="", initiated_by=""):
    """A row of the booking's history (BO-03)."""
    AppointmentHistory.objects.create(
        appointment=appointment,
        event=event,
        start_before=start_before,
        start_after=start_after,
        by=by,
        at=at,
        reason=reason,
        initiated_by=initiated_by,
    )
