"""Brev: what is written to a patient or about one, kept byte for byte as it was sent (KA-03, PL-16, PL-22)."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import LessThanOrEqual

from registration.models import Patient, PatientRelation, Referral, ReferralStatus
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, change_log
from sdv.organisation.models import CareUnit

from .appointment import Appointment, AppointmentStatus, CancelledBy
from .invitation import InvitationStatus, OpenInvitation
from .letter_text import LetterLanguage
from .work import WAITING_REQUESTS, BookingRequest


class LetterKind(models.TextChoices):
    """What a letter is for. Each kind says how it treats the dead and the protected (sdv.flows.consumers)."""

    APPOINTMENT = "appointment", "Kallelse"
    CHANGE = "change", "Ändrad tid"
    CANCELLATION = "cancellation", "Avbokning"
    OPEN_INVITATION = "open_invitation", "Öppen kallelse"
    REFERRAL_RECEIPT = "referral_receipt", "Remissbekräftelse"
    WAITING = "waiting", "Väntelistebrev"
    CALL_US = "call_us", "Ring oss"
    TO_RELATIVES = "to_relatives", "Brev till närstående"


class LetterStatus(models.TextChoices):
    UNSENT = "unsent", "Inte skickat"
    PRINTED = "printed", "Utskrivet"
    SENT = "sent", "Skickat till 1177"
    STOPPED = "stopped", "Stoppat"
    BLOCKED = "blocked", "Kunde inte skickas"


class Delivery(models.TextChoices):
    """How a letter goes. Mediation is Skatteverket's: no address, and nothing by 1177 (KA-05)."""

    POST = "post", "Post"
    PORTAL = "portal", "1177"
    BOTH = "both", "Post och 1177"
    MEDIATION = "mediation", "Skatteverkets förmedling"


# What tells the patient of a time, or that it has gone.
ABOUT_A_TIME = (LetterKind.APPOINTMENT, LetterKind.CHANGE, LetterKind.CANCELLATION)
# What is told to one who waits and has no time: of a bokningsbegäran or of a remiss in Att boka.
ABOUT_A_WAIT = (LetterKind.WAITING, LetterKind.CALL_US)
# What is built of the catalogue's texts for the patient.
BUILT = (*ABOUT_A_TIME, LetterKind.OPEN_INVITATION, LetterKind.REFERRAL_RECEIPT, *ABOUT_A_WAIT)
# The clerk's own words in a letter, and how long they may be.
OWN_TEXT, OWN_TEXT_LENGTH = "own_text", 1000
ON_PAPER = (Delivery.POST, Delivery.BOTH, Delivery.MEDIATION)
# What has left: the patient can have read it.
GONE_OUT = (LetterStatus.PRINTED, LetterStatus.SENT)

# What was written is never changed: another letter is written instead.
CONTENT = [
    "kind",
    "recipient",
    "sender",
    "heading",
    "body",
    "parts",
    "reason",
    "appointment",
    "open_invitation",
    "referral",
    "booking_request",
    "own_text",
    "language",
    "is_copy",
    "changed_by",
    "delivery",
    "created_at",
]


class LetterQuerySet(LockingQuerySet):
    def unsent(self):
        return self.filter(status=LetterStatus.UNSENT)

    def to_print(self):
        """What waits to be put on paper."""
        return self.unsent().filter(delivery__in=ON_PAPER)

    def too_late(self, at):
        """Those of visits that have been."""
        return self.filter(appointment__start__lte=at)

    def not_too_late(self, at):
        """All others."""
        return self.exclude(appointment__start__lte=at)

    def gone_out(self):
        return self.filter(status__in=GONE_OUT)

    def blocked(self, at):
        """Letters that could not be written or did not go to 1177, of times that are still ahead or that may still
        be booked, of who still waits, or of a remiss: somebody's work."""
        return self.filter(
            Q(appointment__status=AppointmentStatus.BOOKED, appointment__start__gt=at)
            | Q(open_invitation__status=InvitationStatus.OPEN)
            | Q(booking_request__status__in=WAITING_REQUESTS)
            | Q(referral__isnull=False) & ~Q(kind__in=ABOUT_A_WAIT)
            | Q(referral__status=ReferralStatus.ACCEPTED, kind__in=ABOUT_A_WAIT),
            status=LetterStatus.BLOCKED,
            patient__deceased_on=None,
        )

    def purged_by_a_marking(self):
        """What has not left and can hold an address: what goes by mediation has none (SK-02, KA-05)."""
        return self.exclude(status__in=GONE_OUT).exclude(delivery=Delivery.MEDIATION)

    def about_a_coming_time(self, at):
        """What was to tell the living of a time ahead, or that it has gone, and waits for paper, for 1177 or for somebody
        (KA-01, PL-09)."""
        return self.filter(
            Q(appointment__status=AppointmentStatus.BOOKED, kind__in=[LetterKind.APPOINTMENT, LetterKind.CHANGE])
            | Q(appointment__status=AppointmentStatus.CANCELLED, kind=LetterKind.CANCELLATION),
            status__in=[LetterStatus.UNSENT, LetterStatus.BLOCKED],
            appointment__start__gt=at,
            is_copy=False,
            patient__deceased_on=None,
            patient__merged_into=None,
        )

    def tell_of_the_fee(self):
        """Letters that have gone out and say what it costs not to come: what charging stands on (PL-14)."""
        return self.gone_out().filter(is_copy=False, parts__sections__contains=[{"part": "no_show"}])


