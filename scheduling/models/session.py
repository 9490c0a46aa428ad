"""Grupptillfälle: one time for several patients, each with a booking and a vårdhändelse of their own (BO-02)."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from registration.models import ContactReason, VisitType
from sdv.accounts.models import User
from sdv.common.models import LockingQuerySet, Row, Versioned, change_log
from sdv.common.time import day_range
from sdv.organisation.models import CareUnit

MOST_SEATS = 200
# The names that the database refuses by, whatever the door (PL-06).
SEAT_TAKEN, BEYOND_CAPACITY = "session_seat_taken_once", "session_seat_beyond_capacity"


class SessionStatus(models.TextChoices):
    PLANNED = "planned", "Planerat"
    CANCELLED = "cancelled", "Inställt"


class SessionQuerySet(LockingQuerySet):
    def planned(self):
        return self.filter(status=SessionStatus.PLANNED)

    def on_day(self, day):
        start, end = day_range(day)
        return self.filter(start__gte=start, start__lt=end)

    def coming(self, at):
        """Planned and not over: somebody may still be booked (PL-23)."""
        return self.planned().filter(end__gt=at)

    def with_counts(self):
        """Each with how many seats are taken."""
        return self.annotate(taken=models.Count("participants"))


class Session(Versioned):
    """Grupptillfälle. Its resources' time is taken once, by the session; each participant takes a seat. `extra_seats` is
    how far it may be overbooked: a number per session (PL-06)."""

    care_unit = models.ForeignKey(
        CareUnit, models.PROTECT, related_name="sessions", verbose_name="vårdenhet", db_index=False
    )
    name = models.CharField("benämning", max_length=120)
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, related_name="+", verbose_name="besökstyp", db_index=False
    )
    contact_reason = models.ForeignKey(
        ContactReason, models.PROTECT, related_name="+", verbose_name="vårdkontaktsorsak", db_index=False
    )
    start = models.DateTimeField("start")
    end = models.DateTimeField("slut")
    seats = models.PositiveSmallIntegerField("platser")
    extra_seats = models.PositiveSmallIntegerField("platser för överbokning", default=0, db_default=0)
    resources = models.ManyToManyField("scheduling.Resource", related_name="sessions", verbose_name="resurser")
    status = models.CharField("status", max_length=10, choices=SessionStatus, default=SessionStatus.PLANNED)
    cancelled_at = models.DateTimeField("inställt", null=True)
    cancelled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    cancel_reason = models.CharField("orsak", max_length=200, blank=True, default="", db_default="")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField("planerat", db_default=Now())

    # Who changed, moved or cancelled it last: the second of two is told (PL-27).
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    changed_at = models.DateTimeField("ändrat", null=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = "grupptillfälle"
        verbose_name_plural = "grupptillfällen"
        indexes = [models.Index(fields=["care_unit", "start", "id"], name="session_by_unit_and_time")]
        constraints = [
            models.CheckConstraint(name="session_ends_after_it_starts", condition=Q(end__gt=F("start"))),
            models.CheckConstraint(name="session_status_known", condition=Q(status__in=SessionStatus.values)),
            models.CheckConstraint(
                name="session_has_seats",
                condition=Q(seats__gte=1, seats__lte=MOST_SEATS, extra_seats__lte=MOST_SEATS),
                violation_error_message=f"Ett grupptillfälle har mellan 1 och {MOST_SEATS} platser.",
            ),
            models.CheckConstraint(
                name="session_change_says_who_and_when",
                condition=Q(changed_by__isnull=True, changed_at__isnull=True)
                | Q(changed_by__isnull=False, changed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="session_cancelled_says_who_when_and_why",
                condition=Q(status="planned", cancelled_at__isnull=True, cancelled_by__isnull=True, cancel_reason="")
                | (Q(status="cancelled", cancelled_at__isnull=False) & ~Q(cancel_reason="")),
            ),
        ]
        triggers = [
            *change_log(),
            pgtrigger.Trigger(
                name="seats_not_below_taken",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("seats", "extra_seats"),
                func=f"""
                    IF EXISTS (SELECT FROM scheduling_sessionparticipant p
                               WHERE p.session_id = NEW.id AND p.seat > NEW.seats + NEW.extra_seats) THEN
                        RAISE EXCEPTION '{BEYOND_CAPACITY}' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self):
        return self.name


class SessionParticipant(Row):
    """A seat taken on a session, as long as the booking lives. That there are never more than the session has is the
    database's to see to, whatever the door (PL-06): each seat once, and none beyond its number."""

    session = models.ForeignKey(
        Session, models.PROTECT, related_name="participants", verbose_name="grupptillfälle", db_index=False
    )
    seat = models.PositiveSmallIntegerField("plats")
    appointment = models.OneToOneField(
        "scheduling.Appointment", models.CASCADE, related_name="seat", verbose_name="bokning"
    )

    class Meta:
        verbose_name = "deltagare"
        verbose_name_plural = "deltagare"
        constraints = [
            models.UniqueConstraint(fields=["session", "seat"], name=SEAT_TAKEN),
            models.CheckConstraint(name="session_seat_from_one", condition=Q(seat__gte=1)),
        ]
        triggers = [
            *change_log(),
            pgtrigger.Trigger(
                name="seat_within_capacity",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("session_id", "seat"),
                declare=[("most", "integer")],
                # A cancelled session takes nobody new; who was booked on it, and comes back by an undo, has the seat again.
                func=f"""
                    SELECT s.seats + s.extra_seats INTO most FROM scheduling_session s
                    WHERE s.id = NEW.session_id AND (s.status = 'planned' OR EXISTS (
                        SELECT FROM scheduling_appointment a
                        WHERE a.id = NEW.appointment_id AND a.session_id = s.id AND a.status = 'cancelled'))
                    FOR NO KEY UPDATE;
                    IF most IS NULL OR NEW.seat > most THEN
                        RAISE EXCEPTION '{BEYOND_CAPACITY}' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
