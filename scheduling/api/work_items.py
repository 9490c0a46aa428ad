"""Avvakta, Saknar återbesök and Uteblivna: the answer that came, and the decision (UT-04, UT-05, PL-05); outcomes."""

from functools import partial

from rest_framework import serializers

from registration.api.patients import PatientSummary, summary_of_row, with_identity
from scheduling.actions import work_items
from scheduling.models import AwaitedResult, BookingRequest, ItemStatus, MissingFollowUp, NoShowItem, Outcome
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Id, Text
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date

from .follow_ups import FollowUpBody, ending_reason, follow_up_of

TAG = "Arbetslistor"
DECISIONS = [work_items.FOLLOW_UP, work_items.END_COMMITMENT, work_items.NOTHING_MORE]


class DecisionBody(Fields):
    """What comes next: a follow-up, the end of the vårdåtagande with its reason, or nothing more."""

    decision = Choice(choices=DECISIONS)
    follow_up = FollowUpBody(required=False)
    reason = Text(max_length=80, allow_blank=True, required=False)


class PostponeBody(Fields):
    """The new day that the item is watched until."""

    watch_until = Day()


class NoShowQuery(PageQuery):
    """Filters of uteblivna."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=ItemStatus.values, required=False)


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

    def postpone(self, pk):
        self.require_at(pk)
        day_asked = self.body(PostponeBody)["watch_until"]
        work_items.postpone(
            model=self.model, item_id=pk, watch_until=day_asked, by=self.actor.user, at=self.at, version=self.version
        )
        return self.shown(pk, "uppskjuten")


def postpones(name, answer=WorkItemAnswer):
    return operation(
        name,
        "Skjut upp: ny dag som bevakas",
        tag=TAG,
        body=PostponeBody,
        answer=answer,
        is_post=True,
        is_versioned=True,
    )


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


class PostponeAwaited(_Item):
    """POST work-lists/awaiting-result/{id}/postpone/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}
    model = AwaitedResult

    @postpones("awaiting_result_postpone")
    def post(self, request, pk):
        return self.postpone(pk)


class PostponeMissing(_Item):
    """POST work-lists/missing-follow-up/{id}/postpone/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}
    model = MissingFollowUp

    @postpones("missing_follow_up_postpone")
    def post(self, request, pk):
        return self.postpone(pk)


class DecideMissing(_Item):
    """POST work-lists/missing-follow-up/{id}/decide/."""

    permissions = {"POST": Permission.DECIDE_CARE}
    model = MissingFollowUp

    @_decides("missing_follow_up_decide", "Besluta i Saknar återbesök")
    def post(self, request, pk):
        return self.decide(pk)


class NoShowItems(_Item):
    """GET no-show-items/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS}

    @operation(
        "no_show_items_list",
        "Uteblivna att följa upp, och de som är klara",
        tag=TAG,
        query=NoShowQuery,
        answer=page_of("NoShowPage", WorkItemAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(NoShowQuery)
        rows = work_item_rows(NoShowItem.objects.filter(care_unit__in=self.at_units(asked.get("care_unit"))))
        for name in ("patient", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="watch_until")
        self.log([row.patient_id for row in page.rows], "uteblivna", care_unit_id=asked.get("care_unit"))
        return self.answer(page.answer(partial(work_item_answer, on=local_date(self.at))))


class OneNoShowItem(_Item):
    """GET no-show-items/{id}/."""

    permissions = {"GET": Permission.VIEW_WORK_LISTS}
    model = NoShowItem

    @operation("no_show_items_read", "Läs ett uteblivet besök att följa upp", tag=TAG, answer=WorkItemAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk, "uteblivet besök")


class DecideNoShow(_Item):
    """POST no-show-items/{id}/decide/."""

    permissions = {"POST": Permission.DECIDE_CARE}
    model = NoShowItem

    @_decides("no_show_items_decide", "Besluta efter ett uteblivet besök")
    def post(self, request, pk):
        return self.decide(pk)


class PostponeNoShow(_Item):
    """POST no-show-items/{id}/postpone/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}
    model = NoShowItem

    @postpones("no_show_items_postpone")
    def post(self, request, pk):
        return self.postpone(pk)


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
