"""Grupptillfällen by REST: plan, change, move, cancel, and who takes part (BO-02, PL-06)."""

from rest_framework import serializers

from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.patients import known_patient
from registration.models import Patient
from scheduling.actions import sessions, sharing
from scheduling.models import Appointment, BookingRequest, Session, SessionStatus
from scheduling.models.session import MOST_SEATS
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Listed, Moment, Number, Text
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import day_range
from sdv.organisation.models import CareUnit

from .appointments import AppointmentAnswer, AppointmentEndpoint
from .letter_choices import LetterChoicesBody, letter_wish
from .slots import ResourceAnswer, resource_answer

TAG = "Grupptillfällen"


class SessionQuery(PageQuery):
    """Filters of grupptillfällen."""

    care_unit = Id(required=False)
    date = Day(required=False)
    status = Choice(choices=SessionStatus.values, required=False)


class SessionBody(Fields):
    """A session to plan. The reason is what participants are booked with where nothing else is said (VO-01)."""

    care_unit = RowId(CareUnit)
    name = Text(max_length=120)
    visit_type = VisitTypeCode()
    contact_reason = ContactReasonCode()
    start = Moment()
    end = Moment()
    seats = Number(min_value=1, max_value=MOST_SEATS)
    extra_seats = Number(required=False, min_value=0, max_value=MOST_SEATS, help_text="Hur många som kan överbokas.")
    resources = Listed(Id(), max_length=20)


class SessionChange(Fields):
    """What may be changed without moving the session."""

    name = Text(max_length=120, required=False)
    seats = Number(required=False, min_value=1, max_value=MOST_SEATS)
    extra_seats = Number(required=False, min_value=0, max_value=MOST_SEATS)


class SessionMove(Fields):
    """The new time, and who leads it where somebody else does."""

    start = Moment()
    end = Moment()
    resources = Listed(Id(), max_length=20, required=False)
    letter = Flag(required=False, help_text="Skriv brev också till den som inte fått något.")


class SessionCancel(Fields):
    """Why the session is cancelled."""

    reason = Text(max_length=200)


class SessionParticipantBody(Fields):
    """A patient to book on the session, or a booking to move to it."""

    patient = Id(required=False)
    appointment = Id(required=False, help_text="En bokning som flyttas hit i stället för en ny.")
    contact_reason = ContactReasonCode(required=False, allow_null=True)
    booking_request = Id(required=False, allow_null=True)
    commitment = Id(required=False, allow_null=True)
    overbook = Flag(required=False)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    reason = Text(max_length=200, allow_blank=True, required=False, help_text="Skäl till dubbelbokning (PL-06).")
    letter = Flag(required=False)
    letter_choices = LetterChoicesBody(required=False)


