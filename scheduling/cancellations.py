"""Who cancels: bookings of units in a period, by whose doing they were cancelled or moved, and how late (PL-09, VH-11)."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Q

from registration.lifecycle import DAY
from scheduling.models import Appointment, AppointmentHistory, AppointmentStatus, CancelledBy
from sdv.common.time import start_of_day
from sdv.organisation.models import CareUnit

_LATE = Q(cancelled_at__gt=F("start") - DAY)
_MISSED = Q(status=AppointmentStatus.NO_SHOW, cancelled_by="")


def _by(whose, *, late):
    return Count("pk", filter=Q(cancelled_by=whose) & (_LATE if late else ~_LATE))


@dataclass(frozen=True)
class UnitCancellations:
    """A unit's bookings with a time in the period. Early is with 24 hours or more to go; late by the patient is Utebliven
    (VH-11). `missed` are those where nobody said anything."""

    care_unit: CareUnit
    booked: int = 0
    patient_early: int = 0
    patient_late: int = 0
    provider_early: int = 0
    provider_late: int = 0
    missed: int = 0
    moved_by_patient: int = 0
    moved_by_provider: int = 0
    moved_by_unknown: int = 0

    @property
    def by_patient(self):
        return self.patient_early + self.patient_late

    @property
    def by_provider(self):
        return self.provider_early + self.provider_late

    @property
    def cancelled(self):
        return self.by_patient + self.by_provider

    @property
    def cancelled_share(self):
        """Per cent of the bookings that were cancelled, or None where there are none."""
        return _share(self.cancelled, self.booked)

    @property
    def patient_share(self):
        """Per cent of the cancelled that the patient cancelled, or None."""
        return _share(self.by_patient, self.cancelled)

    @property
    def provider_share(self):
        """Per cent of the cancelled that the provider cancelled, or None."""
        return _share(self.by_provider, self.cancelled)


def _share(part, whole):
    return round(100 * part / whole) if whole else None


def of_units(units, *, first: date, last: date):
    """One row a unit, in the order of the units: bookings whose time was, or is, on the days from `first` to `last`, in
    Stockholm. Two statements whatever the number of units: of cancellations, and of moves."""
    units = list(units)
    period = {"start__gte": start_of_day(first), "start__lt": start_of_day(last + DAY)}
    rows = Appointment.objects.filter(care_unit__in=units, **period).order_by()
    counted = {
        row.pop("care_unit"): row
        for row in rows.values("care_unit").annotate(
            booked=Count("pk"),
            patient_early=_by(CancelledBy.PATIENT, late=False),
            patient_late=_by(CancelledBy.PATIENT, late=True),
            provider_early=_by(CancelledBy.PROVIDER, late=False),
            provider_late=_by(CancelledBy.PROVIDER, late=True),
            missed=Count("pk", filter=_MISSED),
        )
    }
    moves = AppointmentHistory.objects.filter(event="rescheduled", appointment__in=rows.values("pk")).order_by()
    moved = {
        row.pop("appointment__care_unit"): row
        for row in moves.values("appointment__care_unit").annotate(
            moved_by_patient=Count("pk", filter=Q(initiated_by=CancelledBy.PATIENT)),
            moved_by_provider=Count("pk", filter=Q(initiated_by=CancelledBy.PROVIDER)),
            moved_by_unknown=Count("pk", filter=Q(initiated_by="")),
        )
    }
    return [UnitCancellations(unit, **counted.get(unit.pk, {}), **moved.get(unit.pk, {})) for unit in units]
