"""What is wrong with rows that wait, as querysets of the wrong ones (PL-11). The check and the page ask the same."""

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from registration.lifecycle import ANNULLED, NO_SHOW_TYPE, PRE_REGISTRATIONS, Status
from registration.models import Encounter, Referral, ReferralStatus
from scheduling import first_bookings
from scheduling.models import (
    BookingRequest,
    ContactAttempt,
    ContactMethod,
    FaultKind,
    Letter,
    LetterStatus,
)
from scheduling.models.letter import Delivery
from sdv.common.time import local_date, start_of_day

SUBJECTS = ("booking_request", "referral")
# What the person who owns the fault does about it: the fault is gone when the row is right.
REMEDIES = {
    FaultKind.NO_TARGET: "Granska remissen och ange medicinskt måldatum.",
    FaultKind.PASSED: "Boka, eller ändra datumet efter beslut.",
    FaultKind.DOUBLE: "Avsluta den ena. Raden som kom först står kvar.",
    FaultKind.DECEASED: "Avsluta raden, eller rätta uppgiften om dödsfallet.",
    FaultKind.PROTECTED: "Skicka brev genom Skatteverkets förmedling och registrera kontaktförsöket Brev.",
    FaultKind.SEEN: "Patienten har varit här. Avsluta raden om den inte gäller något annat.",
}


def waiting_referrals():
    """Remisser that wait for a decision or a booking."""
    return Referral.objects.filter(
        status__in=[ReferralStatus.RECEIVED, ReferralStatus.RETURNED, ReferralStatus.ACCEPTED]
    )


def wrong(subject, kind, *, at):
    """The waiting rows of the kind of subject that have the fault; None where the subject cannot have it."""
    return _WRONG[subject].get(kind, _nothing)(at)


def _nothing(at):
    return None


def _came_seen(**same):
    """A contact that has begun: what the patient has been here for."""
    return Encounter.objects.filter(
        patient=OuterRef("patient"),
        care_unit=OuterRef("care_unit"),
        status__in=[Status.IN_PROGRESS, Status.CHECKED_OUT, Status.ENDED],
        **same,
    ).exclude(type__in=[*PRE_REGISTRATIONS, NO_SHOW_TYPE, ANNULLED])


def _unmediated(rows, subject, **since):
    """Rows of protected patients to whom no letter by mediation has been written since the row came in, and none noted as
    sent (KA-05)."""
    noted = ContactAttempt.objects.standing().filter(method=ContactMethod.LETTER, **{subject: OuterRef("pk")})
    written = Letter.objects.filter(
        patient=OuterRef("patient"),
        care_unit=OuterRef("care_unit"),
        delivery=Delivery.MEDIATION,
        **since,
    ).exclude(status__in=[LetterStatus.STOPPED, LetterStatus.BLOCKED])
    return rows.exclude(patient__protection="").filter(~Exists(noted), ~Exists(written))


def _passed_requests(at):
    return BookingRequest.objects.waiting().filter(wished_to__lt=local_date(at))


def _double_requests(at):
    # Visits planned together are several on purpose, whether booked or to be booked again.
    waiting = BookingRequest.objects.waiting().filter(plan=None)
    # Of no vårdåtagande at all is the same as of none. One EXISTS over equal columns is joined at once, whatever the
    # number of rows; two of them, or a test for null beside, would be asked for each row.
    earlier = waiting.alias(of=Coalesce("commitment_id", "patient_id")).filter(
        of=Coalesce(OuterRef("commitment_id"), OuterRef("patient_id")),
        patient=OuterRef("patient"),
        care_unit=OuterRef("care_unit"),
        visit_type=OuterRef("visit_type"),
        pk__lt=OuterRef("pk"),
    )
    return waiting.filter(Exists(earlier))


def _seen_requests(at):
    seen = _came_seen(visit_type=OuterRef("visit_type"), start__gt=OuterRef("created_at")).filter(
        Q(commitment=OuterRef("commitment")) | Q(commitment=None)
    )
    return BookingRequest.objects.waiting().filter(Exists(seen))


def _untargeted_referrals(at):
    return Referral.objects.to_book().filter(medical_target_date=None)


def _passed_referrals(at):
    today = local_date(at)
    booked = first_bookings.living().filter(start__gte=start_of_day(today))
    return waiting_referrals().filter(~Exists(booked), medical_target_date__lt=today)


def _double_referrals(at):
    earlier = waiting_referrals().filter(
        patient=OuterRef("patient"),
        care_unit=OuterRef("care_unit"),
        problem_code=OuterRef("problem_code"),
        pk__lt=OuterRef("pk"),
    )
    return waiting_referrals().filter(Exists(earlier))


def _seen_referrals(at):
    seen = _came_seen(
        commitment__problem_code=OuterRef("problem_code"), start__date__gte=OuterRef("arrival_date")
    ).filter(start__isnull=False)
    return waiting_referrals().filter(Exists(seen), problem_code__isnull=False)


def _deceased(rows):
    return rows.filter(patient__deceased_on__isnull=False)


_WRONG = {
    "booking_request": {
        FaultKind.PASSED: _passed_requests,
        FaultKind.DOUBLE: _double_requests,
        FaultKind.DECEASED: lambda at: _deceased(BookingRequest.objects.waiting()),
        FaultKind.PROTECTED: lambda at: _unmediated(
            BookingRequest.objects.waiting(), "booking_request", created_at__gte=OuterRef("created_at")
        ),
        FaultKind.SEEN: _seen_requests,
    },
    "referral": {
        FaultKind.NO_TARGET: _untargeted_referrals,
        FaultKind.PASSED: _passed_referrals,
        FaultKind.DOUBLE: _double_referrals,
        FaultKind.DECEASED: lambda at: _deceased(waiting_referrals()),
        FaultKind.PROTECTED: lambda at: _unmediated(
            waiting_referrals(), "referral", created_at__date__gte=OuterRef("arrival_date")
        ),
        FaultKind.SEEN: _seen_referrals,
    },
}


def checks():
    """Every (subject, kind) that is checked."""
    return [(subject, kind) for subject, kinds in _WRONG.items() for kind in kinds]


def standing(faults, *, at):
    """Of the open faults those whose row is still wrong: one that has just been mended is gone, whenever the check next
    runs."""
    still = Q()
    for subject, kind in checks():
        rows = wrong(subject, kind, at=at).filter(pk=OuterRef(subject), care_unit=OuterRef("care_unit"))
        still |= Q(Exists(rows), kind=kind, **{f"{subject}__isnull": False})
    return faults.filter(still)
