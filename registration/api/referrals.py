"""Remisser: register, read, decide (VA-02, VA-03)."""

from functools import partial

from rest_framework import serializers

from registration import waiting
from registration.actions import referrals
from registration.models import Patient, Referral, ReferralAct, ReferralKind, ReferralStatus
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.models import Practitioner
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Id, Text
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .coded import ProblemCodeCode, RowId
from .patients import PatientSummary, known_patient, summary_of_row, with_identity

TAG = "Remisser"


class ReferralQuery(PageQuery):
    """Filters of remisser."""

    care_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=ReferralStatus.values, required=False)
    kind = Choice(choices=ReferralKind.values, required=False)


class SentQuery(PageQuery):
    """Filters of what the caller's units have sent."""

    sender_unit = Id(required=False)
    patient = Id(required=False)
    status = Choice(choices=ReferralStatus.values, required=False)


class NewReferralBody(Fields):
    """A remiss that arrives at the unit (VA-02). With `sender_unit` it is sent by one of the region's own units, which
    asks for the right there and can follow it in sent-referrals/."""

    patient = Id()
    care_unit = RowId(CareUnit)
    sender_unit = RowId(CareUnit, required=False, allow_null=True)
    addressed_to = RowId(Practitioner, required=False, allow_null=True)
    kind = Choice(choices=ReferralKind.values)
    arrival_date = Day()
    decision_date = Day(required=False)
    referrer = Text(max_length=120, allow_blank=True, required=False)
    problem_code = ProblemCodeCode(required=False)


class CompletionBody(Fields):
    """What has been completed on a remiss that was returned (VA-03)."""

    text = Text(max_length=500, allow_blank=True)


class CorrectionBody(Fields):
    """What was registered wrong, and why (VA-02, PL-13). What is left out stays as it is."""

    kind = Choice(choices=ReferralKind.values, required=False)
    referrer = Text(max_length=120, allow_blank=True, required=False)
    addressed_to = RowId(Practitioner, required=False, allow_null=True)
    decision_date = Day(required=False, allow_null=True)
    arrival_date = Day(required=False)
    reason = Text(max_length=200, allow_blank=True)


class WaitAnswer(Answer):
    """How long the patient has waited (BO-04): until today, or until the first contact or another decision. What is left
    is negative when it has passed, and null where there is no limit or no target date."""

    days = serializers.IntegerField()
    days_left_out = serializers.IntegerField(help_text="Dagar som inte räknas (avvikelser).")
    guarantee_days = serializers.IntegerField(allow_null=True)
    guarantee_left = serializers.IntegerField(allow_null=True)
    is_over_guarantee = serializers.BooleanField()
    target_left = serializers.IntegerField(allow_null=True)
    is_target_passed = serializers.BooleanField()


class ReferralReceiptAnswer(Answer):
    """Who said that the remiss had come, and when."""

    at = serializers.DateTimeField()
    by = serializers.CharField(allow_null=True)


class ReferralChangeAnswer(Answer):
    """A field that was put right: what it was, and what it became."""

    field = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class ReferralEventAnswer(Answer):
    """One step of the trail (VA-03)."""

    act = serializers.ChoiceField(choices=ReferralAct.values)
    reason = serializers.CharField()
    care_unit = serializers.UUIDField(allow_null=True, help_text="Enheten den sändes vidare till.")
    receiver = serializers.CharField(help_text="Mottagaren utanför regionen; tom annars.")
    changes = ReferralChangeAnswer(many=True, help_text="Det som rättades; tom för alla andra steg.")
    at = serializers.DateTimeField()
    by = serializers.CharField(allow_null=True)


