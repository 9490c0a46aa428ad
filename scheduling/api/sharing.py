"""Delade väntelistor: take over what waits at another unit of the list (PL-25)."""

from registration.api.coded import RowId
from registration.api.referrals import ReferralAnswer, referral_answer, referral_rows
from registration.models import Referral
from scheduling.actions import sharing
from scheduling.models import BookingRequest
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Fields
from sdv.common.time import local_date
from sdv.organisation.models import CareUnit, sharing_ids

from .booking_requests import TAG, BookingRequestAnswer, booking_request_answer, booking_request_rows


class TakeOverBody(Fields):
    """The unit that takes over; it shares a waiting list with the one where the patient waits."""

    care_unit = RowId(CareUnit)


class _TakeOver(Endpoint):
    permissions = {"POST": Permission.HANDLE_WORK_LISTS}

    def target(self, source):
        """The unit that takes over, where the caller may: 404 where the row cannot be seen from any of the caller's."""
        seen = sharing_ids(list(self.actor.care_unit_ids), local_date(self.at))
        if source not in seen:
            self.require(source)
        unit = self.body(TakeOverBody)["care_unit"]
        self.require_for_body(unit.pk)
        return unit


class TakeOverRequest(_TakeOver):
    """POST booking-requests/{id}/take-over/."""

    @operation(
        "booking_requests_take_over",
        "Ta över från en annan enhet i den delade väntelistan",
        tag=TAG,
        body=TakeOverBody,
        answer=BookingRequestAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        unit = self.target(BookingRequest.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        sharing.take_request(request_id=pk, care_unit=unit, by=self.actor.user, at=self.at, version=self.version)
        row = booking_request_rows(at=self.at).get(pk=pk)
        self.log([row.patient_id], "bokningsbegäran övertagen", care_unit_id=unit.pk, resource_id=pk)
        return self.answer(booking_request_answer(row, on=local_date(self.at)), version=row.version)


class TakeOverReferral(_TakeOver):
    """POST referrals/{id}/take-over/."""

    @operation(
        "referrals_take_over",
        "Ta över en accepterad remiss från en annan enhet i den delade väntelistan",
        tag="Remisser",
        body=TakeOverBody,
        answer=ReferralAnswer,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        unit = self.target(Referral.objects.values_list("care_unit_id", flat=True).get(pk=pk))
        sharing.take_referral(referral_id=pk, care_unit=unit, by=self.actor.user, at=self.at, version=self.version)
        row = referral_rows().get(pk=pk)
        self.log([row.patient_id], "remiss övertagen", care_unit_id=unit.pk, resource_id=pk)
        return self.answer(referral_answer(row, on=local_date(self.at)), version=row.version)
