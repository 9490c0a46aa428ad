"""Remiss, and what becomes of it: the ground that care rests on, its four dates, its trail (VA-02…VA-04)."""

from datetime import date

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Now

from sdv.accounts.models import Practitioner, User
from sdv.common.models import (
    CatalogueQuerySet,
    LockingQuerySet,
    Row,
    Versioned,
    append_only,
    change_log,
    require_days_in_order,
)
from sdv.organisation.models import CareUnit

from .commitment import CareCommitment, ProblemCode
from .patient import Patient

# After every day: where nobody set one.
NO_DAY = date(9999, 12, 31)


class ReferralKind(models.TextChoices):
    """Type of remiss (VA-02)."""

    REFERRAL = "R", "Remiss"
    SELF = "E", "Egen vårdbegäran"
    RESEARCH = "F", "Forskning"
    ALREADY_IN_CARE = "V", "Redan i enhetens vård"


class ReferralStatus(models.TextChoices):
    RECEIVED = "received", "Mottagen"
    RETURNED = "returned", "Returnerad för komplettering"
    FORWARDED = "forwarded", "Vidaresänd"
    REJECTED = "rejected", "Avvisad"
    ACCEPTED = "accepted", "Accepterad"
    USED = "used", "Förbrukad"
    CLOSED = "closed", "Avslutad"


class ReferralQuerySet(LockingQuerySet):
    def undecided(self):
        """Remisser that wait for a decision: always in Remisshantering (UT-07)."""
        return self.filter(status__in=[ReferralStatus.RECEIVED, ReferralStatus.RETURNED])

    def to_book(self):
        """Accepted and not yet used: the list Att boka (UT-07, VA-04)."""
        return self.filter(status=ReferralStatus.ACCEPTED)

    def most_urgent_first(self):
        return self.order_by(*Referral.URGENCY, "pk")

    def sent_by(self, *care_units):
        """What the units have sent to others, or sent on, wherever it has been forwarded since; and what they have sent out
        of the region (VA-03)."""
        outside = Q(care_unit__in=care_units, status=ReferralStatus.FORWARDED) & ~Q(forwarded_outside="")
        return self.filter(Q(sender_unit__in=care_units) | outside)

    def at_its_place(self):
        """One row a remiss: where it is now. One that was sent on within the region stands at the receiver's; one that was
        taken back from there stands where it came from."""
        taken_back = ReferralEvent.objects.filter(referral=OuterRef("pk"), act=ReferralAct.TAKEN_BACK)
        return self.exclude(status=ReferralStatus.FORWARDED, forwarded_outside="").exclude(Exists(taken_back))


