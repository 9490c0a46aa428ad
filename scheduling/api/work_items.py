"""Avvakta, Saknar återbesök and Uteblivna: the answer that came, and the decision (UT-04, UT-05, PL-05); outcomes."""

from rest_framework import serializers

from registration.api.patients import PatientSummary, summary_of_row, with_identity
from scheduling.actions import work_items
from scheduling.models import AwaitedResult, BookingRequest, MissingFollowUp, NoShowItem, Outcome
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Text
from sdv.common.time import local_date

from .follow_ups import FollowUpBody, ending_reason, follow_up_of

TAG = "Arbetslistor"
DECISIONS = [work_items.FOLLOW_UP, work_items.END_COMMITMENT, work_items.NOTHING_MORE]


class DecisionBody(Fields):
    """What comes next: a follow-up, the end of the vårdåtagande with its reason, or nothing more."""

    decision = Choice(choices=DECISIONS)
    follow_up = FollowUpBody(required=False)
    reason = Text(max_length=80, allow_blank=True, required=False)


class WorkItemAnswer(Answer):
    """An item of a work list that a person decides."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    encounter = serializers.UUIDField()
    commitment = serializers.UUIDField(allow_null=True)
    status = serializers.CharField()
    watch_until = serializers.DateField()
    responsible = serializers.CharField(allow_null=True)
    reason = Coded(allow_null=True)
    waiting_for = serializers.CharField()
    result_at = serializers.DateTimeField(allow_null=True)
    decision = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)


def work_item_rows(rows):
    """Items with everything that their answer shows, in one query."""
    reason = ["reason"] if rows.model is AwaitedResult else []
    return with_identity(rows.select_related("patient", "responsible", *reason))


def work_item_answer(row, *, on):
    is_awaited = isinstance(row, AwaitedResult)
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "encounter": str(row.encounter_id),
        "commitment": str(row.commitment_id) if row.commitment_id else None,
        "status": row.status,
        "watch_until": day(row.watch_until),
        "responsible": row.responsible.name if row.responsible else None,
        "reason": coded(row.reason) if is_awaited else None,
        "waiting_for": row.waiting_for if is_awaited else "",
        "result_at": moment(row.result_at) if is_awaited else None,
        "decision": row.decision,
        "decided_at": moment(row.decided_at),
    }


class _Item(Endpoint):
    model = None

    def shown(self, pk, what):
        row = work_item_rows(self.model.objects.all()).get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(work_item_answer(row, on=local_date(self.at)), version=row.version)

    def require_at(self, pk):
        self.require(self.model.objects.values_list("care_unit_id", flat=True).get(pk=pk))

    def decide(self, pk):
        self.require_at(pk)
        asked = self.body(DecisionBody)
        work_items.decide(
            model=self.model,
            item_id=pk,
            decision=asked["decision"],
            follow_up=follow_up_of(asked["follow_up"]) if "follow_up" in asked else None,
            reason=ending_reason(asked.get("reason"), at=self.at),
            by=self.actor.user,
            at=self.at,
            version=self.version,
        )
        return self.shown(pk, "beslut i arbetslista")


def _decides(name, summary):
    return operation(name, summary, tag=TAG, body=DecisionBody, answer=WorkItemAnswer, is_post=True, is_versioned=True)


class ResultCame(_Item):
    """POST work-lists/awaiting-result/{id}/result/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}
    model = AwaitedResult

    @operation(
        "awaiting_result_result",
        "Svaret har kommit: be om beslut",
        tag=TAG,
        body=Fields,
        answer=WorkItemAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        work_items.register_result(item_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "svar registrerat")


class DecideAwaited(_Item):
    """POST work-lists/awaiting-result/{id}/decide/."""

    permissions = {"POST": Permission.DECIDE_CARE}
    model = AwaitedResult

    @_decides("awaiting_result_decide", "Besluta i Avvakta")
    def post(self, request, pk):
        return self.decide(pk)


class AwaitBody(Fields):
    """What is awaited before anything is booked: an Avvakta reason, what it is, and until when it is watched."""

    reason = Text(max_length=80)
    waiting_for = Text(max_length=120, allow_blank=True, required=False)
    watch_until = Day(required=False)


class AwaitAnswer(_Item):
    """POST booking-requests/{id}/await-result/."""

    permissions = {"POST": Permission.DECIDE_CARE}
    model = AwaitedResult

    @operation(
        "booking_requests_await_result",
        "Avvakta ett svar i stället för att boka (UT-04)",
        tag=TAG,
        body=AwaitBody,
        answer=WorkItemAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require(BookingRequest.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        asked = self.body(AwaitBody)
        item = work_items.await_answer(request_id=pk, by=self.actor.user, at=self.at, version=self.version, **asked)
        return self.shown(item.pk, "avvaktar svar")


class DecideMissing(_Item):
    """POST work-lists/missing-follow-up/{id}/decide/."""

    permissions = {"POST": Permission.DECIDE_CARE}
    model = MissingFollowUp

    @_decides("missing_follow_up_decide", "Besluta i Saknar återbesök")
    def post(self, request, pk):
        return self.decide(pk)


class DecideNoShow(_Item):
    """POST work-lists/no-shows/{id}/decide/."""

    permissions = {"POST": Permission.DECIDE_CARE}
    model = NoShowItem

    @_decides("no_shows_decide", "Besluta efter ett uteblivet besök")
    def post(self, request, pk):
        return self.decide(pk)


class OutcomeAnswer(Coded):
    """Utfall av besök with its reasons (UT-02…04)."""

    requires_reason = serializers.BooleanField()
    description = serializers.CharField()
    reasons = Coded(many=True)


class Outcomes(Endpoint):
    """GET outcomes/: the four outcomes of a check-out, and the reasons that two of them need."""

    permissions = {"GET": Permission.VIEW_CATALOGUES}

    @operation(
        "outcomes_list",
        "Utfall av besök med orsaker",
        tag="Kataloger",
        answer=page_of("OutcomePage", OutcomeAnswer),
        has_id=False,
    )
    def get(self, request):
        today = local_date(self.at)
        results = [
            {
                "code": row.code,
                "text": row.name,
                "requires_reason": row.requires_reason,
                "description": row.description,
                "reasons": [
                    coded(reason)
                    for reason in sorted(row.reasons.all(), key=lambda reason: reason.position)
                    if (reason.valid_from is None or reason.valid_from <= today)
                    and (reason.valid_to is None or reason.valid_to >= today)
                ],
            }
            for row in Outcome.objects.prefetch_related("reasons")
        ]
        return self.answer({"results": results, "next": None, "previous": None})
