"""Mitt arbetsflöde: each work list at the caller's units, its rows as the things themselves are answered (UT-07)."""

from functools import partial

from rest_framework import serializers

from classification.waiting import with_coder
from registration import waiting
from registration.api.referrals import ReferralAnswer, referral_answer, referral_rows
from registration.models import Encounter, Referral
from scheduling import faults, promises
from scheduling.api.absences import RebookingAnswer, rebooking_answer, rebooking_rows
from scheduling.api.booking_requests import BookingRequestAnswer, booking_request_answer, booking_request_rows
from scheduling.api.commitments import CommitmentAnswer, commitment_answer, commitment_rows
from scheduling.api.faults import FaultAnswer, fault_answer, fault_rows
from scheduling.api.invitations import InvitationAnswer, invitation_answer, invitation_rows
from scheduling.api.request_filters import ListFilters, by_filters, view_of
from scheduling.api.reviewers import ReferralInTurnAnswer, in_turn_answer
from scheduling.api.work_items import WorkItemAnswer, work_item_answer, work_item_rows
from scheduling.first_bookings import with_booking
from scheduling.models import (
    AwaitedResult,
    BookingRequest,
    ListFault,
    MissingFollowUp,
    NoShowItem,
    OpenInvitation,
    RebookingItem,
)
from scheduling.reviewers import Turn
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import moment
from sdv.common.api_fields import Answer, Flag, Id
from sdv.common.paging import PageQuery, by_cursor
from sdv.common.time import local_date
from sdv.organisation.models import sharing_ids

from .encounters import EncounterRow, encounter_rows, row_answer

TAG = "Arbetslistor"


class WorkListQuery(PageQuery):
    """Filters of a work list."""

    care_unit = Id(required=False)
    patient = Id(required=False)


class SharedListQuery(WorkListQuery):
    """Filters of a list that units may share (PL-25)."""

    shared = Flag(required=False, help_text="Också det som väntar hos enheter som delar väntelista.")


class ReferralListQuery(WorkListQuery):
    """Filters of Remisshantering."""

    reviewer = Id(required=False, help_text="Medarbetaren vars tur det är att granska.")


class RequestListQuery(SharedListQuery, ListFilters):
    """Filters of Bokningsbegäran (BB-01)."""


def _nothing(units, at):
    return {}


def _limits(units, at):
    return {"limits": waiting.limits()}


def work_list(
    name,
    summary,
    rows,
    *,
    field,
    row,
    shown,
    permission=Permission.VIEW_WORK_LISTS,
    beside=_nothing,
    query=WorkListQuery,
):
    """The endpoint GET work-lists/{name}/. `rows(at)` are the list's rows at every unit, most urgent first by `field`;
    `beside(units, at)` is what every row is shown with, read once."""

    class WorkList(Endpoint):
        permissions = {"GET": permission}

        @operation(
            f"work_lists_{name.replace('-', '_')}",
            summary,
            tag=TAG,
            query=query,
            answer=row,
            has_id=False,
        )
        def get(self, request):
            asked = self.query(query)
            view = view_of(asked, self.actor)
            unit = asked.get("care_unit", view.care_unit_id if view else None)
            units = self.at_units(unit)
            if asked.get("shared"):
                units = sharing_ids(list(units), local_date(self.at))
            found = rows(self.at).filter(care_unit__in=units)
            if "patient" in asked:
                found = found.filter(patient=asked["patient"])
            if query is RequestListQuery:
                found = by_filters(found, asked, view, at=self.at, user=self.actor.user)
            known = beside(units, self.at)
            if "reviewer" in asked:
                found = found.filter(known["turn"].is_of(asked["reviewer"]))
            page = by_cursor(request, found, asked=asked, field=field)
            self.log([each.patient_id for each in page.rows], f"lista: {name}", care_unit_id=unit)
            today = local_date(self.at)
            return self.answer(page.answer(partial(shown, on=today, **known)))

    WorkList.__doc__ = f"GET work-lists/{name}/."
    return WorkList


class CodingRow(EncounterRow):
    """A vårdhändelse to code, and who has begun."""

    coder = serializers.CharField(allow_null=True, help_text="Den som senast sparade koder; null där ingen har börjat.")


def coding_row_answer(row, *, on):
    """The vårdhändelse with who codes it."""
    return row_answer(row, on=on) | {"coder": row.coder_name}


class BookingOfReferral(Answer):
    """The time that a remiss already has."""

    id = serializers.UUIDField()
    start = serializers.DateTimeField()


class ReferralToBook(ReferralAnswer):
    """A remiss in Att boka, and the booking that it has: it stays in the list until the patient has come (UT-07)."""

    booking = BookingOfReferral(allow_null=True, help_text="Första bokningen; null där ingen har bokat än.")