class Letter(Versioned):
    """A letter as it stands on the paper. It counts as sent when a person says that it was printed."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="letters", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="letters", verbose_name="vårdenhet")
    kind = models.CharField("slag", max_length=20, choices=LetterKind)
    # To whom, where the person is known as a relation; the relation may go, the letter stands as it was written.
    relation = models.ForeignKey(
        PatientRelation, models.SET_NULL, null=True, related_name="letters", verbose_name="närstående"
    )
    appointment = models.ForeignKey(
        Appointment, models.PROTECT, null=True, blank=True, related_name="letters", verbose_name="bokning"
    )
    open_invitation = models.ForeignKey(
        OpenInvitation, models.PROTECT, null=True, blank=True, related_name="letters", verbose_name="öppen kallelse"
    )
    referral = models.ForeignKey(
        Referral, models.PROTECT, null=True, blank=True, related_name="letters", verbose_name="remiss"
    )
    booking_request = models.ForeignKey(
        BookingRequest, models.PROTECT, null=True, blank=True, related_name="letters", verbose_name="bokningsbegäran"
    )
    is_copy = models.BooleanField("kopia till närstående", default=False, db_default=False)
    copy_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="copies", verbose_name="kopia av"
    )
    # By mediation there is none: what is written outside the envelope is Skatteverket's address (KA-05).
    recipient = models.TextField("mottagare", blank=True, help_text="Namn och adress, rad för rad som på kuvertet")
    sender = models.TextField("avsändare")
    heading = models.CharField("rubrik", max_length=120)
    body = models.TextField("text")
    # What the clerk added, byte for byte (PL-16); it stands as a section of its own among `parts`.
    own_text = models.TextField("egen text", blank=True, default="", db_default="")
    language = models.CharField(
        "språk", max_length=2, choices=LetterLanguage, default=LetterLanguage.SWEDISH, db_default="sv"
    )
    # The letter's structure beside its plain text: {"facts": [[label, value]], "sections": [{part, heading, text}]}.
    parts = models.JSONField("delar", default=dict, db_default={}, blank=True)
    is_large_print = models.BooleanField("stor text", default=False, db_default=False)
    delivery = models.CharField(
        "går med", max_length=10, choices=Delivery, default=Delivery.POST, db_default=Delivery.POST
    )
    changed_by = models.CharField(
        "ändrat av", max_length=10, choices=CancelledBy, blank=True, default="", db_default=""
    )
    reason = models.CharField("skäl", max_length=200, blank=True)
    status = models.CharField("status", max_length=10, choices=LetterStatus, default=LetterStatus.UNSENT)
    decided_at = models.DateTimeField("utskrivet eller stoppat", null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    stop_reason = models.CharField("varför det stoppades", max_length=200, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("skrivet", db_default=Now())

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = "brev"
        verbose_name_plural = "brev"
        triggers = [*change_log(personal=True), pgtrigger.ReadOnly(name="kept_as_written", fields=CONTENT)]
        indexes = [
            models.Index(fields=["care_unit", "created_at", "id"], name="letter_by_unit"),
            models.Index(fields=["patient"], condition=Q(status="unsent"), name="letter_unsent"),
            models.Index(
                fields=["care_unit", "created_at", "id"],
                condition=Q(status__in=["unsent", "blocked"]),
                name="letter_waiting_by_unit",
            ),
        ]
        constraints = [
            models.CheckConstraint(name="letter_kind_known", condition=Q(kind__in=LetterKind.values)),
            models.CheckConstraint(name="letter_status_known", condition=Q(status__in=LetterStatus.values)),
            models.CheckConstraint(
                name="letter_to_relatives_has_reason",
                condition=~Q(kind="to_relatives") | ~Q(reason=""),
                violation_error_message="Ett brev till närstående har ett skäl (PL-22).",
            ),
            models.CheckConstraint(
                name="letter_decided_has_a_time",
                condition=Q(status="unsent", decided_at__isnull=True)
                | (~Q(status="unsent") & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="letter_stopped_says_why",
                condition=(Q(status__in=["stopped", "blocked"]) & ~Q(stop_reason=""))
                | (~Q(status__in=["stopped", "blocked"]) & Q(stop_reason="")),
            ),
            models.CheckConstraint(name="letter_language_known", condition=Q(language__in=LetterLanguage.values)),
            models.CheckConstraint(
                name="letter_own_text_is_bounded",
                condition=LessThanOrEqual(Length("own_text"), OWN_TEXT_LENGTH),
                violation_error_message=f"Den egna texten har högst {OWN_TEXT_LENGTH} tecken.",
            ),
            models.CheckConstraint(
                name="letter_of_an_open_invitation_points_at_it",
                condition=Q(kind="open_invitation", open_invitation__isnull=False, appointment=None)
                | (~Q(kind="open_invitation") & Q(open_invitation=None)),
            ),
            models.CheckConstraint(
                name="letter_of_a_remiss_points_at_it",
                condition=Q(kind="referral_receipt", referral__isnull=False, appointment=None)
                | Q(kind__in=ABOUT_A_WAIT)
                | (~Q(kind__in=["referral_receipt", *ABOUT_A_WAIT]) & Q(referral=None)),
            ),
            models.CheckConstraint(
                name="letter_of_a_wait_points_at_one_who_waits",
                condition=Q(kind__in=ABOUT_A_WAIT, appointment=None)
                & (Q(booking_request__isnull=False, referral=None) | Q(booking_request=None, referral__isnull=False))
                | (~Q(kind__in=ABOUT_A_WAIT) & Q(booking_request=None)),
            ),
            models.CheckConstraint(name="letter_delivery_known", condition=Q(delivery__in=Delivery.values)),
            models.CheckConstraint(
                name="letter_by_mediation_has_no_address",
                condition=~Q(delivery="mediation") | Q(recipient=""),
                violation_error_message="Ett brev som förmedlas har ingen adress (KA-05).",
            ),
            models.CheckConstraint(
                name="letter_of_a_change_says_who",
                condition=~Q(kind__in=["change", "cancellation"])
                | Q(changed_by__in=CancelledBy.values)
                | Q(appointment=None),
                violation_error_message="Ett brev om en ändrad tid säger vem som ändrat (PL-09).",
            ),
            models.CheckConstraint(
                name="letter_on_paper_has_a_recipient",
                condition=~Q(status__in=["unsent", "printed"]) | Q(delivery="mediation") | ~Q(recipient=""),
                violation_error_message="Ett brev har en mottagare.",
            ),
        ]

    def __str__(self):
        return self.heading

    @property
    def tells_fee(self):
        """Whether the letter says what it costs not to come (PL-14)."""
        return any(section["part"] == "no_show" for section in self.parts.get("sections", ()))


class LetterDocument(Row):
    """The letter as it was put on paper, byte for byte (KA-03). One that was printed stays as long as the letter."""

    letter = models.OneToOneField(Letter, models.CASCADE, related_name="document", verbose_name="brev")
    pdf = models.BinaryField("dokument")
    sha256 = models.CharField("kontrollsumma", max_length=64)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField("gjort")

    class Meta:
        verbose_name = "utskrivet brev"
        verbose_name_plural = "utskrivna brev"
        triggers = [
            *change_log(personal=True),
            pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="printed_is_kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func="""
                    IF (SELECT status FROM scheduling_letter WHERE id = OLD.letter_id) = 'printed' THEN
                        RAISE EXCEPTION 'a printed letter is kept' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN OLD;
                """,
            ),
        ]
