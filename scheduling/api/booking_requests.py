"""Bokningsbegäran: list, make, change, close (BB-01)."""

from django.db.models import Prefetch
from rest_framework import serializers

from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.patients import PatientSummary, known_patient, summary_of_row, with_identity
from registration.models import Patient
from scheduling.actions import work_items
from scheduling.dates import of_request, with_dates
from scheduling.models import BookingRequest, BookingRequestStatus, Resource, RowLock
from scheduling.request_filters import LATE
from scheduling.rules import ROW_LOCK_TIME
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.models import Practitioner
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Text
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .dates import DatesAnswer, dates_answer
from .follow_ups import user_of
from .request_filters import ListFilters, PersonalFilters, by_filters, digits_of, view_of
from .slots import ResourceAnswer, resource_answer

TAG = "Bokningsbegäran"


class _Wanted(ListFilters):
    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(
        choices=[*BookingRequestStatus.values, LATE],
        required=False,
        help_text="`late`: väntar, och sista begärda dagen har passerat.",
    )


class BookingRequestQuery(PageQuery, _Wanted):
    """Filters of bokningsbegäran."""


class BookingRequestSearch(_Wanted, PersonalFilters):
    """All of them, and those that never stand in an address."""


class NewBookingRequestBody(Fields):
    """A bokningsbegäran made directly."""

    patient = Id()
    care_unit = RowId(CareUnit)
    visit_type = VisitTypeCode()
    contact_reason = ContactReasonCode()
    wished_from = Day()
    wished_to = Day()
    wished_place = Text(max_length=120, allow_blank=True, required=False)
    wished_resource = RowId(Resource, required=False, allow_null=True)
    to_practitioner = RowId(Practitioner, required=False, allow_null=True)
    description = Text(max_length=500, allow_blank=True, required=False)
    commitment = Id(required=False, allow_null=True)


class BookingRequestChanges(Fields):
    """What can be changed while it waits. `confirm` makes an uppföljningsbegäran a bokningsbegäran (UT-06)."""

    wished_from = Day(required=False)
    wished_to = Day(required=False)
    wished_place = Text(max_length=120, allow_blank=True, required=False)
    wished_resource = RowId(Resource, required=False, allow_null=True)
    to_practitioner = RowId(Practitioner, required=False, allow_null=True)
    description = Text(max_length=500, allow_blank=True, required=False)
    confirm = Flag(required=False)


class CloseRequestBody(Fields):
    """Why it will not be booked."""

    reason = Text(max_length=200, allow_blank=True)


class WorkedByAnswer(Answer):
    """Who works with a row, or took it over, and since when."""

    by = serializers.CharField()
    at = serializers.DateTimeField()


