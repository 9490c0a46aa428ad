from .appointment import Appointment, AppointmentHistory, AppointmentStatus, CancelledBy
from .check_out import CheckOut, CheckOutClosure, Outcome, OutcomeCode, OutcomeReason
from .contact import SUBJECTS, ContactAttempt, ContactMethod, ContactResult, tried_today
from .letter import Delivery, Letter, LetterDocument, LetterKind, LetterStatus
from .letter_text import LetterPart, LetterText
from .reminder import Reminder
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
    "Delivery",
    "ItemStatus",
    "Letter",
    "LetterDocument",
    "LetterKind",
    "LetterPart",
    "LetterStatus",
    "LetterText",
    "MissingFollowUp",
    "NoShowItem",
    "Outcome",
    "OutcomeCode",
    "OutcomeReason",
    "Reminder",
    "Resource",
    "ResourceBooking",
    "ResourceKind",
    "WeeklyHours",
    "tried_today",
]