class SessionAnswer(Answer):
    """Grupptillfälle. Its participants are bookings: appointments/?session=."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    care_unit = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=SessionStatus.values)
    visit_type = Coded()
    contact_reason = Coded()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    seats = serializers.IntegerField()
    extra_seats = serializers.IntegerField()
    taken = serializers.IntegerField()
    resources = ResourceAnswer(many=True)
    cancel_reason = serializers.CharField()
    cancelled_at = serializers.DateTimeField(allow_null=True)


class NotArrived(Answer):
    """A participant whose arrival was refused, and why."""

    appointment = serializers.UUIDField()
    rule = serializers.CharField()
    detail = serializers.CharField()


class ArrivedAnswer(Answer):
    """Who arrived, and who could not."""

    arrived = serializers.ListField(child=serializers.UUIDField())
    refused = NotArrived(many=True)


def session_rows():
    return Session.objects.select_related("visit_type", "contact_reason").prefetch_related("resources").with_counts()


def session_answer(row):
    return {
        "id": str(row.pk),
        "version": row.version,
        "care_unit": str(row.care_unit_id),
        "name": row.name,
        "status": row.status,
        "visit_type": coded(row.visit_type),
        "contact_reason": coded(row.contact_reason),
        "start": moment(row.start),
        "end": moment(row.end),
        "seats": row.seats,
        "extra_seats": row.extra_seats,
        "taken": row.taken,
        "resources": [resource_answer(each) for each in row.resources.all()],
        "cancel_reason": row.cancel_reason,
        "cancelled_at": moment(row.cancelled_at),
    }


class _Session(Endpoint):
    def shown(self, pk, *, status=200):
        row = session_rows().get(pk=pk)
        return self.answer(session_answer(row), status=status, version=row.version)

    def require_at(self, pk):
        self.require(Session.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class Sessions(_Session):
    """GET and POST sessions/."""

    permissions = {"GET": Permission.VIEW_SCHEDULES, "POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "sessions_list",
        "Grupptillfällen i tidsordning",
        tag=TAG,
        query=SessionQuery,
        answer=page_of("SessionPage", SessionAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(SessionQuery)
        rows = session_rows().filter(care_unit__in=self.at_units(asked.get("care_unit")))
        if "date" in asked:
            start, end = day_range(asked["date"])
            rows = rows.filter(start__gte=start, start__lt=end)
        if "status" in asked:
            rows = rows.filter(status=asked["status"])
        return self.answer(by_cursor(request, rows, asked=asked, field="start").answer(session_answer))

    @operation(
        "sessions_create",
        "Planera ett grupptillfälle",
        tag=TAG,
        body=SessionBody,
        answer=SessionAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(SessionBody)
        self.require_for_body(asked["care_unit"].pk)
        session = sessions.plan(
            care_unit=asked["care_unit"],
            name=asked["name"],
            visit_type=asked["visit_type"],
            contact_reason_id=asked["contact_reason"].pk,
            start=asked["start"],
            end=asked["end"],
            seats=asked["seats"],
            extra_seats=asked.get("extra_seats", 0),
            resource_ids=asked["resources"],
            by=self.actor.user,
            at=self.at,
        )
        return self.shown(session.pk, status=201)


class OneSession(_Session):
    """GET and PATCH sessions/{id}/."""

    permissions = {"GET": Permission.VIEW_SCHEDULES, "PATCH": Permission.MAINTAIN_SCHEDULES}

    @operation("sessions_read", "Läs ett grupptillfälle", tag=TAG, answer=SessionAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk)

    @operation(
        "sessions_change", "Ändra benämning och platser", tag=TAG, body=SessionChange, answer=SessionAnswer,
        is_versioned=True, conflicts=True,
    )  # fmt: skip
    def patch(self, request, pk):
        self.require_at(pk)
        asked = self.body(SessionChange)
        if not asked:
            raise InputError(name="Ange vad som ska ändras.")
        sessions.change(session_id=pk, version=self.version, by=self.actor.user, at=self.at, **asked)
        return self.shown(pk)


class MoveSession(_Session):
    """POST sessions/{id}/move/."""

    permissions = {"POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "sessions_move",
        "Flytta tillfället med alla deltagare: den nya tiden tas innan den gamla släpps",
        tag=TAG,
        body=SessionMove,
        answer=SessionAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(SessionMove)
        sessions.move(
            session_id=pk,
            start=asked["start"],
            end=asked["end"],
            resource_ids=asked.get("resources"),
            letter=asked.get("letter"),
            version=self.version,
            by=self.actor.user,
            at=self.at,
        )
        return self.shown(pk)


class CancelSession(_Session):
    """POST sessions/{id}/cancel/."""

    permissions = {"POST": Permission.MAINTAIN_SCHEDULES}

    @operation(
        "sessions_cancel",
        "Ställ in tillfället: deltagarna hamnar i Ombokningar",
        tag=TAG,
        body=SessionCancel,
        answer=SessionAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(SessionCancel)
        sessions.cancel(session_id=pk, reason=asked["reason"], version=self.version, by=self.actor.user, at=self.at)
        return self.shown(pk)


class SessionArrivals(_Session):
    """POST sessions/{id}/arrive/."""

    permissions = {"POST": Permission.REGISTER_ARRIVAL}

    @operation("sessions_arrive", "Alla har kommit", tag=TAG, body=Fields, answer=ArrivedAnswer, is_post=True)
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        arrived, refused = sessions.arrive_all(session_id=pk, by=self.actor.user, at=self.at)
        care_unit_id = Session.objects.values_list("care_unit_id", flat=True).get(pk=pk)
        self.log([row.patient_id for row in arrived], "gruppankomst", care_unit_id=care_unit_id, resource_id=pk)
        return self.answer(
            {
                "arrived": [str(row.pk) for row in arrived],
                "refused": [
                    {"appointment": str(appointment_id), "rule": error.rule, "detail": error.sentence}
                    for appointment_id, error in refused
                ],
            }
        )


class SessionParticipants(AppointmentEndpoint):
    """POST sessions/{id}/participants/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "sessions_participants_create",
        "Boka en patient på tillfället, eller flytta en bokning hit; If-Match är den flyttade bokningens",
        tag=TAG,
        body=SessionParticipantBody,
        answer=AppointmentAnswer,
        status=201,
        is_versioned=True,
        is_post=True,
    )
    def post(self, request, pk):
        unit = CareUnit.objects.get(sessions=pk)
        self.require(unit.pk)
        asked = self.body(SessionParticipantBody)
        if asked.get("overbook"):
            self.require(unit.pk, Permission.OVERBOOK)
        if ("patient" in asked) == ("appointment" in asked):
            raise InputError(patient="Ange antingen patient eller appointment.")
        same = {
            "session_id": pk,
            "overbook": asked.get("overbook", False),
            "accept_warnings": asked.get("accept_warnings", ()),
            "reason": asked.get("reason", ""),
            **letter_wish(asked, otherwise=None if "appointment" in asked else False),
            "by": self.actor.user,
            "at": self.at,
        }
        if "appointment" in asked:
            if not Appointment.objects.filter(pk=asked["appointment"], care_unit=unit).exists():
                raise InputError(appointment="Bokningen finns inte på vårdenheten.")
            row = sessions.change_session(appointment_id=asked["appointment"], version=self.version, **same)
            return self.shown(row.pk, "bokning flyttad till grupptillfälle", status=201)
        reason = asked.get("contact_reason")
        try:
            if asked.get("booking_request") and sharing.waits_elsewhere(asked["booking_request"], unit):
                self.require(unit.pk, Permission.HANDLE_WORK_LISTS)
            row = sharing.book_seat(
                care_unit=unit,
                patient_id=asked["patient"],
                contact_reason_id=reason.pk if reason else None,
                booking_request_id=asked.get("booking_request"),
                commitment_id=asked.get("commitment"),
                **same,
            )
        except Patient.DoesNotExist:
            raise known_patient() from None
        except BookingRequest.DoesNotExist:
            raise InputError(booking_request="Bokningsbegäran finns inte. Läs in listan igen.") from None
        return self.shown(row.pk, "bokning på grupptillfälle", status=201)
