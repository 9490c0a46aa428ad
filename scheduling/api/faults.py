"""Fel i väntelistan: what the daily check found, and who has it (PL-11)."""

from rest_framework import serializers

from registration.api.patients import PatientSummary, summary_of_row, with_identity
from scheduling.actions import faults
from scheduling.faults import REMEDIES
from scheduling.models import FaultKind, ListFault
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Fields
from sdv.common.time import local_date

TAG = "Arbetslistor"


class FaultAnswer(Answer):
    """A fault of a row that waits. It is closed by mending the row."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField()
    patient_summary = PatientSummary()
    care_unit = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=FaultKind.values)
    text = serializers.CharField()
    remedy = serializers.CharField()
    booking_request = serializers.UUIDField(allow_null=True)
    referral = serializers.UUIDField(allow_null=True)
    owner = serializers.CharField(allow_null=True)
    taken_at = serializers.DateTimeField(allow_null=True, help_text="När den ansvariga tog felet.")
    found_on = serializers.DateField()


def fault_rows(rows):
    """Faults with everything that their answer shows, in one query."""
    return with_identity(rows.select_related("patient", "owner"))


def fault_answer(row, *, on):
    return {
        "id": str(row.pk),
        "version": row.version,
        "patient": str(row.patient_id),
        "patient_summary": summary_of_row(row, on=on),
        "care_unit": str(row.care_unit_id),
        "kind": row.kind,
        "text": row.get_kind_display(),
        "remedy": REMEDIES[row.kind],
        "booking_request": str(row.booking_request_id) if row.booking_request_id else None,
        "referral": str(row.referral_id) if row.referral_id else None,
        "owner": row.owner.name if row.owner else None,
        "taken_at": moment(row.taken_at),
        "found_on": day(row.found_on),
    }


class TakeFault(Endpoint):
    """POST list-faults/{id}/take/."""

    permissions = {"POST": Permission.HANDLE_WORK_LISTS}

    @operation(
        "list_faults_take",
        "Ta ett fel som sitt",
        tag=TAG,
        body=Fields,
        answer=FaultAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require(ListFault.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        self.body(Fields)
        faults.assign(fault_id=pk, owner=self.actor.user, by=self.actor.user, at=self.at, version=self.version)
        row = fault_rows(ListFault.objects.all()).get(pk=pk)
        self.log([row.patient_id], "fel i väntelistan", care_unit_id=row.care_unit_id, resource_id=pk)
        return self.answer(fault_answer(row, on=local_date(self.at)), version=row.version)
