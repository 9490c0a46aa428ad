"""Vårdåtagande and remiss: what care rests on (VA-01…VA-04)."""

from django.db import models
from django.db.models import F, Q

from sdv.accounts.models import User
from sdv.common.models import CatalogueRow, LockingQuerySet, Versioned, change_log
from sdv.organisation.models import CareUnit

from .patient import Patient


class ProblemCode(CatalogueRow):
    """Regional problemkod of a speciality. No public list exists: the demo's are invented and marked so."""

    speciality = models.CharField("specialitet", max_length=80, blank=True)

    class Meta(CatalogueRow.Meta):
        verbose_name = "problemkod"
        verbose_name_plural = "problemkoder"
        triggers = change_log()


class CommitmentStatus(models.TextChoices):
    OPEN = "open", "Öppet"
    CLOSED = "closed", "Avslutat"


class CareCommitmentQuerySet(LockingQuerySet):
    def open(self):
        return self.filter(status=CommitmentStatus.OPEN)


class CareCommitment(Versioned):
    """Vårdåtagande: one per health problem and vårdenhet (VA-01)."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="commitments", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="commitments", verbose_name="vårdenhet")
    problem_code = models.ForeignKey(ProblemCode, models.PROTECT, related_name="commitments", verbose_name="problemkod")
    status = models.CharField("status", max_length=10, choices=CommitmentStatus, default=CommitmentStatus.OPEN)
    opened_on = models.DateField("öppnat")
    closed_on = models.DateField("avslutat", null=True, blank=True)
    close_reason = models.CharField("orsak till avslut", max_length=80, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = CareCommitmentQuerySet.as_manager()

    class Meta:
        verbose_name = "vårdåtagande"
        verbose_name_plural = "vårdåtaganden"
        triggers = change_log()
        indexes = [models.Index(fields=["care_unit", "patient"], name="commitment_by_unit")]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "care_unit", "problem_code"],
                condition=Q(status="open"),
                name="one_open_commitment_per_problem",
                violation_error_message="Det finns redan ett öppet vårdåtagande för problemet på enheten (VA-01).",
            ),
            models.CheckConstraint(name="commitment_status_known", condition=Q(status__in=CommitmentStatus.values)),
            models.CheckConstraint(
                name="commitment_closed_has_date_and_reason",
                condition=Q(status="open", closed_on__isnull=True, close_reason="")
                | (Q(status="closed", closed_on__isnull=False) & ~Q(close_reason="")),
                violation_error_message="Ett avslutat vårdåtagande har datum och orsak (UT-03).",
            ),
            models.CheckConstraint(
                name="commitment_closes_after_it_opens",
                condition=Q(closed_on__isnull=True) | Q(closed_on__gte=F("opened_on")),
                violation_error_message="Ett vårdåtagande kan inte avslutas före dagen det öppnades.",
            ),
        ]


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


class Referral(Versioned):
    """Remiss, or another ground for care (VA-02). Dates: decision ≤ arrival ≤ review, none in the future."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="referrals", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="referrals", verbose_name="vårdenhet")
    kind = models.CharField("typ", max_length=1, choices=ReferralKind)
    status = models.CharField("status", max_length=10, choices=ReferralStatus, default=ReferralStatus.RECEIVED)
    referrer = models.CharField("remittent", max_length=120, blank=True)
    decision_date = models.DateField("remissbeslut", null=True, blank=True)
    arrival_date = models.DateField("ankomst")
    review_date = models.DateField("granskning", null=True, blank=True)
    problem_code = models.ForeignKey(
        ProblemCode, models.PROTECT, null=True, blank=True, related_name="referrals", verbose_name="problemkod"
    )
    medical_target_date = models.DateField("medicinskt måldatum", null=True, blank=True)
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
                fields=["care_unit", "medical_target_date", "id"],
                condition=Q(status__in=["received", "returned", "accepted"]),
                name="referral_waiting",
            ),
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
        ]
