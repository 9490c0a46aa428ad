"""Besöksplaner by REST: coordinated visits (visit-plans/) and series (series/), proposed and booked together (BO-02,
PL-08)."""

from rest_framework import serializers

from registration.api.coded import ContactReasonCode, RowId, VisitTypeCode
from registration.api.patients import known_patient
from registration.models import Patient
from scheduling import planning
from scheduling.actions import plans
from scheduling.models import CancelledBy, PlanKind
from scheduling.rules import MOST_IN_PLAN
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Id, Listed, Moment, Number, Text
from sdv.common.errors import InputError
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .appointments import AppointmentAnswer, AppointmentEndpoint, appointment_answer, appointment_rows, parts_of
from .letter_choices import LetterChoicesBody, letter_wish
from .slots import LONGEST_SPAN, SlotAnswer, slot_answer

TAG = "Besöksplaner"


class WishBody(Fields):
    """A visit to find a time for; with whom, where that is wished."""

    care_unit = RowId(CareUnit, required=False, allow_null=True, help_text="Där inget sägs: planens care_unit.")
    also_units = Listed(
        RowId(CareUnit), max_length=20, required=False, help_text="Fler enheter att söka, där kontot får boka."
    )
    visit_type = VisitTypeCode()
    resource = Id(required=False, allow_null=True)


# A class body cannot have a field called from.
PlanProposalBody = type(
    "PlanProposalBody",
    (Fields,),
    {
        "__doc__": "The visits to find times for, on one day between `from` and `to`.",
        "care_unit": RowId(CareUnit),
        "visits": WishBody(many=True, max_length=planning.MOST_TOGETHER),
        "from": Day(required=False),
        "to": Day(required=False),
    },
)


class SeriesProposalBody(WishBody):
    """One visit, how many times and how often."""

    care_unit = RowId(CareUnit)
    first = Moment()
    count = Number(min_value=2, max_value=MOST_IN_PLAN)
    every_weeks = Number(required=False, min_value=1, max_value=12)
    weekdays = Listed(Number(min_value=1, max_value=7), max_length=7, required=False)


class ProposalAnswer(Answer):
    """A visit's proposed time; a misfit where its own is not free."""

    is_misfit = serializers.BooleanField()
    wished_start = serializers.DateTimeField(allow_null=True)
    slot = SlotAnswer(allow_null=True)
    alternatives = SlotAnswer(many=True)


class ProposalsAnswer(Answer):
    """A proposal for each visit, in their order."""

    proposals = ProposalAnswer(many=True)


class PlannedVisitBody(Fields):
    """A visit of the plan, as it is to be booked."""

    care_unit = RowId(CareUnit)
    visit_type = VisitTypeCode()
    contact_reason = ContactReasonCode()
    start = Moment()
    end = Moment()
    resources = Listed(Id(), max_length=20)
    main_responsible = Id(required=False, allow_null=True)
    booking_request = Id(required=False, allow_null=True)
    commitment = Id(required=False, allow_null=True)


class VisitPlanBody(Fields):
    """Visits to book together, all or none."""

    patient = Id()
    visits = PlannedVisitBody(many=True, max_length=MOST_IN_PLAN)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    reason = Text(max_length=200, allow_blank=True, required=False)
    letter = Flag(required=False)
    letter_choices = LetterChoicesBody(required=False)


