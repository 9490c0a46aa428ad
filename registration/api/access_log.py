"""Who has read a patient, for those who review it (PDL)."""

from datetime import timedelta

from rest_framework import serializers

from registration import presenters
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.models import AccessAction, AccessLogEntry
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Day, Id, Text
from sdv.common.errors import InputError
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import start_of_day

from .patients import TAG


class AccessLogQuery(PageQuery):
    """Filters of the log: who, at which unit, what was shown, and which days in Stockholm, both of them included."""

    user = Id(required=False)
    care_unit = Id(required=False)
    what = Text(required=False, max_length=60)

    def get_fields(self):
        return super().get_fields() | {"from": Day(required=False), "to": Day(required=False)}


class AccessEntryAnswer(Answer):
    """A reading of the patient: who, when, as which assignment, for what purpose."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    user = serializers.UUIDField()
    by = serializers.CharField()
    role = serializers.CharField(allow_null=True)
    care_unit = serializers.UUIDField(allow_null=True)
    care_unit_name = serializers.CharField(allow_null=True)
    action = serializers.ChoiceField(choices=AccessAction.values)
    what = serializers.CharField()
    purpose = serializers.CharField()
    resource = serializers.UUIDField(allow_null=True)


class AccessLog(Endpoint):
    """GET patients/{id}/access-log/: also of the records merged into it; reading it is itself logged."""

    permissions = {"GET": Permission.VIEW_ACCESS_LOG}

    @operation(
        "patients_access_log",
        "Vem som har läst om patienten",
        tag=TAG,
        query=AccessLogQuery,
        answer=page_of("AccessLogPage", AccessEntryAnswer),
    )
    def get(self, request, pk):
        asked = self.query(AccessLogQuery)
        first, last = asked.get("from"), asked.get("to")
        if first and last and last < first:
            raise InputError(to="Slutdagen kan inte ligga före startdagen.")
        patient = presenters.load(pk)
        rows = AccessLogEntry.objects.about(patient.record_ids()).narrowed(
            **{name: asked.get(name) for name in ("user", "care_unit", "what")},
            first=start_of_day(first) if first else None,
            before=start_of_day(last + timedelta(days=1)) if last else None,
        )
        page = by_cursor(request, rows, asked=asked, field="id", newest_first=True)
        self.log([patient.pk], "åtkomstlogg", resource_id=patient.pk)
        return self.answer(page.answer(_entry))


def _entry(row):
    return {
        "id": str(row.pk),
        "at": moment(row.at),
        "user": str(row.user_id),
        "by": row.user.name,
        "role": row.assignment.role if row.assignment else None,
        "care_unit": str(row.care_unit_id) if row.care_unit_id else None,
        "care_unit_name": row.care_unit.name if row.care_unit else None,
        "action": row.action,
        "what": row.what,
        "purpose": row.purpose,
        "resource": str(row.resource_id) if row.resource_id else None,
    }
