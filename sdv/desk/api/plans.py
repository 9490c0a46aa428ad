"""The rest of a plan cancelled by REST (PL-08, BO-03)."""

from scheduling.api.appointments import AppointmentAnswer, AppointmentEndpoint
from scheduling.api.plans import TAG
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.flows import cancellation

from .moves import CancelBody


class CancelRest(AppointmentEndpoint):
    """POST appointments/{id}/rest/cancel/."""

    permissions = {"POST": Permission.BOOK}

    @operation(
        "appointments_cancel_rest",
        "Avboka bokningen och resten av dess plan",
        tag=TAG,
        body=CancelBody,
        answer=AppointmentAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        self.require_at(pk)
        asked = self.body(CancelBody)
        cancellation.cancel_rest(appointment_id=pk, by=self.actor.user, at=self.at, version=self.version, **asked)
        return self.shown(pk, "resten av planen avbokad")