class ReferralAnswer(Answer):
    """A remiss or other ground for care."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ReferralKind.values)
    status = serializers.ChoiceField(choices=ReferralStatus.values)
    referrer = serializers.CharField()
    sender_unit = serializers.UUIDField(allow_null=True)
    addressed_to = serializers.UUIDField(allow_null=True)
    receipt = ReferralReceiptAnswer(allow_null=True, help_text="När mottagaren bekräftat att den kommit.")
    forwarded_from = serializers.UUIDField(allow_null=True)
    forwarded_outside = serializers.CharField(help_text="Mottagaren utanför regionen; tom annars.")
    forwarded_on = serializers.DateField(allow_null=True, help_text="Dagen då den sändes utanför regionen.")
    outside_receipt_on = serializers.DateField(
        allow_null=True, help_text="Dagen då mottagaren utanför regionen hade den, enligt mottagaren."
    )
    waiting_since = serializers.DateField(help_text="Dagen då väntan började; den följer med en vidaresänd remiss.")
    wait = WaitAnswer()
    decision_date = serializers.DateField(allow_null=True)
    arrival_date = serializers.DateField()
    review_date = serializers.DateField(allow_null=True)
    medical_target_date = serializers.DateField(allow_null=True)
    days_to_first_contact = serializers.IntegerField(allow_null=True)
    problem_code = Coded(allow_null=True)
    commitment = serializers.UUIDField(allow_null=True)
    decision_reason = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)


def referral_rows(rows=None):
    """Referrals with everything that their answer shows, in one query."""
    rows = Referral.objects.all() if rows is None else rows
    return with_identity(waiting.with_deviations(rows).select_related("patient", "problem_code", "receipt_by"))


def wait_answer(row, *, on, limits):
    wait = waiting.wait_of(row, on=on, limits=limits)
    return {
        "days": wait.days,
        "days_left_out": wait.left_out,
        "guarantee_days": wait.limit,
        "guarantee_left": wait.guarantee_left,
        "is_over_guarantee": wait.is_over_guarantee,
        "target_left": wait.target_left,
        "is_target_passed": wait.is_target_passed,
    }


def referral_answer(row, *, on, limits=None):
    """The answer of one remiss. A list gives the guarantee's `limits`, read once."""
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "kind": row.kind,
        "status": row.status,
        "referrer": row.referrer,
        "sender_unit": str(row.sender_unit_id) if row.sender_unit_id else None,
        "addressed_to": str(row.addressed_to_id) if row.addressed_to_id else None,
        "receipt": {"at": moment(row.receipt_at), "by": row.receipt_by.name if row.receipt_by else None}
        if row.receipt_at
        else None,
        "forwarded_from": str(row.forwarded_from_id) if row.forwarded_from_id else None,
        "forwarded_outside": row.forwarded_outside,
        "forwarded_on": day(row.forwarded_on),
        "outside_receipt_on": day(row.outside_receipt_on),
        "waiting_since": day(row.waiting_since),
        "wait": wait_answer(row, on=on, limits=waiting.limits() if limits is None else limits),
        "decision_date": day(row.decision_date),
        "arrival_date": day(row.arrival_date),
        "review_date": day(row.review_date),
        "medical_target_date": day(row.medical_target_date),
        "days_to_first_contact": row.days_to_first_contact,
        "problem_code": coded(row.problem_code),
        "commitment": str(row.commitment_id) if row.commitment_id else None,
        "decision_reason": row.decision_reason,
        "decided_at": moment(row.decided_at),
    }


def event_answer(event):
    return {
        "act": event.act,
        "reason": event.reason,
        "care_unit": str(event.to_unit_id) if event.to_unit_id else None,
        "receiver": event.to_outside,
        "changes": [
            {"field": name, "before": event.before[name], "after": value}
            for name, value in sorted((event.after or {}).items())
        ],
        "at": moment(event.at),
        "by": event.by.name if event.by else None,
    }


class ReferralEndpoint(Endpoint):
    """What every address of remisser shares."""

    def shown(self, pk, what, *, status=200):
        row = referral_rows().get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(referral_answer(row, on=local_date(self.at)), status=status, version=row.version)

    def require_at(self, pk):
        self.require(Referral.objects.values_list("care_unit_id", flat=True).get(pk=pk))

    def require_at_either_end(self, pk):
        """Who has received the remiss, or who has sent it (VA-03)."""
        at, sender = Referral.objects.values_list("care_unit_id", "sender_unit_id").get(pk=pk)
        is_senders = at not in self.actor.care_unit_ids and sender in self.actor.care_unit_ids
        self.require(sender if is_senders else at)


