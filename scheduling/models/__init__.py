from .appointment import Appointment, AppointmentHistory, AppointmentStatus, CancelledBy
from .check_out import CheckOut, CheckOutClosure, Outcome, OutcomeCode, OutcomeReason
from .contact import SUBJECTS, ContactAttempt, ContactMethod, ContactResult, tried_today
from .letter import Letter, LetterKind, LetterStatus
from .resource import BookingState, Resource, ResourceBooking, ResourceKind, WeeklyHours
from .work import (
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    BookingRequestStatus,
    ItemStatus,
    MissingFollowUp,
    NoShowItem,
)

__all__ = [
    "SUBJECTS",
    "Appointment",
    "AppointmentHistory",
    "AppointmentStatus",
    "AwaitedResult",
    "AwaitedStatus",
    "BookingRequest",
    "BookingRequestStatus",
    "BookingState",
    "CancelledBy",
    "CheckOut",
    "CheckOutClosure",
    "ContactAttempt",
    "ContactMethod",
    "ContactResult",
    "ItemStatus",
    "Letter",
    "LetterKind",
    "LetterStatus",
    "MissingFollowUp",
    "NoShowItem",
    "Outcome",
    "OutcomeCode",
    "OutcomeReason",
    "Resource",
    "ResourceBooking",
    "ResourceKind",
    "WeeklyHours",
    "tried_today",
]
