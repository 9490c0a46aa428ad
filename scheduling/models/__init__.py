from .appointment import Appointment, AppointmentHistory, AppointmentKind, AppointmentStatus, CancelledBy
from .check_out import CheckOut, CheckOutClosure, Outcome, OutcomeCode, OutcomeReason
from .contact import SUBJECTS, ContactAttempt, ContactMethod, ContactResult, tried_today, with_attempts
from .day_close import DayClose
from .enclosure import LetterAttachment, LetterEnclosure
from .fault import FaultKind, ListFault
from .invitation import InvitationStatus, OpenInvitation
from .letter import Delivery, Letter, LetterDocument, LetterKind, LetterStatus
from .letter_text import LetterLanguage, LetterPart, LetterText
from .offer import FreedBy, FreedTime, Offer, OfferStatus
from .plan import AppointmentPart, PlanKind, VisitPlan
from .reminder import Reminder
from .resource import BookingState, Resource, ResourceBooking, ResourceKind, WeeklyHours
from .schedule import Absence, AbsenceKind, ExtraHours, Lack, RebookingItem
from .session import Session, SessionParticipant, SessionStatus
from .work import (
    UNDONE,
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    BookingRequestStatus,
    ItemStatus,
    MissingFollowUp,
    NoShowItem,
)
from .working import KeptFilters, RowLock, SavedView

__all__ = [
    "SUBJECTS",
    "UNDONE",
    "Absence",
    "AbsenceKind",
    "Appointment",
    "AppointmentHistory",
    "AppointmentKind",
    "AppointmentPart",
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
    "DayClose",
    "Delivery",
    "ExtraHours",
    "FaultKind",
    "FreedBy",
    "FreedTime",
    "InvitationStatus",
    "ItemStatus",
    "KeptFilters",
    "Lack",
    "Letter",
    "LetterAttachment",
    "LetterDocument",
    "LetterEnclosure",
    "LetterKind",
    "LetterLanguage",
    "LetterPart",
    "LetterStatus",
    "LetterText",
    "ListFault",
    "MissingFollowUp",
    "NoShowItem",
    "Offer",
    "OfferStatus",
    "OpenInvitation",
    "Outcome",
    "OutcomeCode",
    "OutcomeReason",
    "PlanKind",
    "RebookingItem",
    "Reminder",
    "Resource",
    "ResourceBooking",
    "ResourceKind",
    "RowLock",
    "SavedView",
    "Session",
    "SessionParticipant",
    "SessionStatus",
    "VisitPlan",
    "WeeklyHours",
    "tried_today",
    "with_attempts",
]