class Referral(Versioned):
    """Remiss, or another ground for care (VA-02). Dates: decision ≤ arrival ≤ review, none in the future."""

    # The order of every list of those who wait, whichever the door: by days over the medicinskt måldatum, those without one
    # last, equals by the longest wait (BO-04, PL-01).
    URGENCY = ("due_on", "waiting_since")

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="referrals", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="referrals", verbose_name="vårdenhet")
    kind = models.CharField("typ", max_length=1, choices=ReferralKind)
    status = models.CharField("status", max_length=10, choices=ReferralStatus, default=ReferralStatus.RECEIVED)
    referrer = models.CharField("remittent", max_length=120, blank=True)
    # Where the remiss was sent, or sent on, by one of the region's own units: that unit can follow it.
    sender_unit = models.ForeignKey(
        CareUnit, models.PROTECT, null=True, blank=True, related_name="sent_referrals", verbose_name="avsändande enhet"
    )
    addressed_to = models.ForeignKey(
        Practitioner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ställd till"
    )
    decision_date = models.DateField("remissbeslut", null=True, blank=True)
    arrival_date = models.DateField("ankomst")
    review_date = models.DateField("granskning", null=True, blank=True)
    # The clock follows the patient: a forwarded remiss keeps the day on which the first one began to wait (PL-25).
    forwarded_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="forwarded_as", verbose_name="vidaresänd från"
    )
    forwarded_since = models.DateField("väntar sedan, vid vidaresändning", null=True, blank=True)
    waiting_since = models.GeneratedField(
        expression=Coalesce("forwarded_since", "decision_date", "arrival_date"),
        output_field=models.DateField(),
        db_persist=True,
        verbose_name="väntar sedan",
    )
    # Sent to a receiver that is not among the region's units: named in words, and on which day it left.
    forwarded_outside = models.CharField(
        "vidaresänd utanför regionen till", max_length=200, blank=True, default="", db_default=""
    )
    forwarded_on = models.DateField("vidaresänd den", null=True, blank=True)
    # No system of ours tells that it has come there: somebody does, when the receiver has said so.
    outside_receipt_on = models.DateField("bekräftad av mottagaren utanför regionen", null=True, blank=True)
    receipt_at = models.DateTimeField("bekräftad mottagen", null=True, blank=True)
    receipt_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    problem_code = models.ForeignKey(
        ProblemCode, models.PROTECT, null=True, blank=True, related_name="referrals", verbose_name="problemkod"
    )
    medical_target_date = models.DateField("medicinskt måldatum", null=True, blank=True)
    due_on = models.GeneratedField(
        expression=Coalesce("medical_target_date", Value(NO_DAY), output_field=models.DateField()),
        output_field=models.DateField(),
        db_persist=True,
        verbose_name="måldatum, eller efter alla dagar där inget är satt",
    )
    days_to_first_contact = models.PositiveSmallIntegerField("dagar till första kontakt", null=True, blank=True)
    commitment = models.ForeignKey(
        CareCommitment, models.PROTECT, null=True, blank=True, related_name="referrals", verbose_name="vårdåtagande"
    )
    used_by = models.ForeignKey(
        "registration.Encounter", models.PROTECT, null=True, blank=True, related_name="used_referrals"
    )
    decision_reason = models.CharField("skäl till beslut", max_length=200, blank=True)
    decided_at = models.DateTimeField("beslutad", null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = "remiss"
        verbose_name_plural = "remisser"
        triggers = change_log()
        indexes = [
            models.Index(fields=["care_unit", "arrival_date", "id"], name="referral_by_unit"),
            models.Index(
                fields=["care_unit", "due_on", "waiting_since", "id"],
                condition=Q(status__in=["received", "returned", "accepted"]),
                name="referral_waiting",
            ),
            models.Index(fields=["sender_unit", "arrival_date", "id"], name="referral_by_sender"),
        ]
        constraints = [
            models.CheckConstraint(name="referral_kind_known", condition=Q(kind__in=ReferralKind.values)),
            models.CheckConstraint(name="referral_status_known", condition=Q(status__in=ReferralStatus.values)),
            models.CheckConstraint(
                name="referral_dates_in_order",
                condition=(Q(decision_date__isnull=True) | Q(decision_date__lte=F("arrival_date")))
                & (Q(review_date__isnull=True) | Q(review_date__gte=F("arrival_date"))),
                violation_error_message="Datumen ska följa ordningen remissbeslut, ankomst, granskning (VA-02).",
            ),
            models.CheckConstraint(
                name="referral_accepted_has_commitment",
                condition=~Q(status__in=["accepted", "used"]) | Q(commitment__isnull=False),
                violation_error_message="En accepterad remiss hör till ett vårdåtagande (VA-03).",
            ),
            models.CheckConstraint(
                name="referral_receipt_says_who",
                # A system may have said it: then nobody is named.
                condition=Q(receipt_by__isnull=True) | Q(receipt_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["forwarded_from"],
                condition=~Q(status="closed"),
                name="one_referral_forwarded_from_another",
                violation_error_message="Remissen är redan vidaresänd (VA-03).",
            ),
            models.CheckConstraint(
                name="referral_sent_outside_says_to_whom_and_when",
                condition=Q(forwarded_outside="", forwarded_on__isnull=True)
                | (
                    Q(status="forwarded", forwarded_on__isnull=False, forwarded_on__gte=F("arrival_date"))
                    & ~Q(forwarded_outside="")
                ),
                violation_error_message="En remiss som sänts utanför regionen har mottagare och dag (VA-03).",
            ),
            models.CheckConstraint(
                name="referral_outside_receipt_is_of_one_sent_outside",
                condition=Q(outside_receipt_on__isnull=True)
                | (~Q(forwarded_outside="") & Q(outside_receipt_on__gte=F("forwarded_on"))),
                violation_error_message="Bara en remiss som sänts utanför regionen bekräftas av mottagaren där (VA-03).",
            ),
            models.CheckConstraint(
                name="referral_forwarded_keeps_its_day",
                condition=Q(forwarded_from__isnull=True, forwarded_since__isnull=True)
                | Q(
                    forwarded_from__isnull=False, forwarded_since__isnull=False, forwarded_since__lte=F("arrival_date")
                ),
                violation_error_message="En vidaresänd remiss behåller dagen då väntan började (PL-25).",
            ),
        ]


class ReferralAct(models.TextChoices):
    """What is done with a remiss (VA-03)."""

    REGISTERED = "registered", "Registrerad"
    RECEIPT = "receipt", "Bekräftad mottagen"
    REVIEWED = "reviewed", "Granskad"
    ACCEPTED = "accepted", "Accepterad"
    RETURNED = "returned", "Returnerad för komplettering"
    COMPLETED = "completed", "Kompletterad"
    FORWARDED = "forwarded", "Vidaresänd"
    REJECTED = "rejected", "Avvisad"
    UNDONE = "undone", "Beslutet ångrat"
    TAKEN_BACK = "taken_back", "Återtagen av den som sände den"
    CLOSED = "closed", "Avslutad med sitt vårdåtagande"
    REOPENED = "reopened", "Väntar igen"
    CORRECTED = "corrected", "Uppgifterna rättade"


class ReferralEvent(Row):
    """One step of a remiss: what, why, when and by whom; where it was sent on, to which unit or to whom outside the region.
    The trail (VA-03). A decision keeps what the remiss was `before`, so that its undo restores exactly that (PL-13); a
    correction keeps what it changed, `before` and `after`, by the fields' names."""

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="events", verbose_name="remiss")
    act = models.CharField("händelse", max_length=10, choices=ReferralAct)
    reason = models.CharField("skäl eller uppgift", max_length=500, blank=True)
    to_unit = models.ForeignKey(
        CareUnit, models.PROTECT, null=True, related_name="+", verbose_name="till enhet", db_index=False
    )
    to_outside = models.CharField(
        "till mottagare utanför regionen", max_length=200, blank=True, default="", db_default=""
    )
    before = models.JSONField("före beslutet", null=True, blank=True)
    after = models.JSONField("efter rättelsen", null=True, blank=True)
    at = models.DateTimeField("tidpunkt")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="av", db_index=False)
    registered_at = models.DateTimeField("registrerad", db_default=Now())

    class Meta:
        verbose_name = "händelse på remiss"
        verbose_name_plural = "händelser på remisser"
        triggers = [append_only()]
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="referral_act_known", condition=Q(act__in=ReferralAct.values)),
            models.CheckConstraint(
                name="referral_forwarded_says_where_and_no_other_does",
                condition=Q(act="forwarded", to_unit__isnull=False, to_outside="")
                | (Q(act="forwarded", to_unit__isnull=True) & ~Q(to_outside=""))
                | (~Q(act="forwarded") & Q(to_unit__isnull=True, to_outside="")),
            ),
            models.CheckConstraint(
                name="referral_decision_says_why",
                condition=~Q(act__in=["returned", "completed", "forwarded", "rejected"]) | ~Q(reason=""),
                violation_error_message="Ett beslut om en remiss har ett skäl (VA-03).",
            ),
            models.CheckConstraint(
                name="referral_correction_says_what_and_why",
                condition=Q(act="corrected", before__isnull=False, after__isnull=False) & ~Q(reason="")
                | ~Q(act="corrected") & Q(after__isnull=True),
                violation_error_message="En rättelse har ett skäl och säger vad som ändrades (PL-13).",
            ),
        ]


class ReviewerQuerySet(CatalogueQuerySet):
    def in_order(self, day):
        """Those who review on the day, in turn."""
        return self.valid_on(day).select_related("practitioner").order_by("position", "id")


class ReferralReviewer(Row):
    """Granskare: who reviews a unit's remisser, and in which order they stand in for each other (VA-03)."""

    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="reviewers", verbose_name="vårdenhet")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+", verbose_name="medarbetare")
    position = models.PositiveSmallIntegerField("ordning", default=1)
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)

    objects = ReviewerQuerySet.as_manager()

    class Meta:
        verbose_name = "granskare av remisser"
        verbose_name_plural = "granskare av remisser"
        ordering = ["care_unit", "position"]
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["care_unit", "practitioner"],
                name="reviewer_once_per_unit",
                violation_error_message="Medarbetaren är redan granskare på enheten.",
            )
        ]

    def __str__(self):
        return f"{self.practitioner}, {self.care_unit}"

    def clean(self):
        require_days_in_order(self)
