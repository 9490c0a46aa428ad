"""Vårdhändelse: one contact, separated from others in time and place (VH-01), with its life and what hangs on it."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Exists, F, Max, OuterRef, Q
from django.db.models.functions import Now

from registration import consults
from registration.lifecycle import (
    AMONG_STAFF,
    ANNULLED,
    EMERGENCY,
    HIDDEN,
    INPATIENT,
    LIES,
    NO_SHOW_TYPE,
    NOT_REPORTED,
    PRE_REGISTRATIONS,
    Move,
    Status,
)
from registration.stay_rules import AdmittedFrom, BrokenOff, DischargedTo
from sdv.accounts.models import Practitioner, Profession, User
from sdv.common.models import LockingQuerySet, Row, Versioned, append_only, change_log
from sdv.common.time import day_range
from sdv.organisation.models import CareUnit, Place, Reception

from .catalogues import ContactForm, ContactReason, EncounterType, VisitType
from .commitment import CareCommitment
from .patient import Patient


def _whole_minute(field):
    return models.Func(models.Value("minute"), F(field), function="date_trunc", output_field=models.DateTimeField())


class EncounterQuerySet(LockingQuerySet):
    def in_progress(self):
        """Arrived and not yet ended."""
        return self.filter(status__in=[Status.IN_PROGRESS, Status.CHECKED_OUT])

    def planned_after(self, day):
        """Those that are planned to begin after the day, and are not cancelled."""
        _, next_day = day_range(day)
        return self.filter(status=Status.PLANNED, cancelled_at__isnull=True, start__gte=next_day)

    def on_day(self, day):
        """Contacts whose start falls on the day in Stockholm."""
        start, end = day_range(day)
        return self.filter(start__gte=start, start__lt=end)

    def in_overview(self):
        """What the clinical overview shows: everything but hidden pre-registrations and annulled ones (VH-05)."""
        return self.exclude(type__in=[HIDDEN, ANNULLED])

    def awaiting_check_out(self):
        """Arrived visits whose check-out is manual and not done (VH-19)."""
        return self.filter(status=Status.IN_PROGRESS, type__check_out="manual")

    def reported(self):
        """What is coded, sent and counted once it has ended (VH-20, DI-07)."""
        return self.exclude(type__in=NOT_REPORTED).exclude(contact_form=AMONG_STAFF)

    def to_code(self):
        """Ended, reported and not yet coded (KL-01, VH-20)."""
        return self.filter(status=Status.ENDED, is_coded=False).reported()

    def cancelled_not_ended(self):
        """Cancelled bookings that VH-12 forbids to annul: ended by hand (VH-11)."""
        return self.filter(status=Status.PLANNED, cancelled_at__isnull=False)

    def engaging_consults(self):
        """Care and visits, at any unit, that another unit's consult can be booked for (VH-10, BO-02)."""
        rows = self.filter(status__in=[Status.PLANNED, Status.IN_PROGRESS]).order_by("start", "id")
        return [row for row in rows.select_related("type", "care_unit", "visit_type") if consults.engages(row)]

    def with_details(self):
        """Everything a row of a list shows, in one query."""
        return self.select_related(
            "patient", "type", "visit_type", "contact_reason", "care_unit", "commitment__problem_code"
        )


