"""Kallelsetexter: the catalogue that letters are built of (KA-01…03). Regional: the same orsak says the same everywhere.
A text is one version with its days; a new wording is a new row, and letters already written are kept as written."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, TextField, Value
from django.db.models.functions import Cast, Coalesce

from registration.models import AddOn, ContactReason
from sdv.common.models import CatalogueQuerySet, Row, change_log, require_days_in_order
from sdv.organisation.models import CareUnit, CareUnitKind


class LetterLanguage(models.TextChoices):
    """Languages that letters are written in. A new one is a row here and its fixed words in letter_words."""

    SWEDISH = "sv", "Svenska"
    ENGLISH = "en", "Engelska"


class LetterPart(models.TextChoices):
    """What a text is in a letter."""

    WORDING = "wording", "Varför: ordalydelse"
    PREPARATION = "preparation", "Förberedelser"
    INFORMATION = "information", "Patientinformation"
    ADD_ON = "add_on", "Tillval"
    PHONE = "phone", "Enhetens telefon"
    OPENING = "opening", "När man kan ringa"
    DIRECTIONS = "directions", "Besöksadress och vägbeskrivning"
    RETURN_ADDRESS = "return_address", "Avsändarens postadress"
    CANCEL = "cancel", "Om du inte kan komma"
    FEE = "fee", "Vad besöket kostar"
    FREE = "free", "Besöket är avgiftsfritt"
    NO_SHOW = "no_show", "Vad det kostar att utebli"
    INTERPRETER = "interpreter", "Tolk"
    BRING = "bring", "Ta med"
    CHANGED_BY_PATIENT = "changed_by_patient", "Tiden ändrad av patienten"
    CHANGED_BY_PROVIDER = "changed_by_provider", "Tiden ändrad av vårdgivaren"
    CANCELLED_BY_PATIENT = "cancelled_by_patient", "Tiden avbokad av patienten"
    CANCELLED_BY_PROVIDER = "cancelled_by_provider", "Tiden avbokad av vårdgivaren"
    COPY = "copy", "Kopia till närstående"
    OPEN_INVITATION = "open_invitation", "Öppen kallelse: så bokar du"
    REFERRAL_RECEIVED = "referral_received", "Remissbekräftelse: har kommit"
    REFERRAL_ACCEPTED = "referral_accepted", "Remissbekräftelse: accepterad"
    REFERRAL_RETURNED = "referral_returned", "Remissbekräftelse: ska kompletteras"
    REFERRAL_FORWARDED = "referral_forwarded", "Remissbekräftelse: vidaresänd"
    REFERRAL_REJECTED = "referral_rejected", "Remissbekräftelse: avvisad"
    WAITING = "waiting", "Väntelistebrev: du väntar på en tid"
    CALL_US = "call_us", "Ring oss: vi har inte nått dig"


_P = LetterPart
# What each part belongs to. The rest are the region's own, for every unit or for units of one kind.
OF_A_REASON = (_P.WORDING, _P.PREPARATION, _P.INFORMATION)
OF_AN_ADD_ON = (_P.ADD_ON,)
OF_A_UNIT = (_P.PHONE, _P.OPENING, _P.DIRECTIONS, _P.RETURN_ADDRESS)
SUBJECTS = ("contact_reason", "add_on", "care_unit")
_NAMED = {"contact_reason": OF_A_REASON, "add_on": OF_AN_ADD_ON, "care_unit": OF_A_UNIT}


def _belongs():
    """Each part has the subject it belongs to, and no other."""
    condition = Q(part__in=[part for part in _P if not any(part in parts for parts in _NAMED.values())]) & Q(
        contact_reason=None, add_on=None, care_unit=None
    )
    for subject, parts in _NAMED.items():
        none = {other: None for other in SUBJECTS if other != subject}
        condition |= Q(part__in=parts, unit_kind="", **{f"{subject}__isnull": False}, **none)
    return condition


class LetterTextQuerySet(CatalogueQuerySet):
    def for_visit(self, *, day, contact_reason_id, add_on_ids, care_unit, language=LetterLanguage.SWEDISH):
        """Every text that a letter about the visit may use, valid on the day it is written, in one query: in the language,
        and in Swedish, which stands in for what it lacks. A letter that is about no visit has no orsak."""
        of_the_reason = Q(contact_reason=contact_reason_id) if contact_reason_id else Q(pk=None)
        return self.valid_on(day).filter(
            Q(language__in={language, LetterLanguage.SWEDISH}),
            of_the_reason
            | Q(add_on__in=add_on_ids)
            | Q(care_unit=care_unit)
            | Q(contact_reason=None, add_on=None, care_unit=None, unit_kind__in=["", care_unit.kind]),
        )


class LetterText(Row):
    """One version of a text: what it is, what it belongs to, its words and its days (KA-03)."""

    part = models.CharField("del", max_length=24, choices=LetterPart)
    contact_reason = models.ForeignKey(
        ContactReason,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="letter_texts",
        verbose_name="vårdkontaktsorsak",
    )
    add_on = models.ForeignKey(
        AddOn, models.PROTECT, null=True, blank=True, related_name="letter_texts", verbose_name="tillval"
    )
    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, null=True, blank=True, related_name="letter_texts", verbose_name="vårdenhet"
    )
    unit_kind = models.CharField("slag av vårdenhet", max_length=30, choices=CareUnitKind, blank=True, default="")
    language = models.CharField(
        "språk", max_length=2, choices=LetterLanguage, default=LetterLanguage.SWEDISH, db_default="sv"
    )
    text = models.TextField("text")
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)
    source = models.CharField("källa", max_length=200, help_text="Vem som beslutat texten, eller uppfunnen")

    objects = LetterTextQuerySet.as_manager()

    class Meta:
        verbose_name = "kallelsetext"
        verbose_name_plural = "kallelsetexter"
        ordering = ["part", "valid_from", "id"]
        triggers = change_log()
        constraints = [
            models.CheckConstraint(name="letter_text_part_known", condition=Q(part__in=LetterPart.values)),
            models.CheckConstraint(name="letter_text_language_known", condition=Q(language__in=LetterLanguage.values)),
            models.CheckConstraint(
                name="letter_text_unit_kind_known", condition=Q(unit_kind__in=["", *CareUnitKind.values])
            ),
            models.CheckConstraint(
                name="letter_text_belongs",
                condition=_belongs(),
                violation_error_message="Varje del hör till sitt: orsakens till en vårdkontaktsorsak, tillvalets till ett"
                " tillval, enhetens till en vårdenhet; övriga är regionens och kan gälla ett slag av vårdenhet (KA-03).",
            ),
            models.CheckConstraint(
                name="letter_text_is_not_empty",
                condition=~Q(text__regex=r"^\s*$"),
                violation_error_message="En text är inte tom. Ska delen inte finnas: ge den ett slutdatum (KA-01).",
            ),
            models.CheckConstraint(
                name="letter_text_ends_after_it_begins",
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                violation_error_message="Sista dagen ska inte ligga före den första.",
            ),
            ExclusionConstraint(
                name="one_letter_text_a_day",
                expressions=[
                    ("part", RangeOperators.EQUAL),
                    ("language", RangeOperators.EQUAL),
                    (
                        Coalesce(*(Cast(subject, TextField()) for subject in SUBJECTS), F("unit_kind")),
                        RangeOperators.EQUAL,
                    ),
                    (
                        Func(
                            "valid_from", "valid_to", Value("[]"), function="daterange", output_field=DateRangeField()
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="Det finns redan en version för de dagarna. Ge den ett slutdatum först (KA-03).",
            ),
        ]

    def __str__(self):
        return f"{self.get_part_display()}: {self.subject_text}"

    def clean(self):
        require_days_in_order(self)

    @property
    def subject_text(self):
        """What the text belongs to, in words."""
        subject = self.contact_reason or self.add_on or self.care_unit
        if subject:
            return subject.name
        return self.get_unit_kind_display() if self.unit_kind else "regionen"