def to_book_answer(row, *, on, limits):
    """The remiss with its booking."""
    booking = {"id": str(row.booked_id), "start": moment(row.booked_start)} if row.booked_id else None
    return referral_answer(row, on=on, limits=limits) | {"booking": booking}


_REQUESTS = page_of("WorkListBookingRequestPage", BookingRequestAnswer)
_REFERRALS = page_of("WorkListReferralPage", ReferralToBook)
_IN_TURN = page_of("WorkListReferralInTurnPage", ReferralInTurnAnswer)
_ITEMS = page_of("WorkListItemPage", WorkItemAnswer)
_REBOOKINGS = page_of("WorkListRebookingPage", RebookingAnswer)
_INVITATIONS = page_of("WorkListOpenInvitationPage", InvitationAnswer)
_ENCOUNTERS = page_of("WorkListEncounterPage", EncounterRow)
_CODING = page_of("WorkListCodingPage", CodingRow)
_FAULTS = page_of("WorkListFaultPage", FaultAnswer)
_COMMITMENTS = page_of("WorkListCommitmentPage", CommitmentAnswer)


def _items(model):
    return {
        "rows": lambda at: work_item_rows(model.objects.open()),
        "field": "watch_until",
        "row": _ITEMS,
        "shown": work_item_answer,
    }


def _encounters(kept, field):
    return {
        "rows": lambda at: encounter_rows(kept()),
        "field": field,
        "row": _ENCOUNTERS,
        "shown": row_answer,
    }


LISTS = {
    "booking-requests": {
        "summary": "Bokningsbegäran som väntar",
        "rows": lambda at: booking_request_rows(BookingRequest.objects.waiting(), at=at),
        "field": BookingRequest.URGENCY,
        "row": _REQUESTS,
        "query": RequestListQuery,
        "shown": booking_request_answer,
    },
    "to-book": {
        "summary": "Att boka: accepterade remisser som inte är förbrukade",
        "query": SharedListQuery,
        "rows": lambda at: with_booking(referral_rows(Referral.objects.to_book())),
        "field": Referral.URGENCY,
        "row": _REFERRALS,
        "shown": to_book_answer,
        "beside": _limits,
    },
    "referrals": {
        "summary": "Remisshantering: remisser som väntar på beslut",
        "rows": lambda at: referral_rows(Referral.objects.undecided()),
        "field": Referral.URGENCY,
        "row": _IN_TURN,
        "query": ReferralListQuery,
        "shown": in_turn_answer,
        "beside": lambda units, at: _limits(units, at) | {"turn": Turn(units, at=at)},
        "permission": Permission.VIEW_REFERRALS,
    },
    "awaiting-result": {"summary": "Avvakta"} | _items(AwaitedResult),
    "missing-follow-up": {"summary": "Saknar återbesök"} | _items(MissingFollowUp),
    "no-shows": {"summary": "Uteblivna att följa upp"} | _items(NoShowItem),
    "rebooking": {
        "summary": "Ombokningar: bokningar som en frånvaro träffar (PL-02)",
        "rows": lambda at: rebooking_rows(RebookingItem.objects.open()),
        "field": "watch_until",
        "row": _REBOOKINGS,
        "shown": rebooking_answer,
    },
    "open-invitations": {
        "summary": "Öppna kallelser: patienter som ska boka själva, och de som inte gjort det i tid (PL-26)",
        "rows": lambda at: invitation_rows(OpenInvitation.objects.waiting()),
        "field": "last_day",
        "row": _INVITATIONS,
        "shown": invitation_answer,
    },
    "awaiting-check-out": {"summary": "Ej utcheckade"} | _encounters(Encounter.objects.awaiting_check_out, "start"),
    "coding": {
        "summary": "Att klassificera",
        "rows": lambda at: with_coder(encounter_rows(Encounter.objects.to_code())),
        "field": "end",
        "row": _CODING,
        "shown": coding_row_answer,
        "permission": Permission.CODE,
    },
    "cancelled-not-ended": {"summary": "Avbokade som ska avslutas för hand"}
    | _encounters(Encounter.objects.cancelled_not_ended, "start"),
    "broken-promises": {
        "summary": "Vårdåtaganden utan planering (UT-07)",
        "rows": lambda at: commitment_rows(promises.broken(at=at)),
        "field": "opened_on",
        "row": _COMMITMENTS,
        "shown": commitment_answer,
    },
    "list-faults": {
        "summary": "Fel i väntelistan: vad listans kontroll hittat och inte är åtgärdat (PL-11)",
        "rows": lambda at: fault_rows(faults.standing(ListFault.objects.open(), at=at)),
        "field": "found_on",
        "row": _FAULTS,
        "shown": fault_answer,
    },
}

ENDPOINTS = {name: work_list(name, **parts) for name, parts in LISTS.items()}
