"""Vårdåtaganden: list, open, close, reopen (VA-01, UT-03)."""

from rest_framework import serializers

from registration.api.coded import ProblemCodeCode, RowId
from registration.api.patients import PatientSummary, known_patient, summary_of_row, with_identity
from registration.models import CareCommitment, CommitmentStatus, Patient
from scheduling import pathway
from scheduling.actions import commitments
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import coded, day
from sdv.common.api_fields import Answer, Choice, Fields, Id, Text
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit

from .follow_ups import ending_reason

TAG = "Vårdåtaganden"


class CommitmentQuery(PageQuery):
    """Filters of vårdåtaganden."""

    patient = Id(required=False)
    care_unit = Id(required=False)
    status = Choice(choices=CommitmentStatus.values, required=False)


class NewCommitmentBody(Fields):
    """A vårdåtagande opened directly, on a ground of kind V; joins the one there is (VA-01)."""

    patient = Id()
    care_unit = RowId(CareUnit)
    problem_code = ProblemCodeCode()


class CloseCommitmentBody(Fields):
    """Why it ends: the code of a reason (see outcomes/), or words (UT-03)."""

    reason = Text(max_length=80, allow_blank=True)


class ReopenCommitmentBody(Fields):
    """Why it is opened again."""

    reason = Text(max_length=200, allow_blank=True, required=False)


class CommitmentAnswer(Answer):
    """Vårdåtagande: one health problem at one unit."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    problem_code = Coded()
    status = serializers.ChoiceField(choices=CommitmentStatus.values)
    opened_on = serializers.DateField()
    closed_on = serializers.DateField(allow_null=True)
    close_reason = serializers.CharField()


class PathwayAnswer(Answer):
    """A point of the line, or an idle gap: then `days` says how long, and `date` when it began."""

    kind = serializers.ChoiceField(choices=["point", "gap"])
    date = serializers.DateField()
    text = serializers.CharField()
    is_ahead = serializers.BooleanField(help_text="Planerat, inte hänt.")
    days = serializers.IntegerField(allow_null=True)


def pathway_answer(each):
    if isinstance(each, pathway.Gap):
        words = f"{each.days} dagar utan händelse"
        return {"kind": "gap", "date": day(each.first), "text": words, "is_ahead": False, "days": each.days}
    return {"kind": "point", "date": day(each.day), "text": each.what, "is_ahead": each.is_ahead, "days": None}


def commitment_rows(rows=None):
    """Vårdåtaganden with everything that their answer shows, in one query."""
    rows = CareCommitment.objects.all() if rows is None else rows
    return with_identity(rows.select_related("patient", "problem_code"))


def commitment_answer(row, *, on):
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "problem_code": coded(row.problem_code),
        "status": row.status,
        "opened_on": day(row.opened_on),
        "closed_on": day(row.closed_on),
        "close_reason": row.close_reason,
    }


class _Commitment(Endpoint):
    def shown(self, pk, what, *, status=200):
        row = commitment_rows().get(pk=pk)
        self.log([row.patient_id], what, care_unit_id=row.care_unit_id, resource_id=row.pk)
        return self.answer(commitment_answer(row, on=local_date(self.at)), status=status, version=row.version)

    def require_at(self, pk):
        self.require(CareCommitment.objects.values_list("care_unit_id", flat=True).get(pk=pk))


class Commitments(_Commitment):
    """GET and POST commitments/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS, "POST": Permission.DECIDE_CARE}

    @operation(
        "commitments_list",
        "Vårdåtaganden vid enheten, senast öppnade först",
        tag=TAG,
        query=CommitmentQuery,
        answer=page_of("CommitmentPage", CommitmentAnswer),
        has_id=False,
    )
    def get(self, request):
        asked = self.query(CommitmentQuery)
        rows = commitment_rows().filter(care_unit__in=self.at_units(asked.get("care_unit")))
        for name in ("patient", "status"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        page = by_cursor(request, rows, asked=asked, field="opened_on", newest_first=True)
        self.log([row.patient_id for row in page.rows], "vårdåtaganden", care_unit_id=asked.get("care_unit"))
        today = local_date(self.at)
        return self.answer(page.answer(lambda row: commitment_answer(row, on=today)))

    @operation(
        "commitments_create",
        "Öppna ett vårdåtagande",
        tag=TAG,
        body=NewCommitmentBody,
        answer=CommitmentAnswer,
        status=201,
        is_post=True,
        has_id=False,
    )
    def post(self, request):
        asked = self.body(NewCommitmentBody)
        self.require_for_body(asked["care_unit"].pk)
        try:
            opened = commitments.open_for(patient_id=asked.pop("patient"), **asked, by=self.actor.user, at=self.at)
        except Patient.DoesNotExist:
            raise known_patient() from None
        return self.shown(opened.pk, "vårdåtagande öppnat", status=201)


class OneCommitment(_Commitment):
    """GET commitments/{id}/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

    @operation("commitments_read", "Läs ett vårdåtagande", tag=TAG, answer=CommitmentAnswer)
    def get(self, request, pk):
        self.require_at(pk)
        return self.shown(pk, "vårdåtagande")


class CommitmentPathway(_Commitment):
    """GET commitments/{id}/pathway/."""

    permissions = {"GET": Permission.VIEW_ENCOUNTERS}

    @operation(
        "commitments_pathway",
        "Vårdåtagandets förlopp med sina uppehåll",
        tag=TAG,
        answer=page_of("PathwayPage", PathwayAnswer),
    )
    def get(self, request, pk):
        self.require_at(pk)
        row = CareCommitment.objects.filter(pk=pk, care_unit__in=self.actor.care_unit_ids).get()
        self.log([row.patient_id], "vårdåtagandets förlopp", care_unit_id=row.care_unit_id, resource_id=pk)
        line = pathway.lines([row], at=self.at)[row.pk]
        return self.answer({"results": [pathway_answer(each) for each in line], "next": None, "previous": None})


class CloseCommitment(_Commitment):
    """POST commitments/{id}/close/."""

    permissions = {"POST": Permission.DECIDE_CARE}

    @operation(
        "commitments_close",
        "Avsluta ett vårdåtagande",
        tag=TAG,
        body=CloseCommitmentBody,
        answer=CommitmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = ending_reason(self.body(CloseCommitmentBody)["reason"], at=self.at)
        commitments.close_by_id(commitment_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "vårdåtagande avslutat")


class ReopenCommitment(_Commitment):
    """POST commitments/{id}/reopen/."""

    permissions = {"POST": Permission.DECIDE_CARE}

    @operation(
        "commitments_reopen",
        "Öppna ett avslutat vårdåtagande igen",
        tag=TAG,
        body=ReopenCommitmentBody,
        answer=CommitmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        reason = self.body(ReopenCommitmentBody).get("reason", "")
        commitments.reopen(commitment_id=pk, reason=reason, by=self.actor.user, at=self.at, version=self.version)
        return self.shown(pk, "vårdåtagande öppnat igen")