class VisitPlanAnswer(Answer):
    """A plan and its bookings."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=PlanKind.values)
    appointments = AppointmentAnswer(many=True)


class MoveRestBody(Fields):
    """The new time of this booking; the rest of its plan follows: a series as many days and to the same clock, coordinated
    visits with their distances kept."""

    start = Moment()
    changed_by = Choice(choices=CancelledBy.values, required=False)
    reason = Text(max_length=200, allow_blank=True, required=False)
    accept_warnings = Listed(Text(max_length=20), max_length=20, required=False)
    letter = Flag(required=False)
    letter_choices = LetterChoicesBody(required=False)


class _Proposals(Endpoint):
    """Reads and saves nothing; posted because of what it asks."""

    permissions = {"POST": Permission.VIEW_SCHEDULES}

    def wish(self, asked, at_unit):
        """The visit to find a time for, at units where the caller may ask."""
        if at_unit:
            self.require_for_body(at_unit.pk)
        also = tuple(asked.get("also_units", ()))
        for each in also:
            # A time that may not be taken is not shown (PL-25).
            self.require_for_body(each.pk, Permission.BOOK)
        return planning.Wish(asked["visit_type"], asked.get("resource"), at_unit, also)


class PlanProposals(_Proposals):
    """POST visit-plans/proposals/."""

    @operation(
        "visit_plans_propose",
        "Föreslå tider för samordnade besök; inget sparas",
        tag=TAG,
        body=PlanProposalBody,
        answer=ProposalsAnswer,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(PlanProposalBody)
        unit = asked["care_unit"]
        self.require_for_body(unit.pk)
        wishes = [self.wish(each, each.get("care_unit")) for each in asked["visits"]]
        if not wishes:
            raise InputError(visits="Ange minst ett besök.")
        first = asked.get("from", local_date(self.at))
        last = asked.get("to", first)
        if not first <= last <= first + LONGEST_SPAN:
            raise InputError(to="Ange en sista dag som inte ligger före den första, och högst 92 dagar bort.")
        span = {"from_day": first, "to_day": last}
        found = planning.together(care_unit=unit, wishes=wishes, at=self.at, by=self.actor.user, **span)
        return self.answer({"proposals": [_proposal(each) for each in found]})


class SeriesProposals(_Proposals):
    """POST series/proposals/."""

    @operation(
        "series_propose",
        "Föreslå tider för en serie; inget sparas",
        tag=TAG,
        body=SeriesProposalBody,
        answer=ProposalsAnswer,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(SeriesProposalBody)
        unit = asked["care_unit"]
        found = planning.series(
            care_unit=unit,
            wish=self.wish(asked, unit),
            first=asked["first"],
            count=asked["count"],
            every_weeks=asked.get("every_weeks", 1),
            weekdays=tuple(set(asked.get("weekdays", ()))),
            at=self.at,
            by=self.actor.user,
        )
        return self.answer({"proposals": [_proposal(each) for each in found]})


def _proposal(each):
    return {
        "is_misfit": each.is_misfit,
        "wished_start": moment(each.wished),
        "slot": slot_answer(each.slot) if each.slot else None,
        "alternatives": [slot_answer(slot) for slot in each.alternatives],
    }


def _books(name, summary):
    return operation(
        name,
        summary,
        tag=TAG,
        body=VisitPlanBody,
        answer=VisitPlanAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )


class _Plans(Endpoint):
    permissions = {"POST": Permission.BOOK}

    def book(self, kind):
        asked = self.body(VisitPlanBody)
        for visit in asked["visits"]:
            self.require_for_body(visit["care_unit"].pk)
        try:
            plan, made = plans.book(
                kind=kind,
                patient_id=asked["patient"],
                visits=[_visit(visit) for visit in asked["visits"]],
                accept_warnings=asked.get("accept_warnings", ()),
                reason=asked.get("reason", ""),
                **letter_wish(asked),
                by=self.actor.user,
                at=self.at,
            )
        except Patient.DoesNotExist:
            raise known_patient() from None
        for unit_id in {row.care_unit_id for row in made}:
            self.log([made[0].patient_id], "besöksplan bokad", care_unit_id=unit_id)
        body = {"id": str(plan.pk), "kind": plan.kind, "appointments": _answers(made, self.at)}
        return self.answer(body, status=201)


class VisitPlans(_Plans):
    """POST visit-plans/."""

    @_books("visit_plans_create", "Boka samordnade besök på en gång; passar något inte bokas inget")
    def post(self, request):
        return self.book(PlanKind.COORDINATED)


class Series(_Plans):
    """POST series/."""

    @_books("series_create", "Boka en serie på en gång; passar något inte bokas inget")
    def post(self, request):
        return self.book(PlanKind.SERIES)


def _visit(asked):
    return {
        "care_unit": asked["care_unit"],
        "visit_type": asked["visit_type"],
        "contact_reason_id": asked["contact_reason"].pk,
        "start": asked["start"],
        "end": asked["end"],
        "resource_ids": asked["resources"],
        "main_resource_id": asked.get("main_responsible"),
        "booking_request_id": asked.get("booking_request"),
        "commitment_id": asked.get("commitment"),
    }


def _answers(made, at):
    units = {row.care_unit_id for row in made}
    rows = list(appointment_rows().filter(pk__in=[row.pk for row in made], care_unit__in=units).order_by("start", "id"))
    parts = parts_of(rows)
    return [appointment_answer(row, parts, on=local_date(at)) for row in rows]


class MoveRest(AppointmentEndpoint):
    """POST appointments/{id}/rest/reschedule/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "appointments_reschedule_rest",
        "Flytta bokningen och resten av dess plan, alla eller ingen",
        tag=TAG,
        body=MoveRestBody,
        answer=AppointmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(MoveRestBody)
        asked |= letter_wish(asked, otherwise=None)
        plans.move_rest(appointment_id=pk, by=self.actor.user, at=self.at, version=self.version, **asked)
        return self.shown(pk, "resten av planen ombokad")