class BookingRequestAnswer(Answer):
    """Bokningsbegäran with the instruction's columns (BB-01)."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    facility = serializers.CharField(help_text="Vårdinrättning.")
    status = serializers.ChoiceField(choices=BookingRequestStatus.values)
    visit_type = Coded()
    contact_reason = Coded()
    wished_from = serializers.DateField()
    wished_to = serializers.DateField()
    dates = DatesAnswer()
    wished_place = serializers.CharField()
    wished_resource = ResourceAnswer(allow_null=True)
    to = serializers.CharField(allow_null=True, help_text="Vem den är riktad till.")
    description = serializers.CharField()
    commitment = serializers.UUIDField(allow_null=True)
    close_reason = serializers.CharField()
    closed_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    worked_by = WorkedByAnswer(allow_null=True, help_text="Vem som arbetar med raden just nu (PL-27).")
    taken_over = WorkedByAnswer(allow_null=True, help_text="Vem som senast tog över den från en annan enhet (PL-25).")


BookingRequestPage = page_of("BookingRequestPage", BookingRequestAnswer)


def booking_request_rows(rows=None, *, at):
    """Requests with everything that their answer shows: one query, three for the dates of all of them, and one for who works
    with them."""
    rows = BookingRequest.objects.all() if rows is None else rows
    locks = RowLock.objects.living(at - ROW_LOCK_TIME).select_related("user")
    return with_identity(
        with_dates(rows)
        .select_related(
            "patient",
            "care_unit__facility",
            "visit_type",
            "contact_reason",
            "wished_resource",
            "addressee",
            "taken_over_by",
        )
        .prefetch_related(Prefetch("row_lock", queryset=locks))
    )


def booking_request_answer(row, *, on):
    lock = getattr(row, "row_lock", None)
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "facility": row.care_unit.facility.name,
        "status": row.status,
        "visit_type": coded(row.visit_type),
        "contact_reason": coded(row.contact_reason),
        "wished_from": day(row.wished_from),
        "wished_to": day(row.wished_to),
        "dates": dates_answer(of_request(row)),
        "wished_place": row.wished_place,
        "wished_resource": resource_answer(row.wished_resource),
        "to": row.addressee.name if row.addressee else None,
        "description": row.description,
        "commitment": str(row.commitment_id) if row.commitment_id else None,
        "close_reason": row.close_reason,
        "closed_at": moment(row.closed_at),
        "created_at": moment(row.created_at),
        "worked_by": {"by": lock.user.name, "at": moment(lock.taken_at)} if lock else None,
        "taken_over": {"by": taker.name, "at": moment(row.taken_over_at)} if (taker := row.taken_over_by) else None,
    }


class RequestEndpoint(Endpoint):
    """What every address of bokningsbegäran shares."""

    def shown(self, pk, what, *, status=200):
        row = booking_request_rows(at=self.at).get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(booking_request_answer(row, on=local_date(self.at)), status=status, version=row.version)

    def listed(self, request, asked, page_asked):
        """A page of the units' requests; of a view only those that wait."""
        view = view_of(asked, self.actor)
        unit = asked.get("care_unit", view.care_unit_id if view else None)
        rows = booking_request_rows(at=self.at).filter(care_unit__in=self.at_units(unit))
        if view:
            rows = rows.waiting()
        if "patient" in asked:
            rows = rows.filter(patient=asked["patient"])
        rows = by_filters(rows, asked, view, at=self.at, user=self.actor.user)
        page = by_cursor(request, rows, asked=page_asked, field=BookingRequest.URGENCY)
        self.log([row.patient_id for row in page.rows], "bokningsbegäran", care_unit_id=unit)
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: booking_request_answer(row, on=today)))

    def require_at(self, pk):
        self.require(BookingRequest.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class BookingRequests(RequestEndpoint):
    """GET and POST booking-requests/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS, "POST": Permission.HANDLE_WORK_LISTS}

    @operation(
        "booking_requests_list",
        "Bokningsbegäran vid enheten",
        tag=TAG,
        query=BookingRequestQuery,
        answer=BookingRequestPage,
        has_id=False,
    )
    def get(self, request):
        asked = self.query(BookingRequestQuery)
        return self.listed(request, asked, asked)

    @operation(
        "booking_requests_create",
        "Gör en bokningsbegäran",
        tag=TAG,
        body=NewBookingRequestBody,
        answer=BookingRequestAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewBookingRequestBody)
        self.require_for_body(asked["care_unit"].pk)
        try:
            made = work_items.request_booking(
                patient_id=asked.pop("patient"),
                commitment_id=asked.pop("commitment", None),
                addressee=user_of(asked.pop("to_practitioner", None), "to_practitioner"),
                **asked,
                by=self.actor.user,
                at=self.at,
            )
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(made.pk, "bokningsbegäran gjord", status=201)


class SearchBookingRequests(RequestEndpoint):
    """POST booking-requests/search/: also by what could tell who a person is, so that it stands in no address."""

    permissions = {"POST": Permission.VIEW_WORK_LISTS}
    keeps_answers = False

    @operation(
        "booking_requests_search",
        "Sök i bokningsbegäran, också på person-ID, namn och beskrivning",
        tag=TAG,
        body=BookingRequestSearch,
        query=PageQuery,
        answer=BookingRequestPage,
        is_post=True,
        has_id=False,
        keeps_answers=False,
    )
    def post(self, request):
        return self.listed(request, digits_of(self.body(BookingRequestSearch)), self.query(PageQuery))


class OneBookingRequest(RequestEndpoint):
    """GET and PATCH booking-requests/{id}/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS, "PATCH": Permission.HANDLE_WORK_LISTS}

    @operation("booking_requests_read", "Läs en bokningsbegäran", tag=TAG, answer=BookingRequestAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk, "bokningsbegäran")

    @operation(
        "booking_requests_edit",
        "Ändra önskad resurs, intervall, plats eller beskrivning",
        tag=TAG,
        body=BookingRequestChanges,
        answer=BookingRequestAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk):
        self.require_at(pk)
        changes = self.body(BookingRequestChanges)
        if not changes:
            raise InputError(body="Ange vad som ska ändras.")
        if "to_practitioner" in changes:
            changes["addressee"] = user_of(changes.pop("to_practitioner"), "to_practitioner")
        work_items.change_request(request_id=pk, by=self.actor.user, at=self.at, version=self.version, **changes)
        return self.shown(pk, "bokningsbegäran ändrad")


class CloseBookingRequest(RequestEndpoint):
    """POST booking-requests/{id}/close/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}

    @operation(
        "booking_requests_close",
        "Avsluta en bokningsbegäran som inte ska bokas",
        tag=TAG,
        body=CloseRequestBody,
        answer=BookingRequestAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(CloseRequestBody)["reason"]
        work_items.close_request(request_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "bokningsbegäran avslutad")