class Encounter(Versioned):
    """Vårdhändelse (VH-01). Start is the planned start until arrival; times are whole minutes, UTC.

    The encounter carries what jobs below and reports beside it need, so that neither looks up into scheduling."""

    number = models.BigIntegerField(
        "nummer",
        unique=True,
        editable=False,
        db_default=models.Func(
            models.Value("registration_encounter_number"), function="nextval", output_field=models.BigIntegerField()
        ),
    )
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="encounters", verbose_name="patient")
    care_unit = models.ForeignKey(CareUnit, models.PROTECT, related_name="encounters", verbose_name="vårdenhet")
    reception = models.ForeignKey(
        Reception, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="mottagning"
    )
    type = models.ForeignKey(
        EncounterType, models.PROTECT, related_name="encounters", verbose_name="typ", db_index=False
    )
    status = models.CharField("status", max_length=12, choices=Status)
    planned_start = models.DateTimeField("planerad start", null=True)
    planned_end = models.DateTimeField("planerat slut", null=True)
    start = models.DateTimeField("start")
    end = models.DateTimeField("slut", null=True)
    checked_out_at = models.DateTimeField("utcheckad", null=True)
    is_check_out_automatic = models.BooleanField("automatiskt utcheckad", default=False, db_default=False)
    is_reopened = models.BooleanField("öppnad igen", default=False, db_default=False)
    cancelled_at = models.DateTimeField("avbokad", null=True)
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, null=True, related_name="encounters", verbose_name="besökstyp", db_index=False
    )
    contact_reason = models.ForeignKey(
        ContactReason, models.PROTECT, null=True, related_name="+", verbose_name="vårdkontaktsorsak", db_index=False
    )
    contact_form = models.CharField("form av kontakt", max_length=10, choices=ContactForm, blank=True)
    replaces_visit = models.BooleanField("ersätter besök", null=True)
    in_programme = models.BooleanField("del av stöd- och behandlingsprogram", default=False, db_default=False)
    is_group = models.BooleanField("gruppbesök", default=False, db_default=False)
    interpreter_used = models.BooleanField("tolk användes", default=False, db_default=False)
    identity_shown = models.CharField("legitimation", max_length=40, blank=True)
    commitment = models.ForeignKey(
        CareCommitment, models.PROTECT, null=True, related_name="encounters", verbose_name="vårdåtagande"
    )
    during = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="consults", verbose_name="under pågående vård"
    )
    # Where an emergency visit, an observation or a stay at another unit went on (VH-03 g, k).
    continues = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="continued_by", verbose_name="fortsätter från"
    )
    admitted_from = models.CharField(
        "insätt (varifrån)", max_length=20, choices=AdmittedFrom, blank=True, default="", db_default=""
    )
    discharged_to = models.CharField(
        "utsätt (till)", max_length=20, choices=DischargedTo, blank=True, default="", db_default=""
    )
    is_planned = models.BooleanField("planerat", null=True)
    expected_discharge_on = models.DateField("beräknad utskrivning", null=True)
    assessed_at = models.DateTimeField("läkarbedömning", null=True)
    broken_off = models.CharField("avbruten", max_length=20, choices=BrokenOff, blank=True, default="", db_default="")
    payer = models.CharField("huvudman", max_length=60, blank=True)
    listing_unit = models.CharField("listad på", max_length=120, blank=True)
    is_coded = models.BooleanField("klassificerad", default=False, db_default=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("registrerad", db_default=Now())

    objects = EncounterQuerySet.as_manager()

    class Meta:
        verbose_name = "vårdhändelse"
        verbose_name_plural = "vårdhändelser"
        triggers = change_log(without_values=("payer", "listing_unit"))
        indexes = [
            models.Index(fields=["care_unit", "start", "id"], name="encounter_by_unit_and_time"),
            models.Index(fields=["patient", "-start", "-id"], name="encounter_by_patient"),
            models.Index(fields=["start"], condition=~Q(status="ended"), name="encounter_not_ended"),
            models.Index(fields=["planned_start"], condition=Q(type=HIDDEN), name="encounter_hidden"),
            models.Index(
                fields=["care_unit", "start", "id"], condition=Q(status="in_progress"), name="encounter_going_on"
            ),
            models.Index(
                fields=["care_unit", "start", "id"],
                condition=Q(status="planned", cancelled_at__isnull=False),
                name="encounter_cancelled_not_ended",
            ),
            models.Index(
                fields=["care_unit", "end", "id"],
                condition=Q(status="ended", is_coded=False) & ~Q(type__in=NOT_REPORTED) & ~Q(contact_form=AMONG_STAFF),
                name="encounter_to_code",
            ),
            models.Index(
                fields=["care_unit", "start", "id"],
                condition=Q(type=EMERGENCY, status="in_progress"),
                name="encounter_at_emergency",
            ),
            # Stays are counted and delivered by their day of discharge (ST-01, PAR-01).
            models.Index(fields=["care_unit", "end"], condition=Q(type=INPATIENT), name="encounter_stay_by_end"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(type__in=LIES, status__in=["in_progress", "checked_out"]),
                name="one_stay_at_a_time",
                violation_error_message="Patienten ligger redan inne (VH-09).",
            ),
            models.UniqueConstraint(
                fields=["patient", "care_unit"],
                condition=Q(type=EMERGENCY, status__in=["in_progress", "checked_out"]),
                name="one_emergency_visit_at_a_unit",
                violation_error_message="Patienten är redan på akutmottagningen (VH-09).",
            ),
            models.CheckConstraint(name="encounter_status_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="encounter_ends_after_it_starts",
                condition=Q(end__isnull=True)
                | Q(end__gte=F("start"))
                | Q(status="ended", type__in=[ANNULLED, *PRE_REGISTRATIONS]),
                violation_error_message="Sluttiden kan inte ligga före starttiden (VH-16).",
            ),
            models.CheckConstraint(
                name="encounter_ended_has_an_end",
                condition=Q(status="ended", end__isnull=False) | (~Q(status="ended") & Q(end__isnull=True)),
                violation_error_message="En avslutad vårdhändelse har en sluttid, en annan har ingen (VH-16).",
            ),
            models.CheckConstraint(
                name="encounter_plan_in_order",
                condition=Q(planned_start__isnull=True, planned_end__isnull=True)
                | Q(planned_start__isnull=False, planned_end__isnull=True)
                | Q(planned_end__gt=F("planned_start")),
                violation_error_message="Bokat slut ska ligga efter bokad start.",
            ),
            models.CheckConstraint(
                name="encounter_planned_is_a_pre_registration",
                condition=~Q(status="planned") | Q(type__in=[*PRE_REGISTRATIONS, NO_SHOW_TYPE]),
                violation_error_message="Bara förhandsregistreringar och uteblivna är planerade (VH-07).",
            ),
            models.CheckConstraint(
                name="encounter_pre_registration_has_not_begun",
                condition=~Q(type__in=[*PRE_REGISTRATIONS, NO_SHOW_TYPE]) | Q(status__in=["planned", "ended"]),
                violation_error_message="En förhandsregistrering pågår inte: den omvandlas vid ankomst (VH-07).",
            ),
            models.CheckConstraint(
                name="encounter_checked_out_has_a_time",
                condition=~Q(status="checked_out") | Q(checked_out_at__isnull=False),
                violation_error_message="En utcheckad vårdhändelse har en utcheckningstid (UT-01).",
            ),
            models.CheckConstraint(
                name="encounter_automatic_check_out_has_a_time",
                condition=Q(is_check_out_automatic=False) | Q(checked_out_at__isnull=False),
            ),
            models.CheckConstraint(
                name="encounter_among_staff_is_no_visit",
                condition=~Q(contact_form=AMONG_STAFF) | Q(replaces_visit=False, in_programme=False),
                violation_error_message="Kontakt mellan personal ersätter inget besök (DI-07).",
            ),
            models.CheckConstraint(
                name="encounter_ways_in_and_out_known",
                condition=Q(admitted_from__in=["", *AdmittedFrom.values])
                & Q(discharged_to__in=["", *DischargedTo.values])
                & Q(broken_off__in=["", *BrokenOff.values]),
            ),
            models.CheckConstraint(
                name="encounter_assessed_after_it_starts",
                condition=Q(assessed_at__isnull=True) | Q(assessed_at__gte=F("start")) | Q(type=ANNULLED),
                violation_error_message="Läkarbedömningen kan inte ligga före ankomsten.",
            ),
            models.CheckConstraint(
                name="encounter_continues_another",
                condition=Q(continues__isnull=True) | ~Q(continues=F("id")),
            ),
            models.CheckConstraint(name="encounter_annulled_is_ended", condition=~Q(type=ANNULLED) | Q(status="ended")),
            models.CheckConstraint(
                name="encounter_in_whole_minutes",
                condition=Q(start=_whole_minute("start")) & (Q(end__isnull=True) | Q(end=_whole_minute("end"))),
                violation_error_message="Registrerade tider är hela minuter.",
            ),
        ]

    def __str__(self):
        return f"Vårdhändelse {self.number}"


class EncounterHistory(Row):
    """A move of an encounter: what, from which status and type to which, by whom. Part of the product, append-only.

    `by` is empty where the clock decided (a job)."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="history")
    move = models.CharField("händelse", max_length=20, choices=Move)
    source = models.CharField("från status", max_length=12, blank=True)
    target = models.CharField("till status", max_length=12)
    type_before = models.CharField("från typ", max_length=60, blank=True)
    type_after = models.CharField("till typ", max_length=60)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField("tidpunkt")
    registered_at = models.DateTimeField("registrerad", db_default=Now())
    reason = models.CharField("skäl", max_length=300, blank=True, db_default="")

    class Meta:
        verbose_name = "händelse i vårdhändelsens förlopp"
        verbose_name_plural = "vårdhändelsens förlopp"
        ordering = ["id"]
        triggers = [append_only()]


class EncounterParticipant(Row):
    """A practitioner of a contact; exactly one is main responsible in a team (BO-02)."""

    encounter = models.ForeignKey(Encounter, models.CASCADE, related_name="participants")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="participations")
    profession = models.ForeignKey(Profession, models.PROTECT, related_name="+", db_index=False)
    is_main_responsible = models.BooleanField("huvudansvarig", default=True)

    class Meta:
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(fields=["encounter", "practitioner"], name="participant_once"),
            models.UniqueConstraint(
                fields=["encounter"], condition=Q(is_main_responsible=True), name="one_main_responsible"
            ),
        ]


class PlaceStayQuerySet(models.QuerySet):
    def going_on(self):
        """Places that somebody has now."""
        return self.filter(period__upper_inf=True)

    def to_clean(self, care_unit):
        """Ids of the unit's free places that somebody has left since they were last cleaned."""
        left = self.filter(place__care_unit=care_unit, period__isempty=False, period__upper_inf=False)
        left = left.order_by().values("place").annotate(left_at=Max("period__endswith"))
        cleaned = Max("place__cleanings__at")
        held = self.going_on().filter(place=OuterRef("place"))
        found = left.annotate(cleaned_at=cleaned).filter(~Exists(held))
        return found.filter(Q(cleaned_at__isnull=True) | Q(cleaned_at__lt=F("left_at"))).values_list("place", flat=True)


class PlaceStay(Row):
    """A patient's time in a place; one patient at a time (VH-09). Open upwards while it goes on."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="place_stays")
    place = models.ForeignKey(Place, models.PROTECT, related_name="stays", db_index=False)
    period = DateTimeRangeField("tid")

    objects = PlaceStayQuerySet.as_manager()

    class Meta:
        verbose_name = "platsinnehav"
        verbose_name_plural = "platsinnehav"
        triggers = change_log()
        constraints = [
            ExclusionConstraint(
                name="one_patient_per_place",
                expressions=[("place", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                violation_error_message="Platsen har redan en patient (VH-09).",
            ),
            ExclusionConstraint(
                name="one_place_at_a_time",
                expressions=[("encounter", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                violation_error_message="Patienten har redan en plats då (VH-09).",
            ),
        ]


class EncounterDocument(Row):
    """That the medical record holds a note for the contact (VH-12, DI-04); told by the record system."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="documents")
    kind = models.CharField("slag", max_length=60)
    external_id = models.CharField("journalens id", max_length=120)
    removed_at = models.DateTimeField("makulerad", null=True)

    class Meta:
        triggers = change_log()
        constraints = [models.UniqueConstraint(fields=["encounter", "external_id"], name="document_told_once")]


class CashTransaction(Row):
    """A cashier transaction of a contact, as a fact (VH-12, AG-01): never deleted, only reversed by another. SEK."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="cash_transactions")
    external_id = models.CharField("kassans id", max_length=120, unique=True)
    amount = models.DecimalField("belopp i kronor", max_digits=9, decimal_places=2)
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    registered_at = models.DateTimeField("registrerad", db_default=Now())

    class Meta:
        triggers = [append_only()]