class NewReferrals(ReferralEndpoint):
    """POST referrals/; what is read there also tells who is in turn to review, which the tidböcker know."""

    permissions = {"POST": Permission.REGISTER_REFERRALS}

    @operation(
        "referrals_create",
        "Registrera en remiss",
        tag=TAG,
        body=NewReferralBody,
        answer=ReferralAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewReferralBody)
        sender = asked.get("sender_unit")
        self.require_for_body((sender or asked["care_unit"]).pk)
        patient_id = asked.pop("patient")
        try:
            referral = referrals.register(patient_id=patient_id, **asked, by=self.actor.user, at=self.at)
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(referral.pk, "remiss registrerad", status=201)


class SentReferrals(ReferralEndpoint):
    """GET sent-referrals/."""

    permissions = {"GET": Permission.VIEW_REFERRALS}

    @operation(
        "referrals_sent",
        "Remisser som enheten har sänt: mottagna eller inte, och vad som beslutats",
        tag=TAG,
        query=SentQuery,
        answer=page_of("SentReferralPage", ReferralAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(SentQuery)
        rows = referral_rows(Referral.objects.sent_by(*self.at_units(asked.get("sender_unit"))))
        for name in ("patient", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="arrival_date")
        self.log([row.patient_id for row in page.rows], "sända remisser", care_unit_id=asked.get("sender_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(partial(referral_answer, on=today, limits=waiting.limits())))


class ReferralEvents(ReferralEndpoint):
    """GET referrals/{id}/events/."""

    permissions = {"GET": Permission.VIEW_REFERRALS}

    @operation(
        "referrals_events",
        "Remissens väg: varje steg med skäl, tidpunkt och vem",
        tag=TAG,
        query=PageQuery,
        answer=page_of("ReferralEventPage", ReferralEventAnswer),
    )
    def get(self, request, pk):
        self.require_at_either_end(pk)
        asked = self.query(PageQuery)
        row = Referral.objects.only("patient_id", "care_unit_id").get(pk=pk)
        page = by_cursor(request, row.events.select_related("by"), asked=asked, field="id")
        self.log([row.patient_id], "remissens väg", care_unit_id=row.care_unit_id, resource_id=pk)
        return self.answer(page.answer(event_answer))


class ConfirmReferral(ReferralEndpoint):
    """POST referrals/{id}/receipt/."""

    permissions = {"POST": Permission.REGISTER_REFERRALS}

    @operation(
        "referrals_receipt",
        "Bekräfta att remissen har kommit",
        tag=TAG,
        body=Fields,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        self.body(Fields)
        referrals.confirm(referral_id=pk, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "remiss bekräftad")


class OutsideReceiptBody(Fields):
    """When the receiver outside the region had the remiss."""

    received_on = Day(required=False, help_text="I dag, om inget anges.")


class ConfirmReferralOutside(ReferralEndpoint):
    """POST referrals/{id}/outside-receipt/."""

    permissions = {"POST": Permission.REGISTER_REFERRALS}

    @operation(
        "referrals_outside_receipt",
        "Anteckna att mottagaren utanför regionen har bekräftat remissen",
        tag=TAG,
        body=OutsideReceiptBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at_either_end(pk)
        asked = self.body(OutsideReceiptBody)
        referrals.confirm_outside(referral_id=pk, **asked, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "remiss bekräftad")


class CompleteReferral(ReferralEndpoint):
    """POST referrals/{id}/complete/."""

    permissions = {"POST": Permission.REGISTER_REFERRALS}

    @operation(
        "referrals_complete",
        "Komplettera en returnerad remiss",
        tag=TAG,
        body=CompletionBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at_either_end(pk)
        text = self.body(CompletionBody)["text"]
        referrals.complete(referral_id=pk, text=text, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "remiss kompletterad")
