"""How a patient is reached: phones, addresses, and what the patient has told in 1177 (PA-05…07)."""

import pgtrigger
from django.db import models
from django.db.models import F, Q

from registration.protected import locked_when_protected
from sdv.accounts.models import User
from sdv.common.models import Row, change_log

from .catalogues import AddressKind
from .patient import Patient


class PhoneKind(models.TextChoices):
    """What a number leads to."""

    MOBILE = "mobile", "Mobil"
    HOME = "home", "Hem"
    WORK = "work", "Arbete"


class SmsWording(models.TextChoices):
    """How much an SMS to the number may say (PL-18); the patient chooses."""

    TIME = "time", "Bara dag, klockslag och vården"
    PLACE = "place", "Också mottagningens namn"


class PatientPhone(Row):
    """A phone number, E.164 where it can be told, else as typed (PA-06)."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="phones", verbose_name="patient")
    number = models.CharField("nummer", max_length=30)
    kind = models.CharField("slag", max_length=10, choices=PhoneKind, default=PhoneKind.MOBILE)
    is_preferred = models.BooleanField("i första hand", default=False)
    sms_consent_at = models.DateTimeField("tillåtelse SMS", null=True, blank=True)
    sms_consent_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    sms_wording = models.CharField(
        "vad ett SMS får säga", max_length=10, choices=SmsWording, default=SmsWording.TIME, db_default=SmsWording.TIME
    )

    class Meta:
        verbose_name = "telefonnummer"
        verbose_name_plural = "telefonnummer"
        triggers = [*change_log(personal=True), locked_when_protected()]
        indexes = [models.Index(fields=["number"], name="phone_by_number")]
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="phone_once_per_patient"),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(is_preferred=True), name="one_preferred_phone_per_patient"
            ),
            models.CheckConstraint(name="phone_kind_known", condition=Q(kind__in=PhoneKind.values)),
            models.CheckConstraint(name="phone_sms_wording_known", condition=Q(sms_wording__in=SmsWording.values)),
            models.CheckConstraint(
                name="sms_consent_says_who_and_when",
                condition=Q(sms_consent_at__isnull=True, sms_consent_by__isnull=True)
                | Q(sms_consent_at__isnull=False, sms_consent_by__isnull=False),
            ),
            models.CheckConstraint(
                name="sms_consent_for_a_mobile",
                condition=Q(sms_consent_at__isnull=True) | Q(kind="mobile"),
                violation_error_message="Tillåtelse för SMS hör till ett mobilnummer (PA-06).",
            ),
        ]


# The kind tells whether dates are needed, so the promise is a trigger, not a check.
_DATES_WHERE_NEEDED = pgtrigger.Trigger(
    name="dates_where_the_kind_needs_them",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    condition=pgtrigger.Q(new__valid_from__isnull=True) | pgtrigger.Q(new__valid_to__isnull=True),
    func="""
        IF (SELECT requires_dates FROM registration_addresskind WHERE id = NEW.kind_id) THEN
            RAISE EXCEPTION 'address without dates' USING ERRCODE = 'check_violation', CONSTRAINT = 'address_has_dates';
        END IF;
        RETURN NEW;
    """,
)


class PatientAddress(Row):
    """An address of one of the five kinds (PA-07); a temporary one has its dates. `is_locked` kinds come from PU."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="addresses", verbose_name="patient")
    kind = models.ForeignKey(AddressKind, models.PROTECT, related_name="+", verbose_name="adresstyp")
    care_of = models.CharField("c/o", max_length=80, blank=True)
    street = models.CharField("gatuadress", max_length=120)
    postal_code = models.CharField("postnummer", max_length=12, blank=True)
    town = models.CharField("ort", max_length=80, blank=True)
    country = models.CharField("land", max_length=60, blank=True)
    valid_from = models.DateField("från", null=True, blank=True)
    valid_to = models.DateField("till", null=True, blank=True)
    source = models.CharField("källa", max_length=40, blank=True)

    class Meta:
        verbose_name = "adress"
        verbose_name_plural = "adresser"
        triggers = [*change_log(personal=True), _DATES_WHERE_NEEDED, locked_when_protected()]
        constraints = [
            models.CheckConstraint(
                name="address_dates_in_order",
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                violation_error_message="Adressens slutdatum kan inte ligga före startdatumet.",
            )
        ]


class PortalContact(Row):
    """What the patient has told in 1177 and allowed care to see (PA-05): read here, never edited, never used for SMS.
    Without the patient's consent nothing is kept."""

    patient = models.OneToOneField(Patient, models.PROTECT, related_name="portal_contact", verbose_name="patient")
    phone = models.CharField("telefon i 1177", max_length=30, blank=True, default="", db_default="")
    email = models.CharField("e-post i 1177", max_length=254, blank=True, default="", db_default="")
    consented_on = models.DateField("samtycke att dela med vården")
    prefers_digital = models.BooleanField("brev i första hand digitalt", default=False, db_default=False)
    told_at = models.DateTimeField("hämtad")

    class Meta:
        verbose_name = "uppgifter i 1177"
        verbose_name_plural = "uppgifter i 1177"
        triggers = [*change_log(personal=True), locked_when_protected()]
