"""Kontaktförsök: who tried to reach a waiting patient, when, how, with what result, and when next (PL-10)."""

from django.db import models
from django.db.models import Count, Exists, F, Func, Max, OuterRef, Q, Subquery
from django.db.models.lookups import Exact

from registration.models import Patient, Referral
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, change_log
from sdv.common.time import local_date, start_of_day
from sdv.organisation.models import CareUnit


class ContactMethod(models.TextChoices):
    PHONE = "phone", "Telefon"
    PORTAL = "portal", "Meddelande i 1177"
    LETTER = "letter", "Brev"


class ContactResult(models.TextChoices):
    """How it went, in the order of the digits on the keyboard."""

    NO_ANSWER = "no_answer", "Svarade inte"
    LEFT_MESSAGE = "left_message", "Lämnade meddelande"
    REACHED = "reached", "Nådd"
    CALLS_BACK = "calls_back", "Återkommer själv"
    WRONG_NUMBER = "wrong_number", "Fel nummer"
    DECLINED = "declined", "Vill inte ha tid"


# What an attempt hangs on: exactly one of these rows.
SUBJECTS = ("booking_request", "referral", "awaited_result", "missing_follow_up", "no_show_item", "rebooking_item")


class ContactAttemptQuerySet(LockingQuerySet):
    def standing(self):
        """Those that nobody has taken back."""
        return self.filter(undone_at__isnull=True)

    def on_day_of(self, at):
        return self.standing().filter(at__gte=start_of_day(local_date(at)))


class ContactAttempt(Row):
    """One attempt. It holds no words of its own: what a patient said belongs in the journal."""

    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="contact_attempts", verbose_name="patient", db_index=False
    )
    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, related_name="contact_attempts", verbose_name="vårdenhet", db_index=False
    )
    booking_request = models.ForeignKey(
        "scheduling.BookingRequest", models.PROTECT, null=True, related_name="contact_attempts"
    )
    referral = models.ForeignKey(Referral, models.PROTECT, null=True, related_name="contact_attempts")
    awaited_result = models.ForeignKey(
        "scheduling.AwaitedResult", models.PROTECT, null=True, related_name="contact_attempts"
    )
    missing_follow_up = models.ForeignKey(
        "scheduling.MissingFollowUp", models.PROTECT, null=True, related_name="contact_attempts"
    )
    no_show_item = models.ForeignKey(
        "scheduling.NoShowItem", models.PROTECT, null=True, related_name="contact_attempts"
    )
    rebooking_item = models.ForeignKey(
        "scheduling.RebookingItem", models.PROTECT, null=True, related_name="contact_attempts"
    )
    method = models.CharField("hur", max_length=10, choices=ContactMethod)
    result = models.CharField("resultat", max_length=20, choices=ContactResult)
    at = models.DateTimeField("tidpunkt")
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="av", db_index=False)
    next_on = models.DateField("nästa försök", null=True)
    undone_at = models.DateTimeField("ångrat", null=True)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = ContactAttemptQuerySet.as_manager()

    class Meta:
        verbose_name = "kontaktförsök"
        verbose_name_plural = "kontaktförsök"
        triggers = change_log()
        indexes = [
            models.Index(
                fields=["patient", "care_unit", "at"],
                condition=Q(undone_at__isnull=True),
                name="contact_attempt_standing",
            ),
            models.Index(fields=["care_unit", "at", "id"], name="contact_attempt_by_unit"),
        ]
        constraints = [
            models.CheckConstraint(name="contact_method_known", condition=Q(method__in=ContactMethod.values)),
            models.CheckConstraint(name="contact_result_known", condition=Q(result__in=ContactResult.values)),
            models.CheckConstraint(
                name="contact_attempt_hangs_on_one_thing",
                condition=Exact(
                    Func(*[F(name) for name in SUBJECTS], function="num_nonnulls", output_field=models.IntegerField()),
                    1,
                ),
                violation_error_message="Ett kontaktförsök hör till en post (PL-10).",
            ),
            models.CheckConstraint(
                name="contact_attempt_undone_says_who",
                condition=Q(undone_at__isnull=True, undone_by__isnull=True)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]


def tried_today(at):
    """Whether somebody at the row's unit has tried to reach its patient today: for rows with a patient and a unit."""
    return Exists(
        ContactAttempt.objects.on_day_of(at).filter(patient=OuterRef("patient"), care_unit=OuterRef("care_unit"))
    )


def with_attempts(rows, subject):
    """Each row with how many `attempts` were made on it, and when last, in the rows' own query (PL-10)."""
    return attempts_of(rows, Q(**{subject: OuterRef("pk")}))


def attempts_of(rows, on):
    """As `with_attempts`, for rows that are no subject themselves: `on` says which attempts are theirs, all of one
    patient."""
    own = ContactAttempt.objects.standing().filter(on).order_by().values("patient")
    return rows.annotate(
        attempts=Subquery(own.annotate(n=Count("pk")).values("n")),
        last_attempt=Subquery(own.annotate(last=Max("at")).values("last")),
    )
